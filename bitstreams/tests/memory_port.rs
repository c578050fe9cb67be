//! The port of each connected memory in Verilator, with its controller, what brings it up, and a model of PHY and memory: all
//! that is written is read, the constants in the board's file are those that are measured, and with them the model of the
//! planner tells how long synthetic traffic takes.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use spikegate_bitstreams::boards::builtin;
use spikegate_bitstreams::controller::Controller;
use spikegate_bitstreams::crossing::{pll, Clocking};
use spikegate_contract::dram::{Dram, Memory, Transfer, Way};

/// The port as pins of a module.
fn module(controller: &Controller, clocking: Clocking) -> String {
    let high = controller.axi_bits - 1;
    format!(
        "module memory_port (
  input wire clock, input wire hold, output wire [31:0] status,
  input wire [31:0] araddr, input wire [7:0] arlen, input wire arvalid, output wire arready,
  output wire [{high}:0] rdata, output wire [1:0] rresp, output wire rlast, output wire rvalid, input wire rready,
  input wire [31:0] awaddr, input wire [7:0] awlen, input wire awvalid, output wire awready,
  input wire [{high}:0] wdata, input wire wlast, input wire wvalid, output wire wready,
  output wire bvalid, input wire bready
);
{ports}{instances}
  assign status = memory_seen;
  assign core_araddr = araddr;
  assign core_arlen = arlen;
  assign core_arid = 1'b0;
  assign core_arvalid = arvalid;
  assign arready = core_arready;
  assign rdata = core_rdata;
  assign rresp = core_rresp;
  assign rlast = core_rlast;
  assign rvalid = core_rvalid;
  assign core_rready = rready;
  assign core_awaddr = awaddr;
  assign core_awlen = awlen;
  assign core_awid = 1'b0;
  assign core_awvalid = awvalid;
  assign awready = core_awready;
  assign core_wdata = wdata;
  assign core_wlast = wlast;
  assign core_wvalid = wvalid;
  assign wready = core_wready;
  assign bvalid = core_bvalid;
  assign core_bready = bready;
endmodule
",
        ports = controller.pins.iter().fold(String::new(), |out, pin| {
            let range = if pin.sites.len() == 1 { String::new() } else { format!("[{}:0] ", pin.sites.len() - 1) };
            format!("{out}  wire {range}{};\n", pin.name)
        }),
        instances = controller.instances("hold", clocking),
    )
}

/// A burst: whether it is written, its address, its transfers.
type Burst = (bool, u64, u64);

/// Bursts under way of a kind at most, as the bench has it.
const AHEAD: usize = 16;

/// Cycles of traffic by the planner's model, with what the bench does at the port.
fn predicted(timing: &Dram, bytes: usize, traffic: &[Burst]) -> u64 {
    let mut memory = Memory::new(timing, bytes);
    let mut waiting: VecDeque<Burst> = traffic.iter().copied().collect();
    let mut writing: VecDeque<Burst> = VecDeque::new();
    let (mut reads, mut unacknowledged, mut now) = (0, 0, 0);
    while !(waiting.is_empty() && writing.is_empty() && memory.is_idle()) {
        let done = memory.transfer(now);
        let next = waiting.front().copied();
        if let Some((_, address, transfers)) = writing.front_mut().filter(|_| memory.takes_write()) {
            let last = *transfers == 1;
            memory.write(now, *address, last);
            (*address, *transfers) = (*address + bytes as u64, *transfers - 1);
            if last {
                writing.pop_front();
                unacknowledged += 1;
            }
        }
        match next {
            Some((false, address, transfers)) if reads < AHEAD && memory.takes_read() => {
                memory.read(now, address, transfers);
                reads += 1;
                waiting.pop_front();
            }
            Some(burst @ (true, ..))
                if writing.is_empty() && memory.takes_burst() && unacknowledged < AHEAD =>
            {
                writing.push_back(burst);
                waiting.pop_front();
            }
            _ => {}
        }
        match done {
            Some(Transfer { way: Way::Read, last: true }) => reads -= 1,
            Some(Transfer { way: Way::Write, last: true }) => unacknowledged -= 1,
            _ => {}
        }
        now += 1;
    }
    now
}

/// Traffic by name: sequential, mixed, at random.
fn traffic(bytes: u64, row: u64) -> Vec<(String, Vec<Burst>)> {
    let mut all = Vec::new();
    for transfers in [1, 4, 16] {
        let size = transfers * bytes;
        let count = (1 << 19) / size;
        let run = |write| (0..count).map(|i| (write, i * size, transfers)).collect();
        all.push((format!("reads of {transfers}"), run(false)));
        all.push((format!("writes of {transfers}"), run(true)));
        // Where the streams of maps and weights are: next to each other, in other banks, in other rows of the same.
        for (where_to, away) in [("a row", 0), ("two banks", 3 * row), ("two rows", 1 << 18)] {
            for together in [1, 8] {
                // Of single transfers the order in which they come decides more than turns do: the model has too many turns
                // then, and no unit of a core offers them so.
                if (transfers, together) == (1, 8) {
                    continue;
                }
                let mixed = |i: u64| {
                    let (pair, write) = (i / (2 * together), i / together % 2 == 1);
                    let at = (pair * together + i % together) * size % (1 << 18);
                    (write, at + if write { away } else { 0 }, transfers)
                };
                let name = format!("{together} reads and writes of {transfers} in {where_to}");
                all.push((name, (0..count / 2).map(mixed).collect()));
            }
        }
        let mut rng = 1u64;
        let mut random = |share: u64| {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((rng >> 33).is_multiple_of(share), (rng >> 40) % count * size, transfers)
        };
        all.push((
            format!("random reads of {transfers}"),
            (0..4000).map(|_| (false, random(1).1, transfers)).collect(),
        ));
        all.push((
            format!("random, a write of {transfers} in eight"),
            (0..4000).map(|_| random(8)).collect(),
        ));
    }
    all
}

/// How far a prediction of traffic may be off, as a share.
fn most(name: &str) -> f64 {
    match name {
        _ if name.starts_with("reads") || name.starts_with("writes") => 0.01,
        _ if name.contains("of 1 ") || name.ends_with("of 1") => 0.14,
        _ => 0.07,
    }
}

#[test]
fn the_port_gives_what_it_was_given_as_fast_as_the_board_says() {
    if Command::new("verilator").arg("--version").output().is_err() {
        eprintln!("SKIPPED: verilator is not installed, no memory is simulated");
        return;
    }
    for board in builtin().unwrap() {
        let Some(controller) = board.controller() else { continue };
        let (port, timing) = (board.port(false).unwrap(), board.timing(controller.clock_mhz).unwrap());
        let dir = tempfile::tempdir().unwrap();
        build(&controller, Clocking::Shared, dir.path());
        let traffic = traffic(port.bits as u64 / 8, timing.row_bytes);
        let files = written(&traffic, dir.path());
        for seed in 1..=3 {
            let mut command = Command::new(dir.path().join("obj_dir/Vmemory_port"));
            let ran = command
                .args([&seed.to_string(), "0"])
                .args(&files)
                .arg(format!("+memory_seed={seed}"))
                .output();
            let ran = ran.unwrap();
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            assert!(ran.status.success(), "{}, seed {seed}: {said}", board.id);
            let lines = said.lines().map(|line| line.split_once(' ').unwrap());
            let (cycles, measured): (Vec<_>, Vec<_>) = lines.partition(|(name, _)| *name == "traffic");
            constants(&board.id, &timing, &measured);
            assert_eq!(cycles.len(), traffic.len());
            for ((name, bursts), (_, measured)) in traffic.iter().zip(cycles) {
                let measured: f64 = measured.parse().unwrap();
                let off = predicted(&timing, port.bits / 8, bursts) as f64 / measured - 1.0;
                println!("{}: {name}: {measured} cycles, predicted {:+.2} %", board.id, 100.0 * off);
                assert!(
                    off.abs() < most(name),
                    "{}: {name}: {measured} cycles, predicted {:+.2} %",
                    board.id,
                    100.0 * off
                );
            }
        }
    }
}

/// Traffic as files for the bench.
fn written(traffic: &[(String, Vec<Burst>)], dir: &Path) -> Vec<PathBuf> {
    let line = |&(write, address, transfers): &Burst| {
        format!("{} {address} {transfers}\n", if write { 'w' } else { 'r' })
    };
    let write = |(number, (_, bursts)): (usize, &(String, Vec<Burst>))| {
        let path = dir.join(format!("traffic-{number}"));
        fs::write(&path, bursts.iter().map(line).collect::<String>()).unwrap();
        path
    };
    traffic.iter().enumerate().map(write).collect()
}

/// A core on a clock of its own: all that is written is read, and the same constants, in its cycles and behind the queues, tell how
/// long it takes.
#[test]
fn a_core_on_another_clock_meets_the_same_memory() {
    if Command::new("verilator").arg("--version").output().is_err() {
        eprintln!("SKIPPED: verilator is not installed, no memory is simulated");
        return;
    }
    for board in builtin().unwrap() {
        let Some(controller) = board.controller() else { continue };
        let (port, rows) =
            (board.port(false).unwrap(), board.timing(controller.clock_mhz).unwrap().row_bytes);
        let dir = tempfile::tempdir().unwrap();
        build(&controller, Clocking::Crossed, dir.path());
        let traffic = traffic(port.bits as u64 / 8, rows);
        let files = written(&traffic, dir.path());
        for share in [0.4, 0.615, 0.97, 1.3] {
            let mhz = share * controller.clock_mhz;
            let timing = board.timing(mhz).unwrap();
            let mut command = Command::new(dir.path().join("obj_dir/Vmemory_port"));
            command.args(["1".to_owned(), (1.0 / share).to_string()]).args(&files).arg("+memory_seed=2");
            let ran = command.output().unwrap();
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            assert!(ran.status.success(), "{}, {mhz} MHz: {said}", board.id);
            let measured: Vec<f64> =
                said.lines().map(|l| l.strip_prefix("traffic ").unwrap().parse().unwrap()).collect();
            assert_eq!(measured.len(), traffic.len());
            for ((name, bursts), measured) in traffic.iter().zip(measured) {
                let off = predicted(&timing, port.bits / 8, bursts) as f64 / measured - 1.0;
                let what = format!("{mhz} MHz: {name}: {measured} cycles, predicted {:+.2} %", 100.0 * off);
                println!("{}: {what}", board.id);
                assert!(off.abs() < most(name), "{}: {what}", board.id);
            }
        }
    }
}

/// What the file says is what was measured.
fn constants(board: &str, timing: &Dram, measured: &[(&str, &str)]) {
    let says = serde_json::to_value(timing).unwrap();
    let says = says.as_object().unwrap();
    assert_eq!(says.len(), measured.len(), "{board}: {measured:?}");
    for (name, value) in measured {
        let value: f64 = value.parse().unwrap();
        let value = if ["read", "write"].contains(name) { value / 1000.0 } else { value };
        assert_eq!(
            says[*name].as_f64(),
            Some(value),
            "{board}: memories.timing.{name} is not what is measured"
        );
    }
}

/// The program that measures, `obj_dir/Vmemory_port` in a folder.
fn build(controller: &Controller, clocking: Clocking, dir: &Path) {
    let mut files = vec![("memory_port.v", module(controller, clocking))];
    files.extend(controller.simulated(clocking));
    if clocking == Clocking::Crossed {
        files.push(("board_pll.v", pll(clocking)));
    }
    files.push(("bring_up.v", spikegate_hdl::bring_up(&controller.recipe()).unwrap()));
    for (name, text) in &files {
        fs::write(dir.join(name), text).unwrap();
    }
    let bench = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/memory_port.cpp");
    let mut command = Command::new("verilator");
    command.args(["--cc", "--exe", "--build", "-O3", "-CFLAGS", "-O1", "--top-module", "memory_port"]);
    command.args(["-Wno-fatal", "-Wno-lint", "-Wno-style", "-CFLAGS"]);
    command.arg(format!("-DPORT_BITS={}", controller.axi_bits)).args(files.iter().map(|f| f.0)).arg(bench);
    let built = command.current_dir(dir).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
