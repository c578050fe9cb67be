//! Thousands of faults between program and core, each under a deadline: a result is right, or an error is named.
//!
//! The long form prints the table of `runtime/README.md`:
//!
//! ```text
//! cargo test --release -p spikegate --test fault_campaign -- --ignored --nocapture
//! ```
#![allow(clippy::unwrap_used)]

mod campaign;
mod program;

use campaign::fault::{Class, CLASSES};
use campaign::{campaign, campaign_on_netlist, kill, memory, soak, Home, Outcome};
use std::time::{Duration, Instant};

/// Faults of the short form.
const SHORT: u64 = 400;
/// Numbers from which those faults are taken that the netlist is to see: about one in four.
const NETLIST: u64 = 120;
/// Faults of the long form.
const LONG: u64 = 12_000;
/// Kills of each kind in the long form.
const KILLS: u64 = 60;
/// Flips in memories.
const FLIPS: u64 = 1000;

fn protected(seeds: std::ops::Range<u64>) -> campaign::Table {
    let table = campaign(&Home::new(), seeds, true);
    table.print();
    assert_eq!(table.wrong.len(), 0, "wrong results: {:?}", table.wrong);
    for (class, name) in CLASSES {
        assert!(table.counts[class as usize].iter().sum::<u64>() > 0, "no fault of class {name}");
    }
    table
}

#[test]
fn no_fault_gives_a_wrong_result() {
    let table = protected(0..SHORT);
    let total: u64 = table.counts.iter().flatten().sum();
    assert!(total > SHORT * 9 / 10, "{} faults were not reached", table.missed);
    assert!(table.total(Outcome::Recovered) > total / 4, "most faults of the streams are got over");
}

#[test]
fn without_checks_the_campaign_finds_wrong_results() {
    // The same faults on streams without frames: the campaign can fail, and CRC and numbers are why it does not.
    let table = campaign(&Home::new(), 0..SHORT, false);
    table.print();
    assert!(table.counts[Class::Packet as usize][Outcome::Wrong as usize] >= 5, "{:?}", table.counts);
}

#[test]
fn the_netlist_sees_damaged_frames_itself() {
    let table = campaign_on_netlist(&Home::new(), 0..NETLIST);
    table.print();
    assert_eq!(table.wrong.len(), 0, "wrong results: {:?}", table.wrong);
    let [harmless, recovered, refused, _] = table.counts[Class::Packet as usize];
    // A frame that is repeated behind all others is refused unseen.
    assert!(recovered >= 20 && harmless <= 2 && refused == 0, "{:?}", table.counts);
}

#[test]
fn kills_leave_no_result_and_no_trace() {
    let [runs, cards] = kill::kills(&Home::new(), 2);
    assert_eq!((runs.late + runs.named, cards.late + cards.named), (2, 2));
}

#[test]
#[ignore = "takes minutes: the table of runtime/README.md"]
fn the_whole_campaign() {
    protected(0..LONG);
    let home = Home::new();
    let [runs, cards] = kill::kills(&home, KILLS);
    println!(
        "| kill -9 of `run` | {KILLS} | {} too late | {} without a result file | 0 |",
        runs.late, runs.named
    );
    println!(
        "| kill -9 of `card` | {KILLS} | {} too late | {} ended with exit code 3 | 0 |",
        cards.late, cards.named
    );
    let (same, wrong) = memory::flips(&home, FLIPS);
    println!("| flips in loaded memories (not protected) | {FLIPS} | {same} without effect | {wrong} wrong, unseen |");
    assert!(wrong > 0, "a flip that changes a result is not seen");
}

#[test]
fn two_runtimes_share_a_card_with_faults() {
    let counts = soaked(Duration::from_secs(8));
    assert!(counts.faults[Class::Packet as usize] > 0 && counts.clean > 0, "{counts:?}");
}

#[test]
#[ignore = "takes an hour: the soak of runtime/README.md"]
fn an_hour_of_faults() {
    let counts = soaked(Duration::from_secs(3600));
    assert!(counts.faults.iter().all(|&n| n > 0), "{counts:?}");
}

/// Two runtimes on one card, and kills of runs and of cards beside them.
fn soaked(time: Duration) -> soak::Counts {
    let killer = std::thread::spawn(move || {
        let (home, begin) = (Home::new(), Instant::now());
        let mut kills = [0; 2];
        while begin.elapsed() < time {
            kill::kills(&home, 1);
            kills = kills.map(|n| n + 1);
        }
        kills
    });
    let counts = soak::soak(time);
    counts.print();
    let [runs, cards] = killer.join().unwrap();
    println!("{runs} runs and {cards} cards killed, no wrong result left");
    assert!(runs > 0);
    counts
}
