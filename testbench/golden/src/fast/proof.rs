//! That no partial sum leaves 32 bits, whatever the order of summation.

use spikegate_contract::network::{Layer, Network, Op};

use crate::GoldenError;

/// Checks every convolution, from the range of what it reads. (Linear layers are summed in 64 bits.)
///
/// # Errors
/// The first channel whose weights, times the ends of the range, may leave 32 bits.
pub(super) fn check(net: &Network) -> Result<(), GoldenError> {
    net.layers()
        .filter(|layer| matches!(net.node(layer.id).op, Op::Conv(_)))
        .try_for_each(|layer| sums(&layer))
}

fn sums(layer: &Layer) -> Result<(), GoldenError> {
    let (low, high) = layer.input.form.range();
    let terms = layer.in_c() * layer.k * layer.k;
    for (channel, weights) in layer.weights.chunks(terms).enumerate() {
        // Every range has 0 in it: no partial sum is larger than all the largest terms, nor smaller than the smallest.
        let ends = |w: &i8| [i64::from(*w) * low, i64::from(*w) * high];
        let largest: i64 = weights.iter().map(|w| ends(w).into_iter().max().unwrap_or(0)).sum();
        let smallest: i64 = weights.iter().map(|w| ends(w).into_iter().min().unwrap_or(0)).sum();
        for value in [largest, smallest] {
            if i32::try_from(value).is_err() {
                return Err(GoldenError::Accumulator { node: layer.name.to_owned(), channel, value });
            }
        }
    }
    Ok(())
}
