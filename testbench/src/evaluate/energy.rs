//! What the operations of an image would take, by published figures for one operation.

use serde::Serialize;

use super::activity::LayerActivity;

/// Energy of one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    name: &'static str,
    /// Of a multiplication and an addition, and of an addition alone, in pJ.
    multiply_add: f64,
    add: f64,
    source: &'static str,
}

/// The models: that of the papers on spiking networks, and one of the widths that are computed here.
pub const ENERGY_MODELS: [Model; 2] = [
    Model {
        name: "32-bit float, 45 nm",
        multiply_add: 4.6,
        add: 0.9,
        source: "Horowitz, ISSCC 2014 (3.7 + 0.9 pJ, 0.9 pJ); operations only, as in the papers on spiking networks",
    },
    Model {
        name: "8-bit weights, 32-bit sums, 45 nm",
        multiply_add: 0.3,
        add: 0.1,
        source: "Horowitz, ISSCC 2014 (8-bit multiplication 0.2 pJ, 32-bit addition 0.1 pJ); operations only",
    },
];

/// Energy of one image by a model: its operations, no memory and no clock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Energy {
    /// Name of the model.
    pub model: &'static str,
    /// Where its figures come from.
    pub source: &'static str,
    /// Microjoules of an image, operations for spikes alone.
    pub executed_uj: f64,
    /// The same if every tap were computed, by multiplication, once for every timestep.
    pub dense_uj: f64,
}

impl Model {
    pub(super) fn of(&self, layers: &[LayerActivity]) -> Energy {
        let executed =
            |layer: &LayerActivity| layer.executed * if layer.spiking { self.add } else { self.multiply_add };
        let picojoules: f64 = layers.iter().map(executed).sum();
        let dense: f64 = layers.iter().map(|layer| layer.dense as f64 * self.multiply_add).sum();
        Energy { model: self.name, source: self.source, executed_uj: picojoules / 1e6, dense_uj: dense / 1e6 }
    }
}
