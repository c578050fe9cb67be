//! A long program over a connection that damages frames: what a board's memory has got is not sent again, and how far it is is
//! said.

#[allow(dead_code)]
mod support;

use spikegate_contract::bundle::Design;
use spikegate_contract::csr::{offset, ERROR_CRC, ERROR_MEMORY, FEATURE_FRAMES, MEMORY_STATUS};
use spikegate_contract::frame::open;
use spikegate_contract::packet::{header, Target, LOAD};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::session::{Loading, Program, Session, SessionError};
use std::collections::BTreeMap;
use support::{design, Fake};

/// Packets of the memory's part, and words of each.
const PACKETS: u32 = 40;
const WORDS: u32 = 1 << 13;

/// A board that keeps what its memory was given.
struct Board {
    registers: Fake,
    taken: u32,
    memory: BTreeMap<u32, Vec<u32>>,
    /// Frames so far.
    frames: usize,
    /// Those of them that are damaged on the way.
    damaged: Vec<usize>,
    /// The error behind a frame, in the middle of loading.
    refuses: Option<(usize, u32)>,
    /// The frame at which its power fails.
    fails: Option<usize>,
}

impl Board {
    fn new(damaged: &[usize]) -> Self {
        let registers = Fake::new().with("features", FEATURE_FRAMES);
        let mut board = Self {
            registers,
            taken: 0,
            memory: BTreeMap::new(),
            frames: 0,
            damaged: damaged.to_vec(),
            refuses: None,
            fails: None,
        };
        board.registers.registers.insert(MEMORY_STATUS, 2 | 20 << 12);
        board
    }

    fn error(&mut self, bit: u32) {
        *self.registers.registers.entry(offset("error")).or_default() |= bit;
    }
}

impl Device for Board {
    fn name(&self) -> &str {
        "board"
    }
    fn read_csr(&mut self, offset: u32) -> Result<u32, DeviceError> {
        self.registers.read_csr(offset)
    }
    fn write_csr(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        self.registers.write_csr(at, value)
    }
    fn send(&mut self, frame: &[u32]) -> Result<(), DeviceError> {
        let number = self.frames;
        self.frames += 1;
        if self.damaged.contains(&number) {
            self.error(ERROR_CRC);
        }
        if let Some((_, bit)) = self.refuses.filter(|(at, _)| *at == number) {
            self.error(bit);
        }
        if self.fails == Some(number) {
            self.memory.clear();
            self.write_csr(offset("scratch"), 0)?;
            self.error(ERROR_CRC);
        }
        // Behind an error the core takes nothing.
        if self.registers.read_csr(offset("error"))? != 0 {
            return Ok(());
        }
        let Ok(packet) = open(self.taken, frame) else {
            self.error(ERROR_CRC);
            return Ok(());
        };
        self.taken += 1;
        if packet[0] == memory_packet() {
            self.memory.insert(packet[1], packet[3..].to_vec());
        }
        Ok(())
    }
    fn flush(&mut self, _: &Wait) -> Result<(), DeviceError> {
        Ok(())
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        self.registers.receive(wait)
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        self.taken = 0;
        self.write_csr(offset("error"), 0)
    }
}

fn memory_packet() -> u32 {
    header(LOAD, Target::Memory as u8, 0)
}

/// Words that go to an address.
fn words(at: u32) -> Vec<u32> {
    (0..WORDS).map(|n| n.wrapping_mul(at + 1)).collect()
}

fn long() -> Design {
    let mut design = design();
    design
        .program
        .extend((0..PACKETS).map(|n| [vec![memory_packet(), n * WORDS, WORDS], words(n * WORDS)].concat()));
    design
}

/// The board, behind loading over it, and how far that was said to be.
fn load(board: Board) -> (Result<Board, SessionError>, Vec<Loading>) {
    let mut said = Vec::new();
    let session = Session::open_watched(board, &long(), Program::Plain, &mut |loading| said.push(loading));
    (session.map(Session::into_device), said)
}

fn whole(board: &Board) {
    assert_eq!(board.memory.len(), PACKETS as usize);
    assert!(board.memory.iter().all(|(at, got)| *got == words(*at)));
}

#[test]
fn a_sound_connection_is_watched_to_the_end() {
    let (board, said) = load(Board::new(&[]));
    let board = board.expect("loads");
    whole(&board);
    let sent: usize = long().program.len();
    assert_eq!(board.frames, sent);
    assert!(said.len() > 4 && said.windows(2).all(|two| two[0].words < two[1].words), "{said:?}");
    assert!(
        said.iter().all(|l| l.of == said[0].of) && said.last().is_some_and(|l| l.words == l.of),
        "{said:?}"
    );
}

#[test]
fn what_has_come_is_not_sent_again() {
    // In the first piece, the third, and the same again when it is sent anew; each time only a piece is lost.
    let (board, _) = load(Board::new(&[3, 33, 50]));
    let board = board.expect("goes on");
    whole(&board);
    let sent = long().program.len();
    assert!(board.frames > sent && board.frames < sent + 3 * 16, "{} of {sent}", board.frames);
}

#[test]
fn a_connection_that_brings_nothing_more_ends_it() {
    // The same piece, twice.
    let (board, _) = load(Board::new(&[3, 11, 12, 13, 14]));
    let error = board.map(|board| board.frames).expect_err("an error");
    assert!(matches!(error, SessionError::Sticky { .. }), "{error}");
}

#[test]
fn a_memory_that_was_wrong_gets_all_of_it_again() {
    let board = Board { refuses: Some((30, ERROR_MEMORY)), ..Board::new(&[]) };
    let board = load(board).0.expect("loads");
    whole(&board);
    let sent = long().program.len();
    assert!(board.frames >= 30 + sent, "{} of {sent}", board.frames);
}

#[test]
fn a_board_that_has_lost_its_power_gets_all_of_it_again() {
    let board = load(Board { fails: Some(30), ..Board::new(&[]) }).0.expect("loads");
    whole(&board);
    // And one that lost it when all was there, before something else went wrong.
    let mut session = Session::open(Board::new(&[]), &long(), Program::Plain).expect("opens");
    session.device_mut().memory.clear();
    session.device_mut().write_csr(offset("scratch"), 0).expect("writes");
    session.reload().expect("loads");
    whole(session.device());
}
