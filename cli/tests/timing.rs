//! Where the time of an image goes, per way of reaching a core. Prints the table of `runtime/README.md`:
//!
//! ```text
//! cargo test --release -p spikegate --test timing -- --ignored --nocapture
//! ```
#![allow(clippy::unwrap_used)]

mod paced;
mod support;

use spikegate_compiler::{build, Settings};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle;
use spikegate_golden::fast::Prepared;
use spikegate_golden::random::{demo, image, network, Rng};
use spikegate_runtime::card::{serve, Sessions};
use spikegate_runtime::device::{Device, Wait};
use spikegate_runtime::devices::files::Files;
use spikegate_runtime::devices::golden::Golden;
use spikegate_runtime::devices::pcie::socket::Socket;
use spikegate_runtime::devices::pcie::Pcie;
use spikegate_runtime::devices::verilator::{Options, Verilated};
use spikegate_runtime::session::{Program, Session, SessionError};

use paced::Paced;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Clock of the boards that the link model is made for, Hz.
const CLOCK: f64 = 125e6;
/// Links: bytes a second net, and seconds of a register access and of an interrupt: `estimate`.
const LINKS: [(&str, f64, f64, f64); 3] =
    [("gen2 x1", 0.4e9, 1.5e-6, 20e-6), ("gen2 x4", 1.6e9, 1.5e-6, 20e-6), ("gen3 x8", 6.5e9, 1.0e-6, 20e-6)];

/// Microseconds an image.
struct Row {
    name: &'static str,
    queue: f64,
    upload: f64,
    /// From the last word taken to the result here: computing and download.
    answer: f64,
    alone: f64,
    two: f64,
    /// As many in flight as a session has.
    many: f64,
}

impl Row {
    fn values(&self) -> [f64; 6] {
        [self.queue, self.upload, self.answer, self.alone, self.two, self.many]
    }
}

/// Times that the images go to a core whose time is known; the shortest counts, because the machine has other work.
const ROUNDS: usize = 25;
/// What these cores take for an image, microseconds.
const PERIODS: [(&str, u64); 3] =
    [("vfio-user, core of 0 us", 0), ("vfio-user, core of 100 us", 100), ("vfio-user, core of 500 us", 500)];

fn measure<D: Device>(
    name: &'static str,
    device: D,
    design: &bundle::Design,
    images: &[Vec<u8>],
    right: &[Vec<i32>],
    rounds: usize,
) -> Row {
    let mut session = Session::open(device, design, Program::Plain).unwrap();
    let mut best = round(name, &mut session, images, right);
    for _ in 1..rounds {
        let Row { queue, upload, answer, alone, two, many, .. } = round(name, &mut session, images, right);
        // The parts belong to the round that was fastest one at a time.
        if alone < best.alone {
            best = Row { queue, upload, answer, alone, ..best };
        }
        best = Row { two: two.min(best.two), many: many.min(best.many), ..best };
    }
    best
}

fn round<D: Device>(
    name: &'static str,
    session: &mut Session<D>,
    images: &[Vec<u8>],
    right: &[Vec<i32>],
) -> Row {
    let wait = Wait::new("the image", u64::MAX / 2);
    let micros = |from: Instant| 1e6 * from.elapsed().as_secs_f64() / images.len() as f64;
    let (mut queue, mut upload, mut answer) = (0.0, 0.0, 0.0);
    let begin = Instant::now();
    for (pixels, logits) in images.iter().zip(right) {
        let now = Instant::now();
        session.submit(pixels).unwrap();
        queue += micros(now);
        let now = Instant::now();
        session.device_mut().flush(&wait).unwrap();
        upload += micros(now);
        let now = Instant::now();
        assert_eq!(session.wait().unwrap().logits, *logits);
        answer += micros(now);
    }
    let alone = micros(begin);
    let begin = Instant::now();
    let mut due: VecDeque<&Vec<i32>> = VecDeque::new();
    for (pixels, logits) in images.iter().zip(right) {
        if due.len() == 2 {
            assert_eq!(Some(&session.wait().unwrap().logits), due.pop_front());
        }
        session.submit(pixels).unwrap();
        due.push_back(logits);
    }
    for logits in due {
        assert_eq!(session.wait().unwrap().logits, *logits);
    }
    let two = micros(begin);
    let begin = Instant::now();
    let mut due = right.iter();
    let each = |r: spikegate_runtime::session::Inference| -> Result<(), SessionError> {
        assert_eq!(Some(&r.logits), due.next());
        Ok(())
    };
    session.infer_each(images, each).unwrap();
    let many = micros(begin);
    Row { name, queue, upload, answer, alone, two, many }
}

/// A device with this core behind a card in a thread of this process.
fn on_a_card<T>(socket: &Path, core: impl Device + Send, drive: impl FnOnce(Pcie<Socket>) -> T) -> T {
    let (ready, wait) = mpsc::channel();
    let mut core = core;
    std::thread::scope(|scope| {
        let card = scope.spawn(|| serve(socket, &mut core, Sessions::One, || ready.send(()).unwrap()));
        wait.recv().unwrap();
        let result = drive(Pcie::new(Socket::connect(socket).unwrap()).unwrap());
        card.join().unwrap().unwrap();
        result
    })
}

/// The words of an image's packet.
fn words(pixels: &[u8]) -> Vec<u32> {
    let word = |four: &[u8]| four.iter().rev().fold(0, |w, &b| w << 8 | u32::from(b));
    pixels.chunks(4).map(word).collect()
}

/// Class and logits as they stand in a result.
fn answer(logits: &[i32]) -> (u32, Vec<u32>) {
    let best = logits.iter().max().unwrap();
    let class = logits.iter().position(|l| l == best).unwrap();
    (class as u32, logits.iter().map(|&l| l as u32).collect())
}

#[test]
#[ignore = "measures: the table of runtime/README.md"]
fn where_the_time_goes() {
    let rng = &mut Rng(3);
    let network = network(rng, &demo());
    let images: Vec<Vec<u8>> = (0..400).map(|_| image(rng, network.input_shape())).collect();
    let settings = Settings::new(ArrayConfig::new(4, 1, 8, 8).unwrap());
    let made = build(network.clone(), &settings, &mut ()).unwrap();
    let (planned, verilog) = (&made.planned, &made.hardware.verilog);
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    made.write(dir).unwrap();
    let design = &bundle::Design::open(dir).unwrap();
    let prepared = Prepared::new(&network).unwrap();
    let begin = Instant::now();
    let right: Vec<Vec<i32>> = images.iter().map(|i| prepared.run(i).unwrap().logits).collect();
    let own = 1e6 * begin.elapsed().as_secs_f64() / images.len() as f64;

    let golden = || Golden::open(design).unwrap();
    let mut rows = vec![measure("golden", golden(), design, &images, &right, 1)];
    let socket = dir.join("card");
    rows.push(on_a_card(&socket, golden(), |pcie| {
        measure("vfio-user, card --fast", pcie, design, &images, &right, 1)
    }));
    let answers: HashMap<_, _> =
        images.iter().zip(&right).map(|(i, logits)| (words(i), answer(logits))).collect();
    let steps = planned.plan.steps.iter().take_while(|s| s.name != "finish");
    let per_step: Vec<u32> = steps.map(|s| s.cycles as u32).collect();
    for (name, period) in PERIODS {
        let core = Paced::new(golden(), answers.clone(), per_step.clone(), Duration::from_micros(period));
        rows.push(on_a_card(&socket, core, |pcie| measure(name, pcie, design, &images, &right, ROUNDS)));
    }
    let mount = tempfile::tempdir().unwrap();
    match support::mount(mount.path(), Golden::open(design).unwrap()) {
        Err(error) => eprintln!("SKIPPED: FUSE cannot be mounted: {error}"),
        Ok(_files) => {
            let files = Files::open(&mount.path().join("xdma0")).unwrap();
            rows.push(measure("xdma, files of FUSE", files, design, &images, &right, 1));
        }
    }
    match Verilated::open("the demo", verilog, &Options::default(), &mut |_| ()) {
        Err(error) => eprintln!("SKIPPED: no simulation: {error}"),
        Ok(core) => rows.push(measure("verilator", core, design, &images[..20], &right[..20], 1)),
    }

    println!(
        "microseconds an image, {} images of 28 x 28; the golden model alone takes {own:.0}",
        images.len()
    );
    println!(
        "| device | queue | upload | compute, download | one at a time | 2 in flight | as `run` does it |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for r in &rows {
        let values = r.values().map(|v| format!(" {v:.1} |"));
        println!("| {} |{}", r.name, values.concat());
    }
    let cycles: u64 = planned.plan.steps.iter().map(|s| s.cycles).sum();
    let compute = 1e6 * cycles as f64 / CLOCK;
    // Image, descriptor and frame one way; result, its length and frame the other.
    let (up, down) = (4 * (2 + 196 + 3) + 32, 4 * (5 + 10 + planned.plan.steps.len() + 3) + 40);
    println!("estimate: {cycles} cycles at 125 MHz = {compute:.0} us, {up} bytes up, {down} down");
    println!("| link, estimate | upload | compute | download | one at a time | pipelined |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (name, rate, access, interrupt) in LINKS {
        // A run is started by two posted writes; the driver sleeps until the interrupt and reads one status.
        let upload = 1e6 * (2.0 * access + up as f64 / rate);
        let download = 1e6 * (down as f64 / rate + interrupt + access);
        let alone = upload + compute + download;
        println!(
            "| {name} | {upload:.1} | {compute:.0} | {download:.1} | {alone:.0} | {:.0} |",
            compute.max(upload).max(download)
        );
    }
}
