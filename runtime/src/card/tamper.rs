//! Faults of the card's side of the bus, for tests of the driver: what the card reads from and writes to the host's
//! memory, and its interrupts.

use std::sync::{Arc, Mutex, PoisonError};

/// Changes what passes between card and host.
pub trait Tamper: Send + std::fmt::Debug {
    /// The card has read these bytes from the host.
    fn read(&mut self, address: u64, bytes: &mut [u8]) {
        let _ = (address, bytes);
    }

    /// The card writes these bytes; whether they arrive.
    fn write(&mut self, address: u64, bytes: &mut Vec<u8>) -> bool {
        let _ = (address, bytes);
        true
    }

    /// The card signals a vector; how often it arrives.
    fn interrupt(&mut self, vector: u32) -> u32 {
        let _ = vector;
        1
    }
}

/// A tamperer that a test and a card share.
pub type Shared = Arc<Mutex<dyn Tamper>>;

/// Asks it, if there is one.
pub(super) fn ask<T>(tamper: &Option<Shared>, otherwise: T, ask: impl FnOnce(&mut dyn Tamper) -> T) -> T {
    match tamper {
        None => otherwise,
        Some(shared) => ask(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner)),
    }
}
