//! Every message of every error, with its kind and what to do, as users read them: one file of text for each part of the
//! house, so that a change is seen. After a change that is meant,
//!
//! ```text
//! UPDATE_EXPECT=1 cargo test -p spikegate --test errors --test help
//! ```
//!
//! writes the files anew, to be read before they are committed.
#![allow(clippy::unwrap_used)]

mod bitstreams;
mod compiler;
mod contract;
mod runtime;
mod testbench;

use expect_test::{expect_file, ExpectFile};
use spikegate_contract::failure::Failure;
use spikegate_contract::network::Invalid;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The errors of an enum.
struct Listed {
    name: &'static str,
    /// The file it stands in.
    source: &'static str,
    /// The variant, its kind, message and help.
    texts: Vec<(String, String)>,
}

/// One error of each variant.
fn list<F: Failure, const N: usize>(name: &'static str, source: &'static str, errors: [F; N]) -> Listed {
    let text = |error: &F| {
        let variant = format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect();
        let mut text = format!("  {}: {error}\n", format!("{:?}", error.kind()).to_lowercase());
        if let Some(help) = error.help() {
            writeln!(text, "  help: {help}").unwrap();
        }
        (variant, text)
    };
    Listed { name, source, texts: errors.iter().map(text).collect() }
}

fn io() -> std::io::Error {
    std::io::Error::other("IO")
}

fn invalid() -> Invalid {
    let [node, what, got, expected] = ["NODE", "WHAT", "GOT", "EXPECTED"].map(str::to_owned);
    Invalid { node, what, got, expected }
}

fn json() -> serde_json::Error {
    serde_json::from_str::<u8>("JSON").unwrap_err()
}

/// Variants of an enum by its source; 1 of a struct.
fn variants(source: &str, name: &str) -> usize {
    let Some(at) = source.find(&format!("pub enum {name} ")) else { return 1 };
    let body = &source[at..];
    body[..body.find("\n}\n").unwrap()].matches("#[error(").count()
}

fn check(expected: ExpectFile, all: Vec<Listed>) {
    let mut out = String::new();
    for Listed { name, source, texts } in all {
        let seen: BTreeSet<&String> = texts.iter().map(|(variant, _)| variant).collect();
        assert_eq!(seen.len(), variants(source, name), "{name}: list one error of each variant");
        for (variant, text) in texts {
            let whole = if variant == name { variant } else { format!("{name}::{variant}") };
            writeln!(out, "{whole}\n{text}").unwrap();
        }
    }
    expected.assert_eq(&out);
}

#[test]
fn of_the_contract_and_the_hardware() {
    check(expect_file!["contract.txt"], contract::all());
}

#[test]
fn of_the_compiler() {
    check(expect_file!["compiler.txt"], compiler::all());
}

#[test]
fn of_the_runtime() {
    check(expect_file!["runtime.txt"], runtime::all());
}

#[test]
fn of_the_testbench() {
    check(expect_file!["testbench.txt"], testbench::all());
}

#[test]
fn of_the_bitstreams() {
    check(expect_file!["bitstreams.txt"], bitstreams::all());
}
