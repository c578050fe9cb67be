//! From an integer network to a program: memory regions, instructions, load packets, predicted cycles.
//!
//! Data in: [`Network`] and the wanted array. Data out: [`Planned`]. Everything here is exact arithmetic on shapes; equal
//! input gives equal output. The passes, in order; each is one function in the file of its name:
//!
//! | pass | takes | gives |
//! | --- | --- | --- |
//! | `legalise` | the network | whether the core has what every node asks for |
//! | `prove` | the network | whether every sum fits its accumulator |
//! | `fuse` | the network | [`Step`]s: nodes that one instruction computes, in the order in which they run |
//! | `live` | steps | [`Lives`]: from which step to which each tensor lives, and what is written over what |
//! | `place` | lives, array | `Layout`: addresses of tensors, and which streams leave the chip |
//! | `schedule` | steps, places | `Sequence`: the instructions of the plain and the tracing program, and the dumps |
//! | `ring`, `time` | a sequence | places of streamed weights; cycles with the external memory |
//! | `packets` (in [`crate::emit`]) | a sequence | load packets |
//!
//! The first four know no array and run once. Nothing in a pass asks where in the network a node stands, or what it is
//! called: only what it computes, what it reads and who reads it.

mod chain;
pub mod cycles;
mod dump;
mod ends;
mod error;
mod fit;
mod frame;
mod fuse;
mod layer;
mod legalise;
mod live;
mod place;
pub(crate) mod pool;
mod port;
mod prove;
mod ring;
mod schedule;
mod sequence;
mod skip;
mod step;
#[cfg(test)]
mod tests;
mod time;

pub use chain::AsGraph;
pub use error::{Memory, PlanError};
pub use fit::Request;
pub use time::predict;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{MapSpill, MemoryModel, Plan, WeightStream, FORMAT_VERSION};
use spikegate_contract::graph::Network;
use spikegate_contract::instr::{self, Instr, Opcode, RESIDUAL_SPILLED, STREAM_SPILLED};

use crate::emit::program;
use fit::fit;
use layer::Placement;
pub(crate) use layer::{groups, poolings, Kernel, Weights};
use live::Lives;
use place::{Layout, Sizes};
use schedule::{schedule, Placed};
use sequence::Sequence;
use step::Step;

/// A network ready for an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The array, memory depths included.
    pub array: ArrayConfig,
    /// Instructions of one image or batch.
    pub instructions: Vec<Instr>,
    /// The same with dumps of every tensor.
    pub trace_instructions: Vec<Instr>,
    /// Steps, dumps and predicted cycles.
    pub plan: Plan,
    /// Load packets of the program.
    pub packets: Vec<Vec<u32>>,
    /// Load packets of the tracing program.
    pub trace_packets: Vec<Vec<u32>>,
}

/// Plans a network onto an array.
///
/// # Errors
/// The array cannot be built; the network is not valid, beyond what the core computes or too large for the array's
/// memories; or a sum could leave 32 bits. The message names the node or memory, what is needed and what there is.
pub fn plan(net: &impl AsGraph, request: Request<'_>) -> Result<Planned, PlanError> {
    plan_with(net, request, &MemoryModel::default())
}

/// As [`plan`], with cycles for an external memory of this timing, where weights stream from one. The program computes
/// as many images at a time as the array is built for.
///
/// # Errors
/// As [`plan`], and a bandwidth beyond the port's.
pub fn plan_with(
    net: &impl AsGraph,
    request: Request<'_>,
    memory: &MemoryModel,
) -> Result<Planned, PlanError> {
    plan_batch(net, request, memory, request.images())
}

/// As [`plan_with`], for a new array with at most `bits` bits of memory on chip. Residual maps that do not fit go through
/// the external memory, where the array has a port.
///
/// # Errors
/// As [`plan_with`], and memories that are larger all the same.
pub fn plan_within(
    net: &impl AsGraph,
    array: &ArrayConfig,
    memory: &MemoryModel,
    bits: u64,
) -> Result<Planned, PlanError> {
    let net = &*net.graph();
    let fused = Fused::of(net)?;
    let needed = |array: &ArrayConfig| {
        let outline = fused.outline(array.clone(), true, memory, array.batch);
        outline.map(|outline| outline.array.on_chip_bits())
    };
    let whole = needed(array)?;
    let spilling = array.clone().with_spilling().ok().filter(|_| whole > bits);
    let (array, needed) = match &spilling {
        Some(spilling) => (spilling, needed(spilling)?),
        None => (array, whole),
    };
    if needed > bits {
        return Err(PlanError::OnChip { needed, available: bits, port: array.memory_bits > 0 });
    }
    plan_with(net, Request::New(array), memory)
}

/// As [`plan_with`], for `images` images at a time, not more than the array is built for.
///
/// # Errors
/// As [`plan_with`]; where fewer images would fit the memories, it says how many.
pub fn plan_batch(
    net: &impl AsGraph,
    request: Request<'_>,
    memory: &MemoryModel,
    images: usize,
) -> Result<Planned, PlanError> {
    let net = &*net.graph();
    let fused = Fused::of(net)?;
    let array = request.array()?;
    if !(1..=array.batch).contains(&images) {
        return Err(PlanError::BatchSize { images, most: array.batch });
    }
    let grow = !matches!(request, Request::Existing(_));
    let fits = |images: usize| fused.whole(array.clone(), grow, memory, images);
    let too_large = |e: &PlanError| matches!(e, PlanError::TooSmall { .. } | PlanError::TooLarge { .. });
    match fits(images) {
        Err(source) if too_large(&source) => match (1..images).rev().find(|&n| fits(n).is_ok()) {
            Some(n) => Err(PlanError::Batch { images, fits: n, source: Box::new(source) }),
            None => Err(source),
        },
        result => result,
    }
}

/// The array that [`plan`] would take, memory depths included, and the cycles of one image on it. Makes no packets.
///
/// # Errors
/// As [`plan`].
pub fn size(net: &impl AsGraph, array: &ArrayConfig) -> Result<(ArrayConfig, u64), PlanError> {
    let outline = Fused::of(&net.graph())?.outline(array.clone(), true, &MemoryModel::default(), 1)?;
    Ok((outline.array, outline.plan.steps.iter().map(|s| s.cycles).sum()))
}

/// What the passes know before there is an array.
struct Fused<'a> {
    net: &'a Network,
    steps: Vec<Step>,
    lives: Lives,
}

/// A plan without packets; the steps and dumps of its programs have moved into the plan.
struct Outline {
    array: ArrayConfig,
    plan: Plan,
    normal: Sequence,
    trace: Sequence,
}

impl<'a> Fused<'a> {
    fn of(net: &'a Network) -> Result<Self, PlanError> {
        net.validate()?;
        legalise::legalise(net)?;
        prove::prove(net)?;
        let steps = fuse::fuse(net)?;
        let lives = live::live(net, &steps);
        Ok(Self { net, steps, lives })
    }

    fn whole(
        &self,
        array: ArrayConfig,
        grow: bool,
        memory: &MemoryModel,
        images: usize,
    ) -> Result<Planned, PlanError> {
        let Outline { array, plan, normal, trace } = self.outline(array, grow, memory, images)?;
        let packets = |sequence: &Sequence| {
            let streamed = plan.weight_stream.map(|_| &sequence.weights[..]);
            program::packets(self.net, &array, &sequence.instructions, streamed)
        };
        let (packets, trace_packets) = (packets(&normal)?, packets(&trace)?);
        let (instructions, trace_instructions) = (normal.instructions, trace.instructions);
        Ok(Planned { array, instructions, trace_instructions, plan, packets, trace_packets })
    }

    fn outline(
        &self,
        mut array: ArrayConfig,
        grow: bool,
        memory: &MemoryModel,
        images: usize,
    ) -> Result<Outline, PlanError> {
        let net = self.net;
        let needed = prove::sum_bits(net, &array);
        if grow {
            array.sum_bits = needed;
        } else if needed > array.sum_bits {
            return Err(PlanError::Sums { needed, available: array.sum_bits });
        }
        let port = (array.memory_bits / 8) as u64;
        if memory.bytes_per_1000_cycles > 1000 * port {
            let bytes_per_1000_cycles = memory.bytes_per_1000_cycles;
            return Err(PlanError::Bandwidth { bytes_per_1000_cycles, port });
        }
        let layout = self.place(&array, images, grow);
        let placement = Placement::of(net, &array);
        let streams = array.memory_bits > 0 && (grow || placement.weights > array.weight_depth);
        let weights = if streams { ring::depth(net, &array) } else { placement.weights };
        let words_used = [layout.code, layout.spike, layout.stream, weights, placement.params];
        let [code, spike, stream, weight, param] = words_used;
        fit(&mut array.code_depth, code, Memory::Code, 20, grow)?;
        fit(&mut array.spike_depth, spike, Memory::Spike, 20, grow)?;
        if array.skip_groups > 0 {
            fit(&mut array.presence_depth, layout.presence, Memory::Presence, 20, grow)?;
        }
        fit(&mut array.stream_depth, stream, Memory::Stream, 20, grow)?;
        if array.spill_depth > 0 {
            let bits = 31 - array.spill_bytes().ilog2();
            fit(&mut array.spill_depth, layout.spill, Memory::Ring, bits.min(22), grow)?;
        }
        fit(&mut array.weight_depth, weight, Memory::Weight, 20, grow)?;
        fit(&mut array.param_depth, param, Memory::Param, 16, grow)?;
        fit(&mut array.class_depth, net.classes(), Memory::Result, 12, grow)?;

        let program = |layout: &Layout, images: usize, trace: bool| {
            let sizes = Sizes { net, array: &array, images };
            let placed = Placed { sizes, steps: &self.steps, layout, placement: &placement };
            let mut sequence = schedule(placed, trace)?;
            let words = if streams { ring::place(&mut sequence, &array)? } else { 0 };
            if streams || array.spill_depth > 0 {
                time::time(&mut sequence, &array, net.timesteps, memory, streams);
            }
            Ok::<_, PlanError>((sequence, words))
        };
        let (mut normal, words) = program(&layout, images, false)?;
        let (mut trace, _) = program(&layout, images, true)?;
        let mut weight_stream = None;
        if streams {
            let cycles_alone = match images {
                1 => normal.cycles(),
                _ => program(&self.place(&array, 1, false), 1, false)?.0.cycles(),
            };
            let bytes = (words * array.weight_bytes()) as u64;
            weight_stream = Some(WeightStream { memory: *memory, bytes, cycles_alone });
        }
        let map_spill = spilled(&normal, &layout, &array, memory);
        let instructions = trace.instructions.len().max(normal.instructions.len());
        fit(&mut array.instr_depth, instructions * instr::words(), Memory::Instruction, 16, grow)?;

        let plan = Plan {
            format_version: FORMAT_VERSION,
            steps: std::mem::take(&mut normal.steps),
            trace_steps: std::mem::take(&mut trace.steps),
            dumps: std::mem::take(&mut trace.dumps),
            batch: images,
            words_used,
            weight_stream,
            map_spill,
        };
        Ok(Outline { array, plan, normal, trace })
    }

    fn place(&self, array: &ArrayConfig, images: usize, grow: bool) -> Layout {
        place::place(Sizes { net: self.net, array, images }, &self.steps, &self.lives, grow)
    }
}

/// The maps that leave the chip in a run of the plain program, if any do.
fn spilled(
    sequence: &Sequence,
    layout: &Layout,
    array: &ArrayConfig,
    memory: &MemoryModel,
) -> Option<MapSpill> {
    if !layout.streams.values().any(|stream| stream.spilled) {
        return None;
    }
    let mut spill = MapSpill { memory: *memory, maps: Vec::new(), written: 0, read: 0 };
    for (i, step) in sequence.instructions.iter().zip(&sequence.steps) {
        let pixels = u64::from(i.out_h + 1) * u64::from(i.out_w + 1) * u64::from(i.images + 1);
        let bursts = u64::from(i.groups_out + 1) * pixels * u64::from(i.time_passes + i.sweeps + 1);
        let bytes = bursts * array.spill_bytes() as u64;
        if i.op == Opcode::Conv as u32 && i.image & STREAM_SPILLED != 0 {
            spill.maps.push(step.name.clone());
            spill.written += bytes;
        }
        if i.op == Opcode::Conv as u32 && i.image & RESIDUAL_SPILLED != 0 {
            spill.read += bytes;
        }
    }
    Some(spill)
}
