//! Products of bytes: the instructions that no compiler finds by itself, and the one place with unsafe arithmetic.
//!
//! A [`Panel`] has the windows of [`ROWS`] output pixels as rows of unsigned bytes, a [`Block`] the weights of [`LANES`]
//! output channels as signed ones; their products make a [`Tile`] of sums, modulo 2^32.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod amx;
mod tile;
#[cfg(target_arch = "x86_64")]
mod vnni;

pub(super) use tile::{Aligned, Panel, Requantise, Start, Tile, LANES, ROWS, SIDE_BY_SIDE, TERMS};

use super::simd::Simd;
use tile::Block;

/// What multiplies, made ready for one thread until it is dropped.
pub(super) struct Multiplier {
    #[cfg(target_arch = "x86_64")]
    tiles: Option<amx::Tiles>,
}

impl Multiplier {
    /// For a set that [`Simd::multiplies_bytes`].
    ///
    /// # Panics
    /// Another set.
    pub(super) fn new(simd: Simd) -> Self {
        assert!(simd.multiplies_bytes(), "{simd} does not multiply bytes");
        Self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: its being there says that the processor and the system have tiles.
            tiles: simd.has_tiles().then(|| unsafe { amx::Tiles::new() }),
        }
    }

    /// Adds the products of a panel and the first `lanes` channels of a block of as many terms to what the sums start with.
    ///
    /// # Panics
    /// The lengths do not fit together.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn sums(&self, panel: &Panel, block: &Block, lanes: usize, start: Start, sums: &mut Tile) {
        let steps = panel.len() / ROWS;
        assert!(steps > 0 && panel.len() == ROWS * steps && block.len() == LANES * steps);
        if let Start::Shifted = start {
            // SAFETY: there is a multiplier only where there is AVX-512.
            unsafe { vnni::shift(sums) };
        }
        match &self.tiles {
            Some(tiles) => tiles.sums(panel, block, lanes > LANES / 2, start, sums),
            // SAFETY: as above; the lengths were just checked.
            None => unsafe { vnni::sums(panel, block, start, sums) },
        }
    }

    /// Nothing multiplies bytes here.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn sums(&self, _: &[u8], _: &Block, _: usize, _: Start, _: &mut Tile) {}
}

impl Requantise {
    /// s16 values of the sums, and how many of them were clamped.
    #[inline(always)]
    pub(super) fn run(&self, simd: Simd, sums: &[i32; SIDE_BY_SIDE], out: &mut [i16; SIDE_BY_SIDE]) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if simd.multiplies_bytes() {
            // SAFETY: AVX-512 comes with it.
            return unsafe { vnni::requantise(self, sums, out) };
        }
        let mut saturated = 0;
        for j in 0..SIDE_BY_SIDE {
            let v = (i64::from(sums[j]) * self.m[j] + self.b[j]) >> self.s[j];
            out[j] = v.clamp(-32768, 32767) as i16;
            saturated += u32::from(i64::from(out[j]) != v);
        }
        saturated
    }
}
