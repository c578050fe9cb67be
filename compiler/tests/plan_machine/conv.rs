//! What the machine does for a convolution: sums over taps, then what the post lanes make of them.

use spikegate_contract::instr::{
    CodeMode, Instr, Source, CONTINUES, RESIDUAL_SPILLED, STREAM_QUARTER, STREAM_SPILLED,
};

use super::{each, group, round, sat16, Machine};

impl Machine {
    pub(super) fn conv(&mut self, i: &Instr) {
        let a = self.array.clone();
        self.fill_ring(i);
        let continues = i.image & CONTINUES != 0;
        if i.statistics == 1 && !continues {
            (self.sum, self.max) = (0, i64::MIN);
        }
        if i.result == 1 {
            self.logits = vec![0; self.global("classes")];
        }
        assert!(i.stream_on + i.count < 2, "the stream and the counts share a base");
        assert_eq!(i.row_origin, if continues { 0 } else { i.pad * i.in_w });
        assert!(i.row_step.is_multiple_of(i.in_w), "rows lie a whole number of rows apart");
        // Two weights that share a byte are of one group.
        let whole = |weights: u32| (weights as usize).next_multiple_of(each(i));
        assert!(a.packed || each(i) == 1);
        if i.combine == 3 {
            // One kernel row of weights serves all.
            assert_eq!((i.weight_row, group(i)), (0, whole(i.in_w * (i.groups_in + 1))));
        } else {
            assert_eq!(i.weight_row, (i.kernel + 1) * (i.groups_in + 1));
            assert_eq!(group(i), whole(i.weight_row * (i.kernel + 1)));
        }
        assert_eq!(i.drain_period, (i.sweeps + 1) * i.sweep_period);
        assert!(i.sweep_period as usize >= a.beats(i.narrow == 1));
        for (group, image) in (0..=i.groups_out as usize)
            .flat_map(|group| (0..=i.images as usize).map(move |image| (group, image)))
        {
            let mut counts = vec![0i64; a.co];
            for y in 0..=i.out_h {
                for x in 0..=i.out_w {
                    let mut state = vec![0i64; a.co];
                    for pass in 0..=i.time_passes as usize {
                        let residuals = (i.image & RESIDUAL_SPILLED != 0)
                            .then(|| self.queue.pop_front().expect("a residual in the queue"));
                        let acc = self.accumulate(i, (group, image), y, x, pass);
                        for sweep in 0..=i.sweeps as usize {
                            let mut burst = Vec::new();
                            for j in 0..a.co {
                                let at = (group, image, (y * (i.out_w + 1) + x) as usize, pass + sweep);
                                let residual = residuals.as_ref().map(|burst| burst[j].clone());
                                let neuron = (&mut state[j], &mut counts[j]);
                                burst.push(self.post(i, j, at, &acc[j], residual, neuron));
                            }
                            if i.image & STREAM_SPILLED != 0 {
                                self.queue.push_back(burst);
                            }
                        }
                    }
                }
            }
            if i.count == 1 {
                for (j, &count) in counts.iter().enumerate() {
                    let o = group * a.co + j;
                    let map = o / a.ci * (i.images as usize + 1) + image;
                    self.stream[o % a.ci][i.stream_base as usize + map] = vec![count as i16; a.lanes];
                }
            }
        }
    }

    /// Sums of one capture, per output channel and lane, in 32-bit wrapping arithmetic.
    fn accumulate(
        &self,
        i: &Instr,
        (number, image): (usize, usize),
        y: u32,
        x: u32,
        pass: usize,
    ) -> Vec<Vec<i32>> {
        let a = &self.array;
        let (k, planes) = (i.kernel as usize + 1, i.planes as usize + 1);
        let mut acc = vec![vec![0i32; a.lanes]; a.co];
        let mut taps = 0;
        for plane in 0..planes {
            acc.iter_mut().flatten().for_each(|v| *v = v.wrapping_mul(2));
            for (ky, kx) in (0..k * k).map(|t| (t / k, t % k)) {
                let above = if i.image & CONTINUES != 0 { 0 } else { i.pad };
                let iy = i64::from(y * i.stride) + ky as i64 - i64::from(above);
                let ix = i64::from(x * i.stride) + kx as i64 - i64::from(i.pad);
                if !(0..i64::from(i.in_h)).contains(&iy) || !(0..i64::from(i.in_w)).contains(&ix) {
                    continue;
                }
                taps += 1;
                for cg in 0..=i.groups_in as usize {
                    let address = i.source_base as usize
                        + image * i.length as usize
                        + cg * i.source_group as usize
                        + pass * i.source_time as usize
                        + y as usize * i.row_step as usize
                        + ky * i.in_w as usize
                        - i.row_origin as usize
                        + ix as usize;
                    let weight = i.weight_base as usize
                        + number * group(i)
                        + ky * i.weight_row as usize
                        + kx * (i.groups_in as usize + 1)
                        + cg;
                    for slot in 0..a.ci {
                        for lane in 0..a.lanes {
                            // A sum of values leaves out the lanes that the last input group lacks.
                            if i.combine == 3 && cg as u32 == i.groups_in && i.last_lanes >> lane & 1 == 0 {
                                continue;
                            }
                            let term = self.operand(i, slot, address, lane, plane);
                            for (sums, &byte) in acc.iter_mut().zip(&self.weights[slot][weight / each(i)]) {
                                let w = match (each(i), weight % 2) {
                                    (1, _) => byte,
                                    (_, 0) => byte << 4 >> 4,
                                    _ => byte >> 4,
                                };
                                sums[lane] = sums[lane].wrapping_add(term * i32::from(w));
                            }
                        }
                    }
                }
            }
        }
        assert!(taps > 0);
        acc
    }

    /// Signed bit of one operand word in one lane and plane pass.
    fn operand(&self, i: &Instr, slot: usize, address: usize, lane: usize, plane: usize) -> i32 {
        let planes = i.planes as usize + 1;
        let sign = |negative: bool, bit: i32| if negative && i.signed == 1 { -bit } else { bit };
        match i.source {
            s if s == Source::Spikes as u32 => i32::from(self.spike[slot][address] >> lane & 1),
            s if s == Source::Stream as u32 => {
                let value = self.stream[slot][address][lane];
                sign(plane == 0, i32::from(value >> (i.plane_top as usize - plane) & 1))
            }
            _ => {
                let value = i32::from(self.code[slot][address]);
                let at = lane * planes + planes - 1 - plane;
                sign(lane == self.array.lanes - 1 && plane == 0, value >> at & 1)
            }
        }
    }

    /// One output channel of one capture and sweep.
    fn post(
        &mut self,
        i: &Instr,
        j: usize,
        (group, image, pixel, pass): (usize, usize, usize, usize),
        acc: &[i32],
        residual: Option<Vec<i16>>,
        (state, count): (&mut i64, &mut i64),
    ) -> Vec<i16> {
        let a = self.array.clone();
        let o = group * a.co + j;
        let (slot, map_group) = (o % a.ci, o / a.ci);
        let entry = i.param_base as usize + group * (a.co / a.post) + j / a.post;
        let (m, b, s, real) = self.params[j % a.post][entry];
        let map = map_group * (i.images as usize + 1) + image;
        let word = map * i.out_group as usize + pass * i.out_time as usize + pixel;
        let shift = if i.combine == 3 { 0 } else { i.planes as usize + 1 };
        let sum = |lane: usize| match i.combine {
            0 => acc[lane],
            _ => acc
                .iter()
                .enumerate()
                .fold(0i32, |v, (l, &x)| v.wrapping_add(x.wrapping_shl((l * shift) as u32))),
        };
        if i.result == 1 {
            if o < self.logits.len() {
                self.logits[o] = i64::from(sum(0)) * m + b;
            }
            return vec![];
        }
        let residual = residual.or_else(|| self.stream[slot].get(i.residual_base as usize + word).cloned());
        let (mut streams, mut spikes) = (vec![], 0u16);
        let last = pass as u32 == i.time_passes + i.sweeps;
        for lane in 0..a.lanes {
            let y = sat16((i128::from(sum(lane)) * i128::from(m) + i128::from(b)) >> s);
            let mut v = y;
            if lane == 0 && pass == 0 {
                if i.statistics == 1 && real {
                    self.sum += y;
                    self.max = self.max.max(y);
                }
                let code = i.code_base as usize + map_group * i.out_time as usize + pixel;
                if i.code_mode == CodeMode::Xq as u32 {
                    self.code[slot][code] = round(i128::from(y), i.xq_shift).clamp(-128, 127) as i16;
                } else if i.code_mode == CodeMode::Z1 as u32 {
                    self.code[slot][code] = y.clamp(0, 255) as i16;
                }
            }
            if i.gate == 1 {
                let ta = self.ta.get(pass * a.lanes + lane).copied().unwrap_or(0);
                let z = sat16(i128::from(ta * y) >> self.global("z_shift"));
                let g = self.gate[(z.clamp(-512, 511) + 512) as usize];
                let mask = self.spike[slot][i.gate_base as usize + word] >> lane & 1;
                v = i64::from(mask) * (g << self.global("y_shift"));
            }
            if i.residual_on == 1 {
                v = sat16(i128::from(v + i64::from(residual.as_ref().expect("in memory")[lane])));
            }
            let u = sat16(i128::from(*state + v));
            let th = i64::from(i.threshold as u16 as i16);
            let fire = u > th || (self.global("fire_ge") ^ i.fire_flip as usize == 1 && u == th);
            let kept = if i.subtracts == 1 { u - th } else { 0 };
            *state = if fire { kept } else { u } >> (self.global("leak_shift") ^ i.leak_flip as usize);
            let exists = !last || i.last_lanes >> lane & 1 == 1;
            if fire && exists {
                spikes |= 1 << lane;
                *count += 1;
            }
            streams.push(v as i16);
        }
        if i.spike_on == 1 {
            self.spike[slot][i.spike_base as usize + word] = spikes;
        }
        let (width, pixels) = (i.out_w as usize + 1, i.out_time as usize);
        let even = |n: usize| n.is_multiple_of(2);
        let at = match (i.image & STREAM_QUARTER != 0, i.stream_half == 1) {
            (true, _) => (even(pixel / width) && even(pixel % width))
                .then(|| (word - pixel) / 4 + pixel / width / 2 * (width / 2) + pixel % width / 2),
            (_, true) => even(word).then_some(word / 2),
            _ => Some(word),
        };
        if let Some(at) = at.filter(|_| i.stream_on == 1) {
            self.stream[slot][i.stream_base as usize + at] = streams.clone();
        }
        assert!(pixels > 0 && pixel < pixels || i.gate + i.spike_on + i.stream_on == 0);
        streams
    }
}
