//! Residual maps in the external memory, as the datapath sees them: claimed pixel by pixel, popped and pushed beat by beat.

use spikegate_contract::array::ArrayConfig;

use crate::lang::*;

ports! {
    /// Ports to the units that keep residual maps in the external memory.
    pub struct Maps {
        /// The next pixel's residuals are there, and there is room for its stream.
        pub ready: Signal<In, Bit>,
        /// A pixel is taken up.
        pub claim: Signal<Out, Bit>,
        /// Its sums, 5 bit.
        pub bursts: Sig<Out>,
        /// It has residuals there.
        pub pops: Signal<Out, Bit>,
        /// Its stream goes there.
        pub pushes: Signal<Out, Bit>,
        /// Residuals of a beat are wanted.
        pub pop: Signal<Out, Bit>,
        /// Those of post lane v / L, lane v % L, two cycles later.
        pub residual: Vec<Sig<In>>,
        /// There are values for the memory.
        pub push: Signal<Out, Bit>,
        /// They are of the next post lane, not of all.
        pub push_narrow: Signal<Out, Bit>,
        /// The values, as `residual`.
        pub pushed: Vec<Sig<Out>>,
    }
}

impl Maps {
    /// The ports of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let values = array.post * array.lanes;
        Self {
            ready: Default::default(),
            claim: Default::default(),
            bursts: Sig::new(u(5)),
            pops: Default::default(),
            pushes: Default::default(),
            pop: Default::default(),
            residual: (0..values).map(|_| Sig::new(s(16))).collect(),
            push: Default::default(),
            push_narrow: Default::default(),
            pushed: (0..values).map(|_| Sig::new(s(16))).collect(),
        }
    }
}
