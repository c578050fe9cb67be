// Frames that go out (hdl/src/bus/framer.rs): the stream's handshake, and each frame is its number, its length, the packet's words
// in order, and their CRC with `tlast`.
//
// Environment: the packet's side keeps to the stream's rules. A soft reset (`clear`) ends a frame anywhere: then, and only then,
// a word that was on offer may go untaken.
module framer (
  input clk, input clear, input [31:0] data, input valid, input last, input [31:0] words, input tready
);
  wire ready, tvalid, tlast;
  wire [31:0] tdata;
  spikegate_framer dut (
    .clk(clk), .clear(clear), .data(data), .valid(valid), .last(last), .ready(ready), .words(words),
    .m_axis_tdata(tdata), .m_axis_tvalid(tvalid), .m_axis_tlast(tlast), .m_axis_tready(tready)
  );
  (* hierconn *) wire [1:0] \dut.state__q ;
  (* hierconn *) wire [31:0] \dut.count__q , \dut.crc.value , \dut.crc.data ;
  (* hierconn *) wire \dut.crc.take , \dut.crc.restart ;

  // Words of the frame that have gone, and of the packet that have come; frames that have gone.
  reg started = 0;
  reg [33:0] gone = 0;
  reg [31:0] come = 0, frames = 0, length;
  wire taken = tvalid && tready;
  always @(posedge clk) begin
    started <= 1;
    gone <= clear || taken && tlast ? 0 : gone + taken;
    come <= clear || taken && tlast ? 0 : come + (valid && ready);
    frames <= clear ? 0 : frames + (taken && tlast);
    if (gone == 0) length <= words;
  end
  always @(posedge clk) begin
    if (!started) assume (clear);
    // The packet has as many words as it says, and waits to be taken.
    assume (words != 0 && words < 32'hffffffff);
    if (valid) assume (last == (come == (gone == 0 ? words : length) - 1));
    if (started && !$past(clear) && $past(valid && !ready))
      assume (valid && $stable(data) && $stable(last) && (come != 0 || $stable(words)));
  end

  always @(posedge clk) if (started) begin
    if (!$past(clear) && $past(tvalid && !tready)) assert (tvalid && $stable(tdata) && $stable(tlast));
    if (tvalid && gone == 0) assert (tdata == frames && !tlast);
    if (tvalid && gone == 1) assert (tdata == length && !tlast);
    if (tvalid && gone > 1 && !tlast) assert (tdata == data && valid && ready == tready);
    if (tvalid) assert (tlast == (gone >= 2 && gone == length + 34'd2));
    if (tlast) assert (tvalid && tdata == \dut.crc.value && come == length);
    if (valid) assert (tvalid);
    if (valid && ready) assert (taken && gone >= 2 && !tlast);
    assert (\dut.crc.take == taken && \dut.crc.data == tdata && \dut.crc.restart == (clear || taken && tlast));
    // Where the unit is in a frame.
    assert (\dut.count__q == frames && \dut.state__q == (gone < 2 ? gone : come == length ? 3 : 2));
    assert (gone < 2 ? come == 0 : gone == come + 34'd2 && come <= length);
    if (gone == 1) assert (valid && length == words);
    if (gone != 0) assert (length != 0);
    cover (taken && tlast && frames == 1 && length == 2);
    cover (tvalid && !tready && gone == 3);
    cover (clear && tvalid && !tready);
  end
endmodule
