//! A network on the Verilated accelerator, next to the golden model.

pub mod shapes;

use spikegate_compiler::plan::{plan, plan_batch, predict, Planned, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{MemoryModel, Plan};
use spikegate_contract::csr::{offset, CONTROL_RESET};
use spikegate_contract::frame;
use spikegate_contract::image::ImageForm;
use spikegate_contract::network::Network;
use spikegate_contract::packet::{DUMP, RESULT};
use spikegate_contract::tensor::{names, Tensor};
use spikegate_golden::random::{image, Rng};
use spikegate_runtime::device::{Device, Wait};
use spikegate_runtime::devices::verilator::{Gaps, MemoryTiming, Options, Verilated};
use spikegate_testbench::compare::compare;
use spikegate_testbench::trace::{decode_image, dumped};

/// A Verilated accelerator without a design folder.
pub struct Hardware {
    pub core: Verilated,
    pub array: ArrayConfig,
    /// The memory that the planner counts with.
    pub memory: MemoryModel,
    /// Images of a run of the program.
    pub batch: usize,
    /// How images of the network that is loaded travel.
    image: ImageForm,
    /// How far the cycles of an image may be from its prediction, in parts of a thousand; none: anywhere.
    pub tolerance: Option<u64>,
    /// Frames so far, to the core and from it.
    frames: [u32; 2],
}

const PATIENCE: u64 = 50_000_000;

impl Hardware {
    pub fn new(array: &ArrayConfig) -> Self {
        let text =
            spikegate_hdl::generate(array, 0x1234_5678, 0x9abc_def0).expect("the kernels obey the rules");
        let core = Verilated::open("the array", &text, &Options::default(), &mut |_| ())
            .expect("Verilator builds the core");
        Self {
            core,
            array: array.clone(),
            memory: MemoryModel::default(),
            batch: 1,
            image: ImageForm::Pixels(0),
            tolerance: Some(0),
            frames: [0; 2],
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

    /// Sends an image and waits for nothing.
    pub fn start(&mut self, pixels: &[u8]) {
        self.send(&self.image.packet(0, pixels));
    }

    /// Gives up what is under way; the program stays. What was sent and not taken is taken first.
    pub fn soft_reset(&mut self) {
        self.core.flush(&Wait::new("the image", PATIENCE)).expect("the image is taken");
        self.core.write_csr(offset("control"), CONTROL_RESET).expect("a register");
        self.frames = [0; 2];
    }

    /// Result packet and dumps of every image of one run of the program; sequence numbers from `first` on.
    pub fn run(&mut self, plan: &Plan, first: u32, images: &[&Vec<u8>]) -> Vec<(Vec<u32>, Vec<Vec<u32>>)> {
        for (sequence, pixels) in (first..).zip(images) {
            self.send(&self.image.packet(sequence, pixels));
        }
        let mut results = Vec::new();
        let mut dumps = vec![Vec::new(); images.len()];
        let mut entries = plan.dumps.iter();
        loop {
            let frame = self.core.receive(&Wait::new("a frame", PATIENCE)).expect("a frame comes");
            let mut packet = frame::open(self.frames[1], &frame).expect("the next frame, whole").to_vec();
            self.frames[1] += 1;
            match (packet[0] >> 24) as u8 {
                DUMP => {
                    let image = entries.next().expect("a planned dump").image;
                    assert_eq!(packet[1], first + image.unwrap_or(0) as u32, "sequence number of a dump");
                    for (number, dumps) in dumps.iter_mut().enumerate() {
                        if image.is_none_or(|image| image == number) {
                            packet[1] = first + number as u32;
                            dumps.push(packet.clone());
                        }
                    }
                }
                RESULT => results.push(packet),
                other => panic!("packet type {other:#x}"),
            }
            if results.len() == images.len() {
                return results.into_iter().zip(dumps).collect();
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
            a.spill_depth = a.spill_depth.max(b.spill_depth);
            a.neurons |= b.neurons;
            a
        })
        .expect("at least one network")
}

/// Two images of each network on one array, then two more with gaps on all streams and a slow memory. `batch`: of a run.
pub fn check_with_gaps_too(array: &ArrayConfig, batch: usize, nets: &[Network], rng: &mut Rng, seed: u64) {
    let mut hardware = Hardware::new(array);
    hardware.batch = batch;
    for gaps in [false, true] {
        if gaps {
            hardware.gaps(seed);
            hardware.slow_memory(seed);
        }
        for net in nets {
            let images: Vec<_> = (0..2).map(|_| image(rng, net.input_shape())).collect();
            check(&mut hardware, net, &images);
        }
    }
}

/// Runs images through the plain and the tracing program and compares everything with the golden model: every
/// tensor, class, logits, sequence number, and every instruction's cycles with the prediction.
pub fn check(hardware: &mut Hardware, net: &Network, images: &[Vec<u8>]) {
    let request = Request::Existing(&hardware.array);
    let planned: Planned =
        plan_batch(net, request, &hardware.memory, hardware.batch).expect("the network fits");
    check_planned(hardware, net, &planned, images);
}

/// As [`check`], with this plan of the network.
pub fn check_planned(hardware: &mut Hardware, net: &Network, planned: &Planned, images: &[Vec<u8>]) {
    hardware.image = ImageForm::new(net, &hardware.array, planned.plan.patches);
    for trace in [true, false] {
        let (packets, steps) = match trace {
            true => (&planned.trace_packets, &planned.plan.trace_steps),
            false => (&planned.packets, &planned.plan.steps),
        };
        hardware.load(packets);
        let batch = planned.plan.batch;
        for (number, chunk) in images.chunks(batch).enumerate() {
            // The last batch is filled up with repeats.
            let run: Vec<&Vec<u8>> =
                chunk.iter().chain(chunk.last().into_iter().cycle()).take(batch).collect();
            let first = (number * batch) as u32;
            let results = hardware.run(&planned.plan, first, &run);
            for (place, (pixels, (result, dumps))) in run.into_iter().zip(results).enumerate() {
                let mut golden: Vec<Tensor> = Vec::new();
                let outcome = spikegate_golden::run(net, pixels, &mut golden).expect("golden runs");
                let n = outcome.logits.len();
                let logits: Vec<i32> = result[4..4 + n].iter().map(|&w| w as i32).collect();
                if trace {
                    let mut got =
                        decode_image(&planned.plan, net, &hardware.array, &dumps, place).expect("a trace");
                    let data: Vec<i64> = logits.iter().map(|&l| l.into()).collect();
                    got.push(Tensor { name: names::LOGITS.into(), dims: [1, n, 1, 1], data });
                    let mut dumped = dumped(&planned.plan, net, place);
                    dumped.push(names::LOGITS);
                    let expected = golden.iter().filter(|t| dumped.contains(&t.name.as_str()));
                    let comparison = compare(expected, &got);
                    if let Some(first) = &comparison.first {
                        panic!("run {number}, image {place}: {first}");
                    }
                    assert!(comparison.is_equal());
                    assert_eq!(comparison.tensors, dumped.len());
                }
                assert_eq!(result[1], first + place as u32, "sequence number");
                assert_eq!(result[2] as usize, outcome.class, "class");
                assert_eq!(result[3] as usize, n, "number of logits");
                assert_eq!(logits, outcome.logits);
                let cycles: Vec<u64> = result[5 + n..].iter().map(|&w| u64::from(w)).collect();
                let names: Vec<&str> = steps.iter().map(|s| s.name.as_str()).collect();
                let all = predict(planned, trace, net.timesteps, &golden);
                match hardware.tolerance {
                    Some(0) => assert_eq!(cycles, all[..cycles.len()], "cycles of {names:?}"),
                    Some(thousandths) => {
                        let expected: u64 = all[..cycles.len()].iter().sum();
                        let got: u64 = cycles.iter().sum();
                        println!("{got} cycles, {expected} predicted");
                        assert!(
                            got.abs_diff(expected) * 1000 <= expected * thousandths,
                            "{got}, not {expected}"
                        );
                    }
                    None => {}
                }
                let finish = steps.iter().enumerate().filter(|(_, s)| s.name == "finish").nth(place);
                assert_eq!(
                    Some(cycles.len()),
                    finish.map(|(at, _)| at),
                    "every step before the result is counted"
                );
            }
        }
    }
}
