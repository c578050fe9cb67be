//! What a driver asks of a card, out of messages that it may have made up.

use rustix::io::Errno;
use std::os::fd::OwnedFd;

use super::message::{command, Fields, Message, TRANSFER, VERSION_BYTES};

/// Why a request is refused: in words, and as the number that the reply tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For the log.
    pub what: String,
    /// For the driver.
    pub error: Errno,
}

impl Refusal {
    /// A request that is not as it should be.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self { what: what.into(), error: Errno::INVAL }
    }
}

/// A request whose sizes are right.
#[derive(Debug)]
pub enum Request<'a> {
    /// The driver's process, if it names one.
    Version {
        process: Option<u64>,
    },
    DmaMap {
        offset: u64,
        address: u64,
        bytes: u64,
        file: Option<OwnedFd>,
    },
    DmaUnmap {
        flags: u32,
        address: u64,
        bytes: u64,
    },
    GetInfo,
    GetRegionInfo {
        index: u32,
    },
    GetIrqInfo {
        index: u32,
    },
    /// Vectors `start..start + count` go to these files, in order; to none where they end.
    SetIrqs {
        index: u32,
        flags: u32,
        start: u32,
        count: u32,
        files: Vec<OwnedFd>,
    },
    RegionRead {
        region: u32,
        offset: u64,
        bytes: usize,
    },
    RegionWrite {
        region: u32,
        offset: u64,
        data: &'a [u8],
    },
    Reset,
}

impl<'a> Request<'a> {
    /// Takes a message apart.
    ///
    /// # Errors
    /// It is no request, of no known command, or its sizes are wrong.
    pub fn parse(message: &'a mut Message) -> Result<Self, Refusal> {
        let (is_request, number) = (message.is_request(), message.command);
        let body = &message.body[..];
        let files = std::mem::take(&mut message.files);
        if !is_request {
            return Err(Refusal::invalid("a reply to nothing"));
        }
        let exactly = |expected: usize| match body.len() {
            got if got == expected => Ok(Fields(body)),
            got => Err(Refusal::invalid(format!("{got} bytes, expected {expected}"))),
        };
        let most = |limit: usize| match files.len() {
            got if got <= limit => Ok(()),
            got => Err(Refusal::invalid(format!("{got} files, expected at most {limit}"))),
        };
        if !matches!(number, command::SET_IRQS) {
            most(usize::from(number == command::DMA_MAP))?;
        }
        Ok(match number {
            command::VERSION => Self::Version { process: version(body)? },
            command::DMA_MAP => {
                let mut fields = exactly(32)?;
                let (_size, _flags) = (fields.u32(), fields.u32());
                let (offset, address, bytes) = (fields.u64(), fields.u64(), fields.u64());
                Self::DmaMap { offset, address, bytes, file: files.into_iter().next() }
            }
            command::DMA_UNMAP => {
                let mut fields = exactly(24)?;
                let (_size, flags) = (fields.u32(), fields.u32());
                Self::DmaUnmap { flags, address: fields.u64(), bytes: fields.u64() }
            }
            command::GET_INFO => exactly(16).map(|_| Self::GetInfo)?,
            command::GET_REGION_INFO => {
                let mut fields = exactly(32)?;
                let (_size, _flags) = (fields.u32(), fields.u32());
                Self::GetRegionInfo { index: fields.u32() }
            }
            command::GET_IRQ_INFO => {
                let mut fields = exactly(16)?;
                let (_size, _flags) = (fields.u32(), fields.u32());
                Self::GetIrqInfo { index: fields.u32() }
            }
            command::SET_IRQS => {
                let mut fields = exactly(20)?;
                let (_size, flags, index) = (fields.u32(), fields.u32(), fields.u32());
                Self::SetIrqs { index, flags, start: fields.u32(), count: fields.u32(), files }
            }
            command::REGION_READ => {
                let mut fields = exactly(16)?;
                let (offset, region, bytes) = (fields.u64(), fields.u32(), fields.u32() as usize);
                if bytes > TRANSFER {
                    return Err(Refusal::invalid(format!(
                        "{bytes} bytes wanted, expected at most {TRANSFER}"
                    )));
                }
                Self::RegionRead { region, offset, bytes }
            }
            command::REGION_WRITE => {
                let (head, data) = body.split_at(body.len().min(16));
                let mut fields = Fields(head);
                let (offset, region, bytes) = (fields.u64(), fields.u32(), fields.u32() as usize);
                if head.len() < 16 || data.len() != bytes {
                    let what = format!("{} bytes for a write of {bytes}, expected 16 more", body.len());
                    return Err(Refusal::invalid(what));
                }
                Self::RegionWrite { region, offset, data }
            }
            command::RESET => exactly(0).map(|_| Self::Reset)?,
            other => {
                let what = format!("command {other}, which is not served here");
                return Err(Refusal { what, error: Errno::OPNOTSUPP });
            }
        })
    }
}

/// The process that version data name. They are a version, and JSON with a final zero; or a version alone.
fn version(body: &[u8]) -> Result<Option<u64>, Refusal> {
    if body.len() < 4 || body.len() > VERSION_BYTES {
        return Err(Refusal::invalid(format!("{} bytes, expected 4 to {VERSION_BYTES}", body.len())));
    }
    let mut fields = Fields(body);
    let (major, minor) = (fields.u16(), fields.u16());
    if major != 0 {
        return Err(Refusal::invalid(format!("version {major}.{minor}, expected 0.x")));
    }
    let Some((last, json)) = fields.0.split_last() else { return Ok(None) };
    if *last != 0 {
        return Err(Refusal::invalid("text without a final zero"));
    }
    let said: serde_json::Value =
        serde_json::from_slice(json).map_err(|error| Refusal::invalid(format!("no JSON: {error}")))?;
    Ok(said.get("process").and_then(serde_json::Value::as_u64))
}
