//! Bytes to normalised pixels.

use ndarray::ArrayView3;

use super::maps::{zeros, Maps};
use crate::graph::MapShape;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;

/// An image that is not the network's input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("image has {got} bytes, the network reads {input} = {} bytes", input.len())]
pub struct ImageSizeError {
    /// The network's input.
    pub input: MapShape,
    /// Bytes given.
    pub got: usize,
}

/// The input node.
#[derive(Debug, Default)]
pub(super) struct Input {
    name: String,
    map: MapShape,
    /// Mean and standard deviation per channel.
    constants: Vec<(f64, f64)>,
}

impl Input {
    pub fn new(name: &str, map: MapShape, mean: &[f64], std: &[f64]) -> Input {
        let constants = mean.iter().copied().zip(std.iter().copied()).collect();
        Input { name: name.to_owned(), map, constants }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The image as a still map; `bytes` are in `[C, H, W]` order.
    pub fn normalise(&self, bytes: &[u8]) -> Result<Maps, ImageSizeError> {
        let MapShape { c, h, w } = self.map;
        let image = ArrayView3::from_shape((c, h, w), bytes)
            .map_err(|_| ImageSizeError { input: self.map, got: bytes.len() })?;
        let mut out = zeros(1, self.map);
        for ((_, y, x, c), v) in out.indexed_iter_mut() {
            let (mean, std) = self.constants[c];
            *v = (f64::from(image[[c, y, x]]) / 255.0 - mean) / std;
        }
        Ok(out)
    }
}

impl Failure for ImageSizeError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        None
    }
}
