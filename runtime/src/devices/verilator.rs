//! The accelerator's Verilog, translated by Verilator into a shared library and run in this process.
//!
//! [`Verilated::open`] builds a text once and keeps the library in a cache; after that a core opens in
//! milliseconds. One call runs many cycles inside the library.

mod build;
mod compile;
pub(super) mod error;
mod library;
pub(super) mod tools;

pub use error::BuildError;
pub use tools::{Options, Progress};

use std::ffi::CString;
use std::path::{Path, PathBuf};

use super::entry::{no_file, nothing, Entry};
use super::error::OpenError;
use crate::device::{register_name, Device, DeviceError, Wait};
use library::{Core, Outcome, Until};
use spikegate_contract::bundle::MemoryModel;

/// For the table of devices.
pub const ENTRY: Entry = Entry {
    scheme: "verilator",
    example: "verilator",
    help: "the design's Verilog in Verilator, in this process",
    read: nothing,
    file: no_file,
    open: |_, with| {
        let stands_for = with.design("verilator")?;
        let verilog = (stands_for.verilog)().map_err(OpenError::Hardware)?;
        let name = stands_for.design.dir.display().to_string();
        Ok(Box::new(Verilated::open(&name, &verilog, with.options, with.progress)?))
    },
};

/// Cycles in which a register must answer.
const REGISTER_CYCLES: u64 = 1000;
/// Cycles of a reset.
const RESET_CYCLES: u32 = 16;
/// Time units (ns) of one cycle in a waveform.
pub const WAVE_NS_PER_CYCLE: u64 = 10;

/// How often the test bench side of a stream makes the core wait, in 1/256 of all cycles; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Seed of the pattern.
    pub seed: u64,
    /// Cycles in which no word is offered to the core.
    pub input: u8,
    /// Cycles in which no word is taken from the core.
    pub output: u8,
}

/// When the external memory behind a core's port answers. The default is the one that the planner counts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryTiming {
    /// Cycles from an accepted read address to the first data.
    pub latency: u64,
    /// Up to so many cycles more, by chance.
    pub jitter: u64,
    /// Bytes that come in 1,000 cycles; 0 for a transfer in every cycle.
    pub bytes_per_1000_cycles: u64,
    /// Cycles in which a channel does nothing, in 1/256 of all cycles.
    pub gaps: u8,
    /// Seed of both.
    pub seed: u64,
}

impl Default for MemoryTiming {
    fn default() -> Self {
        MemoryModel::default().into()
    }
}

/// The memory as a planner counts with it: nothing by chance.
impl From<MemoryModel> for MemoryTiming {
    fn from(model: MemoryModel) -> Self {
        let MemoryModel { latency, bytes_per_1000_cycles } = model;
        Self { latency, jitter: 0, bytes_per_1000_cycles, gaps: 0, seed: 0 }
    }
}

/// A memory of a core, or a register: that is one of a single word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Place in the hierarchy, with dots.
    pub name: String,
    /// Words.
    pub words: u32,
    /// Bits of a word; the highest is the parity where it has one.
    pub bits: u32,
}

/// A running Verilated core.
pub struct Verilated {
    name: String,
    core: Core,
    /// The waveform that is being written.
    wave: PathBuf,
}

impl Verilated {
    /// Builds (or takes from the cache) and resets a core. `verilog` is its text, with the top module `spikegate`; it is
    /// executed, so it must come from this program and not out of a folder. `name` is what messages call it.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn open(
        name: &str,
        verilog: &str,
        options: &Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, BuildError> {
        let (cache, library) = build::library(name, verilog, options, progress)?;
        // Loaded from a file of its own: nobody can cut it while it is mapped.
        let file = cache.unpack(&library)?;
        let mut core = Core::load(file.path()).map_err(|message| BuildError::Load {
            name: name.to_owned(),
            cache: cache.path().to_owned(),
            message,
        })?;
        // A failure is remembered by the core and reported by the next call.
        core.reset(RESET_CYCLES);
        let mut out = Self { name: format!("Verilated core of {name}"), core, wave: PathBuf::new() };
        out.set_memory(MemoryTiming::default());
        Ok(out)
    }

    /// Makes the core wait at its streams from now on, for tests.
    pub fn set_gaps(&mut self, gaps: Gaps) {
        self.core.gaps(gaps.seed, gaps.input, gaps.output);
    }

    /// Sets the external memory's timing from now on. Without a memory port it has no effect.
    pub fn set_memory(&mut self, timing: MemoryTiming) {
        let MemoryTiming { latency, jitter, bytes_per_1000_cycles, gaps, seed } = timing;
        self.core.memory(seed, latency, jitter, bytes_per_1000_cycles, gaps);
    }

    /// Makes the external memory refuse one transfer read and the acknowledgement of one burst written, the so-manieth
    /// from now on; 0 for none. For tests.
    pub fn refuse_memory(&mut self, read: u64, write: u64) {
        self.core.memory_refuse(read, write);
    }

    /// Inverts a bit (0 to 7) of a byte of the external memory, as a fault would. Without a memory port it has no effect.
    pub fn flip_outside(&mut self, address: u32, bit: u8) {
        self.core.memory_flip(address, bit);
    }

    /// So many bytes of the external memory from an address on; zeros without a memory port.
    pub fn outside(&mut self, address: u32, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.core.memory_read(address, &mut bytes);
        bytes
    }

    /// Memories of a core built with [`Options::flips`], and the registers that a program loads.
    pub fn memories(&self) -> Vec<Memory> {
        let memory = |(name, words, bits)| Memory { name, words, bits };
        self.core.kept().into_iter().map(memory).collect()
    }

    /// Inverts a bit of one of [`Verilated::memories`], as a fault would. Panics if it has no such bit.
    pub fn flip(&mut self, memory: usize, word: u32, bit: u32) {
        self.core.flip(memory, word, bit);
    }

    /// Clock cycles since the core was opened.
    pub fn cycles(&self) -> u64 {
        self.core.cycles()
    }

    /// Level of the interrupt.
    pub fn interrupt(&self) -> bool {
        self.core.irq()
    }

    /// Runs a number of cycles.
    ///
    /// # Errors
    /// The model stops.
    pub fn run(&mut self, cycles: u64) -> Result<(), DeviceError> {
        let outcome = self.core.run(cycles, Until::Cycles);
        self.finish(outcome, &Wait::new("the end of the run", cycles))
    }

    /// Writes all signals to an FST file from now on; cycle n starts at n * [`WAVE_NS_PER_CYCLE`] ns. Needs
    /// [`Options::waves`].
    ///
    /// # Errors
    /// The file cannot be written, or the core was built without waveforms.
    pub fn start_wave(&mut self, path: &Path) -> Result<(), DeviceError> {
        self.wave = path.to_owned();
        std::fs::File::create(path).map_err(|e| self.no_wave(e.to_string()))?;
        let text = path.as_os_str().as_encoded_bytes();
        let text = CString::new(text).map_err(|e| self.no_wave(e.to_string()))?;
        match self.core.start_wave(&text) {
            Outcome::Done => {}
            _ => return Err(self.no_wave(self.core.message())),
        }
        // A second file, which is open: without a name it goes with the process, however that ends.
        let mut names = path.as_os_str().to_owned();
        names.push(".hier");
        let _ = std::fs::remove_file(names);
        Ok(())
    }

    /// Ends the waveform file.
    ///
    /// # Errors
    /// Not all of it could be written, or the model had stopped.
    pub fn stop_wave(&mut self) -> Result<(), DeviceError> {
        match self.core.stop_wave() {
            Outcome::Refused => Err(self.no_wave(self.core.message())),
            outcome => self.finish(outcome, &Wait::new("the end of the waveform", 0)),
        }
    }

    fn no_wave(&self, message: String) -> DeviceError {
        DeviceError::Wave { device: self.name.clone(), path: self.wave.display().to_string(), message }
    }

    fn finish(&self, outcome: Outcome, wait: &Wait) -> Result<(), DeviceError> {
        let device = self.name.clone();
        let at = self.core.cycles();
        match outcome {
            Outcome::Done => Ok(()),
            Outcome::TimedOut => Err(DeviceError::Timeout {
                device,
                what: wait.what.clone(),
                waited: wait.cycles,
                at,
                detail: format!(
                    "{} words not yet taken, {} words of a packet received",
                    self.core.unsent(),
                    self.core.partial()
                ),
            }),
            Outcome::Refused | Outcome::Failed => {
                Err(DeviceError::Stopped { device, at, message: self.core.message() })
            }
        }
    }

    fn register(&self, outcome: Outcome, access: &'static str, offset: u32) -> Result<(), DeviceError> {
        let (got, expected) = match outcome {
            Outcome::TimedOut => ("no answer in 1000 cycles", "an answer"),
            Outcome::Refused => ("an error response", "OKAY"),
            Outcome::Done | Outcome::Failed => return self.finish(outcome, &Wait::new("a register", 0)),
        };
        let device = self.name.clone();
        let (access, register) = (access.into(), register_name(offset));
        Err(DeviceError::Register {
            device,
            access,
            register,
            offset,
            got: got.into(),
            expected: expected.into(),
        })
    }
}

impl Device for Verilated {
    fn name(&self) -> &str {
        &self.name
    }

    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        let (outcome, value) = self.core.read_csr(offset, REGISTER_CYCLES);
        self.register(outcome, "reading", offset)?;
        Ok(value)
    }

    fn write_csr(&mut self, offset: u32, value: u32) -> Result<(), DeviceError> {
        let outcome = self.core.write_csr(offset, value, REGISTER_CYCLES);
        self.register(outcome, "writing", offset)
    }

    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        if packet.is_empty() {
            return Err(DeviceError::Empty { device: self.name.clone() });
        }
        self.core.send(packet);
        Ok(())
    }

    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        let outcome = self.core.run(wait.cycles, Until::Sent);
        self.finish(outcome, wait)
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        let outcome = self.core.run(wait.cycles, Until::Packet);
        self.finish(outcome, wait)?;
        // `Done` means that a packet is there.
        Ok(self.core.take_packet().unwrap_or_default())
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        let outcome = self.core.reset(RESET_CYCLES);
        self.finish(outcome, &Wait::new("the reset", RESET_CYCLES.into()))
    }
}

impl std::fmt::Debug for Verilated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verilated").field("name", &self.name).field("cycles", &self.cycles()).finish()
    }
}
