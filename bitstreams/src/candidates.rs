//! The arrays that an exploration tries: the one place where they are made.

use spikegate_contract::array::ArrayConfig;

use crate::board::Port;

/// Lanes that are tried: those with even shares of 4, 6 or 8 timesteps and of a code's 8 or 9 bits.
const LANES: [usize; 6] = [1, 2, 3, 4, 6, 8];

/// L, CI and CO of all arrays that are tried.
pub fn sizes() -> Vec<[usize; 3]> {
    let channels = || (1..=6).flat_map(|i| (0..=i).map(move |o| (1usize << i, 1usize << o)));
    LANES.iter().flat_map(|&l| channels().map(move |(ci, co)| [l, ci, co])).collect()
}

/// What arrays have beside their sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// All of them parity.
    pub parity: bool,
    /// Each is tried with packed weights too: the network has layers for which that is of use.
    pub packed: bool,
}

/// Arrays of these sizes with the smallest memories: every number of post lanes, and with a port every use of the memory.
pub fn candidates(sizes: &[[usize; 3]], port: Option<Port>, wanted: Wanted) -> Vec<ArrayConfig> {
    let arrays = sizes.iter().filter_map(|&[l, ci, co]| ArrayConfig::new(l, 1, ci, co).ok());
    let arrays = arrays.flat_map(|a| [1, 2, 4].map(|post| a.clone().with_post(post).ok())).flatten();
    let arrays = arrays.flat_map(|a| memories(a, port));
    let arrays = arrays.map(|a| if wanted.parity { a.with_parity() } else { a });
    arrays.flat_map(|a| [wanted.packed.then(|| a.clone().with_packed()), Some(a)]).flatten().collect()
}

/// An array with everything on chip, with weights in the external memory, with residual maps there too, and with all maps.
fn memories(array: ArrayConfig, port: Option<Port>) -> Vec<ArrayConfig> {
    let streaming = port.and_then(|port| array.clone().with_memory(port.bits).ok());
    let spilling = streaming.clone().and_then(|array| array.with_spilling().ok());
    let moving = spilling.clone().and_then(|array| array.with_moves().ok()).map(ArrayConfig::in_blocks);
    [Some(array), streaming, spilling, moving].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_can_be_built() {
        let alone = candidates(&sizes(), None, Wanted::default());
        assert!(alone.len() > 200, "{}", alone.len());
        assert!(alone.iter().all(|a| a.check().is_ok() && a.memory_bits == 0));
        let port = Port { bits: 128, latency: 40, bytes_per_cycle: 7.4 };
        let all = candidates(&sizes(), Some(port), Wanted::default());
        assert!(all.iter().all(|a| a.check().is_ok()));
        let of = |spills: bool, moves: bool| {
            let same = |a: &&ArrayConfig| (a.spill_depth > 0, a.moves) == (spills, moves);
            all.iter().filter(|a| a.memory_bits == 128).filter(same).count()
        };
        let [plain, spilling, moving] = [of(false, false), of(true, false), of(true, true)];
        assert!(plain > 50 && plain == spilling && moving > 50 && moving <= spilling);
        assert_eq!(all.len(), alone.len() + plain + spilling + moving);
        let both = candidates(&sizes(), Some(port), Wanted { parity: true, packed: true });
        assert!(both.len() == 2 * all.len() && both.iter().all(|a| a.parity && a.check().is_ok()));
        assert_eq!(both.iter().filter(|a| a.packed).count(), all.len());
    }
}
