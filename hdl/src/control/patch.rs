//! Image patches: im2col while the image comes in, so that the stem is a 1x1 convolution over full slots.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::globals;

use crate::lang::*;

/// Writes every code to the patches of all output pixels that it belongs to.
///
/// Virtual channel `v = c * K * K + ky * K + kx` of output pixel (oy, ox) is the code at row `oy * stride + ky - pad`,
/// column `ox * stride + kx - pad`, zero outside the image. It lies in slot `v % CI`, word
/// `patch_base + v / CI * patch_pixels + oy * patch_out_w + ox`. One tap a cycle, plus one cycle per grid position:
/// about `channels * rows * columns * (K * K + 1)` cycles, in the shadow of the image before.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | image_*, patch_*, offset_c | in | | global registers, static while an image comes in |
/// | start | in | 1 | one cycle: pixels follow |
/// | pixel, pixel_valid, pixel_ready | in, in, out | 8, 1, 1 | pixels in (c, y, x) order |
/// | write, slot, address, data | out | 1, 6, 20, 9 | a code for the code memory, a cycle behind its tap |
/// | grant | in | 1 | it is written in this cycle; otherwise it is offered again |
/// | done | out | 1 | one cycle: the last tap is walked, no more pixels are wanted |
/// | accept | out | 1 | a new image may start |
/// | full | out | 1 | an image waits in the patches |
/// | release | in | 1 | one cycle: the patches are free |
#[derive(LogicBlock)]
pub struct PatchWriter {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub image_c: Sig<In>,
    pub image_h: Sig<In>,
    pub image_w: Sig<In>,
    pub patch_rows: Sig<In>,
    pub patch_cols: Sig<In>,
    pub patch_k: Sig<In>,
    pub patch_stride: Sig<In>,
    pub patch_pad: Sig<In>,
    pub patch_out_h: Sig<In>,
    pub patch_out_w: Sig<In>,
    pub patch_base: Sig<In>,
    pub patch_pixels: Sig<In>,
    pub offset: Vec<Sig<In>>,
    pub start: Signal<In, Bit>,
    pub pixel: Sig<In>,
    pub pixel_valid: Signal<In, Bit>,
    pub pixel_ready: Signal<Out, Bit>,
    pub write: Signal<Out, Bit>,
    pub slot: Sig<Out>,
    pub address: Sig<Out>,
    pub data: Sig<Out>,
    pub grant: Signal<In, Bit>,
    pub done: Signal<Out, Bit>,
    pub accept: Signal<Out, Bit>,
    pub full: Signal<Out, Bit>,
    pub release: Signal<In, Bit>,
    busy: Dff,
    walking: Dff,
    filled: Dff,
    c: Dff,
    row: Dff,
    column: Dff,
    ky: Dff,
    kx: Dff,
    code: Dff,
    slot_now: Dff,
    slot_channel: Dff,
    group_now: Dff,
    group_channel: Dff,
    // The code on offer: the address takes a multiplication and a sum, which is a cycle.
    held: Dff,
    held_slot: Dff,
    held_address: Dff,
    held_data: Dff,
    zero_point: Sig<Local>,
    end_row: Sig<Local>,
    end_column: Sig<Local>,
    inside: Signal<Local, Bit>,
    fetch: Signal<Local, Bit>,
    fetched: Signal<Local, Bit>,
    dy: Sig<Local>,
    dx: Sig<Local>,
    halved: Signal<Local, Bit>,
    oy: Sig<Local>,
    ox: Sig<Local>,
    aligned: Signal<Local, Bit>,
    hit: Signal<Local, Bit>,
    room: Signal<Local, Bit>,
    step: Signal<Local, Bit>,
    next_slot: Sig<Local>,
    next_kx: Sig<Local>,
    next_ky: Sig<Local>,
    next_column: Sig<Local>,
    next_row: Sig<Local>,
    next_c: Sig<Local>,
    wraps: Signal<Local, Bit>,
    slot_after: Sig<Local>,
    group_after: Sig<Local>,
    last_tap: Signal<Local, Bit>,
    last_column: Signal<Local, Bit>,
    last_row: Signal<Local, Bit>,
    last_channel: Signal<Local, Bit>,
    finished: Signal<Local, Bit>,
    slots: Const,
    zero: Const,
    one: Const,
    two: Const,
    _offsets: usize,
}

impl PatchWriter {
    /// The patch writer of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let g = |name: &str| Sig::new(u(globals::width(name)));
        let local = |ty: Ty| Sig::new(ty);
        Self {
            doc: doc!("patch.rs", PatchWriter),
            clk: Default::default(),
            clear: Default::default(),
            image_c: g("image_c"),
            image_h: g("image_h"),
            image_w: g("image_w"),
            patch_rows: g("patch_rows"),
            patch_cols: g("patch_cols"),
            patch_k: g("patch_k"),
            patch_stride: g("patch_stride"),
            patch_pad: g("patch_pad"),
            patch_out_h: g("patch_out_h"),
            patch_out_w: g("patch_out_w"),
            patch_base: g("patch_base"),
            patch_pixels: g("patch_pixels"),
            offset: (0..globals::MAX_IMAGE_CHANNELS).map(|_| Sig::new(u(8))).collect(),
            start: Default::default(),
            pixel: Sig::new(u(8)),
            pixel_valid: Default::default(),
            pixel_ready: Default::default(),
            write: Default::default(),
            slot: Sig::new(u(6)),
            address: Sig::new(u(20)),
            data: Sig::new(s(9)),
            grant: Default::default(),
            done: Default::default(),
            accept: Default::default(),
            full: Default::default(),
            release: Default::default(),
            busy: Dff::new(u(1)),
            walking: Dff::new(u(1)),
            filled: Dff::new(u(1)),
            c: Dff::new(u(3)),
            row: Dff::new(u(11)),
            column: Dff::new(u(11)),
            ky: Dff::new(u(4)),
            kx: Dff::new(u(4)),
            code: Dff::new(s(9)),
            slot_now: Dff::new(u(6)),
            slot_channel: Dff::new(u(6)),
            group_now: Dff::new(u(20)),
            group_channel: Dff::new(u(20)),
            held: Dff::new(u(1)),
            held_slot: Dff::new(u(6)),
            held_address: Dff::new(u(20)),
            held_data: Dff::new(s(9)),
            zero_point: local(u(8)),
            end_row: local(u(11)),
            end_column: local(u(11)),
            inside: Default::default(),
            fetch: Default::default(),
            fetched: Default::default(),
            dy: local(s(12)),
            dx: local(s(12)),
            halved: Default::default(),
            oy: local(s(12)),
            ox: local(s(12)),
            aligned: Default::default(),
            hit: Default::default(),
            room: Default::default(),
            step: Default::default(),
            next_slot: local(u(7)),
            next_kx: local(u(4)),
            next_ky: local(u(4)),
            next_column: local(u(11)),
            next_row: local(u(11)),
            next_c: local(u(3)),
            wraps: Default::default(),
            slot_after: local(u(6)),
            group_after: local(u(20)),
            last_tap: Default::default(),
            last_column: Default::default(),
            last_row: Default::default(),
            last_channel: Default::default(),
            finished: Default::default(),
            slots: Const::new(u(7), array.ci as i64),
            zero: Const::new(s(2), 0),
            one: Const::new(u(1), 1),
            two: Const::new(u(2), 2),
            _offsets: globals::MAX_IMAGE_CHANNELS,
        }
    }
}

impl Logic for PatchWriter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            busy,
            walking,
            filled,
            c,
            row,
            column,
            ky,
            kx,
            code,
            slot_now,
            slot_channel,
            group_now,
            group_channel
        );
        dff_setup!(self, clk, held, held_slot, held_address, held_data);

        // A grid position: its code, zero outside the image.
        self.zero_point.next = 0.into();
        for i in 0..self._offsets {
            if self.c.q.val() == i.into() {
                self.zero_point.next = self.offset[i].val();
            }
        }
        self.end_row.next = self.patch_pad.val() + self.image_h.val();
        self.end_column.next = self.patch_pad.val() + self.image_w.val();
        self.inside.next = (self.row.q.val() >= self.patch_pad.val())
            & (self.row.q.val() < self.end_row.val())
            & (self.column.q.val() >= self.patch_pad.val())
            & (self.column.q.val() < self.end_column.val());
        self.fetch.next = self.busy.q.val().get_bit(0) & !self.walking.q.val().get_bit(0);
        self.fetched.next = self.fetch.val() & (self.pixel_valid.val() | !self.inside.val());
        self.pixel_ready.next = self.fetch.val() & self.inside.val();

        // A tap: the output pixel that sees this position through it.
        self.dy.next = self.row.q.val() - self.ky.q.val();
        self.dx.next = self.column.q.val() - self.kx.q.val();
        self.halved.next = self.patch_stride.val() == self.two.val();
        self.oy.next = self.dy.val();
        self.ox.next = self.dx.val();
        self.aligned.next = true;
        if self.halved.val() {
            self.oy.next = self.dy.val() >> self.one.val();
            self.ox.next = self.dx.val() >> self.one.val();
            self.aligned.next = !self.dy.val().get_bit(0) & !self.dx.val().get_bit(0);
        }
        self.hit.next = self.walking.q.val().get_bit(0)
            & self.aligned.val()
            & (self.oy.val() >= self.zero.val())
            & (self.oy.val() < self.patch_out_h.val())
            & (self.ox.val() >= self.zero.val())
            & (self.ox.val() < self.patch_out_w.val());
        self.room.next = self.grant.val() | !self.held.q.val().get_bit(0);
        if self.room.val() {
            self.held.d.next = self.hit.val().into();
            self.held_slot.d.next = self.slot_now.q.val();
            self.held_address.d.next = self.patch_base.val()
                + self.group_now.q.val()
                + (self.oy.val() * self.patch_out_w.val())
                + self.ox.val();
            self.held_data.d.next = self.code.q.val();
        }
        self.write.next = self.held.q.val().get_bit(0);
        self.slot.next = self.held_slot.q.val();
        self.address.next = self.held_address.q.val();
        self.data.next = self.held_data.q.val();
        self.step.next = self.walking.q.val().get_bit(0) & (self.room.val() | !self.hit.val());

        // Counters.
        self.next_slot.next = self.slot_now.q.val() + self.one.val();
        self.wraps.next = self.next_slot.val() == self.slots.val();
        self.slot_after.next = self.next_slot.val();
        self.group_after.next = self.group_now.q.val();
        if self.wraps.val() {
            self.slot_after.next = 0.into();
            self.group_after.next = self.group_now.q.val() + self.patch_pixels.val();
        }
        self.next_kx.next = self.kx.q.val() + self.one.val();
        self.next_ky.next = self.ky.q.val() + self.one.val();
        self.next_column.next = self.column.q.val() + self.one.val();
        self.next_row.next = self.row.q.val() + self.one.val();
        self.next_c.next = self.c.q.val() + self.one.val();
        self.last_tap.next =
            (self.next_kx.val() == self.patch_k.val()) & (self.next_ky.val() == self.patch_k.val());
        self.last_column.next = self.next_column.val() == self.patch_cols.val();
        self.last_row.next = self.next_row.val() == self.patch_rows.val();
        self.last_channel.next = self.next_c.val() == self.image_c.val();
        self.finished.next = self.step.val()
            & self.last_tap.val()
            & self.last_column.val()
            & self.last_row.val()
            & self.last_channel.val();
        if self.fetched.val() {
            self.walking.d.next = 1.into();
            self.code.d.next = 0.into();
            if self.inside.val() {
                self.code.d.next = self.pixel.val() - self.zero_point.val();
            }
        }
        if self.step.val() {
            self.slot_now.d.next = self.slot_after.val();
            self.group_now.d.next = self.group_after.val();
            self.kx.d.next = self.next_kx.val();
            if self.next_kx.val() == self.patch_k.val() {
                self.kx.d.next = 0.into();
                self.ky.d.next = self.next_ky.val();
            }
            if self.last_tap.val() {
                self.ky.d.next = 0.into();
                self.walking.d.next = 0.into();
                self.slot_now.d.next = self.slot_channel.q.val();
                self.group_now.d.next = self.group_channel.q.val();
                self.column.d.next = self.next_column.val();
                if self.last_column.val() {
                    self.column.d.next = 0.into();
                    self.row.d.next = self.next_row.val();
                    if self.last_row.val() {
                        self.row.d.next = 0.into();
                        self.c.d.next = self.next_c.val();
                        self.slot_now.d.next = self.slot_after.val();
                        self.group_now.d.next = self.group_after.val();
                        self.slot_channel.d.next = self.slot_after.val();
                        self.group_channel.d.next = self.group_after.val();
                    }
                }
            }
        }
        if self.finished.val() {
            self.busy.d.next = 0.into();
            self.filled.d.next = 1.into();
        }
        if self.start.val() {
            self.busy.d.next = 1.into();
            self.walking.d.next = 0.into();
            self.c.d.next = 0.into();
            self.row.d.next = 0.into();
            self.column.d.next = 0.into();
            self.ky.d.next = 0.into();
            self.kx.d.next = 0.into();
            self.slot_now.d.next = 0.into();
            self.slot_channel.d.next = 0.into();
            self.group_now.d.next = 0.into();
            self.group_channel.d.next = 0.into();
        }
        if self.release.val() {
            self.filled.d.next = 0.into();
        }
        if self.clear.val() {
            self.busy.d.next = 0.into();
            self.walking.d.next = 0.into();
            self.filled.d.next = 0.into();
            self.held.d.next = 0.into();
        }
        self.done.next = self.finished.val();
        self.full.next = self.filled.q.val().get_bit(0) & !self.held.q.val().get_bit(0);
        self.accept.next = !self.filled.q.val().get_bit(0) & !self.busy.q.val().get_bit(0);
    }
}
