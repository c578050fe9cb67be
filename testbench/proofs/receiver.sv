// Frames that come in (hdl/src/bus/receiver.rs): `good` comes for exactly the frames that are whole, whatever comes before: the
// next number, as many words as the frame says, `tlast` with the last, and the CRC of all before it (`crc` proves that one).
// A damaged word, a word lost or doubled, a frame cut or repeated: none of them is good.
module receiver (
  input clk, input clear, input [31:0] tdata, input tvalid, input tlast, input ready
);
  wire tready, valid, last, good, bad, error_sequence, error_length, error_crc;
  wire [31:0] data;
  spikegate_receiver dut (
    .clk(clk), .clear(clear), .s_axis_tdata(tdata), .s_axis_tvalid(tvalid), .s_axis_tlast(tlast),
    .s_axis_tready(tready), .data(data), .valid(valid), .last(last), .ready(ready), .good(good), .bad(bad),
    .error_sequence(error_sequence), .error_length(error_length), .error_crc(error_crc)
  );
  (* hierconn *) wire [2:0] \dut.state__q ;
  (* hierconn *) wire [31:0] \dut.expected__q , \dut.remaining__q , \dut.crc.value , \dut.crc.data ;
  (* hierconn *) wire \dut.crc.take , \dut.crc.restart ;
  localparam NUMBER = 0, LENGTH = 1, BODY = 2, CHECK = 3, SWALLOW = 4;

  // The frame so far: its words, number and length; the number that is next; whether a word was passed on.
  localparam [33:0] MOST = 34'h200000000;
  reg started = 0, passed = 0;
  reg [33:0] words = 0;
  reg [31:0] number, length, next = 0;
  wire taken = tvalid && tready;
  wire right = number == next && length != 0;
  wire whole = taken && tlast && words >= 3 && right && words == length + 34'd2 && tdata == \dut.crc.value ;
  always @(posedge clk) begin
    started <= 1;
    passed <= !clear && !(taken && tlast) && (passed || valid && ready);
    words <= clear || taken && tlast ? 0 : taken && words != MOST ? words + 1 : words;
    if (taken && words == 0) number <= tdata;
    if (taken && words == 1) length <= tdata;
    next <= clear ? 0 : next + whole;
    if (!started) assume (clear);
  end

  always @(posedge clk) if (started) begin
    assert (good == whole);
    assert (!(good && bad));
    // What was passed on of a frame that ends otherwise is taken back; where it goes wrong, an error says so.
    if (passed && taken && tlast && !good && \dut.state__q != SWALLOW) assert (bad);
    if (taken && tlast && !good && \dut.state__q != SWALLOW) assert (error_sequence || error_length || error_crc);
    if (\dut.state__q != SWALLOW && !$past(clear) && $past(\dut.state__q ) == SWALLOW) assert ($past(taken && tlast));
    if (valid) assert (data == tdata && last == (words == length + 34'd1));
    // The CRC is of every word of the frame, and of no other.
    assert (\dut.crc.take == taken && \dut.crc.data == tdata && \dut.crc.restart == (clear || taken && tlast));
    // Where the unit is in a frame.
    assert (\dut.expected__q == next);
    assert (\dut.state__q <= SWALLOW && words <= MOST);
    if (\dut.state__q == NUMBER) assert (words == 0 && !passed);
    if (\dut.state__q == LENGTH) assert (words == 1 && number == next && !passed);
    if (\dut.state__q == BODY) assert (words >= 2 && right && words + \dut.remaining__q == length + 34'd2);
    if (\dut.state__q == BODY) assert (\dut.remaining__q != 0 && passed == (words != 2));
    if (\dut.state__q == CHECK) assert (right && words == length + 34'd2 && words >= 3);
    if (\dut.state__q == SWALLOW) assert (words != 0 && (number != next || words >= 2 && (length == 0 || words > length + 34'd2)));
    cover (good && next == 1 && length == 2);
    cover (bad && error_crc);
    cover (error_sequence);
    cover (bad && error_length && \dut.state__q == BODY);
  end
endmodule
