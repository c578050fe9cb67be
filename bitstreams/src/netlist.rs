//! A netlist of Yosys that cannot be read.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::path::PathBuf;
use thiserror::Error;

/// The netlist is not one.
#[derive(Debug, Error)]
#[error("{}: no Yosys netlist: {what}", path.display())]
pub struct NetlistError {
    /// File.
    pub path: PathBuf,
    /// What is wrong.
    pub what: String,
}

impl Failure for NetlistError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        Some("delete the folder and run synth again".into())
    }
}
