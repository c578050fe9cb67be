//! CIFAR's batches for Python: a pickled dict of `data`, a u8 array of (images, 3072), and `labels` or `fine_labels`.

use super::cifar_form::{Form, Part, CIFAR10, CIFAR100, PIXELS};
use super::pickle::{Id, Tree, Value};
use std::borrow::Cow;

/// Whether a file is a pickle by its first bytes.
pub(super) fn is_pickle(head: &[u8]) -> bool {
    matches!(head, [0x80, 2..=5, ..])
}

/// Images and labels of a batch. The error says what the file lacks.
pub(super) fn read(bytes: &[u8]) -> Result<(Form, Part), &'static str> {
    let tree = Tree::read(bytes).ok_or("it is cut, damaged, or no batch of images")?;
    let Value::Dict(entries) = tree.top() else { return Err("it is no dict") };
    let entry = |name: &str| {
        let is = |key: Id| string(&tree, key).is_some_and(|key| *key == *name.as_bytes());
        entries.iter().find(|(key, _)| is(*key)).map(|(_, value)| *value)
    };
    let (form, labels) = match (entry("fine_labels"), entry("labels")) {
        (Some(labels), _) => (CIFAR100, labels),
        (None, Some(labels)) => (CIFAR10, labels),
        _ => return Err("its dict has no `labels` or `fine_labels`"),
    };
    let data = entry("data").ok_or("its dict has no `data`")?;
    let pixels = array(&tree, data).ok_or("`data` is no u8 array of (images, 3072) in C order")?.into_owned();
    let Value::List(labels) = tree.value(labels) else { return Err("its labels are no list") };
    let label = |id: &Id| match tree.value(*id) {
        Value::Int(n) => u8::try_from(*n).ok(),
        _ => None,
    };
    let labels: Vec<u8> =
        labels.iter().map(label).collect::<Option<_>>().ok_or("a label is no small number")?;
    if labels.len() != pixels.len() / PIXELS {
        return Err("it has not as many labels as images");
    }
    Ok((form, Part { pixels, labels }))
}

/// A string, also one that Python 3 wrote for Python 2, as the encoding of a text.
fn string<'a>(tree: &Tree<'a>, id: Id) -> Option<Cow<'a, [u8]>> {
    match tree.value(id) {
        Value::Bytes(range) => Some(Cow::Borrowed(tree.bytes(range))),
        Value::Object { of, args, .. } if tree.is_name(*of, "_codecs", "encode") => {
            let Value::Bytes(range) = tree.value(*tree.tuple(*args)?.first()?) else { return None };
            let text = std::str::from_utf8(tree.bytes(range)).ok()?;
            Some(Cow::Owned(text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// Bytes of a NumPy array of (images, 3072) u8.
fn array<'a>(tree: &Tree<'a>, id: Id) -> Option<Cow<'a, [u8]>> {
    let Value::Object { of, args, state } = tree.value(id) else { return None };
    let named = |submodule: &str, name: &str| {
        ["numpy.core", "numpy._core"]
            .iter()
            .any(|home| tree.is_name(*of, &format!("{home}.{submodule}"), name))
    };
    // (version, shape, dtype, whether in Fortran order, bytes), or (bytes, dtype, shape, order).
    let (shape, dtype, bytes) = if named("multiarray", "_reconstruct") {
        let &[_, shape, dtype, fortran, bytes] = tree.tuple((*state)?)? else { return None };
        matches!(tree.value(fortran), Value::Bool(false) | Value::Int(0)).then_some((shape, dtype, bytes))?
    } else if named("numeric", "_frombuffer") {
        let &[bytes, dtype, shape, order] = tree.tuple(*args)? else { return None };
        (*string(tree, order)? == *b"C").then_some((shape, dtype, bytes))?
    } else {
        return None;
    };
    let Value::Object { of, args, .. } = tree.value(dtype) else { return None };
    let name = string(tree, *tree.tuple(*args)?.first()?)?;
    let is_u8 = tree.is_name(*of, "numpy", "dtype") && *name == *b"u1";
    let &[rows, columns] = tree.tuple(shape)? else { return None };
    let (Value::Int(rows), Value::Int(columns)) = (tree.value(rows), tree.value(columns)) else {
        return None;
    };
    // A bytearray is a call with its bytes up to protocol 4.
    let bytes = match tree.value(bytes) {
        Value::Object { of, args, .. } if tree.is_name(*of, "builtins", "bytearray") => {
            *tree.tuple(*args)?.first()?
        }
        _ => bytes,
    };
    let bytes = string(tree, bytes)?;
    let fits = *columns == PIXELS as i64 && rows.checked_mul(*columns)? == i64::try_from(bytes.len()).ok()?;
    (is_u8 && fits).then_some(bytes)
}
