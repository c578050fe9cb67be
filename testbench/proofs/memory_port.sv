// The AXI4 port to the external memory, of the whole core as its top joins it: the units that use the port are as emitted,
// the rest of the core (array, sequencer, loader, registers) does anything that the assumptions below leave it.
module memory_port (
  input clk, input rst, input arready, input [31:0] rdata, input [1:0] rresp, input rvalid, input rid,
  input awready, input wready, input [1:0] bresp, input bvalid, input bid
);
  wire [31:0] araddr, awaddr, wdata;
  wire [7:0] arlen, awlen;
  wire arvalid, rready, awvalid, wvalid, wlast, bready, arid, awid;
  wire [2:0] arsize, awsize;
  wire [1:0] arburst, awburst;
  wire [3:0] wstrb;
  spikegate dut (
    .clk(clk), .rst(rst), .m_axi_araddr(araddr), .m_axi_arlen(arlen), .m_axi_arid(arid), .m_axi_arsize(arsize),
    .m_axi_arburst(arburst), .m_axi_arvalid(arvalid), .m_axi_arready(arready), .m_axi_rdata(rdata), .m_axi_rresp(rresp),
    .m_axi_rid(rid), .m_axi_rvalid(rvalid), .m_axi_rready(rready), .m_axi_awaddr(awaddr), .m_axi_awlen(awlen),
    .m_axi_awid(awid), .m_axi_awsize(awsize), .m_axi_awburst(awburst), .m_axi_awvalid(awvalid), .m_axi_awready(awready),
    .m_axi_wdata(wdata), .m_axi_wstrb(wstrb), .m_axi_wlast(wlast), .m_axi_wvalid(wvalid), .m_axi_wready(wready),
    .m_axi_bresp(bresp), .m_axi_bid(bid), .m_axi_bvalid(bvalid), .m_axi_bready(bready)
  );
  localparam BYTES = 4;
  (* hierconn *) wire \dut.mover_0.pending__q , \dut.mover_0.active__q , \dut.mover_0.outward ;
  (* hierconn *) wire \dut.mover_0.start , \dut.store_0.busy , \dut.store_0.write , \dut.spill_0.push , \dut.clear ;
  (* hierconn *) wire \dut.spill_0.begin_ , \dut.spill_0.claim , \dut.spill_0.room , \dut.spill_0.last_word ;
  (* hierconn *) wire \dut.spill_0.full__q , \dut.reload_0.claim ;
  (* hierconn *) wire [23:0] \dut.spill_0.claimed__q , \dut.spill_0.filled__q ;
  (* hierconn *) wire [1:0] \dut.mover_0.source ;
  (* hierconn *) wire [19:0] \dut.mover_0.length , \dut.mover_0.port_group ;
  (* hierconn *) wire [9:0] \dut.mover_0.segments ;
  (* hierconn *) wire [29:0] \dut.mover_0.port_base ;
  (* hierconn *) wire [31:0] \dut.fetch_0.stream_base ;
  (* hierconn *) wire [23:0] \dut.fetch_0.stream_words ;
  wire [23:0] come = \dut.spill_0.filled__q + (\dut.spill_0.full__q && \dut.spill_0.last_word );
  wire moves = \dut.mover_0.pending__q || \dut.mover_0.active__q || \dut.mover_0.start ;

  // The core's other units: what they promise in the tables of ports.
  reg started = 0, busy = 0, image = 0;
  always @(posedge clk) begin
    started <= 1;
    busy <= \dut.store_0.busy ;
    image <= !\dut.clear && (\dut.spill_0.begin_ || image);
  end
  always @(*) begin
    if (!started) assume (rst);
    if (rst) assume (\dut.clear );
    if (rst) assume (!\dut.spill_0.begin_ && !\dut.mover_0.start && !\dut.store_0.write );
    if (busy) assume (!\dut.store_0.write );
    // A move is alone, of at least a word; its fields stay as they are.
    if (moves) assume (!\dut.spill_0.push && !\dut.spill_0.begin_ && !\dut.spill_0.claim && !\dut.reload_0.claim );
    if (\dut.mover_0.pending__q || \dut.mover_0.active__q ) assume (!\dut.mover_0.start );
    assume (\dut.mover_0.length != 0 && \dut.mover_0.length < 20'h2000);
    // Beats of spilled maps come when there was room for them, and no more than that.
    if (\dut.spill_0.claim ) assume (\dut.spill_0.room );
    if (\dut.spill_0.push ) assume (\dut.spill_0.claimed__q != come);
    if (\dut.spill_0.begin_ ) assume (!\dut.spill_0.push && !\dut.spill_0.claim );
    assume (!\dut.spill_0.push || image);
    assume (\dut.fetch_0.stream_base % 16 == 0);
  end
  always @(posedge clk) if (started) begin
    if ($past(moves)) assume ($stable({\dut.mover_0.outward , \dut.mover_0.source , \dut.mover_0.length }));
    if ($past(moves)) assume ($stable({\dut.mover_0.segments , \dut.mover_0.port_base , \dut.mover_0.port_group }));
    if (image) assume ($stable(\dut.fetch_0.stream_words ));
  end

  // The memory answers what it was asked: reads of an ID in transfers, writes of an ID when address and data are there.
  reg [10:0] reads [0:1], addresses [0:1], data [0:1];
  integer i;
  initial for (i = 0; i < 2; i = i + 1) {reads[i], addresses[i], data[i]} = 0;
  always @(posedge clk) for (i = 0; i < 2; i = i + 1) begin
    reads[i] <= rst ? 0 : reads[i] + (arvalid && arready && arid == i ? arlen + 1 : 0) - (rvalid && rid == i);
    addresses[i] <= rst ? 0 : addresses[i] + (awvalid && awready && awid == i) - (bvalid && bid == i);
    data[i] <= rst ? 0 : data[i] + (wvalid && wready && wlast && awid == i) - (bvalid && bid == i);
  end
  always @(*) begin
    if (rvalid) assume (reads[rid] != 0);
    if (bvalid) assume (addresses[bid] != 0 && data[bid] != 0);
  end

  // A burst of writes, whichever: its length, and the transfers that it has had.
  (* anyconst *) wire [5:0] burst;
  reg [5:0] asked = 0, sent = 0;
  reg [7:0] length = 0;
  reg [8:0] transfers = 0;
  wire [7:0] of = asked == burst && awvalid ? awlen : length;
  always @(posedge clk) begin
    asked <= rst ? 0 : asked + (awvalid && awready);
    sent <= rst ? 0 : sent + (wvalid && wready && wlast);
    if (awvalid && asked == burst) length <= awlen;
    transfers <= rst || wvalid && wready && wlast ? 0 : transfers + (wvalid && wready);
  end

  always @(posedge clk) if (started && !rst) begin
    if (!$past(rst)) begin
      if ($past(arvalid && !arready)) assert (arvalid && $stable({araddr, arlen, arid}));
      if ($past(awvalid && !awready)) assert (awvalid && $stable({awaddr, awlen, awid}));
      if ($past(wvalid && !wready)) assert (wvalid && $stable({wdata, wlast}));
    end
    // No burst crosses 4 KiB; all are of whole transfers, at ascending addresses.
    if (arvalid) assert (araddr[11:0] + (arlen + 1) * BYTES <= 4096 && araddr % BYTES == 0);
    if (awvalid) assert (awaddr[11:0] + (awlen + 1) * BYTES <= 4096 && awaddr % BYTES == 0);
    assert (arsize == 2 && awsize == 2 && arburst == 1 && awburst == 1 && wstrb == 15 && rready && bready);
    // No data before an address is on offer; the last transfer is where the burst's length says.
    if (wvalid) assert (sent != asked || awvalid);
    if (wvalid && sent == burst) assert (wlast == (transfers == of));
    if (wvalid && sent == burst && wlast && transfers != 0 && moves) cover (1);
  end
  always @(posedge clk) if (started && !rst) begin
    cover (arvalid && arid && moves && arlen != 0);
    cover (arvalid && arid && !moves);
    cover (arvalid && !arid && reads[1] != 0);
    cover (bvalid && bid && !moves);
    cover (bvalid && !bid);
  end
endmodule
