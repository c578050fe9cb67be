//! What the writer gives.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use thiserror::Error;

/// A kernel that cannot be printed faithfully.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("module {module}: {problem}")]
pub struct LintError {
    /// Path of the instance.
    pub module: String,
    /// What is wrong.
    pub problem: String,
}

/// A module as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// From its comment to its end.
    pub text: String,
}

impl Failure for LintError {
    fn kind(&self) -> Kind {
        Kind::Bug
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        Some("report this".into())
    }
}
