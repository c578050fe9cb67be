//! Requantisation and LIF, counted.

use spikegate_contract::network::{Conv, FireRule, Neuron};

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
        let mut saturated = 0;
        for ((out, &sum), &(m, b, s)) in out.iter_mut().zip(sums).zip(&self.0) {
            let v = (i64::from(sum) * m + b) >> s;
            *out = v.clamp(-32768, 32767) as i16;
            saturated += u64::from(i64::from(*out) != v);
        }
        count.saturated += saturated;
        count.of += out.len() as u64;
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

/// LIF constants of one population. `u >= threshold` is `u > threshold - 1`.
pub(super) struct Lif {
    leak_shift: u8,
    fires_above: i16,
}

impl Lif {
    /// The population's constants.
    pub(super) fn new(neuron: &Neuron, threshold: i16) -> Self {
        let strict = neuron.fire == FireRule::Gt;
        Self { leak_shift: neuron.leak_shift, fires_above: if strict { threshold } else { threshold - 1 } }
    }
    /// One timestep of the channels of one pixel: `v` is their state, `fires` becomes 1 or 0.
    pub(super) fn step(&self, v: &mut [i16], input: &[i16], fires: &mut [i16], count: &mut Count) {
        let mut saturated = 0i32;
        for ((v, &x), fire) in v.iter_mut().zip(input).zip(fires) {
            let u = v.saturating_add(x);
            saturated += i32::from(u != v.wrapping_add(x));
            *fire = i16::from(u > self.fires_above);
            *v = (u >> self.leak_shift) & (*fire - 1);
        }
        count.saturated += saturated as u64;
        count.of += input.len() as u64;
    }
}
