//! A key's parts: what wrappers put in front of it, and what the layout calls it.

use super::layouts::{self, Layout};

/// Bytes of a key, at most.
pub(super) const MAX_KEY: usize = 256;

/// Segments that PyTorch's wrappers put into keys, in front of all or of a layer's: torch.compile, FSDP, checkpointing.
const WRAPPERS: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// How a file names the network's tensors.
#[derive(Clone, Debug)]
pub(super) struct Naming {
    /// In front of every key, e.g. `module.` of a DistributedDataParallel wrapper.
    pub head: String,
    /// Behind it.
    pub layout: &'static Layout,
}

impl Default for Naming {
    fn default() -> Self {
        Self { head: String::new(), layout: layouts::canonical() }
    }
}

impl Naming {
    /// What the file's key of a canonical one would be.
    pub(super) fn own(&self, key: &str) -> String {
        format!("{}{}", self.head, (self.layout.own)(key))
    }
}

/// Whether a segment of a key begins a layer of this network form.
fn is_root(segment: &str) -> bool {
    let numbered = |start: &str, end: &str| {
        let number = segment.strip_prefix(start).and_then(|s| s.strip_suffix(end));
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(segment, "conv1" | "bn1" | "conv1_s" | "fc1" | "fc1_s" | "encoding")
        || numbered("layer", "")
        || numbered("conv", "_x")
}

/// A key without wrappers' segments.
pub(super) fn unwrapped(key: &str) -> String {
    key.split('.').filter(|s| !WRAPPERS.contains(s)).collect::<Vec<_>>().join(".")
}

/// An unwrapped key's part before the first segment that begins a layer, and the rest.
pub(super) fn split(key: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    for segment in key.split('.') {
        if is_root(segment) {
            return Some((&key[..at], &key[at..]));
        }
        at += segment.len() + 1;
    }
    None
}

/// Whether a key may be that of a layer of this network form.
pub(super) fn is_of_this_form(key: &str) -> bool {
    split(&unwrapped(key)).is_some()
}
