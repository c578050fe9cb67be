//! What `explore` has found, for people and for spreadsheets.

use serde::Serialize;
use spikegate_bitstreams::estimate::table::Counts;
use spikegate_bitstreams::points::{Bound, Exploration, Point};
use spikegate_bitstreams::shell::size;
use spikegate_compiler::graph::Assumption;

use super::inspect;
use crate::ui::{grouped, table};

/// What is printed of a board.
#[derive(Serialize)]
pub struct Found {
    pub model: String,
    /// Whether the network was quantised with calibration images. Without them its cycles are the same, and its sums a
    /// bit wider or narrower at most.
    pub calibrated: bool,
    /// What was taken for granted when the model was read.
    pub assumed: Vec<Assumption>,
    /// Builds the best array.
    pub command: String,
    /// The best array uses a memory that the board's top does not connect.
    pub own_top: bool,
    /// What cycles with the board's memory are counted with, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    #[serde(flatten)]
    pub exploration: Exploration,
}

/// Where an array keeps weights and residual maps.
fn memory(point: &Point) -> String {
    match (point.array.memory_bits, point.array.spill_depth) {
        (0, _) => "on chip".to_owned(),
        (bits, 0) => format!("{bits}: weights"),
        (bits, _) => format!("{bits}: weights, maps"),
    }
}

impl Found {
    pub fn text(&self) -> String {
        let e = &self.exploration;
        let Counts { lut, ff, bram, dsp } = e.room;
        let room = [lut, ff, bram, dsp].map(grouped);
        let mut out = format!(
            "{} on {}: {} arrays, {} fit; of these no other is both faster and smaller (all figures: estimate)\n\n",
            self.model, e.board, e.tried, e.fit
        );
        let rest = (!e.pareto.contains(&e.best)).then_some(&e.best);
        let rows = e.pareto.iter().chain(rest).map(|p| {
            let beyond = if p.beyond_table { "*" } else { "" };
            let best = if *p == e.best { "> " } else { "  " };
            let mut row =
                vec![format!("{best}{}{beyond}", size(&p.array)), p.array.post.to_string(), memory(p)];
            row.extend([grouped(p.lane_ops as u64), grouped(p.cycles.value)]);
            row.push(format!("{:.1}", p.clock_mhz.value));
            row.extend([p.computed_per_second, p.images_per_second].map(|n| rate(n.value)));
            row.push(p.bound.name().to_owned());
            row.extend([p.lut, p.ff, p.bram, p.dsp].map(|n| grouped(n.value)));
            row.push(format!("{:.1} % {}", 100.0 * p.fullest, p.fullest_block));
            row
        });
        let room_row = ["  room for the core", "", "", "", "", "", "", "", ""].map(str::to_owned).into_iter();
        let rows = rows.chain([room_row.chain(room).chain([String::new()]).collect()]);
        let header = [
            "  array",
            "post",
            "memory",
            "ops/cycle",
            "cycles",
            "MHz",
            "computed/s",
            "images/s",
            "bound",
            "LUT",
            "FF",
            "BRAM 18k",
            "DSP",
            "fullest",
        ];
        out += &table(&header, rows);
        if e.pareto.iter().any(|p| p.beyond_table) {
            out += "* larger than every array that was synthesised for the estimator\n";
        }
        if !e.fmax_known {
            out += &format!(
                "The fastest clock on this part is not known (nothing was placed on it): {} MHz is the clock wanted.\n",
                e.wanted_mhz
            );
        }
        if e.pareto.iter().any(|p| p.bound == Bound::Link) {
            let most = rate(e.link_images_per_second);
            out += &format!(
                "The host link carries at most {most} images/s: a larger array only answers sooner.\n"
            );
        }
        let uses = |p: &Point| p.array.memory_bits > 0;
        if let Some(memory) = self.memory.as_ref().filter(|_| uses(&e.best) || e.pareto.iter().any(uses)) {
            out += &format!("Cycles with the external memory: {memory}.\n");
        }
        if self.own_top {
            out += &format!(
                "The top of {} does not connect its memory: the best array needs a top of your own.\n",
                e.board
            );
        }
        out + &format!("\n{}\nbest: {}\n", inspect::assumed(&self.assumed), self.command)
    }
}

/// Images a second.
pub fn rate(value: f64) -> String {
    match value < 10.0 {
        true => format!("{value:.2}"),
        false => format!("{value:.1}"),
    }
}

/// Every array that fits, a line each.
pub fn csv(all: &[Found]) -> String {
    let header =
        "board,lanes,pixels,ci,co,post,memory_bits,spills,moves,parity,packed,lane_ops,cycles,clock_mhz,computed_per_second,\
                  images_per_second,bound,lut,ff,bram_18k,dsp,fullest,fullest_block,front,best";
    let points =
        all.iter().flat_map(|found| found.exploration.all.iter().map(move |p| (&found.exploration, p)));
    let line = |(e, p): (&Exploration, &Point)| {
        let a = &p.array;
        let numbers = [
            a.lanes,
            a.pixels,
            a.ci,
            a.co,
            a.post,
            a.memory_bits,
            usize::from(a.spill_depth > 0),
            usize::from(a.moves),
            usize::from(a.parity),
            usize::from(a.packed),
            p.lane_ops,
        ];
        let blocks = [p.lut, p.ff, p.bram, p.dsp].map(|n| n.value.to_string());
        let rates = [p.clock_mhz, p.computed_per_second, p.images_per_second].map(|n| n.value.to_string());
        let flag = |is: bool| u8::from(is).to_string();
        let mut words = vec![e.board.clone()];
        words.extend(numbers.map(|n| n.to_string()));
        words.push(p.cycles.value.to_string());
        words.extend(rates);
        words.push(p.bound.name().to_owned());
        words.extend(blocks);
        words.extend([p.fullest.to_string(), p.fullest_block.to_owned()]);
        words.extend([flag(e.pareto.contains(p)), flag(e.best == *p)]);
        words.join(",")
    };
    std::iter::once(header.to_owned()).chain(points.map(line)).collect::<Vec<_>>().join("\n")
}
