//! A design on devices, as a user runs it: software core, card in software; and what goes wrong. What every device must
//! do is in `conformance.rs`.
#![allow(clippy::unwrap_used)]

mod program;

use program::{has_data, model, run, spikegate, Card, DATA};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The design, compiled once for the smallest array; none without the data set.
fn design() -> Option<&'static Path> {
    static DESIGN: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = DESIGN.get_or_init(|| {
        if !has_data() {
            return None;
        }
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("devices-design");
        let sizes = ["--array", "4,1,4,4", "--calib", DATA, "--calib-images", "5", "-o"];
        let got = run(spikegate().arg("compile").arg(model()).args(sizes).arg(&dir));
        assert_eq!(got.code, 0, "{}", got.err);
        Some(dir)
    });
    made.as_deref()
}

/// `spikegate run` of a few images, every result compared with the golden model.
fn classify(dir: &Path, device: &str, images: &str) -> Command {
    let mut command = spikegate();
    command.arg("run").arg(dir).args(["--device", device, "--input", DATA, "--images", images, "--check"]);
    command
}

#[test]
fn the_same_results_from_every_software_device() {
    let Some(dir) = design() else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("card");
    let golden = run(&mut classify(dir, "golden", "20"));
    assert_eq!(golden.code, 0, "{}", golden.err);
    assert_eq!(golden.out.lines().count(), 21);
    assert!(golden.err.contains("golden model  all equal: class and logits of 20 images"), "{}", golden.err);

    let _card = Card::new(dir, &socket, &["--fast"]);
    let device = format!("vfio-user:{}", socket.display());
    for _ in 0..2 {
        let got = run(&mut classify(dir, &device, "20"));
        assert_eq!((got.code, &got.out), (0, &golden.out), "{}", got.err);
    }
    let got = run(spikegate().args(["info", "--device", &device, "--format", "json"]));
    let value: serde_json::Value = serde_json::from_str(&got.out).unwrap();
    assert_eq!(value["array"], serde_json::json!([4, 1, 4, 4, 1]));
    assert_eq!(value["link"], "none: a card in software, on a socket");
    // The card was reset when the runs before closed it.
    assert_eq!((&value["counters"]["images"], &value["hashes"]["program"]), (&0.into(), &().into()));
    let got = run(spikegate().arg("bring-up").arg(dir).args(["--device", &device]));
    assert_eq!(got.code, 0, "{}", got.err);
    for part in
        ["scratch written", "CRC of every frame", "logits and cycles as", "tensor back", "over: nothing"]
    {
        assert!(got.out.contains(part), "{part}:\n{}", got.out);
    }
}

#[test]
fn a_verilated_core_behind_the_card() {
    let Some(dir) = design() else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("card");
    let _card = Card::new(dir, &socket, &[]);
    let device = format!("vfio-user:{}", socket.display());
    let got = run(&mut classify(dir, &device, "3"));
    assert_eq!(got.code, 0, "{}", got.err);
    let golden = run(&mut classify(dir, "golden", "3"));
    assert_eq!(got.out, golden.out, "classes, logits and cycles");
    let got = run(spikegate().arg("bring-up").arg(dir).args(["--device", &device]));
    assert!(got.code == 0 && got.out.contains("tensor back"), "{}\n{}", got.out, got.err);
    // An image takes longer than the driver's glance; no interrupt is lost for that.
    assert!(got.out.contains("got over: nothing"), "{}", got.out);
    // Spike counts come out of the tensors.
    let spikes = |device: &str| run(classify(dir, device, "2").args(["--values", "spikes"]));
    let (got, golden) = (spikes(&device), spikes("golden"));
    assert_eq!((got.code, golden.code), (0, 0), "{}\n{}", got.err, golden.err);
    assert!(got.out.starts_with("image,class,label,cycles,spikes_0,"), "{}", got.out);
    assert_eq!(got.out, golden.out, "classes, spike counts and cycles");
}

#[test]
fn batches_on_the_card_and_in_verilator() {
    if design().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dir = &folder.path().join("batch");
    let sizes = ["--array", "4,1,4,4", "--calib", DATA, "--calib-images", "5", "--memory", "32", "-o"];
    let compile = |batch: &str| {
        let mut command = spikegate();
        run(command.arg("compile").arg(model()).args(sizes).arg(dir).args(["--batch", batch]))
    };
    let got = compile("17");
    assert_eq!(got.code, 2, "{}", got.err);
    assert!(got.err.contains("array batch (images) is 17, expected 1 to 16"), "{}", got.err);
    let got = compile("2");
    assert_eq!(got.code, 0, "{}", got.err);
    assert!(got.out.contains("in batches of 2; "), "{}", got.out);

    // Three images: the second batch is filled up.
    let golden = run(&mut classify(dir, "golden", "3"));
    assert_eq!(golden.code, 0, "{}", golden.err);
    let socket = folder.path().join("card");
    let card = Card::new(dir, &socket, &["--fast"]);
    let device = format!("vfio-user:{}", socket.display());
    for _ in 0..2 {
        let got = run(&mut classify(dir, &device, "3"));
        assert_eq!((got.code, &got.out), (0, &golden.out), "{}", got.err);
    }
    let got = run(spikegate().arg("bring-up").arg(dir).args(["--device", &device]));
    assert_eq!(got.code, 0, "{}", got.err);
    drop(card);
    let got = run(&mut classify(dir, "verilator", "3"));
    assert_eq!((got.code, &got.out), (0, &golden.out), "{}", got.err);
    let trace = ["--input", DATA, "--images", "3", "--trace", "all"];
    let got = run(spikegate().arg("simulate").arg(dir).args(trace));
    assert_eq!(got.code, 0, "{} {}", got.out, got.err);
    assert!(got.out.contains("all equal") && got.out.contains("of 3 images compared"), "{}", got.out);
}

#[test]
fn images_from_standard_input_and_results_in_files() {
    let Some(dir) = design() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pipe = |bytes: &[u8], form: &str, file: &Path| {
        let mut command = spikegate();
        command
            .arg("run")
            .arg(dir)
            .args(["--device", "golden", "--input", "-", "--results", form, "-o"])
            .arg(file);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        (status.code().unwrap(), String::from_utf8(stderr).unwrap())
    };
    let images = [7; 3 * 784];
    let file = folder.path().join("out.npy");
    assert_eq!(pipe(&images, "npy", &file).0, 0);
    assert_eq!(fs::read(&file).unwrap().len(), 128 + 3 * 10 * 4);
    let file = folder.path().join("out.jsonl");
    assert_eq!(pipe(&images, "jsonl", &file).0, 0);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 3);
    let (code, text) = pipe(&images[..1000], "csv", &folder.path().join("out.csv"));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("ends 216 bytes into an image of 784"), "{text}");
    assert!(!folder.path().join("out.csv").exists(), "no half result");
}

#[test]
fn devices_that_are_not_there_are_3() {
    let Some(dir) = design() else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("none");
    let refused = |device: &str, part: &str| {
        let got = run(&mut classify(dir, device, "1"));
        assert_eq!(got.code, 3, "{}", got.err);
        assert!(got.err.contains(part) && got.err.contains("  help: "), "{}", got.err);
    };
    refused(&format!("vfio-user:{}", socket.display()), "No such file or directory");
    refused("vfio:0000:fe:1f.7", "PCIe card 0000:fe:1f.7: there is none");
    refused(&format!("xdma:{}", socket.display()), "none_user: opening failed");
    let got = run(&mut classify(dir, "pcie", "1"));
    assert_eq!(got.code, 2, "{}", got.err);
    assert!(got.err.contains("write golden, verilator, vfio-user:SOCKET"), "{}", got.err);
}

#[test]
fn another_core_is_refused_and_a_busy_card_names_its_holder() {
    let Some(dir) = design() else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("card");
    let _card = Card::new(dir, &socket, &["--fast"]);
    let device = format!("vfio-user:{}", socket.display());
    // A design for another array.
    let other = folder.path().join("other");
    let sizes = ["--array", "4,1,8,4", "--calib", DATA, "--calib-images", "5", "-o"];
    assert_eq!(run(spikegate().arg("compile").arg(model()).args(sizes).arg(&other)).code, 0);
    let got = run(&mut classify(&other, &device, "1"));
    assert_eq!(got.code, 3, "{}", got.err);
    assert!(got.err.contains("configuration hash is"), "{}", got.err);

    // A long run, and a second one meanwhile.
    let mut command = classify(dir, &device, "2000");
    let mut first = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let got = run(&mut classify(dir, &device, "1"));
    assert_eq!(got.code, 3, "{}", got.err);
    assert!(got.err.contains(&format!("in use by process {}", first.id())), "{}", got.err);
    // The first one is killed in the middle; the next one finds a card as new.
    first.kill().unwrap();
    first.wait().unwrap();
    let got = run(&mut classify(dir, &device, "5"));
    assert_eq!(got.code, 0, "{}", got.err);
}

#[test]
fn a_card_that_disappears_ends_the_run_and_the_next_one_works() {
    let Some(dir) = design() else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("card");
    let card = Card::new(dir, &socket, &["--fast"]);
    let device = format!("vfio-user:{}", socket.display());
    let mut command = classify(dir, &device, "5000");
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    drop(card);
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(3), "{text}");
    assert!(text.contains("is the device still there"), "{text}");
    // The dead card's socket lies there still.
    assert!(socket.exists());
    let got = run(&mut classify(dir, &device, "1"));
    assert_eq!(got.code, 3, "{}", got.err);
    assert!(got.err.contains("start the card again"), "{}", got.err);
    let next = Card::start(dir, &socket, &["--fast", "-v"]);
    let begin = Instant::now();
    while run(&mut classify(dir, &device, "2")).code != 0 {
        assert!(begin.elapsed() < Duration::from_secs(30), "the new card does not work");
    }
    drop(next);
}
