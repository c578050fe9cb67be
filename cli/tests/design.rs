//! Designs that were damaged, mixed or made by somebody who knows how: no wrong result is ever called right, and nothing
//! of a folder is executed.
//!
//! The long form takes every damage to every device, by the program:
//!
//! ```text
//! cargo test --release -p spikegate --test design -- --ignored --nocapture
//! ```
#![allow(clippy::unwrap_used)]

// Each test binary uses its part of these.
#[allow(dead_code)]
mod campaign;
mod program;

use campaign::Home;
use program::{run, seal, spikegate, Card, Run};
use spikegate_contract::bundle::{files, BundleError, Design};
use spikegate_contract::failure::Failure;
use spikegate_golden::random::Rng;
use spikegate_runtime::devices::golden::Golden;
use spikegate_runtime::session::{Inference, Program, Session, SessionError};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Random flips of a bit, in any file.
const FLIPS: u64 = 500;
/// Digits that became others, in the files that are text.
const DIGITS: u64 = 240;
/// The program sees one damage of so many in the short form.
const SHARE: usize = 25;

/// A file and what became of it.
struct Damage {
    name: &'static str,
    bytes: Vec<u8>,
}

/// The damages of a design, always the same.
fn damages(dir: &Path) -> Vec<Damage> {
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    let all: Vec<&str> = files::HELD.into_iter().chain([files::MANIFEST]).collect();
    let text = [files::NETWORK, files::PLAN, files::MANIFEST];
    let rng = &mut Rng(11);
    let flips = (0..FLIPS).map(|_| {
        let name = all[rng.size(0, all.len() - 1)];
        let mut bytes = read(name);
        let at = rng.size(0, bytes.len() - 1);
        bytes[at] ^= 1 << rng.range(0, 7);
        Damage { name, bytes }
    });
    let flips: Vec<Damage> = flips.collect();
    let digits = (0..DIGITS).map(|_| {
        let name = text[rng.size(0, text.len() - 1)];
        let mut bytes = read(name);
        let digits: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i].is_ascii_digit()).collect();
        let at = digits[rng.size(0, digits.len() - 1)];
        bytes[at] = b'0' + (bytes[at] - b'0' + rng.range(1, 9) as u8) % 10;
        Damage { name, bytes }
    });
    let digits: Vec<Damage> = digits.collect();
    flips.into_iter().chain(digits).collect()
}

/// A copy of a design's folder.
fn copy(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in files::HELD.into_iter().chain([files::MANIFEST]) {
        fs::copy(dir.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

/// Results of the images on the golden device, or why there are none.
fn infer(dir: &Path, images: &[Vec<u8>]) -> Result<Vec<Inference>, String> {
    let design = Design::open(dir).map_err(|e| e.in_a_line())?;
    let golden = Golden::open(&design).map_err(|e| e.in_a_line())?;
    let mut session = Session::open(golden, &design, Program::Plain).map_err(|e| e.in_a_line())?;
    let mut results = vec![];
    let done = session.infer_each(images, |r| -> Result<(), SessionError> {
        results.push(r);
        Ok(())
    });
    done.map(|()| results).map_err(|e| e.in_a_line())
}

#[test]
fn no_damage_gives_a_wrong_result() {
    let home = Home::new();
    let images = &home.images[..2];
    let right = infer(home.path(), images).unwrap();
    for Damage { name, bytes } in damages(home.path()) {
        let folder = copy(home.path());
        fs::write(folder.path().join(name), bytes).unwrap();
        let text = infer(folder.path(), images).expect_err("a damage that nobody has seen");
        assert!(text.contains(name) && text.contains("compile the model again"), "{text}");
    }
    assert_eq!(infer(home.path(), images).unwrap(), right);
}

#[test]
fn without_hashes_the_damages_give_wrong_results() {
    // The same damages with all hashes made anew: the test above can fail, and hashes are why it does not. No number
    // that comes through so makes anything panic.
    let home = Home::new();
    let images = &home.images[..2];
    let right = infer(home.path(), images).unwrap();
    let (mut wrong, mut refused) = (0, 0);
    for Damage { name, bytes } in damages(home.path()) {
        let folder = copy(home.path());
        fs::write(folder.path().join(name), bytes).unwrap();
        seal(folder.path());
        match infer(folder.path(), images) {
            Ok(results) => wrong += usize::from(results != right),
            Err(_) => refused += 1,
        }
    }
    println!("{wrong} wrong, {refused} refused");
    assert!(wrong > 20 && refused > 20, "{wrong} wrong, {refused} refused");
}

/// The program on a folder with a damage, on every device; its damage is one of so many.
fn by_the_program(share: usize) {
    let home = Home::new();
    let place = tempfile::tempdir().unwrap();
    let (input, socket) = (place.path().join("images"), place.path().join("card"));
    fs::write(&input, home.images[..2].concat()).unwrap();
    let _card = Card::new(home.path(), &socket, &["--fast"]);
    let card = format!("vfio-user:{}", socket.display());
    let classify = |dir: &Path, device: &str| -> Run {
        let mut command = spikegate();
        command.arg("run").arg(dir).args(["--device", device, "--input", "-", "--check"]);
        run(command.stdin(fs::File::open(&input).unwrap()))
    };
    let devices = ["golden", "verilator", &card];
    let right = classify(home.path(), "golden");
    for device in devices {
        let got = classify(home.path(), device);
        assert_eq!((got.code, &got.out), (0, &right.out), "{device}: {}", got.err);
    }
    let mut counted = 0;
    for Damage { name, bytes } in damages(home.path()).into_iter().step_by(share) {
        let folder = copy(home.path());
        fs::write(folder.path().join(name), bytes).unwrap();
        for device in devices {
            let got = classify(folder.path(), device);
            assert_eq!((got.code, got.out.as_str()), (2, ""), "{device}, {name}: {}", got.err);
            assert!(got.err.contains(name) && got.err.contains("  help: "), "{}", got.err);
        }
        // A card made of it, and what is only read.
        let mut served = spikegate();
        served.arg("card").arg("--design").arg(folder.path()).arg("--fast");
        served.arg("--socket").arg(folder.path().join("card"));
        let mut report = spikegate();
        report.arg("report").arg(folder.path());
        for command in [&mut served, &mut report] {
            let got = run(command);
            assert_eq!((got.code, got.out.as_str()), (2, ""), "{name}: {}", got.err);
        }
        counted += 1;
    }
    println!("{counted} damages on {} devices: none gave a result", devices.len());
}

#[test]
fn no_device_takes_a_damaged_design() {
    by_the_program(SHARE);
}

#[test]
#[ignore = "takes minutes"]
fn no_device_takes_any_damaged_design() {
    by_the_program(1);
}

/// Two designs of one array whose networks differ.
fn two() -> (Home, tempfile::TempDir) {
    let home = Home::new();
    let other = copy(home.path());
    let path = other.path().join(files::WEIGHTS);
    let mut weights = fs::read(&path).unwrap();
    weights.iter_mut().for_each(|w| *w = w.wrapping_neg());
    fs::write(path, weights).unwrap();
    assert!(seal(other.path()));
    Design::open(other.path()).unwrap();
    (home, other)
}

#[test]
fn parts_of_two_designs_are_named() {
    let (home, other) = two();
    for name in [files::WEIGHTS, files::MANIFEST] {
        let folder = copy(home.path());
        fs::copy(other.path().join(name), folder.path().join(name)).unwrap();
        let error = Design::open(folder.path()).unwrap_err();
        assert!(
            matches!(&error, BundleError::Hash { path, .. } if path.ends_with(files::WEIGHTS)),
            "{error}"
        );
        assert!(error.in_a_line().contains("mixes two designs"), "{error}");
    }
}

#[test]
fn a_device_with_another_network_refuses_the_program() {
    // All packets and the array are equal: only the hash, which binds the network too, tells them apart.
    let (home, other) = two();
    let [mine, others] = [home.path(), other.path()].map(|dir| Design::open(dir).unwrap());
    assert_eq!(mine.program, others.program);
    let golden = Golden::open(&mine).unwrap();
    let error = Session::open(golden, &others, Program::Plain).unwrap_err().in_a_line();
    assert!(error.contains("register program_hash reads 0x00000000"), "{error}");
}

/// What Verilog can do when it is simulated or read, each of which would make the file `marker`.
fn payloads(marker: &Path) -> Vec<String> {
    let touch = format!("touch {}", marker.display());
    vec![
        format!("initial $system(\"{touch}\");"),
        format!("initial $c(\"system(\\\"{touch}\\\");\");"),
        format!("initial begin : x integer f; f = $fopen(\"{}\"); end", marker.display()),
        format!("`systemc_header\n#include <cstdlib>\nstatic int x = system(\"{touch}\");\n`verilog"),
        "`include \"/etc/passwd\"".to_owned(),
        "import \"DPI-C\" function int system(input string s); initial system(\"touch marker\");".to_owned(),
        "// verilator public_flat_rw".to_owned(),
    ]
}

#[test]
fn verilog_of_a_stranger_is_not_executed() {
    let home = Home::new();
    let verilog = fs::read_to_string(home.path().join(files::VERILOG)).unwrap();
    let place = tempfile::tempdir().unwrap();
    let marker = place.path().join("marker");
    for payload in payloads(&marker) {
        let folder = copy(home.path());
        let dir = folder.path();
        let end = verilog.rfind("endmodule").unwrap();
        let text = format!("{}{payload}\n{}", &verilog[..end], &verilog[end..]);
        fs::write(dir.join(files::VERILOG), text).unwrap();
        assert!(seal(dir));
        // Every hash is right, so that the golden device has nothing against it.
        Design::open(dir).unwrap();
        let before = listed(dir);
        for verb in [
            "run DIR --device verilator --input /dev/null",
            "simulate DIR --input /dev/null",
            "card --design DIR --socket SOCKET",
            "bring-up DIR --device verilator",
            "info DIR --device verilator",
            "synth DIR --board ulx3s-85f --out OUT",
            "synth DIR --board acorn-cle215 --out OUT",
            "board --design DIR --board ulx3s-85f --port SOCKET",
        ] {
            let out = place.path().join("out");
            let got = run(&mut verb_on(verb, dir, &place.path().join("socket"), &out));
            assert_eq!(got.code, 2, "{verb}: {}", got.err);
            assert!(!marker.exists() && !out.exists(), "{verb}: {payload}");
            assert!(!got.err.contains("Verilating"), "{verb}: {}", got.err);
        }
        let got = run(&mut verb_on("run DIR --device verilator --input -", dir, place.path(), place.path()));
        assert!(got.err.contains("spikegate.v: line ") && got.err.contains("is not used"), "{}", got.err);
        assert_eq!(listed(dir), before, "nothing is left in the folder");
    }
}

fn verb_on(verb: &str, dir: &Path, socket: &Path, out: &Path) -> Command {
    let mut command = spikegate();
    for word in verb.split(' ') {
        match word {
            "DIR" => command.arg(dir),
            "SOCKET" => command.arg(socket),
            "OUT" => command.arg(out),
            word => command.arg(word),
        };
    }
    command.stdin(Stdio::null());
    command
}

fn listed(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn no_library_is_taken_from_a_folder() {
    // Without a home: whatever lies beside the Verilog under whatever name is not looked at, and nothing is put there.
    let home = Home::new();
    let folder = copy(home.path());
    let sim = folder.path().join("sim");
    fs::create_dir(&sim).unwrap();
    let opened = sim.join("planted.so");
    fs::write(&opened, "a library").unwrap();
    let (place, before) = (tempfile::tempdir().unwrap(), listed(&sim));
    for home in [None, Some("relative"), Some("")] {
        let mut command = verb_on("run DIR --device verilator --input -", folder.path(), &sim, &sim);
        command.env_remove("XDG_CACHE_HOME").env_remove("HOME").env("TMPDIR", place.path());
        if let Some(home) = home {
            command.env("HOME", home).env("XDG_CACHE_HOME", home);
        }
        // Stand-ins that fail: only where they are started from counts.
        command.env("PATH", stand_ins(place.path())).current_dir(folder.path());
        let got = run(&mut command);
        assert_eq!(got.code, 3, "{}", got.err);
        assert!(got.err.contains("Verilating"), "{}", got.err);
        let at = fs::read_to_string(place.path().join("at")).unwrap();
        assert!(at.starts_with(place.path().to_str().unwrap()), "{at}");
        assert_eq!(listed(&sim), before);
        assert!(!folder.path().join("relative").exists());
    }
    // The folder of its own is gone.
    let left: Vec<PathBuf> = listed(place.path()).into_iter().filter(|p| p.is_dir()).collect();
    assert_eq!(left, [place.path().join("bin")]);
}

/// A Verilator that only notes where it was started.
fn stand_ins(place: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let bin = place.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let path = bin.join("verilator");
    let text = format!(
        "#!/bin/sh\ncase \"$1\" in --version) echo Verilator 5.006; exit;; --getenv) echo /usr/share/verilator; exit;; esac\necho $PWD > {}\nexit 1\n",
        place.join("at").display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    bin
}
