//! The files of a compiled design, and its manifest.
//!
//! | file | what |
//! | --- | --- |
//! | `manifest.json` | [`Manifest`] |
//! | `network.json` + `weights.bin` | the integer network; weights s8 in the order of [`Network::convs`] |
//! | `spikegate.v` | the accelerator |
//! | `spikegate.vlt` | what Verilator's lint may not say about it, with reasons |
//! | `program.bin` | load packets, little-endian words: see [`read_packets`] |
//! | `trace.bin` | the same program with dump instructions between the layers |
//! | `plan.json` | regions, instructions and predicted cycles |
//! | `report.json` | accuracy, utilisation, cycles |

use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path, path::PathBuf};
use thiserror::Error;

use crate::array::{is_one, one, ArrayConfig, MEMORY_LATENCY};
use crate::network::Network;

/// Version of every file here. Raised on any change that a reader could notice.
pub const FORMAT_VERSION: u32 = 1;

/// File names.
pub mod files {
    /// [`super::Manifest`].
    pub const MANIFEST: &str = "manifest.json";
    /// The integer network without weights.
    pub const NETWORK: &str = "network.json";
    /// Weights, s8.
    pub const WEIGHTS: &str = "weights.bin";
    /// The accelerator.
    pub const VERILOG: &str = "spikegate.v";
    /// Load packets.
    pub const PROGRAM: &str = "program.bin";
    /// Load packets of the tracing program.
    pub const TRACE: &str = "trace.bin";
    /// Plan.
    pub const PLAN: &str = "plan.json";
    /// Report.
    pub const REPORT: &str = "report.json";
    /// Waivers for Verilator's lint.
    pub const WAIVERS: &str = "spikegate.vlt";
    /// All of them.
    pub const ALL: [&str; 9] = [MANIFEST, NETWORK, WEIGHTS, VERILOG, WAIVERS, PROGRAM, TRACE, PLAN, REPORT];
}

/// What a design is and what made it. Hashes are lower-case hexadecimal SHA-256.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// [`crate::csr::INTERFACE_VERSION`] of the hardware.
    pub interface_version: u32,
    /// Version of the compiler.
    pub compiler: String,
    /// Name of the network.
    pub network: String,
    /// Hash of the model file.
    pub model_hash: String,
    /// Hash of the calibration images.
    pub calibration_hash: String,
    /// Array configuration.
    pub array: ArrayConfig,
    /// Hash of the array configuration's JSON; its first 8 digits are the `config_hash` register.
    pub config_hash: String,
    /// Hash of `program.bin`.
    pub program_hash: String,
    /// Hash of `trace.bin`.
    pub trace_hash: String,
    /// Hash of `spikegate.v`.
    pub verilog_hash: String,
}

/// A bundle that cannot be read.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The file system said no.
    #[error("cannot read {}: {source}; is this folder the output of `spikegate compile`?", path.display())]
    Io {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Not the expected JSON.
    #[error("{} is not a valid design file: {source}; compile the model again", path.display())]
    Json {
        /// File.
        path: PathBuf,
        /// Cause.
        source: serde_json::Error,
    },
    /// Another version.
    #[error("{} has format version {got}, expected {FORMAT_VERSION}; compile the model again", path.display())]
    Version {
        /// File.
        path: PathBuf,
        /// Version found.
        got: u32,
    },
    /// Weights and shapes disagree.
    #[error("{} holds {got} bytes, the network needs {expected}; compile the model again", path.display())]
    Size {
        /// File.
        path: PathBuf,
        /// Bytes found.
        got: usize,
        /// Bytes needed.
        expected: usize,
    },
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    fs::read(path).map_err(|source| BundleError::Io { path: path.into(), source })
}

/// Reads one JSON file of a design.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, BundleError> {
    serde_json::from_slice(&read(path)?).map_err(|source| BundleError::Json { path: path.into(), source })
}

/// Reads `manifest.json` and checks its version.
pub fn read_manifest(dir: &Path) -> Result<Manifest, BundleError> {
    let path = dir.join(files::MANIFEST);
    let m: Manifest = read_json(&path)?;
    if m.format_version != FORMAT_VERSION {
        return Err(BundleError::Version { path, got: m.format_version });
    }
    Ok(m)
}

/// Reads the integer network with its weights.
pub fn read_network(dir: &Path) -> Result<Network, BundleError> {
    let mut net: Network = read_json(&dir.join(files::NETWORK))?;
    let path = dir.join(files::WEIGHTS);
    let bytes = read(&path)?;
    let expected: usize = net.convs().iter().map(|c| c.weight_len()).sum();
    if bytes.len() != expected {
        return Err(BundleError::Size { path, got: bytes.len(), expected });
    }
    let mut at = 0;
    for conv in net.convs_mut() {
        let n = conv.weight_len();
        conv.weights = bytes[at..at + n].iter().map(|&b| b as i8).collect();
        at += n;
    }
    Ok(net)
}

/// Reads a program: a sequence of packets, each preceded by its length in words.
pub fn read_packets(path: &Path) -> Result<Vec<Vec<u32>>, BundleError> {
    let bytes = read(path)?;
    let words: Vec<u32> =
        bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let (mut at, mut out) = (0, Vec::new());
    while at < words.len() {
        let n = words[at] as usize;
        let end = at.saturating_add(1).saturating_add(n);
        let Some(packet) = words.get(at + 1..end) else {
            return Err(BundleError::Size {
                path: path.into(),
                got: bytes.len(),
                expected: end.saturating_mul(4),
            });
        };
        out.push(packet.to_vec());
        at = end;
    }
    if bytes.len() % 4 != 0 {
        return Err(BundleError::Size { path: path.into(), got: bytes.len(), expected: words.len() * 4 });
    }
    Ok(out)
}

/// The bytes of a program file, the inverse of [`read_packets`].
pub fn packet_bytes(packets: &[Vec<u32>]) -> Vec<u8> {
    let words = packets.iter().flat_map(|p| std::iter::once(p.len() as u32).chain(p.iter().copied()));
    words.flat_map(u32::to_le_bytes).collect()
}

/// Where a dump's words belong: written by the planner, used to decode a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpEntry {
    /// Index of the dump instruction in the tracing program.
    pub instruction: usize,
    /// Tensor name, see [`crate::tensor::names`].
    pub tensor: String,
    /// Sizes (t, c, y, x).
    pub dims: [usize; 4],
    /// How words become values.
    pub form: DumpForm,
    /// Images whose maps lie side by side in the region, channel group by channel group.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub images: usize,
    /// The image of a batch that the dump belongs to; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<usize>,
    /// It comes out of the external memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spilled: bool,
}

/// Form of the values in a dump. Word order: address, slot, (lane); address =
/// ((group * images + image) * passes + pass) * pixels + pixel. Of spilled maps: burst, channel of the CO, (lane); burst =
/// ((group * images + image) * pixels + pixel) * passes + pass, where a group has CO channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DumpForm {
    /// One 9-bit word per value, two's complement (s8 stored sign extended).
    SignedCode,
    /// One 9-bit word per value, unsigned.
    UnsignedCode,
    /// Spike words, bit l is timestep `pass * lanes + l`.
    Spikes,
    /// s16 per lane, lane l is timestep `pass * lanes + l`.
    Stream,
    /// s16 in lane 0 of one word per value: a value without timesteps.
    StreamLane0,
    /// Sum, maximum and TA: yields two tensors, `encoder.statistics` and `encoder.ta`.
    Scalars,
}

/// One executed instruction and its predicted cycles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Layer name, such as `layer1.0.conv1`, or `temporal`, or `finish`.
    pub name: String,
    /// Predicted cycles from its fetch to the next fetch; 0 for steps whose length the host decides (dump, finish,
    /// take). Here and below for all images of the batch that the step computes.
    pub cycles: u64,
    /// Cycles in which an operand word is issued to the array.
    pub issue_cycles: u64,
    /// Dense operations of the layer: taps (padded ones included) x channels x timesteps, or x planes x timesteps.
    pub dense_ops: u64,
    /// The same without taps on the zero border.
    #[serde(default)]
    pub inside_ops: u64,
    /// Whether it is a 3x3 convolution on spikes, whose `dense_ops` are SOPs.
    pub spiking: bool,
    /// Whether input and output channels fill the array's slots.
    pub fills_array: bool,
    /// The spikes whose zeros the step skips, where it does; `cycles` and `issue_cycles` are then those of dense mode.
    #[serde(default)]
    pub skips: Option<String>,
}

/// The external memory as the planner counts with it: what a design's cycles hold for.
///
/// A transfer of the port comes at the earliest `latency` cycles after its address was taken, and transfers in a row at
/// `bytes_per_1000_cycles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryModel {
    /// Cycles from an accepted read address to the first data.
    pub latency: u64,
    /// Bytes that come in 1,000 cycles; 0 stands for a transfer in every cycle.
    pub bytes_per_1000_cycles: u64,
}

impl Default for MemoryModel {
    fn default() -> Self {
        Self { latency: MEMORY_LATENCY, bytes_per_1000_cycles: 0 }
    }
}

impl MemoryModel {
    /// Cycles per transfer of `bytes` bytes as a fraction, at least 1.
    pub fn interval(&self, bytes: usize) -> (u64, u64) {
        let one = 1000 * bytes as u64;
        match self.bytes_per_1000_cycles {
            0 => (1, 1),
            rate => (one.max(rate), rate),
        }
    }
}

/// Weights that stream from the external memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightStream {
    /// The memory that the cycles hold for.
    pub memory: MemoryModel,
    /// Bytes read per run of the program, for all images of a batch; the padding of channel groups included.
    pub bytes: u64,
    /// Cycles of an image if every image fetched all of its weights.
    pub cycles_alone: u64,
}

/// Residual maps that go through the external memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapSpill {
    /// The memory that the cycles hold for.
    pub memory: MemoryModel,
    /// Layers whose stream leaves the chip, in order.
    pub maps: Vec<String>,
    /// Bytes written per run of the program.
    pub written: u64,
    /// Bytes read per run of the program.
    pub read: u64,
}

/// `plan.json`: what the planner decided and predicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Instructions of `program.bin` in order.
    pub steps: Vec<PlannedStep>,
    /// Instructions of `trace.bin` in order.
    pub trace_steps: Vec<PlannedStep>,
    /// Dumps of `trace.bin`.
    pub dumps: Vec<DumpEntry>,
    /// Images that one run of the program computes.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub batch: usize,
    /// Words used per slot: code, spike, stream, weight, parameter memory.
    pub words_used: [usize; 5],
    /// The weights' way, where they stream from the external memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_stream: Option<WeightStream>,
    /// The residual maps that do not stay on chip, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_spill: Option<MapSpill>,
}

impl Plan {
    /// The external memory that the cycles hold for, where the program uses one.
    pub fn memory(&self) -> Option<MemoryModel> {
        let maps = self.map_spill.as_ref().map(|spill| spill.memory);
        self.weight_stream.map(|stream| stream.memory).or(maps)
    }
}
