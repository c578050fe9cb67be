//! The same map at every timestep.

use spikegate_contract::tensor::Tensor;

/// x, once for every timestep.
pub(super) fn run(x: &Tensor, out: &mut Tensor) {
    out.data = x.data.repeat(out.dims[0]);
}
