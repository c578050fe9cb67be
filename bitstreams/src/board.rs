//! What a board file says: one TOML file per board, with the source of its facts in its first lines. [`crate::boards`]
//! reads them; `BOARDS.md` lists every key.

use serde::{Deserialize, Serialize};
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::dram::Dram;

use crate::controller::{self, Controller};
use crate::crossing::Clocking;
use crate::text::{Property, Title, Word};

/// Version of board files. Raised on any change that a reader could notice.
pub const BOARD_VERSION: u32 = 1;

/// How a board's bitstream is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flow {
    /// Yosys, nextpnr and ecppack, run here to the end.
    Open,
    /// A project for the vendor's tool, run by the user.
    Vendor,
}

/// The FPGA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Name of its family, see [`crate::families`].
    pub family: String,
    /// Full part number, as the vendor's tool takes it.
    pub part: Word,
    /// Device option of nextpnr-ecp5 without dashes, such as `85k`; open flow only.
    pub size: Option<Word>,
    /// Package.
    pub package: Word,
    /// Speed grade.
    pub speed: Word,
}

/// What the FPGA holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Look-up tables.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block memories.
    pub bram: u64,
    /// What one is.
    pub bram_name: Title,
    /// Multiplier blocks.
    pub dsp: u64,
    /// What one is.
    pub dsp_name: Title,
}

/// The oscillator that the core's clock comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockSource {
    /// Frequency in MHz.
    pub mhz: f64,
}

/// How a host reaches the core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "link", rename_all = "lowercase", deny_unknown_fields)]
pub enum Host {
    /// A serial line; the protocol is `contract::uart`.
    Uart {
        /// Bits a second.
        baud: u32,
    },
    /// PCI Express through the vendor's XDMA block.
    Pcie {
        /// Lanes: 1, 2, 4, 8 or 16.
        lanes: u8,
        /// 1, 2 or 3.
        generation: u8,
        /// Data bits of the block's AXI4-Streams.
        axi_bits: u32,
        /// PCI device number.
        device_id: u16,
        /// Place of the PCIe block.
        location: Word,
        /// Transceiver quad, where the tool cannot know it.
        quad: Option<Word>,
        /// Transceivers of the lanes from lane 0 on, where the board does not follow the block's order.
        #[serde(default)]
        channels: Vec<Word>,
    },
}

/// A tool that loads bitstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loader {
    /// openFPGALoader.
    #[serde(rename = "openFPGALoader")]
    OpenFpgaLoader,
    /// Vivado's hardware manager.
    #[serde(rename = "vivado")]
    Vivado,
}

/// What loads a bitstream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programmer {
    /// The tool.
    pub tool: Loader,
    /// The tool's name for the board.
    pub board: Option<Word>,
    /// The tool's name for the part, for boards that it does not know.
    pub part: Option<Word>,
}

/// Level at which a signal is active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Active high.
    #[default]
    High,
    /// Active low.
    Low,
}

/// Resistor at a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pull {
    /// To the supply.
    Up,
    /// To ground.
    Down,
}

/// A pin of the FPGA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Ball of the package.
    pub site: Word,
    /// IO standard; transceiver pins have none.
    pub io: Option<Word>,
    /// Active level.
    #[serde(default)]
    pub active: Level,
    /// Resistor.
    pub pull: Option<Pull>,
    /// Drive strength in mA.
    pub drive: Option<u8>,
}

/// Pins by what they do; which ones a board must have depends on its host link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// Oscillator.
    pub clock: Option<Pin>,
    /// Reset button.
    pub reset: Option<Pin>,
    /// Serial data to the FPGA.
    pub uart_rx: Option<Pin>,
    /// Serial data from the FPGA.
    pub uart_tx: Option<Pin>,
    /// PCIe reference clock.
    pub pcie_clock_p: Option<Pin>,
    /// PCIe reference clock, inverted.
    pub pcie_clock_n: Option<Pin>,
    /// PCIe reset.
    pub pcie_reset_n: Option<Pin>,
    /// PCIe clock request, where the board wires it.
    pub pcie_clkreq_n: Option<Pin>,
}

/// A memory beside the FPGA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// What it is.
    pub kind: Title,
    /// Data bits.
    pub bits: u32,
    /// Size.
    pub mebibytes: u64,
    /// Whether the board's top connects the core to it.
    pub connected: bool,
    /// What the core meets behind the memory's controller, where that is known.
    pub port: Option<Port>,
    /// The controller that the board's top connects it with, see [`crate::controller`].
    pub controller: Option<Word>,
    /// How it answers behind that controller, as measured, in cycles of the controller.
    pub timing: Option<Dram>,
}

/// A memory as a core sees it, in cycles of the core: an estimate with two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Data bits of the port: a power of two from 32 to 512.
    pub bits: usize,
    /// Cycles from a read address to its first data.
    pub latency: u64,
    /// Bytes that come in a cycle.
    pub bytes_per_cycle: f64,
}

impl Port {
    /// As the planner counts with it.
    pub fn model(&self) -> MemoryModel {
        MemoryModel {
            latency: self.latency,
            bytes_per_1000_cycles: (1000.0 * self.bytes_per_cycle).round() as u64,
        }
    }
}

/// What only the vendor's flow needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// Properties of the design, each "NAME VALUE".
    #[serde(default)]
    pub properties: Vec<Property>,
}

/// A board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// [`BOARD_VERSION`].
    pub format_version: u32,
    /// What a user writes.
    pub id: String,
    /// What people call it.
    pub name: Title,
    /// Flow.
    pub flow: Flow,
    /// Clock of the core in MHz unless the user asks for another one.
    pub core_mhz: f64,
    /// The FPGA.
    pub device: Device,
    /// What it holds.
    pub resources: Resources,
    /// Oscillator or reference clock.
    pub clock: ClockSource,
    /// Host link.
    pub host: Host,
    /// What loads a bitstream.
    pub programmer: Programmer,
    /// Pins.
    pub pins: Pins,
    /// Lamps that show the core's state, see [`crate::top`].
    #[serde(default)]
    pub leds: Vec<Pin>,
    /// Memories beside the FPGA.
    #[serde(default)]
    pub memories: Vec<Memory>,
    /// What only the vendor's flow needs.
    #[serde(default)]
    pub vendor: Vendor,
}

impl Board {
    /// The port to a memory that the board's top connects; of any memory for a top of one's own.
    pub fn port(&self, own_top: bool) -> Option<Port> {
        self.memories.iter().filter(|memory| memory.connected || own_top).find_map(|memory| memory.port)
    }

    /// Bytes of the memory behind a port of so many bits; none where the board has no such port.
    pub fn capacity(&self, bits: usize) -> Option<u64> {
        let behind = |memory: &&Memory| memory.port.is_some_and(|port| port.bits == bits);
        self.memories.iter().find(behind).map(|memory| memory.mebibytes << 20)
    }

    /// How the memory that the board's top connects answers a core with a clock of so many MHz, in cycles of the core.
    pub fn timing(&self, core_mhz: f64) -> Option<Dram> {
        let timing = self.memories.iter().find(|memory| memory.connected)?.timing?;
        let controller = self.controller()?;
        Some(match controller.clocking(core_mhz) {
            Clocking::Shared => timing,
            Clocking::Crossed => timing.crossed(core_mhz, controller.clock_mhz),
        })
    }

    /// The controller of the memory that the board's top connects.
    pub fn controller(&self) -> Option<Controller> {
        let memory = self.memories.iter().find(|memory| memory.connected)?;
        controller::of(memory.controller.as_ref()?)
    }

    /// All pins with the names of the top's ports.
    pub fn all_pins(&self) -> Vec<(String, &Pin)> {
        let p = &self.pins;
        let named = [
            ("clock", &p.clock),
            ("reset", &p.reset),
            ("uart_rx", &p.uart_rx),
            ("uart_tx", &p.uart_tx),
            ("pcie_clock_p", &p.pcie_clock_p),
            ("pcie_clock_n", &p.pcie_clock_n),
            ("pcie_reset_n", &p.pcie_reset_n),
            ("pcie_clkreq_n", &p.pcie_clkreq_n),
        ];
        let named = named.into_iter().filter_map(|(name, pin)| Some((name.to_owned(), pin.as_ref()?)));
        named.chain(self.leds.iter().enumerate().map(|(i, pin)| (format!("led[{i}]"), pin))).collect()
    }
}
