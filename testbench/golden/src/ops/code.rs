//! A stream in few bits.

use spikegate_contract::network::{Form, Rounding};
use spikegate_contract::tensor::Tensor;

use crate::arith::{round, Clamp};

/// `clamp(round(x, shift))` or `clamp(x >> shift)` to the range of the code. Of an unsigned code, values below zero are the
/// ReLU; only the upper limit is a saturation.
pub(super) fn run(
    shift: u8,
    rounding: Rounding,
    code: Form,
    x: &Tensor,
    out: &mut Tensor,
    clamp: &mut Clamp,
) {
    let (low, high) = code.range();
    for (out, &x) in out.data.iter_mut().zip(&x.data) {
        let mut v = match rounding {
            Rounding::HalfUp => round(x.into(), shift),
            Rounding::Floor => i128::from(x >> shift),
        };
        if low == 0 {
            v = v.max(0);
        }
        *out = clamp.clamp(v, (low.into(), high.into()));
    }
}
