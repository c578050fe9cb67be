//! Temporal attention.

use spikegate_contract::network::TemporalAttention;
use spikegate_contract::tensor::Tensor;

use crate::arith::{round, Clamp};

/// `TA[t] = sat16(round(sum * ca + ((max * cm) << max_align), ta_shift))`.
pub(super) fn run(k: &TemporalAttention, statistics: &Tensor, out: &mut Tensor, clamp: &mut Clamp) {
    let (sum, max) = (i128::from(statistics.data[0]), i128::from(statistics.data[1]));
    for (t, out) in out.data.iter_mut().enumerate() {
        let ca = if sum >= 0 { i128::from(k.mean_pos[t]) } else { -i128::from(k.mean_neg[t]) };
        let cm = if max >= 0 { i128::from(k.max_pos[t]) } else { -i128::from(k.max_neg[t]) };
        *out = clamp.sat16(round(sum * ca + ((max * cm) << k.max_align), k.ta_shift));
    }
}
