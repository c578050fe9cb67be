//! Bits that flip in the core's memories after the program was loaded. Nothing reads the memories back.

use spikegate_contract::network::Network;
use spikegate_golden::random::Rng;

use super::Home;

/// Of `flips` single bits in weights and requantisation parameters: how many change no result, and how many a result
/// that nobody questions.
pub fn flips(home: &Home, flips: u64) -> (u64, u64) {
    let run = |network: &Network| -> Vec<Vec<i32>> {
        let network = network.into();
        let logits = |image: &Vec<u8>| {
            let outcome = spikegate_golden::fast::Prepared::new(&network).and_then(|p| p.run(image));
            outcome.map(|o| o.logits).unwrap_or_default()
        };
        home.images.iter().map(logits).collect()
    };
    let right = run(&home.network);
    let mut same = 0;
    for seed in 0..flips {
        let rng = &mut Rng(seed);
        let mut network = home.network.clone();
        let mut convs = network.convs_mut();
        let index = rng.size(0, convs.len() - 1);
        let conv = &mut convs[index];
        if rng.chance(4, 5) || conv.requant.is_empty() {
            let at = rng.size(0, conv.weights.len() - 1);
            conv.weights[at] ^= 1 << rng.range(0, 7);
        } else {
            let at = rng.size(0, conv.requant.len() - 1);
            conv.requant[at].b ^= 1 << rng.range(0, 30);
        }
        drop(convs);
        same += u64::from(run(&network) == right);
    }
    (same, flips - same)
}
