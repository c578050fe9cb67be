//! One process per device: a locked file that names its holder.

use rustix::fs::{flock, FlockOperation};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

use super::open::{Address, OpenError};

/// The lock of a device, given back when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a device.
    ///
    /// # Errors
    /// [`OpenError::Busy`] with the holder's process number, or the file cannot be made.
    pub fn take(address: &Address) -> Result<Self, OpenError> {
        let device = address.to_string();
        let path = path(address);
        let io = |source| OpenError::Io { device: device.clone(), action: "locking it", source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(io)?;
                let holder = holder.trim();
                let holder = if holder.is_empty() { "(unknown)" } else { holder }.to_owned();
                return Err(OpenError::Busy { device, holder });
            }
            Err(error) => return Err(io(error.into())),
        }
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write().map_err(io)?;
        Ok(Self { _file: file })
    }
}

/// One file per device, whatever way its name was written.
fn path(address: &Address) -> PathBuf {
    let name = match address {
        Address::Socket(path) | Address::Xdma(path) | Address::Uart(path, _) => {
            std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
        }
        other => other.to_string(),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    // Long names end alike more seldom than they begin alike.
    let tail = &name[name.len().saturating_sub(200)..];
    std::env::temp_dir().join(format!("spikegate-{tail}.lock"))
}
