//! The fault campaign: a small random network on the software card, one seeded fault a run.

pub mod bus;
pub mod card;
pub mod fault;
pub mod kill;
pub mod memory;
mod small;
pub mod soak;

use spikegate_compiler::{build, Memories, Settings};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle;
use spikegate_contract::network::Network;
use spikegate_golden::random::{self, Shape};
use spikegate_runtime::card::{serve_with, Terms};
use spikegate_runtime::device::{Device, DeviceError};
use spikegate_runtime::devices::golden::Golden;
use spikegate_runtime::devices::patience::Pace;
use spikegate_runtime::devices::pcie::socket::Socket;
use spikegate_runtime::devices::pcie::Pcie;
use spikegate_runtime::devices::verilator::{Options, Verilated};
use spikegate_runtime::devices::OpenError;
use spikegate_runtime::session::{Faults, Inference, Program, Session, SessionError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{mpsc, Arc, Mutex};
use std::time::{Duration, Instant};

use bus::FaultyBus;
use card::{Bridge, Core};
use fault::{draw, Class, Event, Fault, Plan, CLASSES, EVENTS};

/// Images of a run: more than a session has in flight.
const IMAGES: usize = 10;
/// Times of the driver while there are faults: short, because the model answers at once.
const QUICK: Pace = Pace {
    spin: Duration::from_micros(20),
    glance: Duration::from_millis(4),
    standstill: Duration::from_millis(150),
    drain: Duration::from_micros(500),
};
/// And for runs that must succeed on a machine with other work.
const PATIENT: Pace =
    Pace { glance: Duration::from_millis(200), standstill: Duration::from_secs(5), ..QUICK };
/// A run that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// A design of a small network, and images with their results.
pub struct Home {
    pub folder: tempfile::TempDir,
    pub network: Network,
    pub images: Vec<Vec<u8>>,
}

impl Home {
    pub fn new() -> Self {
        let (network, images) = small::network(IMAGES);
        let settings = Settings::new(ArrayConfig::new(4, 1, 4, 4).unwrap());
        let folder = tempfile::tempdir().unwrap();
        build(network.clone(), &settings, &mut ()).unwrap().write(folder.path()).unwrap();
        Self { folder, network, images }
    }

    /// Another network on the array of this one, as it is.
    pub fn another(&self) -> Self {
        let shape =
            Shape { input: [2, 7, 6], stem: 3, stages: vec![(4, 1, 2)], classes: 7, ..random::demo() };
        let (network, images) = small::of(&shape, IMAGES);
        let settings =
            Settings { memories: Memories::Keep(None), ..Settings::new(self.design().manifest.array) };
        let folder = tempfile::tempdir().unwrap();
        build(network.clone(), &settings, &mut ()).unwrap().write(folder.path()).unwrap();
        Self { folder, network, images }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn design(&self) -> bundle::Design {
        bundle::Design::open(self.path()).unwrap()
    }
}

/// How a run with a fault ended. There is no outcome for a run that hangs: it ends the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The right results; nothing had to be done.
    Harmless,
    /// The right results, after a new start or a lost interrupt, counted.
    Recovered,
    /// An error with a name, and only right results before it.
    Refused,
    /// A wrong result as if it were right.
    Wrong,
}

/// Runs by class and outcome.
#[derive(Debug, Default)]
pub struct Table {
    pub counts: [[u64; 4]; CLASSES.len()],
    /// Faults whose place the run did not reach.
    pub missed: u64,
    /// Runs without a fault between the others.
    pub clean: u64,
    pub wrong: Vec<(u64, Fault)>,
    /// What the faults that ended a run were called.
    pub names: BTreeMap<&'static str, u64>,
}

impl Table {
    fn add(&mut self, class: Class, outcome: Outcome) {
        self.counts[class as usize][outcome as usize] += 1;
    }

    pub fn total(&self, outcome: Outcome) -> u64 {
        self.counts.iter().map(|row| row[outcome as usize]).sum()
    }

    pub fn print(&self) {
        println!("| class | faults | harmless | recovered | refused, named | wrong |");
        println!("| --- | --- | --- | --- | --- | --- |");
        for (class, name) in CLASSES {
            let row = self.counts[class as usize];
            let [harmless, recovered, refused, wrong] = row;
            let all: u64 = row.iter().sum();
            println!("| {name} | {all} | {harmless} | {recovered} | {refused} | {wrong} |");
        }
        println!("{} clean runs between, all right; {} faults not reached", self.clean, self.missed);
        let names: Vec<String> = self.names.iter().map(|(name, n)| format!("{name} {n}")).collect();
        println!("named: {}", names.join(", "));
    }
}

/// A card with faults.
struct Bench {
    socket: PathBuf,
    plan: Arc<Mutex<Plan>>,
}

/// What drives it: every run opens the card anew.
struct Runtime {
    design: bundle::Design,
    images: Vec<Vec<u8>>,
}

impl Runtime {
    fn of(home: &Home) -> Self {
        Self { design: home.design(), images: home.images.clone() }
    }
}

type Attempt = (Vec<Inference>, Result<Faults, SessionError>, u64);

impl Bench {
    /// `make` makes the core, in the card's thread.
    fn new<D: Device>(
        home: &Home,
        make: impl FnOnce(&bundle::Design) -> D + Send + 'static,
        framed: bool,
    ) -> Self {
        let plan = Arc::new(Mutex::new(Plan::default()));
        let socket = home.path().join(if framed { "card" } else { "bare" });
        let (ready, wait) = mpsc::channel();
        let (at, tamper) = (socket.clone(), Arc::new(Mutex::new(Bridge(plan.clone()))));
        let (of, shared) = (home.design(), plan.clone());
        // It ends with the test.
        std::thread::spawn(move || {
            let mut core = Core::new(make(&of), shared, framed);
            let terms = Terms { tamper: Some(tamper), ..Terms::default() };
            serve_with(&at, &mut core, terms, || ready.send(()).unwrap()).unwrap();
        });
        wait.recv().unwrap();
        Self { socket, plan }
    }

    /// The card, whose lock a process that was just forked beside this may hold for a while.
    fn connect(&self) -> Socket {
        let begin = Instant::now();
        loop {
            match Socket::connect(&self.socket) {
                Err(OpenError::Busy { .. }) if begin.elapsed() < DEADLINE => {}
                connected => return connected.unwrap(),
            }
        }
    }

    /// Results in order, how it ended, and interrupts that the driver missed.
    fn run(&self, runtime: &Runtime, faults: &[Fault], pace: Pace) -> Attempt {
        self.plan.lock().unwrap().begin(faults);
        let bus = FaultyBus { bus: self.connect(), plan: self.plan.clone() };
        let session = Pcie::with_pace(bus, pace)
            .map_err(SessionError::from)
            .and_then(|pcie| Session::open(pcie, &runtime.design, Program::Plain));
        let mut session = match session {
            Ok(session) => session,
            Err(error) => return (vec![], Err(error), 0),
        };
        let mut results = vec![];
        let done = session.infer_each(&runtime.images, |r| -> Result<(), SessionError> {
            results.push(r);
            Ok(())
        });
        let lost = session.device().recovered().lost_interrupts;
        (results, done.map(|()| session.faults()), lost)
    }
}

fn classify((got, ended, lost): &Attempt, right: &[Inference]) -> Outcome {
    match ended {
        _ if !right.starts_with(got) => Outcome::Wrong,
        Ok(_) if got.len() != right.len() => Outcome::Wrong,
        Ok(faults) if *faults == Faults::default() && *lost == 0 => Outcome::Harmless,
        Ok(_) => Outcome::Recovered,
        Err(_) => Outcome::Refused,
    }
}

/// Runs the faults of these numbers against the golden model. `framed` is whether it checks what it gets.
pub fn campaign(home: &Home, seeds: std::ops::Range<u64>, framed: bool) -> Table {
    let bench = Bench::new(home, |design| Golden::open(design).unwrap(), framed);
    run_all(home, bench, seeds, QUICK, |_| true)
}

/// Runs those of the faults that damage frames against the netlist, whose own checks must see them.
pub fn campaign_on_netlist(home: &Home, seeds: std::ops::Range<u64>) -> Table {
    let of_frames = |f: &Fault| f.class == Class::Packet && (f.event as usize) < Event::ResultFrame as usize;
    run_all(home, Bench::new(home, netlist, true), seeds, PATIENT, of_frames)
}

fn netlist(design: &bundle::Design) -> Verilated {
    let cache = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    let options = Options { cache, ..Options::default() };
    Verilated::open("the campaign's", &design.verilog, &options, &mut |_| ()).unwrap()
}

fn run_all(
    home: &Home,
    bench: Bench,
    seeds: std::ops::Range<u64>,
    pace: Pace,
    wanted: impl Fn(&Fault) -> bool,
) -> Table {
    let (send, results) = mpsc::channel();
    let runtime = Runtime::of(home);
    let right = undisturbed(&bench, home, &runtime);
    let events: [u64; EVENTS] = bench.plan.lock().unwrap().counts;
    assert!(events.iter().all(|&n| n > 0), "every kind of event happens: {events:?}");
    let faults: Vec<(u64, Fault)> =
        seeds.map(|seed| (seed, draw(seed, &events))).filter(|(_, fault)| wanted(fault)).collect();
    let worker = {
        let (faults, right) = (faults.clone(), right.clone());
        std::thread::spawn(move || {
            for (seed, fault) in faults {
                let attempt = bench.run(&runtime, &[fault], pace);
                let hit = bench.plan.lock().unwrap().hits != [0; CLASSES.len()];
                let outcome = classify(&attempt, &right);
                // Whatever happened, the next run works.
                let clean = (outcome == Outcome::Refused).then(|| bench.run(&runtime, &[], PATIENT));
                let clean = clean.map(|(got, ended, _)| ended.map(|_| got == right));
                if send.send((seed, hit, outcome, attempt.1.err(), clean)).is_err() {
                    return;
                }
            }
        })
    };
    let mut table = Table::default();
    let begin = Instant::now();
    for &(seed, fault) in &faults {
        let Ok((at, hit, outcome, error, clean)) = results.recv_timeout(DEADLINE) else {
            panic!("fault {seed} hangs or panics: {fault:?}");
        };
        assert_eq!(at, seed);
        if let Some(error) = error {
            let Some(name) = name(&error) else { panic!("fault {seed} has no name: {error:?}") };
            *table.names.entry(name).or_default() += u64::from(hit);
            tracing_line(seed, &fault, &error);
        }
        match clean {
            None => {}
            Some(Ok(true)) => table.clean += 1,
            Some(bad) => panic!("the run behind fault {seed} ({fault:?}): {bad:?}"),
        }
        match (hit, outcome) {
            (_, Outcome::Wrong) => {
                table.wrong.push((seed, fault));
                table.add(fault.class, outcome);
            }
            (false, _) => table.missed += 1,
            (true, _) => table.add(fault.class, outcome),
        }
    }
    worker.join().unwrap();
    println!("{} faults in {:.0} s", faults.len(), begin.elapsed().as_secs_f64());
    table
}

/// Results of a run without faults, which the golden model has too.
fn undisturbed(bench: &Bench, home: &Home, runtime: &Runtime) -> Vec<Inference> {
    let (right, ended, _) = bench.run(runtime, &[], PATIENT);
    assert_eq!(ended.unwrap(), Faults::default(), "nothing goes wrong by itself");
    check_golden(home, &right);
    right
}

/// What an error says went wrong; none for one that does not belong to a device.
fn name(error: &SessionError) -> Option<&'static str> {
    Some(match error {
        SessionError::Device(device) => match device {
            DeviceError::Gone { .. } => "card gone",
            DeviceError::Transfer { .. } => "engine stopped",
            DeviceError::Engine { .. } => "engine not known",
            DeviceError::Io { .. } => "stale packets without end",
            _ => return None,
        },
        SessionError::Mismatch(_) => "core not known",
        SessionError::ReadBack { .. } => "register not kept",
        SessionError::Sticky { .. } => "refused by the core",
        SessionError::Hang { .. } => "nothing came in time",
        SessionError::Frame { .. } => "frame damaged",
        // On streams without frames only: nothing else has seen the damage.
        SessionError::Packet { .. } => "packet not as due",
        _ => return None,
    })
}

/// With `CAMPAIGN_LOG` set, every refusal is printed.
fn tracing_line(seed: u64, fault: &Fault, error: &SessionError) {
    if std::env::var_os("CAMPAIGN_LOG").is_some() {
        println!("{seed}: {:?} {:?} at {}: {error}", fault.event, fault.action, fault.at);
    }
}

/// What the card says without faults is what the golden model says.
fn check_golden(home: &Home, got: &[Inference]) {
    assert_eq!(got.len(), home.images.len());
    for (image, got) in home.images.iter().zip(got) {
        let golden = spikegate_golden::run(&home.network, image, &mut Vec::new()).unwrap();
        assert_eq!((&got.logits, got.class as usize), (&golden.logits, golden.class));
    }
}
