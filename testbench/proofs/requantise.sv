// Requantisation (hdl/src/post/requantise.rs) is the formula of the integer network, for every input:
//   y = sat16((a * m + b) >> s), rounded down, where a is a lane's own sum or, when the lanes are bit planes or values, their
//   sum, shifted plane by plane and wrapped to 32 bits; the code is y shifted with the half added and saturated to 8 bits
//   (Xq), or y clamped to a byte (Z1); the logit is a * m + b, wrapped to 32 bits.
// The pipeline keeps nothing: after eight cycles every value comes from the inputs of the last seven.
module requantise (
  input clk, input signed [SUM-1:0] acc_0, input signed [SUM-1:0] acc_1, input signed [15:0] m, input signed [47:0] b,
  input [4:0] s
);
  localparam SUM = 26;
  localparam APART = 0, IMAGE = 2, VALUES = 3, XQ = 1, IMAGE_PASSES = 5, CODE_PASSES = 4;
  (* anyconst *) wire [1:0] combine;
  (* anyconst *) wire [3:0] xq_shift;
  (* anyconst *) wire [1:0] code_mode;
  wire signed [31:0] logit;
  wire signed [15:0] y_0, y_1;
  wire signed [8:0] code;
  spikegate_requantise dut (
    .clk(clk), .acc_0(acc_0), .acc_1(acc_1), .m(m), .b(b), .s(s), .combine(combine), .xq_shift(xq_shift),
    .code_mode(code_mode), .logit(logit), .y_0(y_0), .y_1(y_1), .code(code)
  );

  // What the multipliers get, and what they give: anything here, their product by the proof below.
  (* hierconn *) wire signed [31:0] \dut.product_0.a , \dut.product_1.a ;
  (* hierconn *) wire signed [15:0] \dut.product_0.b , \dut.product_1.b ;
  (* hierconn *) wire signed [47:0] \dut.product_0.p , \dut.product_1.p ;
  wire [5:0] plane = combine == VALUES ? 0 : combine == IMAGE ? IMAGE_PASSES : CODE_PASSES;
  wire signed [63:0] sum = acc_0 + (acc_1 * (64'sd1 <<< plane));
  wire signed [31:0] a_0 = combine == APART ? acc_0 : sum, a_1 = combine == APART ? acc_1 : sum;
  reg signed [47:0] b_1, b_2, b_3;
  reg [4:0] s_1, s_2, s_3;
  always @(posedge clk) begin
    {b_3, b_2, b_1} <= {b_2, b_1, b};
    {s_3, s_2, s_1} <= {s_2, s_1, s};
  end
  wire signed [63:0] total_0 = \dut.product_0.p + b_3, total_1 = \dut.product_1.p + b_3;
  wire signed [63:0] shifted_0 = total_0 >>> s_3, shifted_1 = total_1 >>> s_3;
  function signed [63:0] clamp(input signed [63:0] x, input signed [63:0] least, input signed [63:0] most);
    clamp = x < least ? least : x > most ? most : x;
  endfunction
  wire signed [15:0] want_0 = clamp(shifted_0, -32768, 32767), want_1 = clamp(shifted_1, -32768, 32767);
  wire signed [31:0] half = xq_shift == 0 ? 0 : 1 <<< (xq_shift - 1);
  wire signed [31:0] rounded = (want_0 + half) >>> xq_shift;
  wire signed [8:0] want_code = code_mode == XQ ? clamp(rounded, -128, 127) : clamp(want_0, 0, 255);

  reg [3:0] age = 0;
  always @(posedge clk) begin
    if (age != 8) age <= age + 1;
    if (age == 8) begin
      assert (\dut.product_0.a == $past(a_0) && \dut.product_1.a == $past(a_1));
      assert (\dut.product_0.b == $past(m) && \dut.product_1.b == $past(m));
      assert (logit == $past(total_0[31:0]));
      assert (y_0 == $past(want_0, 3));
      assert (y_1 == $past(want_1, 3));
      assert (code == $past(want_code, 4));
    end
    cover (age == 8 && y_0 == 32767 && y_1 == -32768);
    cover (age == 8 && code_mode == XQ && code == -128 && combine == IMAGE);
    cover (age == 8 && code_mode != XQ && code == 255 && combine == VALUES);
  end
endmodule

// In place of the multiplier of hdl/src/lang/cells.rs, whose product `multiply` proves.
module spikegate_mul #(parameter A = 16, B = 16, STAGES = 2) (
  input clk, input signed [A-1:0] a, input signed [B-1:0] b, output signed [A+B-1:0] p
);
  assign p = $anyseq;
  always @(*) assert (STAGES == 2);
endmodule
