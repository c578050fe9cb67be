//! A serial port of this machine.

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::fs::{fcntl_setfl, OFlags};
use rustix::termios::{isatty, tcgetattr, tcsetattr, OptionalActions};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::devices::error::OpenError;
use crate::devices::lock::lock;

/// Bytes both ways.
pub trait Line {
    /// Sends all bytes.
    ///
    /// # Errors
    /// The line is gone, or takes nothing for a long time.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits at most `silence` for bytes and gives how many came; 0 is silence.
    ///
    /// # Errors
    /// The line is gone.
    fn get(&mut self, buffer: &mut [u8], silence: Duration) -> io::Result<usize>;

    /// Goes to another speed, in bits a second, when everything put has left.
    ///
    /// # Errors
    /// The line does not take it.
    fn set_baud(&mut self, baud: u32) -> io::Result<()>;
}

/// How long the port may take nothing.
const STUCK: Duration = Duration::from_secs(10);

/// An open serial port: 8 data bits, no parity, one stop bit, nothing interpreted.
#[derive(Debug)]
pub struct Serial {
    file: File,
}

impl Serial {
    /// Opens a port and sets its speed.
    ///
    /// # Errors
    /// It is not there, is no serial port, in use, or does not take the speed.
    pub fn open(path: &Path, baud: u32) -> Result<Self, OpenError> {
        let failed = |action: &'static str| {
            let device = path.display().to_string();
            move |source: io::Error| OpenError::Io { device, action, source }
        };
        // Not waiting, because some ports wait for a carrier that no board gives.
        let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits();
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags.cast_signed()).open(path);
        let file = file.map_err(failed("opening"))?;
        let device = path.display().to_string();
        if !isatty(&file) {
            return Err(OpenError::Unsuitable { device, what: "it is no serial port".to_owned() });
        }
        lock(&file, &device)?;
        let set = || -> io::Result<()> {
            set_mode(&file, baud, OptionalActions::Now)?;
            fcntl_setfl(&file, OFlags::NONBLOCK)?;
            Ok(())
        };
        set().map_err(failed("setting its speed"))?;
        Ok(Self { file })
    }

    /// Waits for `flags`; whether they came in time.
    fn wait(&self, flags: PollFlags, time: Duration) -> io::Result<bool> {
        let time = Timespec::try_from(time).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&self.file, flags)];
        match poll(&mut fds, Some(&time)) {
            Ok(n) => Ok(n > 0),
            // A signal: the caller's time is not over, but asking again does no harm.
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// 8 data bits, no parity, one stop bit, nothing interpreted.
fn set_mode(file: &File, baud: u32, when: OptionalActions) -> io::Result<()> {
    let mut mode = tcgetattr(file)?;
    mode.make_raw();
    mode.set_speed(baud)?;
    Ok(tcsetattr(file, when, &mode)?)
}

impl Line for Serial {
    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if !self.wait(PollFlags::OUT, STUCK)? {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "the port takes no bytes"));
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn get(&mut self, buffer: &mut [u8], silence: Duration) -> io::Result<usize> {
        if !self.wait(PollFlags::IN, silence)? {
            return Ok(0);
        }
        match self.file.read(buffer) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the port was closed")),
            Ok(n) => Ok(n),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(0),
            Err(e) => Err(e),
        }
    }

    fn set_baud(&mut self, baud: u32) -> io::Result<()> {
        set_mode(&self.file, baud, OptionalActions::Drain)
    }
}
