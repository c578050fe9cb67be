//! The character devices of the vendor's XDMA driver: `/dev/xdmaN_user`, `_h2c_0`, `_c2h_0`.
//!
//! A write to `h2c_0` is one packet; a read from `c2h_0` blocks until one has come and returns its bytes. Both block
//! in the kernel, so each has a thread; registers are words of `user`.
//!
//! A read asks for one page, aligned, which the driver turns into one descriptor. With more descriptors it would wait
//! until all are full, or (opened with `O_TRUNC`) lose the beginning of a packet that follows at once.

use memmap2::MmapMut;
use rustix::fs::{fcntl_setfl, OFlags};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::entry::{self, Entry};
use super::error::OpenError;
use super::lock::lock;
use super::patience::{Pace, Patience, Progress};
use crate::device::{Device, DeviceError, Wait};
use spikegate_contract::csr::{offset, CONTROL_RESET};
use spikegate_contract::frame::EXTRA;

/// Most bytes of a frame: a device that announces more is not one.
const PACKET_BYTES: usize = 256 << 20;
/// Packets of an earlier run after which a reset has not worked.
const STALE: u32 = 10_000;
/// Between two reads that give nothing.
const EMPTY: Duration = Duration::from_millis(1);

/// Bytes asked for at a time: a page. A frame goes on if a read fills it and the frame announces more.
const READ_BYTES: usize = 4096;

const PACE: Pace = Pace::USUAL;

/// For the table of devices.
pub const ENTRY: Entry = Entry {
    scheme: "xdma",
    example: "xdma:0",
    help: "a PCIe card behind the vendor's driver, /dev/xdma0_* (xdma:/path/xdma0 for files of other names)",
    read: |rest| match rest {
        "" => None,
        number if number.bytes().all(|b| b.is_ascii_digit()) => Some(format!("/dev/xdma{number}")),
        path => path.contains('/').then(|| path.to_owned()),
    },
    file: entry::no_file,
    open: |prefix, _| Ok(Box::new(Files::open(prefix.as_ref())?)),
};

/// A card through the driver's files.
#[derive(Debug)]
pub struct Files {
    name: String,
    user: File,
    packets: Sender<Vec<u8>>,
    written: Receiver<io::Result<usize>>,
    /// Packets that the driver has not yet taken.
    waiting: usize,
    requests: Sender<()>,
    replies: Receiver<io::Result<Vec<u32>>>,
    /// Whether the reader is at work.
    reading: bool,
    /// Resets so far: what a read had got of a packet before one is not continued behind it.
    resets: Arc<AtomicU64>,
    ready: VecDeque<Vec<u32>>,
    /// Bytes sent and received, for the deadline.
    moved: u64,
}

impl Files {
    /// Opens the files whose names begin with `prefix`.
    ///
    /// # Errors
    /// One is not there or cannot be opened.
    pub fn open(prefix: &Path) -> Result<Self, OpenError> {
        let name = format!("XDMA device {}", prefix.display());
        let path = |part: &str| {
            let mut path = prefix.as_os_str().to_owned();
            path.push(part);
            PathBuf::from(path)
        };
        let user = open(&path("_user"), true, true)?;
        lock(&user, &name)?;
        let (h2c, c2h) = (open(&path("_h2c_0"), false, true)?, open(&path("_c2h_0"), true, false)?);
        let (packets, jobs) = mpsc::channel();
        let (done, written) = mpsc::channel();
        std::thread::spawn(move || write_packets(&h2c, &jobs, &done));
        let (requests, wanted) = mpsc::channel();
        let (reply, replies) = mpsc::channel();
        let resets = Arc::new(AtomicU64::new(0));
        let seen = resets.clone();
        std::thread::spawn(move || read_packets(&c2h, &seen, &wanted, &reply));
        Ok(Self {
            name,
            user,
            packets,
            written,
            waiting: 0,
            requests,
            replies,
            reading: false,
            resets,
            ready: VecDeque::new(),
            moved: 0,
        })
    }

    fn failed(&self, action: &str, source: io::Error) -> DeviceError {
        DeviceError::Io { device: self.name.clone(), action: action.to_owned(), source }
    }

    fn ended(&self, action: &str) -> DeviceError {
        self.failed(action, io::Error::other("its thread has ended"))
    }

    /// Takes what the writer has done.
    fn settle(&mut self, result: io::Result<usize>) -> Result<(), DeviceError> {
        self.waiting -= 1;
        self.moved += result.map_err(|e| self.failed("sending a packet", e))? as u64;
        Ok(())
    }

    /// Takes what the reader has got.
    fn accept(&mut self, result: io::Result<Vec<u32>>) -> Result<(), DeviceError> {
        self.reading = false;
        match result {
            Ok(packet) if !packet.is_empty() => {
                self.moved += 4 * packet.len() as u64;
                self.ready.push_back(packet);
                Ok(())
            }
            Ok(_) => Ok(()),
            // The driver gives up after some seconds without a packet; the deadline is ours.
            Err(error) if gave_up(&error) => Ok(()),
            Err(error) => Err(self.failed("receiving a packet", error)),
        }
    }

    /// Asks for a packet, unless that has been done.
    fn ask(&mut self) -> Result<(), DeviceError> {
        if !self.reading {
            self.requests.send(()).map_err(|_| self.ended("receiving a packet"))?;
            self.reading = true;
        }
        Ok(())
    }

    /// Nothing came for a while: whether to go on waiting.
    fn look(&mut self, patience: &mut Patience<'_>) -> Result<(), DeviceError> {
        let (transferred, all_taken) = (self.moved, self.waiting == 0);
        let detail = format!("{} packets not yet taken by the driver", self.waiting);
        patience.check(self, Progress { transferred, all_taken, detail: &detail })
    }
}

/// Opens a character device, or a file that stands for one; nothing else, which might block or be damaged.
fn open(path: &Path, read: bool, write: bool) -> Result<File, OpenError> {
    let device = || path.display().to_string();
    let failed = |source| OpenError::Io { device: device(), action: "opening", source };
    // Not waiting: a pipe would wait for its other end.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(read).write(write).custom_flags(flags).open(path).map_err(failed)?;
    let kind = file.metadata().map_err(failed)?.file_type();
    if !(kind.is_char_device() || kind.is_file()) {
        return Err(OpenError::Unsuitable { device: device(), what: "it is no character device".to_owned() });
    }
    fcntl_setfl(&file, OFlags::empty()).map_err(|error| failed(error.into()))?;
    Ok(file)
}

/// Errors with which the driver ends a read without a packet.
fn gave_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
        || error.raw_os_error() == Some(512) // ERESTARTSYS, which the driver lets out
}

/// Writes packets until there is nobody to send any.
fn write_packets(file: &File, jobs: &Receiver<Vec<u8>>, done: &Sender<io::Result<usize>>) {
    for packet in jobs {
        let result = match file.write_at(&packet, 0) {
            // The rest would be another packet.
            Ok(n) if n < packet.len() => {
                let message = format!("the driver took {n} of {} bytes", packet.len());
                Err(io::Error::new(io::ErrorKind::WriteZero, message))
            }
            other => other,
        };
        if done.send(result).is_err() {
            return;
        }
    }
}

/// Reads a packet per request.
fn read_packets(
    file: &File,
    resets: &AtomicU64,
    wanted: &Receiver<()>,
    reply: &Sender<io::Result<Vec<u32>>>,
) {
    // Mapped, because that is aligned to a page.
    let mut page = MmapMut::map_anon(READ_BYTES);
    for () in wanted {
        let packet = match &mut page {
            Ok(page) => read_packet(file, resets, page),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        if reply.send(packet).is_err() {
            return;
        }
    }
}

/// Words that a frame announces; none before it has.
fn announced(frame: &[u32]) -> Option<usize> {
    frame.get(1).map(|&words| (words as usize).saturating_add(EXTRA))
}

fn read_packet(file: &File, resets: &AtomicU64, page: &mut [u8]) -> io::Result<Vec<u32>> {
    let mut packet: Vec<u32> = Vec::new();
    let mut seen = resets.load(Ordering::SeqCst);
    loop {
        let bytes = file.read_at(page, 0)?;
        let now = resets.load(Ordering::SeqCst);
        if now != seen {
            packet.clear();
            seen = now;
        }
        let word = |four: &[u8]| four.iter().rev().fold(0, |w, &b| w << 8 | u32::from(b));
        packet.extend(page[..bytes].chunks(4).map(word));
        let whole = announced(&packet).is_some_and(|words| packet.len() >= words);
        if bytes < page.len() || whole {
            return Ok(packet);
        }
        if 4 * packet.len() > PACKET_BYTES {
            let message = format!("a frame of over {PACKET_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What the writer still has would reach the core in the next one's session. A driver that takes nothing for so
        // long is stuck, and its files with it.
        while self.waiting > 0 && self.written.recv_timeout(Duration::from_secs(1)).is_ok() {
            self.waiting -= 1;
        }
    }
}

impl Device for Files {
    fn name(&self) -> &str {
        &self.name
    }

    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        let mut word = [0; 4];
        let read = self.user.read_exact_at(&mut word, offset.into());
        read.map_err(|e| self.failed("reading a register", e))?;
        Ok(u32::from_le_bytes(word))
    }

    fn write_csr(&mut self, offset: u32, value: u32) -> Result<(), DeviceError> {
        let written = self.user.write_all_at(&value.to_le_bytes(), offset.into());
        written.map_err(|e| self.failed("writing a register", e))
    }

    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        if packet.is_empty() {
            return Err(DeviceError::Empty { device: self.name.clone() });
        }
        let bytes = packet.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.packets.send(bytes).map_err(|_| self.ended("sending a packet"))?;
        self.waiting += 1;
        while let Ok(result) = self.written.try_recv() {
            self.settle(result)?;
        }
        Ok(())
    }

    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        let mut patience = Patience::new(wait, PACE);
        while self.waiting > 0 {
            match self.written.recv_timeout(PACE.glance) {
                Ok(result) => self.settle(result)?,
                Err(RecvTimeoutError::Timeout) => self.look(&mut patience)?,
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended("sending a packet")),
            }
        }
        Ok(())
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        let mut patience = Patience::new(wait, PACE);
        let mut looked = Instant::now();
        loop {
            if let Some(packet) = self.ready.pop_front() {
                return Ok(packet);
            }
            self.ask()?;
            match self.replies.recv_timeout(PACE.glance.saturating_sub(looked.elapsed())) {
                Ok(result) => {
                    self.accept(result)?;
                    if self.ready.is_empty() {
                        // A read without a packet is silence too, however soon it ends.
                        std::thread::sleep(EMPTY);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended("receiving a packet")),
            }
            if self.ready.is_empty() && looked.elapsed() >= PACE.glance {
                while let Ok(result) = self.written.try_recv() {
                    self.settle(result)?;
                }
                self.look(&mut patience)?;
                looked = Instant::now();
            }
        }
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.write_csr(offset("control"), CONTROL_RESET)?;
        // Packets that the writer still has would follow the reset: they go first, or the device is stuck.
        while self.waiting > 0 {
            match self.written.recv_timeout(Duration::from_secs(1)) {
                Ok(_) => self.waiting -= 1,
                Err(_) => return Err(self.failed("resetting", io::Error::from(io::ErrorKind::TimedOut))),
            }
        }
        self.write_csr(offset("control"), CONTROL_RESET)?;
        self.resets.fetch_add(1, Ordering::SeqCst);
        self.ready.clear();
        // Results of an earlier run that the driver still holds. The read that finds none stays for the next packet.
        for _ in 0..STALE {
            self.ask()?;
            match self.replies.recv_timeout(PACE.drain) {
                // What came is dropped; that it could not be read is not.
                Ok(Err(error)) if !gave_up(&error) => return Err(self.failed("resetting", error)),
                Ok(_) => self.reading = false,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended("receiving a packet")),
            }
        }
        Err(self.failed("resetting", io::Error::other("packets come without end")))
    }

    fn link(&mut self) -> String {
        let files = "files of the XDMA driver".to_owned();
        // What the kernel says about the function behind the device.
        let known = self.user.metadata().ok().and_then(|file| {
            let (major, minor) = (rustix::fs::major(file.rdev()), rustix::fs::minor(file.rdev()));
            let folder = PathBuf::from(format!("/sys/dev/char/{major}:{minor}/device"));
            let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
            Some((read("current_link_speed")?, read("current_link_width")?))
        });
        match known {
            Some((speed, width)) if !speed.starts_with("Unknown") => {
                format!("{files}, PCIe {} x{}", speed.trim(), width.trim())
            }
            _ => files,
        }
    }
}
