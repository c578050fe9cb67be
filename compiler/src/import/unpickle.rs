//! The part of Python's pickle that a state_dict needs, as data: nothing is called, nothing is imported.
//!
//! Operations: Python's `Lib/pickletools.py`, protocols 2 to 5. Tensors: PyTorch's `torch/_utils.py` (rebuild
//! functions) and `torch/serialization.py` (persistent ids of storages).

use safetensors::tensor::Dtype;
use std::collections::HashMap;
use std::rc::Rc;

/// Containers inside each other, at most: a state_dict has about four levels.
const MAX_DEPTH: usize = 32;
/// Operations, at most: a state_dict has about sixty per tensor, the largest of the authors' a few hundred tensors.
const MAX_OPERATIONS: usize = 1 << 20;

/// Where a tensor's numbers are.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    /// Element type.
    pub dtype: Dtype,
    /// File name under `data/`.
    pub key: String,
}

/// A tensor of a storage; offset and strides in elements.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub storage: Storage,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub stride: Vec<usize>,
}

/// What an operation leaves on the stack.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// None, floats and other plain things of no interest.
    Plain,
    Int(i64),
    Text(Rc<str>),
    /// A tuple and how deep containers lie in it.
    Sequence(Rc<Vec<Value>>, usize),
    /// A list, whose items are of no interest.
    List(usize),
    Dict(Vec<(Value, Value)>),
    /// A Python name: module and name.
    Name(Rc<str>),
    Storage(Storage),
    Tensor(Rc<Tensor>),
}

impl Value {
    fn depth(&self) -> usize {
        match self {
            Value::Sequence(_, depth) | Value::List(depth) => *depth,
            Value::Dict(entries) => 1 + entries.iter().map(|(_, v)| v.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
    fn sizes(&self) -> Option<Vec<usize>> {
        let Value::Sequence(items, _) = self else { return None };
        items.iter().map(|v| if let Value::Int(n) = v { usize::try_from(*n).ok() } else { None }).collect()
    }
}

/// The object that a pickle describes. The error is a sentence about the pickle, with what to do.
pub(super) fn unpickle(bytes: &[u8]) -> Result<Value, String> {
    Machine { bytes, at: 0, stack: vec![], marks: vec![], memo: HashMap::new() }.run()
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
}

impl Machine<'_> {
    fn run(mut self) -> Result<Value, String> {
        for _ in 0..MAX_OPERATIONS {
            let at = self.at;
            let [op] = self.read()?;
            match op {
                // PROTO, FRAME: the version, and the length of what follows.
                0x80 => drop(self.read::<1>()?),
                0x95 => drop(self.read::<8>()?),
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                // NONE, NEWTRUE, NEWFALSE, BINFLOAT
                b'N' | 0x88 | 0x89 => self.stack.push(Value::Plain),
                b'G' => {
                    self.read::<8>()?;
                    self.stack.push(Value::Plain);
                }
                // BININT, BININT1, BININT2, LONG1
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
                0x8a => self.long()?,
                // BINUNICODE, SHORT_BINUNICODE
                b'X' => {
                    let n = u32::from_le_bytes(self.read()?);
                    self.text(n as usize)?;
                }
                0x8c => {
                    let [n] = self.read()?;
                    self.text(n.into())?;
                }
                // EMPTY_TUPLE, EMPTY_LIST, EMPTY_DICT
                b')' => self.stack.push(Value::Sequence(Rc::default(), 1)),
                b']' => self.stack.push(Value::List(1)),
                b'}' => self.stack.push(Value::Dict(vec![])),
                // TUPLE, TUPLE1 to 3
                b't' => {
                    let items = self.take_to_mark()?;
                    self.sequence(items)?;
                }
                0x85..=0x87 => {
                    let n = usize::from(op - 0x84);
                    let items = self.stack.split_off(self.stack.len().checked_sub(n).ok_or_else(ended)?);
                    self.sequence(items)?;
                }
                // APPEND, APPENDS
                b'a' => {
                    let item = self.pop()?;
                    self.append(&[item])?;
                }
                b'e' => {
                    let items = self.take_to_mark()?;
                    self.append(&items)?;
                }
                // SETITEM, SETITEMS
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(vec![key, value])?;
                }
                b'u' => {
                    let items = self.take_to_mark()?;
                    self.set(items)?;
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
                    self.name(&module, &name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (Value::Text(module), Value::Text(name)) = (module, name) else {
                        return Err(odd(at));
                    };
                    self.name(&module, &name)?;
                }
                // BINPERSID, REDUCE, BUILD
                b'Q' => self.persistent(at)?,
                b'R' => self.reduce(at)?,
                b'b' => {
                    // The attributes of an OrderedDict (`_metadata`) say nothing about its tensors.
                    self.pop()?;
                    let Some(Value::Dict(_)) = self.stack.last() else { return Err(odd(at)) };
                }
                other => {
                    return Err(format!(
                        "the pickle contains the operation {other:#04x} at byte {at}, which no state_dict needs; it is \
                         not run: save model.state_dict() and nothing else"
                    ));
                }
            }
        }
        Err(format!("the pickle has more than {MAX_OPERATIONS} operations: is this a state_dict?"))
    }

    fn read<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let slice = self.bytes.get(self.at..).and_then(|b| b.get(..N)).ok_or_else(ended)?;
        self.at += N;
        slice.try_into().map_err(|_| ended())
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

    fn text(&mut self, length: usize) -> Result<(), String> {
        let slice = self.bytes.get(self.at..).and_then(|b| b.get(..length)).ok_or_else(ended)?;
        self.at += length;
        let text = std::str::from_utf8(slice)
            .map_err(|_| "a text in the pickle is not UTF-8: save it again".to_owned())?;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|&b| b == b'\n').ok_or_else(ended)?;
        self.at += end + 1;
        String::from_utf8(rest[..end].to_vec())
            .map_err(|_| "a name in the pickle is not UTF-8: save it again".to_owned())
    }

    fn long(&mut self) -> Result<(), String> {
        let [n] = self.read()?;
        let slice = self.bytes.get(self.at..).and_then(|b| b.get(..usize::from(n))).ok_or_else(ended)?;
        self.at += usize::from(n);
        let negative = slice.last().is_some_and(|b| b & 0x80 != 0);
        let mut eight = [if negative { 0xff } else { 0 }; 8];
        // Longer integers are of no interest.
        let value = match slice.len() {
            0..=8 => {
                eight[..slice.len()].copy_from_slice(slice);
                Value::Int(i64::from_le_bytes(eight))
            }
            _ => Value::Plain,
        };
        self.stack.push(value);
        Ok(())
    }

    fn sequence(&mut self, items: Vec<Value>) -> Result<(), String> {
        let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            return Err(format!(
                "containers lie more than {MAX_DEPTH} deep in each other: is this a state_dict?"
            ));
        }
        self.stack.push(Value::Sequence(Rc::new(items), depth));
        Ok(())
    }

    fn append(&mut self, items: &[Value]) -> Result<(), String> {
        let at = self.at;
        let Some(Value::List(depth)) = self.stack.last_mut() else { return Err(odd(at)) };
        *depth = (*depth).max(1 + items.iter().map(Value::depth).max().unwrap_or(0));
        Ok(())
    }

    fn set(&mut self, items: Vec<Value>) -> Result<(), String> {
        let at = self.at;
        let Some(Value::Dict(entries)) = self.stack.last_mut() else { return Err(odd(at)) };
        if !items.len().is_multiple_of(2) || items.iter().any(|v| v.depth() >= MAX_DEPTH) {
            return Err(odd(at));
        }
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        Ok(())
    }

    fn remember(&mut self, place: u32) -> Result<(), String> {
        let value = self.stack.last().ok_or_else(ended)?;
        // A dict or list is filled after it is remembered, so what is remembered is never given out, see `recall`.
        let kept = match value {
            Value::Dict(_) | Value::List(_) => Value::Dict(vec![]),
            other => other.clone(),
        };
        self.memo.insert(place, kept);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), String> {
        match self.memo.get(&place) {
            Some(Value::Dict(_)) => {
                Err("a dict or list is used twice in the pickle: save model.state_dict() alone".to_owned())
            }
            Some(value) => {
                self.stack.push(value.clone());
                Ok(())
            }
            None => Err(odd(self.at)),
        }
    }

    fn name(&mut self, module: &str, name: &str) -> Result<(), String> {
        let full = format!("{module}.{name}");
        let known = matches!(
            full.as_str(),
            "collections.OrderedDict" | "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_parameter"
        ) || dtype(&full).is_some();
        if !known {
            return Err(format!(
                "the pickle asks for the Python object {full}, which no state_dict needs; it is not loaded: save \
                 model.state_dict() and nothing else"
            ));
        }
        self.stack.push(Value::Name(full.as_str().into()));
        Ok(())
    }

    /// `('storage', type, key, device, elements)`
    fn persistent(&mut self, at: usize) -> Result<(), String> {
        let Value::Sequence(id, _) = self.pop()? else { return Err(odd(at)) };
        let [Value::Text(kind), Value::Name(class), Value::Text(key), ..] = id.as_slice() else {
            return Err(odd(at));
        };
        let (Some(dtype), "storage") = (dtype(class), &**kind) else { return Err(odd(at)) };
        self.stack.push(Value::Storage(Storage { dtype, key: key.to_string() }));
        Ok(())
    }

    fn reduce(&mut self, at: usize) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Sequence(arguments, _), Value::Name(function)) = (arguments, function) else {
            return Err(odd(at));
        };
        let value = match (&*function, arguments.as_slice()) {
            ("collections.OrderedDict", []) => Value::Dict(vec![]),
            (
                "torch._utils._rebuild_tensor_v2",
                [Value::Storage(storage), Value::Int(offset), shape, stride, ..],
            ) => {
                let (Ok(offset), Some(shape), Some(stride)) =
                    (usize::try_from(*offset), shape.sizes(), stride.sizes())
                else {
                    return Err(odd(at));
                };
                if shape.len() != stride.len() {
                    return Err(odd(at));
                }
                Value::Tensor(Rc::new(Tensor { storage: storage.clone(), offset, shape, stride }))
            }
            ("torch._utils._rebuild_parameter", [Value::Tensor(tensor), ..]) => Value::Tensor(tensor.clone()),
            _ => return Err(odd(at)),
        };
        self.stack.push(value);
        Ok(())
    }
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
