// The reset of a clock: comes with `hold`, as soon as the clock runs, and goes 32 to 38 cycles behind it, at an edge.
//
// Two clocks with the same `hold` are both in reset for at least four cycles of either, which the queues between them need: also
// where one has stood still until `hold` went, as long as neither is more than 6.5 times as fast as the other.
module spikegate_crossing_reset (input wire clk, input wire hold, output wire rst);
  (* keep, async_reg = "true" *) reg [3:0] release_pipe = 4'hf;
  always @(posedge clk or posedge hold) begin
    if (hold) release_pipe <= 4'hf;
    else release_pipe <= {release_pipe[2:0], 1'b0};
  end
  reg [5:0] count = 6'd32;
  always @(posedge clk) begin
    if (release_pipe[3]) count <= 6'd32;
    else if (count[5]) count <= count + 6'd1;
  end
  assign rst = count[5];
endmodule
