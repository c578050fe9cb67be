//! Addition of streams.

use spikegate_contract::tensor::Tensor;

use crate::arith::Clamp;

/// `sat16(a + b)`.
pub(super) fn run(a: &Tensor, b: &Tensor, out: &mut Tensor, clamp: &mut Clamp) {
    for at in 0..out.data.len() {
        out.data[at] = clamp.sat16(i128::from(a.data[at]) + i128::from(b.data[at]));
    }
}
