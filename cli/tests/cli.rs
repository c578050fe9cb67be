//! The program as a user starts it: exit codes, streams, messages, and one design from model to equal values.
#![allow(clippy::unwrap_used)]

mod program;

use program::{has_data, model, run, seal, spikegate, Run, DATA};
use std::fs;
use std::path::Path;

/// Compiles the model for the smallest array in quick succession.
fn compile(dir: &Path) -> Run {
    let sizes = ["--array", "4,1,4,4", "--calib", DATA, "--calib-images", "5", "--eval", DATA];
    run(spikegate().arg("compile").arg(model()).args(sizes).args(["--eval-images", "5", "-o"]).arg(dir))
}

#[test]
fn inspect_prints_to_stdout_only() {
    let got = run(spikegate().arg("inspect").arg(model()));
    assert_eq!((got.code, got.err.as_str()), (0, ""));
    assert!(got.out.contains("layer2.0.conv2") && got.out.contains("21,676,032"), "{}", got.out);
    let got = run(spikegate().args(["inspect", "--format", "json"]).arg(model()));
    let value: serde_json::Value = serde_json::from_str(&got.out).unwrap();
    assert_eq!((&value["format_version"], &value["timesteps"]), (&1.into(), &4.into()));
    assert_eq!(value["sops"], 21_676_032);
}

#[test]
fn wrong_usage_is_2() {
    for args in [&["frobnicate"][..], &["compile"], &["inspect", "m", "--quiet", "-v"], &[]] {
        assert_eq!(run(spikegate().args(args)).code, 2, "{args:?}");
    }
    let got = run(spikegate().args(["demo", "--array", "4,1,8"]));
    assert_eq!(got.code, 2);
    assert!(got.err.contains("expected four whole numbers L,PX,CI,CO"), "{}", got.err);
}

#[test]
fn wrong_input_is_2_and_says_what_to_do() {
    let got = run(spikegate().args(["inspect", "/no/such/model.safetensors"]));
    assert_eq!((got.code, got.out.as_str()), (2, ""));
    assert!(got.err.starts_with("error: /no/such/model.safetensors: cannot be read"), "{}", got.err);
    let folder = tempfile::tempdir().unwrap();
    let got = run(spikegate().arg("report").arg(folder.path()));
    assert_eq!(got.code, 2);
    assert!(
        got.err.contains("manifest.json") && got.err.contains("  help: is this folder the output"),
        "{}",
        got.err
    );
}

#[test]
fn errors_are_json_where_results_are() {
    let error = |args: &[&str], code: i32| {
        let got = run(spikegate().args(args));
        assert_eq!((got.code, got.out.as_str()), (code, ""), "{}", got.err);
        let value: serde_json::Value = serde_json::from_str(&got.err).unwrap();
        assert_eq!(value["format_version"], 1);
        value["error"].clone()
    };
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let got = error(&["report", dir, "--format", "json"], 2);
    assert_eq!((&got["kind"], &got["causes"]), (&"input".into(), &serde_json::json!([])));
    assert_eq!(got["help"], "is this folder the output of `spikegate compile`?");
    let message = got["message"].as_str().unwrap();
    assert!(message.starts_with("cannot read ") && !message.contains("is this folder"), "{message}");
    let device = "vfio:0000:fe:1f.7";
    let got = error(&["--format=json", "info", "--device", device], 3);
    assert_eq!((&got["kind"], got["help"].is_string()), (&"missing".into(), true));
    // Wrong arguments, too.
    let got = error(&["report", "--format", "json", "--frobnicate"], 2);
    assert_eq!((&got["kind"], &got["help"]), (&"input".into(), &().into()));
    assert!(got["message"].as_str().unwrap().starts_with("unexpected argument '--frobnicate'"), "{got}");
}

#[test]
fn an_array_that_cannot_be_built_is_2() {
    if !has_data() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let args = ["--calib", DATA, "--calib-images", "1", "--array", "4,2,8,8", "-o"];
    let got = run(spikegate().arg("compile").arg(model()).args(args).arg(folder.path()));
    assert_eq!(got.code, 2);
    assert!(got.err.contains("PX (pixel lanes) is 2"), "{}", got.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}

#[test]
fn a_design_from_model_to_equal_values() {
    if !has_data() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dir = &folder.path().join("design");
    let got = compile(dir);
    assert_eq!(got.code, 0, "{}", got.err);
    assert!(got.out.contains("integer top-1") && got.err.contains("wrote "), "{}{}", got.out, got.err);

    // Without Verilator: 3, and how to get it.
    let simulate = |extra: &[&str]| {
        let mut command = spikegate();
        command.arg("simulate").arg(dir).args(["--input", DATA]).args(extra);
        command
    };
    let got = run(simulate(&["--images", "1"]).env("PATH", ""));
    assert_eq!(got.code, 3, "{}", got.err);
    assert!(got.err.contains("  help: install it with `apt-get install verilator`"), "{}", got.err);

    let got = run(&mut simulate(&["--images", "1", "--first", "7", "--trace", "all", "--format", "json"]));
    assert_eq!(got.code, 0, "{}", got.err);
    let value: serde_json::Value = serde_json::from_str(&got.out).unwrap();
    assert_eq!((&value["equal"], &value["cycles_equal"]), (&true.into(), &true.into()));
    assert!(value["values"].as_u64().unwrap() > 300_000);
    let got = run(spikegate().arg("report").arg(dir));
    assert!(got.out.contains("(simulation)"), "{}", got.out);

    // Images past the end.
    let got = run(&mut simulate(&["--first", "10000"]));
    assert_eq!(got.code, 2);
    assert!(got.err.contains("there is no image 10000"), "{}", got.err);

    // Weights that nobody sealed: 2. Sealed, so that the design's network is not the one in its program: 1, with the first difference and the way on.
    let weights = dir.join("weights.bin");
    let mut bytes = fs::read(&weights).unwrap();
    // The later half without its positive weights.
    let half = bytes.len() / 2;
    bytes[half..].iter_mut().filter(|b| **b < 128).for_each(|b| *b = 0);
    fs::write(&weights, bytes).unwrap();
    let got = run(&mut simulate(&["--images", "1"]));
    assert_eq!((got.code, got.out.as_str()), (2, ""), "{}", got.err);
    assert!(got.err.contains("weights.bin: its SHA-256 is"), "{}", got.err);
    assert!(seal(dir));
    let got = run(&mut simulate(&["--images", "1", "--trace", "spikes"]));
    assert_eq!(got.code, 1, "{}", got.err);
    assert!(got.out.contains("MISMATCH golden vs verilator\n  image 0: first at layer layer"), "{}", got.out);
    assert!(got.err.contains("--first 0 --images 1 --trace all"), "{}", got.err);

    // A plan with another cycle count: 1.
    assert_eq!(compile(dir).code, 0);
    let plan = dir.join("plan.json");
    let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&plan).unwrap()).unwrap();
    value["steps"][2]["cycles"] = 1.into();
    fs::write(&plan, value.to_string()).unwrap();
    assert!(seal(dir));
    let got = run(&mut simulate(&["--images", "1"]));
    assert_eq!(got.code, 1, "{}", got.err);
    assert!(got.out.contains("DIFFERENT") && got.err.contains("predicted cycles"), "{}{}", got.out, got.err);

    // A program of another design: 2.
    assert_eq!(compile(dir).code, 0);
    fs::copy(dir.join("trace.bin"), dir.join("program.bin")).unwrap();
    let got = run(&mut simulate(&["--images", "1"]));
    assert_eq!(got.code, 2, "{}", got.err);
    assert!(got.err.contains("mixes two designs"), "{}", got.err);
}
