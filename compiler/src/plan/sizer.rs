//! One network, for many arrays: which memories each must have, and its cycles.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::network::Network;

use super::error::PlanError;
use super::external::External;
use super::passes::{Fused, Timing};

/// What depends on the network alone is proven and fused once.
pub struct Sizer<'a>(pub(super) Fused<'a>);

/// An array with the memories of a network, and what an image costs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// The array, memory depths included.
    pub array: ArrayConfig,
    /// Cycles of an image without waiting for the external memory.
    pub computing: u64,
    /// Bytes of the external memory, from address 0 on, that its programs use.
    pub external: u64,
    /// Words of an image packet, and of a result packet.
    pub words: [usize; 2],
    /// The next image comes when one is done, not beside it.
    pub between: bool,
}

impl<'a> Sizer<'a> {
    /// The passes that know no array.
    ///
    /// # Errors
    /// The network is not valid, or beyond what the core computes; or a sum could leave 32 bits.
    pub fn new(net: &'a Network) -> Result<Self, PlanError> {
        Fused::of(net).map(Self)
    }

    /// The array that [`plan`](super::plan) would take, memory depths included, and what an image costs on it. Makes no
    /// packets.
    ///
    /// # Errors
    /// As [`plan`](super::plan).
    pub fn size(&self, array: &ArrayConfig) -> Result<Size, PlanError> {
        let outline = self.0.outline(array.clone(), true, &MemoryModel::default(), 1, Timing::None)?;
        Ok(Size {
            computing: outline.plan.steps.iter().map(|s| s.cycles).sum(),
            external: outline.external,
            words: self.0.words(&outline),
            between: outline.plan.patches.is_some(),
            array: outline.array,
        })
    }

    /// The cycles of an image or a batch with an external memory; with an even one as [`plan_with`](super::plan_with)
    /// predicts them.
    ///
    /// # Errors
    /// As [`plan_with`](super::plan_with).
    pub fn cycles(&self, array: &ArrayConfig, memory: External<'_>) -> Result<u64, PlanError> {
        let (even, timing) = match memory {
            External::Even(model) => (*model, Timing::Plain),
            External::Board(dram) => (MemoryModel::default(), Timing::On(dram)),
        };
        let outline = self.0.outline(array.clone(), true, &even, array.batch, timing)?;
        Ok(outline.plan.steps.iter().map(|s| s.cycles).sum())
    }

    /// The array whose memories fit what there is, or the smallest, which does not: with all maps on chip if that fits, else
    /// with residual maps outside, else with all maps there that have no room. Of that the memory is doubled that saves the
    /// most cycles, as long as it fits.
    ///
    /// # Errors
    /// As [`Sizer::size`].
    pub fn within(
        &self,
        array: &ArrayConfig,
        memory: &MemoryModel,
        fits: &dyn Fn(&ArrayConfig) -> bool,
    ) -> Result<ArrayConfig, PlanError> {
        let spilling = array.clone().with_spilling().ok();
        let moving = array.clone().with_moves().ok();
        let in_blocks = moving.clone().map(ArrayConfig::in_blocks);
        let mut best = self.size(array)?.array;
        for less in [spilling, in_blocks, moving].iter().flatten() {
            match fits(&best) {
                // It is to move maps, and they need not.
                true if array.moves => break,
                true => return Ok(best),
                false => {}
            }
            best = self.size(less)?.array;
        }
        if !best.moves || !fits(&best) {
            return Ok(best);
        }
        let memory = External::Even(memory);
        let mut cycles = self.cycles(&best, memory)?;
        loop {
            let memories: [fn(&mut ArrayConfig) -> &mut usize; 4] = [
                |a| &mut a.code_depth,
                |a| &mut a.spike_depth,
                |a| &mut a.stream_depth,
                |a| &mut a.weight_depth,
            ];
            let larger = memories.iter().filter_map(|depth| {
                let mut larger = best.clone();
                *depth(&mut larger) *= 2;
                let larger = self.size(&larger).ok()?.array;
                let cycles = fits(&larger).then(|| self.cycles(&larger, memory).ok())??;
                Some((cycles, larger))
            });
            match larger.min_by_key(|(cycles, _)| *cycles).filter(|(fewer, _)| *fewer < cycles) {
                Some(larger) => (cycles, best) = larger,
                None => return Ok(best),
            }
        }
    }
}
