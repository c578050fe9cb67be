//! The C++ compiler's part: every file that Verilator wrote, a few at a time, then one link.
//!
//! Verilator's makefile is not used: GNU make refuses folders with spaces, and it cannot say how far it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::{fs, thread};

use super::error::BuildError;
use super::tools::{start, tail, Options, Progress};
use crate::cache::{Cache, CacheError};

/// Raised with any change of the flags below or of Verilator's: part of the cache key.
pub(super) const FLAGS_VERSION: u32 = 2;
/// Sizes of the C++ files and functions.
pub(super) const SPLIT: [&str; 4] = ["--output-split", "20000", "--output-split-cfuncs", "2000"];
/// Files are joined up to this size.
const UNIT_BYTES: u64 = 400_000;

/// One library to make.
pub(super) struct Job<'a> {
    /// The design, for messages.
    pub name: &'a str,
    /// Folder with Verilator's output and the shim.
    pub folder: &'a Path,
    /// Where the objects are kept that all designs share.
    pub cache: &'a Cache,
    /// What their names begin with.
    pub kept: &'a str,
    /// Options.
    pub options: &'a Options,
    /// Verilator's own files.
    pub root: &'a Path,
}

/// One call of the C++ compiler.
struct Unit {
    source: PathBuf,
    object: PathBuf,
    /// Set-up code runs once; compiling it fast is worth more.
    once: bool,
    /// Name in the cache, where it is kept there.
    kept: Option<String>,
}

/// Compiles and links; the library's path.
pub(super) fn compile(job: &Job<'_>, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, BuildError> {
    let mut units = own_units(job)?;
    units.extend(model_units(job)?);
    let missing: Vec<&Unit> = units.iter().filter(|u| !u.object.is_file()).collect();
    let total = missing.len();
    progress(Progress::Compiling { done: 0, total });
    let next = AtomicUsize::new(0);
    let workers = job.options.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers.clamp(1, total.max(1)) {
            let (send, next, missing) = (send.clone(), &next, &missing);
            scope.spawn(move || {
                while let Some(unit) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = object(job, unit);
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
        Ok::<(), BuildError>(())
    })?;
    progress(Progress::Linking);
    link(job, &units)
}

/// Verilator's own files, named in a list beside the model. They are the same for every design and slow to compile,
/// so their objects stay in the cache.
fn own_units(job: &Job<'_>) -> Result<Vec<Unit>, BuildError> {
    let path = job.folder.join("Vspikegate_classes.mk");
    let cannot = |path: &Path| {
        let path = path.to_owned();
        move |source| CacheError::Io { path, source }
    };
    let list = fs::read_to_string(&path).map_err(cannot(&path))?;
    let mut units = Vec::new();
    let mut global = false;
    for line in list.lines() {
        let word = line.trim().trim_end_matches('\\').trim();
        if word.contains('=') {
            global = word.starts_with("VM_GLOBAL");
        } else if global && !word.is_empty() && !word.starts_with('#') {
            let source = job.root.join("include").join(word).with_extension("cpp");
            let object = job.folder.join(word).with_extension("o");
            let kept = format!("{}-{word}.obj", job.kept);
            if let Some(bytes) = job.cache.get(&kept) {
                fs::write(&object, bytes).map_err(cannot(&object))?;
            }
            units.push(Unit { source, object, once: false, kept: Some(kept) });
        }
    }
    Ok(units)
}

/// The model and the shim. Small files are joined, because each costs a second for the headers alone; the largest
/// come first, so that no compiler is left alone with one at the end.
fn model_units(job: &Job<'_>) -> Result<Vec<Unit>, BuildError> {
    let cannot = |source| CacheError::Io { path: job.folder.into(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(job.folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|e| e == "cpp") {
            let once = name.ends_with("__Slow") || name.ends_with("__Syms");
            files.push((once, name, fs::metadata(&path).map_or(0, |m| m.len())));
        }
    }
    files.sort();
    let mut groups: Vec<(u64, bool, String)> = Vec::new();
    for (once, name, size) in files {
        let line = format!("#include \"{name}.cpp\"\n");
        match groups.last_mut() {
            Some((sum, kind, text)) if *kind == once && *sum + size <= UNIT_BYTES => {
                *sum += size;
                text.push_str(&line);
            }
            _ => groups.push((size, once, line)),
        }
    }
    groups.sort_by(|a, b| b.cmp(a));
    let mut units = Vec::new();
    for (index, (_, once, text)) in groups.into_iter().enumerate() {
        let source = job.folder.join(format!("unit_{index}.cc"));
        fs::write(&source, text).map_err(cannot)?;
        units.push(Unit { object: source.with_extension("o"), source, once, kept: None });
    }
    Ok(units)
}

/// Compiles one unit.
fn object(job: &Job<'_>, unit: &Unit) -> Result<(), BuildError> {
    let include = job.root.join("include");
    let waves = u8::from(job.options.waves);
    let mut command = Command::new(&job.options.cxx);
    // Without unique symbols two designs in one process share nothing, and a library can be unloaded.
    command.args([
        "-fno-gnu-unique",
        "-c",
        "-fPIC",
        "-std=gnu++17",
        "-w",
        "-faligned-new",
        "-fcf-protection=none",
    ]);
    command.arg(if unit.once { "-O0" } else { "-O2" });
    command.args(["-DVL_USER_FINISH", "-DVL_USER_STOP", "-DVL_USER_FATAL"]);
    command.args(["-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE_VCD=0"]);
    command.args([format!("-DVM_TRACE={waves}"), format!("-DVM_TRACE_FST={waves}")]);
    command.arg("-I").arg(job.folder).arg("-I").arg(&include).arg("-I").arg(include.join("vltstd"));
    command.arg("-o").arg(&unit.object).arg(&unit.source);
    run(job, &mut command, "compiling")?;
    if let Some(name) = &unit.kept {
        let object = fs::read(&unit.object);
        let object = object.map_err(|source| CacheError::Io { path: unit.object.clone(), source })?;
        job.cache.put(name, &object)?;
    }
    Ok(())
}

/// Joins all objects.
fn link(job: &Job<'_>, units: &[Unit]) -> Result<PathBuf, BuildError> {
    let library = job.folder.join("spikegate.so");
    let mut command = Command::new(&job.options.cxx);
    command.arg("-shared").arg("-Wl,-Bsymbolic").arg("-o").arg(&library);
    command.args(units.iter().map(|u| &u.object));
    command.args(["-pthread", "-latomic"]);
    if job.options.waves {
        command.arg("-lz");
        // To the shim, which remembers what failed.
        let wrapped = ["fwrite", "fputc", "fflush", "fclose", "gzwrite", "gzclose"];
        command.args(wrapped.map(|name| format!("-Wl,--wrap={name}")));
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
        name: job.name.to_owned(),
        help: if no_zlib {
            "waveforms need the zlib headers: `apt-get install zlib1g-dev`"
        } else {
            "see the first line above; free memory and disk space are the usual causes"
        },
        log,
    })
}
