// Residual maps on their way into the external memory (hdl/src/memory/spill): beats are gathered to bursts, which leave in order
// and lie in a ring there. With `reload`, which takes them from the same places in the same order, it is a queue.
//
// Environment: a pixel of one burst is taken up when there is room, and then its beats come, no more of them and no fewer. The
// memory is as slow as it likes. One image from its beginning.
module spill (
  input clk, input hold, input claim, input push, input signed [15:0] in_0, input signed [15:0] in_1,
  input awready, input wready, input bvalid
);
  localparam WORDS = 4, CAPACITY = 128, BYTES = 16;
  reg started = 0, image = 0;
  wire begin_ = started && !image;
  wire room, settled, busy, awvalid, wvalid, wlast;
  wire [23:0] committed;
  wire [31:0] awaddr, wdata;
  spikegate_spill dut (
    .clk(clk), .rst(!started), .clear(!started), .begin_(begin_), .hold(hold), .claim(claim), .bursts(5'd1), .room(room),
    .push(push), .narrow(1'b0), .stream_0(in_0), .stream_1(in_1), .committed(committed), .settled(settled),
    .busy(busy), .aw_address(awaddr), .aw_valid(awvalid), .aw_ready(awready), .w_data_0(wdata), .w_last(wlast),
    .w_valid(wvalid), .w_ready(wready), .b_valid(bvalid), .b_response(2'd0)
  );

  // Beats promised, come and gone; bursts that have an address, are gone, and are acknowledged. A beat, whichever.
  (* anyconst *) wire [9:0] beat;
  reg [9:0] promised = 0, come = 0, gone = 0, addressed = 0, complete = 0, acknowledged = 0;
  reg [31:0] value;
  always @(posedge clk) begin
    started <= 1;
    image <= started;
    promised <= promised + (claim ? WORDS : 0);
    come <= come + push;
    gone <= gone + (wvalid && wready);
    addressed <= addressed + (awvalid && awready);
    complete <= complete + (wvalid && wready && wlast);
    acknowledged <= acknowledged + bvalid;
    if (push && come == beat) value <= {in_1, in_0};
  end
  always @(*) begin
    if (!image) assume (!claim && !push);
    if (claim) assume (room);
    if (push) assume (come != promised);
    if (bvalid) assume (acknowledged != addressed && acknowledged != complete);
    assume (promised < 1000);
  end

  always @(posedge clk) if (image) begin
    if ($past(image)) begin
      if ($past(awvalid && !awready)) assert (awvalid && $stable(awaddr));
      if ($past(wvalid && !wready)) assert (wvalid && $stable(wlast) && $stable(wdata));
      if ($past(!awvalid && hold)) assert (!awvalid);
    end
    if (wvalid) assert (gone < come && wlast == (gone % WORDS == WORDS - 1));
    if (wvalid && gone == beat) assert (wdata == value);
    if (awvalid) assert (awaddr == addressed * BYTES);
    assert (committed == acknowledged && promised - gone <= (CAPACITY + 1) * WORDS);
    if (settled && !push && come % WORDS == 0 && !$past(push)) assert (acknowledged * WORDS == come);
    cover (wvalid && gone == 5);
    cover (acknowledged == 2 && settled);
    cover (claim && come == 3);
  end
endmodule
