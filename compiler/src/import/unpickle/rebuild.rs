//! Tensors out of the calls that would have made them. Source: PyTorch's `torch/_utils.py` and `torch/serialization.py`.

use std::rc::Rc;

use super::machine::{odd, Machine};
use super::value::{Storage, Tensor, Value, MAX_RANK};
use crate::import::naming::{is_key, shown};

/// Bytes of a storage's name, at most: PyTorch counts them.
const MAX_STORAGE_NAME: usize = 64;

impl Machine<'_> {
    /// `('storage', type, name, device, elements)`
    pub(super) fn persistent(&mut self, at: usize) -> Result<(), String> {
        let Value::Tuple(id, _) = self.pop()? else { return Err(odd(at)) };
        let [Value::Text(kind), Value::Name(class), Value::Text(name), _, Value::Int(elements), ..] = &*id
        else {
            return Err(odd(at));
        };
        let elements = u64::try_from(*elements).map_err(|_| odd(at))?;
        if &**kind != "storage" || name.len() > MAX_STORAGE_NAME || !is_key(name) {
            return Err(odd(at));
        }
        let (class, name) = (class.clone(), name.clone());
        self.stack.push(Value::Storage(Rc::new(Storage { class, name, elements })));
        Ok(())
    }

    /// What a callee makes of its arguments: the few that checkpoints are built of; of any other, its name.
    pub(super) fn make(&mut self, callee: Value, arguments: &Value, at: usize) -> Result<(), String> {
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
                    let key = if let Value::Text(key) = key { shown(key) } else { key.describe() };
                    return Err(format!(
                        "a tensor in it carries the metadata {key}, whose meaning for its values is not known: save \
                         the state_dict with every tensor resolved, \
                         {{k: v.resolve_conj().resolve_neg().clone() for k, v in model.state_dict().items()}}"
                    ));
                }
            }
        }
        Ok(negated)
    }
}
