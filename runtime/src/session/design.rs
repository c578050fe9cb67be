//! What a session needs of a design.

use spikegate_contract::bundle::{self, first_word, Manifest};
use spikegate_contract::image::ImageForm;

/// Name of the instruction that sends the result.
const FINISH: &str = "finish";

/// A packet that the core sends in a run of the program; which image of the batch it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A dump of this instruction, of one image or of all.
    Dump { instruction: usize, image: Option<usize> },
    /// A result, and how many instructions were executed before it.
    Result { instructions: usize },
}

/// Which program of a design runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Results only.
    Plain,
    /// Dumps of every tensor, then the result.
    Trace,
}

/// The parts of a design that one of its programs needs.
#[derive(Debug)]
pub(super) struct Design {
    pub manifest: Manifest,
    /// First word of the configuration hash.
    pub config_hash: u32,
    /// First word of the program's hash.
    pub program_hash: u32,
    pub packets: Vec<Vec<u32>>,
    /// How images travel.
    pub image: ImageForm,
    /// Channels, rows, columns.
    pub shape: [usize; 3],
    pub classes: usize,
    /// Names of the instructions whose cycles a result has: all but the last, `finish`, which sends it.
    pub names: Vec<String>,
    /// Images of a run.
    pub batch: usize,
    /// What the core sends in a run, in order.
    pub due: Vec<Due>,
    /// Cycles after which a packet will not come any more.
    pub patience: u64,
    /// Cycles in instructions after which the core gives an image up: before the patience ends.
    pub watchdog: u32,
}

impl Design {
    pub fn new(design: &bundle::Design, program: Program) -> Self {
        let bundle::Design { manifest, network, plan, .. } = design;
        let (packets, hash, steps) = match program {
            Program::Plain => (&design.program, &manifest.program_hash, &plan.steps),
            Program::Trace => (&design.trace, &manifest.trace_hash, &plan.trace_steps),
        };
        let dumped = || plan.dumps.iter().filter(|_| program == Program::Trace);
        // Dump words: one per slot and lane at most, groups rounded up to full slots.
        let slots = manifest.array.ci * manifest.array.lanes;
        let dump_words: usize = dumped()
            .map(|d| d.images * d.dims[0] * d.dims[2] * d.dims[3] * (d.dims[1] + manifest.array.ci) + slots)
            .sum();
        let image = ImageForm::new(network, &manifest.array, plan.patches);
        let patches = network.image_layer().map_or(0, |(layer, _)| 4 * layer.in_c() * layer.k.pow(2));
        let batch = steps.iter().filter(|s| s.name == FINISH).count().max(1);
        let coming = batch * network.input_shape().iter().product::<usize>() * patches + 8 * image.words();
        let cycles = steps.iter().map(|s| s.cycles).sum::<u64>() + (dump_words + coming) as u64;
        let finishes = steps.iter().enumerate().filter(|(_, s)| s.name == FINISH).map(|(at, _)| at);
        let last = finishes.clone().next_back().unwrap_or(steps.len());
        let mut due: Vec<(usize, Due)> =
            finishes.map(|instructions| (instructions, Due::Result { instructions })).collect();
        due.extend(dumped().map(|d| {
            let (instruction, image) = (d.instruction, d.image);
            (instruction, Due::Dump { instruction, image })
        }));
        due.sort_by_key(|&(at, _)| at);
        let due = due.into_iter().map(|(_, due)| due).collect();
        // Another image may be on its way in front of this one; slow streams may double it all.
        let patience = 4 * cycles + 100_000;
        Self {
            config_hash: first_word(&manifest.config_hash),
            program_hash: first_word(hash),
            packets: packets.clone(),
            image,
            shape: network.input_shape(),
            classes: network.classes(),
            names: steps.iter().take(last).map(|s| s.name.clone()).collect(),
            batch,
            due,
            patience,
            watchdog: u32::try_from(patience / 4 * 3).unwrap_or(u32::MAX),
            manifest: manifest.clone(),
        }
    }
}
