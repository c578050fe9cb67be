// The queue between two clocks (bitstreams/src/crossing/fifo.v), four words deep, with both clocks as they like: each step of the
// proof is an instant at which either may change. Flip-flops settle at once: what a pointer caught in the middle of a change
// does, no proof over bits shows; that only one bit of it changes at a time is proven.
module crossing (
  input in_clk, input out_clk, input [1:0] in_data, input in_valid, input out_ready
);
  localparam WORDS = 4;
  wire in_ready, out_valid;
  wire [1:0] out_data;
  spikegate_crossing_fifo #(.WIDTH(2), .LOG(2)) dut (
    .in_clk(in_clk), .in_rst(1'b0), .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
    .out_clk(out_clk), .out_rst(1'b0), .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
  );
  (* hierconn *) wire [2:0] \dut.come_gray , \dut.gone_gray ;

  // A word, whichever: what went in, and what comes out.
  (* anyconst *) wire [4:0] word;
  reg [4:0] come = 0, gone = 0;
  reg [1:0] value, data_before;
  reg [2:0] come_before = 0, gone_before = 0;
  reg waited = 0;
  wire [2:0] come_change = \dut.come_gray ^ come_before, gone_change = \dut.gone_gray ^ gone_before;
  always @(posedge in_clk) begin
    come_before <= \dut.come_gray ;
    if (in_valid && in_ready) begin
      come <= come + 1;
      if (come == word) value <= in_data;
    end
  end
  always @(posedge out_clk) begin
    gone_before <= \dut.gone_gray ;
    {waited, data_before} <= {out_valid && !out_ready, out_data};
    if (out_valid && out_ready) gone <= gone + 1;
  end
  always @(*) begin
    assert (gone <= come && come - gone <= WORDS);
    if (out_valid) assert (gone != come);
    if (out_valid && gone == word) assert (out_data == value);
    if (waited) assert (out_valid && out_data == data_before);
    assert ((come_change & (come_change - 1)) == 0 && (gone_change & (gone_change - 1)) == 0);
    cover (come == 4 && !in_ready);
    cover (gone == 2 && out_valid);
  end
endmodule
