//! What can be chosen.

/// Settings of the quantiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Weight width in bits, 8 or 4.
    pub weight_bits: u8,
    /// Bits of a gate's output that a convolution reads, 8 to 12: it takes as many passes. The spikes of the gate do not
    /// depend on it.
    pub gate_bits: u8,
}

impl Default for Options {
    fn default() -> Self {
        Self { weight_bits: 8, gate_bits: 8 }
    }
}
