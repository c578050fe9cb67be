//! That no partial sum leaves 32 bits, whatever the order of summation.

use spikegate_contract::network::{Conv, Network};

use crate::GoldenError;

/// Checks every convolution but the head, which is summed in 64 bits.
///
/// # Errors
/// The first channel whose weights, times the largest operand, may leave 32 bits.
pub(super) fn check(net: &Network) -> Result<(), GoldenError> {
    sums(&net.stem.conv, 255)?;
    if let Some(encoder) = &net.encoder {
        sums(&encoder.sca1, 128)?;
        sums(&encoder.sca2, 255)?;
    }
    for (index, block) in net.blocks.iter().enumerate() {
        sums(&block.conv1, 1)?;
        sums(&block.conv2, 1)?;
        if let Some(shortcut) = &block.shortcut {
            let gate = net.encoder.as_ref().filter(|_| index == 0);
            let largest = gate.map_or(1 << 15, |e| (1 << e.gate.gate_bits) - 1);
            sums(shortcut, largest)?;
        }
    }
    Ok(())
}

fn sums(conv: &Conv, largest: i64) -> Result<(), GoldenError> {
    for (channel, weights) in conv.weights.chunks(conv.in_c * conv.k * conv.k).enumerate() {
        let value = weights.iter().map(|&w| i64::from(w).abs() * largest).sum();
        if value > i64::from(i32::MAX) {
            return Err(GoldenError::Accumulator { layer: conv.name.clone(), channel, value });
        }
    }
    Ok(())
}
