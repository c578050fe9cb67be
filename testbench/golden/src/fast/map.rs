//! What the nodes of the fast engine hand on.

use spikegate_contract::network::Form;

use super::kernels::{Aligned, TERMS};
use super::simd::Simd;

/// The tensor of a node.
pub(super) enum Map {
    /// Codes and streams, (t, y, x, c).
    Values(Vec<i16>),
    /// Spikes, 1 or 0, and codes as [`super::blocks`] reads them, (t, y, x, c).
    Bytes(Vec<u8>),
    /// One value per channel: statistics, counts, logits.
    Wide(Vec<i64>),
}

/// Zero of a form whose values are one byte each; none of larger ones.
pub(super) fn zero_byte(form: Form) -> Option<u8> {
    match form.range() {
        (0, high) if high <= 255 => Some(0),
        (low, high) if low >= -128 && high <= 127 => Some(128),
        _ => None,
    }
}

/// A tensor on its way, (t, y, x, c).
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// Spikes of a LIF, 1 or 0.
    Spikes(&'a [u8]),
    /// A stream.
    Stream(&'a [i16]),
    /// Codes.
    Codes(&'a [i16]),
    /// Codes of bytes, of which this one stands for 0 and wraps around.
    Bytes(&'a [u8], u8),
    /// One value per channel: statistics, counts, logits.
    Wide(&'a [i64]),
}

impl Map {
    /// As an observer sees it.
    pub(super) fn seen(&self, form: Form) -> Seen<'_> {
        match (self, form) {
            (Self::Bytes(spikes), Form::Spikes) => Seen::Spikes(spikes),
            (Self::Bytes(codes), _) => Seen::Bytes(codes, zero_byte(form).unwrap_or(0)),
            (Self::Values(values), Form::Stream) => Seen::Stream(values),
            (Self::Values(codes), _) => Seen::Codes(codes),
            (Self::Wide(values), _) => Seen::Wide(values),
        }
    }
    /// Values of a code or stream.
    pub(super) fn values(&self) -> &[i16] {
        match self {
            Self::Values(values) => values,
            _ => &[],
        }
    }
    /// Spikes, or a code of bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => &[],
        }
    }
    /// Values beyond 16 bits.
    pub(super) fn wide(&self) -> &[i64] {
        match self {
            Self::Wide(values) => values,
            _ => &[],
        }
    }
    /// All values in 64 bits.
    pub(super) fn to_wide(&self) -> Vec<i64> {
        match self {
            Self::Wide(values) => values.clone(),
            Self::Values(values) => values.iter().map(|&v| v.into()).collect(),
            Self::Bytes(bytes) => bytes.iter().map(|&v| v.into()).collect(),
        }
    }
    /// Number of spikes.
    pub(super) fn spikes(&self, simd: Simd) -> u64 {
        // The sum of a chunk fits 8 bits.
        let chunk = |spikes: &[u8]| u64::from(spikes.iter().sum::<u8>());
        simd.run(
            #[inline(always)]
            || self.bytes().chunks(128).map(chunk).sum(),
        )
    }
}

/// Memory of maps that are read no more, for the next ones: what is taken has any values.
#[derive(Default)]
pub(super) struct Buffers {
    values: Vec<Vec<i16>>,
    bytes: Vec<Vec<u8>>,
    /// Panels of [`super::blocks`].
    pub(super) panels: Vec<Aligned<[u8; TERMS]>>,
}

impl Buffers {
    /// So many values.
    pub(super) fn values(&mut self, len: usize) -> Vec<i16> {
        let mut values = self.values.pop().unwrap_or_default();
        values.resize(len, 0);
        values
    }
    /// So many bytes.
    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = self.bytes.pop().unwrap_or_default();
        bytes.resize(len, 0);
        bytes
    }
    /// Takes a map back.
    pub(super) fn give(&mut self, map: Map) {
        match map {
            Map::Values(values) => self.values.push(values),
            Map::Bytes(bytes) => self.bytes.push(bytes),
            Map::Wide(_) => {}
        }
    }
}

/// Spikes of one timestep: per pixel (y, x) the spiking channels.
pub(super) struct Events {
    /// Where the events of each pixel start; one entry more than there are pixels.
    starts: Vec<u32>,
    /// `(y * width + x) * channels + c` of each spike.
    events: Vec<u32>,
}

impl Events {
    /// Lists the spikes of a map (y, x, c).
    pub(super) fn new(map: &[u8], channels: usize) -> Self {
        let mut starts = Vec::with_capacity(map.len() / channels + 1);
        let mut events = Vec::new();
        starts.push(0);
        for (pixel, spikes) in map.chunks_exact(channels).enumerate() {
            let at = pixel * channels;
            let (words, rest) = spikes.as_chunks::<8>();
            for (number, word) in words.iter().enumerate() {
                // Each byte is 1 or 0: its bit is the lowest of its eight.
                let mut bits = u64::from_le_bytes(*word);
                while bits != 0 {
                    events.push((at + 8 * number) as u32 + bits.trailing_zeros() / 8);
                    bits &= bits - 1;
                }
            }
            let last = at + 8 * words.len();
            events.extend((last..).zip(rest).filter(|(_, &spike)| spike != 0).map(|(event, _)| event as u32));
            starts.push(events.len() as u32);
        }
        Self { starts, events }
    }
    /// Events of neighbouring pixels of one row.
    #[inline(always)]
    pub(super) fn run(&self, first: usize, end: usize) -> &[u32] {
        &self.events[self.starts[first] as usize..self.starts[end] as usize]
    }
}
