//! Checkpoint layouts: those that are read, and those that are recognised and refused by name.
//!
//! The same authors' code wrote different keys over time, and the other members of its family write
//! others again. A list of a hundred unknown keys helps nobody: say which checkpoint this is.

use super::tensors::Tensors;
use super::ImportError;

/// A layout: a key that gives it away (prefix and suffix), its name, why it is refused.
struct Known {
    starts: &'static str,
    ends: &'static str,
    name: &'static str,
    reason: &'static str,
}

/// Most specific first.
const KNOWN: &[Known] = &[
    Known {
        starts: "encoding.conv_3_64.",
        ends: "",
        name: "the May 2023 variant of the authors' code, whose attention reads the raw image through its own convolution",
        reason: "it is not the published network and is not supported; train with the current code",
    },
    Known {
        starts: "layer",
        ends: ".conv1.module.weight",
        name: "the CIFAR layout of December 2023 to March 2024 (`conv1.module.weight`)",
        reason: "that version steps its neurons along the batch instead of time, so its weights mean something \
                 else; train with the current code",
    },
];

const BILIF: &str = "the early CIFAR layout without an encoder (`conv1.module.weight`, BiLIF neurons)";
const BILIF_REASON: &str =
    "it is not a Gated-Attention-Coding network (bidirectional neurons with two thresholds, no \
                            encoder); train with the current code";
/// The two layouts that are read. Everything behind this module knows the canonical keys, those of the CIFAR layout;
/// messages name the file's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// `module.` in front of every key: saved from a DataParallel or DistributedDataParallel wrapper.
    module: bool,
    /// `conv1.0`, `conv2_x` to `conv5_x`, `shortcut`.
    imagenet: bool,
}

/// Places that differ, canonical and ImageNet.
const IMAGENET: [(&str, &str); 4] = [
    ("conv1.weight", "conv1.0.weight"),
    ("bn1.", "conv1.1."),
    (".downsample.layer.module.", ".shortcut.0."),
    (".downsample.bn.", ".shortcut.1."),
];

impl Layout {
    fn of<'k>(mut keys: impl Iterator<Item = &'k str> + Clone) -> Self {
        let module = keys.clone().next().is_some() && keys.clone().all(|k| k.starts_with("module."));
        let bare = |k: &'k str| k.strip_prefix("module.").unwrap_or(k);
        Layout {
            module,
            imagenet: keys.any(|k| bare(k) == "conv1.0.weight" || bare(k).starts_with("conv2_x.")),
        }
    }

    /// The canonical key of a key in the file.
    fn canonical(self, key: &str) -> String {
        let key = if self.module { key.strip_prefix("module.").unwrap_or(key) } else { key };
        if !self.imagenet {
            return key.to_owned();
        }
        if let Some(stem) = key.strip_prefix("conv1.0.") {
            return format!("conv1.{stem}");
        }
        if let Some(stem) = key.strip_prefix("conv1.1.") {
            return format!("bn1.{stem}");
        }
        let stage = key.strip_prefix("conv").and_then(|k| k.split_once("_x."));
        let Some((stage, rest)) = stage.and_then(|(n, rest)| Some((n.parse::<usize>().ok()?, rest))) else {
            return key.to_owned();
        };
        let rest = format!(".{rest}");
        let rest = IMAGENET[2..].iter().fold(rest, |rest, (canonical, own)| rest.replacen(own, canonical, 1));
        format!("layer{}{rest}", stage.saturating_sub(1))
    }

    /// The file's key, or what it would be, of a canonical one.
    pub(super) fn own(self, key: &str) -> String {
        let mut own = key.to_owned();
        if self.imagenet {
            for (canonical, imagenet) in &IMAGENET[..2] {
                if let Some(rest) = own.strip_prefix(canonical) {
                    own = format!("{imagenet}{rest}");
                }
            }
            let stage = own.strip_prefix("layer").and_then(|k| k.split_once('.'));
            if let Some((n, rest)) = stage.and_then(|(n, rest)| Some((n.parse::<usize>().ok()?, rest))) {
                let rest = format!(".{rest}");
                let rest = IMAGENET[2..]
                    .iter()
                    .fold(rest, |rest, (canonical, own)| rest.replacen(canonical, own, 1));
                own = format!("conv{}_x{rest}", n + 1);
            }
        }
        if self.module {
            own = format!("module.{own}");
        }
        own
    }
}

/// Refuses what is recognised as a layout that is not read, and gives the tensors of one that is their canonical keys;
/// says nothing about anything else.
pub(super) fn recognise(file: &str, tensors: &mut Tensors<'_>) -> Result<(), ImportError> {
    let refuse = |layout, key: &str, reason| {
        Err(ImportError::UnsupportedLayout { file: file.to_owned(), layout, key: key.to_owned(), reason })
    };
    let bare = |key: &'_ str| key.strip_prefix("module.").unwrap_or(key).to_owned();
    let encoder = tensors.keys().any(|key| bare(key).starts_with("encoding."));
    for known in KNOWN {
        let Some(key) = tensors.keys().find(|k| bare(k).starts_with(known.starts) && k.ends_with(known.ends))
        else {
            continue;
        };
        if known.ends == ".conv1.module.weight" && !encoder {
            return refuse(BILIF, key, BILIF_REASON);
        }
        return refuse(known.name, key, known.reason);
    }
    let layout = Layout::of(tensors.keys());
    tensors.rename(layout, |key| layout.canonical(key));
    Ok(())
}
