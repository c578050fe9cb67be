//! Seeded random integer networks and images, for tests.

use spikegate_contract::network::*;

/// splitmix64: small, seeded, the same everywhere.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number in `low..=high`.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + (self.bits() % (high - low + 1) as u64) as i64
    }
}

/// What a random network looks like.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Channels, height, width of the image.
    pub input: [usize; 3],
    /// Stem channels.
    pub stem: usize,
    /// Stem kernel and stride.
    pub stem_kernel: (usize, usize),
    /// Attention kernel.
    pub k: usize,
    /// Timesteps.
    pub t: usize,
    /// Channels, blocks and stride of each stage.
    pub stages: Vec<(usize, usize, usize)>,
    /// Classes.
    pub classes: usize,
    /// Leak and fire rule.
    pub neuron: Neuron,
    /// 8 or 4.
    pub weight_bits: u8,
    /// 8 to 12.
    pub gate_bits: u8,
    /// Saturating weights, factors and thresholds instead of reasonable ones.
    pub extreme: bool,
}

fn out_size(n: usize, k: usize, stride: usize, pad: (usize, usize)) -> usize {
    (n + pad.0 + pad.1 - k) / stride + 1
}

struct Maker<'a> {
    rng: &'a mut Rng,
    shape: &'a Shape,
}

impl Maker<'_> {
    /// A convolution whose outputs spread over about +-`spread` for inputs of about `level`.
    #[allow(clippy::too_many_arguments)]
    fn conv(
        &mut self,
        name: &str,
        from: (usize, [usize; 2]),
        out_c: usize,
        k: usize,
        stride: usize,
        level: f64,
        spread: f64,
    ) -> Conv {
        let pad = (k - 1) / 2;
        let out_hw = from.1.map(|n| out_size(n, k, stride, (pad, k - 1 - pad)));
        let limit = if self.shape.weight_bits == 4 { 7 } else { 127 };
        let n = out_c * from.0 * k * k;
        let extreme = self.shape.extreme;
        let weights = (0..n)
            .map(|_| match (extreme, self.rng.range(0, 40)) {
                (true, v) => {
                    if v < 20 {
                        limit as i8
                    } else if limit == 127 {
                        -128
                    } else {
                        -7
                    }
                }
                (false, 0) if limit == 127 => -128,
                (false, 1) => limit as i8,
                (false, 2..=8) => 0,
                _ => self.rng.range(-limit, limit) as i8,
            })
            .collect();
        let deviation = ((from.0 * k * k) as f64).sqrt() * limit as f64 * 0.5 * level.max(1e-3);
        let requant = (0..out_c)
            .map(|_| {
                let s = self.rng.range(10, 24) as u8;
                let scale = if extreme { 30.0 } else { 1.0 };
                let m =
                    (scale * spread / deviation * f64::powi(2.0, i32::from(s))).clamp(1.0, 32767.0) as i64;
                let m = if self.rng.range(0, 3) == 0 { -m } else { m };
                let b = self.rng.range(-(spread as i64), (1.5 * spread) as i64) << s;
                Requant { m: m as i16, b, s }
            })
            .collect();
        Conv {
            name: name.into(),
            in_c: from.0,
            in_hw: from.1,
            out_c,
            out_hw,
            k,
            stride,
            pad,
            weights,
            requant,
        }
    }
    fn threshold(&mut self, around: i64) -> i16 {
        match (self.shape.extreme, self.rng.range(0, 2)) {
            (true, 0) => 1,
            (true, 1) => 32766,
            _ => self.rng.range(around / 2, around * 2) as i16,
        }
    }
}

/// A random network of the given shape.
pub fn network(rng: &mut Rng, shape: &Shape) -> Network {
    let mut m = Maker { rng, shape };
    let t = shape.t;
    let [c, h, w] = shape.input;
    let (stem_k, stem_stride) = shape.stem_kernel;
    let stem_conv = m.conv("conv1", (c, [h, w]), shape.stem, stem_k, stem_stride, 100.0, 400.0);
    let mut map = (shape.stem, stem_conv.out_hw);
    let mut sca1 = m.conv("encoding.SCA.0", map, shape.stem, shape.k, 1, 60.0, 150.0);
    let mut sca2 = m.conv("encoding.SCA.2", map, shape.stem, shape.k, 1, 70.0, 900.0);
    sca1.out_hw = map.1;
    sca2.out_hw = map.1;
    let s24 =
        |m: &mut Maker| (0..t).map(|_| m.rng.range(-(1 << 23), (1 << 23) - 1) as i32).collect::<Vec<_>>();
    let n = (map.0 * map.1[0] * map.1[1]) as f64;
    let temporal = TemporalAttention {
        mean_pos: s24(&mut m),
        mean_neg: s24(&mut m),
        max_pos: s24(&mut m),
        max_neg: s24(&mut m),
        max_align: (n.log2() as u8).min(24),
        ta_shift: (23 + n.log2() as u8).min(63) - if shape.extreme { 12 } else { 2 },
    };
    let gate_bits = shape.gate_bits;
    let y_shift = (15 - gate_bits).min(m.rng.range(0, 5) as u8);
    let largest = (1u32 << gate_bits) - 1;
    let sigmoid = |i: usize| 1.0 / (1.0 + (-(i as f64 - 512.0) / 64.0).exp());
    let table =
        (0..GATE_ENTRIES).map(|i| ((sigmoid(i) * f64::from(largest + 1)).round() as u32).min(largest) as u16);
    let gate = Gate {
        z_shift: 16,
        table: table.collect(),
        gate_bits,
        y_shift,
        threshold: m.rng.range(1 << (gate_bits + y_shift - 2), (1 << (gate_bits + y_shift)) - 2) as i16,
    };
    let stem = Stem {
        frac_bits: 8,
        threshold: m.threshold(300),
        xq_shift: m.rng.range(0, 4) as u8,
        conv: stem_conv,
    };
    let encoder = Encoder { temporal, sca1, sca2, sca_frac_bits: 8, ta_frac_bits: 8, gate };
    let mut blocks = Vec::new();
    for (s, &(channels, count, stride)) in shape.stages.iter().enumerate() {
        for b in 0..count {
            let stride = if b == 0 { stride } else { 1 };
            let name = format!("layer{}.{b}", s + 1);
            let first = blocks.is_empty();
            let level = if first { 100.0 } else { 500.0 };
            let shortcut = (stride != 1 || channels != map.0)
                .then(|| m.conv(&format!("{name}.downsample"), map, channels, 1, stride, level, 300.0));
            let conv1 = m.conv(&format!("{name}.conv1"), map, channels, 3, stride, 0.4, 400.0);
            let mid = (channels, conv1.out_hw);
            let conv2 = m.conv(&format!("{name}.conv2"), mid, channels, 3, 1, 0.4, 400.0);
            map = mid;
            blocks.push(Block {
                name,
                conv1,
                frac_bits1: 8,
                threshold1: m.threshold(350),
                conv2,
                shortcut,
                frac_bits: 8,
                threshold_out: m.threshold(350),
            });
        }
    }
    let mut head = m.conv("fc1", (map.0, [1, 1]), shape.classes, 1, 1, 1.0, 1.0);
    head.requant.clear();
    let bias = (0..shape.classes).map(|_| m.rng.range(-2000, 2000) as i32).collect();
    let offset = (0..c).map(|_| m.rng.range(0, 255) as u8).collect();
    Network {
        name: "random".into(),
        t,
        neuron: shape.neuron,
        weight_bits: shape.weight_bits,
        input: Input { shape: shape.input, offset },
        stem,
        encoder,
        blocks,
        head: Head { conv: head, bias, scale: 1.0 },
    }
}

/// A random shape: odd sizes, channels that divide nothing, every option.
pub fn shape(rng: &mut Rng) -> Shape {
    let stem = rng.range(1, 9) as usize;
    let stages = (0..rng.range(1, 2))
        .map(|s| {
            let channels = if s == 0 && rng.range(0, 2) == 0 { stem } else { rng.range(1, 11) as usize };
            (channels, rng.range(1, 2) as usize, rng.range(1, 2) as usize)
        })
        .collect();
    Shape {
        input: [rng.range(1, 3) as usize, rng.range(5, 11) as usize, rng.range(5, 11) as usize],
        stem,
        stem_kernel: [(3, 1), (3, 1), (3, 2), (5, 2), (7, 2)][rng.range(0, 4) as usize],
        k: [2, 3, 4, 4, 5, 8][rng.range(0, 5) as usize],
        t: rng.range(2, 7) as usize,
        stages,
        classes: rng.range(2, 13) as usize,
        neuron: Neuron {
            leak_shift: rng.range(0, 3) as u8,
            fire: if rng.range(0, 1) == 0 { FireRule::Gt } else { FireRule::Ge },
        },
        weight_bits: if rng.range(0, 3) == 0 { 4 } else { 8 },
        gate_bits: rng.range(8, 12) as u8,
        extreme: rng.range(0, 4) == 0,
    }
}

/// A random image: uniform, sparse, all dark or all bright.
pub fn image(rng: &mut Rng, shape: [usize; 3]) -> Vec<u8> {
    let kind = rng.range(0, 5);
    let pixel = |rng: &mut Rng| match kind {
        0 => 0,
        1 => 255,
        2 if rng.range(0, 9) > 0 => 0,
        _ => rng.range(0, 255) as u8,
    };
    (0..shape.iter().product()).map(|_| pixel(rng)).collect()
}
