//! What a shell, `man` and programs are given.
#![allow(clippy::unwrap_used)]

mod program;

use program::{model, pictures, run, spikegate};
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn bash_completes_verbs_and_options() {
    let home = tempfile::tempdir().unwrap();
    let got = run(spikegate().args(["completions", "bash"]));
    assert_eq!((got.code, got.err.as_str()), (0, ""));
    let file = home.path().join("spikegate.bash");
    fs::write(&file, got.out).unwrap();
    // As bash calls it: the command, the word, the word before.
    let completed = |words: &[&str]| {
        let script = r#"source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_spikegate spikegate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"; printf '%s\n' "${COMPREPLY[@]}""#;
        let mut bash = Command::new("bash");
        let ran = bash.args(["-c", script, "bash"]).arg(&file).args(words).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completed(&["spikegate", "comp"]), ["compile", "completions"]);
    assert_eq!(completed(&["spikegate", "compile", "--arr"]), ["--array", "--array-of"]);
    assert_eq!(completed(&["spikegate", "eval", "--format", "js"]), ["json"]);
}

#[test]
fn every_shell_has_its_script() {
    for (shell, begins) in [
        ("bash", "_spikegate() {"),
        ("zsh", "#compdef spikegate"),
        ("fish", "# Print an optspec"),
        ("elvish", "\nuse builtin;"),
        ("powershell", "\nusing namespace"),
    ] {
        let got = run(spikegate().args(["completions", shell]));
        assert_eq!(got.code, 0, "{shell}: {}", got.err);
        assert!(got.out.starts_with(begins), "{shell}: {}", &got.out[..80]);
        assert!(got.out.contains("bring-up"), "{shell}");
    }
}

#[test]
fn every_verb_has_its_page() {
    let home = tempfile::tempdir().unwrap();
    let pages = home.path().join("man1");
    let got = run(spikegate().args(["man", "--format", "json", "-o"]).arg(&pages));
    assert_eq!(got.code, 0, "{}", got.err);
    let said: serde_json::Value = serde_json::from_str(&got.out).unwrap();
    assert_eq!(said["folder"].as_str(), pages.to_str());
    // One a verb and one of all; the helps that are kept are as many.
    let helps = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/help");
    assert_eq!(fs::read_dir(&pages).unwrap().count(), fs::read_dir(helps).unwrap().count());
    let page = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    let (whole, compile) = (page("spikegate.1"), page("spikegate-compile.1"));
    assert!(whole.contains(".TH spikegate 1") && whole.contains("bring\\-up"), "{whole}");
    for said in [
        ".TH spikegate-compile 1",
        "\\fBspikegate compile\\fR",
        "\\-\\-weight\\-bits",
        "spikegate compile model.pth",
    ] {
        assert!(compile.contains(said), "{said}: {compile}");
    }
    // Those who write manuals have a judge of them.
    if Command::new("groff").arg("--version").output().is_err() {
        eprintln!("SKIPPED: groff is not installed, nobody judges the pages' form");
        return;
    }
    for entry in fs::read_dir(&pages).unwrap() {
        let path = entry.unwrap().path();
        let ran = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success() && said.is_empty(), "{}: {said}", path.display());
    }
}

#[test]
fn a_board_is_shown() {
    let got = run(spikegate().args(["boards", "ecpix-5-85f"]));
    assert_eq!(got.code, 0, "{}", got.err);
    for said in ["LFE5UM5G-85F", "208 DP16KD", "512 MiB", "connected by the top", "UART"] {
        assert!(got.out.contains(said), "{said}: {}", got.out);
    }
    let got = run(spikegate().args(["boards", "no-such-board"]));
    assert_eq!(got.code, 2, "{}", got.out);
    assert!(got.err.contains("no-such-board") && got.err.contains("ulx3s-85f"), "{}", got.err);
}

#[test]
fn results_say_the_version_of_their_form() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    pictures(Path::new(&at("pictures")), 2);
    let (model, data, dir) = (model().with_file_name("random_k4.safetensors"), at("pictures"), at("design"));
    let model = model.to_str().unwrap();
    let verbs: [&[&str]; 11] = [
        &["inspect", model],
        &["explore", model, "--board", "ulx3s-85f", "--arrays", "2,1,4,4"],
        &["explore", model, "--boards", "ulx3s-85f,litefury", "--arrays", "2,1,4,4"],
        &["compile", model, "--array", "2,1,2,2", "--calib", &data, "-o", &dir],
        &["verify", &dir],
        &["report", &dir],
        &["eval", &dir, "--input", &data],
        &["info", &dir, "--device", "golden"],
        &["synth", &dir, "--board", "ulx3s-85f", "--dry-run"],
        &["boards"],
        &["boards", "litefury"],
    ];
    for verb in verbs {
        let got = run(spikegate().args(["-q", "--format", "json"]).args(verb));
        assert_eq!(got.code, 0, "{verb:?}: {}", got.err);
        assert!(got.out.starts_with("{\n  \"format_version\": 1,\n"), "{verb:?}: {}", got.out);
        assert_eq!(got.out.matches("\n  \"format_version\"").count(), 1, "{verb:?}: {}", got.out);
    }
}
