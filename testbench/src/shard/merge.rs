//! From parts to the whole.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

use super::error::MergeError;
use super::part::Shard;
use super::record::{Part, Record, Written};

/// Longest text of a value in a message.
const SHOWN: usize = 100;
/// Missing parts that are named.
const NAMED: usize = 8;

/// Results of a part, as they are written.
pub trait Results: Serialize + DeserializeOwned {
    /// With those of the images that follow.
    ///
    /// # Errors
    /// What differs, as where it is, what it is there, and what it is here: the two are not of one run.
    fn join(&mut self, next: Self) -> Result<(), [String; 3]>;

    /// With those of the layers that follow, of the same images.
    ///
    /// # Errors
    /// As [`Results::join`]; by themselves results have no layers.
    fn follow(&mut self, _next: Self) -> Result<(), [String; 3]> {
        Err(["the division".to_owned(), "by layers".to_owned(), "by images".to_owned()])
    }
}

/// Joins parts, in whatever order they come.
///
/// # Errors
/// They are not all the parts of one run.
pub fn merge<R: Results>(files: &[Written]) -> Result<Record<R>, MergeError> {
    let heads: Vec<_> = files.iter().map(Written::head).collect();
    let (Some(first), Some(head)) = (files.first(), heads.first()) else {
        return Err(MergeError::Gap { missing: 1, of: 1, indexes: "1".to_owned() });
    };
    for (file, other) in files.iter().zip(heads.iter().copied()).skip(1) {
        same((first.path(), head), (file.path(), other))?;
    }
    let order = order(files, &heads, head.shard.of())?;
    let mut whole: Option<Record<R>> = None;
    for at in order {
        let part = files[at].record::<R>()?;
        check(files[at].path(), &part, whole.as_ref())?;
        let Some(whole) = &mut whole else {
            whole = Some(part);
            continue;
        };
        let joined = match part.layers {
            None => whole.results.join(part.results),
            Some(_) => whole.results.follow(part.results),
        };
        (whole.images.to, whole.layers) = (part.images.to, part.layers);
        joined.map_err(|[what, got, expected]| MergeError::Run {
            path: files[at].path().to_owned(),
            what,
            got,
            first: first.path().to_owned(),
            expected,
        })?;
    }
    let whole = whole.map(|whole| Record { shard: Shard::WHOLE, layers: None, ..whole });
    whole.ok_or(MergeError::Gap { missing: 1, of: 1, indexes: "1".to_owned() })
}

/// That a file is of the same run as the first.
fn same(
    (first, head): (&Path, &Record<IgnoredAny>),
    (path, other): (&Path, &Record<IgnoredAny>),
) -> Result<(), MergeError> {
    let (path, first) = (path.to_owned(), first.to_owned());
    if other.verb != head.verb {
        return Err(MergeError::Verb { path, got: other.verb.clone(), first, expected: head.verb.clone() });
    }
    let run = difference("run", &other.run, &head.run);
    let of = (other.images.of != head.images.of)
        .then(|| ["images".to_owned(), other.images.of.to_string(), head.images.of.to_string()]);
    let layers = |record: &Record<IgnoredAny>| match record.layers {
        None => "by images".to_owned(),
        Some(layers) => format!("by layers of {} instructions", layers.of),
    };
    let divided = || {
        let (got, expected) = (layers(other), layers(head));
        (got != expected).then(|| ["the division".to_owned(), got, expected])
    };
    if let Some([what, got, expected]) = run.or(of).or_else(divided) {
        return Err(MergeError::Run { path, what, got, first, expected });
    }
    let (got, expected) = (other.shard.of(), head.shard.of());
    if got != expected {
        return Err(MergeError::Count { path, got, first, expected });
    }
    Ok(())
}

/// The files in the order of their numbers, each of which is there once.
fn order(files: &[Written], heads: &[&Record<IgnoredAny>], of: u32) -> Result<Vec<usize>, MergeError> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|&at| heads[at].shard.index());
    for two in order.windows(2) {
        let index = heads[two[0]].shard.index();
        if index == heads[two[1]].shard.index() {
            let [other, path] = [two[0], two[1]].map(|at| files[at].path().to_owned());
            return Err(MergeError::Overlap { path, other, index, of });
        }
    }
    let missing = of as usize - order.len().min(of as usize);
    if missing > 0 {
        let is = |index: &u32| heads.iter().all(|head| head.shard.index() != *index);
        let mut indexes: Vec<String> = (1..=of).filter(is).take(NAMED).map(|i| i.to_string()).collect();
        if missing > NAMED {
            indexes.push("...".to_owned());
        }
        return Err(MergeError::Gap { missing, of, indexes: indexes.join(", ") });
    }
    Ok(order)
}

/// That a part begins where the one before has ended, and the last ends with the run.
fn check<R>(path: &Path, part: &Record<R>, before: Option<&Record<R>>) -> Result<(), MergeError> {
    let (shard, images) = (part.shard, part.images);
    let all = Part { from: 0, to: images.of, ..images };
    let (what, place, begin) = match part.layers {
        None => ("images", images, before.map_or(0, |before| before.images.to)),
        Some(layers) => {
            let before = before.and_then(|before| before.layers);
            ("instructions", layers, before.map_or(0, |before| before.to))
        }
    };
    let Part { from, to, of } = place;
    let is_last = shard.index() == shard.of();
    if Shard::new(shard.index(), shard.of()).is_ok()
        && from == begin
        && from <= to
        && to <= of
        && (!is_last || to == of)
        && (part.layers.is_none() || images == all)
    {
        return Ok(());
    }
    let what = format!("shard {shard} has {what} {from} to {to} of {of}, expected those from {begin} on");
    Err(MergeError::Damaged { path: path.to_owned(), what })
}

/// The first thing that differs: where it is, and what it is in both.
fn difference(at: &str, one: &Value, other: &Value) -> Option<[String; 3]> {
    if one == other {
        return None;
    }
    if let (Value::Object(a), Value::Object(b)) = (one, other) {
        let none = &Value::Null;
        let keys = a.keys().chain(b.keys());
        let found = keys.filter_map(|key| {
            difference(&format!("{at}.{key}"), a.get(key).unwrap_or(none), b.get(key).unwrap_or(none))
        });
        return found.into_iter().next();
    }
    let text = |value: &Value| {
        let text = value.to_string();
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        }
    };
    Some([at.to_owned(), text(one), text(other)])
}
