//! From a failure of a library, or of a verb itself, to an exit code and to what people and programs read.

use serde::Serialize;
use spikegate_bitstreams::output::ReaderLeft;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;

use crate::versioned::Versioned;

/// What a verb fails with: any error that says its kind and what to do. One that does not has no way here.
#[derive(Debug)]
pub struct Failed(Box<dyn Failure>);

/// Of verbs and what helps them.
pub type Result<T, E = Failed> = std::result::Result<T, E>;

impl<F: Failure> From<F> for Failed {
    fn from(failure: F) -> Self {
        Self(Box::new(failure))
    }
}

impl Failed {
    /// Whether it is only that the reader of the output has seen enough, as in `spikegate run ... | head`.
    pub fn is_reader_left(&self) -> bool {
        chain(&*self.0).any(ReaderLeft::is_cause_of)
    }

    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        exit_code(self.0.kind())
    }

    /// What is said about it.
    pub fn report(&self) -> Report {
        let mut said = self.0.to_string();
        let mut report = Report {
            kind: self.0.kind(),
            message: said.clone(),
            causes: Vec::new(),
            help: self.0.help().map(Cow::into_owned),
        };
        for cause in chain(&*self.0).skip(1).map(ToString::to_string) {
            // Many messages already hold their cause.
            if !said.contains(&cause) {
                said.push_str(&cause);
                report.causes.push(cause);
            }
        }
        report
    }
}

/// An error and its causes.
fn chain<'a>(failure: &'a (dyn Failure + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first: &'a (dyn Error + 'static) = failure;
    std::iter::successors(Some(first), |&error| error.source())
}

/// 1: a check failed, 2: wrong usage or input, 3: a tool or device is missing, 4: a bug of this program.
pub fn exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Check => 1,
        Kind::Input => 2,
        Kind::Missing => 3,
        Kind::Bug => 4,
    }
}

/// What is said about a failure.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub kind: Kind,
    pub message: String,
    /// From the nearest to the farthest; without those that are part of the message.
    pub causes: Vec<String>,
    pub help: Option<String>,
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let indented = |text: &str| text.trim_end().replace('\n', "\n  ");
        let mut out = format!("error: {}\n", indented(&self.message));
        for cause in &self.causes {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  cause: {}", indented(cause));
        }
        if let Some(help) = &self.help {
            let _ = writeln!(out, "  help: {help}");
        }
        out
    }

    /// For programs: a line `{"format_version", "error": {"kind", "message", "causes", "help"}}`.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Said<'a> {
            error: &'a Report,
        }
        let said = serde_json::to_string(&Versioned::new(Said { error: self }));
        // Texts and names always have a JSON form.
        format!("{}\n", said.unwrap_or_default())
    }
}

/// A failure of a verb itself.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct VerbError {
    kind: Kind,
    what: String,
    help: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl VerbError {
    /// Something that was compared or tested and is not as it should be. Its text has been printed as a result where there
    /// is more to say.
    pub fn check(what: impl Into<String>) -> Self {
        Self { kind: Kind::Check, what: what.into(), help: None, source: None }
    }

    /// Something that the user gave, or the place for the output.
    pub fn input(what: impl Into<String>) -> Self {
        Self { kind: Kind::Input, ..Self::check(what) }
    }

    /// What to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Why it is so.
    pub fn because(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}

impl Failure for VerbError {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        self.help.clone().map(Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spikegate_runtime::session::SessionError;

    fn report(failure: impl Failure) -> Report {
        Failed::from(failure).report()
    }

    #[test]
    fn shows_cause_and_help() {
        let error = VerbError::input("reading the program").because("a.bin: 3 bytes; 4 are expected");
        let error = error.help("copy it again");
        let text =
            "error: reading the program\n  cause: a.bin: 3 bytes; 4 are expected\n  help: copy it again\n";
        assert_eq!(report(error).text(), text);
    }

    #[test]
    fn says_nothing_twice() {
        let cause = std::io::Error::other("no space");
        let error = VerbError::input("cannot write x: no space").because(cause).help("free some");
        assert_eq!(report(error).text(), "error: cannot write x: no space\n  help: free some\n");
    }

    #[test]
    fn indents_what_a_tool_said() {
        let error = VerbError::input("compiling x failed: g++ says\n  a;\n  b\n").help("see above");
        let text = "error: compiling x failed: g++ says\n    a;\n    b\n  help: see above\n";
        assert_eq!(report(error).text(), text);
    }

    #[test]
    fn programs_read_the_same() {
        let error = VerbError::check("x differs").because("y is 1");
        let json = "{\"format_version\":1,\"error\":{\"kind\":\"check\",\"message\":\"x differs\",\"causes\":[\"y is \
                    1\"],\"help\":null}}\n";
        assert_eq!(report(error).json(), json);
    }

    #[test]
    fn kinds_of_other_crates_arrive() {
        assert_eq!(Failed::from(VerbError::check("differs")).exit_code(), 1);
        assert_eq!(Failed::from(VerbError::input("anything")).exit_code(), 2);
        let missing = spikegate_bitstreams::tools::ToolError::Old {
            tool: &spikegate_bitstreams::tools::VERILATOR,
            program: "verilator".to_owned(),
            got: "1".to_owned(),
            expected: "2",
        };
        assert_eq!(Failed::from(missing).exit_code(), 3);
        assert_eq!(Failed::from(SessionError::Idle).exit_code(), 4);
    }
}
