//! The leaf modules that kernels cannot express, and the reason for each.

use super::super::cells::{ADD, ADD_SUB, DFF, FLIP_ADD, MASKED_ADD, MUL, ODD, RAM, TWICE_ADD};

/// A leaf instance, from the mark that its `hdl` returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    Dff,
    Ram { lanes: usize, width: usize, depth: usize, parity: bool },
    Mul { a: usize, b: usize, stages: usize },
    MaskedAdd { width: usize },
    Add { width: usize },
    AddSub { a: usize, b: usize },
    FlipAdd { width: usize },
    TwiceAdd { a: usize, b: usize },
    Odd,
}

impl Leaf {
    pub(super) fn parse(text: &str) -> Option<Leaf> {
        let mut words = text.split_whitespace();
        let kind = words.next()?;
        let mut number = || words.next().and_then(|w| w.parse().ok());
        match kind {
            DFF => Some(Leaf::Dff),
            RAM => Some(Leaf::Ram {
                lanes: number()?,
                width: number()?,
                depth: number()?,
                parity: number()? == 1,
            }),
            MUL => Some(Leaf::Mul { a: number()?, b: number()?, stages: number()? }),
            MASKED_ADD => Some(Leaf::MaskedAdd { width: number()? }),
            ADD => Some(Leaf::Add { width: number()? }),
            ADD_SUB => Some(Leaf::AddSub { a: number()?, b: number()? }),
            FLIP_ADD => Some(Leaf::FlipAdd { width: number()? }),
            TWICE_ADD => Some(Leaf::TwiceAdd { a: number()?, b: number()? }),
            ODD => Some(Leaf::Odd),
            _ => None,
        }
    }
}

/// Stands for the prefix of module names in the leaf modules' text.
pub(super) const PREFIX_MARK: &str = "@prefix@";

/// Memory. A leaf, because kernels have no indexed state.
pub(super) const RAM_MODULE: &str = "\
// Memory with one read and one write port; read data one cycle after the address. A word read while it is written
// gives no defined value, in simulation its old one inverted: nothing may use it, and no logic is spent on it.
// A leaf cell: kernels have no indexed state.
module @prefix@_ram #(
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
module @prefix@_mul #(
  parameter A = 16, // bits of a
  parameter B = 16, // bits of b
  parameter STAGES = 2 // registers, at least 1
) (
  input wire clk,
  input wire signed [A-1:0] a, // first factor
  input wire signed [B-1:0] b, // second factor
  output wire signed [A+B-1:0] p // a * b of STAGES cycles ago
);
  wire signed [A+B-1:0] wide_a = {{B{a[A-1]}}, a};
  wire signed [A+B-1:0] wide_b = {{A{b[B-1]}}, b};
  wire signed [A+B-1:0] product = wide_a * wide_b;
  reg [STAGES*(A+B)-1:0] pipe; // the latest product in the low bits
  wire [(STAGES+1)*(A+B)-1:0] next = {pipe, product};
  initial pipe = {(STAGES*(A+B)){1'b0}};
  always @(posedge clk) pipe <= next[STAGES*(A+B)-1:0];
  assign p = pipe[STAGES*(A+B)-1 -: A+B];
endmodule
";

/// Masked adder. A leaf, because a carry cell with four inputs takes both masks for nothing where logic synthesis
/// spends a gate on every bit of a term: a flow may replace it.
pub(super) const MASKED_ADD_MODULE: &str = "\
// Two signed terms, each taken or left out by its own bit, added. A leaf cell: the place where a board maps both
// masks into its carry cells.
module @prefix@_masked_add #(
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

/// Adder. A leaf, because logic synthesis would merge the levels of a tree of them.
pub(super) const ADD_MODULE: &str = "\
// Two signed terms added. A leaf cell: the place where a board maps the lowest bit beside its carry cells.
module @prefix@_add #(
  parameter WIDTH = 8 // bits of a term
) (
  input wire signed [WIDTH-1:0] a, // first term
  input wire signed [WIDTH-1:0] b, // second term
  output wire signed [WIDTH:0] y // sum
);
  assign y = {a[WIDTH-1], a} + {b[WIDTH-1], b};
endmodule
";

/// Sum or difference. A leaf, because logic synthesis does not merge an addition and a subtraction that share their
/// operands.
pub(super) const ADD_SUB_MODULE: &str = "\
// a + b or a - b, wrapped to the width of a. A leaf cell: one carry chain does both, and a board maps the inversion
// of b into its carry cells.
module @prefix@_add_sub #(
  parameter A = 8, // bits of a and of the result
  parameter B = 8 // bits of b, at most A
) (
  input wire signed [A-1:0] a, // first term
  input wire signed [B-1:0] b, // second term
  input wire subtract, // the second term is subtracted
  output wire signed [A-1:0] y // result
);
  // a - b is a + !b + 1: the 1 enters as the carry out of a lowest position of its own.
  wire [A+B-1:0] wide = {{A{b[B-1]}}, b};
  wire [A:0] sum = {a, 1'b1} + {wide[A-1:0] ^ {A{subtract}}, subtract};
  assign y = sum[A:1];
endmodule
";

/// Adder with an inverted result on demand. A leaf, because the inversion is for nothing in a carry cell with four
/// inputs.
pub(super) const FLIP_ADD_MODULE: &str = "\
// Two signed terms added, and all bits of the sum inverted or not. A leaf cell: the place where a board maps the
// inversion into its carry cells.
module @prefix@_flip_add #(
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
module @prefix@_twice_add #(
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
  wire [A+B-1:0] wide = {{A{b[B-1]}}, b};
  wire [A:0] sum = {twice ? a << 1 : a, 1'b1} + {wide[A-1:0], carry};
  assign y = sum[A:1];
endmodule
";
