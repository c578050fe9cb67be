//! Why a network cannot be planned onto an array.

use spikegate_contract::array::ArrayError;
use spikegate_contract::bundle::files;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::instr::FieldOverflow;
use spikegate_contract::network::Invalid;
use std::borrow::Cow;
use std::path::PathBuf;

/// A memory of the accelerator, counted in words per slot (per post lane for parameters).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Image patches, Xq and Z1.
    Code,
    /// Spike maps.
    Spike,
    /// Presence bits of the spike maps.
    Presence,
    /// Residual streams and counts.
    Stream,
    /// Spilled maps, in bursts of the external memory.
    Ring,
    /// Weights.
    Weight,
    /// Requantisation parameters.
    Param,
    /// 32-bit instruction words.
    Instruction,
    /// Logits.
    Result,
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Memory::Code => "code memory",
            Memory::Spike => "spike memory",
            Memory::Presence => "presence memory",
            Memory::Stream => "stream memory",
            Memory::Ring => "ring of spilled maps",
            Memory::Weight => "weight memory",
            Memory::Param => "parameter memory",
            Memory::Instruction => "instruction memory",
            Memory::Result => "result memory",
        })
    }
}

/// A network that the requested array cannot run. Every message says what was needed, what there is and what to
/// change.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// The array itself cannot be built.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// A memory of an existing array is too small.
    #[error("the {memory} has {available} words, the network needs {needed}")]
    TooSmall {
        /// Memory.
        memory: Memory,
        /// Words needed per slot.
        needed: usize,
        /// Words there are.
        available: usize,
    },
    /// A memory beyond what addresses reach.
    #[error("the network needs {needed} words of {memory}, addresses reach {limit}")]
    TooLarge {
        /// Memory.
        memory: Memory,
        /// Words needed per slot.
        needed: usize,
        /// Words that can be addressed.
        limit: usize,
    },
    /// More memory on chip than there is.
    #[error("the memories on chip take {:.2} Mbit, there are {:.2}", *needed as f64 / 1e6, *available as f64 / 1e6)]
    OnChip {
        /// Bits needed.
        needed: u64,
        /// Bits there are.
        available: u64,
        /// Weights, and maps where they can, already lie in an external memory.
        port: bool,
    },
    /// Not all images of the batch fit.
    #[error("a batch of {images} images: {source}")]
    Batch {
        /// Images asked for.
        images: usize,
        /// Most images that fit.
        fits: usize,
        /// What does not fit.
        source: Box<PlanError>,
    },
    /// A batch on an array that is built for smaller ones.
    #[error("a batch of {images} images, the design is built for {most}")]
    BatchSize {
        /// Images asked for.
        images: usize,
        /// Most images of the array.
        most: usize,
    },
    /// A memory slower than any.
    #[error("the latency of the memory is {got} cycles, expected at most {most}")]
    Latency {
        /// What was asked for.
        got: u64,
        /// The longest.
        most: u64,
    },
    /// More bytes than the port carries.
    #[error(
        "the memory bandwidth is {} bytes per cycle, the port carries {port}", *bytes_per_1000_cycles as f64 / 1000.0
    )]
    Bandwidth {
        /// What was asked for, in 1,000 cycles.
        bytes_per_1000_cycles: u64,
        /// Bytes of a transfer; 0 where there is no port.
        port: u64,
    },
    /// A number of a step that the instruction has no room for.
    #[error("`{node}`: {source}")]
    Field {
        /// Node name.
        node: String,
        /// Field, value and width.
        source: FieldOverflow,
    },
    /// A network that the contract does not allow.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A number of a node beyond the core's range.
    #[error("`{node}`: {what} is {got}, the accelerator takes {expected}")]
    Limit {
        /// Node name, or `network`.
        node: String,
        /// What.
        what: &'static str,
        /// Its value.
        got: i64,
        /// Range.
        expected: String,
        /// What to change.
        todo: &'static str,
    },
    /// A node that the core cannot compute, or not where it stands.
    #[error("`{node}`: {got}, the accelerator takes {expected}")]
    Unsupported {
        /// Node name.
        node: String,
        /// What it is, or how it is read.
        got: String,
        /// What can be computed.
        expected: &'static str,
        /// What to change.
        todo: String,
    },
    /// Sums of the network need wider accumulators than the existing array has.
    #[error("sums of the network need accumulators of {needed} bits, the design has {available}")]
    Sums {
        /// Bits needed.
        needed: usize,
        /// Bits there are.
        available: usize,
    },
    /// Neurons that the existing array does not have.
    #[error(
        "`{node}`: neurons that reset by subtraction, or leak or fire unlike the network's others, and the design has none \
         (its array is without --neurons)"
    )]
    Neurons {
        /// Name of the population.
        node: String,
    },
    /// A sum that may leave 32 bits.
    #[error("`{node}`, output channel {channel}: sums reach {reach}, more than 32 bits hold")]
    Accumulator {
        /// Node name.
        node: String,
        /// Output channel.
        channel: usize,
        /// Largest magnitude.
        reach: i64,
    },
    /// A run of the program that cannot be divided by layers.
    #[error("the run cannot be divided by layers: {what}")]
    Layers {
        /// Why not.
        what: String,
        /// What to change.
        todo: String,
    },
    /// A design whose plan has other steps than its network takes.
    #[error("{}: {} is not the plan of this network", dir.display(), files::PLAN)]
    Other {
        /// Folder of the design.
        dir: PathBuf,
    },
}

impl Failure for PlanError {
    fn kind(&self) -> Kind {
        match self {
            Self::Array(source) => source.kind(),
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Array(source) => source.help(),
            Self::TooSmall { memory, .. } => Some(
                format!("use a design with a deeper {memory}, larger CI or CO, or a smaller network").into(),
            ),
            Self::TooLarge { .. } => Some("raise CI and CO, or use a smaller network".into()),
            Self::OnChip { port, .. } => Some(
                format!(
                    "use {}smaller images, fewer channels or timesteps",
                    if *port { "" } else { "an external memory (a memory port), or " }
                )
                .into(),
            ),
            Self::Batch { fits, source, .. } => {
                let or = format!("a batch of at most {fits}");
                Some(source.help().map_or(or.clone(), |help| format!("{help}, or {or}")).into())
            }
            Self::BatchSize { .. } => Some("compile it again with a larger batch".into()),
            Self::Latency { .. } => None,
            Self::Bandwidth { .. } => Some("take a wider port (memory bits) or less bandwidth".into()),
            Self::Field { .. } => {
                Some("raise CI and CO for weights and channels, or use smaller maps".into())
            }
            Self::Limit { todo, .. } => Some((*todo).into()),
            Self::Invalid(_) | Self::Other { .. } => Some("compile the model again".into()),
            Self::Unsupported { todo, .. } | Self::Layers { todo, .. } => Some(todo.clone().into()),
            Self::Sums { .. } => Some("compile a design for this network".into()),
            Self::Neurons { .. } => {
                Some("compile a design for this network, or enlarge this one (--array-of DIR --grow): a new array has what it needs".into())
            }
            Self::Accumulator { .. } => Some(
                "use smaller weights (4 bit) or fewer input channels; a bias far larger than what the weights reach counts too"
                    .into(),
            ),
        }
    }
}
