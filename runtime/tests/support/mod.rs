//! A design folder for a core that does not compute, and a device that answers as it is told.

use sha2::{Digest, Sha256};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{
    files, packet_bytes, DumpEntry, DumpForm, Manifest, Plan, PlannedStep, FORMAT_VERSION,
};
use spikegate_contract::csr::{offset, INTERFACE_VERSION, MAGIC};
use spikegate_contract::network::{
    Conv, Encoder, FireRule, Gate, Head, Input, Network, Neuron, Stem, TemporalAttention,
};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::path::Path;

/// Bytes of an image of the design.
pub const IMAGE_BYTES: usize = 6;

fn conv(name: &str) -> Conv {
    Conv {
        name: name.to_owned(),
        in_c: 1,
        in_hw: [2, 3],
        out_c: 1,
        out_hw: [2, 3],
        k: 1,
        stride: 1,
        pad: 0,
        weights: Vec::new(),
        requant: Vec::new(),
    }
}

fn network() -> Network {
    let constants = TemporalAttention {
        mean_pos: vec![0; 2],
        mean_neg: vec![0; 2],
        max_pos: vec![0; 2],
        max_neg: vec![0; 2],
        max_align: 0,
        ta_shift: 0,
    };
    let gate = Gate { z_shift: 0, table: vec![0; 1024], table_bits: 8, gate_bits: 8, y_shift: 0, threshold: 1 };
    Network {
        name: "stand-in".to_owned(),
        t: 2,
        neuron: Neuron { leak_shift: 1, fire: FireRule::Gt },
        weight_bits: 8,
        input: Input { shape: [1, 2, 3], offset: vec![0] },
        stem: Stem { conv: conv("stem"), frac_bits: 0, threshold: 1, xq_shift: 0 },
        encoder: Some(Encoder {
            temporal: constants,
            sca1: conv("sca1"),
            sca2: conv("sca2"),
            sca_frac_bits: 0,
            ta_frac_bits: 0,
            gate,
        }),
        blocks: Vec::new(),
        head: Head { conv: Conv { out_c: 3, ..conv("head") }, bias: vec![0; 3], scale: 1.0, pool: None },
    }
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

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Writes a design of two instructions (`stem`, `head`), traced as `stem`, `dump`, `head`.
pub fn write_design(dir: &Path) {
    write_batched(dir, 1);
}

/// The same for batches: `stem`, for every further image `take` and `stem`, and for each `head` and `finish`. The dump
/// comes after the first `stem`, of all images.
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
    };
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        interface_version: INTERFACE_VERSION,
        compiler: "0".to_owned(),
        network: "stand-in".to_owned(),
        model_hash: String::new(),
        calibration_hash: String::new(),
        array: ArrayConfig::new(4, 1, 8, 8).expect("array"),
        config_hash: format!("12345678{}", "0".repeat(56)),
        program_hash: sha256(&program),
        trace_hash: sha256(&program),
        verilog_hash: String::new(),
    };
    let json = |name: &str, text: Result<String, serde_json::Error>| {
        fs::write(dir.join(name), text.expect("json")).expect("write");
    };
    json(files::NETWORK, serde_json::to_string(&network()));
    json(files::PLAN, serde_json::to_string(&plan));
    json(files::MANIFEST, serde_json::to_string(&manifest));
    fs::write(dir.join(files::PROGRAM), &program).expect("write");
    fs::write(dir.join(files::TRACE), &program).expect("write");
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
    /// A core that suits the design of [`write_design`].
    pub fn new() -> Self {
        let registers = [
            ("magic", MAGIC),
            ("version", INTERFACE_VERSION),
            ("array", 0x0808_0104),
            ("post", 2),
            ("config_hash", 0x1234_5678),
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
