//! The arrays that make the most of a board for one network.
//!
//! Data in: a board, and the planner as a function from an array to the same with the network's memories and the
//! cycles of an image. Data out: [`Exploration`], the arrays of which none is both faster and smaller. All figures are
//! estimates, see [`crate::estimate`].

use serde::Serialize;
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::figure::Number;
use std::borrow::Cow;
use thiserror::Error;

use crate::board::Board;
use crate::estimate::table::Counts;
use crate::estimate::{memory, Estimator, Part, Room, BLOCKS};
use crate::shell::size;

/// Lanes that are tried: those with even shares of 4, 6 or 8 timesteps and of a code's 8 or 9 bits.
const LANES: [usize; 6] = [1, 2, 3, 4, 6, 8];

/// A board on which no array holds the network.
#[derive(Debug, Error)]
pub enum ExploreError {
    /// All are too large.
    #[error(
        "no array that runs the network fits {board}: {size}, the nearest, needs {needed} {what} of {available} \
         ({most} of them for {name})"
    )]
    TooLarge {
        /// Board.
        board: String,
        /// The array that lacks least, as `--array` takes it.
        size: String,
        /// What it lacks.
        what: &'static str,
        /// Needed.
        needed: u64,
        /// There are, less what is left to place and route and to the host's link.
        available: u64,
        /// The part that takes most.
        name: &'static str,
        /// What it takes.
        most: u64,
    },
    /// The planner takes none.
    #[error("no array can be planned for {board}; the last one: {cause}")]
    Plan {
        /// Board.
        board: String,
        /// What the planner said of the last array.
        cause: String,
        /// What it says to do.
        todo: Option<String>,
    },
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
    /// Images a second.
    pub images_per_second: Number<f64>,
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
    /// Arrays looked at.
    pub tried: usize,
    /// Of them, those that fit.
    pub fit: usize,
    /// The ones of which no other is both faster and smaller, fastest first.
    pub pareto: Vec<Point>,
}

/// All arrays that are tried, with the smallest memories.
pub fn candidates() -> Vec<ArrayConfig> {
    let sizes = (1..=6).flat_map(|i| (0..=i).map(move |o| (1usize << i, 1usize << o)));
    let sizes = LANES.iter().flat_map(|&l| sizes.clone().map(move |(ci, co)| (l, ci, co)));
    let arrays = sizes.filter_map(|(l, ci, co)| ArrayConfig::new(l, 1, ci, co).ok());
    arrays.flat_map(|a| [1, 2, 4].map(|post| a.clone().with_post(post).ok())).flatten().collect()
}

/// Looks at all arrays; `part` is what the board's family is estimated as, `wanted_mhz` the clock that it gives the core. `plan`
/// gives the array with memories that hold the network, and the cycles of an image.
///
/// # Errors
/// No array fits, or none can be planned.
pub fn explore<E: Failure>(
    board: &Board,
    part: Part,
    estimator: &Estimator,
    wanted_mhz: f64,
    plan: impl Fn(&ArrayConfig) -> Result<(ArrayConfig, u64), E>,
) -> Result<Exploration, ExploreError> {
    let room = Room::of(board, part);
    let candidates = candidates();
    let mut points = Vec::new();
    let mut nearest: Option<(f64, usize, ArrayConfig, Counts)> = None;
    let mut refused = None;
    for bare in &candidates {
        // What does not fit without the network's memories does not fit with them.
        let Some(counts) = estimator.counts(part, bare) else { continue };
        if !room.holds(&counts) && !points.is_empty() {
            continue;
        }
        let (array, cycles) = match plan(bare) {
            Ok(planned) => planned,
            Err(error) => {
                refused = Some((error.to_string(), error.help().map(Cow::into_owned)));
                continue;
            }
        };
        let Some(counts) = estimator.counts(part, &array) else { continue };
        let (fullest, block) = room.fullest(&counts);
        if fullest > 1.0 {
            if nearest.as_ref().is_none_or(|(least, ..)| fullest < *least) {
                nearest = Some((fullest, block, array, counts));
            }
            continue;
        }
        let fastest = estimator.fmax(part, &board.device.speed, &array);
        let clock = fastest.map_or(wanted_mhz, |fastest| fastest.min(wanted_mhz));
        points.push(Point {
            lane_ops: array.lane_ops(),
            cycles: Number::estimate(cycles),
            clock_mhz: Number::estimate(tenths(clock)),
            images_per_second: Number::estimate(tenths(1e6 * clock / cycles.max(1) as f64)),
            lut: Number::estimate(counts.lut),
            ff: Number::estimate(counts.ff),
            bram: Number::estimate(counts.bram),
            dsp: Number::estimate(counts.dsp),
            fullest: (1000.0 * fullest).round() / 1000.0,
            fullest_block: BLOCKS[block],
            beyond_table: estimator.beyond(part, &array),
            array,
        });
    }
    if points.is_empty() {
        let board = board.id.clone();
        return Err(match (nearest, refused) {
            (Some((_, block, array, counts)), _) => {
                let (name, most) = memory::largest(part, &array);
                // Only block memories are told apart by what they hold.
                let (name, most) =
                    if block == 2 { (name, most) } else { ("the array", counts.list()[block]) };
                ExploreError::TooLarge {
                    board,
                    size: size(&array),
                    what: BLOCKS[block],
                    needed: counts.list()[block],
                    available: room.counts.list()[block],
                    name,
                    most,
                }
            }
            (None, refused) => {
                let (cause, todo) = refused.unwrap_or_default();
                ExploreError::Plan { board, cause, todo }
            }
        });
    }
    let fit = points.len();
    Ok(Exploration {
        board: board.id.clone(),
        part,
        room: room.counts,
        wanted_mhz,
        fmax_known: estimator.fmax(part, &board.device.speed, &candidates[0]).is_some(),
        tried: candidates.len(),
        fit,
        pareto: pareto(points),
    })
}

fn tenths(x: f64) -> f64 {
    (10.0 * x).round() / 10.0
}

/// The points of which no other is as fast and takes less of the fullest block, fastest first.
fn pareto(mut points: Vec<Point>) -> Vec<Point> {
    let speed = |p: &Point| p.images_per_second.value;
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

impl Failure for ExploreError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge { .. } => Kind::Check,
            Self::Plan { .. } => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::TooLarge { .. } => Some(
                "choose a larger board; weights in external memory (`compile --memory`) need a top of your own"
                    .into(),
            ),
            Self::Plan { todo, .. } => todo.clone().map(Cow::Owned),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn point(images: f64, fullest: f64) -> Point {
        let n = Number::estimate(1u64);
        Point {
            array: ArrayConfig::new(1, 1, 2, 2).unwrap(),
            lane_ops: 4,
            cycles: n,
            clock_mhz: Number::estimate(1.0),
            images_per_second: Number::estimate(images),
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
        let kept = pareto(all.iter().map(|&(s, f)| point(s, f)).collect());
        let kept: Vec<(f64, f64)> = kept.iter().map(|p| (p.images_per_second.value, p.fullest)).collect();
        assert_eq!(kept, [(9.0, 0.8), (5.0, 0.5), (1.0, 0.1)]);
    }

    #[test]
    fn candidates_are_arrays_that_can_be_built() {
        let all = candidates();
        assert!(all.len() > 200, "{}", all.len());
        assert!(all.iter().all(|a| a.co <= a.ci && a.post <= a.co));
    }
}
