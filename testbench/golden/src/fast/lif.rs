//! Leaky integrate and fire: neighbouring neurons side by side, their timesteps in turn.

use spikegate_contract::network::{FireRule, Neuron, Reset};

use super::post::Count;
use super::simd::Simd;

/// Neurons side by side.
const LANES: usize = 64;

/// A population, laid out.
pub(super) struct Lif {
    simd: Simd,
    leak_shift: u8,
    /// `u >= threshold` is `u > threshold - 1`.
    fires_above: i16,
    /// What a spike takes off the membrane.
    taken: i16,
    /// The bits of the membrane that a spike leaves.
    kept: i16,
}

impl Lif {
    /// A population of this threshold.
    pub(super) fn new(neuron: Neuron, threshold: i16, simd: Simd) -> Self {
        let fires_above = match neuron.fire {
            FireRule::Gt => threshold,
            FireRule::Ge => threshold - 1,
        };
        let (taken, kept) = match neuron.reset {
            Reset::Zero => (0, 0),
            Reset::Subtract => (threshold, -1),
        };
        Self { simd, leak_shift: neuron.leak_shift, fires_above, taken, kept }
    }

    /// Spikes of the stream x, of all timesteps or the same at each. `spikes` has as many maps as there are timesteps, of
    /// `len` neurons.
    pub(super) fn run(&self, x: &[i16], len: usize, spikes: &mut [u8], count: &mut Count) {
        let same = x.len() == len;
        let saturated = self.simd.run(
            #[inline(always)]
            || {
                let mut saturated = 0;
                for at in (0..len).step_by(LANES) {
                    let lanes = LANES.min(len - at);
                    let mut v = [0; LANES];
                    for (t, spikes) in spikes.chunks_exact_mut(len).enumerate() {
                        let from = if same { at } else { t * len + at };
                        let (x, spikes) = (&x[from..from + lanes], &mut spikes[at..at + lanes]);
                        saturated +=
                            u64::from(match (x.as_array::<LANES>(), spikes.as_mut_array::<LANES>()) {
                                (Some(x), Some(spikes)) => self.step(&mut v, x, spikes),
                                _ => self.step(&mut v, x, spikes),
                            });
                    }
                }
                saturated
            },
        );
        count.add(saturated, spikes.len());
    }

    /// One timestep: `v` is the state, `spikes` become 1 or 0. How many membranes were clamped.
    #[inline(always)]
    fn step(&self, v: &mut [i16; LANES], x: &[i16], spikes: &mut [u8]) -> u16 {
        let mut saturated = 0;
        for ((v, &x), spike) in v.iter_mut().zip(x).zip(spikes) {
            let u = v.saturating_add(x);
            saturated += u16::from(u != v.wrapping_add(x));
            let fires = u > self.fires_above;
            *spike = fires.into();
            // All bits of a neuron that is silent.
            let silent = i16::from(fires) - 1;
            *v = ((u - (self.taken & !silent)) >> self.leak_shift) & (silent | self.kept);
        }
        saturated
    }
}
