//! What a pickle is made of, as far as it is kept.

use crate::import::naming::start;
use ::safetensors::tensor::Dtype;
use std::rc::Rc;

/// Dimensions of a tensor, at most: a state_dict has up to five.
pub(in crate::import) const MAX_RANK: usize = 8;

/// Where a tensor's numbers are.
#[derive(Debug)]
pub(in crate::import) struct Storage {
    /// PyTorch's class, e.g. `torch.FloatStorage`.
    pub class: Rc<str>,
    /// File name under `data/`.
    pub name: Rc<str>,
    /// How many elements it has.
    pub elements: u64,
}

impl Storage {
    /// Element type, where it is a plain one.
    pub(in crate::import) fn dtype(&self) -> Option<Dtype> {
        dtype(&self.class)
    }

    /// Bytes of an element; 0 where it is of no plain type.
    pub(in crate::import) fn element(&self) -> usize {
        self.dtype().map_or(0, |dtype| dtype.bitsize() / 8)
    }
}

/// A tensor of a storage; offset and strides in elements.
#[derive(Debug)]
pub(in crate::import) struct Tensor {
    pub storage: Rc<Storage>,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub stride: Vec<usize>,
    /// Whether the values are those of the storage with the sign turned (a lazy negative view).
    pub negated: bool,
}

/// What an operation leaves on the stack.
#[derive(Clone, Debug)]
pub(in crate::import) enum Value {
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
    pub(super) fn depth(&self) -> u8 {
        if let Value::Tuple(_, depth) = self {
            *depth
        } else {
            0
        }
    }

    /// The entries of a tuple of sizes, at most [`MAX_RANK`].
    pub(super) fn sizes(&self) -> Option<Vec<usize>> {
        let Value::Tuple(items, _) = self else { return None };
        let size = |v: &Value| if let Value::Int(n) = v { usize::try_from(*n).ok() } else { None };
        items.iter().map(size).collect()
    }

    /// What it is, in words.
    pub(in crate::import) fn describe(&self) -> String {
        match self {
            Value::Plain(kind) => (*kind).to_owned(),
            Value::Bool(_) | Value::Int(_) => "a number".to_owned(),
            Value::Text(_) => "a text".to_owned(),
            Value::Tuple(..) => "a tuple".to_owned(),
            Value::Dict(_) => "a dict".to_owned(),
            Value::Storage(_) => "a storage".to_owned(),
            Value::Tensor(_) => "a tensor".to_owned(),
            Value::Name(name) | Value::Object(name) => format!("the Python object {}", start(name)),
        }
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
