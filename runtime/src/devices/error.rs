//! Why a device is not opened.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

use super::golden::error::GoldenDeviceError;
use super::verilator::error::BuildError;
use crate::device::DeviceError;

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
    NoDesign(String),
    /// The hardware of the design that the device stands for is not made.
    #[error("{0}")]
    Hardware(Box<dyn Failure>),
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

impl Failure for OpenError {
    fn kind(&self) -> Kind {
        match self {
            Self::Golden(source) => source.kind(),
            Self::Build(source) => source.kind(),
            Self::Hardware(source) => source.kind(),
            Self::NoDesign(..) => Kind::Input,
            _ => Kind::Missing,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NotThere { .. } => Some("`lspci -d 10ee:` lists the cards of this machine".into()),
            Self::Io { device, action, source } => Some(help(device, action, source).into()),
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
            Self::Hardware(source) => source.help(),
            Self::NoDesign(..) => None,
        }
    }
}

fn help(device: &str, action: &str, source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound if device.starts_with("recording") || action.ends_with("recording") => {
            "check the path"
        }
        io::ErrorKind::NotFound if action == "connecting" => {
            "is it served there? start it with `spikegate card`"
        }
        io::ErrorKind::NotFound => "is the device there, and is its driver loaded?",
        io::ErrorKind::IsADirectory => "it is a folder: give the file of the device",
        io::ErrorKind::PermissionDenied => "run as a user who may open it, or change its permissions",
        io::ErrorKind::ConnectionRefused => "nobody serves this socket any more: start the card again",
        io::ErrorKind::ResourceBusy => "another process uses it",
        io::ErrorKind::AlreadyExists => "choose a file that is not there yet",
        _ => "see the kernel log",
    }
}
