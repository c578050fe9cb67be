//! Registers and descriptors of the XDMA engine (PG195, "DMA/Bridge Subsystem for PCI Express"): the words that the
//! driver in [`crate::devices::pcie`] and the card in [`crate::card`] share.
//!
//! Everything is little-endian. Channel 0 of each direction carries an AXI4-Stream; BAR 0 leads to the core's
//! AXI4-Lite registers, BAR 1 to the engine.

/// PCI vendor of the engine.
pub const VENDOR: u16 = 0x10ee;
/// PCI devices that carry it: 7-series gen 2 x1, x4, x8, then UltraScale and UltraScale+ gen 3 x1 to x16.
pub const DEVICES: &[u16] = &[0x7021, 0x7024, 0x7028, 0x8031, 0x8034, 0x8038, 0x9031, 0x9034, 0x9038, 0x903f];
/// The device that the software card says it is: 7-series, gen 2 x4.
pub const DEVICE: u16 = 0x7024;

/// BAR of the core's registers.
pub const USER_BAR: u32 = 0;
/// Bytes of the user BAR.
pub const USER_BAR_BYTES: u64 = 0x1_0000;
/// BAR of the engine.
pub const DMA_BAR: u32 = 1;
/// Bytes of the engine's BAR.
pub const DMA_BAR_BYTES: u64 = 0x1_0000;

/// Blocks of the engine's BAR, each 4 KiB, channels 256 bytes apart.
pub mod block {
    /// Host to card channels.
    pub const H2C: u64 = 0x0000;
    /// Card to host channels.
    pub const C2H: u64 = 0x1000;
    /// Interrupts.
    pub const IRQ: u64 = 0x2000;
    /// Configuration.
    pub const CONFIG: u64 = 0x3000;
    /// Descriptor fetch of the host to card channels.
    pub const H2C_SGDMA: u64 = 0x4000;
    /// Descriptor fetch of the card to host channels.
    pub const C2H_SGDMA: u64 = 0x5000;
    /// Descriptor control common to all channels.
    pub const COMMON: u64 = 0x6000;
    /// MSI-X table.
    pub const MSIX: u64 = 0x8000;
    /// MSI-X pending bits.
    pub const MSIX_PENDING: u64 = 0x8fe0;
}

/// MSI-X vectors of the engine.
pub const VECTORS: u32 = 32;

/// The identifier register, offset 0 of each block, without its version byte: `0x1fc`, block number, stream bit.
pub const fn identifier(block: u64, stream: bool) -> u32 {
    0x1fc0_0000 | ((block >> 12) as u32) << 16 | if stream { 0x8000 } else { 0 }
}

/// Registers of a channel block.
pub mod channel {
    /// Identifier.
    pub const ID: u64 = 0x00;
    /// Control; see [`super::control`].
    pub const CONTROL: u64 = 0x04;
    /// Control, writing 1 sets.
    pub const CONTROL_SET: u64 = 0x08;
    /// Control, writing 1 clears.
    pub const CONTROL_CLEAR: u64 = 0x0c;
    /// Status; see [`super::status`].
    pub const STATUS: u64 = 0x40;
    /// Status, cleared by the read.
    pub const STATUS_CLEAR: u64 = 0x44;
    /// Descriptors completed since the start.
    pub const COMPLETED: u64 = 0x48;
    /// Address alignment, length granularity, address bits.
    pub const ALIGNMENTS: u64 = 0x4c;
    /// Address of the completion write-back, low word.
    pub const WRITEBACK_LOW: u64 = 0x88;
    /// High word.
    pub const WRITEBACK_HIGH: u64 = 0x8c;
    /// Status bits that interrupt.
    pub const INTERRUPT: u64 = 0x90;
    /// The same, writing 1 sets.
    pub const INTERRUPT_SET: u64 = 0x94;
    /// The same, writing 1 clears.
    pub const INTERRUPT_CLEAR: u64 = 0x98;
}

/// Registers of a descriptor fetch block.
pub mod sgdma {
    /// Identifier.
    pub const ID: u64 = 0x00;
    /// Address of the first descriptor, low word.
    pub const FIRST_LOW: u64 = 0x80;
    /// High word.
    pub const FIRST_HIGH: u64 = 0x84;
    /// Descriptors that follow the first without a gap.
    pub const ADJACENT: u64 = 0x88;
    /// Descriptors that may be fetched, in credit mode; writing adds.
    pub const CREDITS: u64 = 0x8c;
}

/// Registers of the common descriptor block.
pub mod common {
    /// Identifier.
    pub const ID: u64 = 0x00;
    /// Channels in credit mode: H2C in the low half, C2H in the high half.
    pub const CREDIT_MODE: u64 = 0x20;
    /// The same, writing 1 sets.
    pub const CREDIT_MODE_SET: u64 = 0x24;
    /// The same, writing 1 clears.
    pub const CREDIT_MODE_CLEAR: u64 = 0x28;
}

/// Registers of the interrupt block.
pub mod irq {
    /// Identifier.
    pub const ID: u64 = 0x00;
    /// User interrupts that are enabled.
    pub const USER_ENABLE: u64 = 0x04;
    /// The same, writing 1 sets.
    pub const USER_ENABLE_SET: u64 = 0x08;
    /// The same, writing 1 clears.
    pub const USER_ENABLE_CLEAR: u64 = 0x0c;
    /// Channel interrupts that are enabled: H2C channels first, then C2H.
    pub const CHANNEL_ENABLE: u64 = 0x10;
    /// The same, writing 1 sets.
    pub const CHANNEL_ENABLE_SET: u64 = 0x14;
    /// The same, writing 1 clears.
    pub const CHANNEL_ENABLE_CLEAR: u64 = 0x18;
    /// User interrupts requested and enabled.
    pub const USER_REQUEST: u64 = 0x40;
    /// Channel interrupts requested and enabled.
    pub const CHANNEL_REQUEST: u64 = 0x44;
    /// User interrupts pending.
    pub const USER_PENDING: u64 = 0x48;
    /// Channel interrupts pending.
    pub const CHANNEL_PENDING: u64 = 0x4c;
    /// MSI-X vectors of the user interrupts, one a byte.
    pub const USER_VECTORS: u64 = 0x80;
    /// MSI-X vectors of the channel interrupts, one a byte.
    pub const CHANNEL_VECTORS: u64 = 0xa0;
}

/// Bits of a channel's control register. Each error bit lets the status bit of the same position be logged.
pub mod control {
    /// Runs the channel; 0 stops it after the descriptor under way.
    pub const RUN: u32 = 1;
    /// Logs [`super::status::STOPPED`].
    pub const LOG_STOPPED: u32 = 1 << 1;
    /// Logs [`super::status::COMPLETED`].
    pub const LOG_COMPLETED: u32 = 1 << 2;
    /// Logs alignment, magic and length errors.
    pub const LOG_INVALID: u32 = 0x7 << 3;
    /// Logs that the channel was stopped while idle.
    pub const LOG_IDLE: u32 = 1 << 6;
    /// Logs read errors.
    pub const LOG_READ: u32 = 0x1f << 9;
    /// Logs descriptor errors.
    pub const LOG_DESCRIPTOR: u32 = 0x1f << 19;
    /// Writes the completed count back to host memory.
    pub const WRITEBACK: u32 = 1 << 26;
    /// No length write-back of a card to host stream.
    pub const NO_STREAM_WRITEBACK: u32 = 1 << 27;
}

/// Bits of a channel's status register.
pub mod status {
    /// The channel works.
    pub const BUSY: u32 = 1;
    /// A descriptor with the stop bit is done.
    pub const STOPPED: u32 = 1 << 1;
    /// A descriptor with the completed bit is done.
    pub const COMPLETED: u32 = 1 << 2;
    /// A descriptor without the magic number.
    pub const MAGIC: u32 = 1 << 4;
    /// A descriptor without length.
    pub const LENGTH: u32 = 1 << 5;
    /// Stopped while idle.
    pub const IDLE: u32 = 1 << 6;
    /// A read from host memory was refused.
    pub const READ: u32 = 1 << 9;
    /// A descriptor could not be fetched: the address was refused.
    pub const DESCRIPTOR: u32 = 1 << 19;
    /// All errors.
    pub const ERRORS: u32 = 0x7 << 3 | 0x7f << 9 | 0x1f << 19;
}

/// The descriptor: eight words in host memory.
pub mod descriptor {
    /// Bytes.
    pub const BYTES: usize = 32;
    /// High half of the control word.
    pub const MAGIC: u32 = 0xad4b_0000;
    /// Mask of the magic number.
    pub const MAGIC_MASK: u32 = 0xffff_0000;
    /// The channel stops behind this descriptor.
    pub const STOP: u32 = 1;
    /// Its completion is logged.
    pub const COMPLETED: u32 = 1 << 1;
    /// The last of a packet.
    pub const END: u32 = 1 << 4;
    /// Bits of the length word.
    pub const LENGTH_MASK: u32 = 0x0fff_ffff;
}

/// What a card to host stream writes to the source address of a finished descriptor: two words, status and bytes.
pub mod result {
    /// Bytes from one result to the next, as the driver lays them out.
    pub const BYTES: usize = 32;
    /// High half of the status word.
    pub const MAGIC: u32 = 0x52b4_0000;
    /// Mask of the magic number.
    pub const MAGIC_MASK: u32 = 0xffff_0000;
    /// The data end a packet.
    pub const END: u32 = 1;
}

/// The errors of a channel's status in words.
pub fn describe(bits: u32) -> String {
    let known = [
        (1 << 3, "misaligned address"),
        (status::MAGIC, "a descriptor without the magic number"),
        (status::LENGTH, "a descriptor without length"),
        (0x7f << 9, "a data read or write was refused"),
        (0x1f << 19, "a descriptor fetch was refused"),
    ];
    let said: Vec<&str> = known.iter().filter(|(bit, _)| bits & bit != 0).map(|&(_, text)| text).collect();
    if said.is_empty() {
        "no error".to_owned()
    } else {
        said.join(", ")
    }
}
