//! A Vivado project for a PCIe board.
//!
//! | file in the board's folder | what |
//! | --- | --- |
//! | `build.tcl` | makes `spikegate.bit`, and fails where the timing is not met |
//! | `board.xdc`, `early.xdc` | pins, clock, properties; transceivers, read before the PCIe block's own constraints |
//! | `board_top.v`, `stream_width.v`, `spikegate.v` | the sources |

use super::series::Series;
use super::{constraints, link::Link, script, top};
use crate::board::{Board, Host};
use crate::clock::ClockError;
use crate::families::vendor::{Project, VendorError, VendorTools};
use crate::files::hash;
use spikegate_contract::array::ArrayConfig;

impl VendorTools for Series {
    fn tool(&self) -> &'static str {
        "Vivado"
    }
    fn command(&self) -> &'static str {
        "vivado -mode batch -source build.tcl"
    }
    fn clock(&self, board: &Board, mhz: Option<f64>) -> Result<f64, ClockError> {
        let fixed = board.core_mhz;
        // Not with NaN either.
        if mhz.is_none_or(|mhz| (mhz - fixed).abs() <= 1e-6) {
            return Ok(fixed);
        }
        Err(ClockError::Fixed { board: board.id.clone(), mhz: mhz.unwrap_or_default(), fixed })
    }
    fn project(&self, board: &Board, verilog: &str, array: &ArrayConfig) -> Result<Project, VendorError> {
        let Host::Pcie { lanes, generation, axi_bits, device_id, location, quad, channels } = &board.host
        else {
            return Err(VendorError::Board { board: board.id.clone() });
        };
        if array.memory_bits > 0 {
            return Err(VendorError::Memory { board: board.id.clone(), bits: array.memory_bits });
        }
        let link = Link {
            series: self,
            lanes: *lanes,
            generation: *generation,
            axi_bits: *axi_bits,
            device_id: *device_id,
            location,
            quad: quad.as_ref(),
            channels,
        };
        let mut files = vec![
            ("spikegate.v".to_owned(), verilog.to_owned()),
            ("stream_width.v".to_owned(), spikegate_hdl::stream_width(*axi_bits as usize / 32)?),
            ("board_top.v".to_owned(), top::verilog(board, &link)),
            ("board.xdc".to_owned(), constraints::xdc(board)),
        ];
        if !channels.is_empty() {
            files.push(("early.xdc".to_owned(), script::early_xdc(&link)));
        }
        let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let stamp = hash(verilog.as_bytes());
        files.push(("build.tcl".to_owned(), script::tcl(board, &link, &names, &stamp)));
        Ok(Project { files })
    }
}
