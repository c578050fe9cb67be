// The multiplier (hdl/src/lang/cells.rs) gives the signed product of two cycles ago: of small factors as a solver multiplies
// them, and of the widths that requantisation has as the product of the factors with their signs repeated.
module multiply (
  input clk, input signed [31:0] a, input signed [15:0] b
);
  wire signed [11:0] small;
  wire signed [47:0] large;
  spikegate_mul #(.A(7), .B(5), .STAGES(2)) dut_small (.clk(clk), .a(a[6:0]), .b(b[4:0]), .p(small));
  spikegate_mul #(.A(32), .B(16), .STAGES(2)) dut (.clk(clk), .a(a), .b(b), .p(large));
  wire signed [6:0] small_a = a[6:0];
  wire signed [4:0] small_b = b[4:0];
  wire signed [11:0] want_small = small_a * small_b;
  wire [47:0] wide_a = {{16{a[31]}}, a}, wide_b = {{32{b[15]}}, b};
  wire [47:0] want = wide_a * wide_b;
  reg [1:0] age = 0;
  always @(posedge clk) begin
    if (age != 2) age <= age + 1;
    if (age == 2) begin
      assert (small == $past(want_small, 2));
      assert (large == $past(want, 2));
    end
    cover (age == 2 && small == -12'sd1008 && large < 0);
    cover (age == 2 && small == 12'sd1024);
  end
endmodule
