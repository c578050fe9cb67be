//! Fetches instructions and runs them one after the other.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{self, Opcode, Source};

use crate::lang::*;
use crate::parts::guard::Guard;

/// The instruction sequencer.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset (the instruction memory keeps its words) |
/// | load, load_address, load_data | in | 1, 20, 32 | write the instruction memory |
/// | image | in | 1 | an image waits in the patches |
/// | conv_finished | in | 1 | the window unit has issued the layer's last word |
/// | temporal_done, dump_done, finish_done | in | 1 | these units are done |
/// | field_k | out | | fields of the instruction in the order of `contract::instr::layout` |
/// | start_conv, start_temporal, start_dump, start_finish | out | 1 | one cycle, fields are valid |
/// | release | out | 1 | one cycle: the image patches are free |
/// | start_move, move_done | out, in | 1 | as of the others, where maps can be moved |
/// | fill, fill_address, fill_data | in | 1, 20, 32 | of a move: a word comes; where it goes if it is an instruction's |
/// | settled | in | 1 | no weight word can be requested or is under way |
/// | begin, image_number | out | 1, 4 | one cycle: an image is taken up; which one of the batch |
/// | first | out | 1 | the image taken up is the first of the batch |
/// | busy | out | 1 | an instruction runs whose cycles count (not a dump, not a result packet, not the wait for an image) |
/// | index | out | 16 | number of the instruction |
/// | cycle_write, cycle_data | out | 1, 32 | cycles of instruction `index`, from its fetch to the next fetch |
/// | bad_opcode | out | 1 | one cycle: unknown operation; the program starts again with the next image |
/// | wrong | out | 1 | with parity: a word of the instruction has flipped, a cycle after it came |
///
/// The phases: idle (until an image waits), fetch (`words + 1` cycles), start (1 cycle), run (until the unit is
/// done), and for a convolution flush (`flush_cycles`, until every write has landed). An instruction whose length the
/// host decides ends in settle, when the weights fetched ahead have come: what follows does not depend on its length.
#[derive(LogicBlock)]
pub struct Sequencer {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub load: Signal<In, Bit>,
    pub load_address: Sig<In>,
    pub load_data: Sig<In>,
    pub image: Signal<In, Bit>,
    pub settled: Signal<In, Bit>,
    pub conv_finished: Signal<In, Bit>,
    pub temporal_done: Signal<In, Bit>,
    pub dump_done: Signal<In, Bit>,
    pub finish_done: Signal<In, Bit>,
    pub field: Vec<Sig<Out>>,
    pub start_conv: Signal<Out, Bit>,
    pub start_temporal: Signal<Out, Bit>,
    pub start_dump: Signal<Out, Bit>,
    pub start_finish: Signal<Out, Bit>,
    pub release: Signal<Out, Bit>,
    pub start_move: Optional<Signal<Out, Bit>>,
    pub move_done: Optional<Signal<In, Bit>>,
    pub fill: Optional<Signal<In, Bit>>,
    pub fill_address: Optional<Sig<In>>,
    pub fill_data: Optional<Sig<In>>,
    pub begin: Signal<Out, Bit>,
    pub first: Signal<Out, Bit>,
    pub image_number: Sig<Out>,
    pub busy: Signal<Out, Bit>,
    pub index: Sig<Out>,
    pub cycle_write: Signal<Out, Bit>,
    pub cycle_data: Sig<Out>,
    pub bad_opcode: Signal<Out, Bit>,
    pub wrong: Optional<Signal<Out, Bit>>,
    guard: Optional<Guard>,
    memory: Ram,
    phase: Dff,
    address: Dff,
    word: Dff,
    number: Dff,
    elapsed: Dff,
    remaining: Dff,
    held: Vec<Dff>,
    shifted: Vec<Sig<Local>>,
    op: Sig<Local>,
    drain_period: Sig<Local>,
    releases: Signal<Local, Bit>,
    more: Signal<Local, Bit>,
    reading: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    unit_done: Signal<Local, Bit>,
    ended: Signal<Local, Bit>,
    looped: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    held_up: Signal<Local, Bit>,
    timed: Signal<Local, Bit>,
    next_elapsed: Sig<Local>,
    lsb: Vec<Const>,
    word_of: Vec<Const>,
    idle: Const,
    fetch: Const,
    start: Const,
    run: Const,
    flush: Const,
    settle: Const,
    zero: Const,
    one: Const,
    words: Const,
    flush_cycles: Const,
    op_conv: Const,
    op_temporal: Const,
    op_dump: Const,
    op_finish: Const,
    op_take: Const,
    op_move: Optional<Const>,
    source_program: Optional<Const>,
    page_base: Optional<Sig<Local>>,
    pages: Optional<Signal<Local, Bit>>,
    _fields: usize,
    _op: usize,
    _op_end: usize,
    _drain_period: usize,
    _drain_period_end: usize,
    _release: usize,
    _release_end: usize,
    _source: usize,
    _source_end: usize,
    _source_base: usize,
    _source_base_end: usize,
    _images: usize,
    _images_end: usize,
    _image: usize,
    _image_end: usize,
}

fn position(name: &str) -> usize {
    instr::plain_layout()
        .iter()
        .position(|f| f.name == name)
        .unwrap_or_else(|| panic!("no instruction field {name}"))
}

impl Sequencer {
    /// The sequencer of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let fields = array.fields();
        let phase = |v: i64| Const::new(u(3), v);
        let op = |v: Opcode| Const::new(u(3), v as i64);
        Self {
            doc: doc!("sequencer.rs", Sequencer),
            clk: Default::default(),
            clear: Default::default(),
            load: Default::default(),
            load_address: Sig::new(u(20)),
            load_data: Sig::new(u(32)),
            image: Default::default(),
            settled: Default::default(),
            conv_finished: Default::default(),
            temporal_done: Default::default(),
            dump_done: Default::default(),
            finish_done: Default::default(),
            field: fields.iter().map(|f| Sig::new(u(f.width))).collect(),
            start_conv: Default::default(),
            start_temporal: Default::default(),
            start_dump: Default::default(),
            start_finish: Default::default(),
            release: Default::default(),
            start_move: Optional::new(array.moves, Default::default),
            move_done: Optional::new(array.moves, Default::default),
            fill: Optional::new(array.moves, Default::default),
            fill_address: Optional::new(array.moves, || Sig::new(u(20))),
            fill_data: Optional::new(array.moves, || Sig::new(u(32))),
            begin: Default::default(),
            first: Default::default(),
            image_number: Sig::new(u(instr::width("image"))),
            busy: Default::default(),
            index: Sig::new(u(16)),
            cycle_write: Default::default(),
            cycle_data: Sig::new(u(32)),
            bad_opcode: Default::default(),
            wrong: Optional::new(array.parity, Default::default),
            guard: Optional::new(array.parity, || Guard::new(&[u(32)], 1)),
            memory: Ram::guarded(1, u(32), array.instr_depth, array.parity),
            phase: Dff::new(u(3)),
            address: Dff::new(u(16)),
            word: Dff::new(u(6)),
            number: Dff::new(u(16)),
            elapsed: Dff::new(u(32)),
            remaining: Dff::new(u(14)),
            held: fields.iter().map(|f| Dff::new(u(f.width))).collect(),
            shifted: fields.iter().map(|f| Sig::new(u(f.width))).collect(),
            op: Sig::new(u(3)),
            drain_period: Sig::new(u(instr::width("drain_period"))),
            releases: Default::default(),
            more: Default::default(),
            reading: Default::default(),
            known: Default::default(),
            unit_done: Default::default(),
            ended: Default::default(),
            looped: Default::default(),
            taken: Default::default(),
            held_up: Default::default(),
            timed: Default::default(),
            next_elapsed: Sig::new(u(32)),
            lsb: fields.iter().map(|f| Const::new(u(5), f.lsb as i64)).collect(),
            word_of: fields.iter().map(|f| Const::new(u(6), f.word as i64 + 1)).collect(),
            idle: phase(0),
            fetch: phase(1),
            start: phase(2),
            run: phase(3),
            flush: phase(4),
            settle: phase(5),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            words: Const::new(u(6), instr::words() as i64),
            flush_cycles: Const::new(u(14), array.flush_cycles(0) as i64 - 1),
            op_conv: op(Opcode::Conv),
            op_temporal: op(Opcode::Temporal),
            op_dump: op(Opcode::Dump),
            op_finish: op(Opcode::Finish),
            op_take: op(Opcode::Take),
            op_move: Optional::new(array.moves, || op(Opcode::Move)),
            source_program: Optional::new(array.moves, || Const::new(u(2), Source::Image as i64)),
            page_base: Optional::new(array.moves, || Sig::new(u(instr::width("source_base")))),
            pages: Optional::new(array.moves, Default::default),
            _fields: fields.len(),
            _op: position("op"),
            _op_end: position("op") + 1,
            _drain_period: position("drain_period"),
            _drain_period_end: position("drain_period") + 1,
            _release: position("release"),
            _release_end: position("release") + 1,
            _source: position("source"),
            _source_end: position("source") + 1,
            _source_base: position("source_base"),
            _source_base_end: position("source_base") + 1,
            _images: position("images"),
            _images_end: position("images") + 1,
            _image: position("image"),
            _image_end: position("image") + 1,
        }
    }
}

impl Logic for Sequencer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, phase, address, word, number, elapsed, remaining);
        self.memory.clock.next = self.clk.val();
        self.memory.read_address.next = self.address.q.val();
        self.memory.write.next = self.load.val();
        self.memory.write_address.next = self.load_address.val();
        self.memory.write_data[0].next = self.load_data.val();

        // Word k of the instruction is on the memory's output when `word` is k + 1.
        self.reading.next = self.phase.q.val() == self.fetch.val();
        for i in 0..self._fields {
            self.held[i].clock.next = self.clk.val();
            self.held[i].d.next = self.held[i].q.val();
            self.shifted[i].next = self.memory.read_data[0].val() >> self.lsb[i].val();
            if self.reading.val() & (self.word.q.val() == self.word_of[i].val()) {
                self.held[i].d.next = self.shifted[i].val();
            }
            self.field[i].next = self.held[i].q.val();
        }
        for p in 0..self.guard.count() {
            self.guard[p].clk.next = self.clk.val();
            self.guard[p].word[0].next = self.memory.read_data[0].val();
            self.guard[p].parity[0].next = self.memory.parity[p].val();
            self.guard[p].counts.next = self.reading.val() & (self.word.q.val() != self.zero.val());
            self.wrong[p].next = self.guard[p].wrong.val();
        }
        for i in self._op..self._op_end {
            self.op.next = self.held[i].q.val();
        }
        for i in self._drain_period..self._drain_period_end {
            self.drain_period.next = self.held[i].q.val();
        }
        for i in self._release..self._release_end {
            self.releases.next = self.held[i].q.val().get_bit(0);
        }
        for i in self._images..self._images_end {
            self.more.next = self.held[i].q.val() != self.zero.val();
        }
        for i in self._image..self._image_end {
            self.image_number.next = self.held[i].q.val();
        }

        self.known.next = (self.op.val() == self.op_conv.val())
            | (self.op.val() == self.op_temporal.val())
            | (self.op.val() == self.op_dump.val())
            | (self.op.val() == self.op_finish.val())
            | (self.op.val() == self.op_take.val());
        self.taken.next = self.image.val() & (self.op.val() == self.op_take.val());
        self.unit_done.next = (self.temporal_done.val() & (self.op.val() == self.op_temporal.val()))
            | (self.dump_done.val() & (self.op.val() == self.op_dump.val()))
            | (self.finish_done.val() & (self.op.val() == self.op_finish.val()))
            | (self.taken.val() & self.settled.val());
        self.timed.next = (self.op.val() == self.op_conv.val()) | (self.op.val() == self.op_temporal.val());
        for p in 0..self.op_move.count() {
            if self.op.val() == self.op_move[p].val() {
                self.known.next = true;
                self.unit_done.next = self.move_done[p].val();
                self.timed.next = true;
            }
        }

        // A page of the program.
        for p in 0..self.op_move.count() {
            self.pages[p].next = false;
            for i in self._source..self._source_end {
                if (self.op.val() == self.op_move[p].val())
                    & (self.held[i].q.val() == self.source_program[p].val())
                {
                    self.pages[p].next = true;
                }
            }
            for i in self._source_base..self._source_base_end {
                self.page_base[p].next = self.held[i].q.val();
            }
            if self.pages[p].val() & self.fill[p].val() {
                self.memory.write.next = true;
                self.memory.write_address.next = self.fill_address[p].val();
                self.memory.write_data[0].next = self.fill_data[p].val();
            }
        }

        self.begin.next = false;
        self.first.next = false;
        self.held_up.next = false;
        self.ended.next = false;
        self.looped.next = false;
        self.bad_opcode.next = false;
        self.start_conv.next = false;
        self.start_temporal.next = false;
        self.start_dump.next = false;
        self.start_finish.next = false;
        for p in 0..self.op_move.count() {
            self.start_move[p].next = false;
        }
        self.next_elapsed.next = self.elapsed.q.val() + self.one.val();
        self.elapsed.d.next = self.next_elapsed.val();

        if self.phase.q.val() == self.idle.val() {
            self.address.d.next = 0.into();
            self.number.d.next = 0.into();
            self.word.d.next = 0.into();
            self.elapsed.d.next = 0.into();
            if self.image.val() {
                self.begin.next = true;
                self.first.next = true;
                self.image_number.next = 0.into();
                self.phase.d.next = self.fetch.val();
            }
        }
        if self.reading.val() {
            self.word.d.next = self.word.q.val() + self.one.val();
            self.address.d.next = self.address.q.val() + self.one.val();
            if self.word.q.val() == self.words.val() {
                // One address too many has been presented.
                self.address.d.next = self.address.q.val();
                self.phase.d.next = self.start.val();
            }
        }
        if self.phase.q.val() == self.start.val() {
            self.start_conv.next = self.op.val() == self.op_conv.val();
            self.start_temporal.next = self.op.val() == self.op_temporal.val();
            self.start_dump.next = self.op.val() == self.op_dump.val();
            self.start_finish.next = self.op.val() == self.op_finish.val();
            for p in 0..self.op_move.count() {
                self.start_move[p].next = self.op.val() == self.op_move[p].val();
            }
            self.phase.d.next = self.run.val();
            if !self.known.val() {
                self.bad_opcode.next = true;
                self.looped.next = true;
            }
        }
        if self.phase.q.val() == self.run.val() {
            if self.unit_done.val() {
                self.ended.next = true;
                self.looped.next = (self.op.val() == self.op_finish.val()) & !self.more.val();
                self.begin.next = self.op.val() == self.op_take.val();
                self.held_up.next = !self.timed.val() & !self.settled.val() & !self.looped.val();
                if self.held_up.val() {
                    self.ended.next = false;
                    self.phase.d.next = self.settle.val();
                }
            }
            if self.conv_finished.val() & (self.op.val() == self.op_conv.val()) {
                self.phase.d.next = self.flush.val();
                self.remaining.d.next = self.drain_period.val() + self.flush_cycles.val();
            }
        }
        if self.phase.q.val() == self.flush.val() {
            self.remaining.d.next = self.remaining.q.val() - self.one.val();
            if self.remaining.q.val() == self.zero.val() {
                self.ended.next = true;
            }
        }
        if (self.phase.q.val() == self.settle.val()) & self.settled.val() {
            self.ended.next = true;
        }
        if self.ended.val() {
            self.phase.d.next = self.fetch.val();
            self.word.d.next = 0.into();
            self.elapsed.d.next = 0.into();
            self.number.d.next = self.number.q.val() + self.one.val();
            for p in 0..self.op_move.count() {
                if self.pages[p].val() {
                    self.address.d.next = self.page_base[p].val();
                }
            }
        }
        if self.looped.val() | self.clear.val() {
            self.phase.d.next = self.idle.val();
        }

        self.release.next = self.ended.val() & self.releases.val();
        self.busy.next = (self.phase.q.val() != self.idle.val()) & (self.reading.val() | self.timed.val());
        self.index.next = self.number.q.val();
        self.cycle_write.next = self.ended.val();
        self.cycle_data.next = 0.into();
        if self.timed.val() {
            self.cycle_data.next = self.next_elapsed.val();
        }
    }
}
