//! What an exploration has found: arrays with what they take and how fast they are.

use serde::Serialize;
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::figure::Number;

use crate::estimate::table::Counts;
use crate::estimate::Part;

/// Share of the cycles that an image may wait for the external memory before that is what bounds it.
const WAITING: f64 = 0.1;

/// What keeps an array from more images a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// Its lanes.
    Array,
    /// The external memory: over a tenth of the cycles are spent waiting for it.
    Port,
    /// The host's link.
    Link,
}

impl Bound {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Port => "port",
            Self::Link => "link",
        }
    }
}

/// One array on the board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The array, with the network's memories.
    pub array: ArrayConfig,
    /// Lane operations per cycle.
    pub lane_ops: usize,
    /// Cycles of an image.
    pub cycles: Number<u64>,
    /// Clock in MHz: the board's, or the fastest that the array is estimated to run at.
    pub clock_mhz: Number<f64>,
    /// Images a second that the array computes.
    pub computed_per_second: Number<f64>,
    /// Images a second that the host's link carries at most.
    #[serde(skip)]
    pub link_per_second: f64,
    /// Images a second, the lesser of both.
    pub images_per_second: Number<f64>,
    /// What bounds them.
    pub bound: Bound,
    /// Look-up tables.
    pub lut: Number<u64>,
    /// Flip-flops.
    pub ff: Number<u64>,
    /// Block memories of 18 kbit.
    pub bram: Number<u64>,
    /// Multipliers.
    pub dsp: Number<u64>,
    /// Share of the fullest kind of block, of what is left for the core.
    pub fullest: f64,
    /// Which it is.
    pub fullest_block: &'static str,
    /// Whether it is larger than every array that was synthesised for the table.
    pub beyond_table: bool,
}

/// What a board can do for a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exploration {
    /// Board.
    pub board: String,
    /// FPGA family of the estimates.
    pub part: Part,
    /// What is left for the core: a tenth of look-up tables and flip-flops is kept free, and the link's part is off.
    pub room: Counts,
    /// Clock asked for, or the board's.
    pub wanted_mhz: f64,
    /// Whether the fastest clock is known; otherwise the clock is only wanted.
    pub fmax_known: bool,
    /// Images a second that the host's link carries at most, at the best array's clock.
    pub link_images_per_second: f64,
    /// Arrays looked at.
    pub tried: usize,
    /// Of them, those that fit.
    pub fit: usize,
    /// The most images a second; of equals the one that takes least.
    pub best: Point,
    /// The ones of which no other computes as fast and is smaller, fastest first.
    pub pareto: Vec<Point>,
    /// All that fit, where they were asked for; the fastest with a memory that answers at once come first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<Point>,
}

/// What bounds an array.
pub(crate) fn bound(cycles: u64, computing: u64, computed: f64, link: f64) -> Bound {
    let waits = cycles.saturating_sub(computing) as f64;
    if link < computed {
        Bound::Link
    } else if waits > WAITING * cycles as f64 {
        Bound::Port
    } else {
        Bound::Array
    }
}

pub(crate) fn tenths(x: f64) -> f64 {
    (10.0 * x).round() / 10.0
}

/// Images a second: to a tenth, and of fewer than ten to a thousandth.
pub(crate) fn rate(x: f64) -> f64 {
    if x < 10.0 {
        thousandths(x)
    } else {
        tenths(x)
    }
}

pub(crate) fn thousandths(x: f64) -> f64 {
    (1000.0 * x).round() / 1000.0
}

/// The points of which no other computes as fast and takes less of the fullest block, fastest first.
pub(crate) fn pareto(mut points: Vec<Point>) -> Vec<Point> {
    let speed = |p: &Point| p.computed_per_second.value;
    points.sort_by(|a, b| {
        speed(b)
            .total_cmp(&speed(a))
            .then(a.fullest.total_cmp(&b.fullest))
            .then(a.lut.value.cmp(&b.lut.value))
    });
    let mut least = f64::INFINITY;
    points.retain(|p| {
        let keeps = p.fullest < least;
        least = least.min(p.fullest);
        keeps
    });
    points
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::estimate::BLOCKS;

    fn small(images: f64, fullest: f64) -> Point {
        let n = Number::estimate(1u64);
        Point {
            array: ArrayConfig::new(1, 1, 2, 2).unwrap(),
            lane_ops: 4,
            cycles: n,
            clock_mhz: Number::estimate(1.0),
            computed_per_second: Number::estimate(images),
            link_per_second: images,
            images_per_second: Number::estimate(images),
            bound: Bound::Array,
            lut: n,
            ff: n,
            bram: n,
            dsp: n,
            fullest,
            fullest_block: BLOCKS[0],
            beyond_table: false,
        }
    }

    #[test]
    fn only_points_that_nothing_beats_are_kept() {
        let all = [(5.0, 0.5), (9.0, 0.9), (4.0, 0.6), (9.0, 0.8), (1.0, 0.1), (1.0, 0.2), (8.0, 0.85)];
        let kept = pareto(all.iter().map(|&(s, f)| small(s, f)).collect());
        let kept: Vec<(f64, f64)> = kept.iter().map(|p| (p.computed_per_second.value, p.fullest)).collect();
        assert_eq!(kept, [(9.0, 0.8), (5.0, 0.5), (1.0, 0.1)]);
    }

    #[test]
    fn what_bounds_an_array_is_said() {
        let of = |computing: u64, link: f64| bound(1000, computing, 50e3, link);
        assert_eq!([of(1000, 60e3), of(890, 60e3), of(890, 40e3)], [Bound::Array, Bound::Port, Bound::Link]);
        assert_eq!([of(910, 60e3), of(910, 50e3)], [Bound::Array; 2]);
    }
}
