//! Step 6 for the fast engine.

use spikegate_contract::network::{self, Conv, Network};
use spikegate_contract::tensor::names;

use super::dense::Dense;
use super::post::{Count, Lif, Post};
use super::sparse::{Events, Sparse};
use super::{name, Counters, State};
use crate::SaturationKind;

/// One block, laid out.
pub(super) struct Block<'a> {
    timesteps: usize,
    /// Whether there are neurons behind the block.
    fires: bool,
    block: &'a network::Block,
    conv1: (Sparse, Post, Lif),
    conv2: (Sparse, Post, Lif),
    shortcut: Option<(&'a Conv, Dense, Post)>,
}

impl<'a> Block<'a> {
    /// Lays out the weights.
    pub(super) fn new(net: &Network, block: &'a network::Block, fires: bool) -> Self {
        let layer =
            |conv: &Conv, threshold| (Sparse::new(conv), Post::new(conv), Lif::new(&net.neuron, threshold));
        Self {
            timesteps: net.t,
            fires,
            block,
            conv1: layer(&block.conv1, block.threshold1),
            conv2: layer(&block.conv2, block.threshold_out),
            shortcut: block.shortcut.as_ref().map(|conv| (conv, Dense::new(conv), Post::new(conv))),
        }
    }

    /// Stream and spikes that leave the block; spikes mean nothing where no neurons are.
    pub(super) fn run(&self, input: &State, counters: &mut Counters) -> State {
        let block = self.block;
        let projection = self.shortcut.as_ref().map(|s| self.project(s, &input.stream, counters));
        let shortcut = projection.as_ref().unwrap_or(&input.stream);

        let (mut requantise, mut lif) = <(Count, Count)>::default();
        let spikes1 =
            self.layer(&block.conv1, &self.conv1, &input.spikes, &mut requantise, &mut lif, |_, _| ());
        let (spikes1_name, spikes_name) = (name(block, names::SPIKES1), name(block, names::SPIKES));
        counters.saturations.0.extend([
            requantise.at(SaturationKind::Requantise, &block.conv1.name),
            lif.at(SaturationKind::LifAdd, &spikes1_name),
        ]);
        counters.population(&spikes1_name, &spikes1, map_len(&block.conv1));

        let (mut requantise, mut residual, mut lif) = <(Count, Count, Count)>::default();
        let mut stream = vec![0i16; shortcut.len()];
        let spikes =
            self.layer(&block.conv2, &self.conv2, &spikes1, &mut requantise, &mut lif, |at, current| {
                let (shortcut, stream) =
                    (&shortcut[at..at + current.len()], &mut stream[at..at + current.len()]);
                for ((current, &shortcut), stream) in current.iter_mut().zip(shortcut).zip(stream) {
                    *stream = residual.sat16(i64::from(*current) + i64::from(shortcut));
                    *current = *stream;
                }
            });
        counters.saturations.0.extend([
            requantise.at(SaturationKind::Requantise, &block.conv2.name),
            residual.at(SaturationKind::Residual, &block.name),
        ]);
        if self.fires {
            counters.saturations.0.push(lif.at(SaturationKind::LifAdd, &spikes_name));
            counters.population(&spikes_name, &spikes, map_len(&block.conv2));
        }
        State { spikes, stream }
    }

    /// Convolution, requantisation, `add` on the currents of one pixel and timestep (with their place in a
    /// (t, y, x, c) map), LIF.
    fn layer(
        &self,
        conv: &Conv,
        (sparse, post, lif): &(Sparse, Post, Lif),
        input: &[Events],
        requantise: &mut Count,
        lif_count: &mut Count,
        mut add: impl FnMut(usize, &mut [i16]),
    ) -> Vec<Events> {
        let (channels, [h, w]) = (conv.out_c, conv.out_hw);
        let mut spikes: Vec<Events> = input.iter().map(|_| Events::new(h * w)).collect();
        let (mut v, mut current, mut sums) = (vec![0; channels], vec![0; channels], vec![0; channels]);
        let mut fires = vec![0; channels];
        for pixel in 0..h * w {
            v.fill(0);
            for (t, (events, out)) in input.iter().zip(&mut spikes).enumerate() {
                sparse.sums(events, pixel / w, pixel % w, &mut sums);
                post.apply(&sums, &mut current, requantise);
                add((t * h * w + pixel) * channels, &mut current);
                lif.step(&mut v, &current, &mut fires, lif_count);
                out.pixel(pixel % w, &fires);
            }
        }
        spikes
    }

    /// The requantised projection of the stream, s16, (t, y, x, c).
    fn project(
        &self,
        (conv, dense, post): &(&Conv, Dense, Post),
        stream: &[i16],
        counters: &mut Counters,
    ) -> Vec<i16> {
        let in_len = conv.in_c * conv.in_hw[0] * conv.in_hw[1];
        let (channels, [_, w]) = (conv.out_c, conv.out_hw);
        let mut out = vec![0i16; self.timesteps * map_len(conv)];
        let (mut patch, mut sums, mut count) = (dense.patch(), vec![0; channels], Count::default());
        for (stream, out) in stream.chunks_exact(in_len).zip(out.chunks_exact_mut(map_len(conv))) {
            for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
                dense.sums(stream, pixel / w, pixel % w, &mut patch, &mut sums);
                post.apply(&sums, out, &mut count);
            }
        }
        counters.saturations.0.push(count.at(SaturationKind::Requantise, &conv.name));
        out
    }
}

/// Values of one timestep of a convolution's output.
fn map_len(conv: &Conv) -> usize {
    conv.out_c * conv.out_hw[0] * conv.out_hw[1]
}
