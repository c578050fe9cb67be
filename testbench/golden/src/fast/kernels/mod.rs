//! Products of bytes: the instructions that no compiler finds by itself, and the one place with unsafe arithmetic.
//!
//! A [`Panel`] has the windows of [`ROWS`] output pixels as rows of unsigned bytes, a [`Block`] the weights of [`LANES`]
//! output channels as signed ones; their products make a [`Tile`] of sums, modulo 2^32.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
pub(super) mod amx;
#[cfg(target_arch = "x86_64")]
mod vnni;

use super::level::Level;

/// Output pixels of a tile.
pub(super) const ROWS: usize = 32;
/// Output channels of a tile.
pub(super) const LANES: usize = 32;
/// Terms of a sum are padded with zero weights to a multiple of this.
pub(super) const TERMS: usize = 64;

/// Sums of [`ROWS`] pixels and [`LANES`] channels.
pub(super) type Tile = [[i32; LANES]; ROWS];

/// Bytes of the terms, four by four for every channel: index `(term / 4 * LANES + channel) * 4 + term % 4`.
pub(super) type Block = [i8];

/// What multiplies, made ready for one thread until it is dropped.
pub(super) struct Multiplier {
    #[cfg(target_arch = "x86_64")]
    tiles: Option<amx::Tiles>,
}

impl Multiplier {
    /// For a level that [`Level::multiplies_bytes`].
    pub(super) fn new(level: Level) -> Self {
        debug_assert!(level.multiplies_bytes());
        Self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level has seen that the processor and the system have tiles.
            tiles: level.has_tiles().then(|| unsafe { amx::Tiles::new() }),
        }
    }

    /// The sums of a panel, [`ROWS`] rows of `terms` bytes, and the first `lanes` channels of a block of as many terms.
    ///
    /// # Panics
    /// The lengths do not fit together.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn sums(&self, panel: &[u8], block: &Block, lanes: usize, sums: &mut Tile) {
        let terms = panel.len() / ROWS;
        assert!(terms > 0 && terms.is_multiple_of(TERMS));
        assert!(panel.len() == ROWS * terms && block.len() == LANES * terms);
        match &self.tiles {
            Some(tiles) => tiles.sums(panel, block, lanes > LANES / 2, sums),
            // SAFETY: the level has seen the features; the lengths were just checked.
            None => unsafe { vnni::sums(panel, block, sums) },
        }
    }

    /// No level multiplies bytes here.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn sums(&self, _: &[u8], _: &Block, _: usize, _: &mut Tile) {}
}
