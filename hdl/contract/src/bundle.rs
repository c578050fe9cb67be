//! The files of a compiled design, and its manifest.
//!
//! | file | what |
//! | --- | --- |
//! | `manifest.json` | [`Manifest`] |
//! | `network.json` + `weights.bin` | the integer network; weights s8 in the order of [`Network::layers`] |
//! | `spikegate.v` | the accelerator |
//! | `spikegate.vlt` | what Verilator's lint may not say about it, with reasons |
//! | `program.bin` | load packets, little-endian words: see [`packet_bytes`] |
//! | `trace.bin` | the same program with dump instructions between the layers |
//! | `plan.json` | regions, instructions and predicted cycles |
//! | `report.json` | accuracy, utilisation, cycles |
//!
//! The manifest holds the size and the SHA-256 of every other file, and its own. [`Design::open`] is the only way to
//! read any of them: it reads each file once, checks what it has read, and everything else works with that.
//!
//! The hash of a program ([`Manifest::program_hash`]) is that of the array, the network, the weights, the plan and the
//! load packets together, and it is what a device is told and asked (register `program_hash`): parts of two designs never
//! have the hash of either, whoever put them together. The manifest's own hash stands in itself and not in the program,
//! because the manifest changes with the report (a simulation writes there what it has counted), the program does not.
//!
//! Hashes find damage and mixtures. Whoever writes a design can make them anew, so nothing of a folder is executed
//! either: what is simulated or synthesised is written again from [`Manifest::array`] and only compared with
//! `spikegate.v`, under its [prefix](Manifest::verilog_prefix).
//!
//! [`Network::layers`]: crate::network::Network::layers

mod design;
mod error;
mod layers;
mod manifest;
mod packets;
mod plan;
pub mod read;
pub mod unique;

pub use design::{Design, Judged};
pub use error::BundleError;
pub use layers::{Counted, LayerPart, Left};
pub use manifest::{config_hash, first_word, is_identifier, sha256, sha256_of, Held, Manifest};
pub use packets::packet_bytes;
pub use plan::{DumpEntry, DumpForm, MapSpill, MemoryModel, Plan, PlannedStep, WeightStream};

/// Version of every file here. Raised on any change that a reader could notice.
pub const FORMAT_VERSION: u32 = 4;

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
    /// Those that the manifest holds the hashes of: all but itself.
    pub const HELD: [&str; 8] = [NETWORK, WEIGHTS, VERILOG, WAIVERS, PROGRAM, TRACE, PLAN, REPORT];
}
