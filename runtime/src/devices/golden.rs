//! The golden model behind the core's registers and packets: the answers of the hardware without simulating it.
//!
//! The network is computed in a thread of its own, so that it works on one image while the next is sent. Results are
//! the golden model's, cycles the planner's for dense mode. Frames, sticky errors and the locks of the program register
//! are the core's; a program that is not the design's is refused as the core refuses an unknown packet.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{
    files, read_json, read_manifest, read_network, read_packets, BundleError, Manifest, Plan,
};
use spikegate_contract::csr::{
    offset, CONTROL_RESET, ERROR_CRC, ERROR_LENGTH, ERROR_PACKET, ERROR_PROGRAM, ERROR_SEQUENCE,
    ERROR_WATCHDOG, FEATURE_FRAMES, INTERFACE_VERSION, MAGIC, STATUS_BUSY, TABLE,
};
use spikegate_contract::frame::{self, FrameError};
use spikegate_contract::network::Network;
use spikegate_contract::packet::{header, IMAGE, LOAD, RESULT};
use spikegate_golden::fast::Prepared;
use spikegate_golden::{GoldenError, Outcome};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use thiserror::Error;

use crate::device::{register_name, Device, DeviceError, Wait};

/// Cycles a second that a wait of so many cycles allows for: as slow as a core would ever be clocked, so that the
/// model may take its time.
const WAIT_HZ: u64 = 1_000_000;
/// Name of the planner's step that sends the result.
const FINISH: &str = "finish";

/// A design that the golden model cannot stand for.
#[derive(Debug, Error)]
pub enum GoldenDeviceError {
    /// The design cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The network cannot be computed.
    #[error("{dir}: {source}; compile the model again")]
    Network {
        /// Folder.
        dir: String,
        /// Cause.
        source: Box<GoldenError>,
    },
}

/// The golden model as a device.
#[derive(Debug)]
pub struct Golden {
    name: String,
    /// Registers by position in the table: what is written is kept here, what is counted is added.
    registers: Vec<u32>,
    program: Vec<Vec<u32>>,
    /// Packets of the program that have come, in order.
    loaded: usize,
    pixels: usize,
    /// Cycles of each instruction but the last, which sends the result.
    cycles: Vec<u32>,
    /// What each image of a batch reports.
    shares: Vec<Share>,
    worker: Worker,
    /// Images under way, and how many of their batch came before them.
    waiting: usize,
    place: usize,
    /// Frames taken and given since the last reset.
    frames: [u32; 2],
}

/// The part of a run that one image of its batch reports.
#[derive(Debug)]
struct Share {
    /// Instructions before its result.
    instructions: usize,
    /// Cycles and operand operations since the result before.
    cycles: u64,
    sops: u64,
}

impl Share {
    /// Of every image, in order.
    fn all(plan: &Plan, array: &ArrayConfig) -> Vec<Self> {
        let mut begin = 0;
        let ends = plan.steps.iter().enumerate().filter(|(_, s)| s.name == FINISH).map(|(at, _)| at);
        ends.map(|instructions| {
            let steps = &plan.steps[begin..instructions];
            begin = instructions;
            let issued: u64 = steps.iter().map(|s| s.issue_cycles).sum();
            let sops = issued * (array.lanes * array.ci * array.co) as u64;
            Self { instructions, cycles: steps.iter().map(|s| s.cycles).sum(), sops }
        })
        .collect()
    }
}

/// Sequence number and result of an image.
type Answer = (u32, Result<Outcome, GoldenError>);

#[derive(Debug)]
struct Worker {
    images: Sender<(u32, Vec<u8>)>,
    answers: Receiver<Answer>,
}

impl Worker {
    fn new(network: Network) -> Result<Self, GoldenError> {
        let (images, jobs) = mpsc::channel::<(u32, Vec<u8>)>();
        let (done, answers) = mpsc::channel();
        let (ready, checked) = mpsc::channel();
        std::thread::spawn(move || {
            let prepared = match Prepared::new(&network) {
                Ok(prepared) => prepared,
                // A receiver that is gone has no use for the answer, here and below.
                Err(error) => return drop(ready.send(Err(error))),
            };
            let _ = ready.send(Ok(()));
            for (sequence, pixels) in jobs {
                if done.send((sequence, prepared.run(&pixels))).is_err() {
                    return;
                }
            }
        });
        match checked.recv() {
            Ok(Err(error)) => Err(error),
            // A thread that died shows at the first image.
            Ok(Ok(())) | Err(_) => Ok(Self { images, answers }),
        }
    }
}

impl Golden {
    /// The golden model of the design in `dir`.
    ///
    /// # Errors
    /// The design is incomplete, or its network is outside the contract.
    pub fn open(dir: &Path) -> Result<Self, GoldenDeviceError> {
        let manifest = read_manifest(dir)?;
        let network = read_network(dir)?;
        let plan: Plan = read_json(&dir.join(files::PLAN))?;
        let program = read_packets(&dir.join(files::PROGRAM))?;
        let pixels = network.input.shape.iter().product();
        let failed = |e| GoldenDeviceError::Network { dir: dir.display().to_string(), source: Box::new(e) };
        let worker = Worker::new(network).map_err(failed)?;
        let shares = Share::all(&plan, &manifest.array);
        let steps = plan.steps.iter().take(shares.last().map_or(0, |s| s.instructions));
        let mut golden = Self {
            name: format!("golden model of {}", dir.display()),
            registers: vec![0; TABLE.len()],
            program,
            loaded: 0,
            pixels,
            cycles: steps.map(|s| s.cycles as u32).collect(),
            shares,
            worker,
            waiting: 0,
            place: 0,
            frames: [0; 2],
        };
        golden.identify(&manifest);
        Ok(golden)
    }

    fn identify(&mut self, manifest: &Manifest) {
        let array = &manifest.array;
        let word = |hash: &str| hash.get(..8).and_then(|h| u32::from_str_radix(h, 16).ok()).unwrap_or(0);
        let sizes = array.lanes | array.pixels << 8 | array.ci << 16 | array.co << 24;
        *self.register("magic") = MAGIC;
        *self.register("version") = INTERFACE_VERSION;
        *self.register("array") = sizes as u32;
        *self.register("post") = array.post as u32;
        *self.register("config_hash") = word(&manifest.config_hash);
        *self.register("build_hash") = word(&manifest.verilog_hash);
        *self.register("features") = FEATURE_FRAMES;
    }

    fn register(&mut self, name: &str) -> &mut u32 {
        let wanted = offset(name);
        let at = TABLE.iter().position(|r| r.offset == wanted).unwrap_or_default();
        &mut self.registers[at]
    }

    /// Adds to a 64-bit counter.
    fn count(&mut self, low: &str, high: &str, more: u64) {
        let now = u64::from(*self.register(high)) << 32 | u64::from(*self.register(low));
        let sum = now.wrapping_add(more);
        *self.register(low) = sum as u32;
        *self.register(high) = (sum >> 32) as u32;
    }

    fn position(&self, access: &'static str, wanted: u32) -> Result<usize, DeviceError> {
        TABLE.iter().position(|r| r.offset == wanted).ok_or_else(|| DeviceError::Register {
            device: self.name.clone(),
            access,
            register: register_name(wanted),
            offset: wanted,
            got: "an error response",
            expected: "OKAY",
        })
    }

    /// Drops what is under way and clears what a reset clears.
    fn clear(&mut self) {
        while self.waiting > 0 && self.worker.answers.recv().is_ok() {
            self.waiting -= 1;
        }
        (self.waiting, self.place) = (0, 0);
        self.frames = [0; 2];
        for name in ["error", "irq_status", "images", "cycles_lo", "cycles_hi", "sops_lo", "sops_hi"] {
            *self.register(name) = 0;
        }
        for name in ["spikes_lo", "spikes_hi", "stalls"] {
            *self.register(name) = 0;
        }
    }

    fn refuse(&mut self, error: u32) {
        *self.register("error") |= error;
    }

    /// A packet out of a good frame.
    fn take(&mut self, packet: &[u32]) {
        let declared = *self.register("program_hash") != 0;
        let kind = packet.first().map_or(0, |first| first >> 24) as u8;
        match (kind, packet) {
            (LOAD, _) if declared => self.refuse(ERROR_PROGRAM),
            (LOAD, _) => self.load(packet),
            (IMAGE, _) if !declared => self.refuse(ERROR_PROGRAM),
            (IMAGE, [_, sequence, words @ ..]) => self.image(*sequence, words),
            _ => self.refuse(ERROR_PACKET),
        }
    }

    fn load(&mut self, packet: &[u32]) {
        if self.program.get(self.loaded).is_some_and(|p| p == packet) {
            self.loaded += 1;
        } else {
            self.refuse(ERROR_PACKET);
        }
    }

    fn image(&mut self, sequence: u32, words: &[u32]) {
        if words.len() != self.pixels.div_ceil(4) {
            return self.refuse(ERROR_LENGTH);
        }
        let limit = *self.register("watchdog_limit");
        if limit != 0 && self.cycles.iter().map(|&c| u64::from(c)).sum::<u64>() > limit.into() {
            return self.bite();
        }
        let mut pixels: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        pixels.truncate(self.pixels);
        // Without its program the core would compute with what its memories hold, which the model does not know.
        if self.loaded != self.program.len() || self.worker.images.send((sequence, pixels)).is_err() {
            return self.refuse(ERROR_PROGRAM);
        }
        self.waiting += 1;
    }

    /// The watchdog resets the core and leaves its reason.
    fn bite(&mut self) {
        let before = *self.register("error");
        self.clear();
        *self.register("error") = before | ERROR_WATCHDOG;
        *self.register("watchdog_trips") += 1;
    }

    /// Memories can be loaded from here on, or images come; not after an error.
    fn declare(&mut self, hash: u32) {
        let good = *self.register("error") == 0;
        *self.register("program_hash") = if good { hash } else { 0 };
        if hash == 0 {
            self.loaded = 0;
        }
    }

    fn timeout(&self, wait: &Wait) -> DeviceError {
        DeviceError::Timeout {
            device: self.name.clone(),
            what: wait.what.clone(),
            waited: wait.cycles,
            at: 0,
            detail: format!("{} images under way", self.waiting),
        }
    }

    /// The frame of the result, and the counters.
    fn result(&mut self, sequence: u32, outcome: &Outcome) -> Vec<u32> {
        let Some(share) = self.shares.get(self.place) else { return Vec::new() };
        let Share { instructions, cycles, sops } = *share;
        self.place = (self.place + 1) % self.shares.len();
        let follow = 4 + outcome.logits.len() + instructions;
        let mut packet = vec![
            header(RESULT, 0, follow as u16),
            sequence,
            outcome.class as u32,
            outcome.logits.len() as u32,
        ];
        packet.extend(outcome.logits.iter().map(|&l| l as u32));
        packet.push(instructions as u32);
        packet.extend(&self.cycles[..instructions]);
        self.count("cycles_lo", "cycles_hi", cycles);
        self.count("sops_lo", "sops_hi", sops);
        self.count("spikes_lo", "spikes_hi", outcome.spikes.iter().map(|p| p.spikes).sum());
        *self.register("images") += 1;
        *self.register("irq_status") = 1;
        let sealed = frame::seal(self.frames[1], &packet);
        self.frames[1] = self.frames[1].wrapping_add(1);
        sealed
    }
}

impl Device for Golden {
    fn name(&self) -> &str {
        &self.name
    }

    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        let at = self.position("reading", offset)?;
        let busy = if self.waiting > 0 { STATUS_BUSY } else { 0 };
        *self.register("status") = busy;
        Ok(self.registers[at])
    }

    fn write_csr(&mut self, offset: u32, value: u32) -> Result<(), DeviceError> {
        use spikegate_contract::csr::{position, Access};
        let at = self.position("writing", offset)?;
        match TABLE[at].access {
            Access::Ro => {}
            Access::Rw if at == position("program_hash") => self.declare(value),
            Access::Rw => self.registers[at] = value,
            Access::Rw1c => self.registers[at] &= !value,
            Access::Wo if value & CONTROL_RESET != 0 => self.clear(),
            Access::Wo => {}
        }
        Ok(())
    }

    fn send(&mut self, frame: &[u32]) -> Result<(), DeviceError> {
        if frame.is_empty() {
            return Err(DeviceError::Empty { device: self.name.clone() });
        }
        match frame::open(self.frames[0], frame) {
            Ok(packet) => {
                self.frames[0] = self.frames[0].wrapping_add(1);
                self.take(packet);
            }
            Err(FrameError::Length { .. }) => self.refuse(ERROR_LENGTH),
            Err(FrameError::Crc { .. }) => self.refuse(ERROR_CRC),
            Err(FrameError::Number { .. }) => self.refuse(ERROR_SEQUENCE),
        }
        Ok(())
    }

    fn flush(&mut self, _wait: &Wait) -> Result<(), DeviceError> {
        Ok(())
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        // No result comes before the batch is complete.
        if self.waiting == 0 || self.place == 0 && self.waiting < self.shares.len() {
            return Err(self.timeout(wait));
        }
        let time = Duration::from_secs_f64(wait.cycles as f64 / WAIT_HZ as f64);
        let stopped = |device: &str, message: String| DeviceError::Stopped {
            device: device.to_owned(),
            at: 0,
            message,
        };
        match self.worker.answers.recv_timeout(time) {
            Ok((sequence, outcome)) => {
                self.waiting -= 1;
                let outcome = outcome.map_err(|e| stopped(&self.name, e.to_string()))?;
                Ok(self.result(sequence, &outcome))
            }
            Err(RecvTimeoutError::Timeout) => Err(self.timeout(wait)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(stopped(&self.name, "the thread of the model has ended".to_owned()))
            }
        }
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.clear();
        for name in ["scratch", "program_hash", "watchdog_limit", "irq_enable"] {
            *self.register(name) = 0;
        }
        Ok(())
    }
}
