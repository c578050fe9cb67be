//! A board's UART bridge in software, at the end of a pseudo-terminal, with a core behind it: written from the words of
//! `contract::uart` and not from the driver.

use rustix::fs::{fcntl_setfl, open, Mode, OFlags};
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use rustix::termios::{tcgetattr, tcsetattr, OptionalActions};
use spikegate_contract::uart::{
    BUFFER_WORDS, END, ESC, ESC_END, ESC_ESC, FLUSH, KIND, LAST, MAX_WORDS, NAK, OUTCOME, OUTCOME_BUS,
    OUTCOME_OK, OUTCOME_UNKNOWN, POLL, READ, RECEIVE, REPLY, ROOM, SEND, SEQUENCE, SPEED, WORDS, WRITE,
};
use spikegate_contract::{csr, frame::crc};
use spikegate_runtime::device::{Device, Wait};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// The board's side of a port.
pub struct Bridge {
    /// The port that a driver opens.
    pub port: PathBuf,
    /// Kept open, so that the line outlives a driver.
    _port: OwnedFd,
}

impl Bridge {
    /// Serves a core until the test ends.
    pub fn serve<D: Device>(core: impl FnOnce() -> D + Send + 'static) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let port = PathBuf::from(ptsname(&master, vec![]).unwrap().to_str().unwrap());
        let own = open(&port, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let mut mode = tcgetattr(&own).unwrap();
        mode.make_raw();
        tcsetattr(&own, OptionalActions::Now, &mode).unwrap();
        fcntl_setfl(&master, OFlags::empty()).unwrap();
        std::thread::spawn(move || answer(File::from(master), core()));
        Self { port, _port: own }
    }
}

/// What the bridge keeps.
struct State<D> {
    core: D,
    /// Words of a packet to the core that has not ended.
    partial: Vec<u32>,
    /// Words of a packet from the core.
    waiting: Vec<u32>,
    /// Number of the last request, and its reply.
    last: Option<(u32, Vec<u8>)>,
}

fn answer<D: Device>(mut line: File, core: D) {
    let mut state = State { core, partial: vec![], waiting: vec![], last: None };
    let mut bytes = vec![];
    let mut buffer = [0; 4096];
    while let Ok(n) = line.read(&mut buffer) {
        for &byte in &buffer[..n] {
            if byte != END {
                bytes.push(byte);
                continue;
            }
            let request = std::mem::take(&mut bytes);
            if request.is_empty() {
                continue;
            }
            let reply = match words(&request) {
                Some(words) => state.request(&words),
                None => message(KIND.put(NAK.into()), &[]),
            };
            line.write_all(&reply).unwrap();
        }
    }
}

impl<D: Device> State<D> {
    fn request(&mut self, request: &[u32]) -> Vec<u8> {
        let (header, payload) = (request[0], &request[1..]);
        let (kind, sequence) = (KIND.get(header) as u8, SEQUENCE.get(header));
        if let Some((before, reply)) = self.last.as_ref().filter(|_| kind != FLUSH) {
            if *before == sequence {
                return reply.clone();
            }
        }
        let (outcome, last, words) = self.carry_out(kind, payload, LAST.get(header) == 1);
        let fields = [
            KIND.put((kind | REPLY).into()),
            SEQUENCE.put(sequence),
            WORDS.put(words.len() as u32 + 1),
            OUTCOME.put(outcome),
            LAST.put(last.into()),
        ];
        let reply = message(fields.iter().fold(0, |a, b| a | b), &words);
        self.last = Some((sequence, reply.clone()));
        reply
    }

    /// Outcome, whether a packet ends, and payload of the reply.
    fn carry_out(&mut self, kind: u8, payload: &[u32], ends: bool) -> (u32, bool, Vec<u32>) {
        match (kind, payload) {
            (READ, &[at]) => match self.core.read_csr(at) {
                Ok(value) => (OUTCOME_OK, false, vec![value]),
                Err(_) => (OUTCOME_BUS, false, vec![0]),
            },
            (WRITE, &[at, value]) => {
                if at == csr::offset("control") && value & csr::CONTROL_RESET != 0 {
                    (self.partial, self.waiting) = (vec![], vec![]);
                }
                let written = self.core.write_csr(at, value);
                (if written.is_ok() { OUTCOME_OK } else { OUTCOME_BUS }, false, vec![])
            }
            (SEND, words) if !words.is_empty() => {
                self.partial.extend(words);
                if ends {
                    self.core.send(&std::mem::take(&mut self.partial)).unwrap();
                }
                (OUTCOME_OK, false, vec![])
            }
            (RECEIVE, []) => {
                if self.waiting.is_empty() {
                    self.waiting = self.core.receive(&Wait::new("a packet", 100)).unwrap_or_default();
                }
                let rest = self.waiting.split_off(self.waiting.len().min(MAX_WORDS));
                let words = std::mem::replace(&mut self.waiting, rest);
                (OUTCOME_OK, !words.is_empty() && self.waiting.is_empty(), words)
            }
            (POLL, []) => (OUTCOME_OK, false, vec![]),
            (FLUSH, &[word]) => {
                (self.partial, self.waiting) = (vec![], vec![]);
                (OUTCOME_OK, false, vec![word])
            }
            (SPEED, [_]) => (OUTCOME_OK, false, vec![100]),
            _ => (OUTCOME_UNKNOWN, false, vec![]),
        }
    }
}

/// The bytes of a reply: header, state word, payload, CRC.
fn message(header: u32, payload: &[u32]) -> Vec<u8> {
    let mut words = vec![header | WORDS.put(payload.len() as u32 + 1), ROOM.put(BUFFER_WORDS as u32)];
    words.extend(payload);
    words.push(crc(&words));
    let mut out = vec![END];
    for byte in words.iter().flat_map(|word| word.to_le_bytes()) {
        match byte {
            END => out.extend([ESC, ESC_END]),
            ESC => out.extend([ESC, ESC_ESC]),
            other => out.push(other),
        }
    }
    out.push(END);
    out
}

/// The words of a request without its CRC; none where it is damaged.
fn words(bytes: &[u8]) -> Option<Vec<u32>> {
    let mut plain = vec![];
    let mut bytes = bytes.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(match byte {
            ESC => match *bytes.next()? {
                ESC_END => END,
                ESC_ESC => ESC,
                _ => return None,
            },
            other => other,
        });
    }
    let mut words: Vec<u32> =
        plain.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let sum = words.pop()?;
    let whole = plain.len() % 4 == 0 && !words.is_empty() && crc(&words) == sum;
    (whole && WORDS.get(words[0]) as usize == words.len() - 1).then_some(words)
}
