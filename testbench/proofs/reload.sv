// Residual maps on their way back from the external memory (hdl/src/memory/reload.rs): bursts are asked for when they are there and
// have room, and their beats come out in order.
//
// Environment: what is acknowledged (`committed`) only grows. A pixel of one burst is taken up when it is ready, and then its
// beats are popped, no more of them. The memory answers in order, as slowly as it likes. One image from its beginning.
module reload (
  input clk, input claim, input pop, input grow, input arready, input rvalid, input [31:0] rdata
);
  localparam WORDS = 4, CAPACITY = 128, BYTES = 16;
  reg started = 0, image = 0;
  wire begin_ = started && !image;
  wire ready, settled, arvalid;
  reg [23:0] committed = 0;
  wire [31:0] araddr;
  wire signed [15:0] out_0, out_1;
  spikegate_reload dut (
    .clk(clk), .rst(!started), .clear(!started), .begin_(begin_), .committed(committed), .claim(claim), .bursts(5'd1),
    .ready(ready), .pop(pop), .residual_0(out_0), .residual_1(out_1), .settled(settled), .ar_address(araddr),
    .ar_valid(arvalid), .ar_ready(arready), .r_data_0(rdata), .r_valid(rvalid), .r_response(2'd0)
  );

  // Bursts asked for; beats come, promised and gone. A beat, whichever.
  (* anyconst *) wire [9:0] beat;
  reg [9:0] asked = 0, come = 0, promised = 0, gone = 0;
  reg [31:0] value;
  reg [1:0] popped = 0;
  always @(posedge clk) begin
    started <= 1;
    image <= started;
    committed <= committed + (image && grow);
    asked <= asked + (arvalid && arready);
    come <= come + rvalid;
    promised <= promised + (claim ? WORDS : 0);
    gone <= gone + pop;
    popped <= {popped[0], pop && gone == beat};
    if (rvalid && come == beat) value <= rdata;
  end
  always @(*) begin
    if (!image) assume (!claim && !pop);
    if (claim) assume (ready);
    if (pop) assume (gone != promised);
    if (rvalid) assume (come != asked * WORDS);
    assume (committed < 250);
  end

  always @(posedge clk) if (image) begin
    if ($past(image) && $past(arvalid && !arready)) assert (arvalid && $stable(araddr));
    // Nothing that is not there is read, and nothing that has no room; the n-th burst is the n-th of the ring.
    if (arvalid) assert (asked < committed && araddr == asked * BYTES);
    assert (asked <= committed && asked * WORDS - gone < (CAPACITY + 1) * WORDS);
    // No beat is taken that has not come, and the n-th that is taken is the n-th that came, two cycles behind.
    if (ready) assert (promised < come);
    if (pop) assert (gone < come);
    if (popped[1]) assert ({out_1, out_0} == value);
    cover (popped[1] && beat == 4 && value == 32'h12345678);
    cover (arvalid && asked == 2 && come == 0);
    cover (gone == 4 && settled);
  end
endmodule
