//! Every device against the suite of `spikegate_runtime::conformance`: one test for each device, design and check.
//!
//! `cargo test -p spikegate --test conformance` runs them; a part of a name behind `--` chooses: `uart/` a device,
//! `/recovery` a check. Another device is a line in [`SUBJECTS`].
#![allow(clippy::unwrap_used)]

mod bridge;
mod program;
mod support;

use bridge::Bridge;
use libtest_mimic::{Arguments, Failed, Trial};
use program::{run, spikegate};
use spikegate_compiler::emit::hardware;
use spikegate_contract::bundle::Design;
use spikegate_contract::failure::Failure;
use spikegate_runtime::card::{serve, Sessions};
use spikegate_runtime::conformance::{Bench, Check, ConformanceError, CHECKS};
use spikegate_runtime::device::Device;
use spikegate_runtime::devices::golden::Golden;
use spikegate_runtime::devices::verilator::Options;
use spikegate_runtime::devices::{open, Address, OpenError, StandsFor};
use std::any::Any;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{mpsc, OnceLock};
use std::time::Duration;

/// Something that an address leads to, as long as it is held; an error where this machine has no such thing.
type Stand = fn(&'static Design, &Path) -> Result<(String, Box<dyn Any>), String>;

/// A device under test.
#[derive(Clone, Copy)]
struct Subject {
    name: &'static str,
    /// Whether it serves one driver at a time.
    exclusive: bool,
    stand: Stand,
}

/// All devices that need no hardware.
const SUBJECTS: &[Subject] = &[
    Subject { name: "golden", exclusive: false, stand: |_, _| nothing("golden") },
    Subject { name: "verilator", exclusive: false, stand: verilator },
    Subject { name: "vfio-user", exclusive: true, stand: card },
    Subject { name: "xdma", exclusive: true, stand: character_devices },
    Subject { name: "uart", exclusive: true, stand: serial_port },
];

fn nothing(address: &str) -> Result<(String, Box<dyn Any>), String> {
    Ok((address.to_owned(), Box::new(())))
}

fn verilator(_: &'static Design, _: &Path) -> Result<(String, Box<dyn Any>), String> {
    let there = Command::new("verilator").arg("--version").output().is_ok();
    if there {
        nothing("verilator")
    } else {
        Err("verilator is not there".to_owned())
    }
}

fn golden(design: &Design) -> Golden {
    Golden::open(design).unwrap()
}

/// A card in software, in a thread that ends with the tests.
fn card(design: &'static Design, folder: &Path) -> Result<(String, Box<dyn Any>), String> {
    let socket = folder.join("card");
    let (ready, wait) = mpsc::channel();
    let at = socket.clone();
    std::thread::spawn(move || {
        serve(&at, &mut golden(design), Sessions::Endless, || ready.send(()).unwrap()).unwrap();
    });
    wait.recv().unwrap();
    nothing(&format!("vfio-user:{}", socket.display()))
}

/// Variable that makes this program serve the files of a design's core, in the folder that it names, until its standard
/// input ends. They are served from another process than the one that opens them: a process that ends while it waits for
/// itself never does.
const SERVE: &str = "SPIKEGATE_SERVE_FILES";

fn serve_files(mount: &OsStr) {
    let design = Design::open(&PathBuf::from(std::env::args_os().next_back().unwrap())).unwrap();
    match support::mount(Path::new(mount), golden(&design)) {
        Ok(files) => {
            let _ = std::io::stdin().read(&mut [0]);
            // A driver's read that waits for a packet ends with this process, not before.
            drop(files);
        }
        Err(error) => eprintln!("SKIPPED: FUSE cannot be mounted: {error}"),
    }
}

/// The process that serves, which ends with its standard input, and where.
struct Server(Child, PathBuf);

impl Drop for Server {
    fn drop(&mut self) {
        // A driver's read may still wait there, which holds an ordinary unmounting up.
        let lazily = |tool: &str, option: &str| {
            let done = Command::new(tool).arg(option).arg(&self.1).stderr(Stdio::null()).status();
            done.is_ok_and(|status| status.success())
        };
        let _ = lazily("fusermount3", "-uz") || lazily("fusermount", "-uz") || lazily("umount", "-l");
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn character_devices(design: &'static Design, folder: &Path) -> Result<(String, Box<dyn Any>), String> {
    let mount = folder.join("dev");
    std::fs::create_dir(&mount).unwrap();
    let mut server = Command::new(std::env::current_exe().unwrap());
    server.arg(&design.dir).env(SERVE, &mount).stdin(Stdio::piped());
    let mut server = Server(server.spawn().unwrap(), mount.clone());
    while !mount.join("xdma0_user").exists() {
        if server.0.try_wait().unwrap().is_some() {
            return Err("FUSE cannot be mounted".to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok((format!("xdma:{}", mount.join("xdma0").display()), Box::new(server)))
}

fn serial_port(design: &'static Design, _: &Path) -> Result<(String, Box<dyn Any>), String> {
    let bridge = Bridge::serve(move || golden(design));
    Ok((format!("uart:{}", bridge.port.display()), Box::new(bridge)))
}

/// What a check runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A design of small pictures.
    Plain,
    /// Two images share a run of its program.
    Batch,
    /// Its images come as patches for the external memory.
    Patches,
}

/// Checks in which images are sent and results come back.
const SENDING: [&str; 4] = ["images", "trace", "recovery", "reset"];

fn forms(check: Check) -> impl Iterator<Item = (Form, &'static str)> {
    let all =
        [(Form::Plain, true), (Form::Batch, check.batches), (Form::Patches, SENDING.contains(&check.name))];
    all.into_iter().filter(|(_, runs)| *runs).map(|(form, _)| match form {
        Form::Plain => (form, ""),
        Form::Batch => (form, "_batch"),
        Form::Patches => (form, "_patches"),
    })
}

/// A compiled design.
fn design(form: Form) -> &'static Design {
    static MADE: [OnceLock<Design>; 3] = [const { OnceLock::new() }; 3];
    MADE[form as usize].get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (model, size, options): (_, _, &[&str]) = match form {
            Form::Plain => ("random_k4.safetensors", [13, 11], &["2,1,2,2"]),
            Form::Batch => {
                ("random_k4.safetensors", [13, 11], &["2,1,2,2", "--memory", "32", "--batch", "2"])
            }
            Form::Patches => ("random_imagenet.pth", [38, 35], &["4,1,4,4", "--memory", "64", "--stripes"]),
        };
        for class in ["cat", "dog"] {
            program::pictures_of(&folder.path().join("pictures").join(class), 2, size, true);
        }
        let mut compile = spikegate();
        compile.arg("compile").arg(program::model().with_file_name(model)).arg("--array").args(options);
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{form:?}"));
        let got = run(compile.arg("--calib").arg(folder.path().join("pictures")).arg("-o").arg(&dir));
        assert_eq!(got.code, 0, "{}", got.err);
        Design::open(&dir).unwrap()
    })
}

/// Opens the device at an address, as the command line does.
fn connect(address: &str, design: &Design) -> Result<Box<dyn Device>, OpenError> {
    let address: Address = address.parse().unwrap();
    let cache = Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache/spikegate"));
    let options = Options { cache, ..Options::default() };
    let verilog = || match hardware::of(design) {
        Ok(made) => Ok(made.verilog),
        Err(e) => Err(Box::new(e) as Box<dyn Failure>),
    };
    open(&address, Some(StandsFor { design, verilog: &verilog }), &options, &mut |_| ())
}

/// One check of one device. Then it is done again in front of a recorder, and once more on what that has recorded.
fn trial(subject: Subject, check: Check, form: Form) -> Result<(), Failed> {
    let failed = |what: &str, e: ConformanceError| Failed::from(format!("{what}{}", e.in_a_line()));
    let design = design(form);
    assert_eq!(design.plan.patches.is_some(), form == Form::Patches);
    let folder = tempfile::tempdir().unwrap();
    let (address, _held) = match (subject.stand)(design, folder.path()) {
        Ok(stand) => stand,
        Err(why) => {
            eprintln!("SKIPPED: {}: {why}", subject.name);
            return Ok(());
        }
    };
    let exclusive = subject.exclusive;
    let mut direct = || connect(&address, design);
    (check.run)(&mut Bench { design, open: &mut direct, exclusive }).map_err(|e| failed("", e))?;
    // A recording in the place of a device is nobody's alone.
    if exclusive && check.name == "lock" {
        return Ok(());
    }
    let file = |n: usize| folder.path().join(format!("recording{n}"));
    let mut recorded = 0;
    let mut record = || {
        recorded += 1;
        connect(&format!("record:{}={address}", file(recorded).display()), design)
    };
    (check.run)(&mut Bench { design, open: &mut record, exclusive }).map_err(|e| failed("recorded: ", e))?;
    let mut replayed = 0;
    let mut replay = || {
        replayed += 1;
        connect(&format!("replay:{}", file(replayed).display()), design)
    };
    (check.run)(&mut Bench { design, open: &mut replay, exclusive: false })
        .map_err(|e| failed("replayed: ", e))?;
    if replayed != recorded {
        return Err(format!("opened {replayed} times, recorded {recorded} times").into());
    }
    Ok(())
}

fn main() -> ExitCode {
    if let Some(mount) = std::env::var_os(SERVE) {
        serve_files(&mount);
        return ExitCode::SUCCESS;
    }
    let mut trials = Vec::new();
    for &subject in SUBJECTS {
        for &check in CHECKS {
            for (form, kind) in forms(check) {
                let name = format!("{}/{}{kind}", subject.name, check.name);
                trials.push(Trial::test(name, move || trial(subject, check, form)));
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
