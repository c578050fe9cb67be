//! A network on the Verilated accelerator, next to the golden model.

pub mod shapes;

use spikegate_compiler::plan::{plan, plan_with, predict, Planned, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::csr::offset;
use spikegate_contract::frame;
use spikegate_contract::network::Network;
use spikegate_contract::packet::{header, DUMP, IMAGE, RESULT};
use spikegate_contract::tensor::{names, Tensor};
use spikegate_runtime::device::{Device, Wait};
use spikegate_runtime::devices::verilator::{Gaps, MemoryTiming, Options, Verilated};
use spikegate_testbench::compare::compare;
use spikegate_testbench::trace::decode;

/// A Verilated accelerator without a design folder.
pub struct Hardware {
    pub core: Verilated,
    pub array: ArrayConfig,
    /// The memory that the planner counts with.
    pub memory: MemoryModel,
    /// How far the cycles of an image may be from its prediction, in parts of a thousand; none: anywhere.
    pub tolerance: Option<u64>,
    /// Frames so far, to the core and from it.
    frames: [u32; 2],
    _folder: tempfile::TempDir,
}

const PATIENCE: u64 = 50_000_000;

impl Hardware {
    pub fn new(array: &ArrayConfig) -> Self {
        let text =
            spikegate_hdl::generate(array, 0x1234_5678, 0x9abc_def0).expect("the kernels obey the rules");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("spikegate.v");
        std::fs::write(&file, text).expect("a temporary file");
        let core = Verilated::open_verilog(&file, &Options::default(), &mut |_| ())
            .expect("Verilator builds the core");
        Self {
            core,
            array: array.clone(),
            memory: MemoryModel::default(),
            tolerance: Some(0),
            frames: [0; 2],
            _folder: folder,
        }
    }

    pub fn gaps(&mut self, seed: u64) {
        self.core.set_gaps(Gaps { seed, input: 60, output: 60 });
    }

    /// A memory that is late and answers with gaps: cycles are not predicted any more.
    pub fn slow_memory(&mut self, seed: u64) {
        self.tolerance = None;
        let bytes_per_1000_cycles = 0;
        self.core.set_memory(MemoryTiming { latency: 20, jitter: 40, bytes_per_1000_cycles, gaps: 80, seed });
    }

    /// A memory of a stated latency and bandwidth, the same for the planner.
    pub fn memory(&mut self, model: MemoryModel) {
        (self.memory, self.tolerance) = (model, Some(0));
        self.core.set_memory(model.into());
    }

    /// The planner's memory stays; the real one is only as fast as it in the mean.
    pub fn irregular_memory(&mut self, timing: MemoryTiming) {
        self.tolerance = Some(20);
        self.core.set_memory(timing);
    }

    pub fn load(&mut self, packets: &[Vec<u32>]) {
        self.declare(0);
        packets.iter().for_each(|p| self.send(p));
        self.core.flush(&Wait::new("the program", PATIENCE)).expect("the program is taken");
        assert_eq!(self.core.read_csr(offset("error")).expect("a register"), 0, "sticky errors");
        self.declare(1);
    }

    /// Locks the memories and lets images in, or with 0 the reverse.
    fn declare(&mut self, hash: u32) {
        self.core.write_csr(offset("program_hash"), hash).expect("a register");
    }

    fn send(&mut self, packet: &[u32]) {
        self.core.send(&frame::seal(self.frames[0], packet)).expect("the frame is taken");
        self.frames[0] += 1;
    }

    /// Result packet and dumps of one image.
    pub fn image(&mut self, sequence: u32, pixels: &[u8]) -> (Vec<u32>, Vec<Vec<u32>>) {
        let mut packet = vec![header(IMAGE, 0, 0), sequence];
        packet.extend(pixels.chunks(4).map(|c| c.iter().rev().fold(0, |w, &b| w << 8 | u32::from(b))));
        self.send(&packet);
        let mut dumps = Vec::new();
        loop {
            let frame = self.core.receive(&Wait::new("a frame", PATIENCE)).expect("a frame comes");
            let packet = frame::open(self.frames[1], &frame).expect("the next frame, whole").to_vec();
            self.frames[1] += 1;
            match (packet[0] >> 24) as u8 {
                DUMP => dumps.push(packet),
                RESULT => return (packet, dumps),
                other => panic!("packet type {other:#x}"),
            }
        }
    }
}

/// The smallest array of the given size that holds all of the networks.
pub fn array_for(nets: &[&Network], (l, ci, co): (usize, usize, usize)) -> ArrayConfig {
    array_of(nets, Request::Size { lanes: l, pixels: 1, ci, co })
}

/// The smallest array with these sizes and options that holds all of the networks.
pub fn grown(nets: &[&Network], array: &ArrayConfig) -> ArrayConfig {
    array_of(nets, Request::New(array))
}

fn array_of(nets: &[&Network], request: Request<'_>) -> ArrayConfig {
    let arrays = nets.iter().map(|net| plan(net, request).expect("the network fits").array);
    arrays
        .reduce(|mut a, b| {
            a.code_depth = a.code_depth.max(b.code_depth);
            a.spike_depth = a.spike_depth.max(b.spike_depth);
            a.presence_depth = a.presence_depth.max(b.presence_depth);
            a.stream_depth = a.stream_depth.max(b.stream_depth);
            a.weight_depth = a.weight_depth.max(b.weight_depth);
            a.param_depth = a.param_depth.max(b.param_depth);
            a.instr_depth = a.instr_depth.max(b.instr_depth);
            a.class_depth = a.class_depth.max(b.class_depth);
            a.sum_bits = a.sum_bits.max(b.sum_bits);
            a
        })
        .expect("at least one network")
}

/// Runs images through the plain and the tracing program and compares everything with the golden model: every
/// tensor, class, logits, sequence number, and every instruction's cycles with the prediction.
pub fn check(hardware: &mut Hardware, net: &Network, images: &[Vec<u8>]) {
    let planned: Planned =
        plan_with(net, Request::Existing(&hardware.array), &hardware.memory).expect("the network fits");
    for trace in [true, false] {
        let (packets, steps) = match trace {
            true => (&planned.trace_packets, &planned.plan.trace_steps),
            false => (&planned.packets, &planned.plan.steps),
        };
        hardware.load(packets);
        for (i, pixels) in images.iter().enumerate() {
            let mut golden: Vec<Tensor> = Vec::new();
            let outcome = spikegate_golden::run(net, pixels, &mut golden).expect("golden runs");
            let (result, dumps) = hardware.image(i as u32, pixels);
            if trace {
                let mut got = decode(&planned.plan, &hardware.array, &dumps).expect("a trace");
                let logits: Vec<i64> =
                    result[4..4 + outcome.logits.len()].iter().map(|&w| i64::from(w as i32)).collect();
                got.push(Tensor { name: names::LOGITS.into(), dims: [1, logits.len(), 1, 1], data: logits });
                let comparison = compare(&golden, &got, false);
                if let Some(first) = &comparison.first {
                    panic!("image {i}: {first}");
                }
                assert!(comparison.is_equal());
                assert_eq!(comparison.tensors, golden.len());
            }
            assert_eq!(result[1], i as u32, "sequence number");
            assert_eq!(result[2] as usize, outcome.class, "class");
            assert_eq!(result[3] as usize, outcome.logits.len(), "number of logits");
            let n = outcome.logits.len();
            let logits: Vec<i32> = result[4..4 + n].iter().map(|&w| w as i32).collect();
            assert_eq!(logits, outcome.logits);
            let cycles: Vec<u64> = result[5 + n..].iter().map(|&w| u64::from(w)).collect();
            let names: Vec<&str> = steps.iter().map(|s| s.name.as_str()).collect();
            let predicted = predict(&planned, trace, net.t, &golden);
            match (predicted, hardware.tolerance) {
                (Some(all), Some(0)) => assert_eq!(cycles, all[..cycles.len()], "cycles of {names:?}"),
                (Some(all), Some(thousandths)) => {
                    let (got, expected): (u64, u64) = (cycles.iter().sum(), all.iter().sum());
                    println!("{got} cycles, {expected} predicted");
                    assert!(got.abs_diff(expected) * 1000 <= expected * thousandths, "{got}, not {expected}");
                }
                (None, _) => assert!(trace, "only the cycles of a tracing program may be unknown"),
                (_, None) => {}
            }
            assert_eq!(cycles.len() + 1, steps.len(), "every step but the result packet is counted");
        }
    }
}
