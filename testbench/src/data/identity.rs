//! What a set is, wherever it lies.

use serde::{Deserialize, Serialize};
use spikegate_contract::bundle::sha256;

use super::labels::Class;
use super::set::{DataSet, Images};
use super::DataError;

/// A set by what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Images.
    pub images: usize,
    /// Class folders by label; empty where labels come from elsewhere.
    pub classes: Vec<Class>,
    /// SHA-256 of shape, labels and pixels, whatever they are packed in; of pictures not the pixels but names and sizes of the
    /// files, as there may be more than anybody wants to read for each of many runs.
    pub sha256: String,
}

impl DataSet {
    /// What it is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn identity(&self) -> Result<Identity, DataError> {
        let mut text = format!("{:?}\n", self.shape);
        for index in 0..self.len {
            let image = match &self.images {
                Images::Packed { .. } => sha256(&self.image(index)?),
                Images::Files(files) => {
                    let path = files.get(index).unwrap_or(&self.path);
                    let bytes = std::fs::metadata(path).map_err(|source| DataError::io(path, source))?.len();
                    let name = path.strip_prefix(&self.path).unwrap_or(path);
                    format!("{} {bytes}", sha256(name.as_os_str().as_encoded_bytes()))
                }
            };
            text += &format!("{:?} {image}\n", self.label(index));
        }
        Ok(Identity { images: self.len, classes: self.classes().to_vec(), sha256: sha256(text.as_bytes()) })
    }
}
