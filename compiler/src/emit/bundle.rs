//! A compiled design, and its files as bytes: equal input gives equal bytes.

use serde::Serialize;
use spikegate_contract::bundle::{self, files, packet_bytes, sha256, Manifest, FORMAT_VERSION};
use spikegate_contract::csr::INTERFACE_VERSION;
use spikegate_contract::network::Network;
use spikegate_contract::text::printable;
use std::path::Path;

use super::hardware::Hardware;
use crate::plan::Planned;
use crate::report::Report;
use crate::write::{Target, WriteError};

/// A compiled design, in memory. [`spikegate_contract::bundle::Design`] is one that was read from a folder.
#[derive(Clone, Debug)]
pub struct Design {
    /// The integer network.
    pub network: Network,
    /// Its program and array.
    pub planned: Planned,
    /// The accelerator.
    pub hardware: Hardware,
    /// Report.
    pub report: Report,
    /// SHA-256 of the model file; empty for a network of no file.
    pub model_hash: String,
    /// SHA-256 of the calibration images; empty without any.
    pub calibration_hash: String,
    /// The share of the gate's arguments at which it hangs on a razor's edge, where that is worth a word: see
    /// [`crate::quantise::gate_on_the_edge`].
    pub gate_on_the_edge: Option<f64>,
}

impl Design {
    /// Writes the design into a folder that is empty, holds a design, or does not exist.
    ///
    /// # Errors
    /// See [`WriteError`]; the folder then holds what it held before.
    pub fn write(&self, dir: &Path) -> Result<(), WriteError> {
        self.write_to(&Target::open(dir)?)
    }

    /// As [`Design::write`], into a folder that was taken before the compile, so that a long one does not fail at its end.
    ///
    /// # Errors
    /// As [`Design::write`].
    pub fn write_to(&self, target: &Target) -> Result<(), WriteError> {
        target.write(&self.files()?)
    }

    /// Names and bytes of all files, the manifest last.
    ///
    /// # Errors
    /// A number that JSON cannot hold (NaN or infinity in the report).
    pub fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, serde_json::Error> {
        let Self { network, planned, hardware, report, model_hash, calibration_hash, .. } = self;
        let weights: Vec<u8> =
            network.layers().flat_map(|layer| layer.weights.iter().map(|&w| w as u8)).collect();
        // It comes from the name of a file.
        let name = printable(&network.name);
        let (mut network, mut report) = (network.clone(), report.clone());
        (network.name, report.network.name) = (name.clone(), printable(&report.network.name));
        let mut out = vec![
            (files::NETWORK, json(&network)?),
            (files::WEIGHTS, weights),
            (files::VERILOG, hardware.named.as_bytes().to_vec()),
            (files::WAIVERS, spikegate_hdl::lang::verilog::waivers().into_bytes()),
            (files::PROGRAM, packet_bytes(&planned.packets)),
            (files::TRACE, packet_bytes(&planned.trace_packets)),
            (files::PLAN, json(&planned.plan)?),
            (files::REPORT, json(&report)?),
        ];
        let mut manifest = Manifest {
            format_version: FORMAT_VERSION,
            interface_version: INTERFACE_VERSION,
            compiler: env!("CARGO_PKG_VERSION").to_owned(),
            network: name,
            model_hash: model_hash.to_owned(),
            calibration_hash: calibration_hash.to_owned(),
            array: planned.array.clone(),
            config_hash: String::new(),
            verilog_prefix: hardware.prefix.clone(),
            verilog_hash: sha256(hardware.verilog.as_bytes()),
            files: Default::default(),
            program_hash: String::new(),
            trace_hash: String::new(),
            manifest_hash: String::new(),
        };
        manifest.hold(&out);
        out.push((files::MANIFEST, manifest.sealed().bytes()));
        Ok(out)
    }
}

/// Gives a design in a folder another report, and the manifest its hash.
///
/// # Errors
/// [`WriteError::Changed`] where the folder holds another design by now; else as [`Design::write`].
pub fn replace_report(design: &bundle::Design, report: &Report) -> Result<(), WriteError> {
    let bundle::Design { dir, manifest, .. } = design;
    let mut files = vec![(files::REPORT, json(report)?)];
    let mut next = manifest.clone();
    next.hold(&files);
    files.push((files::MANIFEST, next.sealed().bytes()));
    let target = Target::open(dir)?;
    // Nobody else writes there from here on.
    if bundle::Design::open(dir).map_err(Box::new)?.manifest != *manifest {
        return Err(WriteError::Changed { path: dir.clone() });
    }
    target.write(&files)
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = serde_json::to_vec_pretty(value)?;
    out.push(b'\n');
    Ok(out)
}
