//! The text of the accelerator's modules, for crates that carry their own copy to change it.
//!
//! The modules refer to each other as `crate::...` and use [`crate::lang`] and the contract crate only. A crate with
//! the same module tree and `pub use spikegate_hdl::lang;` at its root therefore compiles them as they are.

/// What the modules do and when, for people: the text at the top of this crate's documentation.
pub const GUIDE: &str = include_str!("../README.md");

macro_rules! sources {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!($path))),+]
    };
}

/// Path below the source folder (with `/`) and text of every module of the accelerator: all of this crate but
/// [`crate::lang`] and the crate's root.
pub fn sources() -> &'static [(&'static str, &'static str)] {
    sources!(
        "array/column.rs",
        "array/fill.rs",
        "array/gather.rs",
        "array/lane.rs",
        "array/mod.rs",
        "array/operand.rs",
        "array/scatter.rs",
        "array/slot.rs",
        "bus/crc.rs",
        "bus/csr/errors.rs",
        "bus/csr/kernel.rs",
        "bus/csr/mod.rs",
        "bus/framer.rs",
        "bus/loader.rs",
        "bus/mod.rs",
        "bus/receiver.rs",
        "bus/sender/kernel.rs",
        "bus/sender/mod.rs",
        "bus/uart/kernel.rs",
        "bus/uart/mod.rs",
        "bus/uart_frame.rs",
        "bus/uart_line.rs",
        "bus/width.rs",
        "control/accumulate.rs",
        "control/beat.rs",
        "control/decode.rs",
        "control/drain.rs",
        "control/globals.rs",
        "control/logits.rs",
        "control/mod.rs",
        "control/patch.rs",
        "control/pixels/kernel.rs",
        "control/pixels/mod.rs",
        "control/quarter.rs",
        "control/schedule.rs",
        "control/sequencer.rs",
        "control/skip.rs",
        "control/sum.rs",
        "control/tap.rs",
        "control/window/kernel.rs",
        "control/window/mod.rs",
        "datapath/beats.rs",
        "datapath/encoder.rs",
        "datapath/guards.rs",
        "datapath/load.rs",
        "datapath/maps.rs",
        "datapath/mod.rs",
        "datapath/moved.rs",
        "datapath/moves.rs",
        "datapath/operands.rs",
        "datapath/post.rs",
        "datapath/presence.rs",
        "datapath/skipping.rs",
        "datapath/walk.rs",
        "datapath/words.rs",
        "datapath/write_back.rs",
        "encoder/gate.rs",
        "encoder/mod.rs",
        "encoder/statistics.rs",
        "encoder/temporal.rs",
        "memory/arbiter.rs",
        "memory/balance.rs",
        "memory/bring_up/kernel.rs",
        "memory/bring_up/mod.rs",
        "memory/bring_up/register.rs",
        "memory/fetch.rs",
        "memory/mod.rs",
        "memory/mover/kernel.rs",
        "memory/mover/mod.rs",
        "memory/reload.rs",
        "memory/spill/kernel.rs",
        "memory/spill/mod.rs",
        "memory/store.rs",
        "parts/choose.rs",
        "parts/guard.rs",
        "parts/mod.rs",
        "parts/narrow.rs",
        "parts/skew.rs",
        "post/lif.rs",
        "post/mod.rs",
        "post/neuron.rs",
        "post/requantise.rs",
        "top/guards.rs",
        "top/host.rs",
        "top/maps.rs",
        "top/memory.rs",
        "top/mod.rs",
        "top/moves.rs",
        "top/results.rs",
        "top/run.rs",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    /// Paths of all files below `dir`, relative to `root`.
    fn files(root: &Path, dir: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(root, &path, found);
            } else {
                let parts = path.strip_prefix(root).unwrap().iter();
                found.push(parts.map(|p| p.to_str().unwrap()).collect::<Vec<_>>().join("/"));
            }
        }
    }

    #[test]
    fn every_module_is_listed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        files(&root, &root, &mut found);
        found.retain(|p| !p.starts_with("lang/") && p != "lib.rs" && p != "sources.rs");
        found.sort();
        let listed: Vec<_> = super::sources().iter().map(|(path, _)| *path).collect();
        assert_eq!(listed, found);
    }
}
