//! Which of a file's keys are the network's, and in which layout.

use super::families::{self, Keys};
use super::formats::is_shard;
use super::layouts;
use super::naming::{
    bare, choice, is_membrane, is_stem, shown, split, start, tells_this_form, unwrapped, Naming,
};
use super::tensors::Tensors;
use super::ImportError;
use crate::graph::Assumption;
use std::collections::{BTreeMap, BTreeSet};

/// A counter that torch.optim.swa_utils.AveragedModel keeps beside the network.
const AVERAGED: &str = "n_averaged";

/// How many keys of another network are named.
const LISTED: usize = 5;

/// The prefix of the network in a file: what is in front of its stem's key. `wanted` chooses among several.
fn prefix(
    file: &str,
    keys: &[String],
    wanted: Option<&str>,
    dicts: &[String],
) -> Result<String, ImportError> {
    let places = || keys.iter().filter_map(|key| split(key));
    let stems: BTreeSet<&str> = places().filter(|(_, rest)| is_stem(rest)).map(|(p, _)| p).collect();
    if let Some(wanted) = wanted {
        let wanted = bare(wanted);
        // The prefix itself, or the only one that it begins.
        if let Some(one) = stems.iter().find(|prefix| bare(prefix) == wanted) {
            return Ok((*one).to_owned());
        }
        let begins = |prefix: &&&str| wanted.is_empty() || prefix.starts_with(&format!("{wanted}."));
        let mut matching = stems.iter().filter(begins);
        if let (Some(one), None) = (matching.next(), matching.next()) {
            return Ok((*one).to_owned());
        }
        let found: BTreeSet<String> = dicts.iter().cloned().chain(stems.iter().map(|p| choice(p))).collect();
        let found = found.into_iter().collect();
        return Err(ImportError::NoSuchWeights { file: file.to_owned(), wanted: wanted.to_owned(), found });
    }
    if stems.len() > 1 {
        let found = stems.iter().map(|p| choice(p)).collect();
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
            _ if is_membrane(key) => skipped.push(own.as_str()),
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
    // Of a part of a model another part may tell it, and what is missing is said.
    if !is_shard(file) && !names.iter().any(|(_, rest)| tells_this_form(rest)) {
        let keys = names.iter().take(LISTED).map(|(own, _)| start(own)).collect();
        return Err(ImportError::OtherNetwork { file: file.to_owned(), keys, count: names.len() });
    }
    let layout = layouts::of(&keys.0);
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
            taken: super::choose::listed(skipped.iter().map(|key| shown(key))),
            why: "beside the network, not read".to_owned(),
        });
    }
    let names: Vec<(String, String)> =
        names.into_iter().map(|(own, rest)| (own.to_owned(), (layout.canonical)(rest))).collect();
    tensors.rename(Naming { head, layout }, names)
}
