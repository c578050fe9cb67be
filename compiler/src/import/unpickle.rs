//! The part of Python's pickle that checkpoints need, as data: nothing is called, nothing is imported.
//!
//! Operations: Python's `Lib/pickletools.py`, protocols 2 to 5. Tensors: PyTorch's `torch/_utils.py` (rebuild
//! functions) and `torch/serialization.py` (persistent ids of storages). Numbers, texts, tuples, dicts and tensors are
//! kept; every other object is its name and nothing else, whatever its class would have done.
//!
//! What is kept is a small multiple of the pickle: values that the pickle shares are shared here too.

use safetensors::tensor::Dtype;
use std::collections::HashMap;
use std::rc::Rc;

/// Tuples inside each other, at most: a state_dict has about four levels.
const MAX_DEPTH: u8 = 32;
/// Operations, at most: a state_dict has about sixty per tensor, the largest of the authors' a few hundred tensors.
const MAX_OPERATIONS: usize = 1 << 20;
/// Dimensions of a tensor, at most: a state_dict has up to five.
pub(super) const MAX_RANK: usize = 8;
/// Bytes of a storage's name, at most: PyTorch counts them.
const MAX_STORAGE_NAME: usize = 64;

/// Where a tensor's numbers are.
#[derive(Debug)]
pub(super) struct Storage {
    /// PyTorch's class, e.g. `torch.FloatStorage`.
    pub class: Rc<str>,
    /// File name under `data/`.
    pub name: Rc<str>,
}

impl Storage {
    /// Element type, where it is a plain one.
    pub(super) fn dtype(&self) -> Option<Dtype> {
        dtype(&self.class)
    }
}

/// A tensor of a storage; offset and strides in elements.
#[derive(Debug)]
pub(super) struct Tensor {
    pub storage: Rc<Storage>,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub stride: Vec<usize>,
    /// Whether the values are those of the storage with the sign turned (a lazy negative view).
    pub negated: bool,
}

/// What an operation leaves on the stack.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Something of which only the kind matters, in words.
    Plain(&'static str),
    Bool(bool),
    Int(i64),
    Text(Rc<str>),
    /// A tuple and how deep tuples lie in it.
    Tuple(Rc<[Value]>, u8),
    /// Index into [`Pickle::dicts`]: a pickle may name a dict before it is filled, and several times.
    Dict(usize),
    /// A Python name: module and name.
    Name(Rc<str>),
    Storage(Rc<Storage>),
    Tensor(Rc<Tensor>),
    /// What calling a Python name would have made; it was not called.
    Object(Rc<str>),
}

impl Value {
    fn depth(&self) -> u8 {
        if let Value::Tuple(_, depth) = self {
            *depth
        } else {
            0
        }
    }

    /// The entries of a tuple of sizes, at most [`MAX_RANK`].
    fn sizes(&self) -> Option<Vec<usize>> {
        let Value::Tuple(items, _) = self else { return None };
        let size = |v: &Value| if let Value::Int(n) = v { usize::try_from(*n).ok() } else { None };
        items.iter().map(size).collect()
    }

    /// What it is, in words.
    pub(super) fn describe(&self) -> String {
        match self {
            Value::Plain(kind) => (*kind).to_owned(),
            Value::Bool(_) | Value::Int(_) => "a number".to_owned(),
            Value::Text(_) => "a text".to_owned(),
            Value::Tuple(..) => "a tuple".to_owned(),
            Value::Dict(_) => "a dict".to_owned(),
            Value::Storage(_) => "a storage".to_owned(),
            Value::Tensor(_) => "a tensor".to_owned(),
            Value::Name(name) | Value::Object(name) => {
                format!("the Python object {}", name.chars().take(100).collect::<String>())
            }
        }
    }
}

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
    Ok(Pickle { root, dicts: machine.dicts })
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    dicts: Vec<Vec<(Value, Value)>>,
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

    fn read<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let slice = self.slice(N)?;
        slice.try_into().map_err(|_| ended())
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], String> {
        let slice = self.bytes.get(self.at..).and_then(|b| b.get(..length)).ok_or_else(ended)?;
        self.at += length;
        Ok(slice)
    }

    /// Bytes behind their count, which has `width` bytes.
    fn counted(&mut self, width: usize) -> Result<&'a [u8], String> {
        let mut count = [0; 8];
        count[..width].copy_from_slice(self.slice(width)?);
        self.slice(usize::try_from(u64::from_le_bytes(count)).map_err(|_| ended())?)
    }

    fn pop(&mut self) -> Result<Value, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(ended());
        }
        self.stack.pop().ok_or_else(ended)
    }

    fn take_to_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or_else(ended)?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn text(&mut self, width: usize) -> Result<(), String> {
        let text = std::str::from_utf8(self.counted(width)?)
            .map_err(|_| "a text in the pickle is not UTF-8: save it again".to_owned())?;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|&b| b == b'\n').ok_or_else(ended)?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end])
            .map_err(|_| "a name in the pickle is not UTF-8: save it again".to_owned())
    }

    fn tuple(&mut self, items: Vec<Value>) -> Result<(), String> {
        let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            return Err(format!(
                "tuples lie more than {MAX_DEPTH} deep in each other: save model.state_dict() alone"
            ));
        }
        self.stack.push(Value::Tuple(items.into(), depth));
        Ok(())
    }

    fn dict(&mut self) {
        self.stack.push(Value::Dict(self.dicts.len()));
        self.dicts.push(vec![]);
    }

    /// That a list, a set or an object is on top.
    fn collection(&self, at: usize) -> Result<(), String> {
        match self.stack.last() {
            Some(Value::Plain("a list" | "a set") | Value::Object(_)) => Ok(()),
            _ => Err(odd(at)),
        }
    }

    fn set(&mut self, items: Vec<Value>, at: usize) -> Result<(), String> {
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

    fn remember(&mut self, place: u32) -> Result<(), String> {
        let value = self.stack.last().ok_or_else(ended)?.clone();
        self.memo.insert(place, value);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), String> {
        let value = self.memo.get(&place).ok_or_else(|| odd(self.at))?.clone();
        self.stack.push(value);
        Ok(())
    }

    /// `('storage', type, name, device, elements)`
    fn persistent(&mut self, at: usize) -> Result<(), String> {
        let Value::Tuple(id, _) = self.pop()? else { return Err(odd(at)) };
        let [Value::Text(kind), Value::Name(class), Value::Text(name), ..] = &*id else {
            return Err(odd(at));
        };
        if &**kind != "storage" || name.len() > MAX_STORAGE_NAME {
            return Err(odd(at));
        }
        self.stack.push(Value::Storage(Rc::new(Storage { class: class.clone(), name: name.clone() })));
        Ok(())
    }

    /// What a callee makes of its arguments: the few that checkpoints are built of; of any other, its name.
    fn make(&mut self, callee: Value, arguments: &Value, at: usize) -> Result<(), String> {
        let (Value::Name(callee) | Value::Object(callee)) = callee else { return Err(odd(at)) };
        let Value::Tuple(arguments, _) = arguments else { return Err(odd(at)) };
        let value = match (&*callee, &**arguments) {
            ("collections.OrderedDict", []) => {
                self.dict();
                return Ok(());
            }
            ("torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor", arguments) => {
                Value::Tensor(Rc::new(self.tensor(arguments, at)?))
            }
            (
                "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state",
                [Value::Tensor(tensor), ..],
            ) => Value::Tensor(tensor.clone()),
            _ => Value::Object(callee),
        };
        self.stack.push(value);
        Ok(())
    }

    /// `(storage, offset, shape, stride, requires_grad, hooks, metadata)`; the last three may be missing.
    fn tensor(&self, arguments: &[Value], at: usize) -> Result<Tensor, String> {
        let [Value::Storage(storage), Value::Int(offset), shape, stride, rest @ ..] = arguments else {
            return Err(odd(at));
        };
        if let Value::Tuple(items, _) = shape {
            if items.len() > MAX_RANK {
                return Err(format!(
                    "a tensor in it has {} dimensions, at most {MAX_RANK} are read: is it a network's checkpoint?",
                    items.len()
                ));
            }
        }
        let (Ok(offset), Some(shape)) = (usize::try_from(*offset), shape.sizes()) else {
            return Err(odd(at));
        };
        if !matches!(stride, Value::Tuple(items, _) if items.len() == shape.len()) {
            return Err(odd(at));
        }
        let stride = stride.sizes().ok_or_else(|| odd(at))?;
        let negated = match rest {
            [] | [_] | [_, _] => false,
            [_, _, metadata] => self.negated(metadata, at)?,
            _ => return Err(odd(at)),
        };
        Ok(Tensor { storage: storage.clone(), offset, shape, stride, negated })
    }

    /// Whether a tensor's metadata say that it is a negative view. Of what they may say else nothing is known to leave
    /// the values as they are.
    fn negated(&self, metadata: &Value, at: usize) -> Result<bool, String> {
        let entries = match metadata {
            Value::Plain("None") => return Ok(false),
            &Value::Dict(n) if self.dicts[n].len() <= 8 => &self.dicts[n],
            _ => return Err(odd(at)),
        };
        let mut negated = false;
        for (key, value) in entries {
            match (key, value) {
                (Value::Text(key), Value::Bool(set)) if &**key == "neg" => negated = *set,
                (Value::Text(key), Value::Bool(false)) if &**key == "conj" => {}
                (key, _) => {
                    let key = if let Value::Text(key) = key {
                        key.chars().take(100).collect()
                    } else {
                        key.describe()
                    };
                    return Err(format!(
                        "a tensor in it carries the metadata `{key}`, whose meaning for its values is not known: save \
                         the state_dict with every tensor resolved, \
                         {{k: v.resolve_conj().resolve_neg().clone() for k, v in model.state_dict().items()}}"
                    ));
                }
            }
        }
        Ok(negated)
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

fn dtype(class: &str) -> Option<Dtype> {
    Some(match class {
        "torch.FloatStorage" => Dtype::F32,
        "torch.DoubleStorage" => Dtype::F64,
        "torch.HalfStorage" => Dtype::F16,
        "torch.BFloat16Storage" => Dtype::BF16,
        "torch.LongStorage" => Dtype::I64,
        "torch.IntStorage" => Dtype::I32,
        "torch.ShortStorage" => Dtype::I16,
        "torch.CharStorage" => Dtype::I8,
        "torch.ByteStorage" => Dtype::U8,
        "torch.BoolStorage" => Dtype::BOOL,
        _ => return None,
    })
}

fn ended() -> String {
    "the pickle ends too early: copy or save the file again".to_owned()
}

fn odd(at: usize) -> String {
    format!("the pickle is not built as PyTorch builds it (near byte {at}): save model.state_dict() with torch.save")
}
