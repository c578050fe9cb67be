//! The leaf modules that kernels cannot express, and the reason for each.

use super::super::cells::{ADD_SUB, DFF, FLIP_ADD, MASKED_ADD, MUL, RAM, TWICE_ADD};

/// A leaf instance, from the mark that its `hdl` returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    Dff,
    Ram { lanes: usize, width: usize, depth: usize },
    Mul { a: usize, b: usize, stages: usize },
    MaskedAdd { width: usize },
    AddSub { a: usize, b: usize },
    FlipAdd { width: usize },
    TwiceAdd { a: usize, b: usize },
}

impl Leaf {
    pub(super) fn parse(text: &str) -> Option<Leaf> {
        let mut words = text.split_whitespace();
        let kind = words.next()?;
        let mut number = || words.next().and_then(|w| w.parse().ok());
        match kind {
            DFF => Some(Leaf::Dff),
            RAM => Some(Leaf::Ram { lanes: number()?, width: number()?, depth: number()? }),
            MUL => Some(Leaf::Mul { a: number()?, b: number()?, stages: number()? }),
            MASKED_ADD => Some(Leaf::MaskedAdd { width: number()? }),
            ADD_SUB => Some(Leaf::AddSub { a: number()?, b: number()? }),
            FLIP_ADD => Some(Leaf::FlipAdd { width: number()? }),
            TWICE_ADD => Some(Leaf::TwiceAdd { a: number()?, b: number()? }),
            _ => None,
        }
    }
}

/// Memory. A leaf, because kernels have no indexed state.
pub(super) const RAM_MODULE: &str = "\
// Memory with one read and one write port; read data one cycle after the address. A word read while it is written
// gives no defined value, in simulation its old one inverted: nothing may use it, and no logic is spent on it.
// A leaf cell: kernels have no indexed state.
module sg_ram #(
  parameter WIDTH = 8, // bits of a word
  parameter DEPTH = 16, // words, a power of two
  parameter ADDRESS = 4 // bits of an address
) (
  input wire clk,
  input wire [ADDRESS-1:0] read_address, // word to read
  output reg [WIDTH-1:0] read_data, // the word of the previous cycle's read_address
  input wire write, // write in this cycle
  input wire [ADDRESS-1:0] write_address, // word to write
  input wire [WIDTH-1:0] write_data // value to write
);
  (* no_rw_check *)
  reg [WIDTH-1:0] words [0:DEPTH-1];
  always @(posedge clk) begin
    read_data <= words[read_address];
`ifndef SYNTHESIS
    if (write && write_address == read_address) read_data <= ~words[read_address];
`endif
    if (write) words[write_address] <= write_data;
  end
endmodule
";

/// Multiplier. A leaf, so that a board can map it to its own block.
pub(super) const MUL_MODULE: &str = "\
// Signed multiplier with registers behind it. A leaf cell: the place where a board maps its multiplier blocks.
module sg_mul #(
  parameter A = 16, // bits of a
  parameter B = 16, // bits of b
  parameter STAGES = 2 // registers, at least 1
) (
  input wire clk,
  input wire signed [A-1:0] a, // first factor
  input wire signed [B-1:0] b, // second factor
  output wire signed [A+B-1:0] p // a * b of STAGES cycles ago
);
  reg signed [A+B-1:0] pipe [0:STAGES-1];
  integer i;
  initial for (i = 0; i < STAGES; i = i + 1) pipe[i] = 0;
  always @(posedge clk) begin
    pipe[0] <= a * b;
    for (i = 1; i < STAGES; i = i + 1) pipe[i] <= pipe[i-1];
  end
  assign p = pipe[STAGES-1];
endmodule
";

/// Masked adder. A leaf, because a carry cell with four inputs takes both masks for nothing where logic synthesis
/// spends a gate on every bit of a term: a flow may replace it.
pub(super) const MASKED_ADD_MODULE: &str = "\
// Two signed terms, each taken or left out by its own bit, added. A leaf cell: the place where a board maps both
// masks into its carry cells.
module sg_masked_add #(
  parameter WIDTH = 8 // bits of a term
) (
  input wire signed [WIDTH-1:0] a, // first term
  input wire signed [WIDTH-1:0] b, // second term
  input wire use_a, // the first term counts
  input wire use_b, // the second term counts
  output wire signed [WIDTH:0] y // sum
);
  assign y = (use_a ? {a[WIDTH-1], a} : {(WIDTH+1){1'b0}}) + (use_b ? {b[WIDTH-1], b} : {(WIDTH+1){1'b0}});
endmodule
";

/// Sum or difference. A leaf, because logic synthesis does not merge an addition and a subtraction that share their
/// operands.
pub(super) const ADD_SUB_MODULE: &str = "\
// a + b or a - b, wrapped to the width of a. A leaf cell: one carry chain does both, and a board maps the inversion
// of b into its carry cells.
module sg_add_sub #(
  parameter A = 8, // bits of a and of the result
  parameter B = 8 // bits of b, at most A
) (
  input wire signed [A-1:0] a, // first term
  input wire signed [B-1:0] b, // second term
  input wire subtract, // the second term is subtracted
  output wire signed [A-1:0] y // result
);
  // a - b is a + !b + 1: the 1 enters as the carry out of a lowest position of its own.
  wire signed [A-1:0] wide = b;
  wire [A:0] sum = {a, 1'b1} + {wide ^ {A{subtract}}, subtract};
  assign y = sum[A:1];
endmodule
";

/// Adder with an inverted result on demand. A leaf, because the inversion is for nothing in a carry cell with four
/// inputs.
pub(super) const FLIP_ADD_MODULE: &str = "\
// Two signed terms added, and all bits of the sum inverted or not. A leaf cell: the place where a board maps the
// inversion into its carry cells.
module sg_flip_add #(
  parameter WIDTH = 8 // bits of a term
) (
  input wire signed [WIDTH-1:0] a, // first term
  input wire signed [WIDTH-1:0] b, // second term
  input wire flip, // invert the sum
  output wire signed [WIDTH:0] y // result
);
  assign y = ({a[WIDTH-1], a} + {b[WIDTH-1], b}) ^ {(WIDTH+1){flip}};
endmodule
";

/// Accumulation. A leaf, because the doubling is for nothing in a carry cell with four inputs where logic synthesis
/// spends a gate on every bit.
pub(super) const TWICE_ADD_MODULE: &str = "\
// a or 2 a, plus b, plus a carry, wrapped to the width of a. A leaf cell: the place where a board maps the doubling
// into its carry cells.
module sg_twice_add #(
  parameter A = 8, // bits of a and of the result
  parameter B = 8 // bits of b, at most A
) (
  input wire signed [A-1:0] a, // value
  input wire signed [B-1:0] b, // term
  input wire twice, // the value counts twice
  input wire carry, // add 1
  output wire signed [A-1:0] y // result
);
  // The carry enters as the carry out of a lowest position of its own.
  wire signed [A-1:0] wide = b;
  wire [A:0] sum = {twice ? a << 1 : a, 1'b1} + {wide, carry};
  assign y = sum[A:1];
endmodule
";
