//! `plan.json`: what the planner decided and predicts.

use serde::{Deserialize, Serialize};
use std::path::Path;

use super::{BundleError, FORMAT_VERSION};
use crate::array::{is_one, one, ArrayConfig, MAX_MEMORY_LATENCY, MEMORY_LATENCY};

/// Where a dump's words belong: written by the planner, used to decode a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpEntry {
    /// Index of the dump instruction in the tracing program.
    pub instruction: usize,
    /// Tensor name: that of its node.
    pub tensor: String,
    /// Sizes (t, c, y, x).
    pub dims: [usize; 4],
    /// How words become values.
    pub form: DumpForm,
    /// Images whose maps lie side by side in the region, channel group by channel group.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub images: usize,
    /// The image of a batch that the dump belongs to; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<usize>,
    /// It comes out of the external memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spilled: bool,
    /// The first row and the number of rows of the map that it holds, where it is not all of them; the words are those of a
    /// map of so many rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<[usize; 2]>,
    /// So many values of every channel, one behind those of all channels, are counts of parts of a map, and add up.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub parts: usize,
}

/// Form of the values in a dump. Word order: address, slot, (lane); address =
/// ((group * images + image) * passes + pass) * pixels + pixel. Of spilled maps: burst, channel of the CO, (lane); burst =
/// ((group * images + image) * pixels + pixel) * passes + pass, where a group has CO channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DumpForm {
    /// One 9-bit word per value, two's complement (s8 stored sign extended).
    SignedCode,
    /// One 9-bit word per value, unsigned.
    UnsignedCode,
    /// Spike words, bit l is timestep `pass * lanes + l`.
    Spikes,
    /// s16 per lane, lane l is timestep `pass * lanes + l`.
    Stream,
    /// s16 in lane 0 of one word per value: a value without timesteps.
    StreamLane0,
    /// Sum, maximum and TA: yields two tensors, that of the attention's node and before it that of the statistics which it
    /// reads.
    Scalars,
}

/// One executed instruction and its predicted cycles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Name of the node that it computes, its convolution's where it computes several, such as `layer1.0.conv1`; or
    /// `take`, `finish`, or `dump`, `load` or `store` with the name of a tensor, or `load program`.
    pub name: String,
    /// Predicted cycles from its fetch to the next fetch; 0 for steps whose length the host decides (dump, finish,
    /// take). Here and below for all images of the batch that the step computes.
    pub cycles: u64,
    /// Cycles in which an operand word is issued to the array.
    pub issue_cycles: u64,
    /// Dense operations of the layer: taps (padded ones included) x channels x timesteps, or x planes x timesteps.
    pub dense_ops: u64,
    /// The same without taps on the zero border.
    #[serde(default)]
    pub inside_ops: u64,
    /// Whether it is a 3x3 convolution on spikes, whose `dense_ops` are SOPs.
    pub spiking: bool,
    /// Whether input and output channels fill the array's slots.
    pub fills_array: bool,
    /// The spikes whose zeros the step skips, where it does; `cycles` and `issue_cycles` are then those of dense mode.
    #[serde(default)]
    pub skips: Option<String>,
}

/// The external memory as the planner counts with it: what a design's cycles hold for.
///
/// A transfer of the port comes at the earliest `latency` cycles after its address was taken, and transfers in a row at
/// `bytes_per_1000_cycles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryModel {
    /// Cycles from an accepted read address to the first data, at most [`MAX_MEMORY_LATENCY`].
    pub latency: u64,
    /// Bytes that come in 1,000 cycles; 0 stands for a transfer in every cycle.
    pub bytes_per_1000_cycles: u64,
}

impl Default for MemoryModel {
    fn default() -> Self {
        Self { latency: MEMORY_LATENCY, bytes_per_1000_cycles: 0 }
    }
}

impl MemoryModel {
    /// What figures with it are said to be of.
    pub fn name(&self) -> &'static str {
        match self.bytes_per_1000_cycles {
            0 => "ideal memory",
            _ => "memory of even bandwidth",
        }
    }
    /// Cycles per transfer of `bytes` bytes as a fraction, at least 1.
    pub fn interval(&self, bytes: usize) -> (u64, u64) {
        let one = 1000 * bytes as u64;
        match self.bytes_per_1000_cycles {
            0 => (1, 1),
            rate => (one.max(rate), rate),
        }
    }
}

/// Weights that stream from the external memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightStream {
    /// The memory that the cycles hold for.
    pub memory: MemoryModel,
    /// Bytes read per run of the program, for all images of a batch; the padding of channel groups included.
    pub bytes: u64,
    /// Cycles of an image if every image fetched all of its weights.
    pub cycles_alone: u64,
}

/// Maps that go through the external memory: residual maps as a queue, any maps by moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapSpill {
    /// The memory that the cycles hold for.
    pub memory: MemoryModel,
    /// Steps whose stream leaves the chip, in order.
    pub maps: Vec<String>,
    /// Bytes written per run of the program.
    pub written: u64,
    /// Bytes read per run of the program.
    pub read: u64,
}

/// `plan.json`: what the planner decided and predicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`super::FORMAT_VERSION`].
    pub format_version: u32,
    /// Instructions of `program.bin` in order.
    pub steps: Vec<PlannedStep>,
    /// Instructions of `trace.bin` in order.
    pub trace_steps: Vec<PlannedStep>,
    /// Dumps of `trace.bin`.
    pub dumps: Vec<DumpEntry>,
    /// Images that one run of the program computes.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub batch: usize,
    /// Words used per slot: code, spike, stream, weight, parameter memory.
    pub words_used: [usize; 5],
    /// The weights' way, where they stream from the external memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_stream: Option<WeightStream>,
    /// The residual maps that do not stay on chip, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_spill: Option<MapSpill>,
    /// First transfer of the image's patches in the external memory, where they lie there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patches: Option<u32>,
}

impl Plan {
    /// The external memory that the cycles hold for, where the program uses one.
    pub fn memory(&self) -> Option<MemoryModel> {
        let maps = self.map_spill.as_ref().map(|spill| spill.memory);
        self.weight_stream.map(|stream| stream.memory).or(maps)
    }

    /// Checks a plan that was read, so that its numbers can be added and multiplied; `path` names it.
    pub(super) fn check(&self, path: &Path, array: &ArrayConfig) -> Result<(), BundleError> {
        let refuse = |what: String, got: u64, expected: String| {
            Err(BundleError::Plan { path: path.to_owned(), what, got, expected })
        };
        let most = |what: String, got: u64, most: u64| match got {
            got if got <= most => Ok(()),
            got => refuse(what, got, format!("at most {most}")),
        };
        if self.format_version != FORMAT_VERSION {
            return Err(BundleError::Version { path: path.to_owned(), got: self.format_version.into() });
        }
        if self.batch == 0 || self.batch > array.batch {
            return refuse("batch".to_owned(), self.batch as u64, format!("1 to {}", array.batch));
        }
        for steps in [&self.steps, &self.trace_steps] {
            most("number of steps".to_owned(), steps.len() as u64, array.instr_depth as u64)?;
            for step in steps {
                // A core counts with 32 bits.
                for (what, got) in [("cycles", step.cycles), ("issue cycles", step.issue_cycles)] {
                    most(format!("{what} of {}", step.name), got, u32::MAX.into())?;
                }
                for got in [step.dense_ops, step.inside_ops] {
                    most(format!("operations of {}", step.name), got, 1 << 48)?;
                }
            }
        }
        let steps = self.trace_steps.len() as u64;
        most("number of dumps".to_owned(), self.dumps.len() as u64, steps)?;
        for dump in &self.dumps {
            let of = |what: &str| format!("{what} of the dump of {}", dump.tensor);
            most(of("instruction"), dump.instruction as u64, steps.saturating_sub(1))?;
            most(of("images"), dump.images as u64, array.batch as u64)?;
            most(of("image"), dump.image.unwrap_or(0) as u64, self.batch as u64 - 1)?;
            let values = dump.dims.iter().try_fold(1u64, |n, &size| n.checked_mul(size as u64));
            most(of("values"), values.unwrap_or(u64::MAX), DUMP_VALUES)?;
            let largest = dump.dims.iter().max().map_or(0, |&n| n as u64);
            most(of("largest size"), largest, DUMP_VALUES)?;
            most(of("parts"), dump.parts as u64, DUMP_PARTS)?;
            if let Some([first, rows]) = dump.rows {
                most(of("first row"), first as u64, dump.dims[2] as u64)?;
                most(of("rows"), rows as u64, (dump.dims[2] - first) as u64)?;
            }
        }
        let memory = self.memory().unwrap_or_default();
        most("latency of the memory".to_owned(), memory.latency, MAX_MEMORY_LATENCY)?;
        most("bandwidth of the memory".to_owned(), memory.bytes_per_1000_cycles, u32::MAX.into())
    }
}

/// Most parts of a map.
const DUMP_PARTS: u64 = 1 << 10;
/// Most values of a dump.
const DUMP_VALUES: u64 = 1 << 28;
