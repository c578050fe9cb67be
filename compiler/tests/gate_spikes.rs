//! The spikes that the gate lets into the first block, on random networks of the ImageNet recipe: with a threshold of one
//! half, block 0 fires where the gate's argument is above zero, however little.
//!
//! Seen to fail: a product that is rounded half up (27 to 68 times the wrong spikes of 8-bit floats at TA = 1e-4), temporal attention
//! that keeps its sign, a table of `gate_bits`.
#![allow(clippy::unwrap_used, missing_docs)]

mod recipe;

use ndarray::Array4;
use recipe::graph_support::{conv, input};
use spikegate_compiler::calibrate::calibrate;
use spikegate_compiler::float::{Interpreter, Recorder, MEMBRANE};
use spikegate_compiler::graph::Network;
use spikegate_compiler::quantise::{gate_on_the_edge, quantise, Options};
use spikegate_contract::network::Network as Integer;
use spikegate_contract::tensor::{names, Tensor as Values};

/// The network with the weights of its first layers as the integer network has them, of the unit that fits best.
fn eight_bits(net: &Network, integer: &Integer) -> Network {
    let near = |weight: &mut Array4<f32>, q: &[i8], scale: &[f64]| {
        let (_, channels, k, _) = weight.dim();
        for (mut row, q) in weight.outer_iter_mut().zip(q.chunks(channels * k * k)) {
            let f = |channel: usize| scale.get(channel).copied().unwrap_or(1.0);
            let (mut a, mut b) = (0.0, 0.0);
            for (((channel, ..), &w), &q) in row.indexed_iter().zip(q) {
                a += f64::from(w) * f(channel) * f64::from(q);
                b += f64::from(q) * f64::from(q);
            }
            let unit = a / b.max(1e-12);
            for (((channel, ..), w), &q) in row.indexed_iter_mut().zip(q) {
                *w = (f64::from(q) * unit / f(channel)) as f32;
            }
        }
    };
    let mut net = net.clone();
    let scale: Vec<f64> = input(&mut net).1.iter().map(|s| 1.0 / (255.0 * s)).collect();
    for (name, scale) in [("stem.x", &scale[..]), ("encoder.sca1", &[]), ("encoder.sca", &[])] {
        let layer = integer.layer(integer.find(name).unwrap()).unwrap();
        near(&mut conv(&mut net, name).weight, layer.weights, scale);
    }
    net
}

/// Spikes of block 0's first population that differ from the float network's, over test images.
#[derive(Default)]
struct Wrong {
    /// Values compared, and those of the float network that are spikes.
    of: u64,
    spikes: u64,
    /// In all, and at the first timestep, where membranes are empty: of the integer network, and of float arithmetic with
    /// its 8-bit weights.
    integer: [u64; 2],
    eight_bits: [u64; 2],
    /// Membranes of the float network within four steps of 12 bits of the threshold.
    near: u64,
    /// The share of the gate's arguments that saturate it, where the network is named as on the edge.
    named: Option<f64>,
}

impl Wrong {
    fn share(&self, wrong: u64) -> f64 {
        100.0 * wrong as f64 / self.of as f64
    }
    /// At most three times those of float arithmetic on 8-bit weights, or 0.3 %.
    fn is_good(&self) -> bool {
        self.integer[0] <= 3 * self.eight_bits[0] || self.share(self.integer[0]) <= 0.3
    }
}

fn measure(seed: u64, threshold: f64, ta: f64, images: usize) -> Wrong {
    let (net, calibration, test) = recipe::network(seed, threshold, ta);
    let cal = calibrate(&net, &calibration).unwrap();
    let integers = [8, 9, 12]
        .map(|gate_bits| quantise(&net, &cal, &Options { gate_bits, ..Options::default() }).unwrap());
    let eight = eight_bits(&net, &integers[0]);
    let [exact, eight] = [&net, &eight].map(|net| Interpreter::new(net).unwrap());
    let spikes = |of: &Interpreter, image: &[u8]| {
        let membrane = format!("gate.spikes{MEMBRANE}");
        let mut seen = Recorder::only(["gate.spikes", &membrane]);
        of.run_observed(image, &mut seen).unwrap();
        let near = |u: &&f64| (*u - threshold).abs() < 4.0 / 4096.0;
        let near = seen.get(&membrane).unwrap().iter().filter(near).count() as u64;
        (seen.get("gate.spikes").unwrap().iter().map(|&v| v as i64).collect::<Vec<_>>(), near)
    };
    let mut wrong = Wrong { named: gate_on_the_edge(&net, &cal), ..Wrong::default() };
    for image in test.iter().take(images) {
        let (right, near) = spikes(&exact, image);
        wrong.near += near;
        let gate = |integer: &Integer| {
            let mut trace: Vec<Values> = Vec::new();
            spikegate_golden::run(integer, image, &mut trace).unwrap();
            trace.into_iter().find(|t| t.name == names::GATE_SPIKES).unwrap().data
        };
        let [got, other, widest] = integers.each_ref().map(gate);
        assert!(got == other && got == widest, "the gate's width changes its spikes");
        wrong.of += right.len() as u64;
        wrong.spikes += right.iter().sum::<i64>() as u64;
        let first = right.len() / net.timesteps;
        let count = |got: &[i64], to: usize| {
            got[..to].iter().zip(&right).filter(|(got, right)| got != right).count() as u64
        };
        for (at, to) in [right.len(), first].into_iter().enumerate() {
            wrong.integer[at] += count(&got, to);
            wrong.eight_bits[at] += count(&spikes(&eight, image).0, to);
        }
    }
    wrong
}

fn table(thresholds: &[f64], sizes: &[f64], seeds: u64, images: usize) {
    println!(
        "threshold  TA      network  rate %   wrong %  8-bit floats %  at t = 0: wrong %, 8-bit floats %"
    );
    for &threshold in thresholds {
        for &ta in sizes {
            let mut counted = 0;
            for seed in 0..seeds {
                let wrong = measure(seed, threshold, ta, images);
                // With a threshold of one, membranes that a saturated gate brings beside it are a razor's edge: such a
                // network need not be good, but is named.
                let razor = threshold == 1.0 && wrong.share(wrong.near) > 0.1 && wrong.named.is_some();
                let good = wrong.is_good();
                let [[all, first], [all8, first8]] =
                    [wrong.integer, wrong.eight_bits].map(|of| of.map(|n| wrong.share(n)));
                println!(
                    "{threshold:<9}  {ta:<6}  {seed:<7}  {:6.2}  {all:8.3}  {all8:14.3}  {first:18.3}  {first8:14.3}{}",
                    wrong.share(wrong.spikes),
                    if razor && !good { "  on a razor's edge, named" } else { "" }
                );
                assert!(good || razor, "threshold {threshold}, TA {ta}, network {seed}");
                counted += u64::from(good);
            }
            assert!(3 * counted >= 2 * seeds, "threshold {threshold}, TA {ta}: {counted} of {seeds} count");
        }
    }
}

/// A few of the table's rows.
#[test]
fn the_gate_keeps_its_spikes() {
    table(&[0.5], &[1e-4, 1.0], 2, 3);
    table(&[1.0], &[3.0], 2, 3);
}

/// Six networks, both thresholds, attention of all sizes; `-- --ignored --nocapture` in release, a minute.
#[test]
#[ignore = "the whole table: run in release"]
fn table_of_the_gate() {
    table(&[0.5, 1.0], &[1e-4, 1e-2, 0.1, 1.0, 3.0, 10.0], 6, 8);
}
