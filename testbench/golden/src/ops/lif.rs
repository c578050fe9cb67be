//! The leaky integrate-and-fire recurrence.

use spikegate_contract::network::{FireRule, Neuron};
use spikegate_contract::tensor::Tensor;

use crate::arith::Clamp;

/// Spikes of the currents x, one map for every timestep or the same map at all of them.
pub(super) fn run(neuron: &Neuron, threshold: i16, x: &Tensor, out: &mut Tensor, clamp: &mut Clamp) {
    let [timesteps, channels, h, w] = out.dims;
    for c in 0..channels {
        for y in 0..h {
            for col in 0..w {
                let mut v = 0;
                for t in 0..timesteps {
                    // Of an untimed x the only timestep.
                    let current = x.at(t.min(x.dims[0] - 1), c, y, col);
                    let fire;
                    (fire, v) = step(neuron, threshold, v, current, clamp);
                    let at = out.index(t, c, y, col);
                    out.data[at] = i64::from(fire);
                }
            }
        }
    }
}

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
