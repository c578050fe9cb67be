//! The golden model: the integer network of [`spikegate_contract::network`] in plain Rust.
//!
//! [`run`] follows the steps of that module's documentation in their order, one function per step, in wide
//! integers. It is written to be read beside the specification, not to be fast, and depends on the contract
//! alone: agreement with the hardware would prove nothing if the two shared arithmetic.
//!
//! | module | what |
//! | --- | --- |
//! | [`validate`](fn@validate) | that a network is complete and within the ranges of the contract |
//! | `arith` | the one place that rounds and the one that saturates |
//! | `conv`, `lif` | convolution with a 32-bit check, and the LIF recurrence |
//! | `encoder`, `block`, `head` | the steps |
//! | [`fast`] | the same results from a zero-skipping engine, for whole test sets |
//! | [`random`] | seeded random networks and images |
//! | [`trace`] | the tensors as the core's dump packets, and back |
//!
//! No input makes these functions panic: a bad network is a [`GoldenError`] that names the layer.

mod arith;
mod block;
mod conv;
mod encoder;
mod error;
pub mod fast;
mod head;
mod lif;
mod outcome;
pub mod random;
mod record;
#[cfg(test)]
mod tests;
pub mod trace;
mod validate;

pub use error::GoldenError;
pub use outcome::{Outcome, Population, Saturation, SaturationKind, Saturations};
pub use record::Recorder;
pub use validate::validate;

use spikegate_contract::network::Network;

/// What the steps hand on beside tensors.
struct Context<'a> {
    net: &'a Network,
    recorder: &'a mut dyn Recorder,
    saturations: Saturations,
    populations: Vec<Population>,
}

/// Runs one image. `pixels` are u8 in (c, y, x) order; `recorder` receives every tensor of
/// [`spikegate_contract::tensor::names`] in execution order (a block's shortcut before its conv1).
///
/// # Errors
/// [`GoldenError::Invalid`] for a network that [`validate`](fn@validate) refuses, [`GoldenError::Pixels`] for an image of another
/// size, [`GoldenError::Accumulator`] when a convolution sum or a logit leaves 32 bits.
pub fn run(net: &Network, pixels: &[u8], recorder: &mut dyn Recorder) -> Result<Outcome, GoldenError> {
    validate(net)?;
    let mut ctx = Context { net, recorder, saturations: Saturations::default(), populations: Vec::new() };

    let codes = encoder::codes(&net.input, pixels)?; // step 1
    let stem = encoder::stem(&mut ctx, &codes)?; // step 2

    // `projected` is what a projection of block 0 reads.
    let (mut spikes, mut stream, mut projected) = match &net.encoder {
        Some(encoder) => {
            let ta = encoder::temporal_attention(&mut ctx, &encoder.temporal, &stem); // step 3
            let sca = encoder::spatial_attention(&mut ctx, encoder, &stem.xq)?; // step 4
            let gated = encoder::gate(&mut ctx, &encoder.gate, &stem.spikes, &ta, &sca); // step 5
            (gated.spikes, gated.y, gated.yc)
        }
        // Direct coding.
        None => {
            let x = encoder::constant(&stem.x, net.t);
            (stem.spikes, x.clone(), x)
        }
    };
    for (index, block) in net.blocks.iter().enumerate() {
        stream = block::block(&mut ctx, block, &stream, &projected, &spikes)?; // step 6
        if index + 1 < net.blocks.len() || net.head.pool.is_none() {
            spikes = block::fire(&mut ctx, block, &stream);
        }
        projected = stream.clone();
    }

    // Step 7.
    let (values, counts) = match &net.head.pool {
        Some(pool) => (head::pooled(&mut ctx, pool, &stream), Vec::new()),
        None => {
            let counts = head::counts(&mut ctx, &spikes);
            (counts.clone(), counts.data)
        }
    };
    let logits = head::logits(&mut ctx, &values)?;
    let class = head::argmax(&logits);
    Ok(Outcome { class, logits, counts, saturations: ctx.saturations, spikes: ctx.populations })
}
