// The registers' AXI4-Lite port (hdl/src/bus/csr), whatever the host and the core do.
module registers (
  input clk, input rst, input [7:0] awaddr, input awvalid, input [31:0] wdata, input [3:0] wstrb, input wvalid,
  input bready, input [7:0] araddr, input arvalid, input rready, input busy, input image_waiting, input [15:0] index,
  input begin_, input [5:0] events, input memory_error, input image_sent, input served, input stall, input [7:0] spikes
);
  localparam OKAY = 0, SLVERR = 2;
  wire awready, wready, bvalid, arready, rvalid, program_, soft_reset, irq;
  wire [1:0] bresp, rresp;
  wire [31:0] rdata;
  spikegate_csr dut (
    .clk(clk), .rst(rst), .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
    .s_axil_wdata(wdata), .s_axil_wstrb(wstrb), .s_axil_wvalid(wvalid), .s_axil_wready(wready), .s_axil_bresp(bresp),
    .s_axil_bvalid(bvalid), .s_axil_bready(bready), .s_axil_araddr(araddr), .s_axil_arvalid(arvalid),
    .s_axil_arready(arready), .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid),
    .s_axil_rready(rready), .busy(busy), .image_waiting(image_waiting), .index(index), .begin_(begin_), .events(events),
    .memory_error_0(memory_error), .image_sent(image_sent), .served(served), .stall(stall), .spikes(spikes),
    .program_(program_), .soft_reset(soft_reset), .irq(irq)
  );
  (* hierconn *) wire [31:0] \dut.scratch__q ;
  (* hierconn *) wire [7:0] \dut.error__q ;
  (* hierconn *) wire \dut.write_address_held__q , \dut.write_data_held__q , \dut.response__q ;
  (* hierconn *) wire \dut.read_address_held__q , \dut.read_valid__q , \dut.do_write ;
  (* hierconn *) wire [5:0] \dut.write_address__q , \dut.read_address__q ;
  (* hierconn *) wire [31:0] \dut.write_data__q , \dut.write_mask__q ;

  // Addresses, data and reads that wait for an answer; the last word written to SCRATCH, byte by byte as it was taken.
  reg started = 0;
  reg [1:0] addresses = 0, data = 0, reads = 0;
  reg [7:0] address, read;
  reg [31:0] word, mask, scratch = 0;
  localparam SCRATCH = 8'h18;
  wire writes = addresses != 0 && data != 0 && !bvalid;
  always @(posedge clk) begin
    started <= 1;
    addresses <= rst ? 0 : addresses + (awvalid && awready) - (bvalid && bready);
    data <= rst ? 0 : data + (wvalid && wready) - (bvalid && bready);
    reads <= rst ? 0 : reads + (arvalid && arready) - (rvalid && rready);
    if (awvalid && awready) address <= awaddr;
    if (arvalid && arready) read <= araddr;
    if (wvalid && wready) begin
      word <= wdata;
      mask <= {{8{wstrb[3]}}, {8{wstrb[2]}}, {8{wstrb[1]}}, {8{wstrb[0]}}};
    end
    if (rst) scratch <= 0;
    else if (\dut.do_write && address[7:2] == SCRATCH / 4) scratch <= scratch & ~mask | word & mask;
  end

  always @(*) if (!started) assume (rst);
  always @(posedge clk) if (started) begin
    // An answer needs a whole request, and each request has one; two requests at most are taken before an answer is.
    if (bvalid) assert (addresses != 0 && data != 0);
    if (rvalid) assert (reads == 1);
    assert (addresses == \dut.write_address_held__q + \dut.response__q );
    assert (data == \dut.write_data_held__q + \dut.response__q );
    assert (reads == \dut.read_address_held__q );
    assert (\dut.read_address_held__q || !\dut.read_valid__q );
    if (\dut.write_address_held__q ) assert (\dut.write_address__q == address[7:2]);
    if (\dut.write_data_held__q ) assert (\dut.write_data__q == word && \dut.write_mask__q == mask);
    if (\dut.read_address_held__q ) assert (\dut.read_address__q == read[7:2]);
    if (bvalid) assert (bresp == OKAY || bresp == SLVERR);
    if (rvalid) assert (rresp == OKAY || rresp == SLVERR && rdata == 0);
    // What was written is read, byte by byte, whatever came between.
    assert (\dut.scratch__q == scratch);
    if (rvalid && read[7:2] == SCRATCH / 4) assert (rresp == OKAY && rdata == $past(scratch, 1) || $past(rvalid));
    if (!$past(rst)) begin
      if ($past(bvalid && !bready)) assert (bvalid && $stable(bresp));
      if ($past(rvalid && !rready)) assert (rvalid && $stable(rresp) && $stable(rdata));
      // No request waits for ever: a whole one is answered in the next cycle but one.
      if ($past(writes)) assert (bvalid);
      if ($past(reads == 1 && !rvalid)) assert (rvalid);
      // A program is not declared while an error stands.
      if ($past(\dut.error__q != 0 && !program_)) assert (!program_);
    end
    if ($past(rst)) assert (!bvalid && !rvalid && !program_);
  end

  always @(posedge clk) begin
    cover (started && bvalid && bresp == SLVERR);
    cover (started && rvalid && read[7:2] == SCRATCH / 4 && rdata == 32'h12003400);
    cover (started && program_ && irq);
    cover (started && addresses == 2 && data == 1);
    cover (started && soft_reset && !rst && !memory_error && \dut.do_write );
  end
endmodule
