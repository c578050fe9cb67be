//! Where maps lie in the accelerator's memories, and how long they live.
//!
//! Maps that replace each other lie alternately at the two ends of a memory: the map being read at one end, the
//! map being written at the other. The memory must hold the largest pair that lives at the same time.
//!
//! Of a batch every map of the blocks holds all images, side by side in every channel group; patches, Xq and Z1 are
//! one image's, since the encoder computes one image after the other.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::{Conv, Network};

/// Channel groups of `c` channels.
pub(super) fn groups(c: usize, slots: usize) -> usize {
    c.div_ceil(slots)
}

/// Words per slot of all maps of a network, in the order they are written, and the words that hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Code memory: patches.
    pub patches: usize,
    /// Words of a map without timesteps as large as the stem's: X, Xq, Z1.
    pub code_map: usize,
    /// Code memory: maps behind the patches, Xq and Z1; none in direct coding.
    code_maps: usize,
    /// Spike memory.
    pub spikes: Ends,
    /// Presence memory: two halves, each for the pixels and time passes of the largest spike map.
    pub presence: usize,
    /// Stream memory.
    pub stream: Ends,
    /// Only the even columns of the stream that enters the first block are kept: all that the first block's shortcut, of stride 2, reads.
    pub half_y: bool,
    /// First word of the stream memory that is free while the encoder runs: for values that only the trace keeps.
    pub scratch: usize,
}

/// One memory with two ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// Words per slot.
    pub total: usize,
}

/// One end of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Low,
    High,
}

impl End {
    pub fn other(self) -> End {
        match self {
            End::Low => End::High,
            End::High => End::Low,
        }
    }
}

impl Ends {
    fn holding(maps: &[usize]) -> Ends {
        let single = maps.iter().copied().max().unwrap_or(0);
        Ends { total: maps.windows(2).map(|pair| pair[0] + pair[1]).max().unwrap_or(0).max(single) }
    }
    /// First word of a map of `words` at an end.
    pub fn base(&self, end: End, words: usize) -> usize {
        match end {
            End::Low => 0,
            End::High => self.total - words,
        }
    }
}

impl Layout {
    /// Words for a batch of `images` of a network on an array. The tracing program is included: it keeps the last block's stream and
    /// spikes beside the maps that the block reads.
    pub fn of(net: &Network, array: &ArrayConfig, images: usize) -> Layout {
        let passes = array.time_passes(net.t);
        let pixels = |hw: [usize; 2]| hw[0] * hw[1];
        let stem = &net.stem.conv;
        let encoded = groups(stem.out_c, array.ci) * pixels(stem.out_hw);
        let mut largest = pixels(stem.out_hw);
        let half_y = net.blocks.first().and_then(|b| b.shortcut.as_ref()).is_some_and(|conv| {
            (conv.k, conv.stride, conv.pad) == (1, 2, 0) && stem.out_hw[1].is_multiple_of(2)
        });
        let y = images * encoded * passes / if half_y { 2 } else { 1 };
        let (mut spikes, mut stream) = (vec![images * encoded * passes], vec![y]);
        let mut last = images * encoded * passes;
        for block in &net.blocks {
            let words = |conv: &Conv| images * groups(conv.out_c, array.ci) * pixels(conv.out_hw) * passes;
            spikes.push(words(&block.conv1));
            let words = words(&block.conv2);
            spikes.push(words);
            largest = largest.max(pixels(block.conv1.out_hw));
            if block.shortcut.is_some() {
                stream.push(words);
            }
            last = words;
        }
        stream.push(last.max(images * groups(net.head.conv.in_c, array.ci)));
        // X and sca of one image; and Y where only half of it is kept, between the places of the other images.
        let scratch = if images > 1 { y } else { 0 };
        let traced = if half_y { images * encoded * passes } else { encoded };
        Layout {
            patches: groups(virtual_channels(net), array.ci) * pixels(stem.out_hw),
            code_map: encoded,
            code_maps: if net.encoder.is_some() { 2 } else { 0 },
            spikes: Ends::holding(&spikes),
            presence: 2 * largest * passes,
            stream: Ends { total: Ends::holding(&stream).total.max(scratch + traced) },
            half_y,
            scratch,
        }
    }
    /// Words per slot of the code memory.
    pub fn code(&self) -> usize {
        self.patches + self.code_maps * self.code_map
    }
}

/// Channels of the im2col patches, `C * K * K`.
pub(super) fn virtual_channels(net: &Network) -> usize {
    net.stem.conv.in_c * net.stem.conv.k * net.stem.conv.k
}
