//! The documentation of a module inside its Verilog, from the same comment that rustdoc shows.
//!
//! A field `doc: Doc` in a module, set by `doc!("file.rs", Struct)`, finds the struct's doc comment in its source
//! file. Lines become header comments; the rows of its port table become comments of the ports:
//!
//! ```text
//! | port | dir | width | meaning |
//! | --- | --- | --- | --- |
//! | clk | in | 1 | clock |
//! | y_l, valid | in | 16, 1 | one value per lane; they count |
//! | s_axil_* | | | AXI4-Lite |
//! ```
//!
//! A name stands for a port of that name, for a list of ports when an index letter follows (`y_l`), or for every port
//! that begins so (`s_axil_*`). When a row has as many meanings between semicolons as names, each name gets its own.

use rust_hdl_core::prelude::*;

/// The documentation of the module that has this as a field.
#[derive(Clone, Copy, Debug)]
pub struct Doc {
    comment: &'static str,
}

/// `doc!("file.rs", Struct)`: the doc comment of `Struct` in `file.rs`, which lies beside the file that says this.
#[macro_export]
macro_rules! doc {
    ($file:literal, $name:ident) => {
        $crate::lang::Doc::new(include_str!($file), concat!("pub struct ", stringify!($name), " {"))
    };
}

impl Doc {
    /// A doc comment by itself, for modules that a macro makes: lines that begin with `///`.
    pub const fn of(comment: &'static str) -> Self {
        Self { comment }
    }

    /// The doc comment in front of the line that contains `declaration`; empty if there is none.
    pub fn new(source: &'static str, declaration: &str) -> Self {
        let end = source.find(declaration).and_then(|at| source[..at].rfind('\n')).unwrap_or(0);
        let mut start = end;
        while start > 0 {
            let before = source[..start].rfind('\n').map_or(0, |at| at);
            let line = source[before..start].trim();
            if !line.starts_with("///") && !line.starts_with("#[") {
                break;
            }
            start = before;
        }
        Self { comment: &source[start..end] }
    }
}

impl Logic for Doc {
    fn update(&mut self) {}
}

impl Block for Doc {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, _: &str, probe: &mut dyn Probe) {
        probe.visit_start_namespace(self.comment, self);
        probe.visit_end_namespace(self.comment, self);
    }
}

/// Header lines and port comments of a module.
#[derive(Clone, Debug, Default)]
pub(super) struct Comments {
    /// Text in front of the module.
    pub(super) header: Vec<String>,
    ports: Vec<(String, String)>,
}

impl Comments {
    /// Reads a doc comment; `None` if the text is not one.
    pub(super) fn parse(comment: &str) -> Option<Self> {
        let mut out = Self::default();
        let lines = comment.lines().filter_map(|l| l.trim().strip_prefix("///"));
        for line in lines.map(|l| l.trim().replace("[`", "`").replace("`]", "`")) {
            match line.strip_prefix('|') {
                Some(row) => out.row(row),
                None if line.is_empty() => {}
                None => out.header.push(without_links(&line)),
            }
        }
        (!out.header.is_empty()).then_some(out)
    }

    fn row(&mut self, row: &str) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (Some(names), Some(meaning)) = (cells.first(), cells.get(3)) else { return };
        if names.starts_with("---") || *names == "port" || meaning.is_empty() {
            return;
        }
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        let parts: Vec<&str> = meaning.split(';').map(str::trim).collect();
        for (i, name) in names.iter().enumerate() {
            let text = if parts.len() == names.len() { parts[i] } else { meaning };
            self.ports.push(((*name).to_owned(), text.to_owned()));
        }
    }

    /// The comment of a port (of a list, its name without the index): the row that names it most exactly.
    pub(super) fn port(&self, name: &str) -> Option<&str> {
        let exact = |n: &str| n == name;
        let indexed = |n: &str| n.rsplit_once('_').is_some_and(|(base, i)| base == name && i.len() == 1);
        let prefix = |n: &str| n.strip_suffix('*').is_some_and(|start| name.starts_with(start));
        let find = |matches: &dyn Fn(&str) -> bool| self.ports.iter().find(|(n, _)| matches(n));
        find(&exact).or_else(|| find(&indexed)).or_else(|| find(&prefix)).map(|(_, text)| text.as_str())
    }
}

/// Drops the target of a link, `` `Pixels`(crate::control::pixels::Pixels) ``.
fn without_links(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("`(crate::") {
        out += &rest[..=at];
        rest = rest[at..].find(')').map_or("", |end| &rest[at + end + 1..]);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
use x;

/// Adds. See [`Other`](crate::a::Other).
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; reset |
/// | y_l | in | 16 | terms |
/// | bus_* | | | a bus |
///
/// Wraps.
#[derive(LogicBlock)]
pub struct Adder {
    pub y: u8,
}
";

    #[test]
    fn one_comment_gives_header_and_ports() {
        let comments = Comments::parse(Doc::new(SOURCE, "pub struct Adder {").comment).unwrap();
        assert_eq!(comments.header, ["Adds. See `Other`.", "Wraps."]);
        assert_eq!(comments.port("clear"), Some("reset"));
        assert_eq!(comments.port("y"), Some("terms"));
        assert_eq!(comments.port("bus_data"), Some("a bus"));
        assert_eq!(comments.port("z"), None);
    }

    #[test]
    fn a_struct_without_comment_has_none() {
        assert!(Comments::parse(Doc::new(SOURCE, "pub struct Missing {").comment).is_none());
    }
}
