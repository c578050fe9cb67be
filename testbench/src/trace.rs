//! Dump packets of the tracing program as tensors.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{DumpEntry, DumpForm, Plan};
use spikegate_contract::packet::DUMP;
use spikegate_contract::tensor::{names, Tensor};
use thiserror::Error;

/// A dump that does not have the form that the plan promises.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TraceError {
    /// Another number of packets.
    #[error("the trace has {got} dumps, the plan promises {expected}; compile the model again")]
    Count {
        /// Packets received.
        got: usize,
        /// Dumps planned.
        expected: usize,
    },
    /// A wrong word in a packet.
    #[error("dump of {tensor}: {field} is {got:#x}, expected {expected:#x}")]
    Word {
        /// Tensor.
        tensor: String,
        /// Which word.
        field: &'static str,
        /// Found.
        got: u64,
        /// Expected.
        expected: u64,
    },
    /// A spike where no timestep is.
    #[error("dump of {tensor}: word {word} has spikes {bits:#x} beyond the last timestep")]
    Stray {
        /// Tensor.
        tensor: String,
        /// Word.
        word: usize,
        /// Bits.
        bits: u32,
    },
}

/// Decodes the dumps of one image, in the order of the plan.
///
/// # Errors
/// A packet whose type, instruction or length is not the planned one.
pub fn decode(plan: &Plan, array: &ArrayConfig, packets: &[Vec<u32>]) -> Result<Vec<Tensor>, TraceError> {
    if packets.len() != plan.dumps.len() {
        return Err(TraceError::Count { got: packets.len(), expected: plan.dumps.len() });
    }
    let mut out = Vec::new();
    for (entry, packet) in plan.dumps.iter().zip(packets) {
        tensor(entry, array, packet, &mut out)?;
    }
    Ok(out)
}

/// Words of a dump behind its four leading words.
fn body_words(entry: &DumpEntry, array: &ArrayConfig) -> usize {
    let [t, c, h, w] = entry.dims;
    let words = c.div_ceil(array.ci) * h * w * array.ci;
    match entry.form {
        DumpForm::SignedCode | DumpForm::UnsignedCode => words,
        DumpForm::Spikes => words * array.time_passes(t),
        DumpForm::Stream => words * array.time_passes(t) * array.lanes,
        DumpForm::StreamLane0 => words * array.lanes,
        DumpForm::Scalars => 3 + t,
    }
}

fn tensor(
    entry: &DumpEntry,
    array: &ArrayConfig,
    packet: &[u32],
    out: &mut Vec<Tensor>,
) -> Result<(), TraceError> {
    let check = |field, got: u64, expected: u64| match got == expected {
        true => Ok(()),
        false => Err(TraceError::Word { tensor: entry.tensor.clone(), field, got, expected }),
    };
    let words = body_words(entry, array);
    check("length", packet.len() as u64, words as u64 + 4)?;
    check("type", u64::from(packet[0] >> 24), u64::from(DUMP))?;
    check("instruction", u64::from(packet[2]), entry.instruction as u64)?;
    check("words that follow", u64::from(packet[3]), words as u64)?;
    let body = &packet[4..];
    if entry.form == DumpForm::Scalars {
        let sum = i64::from(body[0]) | i64::from(body[1] as u8 as i8) << 32;
        let max = i64::from(body[2] as u16 as i16);
        out.push(Tensor { name: names::STATISTICS.into(), dims: [1, 2, 1, 1], data: vec![sum, max] });
        let ta = body[3..].iter().map(|&w| i64::from(w as u16 as i16)).collect();
        out.push(Tensor { name: entry.tensor.clone(), dims: entry.dims, data: ta });
        return Ok(());
    }
    let mut map = Tensor::zeros(entry.tensor.clone(), entry.dims);
    let [t, c, h, w] = entry.dims;
    let lanes = array.lanes;
    let (passes, per_word) = match entry.form {
        DumpForm::Spikes => (array.time_passes(t), 1),
        DumpForm::Stream => (array.time_passes(t), lanes),
        DumpForm::StreamLane0 => (1, lanes),
        _ => (1, 1),
    };
    for (at, word) in body.chunks(per_word).enumerate() {
        let (address, slot) = (at / array.ci, at % array.ci);
        let (pixel, pass, group) =
            (address % (h * w), address / (h * w) % passes, address / (h * w * passes));
        let channel = group * array.ci + slot;
        let (y, x) = (pixel / w, pixel % w);
        // Slots without a channel are never written nor used: whatever is there stays.
        if channel >= c {
            continue;
        }
        if entry.form == DumpForm::Spikes {
            let left = t - pass * lanes;
            if left < lanes && word[0] >> left != 0 {
                return Err(TraceError::Stray { tensor: entry.tensor.clone(), word: at, bits: word[0] });
            }
        }
        let mut put = |t: usize, v: i64| {
            let i = map.index(t, channel, y, x);
            map.data[i] = v;
        };
        match entry.form {
            DumpForm::SignedCode => put(0, i64::from((word[0] << 23) as i32 >> 23)),
            DumpForm::UnsignedCode => put(0, i64::from(word[0])),
            DumpForm::Spikes => {
                (pass * lanes..t.min(pass * lanes + lanes))
                    .for_each(|t| put(t, i64::from(word[0] >> (t % lanes) & 1)));
            }
            DumpForm::Stream => {
                for t in pass * lanes..t.min(pass * lanes + lanes) {
                    put(t, i64::from(word[t % lanes] as u16 as i16));
                }
            }
            DumpForm::StreamLane0 => put(0, i64::from(word[0] as u16 as i16)),
            DumpForm::Scalars => {}
        }
    }
    out.push(map);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use spikegate_contract::packet::header;

    fn array() -> ArrayConfig {
        ArrayConfig::new(4, 1, 2, 2).unwrap()
    }

    fn entry(form: DumpForm, dims: [usize; 4]) -> DumpEntry {
        DumpEntry { instruction: 7, tensor: "x".into(), dims, form }
    }

    fn packet(body: &[u32]) -> Vec<u32> {
        let mut p = vec![header(DUMP, 0, 0), 0, 7, body.len() as u32];
        p.extend(body);
        p
    }

    fn one(e: &DumpEntry, body: &[u32]) -> Result<Vec<i64>, TraceError> {
        let mut out = vec![];
        tensor(e, &array(), &packet(body), &mut out).map(|()| out.remove(0).data)
    }

    #[test]
    fn spikes_of_two_passes_and_an_odd_channel_count() {
        // T = 6 on 4 lanes, 3 channels on 2 slots, one pixel: words (group, pass, slot).
        let e = entry(DumpForm::Spikes, [6, 3, 1, 1]);
        let got = one(&e, &[0b0001, 0b1000, 0b11, 0b01, 0b0010, 0b1111, 0b10, 0b11]).unwrap();
        let by_channel = |c: usize| (0..6).map(|t| got[t * 3 + c]).collect::<Vec<_>>();
        assert_eq!(by_channel(0), [1, 0, 0, 0, 1, 1]);
        assert_eq!(by_channel(1), [0, 0, 0, 1, 1, 0]);
        assert_eq!(by_channel(2), [0, 1, 0, 0, 0, 1]);
    }

    #[test]
    fn a_spike_beyond_the_last_timestep_is_an_error() {
        let e = entry(DumpForm::Spikes, [6, 2, 1, 1]);
        assert!(matches!(one(&e, &[0, 0, 0b100, 0]), Err(TraceError::Stray { word: 2, .. })));
        let one_channel = entry(DumpForm::Spikes, [6, 1, 1, 1]);
        assert!(one(&one_channel, &[0, 0, 0, 0b100]).is_ok());
    }

    #[test]
    fn codes_and_streams_are_signed() {
        let e = entry(DumpForm::SignedCode, [1, 2, 1, 1]);
        assert_eq!(one(&e, &[0x180, 0x07f]).unwrap(), [-128, 127]);
        let e = entry(DumpForm::StreamLane0, [1, 1, 1, 1]);
        assert_eq!(one(&e, &[0x8000, 1, 2, 3, 9, 9, 9, 9]).unwrap(), [-32768]);
    }

    #[test]
    fn wrong_length_or_instruction_is_an_error() {
        let e = entry(DumpForm::SignedCode, [1, 2, 1, 1]);
        assert!(matches!(one(&e, &[0]), Err(TraceError::Word { field: "length", .. })));
        let e = DumpEntry { instruction: 8, ..e };
        assert!(matches!(one(&e, &[0, 0]), Err(TraceError::Word { field: "instruction", .. })));
    }
}
