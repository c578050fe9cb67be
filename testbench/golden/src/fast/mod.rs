//! The golden results from a fast engine, for whole test sets.
//!
//! Same arithmetic, other order: maps are (y, x, c), spikes are lists, windows with few spikes cost little, and
//! multi-bit convolutions are dot products that vectorise. It records no tensors. It is single-threaded;
//! [`Prepared`] is `Sync`, so images may run side by side. Tests hold it equal to [`crate::run`].

mod block;
mod dense;
mod encoder;
mod post;
mod proof;
mod sparse;

use spikegate_contract::network::{Network, Pool, Requant};
use spikegate_contract::tensor::names;

use crate::conv::fits_32_bits;
use crate::{head, validate, GoldenError, Outcome, Population, SaturationKind, Saturations};
use block::Block;
use encoder::Encoder;
use post::Count;
use sparse::Events;

/// A network with its weights laid out for speed.
pub struct Prepared<'a> {
    net: &'a Network,
    encoder: Encoder<'a>,
    blocks: Vec<Block<'a>>,
}

/// What the parts of a network count while one image runs.
#[derive(Default)]
struct Counters {
    saturations: Saturations,
    populations: Vec<Population>,
}

impl Counters {
    fn population(&mut self, name: &str, spikes: &[Events], neurons: usize) {
        let count = spikes.iter().map(|e| e.len() as u64).sum();
        let of = (neurons * spikes.len()) as u64;
        self.populations.push(Population { name: name.to_owned(), spikes: count, of });
    }
}

/// Spikes and stream between blocks.
struct State {
    /// Per timestep.
    spikes: Vec<Events>,
    /// s16, (t, y, x, c): what the next block's shortcut reads.
    stream: Vec<i16>,
}

impl<'a> Prepared<'a> {
    /// Validates the network and lays out its weights.
    ///
    /// # Errors
    /// [`GoldenError::Invalid`] as [`validate`](fn@crate::validate); [`GoldenError::Accumulator`] for a network
    /// whose weights do not prove that every partial sum fits 32 bits (the golden model runs it, and fails only
    /// if a sum really leaves them).
    pub fn new(net: &'a Network) -> Result<Self, GoldenError> {
        validate(net)?;
        proof::check(net)?;
        Ok(Self {
            net,
            encoder: Encoder::new(net),
            blocks: net
                .blocks
                .iter()
                .enumerate()
                .map(|(i, b)| Block::new(net, b, i + 1 < net.blocks.len() || net.head.pool.is_none()))
                .collect(),
        })
    }

    /// Runs one image, pixels u8 in (c, y, x) order.
    ///
    /// # Errors
    /// [`GoldenError::Pixels`], and [`GoldenError::Accumulator`] for a logit that leaves 32 bits.
    pub fn run(&self, pixels: &[u8]) -> Result<Outcome, GoldenError> {
        let mut counters = Counters::default();
        let mut state = self.encoder.run(pixels, &mut counters)?;
        for block in &self.blocks {
            state = block.run(&state, &mut counters);
        }
        let head = &self.net.head;
        let channels = head.conv.in_c;
        let mut counts = Vec::new();
        let values = match &head.pool {
            Some(pool) => pooled(pool, &state.stream, channels, &mut counters),
            None => {
                counts.resize(channels, 0i64);
                for c in state.spikes.iter().flat_map(|events| events.channels(channels)) {
                    counts[c] += 1;
                }
                counts.clone()
            }
        };
        let mut logits = Vec::with_capacity(head.bias.len());
        for (k, &bias) in head.bias.iter().enumerate() {
            let weight = |c: usize| i64::from(head.conv.weights[head.conv.weight_index(k, c, 0, 0)]);
            let sum: i64 = values.iter().enumerate().map(|(c, &n)| weight(c) * n).sum();
            fits_32_bits(sum, &head.conv, k)?;
            logits.push(fits_32_bits(sum + i64::from(bias), &head.conv, k)? as i32);
        }
        Ok(Outcome {
            class: head::argmax(&logits),
            logits,
            counts,
            saturations: counters.saturations,
            spikes: counters.populations,
        })
    }
}

/// The requantised sums of a stream (t, y, x, c) per channel.
fn pooled(pool: &Pool, stream: &[i16], channels: usize, counters: &mut Counters) -> Vec<i64> {
    let mut sums = vec![0i64; channels];
    for pixel in stream.chunks_exact(channels.max(1)) {
        sums.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum += i64::from(v));
    }
    let mut count = Count::default();
    let value = |(sum, r): (i64, &Requant)| {
        let product = i128::from(sum) * i128::from(r.m) + i128::from(r.b) + (1i128 << (r.s - 1));
        // Beyond 64 bits nothing differs after the clamp.
        let shifted = (product >> r.s).clamp(i64::MIN.into(), i64::MAX.into());
        i64::from(count.sat16(shifted as i64))
    };
    let values = sums.into_iter().zip(&pool.requant).map(value).collect();
    counters.saturations.0.push(count.at(SaturationKind::Requantise, names::POOLED));
    values
}

/// Name of a block's tensor.
fn name(block: &spikegate_contract::network::Block, suffix: &str) -> String {
    format!("{}.{suffix}", block.name)
}
