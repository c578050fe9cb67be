//! The weights of an output group, and how they lie in the weight memory: one to a byte, or two where they are packed.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{Instr, PACKED};

/// The weights of an output group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    /// Weights that every slot and output channel has.
    pub weights: usize,
    /// Two of them lie in a byte.
    pub packed: bool,
}

impl Tile {
    /// So many weights, packed if they and the array can be.
    pub fn of(weights: usize, packs: bool, array: &ArrayConfig) -> Tile {
        Tile { weights, packed: packs && array.packed }
    }

    /// The tile of a convolution.
    pub fn from(i: &Instr) -> Tile {
        Tile { weights: (i.weight_group & !PACKED) as usize, packed: i.weight_group & PACKED != 0 }
    }

    /// Words of the weight memory.
    pub fn words(&self) -> usize {
        if self.packed {
            self.weights.div_ceil(2)
        } else {
            self.weights
        }
    }

    /// Weights in the field of the instruction.
    pub fn field(&self) -> u32 {
        if self.packed {
            (2 * self.words() as u32) | PACKED
        } else {
            self.weights as u32
        }
    }

    /// Its bytes for a slot, `columns` a word, from one for every weight: of two that share one the first has the low bits.
    pub fn bytes(&self, weights: Vec<u8>, columns: usize) -> Vec<u8> {
        if !self.packed {
            return weights;
        }
        let pairs = weights.chunks(2 * columns);
        pairs
            .flat_map(|pair| {
                let (even, odd) = pair.split_at(columns);
                (0..columns).map(|q| even[q] & 0xf | odd.get(q).map_or(0, |odd| odd << 4))
            })
            .collect()
    }

    /// Word `base` of the weight memory in the field of the instruction.
    pub fn base(&self, base: usize) -> u32 {
        (base << usize::from(self.packed)) as u32
    }
}
