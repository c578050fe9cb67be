// In place of what catches pointers, for simulation: whether a bit that has changed shortly before the edge is caught as it was or
// as it is, is chance, for each bit by itself. The bench knows when the other clock had its edge.
module spikegate_crossing_catch #(parameter WIDTH = 1) (
  input wire clk, input wire [WIDTH-1:0] from, output wire [WIDTH-1:0] seen
);
  import "DPI-C" function int unsettled();
  reg [WIDTH-1:0] now = {WIDTH{1'b0}}, was = {WIDTH{1'b0}}, first = {WIDTH{1'b0}}, second = {WIDTH{1'b0}};
  reg [WIDTH-1:0] late;
  always @(from) begin
    was = now;
    now = from;
  end
  always @(posedge clk) begin
    late = WIDTH'(unsettled());
    // Once caught as it is, a bit stays so.
    first <= from ^ (late & (was ^ from) & (first ^ from));
    second <= first;
  end
  assign seen = second;
endmodule
