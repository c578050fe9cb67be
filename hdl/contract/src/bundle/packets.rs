//! The form of `program.bin` and `trace.bin`: packets, each preceded by its length, in little-endian words.

/// The packets of a program file; `None` where the last one is cut, or bytes follow it.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Vec<u32>>> {
    let mut words = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::new();
    while let Some(n) = words.next() {
        let n = n as usize;
        if n > words.len() {
            return None;
        }
        out.push(words.by_ref().take(n).collect());
    }
    Some(out)
}

/// The bytes of a program file.
pub fn packet_bytes(packets: &[Vec<u32>]) -> Vec<u8> {
    let words = packets.iter().flat_map(|p| std::iter::once(p.len() as u32).chain(p.iter().copied()));
    words.flat_map(u32::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_written_and_nothing_else() {
        let packets = vec![vec![1, 2, 3], vec![], vec![u32::MAX]];
        let bytes = packet_bytes(&packets);
        assert_eq!(read(&bytes), Some(packets));
        for cut in [1, 3, 4] {
            assert_eq!(read(&bytes[..bytes.len() - cut]), None);
        }
        assert_eq!(read(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(read(&u32::MAX.to_le_bytes()), None);
    }
}
