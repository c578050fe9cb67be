//! When to give up on a core whose clock is not known.

use spikegate_contract::csr::{offset, MAGIC};
use std::time::{Duration, Instant};

use crate::device::{Device, DeviceError, Wait};

/// Silence after which the core is asked how far it is.
pub const GLANCE: Duration = Duration::from_millis(200);
/// A core whose counters stand still for so long is not working.
const STANDSTILL: Duration = Duration::from_secs(5);

/// A deadline in cycles of the core: they are read from the core itself, so that it holds at every clock.
#[derive(Debug)]
pub struct Patience<'a> {
    wait: &'a Wait,
    /// Cycles spent in instructions when the wait began, if they have been read.
    begin: Option<u64>,
    last: (u64, u64),
    moved: Instant,
}

impl<'a> Patience<'a> {
    /// The wait begins.
    pub fn new(wait: &'a Wait) -> Self {
        Self { wait, begin: None, last: (0, 0), moved: Instant::now() }
    }

    /// Called in silence: whether to go on. `transferred` is anything else that grows while there is progress.
    ///
    /// # Errors
    /// The device is gone, the core has had its cycles, or nothing moves any more.
    pub fn check(
        &mut self,
        device: &mut impl Device,
        transferred: u64,
        detail: &str,
    ) -> Result<(), DeviceError> {
        let magic = device.read_csr(offset("magic"))?;
        if magic != MAGIC {
            return Err(DeviceError::Gone {
                device: device.name().to_owned(),
                what: self.wait.what.clone(),
                magic,
            });
        }
        let low = device.read_csr(offset("cycles_lo"))?;
        let now = u64::from(device.read_csr(offset("cycles_hi"))?) << 32 | u64::from(low);
        let begin = *self.begin.get_or_insert(now);
        if (now, transferred) != self.last {
            (self.last, self.moved) = ((now, transferred), Instant::now());
        }
        // The counter starts again when the core is reset.
        let spent = now.saturating_sub(begin);
        if spent <= self.wait.cycles && self.moved.elapsed() < STANDSTILL {
            return Ok(());
        }
        Err(DeviceError::Timeout {
            device: device.name().to_owned(),
            what: self.wait.what.clone(),
            waited: spent,
            at: now,
            detail: detail.to_owned(),
        })
    }
}
