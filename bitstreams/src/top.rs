//! The board's top for boards with a UART: pins, clock generator, reset synchroniser, UART bridge, core; with a design
//! that wants one the memory too, whose controller makes the clock then.
//!
//! | lamp | shows |
//! | --- | --- |
//! | 0 | the core's clock runs: blinks about once a second at 33 MHz |
//! | 1 | a frame was damaged on the line since the reset |
//! | 2 | the core's interrupt |
//! | 3 | the core is out of reset |

use std::borrow::Cow;
use std::fmt::Write;
use thiserror::Error;

use crate::board::{Board, Host, Level};
use crate::controller::Controller;
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::uart::LEAST_DIVIDER;

/// Module of the board's top.
pub const BOARD_TOP: &str = "board_top";
/// Most that the line's speed may be off, as a share: half of what an 8-bit character tolerates.
const SPEED_TOLERANCE: f64 = 0.02;

/// A design that does not fit a board's top.
#[derive(Debug, Error, PartialEq)]
pub enum TopError {
    /// The design wants an external memory.
    #[error("the design has a memory port of {bits} bits, but the top of board {board} connects no memory")]
    Memory {
        /// Board.
        board: String,
        /// Port.
        bits: usize,
    },
    /// The port is another one.
    #[error("the design has a memory port of {bits} bits, the memory of board {board} one of {expected}")]
    MemoryBits {
        /// Board.
        board: String,
        /// Of the design.
        bits: usize,
        /// Of the board.
        expected: usize,
    },
    /// The host link is another one.
    #[error("board {board} has no UART")]
    NoUart {
        /// Board.
        board: String,
    },
    /// The clock does not make the line's speed.
    #[error(
        "board {board}: {baud} baud from a core clock of {mhz} MHz is {divider} cycles a bit, which is {got:.0} \
         baud; expected at least {LEAST_DIVIDER} cycles and at most 2 % off"
    )]
    Baud {
        /// Board.
        board: String,
        /// Wanted.
        baud: u32,
        /// Core clock.
        mhz: f64,
        /// Cycles of a bit.
        divider: u32,
        /// What comes out.
        got: f64,
    },
}

/// Clock cycles of a bit on the line.
///
/// # Errors
/// The board has no UART, or its speed cannot be made.
pub fn divider(board: &Board, mhz: f64) -> Result<u32, TopError> {
    let Host::Uart { baud } = board.host else {
        return Err(TopError::NoUart { board: board.id.clone() });
    };
    let exact = 1e6 * mhz / f64::from(baud);
    let divider = exact.round() as u32;
    let got = 1e6 * mhz / f64::from(divider.max(1));
    let off = (got / f64::from(baud) - 1.0).abs();
    if !(LEAST_DIVIDER..1 << 16).contains(&divider) || off > SPEED_TOLERANCE {
        return Err(TopError::Baud { board: board.id.clone(), baud, mhz, divider, got });
    }
    Ok(divider)
}

/// The Verilog of the board's top for a clock of the core in MHz.
///
/// # Errors
/// The design needs what the board's top does not have.
pub fn verilog(board: &Board, array: &ArrayConfig, mhz: f64) -> Result<String, TopError> {
    let controller = controller(board, array)?;
    let divider = divider(board, mhz)?;
    let mut ports = vec!["  input wire clock, // oscillator".to_owned()];
    let mut pressed = "1'b0".to_owned();
    if let Some(reset) = &board.pins.reset {
        ports.push("  input wire reset, // button".to_owned());
        pressed = if reset.active == Level::Low { "!reset" } else { "reset" }.to_owned();
    }
    ports.push("  input wire uart_rx, // from the host".to_owned());
    ports.push("  output wire uart_tx, // to the host".to_owned());
    let mut lamps = String::new();
    if !board.leds.is_empty() {
        ports.push(format!("  output wire [{}:0] led, // lamps", board.leds.len() - 1));
        let shown = ["alive[24]", "bad_frame", "irq", "!rst"];
        for (i, led) in board.leds.iter().enumerate() {
            let value = shown.get(i).copied().unwrap_or("1'b0");
            let value = if led.active == Level::Low { format!("!({value})") } else { value.to_owned() };
            // Writing to a string cannot fail.
            let _ = writeln!(lamps, "  assign led[{i}] = {value};");
        }
    }
    ports.extend(controller.iter().flat_map(Controller::ports));
    // The last port takes no comma.
    if let Some(last) = ports.last_mut() {
        *last = last.replacen(", //", " //", 1);
    }
    let (clocks, status, host, memory) = match &controller {
        None => (CLOCKS.to_owned(), "", "axil", String::new()),
        Some(controller) => {
            let clocks = controller.instances(&pressed, controller.clocking(mhz));
            let ids = if array.spill_depth > 0 { MEMORY_IDS } else { "" };
            let no_ids = if array.spill_depth > 0 { "" } else { NO_IDS };
            let unused = UNUSED.replace("@bytes@", &(array.memory_bits / 8 - 1).to_string());
            (clocks + no_ids + &unused, STATUS, "host", format!("{MEMORY}{ids}"))
        }
    };
    Ok(TEMPLATE
        .replace("@clocks@\n", &clocks)
        .replace("@status@\n", status)
        .replace("@host@", host)
        .replace("@memory@\n", &memory)
        .replace("@name@", &board.name)
        .replace("@ports@", &ports.join("\n"))
        .replace("@pressed@", &pressed)
        .replace("@divider@", &divider.to_string())
        .replace("  @lamps@\n", &lamps))
}

/// The controller of the memory that a design wants, if it wants one.
///
/// # Errors
/// The board's top connects none, or one with another port.
pub fn controller(board: &Board, array: &ArrayConfig) -> Result<Option<Controller>, TopError> {
    if array.memory_bits == 0 {
        return Ok(None);
    }
    let (board_id, bits) = (board.id.clone(), array.memory_bits);
    match board.controller() {
        None => Err(TopError::Memory { board: board_id, bits }),
        Some(controller) if controller.axi_bits != bits => {
            Err(TopError::MemoryBits { board: board_id, bits, expected: controller.axi_bits })
        }
        some => Ok(some),
    }
}

const CLOCKS: &str = r"  wire clk;
  wire locked;
  board_pll pll (.clkin(clock), .clkout(clk), .locked(locked));

  // Reset comes at once and goes away with the clock, four edges after the button and the clock generator agree.
  wire hold = !locked | @pressed@;
  reg [3:0] release_pipe = 4'hf;
  always @(posedge clk or posedge hold) begin
    if (hold) release_pipe <= 4'hf;
    else release_pipe <= {release_pipe[2:0], 1'b0};
  end
  wire rst = release_pipe[3];
";

/// The register that says how the memory fares, between bridge and core.
const STATUS: &str = r"  wire [7:0] host_araddr;
  wire [31:0] host_rdata;
  wire [1:0] host_rresp;
  wire host_arvalid, host_arready, host_rvalid, host_rready;
  spikegate_memory_status status_register (
    .clk(clk), .rst(rst), .status(memory_seen),
    .s_axil_araddr(host_araddr), .s_axil_arvalid(host_arvalid), .s_axil_arready(host_arready),
    .s_axil_rdata(host_rdata), .s_axil_rresp(host_rresp), .s_axil_rvalid(host_rvalid), .s_axil_rready(host_rready),
    .m_axil_araddr(axil_araddr), .m_axil_arvalid(axil_arvalid), .m_axil_arready(axil_arready),
    .m_axil_rdata(axil_rdata), .m_axil_rresp(axil_rresp), .m_axil_rvalid(axil_rvalid), .m_axil_rready(axil_rready)
  );

";

/// What the core says of each burst and the controller knows by itself.
const UNUSED: &str = r"  wire [2:0] core_arsize, core_awsize, core_arprot, core_awprot;
  wire [1:0] core_arburst, core_awburst;
  wire [3:0] core_arcache, core_awcache;
  wire [@bytes@:0] core_wstrb;
";

const NO_IDS: &str = "  assign core_arid = 1'b0;\n  assign core_awid = 1'b0;\n";

/// The core's port.
const MEMORY: &str = r"    .m_axi_araddr(core_araddr), .m_axi_arlen(core_arlen), .m_axi_arsize(core_arsize), .m_axi_arburst(core_arburst),
    .m_axi_arprot(core_arprot), .m_axi_arcache(core_arcache), .m_axi_arvalid(core_arvalid), .m_axi_arready(core_arready),
    .m_axi_rdata(core_rdata), .m_axi_rresp(core_rresp), .m_axi_rlast(core_rlast), .m_axi_rvalid(core_rvalid),
    .m_axi_rready(core_rready),
    .m_axi_awaddr(core_awaddr), .m_axi_awlen(core_awlen), .m_axi_awsize(core_awsize), .m_axi_awburst(core_awburst),
    .m_axi_awprot(core_awprot), .m_axi_awcache(core_awcache), .m_axi_awvalid(core_awvalid), .m_axi_awready(core_awready),
    .m_axi_wdata(core_wdata), .m_axi_wstrb(core_wstrb), .m_axi_wlast(core_wlast), .m_axi_wvalid(core_wvalid),
    .m_axi_wready(core_wready), .m_axi_bresp(core_bresp), .m_axi_bvalid(core_bvalid), .m_axi_bready(core_bready),
";

const MEMORY_IDS: &str = r"    .m_axi_arid(core_arid), .m_axi_rid(core_rid), .m_axi_awid(core_awid), .m_axi_bid(core_bid),
";

const TEMPLATE: &str = r#"// Board top: @name@.
module board_top (
@ports@
);
@clocks@

  wire [7:0] axil_awaddr, axil_araddr;
  wire [31:0] axil_wdata, axil_rdata;
  wire [3:0] axil_wstrb;
  wire [1:0] axil_bresp, axil_rresp;
  wire axil_awvalid, axil_awready, axil_wvalid, axil_wready, axil_bvalid, axil_bready;
  wire axil_arvalid, axil_arready, axil_rvalid, axil_rready;
  wire [31:0] in_tdata, out_tdata;
  wire in_tvalid, in_tlast, in_tready, out_tvalid, out_tlast, out_tready;
  wire irq;
  wire bad_frame;

@status@
  spikegate_uart bridge (
    .clk(clk), .rst(rst), .divider(16'd@divider@), .rxd(uart_rx), .txd(uart_tx),
    .m_axil_awaddr(axil_awaddr), .m_axil_awvalid(axil_awvalid), .m_axil_awready(axil_awready),
    .m_axil_wdata(axil_wdata), .m_axil_wstrb(axil_wstrb), .m_axil_wvalid(axil_wvalid), .m_axil_wready(axil_wready),
    .m_axil_bresp(axil_bresp), .m_axil_bvalid(axil_bvalid), .m_axil_bready(axil_bready),
    .m_axil_araddr(@host@_araddr), .m_axil_arvalid(@host@_arvalid), .m_axil_arready(@host@_arready),
    .m_axil_rdata(@host@_rdata), .m_axil_rresp(@host@_rresp), .m_axil_rvalid(@host@_rvalid), .m_axil_rready(@host@_rready),
    .m_axis_tdata(in_tdata), .m_axis_tvalid(in_tvalid), .m_axis_tlast(in_tlast), .m_axis_tready(in_tready),
    .s_axis_tdata(out_tdata), .s_axis_tvalid(out_tvalid), .s_axis_tlast(out_tlast), .s_axis_tready(out_tready),
    .irq(irq), .bad_frame(bad_frame)
  );

  spikegate core (
    .clk(clk), .rst(rst),
    .s_axil_awaddr(axil_awaddr), .s_axil_awvalid(axil_awvalid), .s_axil_awready(axil_awready),
    .s_axil_wdata(axil_wdata), .s_axil_wstrb(axil_wstrb), .s_axil_wvalid(axil_wvalid), .s_axil_wready(axil_wready),
    .s_axil_bresp(axil_bresp), .s_axil_bvalid(axil_bvalid), .s_axil_bready(axil_bready),
    .s_axil_araddr(axil_araddr), .s_axil_arvalid(axil_arvalid), .s_axil_arready(axil_arready),
    .s_axil_rdata(axil_rdata), .s_axil_rresp(axil_rresp), .s_axil_rvalid(axil_rvalid), .s_axil_rready(axil_rready),
    .s_axis_tdata(in_tdata), .s_axis_tvalid(in_tvalid), .s_axis_tlast(in_tlast), .s_axis_tready(in_tready),
    .m_axis_tdata(out_tdata), .m_axis_tvalid(out_tvalid), .m_axis_tlast(out_tlast), .m_axis_tready(out_tready),
@memory@
    .irq(irq)
  );

  reg [24:0] alive = 25'd0;
  always @(posedge clk) alive <= alive + 25'd1;
  @lamps@
endmodule
"#;

impl Failure for TopError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Memory { .. } => Some("compile the model without --memory, or choose another board".into()),
            Self::MemoryBits { expected, .. } => {
                Some(format!("compile the model with --memory {expected}").into())
            }
            Self::NoUart { .. } => Some("choose a board with one".into()),
            Self::Baud { .. } => Some("choose another --freq or another baud in the board file".into()),
        }
    }
}
