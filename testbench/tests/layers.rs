//! The run of one image in parts of some layers each: joined they are, byte for byte, the run that nobody divided.

#[allow(dead_code)]
mod support;

use serde_json::json;
use spikegate_compiler::emit::hardware;
use spikegate_compiler::plan::PlanError;
use spikegate_compiler::{build, plan, Memories, Settings};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{Design, LayerPart};
use spikegate_contract::network::Network;
use spikegate_contract::tensor::Tensor;
use spikegate_golden::random::{image, network, Rng, Shape};
use spikegate_golden::Outcome;
use spikegate_runtime::devices::verilator::{Options, Verilated};
use spikegate_runtime::session::Program;
use spikegate_testbench::check::{check_layers, check_part, Checked, Images, Level};
use spikegate_testbench::compare::Divergence;
use spikegate_testbench::shard::{merge, Part, Record, Shard, Written};
use std::fs;
use std::path::{Path, PathBuf};
use support::grown;
use support::shapes::narrow;

/// A design, an image, and what golden says of it.
struct Case {
    design: Design,
    pixels: Vec<u8>,
    tensors: Vec<Tensor>,
    outcome: Outcome,
}

impl Case {
    fn new(rng: &mut Rng, net: &Network, array: &ArrayConfig, home: &Path) -> Self {
        let settings = Settings { memories: Memories::Keep(None), ..Settings::new(array.clone()) };
        let compiled = build(net.clone(), &settings, &mut ()).expect("the network fits the array");
        compiled.write(home).expect("a folder");
        let design = Design::open(home).expect("the design");
        let pixels = image(rng, net.input_shape());
        let mut tensors: Vec<Tensor> = Vec::new();
        let outcome = spikegate_golden::run(net, &pixels, &mut tensors).expect("golden runs");
        Self { design, pixels, tensors, outcome }
    }

    fn images<'a>(&self, pixels: &'a [&'a [u8]]) -> Images<'a, &'a [u8]> {
        Images { pixels, labels: &[Some(3)], first: 5, run: 5 }
    }

    /// The run that nobody divided.
    fn whole(&self, core: Verilated) -> (Checked, Verilated) {
        let planned = plan::of(&self.design).expect("its own plan");
        let predict = |program, golden: &[Tensor]| {
            plan::predict(&planned, program == Program::Trace, self.design.network.timesteps, golden)
        };
        let pixels = [&self.pixels[..]];
        check_part(core, &self.design, &self.images(&pixels), Level::All, &predict, &mut |_, _| ())
            .expect("it runs")
    }

    fn part(&self, index: u32, of: u32) -> LayerPart {
        plan::divide(&self.design, (index, of), &self.tensors).expect("it can be divided")
    }

    fn check(&self, core: Verilated, part: &LayerPart) -> (Checked, Verilated) {
        let (plan, golden) = (&self.design.plan, (&self.tensors[..], &self.outcome));
        let pixels = [&self.pixels[..]];
        check_layers(core, part, plan, &self.images(&pixels), golden, &mut |_, _| ()).expect("it runs")
    }

    /// As many parts as there can be.
    fn most(&self) -> u32 {
        let fits = |of: &u32| plan::divide(&self.design, (1, *of), &self.tensors).is_ok();
        (1..100).take_while(fits).last().expect("one part")
    }
}

fn record(shard: Shard, layers: Option<Part>, results: Checked) -> Record<Checked> {
    let images = Part::new(&(0..1), 1);
    Record { verb: "simulate".to_owned(), shard, images, layers, run: json!({ "a": 1 }), results }
}

/// Runs all parts; the record of all of them.
fn parts(case: &Case, mut core: Verilated, of: u32, home: &Path) -> (Record<Checked>, Verilated) {
    let mut files: Vec<PathBuf> = Vec::new();
    for index in 1..=of {
        let part = case.part(index, of);
        let checked;
        (checked, core) = case.check(core, &part);
        let found = checked.found();
        assert!(found.is_right(), "{index}/{of}: {:?}, {:?}", found.first_mismatch, found.layers);
        let layers = Part::new(&part.plain.whole, case.design.plan.steps.len());
        println!("{index}/{of}: {layers:?}, {} cycles", found.cycles);
        let shard = Shard::new(index, of).expect("a part");
        let path = home.join(format!("{of}-{index}.json"));
        fs::write(&path, record(shard, Some(layers), checked).text().expect("JSON")).expect("a file");
        files.push(path);
    }
    files.rotate_left(1);
    let files: Vec<Written> = files.iter().map(|path| Written::open(path).expect("a record")).collect();
    (merge(&files).expect("the parts of one run"), core)
}

fn array((l, ci, co): (usize, usize, usize), post: usize, bits: usize) -> ArrayConfig {
    let array =
        ArrayConfig::new(l, 1, ci, co).and_then(|a| a.with_post(post)).and_then(|a| a.with_memory(bits));
    array.and_then(ArrayConfig::with_moves).expect("an array that can be built")
}

fn open(design: &Design) -> Verilated {
    let hardware = hardware::of(design).expect("the kernels obey the rules");
    Verilated::open("the array", &hardware.verilog, &Options::default(), &mut |_| ())
        .expect("Verilator builds the core")
}

/// The undivided run is right, and so are the parts, which together are it.
fn same(case: &Case, core: Verilated, home: &Path, ofs: &[u32]) -> Verilated {
    let (whole, mut core) = case.whole(core);
    assert!(whole.found().is_right(), "{:?}", whole.found().first_mismatch);
    let whole = record(Shard::WHOLE, None, whole).text().expect("JSON");
    for &of in ofs {
        let merged;
        (merged, core) = parts(case, core, of, home);
        assert_eq!(merged.text().expect("JSON"), whole, "{of} parts");
    }
    core
}

/// What parts have before their own instructions: maps or pages moved in, and sums that free weights.
fn before(case: &Case, of: u32) -> [usize; 2] {
    let mut found = [0; 2];
    for index in 1..=of {
        let part = case.part(index, of);
        for (plan, counted) in
            [(&part.design.plan.steps, &part.plain), (&part.design.plan.trace_steps, &part.trace)]
        {
            for step in &plan[..counted.before] {
                let kind = ["begin", "run up"].iter().position(|name| step.name == *name);
                found[kind.expect("one of these")] += 1;
            }
        }
    }
    found
}

/// The structure of the authors' CIFAR network on the smallest memories: all maps lie outside, the program comes in pages.
#[test]
fn narrow_resnet18() {
    let home = tempfile::tempdir().expect("a folder");
    let mut rng = Rng(3);
    let net = network(&mut rng, &narrow());
    let array = grown(&[&net], &array((4, 8, 8), 2, 64));
    let case = Case::new(&mut rng, &net, &array, home.path());
    let most = case.most();
    println!("{most} parts, {:?} before them", before(&case, most));
    assert!(most >= 4);
    let core = same(&case, open(&case.design), home.path(), &[1, 2, most]);

    // A part that begins with another value, and one whose next part begins with another than it leaves.
    let mut part = case.part(2, most);
    let (found, core) = case.check(core, &part);
    assert!(found.found().is_right());
    let leaves = part.leaves.as_mut().expect("a next part");
    let (name, at) = (leaves[0].tensor.clone(), leaves[0].holds.iter().position(|&holds| holds != 0));
    let at = at.expect("a value");
    leaves[0].bytes[at] ^= leaves[0].holds[at];
    let (found, core) = case.check(core, &part);
    let first = found.found().first_mismatch.expect("a difference").divergence;
    assert!(matches!(&first, Divergence::Left { tensor, bytes: 1, .. } if *tensor == name), "{first:?}");

    let mut tensors = case.tensors.clone();
    for left in case.part(1, most).leaves.expect("a next part") {
        let map = tensors.iter_mut().find(|tensor| tensor.name == left.tensor).expect("its tensor");
        map.data.iter_mut().for_each(|value| *value ^= 1);
    }
    let part = plan::divide(&case.design, (2, most), &tensors).expect("it can be divided");
    let (found, _) = case.check(core, &part);
    assert!(!found.found().equal && found.found().cycles_equal, "its cycles do not depend on values");
}

/// Maps on chip and outside, whole, in halves and in quarters, on one array: time passes, a head without the last neurons, direct
/// coding, odd sides.
#[test]
fn one_array_for_all() {
    let home = tempfile::tempdir().expect("a folder");
    let mut rng = Rng(7);
    let shapes = [
        Shape { t: 6, stages: vec![(8, 2, 1), (24, 2, 2)], ..narrow() },
        Shape {
            input: [2, 12, 10],
            stages: vec![(8, 1, 1), (16, 1, 2), (24, 1, 2)],
            direct: true,
            ..narrow()
        },
        Shape { t: 7, input: [3, 13, 12], stages: vec![(16, 1, 2), (20, 1, 2)], last_lif: false, ..narrow() },
        Shape { input: [3, 9, 9], stages: vec![(12, 1, 1), (16, 1, 2)], ..narrow() },
    ];
    let nets = shapes.map(|shape| network(&mut rng, &shape));
    let array = grown(&nets.iter().collect::<Vec<_>>(), &array((4, 8, 4), 1, 64));
    let mut core = None;
    let mut all = [0; 2];
    for (number, net) in nets.iter().enumerate() {
        let folder = home.path().join(number.to_string());
        let case = Case::new(&mut rng, net, &array, &folder);
        let most = case.most();
        let found = before(&case, most);
        println!("{most} parts, {found:?} before them");
        all = [0, 1].map(|at| all[at] + found[at]);
        core = Some(same(&case, core.unwrap_or_else(|| open(&case.design)), &folder, &[most]));
    }
    assert!(all.iter().all(|&count| count > 0), "{all:?}");
}

#[test]
fn what_cannot_be_divided_is_said() {
    let home = tempfile::tempdir().expect("a folder");
    let mut rng = Rng(3);
    let net = network(&mut rng, &Shape { stages: vec![(16, 1, 1), (24, 1, 2)], ..narrow() });
    let moving = array((4, 8, 8), 2, 64);
    let on_chip = ArrayConfig { moves: false, spill_depth: 0, ..moving.clone() };
    let says = |name: &str, array: &ArrayConfig, part: (u32, u32), without: &str| {
        let case = Case::new(&mut Rng(3), &net, &grown(&[&net], array), &home.path().join(name));
        let tensors: Vec<Tensor> =
            case.tensors.iter().filter(|tensor| tensor.name != without).cloned().collect();
        match plan::divide(&case.design, part, &tensors) {
            Err(PlanError::Layers { what, .. }) => what,
            other => panic!("{name}: {:?}", other.map(|part| part.plain)),
        }
    };
    assert!(says("chip", &on_chip, (1, 2), "").contains("cannot move maps"));
    assert!(says("parity", &moving.clone().with_parity(), (1, 2), "").contains("parity"));
    let many = says("many", &moving, (1, 50), "");
    assert!(many.contains("part 1 of 50: it can be cut before ") && many.contains("layer2.0."), "{many}");
    assert!(says("none", &moving, (0, 2), "").contains("part 0 of 2"));
    assert!(says("tensor", &moving, (3, 3), "layer1.0.stream").contains("there is no tensor"));
}
