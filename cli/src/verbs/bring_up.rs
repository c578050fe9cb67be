//! `spikegate bring-up`: a new board step by step, each with counts and speeds.

use serde::Serialize;
use spikegate_contract::bundle::Design;
use spikegate_contract::csr::offset;
use spikegate_contract::tensor::{names, Tensor};
use spikegate_golden::random::{self, Rng};
use spikegate_golden::Outcome;
use spikegate_runtime::device::Device;
use spikegate_runtime::identity::Identity;
use spikegate_runtime::session::{Inference, Program, Session};
use spikegate_testbench::compare::compare;
use spikegate_testbench::trace::{decode, dumped};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::device::{connect, got_over, load};
use crate::args::BringUp;
use crate::failure::{Result, VerbError};
use crate::progress::Steps;
use crate::ui::{grouped, table, Ui};

/// Values written to the scratch register and read back.
const SCRATCH: u32 = 256;
/// Images compared with the golden model, one at a time and several in flight.
const IMAGES: u64 = 4;
/// The program is loaded again until so many bytes or so much time have passed.
const UPLOAD_BYTES: usize = 16 << 20;
const UPLOAD_TIME: Duration = Duration::from_millis(500);

/// One step that has passed.
#[derive(Serialize)]
struct Step {
    name: &'static str,
    /// What was done how often.
    count: String,
    /// How fast.
    speed: String,
}

/// What is printed.
#[derive(Serialize)]
struct Done {
    device: String,
    link: String,
    steps: Vec<Step>,
    /// Faults that session and device have got over, by name; only those that happened.
    got_over: BTreeMap<&'static str, u64>,
}

/// The design, with the images and what the golden model says about them.
struct Bench {
    design: Design,
    images: Vec<Vec<u8>>,
    outcomes: Vec<Outcome>,
    /// Every tensor of the first image that comes back: those that are dumped, and the logits.
    tensors: Vec<Tensor>,
}

pub fn run(args: &BringUp, ui: &Ui) -> Result<()> {
    let bench = Bench::new(args)?;
    let mut steps = Steps::new(ui, 5);
    let mut done = Vec::new();

    steps.next("identity");
    let mut device = connect(&args.device, Some(&bench.design), &steps)?;
    let (name, link) = (device.name().to_owned(), device.link());
    let identity = Identity::read(&mut device)?;
    let [l, px, ci, co] = identity.array;
    done.push(Step {
        name: "identity",
        count: format!("array {l},{px},{ci},{co}, configuration {:08x}", identity.config_hash),
        speed: format!("build {:08x}", identity.build_hash),
    });

    steps.next("registers");
    done.push(scratch(&mut *device)?);

    steps.next("DMA to the core");
    let mut session = load(device, &bench.design, Program::Plain, &steps)?;
    let (mut bytes, mut times) = (0, 0u32);
    let begin = Instant::now();
    while times == 0 || bytes < UPLOAD_BYTES && begin.elapsed() < UPLOAD_TIME {
        bytes += session.reload()?;
        times += 1;
    }
    done.push(Step {
        name: "DMA to the core",
        count: format!(
            "{} bytes, the program {times} times: CRC of every frame checked by the core, hash read back",
            grouped(bytes as u64)
        ),
        speed: rate(bytes, begin),
    });

    steps.next("images");
    done.extend(bench.images(&name, &mut session)?);
    let mut faults = got_over(session.faults(), session.device().recovered());

    if session.batch() == 1 {
        steps.next("loopback");
        let mut session = load(session.into_device(), &bench.design, Program::Trace, &steps)?;
        done.push(bench.loopback(&name, &mut session)?);
        // The device counts on, the session began anew.
        faults.extend(got_over(session.faults(), session.device().recovered()));
    } else {
        // Its tensors come image by image within each layer.
        let count = "left out: the design works in batches".to_owned();
        done.push(Step { name: "loopback", count, speed: String::new() });
    }
    drop(steps);
    let done = Done { device: name, link, steps: done, got_over: faults };
    ui.result(&done, || done.text())
}

fn rate(bytes: usize, begin: Instant) -> String {
    format!("{:.2} MB/s", 1e-6 * bytes as f64 / begin.elapsed().as_secs_f64())
}

impl Done {
    fn text(&self) -> String {
        let rows = self.steps.iter().map(|s| vec![s.name.to_owned(), s.count.clone(), s.speed.clone()]);
        let steps = table(&["step", "what", "speed"], rows);
        let faults: Vec<String> = self.got_over.iter().map(|(name, n)| format!("{name} {n}")).collect();
        let faults = if faults.is_empty() { "nothing".to_owned() } else { faults.join(", ") };
        format!("{}\nlink: {}\n\n{steps}\ngot over: {faults}", self.device, self.link)
    }
}

impl Bench {
    fn new(args: &BringUp) -> Result<Self> {
        let design = Design::open(&args.dir)?;
        let network = &design.network;
        let images: Vec<Vec<u8>> =
            (0..IMAGES).map(|seed| random::image(&mut Rng(seed), network.input_shape())).collect();
        let mut tensors = Vec::new();
        let (mut outcomes, mut each) = (Vec::new(), Vec::new());
        for image in &images {
            outcomes.push(spikegate_golden::run(network, image, &mut each)?);
            if tensors.is_empty() {
                tensors = std::mem::take(&mut each);
            }
            each.clear();
        }
        let mut back = dumped(&design.plan, network, 0);
        back.push(names::LOGITS);
        tensors.retain(|t| back.contains(&t.name.as_str()));
        Ok(Self { design, images, outcomes, tensors })
    }

    /// The images one at a time, then all at once.
    fn images<D: Device>(&self, name: &str, session: &mut Session<D>) -> Result<[Step; 2]> {
        let each =
            |begin: Instant| format!("{:.0} us each", 1e6 * begin.elapsed().as_secs_f64() / IMAGES as f64);
        let fixed = if self.is_fixed() { "logits and cycles" } else { "logits" };
        let begin = Instant::now();
        for (number, image) in self.images.iter().enumerate() {
            let got = session.infer(image)?;
            self.check(name, number, &got)?;
        }
        let alone = Step {
            name: "images",
            count: format!("{IMAGES} random images, one at a time, {fixed} as predicted"),
            speed: each(begin),
        };
        let begin = Instant::now();
        let mut number = 0;
        session.infer_each(&self.images, |got| {
            number += 1;
            self.check(name, number - 1, &got)
        })?;
        let count = format!("the same in flight together, {fixed} as predicted");
        Ok([alone, Step { name: "images", count, speed: each(begin) }])
    }

    /// Whether cycles do not depend on the image: they do where zeros are skipped.
    fn is_fixed(&self) -> bool {
        self.design.plan.steps.iter().all(|s| s.skips.is_none())
    }

    fn check(&self, name: &str, number: usize, got: &Inference) -> Result<()> {
        let golden = &self.outcomes[number];
        let predicted: u64 = self.design.plan.steps.iter().take(got.cycles.len()).map(|s| s.cycles).sum();
        let cycles: u64 = got.cycles.iter().map(|&c| u64::from(c)).sum();
        let same = got.logits == golden.logits && got.class as usize == golden.class;
        if same && (cycles == predicted || !self.is_fixed()) {
            return Ok(());
        }
        let what = format!(
            "{name}: image {number}: logits {:?} in {cycles} cycles, expected {:?} in {predicted}",
            got.logits, golden.logits
        );
        Err(VerbError::check(what)
            .help("compare layer by layer with `spikegate simulate --trace all`")
            .into())
    }

    /// One image to the core, and every tensor that comes of it back: long packets from the core.
    fn loopback<D: Device>(&self, name: &str, session: &mut Session<D>) -> Result<Step> {
        let array = session.array().clone();
        let begin = Instant::now();
        let got = session.infer(&self.images[0])?;
        let bytes = got.dumps.iter().map(|d| 4 * d.len()).sum::<usize>();
        let speed = rate(bytes, begin);
        let mut tensors = decode(&self.design.plan, &self.design.network, &array, &got.dumps)?;
        tensors.push(logits_of(&got, self.design.network.classes()));
        let compared = compare(&self.tensors, &tensors);
        if let Some(first) = compared.first {
            let error = VerbError::check(format!("{name}: {first}"));
            return Err(error.help("compare with `spikegate simulate --trace all`").into());
        }
        let count = format!(
            "an image there, every tensor back: {} bytes, {} values as predicted",
            grouped(bytes as u64),
            grouped(compared.values)
        );
        Ok(Step { name: "loopback", count, speed })
    }
}

/// The logits of a result as the tensor that the golden model has.
fn logits_of(got: &Inference, classes: usize) -> Tensor {
    let data = got.logits.iter().map(|&l| i64::from(l)).collect();
    Tensor { name: names::LOGITS.to_owned(), dims: [1, classes, 1, 1], data }
}

/// Walks bits through the scratch register.
fn scratch(device: &mut dyn Device) -> Result<Step> {
    let at = offset("scratch");
    let begin = Instant::now();
    for i in 0..SCRATCH {
        let value = if i < 32 { 1 << i } else { 0x9e37_79b9u32.wrapping_mul(i) };
        device.write_csr(at, value)?;
        let got = device.read_csr(at)?;
        if got != value {
            let name = device.name();
            let what = format!("{name}: scratch reads {got:#010x} after {value:#010x} was written");
            return Err(VerbError::check(what).help("check the link").into());
        }
    }
    let each = 1e6 * begin.elapsed().as_secs_f64() / f64::from(2 * SCRATCH);
    Ok(Step {
        name: "registers",
        count: format!("scratch written and read back {SCRATCH} times"),
        speed: format!("{each:.1} us an access"),
    })
}
