//! The leaky integrate-and-fire recurrence.

use spikegate_contract::network::{FireRule, Neuron};
use spikegate_contract::tensor::Tensor;

use crate::arith::Clamp;
use crate::{Context, Population, SaturationKind};

/// One timestep of one neuron: the spike, and the state for the next timestep.
/// `u = sat16(v + x)`; fire when `u > threshold` (or `>=`); then `v = 0`, else `v = u >> leak_shift` (floor).
pub(crate) fn step(neuron: &Neuron, threshold: i16, v: i64, x: i64, clamp: &mut Clamp) -> (bool, i64) {
    let u = clamp.sat16(i128::from(v + x));
    let fire = match neuron.fire {
        FireRule::Gt => u > i64::from(threshold),
        FireRule::Ge => u >= i64::from(threshold),
    };
    (fire, if fire { 0 } else { u >> neuron.leak_shift })
}

impl Context<'_> {
    /// Spikes (T, C, H, W) of the currents x (T, C, H, W), named `name`; counted and recorded.
    pub(crate) fn lif(&mut self, x: &Tensor, threshold: i16, name: &str) -> Tensor {
        let [timesteps, c_n, h, w] = x.dims;
        let mut spikes = Tensor::zeros(name, x.dims);
        let mut clamp = Clamp::new(SaturationKind::LifAdd, name);
        for c in 0..c_n {
            for y in 0..h {
                for col in 0..w {
                    let mut v = 0;
                    for t in 0..timesteps {
                        let at = x.index(t, c, y, col);
                        let fire;
                        (fire, v) = step(&self.net.neuron, threshold, v, x.data[at], &mut clamp);
                        spikes.data[at] = i64::from(fire);
                    }
                }
            }
        }
        self.saturations.0.push(clamp.done());
        let count = spikes.data.iter().sum::<i64>();
        let of = spikes.data.len() as u64;
        self.populations.push(Population { name: name.to_owned(), spikes: count as u64, of });
        self.record(&spikes);
        spikes
    }
}
