//! The leaky integrate-and-fire recurrence.

use spikegate_contract::network::{FireRule, Neuron, Reset};
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
/// `u = sat16(v + x)`; fire when `u > threshold` (or `>=`); what is left of u then is 0 or `u - threshold`, else u;
/// `v = left >> leak_shift` (floor).
pub(crate) fn step(neuron: &Neuron, threshold: i16, v: i64, x: i64, clamp: &mut Clamp) -> (bool, i64) {
    after(neuron, threshold, membrane(v, x, clamp))
}

/// The membrane u that is compared with the threshold.
fn membrane(v: i64, x: i64, clamp: &mut Clamp) -> i64 {
    clamp.sat16(i128::from(v + x))
}

/// What a membrane comes to: the spike, and the state for the next timestep.
fn after(neuron: &Neuron, threshold: i16, u: i64) -> (bool, i64) {
    let fire = match neuron.fire {
        FireRule::Gt => u > i64::from(threshold),
        FireRule::Ge => u >= i64::from(threshold),
    };
    let left = match neuron.reset {
        _ if !fire => u,
        Reset::Zero => 0,
        Reset::Subtract => u - i64::from(threshold),
    };
    (fire, left >> neuron.leak_shift)
}

/// The membranes u of the neurons that read the currents x, (t, c, y, x), which no node makes: [`crate::run`]
/// records the spikes alone. An untimed x is read at each of the `timesteps`.
pub fn membranes(neuron: &Neuron, threshold: i16, x: &Tensor, timesteps: usize) -> Tensor {
    let [steps, channels, h, w] = x.dims;
    let mut out = Tensor::zeros(&x.name, [timesteps, channels, h, w]);
    let mut state = vec![0; channels * h * w];
    for (t, map) in out.data.chunks_exact_mut(state.len().max(1)).enumerate() {
        let currents = &x.data[t.min(steps - 1) * state.len()..];
        for ((u, v), &current) in map.iter_mut().zip(&mut state).zip(currents) {
            *u = membrane(*v, current, &mut Clamp::default());
            *v = after(neuron, threshold, *u).1;
        }
    }
    out
}
