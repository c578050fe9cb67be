//! Walks the taps of each pixel's window and issues one operand word per cycle.

mod kernel;

use spikegate_contract::instr;

use crate::control::sum::Sum;
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
/// | sum | out | | the sum that the word is of, cycle i: fields of [`Sum`] |
/// | final_group | out | 1 | last input group of the tap, cycle i |
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
    pub sum: Sum<Out>,
    pub final_group: Signal<Out, Bit>,
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
            doc: doc!("mod.rs", Window),
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
            sum: Default::default(),
            final_group: Default::default(),
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
