//! One array, and so one bitstream, for many networks.
#![allow(clippy::unwrap_used)]

mod program;

use program::{model, pictures_of, run, spikegate, Run};
use spikegate_contract::bundle::{files, Design};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Models, bits of a weight (the array takes those of 4 two to a byte), rows and columns of their images, and whether they have colours.
const NETWORKS: [(&str, &str, [u32; 2], bool); 6] = [
    ("gac_fashion_t4", "8", [28, 28], false),
    ("gac_fashion_t6", "8", [28, 28], false),
    ("gac_fashion_t4", "4", [28, 28], false),
    ("random_k4", "8", [13, 11], true),
    ("random_k4", "8,layer1=4", [13, 11], true),
    ("random_direct", "8", [12, 11], true),
];

struct Home(tempfile::TempDir);

impl Home {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn pictures(&self, size: [u32; 2], colour: bool) -> PathBuf {
        let folder = self.path(&format!("{size:?}"));
        pictures_of(&folder, 2, size, colour);
        folder
    }

    fn compile(
        &self,
        (name, bits, size, colour): (&str, &str, [u32; 2], bool),
        options: &[&str],
        to: &Path,
    ) -> Run {
        let mut compile = spikegate();
        compile.arg("compile").arg(model().with_file_name(format!("{name}.safetensors")));
        compile.args(["--weight-bits", bits, "--calib"]).arg(self.pictures(size, colour));
        run(compile.args(options).arg("-o").arg(to))
    }
}

#[test]
fn an_array_runs_every_network_that_it_holds() {
    let home = Home(tempfile::tempdir().unwrap());
    // The array of the first, enlarged for each of the others.
    let mut large = home.path("first");
    let got = home.compile(NETWORKS[0], &["--array", "4,1,4,4", "--packed"], &large);
    assert_eq!(got.code, 0, "{}", got.err);
    for (number, network) in NETWORKS.into_iter().enumerate().skip(1) {
        let next = home.path(&format!("larger-{number}"));
        let got = home.compile(network, &["--array-of", large.to_str().unwrap(), "--grow"], &next);
        assert_eq!(got.code, 0, "{network:?}: {}", got.err);
        large = next;
    }
    let array = Design::open(&large).unwrap().manifest;
    let mut programs = BTreeSet::new();
    for (number, network) in NETWORKS.into_iter().enumerate() {
        let dir = home.path(&format!("design-{number}"));
        let got = home.compile(network, &["--array-of", large.to_str().unwrap()], &dir);
        assert_eq!(got.code, 0, "{network:?}: {}", got.err);
        let design = Design::open(&dir).unwrap();
        let manifest = &design.manifest;
        assert_eq!((&manifest.array, &manifest.config_hash), (&array.array, &array.config_hash));
        assert_eq!(manifest.verilog_hash, array.verilog_hash);
        let verilog = |dir: &Path| fs::read(dir.join(files::VERILOG)).unwrap();
        assert!(verilog(&dir) == verilog(&large));
        programs.insert(manifest.program_hash.clone());
        // One simulation is built for all; the smaller networks run in it.
        if network.3 {
            let input = home.pictures(network.2, true);
            let mut simulate = spikegate();
            simulate
                .arg("simulate")
                .arg(&dir)
                .args(["--images", "1", "--trace", "all", "--input"])
                .arg(input);
            let got = run(&mut simulate);
            assert_eq!(got.code, 0, "{network:?}: {}{}", got.out, got.err);
        }
    }
    assert_eq!(programs.len(), NETWORKS.len());

    // Each of the shipped models is too large for the array of a small one, and all that lacks is said.
    let small = home.path("small");
    assert_eq!(home.compile(NETWORKS[3], &["--array", "4,1,4,4"], &small).code, 0);
    let got = home.compile(NETWORKS[0], &["--array-of", small.to_str().unwrap()], &home.path("none"));
    assert_eq!(got.code, 2);
    let lacks = got.err.lines().filter(|line| line.contains(" needed, there are ")).count();
    assert!(lacks >= 4, "{}", got.err);
    for what in ["code memory", "spike memory", "stream memory", "weight memory"] {
        assert!(got.err.contains(what), "{}", got.err);
    }
    assert!(!home.path("none").exists());
}

/// A design whose modules have names of its own gives them to the next.
#[test]
fn the_verilog_is_the_same_to_the_last_byte() {
    let home = Home(tempfile::tempdir().unwrap());
    let (first, second) = (home.path("first"), home.path("second"));
    let network = NETWORKS[3];
    let options = ["--array", "2,1,4,4", "--memory", "32", "--batch", "3", "--prefix", "mine"];
    assert_eq!(home.compile(network, &options, &first).code, 0);
    let of = ["--array-of", first.to_str().unwrap()];
    for (images, options) in [("3", vec![]), ("2", vec!["--batch", "2"])] {
        let got = home.compile(network, &[&of[..], &options[..]].concat(), &second);
        assert_eq!(got.code, 0, "{}", got.err);
        let read = |dir: &Path| fs::read(dir.join(files::VERILOG)).unwrap();
        assert!(read(&first) == read(&second));
        assert_eq!(Design::open(&second).unwrap().plan.batch.to_string(), images);
    }
    let got = home.compile(network, &[&of[..], &["--batch", "4"]].concat(), &second);
    assert!(got.code == 2 && got.err.contains("the design is built for 3"), "{}", got.err);
}
