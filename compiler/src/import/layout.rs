//! Checkpoint layouts that are recognised and refused by name.
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
        starts: "conv2_x.",
        ends: "",
        name: "the ImageNet layout of the authors' code (MS-ResNet-18/34, 7x7 stem, conv2_x to conv5_x)",
        reason: "not supported yet: only the CIFAR layout (3x3 stem, layer1 to layerN) is read",
    },
    Known {
        starts: "conv1.0.weight",
        ends: "",
        name: "the ImageNet layout of the authors' code (MS-ResNet-18/34, 7x7 stem, conv2_x to conv5_x)",
        reason: "not supported yet: only the CIFAR layout (3x3 stem, layer1 to layerN) is read",
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
const DIRECT: &str = "a network without the gated attention encoder (`using_GAC=False`, direct coding)";
const DIRECT_REASON: &str =
    "no key starts with `encoding.`; direct coding is not supported yet, or the file is not \
                             whole: export the state_dict of a model built with using_GAC=True";
const MODULE: &str =
    "a state_dict saved from a DataParallel or DistributedDataParallel wrapper (`module.` in front of \
                      every key)";
const MODULE_REASON: &str = "expected keys without the prefix; save model.module.state_dict() instead";

/// Refuses what is recognised as another layout; says nothing about anything else.
pub(super) fn recognise(file: &str, tensors: &Tensors<'_>) -> Result<(), ImportError> {
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
    if let Some(key) = tensors.keys().find(|key| key.starts_with("module.")) {
        return refuse(MODULE, key, MODULE_REASON);
    }
    // Only where the rest looks like the CIFAR layout: any other file is better served by its unknown keys.
    if let (false, Some(key)) = (encoder, tensors.keys().find(|&key| key == "layer1.0.conv1.weight")) {
        return refuse(DIRECT, key, DIRECT_REASON);
    }
    Ok(())
}
