//! A network onto an array that exists, as it is: the hardware stays the same to the last bit, so that a bitstream of it
//! runs another network.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::network::Network;
use std::borrow::Cow;
use std::fmt;

use crate::plan::{plan_batch, plan_with, Memory, PlanError, Planned, Request};

/// Something of an array that is too small for a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What it is.
    pub what: Part,
    /// Words needed per slot (per post lane for parameters), or bits of a sum.
    pub needed: usize,
    /// There are.
    pub available: usize,
}

/// What can be too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A memory.
    Memory(Memory),
    /// The accumulators.
    Sums,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, available, .. } = self;
        match self.what {
            Part::Memory(Memory::Ring) => {
                write!(f, "{}: {needed} bursts needed, there are {available}", Memory::Ring)
            }
            Part::Memory(memory) => write!(f, "{memory}: {needed} words needed, there are {available}"),
            Part::Sums => write!(f, "accumulators: {needed} bits needed, there are {available}"),
        }
    }
}

/// A network that an array cannot run as it is.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ExistingError {
    /// Parts of the array are too small: all that are, in the order of the planner.
    #[error("the network does not fit the array as it is{}", lines(.0))]
    Small(Vec<Lack>),
    /// Anything else that the planner says.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

fn lines(lacks: &[Lack]) -> String {
    lacks.iter().map(|lack| format!("\n{lack}")).collect()
}

/// Plans a network onto an array whose sizes stay, for `images` at a time (as many as it is built for without it).
///
/// # Errors
/// [`ExistingError::Small`] names everything that is too small; else as [`plan_batch`].
pub fn plan_existing(
    net: &Network,
    array: &ArrayConfig,
    memory: &MemoryModel,
    images: Option<usize>,
) -> Result<Planned, ExistingError> {
    let images = images.unwrap_or(array.batch);
    let mut larger = array.clone();
    let mut lacks = Vec::new();
    loop {
        // The planner stops at the first part that is too small: with that one larger it comes to the next.
        match (plan_batch(net, Request::Existing(&larger), memory, images), lacks.is_empty()) {
            (Ok(planned), true) => return Ok(planned),
            (Err(PlanError::TooSmall { memory, needed, available }), _) => {
                lacks.push(Lack { what: Part::Memory(memory), needed, available });
                *depth(&mut larger, memory) = needed.next_power_of_two();
            }
            (Err(PlanError::Sums { needed, available }), _) => {
                lacks.push(Lack { what: Part::Sums, needed, available });
                larger.sum_bits = needed;
            }
            (Err(error), true) => return Err(error.into()),
            (_, false) => return Err(ExistingError::Small(lacks)),
        }
    }
}

/// Plans a network onto an array like an existing one, enlarged where that is too small: it holds what the old one held as
/// well.
///
/// # Errors
/// As [`plan_existing`].
pub fn plan_enlarged(
    net: &Network,
    array: &ArrayConfig,
    memory: &MemoryModel,
    images: Option<usize>,
) -> Result<Planned, ExistingError> {
    let grown = plan_with(net, Request::New(array), memory)?.array;
    // A new array has the sums that its network needs.
    let both = ArrayConfig { sum_bits: grown.sum_bits.max(array.sum_bits), ..grown };
    plan_existing(net, &both, memory, images)
}

fn depth(array: &mut ArrayConfig, memory: Memory) -> &mut usize {
    match memory {
        Memory::Code => &mut array.code_depth,
        Memory::Spike => &mut array.spike_depth,
        Memory::Presence => &mut array.presence_depth,
        Memory::Stream => &mut array.stream_depth,
        Memory::Ring => &mut array.spill_depth,
        Memory::Weight => &mut array.weight_depth,
        Memory::Param => &mut array.param_depth,
        Memory::Instruction => &mut array.instr_depth,
        Memory::Result => &mut array.class_depth,
    }
}

impl Failure for ExistingError {
    fn kind(&self) -> Kind {
        match self {
            Self::Small(_) => Kind::Input,
            Self::Plan(source) => source.kind(),
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Small(lacks) => {
                let sums = lacks.iter().all(|lack| lack.what == Part::Sums);
                let network = match sums {
                    true => "smaller weights (4 bit)",
                    false => "fewer channels or timesteps, or smaller images",
                };
                let text = format!("take a larger array, enlarge this one (--array-of DIR --grow), or take a network with {network}");
                Some(text.into())
            }
            Self::Plan(source) => source.help(),
        }
    }
}
