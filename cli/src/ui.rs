//! What a verb prints: results on stdout, notes on stderr, tables.

use comfy_table::{presets, CellAlignment, ContentArrangement, Table};
use serde::Serialize;
use spikegate_contract::text::{is_control, printable_lines};
use std::io::{self, IsTerminal, Write};

use crate::args::{Format, Global};
use crate::failure::{Report, Result, VerbError};
use crate::versioned::Versioned;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    quiet: bool,
    format: Format,
}

impl Ui {
    /// As the flags say.
    pub fn new(global: &Global) -> Self {
        Self { quiet: global.quiet, format: global.format }
    }

    /// Whether results are JSON.
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether progress is shown.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Prints a result: `value`, a struct, as JSON, or `text`.
    pub fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let mut text = if self.json() {
            let said = |e| VerbError::check("the result cannot be written as JSON").because(e);
            serde_json::to_string_pretty(&Versioned::new(value)).map_err(said)?
        } else {
            text()
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        match io::stdout().lock().write_all(shown(&text, self.json()).as_bytes()) {
            // The reader has seen enough, as in `spikegate report DIR | head`.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => {
                let said = |e| VerbError::input("cannot write to standard output").because(e);
                Ok(other.map_err(|e| said(e).help("check the permissions and the space there"))?)
            }
        }
    }

    /// As [`Ui::result`]; where another result has `taken` stdout, for people on stderr.
    pub fn result_unless(
        &self,
        taken: bool,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<()> {
        if taken {
            self.note(&text());
            return Ok(());
        }
        self.result(value, text)
    }

    /// A line on stderr for people.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            // Nothing can be said about an stderr that is closed.
            let _ = writeln!(io::stderr().lock(), "{}", shown(text, false));
        }
    }
}

/// A failure on stderr, for programs or for people.
pub fn complain(report: &Report, json: bool) {
    say(&if json { report.json() } else { report.text() }, json);
}

/// A text on stderr.
pub fn say(text: &str, json: bool) {
    // Nothing can be said about an stderr that is closed.
    let _ = io::stderr().lock().write_all(shown(text, json).as_bytes());
}

/// A text as it may reach a terminal: names of files, keys of models and words of tools are in it, and none of them
/// commands one. JSON keeps what it means.
fn shown(text: &str, json: bool) -> String {
    if !json {
        return printable_lines(text);
    }
    let escaped = |c: char| match c {
        '\n' => "\n".to_owned(),
        c if is_control(c) => {
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        c => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// A table without frame: the first column to the left, the others to the right.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = table.to_string();
    text.lines().map(|l| format!("{}\n", l.trim_end())).collect()
}

/// Digits in groups of three: `12,345`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_commands_a_terminal() {
        let text = "a\u{1b}[2J\nb\u{9b}1m\u{202e}\n";
        assert_eq!(shown(text, false), "a\u{fffd}[2J\nb\u{fffd}1m\u{fffd}\n");
        let json = serde_json::to_string(text).expect("JSON");
        let safe = shown(&json, true);
        assert!(!safe.contains(is_control), "{safe:?}");
        assert_eq!(serde_json::from_str::<String>(&safe).expect("JSON"), text);
    }

    #[test]
    fn aligns_columns() {
        let text = table(&["layer", "sops"], [vec!["a".to_owned(), grouped(1_234_567)]]);
        assert_eq!(text, "layer       sops\na      1,234,567\n");
    }
}
