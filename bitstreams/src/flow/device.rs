//! What a design takes of the device: before place and route, and after it.

use std::collections::BTreeMap;

use super::error::FlowError;
use crate::board::{Board, Resources};
use crate::estimate::{cost, largest_fitting, Estimator, Part};
use crate::report::{Timing, Use};
use crate::shell;
use spikegate_contract::array::ArrayConfig;

/// Refuses a netlist that cannot fit, before place and route spends an hour on it.
pub(super) fn fits(
    board: &Board,
    part: Part,
    array: &ArrayConfig,
    cells: &BTreeMap<String, u64>,
) -> Result<(), FlowError> {
    let needed = cost::at_least(cells);
    let r = &board.resources;
    let all = [
        ("look-up tables".to_owned(), needed.lut, r.lut),
        ("flip-flops".to_owned(), needed.ff, r.ff),
        (format!("block memories {}", r.bram_name), needed.bram, r.bram),
        (format!("multipliers {}", r.dsp_name), needed.dsp, r.dsp),
    ];
    for (what, used, available) in all {
        if used > available {
            // The advice is no more than that: an estimator that cannot be read does not hide what is wrong.
            let smaller = Estimator::builtin().ok().and_then(|e| largest_fitting(e, board, part, array));
            let smaller = smaller.map(|a| shell::arguments(&a));
            return Err(FlowError::TooLarge { board: board.id.clone(), what, used, available, smaller });
        }
    }
    Ok(())
}

/// The four kinds of block that people ask for, as place and route counts them by the names of `blocks`.
pub(super) fn resources(board: &Resources, blocks: [&str; 4], timing: &Timing) -> Vec<Use> {
    let first = |name: &str, or: &str| name.split(' ').next().unwrap_or(or).to_owned();
    let whats =
        ["LUT".to_owned(), "FF".to_owned(), first(&board.bram_name, "BRAM"), first(&board.dsp_name, "DSP")];
    let uses = whats.into_iter().zip(blocks).map(|(what, key)| {
        let (used, available) = timing.used.get(key).copied().unwrap_or((0, 0));
        Use::new(what, used, available)
    });
    uses.collect()
}
