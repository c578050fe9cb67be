//! Proof from the weights that no sum leaves its width.
//!
//! A lane's accumulator adds modulo a power of two, so its sum is right as soon as the final value fits
//! ([`sum_bits`]): what partial sums do on the way does not matter. The same holds for the sum over the lanes that
//! carry the planes of codes, modulo 2^32 ([`prove`]).

use spikegate_contract::array::{ArrayConfig, PACKED_BITS};
use spikegate_contract::network::{Form, Network, NodeId, Op, ACC_BITS};

use super::error::PlanError;
use super::layer::{poolings, Kernel, Parts};
use super::pool;
use super::tile::Tile;

/// What the weights of a network add up to; the array does not matter.
pub(super) struct WeightSums(Vec<(NodeId, Vec<Sums>)>);

/// Of one output channel.
#[derive(Clone, Copy)]
struct Sums {
    /// Sum of the weights above zero.
    positive: i64,
    /// Sum of the weights below.
    negative: i64,
}

impl Sums {
    fn of(weights: &[i8]) -> Sums {
        let sum = |part: fn(i8) -> i8| weights.iter().map(|&w| i64::from(part(w))).sum();
        Sums { positive: sum(|w| w.max(0)), negative: sum(|w| w.min(0)) }
    }

    /// Smallest and largest sum of the products with operands of a range.
    fn reach(self, (low, high): (i64, i64)) -> (i64, i64) {
        let Sums { positive, negative } = self;
        (positive * low + negative * high, positive * high + negative * low)
    }
}

/// Checks every layer of a network that is valid.
///
/// # Errors
/// The first output channel whose sum may leave s32 (logits: with their bias).
pub(super) fn prove(net: &Network) -> Result<WeightSums, PlanError> {
    let limit = 1i64 << (ACC_BITS - 1);
    let mut all = Vec::new();
    for layer in net.layers() {
        let rows = layer.weights.chunks_exact((layer.in_c() * layer.k * layer.k).max(1));
        let sums: Vec<Sums> = rows.map(Sums::of).collect();
        for (channel, sums) in sums.iter().enumerate() {
            let (smallest, largest) = sums.reach(layer.input.form.range());
            let bias = i64::from(layer.bias.get(channel).copied().unwrap_or(0));
            let (smallest, largest) = (smallest + bias, largest + bias);
            if largest >= limit || smallest < -limit {
                let reach = largest.max(-smallest);
                return Err(PlanError::Accumulator { node: layer.name.to_owned(), channel, reach });
            }
        }
        all.push((layer.id, sums));
    }
    Ok(WeightSums(all))
}

/// Bits that hold every lane's sum of a network that [`prove`] found good, 8 to 32. Of an untimed code a lane carries some
/// planes, elsewhere all of an operand. Packed weights count 16 times.
pub(super) fn sum_bits(net: &Network, sums: &WeightSums, array: &ArrayConfig) -> usize {
    let parts = &Parts::new();
    let times = |tile: Tile| if tile.packed { 1i64 << PACKED_BITS } else { 1 };
    // Planes of one lane; the lane with the sign counts its highest one negative.
    let planes = |n: usize| (-(1i64 << (n - 1)), (1i64 << n) - 1);
    let layers = sums.0.iter().flat_map(|(id, sums)| {
        let source = net.source(*id);
        let range = match (&source.op, source.out.form) {
            (Op::Input { .. }, _) => planes(array.image_passes()),
            (_, Form::Code { .. }) if !source.out.timed => planes(array.code_passes()),
            (_, form) => form.range(),
        };
        let times = net.layer(*id).map_or(1, |layer| times(Kernel::of(net, &layer, parts).tile(array)));
        sums.iter().map(move |sums| sums.reach(range)).map(move |(low, high)| (low * times, high * times))
    });
    // A pooling's lane sums its timesteps of the stream over the map.
    let pooled = poolings(net).map(|id| {
        let [_, h, w] = net.source(id).out.shape;
        let summed = (h * w * array.time_passes(net.timesteps)) as i64;
        let (low, high) = Form::Stream.range();
        let times = times(pool::tile(net, id, array));
        (low * summed * times, high * summed * times)
    });
    // Bits of a two's complement number from `smallest` to `largest`.
    let bits = |(smallest, largest): (i64, i64)| 65 - largest.max(!smallest).leading_zeros() as usize;
    layers.chain(pooled).map(bits).max().unwrap_or(0).clamp(8, ACC_BITS as usize)
}
