//! A plain model of what the instructions mean: memories, one array, one set of post lanes, no time. It knows the
//! contract and nothing of the planner, so it runs a program from its packets alone.

mod conv;

use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::globals;
use spikegate_contract::image::ImageForm;
use spikegate_contract::instr::{self, Instr, Opcode, Source, DUMP_KEEPS, DUMP_SPILLED, MOVE_OUT, PACKED};
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

/// Weights that a word of the weight memory holds for a column.
fn each(i: &Instr) -> usize {
    1 + usize::from(i.weight_group & PACKED != 0)
}

/// First transfer of a move.
fn transfer(i: &Instr) -> usize {
    (i.param_base << 20 | i.weight_base) as usize
}

/// Weights of an output group.
fn group(i: &Instr) -> usize {
    (i.weight_group & !PACKED) as usize
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
                        let from = (transfer(&i) + word) * beat;
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
            let outside = transfer(i) + g * i.weight_group as usize + w * transfers;
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
        let (a, words) = (self.array.clone(), group(i) / each(i) * (i.groups_out as usize + 1));
        if self.global("stream_words") == 0 {
            return;
        }
        let base = self.global("stream_base");
        let columns = a.co / a.post;
        let first = i.weight_base as usize / each(i);
        assert_eq!((first, i.weight_base as usize % each(i)), (self.used % a.weight_depth, 0));
        let depth = first + words;
        for bank in &mut self.weights {
            bank.resize(bank.len().max(depth), vec![0; a.co]);
        }
        for word in 0..words {
            let from = base + (self.used + word) * a.weight_bytes();
            for (n, &byte) in self.external[from..from + a.weight_bytes()].iter().enumerate() {
                let (lane, slot, q) = (n / (a.ci * columns), n / columns % a.ci, n % columns);
                self.weights[slot][first + word][q * a.post + lane] = byte as i8;
            }
        }
        self.used += words;
    }
}
