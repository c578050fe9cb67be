//! Residual addition and the neurons of a post lane, timestep behind timestep.

use crate::lang::*;
use crate::parts::choose::Choose;
use crate::parts::skew::Skew;
use crate::post::neuron::Neuron;

/// The neurons of one post lane: every lane is a timestep, computed one cycle after the lane before it.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | y_l, residual_l, gate_y_l | in | 16 | requantised sums, residual stream, gated values; stage X |
/// | use_gate, use_residual | in | 1 | input is gate_y, or y plus residual saturated to 16 bits, else y; static |
/// | leak_shift, fire_ge, threshold | in | 4, 1, 16 | neuron constants; static |
/// | subtracts | in | 1 | of arrays with neurons of their own: a spike takes the threshold off the membrane; static |
/// | valid | in | 1 | a channel enters, stage X |
/// | entry | in | 6 | which of the lane's channels |
/// | first_time | in | 1 | its membranes start at 0 |
/// | count_first | in | 1 | its spike count starts at 0 |
/// | mask | in | L | timesteps that exist |
/// | write | out | 1 | the outputs below hold a channel, stage X + 2 + L |
/// | spikes | out | L | masked spikes |
/// | stream_l | out | 16 | the neurons' inputs |
/// | count | out | 16 | spikes of this entry since `count_first`, this word included |
/// | popcount | out | 5 | spikes in this word |
///
/// An entry may come again `L + 3` cycles later or more; its membrane continues unless `first_time` is set.
#[derive(LogicBlock)]
pub struct LifLane {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub y: Vec<Sig<In>>,
    pub residual: Vec<Sig<In>>,
    pub gate_y: Vec<Sig<In>>,
    pub use_gate: Signal<In, Bit>,
    pub use_residual: Signal<In, Bit>,
    pub leak_shift: Sig<In>,
    pub fire_ge: Signal<In, Bit>,
    pub threshold: Sig<In>,
    pub subtracts: Optional<Signal<In, Bit>>,
    pub valid: Signal<In, Bit>,
    pub entry: Sig<In>,
    pub first_time: Signal<In, Bit>,
    pub count_first: Signal<In, Bit>,
    pub mask: Sig<In>,
    pub write: Signal<Out, Bit>,
    pub spikes: Sig<Out>,
    pub stream: Vec<Sig<Out>>,
    pub count: Sig<Out>,
    pub popcount: Sig<Out>,
    sum: Vec<Sig<Local>>,
    x: Vec<Dff>,
    skew_in: Vec<Skew>,
    skew_out: Vec<Skew>,
    skew_fire: Vec<Skew>,
    neuron: Vec<Neuron>,
    valid1: Dff,
    entry1: Dff,
    late_valid: Skew,
    early_entry: Skew,
    late_entry: Dff,
    late_count: Skew,
    late_mask: Skew,
    membrane: Vec<Dff>,
    stored: Choose,
    start: Dff,
    counter: Vec<Dff>,
    counted: Choose,
    before: Dff,
    fired: Vec<Signal<Local, Bit>>,
    joined: Vec<Sig<Local>>,
    population: Vec<Sig<Local>>,
    total: Sig<Local>,
    write_held: Dff,
    spikes_held: Dff,
    count_held: Dff,
    popcount_held: Dff,
    max16: Const,
    min16: Const,
    one: Const,
    _lanes: usize,
    _links: usize,
    _entries: usize,
    _end: usize,
}

impl LifLane {
    /// Neurons for `lanes` timesteps at a time of `entries` channels, which can subtract if they are of their `own` kind.
    pub fn new(lanes: usize, entries: usize, own: bool) -> Self {
        let s16 = || -> Vec<Sig<In>> { (0..lanes).map(|_| Sig::new(s(16))).collect() };
        Self {
            doc: doc!("lif.rs", LifLane),
            clk: Default::default(),
            y: s16(),
            residual: s16(),
            gate_y: s16(),
            use_gate: Default::default(),
            use_residual: Default::default(),
            leak_shift: Sig::new(u(4)),
            fire_ge: Default::default(),
            threshold: Sig::new(s(16)),
            subtracts: Optional::new(own, Default::default),
            valid: Default::default(),
            entry: Sig::new(u(6)),
            first_time: Default::default(),
            count_first: Default::default(),
            mask: Sig::new(u(lanes)),
            write: Default::default(),
            spikes: Sig::new(u(lanes)),
            stream: (0..lanes).map(|_| Sig::new(s(16))).collect(),
            count: Sig::new(u(16)),
            popcount: Sig::new(u(5)),
            sum: (0..lanes).map(|_| Sig::new(s(17))).collect(),
            x: (0..lanes).map(|_| Dff::new(s(16))).collect(),
            skew_in: (0..lanes).map(|l| Skew::new(s(16), l)).collect(),
            skew_out: (0..lanes).map(|l| Skew::new(s(16), lanes + 1 - l)).collect(),
            skew_fire: (0..lanes).map(|l| Skew::new(u(1), lanes - 1 - l)).collect(),
            neuron: (0..lanes).map(|_| Neuron::new(own)).collect(),
            valid1: Dff::new(u(1)),
            entry1: Dff::new(u(6)),
            late_valid: Skew::new(u(1), lanes),
            early_entry: Skew::new(u(6), lanes - 1),
            late_entry: Dff::new(u(6)),
            late_count: Skew::new(u(1), lanes),
            late_mask: Skew::new(u(lanes), lanes + 1),
            membrane: (0..entries).map(|_| Dff::new(s(16))).collect(),
            stored: Choose::new(entries, s(16), 6),
            start: Dff::new(s(16)),
            counter: (0..entries).map(|_| Dff::new(u(16))).collect(),
            counted: Choose::new(entries, u(16), 6),
            before: Dff::new(u(16)),
            fired: vec![Default::default(); lanes],
            joined: (0..lanes + 1).map(|_| Sig::new(u(lanes))).collect(),
            population: (0..lanes + 1).map(|_| Sig::new(u(5))).collect(),
            total: Sig::new(u(16)),
            write_held: Dff::new(u(1)),
            spikes_held: Dff::new(u(lanes)),
            count_held: Dff::new(u(16)),
            popcount_held: Dff::new(u(5)),
            max16: Const::new(s(16), 32767),
            min16: Const::new(s(16), -32768),
            one: Const::new(u(1), 1),
            _lanes: lanes,
            _links: lanes - 1,
            _entries: entries,
            _end: lanes + 1,
        }
    }
}

impl Logic for LifLane {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, valid1, entry1, start, late_entry, before);
        dff_setup!(self, clk, write_held, spikes_held, count_held, popcount_held);

        // X -> X+1: the neurons' inputs.
        for l in 0..self._lanes {
            self.sum[l].next = self.y[l].val() + self.residual[l].val();
            self.x[l].clock.next = self.clk.val();
            self.x[l].d.next = self.y[l].val();
            if self.use_residual.val() {
                self.x[l].d.next = self.sum[l].val();
                if self.sum[l].val().get_bit(16) ^ self.sum[l].val().get_bit(15) {
                    self.x[l].d.next = self.max16.val();
                    if self.sum[l].val().get_bit(16) {
                        self.x[l].d.next = self.min16.val();
                    }
                }
            }
            if self.use_gate.val() {
                self.x[l].d.next = self.gate_y[l].val();
            }
        }
        self.valid1.d.next = self.valid.val().into();
        self.entry1.d.next = self.entry.val();

        // The first lane, at X+1, continues with the entry's stored membrane.
        self.stored.index.next = self.entry.val();
        self.counted.index.next = self.early_entry.y.val();
        for e in 0..self._entries {
            self.stored.x[e].next = self.membrane[e].q.val();
            self.counted.x[e].next = self.counter[e].q.val();
        }
        self.start.d.next = 0.into();
        if !self.first_time.val() {
            self.start.d.next = self.stored.y.val();
        }
        self.neuron[0].v.next = self.start.q.val();

        // X+1+l: lane l.
        for l in 0..self._links {
            self.neuron[l + 1].v.next = self.neuron[l].v_next.val();
        }
        for l in 0..self._lanes {
            self.skew_in[l].clk.next = self.clk.val();
            self.skew_in[l].x.next = self.x[l].q.val();
            self.neuron[l].clk.next = self.clk.val();
            self.neuron[l].x.next = self.skew_in[l].y.val();
            self.neuron[l].leak_shift.next = self.leak_shift.val();
            self.neuron[l].fire_ge.next = self.fire_ge.val();
            self.neuron[l].threshold.next = self.threshold.val();
            for p in 0..self.subtracts.count() {
                self.neuron[l].subtracts[p].next = self.subtracts[p].val();
            }
            self.skew_out[l].clk.next = self.clk.val();
            self.skew_out[l].x.next = self.skew_in[l].y.val();
            self.stream[l].next = self.skew_out[l].y.val();
            self.skew_fire[l].clk.next = self.clk.val();
            self.skew_fire[l].x.next = self.neuron[l].fire.val().into();
        }

        // X+1+L: the last lane is done; its membrane is stored, spikes are joined and counted. The count so far was
        // taken a cycle before.
        self.late_valid.clk.next = self.clk.val();
        self.early_entry.clk.next = self.clk.val();
        self.late_count.clk.next = self.clk.val();
        self.late_mask.clk.next = self.clk.val();
        self.late_valid.x.next = self.valid1.q.val();
        self.early_entry.x.next = self.entry1.q.val();
        self.late_entry.d.next = self.early_entry.y.val();
        self.late_count.x.next = self.count_first.val().into();
        self.late_mask.x.next = self.mask.val();
        self.joined[0].next = 0.into();
        self.population[0].next = 0.into();
        for l in 0..self._lanes {
            self.fired[l].next = self.skew_fire[l].y.val().get_bit(0) & self.late_mask.y.val().get_bit(l);
            self.joined[l + 1].next = self.joined[l].val();
            self.population[l + 1].next = self.population[l].val();
            if self.fired[l].val() {
                self.joined[l + 1].next = self.joined[l].val() | (self.one.val() << l.into());
                self.population[l + 1].next = self.population[l].val() + self.one.val();
            }
        }
        self.before.d.next = 0.into();
        if !self.late_count.y.val().get_bit(0) {
            self.before.d.next = self.counted.y.val();
        }
        for l in self._lanes..self._end {
            self.total.next = self.before.q.val() + self.population[l].val();
            self.spikes_held.d.next = self.joined[l].val();
            self.popcount_held.d.next = self.population[l].val();
        }
        for e in 0..self._entries {
            self.membrane[e].clock.next = self.clk.val();
            self.membrane[e].d.next = self.membrane[e].q.val();
            self.counter[e].clock.next = self.clk.val();
            self.counter[e].d.next = self.counter[e].q.val();
            if self.late_valid.y.val().get_bit(0) & (self.late_entry.q.val() == e.into()) {
                self.counter[e].d.next = self.total.val();
                for l in self._links..self._lanes {
                    self.membrane[e].d.next = self.neuron[l].v_next.val();
                }
            }
        }
        self.write_held.d.next = self.late_valid.y.val();
        self.count_held.d.next = self.total.val();

        // X+2+L: write back.
        self.write.next = self.write_held.q.val().get_bit(0);
        self.spikes.next = self.spikes_held.q.val();
        self.count.next = self.count_held.q.val();
        self.popcount.next = self.popcount_held.q.val();
    }
}
