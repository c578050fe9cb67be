//! What each cell of a netlist takes: the one table, for estimates and for what is too large.

use std::collections::BTreeMap;

use super::table::Counts;

/// Look-up tables of the cells that hold any. Carry cells of Xilinx parts stand beside their look-up tables; a cell of
/// the ECP5 that carries holds two.
const LUTS: &[(&str, u64)] = &[
    ("LUT4", 1),
    ("CCU2C", 2),
    ("TRELLIS_DPR16X4", 4),
    ("LUT1", 1),
    ("LUT2", 1),
    ("LUT3", 1),
    ("LUT5", 1),
    ("LUT6", 1),
    ("INV", 1),
    ("SRL16E", 1),
    ("SRLC32E", 1),
    ("RAM32X1D", 2),
    ("RAM64X1D", 2),
    ("RAM128X1D", 4),
    ("RAM32M", 4),
    ("RAM64M", 4),
    ("RAM32M16", 8),
    ("RAM64M8", 8),
];
const FLIP_FLOPS: &[&str] = &["TRELLIS_FF", "FDRE", "FDSE", "FDCE", "FDPE"];
const MEMORIES: &[(&str, u64)] =
    &[("DP16KD", 1), ("PDPW16KD", 1), ("RAMB18E1", 1), ("RAMB18E2", 1), ("RAMB36E1", 2), ("RAMB36E2", 2)];
const MULTIPLIERS: &[&str] = &["MULT18X18D", "DSP48E1", "DSP48E2"];
/// Cells that take none of the blocks counted here.
const FREE: &[&str] =
    &["CARRY4", "CARRY8", "MUXF7", "MUXF8", "MUXF9", "PFUMX", "L6MUX21", "GND", "VCC", "BUFG", "$scopeinfo"];

/// The UART bridge, from `synth_ecp5 -abc9` of it alone.
pub const UART: Counts = Counts { lut: 1176, ff: 554, bram: 2, dsp: 0 };

/// What one cell takes; none for a cell that nothing is known of.
fn cell(name: &str) -> Option<Counts> {
    let of = |table: &[(&str, u64)]| table.iter().find(|(cell, _)| *cell == name).map(|&(_, each)| each);
    let mut counts = Counts::default();
    if let Some(luts) = of(LUTS) {
        counts.lut = luts;
    } else if FLIP_FLOPS.contains(&name) {
        counts.ff = 1;
    } else if let Some(blocks) = of(MEMORIES) {
        counts.bram = blocks;
    } else if MULTIPLIERS.contains(&name) {
        counts.dsp = 1;
    } else if !FREE.contains(&name) {
        return None;
    }
    Some(counts)
}

/// Counts the blocks of a netlist; the name of a cell that nothing is known of where there is one.
///
/// # Errors
/// The name.
pub fn counts(cells: &BTreeMap<String, u64>) -> Result<Counts, String> {
    match cells.keys().find(|name| cell(name).is_none()) {
        Some(unknown) => Err(unknown.clone()),
        None => Ok(at_least(cells)),
    }
}

/// Blocks that a netlist takes at least: cells that nothing is known of, such as those of pins and clocks, take none.
pub fn at_least(cells: &BTreeMap<String, u64>) -> Counts {
    cells.iter().fold(Counts::default(), |sum, (name, &n)| {
        let each = cell(name).unwrap_or_default();
        Counts {
            lut: sum.lut + n * each.lut,
            ff: sum.ff + n * each.ff,
            bram: sum.bram + n * each.bram,
            dsp: sum.dsp + n * each.dsp,
        }
    })
}
