//! The board's top around the XDMA block: registers behind its AXI4-Lite master, one AXI4-Stream channel each way.

use super::link::Link;
use super::series::Series;
use crate::board::{Board, Level};

/// The reference clock's buffer: its module, and the pins for the block's clock and the transceivers'.
fn buffer(series: &Series) -> String {
    let module = series.buffer;
    if !series.own_clock {
        return format!(
            "  {module} refclk (.I(pcie_clock_p), .IB(pcie_clock_n), .CEB(1'b0), .O(sys_clk), .ODIV2());\n"
        );
    }
    // The transceivers take the clock itself, the block its undivided copy.
    format!(
        "  wire sys_clk_gt;\n  {module} #(.REFCLK_HROW_CK_SEL(2'b00)) refclk (.I(pcie_clock_p), \
         .IB(pcie_clock_n), .CEB(1'b0), .O(sys_clk_gt), .ODIV2(sys_clk));\n"
    )
}

/// `.port(wire[high:low])` for each word of a stream.
fn words(port: &str, wire: &str, count: u32) -> String {
    let each = (0..count).map(|i| format!(".{port}_{i}({wire}[{}:{}])", 32 * i + 31, 32 * i));
    each.collect::<Vec<_>>().join(", ")
}

/// The Verilog of the board's top.
pub(super) fn verilog(board: &Board, link: &Link<'_>) -> String {
    let (bits, count) = (link.axi_bits, link.axi_bits / 32);
    let mut ports = vec![
        "  input wire pcie_clock_p, // reference clock".to_owned(),
        "  input wire pcie_clock_n, // reference clock, inverted".to_owned(),
        "  input wire pcie_reset_n, // reset of the slot, active low".to_owned(),
    ];
    let mut lamps = String::new();
    if board.pins.pcie_clkreq_n.is_some() {
        ports.push("  output wire pcie_clkreq_n, // asks for the reference clock, active low".to_owned());
        lamps.push_str("  assign pcie_clkreq_n = 1'b0;\n");
    }
    if !board.leds.is_empty() {
        ports.push(format!("  output wire [{}:0] led, // lamps", board.leds.len() - 1));
    }
    for (i, led) in board.leds.iter().enumerate() {
        let value = ["alive[26]", "link_up", "irq", "!rst"].get(i).copied().unwrap_or("1'b0");
        let value = if led.active == Level::Low { format!("!({value})") } else { value.to_owned() };
        lamps.push_str(&format!("  assign led[{i}] = {value};\n"));
    }
    let high = link.lanes - 1;
    for (direction, name) in [("input", "rxp"), ("input", "rxn"), ("output", "txp")] {
        ports.push(format!("  {direction} wire [{high}:0] pcie_{name}, // lanes"));
    }
    ports.push(format!("  output wire [{high}:0] pcie_txn // lanes"));
    let transceivers = if link.series.own_clock { ".sys_clk_gt(sys_clk_gt), " } else { "" };
    let keep_in = (0..count).rev().map(|i| format!("h2c_tkeep[{}]", 4 * i)).collect::<Vec<_>>().join(", ");
    let keep_out = (0..count).rev().map(|i| format!("{{4{{c2h_keep[{i}]}}}}")).collect::<Vec<_>>().join(", ");
    TEMPLATE
        .replace("@name@", &board.name)
        .replace("@ports@", &ports.join("\n"))
        .replace("  @buffer@\n", &buffer(link.series))
        .replace("@transceivers@", transceivers)
        .replace("@high@", &(bits - 1).to_string())
        .replace("@bytes@", &(bits / 8 - 1).to_string())
        .replace("@words@", &(count - 1).to_string())
        .replace("@keep_in@", &keep_in)
        .replace("@keep_out@", &keep_out)
        .replace("@wide_in@", &words("wide", "h2c_tdata", count))
        .replace("@wide_out@", &words("wide", "c2h_tdata", count))
        .replace("  @lamps@\n", &lamps)
}

const TEMPLATE: &str = r#"// Board top: @name@.
module board_top (
@ports@
);
  wire sys_clk;
  @buffer@
  wire clk;
  wire aresetn;
  wire link_up;
  wire rst = !aresetn;
  wire irq;

  // Registers. The core decodes 8 address bits: its registers repeat in the window of 64 KiB.
  wire [31:0] axil_awaddr, axil_araddr, axil_wdata, axil_rdata;
  wire [3:0] axil_wstrb;
  wire [1:0] axil_bresp, axil_rresp;
  wire axil_awvalid, axil_awready, axil_wvalid, axil_wready, axil_bvalid, axil_bready;
  wire axil_arvalid, axil_arready, axil_rvalid, axil_rready;
  // Streams of the block.
  wire [@high@:0] h2c_tdata, c2h_tdata;
  wire [@bytes@:0] h2c_tkeep;
  wire [@words@:0] c2h_keep;
  wire h2c_tvalid, h2c_tlast, h2c_tready, c2h_tvalid, c2h_tlast, c2h_tready;
  // Streams of the core.
  wire [31:0] in_tdata, out_tdata;
  wire in_tvalid, in_tlast, in_tready, out_tvalid, out_tlast, out_tready;

  xdma_0 pcie (
    .sys_clk(sys_clk), @transceivers@.sys_rst_n(pcie_reset_n), .user_lnk_up(link_up),
    .pci_exp_rxp(pcie_rxp), .pci_exp_rxn(pcie_rxn), .pci_exp_txp(pcie_txp), .pci_exp_txn(pcie_txn),
    .axi_aclk(clk), .axi_aresetn(aresetn), .usr_irq_req(irq), .usr_irq_ack(),
    .m_axil_awaddr(axil_awaddr), .m_axil_awprot(), .m_axil_awvalid(axil_awvalid), .m_axil_awready(axil_awready),
    .m_axil_wdata(axil_wdata), .m_axil_wstrb(axil_wstrb), .m_axil_wvalid(axil_wvalid), .m_axil_wready(axil_wready),
    .m_axil_bresp(axil_bresp), .m_axil_bvalid(axil_bvalid), .m_axil_bready(axil_bready),
    .m_axil_araddr(axil_araddr), .m_axil_arprot(), .m_axil_arvalid(axil_arvalid), .m_axil_arready(axil_arready),
    .m_axil_rdata(axil_rdata), .m_axil_rresp(axil_rresp), .m_axil_rvalid(axil_rvalid), .m_axil_rready(axil_rready),
    .m_axis_h2c_tdata_0(h2c_tdata), .m_axis_h2c_tkeep_0(h2c_tkeep), .m_axis_h2c_tlast_0(h2c_tlast),
    .m_axis_h2c_tvalid_0(h2c_tvalid), .m_axis_h2c_tready_0(h2c_tready),
    .s_axis_c2h_tdata_0(c2h_tdata), .s_axis_c2h_tkeep_0({@keep_out@}), .s_axis_c2h_tlast_0(c2h_tlast),
    .s_axis_c2h_tvalid_0(c2h_tvalid), .s_axis_c2h_tready_0(c2h_tready)
  );

  spikegate_stream_narrow narrow (
    .clk(clk), .rst(rst), @wide_in@,
    .wide_keep({@keep_in@}), .wide_valid(h2c_tvalid), .wide_last(h2c_tlast), .wide_ready(h2c_tready),
    .word(in_tdata), .valid(in_tvalid), .last(in_tlast), .ready(in_tready)
  );
  spikegate_stream_widen widen (
    .clk(clk), .rst(rst), .word(out_tdata), .valid(out_tvalid), .last(out_tlast), .ready(out_tready),
    @wide_out@,
    .wide_keep(c2h_keep), .wide_valid(c2h_tvalid), .wide_last(c2h_tlast), .wide_ready(c2h_tready)
  );

  spikegate core (
    .clk(clk), .rst(rst),
    .s_axil_awaddr(axil_awaddr[7:0]), .s_axil_awvalid(axil_awvalid), .s_axil_awready(axil_awready),
    .s_axil_wdata(axil_wdata), .s_axil_wstrb(axil_wstrb), .s_axil_wvalid(axil_wvalid), .s_axil_wready(axil_wready),
    .s_axil_bresp(axil_bresp), .s_axil_bvalid(axil_bvalid), .s_axil_bready(axil_bready),
    .s_axil_araddr(axil_araddr[7:0]), .s_axil_arvalid(axil_arvalid), .s_axil_arready(axil_arready),
    .s_axil_rdata(axil_rdata), .s_axil_rresp(axil_rresp), .s_axil_rvalid(axil_rvalid), .s_axil_rready(axil_rready),
    .s_axis_tdata(in_tdata), .s_axis_tvalid(in_tvalid), .s_axis_tlast(in_tlast), .s_axis_tready(in_tready),
    .m_axis_tdata(out_tdata), .m_axis_tvalid(out_tvalid), .m_axis_tlast(out_tlast), .m_axis_tready(out_tready),
    .irq(irq)
  );

  reg [26:0] alive = 27'd0;
  always @(posedge clk) alive <= alive + 27'd1;
  @lamps@
endmodule
"#;
