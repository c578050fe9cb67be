//! From Verilog to a shared library: Verilator, the C++ compiler, and a cache keyed by what goes in.

use spikegate_contract::abandon;
use spikegate_contract::bundle::{files, sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use super::compile::{compile, Job};
use super::error::BuildError;
use super::tools::{start, tail, Options, Progress};
use crate::cache::{Cache, CacheError};

/// The C++ side of `library.rs`.
const SHIM: &str = include_str!("../verilator_shim.cpp");
const OLDEST: (u32, u32) = (5, 6);
/// What Verilator keeps by name where bits are to be inverted: memories and the registers that a program loads.
const KEPT: &str = "kept.vlt";
const KEPT_TEXT: &str = "\
`verilator_config
public_flat_rw -module \"*_ram\" -var \"words\"
public_flat_rw -module \"*_globals\" -var \"held_*\"
";

/// One build of this process at a time: they would only take the machine from each other, and two builds of the
/// same design would both do the work.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The library of the core whose Verilog is `text`, from the cache or built, and the cache that it came from. `name` is what
/// messages call it.
pub(super) fn library(
    name: &str,
    text: &str,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Cache, Vec<u8>), BuildError> {
    let version = verilator_version(options)?;
    let cache = Cache::open(options.cache.as_deref())?;
    let file = format!("{}.lib", key(&[text.as_bytes(), SHIM.as_bytes()], &version, options));
    let _guard = ONE_AT_A_TIME.lock();
    if let Some(library) = cache.get(&file) {
        progress(Progress::Cached);
        return Ok((cache, library));
    }
    let work = cache.work()?;
    let _ends = abandon::folder(work.path().to_owned());
    let cannot = |path: &Path| {
        let path = path.to_owned();
        move |source| CacheError::Io { path, source }
    };
    let root = verilator_root(options)?;
    progress(Progress::Verilating);
    let (verilog, objects) = (work.path().join(files::VERILOG), work.path().join("obj"));
    fs::write(&verilog, text).map_err(cannot(&verilog))?;
    verilate(name, work.path(), options)?;
    let shim = objects.join("spikegate_shim.cpp");
    fs::write(&shim, SHIM).map_err(cannot(&shim))?;
    let kept = format!("verilator-{}", &key(&[], &version, options)[..16]);
    let job = Job { name, folder: &objects, cache: &cache, kept: &kept, options, root: &root };
    let built = compile(&job, progress)?;
    let library = fs::read(&built).map_err(cannot(&built))?;
    cache.put(&file, &library)?;
    Ok((cache, library))
}

/// Hash of the inputs of a build, of the tools and of their options.
fn key(inputs: &[&[u8]], version: &str, options: &Options) -> String {
    let mut all = Vec::new();
    for part in inputs.iter().copied().chain([version.as_bytes(), options.cxx.as_os_str().as_encoded_bytes()])
    {
        all.extend((part.len() as u64).to_le_bytes());
        all.extend(part);
    }
    all.extend(super::compile::FLAGS_VERSION.to_le_bytes());
    all.extend([options.waves, options.flips].map(u8::from));
    sha256(&all)
}

/// What Verilator calls itself; an error where it is missing or too old.
fn verilator_version(options: &Options) -> Result<String, BuildError> {
    let output = start(Command::new(&options.verilator).arg("--version"), "verilator")?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || !text.starts_with("Verilator") {
        return Err(broken(options, "--version", &output));
    }
    let number = text.split_whitespace().nth(1).unwrap_or_default();
    let mut parts = number.splitn(2, '.').map(|p| p.parse::<u32>());
    // Some builds have no number ("Verilator rev vUNKNOWN"): those are taken as they are.
    if let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) {
        if (major, minor) < OLDEST {
            let tool = options.verilator.display().to_string();
            return Err(BuildError::OldTool { tool, got: number.to_owned(), expected: "5.006" });
        }
    }
    Ok(text)
}

/// Folder of Verilator's own C++ files.
fn verilator_root(options: &Options) -> Result<PathBuf, BuildError> {
    let output = start(Command::new(&options.verilator).args(["--getenv", "VERILATOR_ROOT"]), "verilator")?;
    let root = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && root.join("include/verilated.cpp").is_file() {
        return Ok(root);
    }
    Err(broken(options, "--getenv VERILATOR_ROOT", &output))
}

/// A Verilator that does not work, with the variable that may be the reason.
fn broken(options: &Options, arguments: &str, output: &Output) -> BuildError {
    let tool = options.verilator.display().to_string();
    let said = match tail(output, "%Error") {
        said if said.is_empty() => "nothing".to_owned(),
        said => said.trim().to_owned(),
    };
    let help = match std::env::var_os("VERILATOR_ROOT") {
        Some(root) => format!("VERILATOR_ROOT is {root:?}, unset it or give Verilator's own folder"),
        None => "install it again with `apt-get install verilator`".to_owned(),
    };
    BuildError::BrokenTool {
        command: format!("{tool} {arguments}"),
        tool,
        got: format!("says {said} ({})", output.status),
        help,
    }
}

/// Translates the Verilog in `folder`.
fn verilate(name: &str, folder: &Path, options: &Options) -> Result<(), BuildError> {
    let mut command = Command::new(&options.verilator);
    command.args(["--cc", "--top-module", "spikegate", "--prefix", "Vspikegate", "-O3"]);
    command.args(["--x-assign", "fast", "--x-initial", "fast", "--noassert", "--no-timing"]);
    command.args(["--timescale", "1ns/1ns", "-Wno-fatal", "-Wno-lint", "-Wno-style"]);
    command.args(super::compile::SPLIT);
    if options.waves {
        command.arg("--trace-fst");
    }
    if options.flips {
        let path = folder.join(KEPT);
        fs::write(&path, KEPT_TEXT).map_err(|source| CacheError::Io { path, source })?;
        command.arg(KEPT);
    }
    command.args(["--Mdir", "obj", files::VERILOG]).current_dir(folder);
    let output = start(&mut command, "verilator")?;
    if output.status.success() {
        return Ok(());
    }
    Err(BuildError::Tool {
        step: "Verilating",
        tool: options.verilator.display().to_string(),
        name: name.to_owned(),
        log: tail(&output, "%Error"),
        help: "this Verilator may be too old or too new: see the first line above",
    })
}
