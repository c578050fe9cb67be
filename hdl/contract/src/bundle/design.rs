//! Opening a design: every file is read once, checked, and only then looked into.

use serde::Deserialize;
use std::path::{Path, PathBuf};

use super::{files, is_identifier, packets, read, sha256, BundleError, Manifest, Plan, FORMAT_VERSION};
use crate::network::Network;

/// Most bytes of a manifest.
const MANIFEST_BYTES: u64 = 1 << 20;
/// Most bytes of another file.
const FILE_BYTES: u64 = 1 << 30;

/// A file of a design by its name: its bytes, or why it is not the one that was written.
pub type Judged = (&'static str, Result<u64, BundleError>);

/// A design, read and checked: every file is the one that the manifest names, and every number in them is one that a
/// compiler writes. There is no other way to one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Design {
    /// Folder, for messages and for what is made of the design.
    pub dir: PathBuf,
    /// Manifest.
    pub manifest: Manifest,
    /// The integer network with its weights; [`Network::validate`] has passed it.
    pub network: Network,
    /// Plan.
    pub plan: Plan,
    /// Load packets.
    pub program: Vec<Vec<u32>>,
    /// Load packets of the tracing program.
    pub trace: Vec<Vec<u32>>,
    /// Text of `spikegate.v`. It says which hardware the design is for: compare it, but do not build it.
    pub verilog: String,
    report: Vec<u8>,
}

impl Design {
    /// Paths of its files.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        files::HELD.iter().chain([&files::MANIFEST]).map(|name| self.dir.join(name))
    }

    /// Reads and checks the design in `dir`.
    ///
    /// # Errors
    /// See [`BundleError`]: the first file that is missing, not a regular file, of another version, cut, changed, of
    /// another design, or outside the contract.
    pub fn open(dir: &Path) -> Result<Self, BundleError> {
        let manifest = manifest(dir)?;
        let held = |name: &str| held(dir, &manifest, name);
        let packets = |name: &str| {
            packets::read(&held(name)?).ok_or_else(|| BundleError::Packets { path: dir.join(name) })
        };
        let network = network(dir, &held(files::NETWORK)?, &held(files::WEIGHTS)?)?;
        if let (Some(node), false) = (network.special_neurons(), manifest.array.neurons) {
            return Err(BundleError::Neurons { path: dir.join(files::NETWORK), node: node.name.clone() });
        }
        let path = dir.join(files::PLAN);
        let plan: Plan = read::json(&path, &held(files::PLAN)?)?;
        plan.check(&path, &manifest.array)?;
        let (program, trace) = (packets(files::PROGRAM)?, packets(files::TRACE)?);
        let verilog = String::from_utf8(held(files::VERILOG)?)
            .map_err(|_| BundleError::Text { path: dir.join(files::VERILOG) })?;
        let report = held(files::REPORT)?;
        // For people's tools only, but changed like any other it says that the folder is.
        held(files::WAIVERS)?;
        Ok(Self { dir: dir.to_owned(), manifest, network, plan, program, trace, verilog, report })
    }

    /// The manifest in `dir`, and what each file that it holds is, in the order of [`files::HELD`]. Unlike [`Design::open`] it
    /// goes on behind the first that is damaged.
    ///
    /// # Errors
    /// The manifest itself is missing, changed or of another version.
    pub fn judge(dir: &Path) -> Result<(Manifest, Vec<Judged>), BundleError> {
        let manifest = manifest(dir)?;
        let judged =
            files::HELD.map(|name| (name, held(dir, &manifest, name).map(|bytes| bytes.len() as u64)));
        Ok((manifest, judged.into()))
    }

    /// The report, whose form the compiler knows.
    ///
    /// # Errors
    /// [`BundleError::Json`], [`BundleError::Unprintable`].
    pub fn report<T: serde::de::DeserializeOwned>(&self) -> Result<T, BundleError> {
        read::json(&self.dir.join(files::REPORT), &self.report)
    }
}

/// Reads the manifest and checks what it says about itself.
fn manifest(dir: &Path) -> Result<Manifest, BundleError> {
    #[derive(Deserialize)]
    struct Versioned {
        format_version: u64,
    }
    let path = dir.join(files::MANIFEST);
    let bytes = read::bounded(&path, MANIFEST_BYTES)?;
    // Another version has other fields.
    let Versioned { format_version } = read::json(&path, &bytes)?;
    if format_version != u64::from(FORMAT_VERSION) {
        return Err(BundleError::Version { path, got: format_version });
    }
    let manifest: Manifest = read::json(&path, &bytes)?;
    if !manifest.files.keys().map(String::as_str).eq(sorted(files::HELD)) {
        let got = manifest.files.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(BundleError::Files { path, got });
    }
    let sealed = manifest.sealed();
    for (field, got, expected) in [
        ("config_hash", &manifest.config_hash, &sealed.config_hash),
        ("program_hash", &manifest.program_hash, &sealed.program_hash),
        ("trace_hash", &manifest.trace_hash, &sealed.trace_hash),
        ("manifest_hash", &manifest.manifest_hash, &sealed.manifest_hash),
    ] {
        let (got, expected) = (got.clone(), expected.clone());
        if got != expected {
            return Err(BundleError::Follows { path, field, got, expected });
        }
    }
    if !is_identifier(&manifest.verilog_prefix) {
        return Err(BundleError::Prefix { path, got: manifest.verilog_prefix });
    }
    if sealed.bytes() != bytes {
        return Err(BundleError::Form { path });
    }
    match manifest.array.check() {
        Ok(()) => Ok(manifest),
        Err(source) => Err(BundleError::Array { path, source }),
    }
}

fn sorted<const N: usize>(mut names: [&str; N]) -> [&str; N] {
    names.sort_unstable();
    names
}

/// Reads a file that the manifest holds. Its name comes from our table, never from a file.
fn held(dir: &Path, manifest: &Manifest, name: &str) -> Result<Vec<u8>, BundleError> {
    let path = dir.join(name);
    let bytes = read::bounded(&path, FILE_BYTES)?;
    let (got, expected) = (bytes.len() as u64, manifest.files.get(name).map_or(0, |held| held.bytes));
    if got != expected {
        return Err(BundleError::Size { path, got, expected });
    }
    let (got, expected) = (sha256(&bytes), manifest.hash_of(name).to_owned());
    if got != expected {
        return Err(BundleError::Hash { path, got, expected });
    }
    Ok(bytes)
}

/// The integer network with its weights.
fn network(dir: &Path, json: &[u8], weights: &[u8]) -> Result<Network, BundleError> {
    let path = dir.join(files::NETWORK);
    let mut net: Network = read::json(&path, json)?;
    let sizes: Vec<Option<u128>> = net.weight_counts().collect();
    // Sizes that no product holds are more than any file's.
    let expected = sizes.iter().map(|n| n.unwrap_or(u128::MAX)).fold(0, u128::saturating_add);
    if weights.len() as u128 != expected {
        let (path, got) = (dir.join(files::WEIGHTS), weights.len() as u64);
        return Err(BundleError::Weights { path, got, expected });
    }
    let mut rest = weights;
    for (filled, n) in net.weights_mut().zip(sizes) {
        let (own, after) = rest.split_at(n.unwrap_or_default() as usize);
        *filled = own.iter().map(|&b| b as i8).collect();
        rest = after;
    }
    match net.validate() {
        Ok(()) => Ok(net),
        Err(source) => Err(BundleError::Network { path, source }),
    }
}
