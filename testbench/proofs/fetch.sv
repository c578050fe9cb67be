// Weights that stream from the external memory into a ring (hdl/src/memory/fetch.rs).
//
// Environment: the memory answers what it was asked, in order, as slowly as it likes; a tile is claimed when it is there
// and is no larger than the ring, and its room is given back after that. Soft resets and new images come at any time.
module fetch (
  input clk, input rst, input clear, input begin_, input hold, input claim, input [19:0] tile, input frees,
  input ar_ready, input r_valid, input [31:0] r_data, input [1:0] r_response
);
  localparam DEPTH = 512, BEATS = 4, BYTES = 16, REQUESTS = 16;
  (* anyconst *) wire [23:0] stream_words;
  (* anyconst *) wire [31:0] stream_base;
  wire ready, settled, write, error, ar_valid;
  wire [19:0] address;
  wire [7:0] beat;
  wire [31:0] data, ar_address;
  spikegate_fetch dut (
    .clk(clk), .rst(rst), .clear(clear), .begin_(begin_), .hold(hold), .stream_words(stream_words),
    .stream_base(stream_base), .claim(claim), .tile(tile), .frees(frees), .ready(ready), .settled(settled),
    .write(write), .address(address), .beat(beat), .data_0(data), .error(error), .ar_address(ar_address),
    .ar_valid(ar_valid), .ar_ready(ar_ready), .r_data_0(r_data), .r_valid(r_valid), .r_response(r_response)
  );

  // Registers of the unit, for the invariants that induction needs.
  (* hierconn *) wire [23:0] \dut.requested__q , \dut.written__q , \dut.claimed__q , \dut.retired__q ;
  (* hierconn *) wire [31:0] \dut.next_address__q ;
  (* hierconn *) wire [7:0] \dut.under_way__q , \dut.beat_now__q ;
  (* hierconn *) wire \dut.stale__q , \dut.active__q , \dut.offered__q ;
  wire [23:0] requested = \dut.requested__q , written = \dut.written__q ;
  wire [23:0] claimed = \dut.claimed__q , retired = \dut.retired__q ;
  wire stale = \dut.stale__q , active = \dut.active__q , offered = \dut.offered__q ;

  // What the memory owes, in transfers; an image is under way.
  reg [9:0] owed = 0;
  reg started = 0, image = 0;
  always @(posedge clk) begin
    started <= 1;
    image <= !clear && (begin_ || image);
    owed <= rst ? 0 : owed + (ar_valid && ar_ready ? BEATS : 0) - r_valid;
  end

  always @(*) begin
    if (!started) assume (rst);
    if (owed == 0) assume (!r_valid);
    assume (stream_base % BYTES == 0);
    assume (stream_words != 0);
    if (claim) assume (image && ready && tile != 0 && tile <= DEPTH && !stale && !begin_);
    if (rst) assume (clear && !claim && !begin_);
    if (started) begin
      // Bounds of requests and of the ring, and the order of its ends.
      assert (\dut.under_way__q + offered <= REQUESTS);
      assert (owed == \dut.under_way__q * BEATS - \dut.beat_now__q );
      assert (\dut.beat_now__q < BEATS);
      assert (requested <= stream_words);
      if (image) assert (requested - retired <= DEPTH);
      if (!image && !stale) assert (\dut.under_way__q == 0 && !offered);
      if (image && !stale) assert (retired <= claimed && claimed <= written && written <= requested);
      if (image && stale) assert (written == 0 && requested == 0 && claimed == 0 && retired == 0);
      // Nothing that may still be read is written over, and word n of an image comes as its n-th, to place n.
      if (image && !stale) assert (requested - written == \dut.under_way__q );
      if (write) assert (written - retired < DEPTH && address == written[19:0] && beat == \dut.beat_now__q );
      if (write) assert (data == r_data);
      if (ar_valid && !stale) assert (ar_address == stream_base + BYTES * requested);
      if (active && !stale) assert (requested < stream_words && \dut.next_address__q == stream_base + BYTES * requested);
      if (offered && !stale) assert (active && requested - retired < DEPTH);
      if (active) assert (image);
      assert (ar_address % BYTES == 0);
    end
  end

  always @(posedge clk) if (started && !$past(rst)) begin
    if ($past(ar_valid && !ar_ready)) assert (ar_valid && $stable(ar_address));
    if (stale && $past(stale)) assert (written == 0);
    if ($past(write && !rst && !begin_) && !stale) assert (written == $past(written) + ($past(beat) == BEATS - 1));
  end

  always @(posedge clk) begin
    cover (started && claim && tile == 3);
    cover (started && stale && r_valid);
    cover (started && !stale && $past(stale) && active);
    cover (started && \dut.under_way__q == 3 && retired != 0);
  end
endmodule
