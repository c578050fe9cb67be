//! Step 6: one residual block.

use spikegate_contract::network::Block;
use spikegate_contract::tensor::{names, Tensor};

use crate::arith::Clamp;
use crate::{Context, GoldenError, SaturationKind};

/// The stream r' that leaves the block. `stream` is r, `projected` is what a projection reads instead
/// (Yc for block 0 of the network, else r), `spikes` is s.
///
/// # Errors
/// A sum that leaves 32 bits.
pub(crate) fn block(
    ctx: &mut Context,
    block: &Block,
    stream: &Tensor,
    projected: &Tensor,
    spikes: &Tensor,
) -> Result<Tensor, GoldenError> {
    let name = |suffix: &str| format!("{}.{suffix}", block.name);

    let shortcut = match &block.shortcut {
        None => stream.clone(),
        Some(conv) => {
            let projection = ctx.requantised(conv, projected, &name(names::SHORTCUT))?;
            ctx.record(&projection);
            projection
        }
    };

    let current1 = ctx.requantised(&block.conv1, spikes, &block.conv1.name)?;
    let spikes1 = ctx.lif(&current1, block.threshold1, &name(names::SPIKES1));
    let main = ctx.requantised(&block.conv2, &spikes1, &block.conv2.name)?;

    let mut out = Tensor::zeros(name(names::STREAM), main.dims);
    let mut clamp = Clamp::new(SaturationKind::Residual, &block.name);
    for at in 0..out.data.len() {
        out.data[at] = clamp.sat16(i128::from(main.data[at]) + i128::from(shortcut.data[at]));
    }
    ctx.saturations.0.push(clamp.done());
    ctx.record(&out);
    Ok(out)
}

/// The spikes s' that leave the block, of its stream r'.
pub(crate) fn fire(ctx: &mut Context, block: &Block, stream: &Tensor) -> Tensor {
    ctx.lif(stream, block.threshold_out, &format!("{}.{}", block.name, names::SPIKES))
}
