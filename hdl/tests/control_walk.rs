//! The walkers against a plain loop nest, and against their Verilog.

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::array::column::LaneSum;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;

/// splitmix64
struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// What a lane should hold: the same recurrence on plain integers, fed through the documented delays.
#[test]
fn lane_sum_adds_masked_weights() {
    for slots in [1usize, 2, 4, 8, 16] {
        let mut rng = Rng(slots as u64);
        let mut array = ArrayConfig::new(1, 1, slots, 1).unwrap();
        array.post = 1;
        let tree = array.tree_registers();
        let mut lane = LaneSum::new(slots, 32);
        let mut recorder = Recorder::default();
        let (mut accumulator, mut captured) = (0i64, 0i64);
        let mut sums = std::collections::VecDeque::from(vec![0i64; 1 + tree]);
        for cycle in 0..300 {
            let mut sum = 0;
            for i in 0..slots {
                let weight = match cycle % 7 {
                    0 => -128,
                    1 => 127,
                    _ => rng.below(256) as i64 - 128,
                };
                let mask = match cycle % 5 {
                    0 => true,
                    1 => false,
                    _ => rng.below(2) == 1,
                };
                lane.weight[i].next = Value(i128::from(weight));
                lane.mask[i].next = mask;
                sum += if mask { weight } else { 0 };
            }
            sums.push_back(sum);
            let sum = sums.pop_front().unwrap();
            let flags = rng.next();
            let bit = |i: u32| flags >> i & 1 == 1;
            // The sign comes a cycle ahead, for the tree's last level, and again with the sum.
            lane.negative.next = lane.flip.next;
            lane.flip.next = bit(0);
            lane.restart.next = bit(2) & bit(3) & bit(4);
            lane.twice.next = bit(5) & bit(6);
            lane.last.next = bit(8);
            recorder.cycle(&mut lane, |l| &mut l.clk);
            let base = if lane.twice.next { 2 * accumulator } else { accumulator };
            accumulator = i64::from((base + if lane.negative.next { -sum } else { sum }) as i32);
            if lane.last.next {
                captured = accumulator;
            }
            if lane.restart.next {
                accumulator = 0;
            }
            assert_eq!(lane.sum.val().0, i128::from(captured), "slots {slots} cycle {cycle}");
        }
        recorder.replay(&lane, "lane_sum");
    }
}
