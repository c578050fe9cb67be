//! The files of a compiled design as bytes: equal input gives equal bytes.

use serde::Serialize;
use sha2::{Digest, Sha256};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{files, packet_bytes, Manifest, FORMAT_VERSION};
use spikegate_contract::csr::INTERFACE_VERSION;
use spikegate_contract::network::Network;

use crate::plan::Planned;
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
    /// [`sha256`] of the model file.
    pub model_hash: &'a str,
    /// [`sha256`] of the calibration images.
    pub calibration_hash: &'a str,
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Hash of an array configuration: SHA-256 of its JSON. The first 8 digits are the `config_hash` register.
///
/// # Errors
/// Serialisation fails, which no configuration causes.
pub fn config_hash(array: &ArrayConfig) -> Result<String, serde_json::Error> {
    Ok(sha256(&serde_json::to_vec(array)?))
}

/// Names and bytes of all files of a design, the manifest last.
///
/// # Errors
/// A number that JSON cannot hold (NaN or infinity in the report).
pub fn files(design: &Design<'_>) -> Result<Vec<(&'static str, Vec<u8>)>, serde_json::Error> {
    let Design { network, planned, verilog, report, model_hash, calibration_hash } = *design;
    let weights: Vec<u8> = network.convs().iter().flat_map(|c| c.weights.iter().map(|&w| w as u8)).collect();
    let program = packet_bytes(&planned.packets);
    let trace = packet_bytes(&planned.trace_packets);
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        interface_version: INTERFACE_VERSION,
        compiler: env!("CARGO_PKG_VERSION").to_owned(),
        network: network.name.clone(),
        model_hash: model_hash.to_owned(),
        calibration_hash: calibration_hash.to_owned(),
        array: planned.array.clone(),
        config_hash: config_hash(&planned.array)?,
        program_hash: sha256(&program),
        trace_hash: sha256(&trace),
        verilog_hash: sha256(verilog.as_bytes()),
    };
    Ok(vec![
        (files::NETWORK, json(network)?),
        (files::WEIGHTS, weights),
        (files::VERILOG, verilog.as_bytes().to_vec()),
        (files::WAIVERS, spikegate_hdl::lang::verilog::waivers().into_bytes()),
        (files::PROGRAM, program),
        (files::TRACE, trace),
        (files::PLAN, json(&planned.plan)?),
        (files::REPORT, json(report)?),
        (files::MANIFEST, json(&manifest)?),
    ])
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = serde_json::to_vec_pretty(value)?;
    out.push(b'\n');
    Ok(out)
}
