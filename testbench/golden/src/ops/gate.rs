//! The gate: product, table, mask.

use spikegate_contract::network::{Gate, GATE_ENTRIES};
use spikegate_contract::tensor::Tensor;

use crate::arith::Clamp;

/// `z = sat16((TA[t] * sca) >> z_shift)`, `G = table[clamp(z, -512, 511) + 512]`, `Y[t] = spikes[t] ? G << y_shift : 0`.
pub(super) fn run(
    gate: &Gate,
    ta: &Tensor,
    sca: &Tensor,
    spikes: &Tensor,
    out: &mut Tensor,
    clamp: &mut Clamp,
) {
    let half = (GATE_ENTRIES / 2) as i64;
    for at in 0..out.data.len() {
        let [t, c, y, x] = out.coordinates(at);
        let product = i128::from(ta.at(t, 0, 0, 0)) * i128::from(sca.at(0, c, y, x));
        let z = clamp.sat16(product >> gate.z_shift);
        let g = i64::from(gate.table[(z.clamp(-half, half - 1) + half) as usize]);
        out.data[at] = if spikes.data[at] == 1 { g << gate.y_shift } else { 0 };
    }
}
