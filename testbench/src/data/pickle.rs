//! Python's pickle as data: what it describes becomes a tree, and nothing in it is called or imported.
//!
//! Operations: Python's `Lib/pickletools.py`, protocols 2 to 5, as far as CIFAR's batches need them. Memory stays within a
//! small multiple of [`MAX_OPERATIONS`] and the file: strings are places in the file, and what is shared stays shared.

use std::collections::HashMap;
use std::ops::Range;

/// Operations, at most; CIFAR-100's training images take 300,000.
const MAX_OPERATIONS: usize = 1 << 20;

/// A value's place in the tree.
pub(super) type Id = usize;

/// What an operation makes.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// None, floats and other plain things of no interest.
    Plain,
    Bool(bool),
    Int(i64),
    /// A string or bytes: a place in the file.
    Bytes(Range<usize>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A Python name: module and name.
    Name(Range<usize>, Range<usize>),
    /// What a call of a name with arguments would make, and the state it would get.
    Object {
        of: Id,
        args: Id,
        state: Option<Id>,
    },
}

/// A pickle, read.
pub(super) struct Tree<'a> {
    bytes: &'a [u8],
    values: Vec<Value>,
    top: Id,
}

impl<'a> Tree<'a> {
    /// Reads a pickle; none if it is cut, damaged, or holds something else than data.
    pub fn read(bytes: &'a [u8]) -> Option<Tree<'a>> {
        let machine = Machine {
            bytes,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        machine.run()
    }

    pub fn top(&self) -> &Value {
        &self.values[self.top]
    }

    pub fn value(&self, id: Id) -> &Value {
        &self.values[id]
    }

    /// Items of a tuple.
    pub fn tuple(&self, id: Id) -> Option<&[Id]> {
        if let Value::Tuple(items) = self.value(id) {
            Some(items)
        } else {
            None
        }
    }

    pub fn bytes(&self, range: &Range<usize>) -> &'a [u8] {
        &self.bytes[range.clone()]
    }

    /// Whether a value is the Python name that ends so.
    pub fn is_name(&self, id: Id, module: &str, name: &str) -> bool {
        let Value::Name(m, n) = self.value(id) else { return false };
        self.bytes(m) == module.as_bytes() && self.bytes(n) == name.as_bytes()
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn run(mut self) -> Option<Tree<'a>> {
        for _ in 0..MAX_OPERATIONS {
            let [op] = self.take()?;
            match op {
                // PROTO, FRAME: the version, and the length of what follows.
                0x80 => drop(self.take::<1>()?),
                0x95 => drop(self.take::<8>()?),
                b'.' => {
                    let top = self.stack.pop()?;
                    return Some(Tree { bytes: self.bytes, values: self.values, top });
                }
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.stack.pop()?),
                // NONE, BINFLOAT
                b'N' => self.push(Value::Plain),
                b'G' => {
                    self.take::<8>()?;
                    self.push(Value::Plain);
                }
                0x88 | 0x89 => self.push(Value::Bool(op == 0x88)),
                b'J' => {
                    let n = i32::from_le_bytes(self.take()?);
                    self.push(Value::Int(n.into()));
                }
                b'K' => {
                    let [n] = self.take()?;
                    self.push(Value::Int(n.into()));
                }
                b'M' => {
                    let n = u16::from_le_bytes(self.take()?);
                    self.push(Value::Int(n.into()));
                }
                // Strings and bytes with a length of 1, 4 and 8 bytes.
                b'U' | b'C' | 0x8c => {
                    let [n] = self.take()?;
                    self.string(n.into())?;
                }
                b'T' | b'X' | b'B' => {
                    let n = u32::from_le_bytes(self.take()?);
                    self.string(n.into())?;
                }
                0x8d | 0x8e | 0x96 => {
                    let n = u64::from_le_bytes(self.take()?);
                    self.string(n)?;
                }
                b']' => self.push(Value::List(Vec::new())),
                b')' => self.push(Value::Tuple(Vec::new())),
                b'}' => self.push(Value::Dict(Vec::new())),
                b't' => {
                    let items = self.since_mark()?;
                    self.push(Value::Tuple(items));
                }
                0x85..=0x87 => {
                    let from = self.stack.len().checked_sub(usize::from(op - 0x84))?;
                    let items = self.stack.split_off(from);
                    self.push(Value::Tuple(items));
                }
                b'a' => {
                    let item = self.stack.pop()?;
                    self.extend(vec![item])?;
                }
                b'e' => {
                    let items = self.since_mark()?;
                    self.extend(items)?;
                }
                b's' => {
                    let items = self.stack.split_off(self.stack.len().checked_sub(2)?);
                    self.extend(items)?;
                }
                b'u' => {
                    let items = self.since_mark()?;
                    self.extend(items)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Value::Name(module, name));
                }
                0x93 => {
                    let (name, module) = (self.stack.pop()?, self.stack.pop()?);
                    let (Value::Bytes(m), Value::Bytes(n)) = (&self.values[module], &self.values[name])
                    else {
                        return None;
                    };
                    self.push(Value::Name(m.clone(), n.clone()));
                }
                // REDUCE, NEWOBJ: a call, which is noted and not made.
                b'R' | 0x81 => {
                    let (args, of) = (self.stack.pop()?, self.stack.pop()?);
                    self.push(Value::Object { of, args, state: None });
                }
                b'b' => {
                    let given = self.stack.pop()?;
                    let Value::Object { state, .. } = &mut self.values[*self.stack.last()?] else {
                        return None;
                    };
                    *state = Some(given);
                }
                b'q' => {
                    let [n] = self.take()?;
                    self.memo.insert(n.into(), *self.stack.last()?);
                }
                b'r' => {
                    let n = u32::from_le_bytes(self.take()?);
                    self.memo.insert(n, *self.stack.last()?);
                }
                0x94 => {
                    let n = u32::try_from(self.memo.len()).ok()?;
                    self.memo.insert(n, *self.stack.last()?);
                }
                b'h' => {
                    let [n] = self.take()?;
                    self.stack.push(*self.memo.get(&n.into())?);
                }
                b'j' => {
                    let n = u32::from_le_bytes(self.take()?);
                    self.stack.push(*self.memo.get(&n)?);
                }
                _ => return None,
            }
        }
        None
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let out = self.bytes.get(self.at..self.at.checked_add(N)?)?.try_into().ok()?;
        self.at += N;
        Some(out)
    }

    fn string(&mut self, len: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(len).ok()?)?;
        self.bytes.get(self.at..end)?;
        self.push(Value::Bytes(self.at..end));
        self.at = end;
        Some(())
    }

    fn line(&mut self) -> Option<Range<usize>> {
        let len = self.bytes.get(self.at..)?.iter().take(256).position(|&b| b == b'\n')?;
        let line = self.at..self.at + len;
        self.at += len + 1;
        Some(line)
    }

    fn since_mark(&mut self) -> Option<Vec<Id>> {
        let mark = self.marks.pop()?;
        (mark <= self.stack.len()).then(|| self.stack.split_off(mark))
    }

    /// Adds items to the list or dict on top of the stack.
    fn extend(&mut self, items: Vec<Id>) -> Option<()> {
        match &mut self.values[*self.stack.last()?] {
            Value::List(list) => list.extend(items),
            Value::Dict(entries) if items.len().is_multiple_of(2) => {
                entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            }
            _ => return None,
        }
        Some(())
    }
}
