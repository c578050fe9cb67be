//! The leaf modules that kernels cannot express, and the reason for each.

use super::super::cells::{DFF, MUL, RAM};

/// A leaf instance, from the mark that its `hdl` returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    Dff,
    Ram { lanes: usize, width: usize, depth: usize },
    Mul { a: usize, b: usize, stages: usize },
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
            _ => None,
        }
    }
}

/// Memory. A leaf, because kernels have no indexed state.
pub(super) const RAM_MODULE: &str = "\
// Memory with one read and one write port; read data one cycle after the address, old value on a collision.
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
  reg [WIDTH-1:0] words [0:DEPTH-1];
  always @(posedge clk) begin
    read_data <= words[read_address];
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
