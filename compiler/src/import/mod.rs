//! Trained weights in, checked float network out.
//!
//! Reads one safetensors file or PyTorch checkpoint (`.pth`, a zip with a pickle, which is read as data and never
//! run) in the key layout of the authors' CIFAR or ImageNet code, or of SpikingJelly's MS-ResNet (every tensor under its
//! canonical key; the aliases PyTorch stores beside it may be there and must then be equal), and the constants that no
//! tensor carries from the file's `gac` metadata, from a TOML file beside it (see [`Constants`]), or from a [`Preset`] that
//! the caller names.
//! Nothing is guessed: what is missing is an error that shows an example. What a file leaves open and has one usual
//! answer, such as the epsilon of a batch norm, or which of two state_dicts is the network, is listed in
//! [`crate::graph::Origin::assumed`].
//!
//! The bytes may be anything: no input panics, allocates more than a small multiple of the file's size, or is read past
//! its end. Headers and extents are judged before values are read, and only the network's values are.

mod checkpoint;
mod choose;
mod constants;
mod directory;
mod error;
mod example;
mod families;
mod fields;
mod formats;
mod input;
mod keys;
mod layouts;
mod naming;
mod network;
mod open;
mod pools;
mod preset;
mod pth;
mod recognise;
mod safetensors;
mod source;
mod sources;
mod steps;
mod store;
mod tensors;
mod unpickle;

pub use constants::{Constants, EXAMPLE_JSON};
pub use error::ImportError;
pub use input::MAX_FILE_BYTES;
pub use preset::Preset;

use crate::graph::Network;
use input::Input;
use source::{Content, Opening};
use spikegate_contract::bundle::{sha256, sha256_of};
use spikegate_contract::text::printable;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

/// What the caller says about a model, beside its file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'r> {
    /// Fills in the constants that neither the file nor the TOML says.
    pub preset: Option<Preset>,
    /// The network in a file of several: the key that leads to its state_dict, or its keys' prefix.
    pub weights: Option<&'r str>,
    /// Whether neurons stand before the pooling, whatever the constants say.
    pub last_lif: Option<bool>,
}

/// Reads and checks a model file.
///
/// Constants come from the file's `gac` metadata and from `MODEL.toml` beside `MODEL.safetensors`
/// where that exists; a field given in both must be the same in both.
///
/// # Errors
/// Everything [`ImportError`] lists.
pub fn load(path: &Path) -> Result<Network, ImportError> {
    load_with(path, &Request::default())
}

/// As [`load`], with what the caller says.
///
/// # Errors
/// Everything [`ImportError`] lists.
pub fn load_with(path: &Path, request: &Request<'_>) -> Result<Network, ImportError> {
    let (file, bytes) = open::model(path)?;
    let name = &printable(&path.display().to_string());
    let io = |source| ImportError::Io { file: name.clone(), source };
    // Of the file that is open, whatever the path may mean by then; and only of one that is a model.
    let mut again = file.try_clone().map_err(io)?;
    let input = Box::new(BufReader::new(file));
    let constants = || open::constants(&path.with_extension("toml"));
    let mut network = build(name, input, bytes, constants, request)?;
    again.rewind().map_err(io)?;
    network.origin.sha256 = sha256_of(again.take(MAX_FILE_BYTES)).map_err(io)?;
    Ok(network)
}

/// As [`load`], from memory. `file` is the model's path: it names the file in errors, and its stem
/// names the network; `toml` is the text of the constants file, if there is one.
///
/// # Errors
/// Everything [`ImportError`] lists except reading.
pub fn from_bytes(file: &str, bytes: &[u8], toml: Option<&str>) -> Result<Network, ImportError> {
    from_bytes_with(file, bytes, toml, &Request::default())
}

/// As [`from_bytes`], with what the caller says.
///
/// # Errors
/// Everything [`ImportError`] lists except reading.
pub fn from_bytes_with(
    file: &str,
    bytes: &[u8],
    toml: Option<&str>,
    request: &Request<'_>,
) -> Result<Network, ImportError> {
    let constants = || Ok(toml.map(str::to_owned));
    let mut network = build(file, Box::new(Cursor::new(bytes)), bytes.len() as u64, constants, request)?;
    network.origin.sha256 = sha256(bytes);
    Ok(network)
}

fn build<'a>(
    file: &str,
    mut input: Input<'a>,
    bytes: u64,
    toml: impl Fn() -> Result<Option<String>, ImportError>,
    request: &Request<'_>,
) -> Result<Network, ImportError> {
    let file = &printable(file);
    if bytes == 0 {
        return Err(ImportError::Empty { file: file.to_owned() });
    }
    let head = head(file, &mut input)?;
    let mut assumed = Vec::new();
    let opened = Opening { file, input, bytes, wanted: request.weights };
    let Content { mut tensors, metadata, prefix, dicts } = sources::open(&head, opened, &mut assumed)?;
    if tensors.keys().next().is_none() {
        return Err(ImportError::NoTensors { file: file.to_owned() });
    }
    recognise::recognise(file, &mut tensors, prefix, &dicts, &mut assumed)?;
    let toml_name = &Path::new(file).with_extension("toml").display().to_string();
    let preset = request.preset.map(|p| p.fields(file, toml_name, &tensors)).transpose()?;
    let toml = toml()?;
    let sources = constants::Sources {
        file,
        metadata: metadata.as_deref(),
        toml_name,
        toml: toml.as_deref(),
        preset,
        timesteps: tensors.extents(keys::TA2).and_then(|shape| shape.first().copied()),
        presets: preset::advice(&tensors),
        last_lif: request.last_lif,
        example: &example::toml(&tensors),
    };
    let constants = constants::gather(sources, &mut assumed)?;
    if tensors.is_spikingjelly() && !constants.pool_free {
        pools::require_none(file, toml_name, &tensors, &mut assumed)?;
    }
    network::build(file, tensors, constants, assumed)
}

/// The file's first bytes; the input is at its start again.
fn head(file: &str, input: &mut Input<'_>) -> Result<Vec<u8>, ImportError> {
    let io = |source| ImportError::Io { file: file.to_owned(), source };
    let mut head = Vec::new();
    input.by_ref().take(formats::HEAD_BYTES as u64).read_to_end(&mut head).map_err(io)?;
    input.rewind().map_err(io)?;
    Ok(head)
}
