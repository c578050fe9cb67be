//! Which layers need wide weights: widths that a budget of memory allows, by what each layer's narrow weights cost.

use rayon::prelude::*;
use spikegate_contract::network::Network;
use spikegate_golden::fast::Prepared;
use std::collections::BTreeMap;

use super::{quantise, EvaluateError, Options, QuantiseError};
use crate::calibrate::Calibration;
use crate::graph;

/// The widths that are mixed.
const NARROW: u8 = 4;
const WIDE: u8 = 8;

/// Options in which layers have 8 or 4 bits, so that all weights together take at most `budget` bytes (two weights of 4 bits
/// in one). What the narrow weights of a layer cost is measured on these images (bytes in `[C, H, W]` order): the squared
/// change of the logits when it is the only narrow one. Layers become wide in the order of what that saves a byte. `done` is
/// called after every layer with the number of those measured, and of all.
///
/// # Errors
/// As [`super::quantise`]; a budget below that of narrow weights alone; a network that the golden model refuses.
pub fn mixed<I: AsRef<[u8]> + Sync>(
    net: &graph::Network,
    cal: &Calibration,
    options: &Options,
    budget: u64,
    images: &[I],
    done: &(dyn Fn(usize, usize) + Sync),
) -> Result<Options, EvaluateError> {
    let of_bits = |weight_bits| {
        let options = Options { weight_bits, layer_bits: BTreeMap::new(), ..options.clone() };
        quantise(net, cal, &options)
    };
    let (wide, narrow) = (of_bits(WIDE)?, of_bits(NARROW)?);
    let bytes = |weights: usize, bits: u8| (weights as u64 * u64::from(bits)).div_ceil(8);
    let mut taken: u64 = narrow.layers().map(|layer| bytes(layer.weights.len(), NARROW)).sum();
    if taken > budget {
        return Err(QuantiseError::Budget { budget, least: taken }.into());
    }
    let right = logits(&wide, images)?;
    let count = wide.layers().count();
    let mut costs = Vec::new();
    for (number, layer) in narrow.layers().enumerate() {
        let mut one = wide.clone();
        one.nodes[layer.id.0].op = narrow.node(layer.id).op.clone();
        let cost: f64 = logits(&one, images)?.iter().zip(&right).map(|(a, b)| (a - b).powi(2)).sum();
        let more = bytes(layer.weights.len(), WIDE) - bytes(layer.weights.len(), NARROW);
        costs.push((cost / more.max(1) as f64, more, layer.name.to_owned()));
        done(number + 1, count);
    }
    costs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut layer_bits = BTreeMap::new();
    for (_, more, name) in costs {
        let fits = taken + more <= budget;
        taken += if fits { more } else { 0 };
        layer_bits.insert(name, if fits { WIDE } else { NARROW });
    }
    Ok(Options { weight_bits: NARROW, layer_bits, ..options.clone() })
}

/// The logits of all images, in units of the float network.
fn logits<I: AsRef<[u8]> + Sync>(net: &Network, images: &[I]) -> Result<Vec<f64>, EvaluateError> {
    let engine = Prepared::new(net)?;
    let unit = net.logit_unit();
    let each: Result<Vec<_>, EvaluateError> =
        images.par_iter().map(|image| Ok(engine.run(image.as_ref())?.logits)).collect();
    Ok(each?.into_iter().flatten().map(|logit| f64::from(logit) * unit).collect())
}
