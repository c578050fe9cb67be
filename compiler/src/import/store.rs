//! Where a file's tensors lie, and reading those that are wanted.

use super::input::Input;
use super::naming::start;
use super::pth::Archive;
use super::unpickle;
use ::safetensors::tensor::Dtype;
use std::io::{Read, Seek, SeekFrom};
use std::rc::Rc;

/// One key of a file.
pub(super) struct Entry {
    /// Element type in words.
    pub kind: String,
    /// Element type, where it is a plain one.
    pub dtype: Option<Dtype>,
    /// Extents.
    pub shape: Vec<usize>,
    pub place: Place,
}

/// Where the values are.
#[derive(Clone)]
pub(super) enum Place {
    /// Bytes of a safetensors file, from its start.
    File { at: u64, bytes: usize },
    /// A view of a checkpoint's storage.
    View(Rc<unpickle::Tensor>),
    /// Nowhere: this is no tensor.
    None,
}

impl Entry {
    pub(super) fn new(dtype: Dtype, shape: Vec<usize>, place: Place) -> Entry {
        Entry { kind: format!("{dtype:?}"), dtype: Some(dtype), shape, place }
    }

    /// A tensor of a checkpoint.
    pub(super) fn view(tensor: &Rc<unpickle::Tensor>) -> Entry {
        let (class, dtype) = (&tensor.storage.class, tensor.storage.dtype());
        let kind = dtype.map_or_else(|| start(class), |dtype| format!("{dtype:?}"));
        Entry { kind, dtype, shape: tensor.shape.clone(), place: Place::View(tensor.clone()) }
    }

    /// Something that is no tensor, in words.
    pub(super) fn other(kind: String) -> Entry {
        Entry { kind, dtype: None, shape: vec![], place: Place::None }
    }
}

impl Place {
    /// Whether another place holds the same values by construction.
    pub(super) fn is(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::View(a), Place::View(b)) => {
                let same = (&a.storage.name, a.offset, a.negated) == (&b.storage.name, b.offset, b.negated);
                same && (&a.shape, &a.stride) == (&b.shape, &b.stride)
            }
            _ => false,
        }
    }
}

/// What holds the values.
pub(super) enum Store<'a> {
    File(Input<'a>),
    Archive(Archive<'a>),
}

impl Store<'_> {
    /// That a tensor's values are there, as far as directories say; announces that it will be read once.
    pub(super) fn judge(&mut self, place: &Place) -> Result<(), String> {
        match (self, place) {
            (Store::Archive(archive), Place::View(tensor)) => archive.judge(tensor),
            _ => Ok(()),
        }
    }

    /// A tensor's bytes in index order, those of its values whatever view they are stored as.
    pub(super) fn read(&mut self, place: &Place) -> Result<Vec<u8>, String> {
        match (self, place) {
            (Store::File(input), &Place::File { at, bytes }) => {
                let mut out = vec![0; bytes];
                input
                    .seek(SeekFrom::Start(at))
                    .and_then(|_| input.read_exact(&mut out))
                    .map_err(|e| format!("cannot be read: {e}"))?;
                Ok(out)
            }
            (Store::Archive(archive), Place::View(tensor)) => archive.read(tensor),
            _ => Err("has no values".to_owned()),
        }
    }
}
