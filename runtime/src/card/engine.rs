//! The engine: two stream channels, the interrupt block, and the packets between descriptors and core.

use std::collections::VecDeque;

use super::channel::{Channel, Descriptor};
use super::host::Memory;
use crate::xdma::{block, common, descriptor, identifier, irq, result};

/// Version byte of the identifiers.
const VERSION: u32 = 0x06;
/// Packets for the host that may wait before the card takes no more from it.
const OUTGOING: usize = 64;
/// Bytes of them.
const OUTGOING_BYTES: usize = 64 << 20;
/// Most bytes of a packet from the host: four times the largest program.
const PACKET_BYTES: usize = 64 << 20;
/// Descriptors that are walked at a time, so that a list that runs in circles can be stopped.
const WALK: usize = 256;
/// Channel interrupts: bit 0 is H2C channel 0, bit 1 C2H channel 0.
const CHANNELS: u32 = 2;
/// User interrupts.
const USERS: u32 = 16;

/// Registers, and data on their way.
#[derive(Debug)]
pub struct Engine {
    h2c: Channel,
    c2h: Channel,
    user_enable: u32,
    channel_enable: u32,
    /// Vectors of the user interrupts, then of the channel interrupts, four a word.
    user_vectors: [u32; 4],
    channel_vectors: [u32; 2],
    /// Level of the core's interrupt.
    user: bool,
    /// Interrupts as they were when they were last looked at: channels, then users.
    raised: (u32, u32),
    /// Bytes of a packet whose end has not come.
    assembling: Vec<u8>,
    /// Descriptor with a packet's end that the core has not yet taken.
    open: Option<Descriptor>,
    outgoing: VecDeque<Vec<u8>>,
    /// Bytes of the first outgoing packet that have been written.
    written: usize,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            h2c: Channel::new(block::H2C),
            c2h: Channel::new(block::C2H),
            user_enable: 0,
            channel_enable: 0,
            user_vectors: [0; 4],
            channel_vectors: [0; 2],
            user: false,
            raised: (0, 0),
            assembling: Vec::new(),
            open: None,
            outgoing: VecDeque::new(),
            written: 0,
        }
    }
}

impl Engine {
    /// Reads a register of the engine's BAR; a place without one reads 0.
    pub fn read(&mut self, offset: u64) -> u32 {
        let (block, register) = (offset & 0xf000, offset & 0x0fff);
        match block {
            // Channel 0 only: the places of channels 1 to 3 read 0, which tells that there are none.
            block::H2C if register < 0x100 => self.h2c.read(register),
            block::C2H if register < 0x100 => self.c2h.read(register),
            block::H2C_SGDMA if register < 0x100 => self.h2c.read_sgdma(register),
            block::C2H_SGDMA if register < 0x100 => self.c2h.read_sgdma(register),
            block::IRQ => self.read_irq(register),
            block::CONFIG => read_config(register),
            block::COMMON => self.read_common(register),
            _ => 0,
        }
    }

    /// Writes a register of the engine's BAR.
    pub fn write(&mut self, offset: u64, value: u32) {
        let (block, register) = (offset & 0xf000, offset & 0x0fff);
        match block {
            block::H2C if register < 0x100 => self.h2c.write(register, value),
            block::C2H if register < 0x100 => self.c2h.write(register, value),
            block::H2C_SGDMA if register < 0x100 => self.h2c.write_sgdma(register, value),
            block::C2H_SGDMA if register < 0x100 => self.c2h.write_sgdma(register, value),
            block::IRQ => self.write_irq(register, value),
            block::COMMON => self.write_common(register, value),
            _ => {}
        }
        if !self.h2c.is_running() {
            // The descriptor belongs to a run that the host has ended.
            self.open = None;
        }
    }

    /// Whether there is something to fetch.
    pub fn fetches(&self) -> bool {
        let waiting: usize = self.outgoing.iter().map(Vec::len).sum();
        let room = self.outgoing.len() < OUTGOING && waiting < OUTGOING_BYTES;
        self.open.is_none() && self.h2c.ready() && room
    }

    /// Whether there is something to deliver.
    pub fn delivers(&self) -> bool {
        self.c2h.ready() && !self.outgoing.is_empty()
    }

    /// Fetches from the host until a packet is complete, a part of a long list at a time: see [`Engine::fetches`]. The
    /// next one comes after [`Engine::taken`].
    pub fn fetch(&mut self, memory: &dyn Memory) -> Option<Vec<u32>> {
        for _ in 0..WALK {
            if !self.fetches() {
                return None;
            }
            let found = self.h2c.fetch(memory)?;
            let at = self.assembling.len();
            if at + found.bytes as usize > PACKET_BYTES {
                tracing::warn!("a packet of over {PACKET_BYTES} bytes is refused");
                self.assembling = Vec::new();
                self.h2c.refuse(memory);
                return None;
            }
            self.assembling.resize(at + found.bytes as usize, 0);
            if memory.read(found.source, &mut self.assembling[at..]).is_err() {
                self.assembling.truncate(at);
                self.h2c.refuse(memory);
                return None;
            }
            if found.control & descriptor::END != 0 {
                self.open = Some(found);
                let bytes = std::mem::take(&mut self.assembling);
                return Some(words(&bytes));
            }
            self.h2c.complete(&found, memory);
        }
        None
    }

    /// The core has taken the packet.
    pub fn taken(&mut self, memory: &dyn Memory) {
        if let Some(done) = self.open.take() {
            self.h2c.complete(&done, memory);
        }
    }

    /// Queues a packet of the core for the host.
    pub fn queue(&mut self, packet: &[u32]) {
        self.outgoing.push_back(packet.iter().flat_map(|w| w.to_le_bytes()).collect());
    }

    /// Writes queued packets to the host as far as it has given descriptors, some at a time: see [`Engine::delivers`].
    pub fn deliver(&mut self, memory: &dyn Memory) {
        for _ in 0..WALK {
            if !self.c2h.ready() {
                return;
            }
            let Some(packet) = self.outgoing.front() else { return };
            let Some(into) = self.c2h.fetch(memory) else { return };
            let rest = &packet[self.written..];
            let bytes = rest.len().min(into.bytes as usize);
            if let Err(fault) = memory.write(into.destination, &rest[..bytes]) {
                tracing::warn!("a write to host address {:#x} is lost: it is not mapped", fault.address);
            }
            let end = bytes == rest.len();
            if self.c2h.writes_results() {
                let status = result::MAGIC | if end { result::END } else { 0 };
                // Whoever sees the status sees the length.
                let told = memory
                    .write(into.source.wrapping_add(4), &(bytes as u32).to_le_bytes())
                    .and_then(|()| memory.write(into.source, &status.to_le_bytes()));
                if let Err(fault) = told {
                    tracing::warn!("a result at host address {:#x} is lost: it is not mapped", fault.address);
                }
            }
            self.written += bytes;
            if end {
                self.outgoing.pop_front();
                self.written = 0;
            }
            self.c2h.complete(&into, memory);
        }
    }

    /// Sets the level of the core's interrupt.
    pub fn set_user(&mut self, level: bool) {
        self.user = level;
    }

    /// MSI-X vectors to signal: those of the interrupts that rose since the last call.
    pub fn vectors(&mut self) -> Vec<u32> {
        let now = (self.channels(), self.users());
        let rose = (now.0 & !self.raised.0, now.1 & !self.raised.1);
        self.raised = now;
        let of = |rose: u32, count: u32, vectors: &[u32]| -> Vec<u32> {
            let vector = |i: u32| vectors[i as usize / 4] >> (i % 4 * 8) & 0x1f;
            (0..count).filter(|i| rose >> i & 1 != 0).map(vector).collect()
        };
        let mut all = of(rose.0, CHANNELS, &self.channel_vectors);
        all.extend(of(rose.1, USERS, &self.user_vectors));
        all
    }

    /// Drops the packets on their way, as the stream buffers do when the core is reset. A descriptor whose packet is
    /// dropped is completed.
    pub fn drop_packets(&mut self, memory: &dyn Memory) {
        self.assembling.clear();
        self.outgoing.clear();
        self.written = 0;
        self.taken(memory);
    }

    fn channels(&self) -> u32 {
        (u32::from(self.h2c.interrupts()) | u32::from(self.c2h.interrupts()) << 1) & self.channel_enable
    }

    fn users(&self) -> u32 {
        u32::from(self.user) & self.user_enable
    }

    fn read_irq(&self, register: u64) -> u32 {
        match register {
            irq::ID => identifier(block::IRQ, false) | VERSION,
            irq::USER_ENABLE => self.user_enable,
            irq::CHANNEL_ENABLE => self.channel_enable,
            irq::USER_REQUEST | irq::USER_PENDING => self.users(),
            irq::CHANNEL_REQUEST | irq::CHANNEL_PENDING => self.channels(),
            irq::USER_VECTORS..0x90 => self.user_vectors[(register - irq::USER_VECTORS) as usize / 4],
            irq::CHANNEL_VECTORS..0xa8 => {
                self.channel_vectors[(register - irq::CHANNEL_VECTORS) as usize / 4]
            }
            _ => 0,
        }
    }

    fn write_irq(&mut self, register: u64, value: u32) {
        match register {
            irq::USER_ENABLE => self.user_enable = value,
            irq::USER_ENABLE_SET => self.user_enable |= value,
            irq::USER_ENABLE_CLEAR => self.user_enable &= !value,
            irq::CHANNEL_ENABLE => self.channel_enable = value,
            irq::CHANNEL_ENABLE_SET => self.channel_enable |= value,
            irq::CHANNEL_ENABLE_CLEAR => self.channel_enable &= !value,
            irq::USER_VECTORS..0x90 => self.user_vectors[(register - irq::USER_VECTORS) as usize / 4] = value,
            irq::CHANNEL_VECTORS..0xa8 => {
                self.channel_vectors[(register - irq::CHANNEL_VECTORS) as usize / 4] = value;
            }
            _ => {}
        }
    }

    fn read_common(&self, register: u64) -> u32 {
        match register {
            common::ID => identifier(block::COMMON, false) | VERSION,
            common::CREDIT_MODE => u32::from(self.h2c.credit_mode) | u32::from(self.c2h.credit_mode) << 16,
            _ => 0,
        }
    }

    fn write_common(&mut self, register: u64, value: u32) {
        let now = self.read_common(common::CREDIT_MODE);
        let next = match register {
            common::CREDIT_MODE => value,
            common::CREDIT_MODE_SET => now | value,
            common::CREDIT_MODE_CLEAR => now & !value,
            _ => now,
        };
        self.h2c.credit_mode = next & 1 != 0;
        self.c2h.credit_mode = next >> 16 & 1 != 0;
    }
}

/// The configuration block: facts about the link that a driver may look at.
fn read_config(register: u64) -> u32 {
    match register {
        0x00 => identifier(block::CONFIG, false) | VERSION,
        // Payload and read request sizes (512 bytes), MSI-X enabled, 64-bit data path.
        0x08 | 0x0c => 2,
        0x14 => 2,
        0x18 => 0,
        _ => 0,
    }
}

/// Little-endian words; bytes that do not fill the last are zero.
fn words(bytes: &[u8]) -> Vec<u32> {
    let word = |four: &[u8]| four.iter().rev().fold(0, |w, &b| w << 8 | u32::from(b));
    bytes.chunks(4).map(word).collect()
}
