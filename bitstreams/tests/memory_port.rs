//! The port of each connected memory in Verilator, with its controller, what brings it up, and a model of PHY and memory: all
//! that is written is read, and latency and bandwidth are those that the board's file says and the planner counts with.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::Command;

use spikegate_bitstreams::boards::builtin;
use spikegate_bitstreams::controller::Controller;

/// The port as pins of a module.
fn module(controller: &Controller) -> String {
    let high = controller.axi_bits - 1;
    format!(
        "module memory_port (
  input wire clock, input wire hold, output wire [31:0] status,
  input wire [31:0] araddr, input wire arvalid, output wire arready,
  output wire [{high}:0] rdata, output wire [1:0] rresp, output wire rlast, output wire rvalid, input wire rready,
  input wire [31:0] awaddr, input wire awvalid, output wire awready,
  input wire [{high}:0] wdata, input wire wlast, input wire wvalid, output wire wready,
  output wire bvalid, input wire bready
);
  wire clk, rst, locked;
{ports}{instances}
  assign status = memory_status;
  assign core_araddr = araddr;
  assign core_arlen = 8'd7;
  assign core_arid = 1'b0;
  assign core_arvalid = arvalid;
  assign arready = core_arready;
  assign rdata = core_rdata;
  assign rresp = core_rresp;
  assign rlast = core_rlast;
  assign rvalid = core_rvalid;
  assign core_rready = rready;
  assign core_awaddr = awaddr;
  assign core_awlen = 8'd7;
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
        instances = controller.instances("hold"),
    )
}

#[test]
fn the_port_gives_what_it_was_given_as_fast_as_the_board_says() {
    if Command::new("verilator").arg("--version").output().is_err() {
        eprintln!("SKIPPED: verilator is not installed, no memory is simulated");
        return;
    }
    for board in builtin().unwrap() {
        let Some(controller) = board.controller() else { continue };
        let port = board.port(false).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut files = vec![("memory_port.v", module(&controller))];
        files.extend(controller.simulated());
        files.push(("bring_up.v", spikegate_hdl::bring_up(&controller.recipe()).unwrap()));
        for (name, text) in &files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let bench = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/memory_port.cpp");
        let mut command = Command::new("verilator");
        command.args([
            "--cc",
            "--exe",
            "--build",
            "-O3",
            "-CFLAGS",
            "-O1",
            "--top-module",
            "memory_port",
            "-Wno-fatal",
        ]);
        command
            .args(["-Wno-lint", "-Wno-style"])
            .arg("-CFLAGS")
            .arg(format!("-DPORT_BITS={}", controller.axi_bits));
        let built =
            command.args(files.iter().map(|f| f.0)).arg(bench).current_dir(dir.path()).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        for seed in 1..=4 {
            let mut command = Command::new(dir.path().join("obj_dir/Vmemory_port"));
            let ran = command.args([seed.to_string(), format!("+memory_seed={seed}")]).output().unwrap();
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            assert!(ran.status.success(), "{}, seed {seed}: {said}", board.id);
            println!(
                "{}, seed {seed}: usual and late reads, bytes a cycle read and written: {said}",
                board.id
            );
            let numbers: Vec<f64> = said.split_whitespace().map(|n| n.parse().unwrap()).collect();
            let [usual, late, reads, _] = numbers[..] else { panic!("{said}") };
            // What the planner counts with stands for both.
            let latency = port.latency as f64;
            assert!(usual <= latency && latency <= late, "{}: {usual} to {late} cycles", board.id);
            assert!((reads / port.bytes_per_cycle - 1.0).abs() < 0.02, "{}: {reads} bytes a cycle", board.id);
        }
    }
}
