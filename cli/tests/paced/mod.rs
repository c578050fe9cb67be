//! A core that takes a given time for an image and knows the answers: what an image takes longer is the way to it.

use spikegate_contract::csr::{offset, STATUS_BUSY};
use spikegate_contract::frame::{open, seal};
use spikegate_contract::packet::{header, IMAGE, RESULT};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::devices::golden::Golden;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// The longest that a register access waits.
const SLICE: Duration = Duration::from_micros(20);

/// Registers and program as of the golden model.
pub struct Paced {
    pub golden: Golden,
    /// Class and logits by the words of the image.
    pub answers: HashMap<Vec<u32>, (u32, Vec<u32>)>,
    /// Cycles of the instructions, as they stand in a result.
    pub cycles: Vec<u32>,
    pub period: Duration,
    /// Frames taken and given.
    frames: [u32; 2],
    /// Results and when they are ready.
    due: VecDeque<(Instant, Vec<u32>)>,
    last: Instant,
}

impl Paced {
    pub fn new(
        golden: Golden,
        answers: HashMap<Vec<u32>, (u32, Vec<u32>)>,
        cycles: Vec<u32>,
        period: Duration,
    ) -> Self {
        Self { golden, answers, cycles, period, frames: [0; 2], due: VecDeque::new(), last: Instant::now() }
    }

    fn timeout(wait: &Wait) -> DeviceError {
        let (device, what) = ("paced core".to_owned(), wait.what.clone());
        DeviceError::Timeout { device, what, waited: wait.cycles, at: 0, detail: String::new() }
    }
}

impl Device for Paced {
    fn name(&self) -> &str {
        "paced core"
    }

    fn read_csr(&mut self, at: u32) -> Result<u32, DeviceError> {
        let value = self.golden.read_csr(at)?;
        let busy = at == offset("status") && !self.due.is_empty();
        Ok(if busy { value | STATUS_BUSY } else { value })
    }

    fn write_csr(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        self.golden.write_csr(at, value)
    }

    fn send(&mut self, frame: &[u32]) -> Result<(), DeviceError> {
        let packet = open(self.frames[0], frame).expect("a whole frame, the next one");
        self.frames[0] += 1;
        if packet[0] != header(IMAGE, 0, 0) {
            return self.golden.send(frame);
        }
        self.last = self.last.max(Instant::now()) + self.period;
        let (class, logits) = &self.answers[&packet[2..]];
        let follow = 4 + logits.len() + self.cycles.len();
        let mut result = vec![header(RESULT, 0, follow as u16), packet[1], *class, logits.len() as u32];
        result.extend(logits);
        result.push(self.cycles.len() as u32);
        result.extend(&self.cycles);
        self.due.push_back((self.last, seal(self.frames[1], &result)));
        self.frames[1] += 1;
        Ok(())
    }

    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        self.golden.flush(wait)
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        let Some((ready, _)) = self.due.front() else { return Err(Self::timeout(wait)) };
        let left = ready.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            std::thread::sleep(left.min(SLICE));
            return Err(Self::timeout(wait));
        }
        self.due.pop_front().map(|(_, frame)| frame).ok_or_else(|| Self::timeout(wait))
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.frames = [0; 2];
        self.due.clear();
        self.golden.reset()
    }
}
