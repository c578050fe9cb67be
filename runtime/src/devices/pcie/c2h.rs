//! Card to host: a list of buffers that the channel fills, read by the results it writes behind them.

use std::collections::VecDeque;

use super::layout::{C2H_BUFFERS, C2H_BUFFER_BYTES, C2H_DATA, C2H_LIST, C2H_RESULTS};
use super::memory::DmaMemory;
use crate::xdma::{descriptor, result};

/// Most bytes of a packet, and of all that wait to be taken: a card that sends without end does not eat the memory.
const PACKET_BYTES: usize = 256 << 20;
const WAITING_BYTES: usize = 1 << 30;

/// Bytes at the beginning of a buffer that are spoilt before it is filled: number and length of a frame.
const STAMP: usize = 8;

/// Packets that came, and the buffers still to be filled.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Complete packets.
    pub packets: VecDeque<Vec<u32>>,
    /// Bytes of a packet whose end has not come.
    partial: Vec<u8>,
    /// The buffer that is filled next.
    next: usize,
    /// Bytes that came in all.
    pub bytes: u64,
}

impl Inbox {
    /// Lays out the descriptor list, once: buffer after buffer, the last one stops the channel.
    pub fn layout(memory: &DmaMemory) {
        for index in 0..C2H_BUFFERS {
            let at = C2H_LIST + index * descriptor::BYTES;
            let last = index + 1 == C2H_BUFFERS;
            let flags = descriptor::COMPLETED | if last { descriptor::STOP } else { 0 };
            let told = memory.address(C2H_RESULTS + index * result::BYTES);
            let into = memory.address(C2H_DATA + index * C2H_BUFFER_BYTES);
            let next = memory.address(at + descriptor::BYTES);
            let words = [
                descriptor::MAGIC | flags,
                C2H_BUFFER_BYTES as u32,
                told as u32,
                (told >> 32) as u32,
                into as u32,
                (into >> 32) as u32,
                next as u32,
                (next >> 32) as u32,
            ];
            memory.put_words(at, &words);
        }
    }

    /// Makes all buffers free; the channel is stopped.
    pub fn rearm(&mut self, memory: &DmaMemory) {
        memory.put(C2H_RESULTS, &[0; C2H_BUFFERS * result::BYTES]);
        for index in 0..C2H_BUFFERS {
            // A write that goes astray must not leave an old frame here to be taken for the new one.
            memory.put(C2H_DATA + index * C2H_BUFFER_BYTES, &[0xff; STAMP]);
        }
        self.next = 0;
    }

    /// Whether all buffers are used up: the channel has stopped and wants them back.
    pub fn is_used_up(&self) -> bool {
        self.next == C2H_BUFFERS
    }

    /// Takes what has come.
    ///
    /// # Errors
    /// In words: a length that is impossible, or more than is taken.
    pub fn collect(&mut self, memory: &DmaMemory) -> Result<(), String> {
        while self.next < C2H_BUFFERS {
            let at = C2H_RESULTS + self.next * result::BYTES;
            let told = memory.word(at);
            // The length is written with the status; a status without the magic number has not come yet.
            if told & result::MAGIC_MASK != result::MAGIC {
                return Ok(());
            }
            let bytes = memory.word(at + 4);
            if bytes == 0 || bytes as usize > C2H_BUFFER_BYTES {
                return Err(format!("a result of {bytes} bytes for a buffer of {C2H_BUFFER_BYTES}"));
            }
            let had = self.partial.len();
            if had + bytes as usize > PACKET_BYTES {
                return Err(format!("a packet of over {PACKET_BYTES} bytes"));
            }
            self.partial.resize(had + bytes as usize, 0);
            memory.get(C2H_DATA + self.next * C2H_BUFFER_BYTES, &mut self.partial[had..]);
            self.bytes += u64::from(bytes);
            self.next += 1;
            if told & result::END != 0 {
                let words = self.partial.chunks_exact(4);
                let rest = words.remainder().iter().rev().fold(0, |w, &b| w << 8 | u32::from(b));
                let ragged = !words.remainder().is_empty();
                let mut packet: Vec<u32> =
                    words.map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
                packet.extend(ragged.then_some(rest));
                let waiting: usize = self.packets.iter().map(|packet| 4 * packet.len()).sum();
                if waiting > WAITING_BYTES {
                    return Err(format!("packets of over {WAITING_BYTES} bytes that nobody has asked for"));
                }
                self.packets.push_back(packet);
                self.partial.clear();
            }
        }
        Ok(())
    }

    /// Drops what has come.
    pub fn clear(&mut self) {
        self.packets.clear();
        self.partial.clear();
    }
}
