//! A session loads its program: in pieces, and what a board's memory has got once is not sent again.

use spikegate_contract::csr::offset;
use spikegate_contract::frame::EXTRA;

use super::pieces::{pieces, Loading};
use super::{memory, Session, SessionError};
use crate::device::{Device, Wait};

impl<D: Device> Session<D> {
    /// Loads the program: once more after a fault, and again as long as that brings it further.
    pub(super) fn load_all(&mut self, watch: &mut dyn FnMut(Loading)) -> Result<(), SessionError> {
        let mut before = None;
        loop {
            let Err(error) = self.load(watch).map(|_| ()) else { return Ok(()) };
            let further = before.is_none_or(|before| self.settled > before);
            let Some(count) = self.faults.cause(&error).filter(|_| further) else { return Err(error) };
            *count += 1;
            self.start_again(&error)?;
            before = Some(self.settled);
        }
    }

    /// Gives the bytes that it took.
    pub(super) fn load(&mut self, watch: &mut dyn FnMut(Loading)) -> Result<usize, SessionError> {
        // Memories can be written only while no program is declared.
        self.keep("program_hash", 0)?;
        self.keep("watchdog_limit", self.design.watchdog)?;
        let mark = if self.keeps { self.device.read_csr(offset(memory::MARK))? } else { 0 };
        let (whole, part) = (self.design.program_hash, !self.design.program_hash);
        let kept = self.keeps && mark == whole;
        if mark != part {
            // Another program's, or of before the board was configured anew.
            self.settled = 0;
        }
        if self.keeps && !kept {
            self.keep(memory::MARK, part)?;
        }
        let there = if kept { self.design.packets.len() } else { self.settled };
        let all = self.design.packets.iter().enumerate();
        let sent = all.filter(|(at, packet)| *at >= there || !memory::is_for_it(packet));
        let sent: Vec<(usize, u64)> = sent.map(|(at, packet)| (at, packet.len() as u64)).collect();
        let of = sent.iter().map(|(_, words)| words).sum();
        let mut loading = Loading { words: 0, of };
        for piece in pieces(&sent) {
            watch(loading);
            self.link.send(&mut self.device, piece.iter().map(|&(at, _)| &self.design.packets[at]))?;
            loading.words += piece.iter().map(|(_, words)| words).sum::<u64>();
            let what = format!("{} of the program's {of} words to load", loading.words);
            let flushed = self.device.flush(&Wait::new(what, 8 * loading.words + 100_000));
            self.explain(flushed)?;
            self.no_sticky_error("loading the program")?;
            if let Some(&(last, _)) = piece.last().filter(|_| self.keeps) {
                self.settled = self.settled.max(last + 1);
            }
        }
        watch(loading);
        if self.keeps {
            self.keep(memory::MARK, whole)?;
        }
        self.keep("program_hash", whole)?;
        let extra = if self.link.is_framed() { EXTRA } else { 0 };
        Ok(sent.iter().map(|(_, words)| 4 * (*words as usize + extra)).sum())
    }
}
