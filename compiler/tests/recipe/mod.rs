//! Random networks of the ImageNet recipe (7x7 stem of stride 2, leak 1/4), their batch norms set to what their layers
//! give on smooth random pictures, as training sets them.

use ndarray::{Array, Array1, Dimension, IntoDimension};
use spikegate_compiler::float::{Interpreter, Recorder};
use spikegate_compiler::graph::*;

#[path = "../graph_support/mod.rs"]
pub mod graph_support;
use graph_support::{attention, bn};

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
    fn normal(&mut self) -> f64 {
        let (a, b) = (self.next().max(1e-300), self.next());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
    fn tensor<D: Dimension>(&mut self, shape: impl IntoDimension<Dim = D>) -> Array<f32, D> {
        let shape = shape.into_dimension();
        let fan: usize = shape.slice()[1..].iter().product();
        let deviation = (2.0 / fan as f64).sqrt();
        // In index order.
        let values = (0..shape.size()).map(|_| (self.normal() * deviation) as f32).collect();
        Array::from_shape_vec(shape, values).unwrap()
    }
    fn bn(&mut self, n: usize, threshold: f64) -> BatchNorm {
        let mut v =
            |f: &mut dyn FnMut(&mut Self) -> f64| (0..n).map(|_| f(self) as f32).collect::<Array1<f32>>();
        BatchNorm {
            weight: v(&mut |r| {
                (if r.next() < 0.25 { -1.0 } else { 1.0 }) * (0.6 + 0.8 * r.next()) * threshold
            }),
            bias: v(&mut |r| (r.next() - 0.5) * 0.8 * threshold),
            mean: Array1::zeros(n),
            var: Array1::ones(n),
            eps: BN_EPSILON,
        }
    }
}

/// Smooth blobs with fine noise.
fn pictures(rng: &mut Rng, count: usize, shape: MapShape) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| {
            let mut out = Vec::new();
            for _ in 0..shape.c {
                let grid: Vec<f64> = (0..25).map(|_| rng.next()).collect();
                for y in 0..shape.h {
                    for x in 0..shape.w {
                        let (fy, fx) = (4.0 * y as f64 / shape.h as f64, 4.0 * x as f64 / shape.w as f64);
                        let (iy, ix) = (fy as usize, fx as usize);
                        let at = |dy: usize, dx: usize| grid[(iy + dy) * 5 + ix + dx];
                        let (ay, ax) = (fy - iy as f64, fx - ix as f64);
                        let smooth = (at(0, 0) * (1.0 - ax) + at(0, 1) * ax) * (1.0 - ay)
                            + (at(1, 0) * (1.0 - ax) + at(1, 1) * ax) * ay;
                        out.push(
                            (128.0 + 320.0 * (smooth - 0.5) + 24.0 * rng.normal()).clamp(0.0, 255.0) as u8
                        );
                    }
                }
            }
            out
        })
        .collect()
}

/// Mean and variance of a tensor per channel.
fn statistics(net: &Network, images: &[Vec<u8>], name: &str, channels: usize) -> Vec<(f64, f64)> {
    let run = Interpreter::new(net).unwrap();
    let mut sums = vec![(0.0, 0.0, 0.0); channels];
    for image in images {
        let mut seen = Recorder::only([name]);
        run.run_observed(image, &mut seen).unwrap();
        for ((_, c, ..), v) in seen.get(name).unwrap().indexed_iter() {
            let s = &mut sums[c];
            *s = (s.0 + 1.0, s.1 + v, s.2 + v * v);
        }
    }
    sums.iter().map(|s| (s.1 / s.0, (s.2 / s.0 - (s.1 / s.0).powi(2)).max(1e-12))).collect()
}

/// A network, images to calibrate with and others to test with; `ta` is the size of its temporal attention: of the largest
/// timestep, the mean over images.
pub fn network(seed: u64, threshold: f64, ta: f64) -> (Network, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut rng = Rng(seed);
    let r = &mut rng;
    let c = [8, 12, 16, 10, 16, 24][seed as usize % 6];
    let t = 4;
    let input = MapShape { c: 3, h: 40 + 4 * (seed as usize % 3), w: 44 };
    let conv = |r: &mut Rng, shape: [usize; 4], stride, norm: bool| {
        let (weight, padding) = (r.tensor(shape), Padding::same(shape[2]));
        let bn = norm.then(|| r.bn(shape[0], threshold));
        Op::Conv(Conv { weight, stride, padding, bn, steps: None })
    };
    let mut net = Network {
        origin: Origin { name: format!("random_{seed}"), ..Origin::default() },
        input,
        timesteps: t,
        neuron: Neuron { leak_shift: 2, threshold, fire: FireRule::Gt, reset: Reset::Zero },
        nodes: Vec::new(),
    };
    let (mean, std) = (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]);
    let image = net.push("input", Op::Input { mean, std }, &[]);
    let x = net.push("stem.x", conv(r, [c, 3, 7, 7], 2, true), &[image]);
    let spikes = net.push("stem.spikes", Op::Lif, &[x]);
    let two_layers = TemporalAttention { w1: r.tensor((t / 2, t)), w2: r.tensor((t, t / 2)) };
    let temporal = net.push("encoder.ta", Op::TemporalAttention(two_layers), &[x]);
    let sca1 = net.push("encoder.sca1", conv(r, [c, c, 4, 4], 1, false), &[x]);
    let z1 = net.push("encoder.z1", Op::Relu, &[sca1]);
    let sca = net.push("encoder.sca", conv(r, [c, c, 4, 4], 1, false), &[z1]);
    let y = net.push("gate.y", Op::Gate, &[temporal, sca, spikes]);
    let spikes = net.push("gate.spikes", Op::Lif, &[y]);
    let [conv1, conv2] = [2, 1].map(|stride| conv(r, [c, c, 3, 3], stride, true));
    let shortcut = net.push("layer1.0.shortcut", conv(r, [c, c, 1, 1], 2, true), &[y]);
    let conv1 = net.push("layer1.0.conv1", conv1, &[spikes]);
    let spikes = net.push("layer1.0.conv1.spikes", Op::Lif, &[conv1]);
    let conv2 = net.push("layer1.0.conv2", conv2, &[spikes]);
    let stream = net.push("layer1.0.stream", Op::Add, &[conv2, shortcut]);
    let spikes = net.push("layer1.0.spikes", Op::Lif, &[stream]);
    let rates = net.push("head.counts", Op::Mean, &[spikes]);
    let head = Linear { weight: r.tensor((10, c)), bias: Array1::zeros(10), steps: None };
    net.push("head.logits", Op::Linear(head), &[rates]);
    let images = pictures(r, 24, input);
    let (calibration, test) = images.split_at(16);
    let set = |bn: &mut BatchNorm, of: Vec<(f64, f64)>| {
        // What was seen is (bn before): mean 0, variance 1.
        let old = bn.affine();
        for (i, ((mean, var), (scale, offset))) in of.into_iter().zip(old).enumerate() {
            bn.mean[i] = ((mean - offset) / scale) as f32;
            bn.var[i] = (var / (scale * scale)) as f32;
        }
    };
    for layer in ["stem.x", "layer1.0.conv1", "layer1.0.conv2"] {
        let seen = statistics(&net, calibration, layer, c);
        set(bn(&mut net, layer), seen);
    }
    // Temporal attention of the wanted size: the largest over the timesteps, the mean over images.
    let run = Interpreter::new(&net).unwrap();
    let mut size = 0.0;
    for image in calibration {
        let mut seen = Recorder::only(["encoder.ta"]);
        run.run_observed(image, &mut seen).unwrap();
        size += seen.get("encoder.ta").unwrap().iter().fold(0f64, |m, v| m.max(v.abs())) / 16.0;
    }
    attention(&mut net).w2.mapv_inplace(|w| (f64::from(w) * ta / size) as f32);
    (net, calibration.to_vec(), test.to_vec())
}
