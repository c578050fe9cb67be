//! Trained weights in, checked float network out.
//!
//! Reads one safetensors file or PyTorch checkpoint (`.pth`, a zip with a pickle, which is read as data and never
//! run) in the key layout of the authors' CIFAR or ImageNet code (every tensor under its canonical key; the aliases
//! PyTorch stores beside it may be there and must then be equal), and the constants that no tensor carries from the
//! file's `gac` metadata, from a TOML file beside it (see [`Constants`]), or from a [`Preset`] that the caller names.
//! Nothing is guessed: what is missing is an error that shows an example.
//!
//! The bytes may be anything: no input panics, allocates more than a small multiple of the file's
//! size, or is read past its end.

mod constants;
mod error;
mod file;
mod layout;
mod network;
mod preset;
mod pth;
mod tensors;
mod unpickle;

pub use constants::{Constants, EXAMPLE_JSON, EXAMPLE_TOML};
pub use error::ImportError;
pub use file::MAX_FILE_BYTES;
pub use preset::Preset;

use crate::graph::Network;
use std::path::Path;

/// Reads and checks a model file.
///
/// Constants come from the file's `gac` metadata and from `MODEL.toml` beside `MODEL.safetensors`
/// where that exists; a field given in both must be the same in both.
///
/// # Errors
/// Everything [`ImportError`] lists.
pub fn load(path: &Path) -> Result<Network, ImportError> {
    load_with(path, None)
}

/// As [`load`]; a preset fills in the constants that neither the file nor the TOML says.
///
/// # Errors
/// Everything [`ImportError`] lists.
pub fn load_with(path: &Path, preset: Option<Preset>) -> Result<Network, ImportError> {
    let bytes = file::read(path)?;
    let toml_path = path.with_extension("toml");
    let toml = match std::fs::read_to_string(&toml_path) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(ImportError::Io { file: toml_path.display().to_string(), source }),
    };
    build(&path.display().to_string(), &bytes, toml.as_deref(), preset)
}

/// As [`load`], from memory. `file` is the model's path: it names the file in errors, and its stem
/// names the network; `toml` is the text of the constants file, if there is one.
///
/// # Errors
/// Everything [`ImportError`] lists except reading.
pub fn from_bytes(file: &str, bytes: &[u8], toml: Option<&str>) -> Result<Network, ImportError> {
    build(file, bytes, toml, None)
}

fn build(
    file: &str,
    bytes: &[u8],
    toml: Option<&str>,
    preset: Option<Preset>,
) -> Result<Network, ImportError> {
    let converted = if pth::is_zip(bytes) { Some(pth::to_safetensors(file, bytes)?) } else { None };
    let (mut tensors, metadata) = file::parse(file, converted.as_deref().unwrap_or(bytes))?;
    layout::recognise(file, &mut tensors)?;
    let toml_name = Path::new(file).with_extension("toml").display().to_string();
    let filled = preset.map(|p| p.fields(file, &toml_name, &tensors)).transpose()?;
    let constants = constants::gather(file, metadata.as_deref(), &toml_name, toml, filled)?;
    network::build(file, tensors, constants)
}
