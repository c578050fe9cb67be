//! `spikegate verify`: which files of a design are whole, and the bitstreams that were made of it.

use serde::Serialize;
use spikegate_bitstreams::program::{judge, BITSTREAM};
use spikegate_bitstreams::report::IMPLEMENTATION;
use spikegate_compiler::emit::hardware;
use spikegate_contract::bundle::{files, Design};
use spikegate_contract::failure::Failure;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::args::Verify;
use crate::failure::{Result, VerbError};
use crate::ui::{grouped, table, Ui};

/// What is printed.
#[derive(Serialize)]
struct Done {
    files: Vec<File>,
    whole: bool,
}

/// A file or folder, or what several of them say together.
#[derive(Serialize)]
struct File {
    name: String,
    /// None where it is no file, or could not be read as it was written.
    bytes: Option<u64>,
    state: State,
    /// What was compared, what is wrong, or why nothing can be said.
    said: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Whole,
    NotWhole,
    /// Nobody has written down what it was.
    NotJudged,
}

impl State {
    fn text(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::NotWhole => "NOT WHOLE",
            Self::NotJudged => "not judged",
        }
    }
}

impl File {
    fn whole(name: &str, bytes: Option<u64>, said: &str) -> Self {
        Self { name: name.to_owned(), bytes, state: State::Whole, said: said.to_owned() }
    }

    fn of<E: Failure>(name: &str, judged: Result<Option<u64>, E>, said: &str) -> Self {
        match judged {
            Ok(bytes) => Self::whole(name, bytes, said),
            Err(error) => Self::bad(name, error.in_a_line()),
        }
    }

    fn bad(name: &str, said: String) -> Self {
        Self { name: name.to_owned(), bytes: None, state: State::NotWhole, said }
    }

    fn not_judged(name: &str, said: &str) -> Self {
        Self { name: name.to_owned(), bytes: None, state: State::NotJudged, said: said.to_owned() }
    }
}

pub fn run(args: &Verify, ui: &Ui) -> Result<()> {
    let dir = &args.dir;
    let (manifest, held) = Design::judge(dir)?;
    let mut all = vec![File::whole(files::MANIFEST, None, "its own hash is right")];
    all.extend(
        held.into_iter().map(|(name, bytes)| File::of(name, bytes.map(Some), "SHA-256 as the manifest says")),
    );
    // What the files say can be judged only where all of them are there.
    if all.iter().all(|file| file.state == State::Whole) {
        match Design::open(dir) {
            Err(error) => all.push(File::bad("the design", error.in_a_line())),
            Ok(design) => {
                all.push(File::whole("the design", None, "network, plan and programs within the contract"));
                let said = "the Verilog is what this program makes of the array";
                all.push(File::of("the hardware", hardware::of(&design).map(|_| None), said));
            }
        }
    }
    let count = all.len();
    all.extend(boards(dir, &manifest.verilog_hash));
    if dir.join("rusthdl").exists() {
        all.push(File::not_judged("rusthdl", "sources to read, whose hashes nobody has written down"));
    }
    let is_bad = |file: &&File| file.state == State::NotWhole;
    let done = Done { whole: !all.iter().any(|file| is_bad(&file)), files: all };
    ui.result(&done, || text(&done.files))?;
    if done.whole {
        return Ok(());
    }
    let help = match done.files[..count].iter().any(|file| is_bad(&file)) {
        true => "compile the model again, or take the folder from where it came from once more",
        false => "run `spikegate synth` again",
    };
    let names: Vec<&str> = done.files.iter().filter(is_bad).map(|file| &*file.name).collect();
    let error = VerbError::check(format!("{}: not whole: {}", dir.display(), names.join(", ")));
    Err(error.help(help).into())
}

/// What was made of the design for boards.
fn boards(dir: &Path, verilog_hash: &str) -> Vec<File> {
    let folder = dir.join("boards");
    let cannot =
        |error: std::io::Error| File::bad("boards", format!("cannot list {}: {error}", folder.display()));
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return vec![],
        Err(error) => return vec![cannot(error)],
        Ok(entries) => entries,
    };
    let mut files: Vec<File> = entries
        .map(|entry| match entry {
            Err(error) => cannot(error),
            Ok(entry) => board(&entry.path(), verilog_hash),
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// The folder of a board. Without a bitstream it is a project for the vendor's tool, or of a run that has not come so far.
fn board(folder: &Path, verilog_hash: &str) -> File {
    let board = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("boards/{board}");
    let there = |file: &str| match fs::symlink_metadata(folder.join(file)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("cannot look into {}: {error}", folder.display())),
        Ok(_) => Ok(true),
    };
    match there(IMPLEMENTATION).and_then(|record| Ok(record || there(BITSTREAM)?)) {
        Err(error) => File::bad(&name, error),
        Ok(false) => File::not_judged(&name, "there is no bitstream"),
        Ok(true) => {
            let said = "the bitstream is that of its record, and of this design";
            File::of(&name, judge(folder, &board, verilog_hash).map(Some), said)
        }
    }
}

/// A line for each, with what is wrong below.
fn text(files: &[File]) -> String {
    let row = |file: &File| {
        vec![file.name.clone(), file.bytes.map_or_else(String::new, grouped), file.state.text().to_owned()]
    };
    let mut text = table(&["file", "bytes", "state"], files.iter().map(row));
    for file in files.iter().filter(|file| file.state != State::Whole) {
        text += &format!("{}: {}\n", file.name, file.said);
    }
    text.trim_end().to_owned()
}
