//! A tap of the window, on its way to the lists of the slots.

use crate::lang::*;

bundle! {
    /// Where a kernel tap lies, in channel group 0.
    pub struct Tap, held by TapRegister, delayed by TapDelay {
        /// There is a tap.
        valid: u(1),
        /// Its sum is an odd one.
        parity: u(1),
        /// Operand address.
        address: u(20),
        /// Weight address.
        weight: u(20),
    }
}
