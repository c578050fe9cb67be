//! Weights out of the external memory.

use crate::lang::*;

ports! {
    /// A transfer of a weight word on its way into the weight memories.
    pub struct Fill {
        /// There is a transfer.
        pub write: Signal<In, Bit>,
        /// Which one of the word, 8 bit; of a post lane, of its part of the word.
        pub beat: Sig<In>,
        /// Word of the weight memories, 20 bit.
        pub address: Sig<In>,
        /// What it carries, 32 bit each.
        pub word: Vec<Sig<In>>,
    }
}

impl Fill {
    /// Transfers of so many 32-bit words.
    pub fn new(words: usize) -> Self {
        Self {
            write: Default::default(),
            beat: Sig::new(u(8)),
            address: Sig::new(u(20)),
            word: (0..words).map(|_| Sig::new(u(32))).collect(),
        }
    }
}
