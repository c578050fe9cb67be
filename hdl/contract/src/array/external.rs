//! What lies in the external memory, and in which pieces it passes the port: bursts of spilled maps, moved maps, weights.

use super::config::ArrayConfig;
use crate::instr::Source;
use crate::network::MAX_T;

/// Cycles from an accepted read address to the first data of the external memory that the planner counts with.
pub const MEMORY_LATENCY: u64 = 32;
/// The longest such time: far beyond any memory's, and short enough to wait for it in a simulation.
pub const MAX_MEMORY_LATENCY: u64 = 65_535;
/// Weight words requested from the external memory and not yet there, at most.
pub const MEMORY_REQUESTS: usize = 16;

/// Transfers of a burst when a map is moved, at most; none crosses a multiple of it.
pub const MOVE_BURST: usize = 16;
/// Such bursts that the memory has not answered yet, at most.
pub const MOVE_BURSTS: usize = 8;
/// Transfers that a move reads from the slots ahead of the write channel.
pub const MOVE_BUFFER: usize = 8;

impl ArrayConfig {
    /// Values that a channel takes in a burst of a spilled map: the lanes, rounded up to a power of two.
    pub fn spill_lanes(&self) -> usize {
        self.lanes.next_power_of_two()
    }
    /// 16-bit values in a word of the buffers between the post lanes and the memory port, the wider of the two.
    pub fn spill_values(&self) -> usize {
        (self.post * self.spill_lanes()).max(self.memory_bits / 16)
    }
    /// Buffer words of one burst of a spilled map.
    pub fn spill_words(&self) -> usize {
        (self.co * self.spill_lanes()).div_ceil(self.spill_values())
    }
    /// Transfers of the external port in one burst of a spilled map.
    pub fn spill_transfers(&self) -> usize {
        self.spill_words() * self.spill_values() * 16 / self.memory_bits
    }
    /// Bytes of one burst of a spilled map.
    pub fn spill_bytes(&self) -> usize {
        self.spill_transfers() * self.memory_bits / 8
    }
    /// Words of each of the two buffers: a block memory's, and no less than two pixels of the most timesteps.
    pub fn spill_buffer(&self) -> usize {
        (2 * self.time_passes(MAX_T) * self.spill_words()).next_power_of_two().max(512)
    }
    /// Data bits of a port that maps are moved through, at least: a slot's stream word.
    pub(super) fn least_port(&self) -> usize {
        Moved::Streams.bits(self)
    }
    /// Slots whose words share a transfer of the external port when a map is moved: as many as fit; of streams no more
    /// than there are post lanes, whose buses they come over.
    pub fn moved_slots(&self, map: Moved) -> usize {
        let most = match map {
            Moved::Codes | Moved::Spikes => self.ci,
            Moved::Streams => self.post,
        };
        (self.memory_bits / map.bits(self)).min(most)
    }
    /// Transfers of the external port that carry the words of all slots at one address.
    pub fn moved_transfers(&self, map: Moved) -> usize {
        self.ci / self.moved_slots(map)
    }
    /// First transfer of moved maps in the external memory: behind the ring of spilled maps, where bursts are aligned.
    pub fn moves_base(&self) -> usize {
        match self.spill_depth {
            0 => 0,
            depth => (depth * self.spill_transfers()).next_multiple_of(MOVE_BURST),
        }
    }
    /// First byte of the weights in the external memory: behind so many transfers of moved maps, where a burst and a load
    /// packet are aligned.
    pub fn weights_base(&self, moved: usize) -> usize {
        let transfers = self.moves_base() + moved;
        (transfers * self.memory_bits / 8).next_multiple_of(1 << 16)
    }
    /// Bytes of one weight word: a weight, or two packed ones, for every slot and output channel.
    pub fn weight_bytes(&self) -> usize {
        self.ci * self.co
    }
    /// Transfers of the external port that carry one weight word.
    pub fn weight_beats(&self) -> usize {
        8 * self.weight_bytes() / self.memory_bits
    }
}

/// The memories between which and the external one maps are moved.
///
/// Transfer k of a word carries the slots `k * moved_slots` and up, slot `k * moved_slots + i` in the bits from
/// `i * bits` on; what is above them is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// 8-bit codes. The ninth bit of the memory's word is the eighth again where they are signed, or 0.
    Codes,
    /// Spikes, timestep l of the time pass in bit l.
    Spikes,
    /// Streams, timestep l of the time pass in the 16 bits from `16 * l` on.
    Streams,
}

impl TryFrom<u32> for Moved {
    type Error = ();
    /// The memory that a source of [`Opcode::Move`](crate::instr::Opcode::Move) is; none where it is that of instructions.
    fn try_from(source: u32) -> Result<Self, ()> {
        match source {
            s if s == Source::Attention as u32 => Ok(Moved::Codes),
            s if s == Source::Spikes as u32 => Ok(Moved::Spikes),
            s if s == Source::Stream as u32 => Ok(Moved::Streams),
            _ => Err(()),
        }
    }
}

impl Moved {
    /// Bits that a slot's word takes in a transfer, a power of two.
    pub fn bits(self, array: &ArrayConfig) -> usize {
        match self {
            Moved::Codes => 8,
            Moved::Spikes => array.lanes.next_power_of_two(),
            Moved::Streams => 16 * array.spill_lanes(),
        }
    }
}
