//! Bits that flip in the memories of a Verilated core with parity, at any time: a result is right, or there is none.
//!
//! The long form prints the table of `runtime/README.md`; `FLIPS` says how many (default 10,000) and `SEED` from which:
//!
//! ```text
//! cargo test --release -p spikegate --test flips -- --ignored --nocapture
//! ```
//!
//! The golden device has no part in it: it holds the network itself and no memories of a core.
#![allow(clippy::unwrap_used)]

#[path = "campaign/small.rs"]
mod small;

use spikegate_compiler::plan::{plan, Planned, Request};
use spikegate_compiler::{build, Settings};
use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::bundle::Design;
use spikegate_contract::csr::{offset, ERROR_PARITY};
use spikegate_contract::instr::Opcode;
use spikegate_contract::network::Network;
use spikegate_contract::packet::Target;
use spikegate_golden::random::{self, Rng, Shape};
use spikegate_runtime::device::Device;
use spikegate_runtime::devices::verilator::{Memory, Options, Verilated};
use spikegate_runtime::session::{Faults, Program, Session};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// Flips of the short form.
const SHORT: u64 = 150;
/// One in so many flips that are told is left to the session, which waits until no result can come any more.
const RECOVERIES: u64 = 25;
/// Cycles between two looks at the core.
const GLANCE: u64 = 500;

/// What a memory holds, by a part of its name.
const CLASSES: [(&str, &str); 14] = [
    (".globals.", "global registers"),
    (".weight_", "weights"),
    (".param_", "parameters"),
    (".sequencer.", "instructions"),
    (".gate.", "gate tables"),
    (".temporal.", "attention constants"),
    (".logits.", "logits"),
    (".sender.", "cycles of instructions"),
    (".spill_", "buffers of spilled maps"),
    (".reload_", "buffers of spilled maps"),
    (".mover_", "buffer of moved maps"),
    (".code.", "codes"),
    (".spike.", "spikes"),
    (".stream.", "streams"),
];

/// Memories of which enough is read for a flip to be told now and then.
const LOADED: [&str; 9] = [
    "global registers",
    "weights",
    "parameters",
    "instructions",
    "gate tables",
    "attention constants",
    "codes",
    "spikes",
    "streams",
];

/// Classes of what lies in the external memory.
const OUTSIDE: &str = "external memory: weights";
const RING: &str = "external memory: spilled maps";
const MOVED: &str = "external memory: moved maps";

fn class(memory: &Memory) -> &'static str {
    let found = CLASSES.iter().find(|(part, _)| memory.name.contains(part));
    found.unwrap_or_else(|| panic!("{memory:?} is of no class")).1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Both results are right.
    Right,
    /// The core says that a memory is wrong, and gives no result; with the program loaded again it is right.
    Told,
    /// The same, and the session has done that by itself.
    Recovered,
    /// The core goes on saying so: the word is read and never written.
    Lasting,
    /// A wrong result as if it were right.
    Wrong,
    /// The session refuses what comes, by name.
    Refused,
    /// Neither a result nor a word about the memory.
    Silent,
}
use Outcome::{Lasting, Recovered, Refused, Right, Silent, Told, Wrong};

type Result = (Vec<i32>, u32, Vec<u32>);

/// Inverts a bit of a core.
type Inverts = Box<dyn Fn(&mut Verilated)>;

fn core(design: &Design) -> Verilated {
    let cache = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    let options = Options { cache, flips: true, ..Options::default() };
    Verilated::open("the campaign's", &design.verilog, &options, &mut |_| ()).unwrap()
}

/// A core, two images, and what comes of them.
struct Bench {
    design: Design,
    images: Vec<Vec<u8>>,
    right: Vec<Result>,
    /// Cycles of the core from an image to its result.
    cycles: u64,
    core: Option<Verilated>,
    memories: Vec<(usize, Memory)>,
    /// Transfers of the external memory that maps are moved to, segment by segment.
    moved: Vec<std::ops::Range<usize>>,
    told: u64,
}

impl Bench {
    fn new(array: ArrayConfig) -> Self {
        Self::of(array, small::network(2))
    }

    fn of(array: ArrayConfig, (network, images): (Network, Vec<Vec<u8>>)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        build(network.clone(), &Settings::new(array), &mut ()).unwrap().write(folder.path()).unwrap();
        let design = Design::open(folder.path()).unwrap();
        let planned = plan(&network, Request::Existing(&design.manifest.array)).unwrap();
        let moved = moved(&planned);
        let core = core(&design);
        let memories = core.memories().into_iter().enumerate();
        // Of a register not what it takes next.
        let memories = memories.filter(|(_, memory)| !memory.name.ends_with("__d")).collect();
        // Checks take no cycles: those of a core without them are the planner's.
        let steps = design.plan.steps.iter().filter(|step| step.name != "finish");
        let planned: Vec<u32> = steps.map(|step| step.cycles as u32).collect();
        let mut session = Session::open(core, &design, Program::Plain).unwrap();
        let mut right = vec![];
        let mut cycles = 0;
        for image in &images {
            let begin = session.device().cycles();
            let got = session.infer(image).unwrap();
            cycles = session.device().cycles() - begin;
            let golden = spikegate_golden::run(&network, image, &mut ()).unwrap();
            assert_eq!((&got.logits, got.class as usize), (&golden.logits, golden.class));
            assert_eq!(got.cycles, planned);
            right.push((got.logits, got.class, got.cycles));
        }
        assert_eq!(session.faults(), Faults::default(), "nothing is said of a core without faults");
        let core = Some(session.into_device());
        Self { design, images, right, cycles, core, memories, moved, told: 0 }
    }

    fn classes(&self) -> Vec<&'static str> {
        let mut all: Vec<_> = self.memories.iter().map(|(_, memory)| class(memory)).collect();
        let array = &self.design.manifest.array;
        all.extend(
            [
                (array.memory_bits > 0, OUTSIDE),
                (array.spill_depth > 0, RING),
                (!self.moved.is_empty(), MOVED),
            ]
            .iter()
            .filter(|c| c.0)
            .map(|c| c.1),
        );
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A byte of the external memory: one that the program has written there, or one of the ring.
    fn byte(&self, wanted: &str, rng: &mut Rng) -> u32 {
        let array = &self.design.manifest.array;
        if wanted == RING {
            return rng.size(0, array.spill_depth * array.spill_bytes() - 1) as u32;
        }
        let bytes = array.memory_bits / 8;
        if wanted == MOVED {
            let of = self.moved[rng.size(0, self.moved.len() - 1)].clone();
            return rng.size(of.start * bytes, of.end * bytes - 1) as u32;
        }
        let of_memory = |packet: &&Vec<u32>| packet[0] >> 16 & 0xff == Target::Memory as u32;
        let written: Vec<[u32; 2]> = self
            .design
            .program
            .iter()
            .filter(of_memory)
            .map(|packet| [(packet[0] & 0xfff) << 20 | packet[1], packet[2]])
            .collect();
        let [first, transfers] = written[rng.size(0, written.len() - 1)];
        let bytes = bytes as u32;
        first * bytes + rng.size(0, (transfers * bytes) as usize - 1) as u32
    }

    /// A fault: what it is, and what makes it.
    fn fault(&self, wanted: &'static str, rng: &mut Rng) -> (String, Inverts) {
        if [OUTSIDE, RING, MOVED].contains(&wanted) {
            let (byte, bit) = (self.byte(wanted, rng), rng.size(0, 7) as u8);
            let inverts = move |core: &mut Verilated| core.flip_outside(byte, bit);
            return (format!("{wanted}, byte {byte:#x}, bit {bit}"), Box::new(inverts));
        }
        let of_class: Vec<_> = self.memories.iter().filter(|(_, memory)| class(memory) == wanted).collect();
        let (which, Memory { name, words, bits }) = of_class[rng.size(0, of_class.len() - 1)].clone();
        let (word, bit) = (rng.size(0, words as usize - 1) as u32, rng.size(0, bits as usize - 1) as u32);
        let inverts = move |core: &mut Verilated| core.flip(which, word, bit);
        (format!("{name}, word {word}, bit {bit}"), Box::new(inverts))
    }

    /// Loads the program, sends an image, flips a bit of this kind of memory while the core works on it, and sends another.
    fn flip(&mut self, wanted: &'static str, rng: &mut Rng) -> (Outcome, String) {
        let (what, inverts) = self.fault(wanted, rng);
        let at = rng.size(0, self.cycles as usize) as u64;
        let what = format!("{what}, cycle {at}");
        let mut session = Session::open(self.core.take().unwrap(), &self.design, Program::Plain).unwrap();
        session.submit(&self.images[0]).unwrap();
        session.device_mut().run(at).unwrap();
        inverts(session.device_mut());
        let mut outcome = Right;
        for (number, right) in self.right.iter().enumerate() {
            if number > 0 {
                session.submit(&self.images[number]).unwrap();
            }
            match settled(session.device_mut(), number as u32 + 1, 4 * self.cycles) {
                Some(0) => {}
                Some(error) if error & ERROR_PARITY != 0 => {
                    self.told += 1;
                    outcome = Told;
                    if !self.told.is_multiple_of(RECOVERIES) {
                        break;
                    }
                }
                // An error without a parity error, or nothing.
                _ => {
                    outcome = Silent;
                    break;
                }
            }
            let Ok(got) = session.wait() else {
                outcome = Refused;
                break;
            };
            if (got.logits, got.class, got.cycles) != *right {
                outcome = Wrong;
                break;
            }
        }
        if outcome == Told && session.faults() != Faults::default() {
            assert_eq!(session.faults().parity, 1, "{what}: {:?}", session.faults());
            outcome = Recovered;
        }
        let mut device = session.into_device();
        if outcome == Told {
            (outcome, device) = self.again(device);
        }
        self.core = Some(device);
        (outcome, what)
    }
}

impl Bench {
    /// A new session on a core that has said that a memory is wrong.
    fn again(&self, core: Verilated) -> (Outcome, Verilated) {
        let mut session = Session::open(core, &self.design, Program::Plain).unwrap();
        session.submit(&self.images[0]).unwrap();
        match settled(session.device_mut(), 1, 4 * self.cycles) {
            Some(0) => {
                let got = session.wait().unwrap();
                let right = (got.logits, got.class, got.cycles) == self.right[0];
                (if right { Told } else { Wrong }, session.into_device())
            }
            // As after power-up.
            _ => (Lasting, self::core(&self.design)),
        }
    }
}

/// Runs until the core has sent so many results, or says that something is wrong: what it says. Nothing if neither comes.
fn settled(core: &mut Verilated, results: u32, most: u64) -> Option<u32> {
    for _ in 0..most.div_ceil(GLANCE) {
        core.run(GLANCE).unwrap();
        let error = core.read_csr(offset("error")).unwrap();
        if error != 0 || core.read_csr(offset("images")).unwrap() == results {
            return Some(error);
        }
    }
    None
}

/// Outcomes by class of memory, each with the last flip that led to it.
type Table = BTreeMap<&'static str, BTreeMap<Outcome, (u64, String)>>;

fn campaign(bench: &mut Bench, classes: &[&'static str], seeds: std::ops::Range<u64>) -> Table {
    let begin = Instant::now();
    let mut table = Table::default();
    for seed in seeds.clone() {
        let rng = &mut Rng(seed);
        let class = classes[seed as usize % classes.len()];
        let (outcome, what) = bench.flip(class, rng);
        let (count, example) = table.entry(class).or_default().entry(outcome).or_default();
        (*count, *example) = (*count + 1, what);
    }
    println!("{} flips in {:.0} s", seeds.count(), begin.elapsed().as_secs_f64());
    println!("| memory | flips | right | told | told, repeated, right | told for good | refused | silent | wrong |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (class, row) in &table {
        let n = |outcome| row.get(&outcome).map_or(0, |(count, _)| *count);
        let all: u64 = row.values().map(|(count, _)| count).sum();
        let [right, told, recovered, lasting] = [Right, Told, Recovered, Lasting].map(n);
        let [refused, silent, wrong] = [Refused, Silent, Wrong].map(n);
        println!("| {class} | {all} | {right} | {told} | {recovered} | {lasting} | {refused} | {silent} | {wrong} |");
    }
    table
}

/// Where a program moves maps to.
fn moved(planned: &Planned) -> Vec<std::ops::Range<usize>> {
    let moves = planned.instructions.iter().filter(|i| i.op == Opcode::Move as u32);
    let maps = moves.filter_map(|i| Some((i, Moved::try_from(i.source).ok()?)));
    let segments = maps.flat_map(|(i, map)| {
        let transfers = i.length as usize * planned.array.moved_transfers(map);
        let first = |segment: u32| i.first_transfer() + (segment * i.weight_group) as usize;
        (0..=i.groups_in).map(move |segment| first(segment)..first(segment) + transfers)
    });
    segments.collect()
}

fn array() -> ArrayConfig {
    ArrayConfig::new(4, 1, 4, 4).unwrap()
}

/// Weights and residual maps outside.
fn with_port() -> ArrayConfig {
    array().with_memory(64).and_then(ArrayConfig::with_spilling).unwrap()
}

/// All maps outside, and an image that comes as patches.
fn with_stripes(parity: bool) -> Bench {
    let shape = Shape { input: [1, 16, 16], stem: 8, stages: vec![(8, 1, 1), (12, 1, 2)], ..random::demo() };
    let array = array().with_memory(64).and_then(ArrayConfig::with_moves).unwrap();
    let bench = Bench::of(if parity { array.with_parity() } else { array }, small::of(&shape, 2));
    assert!(bench.moved.len() > 20, "{:?}", bench.design.manifest.array);
    bench
}

/// No flip in a memory with parity gives a wrong result, and none stops the core without a word; of these memories some are
/// told, as most flips that are not would change no result either.
fn holds(table: &Table, told: &[&str]) {
    for (class, row) in table {
        for bad in [Wrong, Silent] {
            assert!(!row.contains_key(&bad), "{class}: {:?}", row.get(&bad));
        }
    }
    for class in told {
        let row = &table[class];
        assert!([Told, Recovered, Lasting].iter().any(|told| row.contains_key(told)), "{class}: {row:?}");
    }
}

#[test]
fn no_flip_gives_a_wrong_result() {
    let mut bench = Bench::new(array().with_parity());
    assert!(bench.classes().len() >= 11, "{:?}", bench.classes());
    let classes = bench.classes();
    let table = campaign(&mut bench, &classes, 0..SHORT);
    holds(&table, &LOADED);
    assert!(table.values().any(|row| row.contains_key(&Recovered)), "a session loads again: {table:?}");
}

#[test]
fn no_flip_outside_gives_a_wrong_result() {
    let mut bench = Bench::new(with_port().with_parity());
    assert!(bench.classes().contains(&RING), "{:?}", bench.classes());
    let classes = bench.classes();
    holds(&campaign(&mut bench, &classes, 0..SHORT / 2), &[OUTSIDE, RING]);
}

/// Rows that stripes share are read more than once.
#[test]
fn no_flip_of_a_moved_map_gives_a_wrong_result() {
    let mut bench = with_stripes(true);
    let classes = ["buffer of moved maps", MOVED];
    holds(&campaign(&mut bench, &classes, 0..SHORT / 2), &[MOVED]);
}

#[test]
fn without_parity_flips_of_moved_maps_give_wrong_results() {
    let table = campaign(&mut with_stripes(false), &[MOVED], 0..SHORT / 10);
    assert!(table[MOVED].contains_key(&Wrong), "the campaign can fail: {table:?}");
}

#[test]
fn without_parity_flips_give_wrong_results() {
    let mut bench = Bench::new(array());
    let table = campaign(&mut bench, &["parameters", "weights", "spikes"], 0..SHORT / 2);
    let wrong: u64 = table.values().filter_map(|row| row.get(&Wrong)).map(|(n, _)| n).sum();
    assert!(wrong >= SHORT / 20, "the campaign can fail: {table:?}");
}

#[test]
#[ignore = "takes minutes: the table of runtime/README.md"]
fn the_whole_campaign() {
    let number = |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let (flips, seed) = (number("FLIPS", 10_000), number("SEED", 1_000));
    let benches = [array(), with_port()].map(|array| Bench::new(array.with_parity()));
    for mut bench in benches.into_iter().chain([with_stripes(true)]) {
        let classes = bench.classes();
        holds(&campaign(&mut bench, &classes, seed..seed + flips / 3), &LOADED);
    }
}
