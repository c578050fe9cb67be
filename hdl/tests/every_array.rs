//! Every configuration that can be asked for can be built.
#![allow(clippy::unwrap_used)]

use spikegate_contract::array::{ArrayConfig, ArrayError};
use spikegate_hdl::generate;
use spikegate_hdl::top::Accelerator;

/// Lanes at and around the widths where something changes.
const LANES: [usize; 3] = [1, 3, 16];

/// Sizes of an array that differ in L, CI, CO and post lanes.
fn sizes() -> Vec<ArrayConfig> {
    let mut out = Vec::new();
    for lanes in LANES {
        for (ci, co) in (0..7).flat_map(|i| (0..=i).map(move |o| (1usize << i, 1usize << o))) {
            let array = ArrayConfig::new(lanes, 1, ci, co).unwrap();
            out.extend([1, 2, 4].into_iter().filter_map(|post| array.clone().with_post(post).ok()));
        }
    }
    out
}

/// An array with every option that it can have.
fn with_options(array: &ArrayConfig) -> Vec<ArrayConfig> {
    let mut out = vec![array.clone()];
    out.extend((5..=9).filter_map(|bits| array.clone().with_memory(1 << bits).ok()));
    let add = |out: &mut Vec<ArrayConfig>,
               option: &dyn Fn(ArrayConfig) -> Result<ArrayConfig, ArrayError>| {
        let more: Vec<_> = out.iter().filter_map(|array| option(array.clone()).ok()).collect();
        out.extend(more);
    };
    add(&mut out, &ArrayConfig::with_spilling);
    add(&mut out, &ArrayConfig::with_moves);
    add(&mut out, &|array| array.with_skipping(32));
    add(&mut out, &|array| array.with_batch(16));
    // Parity changes what is in them, not how many there are.
    if array.lanes == 3 && array.ci <= 16 {
        add(&mut out, &|array| Ok(array.with_parity()));
        add(&mut out, &|array| Ok(array.with_packed()));
        add(&mut out, &|array| Ok(array.with_neurons()));
    }
    out
}

#[test]
fn every_array_can_be_made() {
    for array in sizes().iter().flat_map(with_options) {
        Accelerator::new(&array, 0, 0);
    }
}

#[test]
fn a_wide_array_without_a_port_has_verilog() {
    generate(&ArrayConfig::new(1, 1, 32, 16).unwrap(), 0, 0).unwrap();
}
