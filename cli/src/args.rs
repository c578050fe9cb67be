//! Arguments of all verbs.

mod eval;

pub use eval::{Against, Eval};

use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand, ValueEnum};
use spikegate_compiler::emit::hardware::names_modules;
use spikegate_contract::array::MAX_MEMORY_LATENCY;
use spikegate_runtime::devices::{table, Address};
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

/// Trained Gated-Attention-Coding spiking networks on FPGAs.
///
/// Exit codes: 0 done, 1 a check failed, 2 wrong usage or input, 3 a tool or device is missing, 4 a bug of this program.
#[derive(Debug, Parser)]
#[command(name = "spikegate", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Whether `--format json` is among the arguments, right or wrong.
pub fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<OsString> = arguments.take_while(|word| word != "--").collect();
    words.windows(2).any(|two| two[0] == "--format" && two[1] == "json")
        || words.iter().any(|word| word == "--format=json")
}

/// Flags of every verb.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print results only: no progress, no log.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log what is done (-v), or everything (-vv), to stderr.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Form of the results on stdout, and of an error on stderr.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Form of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show layers, shapes, neurons, parameters and synaptic operations of a model; writes nothing.
    Inspect(Inspect),
    /// Quantise a model, plan it onto an array, and write Verilog, program and report.
    Compile(Compile),
    /// Find the arrays that make the most of a board for a model, by estimate, in seconds.
    Explore(Explore),
    /// Run a compiled design in Verilator and compare it with the golden model, value for value.
    Simulate(Simulate),
    /// Judge a compiled design on a data set, in software: accuracy, firing rates, operations, energy.
    Eval(Eval),
    /// Classify images on a device.
    Run(Run),
    /// Show what a device says it is.
    Info(Info),
    /// Test a device step by step: identity, registers, program, images.
    BringUp(BringUp),
    /// Serve a PCIe card in software: an XDMA engine with the design's core, on a vfio-user socket.
    Card(Card),
    /// Serve a board in software: its pins in Verilator, its serial port for `run --device uart:PORT`.
    Board(Board),
    /// Make a board's bitstream of a compiled design, or a project for the vendor's tool.
    Synth(Synth),
    /// Load a bitstream into a board with openFPGALoader.
    Program(Program),
    /// List the boards.
    Boards,
    /// Show the report of a compiled design.
    Report(Report),
    /// Do all of it with the shipped model and real images.
    Demo(Demo),
}

/// The model, for every verb that reads one.
#[derive(Clone, Debug, Args)]
pub struct Source {
    /// Model file (.safetensors, or a PyTorch .pth); constants that no tensor carries may lie beside it as MODEL.toml.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Constants of the authors' recipe, where the file says nothing.
    #[arg(long)]
    pub preset: Option<Preset>,
    /// The network in a file of several, by the key of its state_dict or the prefix of its keys, e.g. state_dict_ema.
    #[arg(long, value_name = "KEY")]
    pub weights: Option<String>,
    /// Whether neurons stand before the pooling, which no checkpoint can tell; otherwise as the constants say, or true.
    #[arg(long, value_name = "true|false")]
    pub last_lif: Option<bool>,
}

impl Source {
    /// What the importer is asked.
    pub fn request(&self) -> spikegate_compiler::import::Request<'_> {
        let Source { preset, weights, last_lif, .. } = self;
        spikegate_compiler::import::Request {
            preset: preset.map(Into::into),
            weights: weights.as_deref(),
            last_lif: *last_lif,
        }
    }
}

#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    pub source: Source,
}

/// The authors' recipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// CIFAR-10 and CIFAR-100: 3x32x32, strides 1, 2, 2, leak 1/2, threshold 1.
    Cifar,
    /// ImageNet: 3x224x224, strides 2, 2, 2, 2, leak 1/4, threshold 1/2.
    Imagenet,
}

impl Preset {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Cifar => "cifar",
            Preset::Imagenet => "imagenet",
        }
    }
}

impl From<Preset> for spikegate_compiler::import::Preset {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Cifar => Self::Cifar,
            Preset::Imagenet => Self::Imagenet,
        }
    }
}

#[derive(Debug, Args)]
pub struct Compile {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub build: Build,
    /// Images that set the scales: IDX, CIFAR, PNG, JPEG or a folder of them (its training images), spread evenly over the
    /// classes; of sets without labels, which are no pictures, it is the first images.
    #[arg(long, value_name = "DATA")]
    pub calib: PathBuf,
    /// Labelled images to measure accuracy on (a folder's test images).
    #[arg(long, value_name = "DATA")]
    pub eval: Option<PathBuf>,
    /// Folder of the design.
    #[arg(short, long = "output", value_name = "DIR")]
    pub output: PathBuf,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("on").required(true)))]
pub struct Explore {
    #[command(flatten)]
    pub source: Source,
    /// As for `synth`.
    #[arg(long, value_name = "BOARD", group = "on")]
    pub board: Option<String>,
    /// Several of them, one after the other.
    #[arg(long, value_name = "BOARD,...", value_delimiter = ',', group = "on", conflicts_with = "plot")]
    pub boards: Vec<String>,
    /// Arrays to try, as for `compile --array`, with every number of post lanes (default: up to 8 lanes and 64 x 64
    /// channels).
    #[arg(long, value_name = "L,PX,CI,CO", num_args = 1..)]
    pub arrays: Vec<ArraySize>,
    /// Also arrays with the board's memory where its top does not connect it: for a top of your own.
    #[arg(long)]
    pub own_top: bool,
    /// Show every array that fits: as CSV, or as JSON with --format json.
    #[arg(long)]
    pub all: bool,
    /// Images that set the scales, as for `compile`; shapes are enough for an estimate.
    #[arg(long, value_name = "DATA")]
    pub calib: Option<PathBuf>,
    /// Calibration images.
    #[arg(long, value_name = "N", requires = "calib", default_value_t = spikegate_compiler::calibrate::DEFAULT_IMAGES as u64, value_parser = clap::value_parser!(u64).range(1..))]
    pub calib_images: u64,
    /// Weight width in bits.
    #[arg(long, value_name = "BITS", default_value = "8", value_parser = ["8", "4"])]
    pub weight_bits: String,
    /// Clock of the core; the board's without it.
    #[arg(long, value_name = "MHZ", value_parser = clock)]
    pub freq: Option<f64>,
    /// File for a plot (SVG): images a second that the array computes over the share of the board that is used.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}

/// Mbit as bits.
fn megabits(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(mbit) if (0.001..=1e6).contains(&mbit) => Ok((mbit * 1e6) as u64),
        _ => Err("expected a number of Mbit, 0.001 to 1000000".to_owned()),
    }
}

/// A clock in MHz.
fn clock(text: &str) -> Result<f64, String> {
    let mhz: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (1.0..=1000.0).contains(&mhz) {
        Ok(mhz)
    } else {
        Err("expected 1 to 1000 MHz".to_owned())
    }
}

/// What a new array is asked for, and one that exists has.
const OF_A_NEW_ARRAY: [&str; 8] =
    ["array", "post", "memory", "spill", "stripes", "on_chip", "skip", "prefix"];

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
    /// All maps may go through that memory: layers run in stripes of rows, with memories on chip as small as they can be.
    #[arg(long, requires = "memory")]
    pub stripes: bool,
    /// Memory on chip in Mbit (10^6 bits): residual maps go through the external memory if they do not fit, then all maps,
    /// and what is larger all the same is refused.
    #[arg(long, value_name = "MBIT", value_parser = megabits)]
    pub on_chip: Option<u64>,
    /// Skip spike words that are zero in layers of up to this many input channel groups (channels / CI).
    #[arg(long, value_name = "GROUPS")]
    pub skip: Option<usize>,
    /// Calibration images.
    #[arg(long, value_name = "N", default_value_t = spikegate_compiler::calibrate::DEFAULT_IMAGES as u64, value_parser = clap::value_parser!(u64).range(1..))]
    pub calib_images: u64,
    /// Images to measure accuracy on, chosen as those of --calib; all without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub eval_images: Option<u64>,
    /// Weight width in bits.
    #[arg(long, value_name = "BITS", default_value = "8", value_parser = ["8", "4"])]
    pub weight_bits: String,
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

impl Build {
    /// Weight width as a number.
    pub fn weight_bits(&self) -> u8 {
        if self.weight_bits == "4" {
            4
        } else {
            8
        }
    }
}

/// Forms of the hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// `spikegate.v`.
    Verilog,
    /// The same as a cargo project in RustHDL, `rusthdl/`.
    Rusthdl,
}

#[derive(Clone, Debug, Args)]
pub struct Simulate {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Images: IDX, CIFAR binary, PNG, JPEG or a folder of them (its test images).
    #[arg(long, value_name = "DATA")]
    pub input: PathBuf,
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub images: u64,
    /// The first, counted from 0.
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub first: u64,
    /// Write a waveform of the whole run; large and slow, so use it with few images.
    #[arg(long, value_name = "FILE.fst")]
    pub wave: Option<PathBuf>,
    /// Tensors that are compared besides classes and logits.
    #[arg(long, value_enum, default_value_t = TraceLevel::None)]
    pub trace: TraceLevel,
}

/// How much of a run is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TraceLevel {
    /// Classes and logits.
    None,
    /// All spikes.
    Spikes,
    /// Every tensor.
    All,
}

impl From<TraceLevel> for spikegate_testbench::check::Level {
    fn from(level: TraceLevel) -> Self {
        match level {
            TraceLevel::None => Self::Classes,
            TraceLevel::Spikes => Self::Spikes,
            TraceLevel::All => Self::All,
        }
    }
}

#[derive(Debug, Args)]
pub struct Run {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    #[arg(long, value_name = "DEVICE", help = table::examples(), long_help = table::help())]
    pub device: Address,
    /// Images: IDX, CIFAR binary, PNG, JPEG or a folder of them (its test images); - reads u8 in (c, y, x) order from
    /// standard input.
    #[arg(long, value_name = "DATA")]
    pub input: PathBuf,
    /// How many; all without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub images: Option<u64>,
    /// The first, counted from 0.
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub first: u64,
    /// File of the results; standard output without it, or with -.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Form of the results.
    #[arg(long = "results", value_enum, value_name = "FORM", default_value_t = ResultForm::Csv)]
    pub results: ResultForm,
    /// What is written of each image, behind its class, its label (empty where it has none) and its cycles; the array holds
    /// this alone.
    #[arg(long, value_enum, default_value_t = Values::Logits)]
    pub values: Values,
    /// Compare every class and logit with the golden model; the first difference ends the run.
    #[arg(long)]
    pub check: bool,
}

/// Form of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResultForm {
    /// Comma-separated values.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// A NumPy array, one row an image.
    Npy,
}

/// What of a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Values {
    /// Nothing more.
    Classes,
    /// Logits, s32.
    Logits,
    /// Spikes of the last layer by channel, over all timesteps and pixels. The results do not carry them: the tracing
    /// program runs, which sends every tensor and takes longer.
    Spikes,
}

#[derive(Debug, Args)]
pub struct Info {
    #[arg(long, value_name = "DEVICE", help = table::examples(), long_help = table::help())]
    pub device: Address,
    /// Folder of the design, for devices that stand for one: golden and verilator.
    #[arg(value_name = "DIR")]
    pub design: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct BringUp {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    #[arg(long, value_name = "DEVICE", help = table::examples(), long_help = table::help())]
    pub device: Address,
}

#[derive(Debug, Args)]
pub struct Card {
    /// Folder of the design whose core is on the card.
    #[arg(long, value_name = "DIR")]
    pub design: PathBuf,
    /// Where drivers connect.
    #[arg(long, value_name = "SOCKET")]
    pub socket: PathBuf,
    /// The golden model instead of the Verilated core.
    #[arg(long)]
    pub fast: bool,
    /// End when the first driver closes the card.
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Args)]
pub struct Board {
    /// Folder of the design.
    #[arg(long, value_name = "DIR")]
    pub design: PathBuf,
    /// As for `synth`; it must have a UART.
    #[arg(long, value_name = "BOARD")]
    pub board: String,
    /// Where host programs find the serial port: a link to a pseudo-terminal.
    #[arg(long, value_name = "PORT")]
    pub port: PathBuf,
    /// What is simulated.
    #[arg(long, value_enum, default_value_t = Form::Source)]
    pub form: Form,
    /// Clock of the core in MHz, as for `synth`; what is placed and routed has its own.
    #[arg(long, value_name = "MHZ", value_parser = clock)]
    pub freq: Option<f64>,
    /// Flip, lose or double one byte of N on the line.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub damage: u32,
    /// Lose 700 bytes each way from byte N on.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub cut: u32,
    /// Seed of the damage.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// End when the first host program closes the port.
    #[arg(long)]
    pub once: bool,
    /// Folder of the board, where `synth` had --out.
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
}

/// Forms of a board's design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The Verilog.
    Source,
    /// The netlist of synthesis, as place and route gets it.
    Synthesis,
    /// The netlist that is placed and routed.
    Route,
}

#[derive(Debug, Args)]
pub struct Synth {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Board: a name from `spikegate boards`, or a board file ending in .toml.
    #[arg(long, value_name = "BOARD")]
    pub board: String,
    /// Seeds of place and route to try until the timing is met.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub seeds: u32,
    /// Clock of the core; the board's without it.
    #[arg(long, value_name = "MHZ", value_parser = clock)]
    pub freq: Option<f64>,
    /// Show the commands and run nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Folder of the results; DIR/boards/BOARD without it.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Keep the bitstream beside this file as well, with what it was made of, for `program --image`.
    #[arg(long, value_name = "NAME.toml")]
    pub image: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Program {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// As for `synth`.
    #[arg(long, value_name = "BOARD")]
    pub board: String,
    /// Write the board's flash memory, so that the bitstream is there after power-on.
    #[arg(long)]
    pub flash: bool,
    /// openFPGALoader's name of the cable, for boards without one.
    #[arg(long, value_name = "CABLE")]
    pub cable: Option<String>,
    /// Folder of the bitstream, where `synth` had --out.
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// A bitstream that is kept, such as those under bitstreams/BOARD; it must have been made of this design's Verilog.
    #[arg(long, value_name = "NAME.toml", conflicts_with = "from")]
    pub image: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Report {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// As for `synth`: shows the memories on it, block by block.
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,
    /// File for the report as one page for a browser, with the network, its layers and roofline in pictures; standard output
    /// with -. It needs nothing else, no network and no script.
    #[arg(long, value_name = "FILE", conflicts_with = "board")]
    pub html: Option<PathBuf>,
    /// Images that the page shows firing, spikes, streams and accuracy of, as for `simulate`: the golden model runs them.
    #[arg(long, value_name = "DATA", requires = "html")]
    pub input: Option<PathBuf>,
    /// The image that the page looks into, counted from 0.
    #[arg(long, value_name = "N", requires = "input", default_value_t = 0)]
    pub image: u64,
    /// How many images to evaluate, spread over the classes; all without it.
    #[arg(long, value_name = "N", requires = "input", value_parser = clap::value_parser!(u64).range(1..))]
    pub images: Option<u64>,
    #[command(flatten)]
    pub against: Against,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Folder with Fashion-MNIST as IDX files.
    #[arg(long, value_name = "DATA", default_value = "/usr/share/datasets/fashion-mnist")]
    pub data: PathBuf,
    #[command(flatten)]
    pub build: Build,
    /// Images to simulate.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub images: u64,
    /// Folder of the design.
    #[arg(short, long = "output", value_name = "DIR", default_value = "out/demo")]
    pub output: PathBuf,
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

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
