// A small design with the accelerator's ports: 16 registers, and words that come back as they are.
module spikegate (
  input wire clk,
  input wire rst,
  input wire [7:0] s_axil_awaddr,
  input wire s_axil_awvalid,
  output wire s_axil_awready,
  input wire [31:0] s_axil_wdata,
  input wire [3:0] s_axil_wstrb,
  input wire s_axil_wvalid,
  output wire s_axil_wready,
  output wire [1:0] s_axil_bresp,
  output reg s_axil_bvalid,
  input wire s_axil_bready,
  input wire [7:0] s_axil_araddr,
  input wire s_axil_arvalid,
  output wire s_axil_arready,
  output reg [31:0] s_axil_rdata,
  output wire [1:0] s_axil_rresp,
  output reg s_axil_rvalid,
  input wire s_axil_rready,
  input wire [31:0] s_axis_tdata,
  input wire s_axis_tvalid,
  input wire s_axis_tlast,
  output wire s_axis_tready,
  output reg [31:0] m_axis_tdata,
  output reg m_axis_tvalid,
  output reg m_axis_tlast,
  input wire m_axis_tready,
  output wire irq
);
  reg [31:0] registers [0:15];
  wire write = s_axil_awvalid & s_axil_wvalid & !s_axil_bvalid;
  assign s_axil_awready = write;
  assign s_axil_wready = write;
  assign s_axil_bresp = 2'b00;
  assign s_axil_arready = !s_axil_rvalid;
  assign s_axil_rresp = 2'b00;
  assign s_axis_tready = !m_axis_tvalid | m_axis_tready;
  assign irq = m_axis_tvalid;
  always @(posedge clk) begin
    if (write) registers[s_axil_awaddr[5:2]] <= s_axil_wdata;
    if (s_axil_bready) s_axil_bvalid <= 1'b0;
    if (write) s_axil_bvalid <= 1'b1;
    if (s_axil_rready) s_axil_rvalid <= 1'b0;
    if (s_axil_arvalid & s_axil_arready) begin
      s_axil_rdata <= registers[s_axil_araddr[5:2]];
      s_axil_rvalid <= 1'b1;
    end
    if (s_axis_tready) begin
      m_axis_tdata <= s_axis_tdata;
      m_axis_tlast <= s_axis_tlast;
      m_axis_tvalid <= s_axis_tvalid;
    end
    if (rst) begin
      s_axil_bvalid <= 1'b0;
      s_axil_rvalid <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end
  end
endmodule
