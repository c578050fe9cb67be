//! The names of a checkpoint's keys: what wrappers put in front of them, and which of the two layouts they follow.

use super::families::{self, Keys};
use super::tensors::Tensors;
use super::ImportError;
use crate::graph::Assumption;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a key, at most.
pub(super) const MAX_KEY: usize = 256;

/// Segments that PyTorch's wrappers put into keys, in front of all or of a layer's: torch.compile, FSDP, checkpointing.
const WRAPPERS: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// A counter that torch.optim.swa_utils.AveragedModel keeps beside the network.
const AVERAGED: &str = "n_averaged";

/// The layouts that are read. Everything behind this module knows the canonical keys, those of the CIFAR layout;
/// messages name the file's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// In front of every key, e.g. `module.` of a DistributedDataParallel wrapper.
    head: String,
    /// `conv1.0`, `conv2_x` to `conv5_x`, `shortcut`.
    pub imagenet: bool,
}

/// Places that differ, canonical and ImageNet.
const IMAGENET: [(&str, &str); 4] = [
    ("conv1.weight", "conv1.0.weight"),
    ("bn1.", "conv1.1."),
    (".downsample.layer.module.", ".shortcut.0."),
    (".downsample.bn.", ".shortcut.1."),
];

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
fn unwrapped(key: &str) -> String {
    key.split('.').filter(|s| !WRAPPERS.contains(s)).collect::<Vec<_>>().join(".")
}

/// An unwrapped key's part before the first segment that begins a layer, and the rest.
fn split(key: &str) -> Option<(&str, &str)> {
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

/// The canonical key of one in the ImageNet layout.
fn from_imagenet(key: &str) -> String {
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

impl Layout {
    /// What the file's key of a canonical one would be.
    pub(super) fn own(&self, key: &str) -> String {
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
        format!("{}{own}", self.head)
    }
}

/// The prefix of the network in a file: what is in front of its stem's key. `wanted` chooses among several.
fn prefix(
    file: &str,
    keys: &[String],
    wanted: Option<&str>,
    dicts: &[String],
) -> Result<String, ImportError> {
    let places = || keys.iter().filter_map(|key| split(key));
    let stems: BTreeSet<&str> =
        places().filter(|(_, rest)| rest.starts_with("conv1.")).map(|(p, _)| p).collect();
    let bare = |prefix: &str| prefix.strip_suffix('.').unwrap_or("(no prefix)").to_owned();
    if let Some(wanted) = wanted {
        let wanted = wanted.trim_end_matches('.');
        let is = |prefix: &&&str| {
            let prefix = prefix.trim_end_matches('.');
            prefix == wanted || prefix.starts_with(&format!("{wanted}."))
        };
        let mut matching = stems.iter().filter(is);
        if let (Some(one), None) = (matching.next(), matching.next()) {
            return Ok((*one).to_owned());
        }
        let found = dicts.iter().cloned().chain(stems.iter().map(|p| bare(p))).collect();
        return Err(ImportError::NoSuchWeights { file: file.to_owned(), wanted: wanted.to_owned(), found });
    }
    if stems.len() > 1 {
        let found = stems.iter().map(|p| bare(p)).collect();
        return Err(ImportError::SeveralNetworks { file: file.to_owned(), found });
    }
    if let Some(one) = stems.first() {
        return Ok((*one).to_owned());
    }
    // No stem: what most keys have in front, so that messages name the layers that are there.
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    places().for_each(|(p, _)| *counts.entry(p).or_default() += 1);
    Ok(counts.into_iter().max_by_key(|(_, n)| *n).map_or_else(String::new, |(p, _)| p.to_owned()))
}

/// Gives the tensors of a layout that is read their canonical keys, and refuses what is recognised as another network.
/// `wanted` is a prefix that chooses among several networks; `dicts` are the names that could have been given instead.
pub(super) fn recognise(
    file: &str,
    tensors: &mut Tensors<'_>,
    wanted: Option<&str>,
    dicts: &[String],
    assumed: &mut Vec<Assumption>,
) -> Result<(), ImportError> {
    let own: Vec<String> = tensors.keys().map(str::to_owned).collect();
    let unwrapped: Vec<String> = own.iter().map(|key| unwrapped(key)).collect();
    let prefix = prefix(file, &unwrapped, wanted, dicts)?;

    let mut skipped = Vec::new();
    let mut names: Vec<(&str, &str)> = Vec::new();
    for (own, key) in own.iter().zip(&unwrapped) {
        match split(key).filter(|(p, _)| *p == prefix) {
            Some((_, rest)) => names.push((own, rest)),
            // Not of the network: left out where that loses nothing, or where the caller named what is wanted.
            None if wanted.is_some() || *own == AVERAGED || !tensors.is_tensor(own) => {
                skipped.push(own.as_str())
            }
            None => names.push((own, own)),
        }
    }
    let keys = Keys(names.iter().map(|(_, rest)| *rest).collect());
    if let Some((key, layout, families::Reason { why, todo })) = families::find(&keys) {
        let key = names.iter().find(|(_, rest)| *rest == key).map_or(key, |(own, _)| own).to_owned();
        return Err(ImportError::UnsupportedLayout { file: file.to_owned(), layout, key, why, todo });
    }
    let imagenet = names.iter().any(|(_, rest)| *rest == "conv1.0.weight" || rest.starts_with("conv2_x."));
    let head = names.iter().find_map(|(own, rest)| own.strip_suffix(rest)).unwrap_or_default().to_owned();
    if !head.is_empty() {
        assumed.push(Assumption {
            what: "prefix".to_owned(),
            taken: format!("`{head}` left out of every key"),
            why: "a wrapper's name, or the place of the network in a larger module".to_owned(),
        });
    }
    if !skipped.is_empty() {
        assumed.push(Assumption {
            what: "skipped".to_owned(),
            taken: super::choose::listed(skipped.iter().map(|key| format!("`{key}`"))),
            why: "beside the network, not read".to_owned(),
        });
    }
    let names: Vec<(String, String)> = names
        .into_iter()
        .map(|(own, rest)| (own.to_owned(), if imagenet { from_imagenet(rest) } else { rest.to_owned() }))
        .collect();
    tensors.rename(Layout { head, imagenet }, names)
}
