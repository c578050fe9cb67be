//! Folders of compiled designs, whose hashes whoever changes a file can make anew.

use spikegate_compiler::{build, Settings};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{files, Design, Manifest};
use spikegate_golden::random::{self, image_of, ImageKind, Rng, Shape};
use spikegate_runtime::devices::golden::Golden;
use spikegate_runtime::session::{Program, Session};
use std::fs;
use std::path::Path;

/// A design of a small network, and an image.
pub struct Home {
    folder: tempfile::TempDir,
    /// Pixels.
    pub image: Vec<u8>,
}

impl Home {
    /// Compiles it.
    pub fn new() -> Self {
        let rng = &mut Rng(3);
        let shape =
            Shape { input: [1, 4, 4], stem: 2, stages: vec![(2, 1, 2)], classes: 3, ..random::demo() };
        let network = random::network(rng, &shape);
        let image = image_of(rng, network.input_shape(), ImageKind::Uniform);
        let folder = tempfile::tempdir().expect("a folder");
        let array = ArrayConfig::new(2, 1, 2, 2).expect("an array");
        build(network, &Settings::new(array), &mut ())
            .expect("it compiles")
            .write(folder.path())
            .expect("written");
        Self { folder, image }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Files by the first byte of an input: those that the manifest holds, then the manifest itself.
fn name(first: u8) -> &'static str {
    let at = usize::from(first) % (files::HELD.len() + 1);
    files::HELD.get(at).copied().unwrap_or(files::MANIFEST)
}

/// Puts a file in the place of another one, with the hashes that it should have.
pub fn design(bytes: &[u8]) -> bool {
    thread_local! {
        static HOME: (Home, Vec<(&'static str, Vec<u8>)>) = {
            let home = Home::new();
            let all = files::HELD.iter().chain([&files::MANIFEST]);
            let kept = all.map(|&name| (name, fs::read(home.path().join(name)).expect("compiled"))).collect();
            (home, kept)
        };
    }
    let Some((&first, bytes)) = bytes.split_first() else { return false };
    let name = name(first);
    HOME.with(|(home, kept)| {
        let dir = home.path();
        fs::write(dir.join(name), bytes).expect("written");
        if name != files::MANIFEST {
            let text = fs::read(dir.join(files::MANIFEST)).expect("compiled");
            let mut manifest: Manifest = serde_json::from_slice(&text).expect("the compiler's own");
            manifest.hold(&files::HELD.map(|name| (name, fs::read(dir.join(name)).expect("there"))));
            fs::write(dir.join(files::MANIFEST), manifest.sealed().bytes()).expect("written");
        }
        // Of another network the model may compute for ever; of another program it must refuse or compute.
        let computes = !matches!(name, files::NETWORK | files::MANIFEST);
        let good = Design::open(dir).is_ok_and(|design| !computes || run(&design, &home.image));
        for (name, bytes) in kept {
            fs::write(dir.join(name), bytes).expect("written");
        }
        good
    })
}

/// Whether both programs give a result.
fn run(design: &Design, image: &[u8]) -> bool {
    [Program::Plain, Program::Trace].map(|program| {
        let Ok(golden) = Golden::open(design) else { return false };
        Session::open(golden, design, program).and_then(|mut session| session.infer(image)).is_ok()
    }) == [true; 2]
}

pub fn design_seeds() -> Vec<Vec<u8>> {
    let home = Home::new();
    let file = |first| [vec![first], fs::read(home.path().join(name(first))).expect("compiled")].concat();
    // The Verilog is only compared.
    (0..=files::HELD.len() as u8).filter(|&first| name(first) != files::VERILOG).map(file).collect()
}
