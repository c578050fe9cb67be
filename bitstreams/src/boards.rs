//! Reading and checking board files.

use spikegate_contract::array::MAX_MEMORY_LATENCY;
use spikegate_contract::dram::Dram;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::path::Path;
use thiserror::Error;

use crate::board::{Board, Flow, Host, Port, BOARD_VERSION};
use crate::controller;
use crate::families;
use crate::files::{self, FileError};

/// A board that cannot be used.
#[derive(Debug, Error)]
pub enum BoardError {
    /// No such board.
    #[error("there is no board {name:?}{}; there are {}", near(nearest), known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// All boards.
        known: Vec<&'static str>,
        /// The most similar board.
        nearest: Option<String>,
    },
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not TOML, a missing key or a value of another kind.
    #[error("board file {origin}: {message}")]
    Syntax {
        /// Which file.
        origin: String,
        /// Where and what.
        message: String,
    },
    /// A key that does not exist.
    #[error("board file {origin}, line {line}: there is no key {key:?}{}", near(nearest))]
    Key {
        /// Which file.
        origin: String,
        /// Line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The most similar valid key.
        nearest: Option<String>,
        /// All valid keys there.
        valid: String,
    },
    /// A value that cannot be.
    #[error("board file {origin}: {field} is {got}, expected {expected}")]
    Value {
        /// Which file.
        origin: String,
        /// Field.
        field: String,
        /// What it says.
        got: String,
        /// What it must be.
        expected: String,
    },
}

impl Failure for BoardError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Unknown { .. } => Some("a path ending in .toml reads your own".into()),
            Self::File(source) => source.help(),
            Self::Syntax { .. } => Some("compare it with the boards in bitstreams/boards".into()),
            Self::Key { valid, .. } => Some(format!("use one of: {valid}").into()),
            Self::Value { .. } => Some("correct it".into()),
        }
    }
}

fn near(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |n| format!(" (did you mean {n:?}?)"))
}

/// The boards that come with this crate.
const FILES: [(&str, &str); 6] = [
    ("ulx3s-85f", include_str!("../boards/ulx3s-85f.toml")),
    ("ecpix-5-85f", include_str!("../boards/ecpix-5-85f.toml")),
    ("acorn-cle215", include_str!("../boards/acorn-cle215.toml")),
    ("litefury", include_str!("../boards/litefury.toml")),
    ("kcu105", include_str!("../boards/kcu105.toml")),
    ("alveo-u250", include_str!("../boards/alveo-u250.toml")),
];

/// All boards that come with this crate.
///
/// # Errors
/// A file that does not read: a fault in this crate.
pub fn builtin() -> Result<Vec<Board>, BoardError> {
    FILES.iter().map(|(id, text)| parse(id, text)).collect()
}

/// The board of that name, or the one that the file of that path (ending in `.toml`) describes.
///
/// # Errors
/// There is none, or the file is wrong.
pub fn resolve(name: &str) -> Result<Board, BoardError> {
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e == "toml") {
        let bytes = files::read(path, files::TEXT)?;
        let text = String::from_utf8(bytes);
        return match text {
            Ok(text) => parse(name, &text),
            Err(error) => Err(BoardError::Syntax { origin: name.to_owned(), message: error.to_string() }),
        };
    }
    match FILES.iter().find(|(id, _)| *id == name) {
        Some((id, text)) => parse(id, text),
        None => {
            let nearest = nearest(name, FILES.iter().map(|(id, _)| *id));
            let known = FILES.iter().map(|(id, _)| *id).collect();
            Err(BoardError::Unknown { name: name.to_owned(), known, nearest })
        }
    }
}

/// Reads and checks the text of a board file; `origin` names it in messages.
///
/// # Errors
/// See [`BoardError`].
pub fn parse(origin: &str, text: &str) -> Result<Board, BoardError> {
    let board: Board = toml::from_str(text).map_err(|error| explain(origin, text, &error))?;
    check(origin, &board)?;
    Ok(board)
}

/// What the TOML reader says, as our error. Its message for an unknown key is "unknown field `a`, expected one of
/// `b`, `c`" (or "expected `b`"), which a test holds.
fn explain(origin: &str, text: &str, error: &toml::de::Error) -> BoardError {
    let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
    let message = error.message();
    let mut quoted = message.split('`').skip(1).step_by(2);
    if let (true, Some(key)) = (message.starts_with("unknown field"), quoted.next()) {
        let valid: Vec<&str> = quoted.collect();
        return BoardError::Key {
            origin: origin.to_owned(),
            line,
            key: key.to_owned(),
            nearest: nearest(key, valid.iter().copied()),
            valid: valid.join(", "),
        };
    }
    BoardError::Syntax { origin: origin.to_owned(), message: format!("line {line}: {message}") }
}

/// The candidate that begins so, or else the one with the fewest edits, if they are fewer than half of its letters.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let begins = |c: &str| word.len() > 2 && c.starts_with(word);
    let best = candidates.map(|c| (if begins(c) { 0 } else { edits(word, c) }, c)).min()?;
    (2 * best.0 < best.1.len().max(2)).then(|| best.1.to_owned())
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// What cannot be of a memory behind a port of so many bytes: a field, what it says, and what it must be.
fn refuses(timing: &Dram, port: usize) -> Option<(&'static str, String, String)> {
    let Dram { refresh_every, refresh_cycles, row_bytes, banks, .. } = *timing;
    let counts = [
        ("latency", timing.latency, 0..=MAX_MEMORY_LATENCY),
        ("acknowledge", timing.acknowledge, 0..=MAX_MEMORY_LATENCY),
        ("refresh_cycles", refresh_cycles, 0..=MAX_MEMORY_LATENCY),
        // As much again for what is between two of them.
        ("refresh_every", refresh_every, 2 * refresh_cycles + 1..=MOST_CYCLES),
        ("turn_to_write", timing.turn_to_write, 0..=MAX_MEMORY_LATENCY),
        ("turn_to_read", timing.turn_to_read, 0..=MAX_MEMORY_LATENCY),
        ("row_bytes", row_bytes, port as u64..=MOST_ROW),
        ("row_miss", timing.row_miss, 0..=MAX_MEMORY_LATENCY),
        ("banks", banks, 1..=MOST_BANKS),
        ("bank_change", timing.bank_change, 0..=MAX_MEMORY_LATENCY),
        ("ahead", timing.ahead, 1..=MOST_AHEAD),
    ];
    if let Some((field, got, range)) = counts.into_iter().find(|(_, got, range)| !range.contains(got)) {
        return Some((field, got.to_string(), format!("{} to {}", range.start(), range.end())));
    }
    let powers = [("row_bytes", row_bytes), ("banks", banks)];
    if let Some((field, got)) = powers.into_iter().find(|(_, got)| !got.is_power_of_two()) {
        return Some((field, got.to_string(), "a power of two".to_owned()));
    }
    let rates = [("read", timing.read), ("write", timing.write)];
    let (field, got) = rates.into_iter().find(|(_, got)| !(0.001..=port as f64).contains(got))?;
    Some((field, got.to_string(), format!("0.001 to {port} bytes, those of a transfer")))
}

/// More than of any memory: cycles between two refreshes, bytes of a row, banks, transfers ahead.
const MOST_CYCLES: u64 = 1 << 24;
const MOST_ROW: u64 = 1 << 20;
const MOST_BANKS: u64 = 1 << 10;
const MOST_AHEAD: u64 = 1 << 16;

/// A flow as board files have it.
fn word(flow: Flow) -> &'static str {
    match flow {
        Flow::Open => "open",
        Flow::Vendor => "vendor",
    }
}

/// More than any part has of any kind of block.
const MOST_BLOCKS: u64 = 1_000_000_000;

/// Most data bits and mebibytes of a memory: a stack of HBM has 1,024 and 16 thousand.
const MOST_BITS: u32 = 1 << 12;
const MOST_MEBIBYTES: u64 = 1 << 24;

/// What the types cannot say.
fn check(origin: &str, board: &Board) -> Result<(), BoardError> {
    let wrong = |field: &str, got: String, expected: &str| {
        let (origin, field, expected) = (origin.to_owned(), field.to_owned(), expected.to_owned());
        Err(BoardError::Value { origin, field, got, expected })
    };
    if board.format_version != BOARD_VERSION {
        return wrong("format_version", board.format_version.to_string(), &BOARD_VERSION.to_string());
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=64).contains(&board.id.len()) || !board.id.chars().all(plain) {
        return wrong("id", format!("{:?}", board.id), "at most 64 small letters, digits and dashes");
    }
    let r = &board.resources;
    for (field, count) in [("lut", r.lut), ("ff", r.ff), ("bram", r.bram), ("dsp", r.dsp)] {
        if count > MOST_BLOCKS {
            return wrong(
                &format!("resources.{field}"),
                count.to_string(),
                &format!("at most {MOST_BLOCKS}"),
            );
        }
    }
    for (field, mhz) in [("core_mhz", board.core_mhz), ("clock.mhz", board.clock.mhz)] {
        if !(1.0..=1000.0).contains(&mhz) {
            return wrong(field, mhz.to_string(), "a frequency in MHz from 1 to 1000");
        }
    }
    for memory in &board.memories {
        if !(1..=MOST_BITS).contains(&memory.bits) {
            return wrong("memories.bits", memory.bits.to_string(), &format!("1 to {MOST_BITS}"));
        }
        if !(1..=MOST_MEBIBYTES).contains(&memory.mebibytes) {
            let (got, most) = (memory.mebibytes.to_string(), format!("1 to {MOST_MEBIBYTES}"));
            return wrong("memories.mebibytes", got, &most);
        }
    }
    for port in board.memories.iter().filter_map(|memory| memory.port) {
        let Port { bits, latency, bytes_per_cycle } = port;
        if !bits.is_power_of_two() || !(32..=512).contains(&bits) {
            return wrong("memories.port.bits", bits.to_string(), "a power of two from 32 to 512");
        }
        if latency > MAX_MEMORY_LATENCY {
            let most = format!("at most {MAX_MEMORY_LATENCY} cycles");
            return wrong("memories.port.latency", latency.to_string(), &most);
        }
        if !(0.001..=(bits / 8) as f64).contains(&bytes_per_cycle) {
            let most = format!("0.001 to {} bytes, those of a transfer", bits / 8);
            return wrong("memories.port.bytes_per_cycle", bytes_per_cycle.to_string(), &most);
        }
    }
    for memory in &board.memories {
        let Some(name) = &memory.controller else {
            if memory.connected {
                return wrong(
                    "memories.controller",
                    "missing".to_owned(),
                    "one, for a memory that is connected",
                );
            }
            if memory.timing.is_some() {
                let expected = "none, for a memory without a controller: nothing is measured then";
                return wrong("memories.timing", "there".to_owned(), expected);
            }
            continue;
        };
        let Some(controller) = controller::of(name) else {
            let expected = format!("one of {}", controller::names().join(", "));
            return wrong("memories.controller", format!("{:?}", &**name), &expected);
        };
        if memory.port.is_none_or(|port| port.bits != controller.axi_bits) {
            let got = memory.port.map_or("missing".to_owned(), |port| port.bits.to_string());
            return wrong("memories.port.bits", got, &format!("{}, of its controller", controller.axi_bits));
        }
        let Some(timing) = &memory.timing else {
            return wrong("memories.timing", "missing".to_owned(), "one, for a memory with a controller");
        };
        if let Some((field, got, expected)) = refuses(timing, controller.axi_bits / 8) {
            return wrong(&format!("memories.timing.{field}"), got, &expected);
        }
    }
    let family = families::TABLE.iter().find(|family| family.name() == board.device.family);
    let Some(family) = family else {
        let (got, known) = (format!("{:?}", board.device.family), families::names().join(", "));
        return wrong("device.family", got, &format!("one of {known}"));
    };
    if board.flow != family.flow() {
        let expected = format!("{} for the {} family", word(family.flow()), family.title());
        return wrong("flow", word(board.flow).to_owned(), &expected);
    }
    if let Some((field, got, expected)) = family.refuses(board) {
        return wrong(field, got, &expected);
    }
    let p = &board.pins;
    let needed: &[(&str, bool)] = match &board.host {
        Host::Uart { baud } => {
            if !(9_600..=12_000_000).contains(baud) {
                return wrong("host.baud", baud.to_string(), "9600 to 12000000");
            }
            &[
                ("pins.clock", p.clock.is_some()),
                ("pins.uart_rx", p.uart_rx.is_some()),
                ("pins.uart_tx", p.uart_tx.is_some()),
            ]
        }
        Host::Pcie { lanes, generation, axi_bits, channels, .. } => {
            if ![1, 2, 4, 8, 16].contains(lanes) {
                return wrong("host.lanes", lanes.to_string(), "1, 2, 4, 8 or 16");
            }
            if !(1..=3).contains(generation) {
                return wrong("host.generation", generation.to_string(), "1, 2 or 3");
            }
            if ![64, 128, 256, 512].contains(axi_bits) {
                return wrong("host.axi_bits", axi_bits.to_string(), "64, 128, 256 or 512");
            }
            // The block's AXI clock is the line's rate over the stream's width: 2, 4 or 8 Gbit/s a lane.
            let gigabits = u32::from(*lanes) << generation;
            if (1000.0 * f64::from(gigabits) / f64::from(*axi_bits) - board.core_mhz).abs() > 0.01 {
                let expected = "lanes x 2, 4 or 8 Gbit/s (generation 1, 2, 3) / host.axi_bits";
                return wrong("core_mhz", board.core_mhz.to_string(), expected);
            }
            if !channels.is_empty() && channels.len() != usize::from(*lanes) {
                return wrong("host.channels", channels.len().to_string(), "one transceiver per lane");
            }
            &[
                ("pins.pcie_clock_p", p.pcie_clock_p.is_some()),
                ("pins.pcie_clock_n", p.pcie_clock_n.is_some()),
                ("pins.pcie_reset_n", p.pcie_reset_n.is_some()),
            ]
        }
    };
    if let Some((field, _)) = needed.iter().find(|(_, there)| !there) {
        return wrong(field, "missing".to_owned(), "a pin, for this host link");
    }
    let mut sites = board.all_pins();
    sites.sort_by(|a, b| a.1.site.as_bytes().cmp(b.1.site.as_bytes()));
    if let Some(pair) = sites.windows(2).find(|w| w[0].1.site == w[1].1.site) {
        let got = format!("{} for {} and {}", pair[0].1.site, pair[0].0, pair[1].0);
        return wrong("site", got, "every pin once");
    }
    let ball = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric());
    if let Some((name, pin)) = sites.iter().find(|(_, pin)| !ball(&pin.site)) {
        return wrong(
            &format!("site of {name}"),
            format!("{:?}", &*pin.site),
            "a ball of the package, such as G2",
        );
    }
    Ok(())
}
