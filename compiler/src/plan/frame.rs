//! A layer as an instruction: the fields that follow from shapes, operand and placement, and those of what is made of it.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{
    Combine, Instr, Opcode, Source, RESIDUAL_SPILLED, STREAM_QUARTER, STREAM_SPILLED,
};
use spikegate_contract::network::{Layer, ATTENTION_CODE_BITS, IMAGE_CODE_BITS};

use super::layer::Kernel;
use super::place::Stream;
use super::sizes::Sizes;
use super::spill::Part;
use super::step::{Neurons, Operand, Own};
use super::unit::{groups, Place};

impl Operand {
    /// Bits of one operand value over all T timesteps.
    pub fn bits_per_value(self, t: usize) -> u64 {
        match self {
            Operand::Image => IMAGE_CODE_BITS as u64,
            Operand::Code { .. } => ATTENTION_CODE_BITS as u64,
            Operand::Spikes { .. } => t as u64,
            Operand::Stream { planes, .. } => u64::from(planes) * t as u64,
            Operand::Counts { bits, .. } => bits.into(),
            Operand::Pooled { .. } => 16,
        }
    }
}

/// An instruction under construction. Count fields already hold the count minus one.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub instr: Instr,
    /// Images whose maps lie side by side.
    images: usize,
    /// Whether a membrane must be back before the next time pass.
    time_passes: usize,
}

impl Frame {
    /// All images of a batch where the operand, whose first word is `base`, is a map with timesteps; else one of them.
    pub fn new(sizes: Sizes<'_>, layer: &Layer<'_>, operand: Operand, base: usize, place: Place) -> Frame {
        let Sizes { net, array, images, parts } = sizes;
        let passes = sizes.passes();
        let [out_h, out_w] = layer.out_hw();
        let kernel = Kernel::of(net, layer, parts);
        let Kernel { k, stride, pad, in_hw, .. } = kernel;
        let (in_pixels, out_pixels) = (in_hw[0] * in_hw[1], out_h * out_w);
        let (groups_in, tile) = (kernel.groups_in(array), kernel.tile(array));
        let lanes_left = net.timesteps - (passes - 1) * array.lanes;
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
            weight_base: tile.base(place.weight),
            weight_group: tile.field(),
            weight_row: (k * groups_in) as u32,
            groups_out: groups(layer.out_c(), array.co) as u32 - 1,
            out_h: out_h as u32 - 1,
            out_w: out_w as u32 - 1,
            out_time: out_pixels as u32,
            out_group: (out_pixels * passes) as u32,
            param_base: place.param as u32,
            last_lanes: (1 << lanes_left) - 1,
            ..Instr::default()
        };
        let (planes, timed) = match operand {
            Operand::Image => {
                (i.source, i.signed, i.combine) = (Source::Image as u32, 1, Combine::Image as u32);
                (array.image_passes(), false)
            }
            Operand::Code { signed, .. } => {
                (i.source, i.signed, i.combine) =
                    (Source::Attention as u32, signed.into(), Combine::Attention as u32);
                (array.code_passes(), false)
            }
            Operand::Spikes { .. } => {
                i.source = Source::Spikes as u32;
                (1, true)
            }
            Operand::Stream { planes, below, signed, .. } => {
                (i.source, i.signed) = (Source::Stream as u32, signed.into());
                i.plane_top = u32::from(planes) + u32::from(below) - 1;
                (planes.into(), true)
            }
            Operand::Pooled { .. } => {
                (i.source, i.signed, i.plane_top) = (Source::Stream as u32, 1, 15);
                (16, false)
            }
            Operand::Counts { bits, .. } => {
                (i.source, i.plane_top) = (Source::Stream as u32, bits - 1);
                (bits as usize, false)
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
            // One image, written between the maps of the others; only what comes out at the end lies between them too.
            i.out_group *= images as u32;
            if matches!(operand, Operand::Counts { .. } | Operand::Pooled { .. }) {
                i.source_group *= images as u32;
            }
        }
        Frame { instr: i, images, time_passes }
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
    pub fn lif(&mut self, neurons: &Neurons, base: usize) {
        self.neurons(neurons);
        self.instr.spike_on = 1;
        self.instr.spike_base = base as u32;
    }

    /// Counts LIF spikes instead of writing them.
    pub fn count(&mut self, neurons: &Neurons, base: usize) {
        self.neurons(neurons);
        self.instr.count = 1;
        self.instr.stream_base = base as u32;
    }

    fn neurons(&mut self, neurons: &Neurons) {
        let Own { leak_flip, fire_flip, subtracts } = neurons.own;
        let threshold = u32::from(neurons.threshold as u16);
        self.instr = Instr { threshold, leak_flip, fire_flip, subtracts, ..self.instr };
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
