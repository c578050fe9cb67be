//! Checkpoints of other networks, and of this one in a form that is not read, told by their keys.
//!
//! The same authors' code wrote different keys over time, and the other members of its family write others again. A
//! list of a hundred unknown keys helps nobody: say which checkpoint this is.

/// Where Brevitas keeps a scaling parameter of its own, behind the name of a layer: the value of the last step.
pub(super) const BREVITAS: &str = "weight_quant.tensor_quant.scaling_impl.value";
/// What is read instead.
pub(super) const READ: &str = "what is read is GAC-MS-ResNet, and MS-ResNet without the encoder, in the key layout of the \
                               authors' CIFAR or ImageNet code (conv1, bn1, encoding, layerL.B or convL_x.B, fc1) or \
                               of SpikingJelly's ms_resnet18 and ms_resnet34 (stem, layerL.B, head)";
const FORM: Reason = Reason { why: "this is not supported", todo: READ };
const OLD: Reason = Reason {
    why: "that version steps its neurons along the batch instead of time, so its weights mean something else",
    todo: "train with the current code",
};
const QUANTISED: Reason = Reason {
    why: "its weights are codes of another quantiser, and this compiler quantises float weights itself",
    todo: "save the float model's state_dict",
};

/// Why a checkpoint is refused, and what to do.
#[derive(Clone, Copy)]
pub(super) struct Reason {
    pub why: &'static str,
    pub todo: &'static str,
}

/// The keys of a network, as a family sees them.
pub(super) struct Keys<'k>(pub Vec<&'k str>);

impl<'k> Keys<'k> {
    fn find(&self, is: impl Fn(&str) -> bool) -> Option<&'k str> {
        self.0.iter().copied().find(|key| is(key))
    }
    fn starts(&self, with: &str) -> Option<&'k str> {
        self.find(|key| key.starts_with(with))
    }
    fn ends(&self, with: &str) -> Option<&'k str> {
        self.find(|key| key.ends_with(with))
    }
    fn has(&self, part: &str) -> Option<&'k str> {
        self.find(|key| key.contains(part))
    }
}

/// A family: the key that gives it away, its name, why it is refused and what to do.
struct Family {
    tell: for<'k> fn(&Keys<'k>) -> Option<&'k str>,
    name: &'static str,
    reason: Reason,
}

/// Most specific first.
const FAMILIES: &[Family] = &[
    Family {
        tell: |k| k.find(|key| key.ends_with("weight_orig")).and(k.ends("weight_mask")),
        name: "a pruned model, its masks beside its weights",
        reason: Reason {
            why: "the product is what counts",
            todo: "multiply them in before saving: torch.nn.utils.prune.remove(layer, \"weight\") for every pruned layer",
        },
    },
    Family {
        tell: |k| k.has("parametrizations.").or(k.ends(".weight_g")).or(k.ends(".weight_u")),
        name: "a model with parametrised weights (weight or spectral norm)",
        reason: Reason {
            why: "its weights are not in the file as such",
            todo: "put them back into plain weights before saving: \
                   torch.nn.utils.parametrize.remove_parametrizations(layer, \"weight\") or remove_weight_norm(layer)",
        },
    },
    Family {
        tell: |k| {
            // Steps of weights that are floats all the same are read.
            let quantised = k.find(|key| key.contains("_quant.") && !key.ends_with(BREVITAS));
            k.has("_packed_params").or(k.ends(".zero_point")).or(quantised).or(k.ends(".act.alpha"))
        },
        name: "a quantised model",
        reason: QUANTISED,
    },
    Family {
        tell: |k| k.starts("encoding.conv_3_64."),
        name: "the May 2023 variant of the authors' code, whose attention reads the raw image through its own convolution",
        reason: Reason {
            why: "it is not the published network and is not supported",
            todo: "train with the current code",
        },
    },
    Family {
        tell: |k| k.starts("encoding.").and(before_april(k)),
        name: "the CIFAR layout of December 2023 to March 2024 (`conv1.module.weight`)",
        reason: OLD,
    },
    Family {
        tell: before_april,
        name: "the early CIFAR layout without an encoder (`conv1.module.weight`, BiLIF neurons)",
        reason: Reason {
            why: "it is not a Gated-Attention-Coding network (bidirectional neurons with two thresholds, no encoder)",
            todo: "train with the current code",
        },
    },
    Family {
        tell: |k| k.starts("encoding.T_NA.").or(k.starts("encoding.T_XA.")),
        name: "DTA-SNN (dual temporal-channel attention)",
        reason: FORM,
    },
    Family {
        tell: |k| k.ends(".conv_c.weight"),
        name: "TCJA-SNN (temporal-channel joint attention)",
        reason: FORM,
    },
    Family {
        tell: |k| {
            let beta = k.ends(".beta").filter(|_| k.ends(".threshold").is_some());
            k.ends(".graded_spikes_factor").or(k.ends(".reset_mechanism_val")).or(beta)
        },
        name: "a snnTorch network",
        reason: FORM,
    },
    Family {
        tell: |k| k.starts("patch_embed").or(k.has(".q_conv.")).or(k.has(".attn.")).or(k.has("encode_conv")),
        name: "a spiking transformer",
        reason: FORM,
    },
    Family { tell: |k| k.has(".att.").and(k.has(".ffn.")), name: "SpikeGPT", reason: FORM },
    Family {
        tell: |k| k.has(".ta.").or(k.has(".ca.")).or(k.has(".sa.")),
        name: "a network with attention in its blocks (MA-SNN, Attention-SNN)",
        reason: FORM,
    },
    Family {
        tell: |k| k.find(|key| [".spike1.w", ".spike2.w", "head_lif.w"].iter().any(|end| key.ends_with(end))),
        name: "SpikingJelly's MS-ResNet with neurons that learn their time constant (ParametricLIFNode)",
        reason: Reason {
            why: "a learnt time constant is a leak that is no power of two",
            todo: "train with LIFNode, whose tau is fixed: 2 leaks by 1/2, 4/3 by 1/4",
        },
    },
    Family {
        tell: |k| k.starts("features.").or(k.starts("classifier.")),
        name: "a VGG or another plain stack of layers (`features`, `classifier`)",
        reason: FORM,
    },
    Family {
        tell: |k| k.starts("layer1.0.conv1.").and(k.starts("fc.")),
        name: "a ResNet in torchvision's layout (`fc`): SpikingJelly's SEW-ResNet, or no spiking network at all",
        reason: FORM,
    },
    Family {
        tell: |k| k.find(|key| key.starts_with("layer1.0.conv1.0.") || key.starts_with("layer1.0.conv1.module.")),
        name: "SEW-ResNet",
        reason: FORM,
    },
];

/// The layout before April 2024: a block's convolution wrapped in `module`.
fn before_april<'k>(k: &Keys<'k>) -> Option<&'k str> {
    k.find(|key| key.starts_with("layer") && key.ends_with(".conv1.module.weight"))
}

/// The key that gives a family away, the family's name, and why it is refused.
pub(super) fn find<'k>(keys: &Keys<'k>) -> Option<(&'k str, &'static str, Reason)> {
    FAMILIES.iter().find_map(|f| Some(((f.tell)(keys)?, f.name, f.reason)))
}
