// Two registers in a row catch what comes from another clock: a bit that the first one has not settled on has a whole cycle to do
// so. No simulation shows what the second is for.
module spikegate_crossing_catch #(parameter WIDTH = 1) (
  input wire clk, input wire [WIDTH-1:0] from, output wire [WIDTH-1:0] seen
);
  (* keep, async_reg = "true" *) reg [WIDTH-1:0] first = {WIDTH{1'b0}};
  (* keep, async_reg = "true" *) reg [WIDTH-1:0] second = {WIDTH{1'b0}};
  always @(posedge clk) begin
    first <= from;
    second <= first;
  end
  assign seen = second;
endmodule
