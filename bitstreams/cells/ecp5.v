// ECP5 form of the masked adder: a carry cell's four inputs take two bits and both their masks, so masking costs
// nothing. A position holds p = (a & use_a) ^ (b & use_b); its carry generate, the cell's function of A and B at
// C = D = 0, is then a & use_a, which is right wherever p is 0.
module sg_masked_add #(
  parameter WIDTH = 8
) (
  input wire signed [WIDTH-1:0] a,
  input wire signed [WIDTH-1:0] b,
  input wire use_a,
  input wire use_b,
  output wire signed [WIDTH:0] y
);
  localparam PAIRS = (WIDTH + 2) / 2;
  localparam BITS = 2 * PAIRS;
  localparam [15:0] MASKED_SUM = 16'h7888;
  wire [BITS-1:0] x = {{(BITS-WIDTH){a[WIDTH-1]}}, a};
  wire [BITS-1:0] z = {{(BITS-WIDTH){b[WIDTH-1]}}, b};
  wire [BITS-1:0] sum;
  wire [PAIRS:0] carry;
  assign carry[0] = 1'b0;
  genvar i;
  generate
    for (i = 0; i < PAIRS; i = i + 1) begin : position
      CCU2C #(
        .INIT0(MASKED_SUM), .INIT1(MASKED_SUM), .INJECT1_0("NO"), .INJECT1_1("NO")
      ) cell_i (
        .CIN(carry[i]),
        .A0(x[2*i]), .B0(use_a), .C0(z[2*i]), .D0(use_b),
        .A1(x[2*i+1]), .B1(use_a), .C1(z[2*i+1]), .D1(use_b),
        .S0(sum[2*i]), .S1(sum[2*i+1]), .COUT(carry[i+1])
      );
    end
  endgenerate
  assign y = sum[WIDTH:0];
endmodule
