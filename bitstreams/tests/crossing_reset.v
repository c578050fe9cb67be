// The resets of two clocks with the same cause, as a board's top has them.
module crossing_reset (input wire a_clk, input wire b_clk, input wire hold, output wire a_rst, output wire b_rst);
  spikegate_crossing_reset a (.clk(a_clk), .hold(hold), .rst(a_rst));
  spikegate_crossing_reset b (.clk(b_clk), .hold(hold), .rst(b_rst));
endmodule
