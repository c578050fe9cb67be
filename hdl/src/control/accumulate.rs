//! What the accumulators are told, on its way beside the words.

use crate::lang::*;

bundle! {
    /// Control of the accumulators, valid when a word is added.
    pub struct Accumulate, held by AccumulateRegister, delayed by AccumulateDelay {
        /// What is there counts twice.
        twice: u(1),
        /// The accumulator starts again at 0.
        restart: u(1),
        /// The sum is complete: it is captured.
        capture: u(1),
    }
}

bundle! {
    /// Signs of a word, valid a cycle ahead of [`Accumulate`].
    pub struct Signs, held by SignsRegister, delayed by SignsDelay {
        /// All lanes are negative.
        all: u(1),
        /// The top lane is negative.
        top: u(1),
    }
}
