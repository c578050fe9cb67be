//! The driver of a card with the XDMA engine on a bus.
//!
//! Packets go out in runs of all that wait. Results, and the end of a run, are seen in host memory: registers are read
//! only before the driver sleeps, to let the next interrupt come. So while the card is ahead an image costs the two
//! writes that start a run, or a part of them.

use spikegate_contract::csr;
use std::time::{Duration, Instant};

use super::bus::{Bus, CONFIG_SPACE};
use super::c2h::Inbox;
use super::h2c::Outbox;
use super::layout::{self, VECTORS};
use crate::device::{Device, DeviceError, Recovered, Wait};
use crate::devices::patience::{Pace, Patience, Progress};
use crate::xdma::{
    self, block, channel, control, descriptor, identifier, irq, sgdma, status, DMA_BAR, USER_BAR,
};

/// MSI-X vectors of the two channels.
const H2C_VECTOR: u32 = 0;
const C2H_VECTOR: u32 = 1;
/// A bit for each.
const ALL_VECTORS: u32 = (1 << VECTORS) - 1;
/// What is logged and interrupts.
const LOG: u32 = control::LOG_STOPPED
    | control::LOG_COMPLETED
    | control::LOG_INVALID
    | control::LOG_READ
    | control::LOG_DESCRIPTOR;
/// Rounds of packets of an earlier run after which a reset has not worked.
const STALE_ROUNDS: u32 = 1000;
/// Time in which a channel stops.
const STOPPING: Duration = Duration::from_secs(1);

/// The driver of a card on a bus.
#[derive(Debug)]
pub struct Pcie<B: Bus> {
    bus: B,
    outbox: Outbox,
    inbox: Inbox,
    pace: Pace,
    /// Vectors whose next interrupt comes: their status has been cleared since the last one.
    armed: u32,
    recovered: Recovered,
}

impl<B: Bus> Pcie<B> {
    /// Checks that an engine with one stream each way is there, and starts it.
    ///
    /// # Errors
    /// Another engine, or none.
    pub fn new(bus: B) -> Result<Self, DeviceError> {
        Self::with_pace(bus, Pace::USUAL)
    }

    /// As [`Pcie::new`], with other times than the usual ones.
    ///
    /// # Errors
    /// Another engine, or none.
    pub fn with_pace(bus: B, pace: Pace) -> Result<Self, DeviceError> {
        let (outbox, inbox, recovered) = Default::default();
        let mut new = Self { bus, outbox, inbox, pace, armed: 0, recovered };
        new.check_engine()?;
        new.start()?;
        Ok(new)
    }

    fn check_engine(&mut self) -> Result<(), DeviceError> {
        let blocks = [
            ("H2C channel 0", block::H2C, true),
            ("C2H channel 0", block::C2H, true),
            ("interrupt block", block::IRQ, false),
            ("configuration block", block::CONFIG, false),
            ("H2C descriptor block", block::H2C_SGDMA, true),
            ("C2H descriptor block", block::C2H_SGDMA, true),
        ];
        for (name, block, stream) in blocks {
            let got = self.bus.read(DMA_BAR, block)?;
            let expected = identifier(block, stream);
            if got & 0xffff_8000 != expected {
                let device = self.bus.name().to_owned();
                return Err(DeviceError::Engine { device, block: name.into(), at: block, got, expected });
            }
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), DeviceError> {
        self.stop()?;
        Inbox::layout(self.bus.memory());
        let vectors = H2C_VECTOR | C2H_VECTOR << 8;
        self.bus.write(DMA_BAR, block::IRQ + irq::CHANNEL_VECTORS, vectors)?;
        self.bus.write(DMA_BAR, block::IRQ + irq::USER_ENABLE, 0)?;
        self.bus.write(DMA_BAR, block::IRQ + irq::CHANNEL_ENABLE, ALL_VECTORS)?;
        for (at, list) in [(block::H2C_SGDMA, layout::H2C_LIST), (block::C2H_SGDMA, layout::C2H_LIST)] {
            let first = self.bus.memory().address(list);
            self.bus.write(DMA_BAR, at + sgdma::FIRST_LOW, first as u32)?;
            self.bus.write(DMA_BAR, at + sgdma::FIRST_HIGH, (first >> 32) as u32)?;
            self.bus.write(DMA_BAR, at + sgdma::ADJACENT, 0)?;
        }
        for at in [block::H2C, block::C2H] {
            let mask = status::STOPPED | status::COMPLETED | status::ERRORS;
            self.bus.write(DMA_BAR, at + channel::INTERRUPT, mask)?;
        }
        let done = self.bus.memory().address(layout::H2C_DONE);
        self.bus.write(DMA_BAR, block::H2C + channel::WRITEBACK_LOW, done as u32)?;
        self.bus.write(DMA_BAR, block::H2C + channel::WRITEBACK_HIGH, (done >> 32) as u32)?;
        self.listen()
    }

    /// Stops both channels and forgets what they had to tell.
    fn stop(&mut self) -> Result<(), DeviceError> {
        for at in [block::H2C, block::C2H] {
            self.bus.write(DMA_BAR, at + channel::CONTROL, 0)?;
            self.bus.read(DMA_BAR, at + channel::STATUS_CLEAR)?;
        }
        self.armed = 0;
        Ok(())
    }

    /// Waits until a channel that has been stopped is idle.
    fn idle(&mut self, at: u64, name: &'static str) -> Result<(), DeviceError> {
        let begin = Instant::now();
        loop {
            let told = self.bus.read(DMA_BAR, at + channel::STATUS)?;
            if told == u32::MAX {
                return Err(self.gone("the engine to stop"));
            }
            if told & status::BUSY == 0 {
                return Ok(());
            }
            if begin.elapsed() > STOPPING {
                return Err(self.stopped(at, name, told, "still busy after it was stopped".to_owned())?);
            }
        }
    }

    /// Gives all buffers to the card to host channel.
    fn listen(&mut self) -> Result<(), DeviceError> {
        self.bus.write(DMA_BAR, block::C2H + channel::CONTROL, LOG)?;
        self.idle(block::C2H, "C2H")?;
        self.inbox.rearm(self.bus.memory());
        self.bus.write(DMA_BAR, block::C2H + channel::CONTROL, LOG | control::RUN)
    }

    fn queue(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        if packet.is_empty() {
            return Err(DeviceError::Empty { device: self.bus.name().to_owned() });
        }
        self.outbox.push(packet);
        Ok(())
    }

    /// Ends the run that the engine tells is done, and starts the next one.
    fn pump(&mut self) -> Result<(), DeviceError> {
        if self.outbox.is_told(self.bus.memory()) {
            if self.bus.memory().word(layout::H2C_DONE) >> 31 != 0 {
                self.status(block::H2C, "H2C")?;
            }
            self.outbox.finish();
        }
        if self.outbox.running == 0 && self.outbox.compose(self.bus.memory()) {
            let log = LOG | control::WRITEBACK;
            self.bus.write(DMA_BAR, block::H2C + channel::CONTROL, log)?;
            self.bus.write(DMA_BAR, block::H2C + channel::CONTROL, log | control::RUN)?;
        }
        Ok(())
    }

    /// Clears what the channels of `vectors` have to tell, so that their next interrupt comes; a bit for each that had
    /// something.
    fn arm(&mut self, vectors: u32) -> Result<u32, DeviceError> {
        let mut news = 0;
        if vectors & 1 << H2C_VECTOR != 0 {
            let told = self.status(block::H2C, "H2C")?;
            // It may have been told of an earlier run, so the channel must be at rest too.
            if told & (status::STOPPED | status::BUSY) == status::STOPPED && self.outbox.running > 0 {
                self.outbox.finish();
                news |= 1 << H2C_VECTOR;
            }
        }
        if vectors & 1 << C2H_VECTOR != 0 {
            let told = self.status(block::C2H, "C2H")?;
            news |= u32::from(told & status::COMPLETED != 0) << C2H_VECTOR;
        }
        self.armed |= vectors;
        Ok(news)
    }

    /// Reads and clears a channel's status.
    fn status(&mut self, at: u64, name: &'static str) -> Result<u32, DeviceError> {
        let told = self.bus.read(DMA_BAR, at + channel::STATUS_CLEAR)?;
        if told == u32::MAX {
            return Err(self.gone("the status of the engine"));
        }
        if told & status::ERRORS != 0 {
            return Err(self.stopped(at, name, told, xdma::describe(told))?);
        }
        Ok(told)
    }

    /// Takes packets out of the buffers.
    fn collect(&mut self) -> Result<(), DeviceError> {
        if let Err(said) = self.inbox.collect(self.bus.memory()) {
            return Err(self.stopped(block::C2H, "C2H", 0, said)?);
        }
        if self.inbox.is_used_up() {
            self.status(block::C2H, "C2H")?;
            self.listen()?;
        }
        Ok(())
    }

    /// The error of a channel that does not go on, with the descriptor that it has come to.
    fn stopped(
        &mut self,
        at: u64,
        channel: &'static str,
        status: u32,
        said: String,
    ) -> Result<DeviceError, DeviceError> {
        let descriptor = self.bus.read(DMA_BAR, at + channel::COMPLETED)?;
        let list = if at == block::H2C { layout::H2C_LIST } else { layout::C2H_LIST };
        let address = self.bus.memory().address(list) + u64::from(descriptor) * descriptor::BYTES as u64;
        let (device, channel) = (self.bus.name().to_owned(), channel.into());
        Ok(DeviceError::Transfer { device, channel, status, said, descriptor, address })
    }

    fn gone(&self, what: &str) -> DeviceError {
        DeviceError::Gone { device: self.bus.name().to_owned(), what: what.to_owned(), magic: u32::MAX }
    }

    /// Waits until `done`, serving both channels.
    fn until(
        &mut self,
        wait: &Wait,
        flushing: bool,
        done: impl Fn(&Self) -> bool,
    ) -> Result<(), DeviceError> {
        let mut patience = Patience::new(wait, self.pace);
        let mut begin = None;
        loop {
            self.collect()?;
            self.pump()?;
            if done(self) {
                return Ok(());
            }
            if begin.get_or_insert_with(Instant::now).elapsed() < self.pace.spin {
                std::thread::yield_now();
                continue;
            }
            // The end of a run matters if another one waits for it, or if it is what is awaited.
            let sending = self.outbox.running > 0 && (flushing || self.outbox.is_queued());
            let vectors = 1 << C2H_VECTOR | if sending { 1 << H2C_VECTOR } else { 0 };
            if vectors & !self.armed != 0 {
                // Signals from before are not awaited; what came before is seen in the next round.
                self.bus.wait(vectors, Duration::ZERO)?;
                self.arm(vectors & !self.armed)?;
                continue;
            }
            let signalled = self.bus.wait(vectors, self.pace.glance)?;
            self.armed &= !signalled;
            if signalled == 0 {
                self.glance(&mut patience)?;
            } else {
                begin = None;
            }
        }
    }

    /// No interrupt came for a while: whether one got lost, and whether to go on waiting.
    fn glance(&mut self, patience: &mut Patience<'_>) -> Result<(), DeviceError> {
        // A channel whose status was not cleared since its last interrupt does not tell again: nothing is lost then.
        let armed = self.armed;
        let due = self.arm(ALL_VECTORS)? & armed;
        // One that has come just now is not lost.
        let signalled = if due != 0 { self.bus.wait(due, Duration::ZERO)? } else { 0 };
        self.armed &= !signalled;
        self.recovered.lost_interrupts += u64::from((due & !signalled).count_ones());
        let taken = self.bus.read(DMA_BAR, block::H2C + channel::COMPLETED)?;
        // Of the run under way; of the one before, the register tells still.
        let taken = u64::from(taken).min(self.outbox.running as u64);
        let transferred = self.outbox.done + taken + self.inbox.bytes;
        let detail = format!(
            "{} packets not yet sent, {} descriptors not yet taken, {} bytes received",
            self.outbox.waiting(),
            self.outbox.running,
            self.inbox.bytes
        );
        let all_taken = self.outbox.is_empty();
        patience.check(self, Progress { transferred, all_taken, detail: &detail })
    }
}

/// The link status of the PCI Express capability, if there is one.
fn express_status(bus: &mut impl Bus) -> Result<Option<u32>, DeviceError> {
    const POINTER: u64 = 0x34;
    const EXPRESS: u32 = 0x10;
    let mut at = u64::from(bus.read(CONFIG_SPACE, POINTER)? & 0xfc);
    // A list that runs in circles ends too: capabilities have at least a word.
    for _ in 0..48 {
        let head = bus.read(CONFIG_SPACE, at)?;
        if at < 0x40 || head == u32::MAX {
            return Ok(None);
        }
        if head & 0xff == EXPRESS {
            return Ok(Some(bus.read(CONFIG_SPACE, at + 0x10)? >> 16));
        }
        at = u64::from(head >> 8 & 0xfc);
    }
    Ok(None)
}

impl<B: Bus> Drop for Pcie<B> {
    fn drop(&mut self) {
        // The card must not write into memory that is given back, nor interrupt the next driver. A card that is gone
        // cannot.
        let _ = self.stop();
        let _ = self.bus.write(DMA_BAR, block::IRQ + irq::CHANNEL_ENABLE, 0);
    }
}

impl<B: Bus> Device for Pcie<B> {
    fn name(&self) -> &str {
        self.bus.name()
    }

    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        self.bus.read(USER_BAR, offset.into())
    }

    fn write_csr(&mut self, offset: u32, value: u32) -> Result<(), DeviceError> {
        self.bus.write(USER_BAR, offset.into(), value)
    }

    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        self.queue(packet)?;
        self.pump()
    }

    fn send_all(&mut self, packets: &[Vec<u32>]) -> Result<(), DeviceError> {
        packets.iter().try_for_each(|packet| self.queue(packet))?;
        self.pump()
    }

    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        self.until(wait, true, |pcie| pcie.outbox.is_empty())
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        self.until(wait, false, |pcie| !pcie.inbox.packets.is_empty())?;
        // `until` ends when there is one.
        Ok(self.inbox.packets.pop_front().unwrap_or_default())
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.stop()?;
        self.outbox.clear();
        self.inbox.clear();
        self.write_csr(csr::offset("control"), csr::CONTROL_RESET)?;
        // Whatever went wrong, the engine begins from what the driver knows.
        self.start()?;
        // Packets that were on their way.
        for _ in 0..STALE_ROUNDS {
            self.armed = 0;
            self.arm(1 << C2H_VECTOR)?;
            let signalled = self.bus.wait(1 << C2H_VECTOR, self.pace.drain)?;
            self.collect()?;
            let stale = self.inbox.packets.len() as u64;
            self.inbox.clear();
            if stale == 0 && signalled == 0 {
                return Ok(());
            }
            self.recovered.stale_packets += stale;
        }
        Err(DeviceError::Io {
            device: self.bus.name().to_owned(),
            action: "resetting".to_owned(),
            source: std::io::Error::other("packets come without end"),
        })
    }

    fn link(&mut self) -> String {
        if !self.bus.has_link() {
            return "none: a card in software, on a socket".to_owned();
        }
        // A function inside the root complex, as a guest sees it, has no link.
        let status = express_status(&mut self.bus).unwrap_or(None).filter(|s| s & 0xf != 0);
        status.map_or_else(
            || "PCIe, it tells no link".to_owned(),
            |s| format!("PCIe gen {} x{}", s & 0xf, s >> 4 & 0x3f),
        )
    }

    fn recovered(&self) -> Recovered {
        self.recovered
    }
}
