//! The serial link to a core without PCIe: registers and both streams over a UART, with every damage found.
//!
//! 8 data bits, no parity, one stop bit. The host sends a request and waits for its reply; when none comes it sends the
//! same request again. A *frame* is words between two [`END`] bytes, least significant byte first, with [`END`] and
//! [`ESC`] escaped as in SLIP (RFC 1055): header, payload, CRC-32 (IEEE 802.3, reflected) of header and payload. The
//! bridge answers a damaged frame with [`NAK`], so that the host need not wait. It carries a request out once: a
//! request with the sequence number of the one before gets the same reply again.
//!
//! Header of requests and replies, see [`HEADER`]; first payload word of every reply, see [`STATE`].
//!
//! | request | payload words | does | reply's payload after the state word |
//! | --- | --- | --- | --- |
//! | [`READ`] | address | reads a register | value |
//! | [`WRITE`] | address, value | writes a register | |
//! | [`SEND`] | 1 to [`MAX_WORDS`] words | passes them to the core, all or (without room) none; `last` ends the packet | |
//! | [`RECEIVE`] | | takes words from the core up to the end of a packet, `last` says whether it was reached | 0 to [`MAX_WORDS`] words |
//! | [`POLL`] | | nothing | |
//! | [`SPEED`] | clock cycles of a bit, [`LEAST_DIVIDER`] to 65,535, or 0 | changes the line's speed behind the reply; 0 leaves it | cycles of a bit before |
//! | [`FLUSH`] | any word | drops what waits in both directions; carried out whatever its sequence number | the same word |
//!
//! A bridge starts at the speed it was built for, and goes back to it when [`LOST`] bytes have come without a stop bit
//! and no good frame among them: when the line breaks, or the other side speaks at another speed.
//!
//! Words that a [`RECEIVE`] reply carried leave the bridge with the next request, so a lost reply loses nothing.

/// Ends and begins a frame.
pub const END: u8 = 0xc0;
/// Announces an escaped byte.
pub const ESC: u8 = 0xdb;
/// Stands for [`END`] behind [`ESC`].
pub const ESC_END: u8 = 0xdc;
/// Stands for [`ESC`] behind [`ESC`].
pub const ESC_ESC: u8 = 0xdd;

/// Request: read a register.
pub const READ: u8 = 0x01;
/// Request: write a register.
pub const WRITE: u8 = 0x02;
/// Request: words to the core.
pub const SEND: u8 = 0x03;
/// Request: words from the core.
pub const RECEIVE: u8 = 0x04;
/// Request: the state word.
pub const POLL: u8 = 0x05;
/// Request: forget what waits.
pub const FLUSH: u8 = 0x06;
/// Request: another speed.
pub const SPEED: u8 = 0x07;
/// Set in the kind of a reply.
pub const REPLY: u8 = 0x80;
/// Kind of the answer to a damaged frame; it has the state word only, and no sequence number that counts.
pub const NAK: u8 = 0xff;

/// Fewest clock cycles of a bit that the bridge's receiver can follow.
pub const LEAST_DIVIDER: u32 = 4;
/// Bytes without a stop bit, and no good frame among them, that take a bridge back to its first speed.
pub const LOST: u32 = 15;

/// Most stream words in a frame.
pub const MAX_WORDS: usize = 256;
/// Words that the bridge holds in each direction.
pub const BUFFER_WORDS: usize = 512;
/// Payload words of the request `kind` at least and at most; none for an unknown kind.
pub const fn payload_words(kind: u8) -> Option<(usize, usize)> {
    match kind {
        READ | FLUSH | SPEED => Some((1, 1)),
        WRITE => Some((2, 2)),
        SEND => Some((1, MAX_WORDS)),
        RECEIVE | POLL => Some((0, 0)),
        _ => None,
    }
}

/// A field of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name.
    pub name: &'static str,
    /// Lowest bit.
    pub low: usize,
    /// Bits.
    pub width: usize,
    /// Meaning.
    pub doc: &'static str,
}

const fn f(name: &'static str, low: usize, width: usize, doc: &'static str) -> Field {
    Field { name, low, width, doc }
}

impl Field {
    /// The field's value in a word.
    pub const fn get(&self, word: u32) -> u32 {
        word >> self.low & ((1 << self.width) - 1)
    }
    /// The field with a value, at its place.
    pub const fn put(&self, value: u32) -> u32 {
        (value & ((1 << self.width) - 1)) << self.low
    }
}

/// Kind of the frame.
pub const KIND: Field = f("kind", 0, 8, "request, or request + 0x80, or NAK");
/// Sequence number.
pub const SEQUENCE: Field = f("sequence", 8, 8, "of the request, repeated in its reply");
/// Payload words.
pub const WORDS: Field = f("words", 16, 9, "payload words");
/// Outcome.
pub const OUTCOME: Field = f("outcome", 25, 3, "replies: see the OUTCOME constants");
/// End of a packet.
pub const LAST: Field = f("last", 31, 1, "SEND request, RECEIVE reply: the last word ends a packet");
/// The header word.
pub const HEADER: &[Field] = &[KIND, SEQUENCE, WORDS, OUTCOME, LAST];

/// Outcome: done.
pub const OUTCOME_OK: u32 = 0;
/// Outcome: no room for the words of a [`SEND`]; none was taken.
pub const OUTCOME_FULL: u32 = 1;
/// Outcome: the register answered with an error.
pub const OUTCOME_BUS: u32 = 2;
/// Outcome: an unknown kind or a wrong number of words; nothing was done.
pub const OUTCOME_UNKNOWN: u32 = 3;

/// Room for words to the core.
pub const ROOM: Field = f(
    "room",
    0,
    10,
    "words to the core that the bridge can take; all of them when the core has taken every word",
);
/// Words from the core.
pub const WAITING: Field = f("waiting", 10, 10, "words from the core that wait, with those of this reply");
/// Interrupt.
pub const IRQ: Field = f("irq", 20, 1, "the core's interrupt");
/// Damaged frames.
pub const DAMAGED: Field = f("damaged", 24, 8, "damaged frames since the reset, modulo 256");
/// The state word.
pub const STATE: &[Field] = &[ROOM, WAITING, IRQ, DAMAGED];

/// Start value of the CRC register, and what its end value is inverted by.
pub const CRC_START: u32 = 0xffff_ffff;
/// Polynomial, reflected.
pub const CRC_POLYNOMIAL: u32 = 0xedb8_8320;
/// The CRC register behind a good frame's CRC.
pub const CRC_RESIDUE: u32 = 0xdebb_20e3;
