//! What every device must do: one suite, the same assertions for each.
//!
//! A test of a device makes a [`Bench`] and runs [`CHECKS`]; `cli/tests/conformance.rs` does so for all devices of the
//! [table](crate::devices::table). The golden model says what is right, the plan how many cycles it takes.

mod error;

pub use error::ConformanceError;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{first_word, Design};
use spikegate_contract::csr::{offset, ERROR_CRC, ERROR_PROGRAM, INTERFACE_VERSION, MAGIC};
use spikegate_contract::frame::seal;
use spikegate_contract::packet::{header, IMAGE};
use spikegate_contract::tensor::Tensor;
use spikegate_golden::{run, trace, Outcome};

use crate::device::{Device, DeviceError, Wait};
use crate::devices::OpenError;
use crate::identity::{Identity, Mismatch};
use crate::session::{Faults, Inference, Program, Session, SessionError};

/// Opens the device under test anew.
pub type Open<'a> = dyn FnMut() -> Result<Box<dyn Device>, OpenError> + 'a;

/// A device under test.
pub struct Bench<'a> {
    /// The design that its core was made for.
    pub design: &'a Design,
    /// Opens it.
    pub open: &'a mut Open<'a>,
    /// Whether it serves one driver at a time; a device that is a model in this process may be opened twice.
    pub exclusive: bool,
}

/// An assertion.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Whether it holds for designs that compute several images in one run too.
    pub batches: bool,
    /// Runs it.
    pub run: fn(&mut Bench<'_>) -> Result<(), ConformanceError>,
}

/// All of them.
pub const CHECKS: &[Check] = &[
    Check { name: "identity", batches: true, run: identity },
    Check { name: "registers", batches: false, run: registers },
    Check { name: "images", batches: true, run: images },
    Check { name: "counters", batches: false, run: counters },
    Check { name: "trace", batches: false, run: traced },
    Check { name: "wrong_design", batches: true, run: wrong_design },
    Check { name: "wrong_order", batches: false, run: wrong_order },
    Check { name: "recovery", batches: false, run: recovery },
    Check { name: "silence", batches: false, run: silence },
    Check { name: "reset", batches: true, run: reset },
    Check { name: "two_sessions", batches: true, run: two_sessions },
    Check { name: "lock", batches: false, run: lock },
];

/// Images of a check.
const IMAGES: usize = 5;
/// A wait that is over soon, in cycles.
const SHORT: u64 = 1000;

/// Fails with a text unless a condition holds.
fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), ConformanceError> {
    if holds {
        Ok(())
    } else {
        Err(ConformanceError::Differs { what: text() })
    }
}

/// Fails unless both are the same.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expected: &T) -> Result<(), ConformanceError> {
    ensure(got == expected, || format!("{what}: {got:?}, expected {expected:?}"))
}

/// Image `index`: pixels u8 in (c, y, x) order, no two images alike.
fn pixels(design: &Design, index: usize) -> Vec<u8> {
    let bytes: usize = design.network.input_shape().iter().product();
    let byte = |at: usize| ((at + 977 * index + 1) as u32).wrapping_mul(2_654_435_761).rotate_right(19) as u8;
    (0..bytes).map(byte).collect()
}

/// Image `index` through the golden model.
fn golden(design: &Design, index: usize) -> Result<(Outcome, Vec<Tensor>), ConformanceError> {
    let mut tensors = Vec::new();
    let outcome = run(&design.network, &pixels(design, index), &mut tensors)?;
    Ok((outcome, tensors))
}

/// A result must be that of an image, in its class, its logits and its planned cycles.
fn right(design: &Design, index: usize, got: &Inference, program: Program) -> Result<(), ConformanceError> {
    let outcome = golden(design, index)?.0;
    same(&format!("class of image {index}"), &(got.class as usize), &outcome.class)?;
    same(&format!("logits of image {index}"), &got.logits, &outcome.logits)?;
    let steps = match program {
        Program::Plain => &design.plan.steps,
        Program::Trace => &design.plan.trace_steps,
    };
    let planned: Vec<u32> = steps.iter().take(got.cycles.len()).map(|s| s.cycles as u32).collect();
    match program {
        // How long a dump takes depends on who takes its words.
        Program::Trace => same(&format!("instructions of image {index}"), &got.cycles.len(), &planned.len()),
        Program::Plain => same(&format!("cycles of image {index}"), &got.cycles, &planned),
    }
}

/// Some images through a session, each of which must be right.
fn run_images<D: Device>(session: &mut Session<D>, design: &Design) -> Result<(), ConformanceError> {
    let (mut seen, batch) = (0, session.batch());
    session.infer_each((0..IMAGES).map(|i| pixels(design, i)), |got| {
        same("place in its batch", &got.place, &(seen % batch))?;
        right(design, seen, &got, Program::Plain)?;
        seen += 1;
        Ok::<(), ConformanceError>(())
    })?;
    same("results", &seen, &IMAGES)
}

/// A core says what it is, and it is the design's.
fn identity(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let mut device = (bench.open)()?;
    let got = Identity::read(&mut device)?;
    let manifest = &bench.design.manifest;
    let ArrayConfig { lanes, pixels, ci, co, post, .. } = &manifest.array;
    same("magic", &got.magic, &MAGIC)?;
    same("version", &got.version, &INTERFACE_VERSION)?;
    same("array", &got.array.map(usize::from), &[*lanes, *pixels, *ci, *co])?;
    same("post lanes", &usize::from(got.post), post)?;
    same("configuration hash", &got.config_hash, &first_word(&manifest.config_hash))?;
    ensure(!device.name().is_empty() && !device.link().is_empty(), || "it has no name or no link".to_owned())
}

/// Registers keep what is written, or are what they are.
fn registers(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let mut device = (bench.open)()?;
    for value in [0, 1, 0xdead_beef, 0xc0db_dcdd, u32::MAX] {
        device.write_csr(offset("scratch"), value)?;
        same("register scratch", &device.read_csr(offset("scratch"))?, &value)?;
    }
    device.write_csr(offset("magic"), 7)?;
    same("a register that can only be read", &device.read_csr(offset("magic"))?, &MAGIC)
}

/// Classes, logits and cycles, in order, with several images in flight.
fn images(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let mut session = Session::open((bench.open)()?, bench.design, Program::Plain)?;
    run_images(&mut session, bench.design)?;
    same("images in flight at the end", &session.in_flight(), &0)?;
    same("faults", &session.faults(), &Faults::default())?;
    let one = session.infer(&[]).map(|r| r.class);
    let refused = matches!(one, Err(SessionError::Image { got: 0, .. }));
    ensure(refused, || format!("an image without pixels gives {one:?}"))?;
    let none = session.wait().map(|r| r.class);
    ensure(matches!(none, Err(SessionError::Idle)), || format!("a result without an image: {none:?}"))
}

/// The core counts what the golden model and the plan count.
fn counters(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let design = bench.design;
    let mut session = Session::open((bench.open)()?, design, Program::Plain)?;
    same("images counted before the first", &session.counters()?.images, &0)?;
    let (mut cycles, mut spikes, mut sent) = (0, 0, 0);
    for index in 0..2 {
        let result = session.infer(&pixels(design, index))?;
        cycles += result.own_cycles();
        // Header, number, class, and the lengths of both lists.
        sent += 5 + result.logits.len() + result.cycles.len();
        let outcome = golden(design, index)?.0;
        // Those of the last layer are counted for the logits and written nowhere.
        spikes += outcome.spikes.iter().map(|layer| layer.spikes).sum::<u64>();
        spikes -= outcome.counts.iter().map(|&n| n as u64).sum::<u64>();
    }
    let got = session.counters()?;
    same("images counted", &got.images, &2)?;
    // The last instruction is not in its own result: it sends a word in each of its cycles.
    let most = cycles + 2 * sent as u64;
    ensure((cycles..=most).contains(&got.cycles), || {
        format!("cycles counted: {}, expected {cycles} to {most}", got.cycles)
    })?;
    same("spikes counted", &got.spikes, &spikes)?;
    let mut device = session.into_device();
    device.reset()?;
    same("images counted after a reset", &device.read_csr(offset("images"))?, &0)
}

/// Every tensor of an image, value by value; and one device runs both programs, one after the other.
fn traced(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let design = bench.design;
    let mut session = Session::open((bench.open)()?, design, Program::Trace)?;
    for index in 0..2 {
        let got = session.infer(&pixels(design, index))?;
        right(design, index, &got, Program::Trace)?;
        let tensors = trace::decode(&design.plan, &design.network, &design.manifest.array, &got.dumps)?;
        ensure(!tensors.is_empty(), || "the tracing program sends no tensor".to_owned())?;
        let expected = golden(design, index)?.1;
        for tensor in tensors {
            let twin = expected.iter().find(|t| t.name == tensor.name);
            ensure(twin == Some(&tensor), || format!("tensor {} of image {index} differs", tensor.name))?;
        }
    }
    let mut session = Session::open(session.into_device(), design, Program::Plain)?;
    right(design, 3, &session.infer(&pixels(design, 3))?, Program::Plain)
}

/// A design for another array is refused, and the device stays as it was.
fn wrong_design(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let mut other = bench.design.clone();
    other.manifest.config_hash = "0123456789abcdef".to_owned();
    let refused = Session::open((bench.open)()?, &other, Program::Plain).map(|_| ());
    let named = matches!(refused, Err(SessionError::Mismatch(Mismatch::Config { .. })));
    ensure(named, || format!("a design for another array: {refused:?}"))?;
    let mut session = Session::open((bench.open)()?, bench.design, Program::Plain)?;
    run_images(&mut session, bench.design)
}

/// An image before its program, and a program where one is declared, are refused by the core itself.
fn wrong_order(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let wait = Wait::new("a refused packet to be taken", 1_000_000);
    let mut device = (bench.open)()?;
    // What an earlier driver declared outlasts a reset.
    device.write_csr(offset("program_hash"), 0)?;
    device.reset()?;
    let words = bench.design.network.input_shape().iter().product::<usize>().div_ceil(4);
    let image = [vec![header(IMAGE, 0, 0), 0], vec![0; words]].concat();
    device.send(&seal(0, &image))?;
    // What is refused may still be taken to its end.
    let _ = device.flush(&wait);
    same("error of an image before the program", &device.read_csr(offset("error"))?, &ERROR_PROGRAM)?;
    let mut session = Session::open(device, bench.design, Program::Plain)?;
    right(bench.design, 0, &session.infer(&pixels(bench.design, 0))?, Program::Plain)?;
    let mut device = session.into_device();
    // The program and an image have gone before.
    let number = bench.design.program.len() as u32 + 1;
    let load = bench.design.program.first().cloned().unwrap_or_default();
    device.send(&seal(number, &load))?;
    let _ = device.flush(&wait);
    same("error of a program behind the program", &device.read_csr(offset("error"))?, &ERROR_PROGRAM)
}

/// A damaged packet is refused, the session starts the core again, and the image is right after all.
fn recovery(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let design = bench.design;
    let mut session = Session::open((bench.open)()?, design, Program::Plain)?;
    right(design, 0, &session.infer(&pixels(design, 0))?, Program::Plain)?;
    let device = session.device_mut();
    let wait = Wait::new("a wrong packet to be taken", 1_000_000);
    let stray = seal(design.program.len() as u32 + 1, &[header(IMAGE, 0, 0), 1, 2, 3]);
    let mut damaged = stray.clone();
    damaged[4] ^= 0x100;
    device.send(&damaged)?;
    let _ = device.flush(&wait);
    let error = device.read_csr(offset("error"))?;
    ensure(error & ERROR_CRC != 0, || format!("error after a damaged packet: {error:#x}"))?;
    // A whole one takes the number of the session's next, which is refused.
    device.send(&stray)?;
    let _ = device.flush(&wait);
    right(design, 1, &session.infer(&pixels(design, 1))?, Program::Plain)?;
    let faults = session.faults();
    let once = Faults { refused: 1, resent: 1, ..Faults::default() };
    same("faults got over", &faults, &once)?;
    run_images(&mut session, design)
}

/// Nothing comes where nothing was sent, an empty packet is refused, and both are said at once.
fn silence(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let mut session = Session::open((bench.open)()?, bench.design, Program::Plain)?;
    let device = session.device_mut();
    let got = device.receive(&Wait::new("a packet that nobody sends", SHORT));
    ensure(matches!(got, Err(DeviceError::Timeout { .. })), || format!("a packet out of nothing: {got:?}"))?;
    let got = device.send(&[]);
    ensure(matches!(got, Err(DeviceError::Empty { .. })), || format!("an empty packet: {got:?}"))?;
    run_images(&mut session, bench.design)
}

/// A reset drops what is under way: the next session gets its own results alone.
fn reset(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let design = bench.design;
    let mut session = Session::open((bench.open)()?, design, Program::Plain)?;
    for index in 0..3 {
        session.submit(&pixels(design, index))?;
    }
    let mut session = Session::open(session.into_device(), design, Program::Plain)?;
    run_images(&mut session, design)?;
    same("faults", &session.faults(), &Faults::default())
}

/// The second driver finds the device as the first one did, whatever that one left under way.
fn two_sessions(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    for round in 0..2 {
        let mut session = Session::open((bench.open)()?, bench.design, Program::Plain)?;
        same("images counted in a new session", &session.counters()?.images, &0)?;
        run_images(&mut session, bench.design)?;
        same(&format!("faults in session {round}"), &session.faults(), &Faults::default())?;
        session.submit(&pixels(bench.design, round))?;
    }
    Ok(())
}

/// One driver at a time, and the second learns who the first is.
fn lock(bench: &mut Bench<'_>) -> Result<(), ConformanceError> {
    let first = (bench.open)()?;
    if bench.exclusive {
        match (bench.open)().map(|_| ()) {
            Err(OpenError::Busy { holder, .. }) => {
                same("holder", &holder, &std::process::id().to_string())?;
            }
            other => return Err(ConformanceError::Differs { what: format!("opened twice: {other:?}") }),
        }
    }
    drop(first);
    (bench.open)().map(|_| ()).map_err(ConformanceError::from)
}
