//! The crossing from a core's clock to its memory's in Verilator: two clocks that drift, random pauses on every side of every channel,
//! and pointers of which each bit is caught old or new by chance. Order is kept, nothing is lost or doubled, what is on offer
//! stays.
//!
//! The second register of what catches a pointer is not tested: no simulation shows what it is for.
#![allow(clippy::unwrap_used)]

use std::process::Command;

/// Memory clock over core clock; 0 changes all the time.
const RATIOS: [&str; 6] = ["0.5", "0.97", "1", "1.03", "1.7", "0"];

#[test]
fn every_word_comes_through_once_and_in_order() {
    if Command::new("verilator").arg("--version").output().is_err() {
        eprintln!("SKIPPED: verilator is not installed, no crossing is simulated");
        return;
    }
    let here = env!("CARGO_MANIFEST_DIR");
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("verilator");
    command.args(["--cc", "--exe", "--build", "-O3", "-CFLAGS", "-O1", "--top-module", "spikegate_crossing"]);
    command.args(["-GDATA=32", "-Wno-fatal", "-Wno-lint", "-Wno-style"]);
    for file in ["src/crossing/port.v", "src/crossing/fifo.v", "tests/crossing_catch.v", "tests/crossing.cpp"]
    {
        command.arg(format!("{here}/{file}"));
    }
    let built = command.current_dir(dir.path()).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    for (number, ratio) in RATIOS.into_iter().enumerate() {
        for seed in [1 + number, 101 + number] {
            let mut command = Command::new(dir.path().join("obj_dir/Vspikegate_crossing"));
            let ran = command.args([&seed.to_string(), ratio]).output().unwrap();
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            println!("ratio {ratio}, seed {seed}: {said}");
            let words: Vec<&str> = said.split_whitespace().collect();
            let ["ok", words, share] = words[..] else { panic!("ratio {ratio}, seed {seed}: {said}") };
            assert!(words.parse::<u64>().unwrap() > 100_000, "{said}");
            // Without pauses the slower side has a word in every cycle.
            assert!(share.parse::<f64>().unwrap() > 0.99, "{said}");
        }
    }
}
