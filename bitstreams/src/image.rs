//! Bitstreams that are kept with the sources: `NAME.bit`, and `NAME.toml` that says what it is made of.
//!
//! The network's weights are not in it: it serves every model whose design has the same Verilog.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::output;
use crate::report::Implementation;
use crate::step::{self, FileError};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::config_hash;
use spikegate_contract::failure::{Failure, Kind};

/// What `NAME.toml` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// SHA-256 of the array below, as JSON.
    pub array_hash: String,
    /// How the bitstream came to be.
    pub implementation: Implementation,
    /// Array of the core.
    pub array: ArrayConfig,
}

/// An image that cannot be read or written.
#[derive(Debug, Error)]
pub enum ImageError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not the form that is known.
    #[error("{}: {what}", path.display())]
    Form {
        /// File.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl Image {
    /// Writes the bitstream in `folder` and its description, named `path`.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn write(
        path: &Path,
        folder: &Path,
        array: &ArrayConfig,
        made: &Implementation,
    ) -> Result<(), ImageError> {
        let form = |what: String| ImageError::Form { path: path.to_owned(), what };
        let bitstream = path.with_extension("bit");
        let name = bitstream
            .file_name()
            .and_then(|n| n.to_str())
            .ok_or_else(|| form("it has no name".to_owned()))?;
        let implementation = Implementation { bitstream: name.to_owned(), ..made.clone() };
        let image = Self { array_hash: config_hash(array), implementation, array: array.clone() };
        let text = toml::to_string_pretty(&image).map_err(|e| form(e.to_string()))?;
        if let Some(above) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            step::make_folder(above)?;
        }
        output::write(&bitstream, &step::read(&folder.join(&made.bitstream))?)?;
        Ok(output::write(path, text.as_bytes())?)
    }

    /// Reads the description; the bitstream lies beside it.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn read(path: &Path) -> Result<Self, ImageError> {
        let form = |what: String| ImageError::Form { path: path.to_owned(), what };
        let text = String::from_utf8(step::read(path)?).map_err(|e| form(e.to_string()))?;
        let image: Self = toml::from_str(&text).map_err(|e| form(e.to_string()))?;
        let hash = config_hash(&image.array);
        if hash != image.array_hash {
            return Err(form(format!("the array has the hash {hash}, expected {}", image.array_hash)));
        }
        Ok(image)
    }
}

impl Failure for ImageError {
    fn kind(&self) -> Kind {
        match self {
            Self::File(source) => source.kind(),
            Self::Form { .. } => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::File(source) => source.help(),
            Self::Form { .. } => {
                Some("take the file as it came, or make it anew with `spikegate synth --image`".into())
            }
        }
    }
}
