// What the planner counts on: with a memory that takes every request, answers within LATENCY cycles and then has a transfer in every
// cycle, transfers of the weights come without a gap, however soon some of them come. The n-th is there no later than LATENCY + n
// cycles behind the first request, which is in the cycle behind `begin_` (compiler/src/plan/port.rs, ideal memory).
//
// The ring has room: the first 375 words of a stream, in one of 512.
module port_bound (
  input clk, input rvalid, input [31:0] rdata
);
  localparam LATENCY = 8, BEATS = 4, CYCLES = 1500;
  reg started = 0, image = 0;
  wire begin_ = started && !image;
  wire arvalid, write;
  spikegate_fetch dut (
    .clk(clk), .rst(!started), .clear(!started), .begin_(begin_), .hold(1'b0), .stream_words(24'd1000),
    .stream_base(32'd0), .claim(1'b0), .tile(20'd1), .frees(1'b0), .write(write), .ar_valid(arvalid), .ar_ready(1'b1),
    .r_data_0(rdata), .r_valid(rvalid), .r_response(2'd0)
  );
  (* hierconn *) wire [23:0] \dut.requested__q , \dut.written__q , \dut.claimed__q , \dut.retired__q ;
  (* hierconn *) wire [7:0] \dut.under_way__q , \dut.beat_now__q ;
  (* hierconn *) wire \dut.stale__q , \dut.active__q , \dut.offered__q ;

  // Cycles since the first request could be made; transfers that have come; requests so many cycles ago, the latest lowest.
  reg [11:0] cycles = 0, come = 0;
  reg [12*(LATENCY-1)-1:0] before = 0;
  wire [11:0] requests = \dut.requested__q ;
  wire [11:0] old = before[12*(LATENCY-1)-1 -: 12];
  always @(posedge clk) begin
    started <= 1;
    image <= started;
    if (image) begin
      cycles <= cycles + 1;
      come <= come + rvalid;
      before <= {before, requests};
    end
  end
  always @(*) begin
    // A transfer comes when it is due; others that were asked for may.
    if (come < old * BEATS) assume (rvalid);
    if (come == requests * BEATS) assume (!rvalid);
    if (!image) assume (!rvalid);
    assume (cycles < CYCLES);
    if (image) begin
      assert (come + LATENCY >= cycles && \dut.requested__q < 512);
      assert (requests >= cycles || requests >= \dut.written__q + 15);
      assert (!\dut.stale__q && \dut.active__q && !\dut.offered__q && \dut.claimed__q == 0 && \dut.retired__q == 0);
      assert (come == \dut.written__q * BEATS + \dut.beat_now__q && \dut.beat_now__q < BEATS);
      assert (requests == \dut.written__q + \dut.under_way__q && \dut.under_way__q <= 16 && old <= requests);
      assert (come <= cycles && write == rvalid);
      assert (before[11:0] == 0 || before[11:0] + 1 >= requests);
    end else assert (cycles == 0 && come == 0 && before == 0 && requests == 0);
  end
  always @(posedge clk) begin
    cover (image && come == 20 && cycles == 28);
    cover (image && come == 6 && cycles == 8);
    cover (image && \dut.under_way__q == 16);
  end
endmodule
