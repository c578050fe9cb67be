//! `explore` as a user runs it, on the shipped model and without images.
#![allow(clippy::unwrap_used)]

mod program;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

struct Run {
    code: i32,
    out: String,
    err: String,
}

fn run(args: &[&str]) -> Run {
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference/gac_fashion_t4.safetensors");
    let mut command = Command::new(env!("CARGO_BIN_EXE_spikegate"));
    let Output { status, stdout, stderr } = command.arg("explore").arg(model).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

fn json(board: &str, args: &[&str]) -> Value {
    let got = run(&[&["--board", board, "--format", "json"][..], args].concat());
    assert_eq!(got.code, 0, "{}", got.err);
    serde_json::from_str(&got.out).unwrap()
}

#[test]
fn arrays_that_fit_the_board_are_ordered_and_none_is_beaten() {
    for (board, bram) in [("ulx3s-85f", 208), ("acorn-cle215", 730)] {
        let found = json(board, &[]);
        let points = found["pareto"].as_array().unwrap();
        assert!(points.len() >= 3, "{found}");
        let number = |p: &Value, key: &str| p[key]["value"].as_f64().unwrap();
        for p in points {
            for key in ["lut", "ff", "bram", "dsp"] {
                assert!(number(p, key) <= found["room"][key].as_f64().unwrap(), "{board} {key}: {p}");
                assert_eq!(p[key]["source"], "estimate");
            }
            assert!(number(p, "bram") <= f64::from(bram));
            let images = 1e6 * number(p, "clock_mhz") / number(p, "cycles");
            assert!((images - number(p, "images_per_second")).abs() < 0.002 * images + 0.1);
        }
        for pair in points.windows(2) {
            assert!(number(&pair[0], "images_per_second") > number(&pair[1], "images_per_second"));
            assert!(pair[0]["fullest"].as_f64() > pair[1]["fullest"].as_f64());
        }
        let best = &points[0]["array"];
        let size =
            format!("--array {},1,{},{} --post {}", best["lanes"], best["ci"], best["co"], best["post"]);
        assert!(found["command"].as_str().unwrap().contains(&size), "{found}");
        assert!(number(&points[0], "clock_mhz") <= found["wanted_mhz"].as_f64().unwrap());
    }
}

#[test]
fn text_says_what_is_not_known_and_the_plot_stands_alone() {
    let plot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explore.svg");
    let _ = std::fs::remove_file(&plot);
    let got = run(&["--board", "acorn-cle215", "--plot", plot.to_str().unwrap()]);
    assert_eq!(got.code, 0, "{}", got.err);
    for part in ["images/s", "estimate", "fastest clock on this part is not known", "best: spikegate compile"]
    {
        assert!(got.out.contains(part), "{}", got.out);
    }
    let svg = std::fs::read_to_string(&plot).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.matches("<circle").count() >= 3);
    let got = run(&["--board", "ulx3s-85f", "--freq", "10"]);
    assert!(got.out.contains("serial link carries at most 128 images/s"), "{}", got.out);
}

#[test]
fn wrong_input_is_refused() {
    let got = run(&["--board", "ulx3"]);
    assert!(got.code == 2 && got.err.contains("ulx3s-85f") && got.err.contains("alveo-u250"), "{}", got.err);
    assert_eq!(run(&["--board", "ulx3s-85f", "--freq", "0"]).code, 2);
    assert_eq!(run(&[]).code, 2);
    // A board on which nothing fits.
    let text = include_str!("../../bitstreams/boards/ulx3s-85f.toml");
    let small = Path::new(env!("CARGO_TARGET_TMPDIR")).join("small.toml");
    std::fs::write(&small, text.replace("bram = 208", "bram = 20")).unwrap();
    let got = run(&["--board", small.to_str().unwrap()]);
    assert_eq!(got.code, 1, "{}", got.out);
    for part in [
        "no array that runs the network fits",
        "block memories of 18 kbit of 18",
        "weights in external memory",
    ] {
        assert!(got.err.contains(part), "{}", got.err);
    }
    // One without memory for the logic.
    std::fs::write(&small, text.replace("lut = 83640", "lut = 5000")).unwrap();
    assert!(run(&["--board", small.to_str().unwrap()]).err.contains("look-up tables of"));
}

#[test]
fn what_is_printed_first_compiles_for_every_board() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    program::pictures(&pictures, 2);
    let model = program::model().with_file_name("random_k4.safetensors");
    let boards = program::run(program::spikegate().args(["boards", "--format", "json"]));
    let boards: Value = serde_json::from_str(&boards.out).unwrap();
    let mut seen = std::collections::HashSet::new();
    for board in boards.as_array().unwrap() {
        let id = board["id"].as_str().unwrap();
        let mut explore = program::spikegate();
        let got = program::run(explore.arg("explore").arg(&model).args(["--format", "json", "--board", id]));
        assert_eq!(got.code, 0, "{id}: {}", got.err);
        let found: Value = serde_json::from_str(&got.out).unwrap();
        let best = &found["pareto"][0]["array"];
        let size = format!("{},1,{},{}", best["lanes"], best["ci"], best["co"]);
        if !seen.insert((size.clone(), best["post"].to_string())) {
            continue;
        }
        let mut compile = program::spikegate();
        compile.arg("compile").arg(&model).args(["--array", &size, "--post", &best["post"].to_string()]);
        let got = program::run(compile.arg("--calib").arg(&pictures).arg("-o").arg(folder.path().join(id)));
        assert_eq!(got.code, 0, "{id}, array {size}: {}", got.err);
    }
}
