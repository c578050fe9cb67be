//! NumPy arrays: a header that is a Python dict, then values.
//!
//! `\x93NUMPY`, version, length of the header, `{'descr': '|u1', 'fortran_order': False, 'shape': (10, 28, 28), }`, values.
//! Source: NumPy's `numpy/lib/format.py`, versions 1.0 to 3.0. The header is read as these three keys and nothing else; an
//! array of objects, which would be a pickle, is refused.

use super::DataError;
use std::path::Path;

/// What an array begins with.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes that [`Header::read`] wants to see at most: NumPy itself refuses headers of over 10,000 characters.
pub(super) const HEAD_BYTES: usize = 12 + 10_000;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Kind {
    /// `u`, `i` or `f`.
    class: u8,
    /// Bytes.
    pub size: usize,
    big_endian: bool,
}

impl Kind {
    /// Whether it is one byte without a sign, as pixels are.
    pub fn is_byte(self) -> bool {
        (self.class, self.size) == (b'u', 1)
    }

    pub fn is_float(self) -> bool {
        self.class == b'f'
    }

    /// A value as a number; integers beyond 2^53 lose digits, which no label and no pixel has.
    pub fn value(self, bytes: &[u8]) -> f64 {
        let mut eight = [0; 8];
        for (to, &byte) in eight.iter_mut().zip(bytes) {
            *to = byte;
        }
        if self.big_endian {
            eight[..self.size].reverse();
        }
        let bits = u64::from_le_bytes(eight);
        let shift = 64 - 8 * self.size as u32;
        match (self.class, self.size) {
            (b'f', 4) => f32::from_bits(bits as u32).into(),
            (b'f', _) => f64::from_bits(bits),
            (b'i', _) => ((bits << shift).cast_signed() >> shift) as f64,
            _ => bits as f64,
        }
    }

    /// As NumPy writes it: "uint8".
    pub fn name(self) -> String {
        let class = match self.class {
            b'f' => "float",
            b'i' => "int",
            _ => "uint",
        };
        format!("{class}{}", 8 * self.size)
    }
}

/// What a header says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    pub kind: Kind,
    pub shape: Vec<usize>,
    /// Bytes before the values.
    pub start: usize,
}

impl Header {
    /// Reads the header of an array; `head` is its first [`HEAD_BYTES`], or all of it.
    pub fn read(path: &Path, head: &[u8]) -> Result<Self, DataError> {
        let bad = |what: &str| DataError::BadArray { path: path.to_owned(), what: what.to_owned() };
        let rest = head.strip_prefix(MAGIC).ok_or_else(|| bad("it does not begin with \\x93NUMPY"))?;
        let (length, begin) = match *rest {
            [1, _, a, b, ..] => (u16::from_le_bytes([a, b]) as usize, 10),
            [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
            [1..=3, ..] | [] => return Err(bad("its header is cut")),
            [version, ..] => {
                return Err(bad(&format!("its header is of version {version}, expected 1 to 3")))
            }
        };
        if length > HEAD_BYTES - 12 {
            return Err(bad(&format!(
                "its header says that it is {length} bytes long, expected at most 10000"
            )));
        }
        let text = head.get(begin..begin + length).ok_or_else(|| bad("its header is cut"))?;
        let text = std::str::from_utf8(text).map_err(|_| bad("its header is no text"))?;
        let (descr, fortran, shape) = dict(text).ok_or_else(|| {
            bad("its header is no dict of descr, fortran_order and shape, a plain type and whole numbers")
        })?;
        let save = |what: &str, how: &'static str| {
            Err(DataError::Unsupported { path: path.to_owned(), what: what.to_owned(), todo: how })
        };
        if descr.contains('O') {
            return save(
                "an array of Python objects (a pickle)",
                "save plain numbers: np.save(FILE, np.asarray(images, dtype=np.uint8))",
            );
        }
        if fortran && shape.len() > 1 {
            return save(
                "an array in Fortran order",
                "save it in C order: np.save(FILE, np.ascontiguousarray(images))",
            );
        }
        let (order, class_size) = match descr.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), rest @ ..] => (*order, rest),
            rest => (b'=', rest),
        };
        let (class, size) = match class_size {
            [b'b', b'1'] => return save("an array of booleans", "save it as uint8, 0 to 255"),
            [class @ (b'u' | b'i'), size @ (b'1' | b'2' | b'4' | b'8')] => (*class, usize::from(size - b'0')),
            [b'f', size @ (b'4' | b'8')] => (b'f', usize::from(size - b'0')),
            _ => {
                let what = format!("an array of type {descr:?}");
                return save(&what, "save it as uint8, or as floats from 0 to 1");
            }
        };
        Ok(Self { kind: Kind { class, size, big_endian: order == b'>' }, shape, start: begin + length })
    }

    /// Values; none where there are more than a file can hold.
    pub fn count(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |n, &extent| n.checked_mul(extent as u64))
    }

    /// Bytes of the whole array with its header, as many as there can be at most.
    pub fn bytes(&self) -> u64 {
        let values = self.count().and_then(|n| n.checked_mul(self.kind.size as u64));
        values.unwrap_or(u64::MAX).saturating_add(self.start as u64)
    }

    /// The shape as Python writes it.
    pub fn shape_text(&self) -> String {
        let all: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        format!("({}{})", all.join(", "), if all.len() == 1 { "," } else { "" })
    }
}

/// Type, whether in Fortran order, and shape: the three keys in any order, each once.
fn dict(text: &str) -> Option<(String, bool, Vec<usize>)> {
    let mut rest = text.trim().strip_prefix('{')?;
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    loop {
        rest = rest.trim_start();
        if let Some(end) = rest.strip_prefix('}') {
            return (end.trim().is_empty()).then_some((descr?, fortran?, shape?));
        }
        let (key, after) = string(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        match key {
            "descr" if descr.is_none() => {
                let (value, after) = string(rest)?;
                (descr, rest) = (Some(value.to_owned()), after);
            }
            "fortran_order" if fortran.is_none() => {
                let value = rest.starts_with("True");
                rest = rest.strip_prefix(if value { "True" } else { "False" })?;
                fortran = Some(value);
            }
            "shape" if shape.is_none() => {
                let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
                let parts: Vec<&str> = inside.split(',').map(str::trim).collect();
                // One comma behind the last is Python's.
                let parts = parts.strip_suffix(&[""]).unwrap_or(&parts);
                (shape, rest) = (Some(parts.iter().map(|n| extent(n)).collect::<Option<_>>()?), after);
            }
            _ => return None,
        }
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

/// Digits alone; Python 2 wrote an L behind them.
fn extent(text: &str) -> Option<usize> {
    let digits = text.strip_suffix('L').unwrap_or(text);
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// A quoted string without escapes, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (inside, rest) = text[1..].split_once(quote)?;
    (!inside.contains('\\')).then_some((inside, rest))
}
