//! What a recording of a device holds, and its form.
//!
//! A text of JSON, a line an entry: first a [`Head`], then every [`Exchange`] in order with what came of it. Packets
//! from the core are there whole. Of packets to the core there are length and CRC: enough to tell whether they are the
//! same again, and neither the weights nor the images leave the house with the recording.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use spikegate_contract::frame::crc;
use std::fmt;

use crate::device::register_name;

/// Version of the form.
pub const VERSION: u32 = 1;
/// Most bytes of a line: a packet of seven million words.
pub const LINE_BYTES: u64 = 64 << 20;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// [`VERSION`].
    pub spikegate_recording: u32,
    /// What the device called itself.
    pub device: String,
}

/// Every other line: what was asked of the device, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange<A, G> {
    /// An [`Asked`].
    pub asked: A,
    /// `Result<T, DeviceError>`, T as the method of [`Device`](crate::device::Device) gives it, packets as [`Words`].
    pub got: G,
}

/// What was asked of a device: a method of [`Device`](crate::device::Device) with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Asked {
    /// A register.
    Read {
        /// Byte offset.
        at: u32,
    },
    /// That a register be written.
    Write {
        /// Byte offset.
        at: u32,
        /// What.
        value: u32,
    },
    /// That packets be queued, in order.
    Send(Vec<Sent>),
    /// That the core take all of them.
    Flush,
    /// A packet.
    Receive,
    /// A reset.
    Reset,
    /// A number to begin at.
    Draw,
    /// How the core is reached.
    Link,
}

/// For messages.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { at } => write!(f, "reads register {}", register_name(*at)),
            Self::Write { at, value } => write!(f, "writes {value:#x} to register {}", register_name(*at)),
            Self::Send(packets) => match packets.as_slice() {
                [Sent { words, crc }] => write!(f, "sends a packet of {words} words, CRC {crc:08x}"),
                all => {
                    let together = all.iter().fold(0, |sum: u32, sent| sum.rotate_left(1) ^ sent.crc);
                    write!(f, "sends {} packets, CRCs together {together:08x}", all.len())
                }
            },
            Self::Flush => f.write_str("waits until all is sent"),
            Self::Receive => f.write_str("waits for a packet"),
            Self::Reset => f.write_str("resets the core"),
            Self::Draw => f.write_str("draws a number"),
            Self::Link => f.write_str("asks how the core is reached"),
        }
    }
}

/// A packet to the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// Words.
    pub words: usize,
    /// Their CRC32.
    pub crc: u32,
}

impl Sent {
    /// Of these words.
    pub fn of(packet: &[u32]) -> Self {
        Self { words: packet.len(), crc: crc(packet) }
    }
}

/// A packet from the core: eight hexadecimal digits a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(pub Vec<u32>);

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.iter().map(|word| format!("{word:08x}")).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let word = |eight: &[u8]| {
            let digits = eight.len() == 8 && eight.iter().all(u8::is_ascii_hexdigit);
            let text = std::str::from_utf8(eight).ok().filter(|_| digits)?;
            u32::from_str_radix(text, 16).ok()
        };
        let words: Option<Vec<u32>> = text.as_bytes().chunks(8).map(word).collect();
        words.map(Self).ok_or_else(|| serde::de::Error::custom("words that are not eight hexadecimal digits"))
    }
}
