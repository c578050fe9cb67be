//! What devices say: recordings, serial lines, and a core that lies now and then.

use spikegate_contract::bundle::Design;
use spikegate_contract::uart::{FLUSH, KIND, OUTCOME, REPLY, ROOM, SEQUENCE, WORDS};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::devices::golden::Golden;
use spikegate_runtime::devices::record::Recorder;
use spikegate_runtime::devices::replay::Replay;
use spikegate_runtime::devices::uart::slip::{encode, Decoder, Event};
use spikegate_runtime::devices::uart::{Line, Speed, Uart};
use spikegate_runtime::session::{Program, Session};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crate::designs::Home;
use crate::scratch;

thread_local! {
    static HOME: (Home, Design, Vec<i32>) = {
        let home = Home::new();
        let design = Design::open(home.path()).expect("compiled");
        let right = spikegate_golden::run(&design.network, &home.image, &mut Vec::new()).expect("it runs").logits;
        (home, design, right)
    };
}

/// A session on a device: an error, or the right results.
fn judge(device: impl Device) -> bool {
    HOME.with(|(home, design, right)| {
        let Ok(mut session) = Session::open(device, design, Program::Plain) else { return false };
        (0..2).all(|_| {
            session.infer(&home.image).map(|got| assert_eq!(&got.logits, right, "a wrong result")).is_ok()
        })
    })
}

/// A recording is what its writer says: results of it are not checked.
pub fn replay(bytes: &[u8]) -> bool {
    let Ok(device) = Replay::open(&scratch::file("recording.jsonl", bytes)) else { return false };
    HOME.with(|(home, design, _)| {
        let opened = Session::open(device, design, Program::Plain);
        opened.and_then(|mut session| session.infer(&home.image)).is_ok()
    })
}

pub fn replay_seeds() -> Vec<Vec<u8>> {
    HOME.with(|(home, design, _)| {
        let path = scratch::file("seed.jsonl", b"");
        let file = std::fs::File::create(&path).expect("a file");
        let device = Recorder::new(Golden::open(design).expect("it opens"), &path, file).expect("it records");
        let mut session = Session::open(device, design, Program::Plain).expect("it opens");
        session.infer(&home.image).expect("it runs");
        drop(session);
        vec![std::fs::read(path).expect("written")]
    })
}

/// Frames on a line, however they are cut: the same as in one piece.
pub fn serial(bytes: &[u8]) -> bool {
    let Some((&first, bytes)) = bytes.split_first() else { return false };
    let whole = Decoder::default().push(bytes);
    let mut decoder = Decoder::default();
    let cut: Vec<Event> =
        bytes.chunks(usize::from(first % 7) + 1).flat_map(|part| decoder.push(part)).collect();
    assert_eq!(whole, cut);
    let words: Vec<u32> =
        bytes.chunks_exact(4).take(16).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    if !words.is_empty() {
        assert_eq!(Decoder::default().push(&encode(&words)), [Event::Words(words)]);
    }
    whole.iter().any(|event| matches!(event, Event::Words(_)))
}

pub fn serial_seeds() -> Vec<Vec<u8>> {
    vec![[vec![3], encode(&[1, 2, 0xc0c0_dbdb]), encode(&[7; 9])].concat()]
}

/// A bridge that answers every request as bytes say: with the reply that is due and words of theirs in it, a damaged one, other
/// bytes, or nothing.
struct Bridge<'a> {
    lies: VecDeque<&'a u8>,
    requests: Decoder,
    said: VecDeque<u8>,
}

impl Bridge<'_> {
    fn next(&mut self) -> Option<u8> {
        self.lies.pop_front().copied()
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([(); 4].map(|()| self.next().unwrap_or(0)))
    }

    fn answer(&mut self, request: &[u32]) {
        let (Some(how), Some(&header)) = (self.next(), request.first()) else { return };
        let kind = KIND.get(header) as u8;
        // What it has to repeat; of everything else one word, which may be any.
        let words = if kind == FLUSH { request[1..].to_vec() } else { vec![self.word()] };
        let fields = [
            KIND.put((kind | REPLY).into()),
            SEQUENCE.put(SEQUENCE.get(header)),
            WORDS.put(1 + words.len() as u32),
            OUTCOME.put(u32::from(how >> 4 & 3)),
        ];
        let state = ROOM.put(self.word());
        let mut reply = encode(&[&[fields.iter().fold(0, |a, b| a | b), state], &words[..]].concat());
        match how & 15 {
            1 => reply = (0..self.next().unwrap_or(0)).filter_map(|_| self.next()).collect(),
            2 => {
                let at = usize::from(self.next().unwrap_or(0)) % reply.len();
                reply[at] ^= 1 << (self.next().unwrap_or(0) % 8);
            }
            3 => return,
            _ => {}
        }
        self.said.extend(reply);
    }
}

impl Line for Bridge<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        for event in self.requests.push(bytes) {
            if let Event::Words(words) = event {
                self.answer(&words);
            }
        }
        Ok(())
    }
    fn get(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
        let count = buffer.len().min(self.said.len());
        self.said.drain(..count).zip(buffer).for_each(|(byte, place)| *place = byte);
        Ok(count)
    }
    fn set_baud(&mut self, _: u32) -> io::Result<()> {
        Ok(())
    }
}

/// A board on a line, which is good when it opens: a whole session has more bytes than a seed should.
pub fn line(bytes: &[u8]) -> bool {
    let bridge = Bridge { lies: bytes.iter().collect(), requests: Decoder::default(), said: VecDeque::new() };
    Uart::open(bridge, "a line", Speed::default()).map(judge).is_ok()
}

pub fn line_seeds() -> Vec<Vec<u8>> {
    // A reply of five bytes each: how, and room.
    vec![[0, 200, 0, 0, 0].repeat(60), [&[0, 9, 0, 0, 0][..], &[0x10; 90]].concat()]
}

/// The golden model, of whose answers some are changed as bytes say.
struct Liar<'a> {
    golden: Golden,
    lies: VecDeque<&'a u8>,
}

impl Liar<'_> {
    fn next(&mut self) -> u8 {
        self.lies.pop_front().copied().unwrap_or(0)
    }

    /// A number of the next four bytes.
    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.next(), self.next(), self.next(), self.next()])
    }
}

impl Device for Liar<'_> {
    fn name(&self) -> &str {
        "a liar"
    }
    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        let value = self.golden.read_csr(offset)?;
        Ok(match self.next() {
            1 => self.word(),
            2 => value ^ 1 << (self.next() % 32),
            3 => u32::MAX,
            _ => value,
        })
    }
    fn write_csr(&mut self, offset: u32, value: u32) -> Result<(), DeviceError> {
        match self.next() {
            1 => Ok(()),
            2 => {
                let value = self.word();
                self.golden.write_csr(offset, value)
            }
            _ => self.golden.write_csr(offset, value),
        }
    }
    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        let mut packet = packet.to_vec();
        match self.next() {
            1 => return Ok(()),
            2 => {
                let at = usize::from(self.next()) % packet.len();
                packet[at] ^= 1 << (self.next() % 32);
            }
            3 => packet.truncate(usize::from(self.next()).max(1)),
            4 => self.golden.send(&packet)?,
            _ => {}
        }
        self.golden.send(&packet)
    }
    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        self.golden.flush(wait)
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        let lie = self.next();
        if lie == 1 {
            return Ok((0..self.next()).map(|_| self.word()).collect());
        }
        let mut packet = self.golden.receive(wait)?;
        match lie {
            2 if !packet.is_empty() => {
                let at = usize::from(self.next()) % packet.len();
                packet[at] ^= 1 << (self.next() % 32);
            }
            3 => packet.truncate(usize::from(self.next())),
            4 => packet.push(self.word()),
            5 => drop(self.golden.receive(wait)?),
            _ => {}
        }
        Ok(packet)
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        match self.next() {
            1 => Ok(()),
            _ => self.golden.reset(),
        }
    }
}

/// A session with a liar.
pub fn session(bytes: &[u8]) -> bool {
    let golden = HOME.with(|(_, design, _)| Golden::open(design).expect("it opens"));
    judge(Liar { golden, lies: bytes.iter().collect() })
}

pub fn session_seeds() -> Vec<Vec<u8>> {
    vec![vec![0; 64], [vec![0; 30], vec![2, 7, 9]].concat(), vec![0, 0, 0, 0, 0, 2, 5]]
}
