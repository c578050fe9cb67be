//! A plain f64 interpreter of the float network: what the checkpoint means, op by op.
//!
//! It is compared with PyTorch's own tensors, and everything about the integer network that is *measured*
//! (accuracy, spike agreement, ranges for calibration) is measured against it. It shares no arithmetic
//! with the integer side.
//!
//! The input is a still image, so what comes before the first membrane is computed once per image and
//! not, as in the authors' code, once per timestep; the values are the same.
//!
//! # Tensors an [`Observer`] may ask for, in order
//!
//! Those from `stem.u` to `gate.y` only with an encoder.
//!
//! | name | shape | what |
//! | --- | --- | --- |
//! | `image` | `[C, H, W]` | `(pixel / 255 - mean) / std` |
//! | `stem.x` | `[C, H, W]` | batch norm of the stem convolution, X |
//! | `stem.u`, `stem.s` | `[T, C, H, W]` | membrane before the comparison, and spikes, of X at every timestep |
//! | `ta.pool` | `[2]` | mean and maximum of X over all axes |
//! | `ta` | `[T]` | temporal attention, signed |
//! | `sca.z1` | `[C, H, W]` | first attention convolution after the ReLU |
//! | `sca` | `[C, H, W]` | spatial-channel attention, signed |
//! | `gate.z` | `[T, C, H, W]` | `ta * sca` |
//! | `gate.y` | `[T, C, H, W]` | `sigmoid(z) * s`: the stream that enters the first block |
//! | `layerL.B.lif1.u`, `.lif1.s` | `[T, C, H, W]` | first population of a block: the stream at its input |
//! | `layerL.B.conv1` | `[T, C, H, W]` | after batch norm |
//! | `layerL.B.lif2.u`, `.lif2.s` | `[T, C, H, W]` | second population |
//! | `layerL.B.conv2` | `[T, C, H, W]` | after batch norm |
//! | `layerL.B.downsample` | `[T, C, H, W]` | projected shortcut after batch norm, where there is one |
//! | `layerL.B.out` | `[T, C, H, W]` | the stream that leaves the block |
//! | `head.u`, `head.s` | `[T, C, H, W]` | last population |
//! | `counts` | `[C]` | its spikes over T, H, W |
//! | `head.mean` | `[C]` | without the last LIF, in place of the three above: the stream's mean over T, H, W |
//! | `logits` | `[classes]` | linear layer on `counts / (T * H * W)`, or on `head.mean` |

mod conv;
mod observe;

pub use observe::{Observer, Recorder};

use crate::graph::{ConvBn, FireRule, GraphError, MapShape, Network, Neuron, Tensor};
use conv::{Kernel, Map, Stage};
use rayon::prelude::*;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;

/// An image that is not the network's input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("image has {got} bytes, the network reads {input} = {} bytes", input.len())]
pub struct ImageSizeError {
    /// The network's input.
    pub input: MapShape,
    /// Bytes given.
    pub got: usize,
}

/// What a network says about one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// One per class.
    pub logits: Vec<f64>,
    /// Index of the largest logit; the lowest of equals.
    pub class: usize,
    /// Spikes of the last population per channel, over T, H and W; empty without the last LIF.
    pub spike_counts: Vec<u64>,
}

/// Names of the LIF populations in the order they run: `stem` (with an encoder), `layer1.0.lif1`, ..., `head` (with the
/// last LIF). Their tensors
/// are `{name}.u` and `{name}.s`.
///
/// # Errors
/// The network does not fit together.
pub fn population_names(net: &Network) -> Result<Vec<String>, GraphError> {
    let mut names: Vec<String> = net.encoder.iter().map(|_| "stem".to_owned()).collect();
    for placed in net.blocks()? {
        names.extend([format!("{}.lif1", placed.name), format!("{}.lif2", placed.name)]);
    }
    names.extend(net.head.last_lif.then(|| "head".to_owned()));
    Ok(names)
}

/// A network arranged for running. Cheap to share between threads.
#[derive(Debug, Clone)]
pub struct Interpreter {
    input: MapShape,
    mean: Vec<f64>,
    std: Vec<f64>,
    timesteps: usize,
    neuron: Neuron,
    stem: Stage,
    attention: Option<Attention>,
    blocks: Vec<BlockStages>,
    head_weight: Tensor,
    head_bias: Vec<f32>,
    last_lif: bool,
}

#[derive(Debug, Clone)]
struct Attention {
    ta_w1: Tensor,
    ta_w2: Tensor,
    sca_v1: Kernel,
    sca_v2: Kernel,
}

#[derive(Debug, Clone)]
struct BlockStages {
    name: String,
    conv1: Stage,
    conv2: Stage,
    shortcut: Option<Stage>,
}

impl Interpreter {
    /// Checks a network and arranges its weights.
    ///
    /// # Errors
    /// The network does not pass [`Network::check`].
    pub fn new(net: &Network) -> Result<Interpreter, GraphError> {
        net.check()?;
        let stage = |part: &ConvBn, output: MapShape| Stage {
            kernel: Kernel::new(&part.conv),
            affine: part.bn.affine(),
            output,
        };
        let mut blocks = Vec::new();
        for placed in net.blocks()? {
            blocks.push(BlockStages {
                conv1: stage(&placed.block.conv1, placed.output),
                conv2: stage(&placed.block.conv2, placed.output),
                shortcut: placed.block.shortcut.as_ref().map(|part| stage(part, placed.output)),
                name: placed.name,
            });
        }
        Ok(Interpreter {
            input: net.input,
            mean: net.mean.clone(),
            std: net.std.clone(),
            timesteps: net.timesteps,
            neuron: net.neuron,
            stem: stage(&net.stem, net.stem_output()?),
            attention: net.encoder.as_ref().map(|encoder| Attention {
                ta_w1: encoder.ta_w1.clone(),
                ta_w2: encoder.ta_w2.clone(),
                sca_v1: Kernel::new(&encoder.sca_v1),
                sca_v2: Kernel::new(&encoder.sca_v2),
            }),
            blocks,
            head_weight: net.head.weight.clone(),
            head_bias: net.head.bias.clone(),
            last_lif: net.head.last_lif,
        })
    }

    /// Classifies one image, bytes in `[C, H, W]` order.
    ///
    /// # Errors
    /// The image has another number of bytes than the network's input.
    pub fn run(&self, image: &[u8]) -> Result<Inference, ImageSizeError> {
        self.run_observed(image, &mut ())
    }

    /// Classifies images on all threads of the current rayon pool; the order is kept.
    ///
    /// # Errors
    /// An image has another number of bytes than the network's input.
    pub fn run_all<I: AsRef<[u8]> + Sync>(&self, images: &[I]) -> Result<Vec<Inference>, ImageSizeError> {
        images.par_iter().map(|image| self.run(image.as_ref())).collect()
    }

    /// As [`Interpreter::run`], showing the tensors on the way.
    ///
    /// # Errors
    /// The image has another number of bytes than the network's input.
    pub fn run_observed(
        &self,
        image: &[u8],
        observer: &mut dyn Observer,
    ) -> Result<Inference, ImageSizeError> {
        let image = self.normalise(image)?;
        show(observer, "image", || single(&image));
        let mut stream = self.encode(&image, observer);
        for block in &self.blocks {
            stream = self.block(block, stream, observer);
        }
        if !self.last_lif {
            return Ok(self.without_last_lif(&stream, observer));
        }
        let spikes = self.lif("head", stream, observer);
        let shape = spikes.first().map_or(self.stem.output, |map| map.shape);
        let mut counts = vec![0u64; shape.c];
        for pixel in spikes.iter().flat_map(|map| map.values.chunks_exact(shape.c.max(1))) {
            for (count, &s) in counts.iter_mut().zip(pixel) {
                *count += u64::from(s != 0.0);
            }
        }
        show(observer, "counts", || (vec![shape.c], counts.iter().map(|&n| n as f64).collect()));
        let sums: Vec<f64> = counts.iter().map(|&n| n as f64).collect();
        let logits = self.head(&sums, self.timesteps * shape.h * shape.w);
        show(observer, "logits", || (vec![logits.len()], logits.clone()));
        Ok(Inference { class: argmax(&logits), logits, spike_counts: counts })
    }

    /// The linear layer on the mean of the stream that leaves the last block.
    fn without_last_lif(&self, stream: &[Map], observer: &mut dyn Observer) -> Inference {
        let shape = stream.first().map_or(self.stem.output, |map| map.shape);
        let mut sums = vec![0.0; shape.c];
        for pixel in stream.iter().flat_map(|map| map.values.chunks_exact(shape.c.max(1))) {
            sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += v);
        }
        let window = self.timesteps * shape.h * shape.w;
        show(observer, crate::calibrate::MEAN, || {
            (vec![shape.c], sums.iter().map(|v| v / window as f64).collect())
        });
        let logits = self.head(&sums, window);
        show(observer, "logits", || (vec![logits.len()], logits.clone()));
        Inference { class: argmax(&logits), logits, spike_counts: Vec::new() }
    }

    fn normalise(&self, image: &[u8]) -> Result<Map, ImageSizeError> {
        if image.len() != self.input.len() {
            return Err(ImageSizeError { input: self.input, got: image.len() });
        }
        let mut map = Map::zeros(self.input);
        let constants = self.mean.iter().zip(&self.std);
        for ((c, plane), (mean, std)) in
            image.chunks_exact(self.input.h * self.input.w).enumerate().zip(constants)
        {
            for (&pixel, v) in plane.iter().zip(map.values.iter_mut().skip(c).step_by(self.input.c)) {
                *v = (f64::from(pixel) / 255.0 - mean) / std;
            }
        }
        Ok(map)
    }

    /// Stem and encoder: image in, the stream Y per timestep out; X per timestep in direct coding.
    fn encode(&self, image: &Map, observer: &mut dyn Observer) -> Vec<Map> {
        let x = self.stem.apply(image);
        show(observer, "stem.x", || single(&x));
        let Some(attention) = &self.attention else {
            return vec![x; self.timesteps];
        };
        let spikes = self.lif("stem", vec![x.clone(); self.timesteps], observer);

        let mean = x.values.iter().sum::<f64>() / x.values.len() as f64;
        let max = x.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        show(observer, "ta.pool", || (vec![2], vec![mean, max]));
        let ta: Vec<f64> = attention
            .attend_time(mean, self.timesteps)
            .iter()
            .zip(attention.attend_time(max, self.timesteps))
            .map(|(from_mean, from_max)| from_mean + from_max)
            .collect();
        show(observer, "ta", || (vec![ta.len()], ta.clone()));

        let mut z1 = attention.sca_v1.apply(&x, x.shape);
        z1.values.iter_mut().for_each(|v| *v = v.max(0.0));
        show(observer, "sca.z1", || single(&z1));
        let sca = attention.sca_v2.apply(&z1, x.shape);
        show(observer, "sca", || single(&sca));

        let scaled = |by: f64| Map { shape: sca.shape, values: sca.values.iter().map(|v| by * v).collect() };
        show(observer, "gate.z", || over_time(&ta.iter().map(|&by| scaled(by)).collect::<Vec<_>>()));
        let y: Vec<Map> = ta
            .iter()
            .zip(spikes)
            .map(|(by, mut s)| {
                for (s, v) in s.values.iter_mut().zip(&sca.values).filter(|(s, _)| **s != 0.0) {
                    *s = sigmoid(by * v);
                }
                s
            })
            .collect();
        show(observer, "gate.y", || over_time(&y));
        y
    }

    fn block(&self, block: &BlockStages, stream: Vec<Map>, observer: &mut dyn Observer) -> Vec<Map> {
        let name = |part: &str| format!("{}.{part}", block.name);
        let each = |stage: &Stage, maps: &[Map]| maps.iter().map(|map| stage.apply(map)).collect::<Vec<_>>();
        let spikes = self.lif(&name("lif1"), stream.clone(), observer);
        let between = each(&block.conv1, &spikes);
        show(observer, &name("conv1"), || over_time(&between));
        let spikes = self.lif(&name("lif2"), between, observer);
        let mut out = each(&block.conv2, &spikes);
        show(observer, &name("conv2"), || over_time(&out));
        let shortcut = match &block.shortcut {
            Some(stage) => {
                let projected = each(stage, &stream);
                show(observer, &name("downsample"), || over_time(&projected));
                projected
            }
            None => stream,
        };
        for (sum, add) in out.iter_mut().zip(&shortcut) {
            sum.values.iter_mut().zip(&add.values).for_each(|(a, b)| *a += b);
        }
        show(observer, &name("out"), || over_time(&out));
        out
    }

    /// One population from rest: inputs per timestep in, spikes (0 or 1) per timestep out.
    fn lif(&self, name: &str, mut x: Vec<Map>, observer: &mut dyn Observer) -> Vec<Map> {
        let (leak, threshold) = (self.neuron.leak(), self.neuron.threshold);
        let want = observer.wants(&format!("{name}.u"));
        let mut membranes = Vec::new();
        let mut state = vec![0.0; x.first().map_or(0, |map| map.values.len())];
        for map in &mut x {
            // `state` is (1 - s) * u of the timestep before; the map turns from input into membrane into spikes.
            for (v, state) in map.values.iter_mut().zip(&state) {
                *v += leak * state;
            }
            if want {
                membranes.push(map.clone());
            }
            let membranes = map.values.iter_mut().zip(&mut state);
            // No branch on the spike: it is as good as random to the processor.
            let fire = |v: &mut f64, state: &mut f64, fires: bool| {
                let s = f64::from(u8::from(fires));
                *state = *v * (1.0 - s);
                *v = s;
            };
            match self.neuron.fire {
                FireRule::Gt => membranes.for_each(|(v, state)| fire(v, state, *v > threshold)),
                FireRule::Ge => membranes.for_each(|(v, state)| fire(v, state, *v >= threshold)),
            }
        }
        if want {
            show(observer, &format!("{name}.u"), || over_time(&membranes));
        }
        show(observer, &format!("{name}.s"), || over_time(&x));
        x
    }

    /// Linear layer on means; `window` is T * H * W.
    fn head(&self, sums: &[f64], window: usize) -> Vec<f64> {
        let rows = self.head_weight.data().chunks_exact(sums.len().max(1));
        rows.zip(&self.head_bias)
            .map(|(row, &bias)| {
                let sum: f64 = row.iter().zip(sums).map(|(&w, &n)| f64::from(w) * n).sum();
                sum / window as f64 + f64::from(bias)
            })
            .collect()
    }
}

impl Attention {
    /// `W2 relu(W1 v)` for a pooled value `v` that is the same at every timestep.
    fn attend_time(&self, v: f64, timesteps: usize) -> Vec<f64> {
        let layer = |w: &Tensor, input: &[f64]| -> Vec<f64> {
            let row = |row: &[f32]| row.iter().zip(input).map(|(&w, v)| f64::from(w) * v).sum();
            w.data().chunks_exact(input.len().max(1)).map(row).collect()
        };
        let hidden: Vec<f64> = layer(&self.ta_w1, &vec![v; timesteps]).iter().map(|h| h.max(0.0)).collect();
        layer(&self.ta_w2, &hidden)
    }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Index of the largest value, the lowest of equals; 0 for none.
fn argmax(values: &[f64]) -> usize {
    let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter().position(|&v| v == best).unwrap_or(0)
}

fn show(observer: &mut dyn Observer, name: &str, tensor: impl FnOnce() -> (Vec<usize>, Vec<f64>)) {
    if observer.wants(name) {
        let (shape, values) = tensor();
        observer.tensor(name, &shape, &values);
    }
}

fn single(map: &Map) -> (Vec<usize>, Vec<f64>) {
    let mut values = Vec::with_capacity(map.values.len());
    map.write_channel_first(&mut values);
    (vec![map.shape.c, map.shape.h, map.shape.w], values)
}

fn over_time(maps: &[Map]) -> (Vec<usize>, Vec<f64>) {
    let shape = maps.first().map_or(MapShape { c: 0, h: 0, w: 0 }, |map| map.shape);
    let mut values = Vec::with_capacity(maps.len() * shape.len());
    maps.iter().for_each(|map| map.write_channel_first(&mut values));
    (vec![maps.len(), shape.c, shape.h, shape.w], values)
}

impl Failure for ImageSizeError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        None
    }
}
