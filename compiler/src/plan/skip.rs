//! Cycles of a convolution that skips zeros, from the spikes it reads: the control unit, cycle by cycle, on counts.
//!
//! The window unit walks a tap a cycle of at most two sums. A slot's list takes the taps at which the slot has non-zero
//! words and serves one word a cycle of the sum in work; the sum ends when no list has more of it.

use std::collections::VecDeque;

use spikegate_contract::array::{ArrayConfig, SKIP_QUEUE};
use spikegate_contract::instr::Instr;
use spikegate_contract::tensor::Tensor;
use spikegate_contract::timing;

use super::port::{Need, Port};

/// When the window unit may take up a pixel.
pub(super) struct Gate<'a> {
    /// The array has a memory port: an output group waits for the sums of the one before.
    waits: bool,
    /// Weight words of a group that come from the memory.
    tile: u64,
    /// What every pixel needs.
    need: Need,
    port: Option<&'a mut Port>,
}

impl<'a> Gate<'a> {
    pub fn new(i: &Instr, array: &ArrayConfig, tile: u64, port: Option<&'a mut Port>) -> Self {
        Self { waits: array.memory_bits > 0, tile, need: Need::of(i, array), port }
    }

    /// Whether a pixel is taken up in a cycle; one that opens a group, in which no sum is open.
    fn takes(&mut self, cycle: u64, opens: bool) -> bool {
        let tile = if opens { self.tile } else { 0 };
        let port = self.port.as_mut().filter(|_| opens || self.need.has_maps());
        port.is_none_or(|port| port.takes(cycle, tile, &self.need))
    }

    /// All sums of a group have ended.
    fn frees(&mut self, cycle: u64) {
        if let Some(port) = self.port.as_mut().filter(|_| self.tile > 0) {
            port.frees(cycle);
        }
    }

    /// A sum has ended.
    fn sum(&mut self, cycle: u64) {
        if let Some(port) = &mut self.port {
            port.sum(cycle, &self.need);
        }
    }
}

/// Non-zero words of every slot at every pixel and time pass.
struct Counts {
    slots: usize,
    size: [usize; 2],
    /// Index `((pass * H + y) * W + x) * slots + slot`.
    words: Vec<u8>,
}

impl Counts {
    fn new(array: &ArrayConfig, spikes: &Tensor) -> Self {
        let [t_n, c_n, h, w] = spikes.dims;
        let mut words = vec![0; array.time_passes(t_n) * h * w * array.ci];
        for c in 0..c_n {
            for pass in 0..array.time_passes(t_n) {
                let steps = pass * array.lanes..((pass + 1) * array.lanes).min(t_n);
                for y in 0..h {
                    for x in 0..w {
                        let any = steps.clone().any(|t| spikes.data[spikes.index(t, c, y, x)] != 0);
                        words[((pass * h + y) * w + x) * array.ci + c % array.ci] += u8::from(any);
                    }
                }
            }
        }
        Self { slots: array.ci, size: [h, w], words }
    }
    fn at(&self, pass: usize, y: usize, x: usize) -> &[u8] {
        &self.words[((pass * self.size[0] + y) * self.size[1] + x) * self.slots..][..self.slots]
    }
}

/// One slot's list.
#[derive(Clone, Default)]
struct List {
    /// Words and parity of the queued taps.
    queue: VecDeque<(u8, bool)>,
    head_valid: bool,
    /// Words left of the tap in work.
    left: u8,
    parity: bool,
}

impl List {
    /// What the list does in this cycle when the sum in work has parity `odd`: serves, has more.
    fn step(&mut self, odd: bool) -> (bool, bool) {
        let serves = self.left > 0 && self.parity == odd;
        let after = self.left - u8::from(serves);
        let head = self.queue.front().filter(|_| self.head_valid).copied();
        let more = (serves && after > 0) || head.is_some_and(|(_, parity)| parity == odd);
        self.left = after;
        if let (0, Some((words, parity))) = (after, head) {
            self.queue.pop_front();
            (self.left, self.parity) = (words, parity);
        }
        self.head_valid = !self.queue.is_empty();
        (serves, more)
    }
}

/// All taps of one output group in order; every group walks the same.
pub(super) struct Walk {
    taps: Vec<Tap>,
    slots: usize,
}

/// Words of every slot, and whether a sum and a pixel end.
struct Tap {
    words: Vec<u8>,
    last: bool,
    ends_pixel: bool,
}

impl Walk {
    /// The taps of instruction `i` when it reads `spikes` (T, C, H, W).
    pub fn new(i: &Instr, array: &ArrayConfig, spikes: &Tensor) -> Self {
        let counts = Counts::new(array, spikes);
        let mut taps = Vec::new();
        for y in 0..=i.out_h {
            for x in 0..=i.out_w {
                let (rows, columns) = (span(y, i.in_h, i), span(x, i.in_w, i));
                for pass in 0..=i.time_passes as usize {
                    for (n, row) in rows.clone().enumerate() {
                        for (m, column) in columns.clone().enumerate() {
                            let last = n + 1 == rows.len() && m + 1 == columns.len();
                            let ends_pixel = last && pass == i.time_passes as usize;
                            taps.push(Tap { words: counts.at(pass, row, column).to_vec(), last, ends_pixel });
                        }
                    }
                }
            }
        }
        Self { taps, slots: counts.slots }
    }

    /// Cycle of the end of the last sum, when the first pixel can be taken up in cycle `accept`.
    pub fn run(&self, i: &Instr, accept: u64, mut gate: Gate<'_>) -> u64 {
        let drain_period = i.drain_period as usize;
        let taps = self.taps.len() * (i.groups_out as usize + 1);
        let tap = |at: usize| &self.taps[at % self.taps.len()];
        let mut lists = vec![List::default(); self.slots];
        let (mut next, mut at_start, mut tap_odd) = (0, true, false);
        let mut taken = !gate.waits;
        // A group is walked, its sums may not have ended.
        let mut closes = false;
        let mut pushed: Option<(&[u8], bool)> = None;
        let mut ends: VecDeque<bool> = VecDeque::from(vec![false; timing::tap::HEAD]);
        let (mut begun, mut complete, mut odd, mut hold) = (0, 0, false, 0);
        let mut sums = self.taps.iter().filter(|t| t.last).count() * (i.groups_out as usize + 1);
        for cycle in accept.. {
            // The window unit; what is taken up in a cycle is walked from the next one on.
            let full = lists.iter().any(|l| l.queue.len() >= SKIP_QUEUE - 2);
            let walks = cycle > accept && taken && next < taps && !full && (!at_start || begun < 2);
            let opens = next % self.taps.len() == 0;
            if closes && begun == 0 {
                gate.frees(cycle);
                closes = false;
            }
            if !taken && next < taps && (begun == 0 || !opens) {
                taken = gate.takes(cycle, opens);
            }
            let first = walks && at_start;
            let last = walks && tap(next).last;
            // The lists and the sum in work.
            let mut more = false;
            for list in &mut lists {
                more |= list.step(odd).1;
            }
            let now = complete + usize::from(ends.pop_front() == Some(true));
            let done = now > 0 && !more && hold == 0;
            // What the next cycle sees.
            if let Some((words, parity)) = pushed.take() {
                for (list, &n) in lists.iter_mut().zip(words) {
                    if n > 0 {
                        list.queue.push_back((n, parity));
                    }
                }
            }
            if walks {
                let ends_pixel = tap(next).ends_pixel;
                pushed = Some((&tap(next).words, tap_odd));
                next += 1;
                at_start = last;
                closes |= next.is_multiple_of(self.taps.len());
                // The next pixel of a group is taken up with the last tap of this one.
                if ends_pixel && gate.waits {
                    taken = !next.is_multiple_of(self.taps.len()) && gate.takes(cycle, false);
                }
            }
            ends.push_back(last);
            tap_odd ^= last;
            begun = begun + usize::from(first) - usize::from(done);
            complete = now - usize::from(done);
            hold = if done { drain_period - 1 } else { hold.saturating_sub(1) };
            odd ^= done;
            if done {
                gate.sum(cycle);
            }
            sums -= usize::from(done);
            if sums == 0 {
                gate.frees(cycle + 1);
                return cycle;
            }
        }
        accept
    }
}

/// Rows or columns of the map that output position `at` sees.
fn span(at: u32, size: u32, i: &Instr) -> std::ops::Range<usize> {
    let start = i64::from(at * i.stride) - i64::from(i.pad);
    let end = (start + i64::from(i.kernel) + 1).min(i64::from(size));
    start.max(0) as usize..end.max(0) as usize
}
