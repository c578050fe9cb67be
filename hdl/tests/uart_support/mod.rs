//! Frames and lines in plain Rust, written from the contract's words and not from the hardware.
#![allow(dead_code)]

use spikegate_contract::uart::{END, ESC, ESC_END, ESC_ESC, MAX_WORDS};

/// CRC-32 of words, least significant byte first.
pub fn crc(words: &[u32]) -> u32 {
    let mut crc = u32::MAX;
    for bit in words.iter().flat_map(|w| (0..32).map(move |i| w >> i & 1)) {
        let feedback = (crc ^ bit) & 1;
        crc = crc >> 1 ^ if feedback == 1 { 0xedb8_8320 } else { 0 };
    }
    !crc
}

/// The bytes of a frame.
pub fn frame(words: &[u32]) -> Vec<u8> {
    let all = words.iter().copied().chain([crc(words)]);
    let mut out = vec![END];
    for byte in all.flat_map(u32::to_le_bytes) {
        match byte {
            END => out.extend([ESC, ESC_END]),
            ESC => out.extend([ESC, ESC_ESC]),
            other => out.push(other),
        }
    }
    out.push(END);
    out
}

/// Words of the good frames of a byte stream without their CRC, and the number of damaged ones.
pub fn unframe(bytes: &[u8]) -> (Vec<Vec<u32>>, usize) {
    let (mut good, mut damaged) = (vec![], 0);
    let mut parts: Vec<&[u8]> = bytes.split(|&b| b == END).collect();
    // What follows the last delimiter has not ended.
    parts.pop();
    for part in parts.into_iter().filter(|p| !p.is_empty()) {
        match words(part) {
            Some(words) => good.push(words),
            None => damaged += 1,
        }
    }
    (good, damaged)
}

fn words(part: &[u8]) -> Option<Vec<u32>> {
    let mut plain = vec![];
    let mut bytes = part.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(match byte {
            ESC => match bytes.next() {
                Some(&ESC_END) => END,
                Some(&ESC_ESC) => ESC,
                _ => return None,
            },
            other => other,
        });
    }
    if plain.len() % 4 != 0 || plain.len() < 8 || plain.len() > 4 * (MAX_WORDS + 3) {
        return None;
    }
    let mut words: Vec<u32> = plain.chunks(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
    let sum = words.pop()?;
    (crc(&words) == sum).then_some(words)
}

/// The bytes on a line with bits of `divider` cycles.
pub fn bytes(line: &[bool], divider: usize) -> Vec<u8> {
    let (mut out, mut at) = (vec![], 0);
    while let Some(start) = line[at..].iter().position(|l| !l) {
        let bit = |i: usize| line.get(at + start + i * divider + divider / 2).copied().unwrap_or(true);
        out.push((0..8).map(|i| u8::from(bit(1 + i)) << i).sum());
        assert!(!bit(0) && bit(9), "start and stop bit");
        at += start + 10 * divider - divider / 4;
        if at >= line.len() {
            break;
        }
    }
    out
}
