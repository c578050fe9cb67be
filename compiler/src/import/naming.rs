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

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a segment of a key is that of a stage.
fn is_stage(segment: &str) -> bool {
    let number = |start: &str, end: &str| segment.strip_prefix(start).and_then(|s| s.strip_suffix(end));
    number("layer", "").is_some_and(is_number) || number("conv", "_x").is_some_and(is_number)
}

/// How the keys of SpikingJelly's stem begin.
pub(super) const JELLY_STEM: &str = "stem.0.";
/// How those of its other layers outside of stages do, as far as networks without them may also have a `stem` and a `head`.
const JELLY: [&str; 5] = ["stem.1.", "head.weight", "head.bias", "head.alpha", "head.init_state"];

/// Whether a key begins with a layer of this network form.
fn is_root(key: &str) -> bool {
    let segment = key.split('.').next().unwrap_or_default();
    let jelly = || key.starts_with(JELLY_STEM) || JELLY.iter().any(|start| key.starts_with(start));
    matches!(segment, "conv1" | "bn1" | "conv1_s" | "fc1" | "fc1_s" | "encoding")
        || is_stage(segment)
        || jelly()
}

/// Whether a key is that of a layer's stem, which tells where its network is.
pub(super) fn is_stem(rest: &str) -> bool {
    rest.starts_with("conv1.") || rest.starts_with(JELLY_STEM)
}

/// Whether a key is that of what SpikingJelly's neurons keep between timesteps. It is no weight: every image starts from zero.
pub(super) fn is_membrane(key: &str) -> bool {
    let mut segments = key.rsplit('.');
    let name = segments.next();
    matches!(name, Some("v" | "v_seq")) && matches!(segments.next(), Some("spike1" | "spike2" | "head_lif"))
}

/// Whether what stands behind the prefix of a key is in a block of a stage, `layer1.0.` or `conv2_x.0.`, or in the encoder:
/// what other networks have none of.
pub(super) fn tells_this_form(rest: &str) -> bool {
    let mut segments = rest.split('.');
    let first = segments.next().unwrap_or_default();
    first == "encoding" || is_stage(first) && segments.next().is_some_and(is_number)
}

/// A prefix as a person writes it.
pub(super) fn bare(prefix: &str) -> &str {
    prefix.trim_end_matches(['.', '_'])
}

/// What `--weights` takes for the network behind a prefix, or under a path of keys: `""` where there is none.
pub(super) fn choice(prefix: &str) -> String {
    let prefix = bare(prefix);
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

/// An unwrapped key's part before the first segment that begins a layer, and the rest. The part may end inside the segment,
/// with an underscore: `model_conv1`.
pub(super) fn split(key: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    for segment in key.split('.') {
        let behind = segment.match_indices('_').map(|(underscore, _)| underscore + 1);
        if let Some(inside) = std::iter::once(0).chain(behind).find(|&from| is_root(&key[at + from..])) {
            return Some(key.split_at(at + inside));
        }
        at += segment.len() + 1;
    }
    None
}

/// Whether a key may be that of a layer of this network form. Many other networks have a head.
pub(super) fn is_of_this_form(key: &str) -> bool {
    split(&unwrapped(key)).is_some_and(|(_, rest)| !rest.starts_with("head."))
}
