// Frames on the serial line (hdl/src/bus/uart_frame.rs). What the encoder makes of words the decoder takes apart into the same
// words and a good frame; and with a byte of it changed in any way, no frame is good while it is as short as the bound.
//
// In longer frames a byte that becomes a delimiter may end a frame early whose CRC happens to be right: that is in the nature of
// delimiters, and 1 in 2^32.
module uart_frame (
  input clk, input [31:0] word, input last, input valid, input line, input hit, input [7:0] flips
);
  wire ready, data_valid, idle, good, damaged, word_valid;
  wire [7:0] data;
  wire [31:0] got;
  wire [9:0] index, words;
  reg started = 0;
  wire rst = !started;
  spikegate_uart_encoder encoder (
    .clk(clk), .rst(rst), .word(word), .last(last), .valid(valid), .ready(ready), .data(data), .data_valid(data_valid),
    .data_ready(line), .idle(idle)
  );
  spikegate_uart_decoder decoder (
    .clk(clk), .rst(rst), .data(hit ? data ^ flips : data), .valid(data_valid && line), .bad(1'b0), .word(got),
    .index(index), .word_valid(word_valid), .words(words), .good(good), .damaged(damaged)
  );

  // The first frame: one word. Bytes on the line; whether one of them was changed.
  reg [31:0] first;
  reg [1:0] taken = 0, ended = 0;
  reg changed = 0;
  reg [4:0] bytes = 0;
  wire change = hit && data_valid && line && flips != 0;
  wire changes = changed || change;
  always @(posedge clk) begin
    started <= 1;
    if (valid && ready) taken <= taken + (taken != 3);
    if (valid && ready && taken == 0) first <= word;
    changed <= changes;
    if (data_valid && line) bytes <= bytes + 1;
    if (good || damaged) ended <= ended + (ended != 3);
  end
  always @(*) begin
    assume (last);
    assume (!(hit && changed));
    // One frame, and no pause: neither part counts cycles.
    assume (valid == (taken == 0) && line == started);
  end
  always @(posedge clk) if (started) begin
    // Bytes of a frame: delimiter, word, CRC, delimiter.
    if (changes) assert (!good);
    if (!changes) assert (!damaged);
    if (!changes && word_valid && index == 0) assert (got == first && taken == 1);
    if (good) assert (words == 2 && idle == 0);
    cover (good && bytes == 9);
    cover (good && bytes == 11);
    cover (damaged && changed && bytes == 9);
  end
endmodule
