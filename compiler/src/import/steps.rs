//! Steps that weights were trained in, beside the weights.

use super::families::BREVITAS;
use super::tensors::Tensors;
use super::ImportError;
use crate::graph::{Assumption, Steps};

/// What LSQ layers keep beside their weights: the step, and whether it has been set.
const LSQ: [&str; 2] = ["alpha", "init_state"];

/// The steps of a file as far as it has been gone through.
#[derive(Debug, Default)]
pub(super) struct Trained {
    /// Their keys.
    keys: Vec<String>,
}

impl Trained {
    /// The steps of a layer whose weights are under `weight`, with the same in other places: one value, or one for every output
    /// channel; `None` where the file has none.
    pub(super) fn read(
        &mut self,
        tensors: &mut Tensors<'_>,
        weight: &str,
        aliases: &[String],
        channels: usize,
    ) -> Result<Option<Box<Steps>>, ImportError> {
        let beside = |key: &str, name: &str| format!("{}{name}", key.strip_suffix("weight").unwrap_or(key));
        let [step, is_set] = LSQ;
        let forms = [(step, Steps::One as fn(Vec<f64>) -> Steps), (BREVITAS, Steps::Last)];
        let there =
            |(name, steps)| Some((beside(weight, name), name, steps)).filter(|(key, ..)| tensors.has(key));
        let Some((key, name, steps)) = forms.into_iter().find_map(there) else { return Ok(None) };
        let expected = format!("[{channels}, 1, 1, 1], or one value");
        let extents = tensors.shape(&key, &expected)?.to_vec();
        let count = extents.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if count != Some(1) && (count != Some(channels) || extents[0] != channels) {
            return Err(tensors.wrong_shape(&key, &expected));
        }
        let others: Vec<String> = aliases.iter().map(|alias| beside(alias, name)).collect();
        let values = tensors.take(&key, &extents, &others)?;
        for weight in aliases.iter().map(String::as_str).chain([weight]) {
            tensors.ignore(beside(weight, is_set));
        }
        let judged = !tensors.is_reading();
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, &v)| v <= 0.0 && !judged) {
            return Err(tensors.not_positive(&key, index, value));
        }
        self.keys.push(tensors.own(&key));
        Ok(Some(Box::new(steps(values.iter().map(|&v| v.into()).cycle().take(channels).collect()))))
    }

    /// What was taken for granted of them.
    pub(super) fn said(self) -> Option<Assumption> {
        let (first, more) = self.keys.split_first()?;
        Some(Assumption {
            what: format!("{first} and {} more", more.len()),
            taken: "the steps of the weights".to_owned(),
            why: "the file says in which steps they were trained; --weight-bits says of how many bits they are, the same number either side \
                  of zero. Those of a stem \
                  whose input channels are divided by unlike deviations are chosen"
                .to_owned(),
        })
    }
}
