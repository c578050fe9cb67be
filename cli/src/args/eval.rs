//! Arguments of `spikegate eval`.

use clap::Args;
use std::path::PathBuf;

use super::ResultForm;

#[derive(Debug, Args)]
pub struct Eval {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Images with labels: IDX, CIFAR binary, PNG, JPEG or a folder of them (its test images).
    #[arg(long, value_name = "DATA")]
    pub input: PathBuf,
    /// How many, spread over the classes where the set is sorted; all without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub images: Option<u64>,
    /// Leave out pictures that cannot be read, and count them.
    #[arg(long)]
    pub skip_bad: bool,
    /// Clock for images per second, in MHz; boards that the design was made for say their own.
    #[arg(long, value_name = "MHZ", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub freq: Option<u32>,
    /// Threads; one for every processor without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// File of the classes and logits of every image, - for standard output; none are written without it.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Form of that file.
    #[arg(long = "results", value_enum, value_name = "FORM", default_value_t = ResultForm::Csv)]
    pub results: ResultForm,
}
