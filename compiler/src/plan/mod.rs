//! From an integer network to a program: memory regions, instructions, load packets, predicted cycles.
//!
//! Data in: [`Network`] and the wanted array. Data out: [`Planned`]. Everything here is exact arithmetic on shapes; equal
//! input gives equal output. The passes, in order; each is one function in the file of its name:
//!
//! | pass | takes | gives |
//! | --- | --- | --- |
//! | `legalise` | the network | whether the core has what every node asks for |
//! | `prove` | the network | whether every sum fits its accumulator |
//! | `fuse` | the network | steps: nodes that one instruction computes, in the order in which they run |
//! | `live` | steps | lives: from which step to which each tensor lives, and what is written over what |
//! | `place` | lives, array | a layout: addresses of tensors, and which streams leave the chip |
//! | `stripes` | lives, array | what lies outside between the steps, and rows of a step that are computed at a time |
//! | `schedule` | steps, places | a sequence: the instructions of the plain and the tracing program, and the dumps |
//! | `counted` | moves | which of their words an array with parity counts |
//! | `pages` | a sequence | the same in pages, where the instruction memory holds less |
//! | `ring`, `time` | a sequence | places of streamed weights; cycles with the external memory |
//! | `packets` | a sequence | load packets |
//!
//! `passes` runs them; `divide` makes programs of some of the steps. The first four know no array and run once. Nothing in a pass
//! asks where in the network a node stands, or what it is called: only what it computes, what it reads and who reads it.

mod counted;
pub mod cycles;
mod divide;
mod dump;
mod ends;
mod error;
mod external;
mod fit;
mod frame;
mod fuse;
mod handed;
mod layer;
mod legalise;
mod live;
mod movable;
mod move_cycles;
mod moving;
mod packets;
mod pages;
mod part;
mod passes;
mod place;
mod planned;
mod pool;
mod port;
mod prove;
mod ring;
mod room;
mod schedule;
mod sequence;
mod shown;
mod sizer;
mod sizes;
mod skip;
mod spill;
mod step;
mod stripes;
#[cfg(test)]
mod tests;
mod tile;
mod time;
mod unit;

pub use divide::divide;
pub use error::{Memory, PlanError};
pub use external::External;
pub use fit::Request;
pub use passes::packet_words;
pub use planned::Planned;
pub use shown::Hidden;
pub use sizer::{Size, Sizer};
pub use time::{predict, predict_with};

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{Design, MemoryModel, Plan};
use spikegate_contract::network::Network;

use passes::Fused;

/// Plans a network onto an array.
///
/// # Errors
/// The array cannot be built; the network is not valid, beyond what the core computes or too large for the array's
/// memories; or a sum could leave 32 bits. The message names the node or memory, what is needed and what there is.
pub fn plan(net: &Network, request: Request<'_>) -> Result<Planned, PlanError> {
    plan_with(net, request, &MemoryModel::default())
}

/// The plan of a design in a folder, whose instructions are planned again: the cycles are those that the design promises.
///
/// # Errors
/// As [`plan`], and [`PlanError::Other`] where the design's plan is not one of its network.
pub fn of(design: &Design) -> Result<Planned, PlanError> {
    let mut planned = plan(&design.network, Request::Existing(&design.manifest.array))?;
    let names = |plan: &Plan| -> Vec<String> {
        plan.steps.iter().chain(&plan.trace_steps).map(|step| step.name.clone()).collect()
    };
    if names(&planned.plan) != names(&design.plan) {
        return Err(PlanError::Other { dir: design.dir.clone() });
    }
    planned.plan = design.plan.clone();
    Ok(planned)
}

/// As [`plan`], with cycles for an external memory of this timing, where weights stream from one. The program computes
/// as many images at a time as the array is built for.
///
/// # Errors
/// As [`plan`], and a bandwidth beyond the port's.
pub fn plan_with(net: &Network, request: Request<'_>, memory: &MemoryModel) -> Result<Planned, PlanError> {
    plan_batch(net, request, memory, request.images())
}

/// As [`plan_with`], for a new array with at most `bits` bits of memory on chip. Where the array has a port, residual maps
/// that do not fit go through the external memory, and then all maps, see [`Sizer::within`].
///
/// # Errors
/// As [`plan_with`], and memories that are larger all the same.
pub fn plan_within(
    net: &Network,
    array: &ArrayConfig,
    memory: &MemoryModel,
    bits: u64,
) -> Result<Planned, PlanError> {
    let sizer = Sizer::new(net)?;
    let array = &sizer.within(array, memory, &|array| array.on_chip_bits() <= bits)?;
    let needed = array.on_chip_bits();
    if needed > bits {
        return Err(PlanError::OnChip { needed, available: bits, port: array.memory_bits > 0 });
    }
    batch(&sizer.0, Request::New(array), memory, array.batch)
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
    batch(&Fused::of(net)?, request, memory, images)
}

fn batch(
    fused: &Fused<'_>,
    request: Request<'_>,
    memory: &MemoryModel,
    images: usize,
) -> Result<Planned, PlanError> {
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
