//! Where the results of a beat are written.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr;
use spikegate_contract::timing::{beat, entry};

use crate::control::beat::Beat;
use crate::control::quarter::Quarter;
use crate::lang::*;
use crate::parts::skew::Skew;

bundle! {
    /// Where a beat's channel and pixel lie.
    pub struct Place, held by PlaceRegister, delayed by PlaceDelay {
        /// Word offset in a map with time passes.
        offset: u(20),
        /// Channel group.
        group: u(10),
        /// Slot row.
        row: u(6),
    }
}

/// Addresses of the write back, a fixed time behind the entry into the neurons.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, start | in | 1 | clock; a layer begins |
/// | entering | in | | the beat whose neurons are entered next |
/// | spike_base, stream_base, stream_on, stream_half, count, out_w | in | | instruction fields |
/// | quarter | in | 1 | instruction flag `stream_quarter` |
/// | place | out | | offset, group and row of the channel written back |
/// | spike_address, stream_address | out | 20 | where its spikes go; where its stream or count goes |
/// | writes_stream | out | 1 | its stream or count is kept on chip |
#[derive(LogicBlock)]
pub struct WriteBack {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub start: Signal<In, Bit>,
    pub entering: Beat<In>,
    pub spike_base: Sig<In>,
    pub stream_base: Sig<In>,
    pub stream_on: Sig<In>,
    pub stream_half: Sig<In>,
    pub count: Sig<In>,
    pub out_w: Sig<In>,
    pub quarter: Signal<In, Bit>,
    pub place: Place<Out>,
    pub spike_address: Sig<Out>,
    pub stream_address: Sig<Out>,
    pub writes_stream: Signal<Out, Bit>,
    delay: PlaceDelay,
    half_offset: Sig<Local>,
    next_pixel: Optional<Skew>,
    kept: Optional<Quarter>,
    one: Const,
    zero: Const,
}

impl WriteBack {
    /// The unit of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let f = |name: &str| Sig::new(u(instr::width(name)));
        let spills = array.spill_depth > 0;
        let cycles = beat::ENTRY - beat::VALUE + entry::WRITE + array.lanes;
        Self {
            doc: doc!("write_back.rs", WriteBack),
            clk: Default::default(),
            start: Default::default(),
            entering: Default::default(),
            spike_base: f("spike_base"),
            stream_base: f("stream_base"),
            stream_on: f("stream_on"),
            stream_half: f("stream_half"),
            count: f("count"),
            out_w: f("out_w"),
            quarter: Default::default(),
            place: Default::default(),
            spike_address: Sig::new(u(20)),
            stream_address: Sig::new(u(20)),
            writes_stream: Default::default(),
            delay: PlaceDelay::new(cycles),
            half_offset: Sig::new(u(20)),
            // A pixel's quarter is known in the cycle before its first word.
            next_pixel: Optional::new(spills, || Skew::new(u(1), cycles - 1)),
            kept: Optional::new(spills, Quarter::new),
            one: Const::new(u(1), 1),
            zero: Const::new(u(1), 0),
        }
    }
}

impl Logic for WriteBack {
    #[hdl_gen]
    fn update(&mut self) {
        self.delay.clk.next = self.clk.val();
        self.delay.x.offset.next = self.entering.time_offset.val();
        self.delay.x.group.next = self.entering.group.val();
        self.delay.x.row.next = self.entering.row.val();
        Place::join(&mut self.delay.y, &mut self.place);
        self.spike_address.next = self.spike_base.val() + self.delay.y.offset.val();

        // The stream: every word, the even columns, or what a convolution of stride 2 reads; or counts.
        self.half_offset.next = self.delay.y.offset.val() >> self.one.val();
        self.stream_address.next = self.stream_base.val() + self.delay.y.offset.val();
        self.writes_stream.next = self.stream_on.val().get_bit(0) | self.count.val().get_bit(0);
        if self.stream_half.val().get_bit(0) {
            self.stream_address.next = self.stream_base.val() + self.half_offset.val();
            if self.delay.y.offset.val().get_bit(0) {
                self.writes_stream.next = false;
            }
        }
        for p in 0..self.kept.count() {
            self.next_pixel[p].clk.next = self.clk.val();
            self.next_pixel[p].x.next = (self.entering.valid.val().get_bit(0)
                & self.entering.first_time.val().get_bit(0)
                & (self.entering.column.val() == self.zero.val())
                & (self.entering.lane.val() == self.zero.val()))
            .into();
            self.kept[p].clk.next = self.clk.val();
            self.kept[p].start.next = self.start.val();
            self.kept[p].out_w.next = self.out_w.val();
            self.kept[p].pixel.next = self.next_pixel[p].y.val().get_bit(0);
            self.kept[p].offset.next = self.delay.y.offset.val();
            if self.quarter.val() {
                self.stream_address.next = self.stream_base.val() + self.kept[p].kept.val();
                if !self.kept[p].keep.val() {
                    self.writes_stream.next = false;
                }
            }
        }
        if self.count.val().get_bit(0) {
            self.stream_address.next = self.stream_base.val() + self.delay.y.group.val();
        }
    }
}
