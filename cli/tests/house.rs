//! The shape of the house: what may depend on what.
//!
//! Floors between crates, no circles between the files of a crate, no printing below the binary, no dependency that
//! nothing uses, no document that names a file which is not there. Read from the sources as text; tests, benches and
//! examples may do as they like.
#![allow(clippy::unwrap_used)]

#[path = "house/crates.rs"]
mod crates;
#[path = "house/files.rs"]
mod files;
#[path = "house/paths.rs"]
mod paths;

use crates::{crates, Crate};
use std::collections::BTreeSet;

/// What no crate may reach, directly or through others.
const FLOORS: &[(&str, &[&str])] = &[
    ("spikegate-contract", &["spikegate-hdl", "spikegate-golden"]),
    // Agreement with the hardware would prove nothing if the two shared arithmetic.
    ("spikegate-golden", &["spikegate-hdl", "spikegate-compiler", "rust-hdl-core"]),
    ("spikegate-hdl", &["spikegate-golden", "spikegate-compiler", "spikegate-runtime"]),
    // A driver is small: it links no HDL library.
    ("spikegate-runtime", &["spikegate-hdl", "spikegate-compiler", "rust-hdl-core"]),
    ("spikegate-compiler", &["spikegate-runtime", "spikegate-bitstreams", "spikegate-testbench"]),
    ("spikegate-bitstreams", &["spikegate-runtime", "spikegate"]),
];

fn reached<'a>(all: &'a [Crate], from: &str) -> BTreeSet<&'a str> {
    let mut out = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        let of = all.iter().filter(|c| c.name == name).flat_map(|c| &c.dependencies);
        open.extend(of.filter(|d| out.insert(&d[..])).cloned());
    }
    out
}

#[test]
fn floors_hold() {
    let all = crates();
    for (name, forbidden) in FLOORS {
        assert!(all.iter().any(|c| c.name == *name), "no crate {name}");
        let reached = reached(&all, name);
        for other in *forbidden {
            assert!(!reached.contains(other), "{name} depends on {other}");
        }
    }
}

#[test]
fn no_circles_between_files() {
    let circles: Vec<String> = crates().iter().flat_map(files::circles).collect();
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), circles.join("\n"));
}

/// Support of tests, which says what it skips.
const SUPPORT: &str = "hdl/src/lang/cosim.rs";

#[test]
fn nothing_below_the_binary_prints() {
    let all = crates();
    let below = all.iter().filter(|c| c.name != "spikegate");
    let found: Vec<String> = below.flat_map(files::prints).filter(|f| !f.contains(SUPPORT)).collect();
    assert!(found.is_empty(), "printing is for the binary:\n{}", found.join("\n"));
}

#[test]
fn every_dependency_is_used() {
    let unused: Vec<String> = crates().iter().flat_map(Crate::unused).collect();
    assert!(unused.is_empty(), "unused dependencies:\n{}", unused.join("\n"));
}

#[test]
fn what_documents_name_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let missing = paths::missing(root);
    assert!(missing.is_empty(), "named and not there:\n{}", missing.join("\n"));
}

/// What `testbench/mutations/mutate.py` seeds can still be seeded.
#[test]
fn every_mutation_finds_its_text_once() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("testbench/mutations/mutations.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    for mutation in table["mutation"].as_array().unwrap() {
        let [file, find] = ["file", "find"].map(|key| mutation[key].as_str().unwrap());
        let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        assert_eq!(source.matches(find).count(), 1, "{file}: {find}");
    }
}
