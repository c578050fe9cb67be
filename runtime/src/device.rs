//! One interface to every core: registers, packets, reset.

use serde::{Deserialize, Serialize};
use spikegate_contract::csr::{self, MAGIC};
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};
use thiserror::Error;

/// What a caller waits for, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What is awaited, for the error message: "the result of image 3".
    pub what: String,
    /// Clock cycles of the core after which it will not come any more.
    pub cycles: u64,
}

impl Wait {
    /// Waits for `what` at most `cycles` clock cycles of the core.
    pub fn new(what: impl Into<String>, cycles: u64) -> Self {
        Self { what: what.into(), cycles }
    }
}

/// A core that did not do as it was asked. Recordings hold it, see [`crate::devices::recording`].
#[derive(Debug, Error, Serialize, Deserialize)]
pub enum DeviceError {
    /// Nothing came.
    #[error("{device}: waited {waited} cycles for {what}, in vain (core at cycle {at}, {detail})")]
    Timeout {
        /// The device.
        device: String,
        /// What was awaited.
        what: String,
        /// Cycles waited.
        waited: u64,
        /// Cycle of the core when the wait ended.
        at: u64,
        /// Words still to be sent and words received.
        detail: String,
    },
    /// A register did not answer as AXI4-Lite demands.
    #[error("{device}: {access} register {register} at {offset:#04x}: {got}, expected {expected}")]
    Register {
        /// The device.
        device: String,
        /// "reading" or "writing".
        access: Box<str>,
        /// Register name.
        register: String,
        /// Byte offset.
        offset: u32,
        /// What happened.
        got: Box<str>,
        /// What should have happened.
        expected: Box<str>,
    },
    /// The simulated core stopped.
    #[error("{device}: the simulation stopped at cycle {at}: {message}")]
    Stopped {
        /// The device.
        device: String,
        /// Cycle.
        at: u64,
        /// The simulator's message.
        message: String,
    },
    /// The device does not answer any more, or answers like something else.
    #[error(
        "{device}: gone while waiting for {what}: register magic reads {magic:#010x}, expected {MAGIC:#010x}"
    )]
    Gone {
        /// The device.
        device: String,
        /// What was awaited.
        what: String,
        /// Value read.
        magic: u32,
    },
    /// The way to the device is broken.
    #[error("{device}: {action} failed: {source}")]
    Io {
        /// The device.
        device: String,
        /// What was tried.
        action: String,
        /// Cause.
        #[serde(with = "as_text")]
        source: std::io::Error,
    },
    /// The card has no DMA engine that this driver knows.
    #[error(
        "{device}: the {block} at {at:#06x} identifies itself as {got:#010x}, expected {expected:#010x}"
    )]
    Engine {
        /// The device.
        device: String,
        /// Register block.
        block: Box<str>,
        /// Its offset.
        at: u64,
        /// Identifier read.
        got: u32,
        /// Identifier without version.
        expected: u32,
    },
    /// The DMA engine reports an error.
    #[error(
        "{device}: the {channel} channel stopped at descriptor {descriptor} at {address:#x}: {said} (status \
         {status:#010x})"
    )]
    Transfer {
        /// The device.
        device: String,
        /// "H2C" or "C2H".
        channel: Box<str>,
        /// Status register.
        status: u32,
        /// Its errors in words.
        said: String,
        /// Descriptors completed before.
        descriptor: u32,
        /// Address of that descriptor on the card's side.
        address: u64,
    },
    /// A packet without words.
    #[error("{device}: a packet needs at least one word, got none")]
    Empty {
        /// The device.
        device: String,
    },
    /// A recording that says something else than what is asked of it.
    #[error("{device}: line {line} of {path} records {recorded}, this run {asked}")]
    Diverged {
        /// The device.
        device: String,
        /// Recording.
        path: String,
        /// Its line, from 1.
        line: u64,
        /// What was done then.
        recorded: String,
        /// What is done now.
        asked: String,
    },
    /// A recording that cannot be read on.
    #[error("{device}: line {line} of {path}: {what}")]
    Recording {
        /// The device.
        device: String,
        /// Recording.
        path: String,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// A waveform file.
    #[error("{device}: cannot write the waveform {path}: {message}")]
    Wave {
        /// The device.
        device: String,
        /// File.
        path: String,
        /// Cause.
        message: String,
    },
}

/// Faults that the way to a core has got over by itself, without a session noticing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Completions seen without the interrupt that should have told them.
    pub lost_interrupts: u64,
    /// Packets dropped after a reset: results of an earlier run.
    pub stale_packets: u64,
    /// Requests sent once more, because they or their answers were damaged or lost.
    pub repeats: u64,
}

/// A running core. Words and registers are those of `spikegate_contract::{packet, csr}`.
pub trait Device {
    /// What this device is, for messages: "Verilated core out/demo/spikegate.v".
    fn name(&self) -> &str;

    /// Reads the register at a byte offset.
    ///
    /// # Errors
    /// The register does not answer, or answers with an error.
    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError>;

    /// Writes the register at a byte offset.
    ///
    /// # Errors
    /// The register does not answer, or answers with an error.
    fn write_csr(&mut self, offset: u32, value: u32) -> Result<(), DeviceError>;

    /// Queues one packet for the core. It returns at once; the words leave while the core runs.
    ///
    /// # Errors
    /// An empty packet, or a device that is gone.
    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError>;

    /// Queues packets in order, in as few transfers as the way to the core allows.
    ///
    /// # Errors
    /// As [`Device::send`].
    fn send_all(&mut self, packets: &[Vec<u32>]) -> Result<(), DeviceError> {
        packets.iter().try_for_each(|packet| self.send(packet))
    }

    /// Waits until the core has taken every queued word.
    ///
    /// # Errors
    /// It does not do so in time.
    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError>;

    /// Waits for the next packet of the core.
    ///
    /// # Errors
    /// None comes in time.
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError>;

    /// Resets the core and drops what is queued in both directions. Memories keep what they hold.
    ///
    /// # Errors
    /// The device is gone.
    fn reset(&mut self) -> Result<(), DeviceError>;

    /// A number that nobody can foresee, at which a session begins to count its images on the streams, so that a result of
    /// an earlier session is never taken for one of this. A replay gives the one that was drawn when it was recorded.
    ///
    /// # Errors
    /// The recording ends, or goes on differently.
    fn draw(&mut self) -> Result<u32, DeviceError> {
        // The standard library's only source of chance.
        Ok(RandomState::new().build_hasher().finish() as u32)
    }

    /// How the core is reached, and how fast that is where it is known: "PCIe gen 2 x4".
    fn link(&mut self) -> String {
        "in this process".to_owned()
    }

    /// Bytes a second that the link carries at most, where a program takes its time for that: a serial line's.
    fn link_rate(&self) -> Option<u64> {
        None
    }

    /// Faults got over so far.
    fn recovered(&self) -> Recovered {
        Recovered::default()
    }
}

impl<D: Device + ?Sized> Device for Box<D> {
    fn name(&self) -> &str {
        (**self).name()
    }
    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        (**self).read_csr(offset)
    }
    fn write_csr(&mut self, offset: u32, value: u32) -> Result<(), DeviceError> {
        (**self).write_csr(offset, value)
    }
    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        (**self).send(packet)
    }
    fn send_all(&mut self, packets: &[Vec<u32>]) -> Result<(), DeviceError> {
        (**self).send_all(packets)
    }
    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        (**self).flush(wait)
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        (**self).receive(wait)
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        (**self).reset()
    }
    fn draw(&mut self) -> Result<u32, DeviceError> {
        (**self).draw()
    }
    fn link(&mut self) -> String {
        (**self).link()
    }
    fn link_rate(&self) -> Option<u64> {
        (**self).link_rate()
    }
    fn recovered(&self) -> Recovered {
        (**self).recovered()
    }
}

/// Name of the register at a byte offset.
pub fn register_name(offset: u32) -> String {
    csr::TABLE.iter().find(|c| c.offset == offset).map_or_else(|| "(none)".to_owned(), |c| c.name.to_owned())
}

impl Failure for DeviceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Gone { .. } | Self::Io { .. } | Self::Engine { .. } => Kind::Missing,
            Self::Empty { .. } => Kind::Bug,
            Self::Wave { .. } | Self::Diverged { .. } | Self::Recording { .. } => Kind::Input,
            _ => Kind::Check,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Timeout { .. } => {
                Some("the program and the hardware may not belong together: compile the model again".into())
            }
            Self::Register { .. } => Some("is this a SpikeGate core?".into()),
            Self::Stopped { .. } | Self::Transfer { .. } => Some("open the device again".into()),
            Self::Gone { .. } => Some("check the card and its driver, then open it again".into()),
            Self::Io { .. } => Some("is the device still there? open it again".into()),
            Self::Engine { .. } => {
                Some("load hardware with an XDMA engine, one AXI4-Stream channel each way".into())
            }
            Self::Diverged { .. } => {
                Some("replay it with the same version, design, verb and arguments".into())
            }
            Self::Recording { .. } => Some("the file is cut or damaged".into()),
            Self::Empty { .. } | Self::Wave { .. } => None,
        }
    }
}

/// An I/O error in a recording: its text, for its kind matters to nobody behind a device.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::io::Error;

    pub fn serialize<S: Serializer>(error: &Error, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(error)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Error, D::Error> {
        String::deserialize(from).map(Error::other)
    }
}
