//! Temporal attention of a still map.

use ndarray::ArrayView1;
use spikegate_contract::network::{self as contract, Form, Value};

use super::walk::{beside, Made, Walk};
use super::QuantiseError;
use crate::graph::{Node, NodeId, TemporalAttention};

/// Statistics of the map, and temporal attention on them.
pub(super) fn attention(
    walk: &mut Walk<'_>,
    id: NodeId,
    node: &Node,
    attention: &TemporalAttention,
) -> Result<(), QuantiseError> {
    let (x, x_frac) = walk.fixed_point(node, 0)?;
    let statistics = Value::still([2, 1, 1], Form::Statistics);
    let statistics =
        walk.push(beside(&node.name, "statistics"), contract::Op::Statistics, &[x.id], statistics);
    let frac = walk.frac(id).unwrap_or(0);
    let folded = fold(attention, walk.map(node.inputs[0]).len(), x_frac, frac)
        .map_err(|[reach, limit]| QuantiseError::Range { tensor: node.name.clone(), reach, limit })?;
    let op = contract::Op::TemporalAttention(folded);
    let made = walk.push(&node.name, op, &[statistics], walk.value(id, Form::Stream));
    walk.stands(Made { id: made, unit: 2f64.powi(-frac), frac: Some(frac) });
    Ok(())
}

/// Temporal attention of a still image folded to constants: with mean a and maximum m of X,
/// `TA[t] = (a >= 0 ? a * P[t] : -a * N[t]) + (m >= 0 ? m * P[t] : -m * N[t])`, where with `rho = W1 * 1`
/// `P = W2 relu(rho)` and `N = W2 relu(-rho)`. The division by the number of values is folded too.
///
/// The constants are those of -TA: see [`contract::Op::Gate`].
///
/// `x_frac` and `ta_frac` are fraction bits; `values` is C * H * W. Constants use as much of s24 as they can; where they need
/// more, the error is the largest of them, and how large it may be.
fn fold(
    attention: &TemporalAttention,
    values: usize,
    x_frac: i32,
    ta_frac: i32,
) -> Result<contract::TemporalAttention, [f64; 2]> {
    let rho: Vec<f64> =
        attention.w1.rows().into_iter().map(|row| row.iter().map(|&w| f64::from(w)).sum()).collect();
    let fold = |sign: f64| -> Vec<f64> {
        let rows = attention.w2.rows().into_iter();
        let sum = |row: ArrayView1<'_, f32>| {
            row.iter().zip(&rho).map(|(&w, &r)| f64::from(w) * (sign * r).max(0.0)).sum()
        };
        rows.map(sum).collect()
    };
    let (p, n) = (fold(1.0), fold(-1.0));
    let largest = p.iter().chain(&n).fold(0f64, |m, v| m.max(v.abs()));

    // The maximum's constants are the mean's times `values`, less the alignment: keep both within s24.
    let align = values.next_power_of_two().ilog2().min(24);
    let reach = largest / values as f64 * (values as f64 / 2f64.powi(align as i32)).max(1.0);
    let limit = f64::from((1 << 23) - 1);
    let gain = ta_frac - x_frac;
    let fits = (0..=63).rev().find(|s| reach * 2f64.powi(gain + s) <= limit);
    let shift = match fits {
        _ if largest == 0.0 => 0,
        Some(shift) => shift,
        None => return Err([largest, largest / reach * limit * 2f64.powi(-gain)]),
    };
    let scale = 2f64.powi(gain + shift);
    let constants = |v: &[f64], factor: f64| v.iter().map(|c| (-c * factor).round() as i32).collect();
    let (mean, max) = (scale / values as f64, scale / 2f64.powi(align as i32));
    Ok(contract::TemporalAttention {
        mean_pos: constants(&p, mean),
        mean_neg: constants(&n, mean),
        max_pos: constants(&p, max),
        max_neg: constants(&n, max),
        max_align: align as u8,
        ta_shift: shift as u8,
    })
}
