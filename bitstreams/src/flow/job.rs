//! A design on its way to a board, and the commands that it takes.

use crate::board::Board;
use crate::crossing::Clocking;
use crate::families::{self, Constraints, Family, Generator, OpenTools, Way};
use crate::shell;
use crate::tools::{Tool, YOSYS};
use crate::top::{self, BOARD_TOP};
use spikegate_contract::array::ArrayConfig;

use super::error::FlowError;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Clock of the core in MHz; the board's without it.
    pub mhz: Option<f64>,
    /// Seeds to try, from 1 on.
    pub seeds: u32,
}

/// One step of a dry run.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Planned {
    /// Step.
    pub step: String,
    /// Command line.
    pub command: String,
}

/// Name of the step of synthesis.
pub const SYNTH: &str = "synth";
/// Name of the step that makes the netlist for place and route.
pub const CARRIES: &str = "carries";
/// Leaf cells of the core in a form for the family, in place of the core's own.
const CELLS: &str = "cells.v";
/// The bitstream.
pub(super) const BITSTREAM: &str = "spikegate.bit";

/// A design on its way to a board.
#[derive(Clone, Debug)]
pub struct Job {
    pub(super) board: Board,
    pub(super) array: ArrayConfig,
    pub(super) family: &'static dyn Family,
    pub(super) tools: &'static dyn OpenTools,
    pub(super) clock: Generator,
    /// Clock of the memory's controller in MHz, where it is another one.
    pub(super) memory_mhz: Option<f64>,
    /// Cycles of a bit on the host's line.
    pub(super) divider: u32,
    pub(super) seeds: u32,
    /// Name and text of each source, the core first.
    pub(super) sources: Vec<(&'static str, String)>,
    pub(super) constraints: Constraints,
}

impl Job {
    /// Checks that a design (its Verilog with the top module `spikegate`, and its array) suits a board.
    ///
    /// # Errors
    /// The board has another flow or no memory for the design, or the clock cannot be made.
    pub fn new(
        board: &Board,
        verilog: &str,
        array: &ArrayConfig,
        options: Options,
    ) -> Result<Self, FlowError> {
        let Some((family, Way::Open(tools))) = families::of(board).map(|family| (family, family.way()))
        else {
            return Err(FlowError::Board { board: board.id.clone() });
        };
        let memory = top::controller(board, array)?;
        let (clock, divider) = families::clock(tools, board, memory.as_ref(), options.mhz)?;
        let mut sources =
            vec![("spikegate.v", verilog.to_owned()), ("uart.v", spikegate_hdl::uart_bridge()?)];
        if !clock.verilog.is_empty() {
            sources.push(("board_pll.v", clock.verilog.clone()));
        }
        if let Some(controller) = &memory {
            sources.extend(controller.sources(controller.clocking(clock.mhz)));
            sources.push(("bring_up.v", spikegate_hdl::bring_up(&controller.recipe())?));
        }
        sources.push(("board_top.v", top::verilog(board, array, clock.mhz)?));
        sources.extend(family.cells().map(|text| (CELLS, text.to_owned())));
        Ok(Self {
            board: board.clone(),
            array: array.clone(),
            family,
            tools,
            memory_mhz: memory
                .as_ref()
                .filter(|memory| memory.clocking(clock.mhz) == Clocking::Crossed)
                .map(|memory| memory.clock_mhz),
            clock,
            divider,
            seeds: options.seeds.max(1),
            sources,
            constraints: tools.constraints(board, memory.as_ref()),
        })
    }

    /// Clock of the core in MHz.
    pub fn clock_mhz(&self) -> f64 {
        self.clock.mhz
    }

    pub(super) fn synth_args(&self) -> Vec<String> {
        let (cells, sources): (Vec<_>, Vec<_>) = self.sources.iter().partition(|(name, _)| *name == CELLS);
        let mut script = vec![sources
            .iter()
            .fold("read_verilog".to_owned(), |so_far, (name, _)| format!("{so_far} {}", above(name)))];
        script.extend(cells.iter().map(|(name, _)| format!("read_verilog -overwrite {}", above(name))));
        script.push(format!("{} -top {BOARD_TOP} -json netlist.json", self.family.synthesis()));
        script.push("tee -q -o cells.json stat -json".to_owned());
        vec!["-p".to_owned(), script.join("; ")]
    }

    pub(super) fn place_args(&self, seed: u32) -> Vec<String> {
        let [routed, report, netlist] = placed(seed);
        let mut args = self.tools.place_args(&self.board, &above(self.constraints.name), &routed);
        let (mhz, seed) = (self.clock.mhz.to_string(), seed.to_string());
        // A run that misses the clock still says by how much: whether it is met is decided here.
        let shared: [&str; 13] = [
            "--json",
            "../placed.json",
            "--top",
            BOARD_TOP,
            "--report",
            &report,
            "--write",
            &netlist,
            "--freq",
            &mhz,
            "--seed",
            &seed,
            "--timing-allow-fail",
        ];
        args.extend(shared.map(str::to_owned));
        if self.array.memory_bits > 0 {
            // An array with a wide port is more wire than the usual placer leaves room for: it ends at 395,000 of length where
            // this one does at 280,000, and the usual router did not end in half an hour.
            args.extend(["--placer", "static", "--router", "router2"].map(str::to_owned));
        }
        args
    }

    pub(super) fn pack_args(&self, seed: u32) -> Vec<String> {
        self.tools.pack_args(&above(&placed(seed)[0]), BITSTREAM)
    }

    /// The commands in order; those of later seeds and of the last step run when the timing asks for it.
    pub fn plan(&self) -> Vec<Planned> {
        let planned = |step: &str, tool: &Tool, args: &[String]| Planned {
            step: step.to_owned(),
            command: format!(
                "{} {}",
                tool.name(),
                args.iter().map(|a| shell::word(a)).collect::<Vec<_>>().join(" ")
            ),
        };
        let mut out = vec![planned(SYNTH, &YOSYS, &self.synth_args())];
        let place = self.tools.place();
        out.extend((1..=self.seeds).map(|s| planned(&format!("seed-{s}"), place, &self.place_args(s))));
        out.push(planned("pack", self.tools.pack(), &self.pack_args(1)));
        out
    }
}

/// A file that lies above the folder that a program runs in.
pub(super) fn above(name: &str) -> String {
    format!("../{name}")
}

/// Files of a run of place and route: the routed design, report, netlist.
pub(super) fn placed(seed: u32) -> [String; 3] {
    ["seed-{}.cfg", "seed-{}.json", "seed-{}-netlist.json"].map(|name| name.replace("{}", &seed.to_string()))
}
