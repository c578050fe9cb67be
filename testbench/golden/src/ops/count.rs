//! Spikes of every channel.

use spikegate_contract::tensor::Tensor;

/// `count[c]` = spikes over T, H and W.
pub(super) fn run(spikes: &Tensor, out: &mut Tensor) {
    for at in 0..spikes.data.len() {
        let [_, c, _, _] = spikes.coordinates(at);
        out.data[c] += spikes.data[at];
    }
}
