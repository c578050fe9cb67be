//! `spikegate verify`: which files of a design are whole, and those that were made of it for boards.

use serde::Serialize;
use spikegate_bitstreams::files::{self as limits, hash};
use spikegate_compiler::emit::hardware;
use spikegate_contract::bundle::{files, Design};
use spikegate_contract::failure::Failure;
use std::path::Path;

use super::report::implementations;
use crate::args::Verify;
use crate::failure::{Result, VerbError};
use crate::ui::{grouped, table, Ui};

/// What is printed.
#[derive(Serialize)]
struct Done {
    files: Vec<File>,
    whole: bool,
}

/// A file, or what several of them say together.
#[derive(Serialize)]
struct File {
    name: String,
    /// None where it could not be read as it was written.
    bytes: Option<u64>,
    whole: bool,
    /// What is wrong, or what was compared beside the hash.
    said: String,
}

impl File {
    fn of<E: Failure>(name: impl Into<String>, judged: Result<(Option<u64>, &str), E>) -> Self {
        let name = name.into();
        match judged {
            Ok((bytes, said)) => Self { name, bytes, whole: true, said: said.to_owned() },
            Err(error) => Self { name, bytes: None, whole: false, said: error.to_string() },
        }
    }
}

pub fn run(args: &Verify, ui: &Ui) -> Result<()> {
    let dir = &args.dir;
    let held = Design::judge(dir)?.into_iter().map(|(name, judged)| {
        File::of(name, judged.map(|bytes| (Some(bytes), "SHA-256 as the manifest says")))
    });
    let mut all = vec![File::of::<VerbError>(files::MANIFEST, Ok((None, "its own hash is right")))];
    all.extend(held);
    // What the files say can be judged only where all of them are there.
    if all.iter().all(|file| file.whole) {
        match Design::open(dir) {
            Err(error) => all.push(File::of("the design", Err(error))),
            Ok(design) => {
                all.push(File::of::<VerbError>(
                    "the design",
                    Ok((None, "network, plan and programs within the contract")),
                ));
                let made = hardware::of(&design)
                    .map(|_| (None, "the Verilog is what this program makes of the array"));
                all.push(File::of("the hardware", made));
            }
        }
    }
    all.extend(boards(dir)?);
    let whole = all.iter().all(|file| file.whole);
    let done = Done { files: all, whole };
    ui.result(&done, || text(&done.files))?;
    if whole {
        return Ok(());
    }
    let bad: Vec<&str> = done.files.iter().filter(|file| !file.whole).map(|file| &*file.name).collect();
    let error = VerbError::check(format!("{}: not whole: {}", dir.display(), bad.join(", ")));
    Err(error.help("compile the model again, or take the folder from where it came from once more").into())
}

/// The bitstreams that were made of the design.
fn boards(dir: &Path) -> Result<Vec<File>> {
    let one = |made: &spikegate_bitstreams::report::Implementation| {
        let path = dir.join("boards").join(&made.board).join(&made.bitstream);
        let bits = limits::read(&path, limits::BITSTREAM)?;
        let (got, expected) = (hash(&bits), &made.bitstream_hash);
        if got != *expected {
            let what = format!("{}: its SHA-256 is {got}, expected {expected}", path.display());
            return Err(VerbError::check(what).into());
        }
        Ok::<_, crate::failure::Failed>(bits.len() as u64)
    };
    let file = |made| match one(&made) {
        Ok(bytes) => File::of::<VerbError>(
            format!("boards/{}", made.board),
            Ok((Some(bytes), "SHA-256 as the flow wrote it")),
        ),
        Err(error) => File {
            name: format!("boards/{}", made.board),
            bytes: None,
            whole: false,
            said: error.report().message,
        },
    };
    Ok(implementations(dir)?.into_iter().map(file).collect())
}

/// A line for each, with what is wrong below.
fn text(files: &[File]) -> String {
    let state = |file: &File| if file.whole { "whole" } else { "NOT WHOLE" }.to_owned();
    let rows = files
        .iter()
        .map(|file| vec![file.name.clone(), file.bytes.map_or_else(String::new, grouped), state(file)]);
    let mut text = table(&["file", "bytes", "state"], rows);
    for file in files.iter().filter(|file| !file.whole) {
        text += &format!("{}\n", file.said);
    }
    text.trim_end().to_owned()
}
