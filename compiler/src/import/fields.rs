//! Constants as a file has them.

use serde::Deserialize;

/// The fields as they stand in JSON or TOML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    pub preset: Option<String>,
    #[serde(rename = "T")]
    pub timesteps: Option<usize>,
    pub leak: Option<f64>,
    pub threshold: Option<f64>,
    pub fire: Option<String>,
    pub strides: Option<Vec<usize>>,
    pub stem_stride: Option<usize>,
    pub input: Option<Vec<usize>>,
    pub mean: Option<Vec<f64>>,
    pub std: Option<Vec<f64>>,
    pub dataset: Option<String>,
    pub float_top1: Option<f64>,
    pub made: Option<String>,
    pub reset: Option<String>,
    pub input_kind: Option<String>,
    pub last_lif: Option<bool>,
    pub coding: Option<String>,
    pub bn_eps: Option<f64>,
    pub pool: Option<String>,
}
