//! The planner against the one before it.
#![allow(clippy::unwrap_used)]

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{MemoryModel, Plan};
use spikegate_contract::network;
use spikegate_golden::random::{self, Rng};

use crate::plan::{plan_batch, plan_with, plan_within, PlanError, Planned, Request};
use crate::plan_old as old;

fn array(rng: &mut Rng) -> Option<ArrayConfig> {
    let co = rng.pick(&[1, 2, 4, 8, 16]);
    let ci = co * rng.pick(&[1, 1, 2, 4]);
    let array = ArrayConfig::new(rng.size(1, 9), 1, ci, co).ok()?;
    let post = rng.pick(&[1, 1, 2, 4]);
    let mut array = if post <= co && rng.chance(1, 2) { array.with_post(post).ok()? } else { array };
    if rng.chance(1, 3) {
        array = array.with_skipping(rng.size(1, 6)).ok()?;
    }
    if rng.chance(2, 3) {
        array = array.with_memory(rng.pick(&[32, 64, 128])).ok()?;
        if rng.chance(2, 3) {
            array = array.with_spilling().ok()?;
        }
        if array.skip_groups == 0 && rng.chance(1, 2) {
            array = array.with_batch(rng.size(1, 4)).ok()?;
        }
    }
    Some(array)
}

fn nameless(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for step in plan.steps.iter_mut().chain(&mut plan.trace_steps) {
        if !step.name.starts_with("dump ") && step.name != "take" && step.name != "finish" {
            step.name.clear();
        }
    }
    for map in plan.map_spill.iter_mut().flat_map(|spill| &mut spill.maps) {
        map.clear();
    }
    plan
}

/// Whether both were planned.
fn compare(what: &str, new: Result<Planned, PlanError>, old: Result<old::Planned, old::PlanError>) -> bool {
    match (new, old) {
        (Ok(new), Ok(old)) => {
            assert_eq!(new.array, old.array, "{what}");
            assert_eq!(nameless(&new.plan), nameless(&old.plan), "{what}");
            assert_eq!(new.instructions, old.instructions, "{what}");
            assert_eq!(new.trace_instructions, old.trace_instructions, "{what}");
            assert!(new.packets == old.packets && new.trace_packets == old.trace_packets, "{what}");
            true
        }
        (Err(new), Err(old)) => {
            if !new.to_string().contains("calibrate") && !old.to_string().contains("layer") {
                assert_eq!(new.to_string(), old.to_string(), "{what}");
            }
            false
        }
        (new, old) => panic!("{what}: {:?} {:?}", new.err(), old.err()),
    }
}

fn both(seed: u64, net: &network::Network, array: &ArrayConfig, rng: &mut Rng) -> [bool; 3] {
    let what = format!("seed {seed}, {array:?}");
    let memory = MemoryModel { latency: 20, bytes_per_1000_cycles: rng.pick(&[0, 2500]) };
    let memory = if array.memory_bits > 0 { memory } else { MemoryModel::default() };
    let new = plan_with(net, Request::New(array), &memory);
    let grown = new.as_ref().ok().map(|planned| planned.array.clone());
    let spilled = new.as_ref().is_ok_and(|planned| planned.plan.map_spill.is_some());
    let planned = compare(&what, new, old::plan_with(net, old::Request::New(array), &memory));
    if let Some(mut grown) = grown {
        let images = rng.size(1, grown.batch);
        grown.stream_depth = (grown.stream_depth / rng.pick(&[1, 1, 2, 4])).max(1);
        let what = format!("existing, {images} images, {what}");
        let new = plan_batch(net, Request::Existing(&grown), &memory, images);
        compare(&what, new, old::plan_batch(net, old::Request::Existing(&grown), &memory, images));
        let bits = grown.on_chip_bits() * 3 / 4;
        let new = plan_within(net, array, &memory, bits);
        compare(&format!("within, {what}"), new, old::plan_within(net, array, &memory, bits));
    }
    [planned, spilled, net.head.pool.is_some()]
}

#[test]
fn plans_are_those_of_the_planner_before() {
    let count = std::env::var("COUNT").map_or(300, |n| n.parse().unwrap());
    let (mut all, mut failed) = ([0; 3], Vec::new());
    for seed in 0..count {
        let mut rng = Rng(seed);
        let drawn = match seed % 4 {
            0 => random::tiny(&mut rng),
            _ if seed % 40 == 1 => random::large(&mut rng),
            _ => random::shape(&mut rng),
        };
        let direct = rng.chance(1, 3);
        let shape = random::Shape { direct, ..drawn };
        let mut net = random::network(&mut rng, &shape);
        // Fewer blocks.
        if seed % 7 == 0 && net.head.pool.is_none() {
            net.blocks.truncate(rng.size(1, net.blocks.len()));
            if net.blocks.last().is_some_and(|block| block.conv2.out_c != net.head.conv.in_c) {
                continue;
            }
        }
        let Some(array) = array(&mut rng) else { continue };
        let got =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| both(seed, &net, &array, &mut rng)));
        let Ok(got) = got else {
            failed.push(seed);
            continue;
        };
        for (all, one) in all.iter_mut().zip(got) {
            *all += u32::from(one);
        }
    }
    println!("{all:?}");
    assert!(failed.is_empty(), "{failed:?}");
}
