//! From a design to a bitstream: the open flow, or a project for the vendor's tool. What a family's tools are and what they
//! are told is in its folder of [`crate::families`]; what is the same for all is here.
//!
//! | file in the board's folder | what the open flow puts there |
//! | --- | --- |
//! | `board_top.v`, `board_pll.v`, `uart.v`, `spikegate.v`, `cells.v` | the sources |
//! | `board.lpf`, for an ECP5 | pins and oscillator |
//! | `netlist.json`, `cells.json`, `synth.log` | synthesis |
//! | `placed.json` | the netlist as place and route gets it |
//! | `seed-N.cfg`, `seed-N.json`, `seed-N.log` | place and route, one run per seed until the timing is met |
//! | `seed-N-netlist.json` | the netlist that is placed and routed |
//! | `spikegate.bit`, `pack.log` | the bitstream |
//! | `implementation.json` | [`crate::report::Implementation`] |
//! | `*.step.json` | what each step was made of, see [`crate::step`] |

mod device;
mod error;
mod job;
mod project;
mod run;

pub use error::FlowError;
pub use job::{Job, Options, Planned};
pub use project::project;

pub(crate) use job::{CARRIES, SYNTH};
