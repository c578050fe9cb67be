// CRC-32 of words (hdl/src/bus/crc.rs): each word moves it as its bits one by one do, lowest first (IEEE 802.3, reflected).
//
// The unit adds (exclusive or) a constant for every bit that is set. A single bit's step is linear, so that 32 of them are, and
// what they do follows from what they do to single bits: the constants, which are made of the step here.
// A step is also one to one. So the values of two frames that differ in one word, in however many bits of it, stay apart for
// as long as the words behind are the same: no such damage goes unseen, in frames of any length.
module crc (
  input clk, input restart, input take, input [31:0] data, input [31:0] x, input [31:0] y
);
  wire [31:0] value;
  spikegate_crc dut (.clk(clk), .restart(restart), .take(take), .data(data), .value(value));

  function [31:0] step(input [31:0] crc);
    step = crc >> 1 ^ (crc[0] ? 32'hedb88320 : 0);
  endfunction
  function [31:0] steps(input integer bit_);
    integer i;
    begin
      steps = 32'd1 << bit_;
      for (i = 0; i < 32; i = i + 1) steps = steps >> 1 ^ (steps[0] ? 32'hedb88320 : 0);
    end
  endfunction

  // A tree, added in the unit's order: solvers are bad at sums of many bits in another one.
  reg started = 0;
  reg [31:0] mixed;
  wire [31:0] node [0:62];
  genvar i;
  generate
    for (i = 0; i < 32; i = i + 1) begin
      localparam [31:0] TERM = steps(i);
      assign node[i] = mixed[i] ? TERM : 0;
    end
    for (i = 0; i < 31; i = i + 1) assign node[32 + i] = node[2 * i] ^ node[2 * i + 1];
  endgenerate
  always @(posedge clk) begin
    started <= 1;
    mixed <= ~value ^ data;
    assert ((step(x) ^ step(y)) == step(x ^ y));
    if (x != y) assert (step(x) != step(y));
    if (started) begin
      if ($past(restart)) assert (value == 0);
      else if ($past(take)) assert (~value == node[62]);
      else assert (value == $past(value));
    end
    // The CRC of a word of zeros.
    cover (started && $past(take && data == 0 && value == 0) && value == 32'h2144df1c);
  end
endmodule
