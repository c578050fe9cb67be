//! Two runtimes take turns on one card for as long as they are given, with several faults of any class in every run.

use spikegate_golden::random::Rng;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::fault::{draw, Fault, CLASSES, EVENTS};
use super::{classify, name, netlist, undisturbed, Bench, Home, Outcome, Runtime, PATIENT};

/// Most faults of a run.
const MOST: usize = 6;
/// A turn that takes longer hangs: each of its faults may be waited for, and the machine may have other work.
const DEADLINE: Duration = Duration::from_secs(300);

/// Runs of both runtimes, and the faults in them.
#[derive(Debug, Default)]
pub struct Counts {
    /// Runs with faults, by runtime and by [`Outcome`].
    pub turns: [[u64; 4]; 2],
    /// Faults that happened, by class.
    pub faults: [u64; CLASSES.len()],
    /// Runs without faults behind those that an error ended, all right.
    pub clean: u64,
    /// Results given, all right.
    pub results: u64,
    /// The longest turn.
    pub longest: Duration,
}

impl Counts {
    pub fn print(&self) {
        println!("| runtime | runs with faults | harmless | recovered | refused, named | wrong |");
        println!("| --- | --- | --- | --- | --- | --- |");
        for (number, row @ [harmless, recovered, refused, wrong]) in self.turns.iter().enumerate() {
            let all: u64 = row.iter().sum();
            println!("| {number} | {all} | {harmless} | {recovered} | {refused} | {wrong} |");
        }
        let faults = CLASSES.map(|(class, name)| format!("{name} {}", self.faults[class as usize]));
        println!("faults: {}", faults.join(", "));
        println!("{} results right; {} clean runs behind refused ones, all right", self.results, self.clean);
        println!("longest run {:.1} s", self.longest.as_secs_f64());
    }
}

/// Lets the netlist of one array serve two networks in turn.
///
/// Faults are drawn beyond the events of an undisturbed run too, so that they hit while another one is got over.
pub fn soak(time: Duration) -> Counts {
    let first = Home::new();
    let homes = [first.another(), first];
    let bench = Bench::new(&homes[1], netlist, true);
    let runtimes = homes.each_ref().map(Runtime::of);
    let right = [0, 1].map(|i| undisturbed(&bench, &homes[i], &runtimes[i]));
    let events: [u64; EVENTS] = bench.plan.lock().unwrap().counts.map(|n| 2 * n);
    let (send, results) = mpsc::channel();
    let until = Instant::now() + time;
    let worker = std::thread::spawn(move || {
        let mut counts = Counts::default();
        for turn in 0.. {
            let which = turn as usize % 2;
            let seeds = turn * MOST as u64..turn * MOST as u64 + Rng(turn).size(1, MOST) as u64;
            let faults: Vec<Fault> = seeds.map(|seed| draw(seed, &events)).collect();
            let begin = Instant::now();
            let attempt = bench.run(&runtimes[which], &faults, PATIENT);
            counts.longest = counts.longest.max(begin.elapsed());
            let hits = bench.plan.lock().unwrap().hits;
            let outcome = classify(&attempt, &right[which]);
            let (got, ended, _) = attempt;
            if let Err(error) = ended {
                assert!(name(&error).is_some(), "turn {turn} ({faults:?}) has no name: {error:?}");
                let (got, ended, _) = bench.run(&runtimes[1 - which], &[], PATIENT);
                assert!(ended.is_ok() && got == right[1 - which], "the run behind turn {turn}: {ended:?}");
                counts.clean += 1;
            }
            assert_ne!(outcome, Outcome::Wrong, "turn {turn}: {faults:?}");
            counts.turns[which][outcome as usize] += 1;
            counts.results += got.len() as u64;
            for (sum, hits) in counts.faults.iter_mut().zip(hits) {
                *sum += hits;
            }
            if send.send(turn).is_err() || Instant::now() > until {
                break;
            }
        }
        counts
    });
    let mut last = 0;
    loop {
        match results.recv_timeout(DEADLINE) {
            Ok(turn) => last = turn,
            Err(mpsc::RecvTimeoutError::Disconnected) => return worker.join().unwrap(),
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("the turn behind {last} hangs"),
        }
    }
}
