//! Host to card: packets become descriptors, all that wait in one run of the channel.

use std::collections::VecDeque;

use super::layout::{H2C_BYTES, H2C_DATA, H2C_DESCRIPTORS, H2C_DONE, H2C_LIST};
use super::memory::DmaMemory;
use crate::xdma::descriptor;

/// Packets that wait, and the run under way.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: VecDeque<Vec<u8>>,
    /// Bytes of the first packet that have been put into runs.
    begun: usize,
    /// Descriptors of the run under way.
    pub running: usize,
    /// Descriptors done in all runs.
    pub done: u64,
}

impl Outbox {
    /// Queues a packet.
    pub fn push(&mut self, packet: &[u32]) {
        self.queue.push_back(packet.iter().flat_map(|w| w.to_le_bytes()).collect());
    }

    /// Whether packets wait for the next run.
    pub fn is_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether the engine has told that the run under way is done, or that it cannot go on.
    pub fn is_told(&self, memory: &DmaMemory) -> bool {
        let told = memory.word(H2C_DONE);
        self.running > 0 && (told >> 31 != 0 || told as usize == self.running)
    }

    /// The run under way is done.
    pub fn finish(&mut self) {
        self.done += self.running as u64;
        self.running = 0;
    }

    /// Whether nothing waits and nothing runs.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.running == 0
    }

    /// Packets that wait or run.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Drops everything; the channel has been stopped.
    pub fn clear(&mut self) {
        self.queue.clear();
        (self.begun, self.running) = (0, 0);
    }

    /// Puts as many packets as fit into a new descriptor list; whether there is one to run.
    pub fn compose(&mut self, memory: &DmaMemory) -> bool {
        let (mut count, mut used) = (0, 0);
        while let Some(packet) = self.queue.front() {
            let room = H2C_BYTES - used;
            if count == H2C_DESCRIPTORS || room == 0 {
                break;
            }
            let rest = &packet[self.begun..];
            let bytes = rest.len().min(room);
            let end = bytes == rest.len();
            memory.put(H2C_DATA + used, &rest[..bytes]);
            put(memory, count, H2C_DATA + used, bytes, if end { descriptor::END } else { 0 });
            (count, used) = (count + 1, used + bytes);
            if end {
                self.queue.pop_front();
                self.begun = 0;
            } else {
                self.begun += bytes;
            }
        }
        if let Some(last) = count.checked_sub(1) {
            let at = H2C_LIST + last * descriptor::BYTES;
            let stop = memory.word(at) | descriptor::STOP | descriptor::COMPLETED;
            memory.put_words(at, &[stop]);
        }
        memory.put_words(H2C_DONE, &[0]);
        self.running = count;
        count > 0
    }
}

/// Descriptor `index`: bytes of our memory to the stream, the next descriptor behind it.
fn put(memory: &DmaMemory, index: usize, from: usize, bytes: usize, flags: u32) {
    let at = H2C_LIST + index * descriptor::BYTES;
    let (source, next) = (memory.address(from), memory.address(at + descriptor::BYTES));
    let words = [
        descriptor::MAGIC | flags,
        bytes as u32,
        source as u32,
        (source >> 32) as u32,
        0,
        0,
        next as u32,
        (next >> 32) as u32,
    ];
    memory.put_words(at, &words);
}
