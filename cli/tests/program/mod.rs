//! The program as tests start it.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub const DATA: &str = "/usr/share/datasets/fashion-mnist";

pub fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference/gac_fashion_t4.safetensors")
}

pub fn spikegate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spikegate"));
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command
}

pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// Whether the data set is installed; says so where it is not.
pub fn has_data() -> bool {
    let there = Path::new(DATA).is_dir();
    if !there {
        eprintln!("SKIPPED: {DATA} is not there");
    }
    there
}
