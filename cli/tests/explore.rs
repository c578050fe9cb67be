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
            assert!((images - number(p, "computed_per_second")).abs() < 0.002 * images + 0.1);
            let link = found["link_images_per_second"].as_f64().unwrap();
            let counted = number(p, "images_per_second");
            assert!(counted <= link && counted <= number(p, "computed_per_second"));
            assert_eq!(p["bound"] == "link", counted < number(p, "computed_per_second"), "{p}");
            assert!(counted <= number(&found["best"], "images_per_second"));
        }
        for pair in points.windows(2) {
            assert!(number(&pair[0], "computed_per_second") > number(&pair[1], "computed_per_second"));
            assert!(pair[0]["fullest"].as_f64() > pair[1]["fullest"].as_f64());
        }
        let best = &found["best"]["array"];
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
    assert!(got.out.contains("host link carries at most "), "{}", got.out);
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
        "block memories of 18 kbit, ",
        " more than the 18 there are (",
        "explore with --own-top",
    ] {
        assert!(got.err.contains(part), "{}", got.err);
    }
    // One without memory for the logic.
    std::fs::write(&small, text.replace("lut = 83640", "lut = 5000")).unwrap();
    assert!(run(&["--board", small.to_str().unwrap()]).err.contains("look-up tables, "));
}

#[test]
fn a_board_with_a_memory_streams_from_it() {
    let text = include_str!("../../bitstreams/boards/ecpix-5-85f.toml").replace("bram = 208", "bram = 120");
    let folder = tempfile::tempdir().unwrap();
    let board = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let has_port = |p: &Value| p["array"]["memory_bits"] == 128;
    let spills = |p: &Value| p["array"]["spill_depth"].as_u64().is_some_and(|n| n > 0);
    // What its top does not connect is not counted on, unless the user has another.
    let apart = board("apart.toml", &text.replace("connected = true", "connected = false"));
    let got = run(&["--board", &apart]);
    assert!(got.code == 1 && got.err.contains("explore with --own-top"), "{}", got.err);
    let connected = board("connected.toml", &text);
    for (board, args) in [(&apart, &["--all", "--own-top"][..]), (&connected, &["--all"])] {
        let found = json(board, args);
        let all = found["all"].as_array().unwrap();
        assert_eq!(all.len() as u64, found["fit"].as_u64().unwrap());
        assert!(
            all.iter().any(|p| has_port(p) && spills(p)) && all.iter().any(|p| has_port(p) && !spills(p))
        );
        // With so few block memories the large arrays live off the memory.
        let fastest = &found["pareto"][0];
        assert!(has_port(fastest), "{fastest}");
        assert_eq!(found["own_top"], board == &apart && has_port(&found["best"]));
        let model = if board == &apart {
            "a plain estimate, as ecpix-5-85f connects no memory"
        } else {
            "board memory model"
        };
        assert!(found["memory"].as_str().unwrap().starts_with(model), "{}", found["memory"]);
    }
    // Through a slow one nothing is fast.
    let slow = text.replace("read = 8.0", "read = 0.001");
    let found = json(&board("slow.toml", &slow), &["--all"]);
    let all = found["all"].as_array().unwrap();
    assert!(all.iter().filter(|p| has_port(p)).all(|p| p["bound"] != "array"));
    assert!(found["memory"].as_str().unwrap().starts_with("board memory model"), "{}", found["memory"]);
    for (key, value) in [("bits = 128", "bits = 96"), ("latency = 40", "latency = 70000"), ("7.4", "16.5")] {
        let got = run(&["--board", &board("wrong.toml", &text.replace(key, value))]);
        assert!(got.code == 2 && got.err.contains("memories.port."), "{key}: {}", got.err);
    }
}

#[test]
fn lists_of_arrays_and_boards_are_tried() {
    let args = ["--boards", "ulx3s-85f,litefury", "--arrays", "4,1,8,8", "2,1,8,4"];
    let got = run(&[&args[..], &["--all"]].concat());
    assert_eq!(got.code, 0, "{}", got.err);
    let lines: Vec<Vec<&str>> = got.out.lines().map(|line| line.split(',').collect()).collect();
    let columns = lines[0].len();
    assert!(lines.iter().all(|line| line.len() == columns) && lines.len() > 8, "{}", got.out);
    let column = |name: &str| lines[0].iter().position(|c| *c == name).unwrap();
    for line in &lines[1..] {
        let array = ["lanes", "ci", "co"].map(|name| line[column(name)]);
        assert!([["4", "8", "8"], ["2", "8", "4"]].contains(&array), "{line:?}");
    }
    for board in ["ulx3s-85f", "litefury"] {
        assert_eq!(lines.iter().filter(|l| l[0] == board && l[column("best")] == "1").count(), 1);
    }
    let got = run(&[&args[..], &["--format", "json"]].concat());
    let found: Value = serde_json::from_str(&got.out).unwrap();
    let boards: Vec<&str> =
        found["boards"].as_array().unwrap().iter().map(|f| f["board"].as_str().unwrap()).collect();
    assert_eq!(boards, ["ulx3s-85f", "litefury"]);
    // Both arrays with 1 or 2 post lanes and more.
    assert_eq!(found["boards"][0]["tried"], 6);
    assert!(found["boards"][0].get("all").is_none());
    let got = run(&["--board", "litefury", "--arrays", "4,1,12,8"]);
    assert!(got.code == 2 && got.err.contains("array CI"), "{}", got.err);
}

/// The command that is printed, for the shipped network and every board.
#[test]
fn what_is_printed_compiles_for_every_board() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    program::pictures_of(&pictures, 2, [28, 28], false);
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_spikegate"), bin.join("spikegate")).unwrap();
    let boards = program::run(program::spikegate().args(["boards", "--format", "json"]));
    let boards: Value = serde_json::from_str(&boards.out).unwrap();
    let mut seen = std::collections::HashSet::new();
    for board in boards["boards"].as_array().unwrap() {
        let id = board["id"].as_str().unwrap();
        let found = json(id, &["--calib", pictures.to_str().unwrap()]);
        let command = found["command"].as_str().unwrap();
        if !seen.insert(command.to_owned()) {
            continue;
        }
        let dir = folder.path().join(id);
        // With a connected memory the board is named, for its cycles.
        let on = if command.contains("--board") { String::new() } else { format!("--board {id} ") };
        let command = command.replace("-o DIR", &format!("{on}-o {}", dir.display()));
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &command]).env("PATH", &bin);
        let got = program::run(&mut shell);
        assert_eq!(got.code, 0, "{command}: {}", got.err);
        let array = spikegate_contract::bundle::Design::open(&dir).unwrap().manifest.array;
        assert_eq!(serde_json::to_value(array).unwrap(), found["best"]["array"], "{command}");
    }
}

/// Of a network with 4 bits arrays with packed weights are tried beside the others, with half of the weights' blocks; and
/// parity takes look-up tables of every array.
#[test]
fn packed_weights_and_parity_are_among_what_is_tried() {
    let arrays = ["--all", "--arrays", "4,1,8,8", "4,1,16,8"];
    let of = |more: &[&str]| {
        json("acorn-cle215", &[&arrays[..], more].concat())["all"].as_array().unwrap().clone()
    };
    let (eight, four, parity) = (of(&[]), of(&["--weight-bits", "4,head=8"]), of(&["--parity"]));
    let packed = |p: &Value| p["array"]["packed"] == true;
    assert!(!eight.iter().any(packed) && four.iter().filter(|p| packed(p)).count() * 2 == four.len());
    let keys = ["lanes", "ci", "co", "post", "memory_bits", "spill_depth", "moves"];
    let same = |a: &Value, b: &Value| keys.iter().all(|key| a["array"][key] == b["array"][key]);
    let number = |p: &Value, key: &str| p[key]["value"].as_u64().unwrap();
    for p in four.iter().filter(|p| packed(p) && p["array"]["memory_bits"].is_null()) {
        let whole = four.iter().find(|q| same(p, q) && !packed(q)).unwrap();
        assert_eq!(
            2 * p["array"]["weight_depth"].as_u64().unwrap(),
            whole["array"]["weight_depth"].as_u64().unwrap()
        );
        assert!(number(p, "bram") < number(whole, "bram") && number(p, "lut") > number(whole, "lut"));
        assert_eq!(number(p, "cycles"), number(whole, "cycles"));
    }
    assert_eq!(parity.len(), eight.len());
    for p in &parity {
        let without = eight.iter().find(|q| same(p, q)).unwrap();
        assert!(p["array"]["parity"] == true && number(p, "lut") > number(without, "lut"));
    }
}
