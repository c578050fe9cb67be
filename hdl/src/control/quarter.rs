//! Where the pixels lie that a convolution of stride 2 reads.

use spikegate_contract::instr;

use crate::lang::*;

/// The even columns of the even rows of a map of even sides, which is written pixel by pixel: a quarter of it.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, start | in | 1 | clock; a layer begins, its next pixel is the first of a map |
/// | out_w | in | 10 | instruction field: width of the map, minus one |
/// | pixel | in | 1 | from the next cycle on, the next pixel is written |
/// | offset | in | 20 | place of a word of the pixel in the whole map: `maps * width * height + y * width + x` |
/// | keep | out | 1 | the pixel is one of the quarter |
/// | kept | out | 20 | place of the word there: `maps * width * height / 4 + y / 2 * width / 2 + x / 2` |
#[derive(LogicBlock)]
pub struct Quarter {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub start: Signal<In, Bit>,
    pub out_w: Sig<In>,
    pub pixel: Signal<In, Bit>,
    pub offset: Sig<In>,
    pub keep: Signal<Out, Bit>,
    pub kept: Sig<Out>,
    column: Dff,
    odd_row: Dff,
    even: Sig<Local>,
    one: Const,
    two: Const,
}

impl Default for Quarter {
    fn default() -> Self {
        Self::new()
    }
}

impl Quarter {
    /// The unit; its widths are the instruction's.
    pub fn new() -> Self {
        let f = |name: &str| Sig::new(u(instr::width(name)));
        Self {
            doc: doc!("quarter.rs", Quarter),
            clk: Default::default(),
            start: Default::default(),
            out_w: f("out_w"),
            pixel: Default::default(),
            offset: Sig::new(u(20)),
            keep: Default::default(),
            kept: Sig::new(u(20)),
            column: Dff::new(u(instr::width("out_w"))),
            odd_row: Dff::new(u(1)),
            even: Sig::new(u(21)),
            one: Const::new(u(1), 1),
            two: Const::new(u(2), 2),
        }
    }
}

impl Logic for Quarter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, column, odd_row);
        if self.pixel.val() {
            self.column.d.next = self.column.q.val() + self.one.val();
            if self.column.q.val() == self.out_w.val() {
                self.column.d.next = 0.into();
                self.odd_row.d.next = self.odd_row.q.val() ^ self.one.val();
            }
        }
        if self.start.val() {
            self.column.d.next = self.out_w.val();
            self.odd_row.d.next = self.one.val();
        }
        self.keep.next = !self.column.q.val().get_bit(0) & !self.odd_row.q.val().get_bit(0);
        // In an even row: a quarter of `y * width + 2 * x`.
        self.even.next = self.offset.val() + self.column.q.val();
        self.kept.next = self.even.val() >> self.two.val();
    }
}
