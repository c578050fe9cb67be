//! Where the tensors of a run go.

use spikegate_contract::tensor::Tensor;

/// Receives the tensors of one image in the order of the nodes.
pub trait Recorder {
    /// Whether the tensor of this name should be handed over; nothing is copied otherwise.
    fn wants(&self, name: &str) -> bool;
    /// Takes one tensor.
    fn record(&mut self, tensor: Tensor);
}

/// Ignores everything.
impl Recorder for () {
    fn wants(&self, _name: &str) -> bool {
        false
    }
    fn record(&mut self, _tensor: Tensor) {}
}

/// Keeps everything.
impl Recorder for Vec<Tensor> {
    fn wants(&self, _name: &str) -> bool {
        true
    }
    fn record(&mut self, tensor: Tensor) {
        self.push(tensor);
    }
}
