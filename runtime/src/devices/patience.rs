//! When to give up on a core whose clock is not known.

use spikegate_contract::csr::{is_idle, offset, MAGIC};
use std::time::{Duration, Instant};

use crate::device::{Device, DeviceError, Wait};

/// How long a driver of a core behind a connection bears silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time in which the driver looks for an answer again and again before it waits for an interrupt, if it has any.
    pub spin: Duration,
    /// Silence after which the core is asked how far it is.
    pub glance: Duration,
    /// A core whose counters stand still for so long is not working.
    pub standstill: Duration,
    /// Time in which packets of an earlier run arrive after a reset.
    pub drain: Duration,
}

impl Pace {
    /// For cores of any speed, simulated ones too.
    pub const USUAL: Self = Self {
        spin: Duration::from_micros(50),
        glance: Duration::from_millis(200),
        standstill: Duration::from_secs(5),
        drain: Duration::from_millis(20),
    };
}

/// Glances at a core that has nothing to do before what is awaited is given up.
const IDLE_GLANCES: u32 = 3;

/// A deadline in cycles of the core: they are read from the core itself, so that it holds at every clock.
#[derive(Debug)]
pub struct Patience<'a> {
    wait: &'a Wait,
    pace: Pace,
    /// Cycles spent in instructions when the wait began, if they have been read.
    begin: Option<u64>,
    /// The furthest that cycles and transfers have come: a counter that goes to and fro is no progress.
    furthest: (u64, u64),
    moved: Instant,
    /// Glances in a row at an idle core.
    idle: u32,
}

/// What a driver says about its transfers when it asks for more patience.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Anything that grows while there is progress.
    pub transferred: u64,
    /// The core has taken every word that was sent: if it has nothing to do, nothing will come.
    pub all_taken: bool,
    /// For the error message.
    pub detail: &'a str,
}

impl<'a> Patience<'a> {
    /// The wait begins.
    pub fn new(wait: &'a Wait, pace: Pace) -> Self {
        Self { wait, pace, begin: None, furthest: (0, 0), moved: Instant::now(), idle: 0 }
    }

    /// Called in silence: whether to go on.
    ///
    /// # Errors
    /// The device is gone, the core has refused something, had its cycles, or has nothing to do, or nothing moves any
    /// more.
    pub fn check(&mut self, device: &mut impl Device, progress: Progress<'_>) -> Result<(), DeviceError> {
        let Progress { transferred, all_taken, detail } = progress;
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
        let status = device.read_csr(offset("status"))?;
        let idle = all_taken && is_idle(status);
        let (cycles, bytes) = self.furthest;
        if now > cycles || transferred > bytes {
            self.furthest = (now.max(cycles), transferred.max(bytes));
            (self.moved, self.idle) = (Instant::now(), 0);
        }
        self.idle = if idle { self.idle + 1 } else { 0 };
        // The core tells the reason in this register; whoever waits reads it.
        let refused = device.read_csr(offset("error"))? != 0;
        // The counter starts again when the core is reset.
        let spent = now.saturating_sub(begin);
        let patient = spent <= self.wait.cycles && self.moved.elapsed() < self.pace.standstill;
        if patient && !refused && self.idle < IDLE_GLANCES {
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
