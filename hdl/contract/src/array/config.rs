//! The configuration, step by step to one that can be built, and the sizes that follow from it.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use thiserror::Error;

use crate::failure::{Failure, Kind};
use crate::instr::{layout, plain_layout, Field};
use crate::network::{ACC_BITS, ATTENTION_CODE_BITS, GATE_ENTRIES, GATE_MAX_BITS, IMAGE_CODE_BITS, MAX_T};

/// Bits of a packed weight.
pub const PACKED_BITS: u8 = 4;
/// Taps that a slot's list holds.
pub const SKIP_QUEUE: usize = 16;

/// A configuration that cannot be built.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ArrayError {
    /// A size is outside its range.
    #[error("array {field} is {got}, expected {expected}")]
    Size {
        /// Which size.
        field: &'static str,
        /// What was asked for.
        got: usize,
        /// What is possible.
        expected: Cow<'static, str>,
    },
}

const MEMORY_PORT: &str = "memory port (data bits)";

fn size(field: &'static str, got: usize, expected: impl Into<Cow<'static, str>>) -> ArrayError {
    ArrayError::Size { field, got, expected: expected.into() }
}

/// Everything that fixes the generated hardware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrayConfig {
    /// Lanes L: timesteps (or bit planes) computed side by side, 1..=16.
    pub lanes: usize,
    /// Pixels PX side by side. Only 1 is built.
    pub pixels: usize,
    /// Input channel slots CI, a power of two, 1..=64.
    pub ci: usize,
    /// Output channels CO at a time, a power of two, 1..=ci.
    pub co: usize,
    /// Post-processing lanes R: output channels (each with all its time lanes) finished per cycle; divides CO.
    pub post: usize,
    /// Bits of a lane's accumulator, 8 to 32. The planner takes what it proves to be enough for the network.
    #[serde(default = "widest_sum")]
    pub sum_bits: usize,
    /// Words per slot of the code memory (image patches, Xq, Z1; 9 bit).
    pub code_depth: usize,
    /// Words per slot of the spike memory (`lanes` bit).
    pub spike_depth: usize,
    /// Words per slot of the stream memory (`lanes` x 16 bit).
    pub stream_depth: usize,
    /// Words per slot of the weight memory (`co` x 8 bit: a weight for every output channel, or two packed ones).
    pub weight_depth: usize,
    /// Entries per post lane of the parameter memory (69 bit).
    pub param_depth: usize,
    /// 32-bit words of the instruction memory, and instructions of which the cycles are kept.
    pub instr_depth: usize,
    /// Result words: most classes a head may have.
    pub class_depth: usize,
    /// Data bits of the external memory port (AXI4), or 0 where there is none. With a port, weights that do not fit
    /// the weight memory stream through it.
    #[serde(default)]
    pub memory_bits: usize,
    /// Channel groups of a spike map that zero-skipping can tell apart, or 0 where only dense mode is built. Layers
    /// with more run dense.
    #[serde(default)]
    pub skip_groups: usize,
    /// Words per slot of the presence memory (`skip_groups` bits): pixels times time passes, half of them for the map
    /// at word 0 of the spike memory and half for the other. 0 where only dense mode is built.
    #[serde(default)]
    pub presence_depth: usize,
    /// Most images that share one pass over streamed weights; 1: every image has its own.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub batch: usize,
    /// Bursts of the ring in the external memory that residual maps go through when they are not kept on chip, a
    /// power of two; 0 where that is not built. The ring begins at address 0. A burst holds the CO channels of one
    /// pixel and time pass.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spill_depth: usize,
    /// Maps can be moved between the memories of the slots and the external memory, rows at a time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub moves: bool,
    /// Words of the memories have a parity bit, and one that has flipped ends the image: see [`crate::csr::ERROR_PARITY`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub parity: bool,
    /// Weights of layers with at most 4 bits lie two to a byte, in the weight memory and in the external one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub packed: bool,
    /// Each layer's neurons have a leak, a comparison and a reset of their own, or one by subtraction; without it all have
    /// those of the global registers, and a spike sets the membrane to 0.
    #[serde(default, skip_serializing_if = "is_false")]
    pub neurons: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn widest_sum() -> usize {
    ACC_BITS as usize
}

pub(crate) fn one() -> usize {
    1
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

pub(crate) fn is_one(n: &usize) -> bool {
    *n == 1
}

impl ArrayConfig {
    /// A configuration of the given size with the smallest memories; the planner enlarges them to fit a network.
    pub fn new(lanes: usize, pixels: usize, ci: usize, co: usize) -> Result<Self, ArrayError> {
        let size = |field, got, expected: &'static str| Err(size(field, got, expected));
        if !(1..=16).contains(&lanes) {
            return size("L (lanes)", lanes, "1 to 16");
        }
        if pixels != 1 {
            return size("PX (pixel lanes)", pixels, "1: pixel lanes are not built, raise CI or CO instead");
        }
        if !ci.is_power_of_two() || ci > 64 {
            return size("CI (input channel slots)", ci, "a power of two from 1 to 64");
        }
        if !co.is_power_of_two() || co > ci {
            return size("CO (output channels)", co, "a power of two from 1 to CI");
        }
        let post = (co / 4).clamp(1, 4);
        let d = 16;
        Ok(Self {
            lanes,
            pixels,
            ci,
            co,
            post,
            sum_bits: widest_sum(),
            code_depth: d,
            spike_depth: d,
            stream_depth: d,
            weight_depth: d,
            param_depth: d,
            instr_depth: 64,
            class_depth: 16,
            memory_bits: 0,
            skip_groups: 0,
            presence_depth: 0,
            batch: 1,
            spill_depth: 0,
            moves: false,
            parity: false,
            packed: false,
            neurons: false,
        })
    }
    /// The same array with `post` post lanes.
    pub fn with_post(self, post: usize) -> Result<Self, ArrayError> {
        if !post.is_power_of_two() || post > 4 || post > self.co {
            let expected = "1, 2 or 4, and no more than CO";
            return Err(size("R (post lanes)", post, expected));
        }
        Ok(Self { post, ..self })
    }
    /// The same array with zero-skipping for layers of up to `groups` input channel groups.
    pub fn with_skipping(self, groups: usize) -> Result<Self, ArrayError> {
        if !(1..=32).contains(&groups) {
            let expected = "1 to 32";
            return Err(size("skipping (channel groups)", groups, expected));
        }
        Ok(Self { skip_groups: groups, presence_depth: self.presence_depth.max(16), ..self })
    }
    /// The same array with an external memory port of `bits` data bits.
    pub fn with_memory(self, bits: usize) -> Result<Self, ArrayError> {
        // A transfer holds the weights of one slot and post lane at least, and of all slots at most.
        let entry = 8 * self.co / self.post;
        let (least, most) = (entry.max(32), (entry * self.ci).min(512));
        if !bits.is_power_of_two() || !(least..=most).contains(&bits) {
            let expected = match least.cmp(&most) {
                Ordering::Less => format!("a power of two from {least} to {most}"),
                Ordering::Equal => format!("{least}"),
                Ordering::Greater => "none".to_owned(),
            };
            let Self { ci, co, post, .. } = self;
            let expected = format!(
                "{expected} for CI = {ci}, CO = {co}, R = {post}: 32 to 512 bits that hold the {entry} bits of weights of \
                 a slot and no more than those of all slots"
            );
            return Err(size(MEMORY_PORT, bits, expected));
        }
        Ok(Self { memory_bits: bits, ..self })
    }
    /// The same array with weights shared by up to `images` images. It needs a memory port; with zero-skipping it
    /// cannot be built.
    pub fn with_batch(self, images: usize) -> Result<Self, ArrayError> {
        let expected = match images {
            1 => return Ok(Self { batch: 1, ..self }),
            2..=16 if self.memory_bits == 0 => {
                "1 without a memory port: weights on chip are never fetched again"
            }
            2..=16 if self.skip_groups > 0 => "1 with zero-skipping",
            2..=16 => return Ok(Self { batch: images, ..self }),
            _ => "1 to 16",
        };
        Err(size("batch (images)", images, expected))
    }
    /// The same array with residual maps that can go through the external memory. It needs a memory port.
    pub fn with_spilling(self) -> Result<Self, ArrayError> {
        if self.memory_bits == 0 {
            let expected = "at least 32, to spill maps";
            return Err(size(MEMORY_PORT, 0, expected));
        }
        Ok(Self { spill_depth: self.spill_depth.max(2), ..self })
    }
    /// The same array with maps that can be moved to the external memory and back. It spills, and has neither batches
    /// nor zero-skipping.
    pub fn with_moves(self) -> Result<Self, ArrayError> {
        let moved = self.with_spilling()?;
        if moved.batch > 1 {
            return Err(size("batch (images)", moved.batch, "1 to move maps: a batch has its maps on chip"));
        }
        if moved.skip_groups > 0 {
            let expected = "0 to move maps: presence bits are written with spikes, not moved";
            return Err(size("skipping (channel groups)", moved.skip_groups, expected));
        }
        let least = moved.least_port();
        if moved.memory_bits < least {
            let expected = format!("at least {least} to move maps: the values of a slot's stream word");
            return Err(size(MEMORY_PORT, moved.memory_bits, expected));
        }
        Ok(Self { moves: true, ..moved })
    }
    /// The same array with memories that tell when a bit of them has flipped.
    pub fn with_parity(self) -> Self {
        Self { parity: true, ..self }
    }
    /// The same array with weights of at most 4 bits two to a byte.
    pub fn with_packed(self) -> Self {
        Self { packed: true, ..self }
    }
    /// The same array with neurons of each layer's own constants.
    pub fn with_neurons(self) -> Self {
        Self { neurons: true, ..self }
    }
    /// The instruction's fields that the array knows.
    pub fn fields(&self) -> Vec<Field> {
        if self.neurons {
            layout()
        } else {
            plain_layout()
        }
    }
    /// Address bits of the weight memory at most: an instruction counts the halves of its words where they can be packed.
    pub fn weight_address_bits(&self) -> u32 {
        20 - u32::from(self.packed)
    }
    /// The same array with memories of the slots and instructions that fill a block memory of 18 kbit each: less takes no fewer
    /// of them, on ECP5 and Xilinx alike.
    pub fn in_blocks(mut self) -> Self {
        let words = |bits: usize| match bits {
            1 => 1 << 14,
            2 => 1 << 13,
            3..=4 => 1 << 12,
            5..=9 => 1 << 11,
            10..=18 => 1 << 10,
            _ => 1 << 9,
        };
        self.code_depth = self.code_depth.max(words(IMAGE_CODE_BITS));
        self.spike_depth = self.spike_depth.max(words(self.lanes));
        self.stream_depth = self.stream_depth.max(words(16 * self.lanes));
        self.weight_depth = self.weight_depth.max(words(8 * self.co / self.post));
        self.instr_depth = self.instr_depth.max(words(32));
        self
    }
    /// Checks a configuration that was read: whether the steps above and a planner lead to it.
    pub fn check(&self) -> Result<(), ArrayError> {
        let mut built = Self::new(self.lanes, self.pixels, self.ci, self.co)?.with_post(self.post)?;
        if self.memory_bits != 0 {
            built = built.with_memory(self.memory_bits)?;
        }
        if self.skip_groups != 0 {
            built = built.with_skipping(self.skip_groups)?;
        }
        built = built.with_batch(self.batch)?;
        if self.spill_depth != 0 {
            built = built.with_spilling()?;
        }
        if self.moves {
            built = built.with_moves()?;
        }
        if !(8..=ACC_BITS as usize).contains(&self.sum_bits) {
            return Err(size("sums (bits)", self.sum_bits, "8 to 32"));
        }
        let ring = if self.spill_depth == 0 { 0 } else { 31 - self.spill_bytes().ilog2() };
        for (field, got, least, bits) in [
            ("code memory (words)", self.code_depth, built.code_depth, 20),
            ("spike memory (words)", self.spike_depth, built.spike_depth, 20),
            ("stream memory (words)", self.stream_depth, built.stream_depth, 20),
            ("weight memory (words)", self.weight_depth, built.weight_depth, self.weight_address_bits()),
            ("parameter memory (words)", self.param_depth, built.param_depth, 16),
            ("instruction memory (words)", self.instr_depth, built.instr_depth, 16),
            ("result memory (words)", self.class_depth, built.class_depth, 12),
            ("presence memory (words)", self.presence_depth, built.presence_depth, 20),
            ("ring of spilled maps (bursts)", self.spill_depth, built.spill_depth, ring.min(22)),
        ] {
            let absent = least == 0 && got == 0;
            if !absent && (least == 0 || got < least || !got.is_power_of_two() || got > 1 << bits) {
                let expected = "a power of two that the planner gives";
                return Err(size(field, got, expected));
            }
        }
        Ok(())
    }
    /// Whether words of a memory of maps have a parity bit: those for which it takes no more block memories of 18 kbit.
    fn guards(&self, bits: usize, words: usize) -> bool {
        let blocks = |bits: usize| {
            let forms = [(1, 14), (2, 13), (4, 12), (9, 11), (18, 10), (36, 9)];
            forms
                .map(|(width, address)| bits.div_ceil(width) * words.div_ceil(1 << address))
                .into_iter()
                .min()
        };
        self.parity && blocks(bits + 1) == blocks(bits)
    }
    /// Whether words of the code memory have a parity bit.
    pub fn guards_codes(&self) -> bool {
        self.guards(IMAGE_CODE_BITS, self.code_depth)
    }
    /// Whether words of the spike memory have one.
    pub fn guards_spikes(&self) -> bool {
        self.guards(self.lanes, self.spike_depth)
    }
    /// Whether words of the stream memory have one.
    pub fn guards_streams(&self) -> bool {
        self.guards(16 * self.lanes, self.stream_depth)
    }
    /// Bits of all memories on chip, without parity.
    pub fn on_chip_bits(&self) -> u64 {
        let Self { lanes, ci, co, post, .. } = *self;
        let slots = IMAGE_CODE_BITS * self.code_depth
            + lanes * self.spike_depth
            + 16 * lanes * self.stream_depth
            + 8 * co * self.weight_depth
            + self.skip_groups * self.presence_depth;
        // A tap: two addresses, a parity, the channel groups that are there.
        let lists = match self.skip_groups {
            0 => 0,
            groups => SKIP_QUEUE * (20 + 20 + 1 + groups),
        };
        let buffers = match self.spill_depth {
            0 => 0,
            _ => 2 * 16 * self.spill_values() * self.spill_buffer(),
        };
        let encoder = 24 * 4 * MAX_T + lanes * GATE_MAX_BITS as usize * GATE_ENTRIES;
        let control = 70 * post * self.param_depth + 32 * (2 * self.instr_depth + self.class_depth);
        (ci * (slots + lists) + buffers + encoder + control) as u64
    }
    /// Lane operations per cycle, L x PX x CI x CO.
    pub fn lane_ops(&self) -> usize {
        self.lanes * self.pixels * self.ci * self.co
    }
    /// Words that hold the T spike bits of one channel at one pixel.
    pub fn time_passes(&self, t: usize) -> usize {
        t.div_ceil(self.lanes)
    }
    /// Plane passes over image codes: lane l carries plane `l * image_passes() + image_passes() - 1 - pass`.
    pub fn image_passes(&self) -> usize {
        IMAGE_CODE_BITS.div_ceil(self.lanes)
    }
    /// Plane passes over attention codes, laid out as for images.
    pub fn code_passes(&self) -> usize {
        ATTENTION_CODE_BITS.div_ceil(self.lanes)
    }
    /// Levels of the adder tree over the CI slots.
    pub fn tree_levels(&self) -> usize {
        self.ci.ilog2() as usize
    }
    /// Registers in the adder tree behind the one after its first level: one after every second level, and one
    /// after the last.
    pub fn tree_registers(&self) -> usize {
        self.tree_levels().saturating_sub(1).div_ceil(2)
    }
    /// Beats that drain one capture through the post lanes (channel by channel when `narrow`).
    pub fn beats(&self, narrow: bool) -> usize {
        if narrow {
            self.co
        } else {
            self.co / self.post
        }
    }
    /// Slots rounded to the address width of a memory of `depth` words.
    pub fn address_bits(depth: usize) -> usize {
        (depth.max(2) - 1).ilog2() as usize + 1
    }
}

impl Failure for ArrayError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        None
    }
}
