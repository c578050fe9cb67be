//! Bits that flip in the core's memories after the program was loaded. Nothing reads the memories back.

use spikegate_contract::network::{Conv, Linear, Network, NodeId, Op};
use spikegate_golden::random::Rng;

use super::Home;

/// Of `flips` single bits in weights and requantisation parameters: how many change no result, and how many a result
/// that nobody questions.
pub fn flips(home: &Home, flips: u64) -> (u64, u64) {
    let run = |network: &Network| -> Vec<Vec<i32>> {
        let logits = |image: &Vec<u8>| {
            let outcome = spikegate_golden::fast::Prepared::new(network).and_then(|p| p.run(image));
            outcome.map(|o| o.logits).unwrap_or_default()
        };
        home.images.iter().map(logits).collect()
    };
    let right = run(&home.network);
    let mut same = 0;
    for seed in 0..flips {
        let rng = &mut Rng(seed);
        let mut network = home.network.clone();
        let layers: Vec<NodeId> = network.layers().map(|layer| layer.id).collect();
        match &mut network.nodes[layers[rng.size(0, layers.len() - 1)].0].op {
            Op::Conv(Conv { requant, .. }) if rng.chance(1, 5) => {
                let at = rng.size(0, requant.len() - 1);
                requant[at].b ^= 1 << rng.range(0, 30);
            }
            Op::Conv(Conv { weights, .. }) | Op::Linear(Linear { weights, .. }) => {
                let at = rng.size(0, weights.len() - 1);
                weights[at] ^= 1 << rng.range(0, 7);
            }
            other => panic!("a layer is no {}", other.name()),
        }
        same += u64::from(run(&network) == right);
    }
    (same, flips - same)
}
