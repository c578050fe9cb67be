//! What every operation of the interpreter does.

use std::fmt::Debug;

use super::maps::Maps;
use super::observe::Inner;

/// A node of the network, its constants arranged for running.
pub(super) trait Operation: Debug + Send + Sync {
    /// What the node makes of what it reads; `inner` is shown what lies inside.
    fn run(&self, inputs: &[&Maps], inner: &mut Inner<'_>) -> Maps;

    /// Whether it is a population of neurons.
    fn is_neuron(&self) -> bool {
        false
    }
}
