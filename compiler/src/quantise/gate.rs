//! The gate of the encoder.

use spikegate_contract::network::{self as contract, Form, GATE_ENTRIES, GATE_MAX_BITS};

use super::scale::HEADROOM;
use super::walk::{beside, Made, Walk};
use super::QuantiseError;
use crate::calibrate::{Calibration, Range};
use crate::float::ARGUMENT;
use crate::graph::{Network, Node, NodeId, Op};

/// The gate, and the highest bits of its output where a convolution reads it.
pub(super) fn gate(walk: &mut Walk<'_>, id: NodeId, node: &Node) -> Result<(), QuantiseError> {
    let (ta, ta_frac) = walk.fixed_point(node, 0)?;
    let (sca, sca_frac) = walk.fixed_point(node, 1)?;
    let spikes = walk.input(node, 2);
    let frac = walk.frac(id).unwrap_or(0);
    let table_bits = frac.min(GATE_MAX_BITS as i32) as u8;
    let y_shift = frac as u8 - table_bits;
    let product = ta_frac + sca_frac;
    let argument = walk.range(&format!("{}{ARGUMENT}", node.name))?;
    let z_frac = z_frac(product, argument.max_abs * HEADROOM);
    let gate = contract::Gate {
        z_shift: (product - z_frac) as u8,
        table: table(z_frac, table_bits),
        table_bits,
        y_shift,
    };
    let inputs = [ta.id, sca.id, spikes.id];
    let made = walk.push(&node.name, contract::Op::Gate(gate), &inputs, walk.value(id, Form::Stream));
    walk.stands(Made { id: made, unit: 2f64.powi(-frac), frac: Some(frac) });
    if walk.feeds_conv(id) {
        let bits = walk.options.gate_bits.min(table_bits);
        let shift = y_shift + table_bits - bits;
        let out = walk.value(id, Form::Code { bits, signed: false }).with_frac_bits(bits.into());
        let op = contract::Op::Code { shift, rounding: contract::Rounding::Floor };
        let code = walk.push(beside(&node.name, "code"), op, &[made], out);
        let unit = code_unit(bits, table_bits, walk.cal.range(&node.name));
        walk.is_read_as(id, Made { id: code, unit, frac: None });
    }
    Ok(())
}

/// Float value of one unit of the code, what it loses of the unread bits included: half of them on average, of an open gate.
fn code_unit(bits: u8, table_bits: u8, y: Option<&Range>) -> f64 {
    let unit = |bits: u8| 2f64.powi(-i32::from(bits));
    let lost = (unit(bits) - unit(table_bits)) / 2.0;
    let open = y.map_or(0.0, Range::mean_of_nonzero);
    unit(bits) * if open > lost { open / (open - lost) } else { 1.0 }
}

/// The share of the gate's arguments beyond 8 in magnitude, where it is on a razor's edge: with a threshold of one, the
/// gate's own limit, spikes of the first block hang on how near to one a saturated gate comes, which is less than a step of
/// 12 bits. `None` where hardly any argument lies there, or the threshold elsewhere.
pub fn gate_on_the_edge(net: &Network, cal: &Calibration) -> Option<f64> {
    let gates = net.nodes.iter().filter(|node| node.op == Op::Gate);
    let share = |node: &Node| Some(cal.range(&format!("{}{ARGUMENT}", node.name))?.share_above(GATE_REACH));
    let largest = gates.filter_map(share).fold(0f64, f64::max);
    ((net.neuron.threshold - 1.0).abs() < 2f64.powi(-12) && largest > 0.01).then_some(largest)
}

/// Where the sigmoid ends in the table at the latest: beyond, it is 0 or 1 to 2^-11.
const GATE_REACH: f64 = 8.0;

/// Fraction bits of z: steps as fine as the table's 1,024 allow for arguments up to `reach`, or [`GATE_REACH`];
/// `product_frac` are the fraction bits of TA * sca.
fn z_frac(product_frac: i32, reach: f64) -> i32 {
    let half = GATE_ENTRIES as f64 / 2.0;
    let finest = (half / reach.clamp(f64::MIN_POSITIVE, GATE_REACH)).log2().floor() as i32;
    finest.clamp(product_frac - 31, product_frac)
}

/// The sigmoid table: the sigmoid in the middle of each step, an argument of zero at the upper end of its own. Above zero
/// the table is above one half, elsewhere it is not.
fn table(z_frac: i32, table_bits: u8) -> Vec<u16> {
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
    (0..GATE_ENTRIES).map(entry).collect()
}
