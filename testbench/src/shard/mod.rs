//! One run in several processes: which part is whose, what each leaves behind, and how the parts become the whole again.
//!
//! A run is divided by images, into ranges that follow each other. What a part leaves behind is a [`Record`]: what was run,
//! by hashes, and what each image gave, with sums of whole numbers beside it. Figures are made of records alone, and the
//! record of the joined parts is, byte for byte, that of the run which nobody divided.
//!
//! ```
//! use spikegate_testbench::shard::Shard;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let shard: Shard = "2/3".parse()?;
//! assert_eq!(shard.range(10, 1), 3..6);
//! // Images that a design takes in pairs stay together.
//! assert_eq!(shard.range(10, 2), 2..6);
//! assert!("0/3".parse::<Shard>().is_err());
//! # Ok(()) }
//! ```

mod error;
mod merge;
mod part;
mod record;
mod slurm;

pub use error::{MergeError, ShardError};
pub use merge::{merge, Results};
pub use part::Shard;
pub use record::{Part, Record, Written, FORMAT_VERSION};
pub use slurm::{is_task, of_array};
