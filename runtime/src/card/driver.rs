//! One driver on the socket: its requests, and the replies.

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};
use vfio_bindings::bindings::vfio::{
    VFIO_DEVICE_FLAGS_PCI, VFIO_DEVICE_FLAGS_RESET, VFIO_IRQ_INFO_EVENTFD, VFIO_IRQ_SET_DATA_BOOL,
    VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS, VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE,
};

use super::slot::Slot;
use crate::wire::{self, command, words, Connection, Message, Refusal, Request, WireError};

/// In which a driver must say what it is, and a message must be whole.
const WITHIN: Duration = Duration::from_secs(5);
/// In which a driver that is about to leave has left, before another one is turned away.
const LEAVING: Duration = Duration::from_millis(100);
/// Requests of one driver that may be refused before it is put out.
const REFUSALS: u32 = 64;
/// `DMA_UNMAP` of everything.
const UNMAP_ALL: u32 = 1 << 2;

/// How the time with a driver ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It closed, or was put out.
    Left,
    /// It went without having said what it is, and has changed nothing.
    Unknown,
    /// Whoever serves the card wants it to end.
    Stopped,
}

/// Serves a driver until it goes, or one of `stops` can be read. Others that come meanwhile are told that the card is in
/// use.
pub fn serve(
    driver: UnixStream,
    slot: &Slot<'_>,
    listener: &UnixListener,
    stops: &[BorrowedFd<'_>],
) -> Ended {
    let mut session = Session {
        driver: Connection::new(driver.into(), WITHIN),
        slot,
        known: false,
        process: None,
        knock: None,
    };
    let ended = match session.run(listener, stops) {
        Ok(ended) => ended,
        Err(WireError::Closed) => {
            tracing::info!("the driver has closed the card");
            Ended::Left
        }
        Err(error) => {
            tracing::warn!("the driver is put out: {error}");
            Ended::Left
        }
    };
    if session.known || ended == Ended::Stopped {
        ended
    } else {
        Ended::Unknown
    }
}

/// Which of the files can be read, or have been closed. Waits until one can, or for a time.
pub fn readable(files: &[BorrowedFd<'_>], time: Option<Duration>) -> std::io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> = files.iter().map(|file| PollFd::new(file, PollFlags::IN)).collect();
    let time = time.map(|t| Timespec { tv_sec: t.as_secs() as i64, tv_nsec: t.subsec_nanos().into() });
    loop {
        match poll(&mut polled, time.as_ref()) {
            Ok(_) => return Ok(polled.iter().map(|file| !file.revents().is_empty()).collect()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

struct Session<'a> {
    driver: Connection,
    slot: &'a Slot<'a>,
    /// It has said what it is.
    known: bool,
    /// The driver's process, as it says.
    process: Option<u64>,
    /// Since when another one waits.
    knock: Option<Instant>,
}

impl Session<'_> {
    fn run(&mut self, listener: &UnixListener, stops: &[BorrowedFd<'_>]) -> Result<Ended, WireError> {
        let mut first = self.driver.receive(wire::BODY)?;
        if first.command != command::VERSION {
            let refusal = Refusal::invalid("something else before its version");
            self.refuse(&first, &refusal)?;
            return Ok(Ended::Left);
        }
        if self.answer(&mut first)?.is_err() {
            // Without a version there is nothing to talk about.
            return Ok(Ended::Left);
        }
        self.known = true;
        let mut refused = 0;
        while refused < REFUSALS {
            if self.wait(listener, stops)? {
                return Ok(Ended::Stopped);
            }
            let mut message = self.driver.receive(wire::BODY)?;
            refused += u32::from(self.answer(&mut message)?.is_err());
        }
        tracing::warn!("the driver is put out: {REFUSALS} of its requests were refused");
        Ok(Ended::Left)
    }

    /// Waits for the driver's next message, and turns others away; whether the card is to stop.
    fn wait(&mut self, listener: &UnixListener, stops: &[BorrowedFd<'_>]) -> Result<bool, WireError> {
        loop {
            let left = self.knock.map(|since| LEAVING.saturating_sub(since.elapsed()));
            if left == Some(Duration::ZERO) {
                self.knock = None;
                let (other, _) = listener.accept()?;
                self.turn_away(other);
                continue;
            }
            // Who has knocked is not heard again.
            let door = [listener.as_fd()];
            let door = if self.knock.is_none() { &door[..] } else { &[] };
            let files = [&[self.driver.as_fd()], stops, door].concat();
            let ready = readable(&files, left)?;
            if ready[1..=stops.len()].contains(&true) {
                return Ok(true);
            }
            if ready[0] {
                return Ok(false);
            }
            if ready.get(1 + stops.len()) == Some(&true) {
                self.knock = Some(Instant::now());
            }
        }
    }

    /// Tells another driver that the card is in use, and by whom.
    fn turn_away(&self, other: UnixStream) {
        tracing::info!("another driver is turned away");
        let mut refusal = Message::request(0, command::VERSION, Vec::new()).refusal(Errno::BUSY);
        refusal.body = self.process.map_or(Vec::new(), |process| process.to_string().into_bytes());
        // Whoever does not listen misses it.
        let _ = Connection::new(other.into(), Duration::ZERO).send(&refusal, &[]);
    }

    /// Does what a request asks and replies; whether it could be done.
    fn answer(&mut self, message: &mut Message) -> Result<Result<(), Refusal>, WireError> {
        let outcome = Request::parse(message).and_then(|request| self.perform(request));
        match outcome {
            Ok(body) => {
                if message.wants_reply() {
                    self.driver.send(&message.reply(body), &[])?;
                }
                Ok(Ok(()))
            }
            Err(refusal) => {
                self.refuse(message, &refusal)?;
                Ok(Err(refusal))
            }
        }
    }

    fn refuse(&self, message: &Message, refusal: &Refusal) -> Result<(), WireError> {
        tracing::warn!("the driver's {} is refused: {}", command::name(message.command), refusal.what);
        if message.wants_reply() {
            self.driver.send(&message.refusal(refusal.error), &[])?;
        }
        Ok(())
    }

    /// The body of the reply.
    fn perform(&mut self, request: Request<'_>) -> Result<Vec<u8>, Refusal> {
        Ok(match request {
            Request::Version { process } => {
                self.process = process;
                wire::version(0, None)
            }
            Request::DmaMap { offset, address, bytes, file } => {
                self.slot.map(address, bytes, file, offset)?;
                Vec::new()
            }
            Request::DmaUnmap { flags, address, bytes } => {
                self.slot.unmap((flags & UNMAP_ALL == 0).then_some((address, bytes)));
                let mut body = words(&[24, flags]);
                body.extend(address.to_le_bytes());
                body.extend(bytes.to_le_bytes());
                body
            }
            Request::GetInfo => {
                let flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
                words(&[16, flags, VFIO_PCI_NUM_REGIONS, VFIO_PCI_NUM_IRQS])
            }
            Request::GetRegionInfo { index } => {
                let bytes = Slot::region_bytes(index);
                let bytes = bytes.ok_or_else(|| Refusal::invalid(format!("no region {index}")))?;
                let access = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
                let mut body = words(&[32, if bytes > 0 { access } else { 0 }, index, 0]);
                body.extend(bytes.to_le_bytes());
                body.extend(0u64.to_le_bytes());
                body
            }
            Request::GetIrqInfo { index } => {
                let count = Slot::vectors(index);
                let count = count.ok_or_else(|| Refusal::invalid(format!("no interrupts {index}")))?;
                words(&[16, VFIO_IRQ_INFO_EVENTFD, index, count])
            }
            Request::SetIrqs { flags, .. } if flags & VFIO_IRQ_SET_DATA_BOOL != 0 => {
                let what = "interrupts by a table of bytes".to_owned();
                return Err(Refusal { what, error: Errno::OPNOTSUPP });
            }
            Request::SetIrqs { index, start, count, files, .. } => {
                self.slot.connect(index, start, count, files)?;
                Vec::new()
            }
            Request::RegionRead { region, offset, bytes } => {
                let mut body = wire::access(region, offset, bytes);
                body.extend(self.slot.read(region, offset, bytes)?);
                body
            }
            Request::RegionWrite { region, offset, data } => {
                self.slot.write(region, offset, data)?;
                wire::access(region, offset, data.len())
            }
            Request::Reset => {
                self.slot.reset();
                Vec::new()
            }
        })
    }
}
