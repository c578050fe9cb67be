//! Right and wrong, by class.

use serde::{Deserialize, Serialize};

use super::share::Share;

/// Labels of that many of the largest logits count as right.
const FIVE: usize = 5;

/// What one image gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classified {
    /// Its number.
    pub image: usize,
    /// Its label.
    pub label: Option<u16>,
    /// Class of the integer network.
    pub class: u16,
    /// Logits.
    pub logits: Vec<i32>,
}

/// The classes of a labelled set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Classes {
    /// One row a class, in order.
    pub rows: Vec<ClassRow>,
    /// `confusion[label][class]`: images of a label that were given a class.
    pub confusion: Vec<Vec<u64>>,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassRow {
    /// Its number.
    pub class: usize,
    /// Images of this label that were given this class: recall; none without such images.
    pub recall: Option<Share>,
    /// Images given this class that have this label: precision; none without such images.
    pub precision: Option<Share>,
}

impl Classes {
    /// Of images that all have labels; none otherwise, and of no image.
    pub(super) fn new(each: &[Classified], classes: usize) -> Option<Self> {
        let mut confusion = vec![vec![0; classes]; classes];
        for one in each {
            *confusion.get_mut(usize::from(one.label?))?.get_mut(usize::from(one.class))? += 1;
        }
        let rows = (0..classes).map(|class| {
            let n = confusion[class][class];
            ClassRow {
                class,
                recall: Share::of(n, confusion[class].iter().sum()),
                precision: Share::of(n, confusion.iter().map(|row| row[class]).sum()),
            }
        });
        let rows = rows.collect();
        (!each.is_empty()).then_some(Self { rows, confusion })
    }

    /// Images whose class is their label.
    pub fn right(&self) -> Share {
        let sum =
            |of: fn(&Share) -> u64| self.rows.iter().filter_map(|row| row.recall.as_ref()).map(of).sum();
        Share { n: sum(|share| share.n), of: sum(|share| share.of) }
    }
}

/// Images whose label is among the five largest logits, the lower class first where they are equal; none where five are all.
pub(super) fn among_five(each: &[Classified], classes: usize) -> Option<Share> {
    let within = |one: &&Classified| {
        let label = usize::from(one.label.unwrap_or(u16::MAX));
        let Some(&own) = one.logits.get(label) else { return false };
        let before = one.logits.iter().enumerate().filter(|&(at, &v)| v > own || v == own && at < label);
        before.count() < FIVE
    };
    let share = || Share { n: each.iter().filter(within).count() as u64, of: each.len() as u64 };
    (classes > FIVE).then(share)
}
