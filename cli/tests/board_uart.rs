//! A whole board in Verilator behind a serial port: pins, reset, UART bridge and core, driven by `spikegate run` as a
//! board would be, with a line that damages bytes.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::OnceLock;

use spikegate_bitstreams::board::resolve;
use spikegate_bitstreams::top;
use spikegate_contract::bundle::{files, read_manifest};

const DATA: &str = "/usr/share/datasets/fashion-mnist";
/// Clock cycles of a bit: the fewest, so that the simulation is fast.
const DIVIDER: u32 = 4;
/// Clock of the core in Hz, with which that is the runtime's usual speed.
const CLOCK: u32 = DIVIDER * 1_000_000;
/// What the clock generator is in simulation.
const PLL: &str = "module board_pll (input wire clkin, output wire clkout, output wire locked);\n  \
                   assign clkout = clkin;\n  assign locked = 1'b1;\nendmodule\n";

fn spikegate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spikegate"));
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command
}

struct Run {
    code: i32,
    out: String,
    err: String,
}

fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// A design and the program that simulates its board; none without the data set or Verilator.
fn board() -> Option<&'static (PathBuf, PathBuf)> {
    static BOARD: OnceLock<Option<(PathBuf, PathBuf)>> = OnceLock::new();
    BOARD.get_or_init(make).as_ref()
}

fn make() -> Option<(PathBuf, PathBuf)> {
    if !Path::new(DATA).is_dir() || Command::new("verilator").arg("--version").output().is_err() {
        eprintln!("SKIPPED: {DATA} or verilator is not there, no board is simulated");
        return None;
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("board-uart");
    let (design, build) = (home.join("design"), home.join("build"));
    fs::create_dir_all(&build).unwrap();
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference/gac_fashion_t4.safetensors");
    let sizes = ["--array", "4,1,8,8", "--calib", DATA, "--calib-images", "5", "-o"];
    let got = run(spikegate().arg("compile").arg(model).args(sizes).arg(&design));
    assert_eq!(got.code, 0, "{}", got.err);

    let ulx3s = resolve("ulx3s-85f").unwrap();
    let array = read_manifest(&design).unwrap().array;
    let put = |name: &str, text: &str| fs::write(build.join(name), text).unwrap();
    put("spikegate.v", &fs::read_to_string(design.join(files::VERILOG)).unwrap());
    put("uart.v", &spikegate_hdl::uart_bridge().unwrap());
    put("board_pll.v", PLL);
    put("board_top.v", &top::verilog(&ulx3s, &array, DIVIDER).unwrap());
    put("bridge.cpp", include_str!("board/bridge.cpp"));
    let waivers: Vec<String> =
        spikegate_hdl::lang::verilog::WAIVERS.iter().map(|w| format!("-Wno-{w}")).collect();
    let mut verilate = Command::new("verilator");
    verilate.current_dir(&build).args([
        "--cc",
        "--exe",
        "--build",
        "-j",
        "2",
        "-O3",
        "--top-module",
        "board_top",
    ]);
    verilate
        .args(["-Wall", "--output-split", "20000", "-CFLAGS", "-O1", "-MAKEFLAGS", "OPT_FAST=-O1"])
        .args(waivers);
    verilate.args(["board_top.v", "board_pll.v", "uart.v", "spikegate.v", "bridge.cpp"]);
    let built = run(&mut verilate);
    assert_eq!(built.code, 0, "{}", built.err);
    Some((design, build.join("obj_dir/Vboard_top")))
}

/// A running board.
struct Board {
    child: Child,
    said: BufReader<ChildStdout>,
    port: String,
}

impl Board {
    fn start(program: &Path, seed: u32, one_in: u32, cut_at: u32) -> Self {
        let args = [CLOCK, seed, one_in, cut_at].map(|n| n.to_string());
        let mut command = Command::new(program);
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        said.read_line(&mut port).unwrap();
        Self { child, said, port: format!("uart:{}", port.trim()) }
    }

    /// Ends it: cycles, bytes in, bytes out, faults.
    fn end(mut self) -> [u64; 4] {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.said.read_to_string(&mut text).unwrap();
        assert!(self.child.wait().unwrap().success());
        let numbers: Vec<u64> = text.split_whitespace().map(|n| n.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    }
}

/// A number in front of a word in the log line of the serial device.
fn number(log: &str, word: &str) -> u64 {
    let line =
        log.lines().rfind(|l| l.contains("requests")).unwrap_or_else(|| panic!("no statistics in {log}"));
    let before = line.split(word).next().unwrap();
    before.trim_end().rsplit(' ').next().unwrap().parse().unwrap()
}

/// Runs images on a board; they must be those of the golden model, byte for byte.
fn classify(one_in: u32, cut_at: u32, images: &str) -> Option<(Run, [u64; 4])> {
    let (design, program) = board()?;
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str| home.path().join(name);
    let classify = |device: &str, out: &Path| {
        let mut command = spikegate();
        command
            .arg("-v")
            .arg("run")
            .arg(design)
            .args(["--device", device, "--input", DATA, "--images", images]);
        run(command.arg("--check").arg("-o").arg(out))
    };
    let golden = classify("golden", &file("golden.csv"));
    assert_eq!(golden.code, 0, "{}", golden.err);
    let board = Board::start(program, 1 + one_in + cut_at, one_in, cut_at);
    let got = classify(&board.port, &file("board.csv"));
    let counts = board.end();
    assert_eq!(got.code, 0, "{}\n{counts:?}", got.err);
    assert_eq!(fs::read(file("board.csv")).unwrap(), fs::read(file("golden.csv")).unwrap());
    println!("1 of {one_in}, cut at {cut_at}: {counts:?}\n{}\n{}", got.out, got.err);
    Some((got, counts))
}

#[test]
fn a_board_classifies_over_its_serial_port() {
    let Some((got, [.., faults])) = classify(0, 0, "3") else { return };
    assert_eq!((faults, number(&got.err, "damaged"), number(&got.err, "refused")), (0, 0, 0));
}

#[test]
fn a_bad_line_makes_no_wrong_class() {
    let Some((got, [.., faults])) = classify(2000, 0, "3") else { return };
    assert!(faults > 40, "{faults} faults");
    // A fault damages a frame, so it is asked for again; two may hit one frame, or a delimiter that is not needed.
    assert!(number(&got.err, "repeats") > faults / 3, "{faults} faults: {}", got.err);
}

#[test]
fn a_cut_line_is_taken_up_again() {
    let Some((got, [.., faults])) = classify(0, 9000, "2") else { return };
    assert!(faults >= 700 && number(&got.err, "repeats") > 0, "{faults} faults: {}", got.err);
}

#[test]
fn a_port_that_is_none_is_named() {
    let Some((design, _)) = board() else { return };
    let said = |device: &str| {
        let mut command = spikegate();
        let got =
            run(command.arg("run").arg(design).args(["--device", device, "--input", DATA, "--images", "1"]));
        assert_eq!(got.code, 3, "{}", got.err);
        got.err
    };
    assert!(said("uart:/dev/nothing").contains("/dev/nothing: opening failed"));
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let text = said(&format!("uart:{}", file.display()));
    assert!(text.contains("setting its speed failed"), "{text}");
}
