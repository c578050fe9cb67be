//! `manifest.json`, and the hashes in it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Read};

use super::files;
use crate::array::ArrayConfig;

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// SHA-256 of what is left of a file or stream, which may be larger than memory, in lower-case hexadecimal.
///
/// # Errors
/// Reading fails.
pub fn sha256_of(mut input: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut part = vec![0; 64 << 10];
    loop {
        match input.read(&mut part) {
            Ok(0) => return Ok(hexadecimal(&hash.finalize())),
            Ok(n) => hash.update(&part[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().map(|b| format!("{b:02x}")).collect()
}

/// The first 8 digits of a hash as a register holds them; 0 for something else than a hash, which suits no core.
pub fn first_word(hash: &str) -> u32 {
    hash.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

/// Hash of an array configuration: SHA-256 of its JSON. Its [`first_word`] is the `config_hash` register.
pub fn config_hash(array: &ArrayConfig) -> String {
    // Numbers have a JSON form.
    sha256(&serde_json::to_vec(array).unwrap_or_default())
}

/// Whether a text is an identifier of Verilog that every tool takes: at most 64 letters, digits and `_`, no digit first.
pub fn is_identifier(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    text.len() <= 64
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|b| letter(b) || b.is_ascii_digit())
}

/// What a manifest says about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: String,
}

/// What a design is and what made it. Hashes are lower-case hexadecimal SHA-256.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`super::FORMAT_VERSION`].
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
    /// [`config_hash`] of it.
    pub config_hash: String,
    /// Name of the top module in `spikegate.v`, with which the names of all others begin; an [identifier](is_identifier).
    pub verilog_prefix: String,
    /// Hash of the accelerator's Verilog under the usual prefix, whatever that of `spikegate.v` is. Bitstreams are made of
    /// that text, and compared by this hash.
    pub verilog_hash: String,
    /// Size and hash of every other file, by name.
    pub files: BTreeMap<String, Held>,
    /// Hash of the array configuration, network, weights, plan and `program.bin` together; its [`first_word`] is what a
    /// device is told.
    pub program_hash: String,
    /// The same with `trace.bin`.
    pub trace_hash: String,
    /// Hash of this file with nothing here.
    pub manifest_hash: String,
}

impl Manifest {
    /// Notes size and hash of files.
    pub fn hold(&mut self, files: &[(&str, Vec<u8>)]) {
        for (name, bytes) in files {
            let held = Held { bytes: bytes.len() as u64, sha256: sha256(bytes) };
            self.files.insert((*name).to_owned(), held);
        }
    }

    /// The same with the hashes that follow from the rest.
    #[must_use]
    pub fn sealed(&self) -> Self {
        let mut sealed = Self {
            config_hash: config_hash(&self.array),
            program_hash: self.bound(files::PROGRAM),
            trace_hash: self.bound(files::TRACE),
            manifest_hash: String::new(),
            ..self.clone()
        };
        sealed.manifest_hash = sha256(&sealed.bytes());
        sealed
    }

    /// Hash of a program with all that its results depend on.
    fn bound(&self, program: &str) -> String {
        let mut text = format!("array {}\n", config_hash(&self.array));
        for name in [files::NETWORK, files::WEIGHTS, files::PLAN, program] {
            text.push_str(&format!("{name} {}\n", self.hash_of(name)));
        }
        sha256(text.as_bytes())
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        // Numbers, strings and lists of them have a JSON form.
        let mut out = serde_json::to_vec_pretty(self).unwrap_or_default();
        out.push(b'\n');
        out
    }

    /// Hash of a file; empty for one that is not held.
    pub fn hash_of(&self, name: &str) -> &str {
        self.files.get(name).map_or("", |held| &held.sha256)
    }
}
