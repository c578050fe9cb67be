//! Maps on their way between the slots and the external memory, as the datapath sees them.

use spikegate_contract::array::ArrayConfig;

use crate::lang::*;

ports! {
    /// Ports to the unit that moves maps. Nothing else runs meanwhile.
    pub struct Moves {
        /// The slots' write ports are its own.
        pub fills: Signal<In, Bit>,
        /// A transfer comes in this cycle.
        pub fill: Signal<In, Bit>,
        /// Word of the slots that it is of, 20 bit.
        pub address: Sig<In>,
        /// Which one of the word's it is, 6 bit.
        pub transfer: Sig<In>,
        /// What it carries, 32 bit each.
        pub data: Vec<Sig<In>>,
        /// Outward, two cycles behind the trace's read address: which transfer of the word is wanted, 6 bit.
        pub shown: Sig<In>,
        /// That transfer, 32 bit each.
        pub word: Vec<Sig<Out>>,
    }
}

impl Moves {
    /// The ports of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let words = array.memory_bits / 32;
        Self {
            fills: Default::default(),
            fill: Default::default(),
            address: Sig::new(u(20)),
            transfer: Sig::new(u(6)),
            data: (0..words).map(|_| Sig::new(u(32))).collect(),
            shown: Sig::new(u(6)),
            word: (0..words).map(|_| Sig::new(u(32))).collect(),
        }
    }
}
