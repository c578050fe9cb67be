//! What can go wrong, drawn by number.

use spikegate_golden::random::Rng;

/// Places where a fault can hit, counted from the beginning of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    LoadFrame,
    ImageFrame,
    ResultFrame,
    /// DMA of packets, in pieces as the descriptors say.
    H2cData,
    C2hData,
    CsrRead,
    CsrWrite,
    EngineRead,
    EngineWrite,
    H2cDescriptor,
    C2hDescriptor,
    /// The length that the engine writes behind a packet.
    C2hResult,
    /// The count that it writes behind a run.
    H2cDone,
    Interrupt,
}

pub const EVENTS: usize = Event::Interrupt as usize + 1;

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Flip,
    /// Lost.
    Drop,
    Repeat,
    Truncate,
    Extend,
    /// Behind the next one.
    Late,
    /// The first result of an earlier run comes first.
    Stale,
    /// All bits 1, or all 0.
    Ones,
    Zeros,
    /// To another register, or an address that is not mapped.
    Elsewhere,
    /// The core stops working until it is reset.
    Hang,
    /// The watchdog bites.
    Bite,
    /// The card is gone from here on.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Packet,
    Csr,
    Descriptor,
    Interrupt,
    Core,
    Gone,
}

pub const CLASSES: [(Class, &str); 6] = [
    (Class::Packet, "packet"),
    (Class::Csr, "register"),
    (Class::Descriptor, "descriptor, completion"),
    (Class::Interrupt, "interrupt"),
    (Class::Core, "core hangs"),
    (Class::Gone, "card gone"),
];

/// One fault: the `at`-th event of a kind, and 64 bits of chance for what exactly.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub class: Class,
    pub event: Event,
    pub action: Action,
    pub at: u64,
    pub chance: u64,
}

/// Faults of each class, and how many of 100 it gets.
fn kinds(class: Class) -> (i64, Vec<(Event, &'static [Action])>) {
    use Action::*;
    use Event::*;
    const FRAME: &[Action] = &[Flip, Drop, Repeat, Truncate, Extend, Late];
    match class {
        Class::Packet => (
            45,
            vec![
                (LoadFrame, FRAME),
                (ImageFrame, FRAME),
                (ResultFrame, FRAME),
                (ResultFrame, &[Stale]),
                (H2cData, &[Flip]),
                (C2hData, &[Flip, Drop, Truncate]),
            ],
        ),
        Class::Csr => {
            (20, vec![(CsrRead, &[Flip, Ones, Zeros]), (CsrWrite, &[Flip, Drop, Repeat, Elsewhere])])
        }
        Class::Descriptor => (
            20,
            vec![
                (EngineRead, &[Flip, Ones, Zeros]),
                (EngineWrite, &[Flip, Drop, Repeat, Elsewhere]),
                (H2cDescriptor, &[Flip, Flip, Zeros, Elsewhere]),
                (C2hDescriptor, &[Flip, Flip, Zeros, Elsewhere]),
                (C2hResult, &[Flip, Drop]),
                (H2cDone, &[Flip, Drop]),
            ],
        ),
        Class::Interrupt => (10, vec![(Event::Interrupt, &[Drop, Repeat])]),
        Class::Core => (3, vec![(ImageFrame, &[Hang, Bite])]),
        Class::Gone => (2, vec![(CsrRead, &[Gone]), (EngineRead, &[Gone]), (EngineWrite, &[Gone])]),
    }
}

/// The fault of a number; `events` says how many of each there are in a run.
pub fn draw(seed: u64, events: &[u64; EVENTS]) -> Fault {
    let rng = &mut Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut left = rng.range(0, 99);
    let mut class = Class::Gone;
    for (candidate, _) in CLASSES {
        let share = kinds(candidate).0;
        if left < share {
            class = candidate;
            break;
        }
        left -= share;
    }
    let (_, kinds) = kinds(class);
    let (event, actions) = kinds[rng.size(0, kinds.len() - 1)];
    let action = rng.pick(actions);
    let count = events[event as usize].max(1);
    Fault { class, event, action, at: rng.bits() % count, chance: rng.bits() }
}

/// The faults of the run under way, and how far the run is.
#[derive(Debug, Default)]
pub struct Plan {
    pub faults: Vec<Fault>,
    pub counts: [u64; EVENTS],
    /// Faults that have happened, by class.
    pub hits: [u64; CLASSES.len()],
    pub gone: bool,
}

impl Plan {
    /// An event happens: what goes wrong with it.
    pub fn event(&mut self, event: Event) -> Option<(Action, u64)> {
        let count = &mut self.counts[event as usize];
        *count += 1;
        let fault = self.faults.iter().find(|f| f.event == event && f.at + 1 == *count)?;
        self.hits[fault.class as usize] += 1;
        self.gone |= fault.action == Action::Gone;
        Some((fault.action, fault.chance))
    }

    pub fn begin(&mut self, faults: &[Fault]) {
        *self = Self { faults: faults.to_vec(), ..Self::default() };
    }
}

/// A word after the action; none if it got lost.
pub fn word(value: u32, (action, chance): (Action, u64)) -> Option<u32> {
    match action {
        Action::Flip => Some(value ^ 1 << (chance % 32)),
        Action::Ones | Action::Gone => Some(u32::MAX),
        Action::Zeros => Some(0),
        Action::Drop => None,
        _ => Some(value),
    }
}
