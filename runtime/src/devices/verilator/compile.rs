//! The C++ compiler's part: every file that Verilator wrote, a few at a time, then one link.
//!
//! Verilator's makefile is not used: GNU make refuses folders with spaces, and it cannot say how far it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::{fs, thread};

use super::build::{start, tail, Options, Progress};
use super::error::BuildError;

/// Raised with any change of the flags below or of Verilator's: part of the cache key.
pub(super) const FLAGS_VERSION: u32 = 1;
/// Sizes of the C++ files and functions.
pub(super) const SPLIT: [&str; 4] = ["--output-split", "20000", "--output-split-cfuncs", "2000"];

/// One library to make.
pub(super) struct Job<'a> {
    /// The design, for messages.
    pub verilog: &'a Path,
    /// Folder with Verilator's output and the shim.
    pub folder: &'a Path,
    /// Options.
    pub options: &'a Options,
    /// Verilator's own files.
    pub root: &'a Path,
}

/// Compiles and links; the library's path.
pub(super) fn compile(job: &Job<'_>, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, BuildError> {
    let sources = sources(job)?;
    let total = sources.len();
    progress(Progress::Compiling { done: 0, total });
    let next = AtomicUsize::new(0);
    let workers = job.options.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers.clamp(1, total.max(1)) {
            let (send, next, sources) = (send.clone(), &next, &sources);
            scope.spawn(move || {
                while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = object(job, source);
                    let failed = result.is_err();
                    if send.send(result).is_err() || failed {
                        // Nobody needs the rest.
                        next.store(usize::MAX / 2, Ordering::Relaxed);
                    }
                }
            });
        }
        drop(send);
        for done in 1..=total {
            match receive.recv() {
                Ok(result) => result?,
                Err(_) => break,
            }
            progress(Progress::Compiling { done, total });
        }
        Ok(())
    })?;
    progress(Progress::Linking);
    link(job, &sources)
}

/// All C++ files, the largest first so that no compiler is left alone with it at the end.
fn sources(job: &Job<'_>) -> Result<Vec<PathBuf>, BuildError> {
    let read = |source| BuildError::Cache { path: job.folder.into(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(job.folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.extension().is_some_and(|e| e == "cpp") {
            files.push((fs::metadata(&path).map_or(0, |m| m.len()), path));
        }
    }
    // Verilator's own files, which it lists by name without extension.
    let list = fs::read_to_string(job.folder.join("Vspikegate_classes.mk")).map_err(read)?;
    let mut global = false;
    for line in list.lines() {
        let word = line.trim().trim_end_matches('\\').trim();
        if word.contains('=') {
            global = word.starts_with("VM_GLOBAL");
        } else if global && !word.is_empty() && !word.starts_with('#') {
            let path = job.root.join("include").join(word).with_extension("cpp");
            // Their size says little: one of them is the slowest of a small design.
            files.push((u64::MAX, path));
        }
    }
    files.sort_by(|a, b| b.cmp(a));
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

fn object_path(job: &Job<'_>, source: &Path) -> PathBuf {
    job.folder.join(source.file_name().unwrap_or_default()).with_extension("o")
}

/// Compiles one file.
fn object(job: &Job<'_>, source: &Path) -> Result<(), BuildError> {
    let name = source.file_stem().unwrap_or_default().to_string_lossy();
    // Set-up code runs once; compiling it fast is worth more.
    let once = name.ends_with("__Slow") || name.ends_with("__Syms");
    let include = job.root.join("include");
    let waves = u8::from(job.options.waves);
    let mut command = Command::new(&job.options.cxx);
    command.args(["-c", "-fPIC", "-std=gnu++17", "-w", "-faligned-new", "-fcf-protection=none"]);
    command.arg(if once { "-O0" } else { "-O2" });
    command.args(["-DVL_USER_FINISH", "-DVL_USER_STOP", "-DVL_USER_FATAL"]);
    command.args(["-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE_VCD=0"]);
    command.args([format!("-DVM_TRACE={waves}"), format!("-DVM_TRACE_FST={waves}")]);
    command.arg("-I").arg(job.folder).arg("-I").arg(&include).arg("-I").arg(include.join("vltstd"));
    command.arg("-o").arg(object_path(job, source)).arg(source);
    run(job, &mut command, "compiling")
}

/// Joins all objects.
fn link(job: &Job<'_>, sources: &[PathBuf]) -> Result<PathBuf, BuildError> {
    let library = job.folder.join("spikegate.so");
    let mut command = Command::new(&job.options.cxx);
    command.arg("-shared").arg("-o").arg(&library);
    command.args(sources.iter().map(|s| object_path(job, s)));
    command.args(["-pthread", "-latomic"]);
    if job.options.waves {
        command.arg("-lz");
    }
    run(job, &mut command, "linking")?;
    Ok(library)
}

fn run(job: &Job<'_>, command: &mut Command, step: &'static str) -> Result<(), BuildError> {
    let output = start(command, "g++")?;
    if output.status.success() {
        return Ok(());
    }
    let log = tail(&output, "error");
    let no_zlib = log.contains("zlib.h") || log.contains("-lz");
    Err(BuildError::Tool {
        step,
        tool: job.options.cxx.display().to_string(),
        verilog: job.verilog.into(),
        help: if no_zlib {
            "waveforms need the zlib headers: `apt-get install zlib1g-dev`"
        } else {
            "see the first line above; free memory and disk space are the usual causes"
        },
        log,
    })
}
