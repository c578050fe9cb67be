//! Sum and maximum.

use spikegate_contract::tensor::Tensor;

/// Sum of x over C, H and W, then its maximum.
pub(super) fn run(x: &Tensor, out: &mut Tensor) {
    out.data[0] = x.data.iter().sum();
    out.data[1] = x.data.iter().copied().max().unwrap_or(0);
}
