//! A board behind a serial port: registers and both streams over the frames of `contract::uart`.
//!
//! One request is under way at a time. What comes back damaged, or not at all, is asked for again; the bridge carries
//! every request out once, so nothing is lost or doubled. How long silence may last is learnt from how long replies
//! take, because a simulated board is slower than its line.

mod address;
mod serial;
pub mod slip;

pub use address::Speed;
pub use serial::{Line, Serial};

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use super::entry::{self, Entry};
use super::patience::{Pace, Patience, Progress};
use crate::device::{register_name, Device, DeviceError, Recovered, Wait};
use address::port;
use slip::{Decoder, Event};
use spikegate_contract::csr::{offset, CONTROL_RESET};
use spikegate_contract::uart::{
    BUFFER_WORDS, FLUSH, KIND, LAST, LEAST_DIVIDER, MAX_WORDS, NAK, OUTCOME, OUTCOME_BUS, OUTCOME_FULL,
    OUTCOME_OK, READ, RECEIVE, REPLY, ROOM, SEND, SEQUENCE, SPEED, WORDS, WRITE,
};

/// Most that a speed may be off, as a share: half of what an 8-bit character tolerates.
const TOLERANCE: f64 = 0.02;
/// Times that a request is sent before the board is given up.
const ATTEMPTS: u32 = 14;
/// Silence that says nothing: what the systems on both sides may take to pass a byte on.
const GRACE: Duration = Duration::from_millis(60);
/// The longest silence, unless replies are known to take longer.
const LONGEST: Duration = Duration::from_secs(4);
/// Bytes without a good frame among them that nobody would call a reply any more.
const NOISE: usize = 1 << 16;
/// Pause between two questions for words when none are there.
const PAUSE: Duration = Duration::from_millis(1);

/// For the table of devices.
pub const ENTRY: Entry = Entry {
    scheme: "uart",
    example: "uart:/dev/ttyUSB0",
    help: "a board behind a serial port (@2000000 behind it for another speed than 1000000 baud, @2000000,3000000 to \
           go on at a third)",
    read: |rest| {
        let (path, speed) = port(rest)?;
        let port = path.display();
        Some(if speed == Speed::default() { port.to_string() } else { format!("{port}@{speed}") })
    },
    file: entry::no_file,
    open: |rest, _| {
        // As it was read.
        let (path, speed) = port(rest).unwrap_or_else(|| (rest.into(), Speed::default()));
        Ok(Box::new(Uart::open(Serial::open(&path, speed.first)?, &format!("uart:{rest}"), speed)?))
    },
};

/// What the line did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Requests carried out.
    pub requests: u64,
    /// Words of packets that the bridge has taken.
    pub sent: u64,
    /// Requests sent again, for whatever reason.
    pub repeats: u64,
    /// Frames that came damaged.
    pub damaged: u64,
    /// Answers that say that a request came damaged.
    pub refused: u64,
    /// Good frames that answered something else.
    pub strays: u64,
}

/// A reply.
struct Reply {
    header: u32,
    state: u32,
    words: Vec<u32>,
}

/// Most words of a packet, and most packets that wait to be taken: a peer that sends without end is not a board.
const PACKET_WORDS: usize = 16 << 20;
const WAITING: usize = 1 << 16;

/// A board on a line.
#[derive(Debug)]
pub struct Uart<L: Line> {
    name: String,
    line: L,
    baud: u32,
    decoder: Decoder,
    sequence: u8,
    /// Seconds that a reply may take per byte of its request: four times what it took, as learnt.
    per_byte: f64,
    /// Packets to send, and how many words of each have gone.
    queue: VecDeque<(Vec<u32>, usize)>,
    /// Words of a packet that has not ended.
    partial: Vec<u32>,
    packets: VecDeque<Vec<u32>>,
    /// Words that the bridge can take.
    room: usize,
    /// Words in both directions, for the deadline.
    moved: u64,
    statistics: Statistics,
    /// The last request had its reply.
    answers: bool,
    /// Cycles of a bit and bits a second that the bridge started with, once they were changed.
    started_with: Option<(u32, u32)>,
}

impl<L: Line> Uart<L> {
    /// A board on an open line; `name` names it in messages.
    ///
    /// # Errors
    /// Nobody answers, or not at the speed to go on with.
    pub fn open(line: L, name: &str, speed: Speed) -> Result<Self, DeviceError> {
        let mut uart = Self {
            name: format!("board on {name}"),
            line,
            baud: speed.first,
            decoder: Decoder::default(),
            sequence: 0,
            // A byte has ten bits; twice that, until more is known.
            per_byte: 20.0 / f64::from(speed.first.max(1)),
            queue: VecDeque::new(),
            partial: Vec::new(),
            packets: VecDeque::new(),
            room: 0,
            moved: 0,
            statistics: Statistics::default(),
            answers: false,
            started_with: None,
        };
        uart.forget()?;
        if let Some(then) = speed.then.filter(|&then| then != speed.first) {
            uart.go_on_at(then, speed.first)?;
        }
        Ok(uart)
    }

    /// Takes both sides from `first` to `baud` bits a second.
    fn go_on_at(&mut self, baud: u32, first: u32) -> Result<(), DeviceError> {
        let before = self.change_speed(0)?;
        let clock = f64::from(before) * f64::from(first);
        let divider = (clock / f64::from(baud)).round();
        let got = clock / divider.max(1.0);
        let possible = (f64::from(LEAST_DIVIDER)..65_536.0).contains(&divider);
        if !possible || (got / f64::from(baud) - 1.0).abs() > TOLERANCE {
            let text = format!(
                "its clock of {:.1} MHz gives {got:.0} baud at {divider} cycles a bit; expected at most 2 % off and \
                 {LEAST_DIVIDER} cycles or more; name another speed",
                clock / 1e6
            );
            return Err(self.failed(&format!("going on at {baud} baud"), io::Error::other(text)));
        }
        self.change_speed(divider as u32)?;
        self.started_with = Some((before, first));
        self.line.set_baud(baud).map_err(|e| self.failed("changing its speed", e))?;
        self.baud = baud;
        self.forget()
    }

    /// Sets the cycles of a bit behind the reply, 0 for none; gives those before.
    fn change_speed(&mut self, divider: u32) -> Result<u32, DeviceError> {
        let reply = self.exchange(SPEED, &[divider], false)?;
        match (OUTCOME.get(reply.header), reply.words.first()) {
            (OUTCOME_OK, Some(&before)) => Ok(before),
            (other, _) => Err(self.protocol("SPEED", other)),
        }
    }

    /// What the line did so far.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    fn failed(&self, action: &str, source: io::Error) -> DeviceError {
        DeviceError::Io { device: self.name.clone(), action: action.to_owned(), source }
    }

    /// Drops what waits in the bridge. The reply must hold a word that no earlier run can have asked for.
    fn forget(&mut self) -> Result<(), DeviceError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let word = now.subsec_nanos() ^ (now.as_secs() as u32).rotate_left(16) ^ std::process::id();
        let reply = self.exchange_until(FLUSH, &[word], false, &|reply| reply.words == [word])?;
        self.room = ROOM.get(reply.state) as usize;
        Ok(())
    }

    fn exchange(&mut self, kind: u8, payload: &[u32], last: bool) -> Result<Reply, DeviceError> {
        self.exchange_until(kind, payload, last, &|_| true)
    }

    /// One request, again until its reply has come and is the one that is meant.
    fn exchange_until(
        &mut self,
        kind: u8,
        payload: &[u32],
        last: bool,
        meant: &dyn Fn(&Reply) -> bool,
    ) -> Result<Reply, DeviceError> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = u32::from(self.sequence);
        let fields = [
            KIND.put(kind.into()),
            SEQUENCE.put(sequence),
            WORDS.put(payload.len() as u32),
            LAST.put(last.into()),
        ];
        let mut words = vec![fields.iter().fold(0, |a, b| a | b)];
        words.extend(payload);
        let bytes = slip::encode(&words);
        self.answers = false;
        let (mut noise, mut damage) = (0, false);
        let first = Instant::now();
        for attempt in 0..ATTEMPTS {
            self.statistics.repeats += u64::from(attempt > 0);
            self.line.put(&bytes).map_err(|e| self.failed("sending a request", e))?;
            let usual = GRACE + Duration::from_secs_f64(self.per_byte * bytes.len() as f64);
            let silence = (usual * (1 << attempt.min(6))).min(LONGEST.max(usual));
            loop {
                let mut buffer = [0; 512];
                let got = self.line.get(&mut buffer, silence);
                let got = got.map_err(|e| self.failed("waiting for a reply", e))?;
                if got == 0 {
                    break;
                }
                noise += got;
                if noise > NOISE {
                    let error = io::Error::other(format!("{noise} bytes came and no reply among them"));
                    return Err(self.failed("waiting for a reply", error));
                }
                let mut again = false;
                for event in self.decoder.push(&buffer[..got]) {
                    let Event::Words(words) = event else {
                        self.statistics.damaged += 1;
                        damage = true;
                        // It was the reply, most likely; if not, asking again does no harm.
                        again = true;
                        continue;
                    };
                    let Some(reply) = reply(&words) else {
                        self.statistics.strays += 1;
                        continue;
                    };
                    if KIND.get(reply.header) == u32::from(NAK) {
                        self.statistics.refused += 1;
                        damage = true;
                        again = true;
                    } else if KIND.get(reply.header) == u32::from(kind | REPLY)
                        && SEQUENCE.get(reply.header) == sequence
                        && meant(&reply)
                    {
                        // Four times what it takes, taken on half at a time. A request that was sent again for no
                        // other reason than silence was sent too early, most likely.
                        if !damage {
                            let each = first.elapsed().as_secs_f64() / bytes.len() as f64;
                            self.per_byte = (self.per_byte + 4.0 * each) / 2.0;
                        }
                        self.statistics.requests += 1;
                        self.answers = true;
                        return Ok(reply);
                    } else {
                        self.statistics.strays += 1;
                    }
                }
                if again {
                    break;
                }
            }
        }
        let text = format!("no reply to {ATTEMPTS} requests; check speed, cable and bitstream");
        Err(self.failed("waiting for a reply", io::Error::new(io::ErrorKind::TimedOut, text)))
    }

    /// Sends queued words as far as there is room; whether any went.
    fn push(&mut self) -> Result<bool, DeviceError> {
        let mut any = false;
        while let Some((packet, at)) = self.queue.front() {
            let count = (packet.len() - at).min(MAX_WORDS).min(self.room);
            if count == 0 {
                break;
            }
            let end = at + count;
            let (words, last) = (packet[*at..end].to_vec(), end == packet.len());
            let reply = self.exchange(SEND, &words, last)?;
            self.room = ROOM.get(reply.state) as usize;
            match OUTCOME.get(reply.header) {
                OUTCOME_OK => {}
                // It has less room than it said: it says again.
                OUTCOME_FULL => break,
                other => return Err(self.protocol("SEND", other)),
            }
            any = true;
            self.moved += count as u64;
            self.statistics.sent += count as u64;
            if last {
                self.queue.pop_front();
            } else if let Some((_, at)) = self.queue.front_mut() {
                *at = end;
            }
        }
        Ok(any)
    }

    /// Takes words from the board; whether any came.
    fn pull(&mut self) -> Result<bool, DeviceError> {
        let reply = self.exchange(RECEIVE, &[], false)?;
        if OUTCOME.get(reply.header) != OUTCOME_OK {
            return Err(self.protocol("RECEIVE", OUTCOME.get(reply.header)));
        }
        self.room = ROOM.get(reply.state) as usize;
        self.moved += reply.words.len() as u64;
        let any = !reply.words.is_empty();
        self.partial.extend(reply.words);
        if self.partial.len() > PACKET_WORDS || self.packets.len() > WAITING {
            let text = format!(
                "over {PACKET_WORDS} words of a packet or {WAITING} packets that nobody has asked for"
            );
            return Err(self.failed("receiving", io::Error::new(io::ErrorKind::InvalidData, text)));
        }
        if LAST.get(reply.header) == 1 {
            self.packets.push_back(std::mem::take(&mut self.partial));
        }
        Ok(any)
    }

    fn protocol(&self, request: &str, outcome: u32) -> DeviceError {
        let text =
            format!("outcome {outcome}, expected {OUTCOME_OK}; the bitstream may be of another version");
        self.failed(&format!("the request {request}"), io::Error::other(text))
    }

    fn register(&self, access: &'static str, offset: u32, outcome: u32) -> Result<(), DeviceError> {
        match outcome {
            OUTCOME_OK => Ok(()),
            OUTCOME_BUS => Err(DeviceError::Register {
                device: self.name.clone(),
                access: access.into(),
                register: register_name(offset),
                offset,
                got: "an error response".into(),
                expected: "OKAY".into(),
            }),
            other => Err(self.protocol(access, other)),
        }
    }

    /// Moves words both ways until `done`.
    fn work(&mut self, wait: &Wait, done: impl Fn(&Self) -> bool) -> Result<(), DeviceError> {
        let mut patience = Patience::new(wait, Pace::USUAL);
        let mut glance = Instant::now();
        loop {
            let mut moved = self.push()?;
            if done(self) {
                return Ok(());
            }
            moved |= self.pull()?;
            if done(self) {
                return Ok(());
            }
            if moved {
                glance = Instant::now();
            } else if glance.elapsed() > Pace::USUAL.glance {
                glance = Instant::now();
                let words: usize = self.queue.iter().map(|(packet, at)| packet.len() - at).sum();
                let unsent = words + BUFFER_WORDS.saturating_sub(self.room);
                let detail = format!(
                    "{unsent} words not yet taken, {} words of a packet received",
                    self.partial.len()
                );
                let (transferred, all_taken) = (self.moved, unsent == 0);
                patience.check(self, Progress { transferred, all_taken, detail: &detail })?;
            } else {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// A frame's words as a reply: header, as many payload words as it says, the state word first.
fn reply(words: &[u32]) -> Option<Reply> {
    let (&header, payload) = words.split_first()?;
    let (&state, rest) = payload.split_first()?;
    let whole = WORDS.get(header) as usize == payload.len();
    whole.then(|| Reply { header, state, words: rest.to_vec() })
}

impl<L: Line> Drop for Uart<L> {
    fn drop(&mut self) {
        // The next one finds the bridge as this one did; a bridge that is gone goes back by itself.
        if let Some((divider, baud)) = self.started_with.filter(|_| self.answers) {
            let _ = self.change_speed(divider).map(|_| self.line.set_baud(baud));
        }
        let Statistics { requests, sent, repeats, damaged, refused, strays } = self.statistics;
        tracing::info!(
            "{}: {sent} words sent, {requests} requests, {repeats} repeats, {damaged} damaged, {refused} refused, {strays} strays",
            self.name
        );
    }
}

impl<L: Line> Device for Uart<L> {
    fn name(&self) -> &str {
        &self.name
    }

    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        let reply = self.exchange(READ, &[offset], false)?;
        self.register("reading", offset, OUTCOME.get(reply.header))?;
        reply.words.first().copied().ok_or_else(|| self.protocol("READ", OUTCOME_OK))
    }

    fn write_csr(&mut self, offset: u32, value: u32) -> Result<(), DeviceError> {
        let reply = self.exchange(WRITE, &[offset, value], false)?;
        self.register("writing", offset, OUTCOME.get(reply.header))
    }

    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        if packet.is_empty() {
            return Err(DeviceError::Empty { device: self.name.clone() });
        }
        self.queue.push_back((packet.to_vec(), 0));
        Ok(())
    }

    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        self.work(wait, |uart| uart.queue.is_empty() && uart.room == BUFFER_WORDS)
    }

    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        self.work(wait, |uart| !uart.packets.is_empty())?;
        // There is one.
        Ok(self.packets.pop_front().unwrap_or_default())
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.queue.clear();
        self.packets.clear();
        self.partial.clear();
        // Before, so that the core gets nothing more; after, for what it gave meanwhile.
        self.forget()?;
        self.write_csr(offset("control"), CONTROL_RESET)?;
        self.forget()
    }

    fn link(&mut self) -> String {
        format!("serial line, {} baud", self.baud)
    }

    fn link_rate(&self) -> Option<u64> {
        // A start and a stop bit with every byte.
        Some(u64::from(self.baud) / 10)
    }

    fn recovered(&self) -> Recovered {
        Recovered { repeats: self.statistics.repeats, ..Recovered::default() }
    }
}
