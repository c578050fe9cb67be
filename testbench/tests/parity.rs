//! Arrays whose memories have parity: every value and every cycle is that of the array without it, and nothing is said of
//! memories that are as they were written. What is said of others: `cli/tests/flips.rs`.

#[allow(dead_code)]
mod support;

use spikegate_compiler::plan::{plan, Planned, Request};
use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::instr::{Instr, Opcode, MOVE_OUT};
use spikegate_contract::network::Network;
use spikegate_golden::random::{demo, network, shape, Rng, Shape};
use std::collections::BTreeMap;
use support::shapes::narrow;
use support::{check_with_gaps_too, grown};

fn runs(array: ArrayConfig, seed: u64, shapes: &[Shape]) {
    let mut rng = Rng(seed);
    let nets: Vec<Network> = shapes.iter().map(|shape| network(&mut rng, shape)).collect();
    let array = grown(&nets.iter().collect::<Vec<_>>(), &array.with_parity());
    println!("{array:?}");
    check_with_gaps_too(&array, 1, &nets, &mut rng, seed);
}

fn array((l, ci, co): (usize, usize, usize), bits: usize) -> ArrayConfig {
    let array = ArrayConfig::new(l, 1, ci, co).expect("an array");
    if bits == 0 {
        array
    } else {
        array.with_memory(bits).expect("a port")
    }
}

#[test]
fn everything_on_chip() {
    let mut rng = Rng(5);
    let shapes: Vec<Shape> = (0..4).map(|_| shape(&mut rng)).collect();
    runs(array((3, 4, 4), 0), 1, &shapes);
}

#[test]
fn batches_of_streamed_weights() {
    let base = Shape { input: [2, 10, 9], stem: 8, stages: vec![(12, 2, 1), (20, 2, 2)], ..demo() };
    runs(array((4, 4, 4), 32).with_batch(2).expect("a batch"), 2, &[base.clone(), Shape { t: 6, ..base }]);
}

#[test]
fn lists_and_spilled_maps() {
    let array = array((4, 8, 4), 32).with_skipping(4).and_then(ArrayConfig::with_spilling).expect("an array");
    runs(array, 3, &[Shape { input: [2, 10, 9], stem: 8, stages: vec![(12, 2, 1), (20, 2, 2)], ..demo() }]);
}

#[test]
fn moved_maps_and_pages() {
    // Of the second the images come as patches.
    let patches =
        Shape { input: [3, 41, 37], stem_kernel: (7, 2), stages: vec![(8, 1, 2), (16, 1, 2)], ..narrow() };
    runs(array((4, 8, 8), 64).with_moves().expect("an array"), 4, &[narrow(), patches]);
}

/// Of every transfer of a moved map between two writes: times it is written, and read; times that the write counts, and the
/// numbers of the reads that count, added up.
fn transfers(planned: &Planned, instructions: &[Instr]) -> Vec<[usize; 4]> {
    let (mut now, mut over) = (BTreeMap::new(), Vec::new());
    for i in instructions.iter().filter(|i| i.op == Opcode::Move as u32) {
        let Ok(map) = Moved::try_from(i.source) else { continue };
        let each = planned.array.moved_transfers(map);
        let counted = (i.length - i.source_time) as usize;
        for segment in 0..=i.groups_in as usize {
            let first = i.first_transfer() + segment * i.weight_group as usize;
            for transfer in 0..i.length as usize * each {
                let counts = usize::from(transfer < counted * each);
                if i.image & MOVE_OUT != 0 {
                    over.extend(now.insert(first + transfer, [1, 0, counts, 0]));
                } else {
                    let image = planned.plan.patches.map(|_| [1, 0, 1, 0]);
                    let there = now.entry(first + transfer);
                    // What nothing has written is the image.
                    let there = there.or_insert_with(|| image.expect("what is read was written"));
                    (there[1], there[3]) = (there[1] + 1, there[3] + counts * (there[1] + 1));
                }
            }
        }
    }
    over.extend(now.into_values());
    over
}

/// What moves is balanced: every transfer that is read counts once when it is written and once when it is read for the last
/// time. Left out are moves in whose middle lies a row that nobody reads, in a map of odd height in front of a stride of 2.
#[test]
fn every_moved_transfer_counts_once() {
    let shapes = [
        narrow(),
        Shape {
            input: [3, 48, 40],
            stem_kernel: (7, 2),
            stages: vec![(8, 2, 2), (16, 2, 2), (24, 1, 2)],
            ..narrow()
        },
        Shape {
            input: [3, 41, 37],
            stem_kernel: (7, 2),
            stages: vec![(8, 1, 2), (16, 1, 2)],
            t: 6,
            ..narrow()
        },
        Shape { t: 7, stages: vec![(16, 2, 2), (20, 2, 1)], last_lif: false, ..narrow() },
    ];
    for (seed, shape) in shapes.iter().enumerate() {
        let net = network(&mut Rng(seed as u64), shape);
        let array = array((4, 8, 8), 64).with_moves().expect("an array").with_parity();
        let planned = plan(&net, Request::Existing(&grown(&[&net], &array))).expect("the network fits");
        for instructions in [&planned.instructions, &planned.trace_instructions] {
            let all = transfers(&planned, instructions);
            let again = all.iter().filter(|[_, reads, ..]| *reads > 1).count();
            let balanced =
                |[_, reads, written, read]: &[usize; 4]| (*written, *read) == ((*reads).min(1), *reads);
            let odd: Vec<_> = all.iter().filter(|of| !balanced(of)).collect();
            println!("{seed}: {} transfers, {again} read again, {} not counted once", all.len(), odd.len());
            assert!(again > 100, "stripes read rows again");
            assert!(odd.iter().all(|of| of[2..] == [0, 0]), "{odd:?}");
            assert!(100 * odd.len() < all.len(), "only rows around one that nobody reads are left out");
        }
    }
}
