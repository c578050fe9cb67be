//! The AXI4-Lite register table: one list from which the hardware, the driver and the manual come.

/// Access as seen from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    Ro,
    /// Read and write.
    Rw,
    /// Read; writing 1 to a bit clears it.
    Rw1c,
    /// Write only: acts, reads as zero.
    Wo,
}

/// One 32-bit register.
#[derive(Clone, Copy, Debug)]
pub struct Csr {
    /// Name.
    pub name: &'static str,
    /// Byte offset.
    pub offset: u32,
    /// Access.
    pub access: Access,
    /// Meaning, with bit positions.
    pub doc: &'static str,
}

const fn r(name: &'static str, offset: u32, access: Access, doc: &'static str) -> Csr {
    Csr { name, offset, access, doc }
}

/// Value of the `magic` register: "SGAC".
pub const MAGIC: u32 = 0x5347_4143;
/// Version of packets, instructions and CSRs. Raised on any change that a driver could notice.
pub const INTERFACE_VERSION: u32 = 3;
/// `control` bit: soft reset (self clearing): control state and streams, not the loaded memories.
pub const CONTROL_RESET: u32 = 1;

macro_rules! errors {
    ($d:tt $($event:ident $mask:ident, $doc:literal;)*) => {
        /// What the units of a core report in `error`, by the number of its bit.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorEvent { $(#[doc = $doc] $event,)* }

        $(#[doc = concat!("`error` bit: ", $doc)] pub const $mask: u32 = 1 << ErrorEvent::$event as u32;)*

        /// Number of [`ErrorEvent`]s.
        pub const ERROR_EVENTS: usize = [$(ErrorEvent::$event,)*].len();

        /// `error_events!(callback)` is `callback!` of the names of all [`ErrorEvent`](crate::csr::ErrorEvent)s in order.
        #[macro_export]
        macro_rules! error_events {
            ($d callback:ident) => {
                $d callback! { $($event)* }
            };
        }
    };
}

errors! {
    $
    packet ERROR_PACKET, "a packet with an unknown type or target.";
    length ERROR_LENGTH, "`tlast` came early or late.";
    opcode ERROR_OPCODE, "an instruction with an unknown opcode.";
    crc ERROR_CRC, "a frame whose CRC32 is wrong.";
    sequence ERROR_SEQUENCE, "a frame that is not the next one.";
    program ERROR_PROGRAM, "an image while no program is declared, or a load packet while one is.";
}

/// `error` bit: an image or batch took more cycles than `watchdog_limit`; the core has reset itself.
pub const ERROR_WATCHDOG: u32 = 1 << ERROR_EVENTS;
/// Number of `error` bits that every core has.
pub const ERRORS: usize = ERROR_EVENTS + 1;
/// `error` bit of a core with a memory port: the external memory refused a transfer; the core has reset itself, so that
/// no result comes of it.
pub const ERROR_MEMORY: u32 = 1 << ERRORS;
/// `error` bit of a core whose memories have parity: a word is not what was written to it; the core has reset itself, so
/// that no result comes of it.
pub const ERROR_PARITY: u32 = 1 << (ERRORS + 1);
/// `features` bit: packets travel in frames, see [`crate::frame`]. Every core has it; a model inside the driver's own
/// process, which no stream leads to, may lack it.
pub const FEATURE_FRAMES: u32 = 1 << 0;
/// `status` bit: an instruction is running.
pub const STATUS_BUSY: u32 = 1 << 0;
/// `status` bit: an image waits in the patches.
pub const STATUS_IMAGE: u32 = 1 << 1;

/// Whether a core with this `status` has nothing to do. One that sends a dump or a result is not busy, but it has left
/// the first instruction.
pub const fn is_idle(status: u32) -> bool {
    status & (STATUS_BUSY | STATUS_IMAGE) == 0 && status >> 16 == 0
}

/// All registers.
pub const TABLE: &[Csr] = &[
    r("magic", 0x00, Access::Ro, "0x53474143"),
    r("version", 0x04, Access::Ro, "interface version"),
    r("array", 0x08, Access::Ro, "lanes [7:0], pixels [15:8], ci [23:16], co [31:24]"),
    r("post", 0x0c, Access::Ro, "post lanes [7:0]"),
    r("config_hash", 0x10, Access::Ro, "first 32 bits of the SHA-256 of the array configuration"),
    r("build_hash", 0x14, Access::Ro, "first 32 bits of the SHA-256 of the Verilog's sources, for reports"),
    r("scratch", 0x18, Access::Rw, "no effect"),
    r("control", 0x1c, Access::Wo, "bit 0: soft reset"),
    r("status", 0x20, Access::Ro, "bit 0 busy, bit 1 image waiting, [31:16] instruction index"),
    r(
        "error",
        0x24,
        Access::Rw1c,
        "sticky: bit 0 packet, 1 length, 2 opcode, 3 CRC, 4 sequence, 5 program, 6 watchdog, 7 external memory, 8 parity",
    ),
    r(
        "program_hash",
        0x28,
        Access::Rw,
        "0: memories may be loaded, images are refused; else the reverse. Not set while `error` is not 0",
    ),
    r("irq_enable", 0x2c, Access::Rw, "bit 0: raise irq when a result packet has been sent"),
    r("irq_status", 0x30, Access::Rw1c, "bit 0: a result packet has been sent"),
    r("images", 0x34, Access::Ro, "result packets sent since reset"),
    r("cycles_lo", 0x38, Access::Ro, "cycles spent in instructions since reset, low word"),
    r("cycles_hi", 0x3c, Access::Ro, "high word"),
    r("sops_lo", 0x40, Access::Ro, "operand words served x lanes x ci x co since reset, low word"),
    r("sops_hi", 0x44, Access::Ro, "high word"),
    r("spikes_lo", 0x48, Access::Ro, "spikes written since reset, low word"),
    r("spikes_hi", 0x4c, Access::Ro, "high word"),
    r("stalls", 0x50, Access::Ro, "cycles in which the array waited for the post lanes since reset"),
    r("features", 0x54, Access::Ro, "bit 0: packets travel in frames"),
    r(
        "watchdog_limit",
        0x58,
        Access::Rw,
        "cycles in instructions per image or batch before a soft reset; 0: no limit",
    ),
    r("watchdog_trips", 0x5c, Access::Ro, "soft resets by the watchdog since power-up"),
];

/// Byte offset of the register that boards whose memory is brought up by hardware have beside the core's. Bits 3 to 0 say how
/// far it is, see [`MemoryStatus`]; bits 11 to 4 which byte lanes are wrong; bits 19 to 12 how many taps of the delay are
/// right on the lane that has the fewest.
pub const MEMORY_STATUS: u32 = 0x80;

/// What [`MEMORY_STATUS`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryStatus {
    /// It is being brought up.
    Coming,
    /// It can be used; the narrowest window has so many taps.
    Up {
        /// Taps.
        taps: u8,
    },
    /// No setting of these byte lanes reads what was written.
    NoWindow {
        /// A bit for each lane.
        lanes: u8,
    },
    /// These byte lanes had right settings, and read something else with the one that was chosen.
    Wrong {
        /// A bit for each lane.
        lanes: u8,
    },
    /// The controller does not answer.
    Silent,
    /// Nothing that is known.
    Other(u32),
}

impl MemoryStatus {
    /// What a value of the register says.
    pub fn of(value: u32) -> Self {
        let lanes = (value >> 4) as u8;
        match value & 15 {
            1 => Self::Coming,
            2 => Self::Up { taps: (value >> 12) as u8 },
            3 => Self::NoWindow { lanes },
            4 => Self::Wrong { lanes },
            5 => Self::Silent,
            _ => Self::Other(value),
        }
    }
}

/// Offset of the named register. Panics on a name that is not in the table: a programming error.
pub fn offset(name: &str) -> u32 {
    TABLE.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no CSR {name}")).offset
}

/// Position of the named register in [`TABLE`], at compile time. A name that is not there does not compile.
pub const fn position(name: &str) -> usize {
    let wanted = name.as_bytes();
    let mut i = 0;
    while i < TABLE.len() {
        let have = TABLE[i].name.as_bytes();
        let mut same = have.len() == wanted.len();
        let mut k = 0;
        while same && k < have.len() {
            same = have[k] == wanted[k];
            k += 1;
        }
        if same {
            return i;
        }
        i += 1;
    }
    panic!("no CSR of this name")
}
