//! A session over a connection that loses, repeats, cuts and damages frames: every result is right or an error is named.

#[allow(dead_code)]
mod support;

use spikegate_contract::csr::{
    offset, ERROR_CRC, ERROR_LENGTH, ERROR_PROGRAM, ERROR_SEQUENCE, ERROR_WATCHDOG, FEATURE_FRAMES,
};
use spikegate_contract::failure::Failure;
use spikegate_contract::frame::{open, seal, FrameError};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::session::{Faults, Program, Session, SessionError};
use std::collections::VecDeque;
use support::{batched, design, Fake, IMAGE_BYTES};

/// splitmix64
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Flip,
    Drop,
    Repeat,
    Truncate,
    Extend,
}

const FAULTS: [Fault; 5] = [Fault::Flip, Fault::Drop, Fault::Repeat, Fault::Truncate, Fault::Extend];

/// A core that takes frames as the hardware does and answers with sums, behind a connection that fails.
struct Core {
    registers: Fake,
    taken: u32,
    given: u32,
    /// Words of the load packets, which the answers depend on as results do on weights.
    loaded: u32,
    /// Images of a run, and results that wait until they have all come.
    batch: usize,
    held: Vec<[u32; 2]>,
    answers: VecDeque<Vec<u32>>,
    rng: Rng,
    /// One frame of so many is hit.
    rate: usize,
    /// Faults at certain frames: whether sent, which (counted from the start), and how.
    script: Vec<(bool, usize, Fault)>,
    seen: [usize; 2],
    /// Images that the core hangs at.
    hangs: usize,
    resets: usize,
}

impl Core {
    fn new(seed: u64) -> Self {
        Self {
            registers: Fake::new().with("features", FEATURE_FRAMES),
            taken: 0,
            given: 0,
            loaded: 0,
            batch: 1,
            held: vec![],
            answers: VecDeque::new(),
            rng: Rng(seed),
            rate: usize::MAX,
            script: vec![],
            seen: [0; 2],
            hangs: 0,
            resets: 0,
        }
    }

    fn register(&mut self, name: &str) -> &mut u32 {
        self.registers.registers.entry(offset(name)).or_default()
    }

    /// The frames that arrive where `frame` was sent.
    fn through(&mut self, sent: bool, frame: Vec<u32>) -> Vec<Vec<u32>> {
        let count = &mut self.seen[usize::from(sent)];
        *count += 1;
        let scripted = self.script.iter().find(|(s, at, _)| *s == sent && at + 1 == *count).map(|f| f.2);
        let random = (self.rng.below(self.rate) == 1).then(|| FAULTS[self.rng.below(FAULTS.len())]);
        let mut hit = frame.clone();
        match scripted.or(random) {
            None => vec![frame],
            Some(Fault::Drop) => vec![],
            Some(Fault::Repeat) => vec![frame.clone(), frame],
            Some(Fault::Flip) => {
                let at = self.rng.below(hit.len());
                hit[at] ^= 1 << self.rng.below(32);
                vec![hit]
            }
            Some(Fault::Truncate) => {
                hit.truncate(1 + self.rng.below(hit.len() - 1));
                vec![hit]
            }
            Some(Fault::Extend) => {
                hit.push(self.rng.below(1 << 32) as u32);
                vec![hit]
            }
        }
    }

    /// The results of a run.
    fn answer(&mut self) {
        for (place, [sequence, sum]) in self.held.drain(..).enumerate() {
            let executed = 2 * (self.batch + place) as u32;
            let mut result = vec![0x8100_0007 + executed, sequence, 1, 3, 0, sum, 0, executed];
            result.extend(0..executed);
            self.answers.push_back(seal(self.given, &result));
            self.given += 1;
        }
    }

    fn take(&mut self, frame: &[u32]) {
        let program = *self.register("program_hash");
        let packet = match open(self.taken, frame) {
            Ok(packet) => packet,
            Err(FrameError::Length { .. }) => return *self.register("error") |= ERROR_LENGTH,
            Err(FrameError::Crc { .. }) => return *self.register("error") |= ERROR_CRC,
            Err(FrameError::Number { .. }) => return *self.register("error") |= ERROR_SEQUENCE,
        };
        self.taken += 1;
        match (packet[0] >> 24, program) {
            (1, 0) => self.loaded = packet.iter().fold(self.loaded, |sum, w| sum.wrapping_add(*w)),
            (2, 1..) if self.hangs > 0 => {
                // The watchdog's reset: numbers begin again, what had been sent is on its way.
                self.hangs -= 1;
                (self.taken, self.given) = (0, 0);
                self.held.clear();
                *self.register("error") |= ERROR_WATCHDOG;
            }
            (2, 1..) => {
                let sum = packet[2..].iter().fold(self.loaded, |sum, w| sum.wrapping_add(*w)) >> 1;
                self.held.push([packet[1], sum]);
                if self.held.len() == self.batch {
                    self.answer();
                }
            }
            _ => *self.register("error") |= ERROR_PROGRAM,
        }
    }
}

impl Device for Core {
    fn name(&self) -> &str {
        "unreliable"
    }
    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        self.registers.read_csr(offset)
    }
    fn write_csr(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        if at == offset("program_hash") && value == 0 {
            self.loaded = 0;
        }
        self.registers.write_csr(at, value)
    }
    fn send(&mut self, frame: &[u32]) -> Result<(), DeviceError> {
        self.through(true, frame.to_vec()).iter().for_each(|f| self.take(f));
        Ok(())
    }
    fn flush(&mut self, _: &Wait) -> Result<(), DeviceError> {
        Ok(())
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        while let Some(frame) = self.answers.pop_front() {
            let mut arrived = self.through(false, frame);
            if arrived.len() == 2 {
                // Not hit again: it is on this side of the connection.
                self.seen[0] -= 1;
                self.script.retain(|f| f.0 || f.1 != self.seen[0]);
                self.answers.push_front(arrived.remove(1));
            }
            if let Some(frame) = arrived.pop() {
                return Ok(frame);
            }
        }
        self.registers.receive(wait)
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        (self.taken, self.given) = (0, 0);
        self.resets += 1;
        self.answers.clear();
        self.held.clear();
        *self.register("error") = 0;
        Ok(())
    }
}

fn pixels(i: usize) -> [u8; IMAGE_BYTES] {
    std::array::from_fn(|k| (37 * i + 11 * k + 2) as u8)
}

/// Logits of some images, in order, over this connection.
fn run(core: Core, images: usize) -> (Result<Vec<Vec<i32>>, SessionError>, Option<Faults>) {
    let design = batched(core.batch);
    let mut session = match Session::open(core, &design, Program::Plain) {
        Ok(session) => session,
        Err(error) => return (Err(error), None),
    };
    let mut logits = vec![];
    let done = session.infer_each((0..images).map(pixels), |r| -> Result<(), SessionError> {
        assert_eq!(r.sequence as usize, logits.len(), "in order, none twice");
        logits.push(r.logits);
        Ok(())
    });
    (done.map(|()| logits), Some(session.faults()))
}

fn right(images: usize) -> Vec<Vec<i32>> {
    run(Core::new(0), images).0.expect("nothing goes wrong")
}

#[test]
fn a_sound_connection_counts_nothing() {
    assert_eq!(run(Core::new(0), 4).1, Some(Faults::default()));
}

#[test]
fn one_fault_of_any_kind_is_mended_wherever_it_hits() {
    let expected = right(4);
    let mut mended = 0;
    for fault in FAULTS {
        for (sent, frames) in [(true, 6), (false, 4)] {
            for at in 0..frames {
                let core = Core { script: vec![(sent, at, fault)], ..Core::new(at as u64) };
                let (got, faults) = run(core, 4);
                let what = format!("{fault:?} of frame {at}, sent: {sent}");
                assert_eq!(got.unwrap_or_else(|e| panic!("{what}: {e}")), expected, "{what}");
                let f = faults.expect("a session");
                let count = f.received + f.refused + f.timeouts;
                // A frame that comes behind the last result is not read any more, or refused by the core unseen.
                let unseen = fault == Fault::Repeat && at + 1 == frames;
                assert!(count == 1 || unseen && count == 0, "{what}: {f:?}");
                mended += count;
            }
        }
    }
    assert!(mended >= 48, "{mended}");
}

#[test]
fn a_core_that_hangs_once_goes_on_and_one_that_hangs_again_is_reported() {
    let (got, faults) = run(Core { hangs: 1, ..Core::new(0) }, 3);
    assert_eq!(got.expect("mended"), right(3));
    let faults = faults.expect("a session");
    assert_eq!((faults.watchdog, faults.refused, faults.received), (1, 0, 0));
    let text = run(Core { hangs: 9, ..Core::new(0) }, 3).0.expect_err("reported").in_a_line();
    assert!(text.contains("longer than the watchdog allows"), "{text}");
}

#[test]
fn a_device_that_is_gone_is_not_tried_again() {
    let mut session = Session::open(Core::new(0), &design(), Program::Plain).expect("opens");
    session.device_mut().script.push((false, 0, Fault::Drop));
    session.submit(&pixels(0)).expect("sends");
    *session.device_mut().register("magic") = u32::MAX;
    let resets = session.device().resets;
    let error = session.wait().expect_err("gone");
    assert!(matches!(error, SessionError::Device(DeviceError::Gone { .. })), "{error}");
    assert_eq!(session.device().resets, resets);
}

#[test]
fn random_faults_never_give_a_wrong_result() {
    random_faults(1);
}

#[test]
fn random_faults_never_give_a_wrong_result_in_batches() {
    random_faults(3);
}

fn random_faults(batch: usize) {
    let expected = right(5);
    let (mut clean, mut mended, mut reported) = (0, 0, 0);
    for seed in 0..3000 {
        let (got, faults) = run(Core { rate: 12, batch, ..Core::new(seed) }, 5);
        match got {
            Ok(logits) => {
                assert_eq!(logits, expected, "seed {seed}");
                match faults {
                    Some(f) if f == Faults::default() => clean += 1,
                    _ => mended += 1,
                }
            }
            Err(SessionError::Packet { field, .. }) => panic!("seed {seed}: {field} in a whole frame"),
            Err(_) => reported += 1,
        }
    }
    println!("3000 runs: {clean} clean, {mended} mended, {reported} ended with an error, 0 wrong");
    assert!(clean > 300 && mended > 300 && reported > 30, "{clean} {mended} {reported}");
}
