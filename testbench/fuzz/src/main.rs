//! libFuzzer on one of the targets, by the name in `SPIKEGATE_TARGET`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikegate_fuzz::{Target, TARGETS};
use std::sync::LazyLock;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("SPIKEGATE_TARGET").unwrap_or_default();
    let names = TARGETS.map(|target| target.name).join(", ");
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("SPIKEGATE_TARGET is {name:?}, expected one of {names}"))
});

fuzz_target!(|bytes: &[u8]| {
    (TARGET.run)(bytes);
});
