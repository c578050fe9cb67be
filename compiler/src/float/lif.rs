//! Leaky integrate and fire.

use super::maps::{self, Maps};
use super::observe::Inner;
use super::operation::Operation;
use crate::graph::{FireRule, Neuron, Reset};

/// Suffix of the membrane before the comparison, of the spikes' shape.
pub const MEMBRANE: &str = ".membrane";

/// A population, from rest for every image.
#[derive(Debug)]
pub(super) struct Lif {
    neuron: Neuron,
    timesteps: usize,
}

impl Lif {
    pub fn new(neuron: Neuron, timesteps: usize) -> Lif {
        Lif { neuron, timesteps }
    }

    /// The membranes before the comparison, each shown to `fire` with the state that follows from it.
    fn integrate(&self, x: &Maps, mut fire: impl FnMut(&mut f64, &mut f64)) -> Maps {
        let (_, h, w, c) = x.dim();
        let leak = self.neuron.leak();
        let mut out = Maps::zeros((self.timesteps, h, w, c));
        // What the timestep before leaves of u.
        let mut state = vec![0.0; h * w * c];
        for (t, map) in maps::each_mut(&mut out).enumerate() {
            for ((v, state), x) in map.iter_mut().zip(&mut state).zip(maps::at(x, t)) {
                *v = x + leak * *state;
                fire(v, state);
            }
        }
        out
    }
}

impl Operation for Lif {
    fn run(&self, inputs: &[&Maps], inner: &mut Inner<'_>) -> Maps {
        let x = inputs[0];
        inner.show(MEMBRANE, || {
            self.integrate(x, |v, state| {
                *state = if self.neuron.fires(*v) { self.neuron.rest(*v) } else { *v }
            })
        });
        // No branch on the spike: it is as good as random to the processor.
        let reset = |v: &mut f64, state: &mut f64, fires: bool| {
            let s = f64::from(u8::from(fires));
            *state = *v * (1.0 - s);
            *v = s;
        };
        let threshold = self.neuron.threshold;
        let subtract = |v: &mut f64, state: &mut f64, fires: bool| {
            let s = f64::from(u8::from(fires));
            *state = *v - s * threshold;
            *v = s;
        };
        match (self.neuron.fire, self.neuron.reset) {
            (FireRule::Gt, Reset::Zero) => self.integrate(x, |v, state| reset(v, state, *v > threshold)),
            (FireRule::Ge, Reset::Zero) => self.integrate(x, |v, state| reset(v, state, *v >= threshold)),
            (FireRule::Gt, Reset::Subtract) => {
                self.integrate(x, |v, state| subtract(v, state, *v > threshold))
            }
            (FireRule::Ge, Reset::Subtract) => {
                self.integrate(x, |v, state| subtract(v, state, *v >= threshold))
            }
        }
    }

    fn is_neuron(&self) -> bool {
        true
    }
}
