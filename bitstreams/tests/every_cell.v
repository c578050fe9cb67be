// Uses every kind of cell that the flow makes, in every width; a read never meets a write of the same word.
module every_cell (
  input wire clk, input wire rst, input wire [63:0] x, output wire [63:0] y
);
  // Look-up tables, wide multiplexers, carry chains.
  reg [31:0] counter = 32'd7;
  reg [15:0] held = 16'h8001;
  reg chosen = 1'b0;
  reg greater = 1'b1;
  always @(posedge clk) begin
    counter <= counter + {x[20:5], x[60:45]};
    if (!x[0]) held <= {held[14:0], ^x[9:3]};
    if (x[11:8] == 4'd3) held <= 16'hf00d;
    chosen <= x[16 +: 16] >> x[3:0];
    greater <= $signed(counter[20:0]) > $signed(x[50:30]);
  end

  // Flip-flops: asynchronous and synchronous, set and reset, with both senses of the enable.
  reg [3:0] pipe = 4'h9;
  always @(posedge clk or posedge rst) begin
    if (rst) pipe <= 4'h9;
    else if (x[1]) pipe <= {pipe[2:0], x[2]};
  end
  reg [3:0] sync = 4'h6;
  always @(posedge clk) begin
    if (rst) sync <= 4'h6;
    else if (!x[4]) sync <= sync + x[8:5];
  end

  // Multipliers.
  reg [35:0] product = 36'd0;
  reg [31:0] plain = 32'd0;
  always @(posedge clk) begin
    product <= $signed(x[17:0]) * $signed(x[40:23]);
    plain <= x[15:0] * x[31:16];
  end

  // Distributed memory.
  reg [3:0] small_words [0:15];
  integer k;
  initial for (k = 0; k < 16; k = k + 1) small_words[k] = 4'd0;
  reg [3:0] small_read = 4'd0;
  always @(posedge clk) begin
    if (x[7]) small_words[x[11:8]] <= x[15:12];
    small_read <= small_words[x[19:16]];
  end

  // Block memories.
  wire [35:0] q36;
  wire [17:0] q18;
  wire [8:0] q9;
  wire [3:0] q4;
  wire [1:0] q2;
  wire q1;
  one_memory #(.WIDTH(36), .BITS(9)) m36 (.clk(clk), .x(x), .q(q36));
  one_memory #(.WIDTH(18), .BITS(10)) m18 (.clk(clk), .x({x[7:0], x[63:8]}), .q(q18));
  one_memory #(.WIDTH(9), .BITS(11)) m9 (.clk(clk), .x({x[17:0], x[63:18]}), .q(q9));
  one_memory #(.WIDTH(4), .BITS(12)) m4 (.clk(clk), .x({x[24:0], x[63:25]}), .q(q4));
  one_memory #(.WIDTH(2), .BITS(13)) m2 (.clk(clk), .x({x[31:0], x[63:32]}), .q(q2));
  one_memory #(.WIDTH(1), .BITS(14)) m1 (.clk(clk), .x({x[38:0], x[63:39]}), .q(q1));

  reg [63:0] out = 64'd0;
  always @(posedge clk) begin
    out <= {counter, held, chosen, greater, pipe, sync, small_read, q1, q2[0]} ^ {product, q18, q9, q2[1]}
      ^ {plain, q36[31:0]} ^ {q36[35:32], q4, 56'd0};
  end
  assign y = out;
endmodule

// The lowest address bits of what is read and what is written differ. Few other bits change, so that words come again.
module one_memory #(
  parameter WIDTH = 36,
  parameter BITS = 9
) (
  input wire clk, input wire [63:0] x, output wire [WIDTH-1:0] q
);
  (* no_rw_check *)
  reg [WIDTH-1:0] words [0:(1<<BITS)-1];
  integer k;
  initial for (k = 0; k < (1 << BITS); k = k + 1) words[k] = 0;
  wire [BITS-1:0] at = {x[40 +: 2], {BITS-6{1'b0}}, x[45 +: 4]};
  wire [BITS-1:0] from = {x[50 +: 2], {BITS-6{1'b0}}, x[55 +: 3], !x[45]};
  reg [WIDTH-1:0] read = 0;
  always @(posedge clk) begin
    if (x[44]) words[at] <= x[WIDTH-1:0];
    read <= words[from];
  end
  assign q = read;
endmodule
