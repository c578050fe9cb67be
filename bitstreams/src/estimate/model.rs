//! Look-up tables and flip-flops of an array: what its structure has, times a few coefficients.
//!
//! Adders, registers and multiplexers whose number follows from the array are counted ([`counted`]), and so are the
//! memories ([`super::memory`]). The rest is fitted to the table's rows: a factor for what was counted (synthesis
//! shares and adds), and what a lane of a post lane, a lane, and the core itself take; what a memory port and spilling
//! take, and each bit of the port and of the buffers. No coefficient is negative; relative errors count.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::IMAGE_CODE_BITS;

use super::fit::least_squares;
use super::memory;
use super::part::Part;
use super::table::Row;

/// Names of the features, in order.
pub const FEATURES: [&str; FEATURE_COUNT] = [
    "counted",
    "lane of a post lane",
    "lane",
    "core",
    "memory port",
    "bit of the memory port",
    "spilling",
    "bit of a buffer of spilled maps",
];
const FEATURE_COUNT: usize = 8;

/// Coefficients of one quantity of one part, in the order of [`FEATURES`].
pub type Coefficients = [f64; FEATURE_COUNT];

/// What is modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Look-up tables.
    Lut,
    /// Flip-flops.
    Ff,
}

/// Look-up tables and flip-flops of one lane of one column: the adders over the slots with their registers, the
/// accumulator and the captured sum.
fn lane_sum(part: Part, a: &ArrayConfig) -> (usize, usize) {
    // An ECP5 carry cell adds two bits in two look-up tables; the core's adders there begin with a position that gives
    // the carry in, see `src/families/ecp5/cells.v`. Elsewhere each bit takes one.
    let masked_add = |width: usize| if part == Part::Ecp5 { (width + 3) / 2 * 2 } else { width + 1 };
    let accumulate = |width: usize| if part == Part::Ecp5 { (width + 2) / 2 * 2 } else { width + 1 };
    let mut terms = a.ci.div_ceil(2);
    let (mut lut, mut ff, mut width) = (terms * masked_add(8), terms * 9, 9);
    let mut registered = true;
    while terms > 1 {
        terms /= 2;
        lut += terms * masked_add(width);
        width += 1;
        // After every second level, and after the last.
        registered = !registered || terms == 1;
        ff += if registered { terms * width } else { 0 };
    }
    lut += accumulate(a.sum_bits);
    ff += 2 * a.sum_bits;
    (lut, ff)
}

/// Look-up tables per bit of a multiplexer of `n` inputs, which the part's wide multiplexers join.
fn multiplexer(part: Part, n: usize) -> f64 {
    let per_input = if part == Part::Ecp5 { 0.625 } else { 0.25 };
    if n > 1 {
        (per_input * n as f64).max(1.0)
    } else {
        0.0
    }
}

/// Look-up tables and flip-flops that follow from the array.
pub fn counted(part: Part, a: &ArrayConfig) -> (f64, f64) {
    let (lut, ff) = lane_sum(part, a);
    let (l, r) = (a.lanes, a.post);
    // Memory words are held: a slot's weights, code, spikes and stream. Membranes and counters are kept per column.
    let words = a.ci * (8 * a.co + IMAGE_CODE_BITS + 17 * l);
    let (mut lut, mut ff) = (l * a.co * lut, l * a.co * ff + words + 32 * a.co);
    // A timestep enters the neurons one cycle after the one before, and all leave together. Xilinx parts shift three
    // cycles and more in look-up tables.
    for cycles in (0..l).chain(2..l + 2) {
        if part == Part::Ecp5 || cycles < 3 {
            ff += 16 * r * cycles;
        } else {
            lut += 16 * r;
        }
    }
    // A beat's channel: sums, membranes and counters among the columns of a post lane, residuals among its slots. A
    // trace's word among all slots.
    let of = |n| multiplexer(part, n);
    let select = (r * (l * a.sum_bits + 32)) as f64 * of(a.co / r)
        + (16 * r * l) as f64 * of(a.ci / r)
        + (l + 9) as f64 * of(a.ci)
        + (16 * l) as f64 * of(r);
    (lut as f64 + select, ff as f64)
}

/// Features of an array, in the order of [`FEATURES`].
fn features(part: Part, quantity: Quantity, a: &ArrayConfig) -> Coefficients {
    let (lut, ff) = counted(part, a);
    let counted = if quantity == Quantity::Lut { lut } else { ff };
    let has = |n: usize| f64::from(u8::from(n > 0));
    let buffer = if a.spill_depth > 0 { 16 * a.spill_values() } else { 0 };
    let core = [counted, (a.post * a.lanes) as f64, a.lanes as f64, 1.0];
    let port = [has(a.memory_bits), a.memory_bits as f64, has(a.spill_depth), buffer as f64];
    let [a, b, c, d] = core;
    let [e, f, g, h] = port;
    [a, b, c, d, e, f, g, h]
}

/// Multiplier blocks.
pub fn multipliers(part: Part, a: &ArrayConfig) -> u64 {
    // Requantisation multiplies a sum by 16 bits. With one lane the sum is the accumulator; with more it is theirs
    // together, of 32 bits. A block takes one factor of so many bits, or a first part of one bit less.
    let widest = match part {
        Part::Ecp5 => 18,
        Part::Xc7 => 25,
        Part::Xcup => 27,
    };
    let bits = if a.lanes == 1 { a.sum_bits } else { 32 };
    let product = if bits <= widest { 1 } else { 2 };
    // The gate has one per lane. Three more find addresses of rows and columns.
    (a.lanes * a.post * product + a.lanes + 3) as u64
}

/// What the memories and the options take, which is not fitted.
fn fixed(part: Part, quantity: Quantity, a: &ArrayConfig) -> f64 {
    let blocks = memory::total(part, a);
    let options = [
        (a.moves, moving as fn(&ArrayConfig) -> [u64; 2]),
        (a.parity, parity),
        (a.packed, packed),
        (a.neurons, neurons),
    ];
    let options = options.into_iter().filter(|(has, _)| *has).map(|(_, of)| of(a));
    let [lut, ff] = options.fold([blocks.lut, blocks.ff], |[lut, ff], more| [lut + more[0], ff + more[1]]);
    match quantity {
        Quantity::Lut => lut as f64,
        Quantity::Ff => ff as f64,
    }
}

fn value(quantity: Quantity, row: &Row) -> f64 {
    match quantity {
        Quantity::Lut => row.counts.lut as f64,
        Quantity::Ff => row.counts.ff as f64,
    }
}

/// What `coefficients` say of an array.
pub fn predict(part: Part, quantity: Quantity, a: &ArrayConfig, coefficients: &Coefficients) -> f64 {
    let fitted: f64 = features(part, quantity, a).iter().zip(coefficients).map(|(x, c)| x * c).sum();
    fixed(part, quantity, a) + fitted
}

/// The non-negative coefficients with the least sum of squared relative errors over `rows`, all of `part`.
pub fn fit(part: Part, quantity: Quantity, rows: &[&Row]) -> Coefficients {
    let rows: Vec<(Coefficients, f64)> = rows
        .iter()
        .map(|row| {
            let y = value(quantity, row).max(1.0);
            let x = features(part, quantity, &row.array).map(|x| x / y);
            (x, 1.0 - fixed(part, quantity, &row.array) / y)
        })
        .collect();
    least_squares(&rows)
}

/// Relative error on every row when the fit does not know it.
pub fn left_out(part: Part, quantity: Quantity, rows: &[&Row]) -> Vec<f64> {
    (0..rows.len())
        .map(|out| {
            let others: Vec<&Row> =
                rows.iter().enumerate().filter(|(i, _)| *i != out).map(|(_, r)| *r).collect();
            let c = fit(part, quantity, &others);
            predict(part, quantity, &rows[out].array, &c) / value(quantity, rows[out]) - 1.0
        })
        .collect()
}

/// Look-up tables and flip-flops of packed weights: four for every weight between memory and columns, one for every bit of a
/// sum that is chosen, and the addresses. Of 4,1,8,8 with two post lanes and a port of 128 bits `synth_ecp5 -abc9` (Yosys 0.70)
/// says 605 and 2.
pub fn packed(array: &ArrayConfig) -> [u64; 2] {
    let ArrayConfig { lanes, ci, co, post, sum_bits, .. } = *array;
    [(4 * ci * co + post * lanes * sum_bits + 120) as u64, 2 * post as u64]
}

/// Look-up tables and flip-flops of neurons of each layer's own: of every lane of a post lane a difference of 16 bits and a
/// little more, and six bits of the instruction. Synthesis (`synth_ecp5 -abc9`, Yosys 0.70) of 4,1,8,8 with them has 34 LUT4 and 63
/// CCU2C of two look-up tables more, that of 4,1,4,4 70 LUT4 less and 32 CCU2C more; six flip-flops both.
pub fn neurons(array: &ArrayConfig) -> [u64; 2] {
    [(array.post * array.lanes * (16 + 4)) as u64, 6]
}

/// Look-up tables and flip-flops of the units that move maps, of which the table has no rows: their synthesis alone
/// (`synth_ecp5 -abc9`, Yosys 0.70, 4,1,16,8 with a port of 128 bits: `Mover` 299 LUT4, 87 CCU2C, 33 DPR16X4, 305 flip-flops;
/// `Gather` 387 LUT4, which grow with the port), and the choices before the slots' code and spike memories.
pub fn moving(array: &ArrayConfig) -> [u64; 2] {
    let port = array.memory_bits as u64;
    let choices = (array.ci * (9 + array.lanes)) as u64;
    [299 + 2 * 87 + 3 * 33 + 387 * port / 128 + choices, 305 + port]
}

/// Look-up tables and flip-flops of parity, of which the table has no rows: a table of four inputs takes three bits of a word
/// in, where it is checked and where it is written. Of 4,1,8,8 `synth_ecp5 -abc9` (Yosys 0.70) says 695 and 126.
pub fn parity(array: &ArrayConfig) -> [u64; 2] {
    let ArrayConfig { lanes, ci, co, post, .. } = *array;
    let globals: usize = spikegate_contract::globals::TABLE.iter().map(|g| g.width).sum();
    let maps = [
        (array.guards_codes(), IMAGE_CODE_BITS),
        (array.guards_spikes(), lanes),
        (array.guards_streams(), 16 * lanes),
    ];
    let maps: usize = maps.iter().filter(|(guarded, _)| *guarded).map(|(_, bits)| bits).sum();
    // Weights and parameters, instructions, cycles, logits, gate tables, attention constants.
    let loaded = 8 * ci * co + 70 * post + 3 * 32 + 12 * lanes + 24;
    let written = 8 * co + 70 * post + post * maps + 3 * 32 + 12 + 24;
    // Four bits of every transfer are added up, beside the two buffers of spilled maps.
    let port = 4 * array.memory_bits + if array.spill_depth > 0 { 4 * 16 * array.spill_values() } else { 0 };
    let bits = loaded + written + globals + ci * maps + port;
    [bits as u64 / 3, (ci * (post + 3) + 60) as u64 + if array.memory_bits > 0 { 66 } else { 0 }]
}
