//! One convolution as an instruction: the fields that follow from shapes, operand and placement.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{Instr, Opcode, Source, RESIDUAL_SPILLED, STREAM_QUARTER, STREAM_SPILLED};
use spikegate_contract::network::{Conv, Network, ATTENTION_CODE_BITS, IMAGE_CODE_BITS};

use super::memory::{groups, virtual_channels, Part};
use super::pool;
use super::sequence::Stream;

/// What a convolution reads. `base` is the first word.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    /// Patches of the image.
    Image { base: usize },
    /// Xq (signed) or Z1.
    Attention { base: usize, signed: bool },
    /// Spikes.
    Spikes { base: usize },
    /// The gate output: `bits` planes of the stream, above `shift` planes that are not read.
    Gated { base: usize, bits: u8, shift: u8 },
    /// The residual stream, 16 signed planes.
    Stream { base: usize },
    /// Requantised sums in lane 0, s16, one pixel, of one image of the batch.
    Pooled { base: usize },
    /// Spike counts in lane 0, one pixel, of one image of the batch.
    Counts { base: usize, bits: u32 },
}

impl Operand {
    /// Bits of one operand value over all T timesteps.
    pub fn bits_per_value(&self, t: usize) -> u64 {
        match *self {
            Operand::Image { .. } => IMAGE_CODE_BITS as u64,
            Operand::Attention { .. } => ATTENTION_CODE_BITS as u64,
            Operand::Spikes { .. } => t as u64,
            Operand::Gated { bits, .. } => u64::from(bits) * t as u64,
            Operand::Stream { .. } => 16 * t as u64,
            Operand::Counts { bits, .. } => bits.into(),
            Operand::Pooled { .. } => 16,
        }
    }
}

/// Weights as they lie one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weights {
    /// Of a convolution: its position in [`Network::convs`].
    Conv(usize),
    /// Of the sum over the last map: how many output groups.
    Pool(usize),
}

impl Weights {
    /// Of all layers in the order of a weight memory that holds them all.
    pub fn all(net: &Network, array: &ArrayConfig) -> Vec<Weights> {
        let pool = net.blocks.last().filter(|_| net.head.pool.is_some());
        let pool = pool.map(|block| Weights::Pool(pool::output_groups(&block.conv2, array, 0)));
        (0..net.convs().len()).map(Weights::Conv).chain(pool).collect()
    }
}

/// First weight word and first parameter of every convolution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Placement {
    /// In the order of [`Network::convs`].
    at: Vec<(usize, usize)>,
    /// Of the sum over the last map.
    pub pool: (usize, usize),
    /// Weight words per slot.
    pub weights: usize,
    /// Parameter entries per post lane.
    pub params: usize,
}

impl Placement {
    /// All convolutions in execution order, one after the other.
    pub fn of_network(net: &Network, array: &ArrayConfig) -> Placement {
        let mut out = Placement::default();
        for (index, conv) in net.convs().into_iter().enumerate() {
            let (in_c, taps) =
                if index == 0 { (virtual_channels(net), 1) } else { (conv.in_c, conv.k * conv.k) };
            let groups_out = groups(conv.out_c, array.co);
            out.at.push((out.weights, out.params));
            out.weights += groups_out * taps * groups(in_c, array.ci);
            out.params += groups_out * (array.co / array.post);
        }
        out.pool = (out.weights, out.params);
        if let Some(block) = net.blocks.last().filter(|_| net.head.pool.is_some()) {
            let conv = &block.conv2;
            out.weights += pool::output_groups(conv, array, 0) * pool::weight_words(net, conv, array);
            out.params += groups(conv.out_c, array.co) * (array.co / array.post);
        }
        out
    }
    /// First weight word and first parameter of one of the network's own convolutions.
    pub fn of(&self, net: &Network, conv: &Conv) -> (usize, usize) {
        let index = net.convs().into_iter().position(|c| std::ptr::eq(c, conv));
        index.and_then(|i| self.at.get(i).copied()).unwrap_or_default()
    }
}

/// An instruction under construction. Count fields already hold the count minus one.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub instr: Instr,
    pub operand: Operand,
    /// Images whose maps lie side by side.
    images: usize,
    /// Whether a membrane must be back before the next time pass.
    time_passes: usize,
}

impl Frame {
    /// All `images` of a batch where the operand is a map with timesteps, else one of them.
    pub fn new(
        net: &Network,
        array: &ArrayConfig,
        conv: &Conv,
        operand: Operand,
        images: usize,
        (weight_base, param_base): (usize, usize),
    ) -> Frame {
        let passes = array.time_passes(net.t);
        let out_pixels = conv.out_hw[0] * conv.out_hw[1];
        // The stem is a 1x1 convolution over patches; everything else reads its input map.
        let (k, stride, pad, in_c, in_hw) = match operand {
            Operand::Image { .. } => (1, 1, 0, virtual_channels(net), conv.out_hw),
            _ => (conv.k, conv.stride, conv.pad, conv.in_c, conv.in_hw),
        };
        let in_pixels = in_hw[0] * in_hw[1];
        let groups_in = groups(in_c, array.ci);
        let lanes_left = net.t - (passes - 1) * array.lanes;
        let mut i = Instr {
            op: Opcode::Conv as u32,
            kernel: k as u32 - 1,
            stride: stride as u32,
            pad: pad as u32,
            in_h: in_hw[0] as u32,
            in_w: in_hw[1] as u32,
            row_step: (stride * in_hw[1]) as u32,
            row_origin: (pad * in_hw[1]) as u32,
            groups_in: groups_in as u32 - 1,
            weight_base: weight_base as u32,
            weight_group: (k * k * groups_in) as u32,
            weight_row: (k * groups_in) as u32,
            groups_out: groups(conv.out_c, array.co) as u32 - 1,
            out_h: conv.out_hw[0] as u32 - 1,
            out_w: conv.out_hw[1] as u32 - 1,
            out_time: out_pixels as u32,
            out_group: (out_pixels * passes) as u32,
            param_base: param_base as u32,
            last_lanes: (1 << lanes_left) - 1,
            ..Instr::default()
        };
        let (base, planes, timed) = match operand {
            Operand::Image { base } => {
                (i.source, i.signed, i.combine) = (Source::Image as u32, 1, 2);
                (base, array.image_passes(), false)
            }
            Operand::Attention { base, signed } => {
                (i.source, i.signed, i.combine) = (Source::Attention as u32, signed.into(), 1);
                (base, array.code_passes(), false)
            }
            Operand::Spikes { base } => {
                i.source = Source::Spikes as u32;
                (base, 1, true)
            }
            Operand::Gated { base, bits, shift } => {
                i.source = Source::Stream as u32;
                i.plane_top = u32::from(bits) + u32::from(shift) - 1;
                (base, bits.into(), true)
            }
            Operand::Stream { base } => {
                (i.source, i.signed, i.plane_top) = (Source::Stream as u32, 1, 15);
                (base, 16, true)
            }
            Operand::Pooled { base } => {
                (i.source, i.signed, i.plane_top) = (Source::Stream as u32, 1, 15);
                (base, 16, false)
            }
            Operand::Counts { base, bits } => {
                (i.source, i.plane_top) = (Source::Stream as u32, bits - 1);
                (base, bits as usize, false)
            }
        };
        let time_passes = if timed { passes } else { 1 };
        i.source_base = base as u32;
        i.planes = planes as u32 - 1;
        i.time_passes = time_passes as u32 - 1;
        i.source_time = if timed { in_pixels as u32 } else { 0 };
        i.source_group = (in_pixels * time_passes) as u32;
        if timed && images > 1 {
            i.images = images as u32 - 1;
            i.length = i.source_group;
            i.source_group *= images as u32;
        } else if images > 1 {
            // One image, written between the maps of the others; only what the head reads lies between them too.
            i.out_group *= images as u32;
            if matches!(operand, Operand::Counts { .. } | Operand::Pooled { .. }) {
                i.source_group *= images as u32;
            }
        }
        Frame { instr: i, operand, images, time_passes }
    }

    /// Images that the instruction computes.
    pub fn images(&self) -> u64 {
        u64::from(self.instr.images) + 1
    }

    /// Moves the output to the place of one image of the batch.
    pub fn image(&mut self, number: usize) {
        let words = (number as u32) * self.instr.out_group / self.images as u32;
        let i = &mut self.instr;
        i.spike_base += words * i.spike_on;
        i.gate_base += words * i.gate;
        let quarter = i.image & STREAM_QUARTER != 0;
        i.stream_base += i.stream_on * words / if quarter { 4 } else { 1 + i.stream_half };
    }

    /// One value, `passes` time passes of output.
    pub fn sweep(&mut self, passes: usize) {
        self.instr.sweeps = passes as u32 - 1;
        self.time_passes = passes;
    }

    /// Writes LIF spikes.
    pub fn lif(&mut self, threshold: i16, base: usize) {
        self.instr.threshold = u32::from(threshold as u16);
        self.instr.spike_on = 1;
        self.instr.spike_base = base as u32;
    }

    /// Counts LIF spikes instead of writing them.
    pub fn count(&mut self, threshold: i16, base: usize) {
        self.instr.threshold = u32::from(threshold as u16);
        self.instr.count = 1;
        self.instr.stream_base = base as u32;
    }

    /// Writes the stream.
    pub fn stream(&mut self, base: usize) {
        self.instr.stream_on = 1;
        self.instr.stream_base = base as u32;
    }

    /// Sends the stream to the external memory.
    pub fn spill(&mut self) {
        self.instr.image |= STREAM_SPILLED;
    }

    /// Writes the stream where it goes.
    pub fn write(&mut self, stream: Stream) {
        if stream.spilled {
            self.spill();
        } else {
            self.keep(stream);
        }
    }

    /// Writes what is kept of the stream on chip.
    pub fn keep(&mut self, stream: Stream) {
        self.stream(stream.base);
        match stream.part {
            Part::Whole => {}
            Part::Half => self.instr.stream_half = 1,
            Part::Quarter => self.instr.image |= STREAM_QUARTER,
        }
    }

    /// Adds a residual.
    pub fn residual(&mut self, stream: Stream) {
        self.instr.residual_on = 1;
        if stream.spilled {
            self.instr.image |= RESIDUAL_SPILLED;
        } else {
            self.instr.residual_base = stream.base as u32;
        }
    }

    /// Reads a map of which only a part was written, with stride 2 in both directions: to the array a map of half the
    /// size, whose rows lie two apart where all of them were written.
    pub fn read_part(&mut self, part: Part) {
        if part == Part::Whole {
            return;
        }
        let (i, ratio) = (&mut self.instr, part.ratio() as u32);
        let columns = i.in_w / 2;
        (i.row_step, i.in_w, i.in_h) = (4 / ratio * columns, columns, i.in_h.div_ceil(2));
        i.stride = 1;
        i.source_time /= ratio;
        i.source_group /= ratio;
        i.length /= ratio;
    }

    /// Writes values without timesteps to the stream memory, one word each.
    pub fn write_values(&mut self, base: usize) {
        self.stream(base);
        self.instr.out_group = self.instr.out_time;
    }

    /// The instruction, with the pace of the post lanes: a membrane must be back before its next time pass.
    pub fn finish(&self, array: &ArrayConfig) -> Instr {
        let turnaround = if self.time_passes > 1 { array.lif_turnaround() } else { 1 };
        let period = array.beats(self.instr.narrow == 1).max(turnaround) as u32;
        Instr { sweep_period: period, drain_period: (self.instr.sweeps + 1) * period, ..self.instr }
    }
}
