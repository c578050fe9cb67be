//! Walks the taps of each pixel's window and issues one operand word per cycle.

use spikegate_contract::instr;

use crate::lang::*;

/// The tap walker. Order, outermost first: pixel (from [`crate::control::pixels::Pixels`]), time pass, plane pass,
/// kernel row, kernel column, input group. Taps outside the map take no cycle.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | pixel_* | in | | the next pixel, outputs of `Pixels` |
/// | weights_ready | in | 1 | the weights of the next output group are there; its first pixel waits for them |
/// | take, claim | out | 1 | the pixel is taken; it opens an output group |
/// | groups_in, planes, plane_top, signed_top, time_passes, source_group, source_time, in_w, weight_row, out_time, drain_period | in | | instruction fields |
/// | skip | in | 1 | one tap a cycle, in input group 0: the slots' lists do the groups |
/// | lists_full, sums_open | in | 1 | when skipping: no tap, no further sum may be walked |
/// | is_stream, is_plane_sum | in | 1 | operand is the stream; lanes are planes |
/// | address, weight | out | 20 | operand and weight address, cycle i |
/// | plane | out | 5 | pass over codes, or plane of the stream, cycle i |
/// | valid, first, twice, negative_all, negative_top, last | out | 1 | accumulator control, cycle i |
/// | time_offset, code_offset | out | 20 | word offset of the output in a map with time passes / a code map, cycle i |
/// | group, row, param | out | 10, 6, 16 | output group, slot row and parameters of the first channel, cycle i |
/// | first_time, last_time, first_pixel | out | 1 | first or last time pass; first pixel of an output group and image, cycle i |
/// | stall | out | 1 | a capture waits for the post lanes |
/// | finished | out | 1 | the last word of the layer is issued |
///
/// A capture's last word is issued at least `drain_period` cycles after the previous capture's last word.
#[derive(LogicBlock)]
pub struct Window {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub pixel_valid: Signal<In, Bit>,
    pub pixel_address: Sig<In>,
    pub pixel_weight: Sig<In>,
    pub pixel_ky_low: Sig<In>,
    pub pixel_ky_high: Sig<In>,
    pub pixel_kx_low: Sig<In>,
    pub pixel_kx_high: Sig<In>,
    pub pixel_number: Sig<In>,
    pub pixel_time_offset: Sig<In>,
    pub pixel_code_offset: Sig<In>,
    pub pixel_group: Sig<In>,
    pub pixel_row: Sig<In>,
    pub pixel_param: Sig<In>,
    pub pixel_first: Signal<In, Bit>,
    pub pixel_last: Signal<In, Bit>,
    pub pixel_opens: Signal<In, Bit>,
    pub weights_ready: Signal<In, Bit>,
    pub take: Signal<Out, Bit>,
    pub claim: Signal<Out, Bit>,
    pub groups_in: Sig<In>,
    pub planes: Sig<In>,
    pub plane_top: Sig<In>,
    pub signed_top: Signal<In, Bit>,
    pub time_passes: Sig<In>,
    pub source_group: Sig<In>,
    pub source_time: Sig<In>,
    pub in_w: Sig<In>,
    pub weight_row: Sig<In>,
    pub out_time: Sig<In>,
    pub drain_period: Sig<In>,
    pub skip: Signal<In, Bit>,
    pub lists_full: Signal<In, Bit>,
    pub sums_open: Signal<In, Bit>,
    pub is_stream: Signal<In, Bit>,
    pub is_plane_sum: Signal<In, Bit>,
    pub address: Sig<Out>,
    pub weight: Sig<Out>,
    pub plane: Sig<Out>,
    pub valid: Signal<Out, Bit>,
    pub first: Signal<Out, Bit>,
    pub twice: Signal<Out, Bit>,
    pub negative_all: Signal<Out, Bit>,
    pub negative_top: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    pub time_offset: Sig<Out>,
    pub code_offset: Sig<Out>,
    pub group: Sig<Out>,
    pub row: Sig<Out>,
    pub param: Sig<Out>,
    pub first_time: Signal<Out, Bit>,
    pub last_time: Signal<Out, Bit>,
    pub first_pixel: Signal<Out, Bit>,
    pub stall: Signal<Out, Bit>,
    pub finished: Signal<Out, Bit>,
    active: Dff,
    // The pixel being walked.
    start_address: Dff,
    start_weight: Dff,
    ky_low: Dff,
    ky_high: Dff,
    kx_low: Dff,
    kx_high: Dff,
    time_base: Dff,
    code_base: Dff,
    group_held: Dff,
    row_held: Dff,
    param_held: Dff,
    pixel_is_first: Dff,
    pixel_is_last: Dff,
    // Position in its window.
    current: Dff,
    tap: Dff,
    line: Dff,
    weight_current: Dff,
    weight_line: Dff,
    ky: Dff,
    kx: Dff,
    group_in: Dff,
    plane_index: Dff,
    time_index: Dff,
    at_start: Dff,
    hold: Dff,
    last_group: Signal<Local, Bit>,
    last_kx: Signal<Local, Bit>,
    last_ky: Signal<Local, Bit>,
    last_plane: Signal<Local, Bit>,
    last_pass: Signal<Local, Bit>,
    end_of_pass: Signal<Local, Bit>,
    end_of_sum: Signal<Local, Bit>,
    blocked: Signal<Local, Bit>,
    issue: Signal<Local, Bit>,
    done: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    top_plane: Signal<Local, Bit>,
    next_tap: Sig<Local>,
    next_line: Sig<Local>,
    next_weight_line: Sig<Local>,
    next_start: Sig<Local>,
    zero: Const,
    one: Const,
}

impl Default for Window {
    fn default() -> Self {
        Self::new()
    }
}

impl Window {
    /// The tap walker; its widths are the instruction's.
    pub fn new() -> Self {
        let f = |name: &str| Sig::new(u(instr::width(name)));
        let (address, k, param, row, group) = (u(20), u(3), u(16), u(6), u(10));
        let bit = || Dff::new(u(1));
        Self {
            doc: doc!("window.rs", Window),
            clk: Default::default(),
            clear: Default::default(),
            pixel_valid: Default::default(),
            pixel_address: Sig::new(address),
            pixel_weight: Sig::new(address),
            pixel_ky_low: Sig::new(k),
            pixel_ky_high: Sig::new(k),
            pixel_kx_low: Sig::new(k),
            pixel_kx_high: Sig::new(k),
            pixel_number: Sig::new(address),
            pixel_time_offset: Sig::new(address),
            pixel_code_offset: Sig::new(address),
            pixel_group: Sig::new(group),
            pixel_row: Sig::new(row),
            pixel_param: Sig::new(param),
            pixel_first: Default::default(),
            pixel_last: Default::default(),
            pixel_opens: Default::default(),
            weights_ready: Default::default(),
            take: Default::default(),
            claim: Default::default(),
            groups_in: f("groups_in"),
            planes: f("planes"),
            plane_top: f("plane_top"),
            signed_top: Default::default(),
            time_passes: f("time_passes"),
            source_group: f("source_group"),
            source_time: f("source_time"),
            in_w: f("in_w"),
            weight_row: f("weight_row"),
            out_time: f("out_time"),
            drain_period: f("drain_period"),
            skip: Default::default(),
            lists_full: Default::default(),
            sums_open: Default::default(),
            is_stream: Default::default(),
            is_plane_sum: Default::default(),
            address: Sig::new(address),
            weight: Sig::new(address),
            plane: Sig::new(u(5)),
            valid: Default::default(),
            first: Default::default(),
            twice: Default::default(),
            negative_all: Default::default(),
            negative_top: Default::default(),
            last: Default::default(),
            time_offset: Sig::new(address),
            code_offset: Sig::new(address),
            group: Sig::new(group),
            row: Sig::new(row),
            param: Sig::new(param),
            first_time: Default::default(),
            last_time: Default::default(),
            first_pixel: Default::default(),
            stall: Default::default(),
            finished: Default::default(),
            active: bit(),
            start_address: Dff::new(address),
            start_weight: Dff::new(address),
            ky_low: Dff::new(k),
            ky_high: Dff::new(k),
            kx_low: Dff::new(k),
            kx_high: Dff::new(k),
            time_base: Dff::new(address),
            code_base: Dff::new(address),
            group_held: Dff::new(group),
            row_held: Dff::new(row),
            param_held: Dff::new(param),
            pixel_is_first: bit(),
            pixel_is_last: bit(),
            current: Dff::new(address),
            tap: Dff::new(address),
            line: Dff::new(address),
            weight_current: Dff::new(address),
            weight_line: Dff::new(address),
            ky: Dff::new(k),
            kx: Dff::new(k),
            group_in: Dff::new(group),
            plane_index: Dff::new(u(instr::width("planes"))),
            time_index: Dff::new(u(instr::width("time_passes"))),
            at_start: bit(),
            hold: Dff::new(u(instr::width("drain_period"))),
            last_group: Default::default(),
            last_kx: Default::default(),
            last_ky: Default::default(),
            last_plane: Default::default(),
            last_pass: Default::default(),
            end_of_pass: Default::default(),
            end_of_sum: Default::default(),
            blocked: Default::default(),
            issue: Default::default(),
            done: Default::default(),
            accept: Default::default(),
            top_plane: Default::default(),
            next_tap: Sig::new(address),
            next_line: Sig::new(address),
            next_weight_line: Sig::new(address),
            next_start: Sig::new(address),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
        }
    }
}

impl Logic for Window {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            active,
            start_address,
            start_weight,
            ky_low,
            ky_high,
            kx_low,
            kx_high,
            time_base,
            code_base,
            group_held,
            row_held,
            param_held,
            pixel_is_first,
            pixel_is_last
        );
        dff_setup!(
            self,
            clk,
            current,
            tap,
            line,
            weight_current,
            weight_line,
            ky,
            kx,
            group_in,
            plane_index,
            time_index,
            at_start,
            hold
        );

        // Where in the window this cycle is.
        self.last_group.next = (self.group_in.q.val() == self.groups_in.val()) | self.skip.val();
        self.last_kx.next = self.kx.q.val() == self.kx_high.q.val();
        self.last_ky.next = self.ky.q.val() == self.ky_high.q.val();
        self.last_plane.next = self.plane_index.q.val() == self.planes.val();
        self.last_pass.next = self.time_index.q.val() == self.time_passes.val();
        self.end_of_pass.next = self.last_group.val() & self.last_kx.val() & self.last_ky.val();
        self.end_of_sum.next = self.end_of_pass.val() & self.last_plane.val();
        self.blocked.next = self.end_of_sum.val() & (self.hold.q.val() != self.zero.val());
        if self.skip.val() {
            self.blocked.next =
                self.lists_full.val() | (self.at_start.q.val().get_bit(0) & !self.sums_open.val());
        }
        self.issue.next = self.active.q.val().get_bit(0) & !self.blocked.val();
        self.done.next = self.issue.val() & self.end_of_sum.val() & self.last_pass.val();
        self.accept.next = self.pixel_valid.val()
            & (self.done.val() | !self.active.q.val().get_bit(0))
            & (self.weights_ready.val() | !self.pixel_opens.val());

        // The next position.
        self.next_tap.next = self.tap.q.val() + self.one.val();
        self.next_line.next = self.line.q.val() + self.in_w.val();
        self.next_weight_line.next = self.weight_line.q.val() + self.weight_row.val();
        self.next_start.next = self.start_address.q.val() + self.source_time.val();
        if self.hold.q.val() != self.zero.val() {
            self.hold.d.next = self.hold.q.val() - self.one.val();
        }
        if self.issue.val() {
            self.at_start.d.next = 0.into();
            self.group_in.d.next = self.group_in.q.val() + self.one.val();
            self.current.d.next = self.current.q.val() + self.source_group.val();
            self.weight_current.d.next = self.weight_current.q.val() + self.one.val();
            if self.skip.val() {
                self.weight_current.d.next =
                    self.weight_current.q.val() + self.groups_in.val() + self.one.val();
            }
            if self.last_group.val() {
                self.group_in.d.next = 0.into();
                self.kx.d.next = self.kx.q.val() + self.one.val();
                self.tap.d.next = self.next_tap.val();
                self.current.d.next = self.next_tap.val();
                if self.last_kx.val() {
                    self.kx.d.next = self.kx_low.q.val();
                    self.ky.d.next = self.ky.q.val() + self.one.val();
                    self.line.d.next = self.next_line.val();
                    self.tap.d.next = self.next_line.val();
                    self.current.d.next = self.next_line.val();
                    self.weight_line.d.next = self.next_weight_line.val();
                    self.weight_current.d.next = self.next_weight_line.val();
                    if self.last_ky.val() {
                        self.ky.d.next = self.ky_low.q.val();
                        self.at_start.d.next = 1.into();
                        self.plane_index.d.next = self.plane_index.q.val() + self.one.val();
                        self.line.d.next = self.start_address.q.val();
                        self.tap.d.next = self.start_address.q.val();
                        self.current.d.next = self.start_address.q.val();
                        self.weight_line.d.next = self.start_weight.q.val();
                        self.weight_current.d.next = self.start_weight.q.val();
                        if self.last_plane.val() {
                            self.plane_index.d.next = 0.into();
                            self.hold.d.next = self.drain_period.val() - self.one.val();
                            self.time_index.d.next = self.time_index.q.val() + self.one.val();
                            self.time_base.d.next = self.time_base.q.val() + self.out_time.val();
                            self.start_address.d.next = self.next_start.val();
                            self.line.d.next = self.next_start.val();
                            self.tap.d.next = self.next_start.val();
                            self.current.d.next = self.next_start.val();
                            if self.last_pass.val() {
                                self.active.d.next = 0.into();
                            }
                        }
                    }
                }
            }
        }
        if self.accept.val() {
            self.active.d.next = 1.into();
            self.start_address.d.next = self.pixel_address.val();
            self.start_weight.d.next = self.pixel_weight.val();
            self.ky_low.d.next = self.pixel_ky_low.val();
            self.ky_high.d.next = self.pixel_ky_high.val();
            self.kx_low.d.next = self.pixel_kx_low.val();
            self.kx_high.d.next = self.pixel_kx_high.val();
            self.time_base.d.next = self.pixel_time_offset.val() + self.pixel_number.val();
            self.code_base.d.next = self.pixel_code_offset.val() + self.pixel_number.val();
            self.group_held.d.next = self.pixel_group.val();
            self.row_held.d.next = self.pixel_row.val();
            self.param_held.d.next = self.pixel_param.val();
            self.pixel_is_first.d.next = 0.into();
            if self.pixel_first.val() {
                self.pixel_is_first.d.next = 1.into();
            }
            self.pixel_is_last.d.next = 0.into();
            if self.pixel_last.val() {
                self.pixel_is_last.d.next = 1.into();
            }
            self.current.d.next = self.pixel_address.val();
            self.tap.d.next = self.pixel_address.val();
            self.line.d.next = self.pixel_address.val();
            self.weight_current.d.next = self.pixel_weight.val();
            self.weight_line.d.next = self.pixel_weight.val();
            self.ky.d.next = self.pixel_ky_low.val();
            self.kx.d.next = self.pixel_kx_low.val();
            self.group_in.d.next = 0.into();
            self.plane_index.d.next = 0.into();
            self.time_index.d.next = 0.into();
            self.at_start.d.next = 1.into();
        }
        if self.clear.val() {
            self.active.d.next = 0.into();
            self.hold.d.next = 0.into();
        }

        // Outputs of this cycle.
        self.take.next = self.accept.val();
        self.claim.next = self.accept.val() & self.pixel_opens.val();
        self.address.next = self.current.q.val();
        self.weight.next = self.weight_current.q.val();
        self.plane.next = self.plane_index.q.val();
        if self.is_stream.val() {
            self.plane.next = self.plane_top.val() - self.plane_index.q.val();
        }
        self.top_plane.next = self.signed_top.val() & (self.plane_index.q.val() == self.zero.val());
        self.valid.next = self.issue.val();
        self.first.next = self.at_start.q.val().get_bit(0) & (self.plane_index.q.val() == self.zero.val());
        self.twice.next = self.at_start.q.val().get_bit(0) & (self.plane_index.q.val() != self.zero.val());
        self.negative_all.next = self.top_plane.val() & !self.is_plane_sum.val();
        self.negative_top.next = self.top_plane.val() & self.is_plane_sum.val();
        self.last.next = self.issue.val() & self.end_of_sum.val();
        self.time_offset.next = self.time_base.q.val();
        self.code_offset.next = self.code_base.q.val();
        self.group.next = self.group_held.q.val();
        self.row.next = self.row_held.q.val();
        self.param.next = self.param_held.q.val();
        self.first_time.next = self.time_index.q.val() == self.zero.val();
        self.last_time.next = self.last_pass.val();
        self.first_pixel.next = self.pixel_is_first.q.val().get_bit(0);
        self.stall.next = self.active.q.val().get_bit(0) & self.blocked.val();
        self.finished.next = self.done.val() & self.pixel_is_last.q.val().get_bit(0);
    }
}
