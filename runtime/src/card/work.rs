//! Between engine and core: the thread that owns the core walks descriptors, runs it in slices, and serves its
//! registers in between.

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::config::ConfigSpace;
use super::engine::Engine;
use super::host::HostMemory;
use super::tamper;
use crate::device::{Device, DeviceError, Wait};
use spikegate_contract::csr::{is_idle, offset, CONTROL_RESET};

/// Cycles that the core runs at a time: the longest that a register access waits.
const SLICE: u64 = 500;
/// Slices without work after which the core rests.
const IDLE: u32 = 4;

/// An access to the core's registers.
#[derive(Debug)]
pub struct Access {
    pub offset: u32,
    /// The value of a write.
    pub write: Option<u32>,
    /// Gets the value read.
    pub reply: Sender<u32>,
}

/// What the socket's thread and the core's thread share.
#[derive(Debug)]
pub struct State {
    pub engine: Engine,
    pub memory: HostMemory,
    pub config: ConfigSpace,
    /// Event files of the MSI-X vectors.
    pub vectors: Vec<Option<OwnedFd>>,
    pub accesses: VecDeque<Access>,
    /// A reset is wanted; told when it is done.
    pub reset: Option<Sender<()>>,
    /// The card is taken out.
    pub end: bool,
    /// The core's thread has ended: nobody answers any more.
    pub deserted: bool,
}

/// The state and the bell that rings when it changes.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    bell: Condvar,
}

impl Shared {
    pub fn new(tamper: Option<tamper::Shared>) -> Self {
        let state = State {
            engine: Engine::default(),
            memory: HostMemory::new(tamper),
            config: ConfigSpace::new(),
            vectors: Vec::new(),
            accesses: VecDeque::new(),
            reset: None,
            end: false,
            deserted: false,
        };
        Self { state: Mutex::new(state), bell: Condvar::new() }
    }

    /// The state, for a short time.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked leaves a state that is as good as before: every change is complete in itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, signals interrupts, and wakes the core's thread.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        state.signal();
        drop(state);
        self.bell.notify_all();
        result
    }
}

/// Nobody waits for a core's thread that has ended, however it did.
struct Desert<'a>(&'a Shared);

impl Drop for Desert<'_> {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.deserted = true;
            // Whoever waits for an answer gets none.
            state.accesses.clear();
            state.reset = None;
        });
    }
}

impl State {
    /// Signals the vectors of the interrupts that rose.
    pub fn signal(&mut self) {
        for vector in self.engine.vectors() {
            let times = self.memory.signals(vector);
            let Some(Some(event)) = self.vectors.get(vector as usize) else { continue };
            for _ in 0..times {
                // A counter that is full tells of signals enough, and to add one more would wait.
                let mut files = [PollFd::new(event, PollFlags::OUT)];
                if poll(&mut files, Some(&Timespec::default())) != Ok(1) {
                    continue;
                }
                if let Err(error) = rustix::io::write(event, &1u64.to_ne_bytes()) {
                    tracing::warn!("MSI-X vector {vector} cannot be signalled: {error}");
                }
            }
        }
    }

    /// Everything as after power-up, but for what the driver has mapped.
    pub fn reset_engine(&mut self) {
        self.engine = Engine::default();
    }
}

enum Job {
    End,
    Reset(Sender<()>),
    Access(Access),
    Send(Vec<u32>),
    Run,
}

/// The core's thread.
pub struct Worker<'a> {
    shared: &'a Shared,
    core: &'a mut dyn Device,
    /// The core has not yet taken all words of the last packet.
    flushing: bool,
    /// Slices since the core last had work.
    idle: u32,
    /// The core has failed and is not used any more.
    dead: bool,
}

impl<'a> Worker<'a> {
    pub fn new(shared: &'a Shared, core: &'a mut dyn Device) -> Self {
        Self { shared, core, flushing: false, idle: IDLE, dead: false }
    }

    /// Works until the card is taken out.
    pub fn run(&mut self) {
        let _desert = Desert(self.shared);
        loop {
            match self.next() {
                Job::End => return,
                Job::Reset(done) => {
                    self.reset();
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
                Job::Access(access) => self.access(&access),
                Job::Send(packet) => self.send(&packet),
                Job::Run => self.slice(),
            }
        }
    }

    fn next(&self) -> Job {
        let mut state = self.shared.lock();
        loop {
            if state.end {
                return Job::End;
            }
            if let Some(done) = state.reset.take() {
                return Job::Reset(done);
            }
            if let Some(access) = state.accesses.pop_front() {
                return Job::Access(access);
            }
            if state.config.bus_master() {
                let State { engine, memory, .. } = &mut *state;
                engine.deliver(memory);
                let packet = if self.flushing { None } else { engine.fetch(memory) };
                state.signal();
                if let Some(packet) = packet {
                    return Job::Send(packet);
                }
                if state.engine.delivers() || !self.flushing && state.engine.fetches() {
                    // A long list: whoever waits for the state comes first.
                    return Job::Run;
                }
            }
            if self.flushing || self.idle < IDLE {
                return Job::Run;
            }
            state = self.shared.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn send(&mut self, packet: &[u32]) {
        self.idle = 0;
        self.flushing = true;
        if !self.dead {
            let sent = self.core.send(packet);
            self.alive(sent);
        }
    }

    /// Runs the core for a slice.
    fn slice(&mut self) {
        if self.dead {
            // Nothing is taken any more: the host's deadline will tell.
            (self.flushing, self.idle) = (false, IDLE);
            return;
        }
        let wait = |cycles| Wait::new("the next slice", cycles);
        if self.flushing {
            let flushed = self.core.flush(&wait(SLICE));
            if self.alive(flushed).is_some() {
                self.flushing = false;
                self.shared.change(|state| {
                    let State { engine, memory, .. } = state;
                    engine.taken(memory);
                });
            }
        }
        let received = self.core.receive(&wait(if self.flushing { 1 } else { SLICE }));
        if let Some(packet) = self.alive(received) {
            self.idle = 0;
            let level = self.interrupt();
            self.shared.change(|state| {
                state.engine.queue(&packet);
                state.engine.set_user(level);
                if state.config.bus_master() {
                    let State { engine, memory, .. } = state;
                    engine.deliver(memory);
                }
            });
        } else if !self.flushing {
            let status = self.core.read_csr(offset("status"));
            let working = self.alive(status).is_some_and(|s| !is_idle(s));
            self.idle = if working { 0 } else { self.idle + 1 };
        }
    }

    fn access(&mut self, access: &Access) {
        // As a bus answers where nobody does.
        let mut value = u32::MAX;
        match access.write {
            _ if self.dead => {}
            Some(word) if access.offset == offset("control") && word & CONTROL_RESET != 0 => self.reset(),
            Some(word) => {
                let written = self.core.write_csr(access.offset, word);
                self.alive(written);
                let level = self.interrupt();
                self.shared.change(|state| state.engine.set_user(level));
            }
            None => {
                let read = self.core.read_csr(access.offset);
                value = self.alive(read).unwrap_or(u32::MAX);
            }
        }
        // Whoever asked may have gone.
        let _ = access.reply.send(value);
    }

    /// Resets the core, and the stream buffers in front of and behind it.
    fn reset(&mut self) {
        let reset = self.core.reset();
        self.dead = false;
        self.alive(reset);
        (self.flushing, self.idle) = (false, IDLE);
        self.shared.change(|state| {
            let State { engine, memory, .. } = state;
            engine.drop_packets(memory);
            engine.set_user(false);
        });
    }

    fn interrupt(&mut self) -> bool {
        let (enable, status) =
            (self.core.read_csr(offset("irq_enable")), self.core.read_csr(offset("irq_status")));
        matches!((enable, status), (Ok(enable), Ok(status)) if enable & status & 1 != 0)
    }

    /// The value, if there is one; a failure other than a wait in vain ends the core.
    fn alive<T>(&mut self, result: Result<T, DeviceError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(DeviceError::Timeout { .. }) => None,
            Err(error @ DeviceError::Register { .. }) => {
                tracing::debug!("{error}");
                None
            }
            Err(error) => {
                tracing::error!("the core has failed: {error}");
                self.dead = true;
                None
            }
        }
    }
}
