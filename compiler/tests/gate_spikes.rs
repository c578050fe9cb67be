//! The spikes that the gate lets into the first block, on random networks of the ImageNet recipe.
#![allow(clippy::unwrap_used, missing_docs)]

use spikegate_compiler::calibrate::calibrate;
use spikegate_compiler::float::{Interpreter, Recorder};
use spikegate_compiler::graph::*;
use spikegate_compiler::quantise::{quantise, Options};
use spikegate_contract::network::Network as Integer;
use spikegate_contract::tensor::{names, Tensor as Values};

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
    fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let fan: usize = shape[1..].iter().product();
        let deviation = (2.0 / fan as f64).sqrt();
        let n = shape.iter().product();
        Tensor::new(shape, (0..n).map(|_| (self.normal() * deviation) as f32).collect()).unwrap()
    }
    fn bn(&mut self, n: usize, threshold: f64) -> BatchNorm {
        let mut v = |f: &mut dyn FnMut(&mut Self) -> f64| (0..n).map(|_| f(self) as f32).collect::<Vec<f32>>();
        BatchNorm {
            weight: v(&mut |r| (if r.next() < 0.25 { -1.0 } else { 1.0 }) * (0.6 + 0.8 * r.next()) * threshold),
            bias: v(&mut |r| (r.next() - 0.5) * 0.8 * threshold),
            mean: vec![0.0; n],
            var: vec![1.0; n],
        }
    }
}

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
                        out.push((128.0 + 320.0 * (smooth - 0.5) + 24.0 * rng.normal()).clamp(0.0, 255.0) as u8);
                    }
                }
            }
            out
        })
        .collect()
}

fn statistics(net: &Network, images: &[Vec<u8>], name: &str, channels: usize) -> Vec<(f64, f64)> {
    let run = Interpreter::new(net).unwrap();
    let mut sums = vec![(0.0, 0.0, 0.0); channels];
    for image in images {
        let mut seen = Recorder::only(&[name]);
        run.run_observed(image, &mut seen).unwrap();
        let (shape, values) = seen.get(name).unwrap();
        let per: usize = shape[shape.len() - 2..].iter().product();
        for (i, v) in values.iter().enumerate() {
            let s = &mut sums[i / per % channels];
            *s = (s.0 + 1.0, s.1 + v, s.2 + v * v);
        }
    }
    sums.iter().map(|s| (s.1 / s.0, (s.2 / s.0 - (s.1 / s.0).powi(2)).max(1e-12))).collect()
}

fn network(seed: u64, threshold: f64, ta: f64) -> (Network, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut rng = Rng(seed);
    let r = &mut rng;
    let c = [8, 12, 16, 10, 16, 24][seed as usize % 6];
    let t = 4;
    let input = MapShape { c: 3, h: 40 + 4 * (seed as usize % 3), w: 44 };
    let conv = |weight: Tensor, stride, padding| Conv { weight, stride, padding };
    let same = Padding::same;
    let half = Padding { before: 1, after: 1 };
    let mut net = Network {
        origin: Origin { name: format!("random_{seed}"), ..Origin::default() },
        input_kind: InputKind::StillImage,
        input,
        mean: vec![0.485, 0.456, 0.406],
        std: vec![0.229, 0.224, 0.225],
        timesteps: t,
        neuron: Neuron { leak_shift: 2, threshold, fire: FireRule::Gt },
        stem: ConvBn {
            conv: conv(r.tensor(&[c, 3, 7, 7]), 2, Padding { before: 3, after: 3 }),
            bn: r.bn(c, threshold),
        },
        encoder: Some(Encoder {
            ta_w1: r.tensor(&[t / 2, t]),
            ta_w2: r.tensor(&[t, t / 2]),
            sca_v1: conv(r.tensor(&[c, c, 4, 4]), 1, same(4)),
            sca_v2: conv(r.tensor(&[c, c, 4, 4]), 1, same(4)),
        }),
        stages: vec![vec![Block {
            conv1: ConvBn { conv: conv(r.tensor(&[c, c, 3, 3]), 2, half), bn: r.bn(c, threshold) },
            conv2: ConvBn { conv: conv(r.tensor(&[c, c, 3, 3]), 1, half), bn: r.bn(c, threshold) },
            shortcut: Some(ConvBn {
                conv: conv(r.tensor(&[c, c, 1, 1]), 2, Padding { before: 0, after: 0 }),
                bn: r.bn(c, threshold),
            }),
        }]],
        head: Head { weight: r.tensor(&[10, c]), bias: vec![0.0; 10], last_lif: true },
    };
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
    let s = statistics(&net, calibration, "stem.x", c);
    set(&mut net.stem.bn, s);
    let s = statistics(&net, calibration, "layer1.0.conv1", c);
    set(&mut net.stages[0][0].conv1.bn, s);
    let s = statistics(&net, calibration, "layer1.0.conv2", c);
    set(&mut net.stages[0][0].conv2.bn, s);
    // Temporal attention of the wanted size: the largest over the timesteps, the mean over images.
    let run = Interpreter::new(&net).unwrap();
    let mut size = 0.0;
    for image in calibration {
        let mut seen = Recorder::only(&["ta"]);
        run.run_observed(image, &mut seen).unwrap();
        size += seen.get("ta").unwrap().1.iter().fold(0f64, |m, v| m.max(v.abs())) / 16.0;
    }
    let encoder = net.encoder.as_mut().unwrap();
    let scaled = encoder.ta_w2.data().iter().map(|w| (f64::from(*w) * ta / size) as f32).collect();
    encoder.ta_w2 = Tensor::new(&[t, t / 2], scaled).unwrap();
    (net, calibration.to_vec(), test.to_vec())
}

/// The network with its first layers' weights at eight bits.
fn eight_bits(net: &Network, integer: &Integer) -> Network {
    let near = |weight: &Tensor, q: &[i8], scale: Option<&[f64]>| {
        let window = weight.data().len() / weight.dim(0);
        let taps = weight.dim(2) * weight.dim(3);
        let mut out = Vec::new();
        for (row, q) in weight.data().chunks(window).zip(q.chunks(window)) {
            let f = |i: usize| scale.map_or(1.0, |s| s[i / taps]);
            let (mut a, mut b) = (0.0, 0.0);
            for (i, (&w, &q)) in row.iter().zip(q).enumerate() {
                a += f64::from(w) * f(i) * f64::from(q);
                b += f64::from(q) * f64::from(q);
            }
            let unit = a / b.max(1e-12);
            out.extend(q.iter().enumerate().map(|(i, &q)| (f64::from(q) * unit / f(i)) as f32));
        }
        Tensor::new(weight.shape(), out).unwrap()
    };
    let mut net = net.clone();
    let scale: Vec<f64> = net.std.iter().map(|s| 1.0 / (255.0 * s)).collect();
    net.stem.conv.weight = near(&net.stem.conv.weight, &integer.stem.conv.weights, Some(&scale));
    let (e, i) = (net.encoder.as_mut().unwrap(), integer.encoder.as_ref().unwrap());
    e.sca_v1.weight = near(&e.sca_v1.weight, &i.sca1.weights, None);
    e.sca_v2.weight = near(&e.sca_v2.weight, &i.sca2.weights, None);
    net
}

/// Spikes of Y = G * S with a rule.
fn lif(net: &Network, ta: &Values, sca: &Values, s: &Values, g: &dyn Fn(i64, i64) -> f64) -> Vec<bool> {
    let per: usize = s.dims[1..].iter().product();
    let mut out = vec![false; s.data.len()];
    for i in 0..per {
        let mut v = 0.0;
        for t in 0..s.dims[0] {
            let at = t * per + i;
            let y = if s.data[at] == 1 { g(ta.data[t], sca.data[i]) } else { 0.0 };
            let u = v + y;
            let fire = net.neuron.fires(u);
            out[at] = fire;
            v = if fire { 0.0 } else { u * net.neuron.leak() };
        }
    }
    out
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

#[test]
fn table() {
    for threshold in [0.5, 1.0] {
        for ta in [1e-4, 1e-2, 0.1, 1.0, 3.0, 10.0] {
            for seed in 0..6 {
                let (net, calibration, test) = network(seed, threshold, ta);
                let cal = calibrate(&net, &calibration).unwrap();
                let integer = quantise(&net, &cal, &Options::default()).unwrap();
                let e = integer.encoder.as_ref().unwrap();
                let product = e.ta_frac_bits + e.sca_frac_bits;
                let run = Interpreter::new(&net).unwrap();
                let eight = eight_bits(&net, &integer);
                let eight = Interpreter::new(&eight).unwrap();
                let reach = cal.get("gate.z").unwrap().max_abs;
                let mut wrong = [[0u64; 3]; 2];
                let (mut spikes, mut first, mut neurons) = (0u64, 0u64, 0u64);
                let mut tas = Vec::new();
                for image in &test {
                    let observe = |r: &Interpreter| {
                        let mut seen = Recorder::only(&["layer1.0.lif1.s", "ta"]);
                        r.run_observed(image, &mut seen).unwrap();
                        tas = seen.get("ta").unwrap().1.to_vec();
                        seen.get("layer1.0.lif1.s").unwrap().1.iter().map(|&v| v == 1.0).collect::<Vec<_>>()
                    };
                    let mut observe = observe;
                    let exact = observe(&run);
                    let q8 = observe(&eight);
                    let mut trace = Vec::new();
                    spikegate_golden::run(&integer, image, &mut trace).unwrap();
                    let tensor = |name: &str| trace.iter().find(|t: &&Values| t.name == name).unwrap();
                    let (tav, sca, s) = (tensor(names::TA), tensor(names::SCA), tensor(names::STEM_SPIKES));
                    let now: Vec<bool> = tensor(names::GATE_SPIKES).data.iter().map(|&v| v == 1).collect();
                    let ideal = lif(&net, tav, sca, s, &|ta, sca| sigmoid((-ta * sca) as f64 * 2f64.powi(-product)));
                    let all = [q8, now, ideal];
                    let per = exact.len() / 4;
                    spikes += exact.iter().filter(|&&s| s).count() as u64;
                    first += exact[..per].iter().filter(|&&s| s).count() as u64;
                    neurons += exact.len() as u64;
                    for (i, a) in all.iter().enumerate() {
                        let w: Vec<bool> = a.iter().zip(&exact).map(|(a, b)| a != b).collect();
                        wrong[0][i] += w.iter().filter(|&&w| w).count() as u64;
                        wrong[1][i] += w[..per].iter().filter(|&&w| w).count() as u64;
                    }
                }
                let share = |w: &[u64; 3], of: u64| w.iter().map(|&w| format!("{:7.3}", 100.0 * w as f64 / of.max(1) as f64)).collect::<Vec<_>>().join(" ");
                println!("th {threshold} ta {ta:<6} seed {seed} reach {reach:8.4} rate {:5.2} % | of neurons {} | t0 {} | TA {:.4?}", 100.0 * spikes as f64 / neurons as f64, share(&wrong[0], neurons), share(&wrong[1], first), tas);
            }
        }
    }
}
