//! Input stream: load packets into memory writes, image packets into pixels, or into memory writes too where they are patches.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::packet::{words_per_entry, words_per_patch_transfer, Target, IMAGE, LOAD};

use crate::array::lane::load_words;
use crate::lang::*;

/// Packets as in `contract::packet`, out of frames that the receiver checks. A malformed one is reported and swallowed
/// to its `tlast`. Load packets are written as they come, so they are taken only while no program is declared; images
/// only while one is. An image counts when it is complete and its frame ended well; else the patches are cleared.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | s_axis_tdata, s_axis_tvalid, s_axis_tlast, s_axis_tready | | 32, 1, 1, 1 | stream; one word a cycle while loading |
/// | write | out | 1 | one entry is complete: write it |
/// | target, slot, address | out | 3, 16, 20 | memory, slot, word of the entry |
/// | program | in | 1 | a program is declared |
/// | frame_good, frame_bad | in | 1 | one cycle: the frame of the packet ended well; it did not, forget the packet |
/// | hold | in | 1 | take no word in this cycle: the external memory is busy |
/// | word_k | out | 32 | the entry |
/// | image_accept | in | 1 | the patches are free; an image waits until then, and everything behind it |
/// | image_start | out | 1 | one cycle: pixels follow |
/// | sequence | out | 32 | sequence number of the image |
/// | pixel, pixel_valid, pixel_ready | out, out, in | 8, 1, 1 | pixels; |
/// | image_whole | out | 1 | the image that fills or filled the patches came in a good frame |
/// | image_drop | out | 1 | one cycle: clear the patches, the image in them is not whole |
/// | image_done | in | 1 | one cycle: no more pixels are wanted |
/// | outside, transfers | in | 1, 20 | where maps can be moved: images come as patches for the external memory; so many transfers |
/// | release, stored | in, out | 1 | of such an image: it may go (one cycle); all of it has come |
/// | image_outside | out | 1 | with parity: one cycle: transfers of such an image follow |
/// | error_packet, error_length | out | 1 | one cycle: unknown type or target; `tlast` early or late |
/// | error_program | out | 1 | one cycle: refused, because a program is declared or none is |
#[derive(LogicBlock)]
pub struct Loader {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub s_axis_tdata: Sig<In>,
    pub s_axis_tvalid: Signal<In, Bit>,
    pub s_axis_tlast: Signal<In, Bit>,
    pub s_axis_tready: Signal<Out, Bit>,
    pub write: Signal<Out, Bit>,
    pub target: Sig<Out>,
    pub slot: Sig<Out>,
    pub address: Sig<Out>,
    pub word: Vec<Sig<Out>>,
    pub program: Signal<In, Bit>,
    pub frame_good: Signal<In, Bit>,
    pub frame_bad: Signal<In, Bit>,
    pub hold: Signal<In, Bit>,
    pub image_accept: Signal<In, Bit>,
    pub image_start: Signal<Out, Bit>,
    pub sequence: Sig<Out>,
    pub pixel: Sig<Out>,
    pub pixel_valid: Signal<Out, Bit>,
    pub pixel_ready: Signal<In, Bit>,
    pub image_done: Signal<In, Bit>,
    pub outside: Optional<Signal<In, Bit>>,
    pub transfers: Optional<Sig<In>>,
    pub release: Optional<Signal<In, Bit>>,
    pub stored: Optional<Signal<Out, Bit>>,
    pub image_outside: Optional<Signal<Out, Bit>>,
    pub image_whole: Signal<Out, Bit>,
    pub image_drop: Signal<Out, Bit>,
    pub error_packet: Signal<Out, Bit>,
    pub error_length: Signal<Out, Bit>,
    pub error_program: Signal<Out, Bit>,
    state: Dff,
    target_held: Dff,
    slot_held: Dff,
    next_address: Dff,
    remaining: Dff,
    collected: Dff,
    words: Vec<Dff>,
    write_held: Dff,
    write_address: Dff,
    sequence_held: Dff,
    bytes: Dff,
    byte_count: Dff,
    last_seen: Dff,
    filling: Dff,
    whole: Dff,
    drop: Dff,
    kind: Sig<Local>,
    wanted: Sig<Local>,
    accept: Signal<Local, Bit>,
    ready: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    is_image: Signal<Local, Bit>,
    refused: Signal<Local, Bit>,
    starts: Signal<Local, Bit>,
    complete: Signal<Local, Bit>,
    need: Sig<Local>,
    next_collected: Sig<Local>,
    empty: Signal<Local, Bit>,
    short: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    // An image comes as patches; all of it has come.
    patches: Optional<Dff>,
    complete_image: Optional<Dff>,
    patch_words: Optional<Const>,
    header: Const,
    get_address: Const,
    get_count: Const,
    get_data: Const,
    get_sequence: Const,
    pixels: Const,
    swallow: Const,
    kind_load: Const,
    kind_image: Const,
    targets: Const,
    params: Const,
    weights: Const,
    memory: Const,
    memory_words: Const,
    param_words: Const,
    weight_words: Const,
    full: Const,
    eight: Const,
    zero: Const,
    one: Const,
    _words: usize,
}

impl Loader {
    /// The loader of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let words = load_words(array);
        let state = |v: i64| Const::new(u(3), v);
        let last_target = if array.memory_bits == 0 { Target::Globals } else { Target::Memory };
        Self {
            doc: doc!("loader.rs", Loader),
            clk: Default::default(),
            clear: Default::default(),
            s_axis_tdata: Sig::new(u(32)),
            s_axis_tvalid: Default::default(),
            s_axis_tlast: Default::default(),
            s_axis_tready: Default::default(),
            write: Default::default(),
            target: Sig::new(u(3)),
            slot: Sig::new(u(16)),
            address: Sig::new(u(20)),
            word: (0..words).map(|_| Sig::new(u(32))).collect(),
            program: Default::default(),
            frame_good: Default::default(),
            frame_bad: Default::default(),
            hold: Default::default(),
            image_accept: Default::default(),
            image_start: Default::default(),
            sequence: Sig::new(u(32)),
            pixel: Sig::new(u(8)),
            pixel_valid: Default::default(),
            pixel_ready: Default::default(),
            image_done: Default::default(),
            outside: Optional::new(array.moves, Default::default),
            transfers: Optional::new(array.moves, || Sig::new(u(20))),
            release: Optional::new(array.moves, Default::default),
            stored: Optional::new(array.moves, Default::default),
            image_outside: Optional::new(array.moves && array.parity, Default::default),
            image_whole: Default::default(),
            image_drop: Default::default(),
            error_packet: Default::default(),
            error_length: Default::default(),
            error_program: Default::default(),
            state: Dff::new(u(3)),
            target_held: Dff::new(u(3)),
            slot_held: Dff::new(u(16)),
            next_address: Dff::new(u(20)),
            remaining: Dff::new(u(32)),
            collected: Dff::new(u(5)),
            words: (0..words).map(|_| Dff::new(u(32))).collect(),
            write_held: Dff::new(u(1)),
            write_address: Dff::new(u(20)),
            sequence_held: Dff::new(u(32)),
            bytes: Dff::new(u(32)),
            byte_count: Dff::new(u(3)),
            last_seen: Dff::new(u(1)),
            filling: Dff::new(u(1)),
            whole: Dff::new(u(1)),
            drop: Dff::new(u(1)),
            kind: Sig::new(u(8)),
            wanted: Sig::new(u(8)),
            accept: Default::default(),
            ready: Default::default(),
            known: Default::default(),
            is_image: Default::default(),
            refused: Default::default(),
            starts: Default::default(),
            complete: Default::default(),
            need: Sig::new(u(5)),
            next_collected: Sig::new(u(5)),
            empty: Default::default(),
            short: Default::default(),
            taken: Default::default(),
            patches: Optional::new(array.moves, || Dff::new(u(1))),
            complete_image: Optional::new(array.moves, || Dff::new(u(1))),
            patch_words: Optional::new(array.moves, || {
                Const::new(u(5), words_per_patch_transfer(array) as i64)
            }),
            header: state(0),
            get_address: state(1),
            get_count: state(2),
            get_data: state(3),
            get_sequence: state(4),
            pixels: state(5),
            swallow: state(6),
            kind_load: Const::new(u(8), i64::from(LOAD)),
            kind_image: Const::new(u(8), i64::from(IMAGE)),
            targets: Const::new(u(8), last_target as i64),
            params: Const::new(u(3), Target::Params as i64),
            weights: Const::new(u(3), Target::Weights as i64),
            memory: Const::new(u(3), Target::Memory as i64),
            memory_words: Const::new(u(5), words_per_entry(Target::Memory, array) as i64),
            param_words: Const::new(u(5), words_per_entry(Target::Params, array) as i64),
            weight_words: Const::new(u(5), words_per_entry(Target::Weights, array) as i64),
            full: Const::new(u(3), 4),
            eight: Const::new(u(4), 8),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            _words: words,
        }
    }
}

impl Logic for Loader {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            state,
            target_held,
            slot_held,
            next_address,
            remaining,
            collected,
            write_held,
            write_address,
            sequence_held,
            bytes,
            byte_count,
            last_seen,
            filling,
            whole,
            drop
        );
        self.empty.next = self.byte_count.q.val() == self.zero.val();
        self.ready.next = true;
        if self.state.q.val() == self.get_sequence.val() {
            self.ready.next = self.image_accept.val();
            for p in 0..self.patches.count() {
                if self.complete_image[p].q.val().get_bit(0) {
                    self.ready.next = false;
                }
            }
        }
        if self.state.q.val() == self.pixels.val() {
            self.ready.next = self.empty.val() & !self.last_seen.q.val().get_bit(0);
        }
        if self.hold.val() {
            self.ready.next = false;
        }
        self.accept.next = self.ready.val() & self.s_axis_tvalid.val();
        self.s_axis_tready.next = self.ready.val();

        self.kind.next = self.s_axis_tdata.val().get_bits::<8>(24);
        self.wanted.next = self.s_axis_tdata.val().get_bits::<8>(16);
        self.is_image.next = self.kind.val() == self.kind_image.val();
        self.known.next = ((self.kind.val() == self.kind_load.val())
            & (self.wanted.val() <= self.targets.val()))
            | self.is_image.val();
        for p in 0..self.patches.count() {
            // An image of the other form.
            if self.is_image.val() & (self.outside[p].val() != (self.wanted.val() == self.memory.val())) {
                self.known.next = false;
            }
        }
        self.refused.next =
            (self.is_image.val() & !self.program.val()) | (!self.is_image.val() & self.program.val());
        self.need.next = 1.into();
        if self.target_held.q.val() == self.params.val() {
            self.need.next = self.param_words.val();
        }
        if self.target_held.q.val() == self.weights.val() {
            self.need.next = self.weight_words.val();
        }
        if self.target_held.q.val() == self.memory.val() {
            self.need.next = self.memory_words.val();
            for p in 0..self.patches.count() {
                if self.patches[p].q.val().get_bit(0) {
                    self.need.next = self.patch_words[p].val();
                }
            }
        }
        self.next_collected.next = self.collected.q.val() + self.one.val();
        self.complete.next = self.next_collected.val() == self.need.val();
        self.short.next = self.empty.val() & self.last_seen.q.val().get_bit(0);
        self.taken.next = self.pixel_ready.val() & !self.empty.val();

        self.error_packet.next = false;
        self.error_length.next = false;
        self.error_program.next = false;
        self.starts.next = false;
        for p in 0..self.image_outside.count() {
            self.image_outside[p].next = false;
        }
        self.drop.d.next = 0.into();
        if self.frame_good.val() & self.filling.q.val().get_bit(0) {
            self.whole.d.next = 1.into();
            self.filling.d.next = 0.into();
        }
        for p in 0..self.patches.count() {
            self.patches[p].clock.next = self.clk.val();
            self.patches[p].d.next = self.patches[p].q.val();
            self.complete_image[p].clock.next = self.clk.val();
            self.complete_image[p].d.next = self.complete_image[p].q.val();
            self.stored[p].next = self.complete_image[p].q.val().get_bit(0);
            if self.release[p].val() {
                self.complete_image[p].d.next = 0.into();
            }
        }
        self.write_held.d.next = 0.into();
        for k in 0..self._words {
            self.words[k].clock.next = self.clk.val();
            self.words[k].d.next = self.words[k].q.val();
            if (self.state.q.val() == self.get_data.val())
                & self.accept.val()
                & (self.collected.q.val() == k.into())
            {
                self.words[k].d.next = self.s_axis_tdata.val();
            }
            self.word[k].next = self.words[k].q.val();
        }

        if self.accept.val() {
            if self.state.q.val() == self.header.val() {
                self.target_held.d.next = self.wanted.val();
                self.slot_held.d.next = self.s_axis_tdata.val().get_bits::<16>(0);
                self.collected.d.next = 0.into();
                self.last_seen.d.next = 0.into();
                self.byte_count.d.next = 0.into();
                self.state.d.next = self.get_address.val();
                if self.is_image.val() {
                    self.state.d.next = self.get_sequence.val();
                }
                for p in 0..self.patches.count() {
                    self.patches[p].d.next = (self.is_image.val() & self.outside[p].val()).into();
                }
                if !self.known.val() {
                    self.error_packet.next = true;
                    self.state.d.next = self.swallow.val();
                }
                if self.known.val() & self.refused.val() {
                    self.error_program.next = true;
                    self.state.d.next = self.swallow.val();
                }
            }
            if self.state.q.val() == self.get_address.val() {
                self.next_address.d.next = self.s_axis_tdata.val();
                self.state.d.next = self.get_count.val();
            }
            if self.state.q.val() == self.get_count.val() {
                self.remaining.d.next = self.s_axis_tdata.val();
                self.state.d.next = self.get_data.val();
                for p in 0..self.patches.count() {
                    if self.patches[p].q.val().get_bit(0) {
                        // Whatever the packet says.
                        self.remaining.d.next = self.transfers[p].val();
                    }
                }
            }
            if self.state.q.val() == self.get_data.val() {
                self.collected.d.next = self.next_collected.val();
                if self.complete.val() {
                    self.collected.d.next = 0.into();
                    self.write_held.d.next = 1.into();
                    self.write_address.d.next = self.next_address.q.val();
                    self.next_address.d.next = self.next_address.q.val() + self.one.val();
                    self.remaining.d.next = self.remaining.q.val() - self.one.val();
                }
                if self.remaining.q.val() == self.zero.val() {
                    // More words than announced.
                    self.write_held.d.next = 0.into();
                    self.error_length.next = true;
                    self.state.d.next = self.swallow.val();
                }
            }
            if self.state.q.val() == self.get_sequence.val() {
                self.sequence_held.d.next = self.s_axis_tdata.val();
                self.starts.next = true;
                self.filling.d.next = 1.into();
                self.whole.d.next = 0.into();
                self.state.d.next = self.pixels.val();
                self.last_seen.d.next = self.s_axis_tlast.val().into();
                for p in 0..self.patches.count() {
                    if self.patches[p].q.val().get_bit(0) {
                        for q in 0..self.image_outside.count() {
                            self.image_outside[q].next = true;
                        }
                        self.starts.next = false;
                        self.state.d.next = self.get_address.val();
                        if self.s_axis_tlast.val() {
                            self.error_length.next = true;
                            self.state.d.next = self.header.val();
                        }
                    }
                }
            }
            if self.state.q.val() == self.pixels.val() {
                self.bytes.d.next = self.s_axis_tdata.val();
                self.byte_count.d.next = self.full.val();
                self.last_seen.d.next = self.s_axis_tlast.val().into();
            }
            // The end of a packet, wherever it comes (an image is over when the patch writer says so).
            if self.s_axis_tlast.val()
                & (self.state.q.val() != self.pixels.val())
                & (self.state.q.val() != self.get_sequence.val())
            {
                self.state.d.next = self.header.val();
                if self.state.q.val() != self.swallow.val() {
                    self.error_length.next = true;
                    if (self.state.q.val() == self.get_data.val())
                        & self.complete.val()
                        & (self.remaining.q.val() == self.one.val())
                    {
                        self.error_length.next = false;
                        for p in 0..self.patches.count() {
                            if self.patches[p].q.val().get_bit(0) {
                                self.complete_image[p].d.next = 1.into();
                            }
                        }
                    }
                }
            }
        }
        if self.taken.val() {
            self.bytes.d.next = self.bytes.q.val() >> self.eight.val();
            self.byte_count.d.next = self.byte_count.q.val() - self.one.val();
        }
        if (self.state.q.val() == self.pixels.val()) & self.image_done.val() {
            self.state.d.next = self.header.val();
            self.byte_count.d.next = 0.into();
            if !self.last_seen.q.val().get_bit(0) {
                // More pixels than the image has.
                self.error_length.next = true;
                self.state.d.next = self.swallow.val();
                self.drop.d.next = 1.into();
                self.filling.d.next = 0.into();
            }
        }
        if (self.state.q.val() == self.pixels.val()) & self.short.val() & self.pixel_ready.val() {
            // The packet ended before its image.
            self.error_length.next = true;
            self.state.d.next = self.header.val();
            self.drop.d.next = 1.into();
            self.filling.d.next = 0.into();
            self.whole.d.next = 0.into();
        }
        if self.frame_bad.val() {
            // Nothing of the next frame has come yet, so whatever is under way belongs to this one.
            self.state.d.next = self.header.val();
            self.write_held.d.next = 0.into();
            self.drop.d.next = self.filling.q.val();
            if self.starts.val() {
                self.drop.d.next = 1.into();
            }
            self.filling.d.next = 0.into();
        }
        for p in 0..self.patches.count() {
            if self.clear.val() | (self.frame_bad.val() & self.filling.q.val().get_bit(0)) {
                self.patches[p].d.next = 0.into();
                self.complete_image[p].d.next = 0.into();
            }
        }
        if self.clear.val() {
            self.state.d.next = self.header.val();
            self.write_held.d.next = 0.into();
            self.filling.d.next = 0.into();
            self.whole.d.next = 0.into();
            self.drop.d.next = 0.into();
        }
        self.image_start.next = self.starts.val();
        self.image_whole.next = self.whole.q.val().get_bit(0);
        self.image_drop.next = self.drop.q.val().get_bit(0);

        self.write.next = self.write_held.q.val().get_bit(0);
        self.target.next = self.target_held.q.val();
        self.slot.next = self.slot_held.q.val();
        self.address.next = self.write_address.q.val();
        self.sequence.next = self.sequence_held.q.val();
        self.pixel.next = self.bytes.q.val().get_bits::<8>(0);
        self.pixel_valid.next = (self.state.q.val() == self.pixels.val()) & !self.empty.val();
    }
}
