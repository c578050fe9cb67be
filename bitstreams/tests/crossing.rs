//! The crossing from a core's clock to its memory's in Verilator: two clocks that drift, random pauses on every side of every channel,
//! and pointers of which each bit is caught old or new by chance. Order is kept, nothing is lost or doubled, what is on offer
//! stays; the status that is seen was one. And its resets: together long enough, also where a clock stood still.
//!
//! The second register of what catches a pointer is not tested: no simulation shows what it is for.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Command;

/// Memory clock over core clock; 0 changes all the time.
const RATIOS: [&str; 6] = ["0.5", "0.97", "1", "1.03", "1.7", "0"];

/// A program of Verilog and a bench; none without Verilator.
fn build(top: &str, files: &[&str], more: &[&str]) -> Option<(tempfile::TempDir, PathBuf)> {
    if Command::new("verilator").arg("--version").output().is_err() {
        eprintln!("SKIPPED: verilator is not installed, no crossing is simulated");
        return None;
    }
    let here = env!("CARGO_MANIFEST_DIR");
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("verilator");
    command.args(["--cc", "--exe", "--build", "-O3", "-CFLAGS", "-O1", "--top-module", top]);
    command.args(["-Wno-fatal", "-Wno-lint", "-Wno-style"]).args(more);
    command.args(files.iter().map(|file| format!("{here}/{file}")));
    let built = command.current_dir(dir.path()).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let program = dir.path().join("obj_dir").join(format!("V{top}"));
    Some((dir, program))
}

#[test]
fn every_word_comes_through_once_and_in_order() {
    let files =
        ["src/crossing/port.v", "src/crossing/fifo.v", "tests/crossing_catch.v", "tests/crossing.cpp"];
    let Some((_dir, program)) = build("spikegate_crossing", &files, &["-GDATA=32"]) else { return };
    for (number, ratio) in RATIOS.into_iter().enumerate() {
        for seed in [1 + number, 101 + number] {
            let ran = Command::new(&program).args([&seed.to_string(), ratio]).output().unwrap();
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            println!("ratio {ratio}, seed {seed}: {said}");
            let words: Vec<&str> = said.split_whitespace().collect();
            let ["ok", words, share, changes] = words[..] else {
                panic!("ratio {ratio}, seed {seed}: {said}")
            };
            assert!(changes.parse::<u64>().unwrap() > 5000, "{said}");
            assert!(words.parse::<u64>().unwrap() > 100_000, "{said}");
            // Without pauses the slower side has a word in every cycle.
            assert!(share.parse::<f64>().unwrap() > 0.99, "{said}");
        }
    }
}

#[test]
fn both_clocks_are_in_reset_together() {
    let files = ["src/crossing/reset.v", "tests/crossing_reset.v", "tests/crossing_reset.cpp"];
    let Some((_dir, program)) = build("crossing_reset", &files, &[]) else { return };
    for ratio in ["0.15", "0.5", "0.615", "1", "1.6", "6.5"] {
        let ran = Command::new(&program).args(["1", ratio]).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        println!("ratio {ratio}: {said}");
        assert!(ran.status.success() && said.starts_with("ok"), "ratio {ratio}: {said}");
    }
}
