//! The sum of a stream, requantised.

use spikegate_contract::network::Requant;
use spikegate_contract::tensor::Tensor;

use crate::arith::Clamp;

/// `pooled[c] = requantise(sum of x over T, H and W)`.
pub(super) fn run(requant: &[Requant], x: &Tensor, out: &mut Tensor, clamp: &mut Clamp) {
    let mut sums = vec![0i64; x.dims[1]];
    for at in 0..x.data.len() {
        let [_, c, _, _] = x.coordinates(at);
        sums[c] += x.data[at];
    }
    for ((out, sum), r) in out.data.iter_mut().zip(sums).zip(requant) {
        *out = clamp.requantise(sum, r);
    }
}
