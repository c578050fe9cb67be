//! Cycles that are predicted with the model of a board's memory against those that the board's whole top takes in Verilator,
//! with its pins, UART bridge, controller, what brings the memory up, and core. The model's constants are measured by synthetic
//! traffic (`memory_port` of `bitstreams`); no network has set one of them. With a core on a clock of its own the same constants count,
//! in its cycles and behind the queues.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::simulation::{Form, Line, Memory, Running, Simulation};
use spikegate_bitstreams::tools::Toolbox;
use spikegate_compiler::plan::{self, predict_with, External};
use spikegate_compiler::{build, Settings};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{first_word, Design};
use spikegate_contract::csr::{offset, MemoryStatus, MEMORY_STATUS};
use spikegate_contract::network::{FireRule, Network, Neuron};
use spikegate_golden::random::{image, network, Rng, Shape};
use spikegate_runtime::devices::{open, Address};
use spikegate_runtime::session::{Program, Session};

const BOARD: &str = "ecpix-5-85f";
/// Clocks of the core in MHz: below that of the memory's controller, that, and above it.
const CLOCKS: [f64; 3] = [40.0, 65.0, 80.0];

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

/// Cycles of images on the board.
#[derive(Debug)]
struct Taken {
    /// Issuing operands, waiting for nothing.
    issue: u64,
    /// With the ideal memory.
    ideal: u64,
    /// With the model of the board's memory.
    predicted: u64,
    /// On the board, of each image.
    counted: Vec<u64>,
}

fn taken(net: &Network, array: ArrayConfig, mhz: f64) -> Taken {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("design");
    build(net.clone(), &Settings::new(array), &mut ()).unwrap().write(&dir).unwrap();
    let design = Design::open(&dir).unwrap();
    let board = resolve(BOARD).unwrap();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("board-cycles");
    fs::create_dir_all(&cache).unwrap();
    // Loaded beforehand: over the line it would take most of the time.
    let file = home.path().join("contents");
    fs::write(&file, contents(&design)).unwrap();
    let (verilog, array) = (&design.verilog, &design.manifest.array);
    let simulation =
        Simulation { board: &board, verilog, array, mhz: Some(mhz), folder: home.path(), cache: &cache };
    let built = simulation.build(Form::Source, &Toolbox::from_environment()).unwrap();
    let memory = Memory { seed: 1, dead: 0, contents: Some(file) };
    let running = Running::start(&built, Line::default(), &memory, true).unwrap();
    // The fewest cycles of a bit.
    let address = format!("uart:{}@2000000,{}", running.port.display(), mhz * 250e3);
    let address: Address = address.parse().unwrap();
    let mut device = open(&address, None, &Default::default(), &mut |_| ()).unwrap();
    while MemoryStatus::of(device.read_csr(MEMORY_STATUS).unwrap()) == MemoryStatus::Coming {}
    device.write_csr(offset("scratch"), first_word(&design.manifest.program_hash)).unwrap();
    let mut session = Session::open(device, &design, Program::Plain).unwrap();

    let steps = &design.plan.steps;
    let planned = plan::of(&design).unwrap();
    let timing = board.timing(mhz).unwrap();
    let model = predict_with(&planned, net.timesteps, External::Board(&timing)).unwrap();
    let mut rng = Rng(9);
    let mut counted = Vec::new();
    for _ in 0..3 {
        let pixels = image(&mut rng, net.input_shape());
        let got = session.infer(&pixels).unwrap();
        assert_eq!(got.logits, spikegate_golden::run(net, &pixels, &mut ()).unwrap().logits);
        // Not those whose length the host decides.
        let timed = steps.iter().zip(&got.cycles).filter(|(step, _)| step.cycles > 0);
        counted.push(timed.map(|(_, &cycles)| u64::from(cycles)).sum());
    }
    drop(session);
    running.wait().unwrap();
    Taken {
        issue: steps.iter().map(|step| step.issue_cycles).sum(),
        ideal: steps.iter().map(|step| step.cycles).sum(),
        predicted: model.iter().sum(),
        counted,
    }
}

fn shape(input: [usize; 3], stages: Vec<(usize, usize, usize)>) -> Shape {
    Shape {
        input,
        stem: 8,
        stem_kernel: (3, 1),
        k: 4,
        t: 4,
        stages,
        classes: 10,
        neuron: Neuron::new(1, FireRule::Gt),
        weight_bits: vec![8],
        gate_bits: 8,
        own_neurons: false,
        direct: false,
        last_lif: true,
        extreme: false,
    }
}

/// An array whose maps go through the memory: residual ones as a queue, and all of them with `moves`.
fn array(moves: bool) -> ArrayConfig {
    let array = ArrayConfig::new(4, 1, 4, 4).and_then(|a| a.with_memory(128)).unwrap();
    match moves {
        true => array.with_moves().unwrap().in_blocks(),
        false => array.with_spilling().unwrap(),
    }
}

/// Whether a prediction is as close as a share of what was counted.
fn close(taken: &Taken, share: f64) {
    println!("{taken:?}");
    for &counted in &taken.counted {
        let off = taken.predicted as f64 / counted as f64 - 1.0;
        println!("predicted {} for {counted}: {:+.2} %", taken.predicted, 100.0 * off);
        assert!(off.abs() < share, "{taken:?}");
        let [model, ideal] = [taken.predicted, taken.ideal].map(|cycles| cycles.abs_diff(counted));
        assert!(model * 2 < ideal, "the ideal memory tells as much: {taken:?}");
    }
}

fn has_verilator() -> bool {
    let there = Command::new("verilator").arg("--version").output().is_ok();
    if !there {
        eprintln!("SKIPPED: verilator is not installed, no board is simulated");
    }
    there
}

#[test]
fn cycles_of_an_array_that_computes_all_the_time() {
    if !has_verilator() {
        return;
    }
    let net = network(&mut Rng(3), &shape([3, 16, 16], vec![(16, 2, 1), (32, 2, 2)]));
    for mhz in CLOCKS {
        let taken = taken(&net, array(true), mhz);
        assert!(taken.predicted < taken.issue + taken.issue / 10, "the array bounds: {taken:?}");
        close(&taken, 0.02);
    }
}

#[test]
fn cycles_of_an_array_that_waits_for_the_port() {
    if !has_verilator() {
        return;
    }
    // Maps of a pixel or four: weights are used once or a few times.
    let net = network(&mut Rng(3), &shape([3, 4, 4], vec![(32, 2, 2), (64, 3, 2)]));
    for mhz in CLOCKS {
        let taken = taken(&net, array(false), mhz);
        assert!(taken.predicted > taken.issue + taken.issue / 2, "the port bounds: {taken:?}");
        close(&taken, 0.05);
    }
}
