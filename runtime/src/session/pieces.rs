//! The pieces that a program is sent in.

/// How far a program is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loading {
    /// Words that the device has.
    pub words: u64,
    /// Words that it is to get: fewer than the program's where a board's memory has the rest already.
    pub of: u64,
}

/// Words, about, that are sent before it is asked whether they have come: a second on a fast serial line.
const PIECE: u64 = 1 << 16;

/// Packets, with their words, in the pieces that they are sent in.
pub(super) fn pieces(packets: &[(usize, u64)]) -> impl Iterator<Item = &[(usize, u64)]> {
    let mut rest = packets;
    std::iter::from_fn(move || {
        let mut words = 0;
        let end = rest.iter().position(|(_, next)| {
            let full = words >= PIECE;
            words += next;
            full
        });
        let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}
