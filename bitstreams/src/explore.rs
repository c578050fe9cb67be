//! The arrays that make the most of a board for one network.
//!
//! Data in: a board, the arrays to try ([`crate::candidates`]), and the network's [`Planner`]. Data out: [`Exploration`]: the array with the most images a second, and
//! those of which none is both faster and smaller. All figures are estimates, see [`crate::estimate`] and [`crate::link`];
//! what the controller of an external memory takes is not counted.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::figure::Number;
use std::borrow::Cow;
use thiserror::Error;

use crate::board::Board;
use crate::estimate::table::Counts;
use crate::estimate::{memory, Estimator, Part, Room, BLOCKS};
use crate::link;
use crate::parallel::{parallel, threads};
use crate::points::{bound, pareto, rate, tenths, thousandths, Exploration, Point};
use crate::shell::size;

/// A board on which no array holds the network.
#[derive(Debug, Error)]
pub enum ExploreError {
    /// All are too large.
    #[error(
        "no array that runs the network fits {board}: {size}, the nearest, needs {needed} {what}, {} more than the \
         {available} there are ({most} of them for {name})", needed - available
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
        /// The board has a memory that its top does not connect.
        unconnected: bool,
    },
    /// Those that fit the FPGA use more of the board's memory than there is.
    #[error(
        "no array that runs the network fits {board}: of those that fit its FPGA the smallest program uses {} MiB of external memory, and there are {}",
        needed.div_ceil(1 << 20), available >> 20
    )]
    External {
        /// Board.
        board: String,
        /// Bytes that the array with the smallest programs uses.
        needed: u64,
        /// Bytes that there are.
        available: u64,
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

/// What plans the network.
pub trait Planner: Sync {
    /// Why there is no plan.
    type Error: Failure;
    /// The array with the memories that hold the network, and what an image costs on it.
    ///
    /// # Errors
    /// It cannot be planned.
    fn size(&self, array: &ArrayConfig) -> Result<Planned, Self::Error>;
    /// Cycles of an image on a core with a clock of so many MHz, with those of waiting for the external memory, which take longer
    /// to find.
    ///
    /// # Errors
    /// It cannot be planned.
    fn cycles(&self, array: &ArrayConfig, mhz: f64) -> Result<u64, Self::Error>;
}

/// An array with the network's memories, and what an image costs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The array.
    pub array: ArrayConfig,
    /// Cycles of an image without waiting for the external memory.
    pub computing: u64,
    /// Bytes of the external memory, from address 0 on, that its programs use.
    pub external: u64,
    /// Words of an image packet, and of a result packet.
    pub words: [usize; 2],
    /// The next image comes when one is done, not beside it.
    pub between: bool,
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The board.
    pub board: &'a Board,
    /// What its family is estimated as.
    pub part: Part,
    /// Estimator.
    pub estimator: &'a Estimator,
    /// Clock that the board gives the core, in MHz.
    pub wanted_mhz: f64,
    /// Arrays to try.
    pub candidates: &'a [ArrayConfig],
    /// Every array that fits is wanted, not only those that can be best or on the front.
    pub all: bool,
}

/// An array that fits, before it is known how long it waits for the external memory.
struct Draft {
    planned: Planned,
    counts: Counts,
    fullest: f64,
    block: usize,
    clock: f64,
}

impl Draft {
    /// Images a second if it never waits.
    fn at_most(&self) -> f64 {
        1e6 * self.clock / self.planned.computing.max(1) as f64
    }

    /// Whether another is as fast and as small, however long this one waits.
    fn is_beaten_by(&self, point: &Point) -> bool {
        point.computed_per_second.value >= self.at_most() && point.fullest <= thousandths(self.fullest)
    }
}

/// What became of a candidate.
enum Tried<E> {
    Fits(Box<Draft>),
    TooLarge(f64, usize, ArrayConfig, Counts),
    /// Its programs take so many bytes of so many that the board's memory has.
    Overflows(u64, u64),
    Refused(E),
    /// It cannot be estimated.
    Unknown,
}

/// Looks at arrays.
///
/// # Errors
/// No array fits, or none can be planned.
pub fn explore<P: Planner>(task: Task<'_>, planner: &P) -> Result<Exploration, ExploreError>
where
    P::Error: Send,
{
    let Task { board, part, estimator, wanted_mhz, candidates, all } = task;
    let room = Room::of(board, part);
    let (mut drafts, mut refused) = (Vec::new(), None);
    let mut nearest: Option<(f64, usize, ArrayConfig, Counts)> = None;
    let mut overflow: Option<(u64, u64)> = None;
    // What does not fit without the network's memories does not fit with them.
    let bare = |array: &ArrayConfig| estimator.counts(part, array).is_some_and(|counts| room.holds(&counts));
    let (hopeful, hopeless): (Vec<_>, Vec<_>) = candidates.iter().partition(|array| bare(array));
    let try_all = |arrays: &[&ArrayConfig]| parallel(arrays, |array| task.try_one(&room, array, planner));
    let mut tried = try_all(&hopeful);
    if !tried.iter().any(|tried| matches!(tried, Tried::Fits(_))) {
        tried.extend(try_all(&hopeless));
    }
    for tried in tried {
        match tried {
            Tried::Fits(draft) => drafts.push(*draft),
            Tried::TooLarge(share, block, array, counts) => {
                if nearest.as_ref().is_none_or(|(least, ..)| share < *least) {
                    nearest = Some((share, block, array, counts));
                }
            }
            Tried::Overflows(needed, available) => {
                overflow = Some(overflow.map_or((needed, available), |least| least.min((needed, available))));
            }
            Tried::Refused(error) => {
                refused = Some((error.to_string(), error.help().map(Cow::into_owned)));
            }
            Tried::Unknown => {}
        }
    }
    let fit = drafts.len();
    drafts.sort_by(|a, b| b.at_most().total_cmp(&a.at_most()).then(a.fullest.total_cmp(&b.fullest)));
    let mut points: Vec<Point> = Vec::new();
    for few in drafts.chunks(threads()) {
        let open: Vec<&Draft> =
            few.iter().filter(|draft| all || !points.iter().any(|p| draft.is_beaten_by(p))).collect();
        for point in parallel(&open, |draft| task.point(draft, planner)) {
            match point {
                Ok(point) => points.push(point),
                Err(error) => refused = Some((error.to_string(), error.help().map(Cow::into_owned))),
            }
        }
    }
    let better = |a: &&Point, b: &&Point| {
        let speed = |p: &Point| p.images_per_second.value;
        speed(a)
            .total_cmp(&speed(b))
            .then(b.fullest.total_cmp(&a.fullest))
            .then(b.lut.value.cmp(&a.lut.value))
    };
    let Some(best) = points.iter().max_by(better).cloned() else {
        if let Some((needed, available)) = overflow {
            return Err(ExploreError::External { board: board.id.clone(), needed, available });
        }
        return Err(nothing_fits(board, part, &room, nearest, refused));
    };
    let links = points.iter().map(|p| p.link_per_second);
    Ok(Exploration {
        board: board.id.clone(),
        part,
        room: room.counts,
        wanted_mhz,
        fmax_known: estimator.fmax(part, &board.device.speed, &best.array).is_some(),
        link_images_per_second: rate(links.fold(0.0, f64::max)),
        tried: candidates.len(),
        fit,
        best,
        pareto: pareto(points.clone()),
        all: if all { points } else { vec![] },
    })
}

impl Task<'_> {
    fn try_one<P: Planner>(&self, room: &Room, bare: &ArrayConfig, planner: &P) -> Tried<P::Error> {
        let planned = match planner.size(bare) {
            Ok(planned) => planned,
            Err(error) => return Tried::Refused(error),
        };
        let Some(counts) = self.estimator.counts(self.part, &planned.array) else { return Tried::Unknown };
        let (fullest, block) = room.fullest(&counts);
        if fullest > 1.0 {
            return Tried::TooLarge(fullest, block, planned.array, counts);
        }
        let capacity = self.board.capacity(planned.array.memory_bits);
        if let Some(capacity) = capacity.filter(|capacity| planned.external > *capacity) {
            return Tried::Overflows(planned.external, capacity);
        }
        let fastest = self.estimator.fmax(self.part, &self.board.device.speed, &planned.array);
        let clock = fastest.map_or(self.wanted_mhz, |fastest| fastest.min(self.wanted_mhz));
        Tried::Fits(Box::new(Draft { planned, counts, fullest, block, clock }))
    }

    fn point<P: Planner>(&self, draft: &Draft, planner: &P) -> Result<Point, P::Error> {
        let Draft { planned, counts, fullest, block, clock } = draft;
        let Planned { array, computing, words, between, .. } = planned;
        let cycles = if array.memory_bits > 0 { planner.cycles(array, *clock)? } else { *computing };
        let link = link::images_per_second(self.board, *words, *clock);
        let computed = 1e6 * clock / cycles.max(1) as f64;
        Ok(Point {
            array: array.clone(),
            lane_ops: array.lane_ops(),
            cycles: Number::estimate(cycles),
            clock_mhz: Number::estimate(tenths(*clock)),
            computed_per_second: Number::estimate(rate(computed)),
            link_per_second: link,
            images_per_second: Number::estimate(rate(match between {
                true => 1.0 / (1.0 / computed + 1.0 / link),
                false => computed.min(link),
            })),
            bound: bound(cycles, *computing, computed, link),
            lut: Number::estimate(counts.lut),
            ff: Number::estimate(counts.ff),
            bram: Number::estimate(counts.bram),
            dsp: Number::estimate(counts.dsp),
            fullest: thousandths(*fullest),
            fullest_block: BLOCKS[*block],
            beyond_table: self.estimator.beyond(self.part, array),
        })
    }
}

fn nothing_fits(
    board: &Board,
    part: Part,
    room: &Room,
    nearest: Option<(f64, usize, ArrayConfig, Counts)>,
    refused: Option<(String, Option<String>)>,
) -> ExploreError {
    let name = board.id.clone();
    let Some((_, block, array, counts)) = nearest else {
        let (cause, todo) = refused.unwrap_or_default();
        return ExploreError::Plan { board: name, cause, todo };
    };
    let (needed, available) = (counts.list()[block], room.counts.list()[block]);
    // Only block memories are told apart by what they hold.
    let (of, most) = if block == 2 { memory::largest(part, &array) } else { ("the array", needed) };
    ExploreError::TooLarge {
        board: name,
        size: size(&array),
        what: BLOCKS[block],
        needed,
        available,
        name: of,
        most,
        unconnected: board.port(false).is_none() && board.port(true).is_some() && array.memory_bits == 0,
    }
}

impl Failure for ExploreError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge { .. } | Self::External { .. } => Kind::Check,
            Self::Plan { .. } => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::TooLarge { unconnected: true, .. } => {
                Some("choose a larger board, or explore with --own-top: with the board's memory, and a top of your own".into())
            }
            Self::TooLarge { .. } => Some("choose a larger board, or a network with fewer channels".into()),
            Self::External { .. } => Some(
                "weights come once for every stripe of rows: choose a board with more memory, on chip or beside it, or packed \
                 weights of 4 bits (--weight-bits 4)"
                    .into(),
            ),
            Self::Plan { todo, .. } => todo.clone().map(Cow::Owned),
        }
    }
}
