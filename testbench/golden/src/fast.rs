//! A fast engine: the same class, logits, counts and spikes as [`crate::run`], for accuracy over many images.
//!
//! Spikes are sparse and one bit, so each spike adds a row of weights (all output channels) to the sums it reaches;
//! dense maps do the same with a product. Tests hold it equal to the golden model.

use spikegate_contract::network::{Conv, FireRule, Network, GATE_ENTRIES};

use crate::arith::round;
use crate::{validate, GoldenError};

/// Weights of one convolution as rows of output channels, index `((c * k + ky) * k + kx) * out_c + o`.
struct Rows<'a> {
    conv: &'a Conv,
    rows: Vec<i32>,
}

/// A network prepared for many images.
pub struct Prepared<'a> {
    net: &'a Network,
    stem: Rows<'a>,
    sca1: Rows<'a>,
    sca2: Rows<'a>,
    blocks: Vec<(Rows<'a>, Rows<'a>, Option<Rows<'a>>)>,
}

/// What the fast engine gives, as in [`crate::Outcome`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastOutcome {
    /// Lowest index of the largest logit.
    pub class: usize,
    /// Logits.
    pub logits: Vec<i32>,
    /// Spikes per channel of the last population.
    pub counts: Vec<i64>,
    /// Spikes per population.
    pub spikes: Vec<u64>,
}

impl<'a> Rows<'a> {
    fn new(conv: &'a Conv) -> Self {
        let (n, taps) = (conv.out_c, conv.in_c * conv.k * conv.k);
        let mut rows = vec![0; n * taps];
        for o in 0..n {
            for i in 0..taps {
                rows[i * n + o] = i32::from(conv.weights[o * taps + i]);
            }
        }
        Self { conv, rows }
    }

    /// Sums as (y, x, o) of a map (c, y, x); zero inputs cost nothing.
    fn sums(&self, input: &[i16], out: &mut Vec<i32>) {
        let c = self.conv;
        let ([h, w], [oh, ow], k, n) = (c.in_hw, c.out_hw, c.k, c.out_c);
        out.clear();
        out.resize(oh * ow * n, 0);
        for (i, &v) in input.iter().enumerate() {
            if v == 0 {
                continue;
            }
            let (ci, y, x) = (i / (h * w), i / w % h, i % w);
            for ky in 0..k {
                let Some(oy) = target(y + c.pad, ky, c.stride, oh) else { continue };
                for kx in 0..k {
                    let Some(ox) = target(x + c.pad, kx, c.stride, ow) else { continue };
                    let row = &self.rows[((ci * k + ky) * k + kx) * n..][..n];
                    let sums = &mut out[(oy * ow + ox) * n..][..n];
                    if v == 1 {
                        sums.iter_mut().zip(row).for_each(|(s, w)| *s += w);
                    } else {
                        let v = i32::from(v);
                        sums.iter_mut().zip(row).for_each(|(s, w)| *s += v * w);
                    }
                }
            }
        }
    }

    /// Requantised values as (o, y, x).
    fn convolve(&self, input: &[i16], sums: &mut Vec<i32>) -> Vec<i16> {
        self.sums(input, sums);
        let (n, pixels) = (self.conv.out_c, self.conv.out_hw[0] * self.conv.out_hw[1]);
        let mut out = vec![0; n * pixels];
        for (o, r) in self.conv.requant.iter().enumerate() {
            let (m, b) = (i64::from(r.m), r.b + (1 << (r.s - 1)));
            for p in 0..pixels {
                let v = (i64::from(sums[p * n + o]) * m + b) >> r.s;
                out[o * pixels + p] = v.clamp(-32768, 32767) as i16;
            }
        }
        out
    }
}

fn target(position: usize, tap: usize, stride: usize, size: usize) -> Option<usize> {
    let d = position.checked_sub(tap)?;
    (d % stride == 0 && d / stride < size).then_some(d / stride)
}

impl<'a> Prepared<'a> {
    /// Checks the network and lays its weights out.
    pub fn new(net: &'a Network) -> Result<Self, GoldenError> {
        validate(net)?;
        let blocks = net
            .blocks
            .iter()
            .map(|b| (Rows::new(&b.conv1), Rows::new(&b.conv2), b.shortcut.as_ref().map(Rows::new)))
            .collect();
        let e = &net.encoder;
        Ok(Self {
            net,
            stem: Rows::new(&net.stem.conv),
            sca1: Rows::new(&e.sca1),
            sca2: Rows::new(&e.sca2),
            blocks,
        })
    }

    /// Runs one image.
    pub fn run(&self, pixels: &[u8]) -> Result<FastOutcome, GoldenError> {
        let net = self.net;
        let [c, h, w] = net.input.shape;
        if pixels.len() != c * h * w {
            return Err(GoldenError::Pixels { got: pixels.len(), expected: c * h * w });
        }
        let mut sums = Vec::new();
        let mut populations = Vec::new();
        let code = |(i, &p): (usize, &u8)| i16::from(p) - i16::from(net.input.offset[i / (h * w)]);
        let codes: Vec<i16> = pixels.iter().enumerate().map(code).collect();

        let x = self.stem.convolve(&codes, &mut sums);
        let shift = net.stem.xq_shift;
        let xq: Vec<i16> = x.iter().map(|&x| round(i128::from(x), shift).clamp(-128, 127) as i16).collect();
        let stem_spikes = self.lif(net.stem.threshold, net.t, |_, i| x[i], x.len(), &mut populations);
        let sum: i64 = x.iter().map(|&x| i64::from(x)).sum();
        let max = i64::from(x.iter().copied().max().unwrap_or_default());

        let mut z1 = self.sca1.convolve(&xq, &mut sums);
        z1.iter_mut().for_each(|v| *v = (*v).clamp(0, 255));
        let sca = self.sca2.convolve(&z1, &mut sums);
        let gate = &net.encoder.gate;
        let half = GATE_ENTRIES as i128 / 2;
        let mut gated: Vec<Vec<i16>> = Vec::new();
        for (t, spikes) in stem_spikes.iter().enumerate() {
            let ta = self.temporal(t, sum, max);
            let one = |(&sca, &s): (&i16, &i16)| {
                if s == 0 {
                    return 0;
                }
                let z = round(i128::from(ta * i64::from(sca)), gate.z_shift).clamp(-half, half - 1);
                gate.table[(z + half) as usize] as i16
            };
            gated.push(sca.iter().zip(spikes).map(one).collect());
        }
        let mut stream: Vec<Vec<i16>> =
            gated.iter().map(|m| m.iter().map(|&g| g << gate.y_shift).collect()).collect();
        let mut spikes = self.lif(gate.threshold, net.t, |t, i| stream[t][i], x.len(), &mut populations);
        let mut side = gated;
        for (block, (conv1, conv2, shortcut)) in net.blocks.iter().zip(&self.blocks) {
            let x1: Vec<Vec<i16>> = spikes.iter().map(|m| conv1.convolve(m, &mut sums)).collect();
            let spikes1 = self.lif(block.threshold1, net.t, |t, i| x1[t][i], x1[0].len(), &mut populations);
            let mut out: Vec<Vec<i16>> = spikes1.iter().map(|m| conv2.convolve(m, &mut sums)).collect();
            for (t, map) in out.iter_mut().enumerate() {
                let add = |(a, &b): (&mut i16, &i16)| *a = a.saturating_add(b);
                match shortcut {
                    Some(s) => map.iter_mut().zip(&s.convolve(&side[t], &mut sums)).for_each(add),
                    None => map.iter_mut().zip(&stream[t]).for_each(add),
                }
            }
            spikes = self.lif(block.threshold_out, net.t, |t, i| out[t][i], out[0].len(), &mut populations);
            side.clone_from(&out);
            stream = out;
        }
        self.head(&spikes, populations)
    }

    fn temporal(&self, t: usize, sum: i64, max: i64) -> i64 {
        let c = &self.net.encoder.temporal;
        let ca = if sum >= 0 { c.mean_pos[t] } else { -c.mean_neg[t] };
        let cm = if max >= 0 { c.max_pos[t] } else { -c.max_neg[t] };
        let exact = i128::from(sum) * i128::from(ca) + (i128::from(max * i64::from(cm)) << c.max_align);
        round(exact, c.ta_shift).clamp(-32768, 32767) as i64
    }

    fn lif(
        &self,
        threshold: i16,
        t: usize,
        x: impl Fn(usize, usize) -> i16,
        n: usize,
        populations: &mut Vec<u64>,
    ) -> Vec<Vec<i16>> {
        let neuron = self.net.neuron;
        let limit = if neuron.fire == FireRule::Gt { threshold } else { threshold - 1 };
        let mut v = vec![0i16; n];
        let mut total = 0;
        let out = (0..t)
            .map(|t| {
                let step = |(i, v): (usize, &mut i16)| {
                    let u = v.saturating_add(x(t, i));
                    let fire = u > limit;
                    *v = if fire { 0 } else { u >> neuron.leak_shift };
                    i16::from(fire)
                };
                let map: Vec<i16> = v.iter_mut().enumerate().map(step).collect();
                total += map.iter().map(|&s| u64::from(s == 1)).sum::<u64>();
                map
            })
            .collect();
        populations.push(total);
        out
    }

    fn head(&self, spikes: &[Vec<i16>], populations: Vec<u64>) -> Result<FastOutcome, GoldenError> {
        let head = &self.net.head;
        let pixels = spikes[0].len() / head.conv.in_c;
        let count = |c: usize| {
            spikes.iter().map(|m| m[c * pixels..][..pixels].iter().map(|&s| i64::from(s)).sum::<i64>()).sum()
        };
        let counts: Vec<i64> = (0..head.conv.in_c).map(count).collect();
        let mut logits = Vec::with_capacity(head.bias.len());
        for (channel, (row, &bias)) in head.conv.weights.chunks(head.conv.in_c).zip(&head.bias).enumerate() {
            let sum = row.iter().zip(&counts).map(|(&w, &n)| i64::from(w) * n).sum::<i64>() + i64::from(bias);
            let fits = i32::try_from(sum);
            logits.push(fits.map_err(|_| GoldenError::Accumulator { layer: head.conv.name.clone(), channel, value: sum })?);
        }
        let class = (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
        Ok(FastOutcome { class, logits, counts, spikes: populations })
    }
}
