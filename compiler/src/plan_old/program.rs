//! Load packets: everything that makes a generated array run one network.
//!
//! Order: weights (by post lane and slot; of the sum over the last map behind those of the convolutions), parameters (by
//! post lane), gate table and attention constants (not in direct coding), global registers, instructions. A packet has at
//! most [`PACKET_WORDS`] words.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::globals;
use spikegate_contract::instr::Instr;
use spikegate_contract::network::{Encoder, FireRule, Network, Requant, TemporalAttention};
use spikegate_contract::packet::{header, param_words, weight_slot, words_per_entry, Target, LOAD};

use super::{pool, PlanError, Weights};

/// Most words of a packet, header included.
pub const PACKET_WORDS: usize = 4096;

/// All load packets of a network for an array. The network has passed [`crate::plan::check`]. With `streamed`, in the
/// order in which the program uses them, the weights go to the external memory.
///
/// # Errors
/// A value that its register or instruction field cannot hold.
pub(crate) fn packets(
    net: &Network,
    array: &ArrayConfig,
    program: &[Instr],
    streamed: Option<&[Weights]>,
) -> Result<Vec<Vec<u32>>, PlanError> {
    let mut out = Vec::new();
    let all = Weights::all(net, array);
    let order = streamed.unwrap_or(&all);
    let mut banks = Vec::new();
    for lane in 0..array.post {
        for slot in 0..array.ci {
            banks.push((weight_slot(slot, lane), weight_bytes(net, array, order, slot, lane)));
        }
    }
    let columns = array.co / array.post;
    let stream_words = streamed.map_or(0, |_| banks.first().map_or(0, |(_, b)| b.len() / columns));
    if streamed.is_some() {
        load_memory(&mut out, array, &banks, columns);
    } else {
        for (slot, bytes) in &banks {
            let words: Vec<u32> = bytes.chunks(columns).flat_map(packed).collect();
            load(&mut out, array, Target::Weights, *slot, &words);
        }
    }
    for lane in 0..array.post {
        load(&mut out, array, Target::Params, lane as u16, &param_entries(net, array, lane));
    }
    if let Some(encoder) = &net.encoder {
        let table: Vec<u32> = encoder.gate.table.iter().map(|&v| v.into()).collect();
        load(&mut out, array, Target::Gate, 0, &table);
        load(&mut out, array, Target::Attention, 0, &attention_words(&encoder.temporal));
    }
    load(&mut out, array, Target::Globals, 0, &global_words(net, stream_words, array.weights_base())?);
    let mut code = Vec::new();
    for (index, instr) in program.iter().enumerate() {
        let layer = || format!("instruction {index}");
        code.extend(instr.encode().map_err(|source| PlanError::Field { layer: layer(), source })?);
    }
    load(&mut out, array, Target::Instructions, 0, &code);
    Ok(out)
}

/// Appends the packets that load `words` from address 0 on.
fn load(out: &mut Vec<Vec<u32>>, array: &ArrayConfig, target: Target, low: u16, words: &[u32]) {
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

/// Appends the packets that write all weights to the external memory: weight word after weight word, in each the
/// `columns` bytes of every slot of every post lane.
fn load_memory(out: &mut Vec<Vec<u32>>, array: &ArrayConfig, banks: &[(u16, Vec<u8>)], columns: usize) {
    let words = banks.first().map_or(0, |(_, b)| b.len() / columns);
    let mut bytes = Vec::with_capacity(words * array.weight_bytes());
    for word in 0..words {
        for (_, bank) in banks {
            bytes.extend(&bank[word * columns..][..columns]);
        }
    }
    let beat = array.memory_bits / 8;
    let beats = (PACKET_WORDS - 3) * 4 / beat;
    // The low 20 bits of a transfer's number are the address: a packet must not cross their end.
    let beats = 1 << beats.ilog2();
    for (index, chunk) in bytes.chunks(beats * beat).enumerate() {
        let first = array.weights_base() / beat + index * beats;
        let mut packet = vec![header(LOAD, Target::Memory as u8, (first >> 20) as u16)];
        packet.extend([(first & 0xf_ffff) as u32, (chunk.len() / beat) as u32]);
        packet.extend(packed(chunk));
        out.push(packet);
    }
}

/// Weights of one slot and post lane in the given order: `CO / R` bytes for every weight word.
fn weight_bytes(net: &Network, array: &ArrayConfig, order: &[Weights], slot: usize, lane: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let convs = net.convs();
    for &weights in order {
        let index = match weights {
            Weights::Conv(index) => index,
            Weights::Pool(groups) => {
                let words = net.blocks.last().map_or(0, |b| pool::weight_words(net, &b.conv2, array));
                for group in (0..groups).flat_map(|group| std::iter::repeat_n(group, words)) {
                    let channels = (0..array.co / array.post).map(|q| q * array.post + lane);
                    out.extend(channels.map(|channel| pool::weight(array, group, slot, channel)));
                }
                continue;
            }
        };
        let conv = convs[index];
        // The stem reads patches: one tap, channel c * K * K + ky * K + kx, which is how its weights lie already.
        let (taps, in_c) =
            if index == 0 { (1, conv.in_c * conv.k * conv.k) } else { (conv.k * conv.k, conv.in_c) };
        for group in 0..conv.out_c.div_ceil(array.co) {
            for tap in 0..taps {
                for channels in 0..in_c.div_ceil(array.ci) {
                    let i = channels * array.ci + slot;
                    out.extend((0..array.co / array.post).map(|q| {
                        let o = group * array.co + q * array.post + lane;
                        match o < conv.out_c && i < in_c {
                            true => conv.weights[(o * in_c + i) * taps + tap] as u8,
                            false => 0,
                        }
                    }));
                }
            }
        }
    }
    out
}

/// Parameter entries of one post lane, all convolutions in execution order, then the sum over the last map.
fn param_entries(net: &Network, array: &ArrayConfig, lane: usize) -> Vec<u32> {
    let mut out = Vec::new();
    let convs = net.convs().into_iter().map(|conv| (conv.out_c, &conv.requant[..]));
    let pool = net.head.pool.iter().map(|pool| (pool.requant.len(), &pool.requant[..]));
    for (out_c, requant) in convs.chain(pool) {
        for group in 0..out_c.div_ceil(array.co) {
            for q in 0..array.co / array.post {
                let o = group * array.co + q * array.post + lane;
                out.extend(param(net, (out_c, requant), o));
            }
        }
    }
    out
}

/// Parameters of output channel `o`, which may lie beyond the last.
fn param(net: &Network, (out_c, requant): (usize, &[Requant]), o: usize) -> [u32; 3] {
    if o >= out_c {
        return param_words(0, 0, 1, false);
    }
    match requant.get(o) {
        Some(r) => param_words(r.m, r.b + (1i64 << (r.s - 1)), r.s, true),
        // The head is not requantised: its bias is added and nothing is shifted.
        None => param_words(1, i64::from(net.head.bias[o]), 1, true),
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
fn global_words(net: &Network, stream_words: usize, stream_base: usize) -> Result<Vec<u32>, PlanError> {
    let conv = &net.stem.conv;
    let [c, h, w] = net.input.shape;
    // The walk covers the padded image and every window: rows past the last window still hold pixels to take.
    let walked = |size: usize, out: usize| (conv.pad + size).max((out - 1) * conv.stride + conv.k);
    // Nothing reads these registers in direct coding.
    let encoder = |of: fn(&Encoder) -> u8| net.encoder.as_ref().map_or(0, of).into();
    let offset = |channel: usize| net.input.offset.get(channel).copied().unwrap_or(0).into();
    let value = |name: &str| -> usize {
        match name {
            "leak_shift" => net.neuron.leak_shift.into(),
            "fire_ge" => (net.neuron.fire == FireRule::Ge).into(),
            "timesteps" => net.t,
            "classes" => net.head.conv.out_c,
            "max_align" => encoder(|e| e.temporal.max_align),
            "ta_shift" => encoder(|e| e.temporal.ta_shift),
            "z_shift" => encoder(|e| e.gate.z_shift),
            "y_shift" => encoder(|e| e.gate.y_shift),
            "image_c" => c,
            "image_h" => h,
            "image_w" => w,
            "patch_rows" => walked(h, conv.out_hw[0]),
            "patch_cols" => walked(w, conv.out_hw[1]),
            "patch_k" => conv.k,
            "patch_stride" => conv.stride,
            "patch_pad" => conv.pad,
            "patch_out_h" => conv.out_hw[0],
            "patch_out_w" => conv.out_hw[1],
            "patch_pixels" => conv.out_hw[0] * conv.out_hw[1],
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
                    layer: "network".to_owned(),
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
