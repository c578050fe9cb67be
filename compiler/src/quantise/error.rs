//! Why a network cannot be quantised.

use crate::graph::GraphError;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;

/// A float network that has no integer form here. Every message says what to change.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum QuantiseError {
    /// The network does not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// No images, or a calibration of another network.
    #[error("the calibration has no range of `{tensor}`")]
    NotCalibrated {
        /// Name of the node, or of what lies inside it.
        tensor: String,
    },
    /// A setting outside its range.
    #[error("{what} is {got}, expected {expected}")]
    Option {
        /// Setting.
        what: &'static str,
        /// Its value.
        got: usize,
        /// What is possible.
        expected: &'static str,
    },
    /// A width of a layer that there is not.
    #[error("a weight width is given for `{name}`, and no layer has this name or begins with it")]
    NoLayer {
        /// What was named.
        name: String,
        /// The layers' names.
        layers: Vec<String>,
    },
    /// Weights that are too many for their budget at any width.
    #[error("the weights may take {budget} bytes, and at 4 bits they take {least}")]
    Budget {
        /// Bytes that were allowed.
        budget: u64,
        /// The least that they take.
        least: u64,
    },
    /// A tensor too large for its word.
    #[error("`{tensor}` reaches {} with its headroom, the integer form holds at most {}", short(*reach), short(*limit))]
    Range {
        /// Name of the node.
        tensor: String,
        /// Largest magnitude, in units of the float network.
        reach: f64,
        /// Largest magnitude that can be held, in the same units.
        limit: f64,
    },
    /// Nodes that the integer operations do not compose to.
    #[error("`{node}` reads `{operand}`, which in the integer network is {got}; expected {expected}")]
    Operand {
        /// Name of the node.
        node: String,
        /// What it reads.
        operand: String,
        /// Its integer form.
        got: &'static str,
        /// What the integer operation reads.
        expected: &'static str,
    },
}

/// A number to four digits.
fn short(value: f64) -> String {
    if (1e-3..1e6).contains(&value) {
        let digits = (3 - value.log10().floor() as i32).max(0);
        format!("{value:.*}", digits as usize)
    } else {
        format!("{value:.3e}")
    }
}

impl Failure for QuantiseError {
    fn kind(&self) -> Kind {
        match self {
            Self::Graph(source) => source.kind(),
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Graph(source) => source.help(),
            Self::NotCalibrated { .. } => Some("calibrate this network with at least one image".into()),
            Self::Range { .. } => {
                Some("are its weights and statistics whole? scale the network down or retrain".into())
            }
            Self::NoLayer { layers, .. } => {
                Some(format!("layers with weights: {}", layers.join(", ")).into())
            }
            Self::Budget { .. } => Some("allow more, or give a width below 4 bits".into()),
            Self::Option { .. } | Self::Operand { .. } => None,
        }
    }
}
