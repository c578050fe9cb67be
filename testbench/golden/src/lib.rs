//! Golden model: the integer network of [`spikegate_contract::network`] in plain Rust, step by step and without
//! cleverness. It shares no arithmetic with the hardware; everything below the quantiser must equal it exactly.
//!
//! [`run`] is the specification. [`fast::Prepared`] computes the same class, logits and spike counts for accuracy
//! figures over many images; tests hold the two equal.

pub mod arithmetic;
pub mod conv;
pub mod fast;
pub mod neuron;
pub mod random;
mod validate;

use spikegate_contract::network::{Block, Encoder, Network, Stem, GATE_ENTRIES};
use spikegate_contract::tensor::{names, Tensor};
use std::collections::BTreeMap;
use thiserror::Error;

use arithmetic::{clamp, round, sat16};
use conv::{convolve, sums};
use neuron::spikes;
pub use validate::validate;

/// A network or image that the integer network does not define.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum GoldenError {
    /// A field breaks a rule of the contract.
    #[error("{layer}: {field} is {got}, expected {expected}; compile the model again")]
    Network {
        /// Layer or part of the network.
        layer: String,
        /// Field.
        field: &'static str,
        /// Value found.
        got: String,
        /// Rule.
        expected: String,
    },
    /// The image has another size.
    #[error("the image has {got} bytes, the network takes {expected} (channels x height x width)")]
    Image {
        /// Bytes given.
        got: usize,
        /// Bytes needed.
        expected: usize,
    },
    /// A sum left 32 bits, which the compiler should have excluded.
    #[error("{layer}: a convolution sum of {sum} leaves 32 bits; the network must not be run in hardware")]
    Accumulator {
        /// Layer.
        layer: String,
        /// The sum.
        sum: i64,
    },
}

/// Receives the tensors of a run, in execution order.
pub trait Recorder {
    /// Whether tensors are wanted at all.
    fn wanted(&self) -> bool {
        true
    }
    /// One tensor.
    fn record(&mut self, tensor: Tensor);
}

impl Recorder for Vec<Tensor> {
    fn record(&mut self, tensor: Tensor) {
        self.push(tensor);
    }
}

/// Records nothing.
impl Recorder for () {
    fn wanted(&self) -> bool {
        false
    }
    fn record(&mut self, _: Tensor) {}
}

/// What one image gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Lowest index of the largest logit.
    pub class: usize,
    /// Logits, s32.
    pub logits: Vec<i32>,
    /// Spikes per channel of the last population, over T, H, W.
    pub counts: Vec<i64>,
    /// Spikes per population, in execution order: stem, gate, then per block conv1 and out.
    pub spikes: Vec<u64>,
    /// Saturations per place, such as `layer1.0.conv1` or `stem.xq`; places without any are left out.
    pub saturations: BTreeMap<String, u64>,
}

struct Run<'a> {
    net: &'a Network,
    recorder: &'a mut dyn Recorder,
    out: Outcome,
}

/// Runs one image of C*H*W pixels in (c, y, x) order.
pub fn run(net: &Network, pixels: &[u8], recorder: &mut dyn Recorder) -> Result<Outcome, GoldenError> {
    validate(net)?;
    let [c, h, w] = net.input.shape;
    if pixels.len() != c * h * w {
        return Err(GoldenError::Image { got: pixels.len(), expected: c * h * w });
    }
    let mut run = Run { net, recorder, out: Outcome::default() };

    // 1. Codes.
    let code = |(i, &p): (usize, &u8)| i64::from(p) - i64::from(net.input.offset[i / (h * w)]);
    let codes: Vec<i64> = pixels.iter().enumerate().map(code).collect();

    let stem = run.stem(&net.stem, &codes)?;
    let ta = run.temporal(&net.encoder, stem.sum, stem.max);
    let (mut stream, mut spikes, gate_codes) = run.gate(&net.encoder, &net.stem, &stem, &ta)?;
    let mut shortcut_input = gate_codes;
    for block in &net.blocks {
        (stream, spikes) = run.block(block, &stream, &shortcut_input, &spikes)?;
        shortcut_input.clone_from(&stream);
    }
    run.head(&spikes)?;
    Ok(run.out)
}

/// A map per timestep, each (c, y, x).
type OverTime = Vec<Vec<i64>>;

struct StemOutput {
    xq: Vec<i64>,
    spikes: OverTime,
    sum: i64,
    max: i64,
}

impl Run<'_> {
    fn saturated(&mut self, place: impl Into<String>, n: u64) {
        if n > 0 {
            *self.out.saturations.entry(place.into()).or_default() += n;
        }
    }

    fn record(&mut self, name: impl Into<String>, dims: [usize; 4], maps: &[Vec<i64>]) {
        if self.recorder.wanted() {
            self.recorder.record(Tensor { name: name.into(), dims, data: maps.concat() });
        }
    }

    /// LIF of every neuron of a map over time.
    fn lif(&mut self, place: &str, threshold: i16, inputs: &OverTime) -> OverTime {
        let mut saturated = 0;
        let mut out = vec![vec![0; inputs[0].len()]; inputs.len()];
        for i in 0..inputs[0].len() {
            let fired = spikes(self.net.neuron, threshold, inputs.iter().map(|x| x[i]), &mut saturated);
            for (map, fire) in out.iter_mut().zip(fired) {
                map[i] = i64::from(fire);
            }
        }
        self.saturated(format!("{place}.membrane"), saturated);
        self.out.spikes.push(out.iter().flatten().sum::<i64>() as u64);
        out
    }

    /// 2. Stem.
    fn stem(&mut self, stem: &Stem, codes: &[i64]) -> Result<StemOutput, GoldenError> {
        let mut saturated = 0;
        let x = convolve(&stem.conv, codes, &mut saturated)?;
        self.saturated(names::STEM_X, saturated);
        let mut saturated = 0;
        let to_xq = |&x: &i64| clamp(round(i128::from(x), stem.xq_shift), -128, 127, &mut saturated);
        let xq: Vec<i64> = x.iter().map(to_xq).collect();
        self.saturated(names::STEM_XQ, saturated);
        let dims = [1, stem.conv.out_c, stem.conv.out_hw[0], stem.conv.out_hw[1]];
        self.record(names::STEM_X, dims, std::slice::from_ref(&x));
        self.record(names::STEM_XQ, dims, std::slice::from_ref(&xq));
        let t = self.net.t;
        let spikes = self.lif("stem", stem.threshold, &vec![x.clone(); t]);
        self.record(names::STEM_SPIKES, [t, dims[1], dims[2], dims[3]], &spikes);
        let (sum, max) = (x.iter().sum(), x.iter().copied().max().unwrap_or_default());
        self.record(names::STATISTICS, [1, 2, 1, 1], &[vec![sum, max]]);
        Ok(StemOutput { xq, spikes, sum, max })
    }

    /// 3. Temporal attention.
    fn temporal(&mut self, encoder: &Encoder, sum: i64, max: i64) -> Vec<i64> {
        let c = &encoder.temporal;
        let mut saturated = 0;
        let ta: Vec<i64> = (0..self.net.t)
            .map(|t| {
                let ca = i128::from(if sum >= 0 { c.mean_pos[t] } else { -c.mean_neg[t] });
                let cm = i128::from(if max >= 0 { c.max_pos[t] } else { -c.max_neg[t] });
                let exact = i128::from(sum) * ca + ((i128::from(max) * cm) << c.max_align);
                sat16(round(exact, c.ta_shift), &mut saturated)
            })
            .collect();
        self.saturated(names::TA, saturated);
        self.record(names::TA, [ta.len(), 1, 1, 1], std::slice::from_ref(&ta));
        ta
    }

    /// 4. and 5. Spatial attention and gate: the stream Y, the spikes of the LIF on it, and the gate codes.
    fn gate(
        &mut self,
        encoder: &Encoder,
        stem: &Stem,
        x: &StemOutput,
        ta: &[i64],
    ) -> Result<(OverTime, OverTime, OverTime), GoldenError> {
        let t = self.net.t;
        let dims = [1, stem.conv.out_c, stem.conv.out_hw[0], stem.conv.out_hw[1]];
        let over_time = [t, dims[1], dims[2], dims[3]];
        let mut saturated = 0;
        let y = convolve(&encoder.sca1, &x.xq, &mut saturated)?;
        let z1: Vec<i64> = y.iter().map(|&y| clamp(i128::from(y.max(0)), 0, 255, &mut saturated)).collect();
        self.saturated(names::Z1, saturated);
        self.record(names::Z1, dims, std::slice::from_ref(&z1));
        let mut saturated = 0;
        let sca = convolve(&encoder.sca2, &z1, &mut saturated)?;
        self.saturated(names::SCA, saturated);
        self.record(names::SCA, dims, std::slice::from_ref(&sca));

        let gate = &encoder.gate;
        let half = GATE_ENTRIES as i64 / 2;
        let mut saturated = 0;
        let mut gated = |ta: i64, sca: i64, spike: i64| {
            let z = sat16(round(i128::from(ta * sca), gate.z_shift), &mut saturated);
            let g = gate.table[(z.clamp(-half, half - 1) + half) as usize];
            spike * i64::from(g)
        };
        let codes: OverTime = (0..t)
            .map(|t| sca.iter().zip(&x.spikes[t]).map(|(&sca, &spike)| gated(ta[t], sca, spike)).collect())
            .collect();
        self.saturated("gate.z", saturated);
        let stream: OverTime = codes.iter().map(|m| m.iter().map(|&g| g << gate.y_shift).collect()).collect();
        self.record(names::GATE_Y, over_time, &stream);
        let spikes = self.lif("gate", gate.threshold, &stream);
        self.record(names::GATE_SPIKES, over_time, &spikes);
        Ok((stream, spikes, codes))
    }

    /// 6. A residual block: the stream and the spikes that leave it.
    fn block(
        &mut self,
        block: &Block,
        stream: &OverTime,
        shortcut_input: &OverTime,
        spikes: &OverTime,
    ) -> Result<(OverTime, OverTime), GoldenError> {
        let name = |suffix: &str| format!("{}.{suffix}", block.name);
        let t = self.net.t;
        let dims = [t, block.conv1.out_c, block.conv1.out_hw[0], block.conv1.out_hw[1]];
        let shortcut = match &block.shortcut {
            None => stream.clone(),
            Some(conv) => {
                let mut saturated = 0;
                let maps: OverTime = shortcut_input
                    .iter()
                    .map(|m| convolve(conv, m, &mut saturated))
                    .collect::<Result<_, _>>()?;
                self.saturated(name(names::SHORTCUT), saturated);
                self.record(name(names::SHORTCUT), dims, &maps);
                maps
            }
        };
        let mut saturated = 0;
        let x1 =
            spikes.iter().map(|m| convolve(&block.conv1, m, &mut saturated)).collect::<Result<_, _>>()?;
        self.saturated(name("conv1"), saturated);
        let spikes1 = self.lif(&name("conv1"), block.threshold1, &x1);
        self.record(name(names::SPIKES1), dims, &spikes1);
        let mut saturated = 0;
        let main: OverTime =
            spikes1.iter().map(|m| convolve(&block.conv2, m, &mut saturated)).collect::<Result<_, _>>()?;
        self.saturated(name("conv2"), saturated);
        let mut saturated = 0;
        let mut add = |a: &Vec<i64>, b: &Vec<i64>| {
            a.iter().zip(b).map(|(&a, &b)| sat16(i128::from(a + b), &mut saturated)).collect()
        };
        let out: OverTime = main.iter().zip(&shortcut).map(|(a, b)| add(a, b)).collect();
        self.saturated(name(names::STREAM), saturated);
        self.record(name(names::STREAM), dims, &out);
        let fired = self.lif(&name("out"), block.threshold_out, &out);
        self.record(name(names::SPIKES), dims, &fired);
        Ok((out, fired))
    }

    /// 7. Head.
    fn head(&mut self, spikes: &OverTime) -> Result<(), GoldenError> {
        let head = &self.net.head;
        let pixels = spikes[0].len() / head.conv.in_c;
        let mut counts = vec![0; head.conv.in_c];
        for map in spikes {
            for (i, s) in map.iter().enumerate() {
                counts[i / pixels] += s;
            }
        }
        let sums = sums(&head.conv, &counts)?;
        let mut logits = Vec::with_capacity(sums.len());
        for (&sum, &bias) in sums.iter().zip(&head.bias) {
            let logit = sum + i64::from(bias);
            logits.push(
                i32::try_from(logit)
                    .map_err(|_| GoldenError::Accumulator { layer: head.conv.name.clone(), sum: logit })?,
            );
        }
        self.record(names::COUNTS, [1, counts.len(), 1, 1], std::slice::from_ref(&counts));
        let wide: Vec<i64> = logits.iter().map(|&l| i64::from(l)).collect();
        self.record(names::LOGITS, [1, wide.len(), 1, 1], &[wide]);
        self.out.class = (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
        (self.out.logits, self.out.counts) = (logits, counts);
        Ok(())
    }
}
