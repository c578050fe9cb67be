#![allow(clippy::unwrap_used)]

use spikegate_contract::dram::Dram;

use super::*;

const DRAM: Dram = Dram {
    latency: 20,
    acknowledge: 8,
    read: 2.5,
    write: 1.0,
    refresh_every: 300,
    refresh_cycles: 50,
    turn_to_write: 10,
    turn_to_read: 15,
    row_bytes: 64,
    row_miss: 6,
    banks: 4,
    bank_change: 2,
    ahead: 4,
    core_cycles: None,
};

fn port(external: External<'_>) -> Port {
    let array = ArrayConfig::new(2, 1, 4, 2).unwrap().with_memory(32).unwrap().with_spilling().unwrap();
    Port::new(&array, external, 40, 0)
}

/// The same pixels, taken up with and without stepping through every cycle.
#[test]
fn nothing_happens_in_the_cycles_that_are_left_out() {
    let rates = [0, 4000, 2700, 90, 1];
    let even = [0, 1, 7, 300].into_iter().flat_map(|latency| {
        rates.map(|bytes_per_1000_cycles| MemoryModel { latency, bytes_per_1000_cycles })
    });
    let even: Vec<_> = even.collect();
    let boards = [DRAM, Dram { ahead: 1, ..DRAM }, Dram { refresh_every: 101, read: 0.3, ..DRAM }];
    let all = even.iter().map(External::Even).chain(boards.iter().map(External::Board));
    let need = Need { pops: 1, pushes: 1, beats: 3, sweeps: 1, sweep_period: 1, to_buffer: 5 };
    let nothing = Need::default();
    for external in all {
        let (mut fast, mut slow) = (port(external), port(external));
        let mut cycle = 3;
        for pixel in 0..12 {
            let need = if pixel < 4 { Need { pops: 0, ..need } } else { need };
            let (tile, need) = if pixel % 3 == 0 { (10, nothing) } else { (0, need) };
            let got = fast.take(cycle, tile, &need);
            while slow.now < cycle || (!slow.has(tile, &need) && !slow.is_settled()) {
                slow.step();
            }
            assert_eq!(got, slow.claim(tile, &need), "{external:?} pixel {pixel}");
            cycle = got + 4;
            if tile > 0 {
                fast.frees(cycle);
                slow.frees(cycle);
            }
            fast.sum(cycle, &need);
            slow.sum(cycle, &need);
        }
        while !slow.is_settled() {
            slow.step();
        }
        assert_eq!(fast.settle(), slow.now, "{external:?}");
    }
}

#[test]
fn a_slow_memory_takes_no_longer_to_plan() {
    let slow = MemoryModel { latency: 1 << 40, bytes_per_1000_cycles: 1 };
    let mut port = port(External::Even(&slow));
    assert!(port.take(0, 10, &Need::default()) > 1 << 40);
    assert!(port.settle() > 1 << 40);
}
