//! What an array takes of an FPGA, and how fast it runs, before synthesis.
//!
//! | quantity | how |
//! | --- | --- |
//! | block memories | exact: the array's memories and the rules by which Yosys chooses blocks, see [`memory`] |
//! | multipliers | exact: counted |
//! | look-up tables, flip-flops | counted structure and coefficients fitted to synthesised arrays, see [`model`] |
//! | fastest clock | ECP5 only, fitted to placed arrays, see [`speed`] |
//!
//! The rows are in `table.csv` (synthesis) and `routes.csv` (place and route); the example `characterise` writes both.
//! Look-up tables and flip-flops of a Xilinx family without rows are estimated with the coefficients of the 7 series.
//! Rows are of the core alone, some with a memory port and with spilled maps; arrays with zero-skipping or batches are not
//! estimated, and what moves maps is added as its units take alone. Nothing has been placed for Xilinx parts, so there is no clock for them.

pub mod cost;
pub mod fit;
pub mod memory;
pub mod model;
mod part;
pub mod speed;
pub mod table;

use spikegate_contract::array::ArrayConfig;
use std::sync::OnceLock;

pub use part::Part;

use crate::board::{Board, Host};
use model::{Coefficients, Quantity};
use table::{Counts, Row, TableError};

/// Coefficients of every part, fitted to the table when first asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimator {
    rows: Vec<Row>,
    /// For each of [`Part::ALL`]: look-up tables, flip-flops.
    coefficients: [[Coefficients; 2]; 3],
    speed: speed::Speed,
}

impl Estimator {
    /// Of these rows.
    pub fn new(rows: Vec<Row>, routes: &[table::Route]) -> Self {
        let of = |part: Part, quantity| {
            let of = |part: Part| rows.iter().filter(|r| r.part == part).collect::<Vec<&Row>>();
            match of(part) {
                // The logic of UltraScale parts is that of the 7 series.
                none if none.is_empty() => model::fit(Part::Xc7, quantity, &of(Part::Xc7)),
                mine => model::fit(part, quantity, &mine),
            }
        };
        let coefficients = Part::ALL.map(|part| [of(part, Quantity::Lut), of(part, Quantity::Ff)]);
        Self { coefficients, speed: speed::Speed::fit(routes), rows }
    }

    /// Of the tables that come with this crate.
    ///
    /// # Errors
    /// A table that does not read: a fault in this crate.
    pub fn builtin() -> Result<&'static Self, TableError> {
        static BUILTIN: OnceLock<Result<Estimator, TableError>> = OnceLock::new();
        let made = BUILTIN.get_or_init(|| {
            let routes = table::routes(include_str!("routes.csv"))?;
            Ok(Self::new(table::read(include_str!("table.csv"))?, &routes))
        });
        made.as_ref().map_err(Clone::clone)
    }

    /// The rows that it was fitted to.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What an array takes; none for arrays with zero-skipping or batches, of which the table has no rows. What moves maps,
    /// parity, packed weights and neurons of each layer's own are added, see [`model::moving`], [`model::parity`],
    /// [`model::packed`] and [`model::neurons`].
    pub fn counts(&self, part: Part, array: &ArrayConfig) -> Option<Counts> {
        if array.skip_groups > 0 || array.batch > 1 {
            return None;
        }
        let [lut, ff] = &self.coefficients[part as usize];
        let of = |quantity, c: &Coefficients| model::predict(part, quantity, array, c).round() as u64;
        Some(Counts {
            lut: of(Quantity::Lut, lut),
            ff: of(Quantity::Ff, ff),
            bram: memory::total(part, array).bram,
            dsp: model::multipliers(part, array),
        })
    }

    /// Fastest clock in MHz of an array on a part of a speed grade; none where nothing has been placed.
    pub fn fmax(&self, part: Part, grade: &str, array: &ArrayConfig) -> Option<f64> {
        let mhz = (part == Part::Ecp5).then(|| self.speed.fmax(grade, array)).flatten()?;
        Some((10.0 * mhz).round() / 10.0)
    }

    /// Speed grades whose clock is known.
    pub fn grades(&self) -> Vec<String> {
        self.speed.grades()
    }

    /// Whether an array is larger than the largest in the table, so that its estimate goes beyond what was measured.
    pub fn beyond(&self, part: Part, array: &ArrayConfig) -> bool {
        self.rows.iter().filter(|r| r.part == part).all(|r| r.array.lane_ops() < array.lane_ops())
    }
}

/// What a board has left for an array, and which of it an array needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// For the core: a tenth of the look-up tables and flip-flops is left to place and route, and what the host's link
    /// takes is off. Block memories of 18 kbit.
    pub counts: Counts,
}

/// Names of the blocks in the order of [`Counts::list`].
pub const BLOCKS: [&str; 4] = ["look-up tables", "flip-flops", "block memories of 18 kbit", "multipliers"];

impl Room {
    /// Share of look-up tables and flip-flops that a design may fill.
    pub const FILL: f64 = 0.9;

    /// On a board, whose family is estimated as this part.
    pub fn of(board: &Board, part: Part) -> Self {
        let r = &board.resources;
        // The UART bridge with clock and reset, from `synth_ecp5` of it alone. What the PCIe block takes is not known
        // before the vendor's tool has run.
        let link = match board.host {
            Host::Uart { .. } => cost::UART,
            Host::Pcie { .. } => Counts::default(),
        };
        let fill = |n: u64, link: u64| ((n as f64 * Self::FILL) as u64).saturating_sub(link);
        let blocks = r.bram * part.halves();
        Self {
            counts: Counts {
                lut: fill(r.lut, link.lut),
                ff: fill(r.ff, link.ff),
                bram: blocks.saturating_sub(link.bram),
                dsp: r.dsp.saturating_sub(link.dsp),
            },
        }
    }

    /// Share of the fullest kind of block, and which of [`BLOCKS`] it is; above 1 the array does not fit.
    pub fn fullest(&self, counts: &Counts) -> (f64, usize) {
        let shares = counts.list().into_iter().zip(self.counts.list()).map(|(n, of)| match (n, of) {
            (0, _) => 0.0,
            (_, 0) => f64::INFINITY,
            _ => n as f64 / of as f64,
        });
        let all = shares.zip(0..).collect::<Vec<_>>();
        all.into_iter().fold((0.0, 0), |best, one| if one.0 > best.0 { one } else { best })
    }

    /// Whether an array of these counts fits.
    pub fn holds(&self, counts: &Counts) -> bool {
        self.fullest(counts).0 <= 1.0
    }
}

/// The array with the most lane operations among those smaller than `array` that fit a board by the estimate, with
/// memories of the same total size.
pub fn largest_fitting(
    estimator: &Estimator,
    board: &Board,
    part: Part,
    array: &ArrayConfig,
) -> Option<ArrayConfig> {
    let room = Room::of(board, part);
    let smaller =
        (0..=array.ci.ilog2()).flat_map(|i| (0..=i.min(array.co.ilog2())).map(move |o| (1 << i, 1 << o)));
    let fits = smaller.filter(|&(ci, co)| ci * co < array.ci * array.co).filter_map(|(ci, co)| {
        // Words per slot grow as slots go; a weight word shrinks with the columns.
        let fewer = array.ci / ci;
        let post = array.post.min(co);
        let made = ArrayConfig {
            ci,
            co,
            post,
            code_depth: array.code_depth * fewer,
            spike_depth: array.spike_depth * fewer,
            stream_depth: array.stream_depth * fewer,
            weight_depth: array.weight_depth * fewer * (array.co / co),
            param_depth: array.param_depth * array.post / post,
            ..array.clone()
        };
        room.holds(&estimator.counts(part, &made)?).then_some(made)
    });
    fits.max_by_key(|a| (a.lane_ops(), a.co))
}
