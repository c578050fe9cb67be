//! The constants of neurons.

use serde::{Deserialize, Serialize};

/// When a neuron fires. `Gt` is GAC's rule; `Ge` is SpikingJelly's and snnTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FireRule {
    /// `u > threshold`
    #[serde(rename = ">")]
    Gt,
    /// `u >= threshold`
    #[serde(rename = ">=")]
    Ge,
}

/// What a spike leaves of the membrane that fired, before the leak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Nothing: 0. GAC's hard reset.
    #[default]
    Zero,
    /// `u - threshold`, the soft reset.
    Subtract,
}

/// Neuron constants: of every population of a network, or of one population. Integrate-and-fire neurons have no leak: a
/// `leak_shift` of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neuron {
    /// Leak 2^-leak_shift per timestep, 1 or 2 in the published networks, 0..=15 here.
    pub leak_shift: u8,
    /// Comparison with the threshold.
    pub fire: FireRule,
    /// What a spike leaves; not in the files of neurons that it leaves nothing of.
    #[serde(default, skip_serializing_if = "resets_to_zero")]
    pub reset: Reset,
}

fn resets_to_zero(reset: &Reset) -> bool {
    *reset == Reset::Zero
}

impl Neuron {
    /// Neurons with a hard reset to 0.
    pub fn new(leak_shift: u8, fire: FireRule) -> Self {
        Self { leak_shift, fire, reset: Reset::Zero }
    }
}
