//! What can go wrong between a design and a device.

use spikegate_contract::csr::{self, MemoryStatus};
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::frame::FrameError;
use std::borrow::Cow;
use thiserror::Error;

use crate::device::DeviceError;
use crate::identity::Mismatch;

/// A session that cannot be opened or go on.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Nothing came in time; with what the status registers say.
    #[error("{source}; status: {status}")]
    Hang {
        /// The wait.
        source: Box<DeviceError>,
        /// Decoded `status` and `error` registers.
        status: String,
    },
    /// What came from the device was lost, repeated or damaged on the way.
    #[error("{device}: while waiting for {what}: {source}")]
    Frame {
        /// The device.
        device: String,
        /// What was awaited.
        what: String,
        /// What is wrong.
        source: FrameError,
    },
    /// The device does not suit the design.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The board's memory cannot be used.
    #[error("{device}: the board's memory {}", came(*status))]
    BoardMemory {
        /// The device.
        device: String,
        /// What it says.
        status: MemoryStatus,
    },
    /// A register does not keep what was written.
    #[error("{device}: register {register} reads {got:#010x} after {expected:#010x} was written")]
    ReadBack {
        /// The device.
        device: String,
        /// Register.
        register: &'static str,
        /// Value read.
        got: u32,
        /// Value written.
        expected: u32,
    },
    /// The sticky error register is set.
    #[error("{device}: register error is {value:#x} after {after} ({}), expected 0", describe(*value))]
    Sticky {
        /// The device.
        device: String,
        /// Register value.
        value: u32,
        /// What had been sent.
        after: String,
    },
    /// An image of another size.
    #[error("the image has {got} bytes, the network takes {expected} ({} channels x {} rows x {} columns)", shape[0], shape[1], shape[2])]
    Image {
        /// Bytes given.
        got: usize,
        /// Bytes needed.
        expected: usize,
        /// Channels, rows, columns.
        shape: [usize; 3],
    },
    /// A result was asked for, but no image is on its way.
    #[error("there is no image to wait for")]
    Idle,
    /// A packet is not what it should be.
    #[error(
        "{device}: packet for image {sequence}: {field} is {got}, expected {expected}; packet begins {words:08x?}"
    )]
    Packet {
        /// The device.
        device: String,
        /// Image that is awaited.
        sequence: u32,
        /// Which part of the packet.
        field: &'static str,
        /// What it holds.
        got: String,
        /// What it should hold.
        expected: String,
        /// First words.
        words: Vec<u32>,
    },
}

/// How a memory fared that is not up.
fn came(status: MemoryStatus) -> String {
    let which = |lanes: u8| {
        let lanes: Vec<String> = (0..8).filter(|l| lanes >> l & 1 == 1).map(|l| l.to_string()).collect();
        format!("byte lane{} {}", if lanes.len() == 1 { "" } else { "s" }, lanes.join(", "))
    };
    match status {
        MemoryStatus::Up { .. } => "is up".to_owned(),
        MemoryStatus::Coming => "does not come up".to_owned(),
        MemoryStatus::NoWindow { lanes } => {
            format!("did not come up: no setting of {} reads what was written", which(lanes))
        }
        MemoryStatus::Wrong { lanes } => {
            format!("did not come up: {} had right settings and reads something else", which(lanes))
        }
        MemoryStatus::Silent => "did not come up: its controller does not answer".to_owned(),
        MemoryStatus::Other(value) => format!("says {value:#x}"),
    }
}

/// The bits of the error register in words.
pub(super) fn describe(error: u32) -> String {
    let known = [
        (csr::ERROR_PACKET, "a packet with an unknown type or target"),
        (csr::ERROR_LENGTH, "a packet that was too short or too long"),
        (csr::ERROR_OPCODE, "an instruction with an unknown opcode"),
        (csr::ERROR_CRC, "a packet that was damaged on the way"),
        (csr::ERROR_SEQUENCE, "a packet lost or repeated on the way"),
        (csr::ERROR_PROGRAM, "an image without a program, or a load packet with one declared"),
        (csr::ERROR_WATCHDOG, "an image that took longer than the watchdog allows"),
        (csr::ERROR_MEMORY, "a transfer that the external memory refused"),
        (csr::ERROR_PARITY, "a bit that flipped in a memory of the core"),
    ];
    let mut said: Vec<&str> =
        known.iter().filter(|(bit, _)| error & bit != 0).map(|&(_, text)| text).collect();
    if error & !known.iter().fold(0, |all, (bit, _)| all | bit) != 0 {
        said.push("an unknown error");
    }
    if said.is_empty() {
        said.push("no error");
    }
    said.join(", ")
}

impl Failure for SessionError {
    fn kind(&self) -> Kind {
        match self {
            Self::Device(source) => source.kind(),
            Self::Mismatch(source) => source.kind(),
            Self::Image { .. } => Kind::Input,
            Self::Idle => Kind::Bug,
            _ => Kind::Check,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Device(source) => source.help(),
            Self::Hang { source, .. } => source.help(),
            Self::Frame { .. } | Self::ReadBack { .. } => {
                Some("the connection to the device is not reliable".into())
            }
            Self::Mismatch(source) => source.help(),
            Self::BoardMemory { .. } => {
                Some("load the bitstream again; a board that says so twice is broken".into())
            }
            Self::Sticky { .. } => Some(
                "the program and the hardware do not belong together, or words were lost on the way".into(),
            ),
            Self::Idle => Some("submit one first".into()),
            Self::Packet { .. } => {
                Some("the program and the hardware do not belong together: compile the model again".into())
            }
            Self::Image { .. } => None,
        }
    }
}
