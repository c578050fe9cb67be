//! A plain model of what the instructions mean: memories, one array, one set of post lanes, no time. It knows the
//! contract and nothing of the planner, so it runs a program from its packets alone.

use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::globals;
use spikegate_contract::image::ImageForm;
use spikegate_contract::instr::{
    self, CodeMode, Instr, Opcode, Source, CONTINUES, DUMP_KEEPS, DUMP_SPILLED, MOVE_OUT, RESIDUAL_SPILLED,
    STREAM_QUARTER, STREAM_SPILLED,
};
use spikegate_contract::packet::{self, words_per_entry, words_per_patch_transfer, Target};

use std::collections::{BTreeMap, VecDeque};

type Param = (i64, i64, u32, bool);

pub struct Machine {
    array: ArrayConfig,
    /// Per slot.
    pub code: Vec<Vec<i16>>,
    pub spike: Vec<Vec<u16>>,
    /// Per slot and word, all lanes.
    pub stream: Vec<Vec<Vec<i16>>>,
    weights: Vec<Vec<Vec<i8>>>,
    /// The external memory, as it was loaded.
    external: Vec<u8>,
    /// The first byte that was.
    loaded: usize,
    /// Weight words of the image that have been used.
    used: usize,
    /// What was moved out, by transfer and slot; all lanes.
    outside: BTreeMap<(usize, usize), Vec<i16>>,
    /// How images come that lie there.
    pub patches: Option<ImageForm>,
    /// Residual maps in the external memory: the CO channels of a pixel and time pass.
    pub queue: VecDeque<Vec<Vec<i16>>>,
    params: Vec<Vec<Param>>,
    gate: Vec<i64>,
    attention: Vec<i64>,
    globals: Vec<u32>,
    code_words: Vec<u32>,
    pub sum: i64,
    pub max: i64,
    pub ta: Vec<i64>,
    pub logits: Vec<i64>,
    /// Of the images of the batch, in order.
    pub results: Vec<Vec<i64>>,
}

fn sat16(v: i128) -> i64 {
    v.clamp(-32768, 32767) as i64
}

fn round(v: i128, s: u32) -> i128 {
    if s == 0 {
        v
    } else {
        (v + (1 << (s - 1))) >> s
    }
}

fn sign_extend(v: u32, bits: u32) -> i64 {
    i64::from(v) << (64 - bits) >> (64 - bits)
}

impl Machine {
    pub fn load(array: &ArrayConfig, packets: &[Vec<u32>]) -> Machine {
        let a = array;
        let mut m = Machine {
            array: a.clone(),
            code: vec![vec![0; a.code_depth]; a.ci],
            spike: vec![vec![0; a.spike_depth]; a.ci],
            stream: vec![vec![vec![0; a.lanes]; a.stream_depth]; a.ci],
            weights: vec![vec![vec![0; a.co]; a.weight_depth]; a.ci],
            external: vec![],
            loaded: usize::MAX,
            used: 0,
            outside: BTreeMap::new(),
            patches: None,
            queue: VecDeque::new(),
            params: vec![vec![(0, 0, 1, false); a.param_depth]; a.post],
            gate: vec![0; 1024],
            attention: vec![0; 64],
            globals: vec![0; globals::TABLE.len()],
            code_words: vec![0; a.instr_depth],
            sum: 0,
            max: 0,
            ta: vec![],
            logits: vec![],
            results: vec![],
        };
        for p in packets {
            assert_eq!(p[0] >> 24, u32::from(packet::LOAD));
            let (target, low) = (p[0] >> 16 & 0xff, (p[0] & 0xffff) as usize);
            let (first, entries, data) = (p[1] as usize, p[2] as usize, &p[3..]);
            assert!(p.len() <= 4096 && entries > 0);
            if target == Target::Weights as u32 {
                let (slot, lane) = (low & 0xff, low >> 8);
                let n = words_per_entry(Target::Weights, a);
                assert_eq!(data.len(), entries * n);
                for (e, words) in data.chunks(n).enumerate() {
                    for q in 0..a.co / a.post {
                        m.weights[slot][first + e][q * a.post + lane] = (words[q / 4] >> (8 * (q % 4))) as i8;
                    }
                }
            } else if target == Target::Params as u32 {
                for (e, w) in data.chunks(3).enumerate() {
                    let b = sign_extend(w[2], 16) << 32 | i64::from(w[1]);
                    m.params[low][first + e] =
                        (i64::from(w[0] as u16 as i16), b, w[0] >> 16 & 0x1f, w[0] >> 31 == 1);
                }
            } else if target == Target::Memory as u32 {
                let beat = a.memory_bits / 8;
                assert_eq!(data.len() * 4, entries * beat);
                let address = (low << 20 | first) * beat;
                m.loaded = m.loaded.min(address);
                m.external.resize(m.external.len().max(address + data.len() * 4), 0);
                for (n, byte) in data.iter().flat_map(|word| word.to_le_bytes()).enumerate() {
                    m.external[address + n] = byte;
                }
            } else {
                assert_eq!(data.len(), entries);
                for (e, &w) in data.iter().enumerate() {
                    match target {
                        0 => m.code_words[first + e] = w,
                        3 => m.gate[first + e] = i64::from(w),
                        4 => m.attention[first + e] = sign_extend(w, 24),
                        5 => m.globals[first + e] = w,
                        other => panic!("target {other}"),
                    }
                }
            }
        }
        m
    }

    fn global(&self, name: &str) -> usize {
        self.globals[globals::address(name)] as usize
    }

    /// im2col patches of an image, `[C, H, W]` bytes.
    fn write_patches(&mut self, image: &[u8]) {
        let g = |n: &str| self.global(n);
        let (c, h, w, k, stride, pad) =
            (g("image_c"), g("image_h"), g("image_w"), g("patch_k"), g("patch_stride"), g("patch_pad"));
        let (oh, ow, base, pixels) = (g("patch_out_h"), g("patch_out_w"), g("patch_base"), g("patch_pixels"));
        assert!(g("patch_rows") >= h + pad && g("patch_cols") >= w + pad && pixels == oh * ow);
        assert!(g("patch_rows") >= (oh - 1) * stride + k);
        for v in 0..c * k * k {
            let (ch, ky, kx) = (v / (k * k), v / k % k, v % k);
            let offset = self.global(&format!("offset_{ch}")) as i16;
            for p in 0..pixels {
                let (y, x) = (p / ow * stride + ky, p % ow * stride + kx);
                let inside = (pad..pad + h).contains(&y) && (pad..pad + w).contains(&x);
                let code =
                    if inside { i16::from(image[(ch * h + y - pad) * w + x - pad]) - offset } else { 0 };
                self.code[v % self.array.ci][base + v / self.array.ci * pixels + p] = code;
            }
        }
    }

    /// An image where the program expects it: its pixels in patches, or its packet's transfers in the external memory.
    fn take(&mut self, image: &[u8]) {
        if self.global("patch_k") > 0 {
            return self.write_patches(image);
        }
        let form = self.patches.as_ref().expect("a form for patches outside");
        let packet = form.packet(0, image);
        let (first, transfers) = ((packet[0] << 20 | packet[2]) as usize, packet[3] as usize);
        assert_eq!(transfers, self.global("patch_pixels"));
        let slots = self.array.moved_slots(Moved::Codes);
        for (transfer, words) in packet[4..].chunks(words_per_patch_transfer(&self.array)).enumerate() {
            let bytes = words.iter().flat_map(|word| word.to_le_bytes());
            for (slot, byte) in bytes.take(slots).enumerate() {
                self.outside.insert((first + transfer, slot), vec![byte.into()]);
            }
        }
    }

    /// Runs the program on one image or batch; `dump` is called at every dump instruction with its index.
    pub fn run(&mut self, images: &[Vec<u8>], mut dump: impl FnMut(&Machine, usize, &Instr)) {
        self.take(&images[0]);
        self.results.clear();
        (self.used, self.queue) = (0, VecDeque::new());
        let (mut taken, n) = (1, instr::words());
        let mut at = 0;
        for index in 0.. {
            let i = Instr::decode(&self.code_words[at..at + n]);
            at += n;
            match i.op {
                op if op == Opcode::Conv as u32 => self.conv(&i),
                op if op == Opcode::Temporal as u32 => self.temporal(),
                op if op == Opcode::Move as u32 && i.source == Source::Image as u32 => {
                    let beat = self.array.memory_bits / 8;
                    at = i.source_base as usize;
                    for word in 0..i.length as usize {
                        let from = (i.weight_base as usize + word) * beat;
                        let bytes = self.external[from..from + 4].try_into().unwrap();
                        self.code_words[at + word] = u32::from_le_bytes(bytes);
                    }
                }
                op if op == Opcode::Move as u32 => self.move_words(&i),
                op if op == Opcode::Dump as u32 => {
                    dump(self, index, &i);
                    if i.images & DUMP_SPILLED != 0 {
                        let bursts = i.length as usize / self.array.beats(false);
                        let taken: Vec<_> = self.queue.drain(..bursts).collect();
                        if i.images & DUMP_KEEPS != 0 {
                            self.queue.extend(taken);
                        }
                    }
                }
                op if op == Opcode::Take as u32 => {
                    assert_eq!(i.image as usize, taken);
                    self.take(&images[taken]);
                    taken += 1;
                }
                op if op == Opcode::Finish as u32 => {
                    assert_eq!(i.image as usize, self.results.len());
                    self.results.push(self.logits.clone());
                    if i.images == 0 {
                        return assert_eq!(taken, images.len());
                    }
                }
                op => panic!("opcode {op} at {index}"),
            }
        }
    }

    fn temporal(&mut self) {
        let (sum, max) = (i128::from(self.sum), i128::from(self.max));
        let at = |t: usize, which: usize| i128::from(self.attention[4 * t + which]);
        let ta = (0..self.global("timesteps")).map(|t| {
            let ca = if sum >= 0 { at(t, 0) } else { -at(t, 1) };
            let cm = if max >= 0 { at(t, 2) } else { -at(t, 3) };
            let v = sum * ca + ((max * cm) << self.global("max_align"));
            sat16(round(v, self.global("ta_shift") as u32))
        });
        self.ta = ta.collect();
    }

    /// Moves words between a memory and the external one.
    fn move_words(&mut self, i: &Instr) {
        let a = self.array.clone();
        assert!(a.moves);
        let map = match i.source {
            s if s == Source::Attention as u32 => Moved::Codes,
            s if s == Source::Spikes as u32 => Moved::Spikes,
            s if s == Source::Stream as u32 => Moved::Streams,
            other => panic!("moves from source {other}"),
        };
        let (slots, transfers) = (a.moved_slots(map), a.moved_transfers(map));
        for (g, w) in (0..=i.groups_in as usize).flat_map(|g| (0..i.length as usize).map(move |w| (g, w))) {
            let at = i.source_base as usize + g * i.source_group as usize + w;
            let outside = i.weight_base as usize + g * i.weight_group as usize + w * transfers;
            for slot in 0..a.ci {
                let place = (outside + slot / slots, slot % slots);
                assert!(place.0 >= a.moves_base(), "the ring of residuals is before");
                let first = (outside + transfers) * a.memory_bits / 8;
                assert!(first <= self.loaded, "program and weights are behind");
                if i.image & MOVE_OUT != 0 {
                    let word = match map {
                        Moved::Codes => vec![self.code[slot][at]],
                        Moved::Spikes => vec![self.spike[slot][at] as i16],
                        Moved::Streams => self.stream[slot][at].clone(),
                    };
                    self.outside.insert(place, word);
                } else {
                    let word = self.outside.get(&place).expect("was moved out").clone();
                    match map {
                        Moved::Codes => {
                            // The ninth bit is made anew.
                            let byte = word[0] as u8;
                            self.code[slot][at] =
                                if i.signed == 1 { i16::from(byte as i8) } else { i16::from(byte) };
                        }
                        Moved::Spikes => self.spike[slot][at] = word[0] as u16,
                        Moved::Streams => self.stream[slot][at] = word,
                    }
                }
            }
        }
    }

    /// Puts the weights of a convolution where it finds them, if they stream.
    fn fill_ring(&mut self, i: &Instr) {
        let (a, words) = (self.array.clone(), i.weight_group as usize * (i.groups_out as usize + 1));
        if self.global("stream_words") == 0 {
            return;
        }
        let base = self.global("stream_base");
        let columns = a.co / a.post;
        assert_eq!(i.weight_base as usize, self.used % a.weight_depth);
        let depth = i.weight_base as usize + words;
        for bank in &mut self.weights {
            bank.resize(bank.len().max(depth), vec![0; a.co]);
        }
        for word in 0..words {
            let from = base + (self.used + word) * a.weight_bytes();
            for (n, &byte) in self.external[from..from + a.weight_bytes()].iter().enumerate() {
                let (lane, slot, q) = (n / (a.ci * columns), n / columns % a.ci, n % columns);
                self.weights[slot][i.weight_base as usize + word][q * a.post + lane] = byte as i8;
            }
        }
        self.used += words;
    }

    fn conv(&mut self, i: &Instr) {
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
        if i.combine == 3 {
            // One kernel row of weights serves all.
            assert_eq!((i.weight_row, i.weight_group), (0, i.in_w * (i.groups_in + 1)));
        } else {
            assert_eq!(i.weight_row, (i.kernel + 1) * (i.groups_in + 1));
            assert_eq!(i.weight_group, i.weight_row * (i.kernel + 1));
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
        (group, image): (usize, usize),
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
                        + group * i.weight_group as usize
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
                            for (sums, &w) in acc.iter_mut().zip(&self.weights[slot][weight]) {
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
            let fire = u > th || (self.global("fire_ge") == 1 && u == th);
            *state = if fire { 0 } else { u >> self.global("leak_shift") };
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
