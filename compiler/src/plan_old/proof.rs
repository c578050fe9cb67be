//! Proof from the weights that no sum leaves its width.
//!
//! A lane's accumulator adds modulo a power of two, so its sum is right as soon as the final value fits
//! ([`sum_bits`]): what partial sums do on the way does not matter. The same holds for the sum over the lanes that
//! carry the planes of codes, modulo 2^32 ([`prove`]).

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::{Conv, Network, ACC_BITS, ATTENTION_CODE_BITS, IMAGE_CODE_BITS};

use super::PlanError;

/// Smallest and largest operand value.
type Range = (i64, i64);

/// Largest number of values whose sum of s16 stays within the 40 bits of the statistics.
const MAX_STATISTICS: usize = 1 << 24;

/// Checks every convolution of a network whose arrays have the right lengths.
///
/// # Errors
/// The first output channel whose sum may leave s32 (logits: with their bias), or a stem map too large for the
/// sum over it.
pub fn prove(net: &Network) -> Result<(), PlanError> {
    let signed = |bits: usize| (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1);
    let unsigned = |bits: usize| (0, (1i64 << bits) - 1);

    sums(&net.stem.conv, signed(IMAGE_CODE_BITS), &[])?;
    let values = net.stem.conv.out_c * net.stem.conv.out_hw.iter().product::<usize>();
    if values > MAX_STATISTICS {
        return Err(PlanError::Limit {
            layer: net.stem.conv.name.clone(),
            what: "number of values in the stem's map",
            got: values as i64,
            expected: format!("at most {MAX_STATISTICS}"),
            todo: "use smaller images",
        });
    }
    if let Some(encoder) = &net.encoder {
        sums(&encoder.sca1, signed(ATTENTION_CODE_BITS), &[])?;
        sums(&encoder.sca2, unsigned(ATTENTION_CODE_BITS), &[])?;
    }
    for (index, block) in net.blocks.iter().enumerate() {
        sums(&block.conv1, (0, 1), &[])?;
        sums(&block.conv2, (0, 1), &[])?;
        if let Some(conv) = &block.shortcut {
            let gate = net.encoder.as_ref().filter(|_| index == 0);
            let range = gate.map_or(signed(16), |e| unsigned(e.gate.gate_bits.into()));
            sums(conv, range, &[])?;
        }
    }
    let operand = if net.head.pool.is_some() { signed(16) } else { (0, head_counts(net) as i64) };
    sums(&net.head.conv, operand, &net.head.bias)
}

/// Largest spike count of one channel, T * H * W of the last block.
pub(super) fn head_counts(net: &Network) -> usize {
    let hw = net.blocks.last().map_or(net.stem.conv.out_hw, |b| b.conv2.out_hw);
    net.t * hw[0] * hw[1]
}

/// Bits that hold every lane's sum of a network that [`prove`] found good, 8 to 32. A lane of the stem and of the
/// spatial attention carries some planes of a code, elsewhere all of an operand.
pub(super) fn sum_bits(net: &Network, array: &ArrayConfig) -> usize {
    // Planes of one lane; the lane with the sign counts its highest one negative.
    let planes = |n: usize| (-(1i64 << (n - 1)), (1i64 << n) - 1);
    let stream = (-(1i64 << 15), (1i64 << 15) - 1);
    let head = if net.head.pool.is_some() { stream } else { (0, head_counts(net) as i64) };
    let mut convs = vec![(&net.stem.conv, planes(array.image_passes())), (&net.head.conv, head)];
    if let Some(encoder) = &net.encoder {
        convs.extend([&encoder.sca1, &encoder.sca2].map(|conv| (conv, planes(array.code_passes()))));
    }
    for (index, block) in net.blocks.iter().enumerate() {
        convs.extend([(&block.conv1, (0, 1)), (&block.conv2, (0, 1))]);
        let gate = net.encoder.as_ref().filter(|_| index == 0);
        let range = gate.map_or(stream, |e| (0, (1i64 << e.gate.gate_bits) - 1));
        convs.extend(block.shortcut.iter().map(|conv| (conv, range)));
    }
    // Without the last LIF a lane sums its timesteps of the stream over the last map.
    let summed = (head_counts(net) / net.t * array.time_passes(net.t)) as i64;
    let pooled = net.head.pool.is_some().then_some((stream.0 * summed, stream.1 * summed));
    let ends = convs.into_iter().flat_map(|(conv, range)| reach(conv, range).collect::<Vec<_>>());
    let ends = ends.chain(pooled);
    // Bits of a two's complement number from `smallest` to `largest`.
    let bits = |(smallest, largest): (i64, i64)| 65 - largest.max(!smallest).leading_zeros() as usize;
    ends.map(bits).max().unwrap_or(0).clamp(8, ACC_BITS as usize)
}

/// Smallest and largest sum of each output channel.
fn reach(conv: &Conv, (low, high): Range) -> impl Iterator<Item = (i64, i64)> + '_ {
    conv.weights.chunks_exact((conv.in_c * conv.k * conv.k).max(1)).map(move |weights| {
        let positive: i64 = weights.iter().map(|&w| i64::from(w.max(0))).sum();
        let negative: i64 = weights.iter().map(|&w| i64::from(w.min(0))).sum();
        (positive * low + negative * high, positive * high + negative * low)
    })
}

fn sums(conv: &Conv, range: Range, bias: &[i32]) -> Result<(), PlanError> {
    let limit = 1i64 << (ACC_BITS - 1);
    for (channel, (smallest, largest)) in reach(conv, range).enumerate() {
        let bias = i64::from(bias.get(channel).copied().unwrap_or(0));
        let (smallest, largest) = (smallest + bias, largest + bias);
        if largest >= limit || smallest < -limit {
            let reach = largest.max(-smallest);
            return Err(PlanError::Accumulator { layer: conv.name.clone(), channel, reach });
        }
    }
    Ok(())
}
