// Simulation models of the ECP5 cells that the tools' own files leave as black boxes, in the forms in which synthesis
// uses them: block memories without output registers, multipliers without registers.

// 16 kbit of block memory with parity (18 kbit): two ports of 1 to 18 bits, or one that writes and one that reads
// 36 bits. Bits 8 of a byte exist at widths of 9 and more.
//
// What a port reads while the other one writes the same word is not defined: here it is the inverse of what was
// there, so that a design that uses it does not get away with it.
module ecp5_dp16kd #(
  parameter DATA_WIDTH_A = 18,
  parameter DATA_WIDTH_B = 18,
  parameter WRITEMODE_A = "NORMAL",
  parameter WRITEMODE_B = "NORMAL"
) (
  input wire CLKA, input wire CEA, input wire OCEA, input wire WEA, input wire RSTA, input wire [2:0] CSA,
  input wire [13:0] ADA, input wire [17:0] DIA, output wire [17:0] DOA,
  input wire CLKB, input wire CEB, input wire OCEB, input wire WEB, input wire RSTB, input wire [2:0] CSB,
  input wire [13:0] ADB, input wire [17:0] DIB, output wire [17:0] DOB
);
  // Bytes of 9 bits.
  reg [8:0] bytes [0:2047];
  integer k;
  initial for (k = 0; k < 2048; k = k + 1) bytes[k] = 9'd0;

  // Bytes that an access touches, and those that it writes: an access of 18 bits or more has a write enable for
  // each byte in the lowest address bits.
  function automatic [10:0] first_byte(input integer width, input [13:0] address);
    first_byte = width == 36 ? {address[13:5], 2'd0} : width == 18 ? {address[13:4], 1'd0} : address[13:3];
  endfunction
  function automatic [2:0] byte_count(input integer width);
    byte_count = width == 36 ? 3'd4 : width == 18 ? 3'd2 : 3'd1;
  endfunction
  function automatic [3:0] enables(input integer width, input [13:0] address);
    enables = width == 36 ? address[3:0] : width == 18 ? {2'd0, address[1:0]} : 4'd1;
  endfunction
  // The bits of a byte that a narrow access means.
  function automatic [8:0] bits(input integer width, input [13:0] address);
    case (width)
      1: bits = 9'd1 << address[2:0];
      2: bits = 9'd3 << {address[2:1], 1'b0};
      4: bits = 9'd15 << {address[2], 2'b00};
      default: bits = 9'd511;
    endcase
  endfunction
  function automatic [3:0] place(input integer width, input [13:0] address);
    case (width)
      1: place = {1'b0, address[2:0]};
      2: place = {1'b0, address[2:1], 1'b0};
      4: place = {1'b0, address[2], 2'b00};
      default: place = 4'd0;
    endcase
  endfunction

  wire write_a = CEA & WEA & (CSA == 3'd0);
  wire write_b = CEB & WEB & (CSB == 3'd0);
  // A port of 36 bits writes with the data of both.
  wire [35:0] data_a = DATA_WIDTH_A == 36 ? {DIB, DIA} : {18'd0, DIA};
  wire [35:0] data_b = {18'd0, DIB};
  reg [35:0] read_a = 36'd0;
  reg [35:0] read_b = 36'd0;
  // A port of 36 bits reads with the outputs of both.
  assign DOA = DATA_WIDTH_B == 36 ? read_b[17:0] : read_a[17:0];
  assign DOB = DATA_WIDTH_B == 36 ? read_b[35:18] : read_b[17:0];

  // Bytes of a word, and whether the other port writes into it.
  function automatic [35:0] word(
    input integer width, input [13:0] address, input other, input integer other_width, input [13:0] other_address
  );
    integer i, j;
    reg [8:0] value, written;
    begin
      word = 36'd0;
      for (i = 0; i < 4; i = i + 1) begin
        if (i < byte_count(width)) begin
          value = bytes[first_byte(width, address) + i[10:0]];
          written = 9'd0;
          for (j = 0; j < 4; j = j + 1) begin
            if (other && j < byte_count(other_width) && ((enables(other_width, other_address) >> j) & 4'd1) != 4'd0 &&
                first_byte(other_width, other_address) + j[10:0] == first_byte(width, address) + i[10:0])
              written = bits(other_width, other_address);
          end
          word[9*i +: 9] = ((value ^ written) & bits(width, address)) >> place(width, address);
        end
      end
    end
  endfunction

  task automatic store(input integer width, input [13:0] address, input [35:0] data);
    integer i;
    reg [8:0] mask;
    for (i = 0; i < 4; i = i + 1) begin
      if (i < byte_count(width) && ((enables(width, address) >> i) & 4'd1) != 4'd0) begin
        mask = bits(width, address);
        bytes[first_byte(width, address) + i[10:0]] <=
          (bytes[first_byte(width, address) + i[10:0]] & ~mask) | ((data[9*i +: 9] << place(width, address)) & mask);
      end
    end
  endtask

  generate
    if (WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_B == "WRITETHROUGH") $error("no model of this write mode");
  endgenerate
  // Both ports have one clock in every design here.
  always @(posedge CLKA) begin
    if (CEA && DATA_WIDTH_A != 36 && (WRITEMODE_A == "READBEFOREWRITE" || !write_a))
      read_a <= word(DATA_WIDTH_A, ADA, write_b, DATA_WIDTH_B, ADB);
    if (CEB && (WRITEMODE_B == "READBEFOREWRITE" || !write_b))
      read_b <= word(DATA_WIDTH_B, ADB, write_a, DATA_WIDTH_A, ADA);
    if (write_a) store(DATA_WIDTH_A, ADA, data_a);
    if (write_b) store(DATA_WIDTH_B, ADB, data_b);
    if (RSTA) read_a <= 36'd0;
    if (RSTB) read_b <= 36'd0;
  end
endmodule

// 18 x 18 bits, signed or not, without registers.
module ecp5_mult18x18d (
  input wire [17:0] A, input wire [17:0] B, input wire SIGNEDA, input wire SIGNEDB,
  input wire SOURCEA, input wire SOURCEB, output wire [35:0] P
);
  wire signed [36:0] a = {{19{SIGNEDA & A[17]}}, A};
  wire signed [36:0] b = {{19{SIGNEDB & B[17]}}, B};
  wire signed [36:0] product = a * b;
  assign P = product[35:0];
endmodule
