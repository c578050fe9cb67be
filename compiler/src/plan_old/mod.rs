//! From an integer network to a program: memory regions, instructions, load packets, predicted cycles.
//!
//! Data in: [`Network`] and the wanted array. Data out: [`Planned`]. Everything here is exact arithmetic on shapes;
//! equal input gives equal output.

mod block;
mod check;
#[cfg(test)]
mod compare;
pub mod cycles;
mod dump;
mod encoder;
mod error;
mod layer;
mod memory;
pub(crate) mod pool;
mod port;
mod program;
mod proof;
mod sequence;
mod skip;
mod stream;

pub use check::check;
pub use error::{Memory, PlanError};
pub use proof::prove;
use proof::sum_bits;
pub use stream::predict;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{MapSpill, MemoryModel, Plan, WeightStream, FORMAT_VERSION};
use spikegate_contract::instr::{self, Instr, Opcode, RESIDUAL_SPILLED, STREAM_SPILLED};
use spikegate_contract::network::Network;

use layer::Placement;
pub(crate) use layer::Weights;
use memory::Layout;
use sequence::{Builder, Sequence};

/// The array to plan for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A new array of this size; its memories grow to the next power of two that holds the network.
    Size {
        /// L.
        lanes: usize,
        /// PX.
        pixels: usize,
        /// CI.
        ci: usize,
        /// CO.
        co: usize,
    },
    /// A new array with these sizes and options; its memories grow in the same way.
    New(&'a ArrayConfig),
    /// An array that exists: the network must fit its memories. Weights that do not fit stream, if it has a port.
    Existing(&'a ArrayConfig),
}

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
/// The array cannot be built; the network is incomplete, out of the hardware's range or too large for the array's
/// memories; or a sum could leave 32 bits. The message names the layer or memory, what is needed and what there is.
pub fn plan(net: &Network, request: Request<'_>) -> Result<Planned, PlanError> {
    plan_with(net, request, &MemoryModel::default())
}

/// As [`plan`], with cycles for an external memory of this timing, where weights stream from one. The program computes
/// as many images at a time as the array is built for.
///
/// # Errors
/// As [`plan`], and a bandwidth beyond the port's.
pub fn plan_with(net: &Network, request: Request<'_>, memory: &MemoryModel) -> Result<Planned, PlanError> {
    let images = match request {
        Request::Size { .. } => 1,
        Request::New(array) | Request::Existing(array) => array.batch,
    };
    plan_batch(net, request, memory, images)
}

/// As [`plan_with`], for a new array with at most `bits` bits of memory on chip. Residual maps that do not fit go through
/// the external memory, where the array has a port.
///
/// # Errors
/// As [`plan_with`], and memories that are larger all the same.
pub fn plan_within(
    net: &Network,
    array: &ArrayConfig,
    memory: &MemoryModel,
    bits: u64,
) -> Result<Planned, PlanError> {
    check(net)?;
    prove(net)?;
    let needed = |array: &ArrayConfig| {
        let outline = outline(net, array.clone(), true, memory, array.batch);
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
    net: &Network,
    request: Request<'_>,
    memory: &MemoryModel,
    images: usize,
) -> Result<Planned, PlanError> {
    check(net)?;
    prove(net)?;
    let array = match request {
        Request::Size { lanes, pixels, ci, co } => ArrayConfig::new(lanes, pixels, ci, co)?,
        Request::New(array) | Request::Existing(array) => array.clone(),
    };
    if !(1..=array.batch).contains(&images) {
        return Err(PlanError::BatchSize { images, most: array.batch });
    }
    let grow = !matches!(request, Request::Existing(_));
    let fits = |images: usize| whole(net, array.clone(), grow, memory, images);
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
pub fn size(net: &Network, array: &ArrayConfig) -> Result<(ArrayConfig, u64), PlanError> {
    check(net)?;
    prove(net)?;
    let outline = outline(net, array.clone(), true, &MemoryModel::default(), 1)?;
    Ok((outline.array, outline.plan.steps.iter().map(|s| s.cycles).sum()))
}

fn whole(
    net: &Network,
    array: ArrayConfig,
    grow: bool,
    memory: &MemoryModel,
    images: usize,
) -> Result<Planned, PlanError> {
    let Outline { array, plan, normal, trace } = outline(net, array, grow, memory, images)?;
    let streamed = |sequence: &Sequence| plan.weight_stream.map(|_| sequence.weights.clone());
    let packets = program::packets(net, &array, &normal.instructions, streamed(&normal).as_deref())?;
    let trace_packets = program::packets(net, &array, &trace.instructions, streamed(&trace).as_deref())?;
    Ok(Planned {
        array,
        instructions: normal.instructions,
        trace_instructions: trace.instructions,
        plan,
        packets,
        trace_packets,
    })
}

/// A plan without packets; the steps and dumps of its programs have moved into the plan.
struct Outline {
    array: ArrayConfig,
    plan: Plan,
    normal: Sequence,
    trace: Sequence,
}

fn outline(
    net: &Network,
    mut array: ArrayConfig,
    grow: bool,
    memory: &MemoryModel,
    images: usize,
) -> Result<Outline, PlanError> {
    let needed = sum_bits(net, &array);
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
    let layout = Layout::of(net, &array, images, grow);
    let placement = Placement::of_network(net, &array);
    let streams = array.memory_bits > 0 && (grow || placement.weights > array.weight_depth);
    let weights = if streams { stream::depth(net, &array) } else { placement.weights };
    let words_used = [layout.code(), layout.spikes.total, layout.stream.total, weights, placement.params];
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
    fit(&mut array.class_depth, net.head.conv.out_c, Memory::Result, 12, grow)?;

    let mut normal = Builder::run(net, &array, &layout, &placement, images, false)?;
    let mut trace = Builder::run(net, &array, &layout, &placement, images, true)?;
    let mut words = 0;
    if streams {
        words = stream::place(&mut normal, &array)?;
        stream::place(&mut trace, &array)?;
    }
    let map_spill = spilled(&normal, &layout, &array, memory);
    if streams || array.spill_depth > 0 {
        stream::time(&mut normal, &array, net.t, memory, streams);
        stream::time(&mut trace, &array, net.t, memory, streams);
    }
    let mut weight_stream = None;
    if streams {
        let bytes = (words * array.weight_bytes()) as u64;
        let mut alone = normal.clone();
        if images > 1 {
            alone = Builder::run(net, &array, &Layout::of(net, &array, 1, false), &placement, 1, false)?;
            stream::place(&mut alone, &array)?;
            stream::time(&mut alone, &array, net.t, memory, true);
        }
        let cycles_alone = alone.steps.iter().map(|s| s.cycles).sum();
        weight_stream = Some(WeightStream { memory: *memory, bytes, cycles_alone });
    }
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

/// The maps that leave the chip in a run of the plain program, if any do.
fn spilled(
    sequence: &Sequence,
    layout: &Layout,
    array: &ArrayConfig,
    memory: &MemoryModel,
) -> Option<MapSpill> {
    if !layout.maps.iter().any(|map| map.spilled) {
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

/// Checks one memory, or enlarges it to a power of two.
fn fit(depth: &mut usize, needed: usize, memory: Memory, bits: u32, grow: bool) -> Result<(), PlanError> {
    let limit = 1usize << bits;
    if needed > limit {
        return Err(PlanError::TooLarge { memory, needed, limit });
    }
    if grow {
        *depth = needed.next_power_of_two().max(*depth);
    }
    if needed > *depth {
        return Err(PlanError::TooSmall { memory, needed, available: *depth });
    }
    Ok(())
}
