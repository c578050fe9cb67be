//! A key's parts: what wrappers put in front of it, and what the layout calls it.

use super::layouts::{self, Layout};
use spikegate_contract::text::{is_printable, printable};

/// Bytes of a key, at most.
const MAX_KEY: usize = 256;
/// Characters of a key that messages show.
const SHOWN: usize = 80;

/// Segments that PyTorch's wrappers put into keys, in front of all or of a layer's: torch.compile, FSDP, checkpointing.
const WRAPPERS: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// Whether a text can be a key: a name that a person could write, and read on a terminal.
pub(super) fn is_key(text: &str) -> bool {
    text.len() <= MAX_KEY && is_printable(text)
}

/// The start of a name that somebody else wrote, not longer than a line.
pub(super) fn start(name: &str) -> String {
    printable(&name.chars().take(SHOWN).collect::<String>())
}

/// The same, as messages show a key.
pub(super) fn shown(key: &str) -> String {
    format!("`{}`", start(key))
}

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

/// What `--weights` takes for the network behind a prefix, or under a path of keys: `""` where there is none.
pub(super) fn choice(prefix: &str) -> String {
    let prefix = prefix.trim_end_matches('.');
    if prefix.is_empty() {
        "\"\"".to_owned()
    } else {
        prefix.to_owned()
    }
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
