// The core's leaf adders in ECP5 carry cells. A carry cell holds two positions; a position passes its carry where the
// function of its four inputs is 1, and elsewhere gives the same function at C = D = 0.
//
// All start with a position that passes nothing, so that CIN may stay open: a constant there would cost a slice of
// its own to feed it in.

// A chain of PAIRS cells, whose sums are `sum`: the functions of the first position and of all others, and the inputs A to D
// of both positions of cell i.
`define SPIKEGATE_CHAIN(CARRY, FIRST, OTHERS, IN_A0, IN_B0, IN_C0, IN_D0, IN_A1, IN_B1, IN_C1, IN_D1) \
  assign CARRY[0] = 1'bx; \
  genvar i; \
  generate \
    for (i = 0; i < PAIRS; i = i + 1) begin : position \
      CCU2C #( \
        .INIT0(i == 0 ? FIRST : OTHERS), .INIT1(OTHERS), .INJECT1_0("NO"), .INJECT1_1("NO") \
      ) cell_i ( \
        .CIN(CARRY[i]), \
        .A0(IN_A0), .B0(IN_B0), .C0(IN_C0), .D0(IN_D0), \
        .A1(IN_A1), .B1(IN_B1), .C1(IN_C1), .D1(IN_D1), \
        .S0(sum[2*i]), .S1(sum[2*i+1]), .COUT(CARRY[i+1]) \
      ); \
    end \
  endgenerate

// A position holds p = (a & use_a) ^ (b & use_b); its carry where p is 0 is a & use_a. So masking costs nothing.
module spikegate_masked_add #(
  parameter WIDTH = 8
) (
  input wire signed [WIDTH-1:0] a,
  input wire signed [WIDTH-1:0] b,
  input wire use_a,
  input wire use_b,
  output wire signed [WIDTH:0] y
);
  localparam PAIRS = (WIDTH + 3) / 2;
  localparam BITS = 2 * PAIRS;
  localparam [15:0] MASKED_SUM = 16'h7888;
  wire [BITS-1:0] x = {{(BITS-WIDTH-1){a[WIDTH-1]}}, a, 1'b0};
  wire [BITS-1:0] z = {{(BITS-WIDTH-1){b[WIDTH-1]}}, b, 1'b0};
  wire [BITS-1:0] sum;
  wire [PAIRS:0] carry;
  `SPIKEGATE_CHAIN(carry, 16'h0000, MASKED_SUM,
    x[2*i], use_a, z[2*i], use_b,
    x[2*i+1], use_a, z[2*i+1], use_b)
  assign y = sum[WIDTH+1:1];
endmodule

// p = a ^ b, and a where p is 0. For an odd width the first position carries out of the lowest bit instead of passing
// nothing, and that bit of the sum lies beside the chain: half a cell less.
module spikegate_add #(
  parameter WIDTH = 8
) (
  input wire signed [WIDTH-1:0] a,
  input wire signed [WIDTH-1:0] b,
  output wire signed [WIDTH:0] y
);
  localparam BESIDE = WIDTH % 2;
  localparam PAIRS = BESIDE ? (WIDTH + 1) / 2 : (WIDTH + 2) / 2;
  localparam BITS = 2 * PAIRS;
  localparam [15:0] PLAIN_SUM = 16'h5A5A;
  localparam [15:0] START = BESIDE ? 16'h0008 : 16'h0000;
  wire signed [BITS-1:0] wide_a = a;
  wire signed [BITS-1:0] wide_b = b;
  wire [BITS-1:0] x = BESIDE ? wide_a : {wide_a[BITS-2:0], 1'b0};
  wire [BITS-1:0] z = BESIDE ? wide_b : {wide_b[BITS-2:0], 1'b0};
  wire [BITS-1:0] sum;
  wire [PAIRS:0] carry;
  `SPIKEGATE_CHAIN(carry, START, PLAIN_SUM,
    x[2*i], i == 0 ? z[0] : 1'b0, i == 0 ? 1'b0 : z[2*i], i == 0,
    x[2*i+1], 1'b0, z[2*i+1], 1'b0)
  assign y = BESIDE ? {sum[BITS-1:1], a[0] ^ b[0]} : sum[BITS-1:1];
endmodule

// p = a ^ (b ^ subtract), and a where p is 0. The lowest position gives `subtract` as the carry that turns the
// inversion into a negation.
module spikegate_add_sub #(
  parameter A = 8,
  parameter B = 8
) (
  input wire signed [A-1:0] a,
  input wire signed [B-1:0] b,
  input wire subtract,
  output wire signed [A-1:0] y
);
  localparam PAIRS = (A + 2) / 2;
  localparam BITS = 2 * PAIRS;
  localparam [15:0] SUM = 16'hA55A;
  localparam [15:0] START = 16'h000A;
  wire signed [BITS-2:0] wide_a = a;
  wire signed [BITS-2:0] wide_b = b;
  wire [BITS-1:0] x = {wide_a, subtract};
  wire [BITS-1:0] z = {wide_b, 1'b1};
  wire [BITS-1:0] sum;
  wire [PAIRS:0] carry;
  `SPIKEGATE_CHAIN(carry, START, SUM,
    x[2*i], 1'b0, z[2*i], i == 0 ? 1'b1 : subtract,
    x[2*i+1], 1'b0, z[2*i+1], subtract)
  assign y = sum[A:1];
endmodule

// p = a ^ b, and a ^ flip where p is 0: both terms are inverted, and with a 1 carried in that is the inverted sum.
module spikegate_flip_add #(
  parameter WIDTH = 8
) (
  input wire signed [WIDTH-1:0] a,
  input wire signed [WIDTH-1:0] b,
  input wire flip,
  output wire signed [WIDTH:0] y
);
  localparam PAIRS = (WIDTH + 3) / 2;
  localparam BITS = 2 * PAIRS;
  localparam [15:0] FLIPPED_SUM = 16'h5A06;
  localparam [15:0] START = 16'h000A;
  wire [BITS-1:0] x = {{(BITS-WIDTH-1){a[WIDTH-1]}}, a, flip};
  wire [BITS-1:0] z = {{(BITS-WIDTH-1){b[WIDTH-1]}}, b, 1'b0};
  wire [BITS-1:0] sum;
  wire [PAIRS:0] carry;
  `SPIKEGATE_CHAIN(carry, START, FLIPPED_SUM,
    x[2*i], flip, z[2*i], 1'b1,
    x[2*i+1], flip, z[2*i+1], 1'b1)
  assign y = sum[WIDTH+1:1];
endmodule

// p = (twice ? the next lower bit of a : a) ^ b, and b where p is 0.
module spikegate_twice_add #(
  parameter A = 8,
  parameter B = 8
) (
  input wire signed [A-1:0] a,
  input wire signed [B-1:0] b,
  input wire twice,
  input wire carry,
  output wire signed [A-1:0] y
);
  localparam PAIRS = (A + 2) / 2;
  localparam BITS = 2 * PAIRS;
  localparam [15:0] SUM = 16'h569A;
  localparam [15:0] START = 16'h000A;
  wire signed [BITS-2:0] wide_a = a;
  wire signed [BITS-2:0] wide_b = b;
  wire [BITS-1:0] single = {wide_a, 1'b0};
  wire [BITS-1:0] double = {wide_a[BITS-3:0], 2'b01};
  wire [BITS-1:0] z = {wide_b, carry};
  wire [BITS-1:0] sum;
  wire [PAIRS:0] chain;
  `SPIKEGATE_CHAIN(chain, START, SUM,
    z[2*i], twice, single[2*i], double[2*i],
    z[2*i+1], twice, single[2*i+1], double[2*i+1])
  assign y = sum[A:1];
endmodule

`undef SPIKEGATE_CHAIN
