//! Opening a design: what is refused, and what the message says.

#[allow(dead_code)]
mod support;

use spikegate_contract::bundle::{files, BundleError, Design, Manifest};
use spikegate_contract::failure::Failure;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use support::{seal, write_batched};

/// How a design is refused after a damage.
fn refusal(damage: impl FnOnce(&Path)) -> BundleError {
    let dir = tempfile::tempdir().expect("folder");
    write_batched(dir.path(), 1);
    Design::open(dir.path()).expect("a design");
    damage(dir.path());
    Design::open(dir.path()).expect_err("refused")
}

fn says(error: &BundleError, parts: &[&str]) {
    let text = error.in_a_line();
    parts.iter().for_each(|part| assert!(text.contains(part), "{text}\nlacks {part}"));
}

#[test]
fn every_file_must_be_there_whole_and_unchanged() {
    for name in files::HELD {
        let error = refusal(|dir| fs::remove_file(dir.join(name)).expect("remove"));
        says(&error, &[name, "cannot read", "is this folder the output of `spikegate compile`?"]);
        let error = refusal(|dir| {
            let mut bytes = fs::read(dir.join(name)).expect("read");
            bytes.push(b' ');
            fs::write(dir.join(name), bytes).expect("write");
        });
        assert!(matches!(error, BundleError::Size { .. }), "{error}");
        says(&error, &[name, "manifest.json says", "compile the model again"]);
        if name == files::VERILOG {
            // It is empty here.
            continue;
        }
        let error = refusal(|dir| {
            let mut bytes = fs::read(dir.join(name)).expect("read");
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(dir.join(name), bytes).expect("write");
        });
        assert!(matches!(error, BundleError::Hash { .. }), "{error}");
        says(&error, &[name, "its SHA-256 is", "compile the model again"]);
        let error = refusal(|dir| fs::write(dir.join(name), "").expect("write"));
        says(&error, &[name, "holds 0 bytes, manifest.json says"]);
    }
    let error = refusal(|dir| fs::remove_file(dir.join(files::MANIFEST)).expect("remove"));
    says(&error, &[files::MANIFEST, "is this folder the output"]);
}

#[test]
fn the_manifest_holds_itself() {
    let change = |from: &'static str, to: &'static str| {
        refusal(|dir| {
            let path = dir.join(files::MANIFEST);
            let text = fs::read_to_string(&path).expect("read");
            assert!(text.contains(from), "{text}");
            fs::write(path, text.replacen(from, to, 1)).expect("write");
        })
    };
    says(&change("\"compiler\": \"0\"", "\"compiler\": \"1\""), &["manifest_hash is", "of the rest"]);
    says(&change("\"interface_version\": 3", "\"interface_version\": 7"), &["manifest_hash is"]);
    says(&change("\"sum_bits\": 32", "\"sum_bits\": 31"), &["config_hash is"]);
    says(&change("\n  \"compiler\"", "\n   \"compiler\""), &["not in the form that it was written in"]);
    says(
        &change("\"plan.json\"", "\"p1an.json\""),
        &["names the files", "p1an.json", "expected network.json"],
    );
    says(&change("\"files\"", "\"fi1es\""), &["not a valid design file", "fi1es"]);
}

#[test]
fn other_versions_are_named() {
    let version =
        |text: &'static str| refusal(|dir| fs::write(dir.join(files::MANIFEST), text).expect("write"));
    says(&version("{\"format_version\": 1}"), &["format version 1, expected 4", "compile the model again"]);
    says(&version("{\"format_version\": 5, \"later\": true}"), &["format version 5, expected 4"]);
    says(&version("{}"), &["not a valid design file"]);
    says(&version("{"), &["not a valid design file"]);
}

#[test]
fn only_regular_files_of_some_size_are_read() {
    for name in files::HELD.into_iter().chain([files::MANIFEST]) {
        let replace = |make: &dyn Fn(&Path)| {
            refusal(|dir| {
                let path = dir.join(name);
                fs::remove_file(&path).expect("remove");
                make(&path);
            })
        };
        let pipe =
            replace(&|path| assert!(Command::new("mkfifo").arg(path).status().expect("runs").success()));
        assert!(matches!(pipe, BundleError::NotAFile { .. }), "{pipe}");
        let endless = replace(&|path| std::os::unix::fs::symlink("/dev/zero", path).expect("link"));
        assert!(matches!(endless, BundleError::NotAFile { .. }), "{endless}");
        let folder = replace(&|path| fs::create_dir(path).expect("folder"));
        assert!(matches!(folder, BundleError::NotAFile { .. }), "{folder}");
        let huge = replace(&|path| File::create(path).and_then(|f| f.set_len(1 << 33)).expect("sparse"));
        assert!(matches!(huge, BundleError::TooLarge { .. }), "{huge}");
        says(&huge, &[name, "expected at most"]);
    }
}

/// Refusal of a design of which some text was replaced, all hashes made anew.
fn resealed(name: &'static str, from: &'static str, to: &str) -> BundleError {
    refusal(|dir| {
        let path = dir.join(name);
        let text = fs::read_to_string(&path).expect("read");
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).expect("write");
        seal(dir, |_| ());
    })
}

#[test]
fn numbers_that_no_compiler_writes_are_refused() {
    let huge = "18446744073709551615";
    let plan = |from: &'static str, to: &str| resealed(files::PLAN, from, to);
    says(
        &plan("\"cycles\":7", &format!("\"cycles\":{huge}")),
        &["plan.json: cycles of stem is 1844", "at most"],
    );
    says(&plan("\"issue_cycles\":0", &format!("\"issue_cycles\":{huge}")), &["issue cycles of stem"]);
    says(&plan("\"dense_ops\":0", &format!("\"dense_ops\":{huge}")), &["operations of stem"]);
    says(&plan("\"dims\":[1,1,2,3]", &format!("\"dims\":[{huge},1,2,3]")), &["values of the dump of stem.x"]);
    says(&plan("\"dims\":[1,1,2,3]", &format!("\"dims\":[0,{huge},2,3]")), &["largest size of the dump"]);
    says(&plan("\"instruction\":1", "\"instruction\":99"), &["instruction of the dump of stem.x is 99"]);
    says(&plan("\"dumps\":", "\"batch\":0,\"dumps\":"), &["batch is 0, expected 1 to 16"]);
    says(&plan("\"dumps\":", "\"batch\":17,\"dumps\":"), &["batch is 17, expected 1 to 16"]);
    let network = |from: &'static str, to: &str| resealed(files::NETWORK, from, to);
    says(
        &network("\"shape\":[3,1,1]", &format!("\"shape\":[{huge},1,1]")),
        &["weights.bin holds", "the network needs 1844"],
    );
    says(
        &network("\"shape\":[1,2,3]", &format!("\"shape\":[1,{huge},3]")),
        &["network.json: input: height is 1844"],
    );
    says(&network("\"timesteps\":2", "\"timesteps\":0"), &["network: T is 0, expected 2 to 16"]);
    // Neurons that the array lacks, and constants that nothing here knows.
    says(
        &network("\"fire\":\">\"", "\"fire\":\">\",\"reset\":\"subtract\""),
        &["network.json has neurons at `stem.spikes` that the array in"],
    );
    says(
        &network("\"fire\":\">\"", "\"fire\":\">\",\"reset\":\"half\""),
        &["network.json", "unknown variant `half`"],
    );
    says(&network("\"fire\":\">\"", "\"fire\":\">\",\"tau\":2"), &["network.json", "unknown field `tau`"]);
    let array = |change: &dyn Fn(&mut Manifest)| refusal(|dir| seal(dir, change));
    says(&array(&|m| m.array.ci = usize::MAX), &["manifest.json: array CI"]);
    says(&array(&|m| m.array.lanes = 0), &["array L (lanes) is 0"]);
    says(&array(&|m| m.array.code_depth = 1 << 40), &["code memory (words) is 1099511627776"]);
    says(&array(&|m| m.array.spike_depth = 17), &["spike memory (words) is 17"]);
    says(&array(&|m| m.array.memory_bits = 1 << 20), &["memory port (data bits)"]);
    says(&array(&|m| m.array.presence_depth = 16), &["presence memory (words) is 16"]);
    says(&array(&|m| m.array.spill_depth = 3), &["ring of spilled maps (bursts) is 3"]);
    let packets = |bytes: &'static [u8]| {
        refusal(|dir| {
            fs::write(dir.join(files::PROGRAM), bytes).expect("write");
            seal(dir, |_| ());
        })
    };
    says(&packets(&[255; 4]), &["program.bin does not end with a packet"]);
    says(&packets(&[0; 5]), &["program.bin does not end with a packet"]);
}

#[test]
fn names_cannot_command_a_terminal() {
    for text in ["\\u001b[2J", "\\u0007", "\\u009b1m", "\\u202eabc"] {
        let error = resealed(files::PLAN, "\"name\":\"stem\"", &format!("\"name\":\"{text}\""));
        assert!(matches!(error, BundleError::Unprintable { .. }), "{error}");
        let shown = error.in_a_line();
        assert!(!shown.chars().any(|c| c.is_control() || c == '\u{202e}'), "{shown:?}");
    }
    let error = refusal(|dir| seal(dir, |m| m.network = "\u{1b}]0;".to_owned()));
    assert!(matches!(error, BundleError::Unprintable { .. }), "{error}");
}
