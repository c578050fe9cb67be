//! Sizes and shapes of what is multiplied.

/// Output pixels of a tile.
pub(in super::super) const ROWS: usize = 32;
/// Output channels of a tile.
pub(in super::super) const LANES: usize = 32;
/// Terms of a sum are padded with zero weights to a multiple of this.
pub(in super::super) const TERMS: usize = 64;

/// What starts where a line of the cache does: tiles whose rows lie across two lines take twice as long.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(in super::super) struct Aligned<V>(pub(in super::super) V);

/// Sums of [`ROWS`] pixels and [`LANES`] channels.
pub(in super::super) type Tile = Aligned<[[i32; LANES]; ROWS]>;

/// A byte of every term, [`TERMS`] of them for each row: line `term / TERMS * ROWS + row`, place `term % TERMS`.
pub(in super::super) type Panel = [Aligned<[u8; TERMS]>];

/// A byte of every term, four of them for each channel: line `(term / 4 * LANES + channel) / 16`, place `channel % 16 * 4 +
/// term % 4`.
pub(in super::super) type Block = [Aligned<[i8; TERMS]>];

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
    At(&'a Aligned<[i32; LANES]>),
    /// What it is, times 256.
    Shifted,
}
