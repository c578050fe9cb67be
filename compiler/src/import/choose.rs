//! Which of a checkpoint's dicts is the network: training scripts keep it beside an optimiser, counters and averages.

use super::naming::{self, choice, is_key, shown};
use super::store::Entry;
use super::unpickle::{Pickle, Value};
use std::collections::HashSet;

/// Keys under which training scripts keep the state_dict that was trained, the likeliest first. A dict at the top comes
/// before all of them; one under another key, such as a moving average, is read if it is the only one.
const USUAL: [&str; 10] = [
    "state_dict",
    "model_state_dict",
    "model",
    "model_state",
    "net",
    "network",
    "module",
    "weights",
    "params",
    "state",
];
/// Dicts in dicts that are searched.
const MAX_LEVELS: usize = 4;
/// How many names a message lists.
const LISTED: usize = 8;

/// A dict of tensors in a checkpoint.
struct Candidate {
    /// Keys that lead to it, joined by dots; none at the top.
    path: String,
    dict: usize,
    /// Whether a key is that of a layer of this network form.
    is_network: bool,
    rank: (usize, usize),
}

/// The chosen dict.
pub(super) struct Chosen {
    /// Its keys.
    pub entries: Vec<(String, Entry)>,
    /// Keys that lead to it, joined by dots; none at the top.
    pub path: String,
    /// Other dicts that could have been meant.
    pub others: Vec<String>,
    /// Whether the caller's key named it.
    pub named: bool,
}

/// The dict of tensors that `wanted` names, or else the likeliest.
pub(super) fn choose(pickle: &Pickle, wanted: Option<&str>) -> Result<Chosen, String> {
    let Value::Dict(root) = pickle.root else {
        return Err(format!(
            "it holds {}, expected a state_dict, which is a dict of tensors: save model.state_dict() with torch.save",
            pickle.root.describe()
        ));
    };
    let mut candidates = candidates(pickle, root);
    candidates.sort_by_key(|c| (!c.is_network, c.rank));
    if candidates.is_empty() {
        return Err(format!(
            "no state_dict in it: expected a dict of tensors at the top or under a key such as {}, but it has {}: save \
             model.state_dict() with torch.save",
            USUAL[..3].join(", "),
            listed(pickle.dicts[root].iter().map(|(key, value)| format!("{} ({})", named(key), value.describe())))
        ));
    }
    let named = wanted.and_then(|wanted| candidates.iter().position(|c| c.path == wanted));
    let unusual = |c: &Candidate| c.rank.1 == USUAL.len();
    if named.is_none() && candidates.len() > 1 && unusual(&candidates[0]) {
        let alike = |c: &&Candidate| c.is_network == candidates[0].is_network;
        if candidates.iter().filter(alike).count() > 1 {
            return Err(format!(
                "several dicts of tensors in it: {}: choose one with --weights KEY",
                listed(candidates.iter().map(|c| format!("`{}`", choice(&c.path))))
            ));
        }
    }
    let chosen = candidates.remove(named.unwrap_or(0));
    let entries = entries(&pickle.dicts[chosen.dict]);
    let others = candidates.into_iter().filter(|c| c.is_network).map(|c| c.path).collect();
    Ok(Chosen { entries, path: chosen.path, others, named: named.is_some() })
}

/// Every dict that has a tensor under a name such as `conv1.weight`, each once, breadth first.
fn candidates(pickle: &Pickle, root: usize) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut seen = HashSet::from([root]);
    let mut level = vec![(String::new(), root)];
    for depth in 0..MAX_LEVELS {
        let mut next = Vec::new();
        for (path, dict) in level {
            let keys = || {
                pickle.dicts[dict].iter().filter_map(|(key, value)| match (key, value) {
                    (Value::Text(key), Value::Tensor(_)) => Some(&**key),
                    _ => None,
                })
            };
            if keys().any(is_parameter) {
                let name = path.rsplit('.').next().unwrap_or_default();
                let usual = USUAL.iter().position(|n| *n == name).unwrap_or(USUAL.len());
                let rank = (depth, if path.is_empty() { 0 } else { usual });
                let is_network = keys().any(naming::is_of_this_form);
                found.push(Candidate { path: path.clone(), dict, is_network, rank });
            }
            for (key, value) in &pickle.dicts[dict] {
                if let (Value::Text(key), &Value::Dict(inner)) = (key, value) {
                    if is_key(key) && seen.insert(inner) {
                        let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                        next.push((path, inner));
                    }
                }
            }
        }
        level = next;
    }
    found
}

/// Whether a key is that of a layer's parameter: an optimiser's and a metric's tensors have other names.
fn is_parameter(key: &str) -> bool {
    key.rsplit_once('.').is_some_and(|(_, name)| name.starts_with("weight"))
}

fn entries(dict: &[(Value, Value)]) -> Vec<(String, Entry)> {
    let entry = |(key, value): &(Value, Value)| {
        let Value::Text(key) = key else { return None };
        let entry = match value {
            Value::Tensor(tensor) => Entry::view(tensor),
            other => Entry::other(other.describe()),
        };
        Some((key.to_string(), entry))
    };
    dict.iter().filter_map(entry).collect()
}

/// A key of a dict, in words.
fn named(key: &Value) -> String {
    match key {
        Value::Text(key) => shown(key),
        other => other.describe(),
    }
}

/// The first few of a list, for a message.
pub(super) fn listed(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.take(LISTED + 1).collect();
    if items.is_empty() {
        return "nothing".to_owned();
    }
    if items.len() > LISTED {
        items[LISTED] = "...".to_owned();
    }
    items.join(", ")
}
