//! How well the integer network does what the float network does.

/// Placeholder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Images classified by both networks.
    pub images: usize,
    /// Right answers of the float network; none without labels.
    pub float_right: Option<usize>,
    /// Right answers of the integer network; none without labels.
    pub integer_right: Option<usize>,
    /// Images on which both give the same class.
    pub same_label: usize,
    /// Images compared spike by spike.
    pub spike_images: usize,
    /// Per population, in execution order.
    pub spikes: Vec<SpikeAgreement>,
    /// Per s16 tensor of the trace, in execution order.
    pub saturations: Vec<Saturation>,
}

/// Equal spikes of one population.
#[derive(Clone, Debug, PartialEq)]
pub struct SpikeAgreement {
    /// Population, see [`crate::float::population_names`].
    pub name: String,
    /// Equal spikes.
    pub equal: u64,
    /// Spikes compared.
    pub total: u64,
}

/// Values of one tensor at the limits of 16 bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Saturation {
    /// Tensor, see [`spikegate_contract::tensor::names`].
    pub tensor: String,
    /// Values equal to -32768 or 32767.
    pub saturated: u64,
    /// Values seen.
    pub total: u64,
}
