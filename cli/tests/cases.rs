//! Inputs, designs and surroundings that people really have, and what is right for each, as data: every folder below
//! `cases/` with a `case.toml` is a test. Its files are copied to a folder of its own, where its steps run in order.
//!
//! `cargo test -p spikegate --test cases` runs them; a part of a name behind `--` chooses, as with any test.
//! `SPIKEGATE_UNDER_TEST=/path/to/spikegate` tries another build of the program.
#![allow(clippy::unwrap_used)]

mod program;

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

/// `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the input or the surroundings are, and what they stand for.
    kind: String,
    /// What is right.
    right: String,
    /// Commands that must exist, or files that must be there; the case is named as ignored where one is not.
    #[serde(default)]
    needs: Vec<String>,
    step: Vec<Step>,
}

/// One command line and what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// For bash, in the copy of the case's folder, with `spikegate` on the path and the [`variables`].
    run: String,
    /// Exit code.
    #[serde(default)]
    exit: i32,
    /// What stdout holds.
    #[serde(default)]
    out: Vec<String>,
    /// What stdout or stderr holds.
    #[serde(default)]
    says: Vec<String>,
    /// What neither holds.
    #[serde(default)]
    never: Vec<String>,
    /// Longest time.
    #[serde(default = "twenty")]
    seconds: u32,
    /// Most memory in MiB, of every process.
    memory: Option<u64>,
}

fn twenty() -> u32 {
    20
}

/// The program that is tried.
fn under_test() -> PathBuf {
    std::env::var_os("SPIKEGATE_UNDER_TEST").unwrap_or(env!("CARGO_BIN_EXE_spikegate").into()).into()
}

/// Pictures for `random_k4`, in two class folders.
fn pictures() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for class in ["cat", "dog"] {
            program::pictures(&folder.path().join(class), 4);
        }
        folder
    })
    .path()
}

/// A compiled design of `random_k4`, to copy.
fn design() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let model = program::model().with_file_name("random_k4.safetensors");
        let mut compile = Command::new(env!("CARGO_BIN_EXE_spikegate"));
        compile.arg("compile").arg(model).args(["--array", "2,1,2,2", "--calib"]).arg(pictures());
        let got = program::run(compile.arg("-o").arg(folder.path().join("design")));
        assert_eq!(got.code, 0, "{}", got.err);
        folder
    })
    .path()
}

/// What a step may name.
fn variables(case: &Case) -> Vec<(&'static str, PathBuf)> {
    let uses = |name: &str| case.step.iter().any(|step| step.run.contains(name));
    let mut out = vec![
        // Trained and random models.
        ("MODELS", program::model().with_file_name("")),
        // Fashion-MNIST.
        ("DATA", program::DATA.into()),
    ];
    if uses("$PICTURES") {
        out.push(("PICTURES", pictures().into()));
    }
    if uses("$DESIGN") {
        out.push(("DESIGN", design().join("design")));
    }
    out
}

/// Copies a folder's files, links and folders.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(status.success(), "copying {}", from.display());
}

/// Runs the steps of a case in a copy of its folder.
fn run(case: &Case, folder: &Path) -> Result<(), Failed> {
    let home = tempfile::tempdir().unwrap();
    let (work, bin) = (home.path().join("work"), home.path().join("bin"));
    for folder in [&work, &bin] {
        fs::create_dir(folder).unwrap();
    }
    copy(folder, &work);
    std::os::unix::fs::symlink(under_test(), bin.join("spikegate")).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).unwrap();
    for (n, step) in case.step.iter().enumerate() {
        let limit = step.memory.map_or(String::new(), |mib| format!("ulimit -v {};", mib * 1024));
        let mut command = Command::new("timeout");
        command.args(["-k", "1", &step.seconds.to_string(), "bash", "-c", &format!("{limit}{}", step.run)]);
        command.current_dir(&work).env("PATH", &path).envs(variables(case));
        command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
        let got = program::run(&mut command);
        let both = format!("{}{}", got.out, got.err);
        let wrong = if got.code == 124 && step.exit != 124 {
            Some(format!("takes over {} s", step.seconds))
        } else if got.code != step.exit {
            Some(format!("exits with {}, expected {}", got.code, step.exit))
        } else if both.contains("panicked") {
            Some("panics".to_owned())
        } else {
            let lacks = |text: &str, of: &[String]| of.iter().find(|part| !text.contains(*part)).cloned();
            let lacks = lacks(&got.out, &step.out).or_else(|| lacks(&both, &step.says));
            let says = step.never.iter().find(|part| both.contains(*part));
            lacks.map(|part| format!("does not say {part:?}")).or(says.map(|part| format!("says {part:?}")))
        };
        if let Some(wrong) = wrong {
            let (run, kind, right) = (&step.run, &case.kind, &case.right);
            return Err(format!(
                "step {n} {wrong}\n  {run}\n{both}\n  kind: {kind}\n  right: {right}\n  {}",
                folder.display()
            )
            .into());
        }
    }
    Ok(())
}

/// Whether a command exists, or a file is there.
fn is_there(what: &str) -> bool {
    if what.contains('/') {
        return Path::new(what).exists();
    }
    Command::new("which").arg(what).output().is_ok_and(|found| found.status.success())
}

/// The cases below a folder, by the path to them.
fn find(folder: &Path, name: &str, trials: &mut Vec<Trial>) {
    let file = folder.join("case.toml");
    if let Ok(text) = fs::read_to_string(&file) {
        let case: Case = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let missing: Vec<_> = case.needs.iter().filter(|what| !is_there(what)).cloned().collect();
        if !missing.is_empty() {
            eprintln!("SKIPPED: case {name}: {} is missing", missing.join(", "));
        }
        let folder = folder.to_owned();
        trials.push(Trial::test(name, move || run(&case, &folder)).with_ignored_flag(!missing.is_empty()));
        return;
    }
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries.iter().filter(|entry| entry.path().is_dir()) {
        let part = entry.file_name().into_string().unwrap();
        find(&entry.path(), &if name.is_empty() { part } else { format!("{name}/{part}") }, trials);
    }
}

fn main() -> ExitCode {
    let mut trials = Vec::new();
    find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"), "", &mut trials);
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
