//! What is built, the same for `compile` and `demo`.

use clap::{Args, ValueEnum};
use spikegate_compiler::emit::hardware::names_modules;
use spikegate_contract::array::MAX_MEMORY_LATENCY;
use std::path::PathBuf;
use std::str::FromStr;

use super::{kilobytes, WeightBits};

/// What a new array is asked for, and one that exists has.
const OF_A_NEW_ARRAY: [&str; 11] = [
    "array", "post", "memory", "spill", "stripes", "on_chip", "skip", "parity", "packed", "neurons", "prefix",
];

/// What is built, the same for `compile` and `demo`.
#[derive(Clone, Debug, Args)]
pub struct Build {
    /// Array: time lanes L, pixel lanes PX, input channels CI, output channels CO (default: 4,1,8,8, or with --board the
    /// best).
    #[arg(long, value_name = "L,PX,CI,CO")]
    pub array: Option<ArraySize>,
    /// As for `synth`: the array is the one that `explore` finds best for it; with another word about the array, whether
    /// that fits. Shows the memories, block by block.
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,
    /// The array of a bitstream that is kept, such as those under bitstreams/BOARD, as it is: the bitstream runs the
    /// network.
    #[arg(long, value_name = "NAME.toml", group = "port", conflicts_with_all = OF_A_NEW_ARRAY)]
    pub image: Option<PathBuf>,
    /// The array of a design, as it is: what was made of its Verilog runs the network.
    #[arg(long, value_name = "DIR", group = "port", conflicts_with_all = OF_A_NEW_ARRAY)]
    pub array_of: Option<PathBuf>,
    /// Enlarge that array where it is too small: a new array, which holds what it held and this network.
    #[arg(long, requires = "array_of")]
    pub grow: bool,
    /// Output channels finished per cycle, with all their timesteps (default: a quarter of CO, at most 4). Fewer take
    /// less logic, and no more cycles while a sum takes at least CO / R.
    #[arg(long, value_name = "R")]
    pub post: Option<usize>,
    /// Data bits of a port to external memory, from which the weights stream; without it they lie on chip.
    #[arg(long, value_name = "BITS", group = "port")]
    pub memory: Option<usize>,
    /// Latency of that memory, from a read address to its first data, that cycles are predicted and simulated with
    /// (default: 32).
    #[arg(long, value_name = "CYCLES", requires = "port", value_parser = clap::value_parser!(u64).range(..=MAX_MEMORY_LATENCY))]
    pub memory_latency: Option<u64>,
    /// Its bandwidth in bytes per cycle, to three decimals (default: a transfer of the port in every cycle).
    #[arg(long, value_name = "BYTES", requires = "port", value_parser = bandwidth)]
    pub memory_bandwidth: Option<u64>,
    /// Images that share one pass over the weights in that memory (default: 1, or as many as an array that exists is built
    /// for).
    #[arg(long, value_name = "IMAGES", requires = "port")]
    pub batch: Option<usize>,
    /// Residual maps go through that memory, except those that fit beside the maps that convolutions read.
    #[arg(long, requires = "memory")]
    pub spill: bool,
    /// All maps may go through that memory: layers run in stripes of rows, with memories on chip of as few
    /// blocks of 18 kbit as they can be, or with --on-chip as that allows.
    #[arg(long, requires = "memory")]
    pub stripes: bool,
    /// Memory on chip in Mbit (10^6 bits): residual maps go through the external memory if they do not fit, then all maps,
    /// and what is larger all the same is refused.
    #[arg(long, value_name = "MBIT", value_parser = megabits)]
    pub on_chip: Option<u64>,
    /// Skip spike words that are zero in layers of up to this many input channel groups (channels / CI).
    #[arg(long, value_name = "GROUPS")]
    pub skip: Option<usize>,
    /// Memories of the array tell when a bit of them has flipped: no result comes of it, and the image is computed again.
    #[arg(long)]
    pub parity: bool,
    /// The array takes weights of layers with up to 4 bits two to a byte: half the memory, half the traffic.
    #[arg(long)]
    pub packed: bool,
    /// The array can have neurons of every layer's own leak and firing rule, and resets by subtraction. A network that needs
    /// them gets them; this is for an array that others are to run on too.
    #[arg(long)]
    pub neurons: bool,
    /// Calibration images.
    #[arg(long, value_name = "N", default_value_t = spikegate_compiler::calibrate::DEFAULT_IMAGES as u64, value_parser = clap::value_parser!(u64).range(1..))]
    pub calib_images: u64,
    /// Images to measure accuracy on, chosen as those of --calib; all without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub eval_images: Option<u64>,
    /// Bits of a weight, 2 to 8, and of layers by name where they differ: `4,head=8`, `8,layer3.1.conv2=4`. A name stands for
    /// all layers below it, such as `layer3`.
    #[arg(long, value_name = "BITS[,LAYER=BITS]", default_value = "8")]
    pub weight_bits: WeightBits,
    /// kB (1,000 bytes) that all weights may take together: layers have 8 bits where that gains most, and 4 bits elsewhere.
    #[arg(long, value_name = "KB", value_parser = kilobytes, conflicts_with = "weight_bits")]
    pub weight_budget: Option<u64>,
    /// What is written besides the program; Verilog always is.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "verilog")]
    pub emit: Vec<Emit>,
    /// Name of the Verilog's top module, with which all other modules' names begin: for two cores in one project.
    #[arg(long, value_name = "NAME", default_value = "spikegate", value_parser = prefix)]
    pub prefix: String,
}

fn prefix(text: &str) -> Result<String, String> {
    match names_modules(text) {
        true => Ok(text.to_owned()),
        false => {
            Err("expected at most 64 letters, digits and _, no digit first, and no word of Verilog's own"
                .to_owned())
        }
    }
}

/// Bytes per cycle as bytes in 1,000 cycles.
fn bandwidth(text: &str) -> Result<u64, String> {
    let bytes: f64 = text.parse().map_err(|_| "expected a number, such as 12.8".to_owned())?;
    if !(0.001..=64.0).contains(&bytes) {
        return Err("expected 0.001 to 64 bytes per cycle".to_owned());
    }
    Ok((1000.0 * bytes).round() as u64)
}

/// Forms of the hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// `spikegate.v`.
    Verilog,
    /// The same as a cargo project in RustHDL, `rusthdl/`.
    Rusthdl,
}

/// Four sizes, as in `4,1,8,8`. Whether they can be built is checked when the array is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArraySize {
    pub lanes: usize,
    pub pixels: usize,
    pub ci: usize,
    pub co: usize,
}

impl FromStr for ArraySize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sizes: Result<Vec<usize>, _> = text.split(',').map(|n| n.trim().parse()).collect();
        match sizes.as_deref() {
            Ok(&[lanes, pixels, ci, co]) => Ok(Self { lanes, pixels, ci, co }),
            _ => Err("expected four whole numbers L,PX,CI,CO, such as 4,1,8,8".to_owned()),
        }
    }
}

/// Mbit as bits.
fn megabits(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(mbit) if (0.001..=1e6).contains(&mbit) => Ok((mbit * 1e6) as u64),
        _ => Err("expected a number of Mbit, 0.001 to 1000000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bandwidths() {
        assert_eq!(bandwidth("12.8"), Ok(12_800));
        for bad in ["", "x", "-1", "0", "nan", "inf", "65"] {
            assert!(bandwidth(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_array_sizes() {
        let size = ArraySize { lanes: 4, pixels: 1, ci: 16, co: 8 };
        assert_eq!("4, 1,16,8".parse(), Ok(size));
        for bad in ["", "4,1,8", "4,1,8,8,8", "4,1,8,x", "4,1,8,-8"] {
            assert!(bad.parse::<ArraySize>().is_err(), "{bad}");
        }
    }
}
