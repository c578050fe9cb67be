//! Where the tensors of a run go.

use spikegate_contract::tensor::Tensor;

/// Receives the tensors of one image in execution order.
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

impl crate::Context<'_> {
    /// Hands a tensor to the recorder if it wants it.
    pub(crate) fn record(&mut self, tensor: &Tensor) {
        if self.recorder.wants(&tensor.name) {
            self.recorder.record(tensor.clone());
        }
    }
}
