//! The golden model behind the core's registers and packets: the answers of the hardware without simulating it.
//!
//! The network is computed in a thread of its own, so that it works on one image while the next is sent. Results are
//! the golden model's, cycles the planner's for dense mode, and so are the dumps of the tracing program. Frames, sticky
//! errors and the locks of the program register are the core's; a program that is neither of the design's is refused as
//! the core refuses an unknown packet.

pub(super) mod error;
mod program;
mod worker;

pub use error::GoldenDeviceError;

use spikegate_contract::bundle::{first_word, Design, Manifest};
use spikegate_contract::csr::{
    offset, CONTROL_RESET, ERROR_CRC, ERROR_LENGTH, ERROR_PACKET, ERROR_PROGRAM, ERROR_SEQUENCE,
    ERROR_WATCHDOG, FEATURE_FRAMES, INTERFACE_VERSION, MAGIC, STATUS_BUSY, TABLE,
};
use spikegate_contract::frame::{self, FrameError};
use spikegate_contract::image::ImageForm;
use spikegate_contract::packet::{header, IMAGE, LOAD, RESULT};
use spikegate_golden::Outcome;
use std::collections::VecDeque;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use self::program::{Program, Share};
use self::worker::{Job, Worker};
use super::entry::{no_file, nothing, Entry};
use crate::device::{register_name, Device, DeviceError, Wait};

/// Time that the model's thread may be kept from its processor, on a machine with other work, before it is given up.
const STARVED: Duration = Duration::from_secs(20);
/// Cycles a second that a wait of so many cycles allows for: as slow as a core would ever be clocked, so that the
/// model may take its time.
const WAIT_HZ: u64 = 1_000_000;
/// Images that it takes before the first has its result: a core takes one more than it computes.
const TAKES: usize = 64;
/// Every program of a design.
const ALL: u8 = 0b11;

/// For the table of devices.
pub const ENTRY: Entry = Entry {
    scheme: "golden",
    example: "golden",
    help: "the golden model of the design, in this process",
    read: nothing,
    file: no_file,
    open: |_, with| Ok(Box::new(Golden::open(with.design("golden")?.design)?)),
};

/// The golden model as a device.
#[derive(Debug)]
pub struct Golden {
    name: String,
    /// Registers by position in the table: what is written is kept here, what is counted is added.
    registers: Vec<u32>,
    /// The programs of the design: results only, and with dumps.
    programs: Vec<Program>,
    /// Packets of a program that have come, in order.
    loaded: usize,
    /// Which of the programs they belong to, a bit for each.
    candidates: u8,
    form: ImageForm,
    worker: Worker,
    /// Images under way, and how many of their batch came before them.
    waiting: usize,
    place: usize,
    /// Packets of the image whose first has been given.
    ready: VecDeque<Vec<u32>>,
    /// Frames taken and given since the last reset.
    frames: [u32; 2],
}

impl Golden {
    /// The golden model of a design.
    ///
    /// # Errors
    /// A sum of its network may leave the hardware's 32 bits.
    pub fn open(design: &Design) -> Result<Self, GoldenDeviceError> {
        let Design { manifest, network, plan, dir, .. } = design;
        let (network, plan, array) = (network.clone(), plan.clone(), &manifest.array);
        let plain = Program::new(&design.program, &manifest.program_hash, &plan.steps, array, false);
        let trace = Program::new(&design.trace, &manifest.trace_hash, &plan.trace_steps, array, true);
        let mut programs = vec![plain];
        // The dumps of a batch come image by image within each layer, which the model does not do.
        if trace.shares.len() == 1 {
            programs.push(trace);
        }
        let form = ImageForm::new(&network, array, plan.patches);
        let failed = |e| GoldenDeviceError::Network { dir: dir.display().to_string(), source: Box::new(e) };
        let worker = Worker::new(network, plan, array.clone()).map_err(failed)?;
        let mut golden = Self {
            name: format!("golden model of {}", dir.display()),
            registers: vec![0; TABLE.len()],
            programs,
            loaded: 0,
            candidates: ALL,
            form,
            worker,
            waiting: 0,
            place: 0,
            ready: VecDeque::new(),
            frames: [0; 2],
        };
        golden.identify(manifest);
        Ok(golden)
    }

    fn identify(&mut self, manifest: &Manifest) {
        let array = &manifest.array;
        let sizes = array.lanes | array.pixels << 8 | array.ci << 16 | array.co << 24;
        *self.register("magic") = MAGIC;
        *self.register("version") = INTERFACE_VERSION;
        *self.register("array") = sizes as u32;
        *self.register("post") = array.post as u32;
        *self.register("config_hash") = first_word(&manifest.config_hash);
        *self.register("build_hash") = first_word(&manifest.verilog_hash);
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
            access: access.into(),
            register: register_name(wanted),
            offset: wanted,
            got: "an error response".into(),
            expected: "OKAY".into(),
        })
    }

    /// Drops what is under way and clears what a reset clears.
    fn clear(&mut self) {
        while self.waiting > 0 && self.worker.answers.recv().is_ok() {
            self.waiting -= 1;
        }
        (self.waiting, self.place) = (0, 0);
        self.ready.clear();
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
            (IMAGE, [_, sequence, ..]) => self.image(*sequence, packet),
            _ => self.refuse(ERROR_PACKET),
        }
    }

    fn load(&mut self, packet: &[u32]) {
        let loaded = self.loaded;
        let fits = |p: &Program| p.packets.get(loaded).is_some_and(|due| due == packet);
        let still = self.among(fits);
        if still == 0 {
            self.refuse(ERROR_PACKET);
        } else {
            (self.candidates, self.loaded) = (still, self.loaded + 1);
        }
    }

    /// Those of the candidates that suit.
    fn among(&self, suits: impl Fn(&Program) -> bool) -> u8 {
        let bits = self.programs.iter().enumerate().map(|(i, p)| u8::from(suits(p)) << i);
        self.candidates & bits.sum::<u8>()
    }

    /// The program that has been loaded to its end.
    fn running(&self) -> Option<&Program> {
        let whole = self.among(|p| p.packets.len() == self.loaded);
        self.programs.get(whole.trailing_zeros() as usize)
    }

    fn image(&mut self, sequence: u32, packet: &[u32]) {
        if packet.len() != self.form.words() {
            return self.refuse(ERROR_LENGTH);
        }
        let Some(pixels) = self.form.pixels(packet) else { return self.refuse(ERROR_PACKET) };
        // Without a program the core would compute with what its memories hold, which the model does not know.
        let Some(program) = self.running() else { return self.refuse(ERROR_PROGRAM) };
        let (traces, cycles) = (program.traces, program.cycles.iter().map(|&c| u64::from(c)).sum::<u64>());
        let limit = *self.register("watchdog_limit");
        if limit != 0 && cycles > limit.into() {
            return self.bite();
        }
        if self.worker.images.send(Job { sequence, pixels, traces }).is_err() {
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

    /// Memories can be loaded from here on, or images come; not after an error, and not under the hash of another program
    /// than the one that was loaded: the driver's weights or plan would be others than those here.
    fn declare(&mut self, hash: u32) {
        if hash != 0 && self.running().is_none_or(|program| program.hash != hash) {
            self.refuse(ERROR_PROGRAM);
        }
        let good = *self.register("error") == 0;
        *self.register("program_hash") = if good { hash } else { 0 };
        if hash == 0 {
            (self.loaded, self.candidates) = (0, ALL);
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

    /// The packet of the result, and the counters.
    fn result(&mut self, sequence: u32, outcome: &Outcome) -> Vec<u32> {
        let Some(program) = self.running() else { return Vec::new() };
        let Some(&Share { instructions, cycles, sops }) = program.shares.get(self.place) else {
            return Vec::new();
        };
        let per_step = program.cycles[..instructions].to_vec();
        self.place = (self.place + 1) % program.shares.len();
        let follow = 4 + outcome.logits.len() + instructions;
        let mut packet = vec![
            header(RESULT, 0, follow as u16),
            sequence,
            outcome.class as u32,
            outcome.logits.len() as u32,
        ];
        packet.extend(outcome.logits.iter().map(|&l| l as u32));
        packet.push(instructions as u32);
        packet.extend(&per_step);
        self.count("cycles_lo", "cycles_hi", cycles);
        self.count("sops_lo", "sops_hi", sops);
        // The core counts the last layer's for the logits and writes none of them.
        let (all, last) = (outcome.spikes.iter().map(|p| p.spikes), outcome.counts.iter().map(|&n| n as u64));
        self.count("spikes_lo", "spikes_hi", all.sum::<u64>() - last.sum::<u64>());
        *self.register("images") += 1;
        *self.register("irq_status") = 1;
        packet
    }

    fn sealed(&mut self, packet: &[u32]) -> Vec<u32> {
        self.frames[1] = self.frames[1].wrapping_add(1);
        frame::seal(self.frames[1].wrapping_sub(1), packet)
    }
}

impl Device for Golden {
    fn name(&self) -> &str {
        &self.name
    }

    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        let at = self.position("reading", offset)?;
        let busy = if self.waiting > 0 || !self.ready.is_empty() { STATUS_BUSY } else { 0 };
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

    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        if self.waiting > TAKES {
            return Err(self.timeout(wait));
        }
        Ok(())
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        if let Some(packet) = self.ready.pop_front() {
            return Ok(self.sealed(&packet));
        }
        // No result comes before the batch is complete.
        let batch = self.running().map_or(1, |p| p.shares.len());
        if self.waiting == 0 || self.place == 0 && self.waiting < batch {
            return Err(self.timeout(wait));
        }
        let time = Duration::from_secs_f64(wait.cycles as f64 / WAIT_HZ as f64).max(STARVED);
        let stopped = |device: &str, message: String| DeviceError::Stopped {
            device: device.to_owned(),
            at: 0,
            message,
        };
        match self.worker.answers.recv_timeout(time) {
            Ok((sequence, outcome)) => {
                self.waiting -= 1;
                let (dumps, outcome) = outcome.map_err(|e| stopped(&self.name, e))?;
                self.ready.extend(dumps);
                let result = self.result(sequence, &outcome);
                self.ready.push_back(result);
                // The result is there, if nothing else.
                let first = self.ready.pop_front().unwrap_or_default();
                Ok(self.sealed(&first))
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
