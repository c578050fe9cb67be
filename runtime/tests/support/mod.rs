//! A design folder for a core that does not compute, and a device that answers as it is told.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{
    config_hash, files, first_word, packet_bytes, Design, DumpEntry, DumpForm, Manifest, Plan, PlannedStep,
    FORMAT_VERSION,
};
use spikegate_contract::csr::{offset, INTERFACE_VERSION, MAGIC};
use spikegate_contract::network::Network;
use spikegate_golden::random::{self, demo, Rng, Shape};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::path::Path;

/// Bytes of an image of the design.
pub const IMAGE_BYTES: usize = 6;

/// The array of the design; it serves batches too.
fn array() -> ArrayConfig {
    let array = ArrayConfig::new(4, 1, 8, 8).and_then(|a| a.with_memory(32)).and_then(|a| a.with_batch(16));
    array.expect("array")
}

/// First word of its hash, which `stand_in.v` has too.
pub fn config() -> u32 {
    first_word(&config_hash(&array()))
}

fn network() -> Network {
    let (stem_kernel, stages) = ((1, 1), vec![(1, 1, 1)]);
    let shape = Shape { input: [1, 2, 3], stem: 1, stem_kernel, k: 1, t: 2, stages, classes: 3, ..demo() };
    random::network(&mut Rng(1), &shape)
}

fn step(name: &str, cycles: u64) -> PlannedStep {
    PlannedStep {
        name: name.to_owned(),
        cycles,
        issue_cycles: 0,
        dense_ops: 0,
        inside_ops: 0,
        spiking: false,
        fills_array: false,
        skips: None,
    }
}

/// The design of [`write_batched`] for single images, read.
pub fn design() -> Design {
    batched(1)
}

/// The design of [`write_batched`], read.
pub fn batched(batch: usize) -> Design {
    let dir = tempfile::tempdir().expect("folder");
    write_batched(dir.path(), batch);
    Design::open(dir.path()).expect("a design")
}

/// Writes a design of two instructions (`stem`, `head`), traced as `stem`, `dump`, `head`. For batches: `stem`, for every
/// further image `take` and `stem`, and for each `head` and `finish`; the dump comes after the first `stem`, of all images.
pub fn write_batched(dir: &Path, batch: usize) {
    let program = packet_bytes(&[vec![0x0100_0000, 0, 1, 5], vec![0x0105_0000, 0, 0]]);
    let dump = DumpEntry {
        instruction: 1,
        tensor: "stem.x".to_owned(),
        dims: [1, 1, 2, 3],
        form: DumpForm::StreamLane0,
        images: batch,
        image: None,
        spilled: false,
        rows: None,
        parts: 1,
    };
    let mut steps = vec![step("stem", 7)];
    steps.extend((1..batch).flat_map(|_| [step("take", 0), step("stem", 7)]));
    steps.extend((0..batch).flat_map(|_| [step("head", 9), step("finish", 0)]));
    let plan = Plan {
        format_version: FORMAT_VERSION,
        trace_steps: [&steps[..1], &[step("dump", 0)], &steps[1..]].concat(),
        steps,
        dumps: vec![dump],
        batch,
        words_used: [0; 5],
        weight_stream: None,
        map_spill: None,
        patches: None,
    };
    let network = network();
    let weights = network.layers().flat_map(|layer| layer.weights.iter().map(|&w| w as u8)).collect();
    let json = |text: Result<Vec<u8>, serde_json::Error>| text.expect("json");
    let all: [(&str, Vec<u8>); 8] = [
        (files::NETWORK, json(serde_json::to_vec(&network))),
        (files::WEIGHTS, weights),
        (files::VERILOG, Vec::new()),
        (files::WAIVERS, b"waivers".to_vec()),
        (files::PROGRAM, program.clone()),
        (files::TRACE, program),
        (files::PLAN, json(serde_json::to_vec(&plan))),
        (files::REPORT, b"{}".to_vec()),
    ];
    for (name, bytes) in &all {
        fs::write(dir.join(name), bytes).expect("write");
    }
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        interface_version: INTERFACE_VERSION,
        compiler: "0".to_owned(),
        network: "stand-in".to_owned(),
        model_hash: String::new(),
        calibration_hash: String::new(),
        array: array(),
        config_hash: String::new(),
        verilog_prefix: "spikegate".to_owned(),
        verilog_hash: String::new(),
        files: Default::default(),
        program_hash: String::new(),
        trace_hash: String::new(),
        manifest_hash: String::new(),
    };
    fs::write(dir.join(files::MANIFEST), manifest.bytes()).expect("write");
    seal(dir, |_| ());
}

/// Makes all hashes of a folder anew, as whoever changes its files can, after a change of the manifest.
pub fn seal(dir: &Path, change: impl FnOnce(&mut Manifest)) {
    let path = dir.join(files::MANIFEST);
    let mut manifest: Manifest = serde_json::from_slice(&fs::read(&path).expect("read")).expect("json");
    change(&mut manifest);
    manifest.hold(&files::HELD.map(|name| (name, fs::read(dir.join(name)).expect("read"))));
    fs::write(path, manifest.sealed().bytes()).expect("write");
}

/// A device with plain registers and a queue of answers.
#[derive(Debug)]
pub struct Fake {
    pub registers: HashMap<u32, u32>,
    pub answers: VecDeque<Vec<u32>>,
    pub sent: Vec<Vec<u32>>,
    /// Writes to this register are lost.
    pub broken: Option<u32>,
}

impl Fake {
    /// A core that suits the design of [`write_batched`].
    pub fn new() -> Self {
        let registers = [
            ("magic", MAGIC),
            ("version", INTERFACE_VERSION),
            ("array", 0x0808_0104),
            ("post", 2),
            ("config_hash", config()),
        ];
        Self {
            registers: registers.iter().map(|&(name, value)| (offset(name), value)).collect(),
            answers: VecDeque::new(),
            sent: Vec::new(),
            broken: None,
        }
    }
    /// The same with one register changed.
    pub fn with(mut self, register: &str, value: u32) -> Self {
        self.registers.insert(offset(register), value);
        self
    }
    /// The same with a packet to answer.
    pub fn answer(mut self, packet: Vec<u32>) -> Self {
        self.answers.push_back(packet);
        self
    }
}

impl Device for Fake {
    fn name(&self) -> &str {
        "fake"
    }
    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        Ok(self.registers.get(&offset).copied().unwrap_or(0))
    }
    fn write_csr(&mut self, offset: u32, value: u32) -> Result<(), DeviceError> {
        if self.broken != Some(offset) {
            self.registers.insert(offset, value);
        }
        Ok(())
    }
    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        self.sent.push(packet.to_vec());
        Ok(())
    }
    fn flush(&mut self, _wait: &Wait) -> Result<(), DeviceError> {
        Ok(())
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        self.answers.pop_front().ok_or_else(|| DeviceError::Timeout {
            device: "fake".to_owned(),
            what: wait.what.clone(),
            waited: wait.cycles,
            at: 1,
            detail: "nothing".to_owned(),
        })
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}
