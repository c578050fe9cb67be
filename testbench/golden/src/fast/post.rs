//! Requantisation and LIF, counted.

use spikegate_contract::network::{Conv, FireRule, Neuron};

use super::sparse::Events;
use crate::{Saturation, SaturationKind};

/// Values that passed a clamp, and those it changed.
#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    saturated: u64,
    of: u64,
}

impl Count {
    /// `v` clamped.
    pub(super) fn clamp(&mut self, v: i64, low: i64, high: i64) -> i16 {
        self.of += 1;
        self.saturated += u64::from(v < low || v > high);
        v.clamp(low, high) as i16
    }
    /// `v` clamped to s16.
    pub(super) fn sat16(&mut self, v: i64) -> i16 {
        self.clamp(v, -32768, 32767)
    }
    /// The count with its place.
    pub(super) fn at(self, kind: SaturationKind, layer: &str) -> Saturation {
        Saturation { kind, layer: layer.to_owned(), saturated: self.saturated, of: self.of }
    }
}

/// Requantisation of all output channels of a convolution.
pub(super) struct Post(Vec<(i64, i64, u32)>);

impl Post {
    /// Multiplier, bias with the rounding half, shift.
    pub(super) fn new(conv: &Conv) -> Self {
        let entry = |r: &spikegate_contract::network::Requant| {
            (i64::from(r.m), r.b + (1i64 << (r.s - 1)), u32::from(r.s))
        };
        Self(conv.requant.iter().map(entry).collect())
    }
    /// s16 values of one pixel from its sums.
    pub(super) fn apply(&self, sums: &[i32], out: &mut [i16], count: &mut Count) {
        for ((out, &sum), &(m, b, s)) in out.iter_mut().zip(sums).zip(&self.0) {
            *out = count.sat16((i64::from(sum) * m + b) >> s);
        }
    }
}

/// `round(v, s)`, half up.
pub(super) fn round(v: i64, s: u8) -> i64 {
    if s == 0 {
        v
    } else {
        (v + (1i64 << (s - 1))) >> s
    }
}

/// LIF constants of one population. The strict rule compares with the next larger threshold.
pub(super) struct Lif {
    leak_shift: u8,
    fires_from: i32,
}

impl Lif {
    /// The population's constants.
    pub(super) fn new(neuron: &Neuron, threshold: i16) -> Self {
        let strict = i32::from(neuron.fire == FireRule::Gt);
        Self { leak_shift: neuron.leak_shift, fires_from: i32::from(threshold) + strict }
    }
    /// One timestep of one neuron; `v` is its state.
    pub(super) fn step(&self, v: &mut i16, x: i16, count: &mut Count) -> bool {
        let u = i32::from(count.sat16(i64::from(*v) + i64::from(x)));
        let fire = u >= self.fires_from;
        *v = if fire { 0 } else { (u >> self.leak_shift) as i16 };
        fire
    }
    /// One timestep of all channels of pixel column `x`; closes the pixel.
    pub(super) fn pixel(&self, v: &mut [i16], input: &[i16], x: usize, out: &mut Events, count: &mut Count) {
        let channels = input.len();
        for (c, (v, &current)) in v.iter_mut().zip(input).enumerate() {
            if self.step(v, current, count) {
                out.push(x, channels, c);
            }
        }
        out.end_pixel();
    }
}
