//! Sizes and shapes of what is multiplied.

/// Output pixels of a tile.
pub(in super::super) const ROWS: usize = 32;
/// Output channels of a tile.
pub(in super::super) const LANES: usize = 32;
/// Terms of a sum are padded with zero weights to a multiple of this.
pub(in super::super) const TERMS: usize = 64;

/// Sums of [`ROWS`] pixels and [`LANES`] channels.
pub(in super::super) type Tile = [[i32; LANES]; ROWS];

/// Bytes of the terms, four by four for every channel: index `(term / 4 * LANES + channel) * 4 + term % 4`.
pub(in super::super) type Block = [i8];

/// Output channels that are requantised side by side.
pub(in super::super) const SIDE_BY_SIDE: usize = 16;

/// Requantisation of neighbouring channels: `clamp((sum * m + b) >> s)`, the rounding half in b.
#[derive(Clone, Copy)]
pub(in super::super) struct Requantise {
    pub(in super::super) m: [i64; SIDE_BY_SIDE],
    pub(in super::super) b: [i64; SIDE_BY_SIDE],
    pub(in super::super) s: [i64; SIDE_BY_SIDE],
}

/// What a sum starts with.
#[derive(Clone, Copy)]
pub(in super::super) enum Start<'a> {
    /// These, at every pixel.
    At(&'a [i32; LANES]),
    /// What it is, times 256.
    Shifted,
}
