//! Steps 1 to 5 for the fast engine.

use spikegate_contract::network::{self, Network, GATE_ENTRIES};
use spikegate_contract::tensor::names;

use super::dense::Dense;
use super::post::{round, Count, Lif, Post};
use super::sparse::Events;
use super::{Counters, State};
use crate::{GoldenError, SaturationKind};

/// Stem, attention and gate, laid out.
pub(super) struct Encoder<'a> {
    net: &'a Network,
    stem: (Dense, Post),
    stem_lif: Lif,
    /// None in direct coding.
    attention: Option<Attention<'a>>,
}

/// Attention and gate, laid out.
struct Attention<'a> {
    encoder: &'a network::Encoder,
    sca1: (Dense, Post),
    sca2: (Dense, Post),
    gate_lif: Lif,
    /// Whether block 0 projects, and so reads Yc and not Y.
    projects: bool,
}

impl<'a> Encoder<'a> {
    /// Lays out the weights.
    pub(super) fn new(net: &'a Network) -> Self {
        let layer = |conv| (Dense::new(conv), Post::new(conv));
        Self {
            net,
            stem: layer(&net.stem.conv),
            stem_lif: Lif::new(&net.neuron, net.stem.threshold),
            attention: net.encoder.as_ref().map(|encoder| Attention {
                encoder,
                sca1: layer(&encoder.sca1),
                sca2: layer(&encoder.sca2),
                gate_lif: Lif::new(&net.neuron, encoder.gate.threshold),
                projects: net.blocks.first().is_some_and(|b| b.shortcut.is_some()),
            }),
        }
    }

    /// Stream and spikes that enter block 0.
    ///
    /// # Errors
    /// Another number of pixels than the network takes.
    pub(super) fn run(&self, pixels: &[u8], counters: &mut Counters) -> Result<State, GoldenError> {
        let (net, [c, h, w]) = (self.net, self.net.input.shape);
        if pixels.len() != c * h * w {
            return Err(GoldenError::Pixels { got: pixels.len(), expected: c * h * w });
        }
        let mut codes = vec![0i16; pixels.len()];
        for (at, &p) in pixels.iter().enumerate() {
            let (c_at, place) = (at / (h * w), at % (h * w));
            codes[place * c + c_at] = i16::from(p) - i16::from(net.input.offset[c_at]);
        }
        let (x, x_count) = self.map(&self.stem, &codes);
        let Some(attention) = &self.attention else {
            return Ok(self.direct(x, x_count, counters));
        };
        let mut xq_count = Count::default();
        let xq: Vec<i16> =
            x.iter().map(|&v| xq_count.clamp(round(v.into(), net.stem.xq_shift), -128, 127)).collect();
        let sum: i64 = x.iter().map(|&v| i64::from(v)).sum();
        let max = x.iter().copied().max().unwrap_or(0);
        let (ta, ta_count) = attention.temporal(net.t, sum, max);

        let (mut z1, sca1_count) = self.map(&attention.sca1, &xq);
        let mut z1_count = Count::default();
        for v in &mut z1 {
            *v = z1_count.clamp(i64::from(*v).max(0), 0, 255);
        }
        let (sca, sca2_count) = self.map(&attention.sca2, &z1);

        let (stem, encoder) = (&net.stem.conv.name, attention.encoder);
        let (state, [stem_lif, z, gate_lif], stem_spikes) = self.gate(attention, &x, &ta, &sca);
        counters.saturations.0.extend([
            x_count.at(SaturationKind::Requantise, stem),
            xq_count.at(SaturationKind::Xq, stem),
            stem_lif.at(SaturationKind::LifAdd, names::STEM_SPIKES),
            ta_count.at(SaturationKind::Ta, names::TA),
            sca1_count.at(SaturationKind::Requantise, &encoder.sca1.name),
            z1_count.at(SaturationKind::Z1Top, &encoder.sca1.name),
            sca2_count.at(SaturationKind::Requantise, &encoder.sca2.name),
            z.at(SaturationKind::Z, "encoder.z"),
            gate_lif.at(SaturationKind::LifAdd, names::GATE_SPIKES),
        ]);
        let stem = crate::Population {
            name: names::STEM_SPIKES.to_owned(),
            spikes: stem_spikes,
            of: (x.len() * net.t) as u64,
        };
        counters.populations.push(stem);
        counters.population(names::GATE_SPIKES, &state.spikes, x.len());
        Ok(state)
    }

    /// Direct coding: X at every timestep, and its LIF.
    fn direct(&self, x: Vec<i16>, x_count: Count, counters: &mut Counters) -> State {
        let (channels, [h, w]) = (self.net.stem.conv.out_c, self.net.stem.conv.out_hw);
        let mut spikes: Vec<Events> = (0..self.net.t).map(|_| Events::new(h * w)).collect();
        let (mut v, mut s, mut lif) = (vec![0i16; channels], vec![0i16; channels], Count::default());
        for (pixel, x) in x.chunks_exact(channels).enumerate() {
            v.fill(0);
            for events in &mut spikes {
                self.stem_lif.step(&mut v, x, &mut s, &mut lif);
                events.pixel(pixel % w, &s);
            }
        }
        counters.saturations.0.extend([
            x_count.at(SaturationKind::Requantise, &self.net.stem.conv.name),
            lif.at(SaturationKind::LifAdd, names::STEM_SPIKES),
        ]);
        counters.population(names::STEM_SPIKES, &spikes, x.len());
        State { spikes, stream: x.repeat(self.net.t) }
    }

    /// One requantised map, s16, (y, x, c).
    fn map(&self, (dense, post): &(Dense, Post), input: &[i16]) -> (Vec<i16>, Count) {
        let (channels, [h, w]) = (self.net.stem.conv.out_c, self.net.stem.conv.out_hw);
        let mut out = vec![0; channels * h * w];
        let (mut patch, mut sums, mut count) = (dense.patch(), vec![0; channels], Count::default());
        for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
            dense.sums(input, pixel / w, pixel % w, &mut patch, &mut sums);
            post.apply(&sums, out, &mut count);
        }
        (out, count)
    }

    /// Stem LIF, gate and the LIF on Y, pixel by pixel. Gives the state, the counts of the stem LIF, of z and of
    /// the LIF on Y, and the number of stem spikes.
    fn gate(
        &self,
        attention: &Attention<'_>,
        x: &[i16],
        ta: &[i16],
        sca: &[i16],
    ) -> (State, [Count; 3], u64) {
        let (t_n, channels, [h, w]) = (self.net.t, self.net.stem.conv.out_c, self.net.stem.conv.out_hw);
        let gate = &attention.encoder.gate;
        let half = (GATE_ENTRIES / 2) as i16;
        let unread = gate.table_bits - gate.gate_bits;
        let table: Vec<i16> = gate.table.iter().map(|&g| g as i16).collect();
        let mut stream = vec![0i16; t_n * x.len()];
        let mut spikes: Vec<Events> = (0..t_n).map(|_| Events::new(h * w)).collect();
        let (mut stem_count, mut z_count, mut gate_count) = <(Count, Count, Count)>::default();
        let (mut v_stem, mut v_gate, mut y) =
            (vec![0i16; channels], vec![0i16; channels], vec![0i16; channels]);
        let mut s = vec![0i16; channels];
        let mut stem_spikes = 0;
        for pixel in 0..h * w {
            let at = pixel * channels;
            let (x, sca) = (&x[at..at + channels], &sca[at..at + channels]);
            v_stem.fill(0);
            v_gate.fill(0);
            for (t, events) in spikes.iter_mut().enumerate() {
                let from = t * h * w * channels + at;
                let stream = &mut stream[from..from + channels];
                self.stem_lif.step(&mut v_stem, x, &mut s, &mut stem_count);
                stem_spikes += s.iter().map(|&s| s as u64).sum::<u64>();
                let ta = i64::from(ta[t]);
                for (((&sca, &s), y), stream) in sca.iter().zip(&s).zip(&mut y).zip(stream) {
                    let z = z_count.sat16((ta * i64::from(sca)) >> gate.z_shift);
                    let g = table[(z.clamp(-half, half - 1) + half) as usize];
                    let open = g & -s;
                    *y = open << gate.y_shift;
                    *stream = if attention.projects { open >> unread } else { *y };
                }
                attention.gate_lif.step(&mut v_gate, &y, &mut s, &mut gate_count);
                events.pixel(pixel % w, &s);
            }
        }
        (State { spikes, stream }, [stem_count, z_count, gate_count], stem_spikes)
    }
}

impl Attention<'_> {
    /// TA per timestep.
    fn temporal(&self, t: usize, sum: i64, max: i16) -> (Vec<i16>, Count) {
        let k = &self.encoder.temporal;
        let mut count = Count::default();
        let wide = |v: i32| i128::from(v);
        let ta = (0..t).map(|t| {
            let ca = if sum >= 0 { wide(k.mean_pos[t]) } else { -wide(k.mean_neg[t]) };
            let cm = if max >= 0 { wide(k.max_pos[t]) } else { -wide(k.max_neg[t]) };
            let v = i128::from(sum) * ca + ((i128::from(max) * cm) << k.max_align);
            let rounded = if k.ta_shift == 0 { v } else { (v + (1i128 << (k.ta_shift - 1))) >> k.ta_shift };
            // Far beyond s16 is beyond s16.
            count.sat16(rounded.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
        });
        (ta.collect(), count)
    }
}
