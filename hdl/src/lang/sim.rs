//! RustHDL's own simulator, driven clock edge by clock edge.

use rust_hdl_core::prelude::*;

/// Iterations after which a block that has not settled is taken to oscillate.
const SETTLE_LIMIT: usize = 1000;

/// Settles the logic after inputs have changed. Panics if it oscillates.
pub fn settle<B: Block>(block: &mut B) {
    assert!(simulate(block, SETTLE_LIMIT), "the logic does not settle");
}

/// One clock cycle: settles with the present inputs, then a rising and a falling edge. After it, outputs show the
/// state behind the edge with the inputs of before.
pub fn cycle<B: Block>(block: &mut B, clock: impl Fn(&mut B) -> &mut Signal<In, Clock>) {
    settle(block);
    clock(block).next = true.into();
    settle(block);
    clock(block).next = false.into();
    settle(block);
}

/// `n` clock cycles with constant inputs.
pub fn cycles<B: Block>(block: &mut B, clock: impl Fn(&mut B) -> &mut Signal<In, Clock>, n: usize) {
    for _ in 0..n {
        cycle(block, &clock);
    }
}
