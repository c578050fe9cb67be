//! Bitstreams that are kept with the sources: `NAME.bit`, and `NAME.toml` that says what it is made of.
//!
//! The network's weights are not in it: it serves every model whose design has the same Verilog.

use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::files::{self, failed, hash, FileError};
use crate::output;
use crate::report::{Implementation, IMPLEMENTATION_VERSION};
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

/// The version alone.
#[derive(Deserialize)]
struct Versioned {
    implementation: Version,
}

#[derive(Deserialize)]
struct Version {
    format_version: u32,
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
    /// A description of another name.
    #[error("{}: the description of an image is named NAME.toml", path.display())]
    Name {
        /// What was asked for.
        path: PathBuf,
    },
    /// Somebody else's file.
    #[error("{} exists and is no image of `spikegate synth`", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The bitstream is not the one that was made.
    #[error("{} was changed meanwhile", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// Ending of a description's name.
const ENDING: &str = "toml";

impl Image {
    /// Where the bitstream of a description lies.
    ///
    /// # Errors
    /// [`ImageError::Name`].
    pub fn bitstream(path: &Path) -> Result<PathBuf, ImageError> {
        match path.extension() {
            Some(ending) if ending == ENDING => Ok(path.with_extension("bit")),
            _ => Err(ImageError::Name { path: path.to_owned() }),
        }
    }

    /// Refuses a place where an image would replace something else than an image, so that a long run fails before its work
    /// and not after.
    ///
    /// # Errors
    /// [`ImageError::Name`], [`ImageError::NotOurs`], or a file that cannot be read.
    pub fn check_place(path: &Path) -> Result<(), ImageError> {
        let not_ours = |path: &Path| ImageError::NotOurs { path: path.to_owned() };
        let bitstream = Self::bitstream(path)?;
        let old = match Self::read(path) {
            Ok(image) => Some(image.implementation.bitstream_hash),
            Err(ImageError::File(error)) if error.source.kind() == ErrorKind::NotFound => None,
            Err(ImageError::Form { .. }) => return Err(not_ours(path)),
            Err(error) => return Err(error),
        };
        match files::read(&bitstream, files::BITSTREAM) {
            Err(error) if error.source.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
            Ok(bits) if old == Some(hash(&bits)) => Ok(()),
            Ok(_) => Err(not_ours(&bitstream)),
        }
    }

    /// Writes the bitstream in `folder` and its description, named `path`, where [`Image::check_place`] has nothing against
    /// it.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn write(
        path: &Path,
        folder: &Path,
        array: &ArrayConfig,
        made: &Implementation,
    ) -> Result<(), ImageError> {
        Self::check_place(path)?;
        let form = |what: String| ImageError::Form { path: path.to_owned(), what };
        let bitstream = Self::bitstream(path)?;
        let name = bitstream
            .file_name()
            .and_then(|n| n.to_str())
            .ok_or_else(|| form("it has no name".to_owned()))?;
        let implementation = Implementation { bitstream: name.to_owned(), ..made.clone() };
        let image = Self { array_hash: config_hash(array), implementation, array: array.clone() };
        let text = toml::to_string_pretty(&image).map_err(|e| form(e.to_string()))?;
        let from = folder.join(&made.bitstream);
        let bits = files::read(&from, files::BITSTREAM)?;
        if hash(&bits) != made.bitstream_hash {
            return Err(ImageError::Changed { path: from });
        }
        if let Some(above) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(above).map_err(failed("create the folder", above))?;
        }
        output::write(&bitstream, &bits)?;
        Ok(output::write(path, text.as_bytes())?)
    }

    /// Reads the description; the bitstream lies beside it.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn read(path: &Path) -> Result<Self, ImageError> {
        Self::bitstream(path)?;
        let form = |what: String| ImageError::Form { path: path.to_owned(), what };
        let text = String::from_utf8(files::read(path, files::TEXT)?).map_err(|e| form(e.to_string()))?;
        // Another version has other fields.
        let versioned: Versioned = toml::from_str(&text).map_err(|e| form(e.to_string()))?;
        let got = versioned.implementation.format_version;
        if got != IMPLEMENTATION_VERSION {
            return Err(form(format!("its format has version {got}, expected {IMPLEMENTATION_VERSION}")));
        }
        let image: Self = toml::from_str(&text).map_err(|e| form(e.to_string()))?;
        let hash = config_hash(&image.array);
        if hash != image.array_hash {
            return Err(form(format!("the array has the hash {hash}, expected {}", image.array_hash)));
        }
        match image.array.check() {
            Ok(()) => Ok(image),
            Err(error) => Err(form(error.to_string())),
        }
    }
}

impl Failure for ImageError {
    fn kind(&self) -> Kind {
        match self {
            Self::File(source) => source.kind(),
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::File(source) => source.help(),
            Self::Form { .. } => {
                Some("take the file as it came, or make it anew with `spikegate synth --image`".into())
            }
            Self::Name { .. } => Some("give a name that ends in .toml".into()),
            Self::NotOurs { .. } => Some("move it away, or give another name with --image".into()),
            Self::Changed { .. } => Some("run `spikegate synth` again".into()),
        }
    }
}
