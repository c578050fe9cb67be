//! Which bits of the slots' words are the operands of a cycle.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::Source;
use spikegate_contract::network::IMAGE_CODE_BITS;

use crate::lang::*;

/// Bits of a code word, sign-extended, that passes over codes reach.
pub fn code_bits(array: &ArrayConfig) -> usize {
    (array.lanes * array.image_passes()).max(array.lanes * array.code_passes()).max(IMAGE_CODE_BITS)
}

/// Masks for the words of every slot: lane l's operand is the bit of a word under the lane's mask. At most one mask of
/// a lane has a bit set.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | source | in | 2 | operand form, static |
/// | plane | in | 5 | pass over codes, or plane of the stream |
/// | code_mask_l | out | C | over the sign-extended code: bit `l * passes + passes - 1 - plane` |
/// | stream_mask | out | 16 | over every lane's stream value: bit `plane` |
/// | spike_mask | out | L | over the spike word: lane l's is bit l |
///
/// The masks are those of the cycle before; C is [`code_bits`]. Masks depend on nothing but static fields and the plane, so that all slots share
/// them and each pays two terms per LUT4, where an indexed bit would cost a selection tree per lane and slot.
#[derive(LogicBlock)]
pub struct Operand {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub source: Sig<In>,
    pub plane: Sig<In>,
    pub code_mask: Vec<Sig<Out>>,
    pub stream_mask: Sig<Out>,
    pub spike_mask: Sig<Out>,
    code_held: Vec<Dff>,
    stream_held: Dff,
    spike_held: Dff,
    is_image: Const,
    is_attention: Const,
    is_spikes: Const,
    is_stream: Const,
    image_bit: Vec<Const>,
    attention_bit: Vec<Const>,
    all_lanes: Const,
    one: Const,
    _lanes: usize,
    _image: usize,
    _image_end: usize,
    _attention: usize,
    _attention_end: usize,
}

impl Operand {
    /// The masks of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let l = array.lanes;
        let code = code_bits(array);
        let source = |v: Source| Const::new(u(2), v as i64);
        // Entry l * passes + p: the mask of lane l in pass p.
        let bits = |passes: usize| {
            (0..l)
                .flat_map(|lane| {
                    (0..passes).map(move |p| Const::new(u(code), 1 << (lane * passes + passes - 1 - p)))
                })
                .collect()
        };
        let (image, attention) = (array.image_passes(), array.code_passes());
        Self {
            doc: doc!("operand.rs", Operand),
            clk: Default::default(),
            source: Sig::new(u(2)),
            plane: Sig::new(u(5)),
            code_mask: (0..l).map(|_| Sig::new(u(code))).collect(),
            stream_mask: Sig::new(u(16)),
            spike_mask: Sig::new(u(l)),
            code_held: (0..l).map(|_| Dff::new(u(code))).collect(),
            stream_held: Dff::new(u(16)),
            spike_held: Dff::new(u(l)),
            is_image: source(Source::Image),
            is_attention: source(Source::Attention),
            is_spikes: source(Source::Spikes),
            is_stream: source(Source::Stream),
            image_bit: bits(image),
            attention_bit: bits(attention),
            all_lanes: Const::new(u(l), (1 << l) - 1),
            one: Const::new(u(1), 1),
            _lanes: l,
            _image: image,
            _image_end: image + 1,
            _attention: attention,
            _attention_end: attention + 1,
        }
    }
}

impl Logic for Operand {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, stream_held, spike_held);
        for l in 0..self._lanes {
            self.code_held[l].clock.next = self.clk.val();
            self.code_mask[l].next = self.code_held[l].q.val();
        }
        self.stream_mask.next = self.stream_held.q.val();
        self.spike_mask.next = self.spike_held.q.val();
        for n in self._image..self._image_end {
            for m in self._attention..self._attention_end {
                for l in 0..self._lanes {
                    self.code_held[l].d.next = 0.into();
                    for p in 0..self._image {
                        if (self.source.val() == self.is_image.val()) & (self.plane.val() == p.into()) {
                            self.code_held[l].d.next = self.image_bit[l * n + p].val();
                        }
                    }
                    for p in 0..self._attention {
                        if (self.source.val() == self.is_attention.val()) & (self.plane.val() == p.into()) {
                            self.code_held[l].d.next = self.attention_bit[l * m + p].val();
                        }
                    }
                }
            }
        }
        self.spike_held.d.next = 0.into();
        if self.source.val() == self.is_spikes.val() {
            self.spike_held.d.next = self.all_lanes.val();
        }
        self.stream_held.d.next = 0.into();
        if self.source.val() == self.is_stream.val() {
            self.stream_held.d.next = self.one.val() << self.plane.val();
        }
    }
}
