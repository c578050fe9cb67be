//! Which part of a run, for every verb that can be divided.

use clap::Args;
use spikegate_testbench::shard::{self, Shard, ShardError};
use std::str::FromStr;

#[derive(Clone, Debug, Args)]
pub struct Sharding {
    /// Run the I-th of N parts of the images, counted from 1, for `spikegate merge`; `slurm` takes both from the Slurm array
    /// that this is a task of.
    #[arg(long, value_name = "I/N|slurm", requires = "output")]
    pub shard: Option<Which>,
}

impl Sharding {
    /// The part: all where none is asked for.
    ///
    /// # Errors
    /// Slurm does not say which it is.
    pub fn part(&self) -> Result<Shard, ShardError> {
        self.shard.map_or(Ok(Shard::WHOLE), Which::part)
    }

    /// What is said of a part of so many images.
    pub fn said(&self, shard: Shard, images: usize, of: usize) -> Option<String> {
        self.shard.map(|_| format!("shard {shard}: {images} of {of} images"))
    }

    /// What somebody should know who runs the same in every task of an array.
    pub fn doubt(&self) -> Option<&'static str> {
        (self.shard.is_none() && shard::is_task(&variable)).then_some(
            "note: this is a task of a Slurm array, and runs all images as every other task of it: --shard slurm divides them",
        )
    }
}

/// A variable of the environment.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Given(Shard),
    /// That of the Slurm array's task.
    Slurm,
}

impl Which {
    /// The part.
    ///
    /// # Errors
    /// Slurm does not say which it is.
    pub fn part(self) -> Result<Shard, ShardError> {
        match self {
            Self::Given(shard) => Ok(shard),
            Self::Slurm => shard::of_array(&variable),
        }
    }
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        use spikegate_contract::failure::Failure;
        match text {
            "slurm" => Ok(Self::Slurm),
            _ => text.parse().map(Self::Given).map_err(|error: ShardError| error.in_a_line()),
        }
    }
}
