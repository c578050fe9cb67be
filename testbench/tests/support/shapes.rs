//! Shapes of random networks as a property test draws and shrinks them.

use proptest::prelude::*;
use proptest::sample::select;
use spikegate_contract::network::{FireRule, Neuron, Reset};
use spikegate_golden::random::Shape;

/// Largest height and width of an image.
const SIZE: usize = 11;
/// Most channels.
const CHANNELS: usize = 12;
/// Most timesteps: more than any array of these tests has lanes.
const T: usize = 16;

/// A shape that needs at least as much of every memory as any that [`shapes`] draws.
pub fn bound() -> Shape {
    Shape {
        input: [3, SIZE, SIZE],
        stem: CHANNELS,
        stem_kernel: (7, 1),
        k: 8,
        t: T,
        // Two channel counts, so that both stages project.
        stages: vec![(CHANNELS - 1, 2, 1), (CHANNELS, 2, 1)],
        classes: 13,
        neuron: Neuron::new(1, FireRule::Gt),
        weight_bits: vec![8],
        gate_bits: 8,
        own_neurons: false,
        direct: false,
        last_lif: true,
        extreme: false,
    }
}

/// The same without the last LIF: as large a map as can be summed.
pub fn pooled_bound() -> Shape {
    Shape { input: [3, 8, 8], last_lif: false, ..bound() }
}

/// The structure of the authors' CIFAR network (stem, three stages of blocks, the later two with stride 2), narrow.
pub fn narrow() -> Shape {
    Shape {
        input: [3, 16, 16],
        stem: 8,
        stem_kernel: (3, 1),
        k: 4,
        t: 4,
        stages: vec![(16, 3, 1), (32, 3, 2), (64, 2, 2)],
        classes: 10,
        neuron: Neuron::new(1, FireRule::Gt),
        weight_bits: vec![8],
        gate_bits: 8,
        own_neurons: false,
        direct: false,
        last_lif: true,
        extreme: false,
    }
}

/// Every option; odd sizes; channels that divide no array; resets by subtraction and neurons of each population's own for
/// arrays that have them. Shrinks towards a small plain network.
pub fn shapes(own_neurons: bool) -> impl Strategy<Value = Shape> {
    let stages = prop::collection::vec((1..=CHANNELS, 1..=2usize, 1..=2usize), 1..=2);
    let input = (1..=3usize, 3..=SIZE, 3..=SIZE).prop_map(|(c, h, w)| [c, h, w]);
    let stem = (1..=CHANNELS, select(vec![(3, 1), (3, 2), (5, 1), (7, 2)]));
    let steps = prop_oneof![3 => 2..=7usize, 1 => 8..=T];
    let neuron = (
        0..=3u8,
        select(vec![FireRule::Gt, FireRule::Ge]),
        select(vec![Reset::Zero, Reset::Subtract]),
        prop::bool::ANY,
    )
        .prop_map(move |(leak_shift, fire, reset, own)| match own_neurons {
            true => (Neuron { leak_shift, fire, reset }, own),
            false => (Neuron::new(leak_shift, fire), false),
        });
    let flag = prop::bool::weighted;
    let widths = (select(vec![vec![8], vec![4], vec![8, 4, 3]]), 8..=12u8, flag(0.2), flag(0.25), flag(0.7));
    (input, stem, 2..=8usize, steps, stages, 2..=13usize, neuron, widths).prop_map(
        |(input, (stem, stem_kernel), k, t, stages, classes, (neuron, own_neurons), widths)| {
            Shape {
                input,
                stem,
                stem_kernel,
                k,
                t,
                stages,
                classes,
                neuron,
                own_neurons,
                weight_bits: widths.0,
                gate_bits: widths.1,
                direct: widths.3,
                last_lif: widths.4,
                extreme: widths.2,
            }
            .pooled_within()
        },
    )
}
