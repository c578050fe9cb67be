//! The bitstreams that are kept: each belongs to the present sources, and loads.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use spikegate_bitstreams::board::Flow;
use spikegate_bitstreams::boards::{builtin, resolve};
use spikegate_bitstreams::image::Image;

const DATA: &str = "/usr/share/datasets/fashion-mnist";
/// Bytes that an image may have.
const LARGEST: u64 = 2_000_000;

fn images() -> Vec<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bitstreams");
    let mut found = Vec::new();
    for board in builtin().unwrap() {
        let Ok(entries) = fs::read_dir(home.join(&board.id)) else { continue };
        let entries = entries.map(|e| e.unwrap().path());
        found.extend(entries.filter(|p| p.extension().is_some_and(|e| e == "toml")));
    }
    found
}

fn spikegate(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spikegate"));
    command.env("PATH", home);
    command
}

#[test]
fn images_belong_to_the_sources_and_load() {
    let home = tempfile::tempdir().unwrap();
    let loader = home.path().join("openFPGALoader");
    fs::write(&loader, "#!/bin/sh\necho \"$*\" > \"$0.record\"\necho Done\n").unwrap();
    fs::set_permissions(&loader, fs::Permissions::from_mode(0o755)).unwrap();
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference/gac_fashion_t4.safetensors");
    let found = images();
    assert_eq!(found.len(), 2);
    for path in found {
        let image = Image::read(&path).unwrap();
        let made = &image.implementation;
        let board = resolve(&made.board).unwrap();
        assert_eq!((board.flow, &board.device.part[..]), (Flow::Open, &made.part[..]));
        assert_eq!(path.parent().unwrap().file_name().unwrap().to_str(), Some(board.id.as_str()));
        assert!(made.fmax_mhz >= made.clock_mhz && made.source == "route" && made.tools.len() == 3);
        assert!(fs::metadata(path.with_extension("bit")).unwrap().len() < LARGEST);
        if !Path::new(DATA).is_dir() {
            eprintln!("SKIPPED: {DATA} is not there, {} is not compared with the sources", path.display());
            continue;
        }
        let design = home.path().join(&board.id);
        let array = &image.array;
        let sizes = format!("{},{},{},{}", array.lanes, array.pixels, array.ci, array.co);
        let args = ["--post", &array.post.to_string(), "--calib", DATA, "--calib-images", "5", "-o"];
        let mut compile = spikegate(home.path());
        compile.arg("compile").arg(&model).args(["--array", &sizes]).args(args).arg(&design);
        let got = compile.output().unwrap();
        assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
        let load = |image: &Path| {
            let mut program = spikegate(home.path());
            program.arg("program").arg(&design).args(["--board", &board.id, "--image"]).arg(image);
            let got = program.output().unwrap();
            (got.status.code().unwrap(), String::from_utf8_lossy(&got.stderr).into_owned())
        };
        let (code, said) = load(&path);
        assert_eq!(code, 0, "{}: {said}", path.display());
        let record = fs::read_to_string(home.path().join("openFPGALoader.record")).unwrap();
        assert!(record.ends_with("gac_fashion_t4.bit\n"), "{record}");

        // One bit less, and a description that was changed.
        let copy = home.path().join("copy.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&copy, text.replace("bitstream = \"gac_fashion_t4.bit\"", "bitstream = \"copy.bit\""))
            .unwrap();
        let mut bits = fs::read(path.with_extension("bit")).unwrap();
        bits[1000] ^= 1;
        fs::write(copy.with_extension("bit"), bits).unwrap();
        let (code, said) = load(&copy);
        assert!(code == 2 && said.contains("copy.bit: its hash is"), "{said}");
        fs::write(&copy, text.replace("lanes = 4", "lanes = 5")).unwrap();
        let (code, said) = load(&copy);
        assert!(code == 2 && said.contains("copy.toml: the array has the hash"), "{said}");
    }
}
