//! The gated attention encoder in integers.

use spikegate_contract::network::{Gate, TemporalAttention, GATE_ENTRIES};

use crate::graph::Encoder;

/// Temporal attention of a still image folded to constants: with mean a and maximum m of X,
/// `TA[t] = (a >= 0 ? a * P[t] : -a * N[t]) + (m >= 0 ? m * P[t] : -m * N[t])`, where with `rho = W1 * 1`
/// `P = W2 relu(rho)` and `N = W2 relu(-rho)`. The division by the number of values is folded too.
///
/// The constants are those of -TA: see step 5 of the contract.
///
/// `x_frac` and `ta_frac` are fraction bits; `values` is C * H * W. Constants use as much of s24 as they can.
pub(super) fn temporal(encoder: &Encoder, values: usize, x_frac: i32, ta_frac: i32) -> TemporalAttention {
    let (steps, hidden) = (encoder.ta_w1.dim(1), encoder.ta_w1.dim(0));
    let rho: Vec<f64> = (0..hidden)
        .map(|j| encoder.ta_w1.data()[j * steps..(j + 1) * steps].iter().map(|&w| f64::from(w)).sum())
        .collect();
    let fold = |sign: f64| -> Vec<f64> {
        let row = |t: usize| encoder.ta_w2.data()[t * hidden..(t + 1) * hidden].iter().zip(&rho);
        (0..steps).map(|t| row(t).map(|(&w, &r)| f64::from(w) * (sign * r).max(0.0)).sum()).collect()
    };
    let (p, n) = (fold(1.0), fold(-1.0));
    let largest = p.iter().chain(&n).fold(0f64, |m, v| m.max(v.abs()));

    // The maximum's constants are the mean's times `values`, less the alignment: keep both within s24.
    let align = values.next_power_of_two().ilog2().min(24);
    let reach = largest / values as f64 * (values as f64 / 2f64.powi(align as i32)).max(1.0);
    let limit = f64::from((1 << 23) - 1);
    let gain = ta_frac - x_frac;
    let shift = (0..=63).rev().find(|s| reach * 2f64.powi(gain + s) <= limit).unwrap_or(0);
    let shift = if largest == 0.0 { 0 } else { shift };
    let scale = 2f64.powi(gain + shift);
    let constants = |v: &[f64], factor: f64| v.iter().map(|c| (-c * factor).round() as i32).collect();
    let (mean, max) = (scale / values as f64, scale / 2f64.powi(align as i32));
    TemporalAttention {
        mean_pos: constants(&p, mean),
        mean_neg: constants(&n, mean),
        max_pos: constants(&p, max),
        max_neg: constants(&n, max),
        max_align: align as u8,
        ta_shift: shift as u8,
    }
}

/// Where the sigmoid ends in the table at the latest: beyond, it is 0 or 1 to 2^-11.
pub(super) const GATE_REACH: f64 = 8.0;

/// Fraction bits of z: steps as fine as the table's 1,024 allow for arguments up to `reach`, or [`GATE_REACH`];
/// `product_frac` are the fraction bits of TA * sca.
pub(super) fn z_frac(product_frac: i32, reach: f64) -> i32 {
    let half = GATE_ENTRIES as f64 / 2.0;
    let finest = (half / reach.clamp(f64::MIN_POSITIVE, GATE_REACH)).log2().floor() as i32;
    finest.clamp(product_frac - 31, product_frac)
}

/// The gate with its sigmoid table: the sigmoid in the middle of each step, an argument of zero at the upper end of its
/// own. Above zero the table is above one half, elsewhere it is not.
pub(super) fn gate(z_shift: u8, z_frac: i32, bits: (u8, u8), y_shift: u8, threshold: i16) -> Gate {
    let (table_bits, gate_bits) = bits;
    let one = 1u16 << table_bits;
    let entry = |index: usize| {
        let z = (GATE_ENTRIES as f64 / 2.0 - 0.5 - index as f64) * 2f64.powi(-z_frac);
        let g = (f64::from(one) / (1.0 + (-z).exp())).round() as u16;
        if z > 0.0 {
            g.clamp(one / 2 + 1, one - 1)
        } else {
            g.min(one / 2)
        }
    };
    let table = (0..GATE_ENTRIES).map(entry).collect();
    Gate { z_shift, table, table_bits, gate_bits, y_shift, threshold }
}
