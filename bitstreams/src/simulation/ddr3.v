  // In place of the PHY and the memory behind it: DFI at 1:2, two phases of four beats on @lanes@ byte lanes, made from what
  // LiteDRAM's documentation and the standard of the memory say. The pins are left alone.
  //
  // The beats of a lane come up to three late, and only some taps of its delay sample them: which ones, +memory_seed=N
  // says. A lane that is not at its place gives the beats before or behind, one outside of its window noise. What a memory
  // that was not brought up as it should be gives is noise too. +memory=FILE is what lies in it at the start, as $readmemh
  // takes it, and +memory_dead=N has no right tap on the lanes of the mask N.
  localparam LANES = @lanes@;
  localparam WORDS = @words@;
  localparam READ = @read@;
  localparam WRITE = @write@;
  localparam BEATS = 4 * READ + 8;
  // Cycles between the release of reset and CKE: 500 us; between refreshes: nine times 7.8 us.
  localparam RESET_TO_CKE = 500 * @mhz@;
  localparam REFRESH = 9 * 78 * @mhz@ / 10;

  @clock@
  assign locked = 1'b1;
  reg [3:0] release_pipe = 4'hf;
  always @(posedge clkout) release_pipe <= rst ? 4'hf : {release_pipe[2:0], 1'b0};
  assign rstout = release_pipe[3];

  reg [127:0] cells [0:WORDS-1];
  reg [8*BEATS-1:0] stream [0:LANES-1];
  reg [1:0] slip [0:LANES-1];
  reg [2:0] tap [0:LANES-1];
  integer late [0:LANES-1];
  integer from [0:LANES-1];
  integer to [0:LANES-1];
  reg [63:0] noise = 64'h0123456789abcdef;
  integer seed, dead, l, b;
  reg [1023:0] file;
  initial begin
    if (!$value$plusargs("memory_seed=%d", seed)) seed = 1;
    if (!$value$plusargs("memory_dead=%d", dead)) dead = 0;
    for (l = 0; l < LANES; l = l + 1) begin
      // Enough of a spread; windows of two to five taps.
      seed = (seed * 1103515245 + 12345) & 32'h7fffffff;
      late[l] = (seed >> 16) % 4;
      to[l] = 2 + (seed >> 18) % 4;
      from[l] = (seed >> 22) % (9 - to[l]);
      to[l] = from[l] + to[l];
      if (dead[l]) to[l] = from[l];
      slip[l] = seed[25:24];
      tap[l] = seed[28:26];
    end
    if ($value$plusargs("memory=%s", file)) $readmemh(file, cells);
  end

  reg [15:0] row [0:7];
  reg [7:0] open = 8'd0;
  reg [@address@:0] mode [0:3];
  reg [3:0] modes = 4'd0;
  reg calibrated = 1'b0;
  integer released = 0, refreshed = 0;
  reg ready = 1'b0;
  reg [WRITE-1:0] write_valid = {WRITE{1'b0}};
  reg [31:0] write_at [0:WRITE-1];
  reg [READ-1:0] valid_pipe = {READ{1'b0}};

  wire [1:0] chosen = {!dfi_p1_cs_n, !dfi_p0_cs_n};
  wire [2:0] command [0:1];
  assign command[0] = {dfi_p0_ras_n, dfi_p0_cas_n, dfi_p0_we_n};
  assign command[1] = {dfi_p1_ras_n, dfi_p1_cas_n, dfi_p1_we_n};
  wire [15:0] address [0:1];
  assign address[0] = 16'(dfi_p0_address);
  assign address[1] = 16'(dfi_p1_address);
  wire [2:0] bank [0:1];
  assign bank[0] = dfi_p0_bank;
  assign bank[1] = dfi_p1_bank;
  wire [127:0] write_data = {dfi_p1_wrdata, dfi_p0_wrdata};
  wire [15:0] write_mask = {dfi_p1_wrdata_mask, dfi_p0_wrdata_mask};

  reg [8*BEATS-1:0] next [0:LANES-1];
  reg [31:0] at;
  reg [127:0] word;
  integer p, k;
  always @(posedge clkout) begin
    noise <= {noise[62:0], noise[63] ^ noise[62] ^ noise[60] ^ noise[59]} ^ 64'h9e3779b97f4a7c15;
    valid_pipe <= {valid_pipe[READ-2:0], dfi_p0_rddata_en | dfi_p1_rddata_en};
    write_valid <= {write_valid[WRITE-2:0], 1'b0};
    for (k = 1; k < WRITE; k = k + 1) write_at[k] <= write_at[k-1];
    // Time goes by on the lanes: four beats a cycle, and noise behind them.
    for (l = 0; l < LANES; l = l + 1) begin
      next[l] = {noise[31:0] ^ {noise[11:0], noise[63:44]} ^ (l * 32'h01030507), stream[l][8*BEATS-1:32]};
    end
    released <= dfi_p0_reset_n ? released + (released < 1000000 ? 1 : 0) : 0;
    refreshed <= ready ? refreshed + 1 : 0;
    for (p = 0; p < 2; p = p + 1) if (chosen[p]) begin
      case (command[p])
        3'b000: begin
          mode[bank[p][1:0]] <= address[p][@address@:0];
          modes[bank[p][1:0]] <= 1'b1;
          if (!dfi_p0_cke || released < RESET_TO_CKE) $fatal(1, "memory: a mode register is set too early");
        end
        3'b001: refreshed <= 0;
        3'b010: if (address[p][10]) open <= 8'd0; else open[bank[p]] <= 1'b0;
        3'b011: begin
          if (ready && open[bank[p]]) $fatal(1, "memory: a row is opened in a bank that has one");
          open[bank[p]] <= 1'b1;
          row[bank[p]] <= address[p];
        end
        3'b100, 3'b101: begin
          if (!open[bank[p]]) $fatal(1, "memory: an access to a bank without a row");
          at = 32'({row[bank[p]], bank[p], address[p][9:3]});
          if (at >= WORDS) $fatal(1, "memory: address %h is beyond the model's", at);
          if (address[p][10]) open[bank[p]] <= 1'b0;
          if (command[p] == 3'b100) begin
            write_valid[0] <= 1'b1;
            write_at[0] <= at;
          end else begin
            word = ready ? cells[at[@depth@:0]] : {noise, noise};
            for (l = 0; l < LANES; l = l + 1) for (b = 0; b < 8; b = b + 1) begin
              next[l][8*(4*(READ-1) + late[l] + b) +: 8] = word[8*(LANES*b + l) +: 8];
            end
          end
        end
        3'b110: calibrated <= 1'b1;
        default: ;
      endcase
    end
    for (l = 0; l < LANES; l = l + 1) stream[l] <= next[l];
    ready <= dfi_p0_cke && dfi_p0_reset_n && calibrated && modes == 4'hf && mode[0] == @mr0@ && mode[1] == @mr1@
      && mode[2] == @mr2@ && mode[3] == @mr3@;
    if (ready && refreshed > REFRESH) $fatal(1, "memory: no refresh in %0d cycles", REFRESH);
    if (write_valid[WRITE-1]) for (b = 0; b < 16; b = b + 1) if (!write_mask[b]) begin
      cells[write_at[WRITE-1][@depth@:0]][8*b +: 8] <= write_data[8*b +: 8];
    end
    for (l = 0; l < LANES; l = l + 1) if (level_lanes[l]) begin
      if (level_slip_next) slip[l] <= slip[l] + 2'd1;
      if (level_slip_first) slip[l] <= 2'd0;
      if (level_tap_next) tap[l] <= tap[l] + 3'd1;
      if (level_tap_first) tap[l] <= 3'd0;
    end
  end

  reg [127:0] read_data;
  integer q, c;
  always @(*) for (q = 0; q < LANES; q = q + 1) for (c = 0; c < 8; c = c + 1) begin
    read_data[8*(LANES*c + q) +: 8] = 32'(tap[q]) >= from[q] && 32'(tap[q]) < to[q]
      ? stream[q][8*(32'(slip[q]) + c) +: 8] : noise[8*c +: 8];
  end
  assign {dfi_p1_rddata, dfi_p0_rddata} = read_data;
  assign dfi_p0_rddata_valid = valid_pipe[READ-1];
  assign dfi_p1_rddata_valid = valid_pipe[READ-1];
endmodule
