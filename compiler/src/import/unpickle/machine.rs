//! The machine that a pickle is a program of: its stack, its memory, its dicts. What an operation does with them is in
//! the module above.

use std::collections::HashMap;

use super::value::Value;

/// Tuples inside each other, at most: a state_dict has about four levels.
const MAX_DEPTH: u8 = 32;

pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) stack: Vec<Value>,
    pub(super) marks: Vec<usize>,
    pub(super) memo: HashMap<u32, Value>,
    pub(super) dicts: Vec<Vec<(Value, Value)>>,
}

impl<'a> Machine<'a> {
    pub(super) fn read<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let slice = self.slice(N)?;
        slice.try_into().map_err(|_| ended())
    }

    pub(super) fn slice(&mut self, length: usize) -> Result<&'a [u8], String> {
        let slice = self.bytes.get(self.at..).and_then(|b| b.get(..length)).ok_or_else(ended)?;
        self.at += length;
        Ok(slice)
    }

    /// Bytes behind their count, which has `width` bytes.
    pub(super) fn counted(&mut self, width: usize) -> Result<&'a [u8], String> {
        let mut count = [0; 8];
        count[..width].copy_from_slice(self.slice(width)?);
        self.slice(usize::try_from(u64::from_le_bytes(count)).map_err(|_| ended())?)
    }

    pub(super) fn pop(&mut self) -> Result<Value, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(ended());
        }
        self.stack.pop().ok_or_else(ended)
    }

    pub(super) fn take_to_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or_else(ended)?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    pub(super) fn text(&mut self, width: usize) -> Result<(), String> {
        let text = std::str::from_utf8(self.counted(width)?)
            .map_err(|_| "a text in the pickle is not UTF-8: save it again".to_owned())?;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    pub(super) fn line(&mut self) -> Result<&'a str, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|&b| b == b'\n').ok_or_else(ended)?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end])
            .map_err(|_| "a name in the pickle is not UTF-8: save it again".to_owned())
    }

    pub(super) fn tuple(&mut self, items: Vec<Value>) -> Result<(), String> {
        let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            return Err(format!(
                "tuples lie more than {MAX_DEPTH} deep in each other: save model.state_dict() alone"
            ));
        }
        self.stack.push(Value::Tuple(items.into(), depth));
        Ok(())
    }

    pub(super) fn dict(&mut self) {
        self.stack.push(Value::Dict(self.dicts.len()));
        self.dicts.push(vec![]);
    }

    /// That a list, a set or an object is on top.
    pub(super) fn collection(&self, at: usize) -> Result<(), String> {
        match self.stack.last() {
            Some(Value::Plain("a list" | "a set") | Value::Object(_)) => Ok(()),
            _ => Err(odd(at)),
        }
    }

    pub(super) fn set(&mut self, items: Vec<Value>, at: usize) -> Result<(), String> {
        let entries = match self.stack.last() {
            Some(&Value::Dict(n)) => &mut self.dicts[n],
            Some(Value::Object(_)) => return Ok(()),
            _ => return Err(odd(at)),
        };
        if !items.len().is_multiple_of(2) {
            return Err(odd(at));
        }
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        Ok(())
    }

    pub(super) fn remember(&mut self, place: u32) -> Result<(), String> {
        let value = self.stack.last().ok_or_else(ended)?.clone();
        self.memo.insert(place, value);
        Ok(())
    }

    pub(super) fn recall(&mut self, place: u32) -> Result<(), String> {
        let value = self.memo.get(&place).ok_or_else(|| odd(self.at))?.clone();
        self.stack.push(value);
        Ok(())
    }
}

pub(super) fn ended() -> String {
    "the pickle ends too early: copy or save the file again".to_owned()
}

pub(super) fn odd(at: usize) -> String {
    format!("the pickle is not built as PyTorch builds it (near byte {at}): save model.state_dict() with torch.save")
}
