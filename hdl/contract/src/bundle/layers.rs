//! A part of a run of one image: some of the layers, which begin with what the layers before them leave in the memories.

use std::ops::Range;

use super::Design;

/// The programs of a part.
#[derive(Clone, Debug)]
pub struct LayerPart {
    /// The design with the part's programs instead of its own, and a plan with their steps and dumps.
    pub design: Design,
    /// Of its plain program.
    pub plain: Counted,
    /// Of its tracing program.
    pub trace: Counted,
    /// What lies in the external memory when the part is done, as the next part begins with it; none where the part ends
    /// with the program, whose result its own then is. The result of every other part means nothing.
    pub leaves: Option<Vec<Left>>,
}

/// Which instructions of a part are those of the whole program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Their numbers in the whole program.
    pub whole: Range<usize>,
    /// Instructions that the part runs before them, so that it begins as the whole program goes on.
    pub before: usize,
}

/// A map in the external memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its tensor.
    pub tensor: String,
    /// Its first byte.
    pub address: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The bits of each that hold a value of the tensor: others are of channels and timesteps that it does not have.
    pub holds: Vec<u8>,
}

impl Left {
    /// How many of these bytes, which lie at its place, hold other values.
    pub fn differences(&self, got: &[u8]) -> u64 {
        let pairs = self.bytes.iter().zip(got).zip(&self.holds);
        let differ = pairs.filter(|((own, got), holds)| (*own ^ *got) & **holds != 0).count();
        (differ + self.bytes.len().saturating_sub(got.len())) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_without_a_value_may_be_anything() {
        let left = |bytes: &[u8], holds: &[u8]| Left {
            tensor: "a".to_owned(),
            address: 0,
            bytes: bytes.to_vec(),
            holds: holds.to_vec(),
        };
        let map = left(&[0x05, 0x00, 0x7f], &[0x0f, 0x00, 0xff]);
        assert_eq!(map.differences(&[0xf5, 0xff, 0x7f]), 0);
        assert_eq!(map.differences(&[0x04, 0xff, 0x7e]), 2);
        assert_eq!(map.differences(&[0x05]), 2);
    }
}
