// The neuron (hdl/src/post/neuron.rs) is the formula of the integer network, for every input:
//   u = sat16(v + x); fires at u > threshold, or u >= threshold; then v = 0, else u >> leak, rounded down.
module neuron (
  input clk, input signed [15:0] v, input signed [15:0] x, input [3:0] leak, input at_threshold,
  input signed [15:0] threshold
);
  wire fire;
  wire signed [15:0] v_next;
  spikegate_neuron dut (
    .clk(clk), .v(v), .x(x), .leak_shift(leak), .fire_ge(at_threshold), .threshold(threshold), .fire(fire),
    .v_next(v_next)
  );

  wire signed [31:0] sum = v + x;
  wire signed [31:0] u = sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
  wire fires = at_threshold ? u >= threshold : u > threshold;
  wire signed [31:0] left = fires ? 0 : u >>> leak;
  reg started = 0;
  always @(posedge clk) begin
    started <= 1;
    if (started) begin
      assert (fire == $past(fires));
      assert (v_next == $past(left));
    end
    cover (started && fire);
    cover (started && !fire && v_next == -16384 && $past(sum) < -32768);
    cover (started && $past(at_threshold && u == threshold) && fire);
  end
endmodule
