//! What is wrong with parts of a run.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::path::PathBuf;

/// Why nobody can say which part of a run is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// Something else than two numbers.
    #[error("`{given}` is no shard: expected I/N, such as 1/4, or slurm")]
    NotAShard {
        /// What it is.
        given: String,
    },
    /// A number that none of them has.
    #[error("there is no shard {index} of {of}: the first is 1, the last N of N")]
    Outside {
        /// The number.
        index: u32,
        /// How many there are.
        of: u32,
    },
    /// Slurm has not said.
    #[error("--shard slurm: {variable} is not set")]
    Unset {
        /// What it says it in.
        variable: &'static str,
    },
    /// Slurm would not say so.
    #[error("--shard slurm: {variable} is `{value}`, expected a number")]
    NoNumber {
        /// Its variable.
        variable: &'static str,
        /// What is in it.
        value: String,
    },
    /// No array has these numbers.
    #[error("--shard slurm: the array is no range of task numbers: {what}")]
    Unequal {
        /// Those that do not fit.
        what: String,
    },
}

/// Why files are not the parts of one run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what a run has written.
    #[error("{}: not a shard's results, or damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it is seen.
        what: String,
    },
    /// A file of another version.
    #[error("{}: its format has version {got}, expected {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u64,
        /// The one that is read.
        expected: u32,
    },
    /// A file of another verb.
    #[error("{} is of `spikegate {got}`, {} of `spikegate {expected}`", path.display(), first.display())]
    Verb {
        /// The file.
        path: PathBuf,
        /// Its verb.
        got: String,
        /// The first of the files.
        first: PathBuf,
        /// Its verb.
        expected: String,
    },
    /// A file of a run that was divided otherwise.
    #[error("{} is one of {got} shards, {} one of {expected}", path.display(), first.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// How many shards its run has.
        got: u32,
        /// The first of the files.
        first: PathBuf,
        /// How many its run has.
        expected: u32,
    },
    /// Something else was run.
    #[error("{}: {what} is {got}, in {} it is {expected}", path.display(), first.display())]
    Run {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: String,
        /// What it is there.
        got: String,
        /// The first of the files.
        first: PathBuf,
        /// What it is in it.
        expected: String,
    },
    /// The same shard twice.
    #[error("{} and {} are both shard {index} of {of}", path.display(), other.display())]
    Overlap {
        /// One.
        path: PathBuf,
        /// The other.
        other: PathBuf,
        /// Its number.
        index: u32,
        /// How many there are.
        of: u32,
    },
    /// Shards of which there is no file.
    #[error("no file of {missing} of {of} shards: {indexes}")]
    Gap {
        /// How many.
        missing: usize,
        /// How many there are.
        of: u32,
        /// The first of them.
        indexes: String,
    },
}

impl Failure for ShardError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::NotAShard { .. } | Self::Outside { .. } => {
                "shards are counted from 1: 1/4, 2/4, 3/4 and 4/4 are all of four".into()
            }
            Self::Unset { .. } => {
                "submit an array, such as `sbatch --array=1-4`, or say which shard it is: --shard I/N".into()
            }
            Self::NoNumber { .. } => {
                "leave the variable to Slurm, or say which shard it is: --shard I/N".into()
            }
            Self::Unequal { .. } => {
                "submit a range, such as --array=1-4 or --array=0-9:3, or say which shard it is: --shard I/N"
                    .into()
            }
        })
    }
}

impl Failure for MergeError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::Read { .. } => "give the files that the shards have written with -o".into(),
            Self::Damaged { .. } => "run this shard again with the same -o".into(),
            Self::Version { .. } => {
                "merge with the version of spikegate that ran the shards, or run them again".into()
            }
            Self::Verb { .. } | Self::Count { .. } | Self::Run { .. } => {
                "give the files of one run, or run this shard again as the others".into()
            }
            Self::Overlap { .. } => "leave out one of the two".into(),
            Self::Gap { .. } => "run these shards, and give all files".into(),
        })
    }
}
