//! Layer after layer: weights of few bits are rounded for what the layer reads in the integer network, not in the float one.
//!
//! What the layers before a layer got wrong is in what it reads: its mean error goes into the layer's bias, and its weights
//! are rounded by the covariance of the values that they will meet. Inputs of nearly all layers are spikes, so that the
//! covariance comes from an integer matrix: how often each two of them fire together.

use rayon::prelude::*;
use spikegate_contract::network::{Network, Op};
use spikegate_golden::fast::{Prepared, Seen};

use super::operands::Operands;
use super::walk::Weighed;
use super::{EvaluateError, QuantiseError};
use crate::calibrate::{samplers, Calibration, Moments, Sampler, Windows};
use crate::graph;
use ndarray::Array4;

/// Images in flight.
const GROUP: usize = 8;
/// Largest window whose covariance is known, of one layer at a time: 512 channels under a kernel of 3 take 170 MB.
const LARGEST: usize = 4608;

/// Rounds the layers of a quantised network again, in their order, each for what it reads of these images (bytes in
/// `[C, H, W]` order) in the integer network so far. `done` is called after every layer with the number of those done.
///
/// # Errors
/// A network that does not fit together or that the golden model refuses, or an image of another size than its input.
pub(super) fn compensate<I: AsRef<[u8]> + Sync>(
    net: &graph::Network,
    cal: &Calibration,
    mut integer: Network,
    layers: &[Weighed<'_>],
    images: &[I],
    done: &(dyn Fn(usize, usize) + Sync),
) -> Result<Network, EvaluateError> {
    let samplers = samplers(net, images.len())?;
    for (number, layer) in layers.iter().enumerate() {
        let name = &integer.node(layer.id).name;
        // The image is the same in both networks.
        let read_as_meant = matches!(integer.node(layer.operand.id).op, Op::Input { .. });
        if let (false, Some(sampler), Some(meant)) = (read_as_meant, samplers.get(name), cal.moments(name)) {
            let own = own(&integer, layer, sampler, images)?;
            integer.nodes[layer.id.0].op = (layer.round)(&Operands::own(&own, meant));
        }
        done(number + 1, layers.len());
    }
    Ok(integer)
}

/// The moments of what a layer of the integer network reads, in units of the float network.
fn own<I: AsRef<[u8]> + Sync>(
    integer: &Network,
    layer: &Weighed<'_>,
    sampler: &Sampler,
    images: &[I],
) -> Result<Moments, EvaluateError> {
    let engine = Prepared::new(integer)?;
    let operand = integer.node(layer.operand.id);
    let [c, h, w] = operand.out.shape;
    let shape = [integer.steps(&operand.out), h, w, c];
    let windows = |(number, image): (usize, &I)| {
        let mut windows = Ok(Windows::default());
        engine.run_until(image.as_ref(), layer.operand.id, &mut |seen| {
            // From (t, y, x, c) to (t, c, y, x).
            let values = Array4::from_shape_vec(shape, in_units(seen, layer.operand.unit));
            let sampled = values.map(|map| sampler.sample(number, map.view().permuted_axes([0, 3, 1, 2])));
            windows = sampled.map_err(|_| QuantiseError::Operand {
                node: integer.node(layer.id).name.clone(),
                operand: operand.name.clone(),
                got: "a map of another shape",
                expected: "that of the float network",
            });
        })?;
        Ok(windows?)
    };
    let mut moments = Moments::up_to(LARGEST, sampler.values());
    // In groups, so that memory stays small; added in order, so that sums are always the same.
    for (group, images) in images.chunks(GROUP).enumerate() {
        let seen =
            images.par_iter().enumerate().map(|(index, image)| windows((group * GROUP + index, image)));
        let seen: Vec<Windows> = seen.collect::<Result<_, EvaluateError>>()?;
        moments.add(&seen.iter().collect::<Vec<_>>());
    }
    Ok(moments)
}

/// Values of a tensor.
fn in_units(seen: Seen<'_>, unit: f64) -> Vec<f64> {
    match seen {
        Seen::Spikes(spikes) => spikes.iter().map(|&v| f64::from(v)).collect(),
        Seen::Stream(values) | Seen::Codes(values) => values.iter().map(|&v| f64::from(v) * unit).collect(),
        Seen::Bytes(codes, zero) => codes.iter().map(|&v| (f64::from(v) - f64::from(zero)) * unit).collect(),
        Seen::Wide(values) => values.iter().map(|&v| v as f64 * unit).collect(),
    }
}
