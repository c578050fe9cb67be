//! The Verilated core, on a stand-in design.

use spikegate_contract::csr::offset;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_runtime::cache::{Cache, CacheError};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::devices::verilator::{BuildError, Gaps, Options, Progress, Verilated};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{fs, process};

const STAND_IN: &str = include_str!("stand_in.v");

fn options() -> Options {
    Options { cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("sim")), ..Options::default() }
}

fn open() -> Verilated {
    Verilated::open("the stand-in", STAND_IN, &options(), &mut |_| ()).expect("builds")
}

/// The answer of the stand-in to an image with these words.
fn answer(sequence: u32, pixels: &[u32]) -> Vec<u32> {
    let sum = pixels.iter().fold(0u32, |a, &b| a.wrapping_add(b));
    vec![0x8100_0009, sequence, sum % 3, 3, sum, u32::MAX, sequence, 2, 7, pixels.len() as u32 + 2]
}

fn image(sequence: u32, pixels: &[u32]) -> Vec<u32> {
    [&[0x0200_0000, sequence], pixels].concat()
}

#[test]
fn reads_and_writes_registers() {
    let mut core = open();
    assert_eq!(core.read_csr(offset("magic")).expect("answers"), 0x5347_4143);
    for value in [0, 1, 0xdead_beef, u32::MAX] {
        core.write_csr(offset("scratch"), value).expect("writes");
        assert_eq!(core.read_csr(offset("scratch")).expect("answers"), value);
    }
    core.reset().expect("resets");
    assert_eq!(core.read_csr(offset("scratch")).expect("answers"), 0);
}

#[test]
fn names_a_register_that_does_not_answer() {
    let mut core = open();
    let text = core.read_csr(0xf4).expect_err("deaf").in_a_line();
    assert!(text.contains("reading register (none) at 0xf4: no answer in 1000 cycles"), "{text}");
    let text = core.read_csr(0xf0).expect_err("refused").in_a_line();
    assert!(text.contains("an error response, expected OKAY"), "{text}");
    assert_eq!(core.read_csr(offset("magic")).expect("still answers"), 0x5347_4143);
}

#[test]
fn packets_survive_gaps_on_both_sides() {
    let mut core = open();
    for seed in 0..20 {
        core.set_gaps(Gaps { seed, input: 64 + seed as u8, output: 200 });
        let pixels: Vec<u32> = (0..50).map(|i: u32| i.wrapping_mul(0x9e37_79b9 ^ seed as u32)).collect();
        for sequence in 0..3 {
            core.send(&image(sequence, &pixels)).expect("sends");
        }
        for sequence in 0..3 {
            let got = core.receive(&Wait::new("a result", 10_000)).expect("answers");
            assert_eq!(got, answer(sequence, &pixels));
        }
    }
    assert_eq!(core.read_csr(offset("images")).expect("answers"), 60);
}

#[test]
fn gaps_are_repeatable() {
    let cycles = || {
        let mut core = open();
        core.set_gaps(Gaps { seed: 5, input: 128, output: 128 });
        core.send(&image(0, &[1; 100])).expect("sends");
        core.receive(&Wait::new("a result", 10_000)).expect("answers");
        core.cycles()
    };
    let first = cycles();
    assert!(first > 200, "{first} cycles: the gaps had no effect");
    assert_eq!(first, cycles());
}

#[test]
fn a_hang_names_what_was_awaited_and_the_cycles() {
    let mut core = open();
    let before = core.cycles();
    let text = core.receive(&Wait::new("the result of image 3", 123)).expect_err("silent").in_a_line();
    assert!(text.contains("waited 123 cycles for the result of image 3"), "{text}");
    assert_eq!(core.cycles(), before + 123);
    core.send(&[0x0107_0000, 0, 0]).expect("sends");
    let error = core.flush(&Wait::new("the program to load", 50)).expect_err("deaf");
    assert!(error.in_a_line().contains("2 words not yet taken"), "{error}");
    assert!(matches!(error, DeviceError::Timeout { waited: 50, .. }));
    core.reset().expect("resets");
    core.send(&image(9, &[4, 5])).expect("sends");
    assert_eq!(core.receive(&Wait::new("a result", 100)).expect("answers"), answer(9, &[4, 5]));
}

#[test]
fn interrupt_follows_the_result() {
    let mut core = open();
    core.write_csr(offset("irq_enable"), 1).expect("writes");
    core.send(&image(0, &[0])).expect("sends");
    core.receive(&Wait::new("a result", 100)).expect("answers");
    assert!(core.interrupt());
    core.write_csr(offset("irq_status"), 1).expect("writes");
    core.run(1).expect("runs");
    assert!(!core.interrupt());
}

#[test]
fn refuses_an_empty_packet() {
    assert!(matches!(open().send(&[]), Err(DeviceError::Empty { .. })));
}

#[test]
fn a_second_build_comes_from_the_cache() {
    let _ = open();
    let mut steps = Vec::new();
    Verilated::open("the stand-in", STAND_IN, &options(), &mut |p| steps.push(p)).expect("builds");
    assert_eq!(steps, [Progress::Cached]);
}

#[test]
fn builds_in_folders_with_spaces_and_says_how_far_it_is() {
    let folder = tempfile::tempdir().expect("folder");
    let cache = folder.path().join("a cache ü");
    let options = Options { cache: Some(cache.clone()), ..Options::default() };
    let mut steps = Vec::new();
    Verilated::open("the stand-in", STAND_IN, &options, &mut |p| steps.push(p)).expect("builds");
    assert_eq!(steps.first(), Some(&Progress::Verilating));
    assert_eq!(steps.last(), Some(&Progress::Linking));
    let last = steps.iter().rev().find_map(|s| match s {
        Progress::Compiling { done, total } => Some((*done, *total)),
        _ => None,
    });
    assert!(last.is_some_and(|(done, total)| done == total && total > 1), "{last:?}");
    assert!(left(&cache).len() > 1, "{:?}", left(&cache));
}

#[test]
fn writes_waveforms() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("wave.fst");
    let error = open().start_wave(&path).expect_err("no waves built");
    assert!(error.in_a_line().contains("built without waveforms"), "{error}");
    let options = Options { waves: true, ..options() };
    let mut core = Verilated::open("the stand-in", STAND_IN, &options, &mut |_| ()).expect("builds");
    core.start_wave(&path).expect("starts");
    core.send(&image(0, &[1, 2, 3])).expect("sends");
    core.receive(&Wait::new("a result", 100)).expect("answers");
    core.stop_wave().expect("stops");
    assert!(fs::metadata(&path).expect("file").len() > 300);
    let error = core.start_wave(&folder.path().join("no/such/wave.fst")).expect_err("no folder");
    assert!(error.in_a_line().contains("no/such/wave.fst"), "{error}");
}

#[test]
fn missing_verilator_says_how_to_get_it() {
    let options = Options { verilator: "/no/such/verilator".into(), ..options() };
    let error = Verilated::open("the stand-in", STAND_IN, &options, &mut |_| ()).expect_err("missing");
    assert_eq!(error.kind(), Kind::Missing);
    assert!(error.in_a_line().contains("apt-get install verilator"), "{error}");
}

#[test]
fn an_old_verilator_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let tool = folder.path().join("verilator");
    fs::write(&tool, "#!/bin/sh\necho 'Verilator 4.228 2022-10-01 rev v4.228'\n").expect("write");
    set_executable(&tool);
    let options = Options { verilator: tool, ..options() };
    let error = Verilated::open("the stand-in", STAND_IN, &options, &mut |_| ()).expect_err("old");
    assert_eq!(error.kind(), Kind::Missing);
    assert!(error.in_a_line().contains("is version 4.228, expected 5.006 or newer"), "{error}");
}

#[test]
fn broken_verilog_shows_the_message() {
    let refusal = |text: &str| Verilated::open("out/x", text, &options(), &mut |_| ()).expect_err("broken");
    let error = refusal("module spikegate (input wire clk);\n  assign x = = 1;\nendmodule\n");
    let text = error.in_a_line();
    assert!(text.starts_with("Verilating of out/x failed") && text.contains("spikegate.v:2"), "{text}");
    assert!(text.contains("syntax error"), "{text}");
    assert!(matches!(error, BuildError::Tool { step: "Verilating", .. }));
    // Verilog that is sound but has other ports fails in the C++ compiler.
    let error = refusal("module spikegate (input wire clk);\nendmodule\n");
    assert!(matches!(error, BuildError::Tool { step: "compiling", .. }), "{error}");
    assert!(error.in_a_line().contains("s_axil"), "{error}");
}

#[test]
fn a_model_that_stops_is_an_error_and_not_the_end() {
    let text = STAND_IN.replace(
        "default: ;\n        endcase\n        if (rst)",
        "DEAF: $finish;\n        endcase\n        if (rst)",
    );
    let mut core = Verilated::open("stops", &text, &options(), &mut |_| ()).expect("builds");
    core.send(&[0x0107_0000, 0, 0]).expect("sends");
    let error = core.flush(&Wait::new("the program to load", 50)).expect_err("stops");
    assert!(matches!(error, DeviceError::Stopped { .. }), "{error}");
    assert!(error.in_a_line().contains("$finish"), "{error}");
    assert!(core.read_csr(0).is_err());
}

#[test]
fn an_unwritable_cache_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    // A file where a folder should be: also root cannot write there.
    let file = folder.path().join("file");
    fs::write(&file, "").expect("write");
    let options = Options { cache: Some(file.join("cache")), ..Options::default() };
    let error = Verilated::open("the stand-in", STAND_IN, &options, &mut |_| ()).expect_err("unwritable");
    assert!(matches!(error, BuildError::Cache(CacheError::Io { .. })));
    assert!(error.in_a_line().contains("XDG_CACHE_HOME"), "{error}");
}

#[test]
fn a_damaged_library_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    // A compiler that writes nonsense.
    let cxx = folder.path().join("g++");
    fs::write(&cxx, "#!/bin/sh\nwhile [ $1 != -o ]; do shift; done\necho nonsense >\"$2\"\n").expect("write");
    set_executable(&cxx);
    let options = Options { cache: Some(folder.path().join("cache")), cxx, ..Options::default() };
    let error = Verilated::open("the stand-in", STAND_IN, &options, &mut |_| ()).expect_err("damaged");
    assert!(matches!(error, BuildError::Load { .. }), "{error}");
}

/// A folder for a cache, with a built core.
fn filled() -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().expect("folder");
    let cache = folder.path().join("cache");
    let options = Options { cache: Some(cache), ..Options::default() };
    Verilated::open("the stand-in", STAND_IN, &options, &mut |_| ()).expect("builds");
    (folder, options)
}

#[test]
fn a_library_that_is_cut_or_damaged_is_built_again() {
    let (_folder, options) = filled();
    let cache = options.cache.clone().expect("given");
    let mode = fs::metadata(&cache).expect("folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "nobody else may write there");
    let find = |end: &str| {
        let mut all = left(&cache).into_iter();
        all.find(|path| path.extension().is_some_and(|e| e == end)).expect("it is kept")
    };
    let (library, object) = (find("lib"), find("obj"));
    let whole = fs::read(&library).expect("read");
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        bytes
    };
    let [half, late] = [whole.len() / 2, whole.len() - 9];
    let damaged =
        [whole[..half].to_vec(), whole[..60].to_vec(), Vec::new(), flipped(3), flipped(half), flipped(late)];
    for bytes in damaged {
        fs::write(&library, &bytes).expect("write");
        fs::write(&object, &bytes).expect("write");
        let mut steps = Vec::new();
        let mut core =
            Verilated::open("the stand-in", STAND_IN, &options, &mut |p| steps.push(p)).expect("opens");
        assert_eq!(steps.first(), Some(&Progress::Verilating), "built again");
        core.send(&image(1, &[2, 3])).expect("sends");
        // Whoever cuts the file now does not reach the core.
        fs::write(&library, "").expect("write");
        assert_eq!(core.receive(&Wait::new("a result", 100)).expect("answers"), answer(1, &[2, 3]));
    }
}

#[test]
fn a_cache_that_is_not_ours_alone_is_refused() {
    let (_folder, options) = filled();
    let cache = options.cache.clone().expect("given");
    let set = |mode| fs::set_permissions(&cache, fs::Permissions::from_mode(mode)).expect("chmod");
    for mode in [0o777, 0o770, 0o702] {
        set(mode);
        let error = Verilated::open("the stand-in", STAND_IN, &options, &mut |_| ()).expect_err("refused");
        assert!(matches!(error, BuildError::Cache(CacheError::Shared { .. })), "{error}");
        assert!(error.in_a_line().contains("others may have put programs there"), "{error}");
    }
    // Others could read it, but not write.
    set(0o755);
    Verilated::open("the stand-in", STAND_IN, &options, &mut |_| ()).expect("opens");
    assert_eq!(fs::metadata(&cache).expect("folder").permissions().mode() & 0o777, 0o700);
    // Another user's: root may give it away.
    if std::os::unix::fs::chown(&cache, Some(65534), None).is_ok() {
        let error = Cache::open(Some(&cache)).expect_err("refused");
        assert!(matches!(error, CacheError::Owner { owner: 65534, .. }), "{error}");
    }
}

#[test]
fn concurrent_builds_of_processes_do_not_collide() {
    let folder = tempfile::tempdir().expect("folder");
    let children: Vec<process::Child> = (0..2)
        .map(|_| {
            process::Command::new(std::env::current_exe().expect("self"))
                .args(["--exact", "child_builds", "--ignored", "--nocapture"])
                .env("SPIKEGATE_TEST_CACHE", folder.path())
                .stdout(process::Stdio::null())
                .spawn()
                .expect("starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("ends").success());
    }
    assert!(left(folder.path()).iter().all(|p| !hidden(p)), "{:?}", left(folder.path()));
}

#[test]
#[ignore = "started by concurrent_builds_of_processes_do_not_collide"]
fn child_builds() {
    let Some(cache) = std::env::var_os("SPIKEGATE_TEST_CACHE") else { return };
    let options = Options { cache: Some(cache.into()), ..Options::default() };
    let mut core = Verilated::open("the stand-in", STAND_IN, &options, &mut |_| ()).expect("builds");
    core.send(&image(1, &[2, 3])).expect("sends");
    assert_eq!(core.receive(&Wait::new("a result", 100)).expect("answers"), answer(1, &[2, 3]));
}

/// Whether it is something that is being made.
fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// What a cache holds: libraries, and what all of them share.
fn left(cache: &Path) -> Vec<PathBuf> {
    fs::read_dir(cache).expect("cache").map(|e| e.expect("entry").path()).collect()
}

fn set_executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("chmod");
}
