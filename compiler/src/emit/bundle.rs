//! The files of a compiled design as bytes: equal input gives equal bytes.

use serde::Serialize;
use spikegate_contract::bundle::read::printable;
use spikegate_contract::bundle::{files, packet_bytes, Manifest, FORMAT_VERSION};
use spikegate_contract::csr::INTERFACE_VERSION;
use spikegate_contract::network::Network;

use crate::plan::{AsGraph, Planned};
use crate::report::Report;

/// Everything a design folder is made from.
#[derive(Clone, Copy, Debug)]
pub struct Design<'a> {
    /// The integer network.
    pub network: &'a Network,
    /// Its program and array.
    pub planned: &'a Planned,
    /// Text of the accelerator.
    pub verilog: &'a str,
    /// Report.
    pub report: &'a Report,
    /// SHA-256 of the model file.
    pub model_hash: &'a str,
    /// SHA-256 of the calibration images.
    pub calibration_hash: &'a str,
}

/// Names and bytes of all files of a design, the manifest last.
///
/// # Errors
/// A number that JSON cannot hold (NaN or infinity in the report).
pub fn files(design: &Design<'_>) -> Result<Vec<(&'static str, Vec<u8>)>, serde_json::Error> {
    let Design { network, planned, verilog, report, model_hash, calibration_hash } = *design;
    let graph = network.graph();
    let weights: Vec<u8> = graph.layers().flat_map(|layer| layer.weights.iter().map(|&w| w as u8)).collect();
    // It comes from the name of a file.
    let name = printable(&network.name);
    let (mut network, mut report) = (network.clone(), report.clone());
    (network.name, report.network.name) = (name.clone(), printable(&report.network.name));
    let mut out = vec![
        (files::NETWORK, json(&network)?),
        (files::WEIGHTS, weights),
        (files::VERILOG, verilog.as_bytes().to_vec()),
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
        files: Default::default(),
        program_hash: String::new(),
        trace_hash: String::new(),
        manifest_hash: String::new(),
    };
    manifest.hold(&out);
    out.push((files::MANIFEST, manifest.sealed().bytes()));
    Ok(out)
}

/// The files that change when a design has another report: the report, and the manifest that holds its hash.
///
/// # Errors
/// A number that JSON cannot hold.
pub fn with_report(
    manifest: &Manifest,
    report: &Report,
) -> Result<Vec<(&'static str, Vec<u8>)>, serde_json::Error> {
    let mut out = vec![(files::REPORT, json(report)?)];
    let mut manifest = manifest.clone();
    manifest.hold(&out);
    out.push((files::MANIFEST, manifest.sealed().bytes()));
    Ok(out)
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = serde_json::to_vec_pretty(value)?;
    out.push(b'\n');
    Ok(out)
}
