//! What devices say: recordings, serial lines, and a core that lies now and then.

use spikegate_contract::bundle::Design;
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

/// A session on a device: an error, or the right result.
fn judge(device: impl Device) {
    HOME.with(|(home, design, right)| {
        let Ok(mut session) = Session::open(device, design, Program::Plain) else { return };
        for _ in 0..2 {
            match session.infer(&home.image) {
                Ok(got) => assert_eq!(&got.logits, right, "a wrong result"),
                Err(_) => return,
            }
        }
    });
}

/// A recording is what its writer says: results of it are not checked.
pub fn replay(bytes: &[u8]) {
    if let Ok(device) = Replay::open(&scratch::file("recording.jsonl", bytes)) {
        HOME.with(|(home, design, _)| {
            let Ok(mut session) = Session::open(device, design, Program::Plain) else { return };
            let _ = session.infer(&home.image);
        });
    }
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
pub fn serial(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else { return };
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
}

pub fn serial_seeds() -> Vec<Vec<u8>> {
    vec![[vec![3], encode(&[1, 2, 0xc0c0_dbdb]), encode(&[7; 9])].concat()]
}

/// A peer that says these bytes, a piece after every request.
struct Babble<'a>(&'a [u8]);

impl Line for Babble<'_> {
    fn put(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn get(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
        let count = buffer.len().min(self.0.len()).min(24);
        let (now, later) = self.0.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
    fn set_baud(&mut self, _: u32) -> io::Result<()> {
        Ok(())
    }
}

/// A board on a line.
pub fn line(bytes: &[u8]) {
    if let Ok(board) = Uart::open(Babble(bytes), "a line", Speed::default()) {
        judge(board);
    }
}

pub fn line_seeds() -> Vec<Vec<u8>> {
    let replies = (0..4).flat_map(|sequence| encode(&[sequence << 8, 0x0010_0000, 0]));
    vec![replies.collect(), encode(&[0x0100_0000, 0])]
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
pub fn session(bytes: &[u8]) {
    let golden = HOME.with(|(_, design, _)| Golden::open(design).expect("it opens"));
    judge(Liar { golden, lies: bytes.iter().collect() });
}

pub fn session_seeds() -> Vec<Vec<u8>> {
    vec![vec![0; 64], [vec![0; 30], vec![2, 7, 9]].concat(), vec![0, 0, 0, 0, 0, 2, 5]]
}
