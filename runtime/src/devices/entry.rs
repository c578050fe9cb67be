//! What the [table of devices](super::table) says about each, and what it is opened with.

use spikegate_contract::bundle::Design;
use spikegate_contract::failure::Failure;
use std::fmt;
use std::path::PathBuf;

use super::error::OpenError;
use super::verilator::tools::{Options, Progress};
use crate::device::Device;

/// A device that is open, or why it is not.
pub type Opened = Result<Box<dyn Device>, OpenError>;

/// One way of reaching a core. An address is `scheme` or `scheme:rest`.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What the address begins with.
    pub scheme: &'static str,
    /// An address, as help texts show it.
    pub example: &'static str,
    /// What is there, in one line without a full stop.
    pub help: &'static str,
    /// The rest of an address in the one form in which it is kept and shown; none where it is wrong. It is empty where
    /// there is no colon.
    pub read: fn(rest: &str) -> Option<String>,
    /// The file that the device reads or writes by itself, of such a rest: a recording.
    pub file: fn(rest: &str) -> Option<PathBuf>,
    /// Opens the device at a rest that [`Entry::read`] gave.
    pub open: fn(rest: &str, with: &mut Opening<'_>) -> Opened,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme)
    }
}

/// For schemes that are the whole address.
pub fn nothing(rest: &str) -> Option<String> {
    rest.is_empty().then(String::new)
}

/// For schemes with a path behind them.
pub fn path(rest: &str) -> Option<String> {
    (!rest.is_empty()).then(|| rest.to_owned())
}

/// For devices without a file of their own.
pub fn no_file(_: &str) -> Option<PathBuf> {
    None
}

/// Makes the text of a design's hardware anew; see [`Verilated::open`](super::verilator::Verilated::open).
pub type MakeVerilog<'a> = dyn Fn() -> Result<String, Box<dyn Failure>> + 'a;

/// A design that a device without hardware of its own stands for.
#[derive(Clone, Copy)]
pub struct StandsFor<'a> {
    /// The design.
    pub design: &'a Design,
    /// Makes its hardware, for a device that simulates it.
    pub verilog: &'a MakeVerilog<'a>,
}

impl fmt::Debug for StandsFor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandsFor").field("design", &self.design.dir).finish_non_exhaustive()
    }
}

/// What a device is opened with, whichever it is.
pub struct Opening<'a> {
    /// The design, where the caller has one.
    pub stands_for: Option<StandsFor<'a>>,
    /// How a simulation is built.
    pub options: &'a Options,
    /// How far that is.
    pub progress: &'a mut dyn FnMut(Progress),
}

impl<'a> Opening<'a> {
    /// The design, for a device that cannot do without one.
    ///
    /// # Errors
    /// [`OpenError::NoDesign`].
    pub fn design(&self, device: &str) -> Result<StandsFor<'a>, OpenError> {
        self.stands_for.ok_or_else(|| OpenError::NoDesign(device.to_owned()))
    }
}

impl fmt::Debug for Opening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("stands_for", &self.stands_for).finish_non_exhaustive()
    }
}
