//! From a design to a bitstream: boards as data, a board top, and two flows.
//!
//! | module | what |
//! | --- | --- |
//! | [`board`] | what a board file says: part, pins, clocks, host link |
//! | [`text`] | the words in it, which are harmless in commands and sources |
//! | [`boards`] | reading and checking board files |
//! | [`controller`] | controllers of boards' memories |
//! | [`crossing`] | clocks of a core and of its memory, and what is between them |
//! | [`clock`] | the clock that a core gets |
//! | [`families`] | FPGA families and their tools, a folder each |
//! | [`top`] | the board's top module for boards with a UART |
//! | [`tools`] | programs that others made: where they are, and how they run |
//! | [`files`] | reading, up to a size |
//! | [`held`] | a folder that one run at a time fills |
//! | [`step`] | steps that are left out when nothing changed |
//! | [`netlist`] | a netlist that cannot be read |
//! | [`flow`] | the two flows: steps to a bitstream, or a project |
//! | [`gates`] | a netlist as Verilog that simulates |
//! | [`estimate`] | what an array takes, before synthesis |
//! | [`candidates`] | the arrays that are tried for a board |
//! | [`link`] | images a second that a host link carries |
//! | [`mod@explore`] | the arrays that make the most of a board |
//! | [`points`] | what it finds |
//! | `parallel` | work on every core |
//! | [`characterise`] | synthesis of arrays alone, which the estimates rest on |
//! | [`report`] | what place and route says, as numbers |
//! | [`output`] | where a result goes that the user names |
//! | [`shell`] | words of the commands that are printed |
//! | [`image`] | bitstreams that are kept |
//! | [`simulation`] | a board in Verilator behind a serial port |
//! | [`program`] | loading a bitstream into a board |
//!
//! Nothing here prints. Nothing that comes out of here has been loaded into a board.

pub mod board;
pub mod boards;
pub mod candidates;
pub mod characterise;
pub mod clock;
pub mod controller;
pub mod crossing;
pub mod estimate;
pub mod explore;
pub mod families;
pub mod files;
pub mod flow;
pub mod gates;
pub mod held;
pub mod image;
pub mod link;
pub mod netlist;
pub mod output;
mod parallel;
pub mod points;
pub mod program;
pub mod report;
pub mod shell;
pub mod simulation;
pub mod step;
pub mod text;
pub mod tools;
pub mod top;
