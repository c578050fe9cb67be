//! One network, for many arrays: which memories each must have, and its cycles.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::network::Network;

use super::error::PlanError;
use super::passes::Fused;

/// What depends on the network alone is proven and fused once.
pub struct Sizer<'a>(pub(super) Fused<'a>);

/// An array with its memories, and the cycles of one run of the program on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sized {
    /// Memory depths included.
    pub array: ArrayConfig,
    /// Of an image or a batch.
    pub cycles: u64,
}

impl<'a> Sizer<'a> {
    /// The passes that know no array.
    ///
    /// # Errors
    /// The network is not valid, or beyond what the core computes; or a sum could leave 32 bits.
    pub fn new(net: &'a Network) -> Result<Self, PlanError> {
        Fused::of(net).map(Self)
    }

    /// The array that [`plan_with`](super::plan_with) would take, memory depths included, and the cycles of one image or
    /// batch on it. Makes no packets.
    ///
    /// # Errors
    /// As [`plan_with`](super::plan_with).
    pub fn size(&self, array: &ArrayConfig, memory: &MemoryModel) -> Result<Sized, PlanError> {
        let outline = self.0.outline(array.clone(), true, memory, array.batch)?;
        let cycles = outline.plan.steps.iter().map(|step| step.cycles).sum();
        Ok(Sized { array: outline.array, cycles })
    }

    /// The array with the fewest cycles whose memories fit what there is, or the smallest, which does not: first with all maps
    /// on chip, then with residual maps outside, then with all maps there that have no room. As long as it fits, the memory
    /// is doubled that saves the most cycles.
    ///
    /// # Errors
    /// As [`Sizer::size`].
    pub fn within(
        &self,
        array: &ArrayConfig,
        memory: &MemoryModel,
        fits: &dyn Fn(&ArrayConfig) -> bool,
    ) -> Result<Sized, PlanError> {
        let spilling = array.clone().with_spilling().ok();
        let moving = array.clone().with_moves().ok();
        let mut best = self.size(array, memory)?;
        for less in [spilling, moving].iter().flatten() {
            if fits(&best.array) {
                return Ok(best);
            }
            best = self.size(less, memory)?;
        }
        while fits(&best.array) && best.array.moves {
            let memories: [fn(&mut ArrayConfig) -> &mut usize; 3] =
                [|a| &mut a.code_depth, |a| &mut a.spike_depth, |a| &mut a.stream_depth];
            let larger = memories.iter().filter_map(|depth| {
                let mut larger = best.array.clone();
                *depth(&mut larger) *= 2;
                self.size(&larger, memory).ok().filter(|larger| fits(&larger.array))
            });
            match larger.min_by_key(|larger| larger.cycles).filter(|larger| larger.cycles < best.cycles) {
                Some(larger) => best = larger,
                None => break,
            }
        }
        Ok(best)
    }
}
