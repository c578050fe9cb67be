//! One channel of the engine: its registers, and the descriptors it walks.

use super::host::Memory;
use crate::xdma::{channel, control, descriptor, identifier, sgdma, status};

/// Version byte of the identifiers.
const VERSION: u32 = 0x06;
/// Byte alignment, byte granularity, 64 address bits.
const ALIGNMENTS: u32 = 0x0001_0140;

/// A descriptor as fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    pub control: u32,
    pub bytes: u32,
    pub source: u64,
    pub destination: u64,
    pub next: u64,
}

/// Registers and position of a channel.
#[derive(Debug)]
pub struct Channel {
    /// Offset of its block: [`crate::xdma::block`].
    block: u64,
    control: u32,
    status: u32,
    completed: u32,
    writeback: u64,
    interrupt: u32,
    first: u64,
    adjacent: u32,
    credits: u32,
    /// Whether a descriptor is fetched only against a credit.
    pub credit_mode: bool,
    running: bool,
    cursor: u64,
}

impl Channel {
    pub fn new(block: u64) -> Self {
        Self {
            block,
            control: 0,
            status: 0,
            completed: 0,
            writeback: 0,
            interrupt: 0,
            first: 0,
            adjacent: 0,
            credits: 0,
            credit_mode: false,
            running: false,
            cursor: 0,
        }
    }

    /// Whether a descriptor is due.
    pub fn ready(&self) -> bool {
        self.running && (!self.credit_mode || self.credits > 0)
    }

    /// Whether it walks descriptors.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Whether a status bit that is enabled is set.
    pub fn interrupts(&self) -> bool {
        self.status & self.interrupt != 0
    }

    /// Whether the length write-back of a stream is wanted.
    pub fn writes_results(&self) -> bool {
        self.control & control::NO_STREAM_WRITEBACK == 0
    }

    pub fn read(&mut self, register: u64) -> u32 {
        match register {
            channel::ID => identifier(self.block, true) | VERSION,
            channel::CONTROL => self.control,
            channel::STATUS => self.status(),
            channel::STATUS_CLEAR => {
                let now = self.status();
                self.status = 0;
                now
            }
            channel::COMPLETED => self.completed,
            channel::ALIGNMENTS => ALIGNMENTS,
            channel::WRITEBACK_LOW => self.writeback as u32,
            channel::WRITEBACK_HIGH => (self.writeback >> 32) as u32,
            channel::INTERRUPT => self.interrupt,
            _ => 0,
        }
    }

    pub fn write(&mut self, register: u64, value: u32) {
        match register {
            channel::CONTROL => self.control(value),
            channel::CONTROL_SET => self.control(self.control | value),
            channel::CONTROL_CLEAR => self.control(self.control & !value),
            // Writing 1 clears.
            channel::STATUS => self.status &= !value,
            channel::WRITEBACK_LOW => set_low(&mut self.writeback, value),
            channel::WRITEBACK_HIGH => set_high(&mut self.writeback, value),
            channel::INTERRUPT => self.interrupt = value,
            channel::INTERRUPT_SET => self.interrupt |= value,
            channel::INTERRUPT_CLEAR => self.interrupt &= !value,
            _ => {}
        }
    }

    pub fn read_sgdma(&self, register: u64) -> u32 {
        match register {
            sgdma::ID => identifier(self.block + 0x4000, true) | VERSION,
            sgdma::FIRST_LOW => self.first as u32,
            sgdma::FIRST_HIGH => (self.first >> 32) as u32,
            sgdma::ADJACENT => self.adjacent,
            sgdma::CREDITS => self.credits,
            _ => 0,
        }
    }

    pub fn write_sgdma(&mut self, register: u64, value: u32) {
        match register {
            sgdma::FIRST_LOW => set_low(&mut self.first, value),
            sgdma::FIRST_HIGH => set_high(&mut self.first, value),
            sgdma::ADJACENT => self.adjacent = value & 0x3f,
            // Credits are 10 bits; 0 takes all back.
            sgdma::CREDITS => {
                self.credits = if value == 0 { 0 } else { (self.credits + (value & 0x3ff)).min(0x3ff) }
            }
            _ => {}
        }
    }

    /// The descriptor under the cursor. One that cannot be used stops the channel with an error.
    pub fn fetch(&mut self, memory: &dyn Memory) -> Option<Descriptor> {
        let mut bytes = [0; descriptor::BYTES];
        if memory.read(self.cursor, &mut bytes).is_err() {
            self.fail(status::DESCRIPTOR, control::LOG_DESCRIPTOR);
            return None;
        }
        let word = |i: usize| {
            u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
        };
        let address = |i: usize| u64::from(word(i + 1)) << 32 | u64::from(word(i));
        let found = Descriptor {
            control: word(0),
            bytes: word(1) & descriptor::LENGTH_MASK,
            source: address(2),
            destination: address(4),
            next: address(6),
        };
        if found.control & descriptor::MAGIC_MASK != descriptor::MAGIC {
            self.fail(status::MAGIC, control::LOG_INVALID);
            return None;
        }
        if found.bytes == 0 {
            self.fail(status::LENGTH, control::LOG_INVALID);
            return None;
        }
        Some(found)
    }

    /// The descriptor is done: counts, writes back, goes on or stops.
    pub fn complete(&mut self, done: &Descriptor, memory: &dyn Memory) {
        self.completed = self.completed.wrapping_add(1);
        self.credits = self.credits.saturating_sub(1);
        let stop = done.control & descriptor::STOP != 0;
        if done.control & descriptor::COMPLETED != 0 {
            self.log(status::COMPLETED, control::LOG_COMPLETED);
        }
        if stop {
            self.log(status::STOPPED, control::LOG_STOPPED);
            self.running = false;
        } else {
            self.cursor = done.next;
        }
        if stop || done.control & descriptor::COMPLETED != 0 {
            self.write_back(false, memory);
        }
    }

    /// A data address was refused.
    pub fn refuse(&mut self, memory: &dyn Memory) {
        self.fail(status::READ, control::LOG_READ);
        self.write_back(true, memory);
    }

    fn write_back(&self, error: bool, memory: &dyn Memory) {
        if self.control & control::WRITEBACK != 0 {
            let word = self.completed & 0x00ff_ffff | u32::from(error) << 31;
            // A posted write to an address that is not mapped gets lost, as on the bus.
            let _ = memory.write(self.writeback, &word.to_le_bytes());
        }
    }

    fn status(&self) -> u32 {
        self.status | if self.running { status::BUSY } else { 0 }
    }

    fn control(&mut self, value: u32) {
        let (was, is) = (self.control & control::RUN != 0, value & control::RUN != 0);
        self.control = value;
        if is && !was {
            self.running = true;
            self.cursor = self.first;
            self.completed = 0;
        } else if !is && self.running {
            self.running = false;
            self.log(status::IDLE, control::LOG_IDLE);
        }
    }

    fn fail(&mut self, bit: u32, enable: u32) {
        self.log(bit, enable);
        self.running = false;
    }

    fn log(&mut self, bit: u32, enable: u32) {
        if self.control & enable != 0 {
            self.status |= bit;
        }
    }
}

fn set_low(address: &mut u64, low: u32) {
    *address = *address & !0xffff_ffff | u64::from(low);
}

fn set_high(address: &mut u64, high: u32) {
    *address = *address & 0xffff_ffff | u64::from(high) << 32;
}
