//! The leaky integrate-and-fire neuron.

use spikegate_contract::network::{FireRule, Neuron};

use crate::arithmetic::sat16;

/// Spikes of one neuron for its inputs over time, starting at rest. Per timestep: `u = sat16(v + x)`; fire if
/// `u > threshold` (or `>=`); `v = 0` after a spike, else `u >> leak_shift`, rounded down.
pub fn spikes(
    neuron: Neuron,
    threshold: i16,
    inputs: impl IntoIterator<Item = i64>,
    saturated: &mut u64,
) -> Vec<bool> {
    let threshold = i64::from(threshold);
    let mut v = 0;
    let step = |x: i64| {
        let u = sat16(i128::from(v + x), saturated);
        let fire = match neuron.fire {
            FireRule::Gt => u > threshold,
            FireRule::Ge => u >= threshold,
        };
        v = if fire { 0 } else { u >> neuron.leak_shift };
        fire
    };
    inputs.into_iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(leak_shift: u8, fire: FireRule, threshold: i16, inputs: &[i64]) -> Vec<u8> {
        let neuron = Neuron { leak_shift, fire };
        spikes(neuron, threshold, inputs.iter().copied(), &mut 0).into_iter().map(u8::from).collect()
    }

    #[test]
    fn threshold_hit_exactly_fires_only_under_ge() {
        assert_eq!(run(1, FireRule::Gt, 100, &[100, 51, 0]), [0, 1, 0]);
        assert_eq!(run(1, FireRule::Ge, 100, &[100, 50, 75]), [1, 0, 1]);
    }

    #[test]
    fn leaks_down_not_towards_zero() {
        // -3 >> 1 = -2, so 102 is not enough and 103 is.
        assert_eq!(run(1, FireRule::Gt, 100, &[-3, 102]), [0, 0]);
        assert_eq!(run(1, FireRule::Gt, 100, &[-3, 103]), [0, 1]);
    }

    #[test]
    fn the_membrane_saturates_before_it_is_compared() {
        let neuron = Neuron { leak_shift: 0, fire: FireRule::Gt };
        let mut saturated = 0;
        let got = spikes(neuron, 32766, [30000, -1, 2769, -32768, -32768], &mut saturated);
        assert_eq!((got, saturated), (vec![false, false, true, false, false], 2));
    }

    #[test]
    fn a_constant_input_fires_with_the_period_of_the_recurrence() {
        // 9 fraction bits, threshold 1.0: 293 / 512 > 4/7 in reals, but the floor leak makes it wait.
        let t: Vec<i64> = vec![293; 6];
        assert_eq!(run(1, FireRule::Gt, 512, &t), [0, 0, 0, 1, 0, 0]);
        assert_eq!(run(1, FireRule::Gt, 512, &[294; 6]), [0, 0, 1, 0, 0, 1]);
    }
}
