//! A whole board with its memory in Verilator behind a serial port: pins, UART bridge, controller, what brings the memory up,
//! core; PHY and memory are a model that is late by seeded beats (`bitstreams/src/simulation/ddr3.v`). The core runs on the clock of
//! the memory's controller, 65 MHz, or on one of its own, slower or faster.
#![allow(clippy::unwrap_used)]

mod program;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use program::{has_data, model, run, spikegate, Run, DATA};
use spikegate_contract::bundle::{first_word, Design};
use spikegate_contract::csr::{offset, MemoryStatus, MEMORY_STATUS};
use spikegate_runtime::devices::{open, Address};

const BOARD: [&str; 3] = ["--board", "ecpix-5-85f", "--freq"];

/// Clocks of the core in MHz: below the memory's, that, and above it.
const CLOCKS: [u32; 3] = [40, 65, 80];

/// A board that runs until it is dropped.
struct Board {
    child: Child,
    device: String,
    _home: tempfile::TempDir,
}

impl Board {
    /// With a clock of the core in MHz.
    fn start(design: &Path, mhz: u32, more: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let port = home.path().join("port");
        let mut command = spikegate();
        command
            .arg("board")
            .arg("--design")
            .arg(design)
            .args(BOARD)
            .arg(mhz.to_string())
            .args(more)
            .arg("--port")
            .arg(&port);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        while !port.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the board ended before it had a port");
            std::thread::sleep(Duration::from_millis(20));
        }
        // The fewest cycles of a bit.
        let device = format!("uart:{}@2000000,{}", port.display(), mhz * 250_000);
        Self { child, device, _home: home }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // The simulation ends with the program that started it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A design with a memory; none without the data set or Verilator.
fn design() -> Option<&'static PathBuf> {
    static DESIGN: OnceLock<Option<PathBuf>> = OnceLock::new();
    DESIGN.get_or_init(make).as_ref()
}

fn make() -> Option<PathBuf> {
    if !has_data() || Command::new("verilator").arg("--version").output().is_err() {
        eprintln!("SKIPPED: {DATA} or verilator is not there, no board is simulated");
        return None;
    }
    let design = Path::new(env!("CARGO_TARGET_TMPDIR")).join("board-memory");
    // With maps in the memory too: they lie at its beginning, where bringing it up leaves a pattern.
    let sizes =
        ["--array", "4,1,4,4", "--memory", "128", "--spill", "--calib", DATA, "--calib-images", "5", "-o"];
    let got = run(spikegate().arg("compile").arg(model()).args(sizes).arg(&design));
    assert_eq!(got.code, 0, "{}", got.err);
    // Built once, and not by all tests at a time.
    CLOCKS.iter().for_each(|&mhz| drop(Board::start(&design, mhz, &[])));
    Some(design)
}

/// Runs images; a class or a logit that is not the golden model's is a failure of the program.
fn classify(design: &Path, device: &str, images: &str) -> Run {
    let data = ["--input", DATA, "--images", images, "--check", "--device", device];
    run(spikegate().arg("-v").arg("run").arg(design).args(data))
}

/// Words of packets on the line, by the log of the serial device: how often it was asked whether there is a result depends on the
/// machine.
fn sent(log: &str) -> u64 {
    let line = log.lines().rfind(|l| l.contains(" words sent, ")).unwrap_or_default();
    let before = line.split(" words sent, ").next().unwrap_or_default();
    let number = before.rsplit(' ').next().unwrap_or_default();
    number.parse().unwrap_or_else(|e| panic!("{e}: {line:?} in {log}"))
}

/// What loading leaves in the memory, as the simulation reads it.
fn contents(design: &Design) -> String {
    let mut out = String::new();
    for packet in &design.program {
        if packet[0] >> 16 == 0x0106 {
            writeln!(out, "@{:x}", (packet[0] & 0xffff) << 20 | packet[1]).unwrap();
            for w in packet[3..].chunks(4) {
                writeln!(out, "{:08x}{:08x}{:08x}{:08x}", w[3], w[2], w[1], w[0]).unwrap();
            }
        }
    }
    out
}

#[test]
fn a_network_is_loaded_through_the_pins_and_stays() {
    let Some(design) = design() else { return };
    for (mhz, seed) in CLOCKS.into_iter().zip(["3", "4", "6"]) {
        let board = Board::start(design, mhz, &["--memory-seed", seed]);
        let first = classify(design, &board.device, "1");
        assert_eq!(first.code, 0, "{mhz} MHz: {}", first.err);
        let second = classify(design, &board.device, "1");
        assert_eq!(second.code, 0, "{mhz} MHz: {}", second.err);
        // The second does not send the weights again: 80 kB.
        let [all, rest] = [&first, &second].map(|run| sent(&run.err));
        assert!(rest + 19_000 < all, "{mhz} MHz: {all} words, then {rest}");
    }
}

#[test]
fn what_lies_in_the_memory_is_what_loading_leaves_there() {
    let Some(design) = design() else { return };
    let opened = Design::open(design).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), contents(&opened)).unwrap();
    let board = Board::start(design, 40, &["--memory", file.path().to_str().unwrap(), "--memory-seed", "5"]);
    let address: Address = board.device.parse().unwrap();
    let mut device = open(&address, None, &Default::default(), &mut |_| ()).unwrap();
    let status = loop {
        let status = MemoryStatus::of(device.read_csr(MEMORY_STATUS).unwrap());
        if status != MemoryStatus::Coming {
            break status;
        }
    };
    assert!(matches!(status, MemoryStatus::Up { taps: 2..=5 }), "{status:?}");
    device.write_csr(offset("scratch"), first_word(&opened.manifest.program_hash)).unwrap();
    drop(device);
    let got = classify(design, &board.device, "1");
    assert_eq!(got.code, 0, "{}", got.err);
    let all: usize = opened.program.iter().map(Vec::len).sum();
    assert!(sent(&got.err) + 19_000 < all as u64, "{all}: {}", got.err);
}

#[test]
fn a_memory_that_cannot_be_read_is_named() {
    let Some(design) = design() else { return };
    for mhz in CLOCKS {
        let board = Board::start(design, mhz, &["--memory-dead", "2"]);
        let got = classify(design, &board.device, "1");
        assert_eq!(got.code, 1, "{mhz} MHz: {}", got.err);
        let want = "the board's memory did not come up: no setting of byte lane 1 reads what was written";
        assert!(got.err.contains(want), "{mhz} MHz: {}", got.err);
    }
}
