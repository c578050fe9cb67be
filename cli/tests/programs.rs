//! What compiling gives, as hashes: the programs of every shipped model on arrays with every option.
//!
//! `programs.txt` holds a line for each. Where a change is meant to alter programs, `UPDATE=1 cargo test -p spikegate --test
//! programs` writes it anew; `SPIKEGATE_UNDER_TEST` names another program to try.
#![allow(clippy::unwrap_used)]

mod program;

use spikegate_contract::bundle::{files, sha256, Manifest, Plan, PlannedStep};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Models, the size and the colour of their images.
const MODELS: [(&str, [u32; 2], bool); 6] = [
    ("gac_fashion_t4.safetensors", [28, 28], false),
    ("gac_fashion_t6.safetensors", [28, 28], false),
    ("random_direct.safetensors", [12, 11], true),
    ("random_k4.safetensors", [13, 11], true),
    ("random_k8.safetensors", [11, 14], true),
    ("random_imagenet.pth", [38, 35], true),
];
/// A model without its last neurons.
const POOLED: (&str, [u32; 2], bool) = ("random_direct_imagenet.pth", [30, 33], true);

/// Arrays and options: of every kind, each option alone and with others, and lanes fewer than timesteps.
const OPTIONS: [&str; 14] = [
    "--array 4,1,8,8",
    "--array 4,1,4,4 --weight-bits 4",
    "--array 1,1,1,1",
    "--array 2,1,2,2 --post 1",
    "--array 3,1,8,4 --post 2",
    "--array 2,1,4,4 --skip 8",
    "--array 4,1,8,4 --skip 2 --memory 32",
    "--array 4,1,4,4 --memory 32 --memory-latency 20 --memory-bandwidth 2.5",
    "--array 2,1,8,8 --memory 64 --spill",
    "--array 1,1,4,4 --memory 32 --spill --skip 8",
    "--array 4,1,16,8 --memory 64 --batch 3",
    "--array 2,1,4,4 --memory 32 --batch 2 --spill",
    "--array 4,1,4,4 --post 1 --memory 32 --on-chip 1.8",
    "--array 4,1,4,4 --last-lif false",
];

/// Two pictures of a size.
fn pictures(folder: &Path, [height, width]: [u32; 2], colour: bool) -> PathBuf {
    let folder = folder.join(format!("{height}x{width}"));
    program::pictures_of(&folder, 2, [height, width], colour);
    folder
}

/// The line of a model with options.
fn line(pictures: &Path, output: &Path, model: &str, options: &str) -> String {
    let tried = std::env::var_os("SPIKEGATE_UNDER_TEST").unwrap_or(env!("CARGO_BIN_EXE_spikegate").into());
    let mut compile = Command::new(tried);
    compile.arg("compile").arg(program::model().with_file_name(model)).args(options.split(' '));
    let got = program::run(compile.arg("--quiet").arg("--calib").arg(pictures).arg("-o").arg(output));
    assert_eq!(got.code, 0, "{model} {options}: {}", got.err);
    let read = |name: &str| fs::read(output.join(name)).unwrap();
    let hash = |name: &str| sha256(&read(name));
    let manifest: Manifest = serde_json::from_slice(&read(files::MANIFEST)).unwrap();
    let plan: Plan = serde_json::from_slice(&read(files::PLAN)).unwrap();
    let cycles = |steps: &[PlannedStep]| steps.iter().map(|s| s.cycles).sum::<u64>();
    format!(
        "{model} {options}: {} and {} cycles, {} bits on chip\n  program {}\n  weights {}\n  trace   {}",
        cycles(&plan.steps),
        cycles(&plan.trace_steps),
        manifest.array.on_chip_bits(),
        hash(files::PROGRAM),
        hash(files::WEIGHTS),
        hash(files::TRACE),
    )
}

#[test]
fn programs_are_those_that_were_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<_> = MODELS
        .into_iter()
        .chain([POOLED])
        .flat_map(|(model, size, colour)| {
            let pictures = pictures(folder.path(), size, colour);
            OPTIONS.map(|options| (model, pictures.clone(), options))
        })
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let lines: Vec<String> = std::thread::scope(|scope| {
        let run = |(number, (model, pictures, options)): (usize, &(&str, PathBuf, &str))| {
            line(pictures, &folder.path().join(number.to_string()), model, options)
        };
        let cases = &cases;
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    cases.iter().enumerate().skip(first).step_by(threads).map(run).collect::<Vec<_>>()
                })
            })
            .collect();
        let done: Vec<Vec<String>> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
        (0..cases.len()).map(|number| done[number % threads][number / threads].clone()).collect()
    });
    let got = lines.join("\n") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &got).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (got, expected) in got.lines().zip(expected.lines()) {
        assert_eq!(got, expected);
    }
    assert_eq!(got.len(), expected.len());
}
