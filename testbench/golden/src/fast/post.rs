//! Clamping, counted, and requantisation.

use spikegate_contract::network::Requant;

use super::kernels::{Requantise, SIDE_BY_SIDE};
use super::simd::Simd;
use crate::arith::Clamp;

/// Values that passed a clamp, and those it changed.
#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    saturated: u64,
    of: u64,
}

impl Count {
    /// `v` clamped to s16.
    pub(super) fn sat16(&mut self, v: i128) -> i16 {
        let clamped = v.clamp(-32768, 32767) as i16;
        self.add(u64::from(i128::from(clamped) != v), 1);
        clamped
    }
    /// So many values passed, so many of them clamped.
    pub(super) fn add(&mut self, saturated: u64, of: usize) {
        self.saturated += saturated;
        self.of += of as u64;
    }
}

impl From<Count> for Clamp {
    fn from(Count { saturated, of }: Count) -> Self {
        Self { saturated, of }
    }
}

/// Requantisation of all output channels of a convolution.
pub(super) struct Post {
    simd: Simd,
    lanes: Vec<Requantise>,
}

impl Post {
    /// The constants.
    pub(super) fn new(requant: &[Requant], simd: Simd) -> Self {
        let lanes = requant.chunks(SIDE_BY_SIDE).map(|requant| {
            // Of no channel the result is zero.
            let mut lanes = Requantise { m: [0; SIDE_BY_SIDE], b: [0; SIDE_BY_SIDE], s: [0; SIDE_BY_SIDE] };
            for (j, r) in requant.iter().enumerate() {
                lanes.m[j] = r.m.into();
                lanes.b[j] = r.b + (1i64 << (r.s - 1));
                lanes.s[j] = r.s.into();
            }
            lanes
        });
        Self { simd, lanes: lanes.collect() }
    }

    /// s16 values of one pixel from its sums, of the channels from `first`, a multiple of [`SIDE_BY_SIDE`], on, as many as
    /// `out` has; how many were clamped.
    #[inline(always)]
    pub(super) fn apply(&self, first: usize, sums: &[i32], out: &mut [i16]) -> u32 {
        let mut saturated = 0;
        let lanes = &self.lanes[first / SIDE_BY_SIDE..];
        for ((out, sums), lanes) in out.chunks_mut(SIDE_BY_SIDE).zip(sums.chunks(SIDE_BY_SIDE)).zip(lanes) {
            if let (Some(out), Some(sums)) = (out.as_mut_array(), sums.as_array()) {
                saturated += lanes.run(self.simd, sums, out);
            } else {
                let n = out.len().min(sums.len());
                let (mut all, mut results) = ([0; SIDE_BY_SIDE], [0; SIDE_BY_SIDE]);
                all[..n].copy_from_slice(&sums[..n]);
                saturated += lanes.run(self.simd, &all, &mut results);
                out.copy_from_slice(&results[..n]);
            }
        }
        saturated
    }
}
