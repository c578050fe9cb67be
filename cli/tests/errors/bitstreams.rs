//! Errors of bitstreams, one of each variant.

use spikegate_bitstreams::boards::BoardError;
use spikegate_bitstreams::clock::{ClockError, PllError};
use spikegate_bitstreams::estimate::table::TableError;
use spikegate_bitstreams::explore::ExploreError;
use spikegate_bitstreams::families::{ecp5::Ecp5, OpenTools, VendorError};
use spikegate_bitstreams::files::FileError;
use spikegate_bitstreams::flow::FlowError;
use spikegate_bitstreams::held::FolderError;
use spikegate_bitstreams::image::ImageError;
use spikegate_bitstreams::netlist::NetlistError;
use spikegate_bitstreams::program::ProgramError;
use spikegate_bitstreams::report::{Clock, ReportError};
use spikegate_bitstreams::simulation::SimulationError;
use spikegate_bitstreams::tools::{ToolError, YOSYS};
use spikegate_bitstreams::top::TopError;
use spikegate_contract::bundle::BundleError;
use spikegate_hdl::lang::verilog::LintError;

use super::{io, list, Listed};

pub fn all() -> Vec<Listed> {
    vec![
        list(
            "FileError",
            include_str!("../../../bitstreams/src/files.rs"),
            [FileError { action: "ACTION", path: "PATH".into(), source: io() }],
        ),
        list(
            "FolderError",
            include_str!("../../../bitstreams/src/held.rs"),
            [
                FolderError::Busy { path: "PATH".into() },
                FolderError::NotOurs { path: "PATH".into() },
                FolderError::File(FileError { action: "read", path: "PATH".into(), source: io() }),
            ],
        ),
        list(
            "ToolError",
            include_str!("../../../bitstreams/src/tools.rs"),
            [
                ToolError::Missing { tool: &YOSYS },
                ToolError::Start { path: "PATH".into(), source: io() },
                ToolError::Failed {
                    tool: Ecp5.place(),
                    status: "STATUS".into(),
                    said: "SAID".into(),
                    log: "LOG".into(),
                },
                ToolError::Old {
                    tool: &YOSYS,
                    program: "PROGRAM".into(),
                    got: "GOT".into(),
                    expected: "EXPECTED",
                },
                ToolError::Log { path: "PATH".into(), source: io() },
            ],
        ),
        list(
            "BoardError",
            include_str!("../../../bitstreams/src/boards.rs"),
            [
                BoardError::Unknown {
                    name: "NAME".into(),
                    known: vec!["KNOWN"],
                    nearest: Some("NEAREST".into()),
                },
                BoardError::File(FileError { action: "read", path: "PATH".into(), source: io() }),
                BoardError::Syntax { origin: "ORIGIN".into(), message: "MESSAGE".into() },
                BoardError::Key {
                    origin: "ORIGIN".into(),
                    line: 5,
                    key: "KEY".into(),
                    nearest: Some("NEAREST".into()),
                    valid: "VALID".into(),
                },
                BoardError::Value {
                    origin: "ORIGIN".into(),
                    field: "FIELD".into(),
                    got: "GOT".into(),
                    expected: "EXPECTED".into(),
                },
            ],
        ),
        list(
            "PllError",
            include_str!("../../../bitstreams/src/clock.rs"),
            [
                PllError::Range { what: "WHAT", got: 3.5, low: 8.5, high: 5.5 },
                PllError::Far { wanted: 7.5, input: 6.5, nearest: 8.5 },
            ],
        ),
        list(
            "ClockError",
            include_str!("../../../bitstreams/src/clock.rs"),
            [
                ClockError::Pll(PllError::Far { wanted: 7.5, input: 6.5, nearest: 8.5 }),
                ClockError::Line(TopError::NoUart { board: "BOARD".into() }),
                ClockError::Fixed { board: "BOARD".into(), mhz: 8.5, fixed: 6.5 },
            ],
        ),
        list(
            "TopError",
            include_str!("../../../bitstreams/src/top.rs"),
            [
                TopError::Memory { board: "BOARD".into(), bits: 5 },
                TopError::MemoryBits { board: "BOARD".into(), bits: 5, expected: 6 },
                TopError::NoUart { board: "BOARD".into() },
                TopError::Baud { board: "BOARD".into(), baud: 5, mhz: 8.5, divider: 8, got: 3.5 },
            ],
        ),
        list(
            "NetlistError",
            include_str!("../../../bitstreams/src/netlist.rs"),
            [NetlistError { path: "PATH".into(), what: "WHAT".into() }],
        ),
        list(
            "ReportError",
            include_str!("../../../bitstreams/src/report.rs"),
            [ReportError::Form { path: "PATH".into(), message: "MESSAGE".into() }],
        ),
        list(
            "ImageError",
            include_str!("../../../bitstreams/src/image.rs"),
            [
                ImageError::File(FileError { action: "ACTION", path: "PATH".into(), source: io() }),
                ImageError::Form { path: "PATH".into(), what: "WHAT".into() },
                ImageError::Name { path: "PATH".into() },
                ImageError::NotOurs { path: "PATH".into() },
                ImageError::Changed { path: "PATH".into() },
            ],
        ),
        list(
            "FlowError",
            include_str!("../../../bitstreams/src/flow/error.rs"),
            [
                FlowError::Board { board: "BOARD".into() },
                FlowError::Top(TopError::Memory { board: "BOARD".into(), bits: 5 }),
                FlowError::Clock(ClockError::Fixed { board: "BOARD".into(), mhz: 8.5, fixed: 6.5 }),
                FlowError::Tool(ToolError::Missing { tool: &YOSYS }),
                FlowError::File(FileError { action: "ACTION", path: "PATH".into(), source: io() }),
                FlowError::Report(ReportError::Form { path: "PATH".into(), message: "MESSAGE".into() }),
                FlowError::Bridge(LintError { module: "MODULE".into(), problem: "PROBLEM".into() }),
                FlowError::TooLarge {
                    board: "BOARD".into(),
                    what: "WHAT".into(),
                    used: 5,
                    available: 6,
                    smaller: Some("SMALLER".into()),
                },
                FlowError::Netlist(NetlistError { path: "PATH".into(), what: "WHAT".into() }),
                FlowError::Timing {
                    board: "BOARD".into(),
                    wanted: 7.5,
                    best: 5.5,
                    seed: 5,
                    path: "PATH".into(),
                    tried: vec![],
                },
                FlowError::OtherClock {
                    board: "BOARD".into(),
                    clock: Clock { name: "CLOCK".into(), mhz: 7.5, fmax_mhz: 5.5 },
                    seed: 5,
                    seeds: 6,
                },
                FlowError::Constraint { wanted: 7.5, got: 3.5 },
            ],
        ),
        list(
            "VendorError",
            include_str!("../../../bitstreams/src/families/vendor.rs"),
            [
                VendorError::Board { board: "BOARD".into() },
                VendorError::Clock(ClockError::Fixed { board: "BOARD".into(), mhz: 8.5, fixed: 6.5 }),
                VendorError::Memory { board: "BOARD".into(), bits: 5 },
                VendorError::Stages(LintError { module: "MODULE".into(), problem: "PROBLEM".into() }),
            ],
        ),
        list(
            "ProgramError",
            include_str!("../../../bitstreams/src/program.rs"),
            [
                ProgramError::None { board: "BOARD".into(), path: "PATH".into(), make: "MAKE".into() },
                ProgramError::Other {
                    path: "PATH".into(),
                    field: "FIELD",
                    got: "GOT".into(),
                    expected: "EXPECTED".into(),
                },
                ProgramError::Vivado { board: "BOARD".into(), bitstream: "BITSTREAM".into() },
                ProgramError::Cable { board: "BOARD".into() },
                ProgramError::Loader { status: "STATUS".into(), said: "SAID".into() },
                ProgramError::Report(Box::new(BundleError::NotAFile { path: "PATH".into() })),
                ProgramError::File(FileError { action: "ACTION", path: "PATH".into(), source: io() }),
                ProgramError::Image(ImageError::Form { path: "PATH".into(), what: "WHAT".into() }),
                ProgramError::Tool(ToolError::Missing { tool: &YOSYS }),
            ],
        ),
        list(
            "SimulationError",
            include_str!("../../../bitstreams/src/simulation.rs"),
            [
                SimulationError::File(FileError { action: "ACTION", path: "PATH".into(), source: io() }),
                SimulationError::Tool(ToolError::Missing { tool: &YOSYS }),
                SimulationError::Top(TopError::Memory { board: "BOARD".into(), bits: 5 }),
                SimulationError::Netlist(NetlistError { path: "PATH".into(), what: "WHAT".into() }),
                SimulationError::Bridge(LintError { module: "MODULE".into(), problem: "PROBLEM".into() }),
                SimulationError::NoNetlist { path: "PATH".into() },
                SimulationError::Other { path: "PATH".into() },
                SimulationError::Stopped { program: "PROGRAM".into(), what: "WHAT".into() },
            ],
        ),
        list(
            "TableError",
            include_str!("../../../bitstreams/src/estimate/table.rs"),
            [TableError { line: 5, what: "WHAT".into() }],
        ),
        list(
            "ExploreError",
            include_str!("../../../bitstreams/src/explore.rs"),
            [
                ExploreError::TooLarge {
                    board: "BOARD".into(),
                    size: "SIZE".into(),
                    what: "WHAT",
                    needed: 7,
                    available: 6,
                    name: "NAME",
                    most: 9,
                    unconnected: true,
                },
                ExploreError::External { board: "BOARD".into(), needed: 56 << 20, available: 32 << 20 },
                ExploreError::Plan {
                    board: "BOARD".into(),
                    cause: "CAUSE".into(),
                    todo: Some("TODO".into()),
                },
            ],
        ),
    ]
}
