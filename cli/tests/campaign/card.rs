//! Faults inside the card: frames on their way to and from the core, the core itself, and its accesses to host memory.

use spikegate_contract::csr::{offset, STATUS_BUSY};
use spikegate_contract::frame::{open, seal};
use spikegate_contract::packet::{IMAGE, LOAD};
use spikegate_runtime::card::tamper::Tamper;
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::devices::pcie::layout;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::fault::{Action, Event, Plan};

/// A core behind streams that fail.
pub struct Core<D> {
    core: D,
    plan: Arc<Mutex<Plan>>,
    /// Frames as the core checks them; without, packets go bare and nobody sees their damage.
    framed: bool,
    /// Frames to and from the model since the last reset, where they are made here.
    numbers: [u32; 2],
    late: Option<Vec<u32>>,
    arrived: VecDeque<Vec<u32>>,
    /// The first result of the run before, and of this one.
    old: [Option<Vec<u32>>; 2],
    hangs: bool,
}

impl<D: Device> Core<D> {
    pub fn new(core: D, plan: Arc<Mutex<Plan>>, framed: bool) -> Self {
        let (numbers, late, arrived, old) = Default::default();
        Self { core, plan, framed, numbers, late, arrived, old, hangs: false }
    }

    fn timeout(wait: &Wait) -> DeviceError {
        DeviceError::Timeout {
            device: "hung core".to_owned(),
            what: wait.what.clone(),
            waited: wait.cycles,
            at: 0,
            detail: String::new(),
        }
    }

    fn pass(&mut self, frame: &[u32]) -> Result<(), DeviceError> {
        if self.framed {
            return self.core.send(frame);
        }
        self.numbers[0] += 1;
        self.core.send(&seal(self.numbers[0] - 1, frame))
    }

    fn bite(&mut self, frame: &[u32]) -> Result<(), DeviceError> {
        let limit = offset("watchdog_limit");
        let kept = self.core.read_csr(limit)?;
        self.core.write_csr(limit, 1)?;
        self.pass(frame)?;
        self.core.write_csr(limit, kept)
    }
}

/// What arrives of a frame: none, one or two of them.
fn damage(frame: &[u32], action: Action, chance: u64) -> Vec<Vec<u32>> {
    let mut hit = frame.to_vec();
    let at = (chance >> 8) as usize;
    match action {
        Action::Drop => return vec![],
        Action::Repeat => return vec![frame.to_vec(), hit],
        Action::Flip => hit[at % frame.len()] ^= 1 << (chance % 32),
        Action::Truncate => hit.truncate(1 + at % frame.len().saturating_sub(1).max(1)),
        Action::Extend => hit.push(chance as u32),
        _ => {}
    }
    vec![hit]
}

impl<D: Device> Device for Core<D> {
    fn name(&self) -> &str {
        "core with faults"
    }

    fn read_csr(&mut self, at: u32) -> Result<u32, DeviceError> {
        if at == offset("features") && !self.framed {
            return Ok(0);
        }
        let value = self.core.read_csr(at)?;
        Ok(if at == offset("status") && self.hangs { value | STATUS_BUSY } else { value })
    }

    fn write_csr(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        self.core.write_csr(at, value)
    }

    fn send(&mut self, frame: &[u32]) -> Result<(), DeviceError> {
        let first = frame.get(if self.framed { 2 } else { 0 }).map_or(0, |w| w >> 24) as u8;
        let event = match first {
            LOAD => Event::LoadFrame,
            IMAGE => Event::ImageFrame,
            _ => return self.pass(frame),
        };
        let fault = self.plan.lock().unwrap().event(event);
        match fault {
            None => self.pass(frame)?,
            Some((Action::Hang, _)) => self.hangs = true,
            Some((Action::Bite, _)) => self.bite(frame)?,
            Some((Action::Late, _)) => {
                self.late = Some(frame.to_vec());
                return Ok(());
            }
            Some((action, chance)) => {
                for frame in damage(frame, action, chance) {
                    self.pass(&frame)?;
                }
            }
        }
        match self.late.take() {
            Some(late) => self.pass(&late),
            None => Ok(()),
        }
    }

    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        if self.hangs {
            return Err(Self::timeout(wait));
        }
        self.core.flush(wait)
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        if self.hangs {
            return Err(Self::timeout(wait));
        }
        if let Some(frame) = self.arrived.pop_front() {
            return Ok(frame);
        }
        let mut frame = self.core.receive(wait)?;
        if !self.framed {
            self.numbers[1] += 1;
            frame = open(self.numbers[1] - 1, &frame).expect("the model's frame is whole").to_vec();
        }
        if self.old[1].is_none() {
            self.old[1] = Some(frame.clone());
        }
        match self.plan.lock().unwrap().event(Event::ResultFrame) {
            None => self.arrived.push_back(frame),
            Some((Action::Late, _)) => self.late = Some(frame),
            Some((Action::Stale, _)) => self.arrived.extend(self.old[0].clone().into_iter().chain([frame])),
            Some((action, chance)) => self.arrived.extend(damage(&frame, action, chance)),
        }
        if self.arrived.len() == 1 {
            self.arrived.extend(self.late.take());
        }
        self.arrived.pop_front().ok_or_else(|| Self::timeout(wait))
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.hangs = false;
        self.late = None;
        self.numbers = [0; 2];
        self.arrived.clear();
        if let Some(first) = self.old[1].take() {
            self.old[0] = Some(first);
        }
        self.core.reset()
    }
}

/// Faults of what the card reads and writes in host memory, and of its interrupts.
#[derive(Debug)]
pub struct Bridge(pub Arc<Mutex<Plan>>);

/// What lies at an address of the driver's memory.
fn place(address: u64) -> Option<Event> {
    let at = usize::try_from(address.checked_sub(layout::ADDRESS)?).ok()?;
    Some(match at {
        at if at < layout::C2H_LIST => Event::H2cDescriptor,
        at if at < layout::C2H_RESULTS => Event::C2hDescriptor,
        at if at < layout::H2C_DONE => Event::C2hResult,
        at if at < layout::H2C_DATA => Event::H2cDone,
        at if at < layout::C2H_DATA => Event::H2cData,
        at if at < layout::BYTES => Event::C2hData,
        _ => return None,
    })
}

fn change(bytes: &mut [u8], action: Action, chance: u64) {
    match action {
        Action::Flip => {
            let bit = (chance % (8 * bytes.len() as u64)) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        Action::Zeros => bytes.fill(0),
        // The high word of the descriptor's addresses: source, destination or next.
        Action::Elsewhere if bytes.len() == 32 => bytes[[12, 20, 28][(chance % 3) as usize]] ^= 0x40,
        _ => {}
    }
}

impl Tamper for Bridge {
    fn read(&mut self, address: u64, bytes: &mut [u8]) {
        let Some(event) = place(address) else { return };
        if let Some((action, chance)) = self.0.lock().unwrap().event(event) {
            change(bytes, action, chance);
        }
    }

    fn write(&mut self, address: u64, bytes: &mut Vec<u8>) -> bool {
        let Some(event) = place(address) else { return true };
        match self.0.lock().unwrap().event(event) {
            None => true,
            Some((Action::Drop, _)) => false,
            Some((Action::Truncate, chance)) => {
                bytes.truncate(bytes.len() / 2 + chance as usize % 4);
                true
            }
            Some((action, chance)) => {
                change(bytes, action, chance);
                true
            }
        }
    }

    fn interrupt(&mut self, _: u32) -> u32 {
        match self.0.lock().unwrap().event(Event::Interrupt) {
            Some((Action::Drop, _)) => 0,
            Some((Action::Repeat, _)) => 2,
            _ => 1,
        }
    }
}
