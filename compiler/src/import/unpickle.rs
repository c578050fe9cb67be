//! The part of Python's pickle that checkpoints need, as data: nothing is called, nothing is imported.
//!
//! Operations: Python's `Lib/pickletools.py`, protocols 2 to 5. Tensors: PyTorch's `torch/_utils.py` (rebuild
//! functions) and `torch/serialization.py` (persistent ids of storages). Numbers, texts, tuples, dicts and tensors are
//! kept; every other object is its name and nothing else, whatever its class would have done.
//!
//! What is kept is a small multiple of the pickle: values that the pickle shares are shared here too.

mod machine;
mod rebuild;
mod value;

use super::naming::shown;
use machine::{ended, odd, Machine};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

pub(super) use value::{Tensor, Value, MAX_RANK};

/// Operations, at most: a state_dict has about sixty per tensor, the largest of the authors' a few hundred tensors.
const MAX_OPERATIONS: usize = 1 << 20;

/// What a pickle describes.
pub(super) struct Pickle {
    /// The object.
    pub root: Value,
    /// Entries of every dict in it.
    pub dicts: Vec<Vec<(Value, Value)>>,
}

/// Reads a pickle. The error is a sentence about it, with what to do.
pub(super) fn unpickle(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine =
        Machine { bytes, at: 0, stack: vec![], marks: vec![], memo: HashMap::new(), dicts: vec![] };
    let root = machine.run()?;
    machine.dicts.iter().try_for_each(|dict| every_key_once(dict))?;
    Ok(Pickle { root, dicts: machine.dicts })
}

/// That no text is a key twice, at whatever depth: `torch.save` writes each once, and readers differ in which they take.
fn every_key_once(dict: &[(Value, Value)]) -> Result<(), String> {
    let mut seen = HashSet::new();
    let texts = dict.iter().filter_map(|(key, _)| if let Value::Text(key) = key { Some(key) } else { None });
    match texts.into_iter().find(|key| !seen.insert(*key)) {
        Some(key) => Err(format!("the key {} stands twice in one dict of it: save it again", shown(key))),
        None => Ok(()),
    }
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Value, String> {
        for _ in 0..MAX_OPERATIONS {
            let at = self.at;
            let [op] = self.read()?;
            match op {
                // PROTO, FRAME: the version, and the length of what follows.
                0x80 => drop(self.read::<1>()?),
                0x95 => drop(self.read::<8>()?),
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                // POP, POP_MARK, DUP
                b'0' if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.take_to_mark()?),
                b'2' => {
                    let top = self.stack.last().ok_or_else(ended)?.clone();
                    self.stack.push(top);
                }
                // NONE, NEWTRUE, NEWFALSE
                b'N' => self.stack.push(Value::Plain("None")),
                0x88 | 0x89 => self.stack.push(Value::Bool(op == 0x88)),
                // BINFLOAT
                b'G' => {
                    self.read::<8>()?;
                    self.stack.push(Value::Plain("a number"));
                }
                // BININT, BININT1, BININT2, LONG1, LONG4
                b'J' => {
                    let n = i32::from_le_bytes(self.read()?);
                    self.stack.push(Value::Int(n.into()));
                }
                b'K' => {
                    let [n] = self.read()?;
                    self.stack.push(Value::Int(n.into()));
                }
                b'M' => {
                    let n = u16::from_le_bytes(self.read()?);
                    self.stack.push(Value::Int(n.into()));
                }
                0x8a | 0x8b => {
                    let bytes = self.counted(if op == 0x8a { 1 } else { 4 })?;
                    self.stack.push(long(bytes));
                }
                // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
                0x8c => self.text(1)?,
                b'X' => self.text(4)?,
                0x8d => self.text(8)?,
                // Python 2's SHORT_BINSTRING and BINSTRING: keys, if they are texts.
                b'U' | b'T' => {
                    let bytes = self.counted(if op == b'U' { 1 } else { 4 })?;
                    let text = std::str::from_utf8(bytes);
                    self.stack.push(text.map_or(Value::Plain("bytes"), |text| Value::Text(text.into())));
                }
                // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
                b'C' | b'B' | 0x8e | 0x96 => {
                    self.counted(match op {
                        b'C' => 1,
                        b'B' => 4,
                        _ => 8,
                    })?;
                    self.stack.push(Value::Plain("bytes"));
                }
                // EMPTY_TUPLE, EMPTY_LIST, EMPTY_DICT, EMPTY_SET
                b')' => self.stack.push(Value::Tuple(Rc::new([]), 1)),
                b']' => self.stack.push(Value::Plain("a list")),
                b'}' => self.dict(),
                0x8f => self.stack.push(Value::Plain("a set")),
                // FROZENSET
                0x91 => {
                    self.take_to_mark()?;
                    self.stack.push(Value::Plain("a set"));
                }
                // TUPLE, TUPLE1 to 3
                b't' => {
                    let items = self.take_to_mark()?;
                    self.tuple(items)?;
                }
                0x85..=0x87 => {
                    let n = usize::from(op - 0x84);
                    let items = self.stack.split_off(self.stack.len().checked_sub(n).ok_or_else(ended)?);
                    self.tuple(items)?;
                }
                // APPEND, APPENDS, ADDITEMS: what lists and sets hold is of no interest.
                b'a' => {
                    self.pop()?;
                    self.collection(at)?;
                }
                b'e' | 0x90 => {
                    self.take_to_mark()?;
                    self.collection(at)?;
                }
                // SETITEM, SETITEMS
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(vec![key, value], at)?;
                }
                b'u' => {
                    let items = self.take_to_mark()?;
                    self.set(items, at)?;
                }
                // BINPUT, LONG_BINPUT, MEMOIZE
                b'q' => {
                    let [n] = self.read()?;
                    self.remember(n.into())?;
                }
                b'r' => {
                    let n = u32::from_le_bytes(self.read()?);
                    self.remember(n)?;
                }
                0x94 => self.remember(self.memo.len() as u32)?,
                // BINGET, LONG_BINGET
                b'h' => {
                    let [n] = self.read()?;
                    self.recall(n.into())?;
                }
                b'j' => {
                    let n = u32::from_le_bytes(self.read()?);
                    self.recall(n)?;
                }
                // GLOBAL, STACK_GLOBAL
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.stack.push(Value::Name(format!("{module}.{name}").into()));
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (Value::Text(module), Value::Text(name)) = (module, name) else {
                        return Err(odd(at));
                    };
                    // Both may be shared texts, of which a pickle can make many names.
                    let [module, name] =
                        [module, name].map(|text| text.chars().take(100).collect::<String>());
                    self.stack.push(Value::Name(format!("{module}.{name}").into()));
                }
                // BINPERSID, REDUCE and NEWOBJ, NEWOBJ_EX, BUILD
                b'Q' => self.persistent(at)?,
                b'R' | 0x81 => {
                    let (arguments, callee) = (self.pop()?, self.pop()?);
                    self.make(callee, &arguments, at)?;
                }
                0x92 => {
                    let (_, arguments, callee) = (self.pop()?, self.pop()?, self.pop()?);
                    self.make(callee, &arguments, at)?;
                }
                b'b' => {
                    // The attributes of an OrderedDict (`_metadata`) say nothing about its tensors.
                    self.pop()?;
                    let Some(Value::Dict(_) | Value::Object(_)) = self.stack.last() else {
                        return Err(odd(at));
                    };
                }
                other => {
                    return Err(format!(
                        "the pickle contains the operation {other:#04x} at byte {at}, which torch.save does not write; \
                         it is not run: save model.state_dict() with torch.save"
                    ));
                }
            }
        }
        Err(format!("the pickle has more than {MAX_OPERATIONS} operations: save model.state_dict() alone"))
    }
}

/// A Python integer; one of more than eight bytes is of no interest.
fn long(bytes: &[u8]) -> Value {
    let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
    let mut eight = [if negative { 0xff } else { 0 }; 8];
    let Some(low) = eight.get_mut(..bytes.len()) else { return Value::Plain("a number") };
    low.copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(eight))
}
