//! Results out of packets. Every word of a result is checked.

use spikegate_contract::packet::{DUMP, RESULT};

/// One image through the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// Number of the image in this session, from 0.
    pub sequence: u32,
    /// Class: lowest index of the largest logit, as the hardware says.
    pub class: u32,
    /// Logits.
    pub logits: Vec<i32>,
    /// Place of the image in its batch, 0 where every image has its own run of the program.
    pub place: usize,
    /// Cycles of each instruction since the run began.
    pub cycles: Vec<u32>,
    /// How many of these instructions an earlier image of the batch has reported already.
    pub earlier: usize,
    /// Dump packets of the tracing program, complete with their four leading words, in the order of the plan.
    pub dumps: Vec<Vec<u32>>,
}

impl Inference {
    /// Cycles that no earlier image of the batch has reported. Their sum over images is that of all cycles spent.
    pub fn own_cycles(&self) -> u64 {
        self.cycles.iter().skip(self.earlier).map(|&c| u64::from(c)).sum()
    }
}

/// Name of the field that tells whose result a packet is.
pub(super) const SEQUENCE: &str = "sequence number";

/// Why a packet is refused: field, found, expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub field: &'static str,
    pub got: String,
    pub expected: String,
}

impl Malformed {
    fn new(field: &'static str, got: impl ToString, expected: impl ToString) -> Self {
        Self { field, got: got.to_string(), expected: expected.to_string() }
    }
}

/// What the next packet must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub sequence: u32,
    /// Instruction of the next dump; `None` when the result is due.
    pub dump: Option<usize>,
    /// Logits.
    pub classes: usize,
    /// Instructions executed.
    pub instructions: usize,
}

/// A checked packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    Dump(Vec<u32>),
    Result { class: u32, logits: Vec<i32>, cycles: Vec<u32> },
}

/// Checks a packet.
pub(super) fn check(words: Vec<u32>, expected: Expected) -> Result<Packet, Malformed> {
    let at = |i: usize| words.get(i).copied().unwrap_or(0);
    let kind = (at(0) >> 24) as u8;
    let name = |kind: u8| match kind {
        RESULT => "a result (0x81)".to_owned(),
        DUMP => "a dump (0x82)".to_owned(),
        other => format!("unknown ({other:#04x})"),
    };
    let due = if expected.dump.is_some() { DUMP } else { RESULT };
    if kind != due {
        return Err(Malformed::new("type", name(kind), name(due)));
    }
    let sequence = at(1);
    if words.len() > 1 && sequence != expected.sequence {
        return Err(Malformed::new(SEQUENCE, sequence, expected.sequence));
    }
    match expected.dump {
        Some(instruction) => dump(words, instruction),
        None => result(&words, expected),
    }
}

fn dump(words: Vec<u32>, instruction: usize) -> Result<Packet, Malformed> {
    let lead = words.len().min(4);
    if lead < 4 {
        return Err(Malformed::new("length in words", words.len(), "at least 4"));
    }
    if words[2] as usize != instruction {
        return Err(Malformed::new("instruction index", words[2], instruction));
    }
    let announced = words[3] as usize;
    if announced != words.len() - 4 {
        return Err(Malformed::new("data words", words.len() - 4, format!("{announced} as it announces")));
    }
    Ok(Packet::Dump(words))
}

fn result(words: &[u32], expected: Expected) -> Result<Packet, Malformed> {
    let Expected { classes, instructions, .. } = expected;
    // Sequence, class, number of logits, logits, number of instructions, cycles.
    let follow = 4 + classes + instructions;
    if words.len() != follow + 1 {
        return Err(Malformed::new("length in words", words.len(), follow + 1));
    }
    let announced = words[0] & 0xffff;
    if announced != follow as u32 & 0xffff {
        return Err(Malformed::new("announced length", announced, follow));
    }
    if words[3] as usize != classes {
        return Err(Malformed::new("number of logits", words[3], classes));
    }
    let (logits, rest) = words[4..].split_at(classes);
    if rest[0] as usize != instructions {
        return Err(Malformed::new("number of instructions", rest[0], instructions));
    }
    let logits: Vec<i32> = logits.iter().map(|&w| w as i32).collect();
    let class = words[2];
    let best = logits.iter().max().and_then(|m| logits.iter().position(|l| l == m)).unwrap_or(0);
    if class as usize != best {
        return Err(Malformed::new("class", class, format!("{best}, the first largest logit")));
    }
    Ok(Packet::Result { class, logits, cycles: rest[1..].to_vec() })
}
