//! A device whose every exchange is written to a file, so that [`replay`](super::replay) gives it again without the
//! device: what went wrong on a board can be looked at anywhere.

use serde::Serialize;
use spikegate_contract::link;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::OpenError;
use super::recording::{Asked, Exchange, Head, Sent, Words, VERSION};
use crate::device::{Device, DeviceError, Recovered, Wait};

/// Makes the file of a recording.
///
/// # Errors
/// It cannot be made, or is there already: nothing is ever overwritten.
pub fn make(path: &Path) -> Result<File, OpenError> {
    let device = || path.display().to_string();
    let failed = |source| OpenError::Io { device: device(), action: "making the recording", source };
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    made.map_err(|e| failed(link::explained(path, e)))
}

/// Removes a recording in which nothing stands, unless its name leads to another file by now.
pub fn forget(path: &Path, file: &File) {
    let is_it = file.metadata().ok().zip(std::fs::symlink_metadata(path).ok());
    if is_it.is_some_and(|(own, named)| (own.dev(), own.ino()) == (named.dev(), named.ino())) {
        // What stays is empty, and said to be there the next time.
        let _ = std::fs::remove_file(path);
    }
}

/// A device that is recorded.
#[derive(Debug)]
pub struct Recorder<D: Device> {
    device: D,
    path: PathBuf,
    file: File,
}

impl<D: Device> Recorder<D> {
    /// Records a device in an empty file, see [`make`]; `path` names it in messages.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(device: D, path: &Path, file: File) -> Result<Self, DeviceError> {
        let head = Head { spikegate_recording: VERSION, device: device.name().to_owned() };
        let mut new = Self { device, path: path.to_owned(), file };
        new.line(&head)?;
        Ok(new)
    }

    fn line(&mut self, what: &impl Serialize) -> Result<(), DeviceError> {
        // At once: whoever ends now loses nothing, and what cannot be written shows.
        let mut write = || -> io::Result<()> {
            let mut line = serde_json::to_vec(what)?;
            line.push(b'\n');
            self.file.write_all(&line)
        };
        write().map_err(|source| self.cannot(source))
    }

    /// Writes down what came of a request, and gives it back.
    fn keep<T: Serialize>(&mut self, asked: Asked, got: Result<T, DeviceError>) -> Result<T, DeviceError> {
        self.line(&Exchange { asked: &asked, got: &got })?;
        got
    }

    fn cannot(&self, source: io::Error) -> DeviceError {
        let action = format!("recording it in {}", self.path.display());
        DeviceError::Io { device: self.device.name().to_owned(), action, source }
    }
}

impl<D: Device> Device for Recorder<D> {
    fn name(&self) -> &str {
        self.device.name()
    }

    fn read_csr(&mut self, at: u32) -> Result<u32, DeviceError> {
        let got = self.device.read_csr(at);
        self.keep(Asked::Read { at }, got)
    }

    fn write_csr(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        let got = self.device.write_csr(at, value);
        self.keep(Asked::Write { at, value }, got)
    }

    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        let got = self.device.send(packet);
        self.keep(Asked::Send(vec![Sent::of(packet)]), got)
    }

    fn send_all(&mut self, packets: &[Vec<u32>]) -> Result<(), DeviceError> {
        let got = self.device.send_all(packets);
        self.keep(Asked::Send(packets.iter().map(|packet| Sent::of(packet)).collect()), got)
    }

    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        let got = self.device.flush(wait);
        self.keep(Asked::Flush, got)
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        let got = self.device.receive(wait).map(Words);
        self.keep(Asked::Receive, got).map(|words| words.0)
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        let got = self.device.reset();
        self.keep(Asked::Reset, got)
    }

    fn draw(&mut self) -> Result<u32, DeviceError> {
        let got = self.device.draw();
        self.keep(Asked::Draw, got)
    }

    fn link(&mut self) -> String {
        let got = self.device.link();
        // A file that cannot be written shows at the next exchange.
        let _ = self.line(&Exchange { asked: Asked::Link, got: Ok::<_, DeviceError>(&got) });
        got
    }

    fn link_rate(&self) -> Option<u64> {
        self.device.link_rate()
    }

    fn recovered(&self) -> Recovered {
        self.device.recovered()
    }
}
