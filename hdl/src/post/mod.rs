//! Post-processing of captured sums: requantisation and neurons.

pub mod lif;
pub mod neuron;
pub mod requantise;
