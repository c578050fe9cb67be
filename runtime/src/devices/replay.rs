//! A recording as a device: it answers as the recorded one did, as long as it is asked the same.
//!
//! The file may come from anybody: it is read line by line, each of bounded length, and a text that could command a
//! terminal is refused. What it does not say, nobody makes up: a request that is not the recorded one is an error that
//! names both.

use serde::de::DeserializeOwned;
use spikegate_contract::bundle::{read, BundleError};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::entry::{self, Entry};
use super::error::OpenError;
use super::recording::{Asked, Exchange, Head, Sent, Words, LINE_BYTES, VERSION};
use crate::device::{Device, DeviceError, Wait};

/// For the table of devices.
pub const ENTRY: Entry = Entry {
    scheme: "replay",
    example: "replay:FILE",
    help: "a recording that was made with record:FILE=DEVICE, in the place of that device",
    read: entry::path,
    file: |path| Some(path.into()),
    open: |path, _| Ok(Box::new(Replay::open(path.as_ref())?)),
};

/// A recorded device.
#[derive(Debug)]
pub struct Replay {
    name: String,
    path: PathBuf,
    file: BufReader<File>,
    /// Number of the line that was read last.
    line: u64,
}

impl Replay {
    /// Opens a recording.
    ///
    /// # Errors
    /// It cannot be read, is no regular file, or no recording of this version.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let device = || format!("recording {}", path.display());
        let failed = |source| OpenError::Io { device: device(), action: "opening", source };
        let unsuitable = |what: String| OpenError::Unsuitable { device: device(), what };
        // Not waiting: a pipe would wait for its other end.
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(unsuitable("it is no regular file".to_owned()));
        }
        let mut new = Self { name: device(), path: path.to_owned(), file: BufReader::new(file), line: 0 };
        let none = || unsuitable("it is no recording, which begins with spikegate_recording".to_owned());
        let head = new.next_line().map_err(failed)?.ok_or_else(none)?;
        let Head { spikegate_recording: version, device } = read::json(path, &head).map_err(|_| none())?;
        if version != VERSION {
            return Err(unsuitable(format!("it is a recording of version {version}, expected {VERSION}")));
        }
        new.name = format!("recording {} of {device}", path.display());
        Ok(new)
    }

    /// The next line with its end; none behind the last, or where it is cut or longer than any.
    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.line += 1;
        let mut line = Vec::new();
        self.file.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)?;
        Ok(line.ends_with(b"\n").then_some(line))
    }

    fn damaged(&self, what: impl Into<String>) -> DeviceError {
        let (device, path) = (self.name.clone(), self.path.display().to_string());
        DeviceError::Recording { device, path, line: self.line, what: what.into() }
    }

    /// What came of the next request, which must be this one.
    fn next<T: DeserializeOwned>(&mut self, asked: &Asked) -> Result<T, DeviceError> {
        let line = self.next_line().map_err(|e| self.damaged(e.to_string()))?;
        let line = line.ok_or_else(|| self.damaged(format!("nothing more where this run {asked}")))?;
        let exchange = read::json(&self.path, &line).map_err(|error| match error {
            BundleError::Json { source, .. } => self.damaged(source.to_string()),
            _ => self.damaged("it holds characters that command a terminal"),
        })?;
        let Exchange::<Asked, serde_json::Value> { asked: recorded, got } = exchange;
        if recorded != *asked {
            return Err(DeviceError::Diverged {
                device: self.name.clone(),
                path: self.path.display().to_string(),
                line: self.line,
                recorded: recorded.to_string(),
                asked: asked.to_string(),
            });
        }
        serde_json::from_value::<Result<T, DeviceError>>(got).map_err(|e| self.damaged(e.to_string()))?
    }
}

impl Device for Replay {
    fn name(&self) -> &str {
        &self.name
    }

    fn read_csr(&mut self, at: u32) -> Result<u32, DeviceError> {
        self.next(&Asked::Read { at })
    }

    fn write_csr(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        self.next(&Asked::Write { at, value })
    }

    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        self.next(&Asked::Send(vec![Sent::of(packet)]))
    }

    fn send_all(&mut self, packets: &[Vec<u32>]) -> Result<(), DeviceError> {
        self.next(&Asked::Send(packets.iter().map(|packet| Sent::of(packet)).collect()))
    }

    fn flush(&mut self, _: &Wait) -> Result<(), DeviceError> {
        self.next(&Asked::Flush)
    }

    fn receive(&mut self, _: &Wait) -> Result<Vec<u32>, DeviceError> {
        self.next(&Asked::Receive).map(|words: Words| words.0)
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.next(&Asked::Reset)
    }

    fn draw(&mut self) -> Result<u32, DeviceError> {
        self.next(&Asked::Draw)
    }

    fn link(&mut self) -> String {
        // A recording that goes on otherwise shows at the next exchange.
        let link = self.next(&Asked::Link).unwrap_or_else(|_: DeviceError| "it tells no link".to_owned());
        format!("none: a recording; then: {link}")
    }
}
