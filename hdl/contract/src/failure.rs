//! What every error of every library says beside its message: whose fault it is, and what to do.
//!
//! A library's error enum has one `impl Failure` at the end of its file. A program's verbs return what any `Failure`
//! converts into, so an error without one does not compile where it would reach an exit. A message says what is wrong,
//! with what was found and what was expected; what to do about it is [`Failure::help`] and never part of the message.

use serde::Serialize;
use std::borrow::Cow;
use std::error::Error;

/// What kind of failure an error is: it decides a program's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something was compared or tested, and is not as it should be.
    Check,
    /// What the user gave or asked for is wrong: arguments, files, settings, the place for the output.
    Input,
    /// A tool or a device is not there, is busy, or is another one than needed.
    Missing,
    /// A fault of this program.
    Bug,
}

/// An error as people and programs need it.
pub trait Failure: Error + Send + Sync + 'static {
    /// Whose fault it is.
    fn kind(&self) -> Kind;

    /// What to do, as a clause without a capital or a full stop; none where the message leaves nothing to say. An error
    /// that only passes another one on says what that one says.
    fn help(&self) -> Option<Cow<'static, str>>;

    /// Message and help in one line, for logs and for errors that travel as text.
    fn in_a_line(&self) -> String {
        match self.help() {
            Some(help) => format!("{self}; {help}"),
            None => self.to_string(),
        }
    }
}

impl<F: Failure> Failure for Box<F> {
    fn kind(&self) -> Kind {
        (**self).kind()
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        (**self).help()
    }
}
