//! All devices, and from what a user writes after `--device` to an open one.
//!
//! Another device is a file with its [`Entry`] and a line in [`TABLE`]: help texts, error texts, addresses and the
//! command line come from there.

use spikegate_contract::abandon;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use thiserror::Error;

use super::entry::{Entry, Opening, StandsFor};
use super::error::OpenError;
use super::record::{self, Recorder};
use super::verilator::{Options, Progress};
use super::{files, golden, pcie, replay, uart, verilator};
use crate::device::Device;

/// Every way of reaching a core, in the order of help texts.
pub static TABLE: &[Entry] = &[
    golden::ENTRY,
    verilator::ENTRY,
    pcie::socket::ENTRY,
    pcie::kernel::ENTRY,
    files::ENTRY,
    uart::ENTRY,
    RECORD,
    replay::ENTRY,
];

/// The one device that leads to another: it lies here, because it reads and opens addresses itself.
const RECORD: Entry = Entry {
    scheme: "record",
    example: "record:FILE=DEVICE",
    help: "any of these, with every exchange written to FILE, a new file",
    read: |rest| {
        let (file, device) = rest.split_once('=')?;
        let device: Address = device.parse().ok()?;
        let fits = !file.is_empty() && device.entry.scheme != "record";
        fits.then(|| format!("{file}={device}"))
    },
    file: |rest| rest.split_once('=').map(|(file, _)| file.into()),
    open: |rest, with| {
        let wrong = || OpenError::Unsuitable {
            device: format!("record:{rest}"),
            what: "it names no device".to_owned(),
        };
        let (file, device) = rest.split_once('=').ok_or_else(wrong)?;
        let device: Address = device.parse().map_err(|_| wrong())?;
        // First the file: a device that nobody could record is not touched.
        let sink = record::make(file.as_ref())?;
        // Nothing is recorded of one that does not open: the name is free again, also for whoever ends this meanwhile.
        let loose = abandon::file(file.into());
        let opened = (device.entry.open)(&device.rest, with);
        drop(loose);
        let opened = opened.inspect_err(|_| record::forget(file.as_ref(), &sink))?;
        Ok(Box::new(Recorder::new(opened, file.as_ref(), sink)?))
    },
};

/// Where a core is.
#[derive(Clone, Debug)]
pub struct Address {
    entry: &'static Entry,
    rest: String,
}

impl Address {
    /// Files that the device reads or writes by itself: recordings.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        (self.entry.file)(&self.rest).into_iter()
    }
}

/// What is wrong with a device's name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// There is no such scheme.
    #[error("{text:?} is not a device; write {}", examples())]
    Scheme {
        /// What was given.
        text: String,
    },
    /// What stands behind the scheme is wrong.
    #[error("{text:?} is not a device; write {example}: {help}")]
    Rest {
        /// What was given.
        text: String,
        /// See [`Entry::example`].
        example: &'static str,
        /// See [`Entry::help`].
        help: &'static str,
    },
}

/// All addresses that help texts show: "golden, verilator or uart:/dev/ttyUSB0".
pub fn examples() -> String {
    let all: Vec<&str> = TABLE.iter().map(|entry| entry.example).collect();
    match all.split_last() {
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A line for each device, for a help text.
pub fn help() -> String {
    let widest = TABLE.iter().map(|entry| entry.example.len()).max().unwrap_or(0);
    let lines = TABLE.iter().map(|entry| format!("{:widest$}  {}", entry.example, entry.help));
    lines.collect::<Vec<_>>().join("\n")
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let entry = TABLE.iter().find(|entry| entry.scheme == scheme);
        let entry = entry.ok_or_else(|| AddressError::Scheme { text: text.to_owned() })?;
        let &Entry { example, help, read, .. } = entry;
        let rest = read(rest).ok_or_else(|| AddressError::Rest { text: text.to_owned(), example, help })?;
        Ok(Self { entry, rest })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry.scheme)?;
        if self.rest.is_empty() {
            return Ok(());
        }
        write!(f, ":{}", self.rest)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        (self.entry.scheme, &self.rest) == (other.entry.scheme, &other.rest)
    }
}

impl Eq for Address {}

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
    (address.entry.open)(&address.rest, &mut Opening { stands_for, options, progress })
}

/// The message has the advice in it: it is shown as it is where arguments are read.
impl Failure for AddressError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        None
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
            "record:a file=uart:/dev/ttyUSB1@2000000",
            "replay:/tmp/a file",
        ] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()).as_deref(), Ok(text));
        }
        for (text, kept) in [
            ("xdma:3", "xdma:/dev/xdma3"),
            ("vfio:01:00.0", "vfio:0000:01:00.0"),
            ("uart:/dev/ttyUSB0@1000000", "uart:/dev/ttyUSB0"),
            ("record:x=vfio:AB:00.0", "record:x=vfio:0000:ab:00.0"),
        ] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()).as_deref(), Ok(kept));
        }
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
            "replay:",
            "record:file",
            "record:=golden",
            "record:file=gold",
            "record:file=record:other=golden",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }

    #[test]
    fn says_what_there_is() {
        let said = |text: &str| text.parse::<Address>().expect_err("refused").to_string();
        let text = said("pcie");
        for entry in TABLE {
            assert!(text.contains(entry.example) && help().contains(entry.help), "{text}");
        }
        let text = said("uart:ttyUSB0");
        assert!(text.contains("write uart:/dev/ttyUSB0: a board behind a serial port"), "{text}");
    }

    #[test]
    fn no_scheme_hides_another_and_the_page_names_all() {
        let page = include_str!("../../README.md");
        for (at, entry) in TABLE.iter().enumerate() {
            assert!(TABLE[..at].iter().all(|e| e.scheme != entry.scheme), "{entry:?}");
            assert!(
                page.contains(&format!("| `{}` |", entry.example)),
                "{entry:?} is not in runtime/README.md"
            );
            // The command line takes what stands behind the last "; " of a message for what to do.
            assert!(!entry.help.contains("; "), "{entry:?}");
        }
    }
}
