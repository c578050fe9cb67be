//! Pass 7: load packets, everything that makes a generated array run one network.
//!
//! Order: weights (by post lane and slot; of poolings behind those of the layers), parameters (by
//! post lane), gate table and attention constants (of networks with a gate), global registers, instructions. A packet has at
//! most [`PACKET_WORDS`] words.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::globals;
use spikegate_contract::instr::{self, Instr};
use spikegate_contract::network::{FireRule, Gate, Layer, Network, Op, Requant, TemporalAttention};
use spikegate_contract::packet::{header, param_words, weight_slot, words_per_entry, Target, LOAD};

use super::error::PlanError;
use super::layer::{poolings, Kernel, Parts, Weights};
use super::pages::loads;
use super::pool;
use super::stripes::Moves;
use super::unit::groups;

/// Most words of a packet, header included.
const PACKET_WORDS: usize = 4096;

/// All load packets of a network for an array. The network is one that the passes before have found good. With `streamed`, in the
/// order in which the program uses them, the weights go to the external memory.
///
/// # Errors
/// A value that its register or instruction field cannot hold.
pub(super) fn packets(
    net: &Network,
    array: &ArrayConfig,
    program: &[Instr],
    streamed: Option<&[Weights]>,
    moves: &Moves,
) -> Result<Vec<Vec<u32>>, PlanError> {
    let mut out = Vec::new();
    let all = Weights::all(net, array);
    let order = streamed.unwrap_or(&all);
    let mut banks = Vec::new();
    for lane in 0..array.post {
        for slot in 0..array.ci {
            banks.push((weight_slot(slot, lane), weight_bytes(net, array, order, &moves.parts, slot, lane)));
        }
    }
    let columns = array.co / array.post;
    let stream_words = streamed.map_or(0, |_| banks.first().map_or(0, |(_, b)| b.len() / columns));
    if streamed.is_some() {
        load_memory(
            &mut out,
            array,
            array.weights_base(moves.transfers),
            &weight_words(array, &banks, columns),
        );
    } else {
        for (slot, bytes) in &banks {
            let words: Vec<u32> = bytes.chunks(columns).flat_map(packed).collect();
            load(&mut out, array, Target::Weights, *slot, &words);
        }
    }
    for lane in 0..array.post {
        load(&mut out, array, Target::Params, lane as u16, &param_entries(net, array, moves, lane)?);
    }
    for (_, node) in net.iter() {
        if let Op::Gate(gate) = &node.op {
            let table: Vec<u32> = gate.table.iter().map(|&v| v.into()).collect();
            load(&mut out, array, Target::Gate, 0, &table);
        }
    }
    for (_, node) in net.iter() {
        if let Op::TemporalAttention(temporal) = &node.op {
            load(&mut out, array, Target::Attention, 0, &attention_words(temporal));
        }
    }
    load(&mut out, array, Target::Globals, 0, &global_words(net, array, moves, stream_words)?);
    let mut code = Vec::new();
    for (index, instr) in program.iter().enumerate() {
        let node = || format!("instruction {index}");
        code.extend(instr.encode().map_err(|source| PlanError::Field { node: node(), source })?);
    }
    if let Some(load) = program.first().filter(|first| loads(first)) {
        let (first, pages) = code.split_at(instr::words());
        load_pages(&mut out, array, load.first_transfer(), pages);
        code = first.to_vec();
    }
    load(&mut out, array, Target::Instructions, 0, &code);
    Ok(out)
}

/// Appends the packets that write a program's words to the external memory, a word a transfer.
pub(super) fn load_pages(out: &mut Vec<Vec<u32>>, array: &ArrayConfig, first: usize, words: &[u32]) {
    let beat = array.memory_bits / 8;
    let bytes =
        words.iter().flat_map(|word| (0..beat).map(|n| word.checked_shr(8 * n as u32).unwrap_or(0) as u8));
    load_memory(out, array, first * beat, &bytes.collect::<Vec<_>>());
}

/// Appends the packets that load `words` from address 0 on.
pub(super) fn load(out: &mut Vec<Vec<u32>>, array: &ArrayConfig, target: Target, low: u16, words: &[u32]) {
    let per_entry = words_per_entry(target, array);
    let entries = (PACKET_WORDS - 3) / per_entry;
    for (index, chunk) in words.chunks(entries * per_entry).enumerate() {
        let mut packet = vec![header(LOAD, target as u8, low)];
        packet.extend([(index * entries) as u32, (chunk.len() / per_entry) as u32]);
        packet.extend(chunk);
        out.push(packet);
    }
}

/// Four bytes to a word, the first in the low byte.
fn packed(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks(4).map(|four| four.iter().rev().fold(0, |word, &b| word << 8 | u32::from(b)))
}

/// All weights as they lie in the external memory: weight word after weight word, in each the `columns` bytes of every slot of
/// every post lane.
fn weight_words(array: &ArrayConfig, banks: &[(u16, Vec<u8>)], columns: usize) -> Vec<u8> {
    let words = banks.first().map_or(0, |(_, b)| b.len() / columns);
    let mut bytes = Vec::with_capacity(words * array.weight_bytes());
    for word in 0..words {
        for (_, bank) in banks {
            bytes.extend(&bank[word * columns..][..columns]);
        }
    }
    bytes
}

/// Appends the packets that write to the external memory from a byte on, at which a transfer begins.
pub(super) fn load_memory(out: &mut Vec<Vec<u32>>, array: &ArrayConfig, base: usize, bytes: &[u8]) {
    let beat = array.memory_bits / 8;
    let beats = (PACKET_WORDS - 3) * 4 / beat;
    // The low 20 bits of a transfer's number are the address: a packet must not cross their end.
    let beats = 1usize << beats.ilog2();
    let (mut first, mut rest) = (base / beat, bytes);
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.len().min((beats - first % beats) * beat));
        let mut packet = vec![header(LOAD, Target::Memory as u8, (first >> 20) as u16)];
        packet.extend([(first & 0xf_ffff) as u32, (chunk.len() / beat) as u32]);
        packet.extend(packed(chunk));
        out.push(packet);
        (first, rest) = (first + chunk.len() / beat, behind);
    }
}

/// Weights of one slot and post lane in the given order: `CO / R` bytes for every weight word.
fn weight_bytes(
    net: &Network,
    array: &ArrayConfig,
    order: &[Weights],
    parts: &Parts,
    slot: usize,
    lane: usize,
) -> Vec<u8> {
    let (mut out, columns) = (Vec::new(), array.co / array.post);
    for &weights in order {
        match weights {
            Weights::Pool(id, output_groups) => {
                let tile = pool::tile(net, id, array);
                for group in 0..output_groups {
                    let channels = (0..columns).map(|q| q * array.post + lane);
                    let word: Vec<u8> =
                        channels.map(|channel| pool::weight(array, group, slot, channel)).collect();
                    out.extend(tile.bytes(word.repeat(tile.weights), columns));
                }
            }
            Weights::Layer(id) => {
                if let Some(layer) = net.layer(id) {
                    layer_bytes(&mut out, array, &layer, Kernel::of(net, &layer, parts), slot, lane);
                }
            }
        }
    }
    out
}

fn layer_bytes(
    out: &mut Vec<u8>,
    array: &ArrayConfig,
    layer: &Layer<'_>,
    kernel: Kernel,
    slot: usize,
    lane: usize,
) {
    let Kernel { k, in_c, .. } = kernel;
    let (taps, out_c, tile) = (k * k, layer.out_c(), kernel.tile(array));
    for group in 0..groups(out_c, array.co) {
        let mut words = Vec::new();
        for tap in 0..taps {
            for channels in 0..kernel.groups_in(array) {
                let i = channels % groups(in_c, array.ci) * array.ci + slot;
                words.extend((0..array.co / array.post).map(|q| {
                    let o = group * array.co + q * array.post + lane;
                    match o < out_c && i < in_c {
                        true => layer.weights[(o * in_c + i) * taps + tap] as u8,
                        false => 0,
                    }
                }));
            }
        }
        out.extend(tile.bytes(words, array.co / array.post));
    }
}

/// Parameter entries of one post lane: all layers in their order, then poolings.
fn param_entries(
    net: &Network,
    array: &ArrayConfig,
    moves: &Moves,
    lane: usize,
) -> Result<Vec<u32>, PlanError> {
    let mut out = Vec::new();
    let stem = match moves.patches(net).and_then(|_| net.image_layer()) {
        Some((layer, offset)) => Some((layer.id, from_pixels(&layer, offset)?)),
        None => None,
    };
    let layers = net.layers().map(|layer| {
        let of_pixels = stem.as_ref().filter(|(id, _)| *id == layer.id);
        (layer.out_c(), of_pixels.map_or(layer.requant, |(_, requant)| requant), layer.bias)
    });
    let poolings = poolings(net).filter_map(|id| match &net.node(id).op {
        Op::Pool { requant } => Some((requant.len(), &requant[..], &[][..])),
        _ => None,
    });
    for (out_c, requant, bias) in layers.chain(poolings) {
        for group in 0..groups(out_c, array.co) {
            for q in 0..array.co / array.post {
                let o = group * array.co + q * array.post + lane;
                out.extend(param(requant.get(o), bias.get(o)));
            }
        }
    }
    Ok(out)
}

/// The requantisation of a layer whose sums are of pixels and not of the image's codes, which are `offset` less.
///
/// # Errors
/// A bias beyond 48 bits.
fn from_pixels(layer: &Layer<'_>, offset: &[u8]) -> Result<Vec<Requant>, PlanError> {
    let taps = layer.k * layer.k;
    let rows = layer.weights.chunks(layer.in_c() * taps).zip(layer.requant);
    rows.map(|(weights, requant)| {
        let more: i64 = weights
            .iter()
            .enumerate()
            .map(|(at, &w)| i64::from(w) * i64::from(offset.get(at / taps).copied().unwrap_or(0)))
            .sum();
        let b = requant.b - i64::from(requant.m) * more;
        if (b + (1 << (requant.s - 1))).unsigned_abs() >> 47 != 0 {
            return Err(PlanError::Limit {
                node: layer.name.to_owned(),
                what: "bias for patches in the external memory",
                got: b,
                expected: "48 bits".to_owned(),
                todo: "use an array whose code memory holds the patches",
            });
        }
        Ok(Requant { b, ..*requant })
    })
    .collect()
}

/// Parameters of an output channel, which may lie beyond the last: then it has neither.
fn param(requant: Option<&Requant>, bias: Option<&i32>) -> [u32; 3] {
    match (requant, bias) {
        (Some(r), _) => param_words(r.m, r.b + (1i64 << (r.s - 1)), r.s, true),
        // Logits are not requantised: their bias is added and nothing is shifted.
        (None, Some(&bias)) => param_words(1, i64::from(bias), 1, true),
        (None, None) => param_words(0, 0, 1, false),
    }
}

fn attention_words(ta: &TemporalAttention) -> Vec<u32> {
    let s24 = |v: i32| v as u32 & 0xff_ffff;
    (0..ta.mean_pos.len())
        .flat_map(|t| [ta.mean_pos[t], ta.mean_neg[t], ta.max_pos[t], ta.max_neg[t]])
        .map(s24)
        .collect()
}

/// All global registers in address order.
fn global_words(
    net: &Network,
    array: &ArrayConfig,
    moves: &Moves,
    stream_words: usize,
) -> Result<Vec<u32>, PlanError> {
    let Some((layer, offsets)) = net.image_layer() else { return Ok(Vec::new()) };
    let patches = moves.patches(net);
    let transfers = patches.map(|map| map.segments * map.height * map.width * array.moved_transfers(map.map));
    let stream_base = array.weights_base(moves.transfers);
    let [c, h, w] = net.input_shape();
    let (k, stride, pad, [out_h, out_w]) = (layer.k, layer.stride, layer.pad, layer.out_hw());
    // The walk covers the padded image and every window: rows past the last window still hold pixels to take.
    let walked = |size: usize, out: usize| (pad + size).max((out - 1) * stride + k);
    // Nothing reads the registers of what a network does not have.
    let gate = |of: fn(&Gate) -> u8| {
        let found = net.nodes.iter().find_map(|node| match &node.op {
            Op::Gate(gate) => Some(of(gate)),
            _ => None,
        });
        found.unwrap_or(0).into()
    };
    let temporal = |of: fn(&TemporalAttention) -> u8| {
        let found = net.nodes.iter().find_map(|node| match &node.op {
            Op::TemporalAttention(temporal) => Some(of(temporal)),
            _ => None,
        });
        found.unwrap_or(0).into()
    };
    let offset = |channel: usize| offsets.get(channel).copied().unwrap_or(0).into();
    let value = |name: &str| -> usize {
        match name {
            "leak_shift" => net.neuron.leak_shift.into(),
            "fire_ge" => (net.neuron.fire == FireRule::Ge).into(),
            "timesteps" => net.timesteps,
            "classes" => net.classes(),
            "max_align" => temporal(|k| k.max_align),
            "ta_shift" => temporal(|k| k.ta_shift),
            "z_shift" => gate(|k| k.z_shift),
            "y_shift" => gate(|k| k.y_shift),
            "image_c" => c,
            "image_h" => h,
            "image_w" => w,
            "patch_rows" => walked(h, out_h),
            "patch_cols" => walked(w, out_w),
            "patch_k" => patches.map_or(k, |_| 0),
            "patch_stride" => stride,
            "patch_pad" => pad,
            "patch_out_h" => out_h,
            "patch_out_w" => out_w,
            "patch_pixels" => transfers.unwrap_or(out_h * out_w),
            "offset_0" => offset(0),
            "offset_1" => offset(1),
            "offset_2" => offset(2),
            "offset_3" => offset(3),
            "stream_words" => stream_words,
            "stream_base" => stream_base,
            // "patch_base": patches lie at the start of the code memory.
            _ => 0,
        }
    };
    globals::TABLE
        .iter()
        .map(|g| {
            let v = value(g.name);
            if v >> g.width != 0 {
                return Err(PlanError::Limit {
                    node: "network".to_owned(),
                    what: g.name,
                    got: v as i64,
                    expected: format!("at most {}", (1u64 << g.width) - 1),
                    todo: "use smaller images or another network",
                });
            }
            Ok(v as u32)
        })
        .collect()
}
