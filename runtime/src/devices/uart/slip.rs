//! Words of `contract::uart` to escaped bytes with a CRC, and back.

use spikegate_contract::uart::{
    CRC_POLYNOMIAL, CRC_RESIDUE, CRC_START, END, ESC, ESC_END, ESC_ESC, MAX_WORDS,
};

/// Bytes of the longest message: header, state word, stream words, CRC.
const LONGEST: usize = 4 * (MAX_WORDS + 3);

/// The CRC register behind one more byte.
fn crc_step(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { c >> 1 ^ CRC_POLYNOMIAL } else { c >> 1 })
}

/// The bytes of a message with these words.
pub fn encode(words: &[u32]) -> Vec<u8> {
    let mut crc = CRC_START;
    let mut out = vec![END];
    let mut put = |byte: u8| match byte {
        END => out.extend([ESC, ESC_END]),
        ESC => out.extend([ESC, ESC_ESC]),
        plain => out.push(plain),
    };
    for byte in words.iter().flat_map(|w| w.to_le_bytes()) {
        crc = crc_step(crc, byte);
        put(byte);
    }
    for byte in (!crc).to_le_bytes() {
        put(byte);
    }
    out.push(END);
    out
}

/// What a byte stream held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A good message, without its CRC.
    Words(Vec<u32>),
    /// A message that is none.
    Damaged,
}

/// Takes a byte stream apart, however it is cut.
#[derive(Debug)]
pub struct Decoder {
    bytes: Vec<u8>,
    crc: u32,
    escaped: bool,
    spoilt: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { bytes: Vec::new(), crc: CRC_START, escaped: false, spoilt: false }
    }
}

impl Decoder {
    /// The frames that end in these bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        bytes.iter().filter_map(|&byte| self.byte(byte)).collect()
    }

    fn byte(&mut self, byte: u8) -> Option<Event> {
        let plain = match (self.escaped, byte) {
            (_, END) => {
                let ended = std::mem::take(self);
                return ended.end();
            }
            (false, ESC) => {
                self.escaped = true;
                return None;
            }
            (true, ESC_END) => END,
            (true, ESC_ESC) => ESC,
            (true, _) => {
                self.spoilt = true;
                byte
            }
            (false, plain) => plain,
        };
        self.escaped = false;
        // Beyond the longest frame nothing is kept.
        if self.bytes.len() >= LONGEST {
            self.spoilt = true;
            return None;
        }
        self.crc = crc_step(self.crc, plain);
        self.bytes.push(plain);
        None
    }

    fn end(self) -> Option<Event> {
        if self.bytes.is_empty() && !self.escaped && !self.spoilt {
            return None;
        }
        let good = !self.spoilt
            && !self.escaped
            && self.crc == CRC_RESIDUE
            && self.bytes.len() >= 8
            && self.bytes.len().is_multiple_of(4);
        if !good {
            return Some(Event::Damaged);
        }
        let word = |four: &[u8]| four.iter().rev().fold(0, |w, &b| w << 8 | u32::from(b));
        let mut words: Vec<u32> = self.bytes.chunks(4).map(word).collect();
        words.pop();
        Some(Event::Words(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [u32; 3] = [0xc0db_dcdd, 7, 0x1234_56c0];

    #[test]
    fn reads_what_it_writes_however_it_is_cut() {
        let bytes = encode(&WORDS);
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::default();
            let mut events = decoder.push(&bytes[..cut]);
            events.extend(decoder.push(&bytes[cut..]));
            assert_eq!(events, [Event::Words(WORDS.to_vec())]);
        }
    }

    #[test]
    fn finds_every_single_damage() {
        let bytes = encode(&WORDS);
        for at in 1..bytes.len() - 1 {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let events = Decoder::default().push(&flipped);
                assert!(!events.is_empty() && events.iter().all(|e| *e == Event::Damaged), "{at} {bit}");
            }
            let mut lost = bytes.clone();
            lost.remove(at);
            assert_eq!(Decoder::default().push(&lost), [Event::Damaged], "{at}");
        }
        // The next frame is read again.
        let mut decoder = Decoder::default();
        let events = decoder.push(&[&bytes[..5], &bytes[..]].concat());
        assert_eq!(events, [Event::Damaged, Event::Words(WORDS.to_vec())]);
    }

    #[test]
    fn keeps_no_more_than_a_frame() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(&vec![1; 100_000]), []);
        assert!(decoder.bytes.len() <= LONGEST);
        assert_eq!(decoder.push(&[END]), [Event::Damaged]);
        assert_eq!(decoder.push(&[END, END]), []);
    }
}
