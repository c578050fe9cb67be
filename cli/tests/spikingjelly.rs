//! SpikingJelly's MS-ResNets from its state dict to the simulated array.
#![allow(clippy::unwrap_used)]

mod program;

use program::{model, pictures_of, run, spikegate, Run};
use std::path::Path;

fn compile(name: &str, options: &[&str], pictures: &Path, to: &Path) -> Run {
    let mut compile = spikegate();
    compile.arg("compile").arg(model().with_file_name(name)).args(options).arg("--calib").arg(pictures);
    run(compile.arg("-o").arg(to))
}

#[test]
fn every_value_of_the_array_is_goldens() {
    let home = tempfile::tempdir().unwrap();
    for (name, size, values, options) in [
        ("random_jelly18.pth", [40, 37], 65_646, &["--array", "2,1,4,4"][..]),
        (
            "random_jelly34.safetensors",
            [33, 36],
            91_702,
            &["--array", "2,1,4,4", "--preset", "spikingjelly-ms"],
        ),
        ("random_jelly_stages.pth", [11, 14], 19_841, &["--array", "2,1,4,4"]),
    ] {
        let (pictures, dir) = (home.path().join(format!("{size:?}")), home.path().join(name));
        pictures_of(&pictures, 2, size, true);
        let got = compile(name, options, &pictures, &dir);
        assert_eq!(got.code, 0, "{name}: {}", got.err);
        let mut simulate = spikegate();
        simulate.arg("simulate").arg(&dir).arg("--input").arg(&pictures);
        let got = run(simulate.args(["--images", "2", "--trace", "all", "--format", "json"]));
        assert_eq!(got.code, 0, "{name}: {} {}", got.out, got.err);
        let value: serde_json::Value = serde_json::from_str(&got.out).unwrap();
        assert_eq!((&value["equal"], &value["cycles_equal"]), (&true.into(), &true.into()), "{name}");
        assert_eq!(value["values"].as_u64().unwrap(), values, "{name}");
    }
}

/// What no tensor says is shown, with where it comes from.
#[test]
fn the_librarys_defaults_are_shown() {
    let file = model().with_file_name("random_jelly34.safetensors");
    let got = run(spikegate().arg("inspect").arg(&file).args(["--preset", "spikingjelly-ms"]));
    assert_eq!(got.code, 0, "{}", got.err);
    let out = got.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "spikingjelly-ms",
        "T = 6",
        "leak = 0.25",
        "threshold = 0.5",
        "fire = \">=\"",
        "reset = \"zero\"",
        "pool = \"none\"",
    ] {
        assert!(out.contains(said), "{said}: {}", got.out);
    }
    // Without it the constants are asked for, by the field.
    let got = run(spikegate().arg("inspect").arg(&file));
    assert_eq!(got.code, 2, "{}", got.out);
    assert!(got.err.contains("field `preset` is missing"), "{}", got.err);
    // A preset of the authors' is refused.
    let got = run(spikegate().arg("inspect").arg(&file).args(["--preset", "imagenet"]));
    assert_eq!(got.code, 2, "{}", got.out);
    assert!(
        got.err.contains("preset imagenet has the authors' keys, the file has SpikingJelly's"),
        "{}",
        got.err
    );
}
