//! Every reader of files and every answer of a device, given arbitrary bytes.
//!
//! A target takes bytes and says whether they are good, whatever they are: a panic, a hang, memory without bound or a wrong result that is taken
//! for a right one are faults. `tests/short.rs` gives each target its seeds with random damage; the program, built with the
//! feature `coverage`, lets libFuzzer go on from there.

mod data;
mod designs;
mod devices;
mod models;
mod records;
mod scratch;
mod sockets;

/// What takes bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Takes them, and says whether they got through to the end.
    pub run: fn(&[u8]) -> bool,
    /// Inputs to begin with, which all get through.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 16] = [
    Target { name: "safetensors", run: models::safetensors, seeds: models::safetensors_seeds },
    Target { name: "pth", run: models::pth, seeds: models::pth_seeds },
    Target { name: "constants", run: models::constants, seeds: models::constants_seeds },
    Target { name: "images", run: data::images, seeds: data::image_seeds },
    Target { name: "design", run: designs::design, seeds: designs::design_seeds },
    Target { name: "shard", run: records::shard, seeds: records::shard_seeds },
    Target { name: "board", run: records::board, seeds: records::board_seeds },
    Target { name: "image-toml", run: records::image_toml, seeds: records::image_toml_seeds },
    Target { name: "netlist", run: records::netlist, seeds: records::netlist_seeds },
    Target { name: "reports", run: records::reports, seeds: records::report_seeds },
    Target { name: "replay", run: devices::replay, seeds: devices::replay_seeds },
    Target { name: "serial", run: devices::serial, seeds: devices::serial_seeds },
    Target { name: "board-on-a-line", run: devices::line, seeds: devices::line_seeds },
    Target { name: "driver-of-a-card", run: sockets::card, seeds: sockets::card_seeds },
    Target { name: "card-of-a-driver", run: sockets::server, seeds: sockets::server_seeds },
    Target { name: "session", run: devices::session, seeds: devices::session_seeds },
];
