//! Messages over a socket, each whole and within a time.

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{
    recvmsg, sendmsg, socket_with, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags,
    ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};
use thiserror::Error;

use super::message::{Fields, Message, FILES, HEADER};

/// A connection that cannot go on.
#[derive(Debug, Error)]
pub enum WireError {
    /// The end of the stream.
    #[error("the other side has closed the connection")]
    Closed,
    /// The other side sends, or takes, nothing more.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// A message that is longer than any, or shorter than its header.
    #[error("a message of {got} bytes came, expected {HEADER} to {most}")]
    Size {
        /// What its header says.
        got: u32,
        /// Most that it may be.
        most: usize,
    },
    /// More files than fit, or than this process may open.
    #[error("more files came with a message than the {FILES} that are taken")]
    Files,
    /// The system.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Connects to a socket that somebody serves.
///
/// # Errors
/// Nobody does; or, as [`WouldBlock`](std::io::ErrorKind::WouldBlock), too many wait there already.
pub fn connect(path: &Path) -> std::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::io::retry_on_intr(|| rustix::net::connect(&socket, &SocketAddrUnix::new(path)?))?;
    Ok(socket)
}

/// A connected socket.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    /// In which a message must have come or gone.
    within: Duration,
}

impl Connection {
    /// A connection whose messages take no longer than `within`.
    pub fn new(socket: OwnedFd, within: Duration) -> Self {
        Self { socket, within }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The other side has gone, or does not take it.
    pub fn send(&self, message: &Message, files: &[BorrowedFd<'_>]) -> Result<(), WireError> {
        let end = Instant::now() + self.within;
        let bytes = [&message.header(), &message.body[..]].concat();
        let mut sent = 0;
        while sent < bytes.len() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            // Files go with the first byte.
            if sent == 0 && !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
                return Err(WireError::Files);
            }
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match sendmsg(&self.socket, &[IoSlice::new(&bytes[sent..])], &mut control, flags) {
                Ok(n) => sent += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, end)?,
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(WireError::Closed),
                Err(error) => return Err(WireError::Io(error.into())),
            }
        }
        Ok(())
    }

    /// Receives the next message, with at most `most` bytes behind its header.
    ///
    /// # Errors
    /// The other side has gone or is silent, or sends what is no message: the stream cannot be used any more.
    pub fn receive(&self, most: usize) -> Result<Message, WireError> {
        let end = Instant::now() + self.within;
        let (mut header, mut files) = ([0; HEADER], Vec::new());
        self.fill(&mut header, &mut files, end)?;
        let mut fields = Fields(&header);
        let (id, command, size) = (fields.u16(), fields.u16(), fields.u32());
        let bytes = (size as usize).checked_sub(HEADER).filter(|&bytes| bytes <= most);
        let bytes = bytes.ok_or(WireError::Size { got: size, most: HEADER + most })?;
        let (flags, error) = (fields.u32(), fields.u32());
        let mut body = vec![0; bytes];
        self.fill(&mut body, &mut files, end)?;
        Ok(Message { id, command, flags, error, body, files })
    }

    fn fill(&self, into: &mut [u8], files: &mut Vec<OwnedFd>, end: Instant) -> Result<(), WireError> {
        let mut done = 0;
        while done < into.len() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
            let mut rest = [IoSliceMut::new(&mut into[done..])];
            let got = match recvmsg(&self.socket, &mut rest, &mut control, flags) {
                Ok(got) => got,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {
                    self.wait(PollFlags::IN, end)?;
                    continue;
                }
                Err(Errno::CONNRESET) => return Err(WireError::Closed),
                Err(error) => return Err(WireError::Io(error.into())),
            };
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(some) = message {
                    files.extend(some);
                }
            }
            if got.flags.contains(ReturnFlags::CTRUNC) || files.len() > FILES {
                return Err(WireError::Files);
            }
            if got.bytes == 0 {
                return Err(WireError::Closed);
            }
            done += got.bytes;
        }
        Ok(())
    }

    fn wait(&self, flags: PollFlags, end: Instant) -> Result<(), WireError> {
        let left = end.saturating_duration_since(Instant::now());
        let time = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&self.socket, flags)], Some(&time)) {
            Ok(0) => Err(WireError::Silent(self.within)),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(WireError::Io(error.into())),
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
