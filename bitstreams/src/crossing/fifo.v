// A queue from one clock to another: what is taken at `in` comes out at `out`, in order and once, whatever the clocks do.
//
// Verilog and not RustHDL: what matters here cannot be said in a kernel. The memory is written with a clock and read without one,
// so that it becomes distributed memory, and the registers that catch the pointers must be kept as they are, which is an
// attribute of them. Both would be leaves of Verilog text, with little between them.
//
// Pointers cross as Gray code out of registers: one bit changes at a time, so that what is caught in the middle of a change is the
// old value or the new. A pointer that is seen late makes the queue look fuller to `in` and emptier to `out`, never the other way
// round. A word is in the memory before the pointer behind it crosses, so nothing is read while it is written.
//
// Both resets must be active together for at least four cycles of both clocks; during its own nothing is taken or offered.
module spikegate_crossing_fifo #(
  parameter WIDTH = 8,
  // Words, as a power of two: four of them at least.
  parameter LOG = 4
) (
  input wire in_clk, input wire in_rst, input wire [WIDTH-1:0] in_data, input wire in_valid, output wire in_ready,
  input wire out_clk, input wire out_rst, output wire [WIDTH-1:0] out_data, output wire out_valid, input wire out_ready
);
  (* ram_style = "distributed" *) reg [WIDTH-1:0] words [0:(1<<LOG)-1];

  // Words that have come and gone, modulo twice the queue, as binary and as Gray code.
  reg [LOG:0] come = {LOG+1{1'b0}}, come_gray = {LOG+1{1'b0}};
  reg [LOG:0] gone = {LOG+1{1'b0}}, gone_gray = {LOG+1{1'b0}};
  wire [LOG:0] come_seen, gone_seen;
  spikegate_crossing_catch #(.WIDTH(LOG+1)) catch_gone (.clk(in_clk), .from(gone_gray), .seen(gone_seen));
  spikegate_crossing_catch #(.WIDTH(LOG+1)) catch_come (.clk(out_clk), .from(come_gray), .seen(come_seen));

  // Full: all words more have come than gone. In Gray code the two highest bits are the other way round then.
  reg taking = 1'b0;
  assign in_ready = taking && come_gray != {~gone_seen[LOG:LOG-1], gone_seen[LOG-2:0]};
  wire takes = in_valid && in_ready;
  wire [LOG:0] come_next = come + {{LOG{1'b0}}, takes};
  always @(posedge in_clk) begin
    if (takes) words[come[LOG-1:0]] <= in_data;
    come <= come_next;
    come_gray <= come_next ^ (come_next >> 1);
    taking <= 1'b1;
    if (in_rst) begin
      come <= {LOG+1{1'b0}};
      come_gray <= {LOG+1{1'b0}};
      taking <= 1'b0;
    end
  end

  reg giving = 1'b0;
  assign out_valid = giving && gone_gray != come_seen;
  assign out_data = words[gone[LOG-1:0]];
  wire gives = out_valid && out_ready;
  wire [LOG:0] gone_next = gone + {{LOG{1'b0}}, gives};
  always @(posedge out_clk) begin
    gone <= gone_next;
    gone_gray <= gone_next ^ (gone_next >> 1);
    giving <= 1'b1;
    if (out_rst) begin
      gone <= {LOG+1{1'b0}};
      gone_gray <= {LOG+1{1'b0}};
      giving <= 1'b0;
    end
  end
endmodule
