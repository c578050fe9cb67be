//! Messages: what is the same on both sides, and nothing of who sends them.

use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// Bytes of a message's header.
pub const HEADER: usize = 16;
/// Most bytes of a region that one message reads or writes.
pub const TRANSFER: usize = 1 << 20;
/// Most bytes behind the header: a write of so many, and where they go.
pub const BODY: usize = TRANSFER + 16;
/// Most bytes of version data.
pub const VERSION_BYTES: usize = 4096;
/// Most files with a message.
pub const FILES: usize = 16;

/// Commands.
pub mod command {
    /// Both sides say what they are, before everything else.
    pub const VERSION: u16 = 1;
    /// Memory that the card may reach.
    pub const DMA_MAP: u16 = 2;
    /// Memory that it may not reach any more.
    pub const DMA_UNMAP: u16 = 3;
    /// How many regions and kinds of interrupts there are.
    pub const GET_INFO: u16 = 4;
    /// What a region is.
    pub const GET_REGION_INFO: u16 = 5;
    /// What a kind of interrupts is.
    pub const GET_IRQ_INFO: u16 = 7;
    /// Where interrupts go.
    pub const SET_IRQS: u16 = 8;
    /// Bytes of a region.
    pub const REGION_READ: u16 = 9;
    /// Bytes of a region.
    pub const REGION_WRITE: u16 = 10;
    /// Everything as after power-up.
    pub const RESET: u16 = 13;

    /// What a command is called.
    pub const fn name(command: u16) -> &'static str {
        match command {
            VERSION => "VERSION",
            DMA_MAP => "DMA_MAP",
            DMA_UNMAP => "DMA_UNMAP",
            GET_INFO => "DEVICE_GET_INFO",
            GET_REGION_INFO => "DEVICE_GET_REGION_INFO",
            GET_IRQ_INFO => "DEVICE_GET_IRQ_INFO",
            SET_IRQS => "SET_IRQS",
            REGION_READ => "REGION_READ",
            REGION_WRITE => "REGION_WRITE",
            RESET => "DEVICE_RESET",
            _ => "a command that is not served here",
        }
    }
}

/// Bits of the header's flags: what the message is, and whether a reply is wanted or tells an error.
mod flag {
    pub const KIND: u32 = 0xf;
    pub const REPLY: u32 = 1;
    pub const NO_REPLY: u32 = 1 << 4;
    pub const ERROR: u32 = 1 << 5;
}

/// A message that is whole.
#[derive(Debug, Default)]
pub struct Message {
    /// Number that a reply repeats.
    pub id: u16,
    /// See [`command`].
    pub command: u16,
    pub(super) flags: u32,
    pub(super) error: u32,
    /// What follows the header.
    pub body: Vec<u8>,
    /// Files that came with it.
    pub files: Vec<OwnedFd>,
}

impl Message {
    /// A request.
    pub fn request(id: u16, command: u16, body: Vec<u8>) -> Self {
        Self { id, command, body, ..Self::default() }
    }

    /// The reply to a request.
    pub fn reply(&self, body: Vec<u8>) -> Self {
        Self { id: self.id, command: self.command, flags: flag::REPLY, body, ..Self::default() }
    }

    /// The reply to a request that is refused.
    pub fn refusal(&self, error: Errno) -> Self {
        let error = error.raw_os_error().cast_unsigned();
        Self { flags: flag::REPLY | flag::ERROR, error, ..self.reply(Vec::new()) }
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        self.flags & flag::KIND == 0
    }

    /// Whether it is a reply.
    pub fn is_reply(&self) -> bool {
        self.flags & flag::KIND == flag::REPLY
    }

    /// Whether whoever sent it waits for a reply.
    pub fn wants_reply(&self) -> bool {
        self.flags & flag::NO_REPLY == 0
    }

    /// The error that a reply tells.
    pub fn error(&self) -> Option<Errno> {
        // 0 with the error bit is an error without a name.
        let number = i32::try_from(self.error).unwrap_or(0);
        let named = if (1..4096).contains(&number) { Errno::from_raw_os_error(number) } else { Errno::IO };
        (self.flags & flag::ERROR != 0).then_some(named)
    }

    pub(super) fn header(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..2].copy_from_slice(&self.id.to_le_bytes());
        bytes[2..4].copy_from_slice(&self.command.to_le_bytes());
        bytes[4..8].copy_from_slice(&((HEADER + self.body.len()) as u32).to_le_bytes());
        bytes[8..12].copy_from_slice(&self.flags.to_le_bytes());
        bytes[12..].copy_from_slice(&self.error.to_le_bytes());
        bytes
    }
}

/// Fields of a body, one after the other; a body that has ended gives zeros, so its length is to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (first, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        let mut out = [0; N];
        out[..first.len()].copy_from_slice(first);
        out
    }

    /// The next 16 bits.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    /// The next 32 bits.
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    /// The next 64 bits.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

/// A body of 32-bit fields.
pub fn words(fields: &[u32]) -> Vec<u8> {
    fields.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The body of a region's access: where and how many bytes, which may follow.
pub fn access(region: u32, offset: u64, count: usize) -> Vec<u8> {
    let mut body = offset.to_le_bytes().to_vec();
    body.extend(words(&[region, count as u32]));
    body
}

/// What a side says in its version message: version 0.`minor`, and as JSON what it can do. A driver names its process, for
/// those who find the card in use.
pub fn version(minor: u16, process: Option<u32>) -> Vec<u8> {
    let mut body = vec![0, 0];
    body.extend(minor.to_le_bytes());
    let process = process.map_or(String::new(), |number| format!(",\"process\":{number}"));
    let can = format!(
        "{{\"capabilities\":{{\"max_msg_fds\":1,\"max_data_xfer_size\":{TRANSFER},\
         \"migration\":{{\"pgsize\":4096}}}}{process}}}\0"
    );
    body.extend(can.as_bytes());
    body
}
