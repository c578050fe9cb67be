//! `spikegate run`: images in, classes out, on any device.

use serde::Serialize;
use spikegate_bitstreams::output::Output;
use spikegate_contract::bundle::Design;
use spikegate_contract::tensor::{names, Tensor};
use spikegate_golden::fast::Prepared;
use spikegate_runtime::session::{Inference, Program};
use spikegate_testbench::data::{About, Split};
use spikegate_testbench::trace;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use super::device::{connect, got_over, load};
use super::images;
use super::results::{Results, Row};
use crate::args::{Run, Values};
use crate::failure::{Failed, Result, VerbError};
use crate::progress::Steps;
use crate::ui::{grouped, Ui};

/// What a run comes to.
#[derive(Serialize)]
struct Done {
    device: String,
    images: u64,
    /// Images whose label was found; none without labels.
    right: Option<u64>,
    /// Cycles of all images, counted by the core.
    cycles: u64,
    /// Seconds to open the device and load the program.
    load_seconds: f64,
    /// Seconds from the first image to the last result.
    run_seconds: f64,
    /// Images compared with the golden model.
    checked: Option<u64>,
    /// Faults that session and device have got over, by name; only those that happened.
    got_over: BTreeMap<&'static str, u64>,
    /// The data set; none for standard input.
    data: Option<About>,
}

pub fn run(args: &Run, ui: &Ui) -> Result<()> {
    let design = Design::open(&args.dir)?;
    let mut steps = Steps::new(ui, 2);
    let (shape, classes) = (design.network.input_shape(), design.network.classes());
    if args.input == Path::new("-") {
        let output = Output::new(args.output.as_deref(), design.files().chain(args.device.files()))?;
        let input = Piped { bytes: shape.iter().product(), read: 0.into(), failed: None.into() };
        let images = std::iter::from_fn(|| input.image_from(args.first)).take(count(args));
        let ended = || input.ended(args.first);
        let (done, output) = execute(args, &design, images, ended, &[], output, &mut steps)?;
        drop(steps);
        return finish(output, &done, ui);
    }
    let say = |text: &str| steps.note(text);
    let set = images::open(&args.input, Split::Default, "--input", say)?;
    let inputs = design.files().chain(set.files().map(Path::to_owned)).chain(args.device.files());
    let output = Output::new(args.output.as_deref(), inputs)?;
    let chosen = images::range(&set, shape, (args.first, args.images.unwrap_or(u64::MAX)), "--input", say)?;
    let labels = images::labels(&set, &chosen, classes, "--input", say)?;
    // All pictures before the first is run; then they are read one by one, for they may be many.
    set.check(chosen.iter().copied())?;
    let failed = Cell::new(None);
    let input = chosen.into_iter().map_while(|i| set.image(i).map_err(|e| failed.set(Some(e.into()))).ok());
    let ended = || failed.take().map_or(Ok(()), Err);
    let (done, output) = execute(args, &design, input, ended, &labels, output, &mut steps)?;
    drop(steps);
    finish(output, &Done { data: Some(set.about()), ..done }, ui)
}

/// Keeps the results, and says what the run came to where they leave room for it.
fn finish(output: Output, done: &Done, ui: &Ui) -> Result<()> {
    let taken = output.is_stdout();
    output.keep()?;
    ui.result_unless(taken, done, || done.text())
}

fn count(args: &Run) -> usize {
    args.images.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

/// Images on standard input.
struct Piped {
    /// Bytes of an image.
    bytes: usize,
    /// Images that were read.
    read: Cell<u64>,
    failed: Cell<Option<Failed>>,
}

impl Piped {
    /// The next image, after those before the `first` one; none at the end.
    fn image_from(&self, first: u64) -> Option<Vec<u8>> {
        while self.read.get() < first {
            self.image()?;
        }
        self.image()
    }

    /// The next image; none at the end, or with an error when it ends within an image.
    fn image(&self) -> Option<Vec<u8>> {
        let bytes = self.bytes;
        let mut image = Vec::with_capacity(bytes);
        let failed = match std::io::stdin().lock().take(bytes as u64).read_to_end(&mut image) {
            Ok(n) if n == bytes => {
                self.read.set(self.read.get() + 1);
                return Some(image);
            }
            Ok(0) => return None,
            Ok(n) => VerbError::input(format!("standard input ends {n} bytes into an image of {bytes}"))
                .help(WHOLE_IMAGES),
            Err(error) => VerbError::input("cannot read standard input").because(error),
        };
        self.failed.set(Some(failed.into()));
        None
    }

    /// An error unless the input came to its end, behind the `first` image.
    fn ended(&self, first: u64) -> Result<()> {
        match (self.failed.take(), self.read.get()) {
            (Some(failed), _) => Err(failed),
            (None, read) if read <= first => {
                let what = format!("standard input: there is no image {first}, it has {read}");
                Err(VerbError::input(what).help(WHOLE_IMAGES).into())
            }
            _ => Ok(()),
        }
    }
}

const WHOLE_IMAGES: &str = "send whole images, u8 in (c, y, x) order";

/// Runs the images; `ended` says whether the input came to its end. The results are complete, and not kept yet.
fn execute<P: AsRef<[u8]>>(
    args: &Run,
    design: &Design,
    input: impl Iterator<Item = P>,
    ended: impl FnOnce() -> Result<()>,
    labels: &[Option<u16>],
    output: Output,
    steps: &mut Steps,
) -> Result<(Done, Output)> {
    steps.next("open the device");
    let begin = Instant::now();
    let device = connect(&args.device, Some(design), steps)?;
    let plan = match args.values {
        Values::Spikes => Some(&design.plan),
        Values::Classes | Values::Logits => None,
    };
    let program = if plan.is_some() { Program::Trace } else { Program::Plain };
    let mut session = load(device, design, program, steps)?;
    let array = session.array().clone();
    let load_seconds = begin.elapsed().as_secs_f64();
    steps.next("run");
    let golden = if args.check { Some(Prepared::new(&design.network)?) } else { None };
    // Images that are still to be compared.
    let kept = std::cell::RefCell::new(std::collections::VecDeque::new());
    let input = input.inspect(|image| {
        if args.check {
            kept.borrow_mut().push_back(image.as_ref().to_vec());
        }
    });
    let mut results = Results::new(args.results, args.values, output);
    let (mut images, mut right, mut cycles) = (0u64, 0, 0);
    let begin = Instant::now();
    session.infer_each(input, |inference| {
        let spikes = match plan {
            Some(plan) => counts(trace::decode(plan, &design.network, &array, &inference.dumps)?),
            None => Vec::new(),
        };
        let label = labels.get(images as usize).copied().flatten();
        let row = Row {
            image: args.first + images,
            class: inference.class,
            label,
            cycles: Some(inference.own_cycles()),
            logits: &inference.logits,
            spikes: &spikes,
        };
        results.put(&row).map_err(|e| results.to().failed(e))?;
        if let (Some(golden), Some(image)) = (&golden, kept.borrow_mut().pop_front()) {
            let spikes = plan.is_some().then_some(spikes.as_slice());
            compare(golden, &image, &inference, spikes, args.first + images)?;
        }
        right += u64::from(label.map(u32::from) == Some(inference.class));
        cycles += inference.own_cycles();
        images += 1;
        steps.count(images, labels.len().max(images as usize) as u64);
        Ok::<(), Failed>(())
    })?;
    let run_seconds = begin.elapsed().as_secs_f64();
    // Results of an input that broke off are not kept.
    ended()?;
    let output = results.finish().map_err(|(output, e)| output.failed(e))?;
    let labelled = !labels.is_empty() && labels.iter().all(Option::is_some);
    let checked = args.check.then_some(images);
    let device = session.device().name().to_owned();
    let right = labelled.then_some(right);
    let got_over = got_over(session.faults(), session.device().recovered());
    let done =
        Done { device, images, right, cycles, load_seconds, run_seconds, checked, got_over, data: None };
    Ok((done, output))
}

/// What to do where a device and the golden model differ.
const FIND: &str = "run it with `spikegate simulate --trace all` to find the layer";

/// The spike counts of the last layer among the tensors of an image.
fn counts(tensors: Vec<Tensor>) -> Vec<u32> {
    let counts = tensors.into_iter().find(|t| t.name == names::COUNTS);
    counts.map_or_else(Vec::new, |t| t.data.iter().map(|&n| n as u32).collect())
}

/// Compares a result with the golden model's; spike counts where there are any.
fn compare(
    golden: &Prepared<'_>,
    image: &[u8],
    got: &Inference,
    spikes: Option<&[u32]>,
    number: u64,
) -> Result<()> {
    let expected = golden.run(image)?;
    if spikes.is_some_and(|s| !s.iter().map(|&n| i64::from(n)).eq(expected.counts.iter().copied())) {
        let text =
            format!("image {number}: spike counts {spikes:?}, the golden model says {:?}", expected.counts);
        return Err(VerbError::check(text).help(FIND).into());
    }
    if expected.logits == got.logits && expected.class == got.class as usize {
        return Ok(());
    }
    let text = format!(
        "image {number}: class {} and logits {:?}, the golden model says {} and {:?}",
        got.class, got.logits, expected.class, expected.logits
    );
    Err(VerbError::check(text).help(FIND).into())
}

impl Done {
    fn text(&self) -> String {
        let per_image = 1e6 * self.run_seconds / self.images.max(1) as f64;
        let mut lines = vec![
            format!("device        {}", self.device),
            format!("images        {} in {:.3} s, {per_image:.0} us each", self.images, self.run_seconds),
            format!("loading       {:.3} s", self.load_seconds),
            format!("core cycles   {} per image", grouped(self.cycles / self.images.max(1))),
        ];
        if let Some(right) = self.right {
            lines.push(format!("right classes {right} of {}", self.images));
        }
        if let Some(checked) = self.checked {
            lines.push(format!("golden model  all equal: class and logits of {checked} images"));
        }
        if !self.got_over.is_empty() {
            let all: Vec<String> = self.got_over.iter().map(|(name, n)| format!("{name} {n}")).collect();
            lines.push(format!("got over      {}", all.join(", ")));
        }
        lines.join("\n")
    }
}
