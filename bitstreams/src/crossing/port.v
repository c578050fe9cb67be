// An AXI4 port from a core's clock to its memory's: a queue for each of the five channels. Bursts are of whole transfers. And what the
// memory's side says of itself, back: `core_status` is what `memory_status` was a few cycles ago, never bits of two values.
//
// Queues of 16 hold a burst of the longest kind that a core asks for; AXI's only rule between channels, that an answer follows
// its request, holds since each is given on behind being taken.
//
// Place and route (nextpnr) times each clock by itself and only reports what lies between the two; its constraints have no line for
// that. The bits of a pointer may be apart by less than a period of the clock that they come from: on an ECP5, placed alone,
// nothing between the clocks takes more than 1.1 ns. Vivado needs `set_max_delay -datapath_only` there.
module spikegate_crossing #(parameter ADDRESS = 32, parameter DATA = 128) (
  input wire core_clk, input wire core_rst, input wire memory_clk, input wire memory_rst,
  input wire [31:0] memory_status, output reg [31:0] core_status,
  input wire [ADDRESS-1:0] core_araddr, input wire [7:0] core_arlen, input wire core_arid,
  input wire core_arvalid, output wire core_arready,
  output wire [DATA-1:0] core_rdata, output wire [1:0] core_rresp, output wire core_rid, output wire core_rlast,
  output wire core_rvalid, input wire core_rready,
  input wire [ADDRESS-1:0] core_awaddr, input wire [7:0] core_awlen, input wire core_awid,
  input wire core_awvalid, output wire core_awready,
  input wire [DATA-1:0] core_wdata, input wire core_wlast, input wire core_wvalid, output wire core_wready,
  output wire [1:0] core_bresp, output wire core_bid, output wire core_bvalid, input wire core_bready,
  output wire [ADDRESS-1:0] memory_araddr, output wire [7:0] memory_arlen, output wire memory_arid,
  output wire memory_arvalid, input wire memory_arready,
  input wire [DATA-1:0] memory_rdata, input wire [1:0] memory_rresp, input wire memory_rid, input wire memory_rlast,
  input wire memory_rvalid, output wire memory_rready,
  output wire [ADDRESS-1:0] memory_awaddr, output wire [7:0] memory_awlen, output wire memory_awid,
  output wire memory_awvalid, input wire memory_awready,
  output wire [DATA-1:0] memory_wdata, output wire memory_wlast, output wire memory_wvalid, input wire memory_wready,
  input wire [1:0] memory_bresp, input wire memory_bid, input wire memory_bvalid, output wire memory_bready
);
  spikegate_crossing_fifo #(.WIDTH(ADDRESS+9)) ar (
    .in_clk(core_clk), .in_rst(core_rst), .in_data({core_arid, core_arlen, core_araddr}),
    .in_valid(core_arvalid), .in_ready(core_arready),
    .out_clk(memory_clk), .out_rst(memory_rst), .out_data({memory_arid, memory_arlen, memory_araddr}),
    .out_valid(memory_arvalid), .out_ready(memory_arready)
  );
  spikegate_crossing_fifo #(.WIDTH(DATA+4)) r (
    .in_clk(memory_clk), .in_rst(memory_rst), .in_data({memory_rid, memory_rlast, memory_rresp, memory_rdata}),
    .in_valid(memory_rvalid), .in_ready(memory_rready),
    .out_clk(core_clk), .out_rst(core_rst), .out_data({core_rid, core_rlast, core_rresp, core_rdata}),
    .out_valid(core_rvalid), .out_ready(core_rready)
  );
  spikegate_crossing_fifo #(.WIDTH(ADDRESS+9)) aw (
    .in_clk(core_clk), .in_rst(core_rst), .in_data({core_awid, core_awlen, core_awaddr}),
    .in_valid(core_awvalid), .in_ready(core_awready),
    .out_clk(memory_clk), .out_rst(memory_rst), .out_data({memory_awid, memory_awlen, memory_awaddr}),
    .out_valid(memory_awvalid), .out_ready(memory_awready)
  );
  spikegate_crossing_fifo #(.WIDTH(DATA+1)) w (
    .in_clk(core_clk), .in_rst(core_rst), .in_data({core_wlast, core_wdata}),
    .in_valid(core_wvalid), .in_ready(core_wready),
    .out_clk(memory_clk), .out_rst(memory_rst), .out_data({memory_wlast, memory_wdata}),
    .out_valid(memory_wvalid), .out_ready(memory_wready)
  );
  spikegate_crossing_fifo #(.WIDTH(3)) b (
    .in_clk(memory_clk), .in_rst(memory_rst), .in_data({memory_bid, memory_bresp}),
    .in_valid(memory_bvalid), .in_ready(memory_bready),
    .out_clk(core_clk), .out_rst(core_rst), .out_data({core_bid, core_bresp}),
    .out_valid(core_bvalid), .out_ready(core_bready)
  );

  // All the time, as fast as the queue goes; in reset the memory is being brought up.
  localparam [31:0] COMING = 32'd1;
  wire [31:0] status;
  wire status_valid, says_ready;
  spikegate_crossing_fifo #(.WIDTH(32), .LOG(2)) says (
    .in_clk(memory_clk), .in_rst(memory_rst), .in_data(memory_status), .in_valid(1'b1), .in_ready(says_ready),
    .out_clk(core_clk), .out_rst(core_rst), .out_data(status), .out_valid(status_valid), .out_ready(1'b1)
  );
  initial core_status = COMING;
  always @(posedge core_clk) begin
    if (status_valid) core_status <= status;
    if (core_rst) core_status <= COMING;
  end
endmodule
