//! Walks output groups, images of a batch and pixels, and prepares each pixel's window.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr;

use crate::lang::*;

/// The pixel walker: output group, then image of the batch, then y, then x. Three stages, one pixel a cycle: counters; the part of the window
/// inside the map; start addresses.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | start | in | 1 | begin a layer; instruction fields are static until the last pixel is taken |
/// | kernel, stride, pad, in_h, in_w, row_step, row_origin, source_base, weight_base, weight_group, weight_row, groups_in, groups_out, out_h, out_w, out_time, out_group, param_base | in | | instruction fields |
/// | images, source_image | in | 4, 20 | instruction fields, where the array is built for batches |
/// | take | in | 1 | the pixel on the outputs is taken in this cycle |
/// | valid | out | 1 | the outputs hold a pixel |
/// | address, weight | out | 20 | of the window's first tap inside the map |
/// | ky_low, ky_high, kx_low, kx_high | out | 3 | taps inside the map |
/// | pixel | out | 20 | output pixel number, y * out_w + x |
/// | time_offset, code_offset | out | 20 | output group's (and image's) offset in a map with time passes / a code map |
/// | group | out | 10 | output channel group (of CI channels); of a batch: group * images + image |
/// | row | out | 6 | slot row (slot / R) of the first output channel |
/// | param | out | 16 | parameter address of the first output channel |
/// | first, last | out | 1 | first pixel of its output group and image; last pixel of the layer |
/// | opens | out | 1 | first pixel of its output group: the group's weights are needed from here on |
#[derive(LogicBlock)]
pub struct Pixels {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub start: Signal<In, Bit>,
    pub kernel: Sig<In>,
    pub stride: Sig<In>,
    pub pad: Sig<In>,
    pub in_h: Sig<In>,
    pub in_w: Sig<In>,
    pub row_step: Sig<In>,
    pub row_origin: Sig<In>,
    pub source_base: Sig<In>,
    pub weight_base: Sig<In>,
    pub weight_group: Sig<In>,
    pub weight_row: Sig<In>,
    pub groups_in: Sig<In>,
    pub groups_out: Sig<In>,
    pub out_h: Sig<In>,
    pub out_w: Sig<In>,
    pub out_time: Sig<In>,
    pub out_group: Sig<In>,
    pub param_base: Sig<In>,
    pub images: Sig<In>,
    pub source_image: Sig<In>,
    pub take: Signal<In, Bit>,
    pub valid: Signal<Out, Bit>,
    pub address: Sig<Out>,
    pub weight: Sig<Out>,
    pub ky_low: Sig<Out>,
    pub ky_high: Sig<Out>,
    pub kx_low: Sig<Out>,
    pub kx_high: Sig<Out>,
    pub pixel: Sig<Out>,
    pub time_offset: Sig<Out>,
    pub code_offset: Sig<Out>,
    pub group: Sig<Out>,
    pub row: Sig<Out>,
    pub param: Sig<Out>,
    pub first: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    pub opens: Signal<Out, Bit>,
    // Stage A: counters.
    a_valid: Dff,
    a_group_out: Dff,
    a_y: Dff,
    a_x: Dff,
    a_iy: Dff,
    a_ix: Dff,
    a_line: Dff,
    a_pixel: Dff,
    a_weight: Dff,
    a_time_offset: Dff,
    a_code_offset: Dff,
    a_group: Dff,
    a_row: Dff,
    a_param: Dff,
    a_first: Dff,
    // The image and where its operands begin; where the channel group of image 0 begins.
    a_image: Vec<Dff>,
    a_source: Vec<Dff>,
    a_group_start: Vec<Dff>,
    a_time_start: Vec<Dff>,
    // Stage B: window inside the map.
    b_valid: Dff,
    b_ky_low: Dff,
    b_ky_high: Dff,
    b_kx_low: Dff,
    b_kx_high: Dff,
    b_line: Dff,
    b_ix: Dff,
    b_pixel: Dff,
    b_weight: Dff,
    b_time_offset: Dff,
    b_code_offset: Dff,
    b_group: Dff,
    b_row: Dff,
    b_param: Dff,
    b_first: Dff,
    b_last: Dff,
    b_opens: Dff,
    // Stage C: outputs.
    c_valid: Dff,
    c_address: Dff,
    c_weight: Dff,
    c_ky_low: Dff,
    c_ky_high: Dff,
    c_kx_low: Dff,
    c_kx_high: Dff,
    c_pixel: Dff,
    c_time_offset: Dff,
    c_code_offset: Dff,
    c_group: Dff,
    c_row: Dff,
    c_param: Dff,
    c_first: Dff,
    c_last: Dff,
    c_opens: Dff,
    a_move: Signal<Local, Bit>,
    b_move: Signal<Local, Bit>,
    c_move: Signal<Local, Bit>,
    last_x: Signal<Local, Bit>,
    last_y: Signal<Local, Bit>,
    last_group: Signal<Local, Bit>,
    last_image: Signal<Local, Bit>,
    first_image: Signal<Local, Bit>,
    next_group: Sig<Local>,
    next_time: Sig<Local>,
    next_row: Sig<Local>,
    room_y: Sig<Local>,
    room_x: Sig<Local>,
    origin: Sig<Local>,
    groups: Sig<Local>,
    zero: Const,
    one: Const,
    rows: Const,
    row_step_group: Const,
    _batches: usize,
}

impl Pixels {
    /// The pixel walker of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let f = |name: &str| Sig::new(u(instr::width(name)));
        let (address, k, param, row) = (u(20), u(3), u(16), u(6));
        let position = s(12);
        let batches = usize::from(array.batch > 1);
        let batch = |width: usize| (0..batches).map(|_| Dff::new(u(width))).collect::<Vec<_>>();
        Self {
            doc: doc!("pixels.rs", Pixels),
            clk: Default::default(),
            clear: Default::default(),
            start: Default::default(),
            kernel: f("kernel"),
            stride: f("stride"),
            pad: f("pad"),
            in_h: f("in_h"),
            in_w: f("in_w"),
            row_step: f("row_step"),
            row_origin: f("row_origin"),
            source_base: f("source_base"),
            weight_base: f("weight_base"),
            weight_group: f("weight_group"),
            weight_row: f("weight_row"),
            groups_in: f("groups_in"),
            groups_out: f("groups_out"),
            out_h: f("out_h"),
            out_w: f("out_w"),
            out_time: f("out_time"),
            out_group: f("out_group"),
            param_base: f("param_base"),
            images: f("images"),
            source_image: f("length"),
            take: Default::default(),
            valid: Default::default(),
            address: Sig::new(address),
            weight: Sig::new(address),
            ky_low: Sig::new(k),
            ky_high: Sig::new(k),
            kx_low: Sig::new(k),
            kx_high: Sig::new(k),
            pixel: Sig::new(address),
            time_offset: Sig::new(address),
            code_offset: Sig::new(address),
            group: Sig::new(u(10)),
            row: Sig::new(row),
            param: Sig::new(param),
            first: Default::default(),
            last: Default::default(),
            opens: Default::default(),
            a_valid: Dff::new(u(1)),
            a_group_out: Dff::new(u(10)),
            a_y: Dff::new(u(10)),
            a_x: Dff::new(u(10)),
            a_iy: Dff::new(position),
            a_ix: Dff::new(position),
            a_line: Dff::new(s(21)),
            a_pixel: Dff::new(address),
            a_weight: Dff::new(address),
            a_time_offset: Dff::new(address),
            a_code_offset: Dff::new(address),
            a_group: Dff::new(u(10)),
            a_row: Dff::new(row),
            a_param: Dff::new(param),
            a_first: Dff::new(u(1)),
            a_image: batch(4),
            a_source: batch(20),
            a_group_start: batch(10),
            a_time_start: batch(20),
            b_valid: Dff::new(u(1)),
            b_ky_low: Dff::new(k),
            b_ky_high: Dff::new(k),
            b_kx_low: Dff::new(k),
            b_kx_high: Dff::new(k),
            b_line: Dff::new(address),
            b_ix: Dff::new(u(10)),
            b_pixel: Dff::new(address),
            b_weight: Dff::new(address),
            b_time_offset: Dff::new(address),
            b_code_offset: Dff::new(address),
            b_group: Dff::new(u(10)),
            b_row: Dff::new(row),
            b_param: Dff::new(param),
            b_first: Dff::new(u(1)),
            b_last: Dff::new(u(1)),
            b_opens: Dff::new(u(1)),
            c_valid: Dff::new(u(1)),
            c_address: Dff::new(address),
            c_weight: Dff::new(address),
            c_ky_low: Dff::new(k),
            c_ky_high: Dff::new(k),
            c_kx_low: Dff::new(k),
            c_kx_high: Dff::new(k),
            c_pixel: Dff::new(address),
            c_time_offset: Dff::new(address),
            c_code_offset: Dff::new(address),
            c_group: Dff::new(u(10)),
            c_row: Dff::new(row),
            c_param: Dff::new(param),
            c_first: Dff::new(u(1)),
            c_last: Dff::new(u(1)),
            c_opens: Dff::new(u(1)),
            a_move: Default::default(),
            b_move: Default::default(),
            c_move: Default::default(),
            last_x: Default::default(),
            last_y: Default::default(),
            last_group: Default::default(),
            last_image: Default::default(),
            first_image: Default::default(),
            next_group: Sig::new(u(10)),
            next_time: Sig::new(address),
            next_row: Sig::new(u(7)),
            room_y: Sig::new(s(12)),
            room_x: Sig::new(s(12)),
            origin: Sig::new(s(12)),
            groups: Sig::new(u(11)),
            zero: Const::new(position, 0),
            one: Const::new(u(1), 1),
            rows: Const::new(u(7), (array.ci / array.post) as i64),
            row_step_group: Const::new(u(7), (array.co / array.post) as i64),
            _batches: batches,
        }
    }
}

impl Logic for Pixels {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            a_valid,
            a_group_out,
            a_y,
            a_x,
            a_iy,
            a_ix,
            a_line,
            a_pixel,
            a_weight,
            a_time_offset,
            a_code_offset,
            a_group,
            a_row,
            a_param,
            a_first
        );
        dff_setup!(
            self,
            clk,
            b_valid,
            b_ky_low,
            b_ky_high,
            b_kx_low,
            b_kx_high,
            b_line,
            b_ix,
            b_pixel,
            b_weight,
            b_time_offset,
            b_code_offset,
            b_group,
            b_row,
            b_param,
            b_first,
            b_last,
            b_opens
        );
        dff_setup!(
            self,
            clk,
            c_valid,
            c_address,
            c_weight,
            c_ky_low,
            c_ky_high,
            c_kx_low,
            c_kx_high,
            c_pixel,
            c_time_offset,
            c_code_offset,
            c_group,
            c_row,
            c_param,
            c_first,
            c_last,
            c_opens
        );
        self.last_image.next = true;
        self.first_image.next = true;
        for p in 0..self._batches {
            self.a_image[p].clock.next = self.clk.val();
            self.a_source[p].clock.next = self.clk.val();
            self.a_group_start[p].clock.next = self.clk.val();
            self.a_time_start[p].clock.next = self.clk.val();
            self.a_image[p].d.next = self.a_image[p].q.val();
            self.a_source[p].d.next = self.a_source[p].q.val();
            self.a_group_start[p].d.next = self.a_group_start[p].q.val();
            self.a_time_start[p].d.next = self.a_time_start[p].q.val();
            self.last_image.next = self.a_image[p].q.val() == self.images.val();
            self.first_image.next = self.a_image[p].q.val() == self.zero.val();
        }

        // A stage moves on when the next one is empty or moves on too.
        self.c_move.next = self.take.val() | !self.c_valid.q.val().get_bit(0);
        self.b_move.next = self.c_move.val() | !self.b_valid.q.val().get_bit(0);
        self.a_move.next = self.b_move.val() & self.a_valid.q.val().get_bit(0);

        // Stage A: count x, y, image, group; all products by addition.
        self.last_x.next = self.a_x.q.val() == self.out_w.val();
        self.last_y.next = self.a_y.q.val() == self.out_h.val();
        self.last_group.next = self.a_group_out.q.val() == self.groups_out.val();
        self.next_row.next = self.a_row.q.val() + self.row_step_group.val();
        self.next_group.next = self.a_group.q.val() + self.one.val();
        self.next_time.next = self.a_time_offset.q.val() + self.out_group.val();
        self.origin.next = self.zero.val() - self.pad.val();
        if self.a_move.val() {
            self.a_pixel.d.next = self.a_pixel.q.val() + self.one.val();
            self.a_first.d.next = 0.into();
            self.a_x.d.next = self.a_x.q.val() + self.one.val();
            self.a_ix.d.next = self.a_ix.q.val() + self.stride.val();
            if self.last_x.val() {
                self.a_x.d.next = 0.into();
                self.a_ix.d.next = self.origin.val();
                self.a_y.d.next = self.a_y.q.val() + self.one.val();
                self.a_iy.d.next = self.a_iy.q.val() + self.stride.val();
                self.a_line.d.next = self.a_line.q.val() + self.row_step.val();
                if self.last_y.val() {
                    self.a_y.d.next = 0.into();
                    self.a_iy.d.next = self.origin.val();
                    self.a_line.d.next = self.zero.val() - self.row_origin.val();
                    self.a_pixel.d.next = 0.into();
                    self.a_first.d.next = 1.into();
                    for p in 0..self._batches {
                        self.a_image[p].d.next = self.a_image[p].q.val() + self.one.val();
                        self.a_source[p].d.next = self.a_source[p].q.val() + self.source_image.val();
                        self.a_group.d.next = self.next_group.val();
                        self.a_time_offset.d.next = self.next_time.val();
                    }
                    if self.last_image.val() {
                        for p in 0..self._batches {
                            self.a_image[p].d.next = 0.into();
                            self.a_source[p].d.next = 0.into();
                            self.a_group.d.next = self.a_group_start[p].q.val();
                            self.a_time_offset.d.next = self.a_time_start[p].q.val();
                        }
                        self.a_group_out.d.next = self.a_group_out.q.val() + self.one.val();
                        self.a_weight.d.next = self.a_weight.q.val() + self.weight_group.val();
                        self.a_param.d.next = self.a_param.q.val() + self.row_step_group.val();
                        self.a_row.d.next = self.next_row.val();
                        if self.next_row.val() == self.rows.val() {
                            self.a_row.d.next = 0.into();
                            self.a_group.d.next = self.next_group.val();
                            self.a_time_offset.d.next = self.next_time.val();
                            self.a_code_offset.d.next = self.a_code_offset.q.val() + self.out_time.val();
                            for p in 0..self._batches {
                                self.a_group_start[p].d.next = self.next_group.val();
                                self.a_time_start[p].d.next = self.next_time.val();
                            }
                        }
                        if self.last_group.val() {
                            self.a_valid.d.next = 0.into();
                        }
                    }
                }
            }
        }
        if self.start.val() {
            self.a_valid.d.next = 1.into();
            self.a_group_out.d.next = 0.into();
            self.a_x.d.next = 0.into();
            self.a_y.d.next = 0.into();
            self.a_ix.d.next = self.origin.val();
            self.a_iy.d.next = self.origin.val();
            self.a_line.d.next = self.zero.val() - self.row_origin.val();
            self.a_pixel.d.next = 0.into();
            self.a_weight.d.next = self.weight_base.val();
            self.a_time_offset.d.next = 0.into();
            self.a_code_offset.d.next = 0.into();
            self.a_group.d.next = 0.into();
            self.a_row.d.next = 0.into();
            self.a_param.d.next = self.param_base.val();
            self.a_first.d.next = 1.into();
            for p in 0..self._batches {
                self.a_image[p].d.next = 0.into();
                self.a_source[p].d.next = 0.into();
                self.a_group_start[p].d.next = 0.into();
                self.a_time_start[p].d.next = 0.into();
            }
        }

        // Stage B: taps inside the map. Tap k lies at position origin + k, which must be within 0..size.
        self.room_y.next = self.in_h.val() - self.a_iy.q.val() - self.one.val();
        self.room_x.next = self.in_w.val() - self.a_ix.q.val() - self.one.val();
        if self.b_move.val() {
            self.b_valid.d.next = self.a_valid.q.val();
            self.b_ky_low.d.next = 0.into();
            self.b_line.d.next = self.a_line.q.val();
            if self.a_iy.q.val() < self.zero.val() {
                self.b_ky_low.d.next = self.zero.val() - self.a_iy.q.val();
                self.b_line.d.next = 0.into();
            }
            for p in 0..self._batches {
                self.b_line.d.next = self.a_line.q.val() + self.a_source[p].q.val();
                if self.a_iy.q.val() < self.zero.val() {
                    self.b_line.d.next = self.a_source[p].q.val();
                }
            }
            self.b_kx_low.d.next = 0.into();
            self.b_ix.d.next = self.a_ix.q.val();
            if self.a_ix.q.val() < self.zero.val() {
                self.b_kx_low.d.next = self.zero.val() - self.a_ix.q.val();
                self.b_ix.d.next = 0.into();
            }
            self.b_ky_high.d.next = self.kernel.val();
            if self.room_y.val() < self.kernel.val() {
                self.b_ky_high.d.next = self.room_y.val();
            }
            self.b_kx_high.d.next = self.kernel.val();
            if self.room_x.val() < self.kernel.val() {
                self.b_kx_high.d.next = self.room_x.val();
            }
            self.b_pixel.d.next = self.a_pixel.q.val();
            self.b_weight.d.next = self.a_weight.q.val();
            self.b_time_offset.d.next = self.a_time_offset.q.val();
            self.b_code_offset.d.next = self.a_code_offset.q.val();
            self.b_group.d.next = self.a_group.q.val();
            self.b_row.d.next = self.a_row.q.val();
            self.b_param.d.next = self.a_param.q.val();
            self.b_first.d.next = self.a_first.q.val();
            self.b_last.d.next = 0.into();
            if self.last_x.val() & self.last_y.val() & self.last_image.val() & self.last_group.val() {
                self.b_last.d.next = 1.into();
            }
            self.b_opens.d.next = 0.into();
            if self.first_image.val() {
                self.b_opens.d.next = self.a_first.q.val();
            }
        }

        // Stage C: start addresses. The products are at most 3 bits wide on one side.
        self.groups.next = self.groups_in.val() + self.one.val();
        if self.c_move.val() {
            self.c_valid.d.next = self.b_valid.q.val();
            self.c_address.d.next = self.source_base.val() + self.b_line.q.val() + self.b_ix.q.val();
            self.c_weight.d.next = self.b_weight.q.val()
                + (self.b_ky_low.q.val() * self.weight_row.val())
                + (self.b_kx_low.q.val() * self.groups.val());
            self.c_ky_low.d.next = self.b_ky_low.q.val();
            self.c_ky_high.d.next = self.b_ky_high.q.val();
            self.c_kx_low.d.next = self.b_kx_low.q.val();
            self.c_kx_high.d.next = self.b_kx_high.q.val();
            self.c_pixel.d.next = self.b_pixel.q.val();
            self.c_time_offset.d.next = self.b_time_offset.q.val();
            self.c_code_offset.d.next = self.b_code_offset.q.val();
            self.c_group.d.next = self.b_group.q.val();
            self.c_row.d.next = self.b_row.q.val();
            self.c_param.d.next = self.b_param.q.val();
            self.c_first.d.next = self.b_first.q.val();
            self.c_last.d.next = self.b_last.q.val();
            self.c_opens.d.next = self.b_opens.q.val();
        }
        if self.clear.val() {
            self.a_valid.d.next = 0.into();
            self.b_valid.d.next = 0.into();
            self.c_valid.d.next = 0.into();
        }

        self.valid.next = self.c_valid.q.val().get_bit(0);
        self.address.next = self.c_address.q.val();
        self.weight.next = self.c_weight.q.val();
        self.ky_low.next = self.c_ky_low.q.val();
        self.ky_high.next = self.c_ky_high.q.val();
        self.kx_low.next = self.c_kx_low.q.val();
        self.kx_high.next = self.c_kx_high.q.val();
        self.pixel.next = self.c_pixel.q.val();
        self.time_offset.next = self.c_time_offset.q.val();
        self.code_offset.next = self.c_code_offset.q.val();
        self.group.next = self.c_group.q.val();
        self.row.next = self.c_row.q.val();
        self.param.next = self.c_param.q.val();
        self.first.next = self.c_first.q.val().get_bit(0);
        self.last.next = self.c_last.q.val().get_bit(0);
        self.opens.next = self.c_opens.q.val().get_bit(0);
    }
}
