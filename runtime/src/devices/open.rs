//! From what a user writes after `--device` to an open device.

use spikegate_contract::bundle::Design;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use thiserror::Error;

use super::files::Files;
use super::golden::{Golden, GoldenDeviceError};
use super::pcie::kernel::Kernel;
use super::pcie::socket::Socket;
use super::pcie::Pcie;
use super::uart::{Serial, Speed, Uart};
use super::verilator::{BuildError, Options, Progress, Verilated};
use crate::device::{Device, DeviceError};

/// Where a core is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The golden model of the design.
    Golden,
    /// The design's Verilog in Verilator.
    Verilator,
    /// A card behind a vfio-user socket.
    Socket(PathBuf),
    /// A card of this machine by its PCI address, through VFIO.
    Vfio(String),
    /// The character devices of the XDMA driver, by the part that their names have in common: `/dev/xdma0`.
    Xdma(PathBuf),
    /// A board behind a serial port.
    Uart(PathBuf, Speed),
}

/// What is wrong with a device's name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{0:?} is not a device; write golden, verilator, vfio-user:SOCKET, vfio:0000:01:00.0, xdma:0 \
     (xdma:/path/xdma0 for other names of the character devices) or uart:/dev/ttyUSB0 (uart:/dev/ttyUSB0@2000000 for \
     another speed than 1000000 baud, uart:/dev/ttyUSB0@2000000,3000000 to go on at a third)"
)]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("golden", "") => Ok(Self::Golden),
            ("verilator", "") => Ok(Self::Verilator),
            (_, "") => Err(wrong()),
            ("vfio-user", path) => Ok(Self::Socket(path.into())),
            ("vfio", address) => pci_address(address).map(Self::Vfio).ok_or_else(wrong),
            ("xdma", number) if number.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(Self::Xdma(format!("/dev/xdma{number}").into()))
            }
            ("uart", port) => {
                let (path, speed) = match port.rsplit_once('@') {
                    Some((path, speed)) => (path, speed.parse().map_err(|()| wrong())?),
                    None => (port, Speed::default()),
                };
                path.starts_with('/').then(|| Self::Uart(path.into(), speed)).ok_or_else(wrong)
            }
            ("xdma", path) if path.contains('/') => Ok(Self::Xdma(path.into())),
            _ => Err(wrong()),
        }
    }
}

/// A PCI address in the kernel's form, with the domain that people leave out.
fn pci_address(text: &str) -> Option<String> {
    let full = if text.matches(':').count() == 1 { format!("0000:{text}") } else { text.to_owned() };
    let (rest, function) = full.rsplit_once('.')?;
    let parts: Vec<&str> = rest.split(':').collect();
    let digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_hexdigit());
    let [domain, bus, slot] = parts[..] else { return None };
    let good = digits(domain, 4)
        && digits(bus, 2)
        && digits(slot, 2)
        && matches!(function, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7");
    good.then(|| full.to_ascii_lowercase())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Golden => f.write_str("golden"),
            Self::Verilator => f.write_str("verilator"),
            Self::Socket(path) => write!(f, "vfio-user:{}", path.display()),
            Self::Vfio(address) => write!(f, "vfio:{address}"),
            Self::Xdma(prefix) => write!(f, "xdma:{}", prefix.display()),
            Self::Uart(path, speed) if *speed == Speed::default() => write!(f, "uart:{}", path.display()),
            Self::Uart(path, speed) => write!(f, "uart:{}@{speed}", path.display()),
        }
    }
}

/// A device that cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It does not exist.
    #[error("{device}: there is none ({} does not exist)", path.display())]
    NotThere {
        /// The device.
        device: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{device}: {action} failed: {source}")]
    Io {
        /// The device.
        device: String,
        /// What was tried.
        action: &'static str,
        /// Cause.
        source: io::Error,
    },
    /// The file is of another kind.
    #[error("{device}: {what}")]
    Unsuitable {
        /// The device.
        device: String,
        /// What it is, and what it should be.
        what: String,
    },
    /// Another process uses it.
    #[error("{device}: in use by process {holder}")]
    Busy {
        /// The device.
        device: String,
        /// Its process number, or what is known.
        holder: String,
    },
    /// Not an XDMA engine.
    #[error("{device}: its PCI ids are {vendor:04x}:{id:04x}, expected 10ee and an XDMA engine")]
    Ids {
        /// The device.
        device: String,
        /// Vendor.
        vendor: u16,
        /// Device.
        id: u16,
    },
    /// Another driver holds it.
    #[error("{device}: bound to {driver}, expected vfio-pci")]
    NotBound {
        /// The device.
        device: String,
        /// Driver that holds it.
        driver: String,
        /// PCI address.
        address: String,
    },
    /// VFIO or the server does not do its part.
    #[error("{device}: {action} failed: {cause}")]
    Protocol {
        /// The device.
        device: String,
        /// What was tried.
        action: &'static str,
        /// Cause.
        cause: String,
    },
    /// A device of this name needs a design to stand for.
    #[error("device {0} stands for a design: name its folder")]
    NoDesign(Address),
    /// The golden model.
    #[error(transparent)]
    Golden(#[from] GoldenDeviceError),
    /// The simulation.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The device does not start.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

fn help(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "is the card there, and is its driver loaded?",
        io::ErrorKind::PermissionDenied => "run as a user who may open it, or change its permissions",
        io::ErrorKind::ConnectionRefused => "nobody serves this socket any more: start the card again",
        io::ErrorKind::ResourceBusy => "another process uses it",
        _ => "see the kernel log",
    }
}

/// A design that `golden` and `verilator` stand for.
#[derive(Clone, Copy, Debug)]
pub struct StandsFor<'a> {
    /// The design.
    pub design: &'a Design,
    /// Text of its hardware, for `verilator`: made anew by the caller, see [`Verilated::open`].
    pub verilog: Option<&'a str>,
}

/// Opens the device at an address.
///
/// # Errors
/// See [`OpenError`].
pub fn open(
    address: &Address,
    stands_for: Option<StandsFor<'_>>,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Box<dyn Device>, OpenError> {
    let none = || OpenError::NoDesign(address.clone());
    Ok(match address {
        Address::Golden => Box::new(Golden::open(stands_for.ok_or_else(none)?.design)?),
        Address::Verilator => {
            let StandsFor { design, verilog } = stands_for.ok_or_else(none)?;
            let name = design.dir.display().to_string();
            Box::new(Verilated::open(&name, verilog.ok_or_else(none)?, options, progress)?)
        }
        Address::Socket(path) => Box::new(Pcie::new(Socket::connect(path)?)?),
        Address::Vfio(pci) => Box::new(Pcie::new(Kernel::open(pci)?)?),
        Address::Xdma(prefix) => Box::new(Files::open(prefix)?),
        Address::Uart(path, speed) => {
            let serial = Serial::open(path, speed.first)?;
            Box::new(Uart::open(serial, &address.to_string(), *speed)?)
        }
    })
}

impl Failure for OpenError {
    fn kind(&self) -> Kind {
        match self {
            Self::Golden(source) => source.kind(),
            Self::Build(source) => source.kind(),
            Self::NoDesign(..) => Kind::Input,
            _ => Kind::Missing,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NotThere { .. } => Some("`lspci -d 10ee:` lists the cards of this machine".into()),
            Self::Io { source, .. } => Some(help(source).into()),
            Self::Unsuitable { .. } => Some("name the right file".into()),
            Self::Busy { .. } => Some("end that process first".into()),
            Self::Ids { .. } => Some("name another device".into()),
            Self::NotBound { address, .. } => {
                Some(format!("`modprobe vfio-pci`, then `driverctl set-override {address} vfio-pci`").into())
            }
            Self::Protocol { .. } => Some("see the messages of the other side (kernel log or server)".into()),
            Self::Golden(source) => source.help(),
            Self::Build(source) => source.help(),
            Self::Device(source) => source.help(),
            Self::NoDesign(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "golden",
            "verilator",
            "vfio-user:/tmp/card",
            "vfio:0000:01:00.0",
            "xdma:/dev/xdma3",
            "uart:/dev/ttyUSB0",
            "uart:/dev/ttyUSB1@2000000",
            "uart:/dev/ttyUSB1@1000000,3000000",
        ] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("xdma:3".parse(), Ok(Address::Xdma("/dev/xdma3".into())));
        assert_eq!("vfio:01:00.0".parse(), Ok(Address::Vfio("0000:01:00.0".into())));
    }

    #[test]
    fn refuses_what_is_no_device() {
        for bad in [
            "",
            "gold",
            "golden:1",
            "vfio",
            "vfio:",
            "vfio:x",
            "vfio:0000:01:00.9",
            "xdma:a",
            "vfio-user:",
            "vfio:../../etc.0",
            "uart:",
            "uart:ttyUSB0",
            "uart:/dev/ttyUSB0@x",
            "uart:/dev/ttyUSB0@300",
            "uart:/dev/ttyUSB0@1000000,",
            "uart:/dev/ttyUSB0@1000000,300",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
