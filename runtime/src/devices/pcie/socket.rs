//! A card behind a vfio-user socket: a program that serves one, such as `spikegate card`.

use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::{Duration, Instant};
use vfio_bindings::bindings::vfio::{
    VFIO_DEVICE_FLAGS_PCI, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_DATA_EVENTFD,
    VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_REGION_INFO_FLAG_READ,
    VFIO_REGION_INFO_FLAG_WRITE,
};

use super::bus::{new_events, Bus};
use super::driver::Pcie;
use super::layout::{self, VECTORS};
use super::memory::DmaMemory;
use crate::card::PATH_BYTES;
use crate::device::DeviceError;
use crate::devices::entry::{self, Entry};
use crate::devices::error::OpenError;
use crate::wire::{self, command, words, Connection, Fields, Message, WireError};
use crate::xdma::{DEVICES, DMA_BAR, DMA_BAR_BYTES, USER_BAR, VENDOR};

/// For the table of devices.
pub const ENTRY: Entry = Entry {
    scheme: "vfio-user",
    example: "vfio-user:SOCKET",
    help: "a PCIe card in software, such as `spikegate card` serves, at its socket",
    read: entry::path,
    file: entry::no_file,
    open: |path, _| Ok(Box::new(Pcie::new(Socket::connect(path.as_ref())?)?)),
};

/// Memory space and bus master, in the command register.
const COMMAND: u64 = 0x04;
const ENABLE: u16 = 0x0006;
/// Bytes of the configuration space that are read at most, and of the core's registers.
const CONFIG_BYTES: u64 = 256;
const REGISTER_BYTES: u64 = 4096;
/// In which an answer must come: a register of a large simulated core answers within some seconds.
const WITHIN: Duration = Duration::from_secs(30);
/// Between two tries to reach a server with too many at its door.
const AGAIN: Duration = Duration::from_millis(10);

/// The connection to a card.
pub struct Socket {
    name: String,
    client: Client,
    memory: DmaMemory,
    events: Vec<OwnedFd>,
}

impl Socket {
    /// Connects to the card at `path`, and maps memory and interrupts.
    ///
    /// # Errors
    /// There is no card, or it is another one, or in use, or does not answer.
    pub fn connect(path: &Path) -> Result<Self, OpenError> {
        Self::connect_within(path, WITHIN)
    }

    /// As [`Socket::connect`], to a card that answers everything `within` a time.
    ///
    /// # Errors
    /// As [`Socket::connect`].
    pub fn connect_within(path: &Path, within: Duration) -> Result<Self, OpenError> {
        let name = format!("vfio-user card {}", path.display());
        let io = |source| OpenError::Io { device: name.clone(), action: "connecting", source };
        let failed = |action| {
            let device = name.clone();
            move |fault: Fault| match fault {
                Fault::InUse(holder) => OpenError::Busy { device, holder },
                other => OpenError::Protocol { device, action, cause: other.to_string() },
            }
        };
        let socket = reach(path, within).map_err(|source| match source.kind() {
            io::ErrorKind::InvalidInput => {
                OpenError::Unsuitable { device: name.clone(), what: source.to_string() }
            }
            _ => io(source),
        })?;
        let mut client = Client { connection: Connection::new(socket, within), next: 0, broken: false };
        client.introduce().map_err(failed("connecting"))?;
        client.check_region(VFIO_PCI_CONFIG_REGION_INDEX, CONFIG_BYTES).map_err(failed("looking at it"))?;
        let mut id = [0; 4];
        client.read(VFIO_PCI_CONFIG_REGION_INDEX, 0, &mut id).map_err(failed("reading the ids"))?;
        let (vendor, device) = (u16::from_le_bytes([id[0], id[1]]), u16::from_le_bytes([id[2], id[3]]));
        if vendor != VENDOR || !DEVICES.contains(&device) {
            return Err(OpenError::Ids { device: name, vendor, id: device });
        }
        for (bar, bytes) in [(USER_BAR, REGISTER_BYTES), (DMA_BAR, DMA_BAR_BYTES)] {
            client.check_region(bar, bytes).map_err(failed("looking at it"))?;
        }
        client.check_vectors().map_err(failed("looking at it"))?;
        let enable = ENABLE.to_le_bytes();
        client.write(VFIO_PCI_CONFIG_REGION_INDEX, COMMAND, &enable).map_err(failed("enabling the card"))?;
        let memory = DmaMemory::new(layout::ADDRESS, layout::BYTES).map_err(io)?;
        client.map(&memory).map_err(failed("mapping memory"))?;
        let events = new_events(VECTORS).map_err(io)?;
        for (vector, event) in (0..).zip(&events) {
            client.signal(vector, event).map_err(failed("connecting interrupts"))?;
        }
        Ok(Self { name, client, memory, events })
    }

    fn failed(&self, action: &str, fault: Fault) -> DeviceError {
        let source = match fault {
            Fault::Wire(WireError::Io(source)) => source,
            other => io::Error::other(other),
        };
        DeviceError::Io { device: self.name.clone(), action: action.to_owned(), source }
    }
}

/// Connects, within a time although whoever listens may not take anybody.
fn reach(path: &Path, within: Duration) -> io::Result<OwnedFd> {
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    let bytes = path.as_os_str().as_bytes().len();
    if bytes > PATH_BYTES {
        return Err(wrong(format!("its path has {bytes} bytes, a socket's has at most {PATH_BYTES}")));
    }
    if !std::fs::metadata(path)?.file_type().is_socket() {
        return Err(wrong("the file is no socket".to_owned()));
    }
    let begin = Instant::now();
    loop {
        match wire::connect(path) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Err(_) if begin.elapsed() < within => std::thread::sleep(AGAIN),
            Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody answers there")),
            Ok(socket) => return Ok(socket),
        }
    }
}

/// A card that does not answer as it should.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(
        "an answer to something else: command {command} with number {id}, expected {expected} with {number}"
    )]
    Stranger { command: u16, id: u16, expected: u16, number: u16 },
    #[error("{name} is refused: {error}", name = command::name(*command))]
    Refused { command: u16, error: io::Error },
    #[error("{} is answered by {got} bytes, expected {expected}", command::name(*command))]
    Length { command: u16, got: usize, expected: usize },
    #[error("it says {what}, expected {expected}")]
    Wrong { what: String, expected: String },
    #[error("the connection has failed before")]
    Broken,
    #[error("another driver uses it: {0}")]
    InUse(String),
}

/// One side of the conversation: a request, then its answer.
struct Client {
    connection: Connection,
    next: u16,
    /// An answer did not come or was another one: the next would be taken for it.
    broken: bool,
}

impl Client {
    /// Sends a request; the body of its answer, of at most `most` bytes.
    fn ask(
        &mut self,
        command: u16,
        body: Vec<u8>,
        files: &[BorrowedFd<'_>],
        most: usize,
    ) -> Result<Vec<u8>, Fault> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(Fault::Broken);
        }
        let number = self.next;
        self.next = number.wrapping_add(1);
        let sent = self.connection.send(&Message::request(number, command, body), files);
        // A card in use says so and closes, perhaps before it was asked.
        let answer = match (sent, self.connection.receive(most)) {
            (_, Ok(answer)) => answer,
            (Err(error), Err(_)) | (Ok(()), Err(error)) => return Err(error.into()),
        };
        if answer.is_reply() && answer.command == command::VERSION && answer.error() == Some(Errno::BUSY) {
            let said = std::str::from_utf8(&answer.body).ok().and_then(|text| text.parse::<u32>().ok());
            return Err(Fault::InUse(said.map_or("(unknown)".to_owned(), |process| process.to_string())));
        }
        if !answer.is_reply() || answer.command != command || answer.id != number {
            let (id, expected) = (answer.id, command);
            return Err(Fault::Stranger { command: answer.command, id, expected, number });
        }
        self.broken = false;
        match answer.error() {
            Some(error) => Err(Fault::Refused { command, error: error.into() }),
            None => Ok(answer.body),
        }
    }

    /// As [`Client::ask`], where the answer has exactly `expected` bytes.
    fn exactly(
        &mut self,
        command: u16,
        body: Vec<u8>,
        files: &[BorrowedFd<'_>],
        expected: usize,
    ) -> Result<Vec<u8>, Fault> {
        let answer = self.ask(command, body, files, expected)?;
        match answer.len() {
            got if got == expected => Ok(answer),
            got => Err(Fault::Length { command, got, expected }),
        }
    }

    /// Exchanges versions, and sees whether it is a PCI function.
    fn introduce(&mut self) -> Result<(), Fault> {
        let said = wire::version(1, Some(std::process::id()));
        let answer = self.ask(command::VERSION, said, &[], wire::VERSION_BYTES)?;
        let mut fields = Fields(&answer);
        let (major, minor) = (fields.u16(), fields.u16());
        if answer.len() < 4 || major != 0 {
            return Err(Fault::Wrong {
                what: format!("version {major}.{minor}"),
                expected: "0.x".to_owned(),
            });
        }
        let answer = self.exactly(command::GET_INFO, words(&[16, 0, 0, 0]), &[], 16)?;
        let mut fields = Fields(&answer);
        let (_size, flags) = (fields.u32(), fields.u32());
        if flags & VFIO_DEVICE_FLAGS_PCI == 0 {
            let what = format!("flags {flags:#x}");
            return Err(Fault::Wrong { what, expected: "those of a PCI function".to_owned() });
        }
        Ok(())
    }

    /// A region must be there as far as the driver goes.
    fn check_region(&mut self, region: u32, least: u64) -> Result<(), Fault> {
        let wanted = words(&[32, 0, region, 0, 0, 0, 0, 0]);
        let answer = self.exactly(command::GET_REGION_INFO, wanted, &[], 32)?;
        let mut fields = Fields(&answer);
        let (_size, flags, index, _capabilities) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        let bytes = fields.u64();
        let access = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
        if index == region && flags & access == access && bytes >= least {
            return Ok(());
        }
        Err(Fault::Wrong {
            what: format!("region {index} of {bytes} bytes, flags {flags:#x}"),
            expected: format!("region {region} of at least {least} bytes to read and write"),
        })
    }

    fn check_vectors(&mut self) -> Result<(), Fault> {
        let wanted = words(&[16, 0, VFIO_PCI_MSIX_IRQ_INDEX, 0]);
        let answer = self.exactly(command::GET_IRQ_INFO, wanted, &[], 16)?;
        let mut fields = Fields(&answer);
        let (_size, _flags, _index, count) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        if count as usize >= VECTORS {
            return Ok(());
        }
        let (what, expected) = (format!("{count} MSI-X vectors"), format!("at least {VECTORS}"));
        Err(Fault::Wrong { what, expected })
    }

    fn map(&mut self, memory: &DmaMemory) -> Result<(), Fault> {
        const READ_WRITE: u32 = 3;
        let mut body = words(&[32, READ_WRITE]);
        for field in [0, layout::ADDRESS, layout::BYTES as u64] {
            body.extend(field.to_le_bytes());
        }
        self.exactly(command::DMA_MAP, body, &[memory.file().as_fd()], 0).map(|_| ())
    }

    fn signal(&mut self, vector: u32, event: &OwnedFd) -> Result<(), Fault> {
        let flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
        let body = words(&[20, flags, VFIO_PCI_MSIX_IRQ_INDEX, vector, 1]);
        self.exactly(command::SET_IRQS, body, &[event.as_fd()], 0).map(|_| ())
    }

    fn read(&mut self, region: u32, offset: u64, into: &mut [u8]) -> Result<(), Fault> {
        let wanted = wire::access(region, offset, into.len());
        let answer = self.exactly(command::REGION_READ, wanted.clone(), &[], wanted.len() + into.len())?;
        let (place, data) = answer.split_at(wanted.len());
        if place != wanted {
            let what = "bytes of another place than was asked for".to_owned();
            return Err(Fault::Wrong { what, expected: format!("{offset:#x} of region {region}") });
        }
        into.copy_from_slice(data);
        Ok(())
    }

    fn write(&mut self, region: u32, offset: u64, data: &[u8]) -> Result<(), Fault> {
        let mut body = wire::access(region, offset, data.len());
        let expected = body.len();
        body.extend(data);
        self.exactly(command::REGION_WRITE, body, &[], expected).map(|_| ())
    }
}

impl Bus for Socket {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&mut self, bar: u32, offset: u64) -> Result<u32, DeviceError> {
        let mut word = [0; 4];
        let read = self.client.read(bar, offset, &mut word);
        read.map_err(|e| self.failed(&format!("reading BAR {bar} at {offset:#x}"), e))?;
        Ok(u32::from_le_bytes(word))
    }

    fn write(&mut self, bar: u32, offset: u64, value: u32) -> Result<(), DeviceError> {
        let written = self.client.write(bar, offset, &value.to_le_bytes());
        written.map_err(|e| self.failed(&format!("writing BAR {bar} at {offset:#x}"), e))
    }

    fn memory(&self) -> &DmaMemory {
        &self.memory
    }

    fn events(&self) -> &[OwnedFd] {
        &self.events
    }

    fn has_link(&self) -> bool {
        false
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("name", &self.name).finish()
    }
}
