//! A PCIe card with the XDMA engine, driven from user space: no kernel module but VFIO's.
//!
//! [`Pcie`] is the driver. It is the same over two buses: [`kernel`] is VFIO of the Linux kernel, for a card in this
//! machine, [`socket`] is vfio-user, for a card in software. Packets go out in runs of all that wait; results are seen
//! in host memory, so that an image costs no register read while the card is ahead.

pub mod bus;
mod c2h;
mod h2c;
pub mod kernel;
pub mod layout;
pub mod memory;
pub mod socket;

use bus::Bus;
use c2h::Inbox;
use h2c::Outbox;
use spikegate_contract::csr;
use std::time::{Duration, Instant};

use super::patience::{Patience, GLANCE};
use crate::device::{Device, DeviceError, Wait};
use crate::xdma::{self, block, channel, control, identifier, irq, sgdma, status, DMA_BAR, USER_BAR};

/// MSI-X vectors of the two channels.
const H2C_VECTOR: u32 = 0;
const C2H_VECTOR: u32 = 1;
/// Vectors in use.
const VECTORS: usize = 2;
/// What is logged and interrupts.
const LOG: u32 = control::LOG_STOPPED
    | control::LOG_COMPLETED
    | control::LOG_INVALID
    | control::LOG_READ
    | control::LOG_DESCRIPTOR;
/// Time in which packets of an earlier run arrive after a reset.
const DRAIN: Duration = Duration::from_millis(20);

/// Time in which a channel stops.
const STOPPING: Duration = Duration::from_secs(1);

/// Faults that the driver has got over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Completions seen without the interrupt that should have told them.
    pub lost_interrupts: u64,
    /// Packets dropped after a reset: results of an earlier run.
    pub stale_packets: u64,
}

/// The driver of a card on a bus.
#[derive(Debug)]
pub struct Pcie<B: Bus> {
    bus: B,
    outbox: Outbox,
    inbox: Inbox,
    recovered: Recovered,
}

impl<B: Bus> Pcie<B> {
    /// Checks that an engine with one stream each way is there, and starts it.
    ///
    /// # Errors
    /// Another engine, or none.
    pub fn new(bus: B) -> Result<Self, DeviceError> {
        let mut new =
            Self { bus, outbox: Outbox::default(), inbox: Inbox::default(), recovered: Recovered::default() };
        new.check_engine()?;
        new.start()?;
        Ok(new)
    }

    /// Faults that the driver has got over.
    pub fn recovered(&self) -> Recovered {
        self.recovered
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
                return Err(DeviceError::Engine { device, block: name, at: block, got, expected });
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
        self.bus.write(DMA_BAR, block::IRQ + irq::CHANNEL_ENABLE, (1 << VECTORS) - 1)?;
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
        self.listen()
    }

    /// Stops both channels and forgets what they had to tell.
    fn stop(&mut self) -> Result<(), DeviceError> {
        for at in [block::H2C, block::C2H] {
            self.bus.write(DMA_BAR, at + channel::CONTROL, 0)?;
            self.bus.read(DMA_BAR, at + channel::STATUS_CLEAR)?;
        }
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
                return Err(DeviceError::Transfer {
                    device: self.bus.name().to_owned(),
                    channel: name,
                    status: told,
                    said: "still busy after it was stopped".to_owned(),
                    descriptor: self.bus.read(DMA_BAR, at + channel::COMPLETED)?,
                });
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

    /// Starts the next run of packets if the last one is done.
    fn pump(&mut self) -> Result<(), DeviceError> {
        if self.outbox.running == 0 && self.outbox.compose(self.bus.memory()) {
            self.bus.write(DMA_BAR, block::H2C + channel::CONTROL, LOG)?;
            self.bus.write(DMA_BAR, block::H2C + channel::CONTROL, LOG | control::RUN)?;
        }
        Ok(())
    }

    /// Looks at both channels after an interrupt (or instead of one): whether something had come.
    fn service(&mut self, signalled: u32) -> Result<bool, DeviceError> {
        let mut news = false;
        if signalled & 1 << H2C_VECTOR != 0 && self.outbox.running > 0 {
            let told = self.status(block::H2C, "H2C")?;
            if told & status::STOPPED != 0 {
                self.outbox.done += self.outbox.running as u64;
                self.outbox.running = 0;
                self.pump()?;
                news = true;
            }
        }
        if signalled & 1 << C2H_VECTOR != 0 {
            let told = self.status(block::C2H, "C2H")?;
            news |= told & status::COMPLETED != 0;
        }
        Ok(news)
    }

    /// Reads and clears a channel's status.
    fn status(&mut self, at: u64, name: &'static str) -> Result<u32, DeviceError> {
        let told = self.bus.read(DMA_BAR, at + channel::STATUS_CLEAR)?;
        if told == u32::MAX {
            return Err(self.gone("the status of the engine"));
        }
        if told & status::ERRORS != 0 {
            return Err(DeviceError::Transfer {
                device: self.bus.name().to_owned(),
                channel: name,
                status: told,
                said: xdma::describe(told),
                descriptor: self.bus.read(DMA_BAR, at + channel::COMPLETED)?,
            });
        }
        Ok(told)
    }

    /// Takes packets out of the buffers.
    fn collect(&mut self) -> Result<(), DeviceError> {
        self.inbox.collect(self.bus.memory()).map_err(|bytes| DeviceError::Transfer {
            device: self.bus.name().to_owned(),
            channel: "C2H",
            status: 0,
            said: format!("a result of {bytes} bytes for a buffer of {}", layout::C2H_BUFFER_BYTES),
            descriptor: 0,
        })?;
        if self.inbox.is_used_up() {
            self.status(block::C2H, "C2H")?;
            self.listen()?;
        }
        Ok(())
    }

    fn gone(&self, what: &str) -> DeviceError {
        DeviceError::Gone { device: self.bus.name().to_owned(), what: what.to_owned(), magic: u32::MAX }
    }

    /// Waits until `done`, serving both channels.
    fn until(&mut self, wait: &Wait, done: impl Fn(&Self) -> bool) -> Result<(), DeviceError> {
        let mut patience = Patience::new(wait);
        loop {
            self.collect()?;
            if done(self) {
                return Ok(());
            }
            let signalled = self.bus.wait(GLANCE)?;
            if signalled == 0 {
                let news = self.service(u32::MAX)?;
                self.recovered.lost_interrupts += u64::from(news);
                let taken = self.bus.read(DMA_BAR, block::H2C + channel::COMPLETED)?;
                let moved = self.outbox.done + u64::from(taken) + self.inbox.bytes;
                let detail = format!(
                    "{} packets not yet sent, {} descriptors not yet taken, {} bytes received",
                    self.outbox.waiting(),
                    self.outbox.running,
                    self.inbox.bytes
                );
                patience.check(self, moved, &detail)?;
            } else {
                self.service(signalled)?;
            }
        }
    }
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
        if packet.is_empty() {
            return Err(DeviceError::Empty { device: self.bus.name().to_owned() });
        }
        self.outbox.push(packet);
        if self.outbox.running > 0 {
            // Without waiting: perhaps the run is done.
            let signalled = self.bus.wait(Duration::ZERO)?;
            self.service(signalled)?;
        }
        self.pump()
    }

    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        self.until(wait, |pcie| pcie.outbox.is_empty())
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        self.until(wait, |pcie| !pcie.inbox.packets.is_empty())?;
        // `until` ends when there is one.
        Ok(self.inbox.packets.pop_front().unwrap_or_default())
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.stop()?;
        self.outbox.clear();
        self.inbox.clear();
        self.write_csr(csr::offset("control"), csr::CONTROL_RESET)?;
        self.listen()?;
        // Packets that were on their way.
        loop {
            let signalled = self.bus.wait(DRAIN)?;
            self.service(signalled)?;
            self.collect()?;
            let stale = self.inbox.packets.len() as u64;
            self.inbox.clear();
            if stale == 0 && signalled == 0 {
                return Ok(());
            }
            self.recovered.stale_packets += stale;
        }
    }
}
