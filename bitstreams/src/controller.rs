//! Controllers of boards' memories, which `controllers/make.py` makes of LiteDRAM: what they are made of, how they are
//! joined to a core, and a model of the memory for simulation.

use std::fmt::Write;

use crate::crossing::{self, Clocking};
use serde::Deserialize;
use spikegate_hdl::memory::bring_up::{Recipe, Step};

/// A pin of the memory.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct MemoryPin {
    /// Port of the PHY and of the board's top.
    pub name: String,
    /// The FPGA drives it alone; else the memory does too.
    pub out: bool,
    /// Balls, bit 0 first.
    pub sites: Vec<String>,
    /// IO standard.
    pub io: String,
    /// More that place and route is told of it, each `NAME=VALUE`.
    pub options: Vec<String>,
}

/// A signal between controller and PHY.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Signal {
    name: String,
    bits: usize,
}

/// A command on the way up.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Command {
    control: u8,
    #[serde(default)]
    command: u8,
    #[serde(default)]
    address: u16,
    #[serde(default)]
    bank: u8,
    wait: u32,
}

/// What `make.py` says of a controller.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Controller {
    /// Module of the controller; the PHY's is this and `_phy`.
    pub name: String,
    /// Its clock in MHz, which its PHY makes.
    pub clock_mhz: f64,
    /// Data bits of the port.
    pub axi_bits: usize,
    axi_address_bits: usize,
    /// Byte lanes of the memory.
    pub lanes: usize,
    bitslips: usize,
    taps: usize,
    read_latency: usize,
    write_latency: usize,
    steps: Vec<Command>,
    /// Pins of the memory.
    pub pins: Vec<MemoryPin>,
    dfi: Vec<Signal>,
    #[serde(skip)]
    files: Files,
}

/// Verilog of the controller and of its PHY.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Files {
    controller: &'static str,
    phy: &'static str,
}

macro_rules! controllers {
    ($($name:literal),+) => {
        [$(($name, include_str!(concat!("../controllers/", $name, ".json")), Files {
            controller: include_str!(concat!("../controllers/", $name, ".v")),
            phy: include_str!(concat!("../controllers/", $name, "_phy.v")),
        })),+]
    };
}

/// Name, description, and Verilog of each.
const TABLE: [(&str, &str, Files); 1] = controllers!["litedram_ecpix5"];

/// Names of all.
pub fn names() -> Vec<&'static str> {
    TABLE.iter().map(|(name, ..)| *name).collect()
}

/// Model of PHY and memory in simulation, behind the head of the PHY's module.
const DDR3: &str = include_str!("simulation/ddr3.v");
/// Transfers that the model holds.
const MODEL_WORDS: usize = 1 << 22;

/// The command that sets a mode register.
const SET_MODE: u8 = 15;

/// The controller of a name.
pub fn of(name: &str) -> Option<Controller> {
    let (_, text, files) = TABLE.iter().find(|(known, ..)| *known == name)?;
    // A test reads them all.
    let mut controller: Controller = serde_json::from_str(text).ok()?;
    controller.files = *files;
    Some(controller)
}

impl Controller {
    /// How a core with this clock is joined to it. At the same frequency there is one clock: without queues a transfer is there
    /// some cycles earlier, and the planner's model of the memory is what was measured.
    pub fn clocking(&self, core_mhz: f64) -> Clocking {
        if core_mhz == self.clock_mhz {
            Clocking::Shared
        } else {
            Clocking::Crossed
        }
    }

    /// What brings the memory up.
    pub fn recipe(&self) -> Recipe {
        let step = |c: &Command| Step {
            control: c.control,
            command: c.command,
            address: c.address,
            bank: c.bank,
            wait: c.wait,
        };
        Recipe {
            bits: self.axi_bits,
            lanes: self.lanes,
            slips: self.bitslips,
            taps: self.taps,
            steps: self.steps.iter().map(step).collect(),
        }
    }

    /// Verilog of the controller and of the PHY for the FPGA, and of what is between clocks.
    pub fn sources(&self, clocking: Clocking) -> Vec<(&'static str, String)> {
        let own = [("controller.v", self.files.controller.to_owned()), ("phy.v", self.files.phy.to_owned())];
        own.into_iter().chain(crossing::sources(clocking)).collect()
    }

    /// As [`Controller::sources`], with a model of PHY and memory in the PHY's place. Two clocks come from whoever simulates: at
    /// every change of the oscillator's pin their levels are asked of the functions `core_clock` and `memory_clock`.
    pub fn simulated(&self, clocking: Clocking) -> Vec<(&'static str, String)> {
        // Others wrote and generated it: it is not ours to lint.
        let quiet = |text: &str| {
            let rules = ["WIDTH", "UNUSED", "CASEINCOMPLETE", "COMBDLY", "UNOPTFLAT", "BLKSEQ", "UNDRIVEN"];
            let off: String = rules.iter().map(|rule| format!("/* verilator lint_off {rule} */\n")).collect();
            let on: String = rules.iter().map(|rule| format!("/* verilator lint_on {rule} */\n")).collect();
            format!("{off}{text}{on}")
        };
        let head = self.files.phy.split_once(");\n").map_or("", |(head, _)| head);
        let mode = |bank: u8| {
            let set = self.steps.iter().find(|step| step.command == SET_MODE && step.bank == bank);
            set.map_or(0, |step| step.address).to_string()
        };
        let mut body = DDR3.to_owned();
        for (key, value) in [
            ("lanes", self.lanes.to_string()),
            ("words", MODEL_WORDS.to_string()),
            ("depth", (MODEL_WORDS.ilog2() - 1).to_string()),
            ("read", self.read_latency.to_string()),
            ("write", self.write_latency.to_string()),
            ("mhz", format!("{:.0}", self.clock_mhz)),
            ("clock", crossing::clock(clocking, "memory_clock")),
            ("address", (self.bits("dfi_p0_address") - 1).to_string()),
            ("mr0", mode(0)),
            ("mr1", mode(1)),
            ("mr2", mode(2)),
            ("mr3", mode(3)),
        ] {
            body = body.replace(&format!("@{key}@"), &value);
        }
        let model = format!("{head});\n{body}");
        let own = [("controller.v", quiet(self.files.controller)), ("phy.v", quiet(&model))];
        own.into_iter().chain(crossing::sources(clocking)).collect()
    }

    fn bits(&self, signal: &str) -> usize {
        self.dfi.iter().find(|s| s.name == signal).map_or(1, |s| s.bits)
    }

    /// The pins as ports of the board's top.
    pub fn ports(&self) -> Vec<String> {
        let port = |pin: &MemoryPin| {
            let direction = if pin.out { "output" } else { "inout" };
            let range = match pin.sites.len() {
                1 => String::new(),
                n => format!("[{}:0] ", n - 1),
            };
            format!("  {direction} wire {range}{}, // memory", pin.name)
        };
        self.pins.iter().map(port).collect()
    }

    /// PHY, controller and bring-up in the board's top: clock and reset of the core (`clk` and `rst`) come from here, and with
    /// [`Clocking::Crossed`] its clock generator and the queues too. The core's port is `core_*`; `memory_seen` says to it how the
    /// memory fares; `pressed` is the expression of the pressed button.
    pub fn instances(&self, pressed: &str, clocking: Clocking) -> String {
        let (head, port, clock, released, reset) = match clocking {
            Clocking::Shared => (SHARED, "core", "clk", "rst", "rst"),
            Clocking::Crossed => (CROSSED, "port", "memory_clk", "phy_rst", "memory_rst"),
        };
        let mut out = String::new();
        let range = |bits: usize| if bits == 1 { String::new() } else { format!("[{}:0] ", bits - 1) };
        for Signal { name, bits } in &self.dfi {
            // Writing to a string cannot fail, here and below.
            let _ = writeln!(out, "  wire {}{name};", range(*bits));
        }
        let joined = |names: &mut dyn Iterator<Item = &str>| {
            names.map(|name| format!(".{name}({name})")).collect::<Vec<_>>().join(", ")
        };
        let dfi = joined(&mut self.dfi.iter().map(|s| s.name.as_str()));
        let pins = joined(&mut self.pins.iter().map(|p| p.name.as_str()));
        let words = self.axi_bits / 32;
        let split = |port: &str, net: &str| {
            let word = |k: usize| format!(".{port}_{k}({net}[{}:{}])", 32 * k + 31, 32 * k);
            (0..words).map(word).collect::<Vec<_>>().join(", ")
        };
        let address = self.axi_address_bits - 1;
        let ports = match clocking {
            Clocking::Shared => vec!["core"],
            Clocking::Crossed => vec!["core", "port"],
        };
        let ports: String = ports.iter().map(|side| PORT.replace("@side@", side)).collect();
        let text = [&ports, head, INSTANCES]
            .concat()
            .replace("@port@", port)
            .replace("@clk@", clock)
            .replace("@released@", released)
            .replace("@rst@", reset)
            .replace("@all@", &self.axi_bits.to_string())
            .replace("@name@", &self.name)
            .replace("@pressed@", pressed)
            .replace("@dfi@", &dfi)
            .replace("@pins@", &pins)
            .replace("@lanes@", &(self.lanes - 1).to_string())
            .replace("@bits@", &(self.axi_bits - 1).to_string())
            .replace("@bytes@", &(self.axi_bits / 8 - 1).to_string())
            .replace("@size@", &(self.axi_bits / 8).ilog2().to_string())
            .replace("@address@", &address.to_string())
            .replace("@a@", &(self.bits("dfi_p0_address") - 1).to_string())
            .replace("@ba@", &(self.bits("dfi_p0_bank") - 1).to_string())
            .replace("@core_wdata@", &split("core_wdata", &format!("{port}_wdata")))
            .replace("@memory_wdata@", &split("memory_wdata", "memory_wdata"))
            .replace("@memory_rdata@", &split("memory_rdata", &format!("{port}_rdata")));
        out + &text
    }
}

/// Nets of a core's port.
const PORT: &str = r"  wire [31:0] @side@_araddr, @side@_awaddr;
  wire [7:0] @side@_arlen, @side@_awlen;
  wire [@bits@:0] @side@_wdata, @side@_rdata;
  wire [1:0] @side@_rresp, @side@_bresp;
  wire @side@_arid, @side@_arvalid, @side@_arready, @side@_rid, @side@_rlast, @side@_rvalid, @side@_rready;
  wire @side@_awid, @side@_awvalid, @side@_awready, @side@_wlast, @side@_wvalid, @side@_wready;
  wire @side@_bid, @side@_bvalid, @side@_bready;
";

/// A core on the controller's clock.
const SHARED: &str = r"  wire clk, rst, clk_locked;
  wire [31:0] memory_status;
  wire [31:0] memory_seen = memory_status;
";

/// A core on a clock of its own. Both are in reset together: while the button is pressed, or a clock generator or the PHY is not
/// ready.
const CROSSED: &str = r"  wire clk, rst, locked;
  wire memory_clk, memory_rst, memory_clk_locked, phy_rst;
  board_pll pll (.clkin(clock), .clkout(clk), .locked(locked));
  wire not_ready = @pressed@ | !locked | phy_rst;
  spikegate_crossing_reset core_reset (.clk(clk), .hold(not_ready), .rst(rst));
  spikegate_crossing_reset memory_reset (.clk(memory_clk), .hold(not_ready), .rst(memory_rst));
  wire [31:0] memory_status, memory_seen;
  spikegate_crossing #(.ADDRESS(32), .DATA(@all@)) crossing (
    .core_clk(clk), .core_rst(rst), .memory_clk(memory_clk), .memory_rst(memory_rst),
    .memory_status(memory_status), .core_status(memory_seen),
    .core_araddr(core_araddr), .core_arlen(core_arlen), .core_arid(core_arid), .core_arvalid(core_arvalid),
    .core_arready(core_arready), .core_rdata(core_rdata), .core_rresp(core_rresp), .core_rid(core_rid),
    .core_rlast(core_rlast), .core_rvalid(core_rvalid), .core_rready(core_rready),
    .core_awaddr(core_awaddr), .core_awlen(core_awlen), .core_awid(core_awid), .core_awvalid(core_awvalid),
    .core_awready(core_awready), .core_wdata(core_wdata), .core_wlast(core_wlast), .core_wvalid(core_wvalid),
    .core_wready(core_wready), .core_bresp(core_bresp), .core_bid(core_bid), .core_bvalid(core_bvalid),
    .core_bready(core_bready),
    .memory_araddr(port_araddr), .memory_arlen(port_arlen), .memory_arid(port_arid), .memory_arvalid(port_arvalid),
    .memory_arready(port_arready), .memory_rdata(port_rdata), .memory_rresp(port_rresp), .memory_rid(port_rid),
    .memory_rlast(port_rlast), .memory_rvalid(port_rvalid), .memory_rready(port_rready),
    .memory_awaddr(port_awaddr), .memory_awlen(port_awlen), .memory_awid(port_awid), .memory_awvalid(port_awvalid),
    .memory_awready(port_awready), .memory_wdata(port_wdata), .memory_wlast(port_wlast), .memory_wvalid(port_wvalid),
    .memory_wready(port_wready), .memory_bresp(port_bresp), .memory_bid(port_bid), .memory_bvalid(port_bvalid),
    .memory_bready(port_bready)
  );
";

const INSTANCES: &str = r"  wire [@lanes@:0] level_lanes;
  wire level_slip_first, level_slip_next, level_tap_first, level_tap_next;
  @name@_phy phy (
    .clkin(clock), .rst(@pressed@), .clkout(@clk@), .rstout(@released@), .locked(@clk@_locked),
    .level_lanes(level_lanes), .level_slip_first(level_slip_first), .level_slip_next(level_slip_next),
    .level_tap_first(level_tap_first), .level_tap_next(level_tap_next),
    @dfi@,
    @pins@
  );

  wire init_sel, init_issue;
  wire [2:0] init_control;
  wire [3:0] init_command;
  wire [15:0] init_address;
  wire [2:0] init_bank;
  wire [31:0] memory_araddr, memory_awaddr;
  wire [7:0] memory_arlen, memory_awlen;
  wire [@bits@:0] memory_wdata;
  wire memory_arid, memory_arvalid, memory_arready, memory_rvalid, memory_rready;
  wire memory_awid, memory_awvalid, memory_awready, memory_wlast, memory_wvalid, memory_wready;
  wire memory_bvalid, memory_bready;
  @name@ controller (
    .clk(@clk@), .rst(@rst@),
    .init_sel(init_sel), .init_issue(init_issue), .init_control(init_control), .init_command(init_command),
    .init_address(init_address[@a@:0]), .init_bank(init_bank[@ba@:0]),
    .s_axi_araddr(memory_araddr[@address@:0]), .s_axi_arlen(memory_arlen), .s_axi_arid(memory_arid),
    .s_axi_arsize(3'd@size@), .s_axi_arburst(2'd1), .s_axi_arvalid(memory_arvalid), .s_axi_arready(memory_arready),
    .s_axi_rdata(@port@_rdata), .s_axi_rresp(@port@_rresp), .s_axi_rid(@port@_rid), .s_axi_rlast(@port@_rlast),
    .s_axi_rvalid(memory_rvalid), .s_axi_rready(memory_rready),
    .s_axi_awaddr(memory_awaddr[@address@:0]), .s_axi_awlen(memory_awlen), .s_axi_awid(memory_awid),
    .s_axi_awsize(3'd@size@), .s_axi_awburst(2'd1), .s_axi_awvalid(memory_awvalid), .s_axi_awready(memory_awready),
    .s_axi_wdata(memory_wdata), .s_axi_wstrb({@bytes@+1{1'b1}}), .s_axi_wlast(memory_wlast),
    .s_axi_wvalid(memory_wvalid), .s_axi_wready(memory_wready),
    .s_axi_bresp(@port@_bresp), .s_axi_bid(@port@_bid), .s_axi_bvalid(memory_bvalid), .s_axi_bready(memory_bready),
    @dfi@
  );
  spikegate_bring_up bring_up (
    .clk(@clk@), .rst(@rst@),
    .init_sel(init_sel), .init_issue(init_issue), .init_control(init_control), .init_command(init_command),
    .init_address(init_address), .init_bank(init_bank),
    .level_lanes(level_lanes), .level_slip_first(level_slip_first), .level_slip_next(level_slip_next),
    .level_tap_first(level_tap_first), .level_tap_next(level_tap_next),
    .s_axi_araddr(@port@_araddr), .s_axi_arlen(@port@_arlen), .s_axi_arid(@port@_arid), .s_axi_arvalid(@port@_arvalid),
    .s_axi_arready(@port@_arready), .s_axi_rvalid(@port@_rvalid), .s_axi_rready(@port@_rready),
    .s_axi_awaddr(@port@_awaddr), .s_axi_awlen(@port@_awlen), .s_axi_awid(@port@_awid), .s_axi_awvalid(@port@_awvalid),
    .s_axi_awready(@port@_awready), .s_axi_wlast(@port@_wlast), .s_axi_wvalid(@port@_wvalid), .s_axi_wready(@port@_wready),
    .s_axi_bvalid(@port@_bvalid), .s_axi_bready(@port@_bready),
    .m_axi_araddr(memory_araddr), .m_axi_arlen(memory_arlen), .m_axi_arid(memory_arid), .m_axi_arvalid(memory_arvalid),
    .m_axi_arready(memory_arready), .m_axi_rlast(@port@_rlast), .m_axi_rvalid(memory_rvalid), .m_axi_rready(memory_rready),
    .m_axi_awaddr(memory_awaddr), .m_axi_awlen(memory_awlen), .m_axi_awid(memory_awid), .m_axi_awvalid(memory_awvalid),
    .m_axi_awready(memory_awready), .m_axi_wlast(memory_wlast), .m_axi_wvalid(memory_wvalid), .m_axi_wready(memory_wready),
    .m_axi_bvalid(memory_bvalid), .m_axi_bready(memory_bready),
    @core_wdata@,
    @memory_wdata@,
    @memory_rdata@,
    .status(memory_status)
  );
";
