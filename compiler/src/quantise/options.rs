//! What can be chosen.

use std::collections::BTreeMap;

/// Settings of the quantiser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Weight width in bits of the layers that `layer_bits` does not name, 2 to 8.
    pub weight_bits: u8,
    /// Weight widths in bits by name: a layer's, or what stands before a dot in the names of several (`layer3` is all of
    /// `layer3.`). The longest name that fits a layer counts.
    pub layer_bits: BTreeMap<String, u8>,
    /// Which weights of a convolution share a unit.
    pub scales: Scales,
    /// Bits of a gate's output that a convolution reads, 8 to 12: it takes as many passes. The spikes of the gate do not
    /// depend on it.
    pub gate_bits: u8,
}

impl Default for Options {
    fn default() -> Self {
        Self { weight_bits: 8, layer_bits: BTreeMap::new(), scales: Scales::Channel, gate_bits: 8 }
    }
}

/// Which weights of a convolution share a unit. Those of a linear layer all do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scales {
    /// Those of an output channel.
    Channel,
    /// All.
    Layer,
}

impl Options {
    /// Weight width of a layer.
    pub fn bits_of(&self, layer: &str) -> u8 {
        let named = self.layer_bits.iter().filter(|(name, _)| names(name, layer));
        named.max_by_key(|(name, _)| name.len()).map_or(self.weight_bits, |(_, &bits)| bits)
    }
}

/// Whether a name is a layer's, or stands before a dot in it.
pub(super) fn names(name: &str, layer: &str) -> bool {
    layer.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_counts() {
        let layer_bits = [("layer1", 4), ("layer1.0", 3), ("layer1.0.conv2", 6), ("layer", 2)];
        let layer_bits = layer_bits.map(|(name, bits)| (name.to_owned(), bits)).into();
        let options = Options { layer_bits, ..Options::default() };
        let widths = ["layer1.0.conv2", "layer1.0.conv1", "layer1.1.conv2", "layer10.0.conv1", "stem.x"];
        assert_eq!(widths.map(|layer| options.bits_of(layer)), [6, 3, 4, 8, 8]);
    }
}
