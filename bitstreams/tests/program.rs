//! What openFPGALoader is asked to do, with a recording stand-in; and what is never loaded.
#![allow(clippy::unwrap_used)]

use spikegate_contract::failure::Failure;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::files::hash;
use spikegate_bitstreams::image::{Image, ImageError};
use spikegate_bitstreams::program::{program, Bitstream, ProgramError, Target};
use spikegate_bitstreams::report::{Implementation, WorstPath, IMPLEMENTATION, IMPLEMENTATION_VERSION};
use spikegate_bitstreams::tools::{ToolError, Toolbox};
use spikegate_contract::array::ArrayConfig;

struct Bench {
    home: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("spikegate.bit"), "bits").unwrap();
        let made = Implementation {
            format_version: IMPLEMENTATION_VERSION,
            board: "ulx3s-85f".to_owned(),
            part: "LFE5U-85F-6BG381C".to_owned(),
            clock_mhz: 25.0,
            source: "route".to_owned(),
            fmax_mhz: 30.0,
            seed: 1,
            seeds: vec![],
            other_clocks: vec![],
            resources: vec![],
            worst_path: WorstPath {
                total_ns: 1.0,
                logic_ns: 1.0,
                routing_ns: 0.0,
                stages: 1,
                from: String::new(),
                to: String::new(),
                longest_wire: None,
            },
            baud: 1e6,
            tools: vec![],
            verilog_hash: "v".to_owned(),
            bitstream: "spikegate.bit".to_owned(),
            bitstream_hash: hash(b"bits"),
            netlist_hash: String::new(),
        };
        fs::write(home.path().join(IMPLEMENTATION), serde_json::to_vec(&made).unwrap()).unwrap();
        let tool = home.path().join("openFPGALoader");
        fs::write(&tool, "#!/bin/sh\necho \"$*\" > \"$(dirname \"$0\")/record\"\necho Done\n").unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        Self { home }
    }

    fn run(
        &self,
        board: &str,
        hash: &str,
        target: Target,
        cable: Option<&str>,
    ) -> Result<String, ProgramError> {
        let tools = Toolbox::in_folders(vec![self.home.path().to_owned()]);
        program(&resolve(board).unwrap(), Bitstream::Folder(self.home.path()), hash, target, cable, &tools)
    }

    fn ran(&self) -> String {
        fs::read_to_string(self.home.path().join("record")).unwrap_or_default()
    }
}

#[test]
fn names_board_or_part() {
    let bench = Bench::new();
    bench.run("ulx3s-85f", "v", Target::Fpga, None).unwrap();
    assert_eq!(bench.ran(), "--board ulx3s ./spikegate.bit\n");
    bench.run("ulx3s-85f", "v", Target::Flash, None).unwrap();
    assert_eq!(bench.ran(), "--board ulx3s --write-flash ./spikegate.bit\n");
    bench.run("acorn-cle215", "any", Target::Fpga, Some("ft2232")).unwrap();
    assert_eq!(bench.ran(), "--board acornCle215 --cable ft2232 ./spikegate.bit\n");
    bench.run("litefury", "any", Target::Fpga, Some("ft2232")).unwrap();
    assert_eq!(bench.ran(), "--fpga-part xc7a100tfgg484 --cable ft2232 ./spikegate.bit\n");
}

#[test]
fn loads_nothing_that_does_not_belong() {
    let bench = Bench::new();
    let said = |r: Result<String, ProgramError>| r.unwrap_err().in_a_line();
    assert!(said(bench.run("litefury", "v", Target::Fpga, None)).contains("name its cable with --cable"));
    assert!(said(bench.run("kcu105", "v", Target::Fpga, None)).contains("Vivado's hardware manager"));
    assert!(said(bench.run("ulx3s-85f", "w", Target::Fpga, None))
        .contains("hash of its Verilog is v, expected w"));
    assert!(said(bench.run("ecpix-5-85f", "v", Target::Fpga, None)).contains("the part is LFE5U-85F-6BG381C"));
    fs::write(bench.home.path().join("spikegate.bit"), "bats").unwrap();
    assert!(said(bench.run("ulx3s-85f", "v", Target::Fpga, None)).contains("spikegate.bit: its hash is"));
    fs::write(bench.home.path().join(IMPLEMENTATION), "{}").unwrap();
    assert!(said(bench.run("ulx3s-85f", "v", Target::Fpga, None))
        .contains("is not a valid design file: missing field"));
    fs::remove_file(bench.home.path().join("spikegate.bit")).unwrap();
    assert!(said(bench.run("ulx3s-85f", "v", Target::Fpga, None)).contains("run `spikegate synth` first"));
    assert!(said(bench.run("kcu105", "v", Target::Fpga, None)).contains("and Vivado with the project"));
    assert_eq!(bench.ran(), "", "the tool was never run");
    let bench = Bench::new();
    fs::remove_file(bench.home.path().join("openFPGALoader")).unwrap();
    let error = bench.run("ulx3s-85f", "v", Target::Fpga, None).unwrap_err();
    assert!(matches!(error, ProgramError::Tool(ToolError::Missing { .. })), "{error}");
}

#[test]
fn what_the_loader_says_decides() {
    let bench = Bench::new();
    let says = |script: &str| {
        let tool = bench.home.path().join("openFPGALoader");
        fs::write(&tool, format!("#!/bin/sh\n{script}\n")).unwrap();
        bench.run("ulx3s-85f", "v", Target::Fpga, None)
    };
    says("echo 'Enable configuration: DONE'; echo 'Loading: [====] 100.00%'; echo Done").unwrap();
    for script in [
        "echo 'unable to open ftdi device: -3 (device not found)'; echo 'JTAG init failed with: unable to open'",
        "echo 'Error: no device found' >&2",
        "echo 'Loading: [==] 100.00%'; echo 'Disable configuration: FAIL'",
        "echo 'wrong IDCODE: 0x41111043, expected 0x41113043'",
        "echo 'Loading: [=   ] 12.00%'",
        "true",
        "echo Done; exit 1",
    ] {
        let error = says(script).unwrap_err();
        assert!(matches!(error, ProgramError::Loader { .. }), "{script}: {error}");
    }
}

/// A run writes nothing beside the bitstream and nothing under a name that another may have, and judges what its own
/// loader said.
#[test]
fn runs_do_not_meet() {
    let bench = Bench::new();
    let tool = bench.home.path().join("openFPGALoader");
    // A loader that fails after another run's has said that it is done, in whatever log lies beside the bitstream.
    fs::write(&tool, "#!/bin/sh\npwd >> \"$(dirname \"$0\")/record\"\necho 'unable to open'; rm program.log; echo Done > program.log\n").unwrap();
    let before = names(&bench);
    let error = bench.run("ulx3s-85f", "v", Target::Fpga, None).unwrap_err();
    let ProgramError::Loader { said, .. } = &error else { panic!("{error}") };
    assert!(said.contains("unable to open"), "{said}");
    assert!(bench.run("ulx3s-85f", "v", Target::Fpga, None).is_err());
    let ran = bench.ran();
    let folders: Vec<&str> = ran.lines().collect();
    assert!(folders.len() == 2 && folders[0] != folders[1], "{folders:?}");
    assert_eq!(names(&bench), before);
    for folder in folders {
        assert!(!std::path::Path::new(folder).exists(), "{folder} is gone");
    }
}

/// Files of the folder, without the stand-in's record.
fn names(bench: &Bench) -> std::collections::BTreeSet<std::ffi::OsString> {
    fs::read_dir(bench.home.path())
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .filter(|n| n != "record")
        .collect()
}

#[test]
fn what_is_loaded_is_what_was_checked() {
    let bench = Bench::new();
    let tool = bench.home.path().join("openFPGALoader");
    // Somebody changes the file while the loader starts.
    fs::write(&tool, "#!/bin/sh\nhere=$(dirname \"$0\"); echo bats > \"$here/spikegate.bit\"; cat ./spikegate.bit > \"$here/record\"; echo Done\n").unwrap();
    bench.run("ulx3s-85f", "v", Target::Fpga, None).unwrap();
    assert_eq!(bench.ran(), "bits");
}

#[test]
fn an_image_is_of_the_bitstream_that_was_made() {
    let bench = Bench::new();
    let array = ArrayConfig::new(1, 1, 1, 1).unwrap();
    let made = Implementation::read(&bench.home.path().join(IMPLEMENTATION)).unwrap();
    let path = bench.home.path().join("i.toml");
    let before = names(&bench);
    let other = Implementation { bitstream_hash: hash(b"bats"), ..made.clone() };
    let error = Image::write(&path, bench.home.path(), &array, &other).unwrap_err();
    assert!(matches!(error, ImageError::Changed { .. }), "{error}");
    assert_eq!(names(&bench), before);
    Image::write(&path, bench.home.path(), &array, &made).unwrap();
    assert_eq!(Image::read(&path).unwrap().implementation.bitstream, "i.bit");
    // Through a link only to an image.
    let (link, file) = (bench.home.path().join("link.toml"), bench.home.path().join("file"));
    fs::write(&file, "mine").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert!(matches!(Image::check_place(&link), Err(ImageError::NotOurs { .. })));
}
