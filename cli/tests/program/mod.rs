//! The program as tests start it.
#![allow(clippy::unwrap_used)]
// Every test binary uses its part of this.
#![allow(dead_code)]

use image::{DynamicImage, Rgb, RgbImage};
use spikegate_contract::bundle::{files, Manifest};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const DATA: &str = "/usr/share/datasets/fashion-mnist";

pub fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference/gac_fashion_t4.safetensors")
}

pub fn spikegate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spikegate"));
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command
}

pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// Whether the data set is installed; says so where it is not.
pub fn has_data() -> bool {
    let there = Path::new(DATA).is_dir();
    if !there {
        eprintln!("SKIPPED: {DATA} is not there");
    }
    there
}

/// Colour pictures of 13 rows of 11 pixels, as `random_k4` takes.
pub fn pictures(folder: &Path, count: u32) {
    pictures_of(folder, count, [13, 11], true);
}

/// Pictures of so many rows and columns, the same everywhere.
pub fn pictures_of(folder: &Path, count: u32, [height, width]: [u32; 2], colour: bool) {
    fs::create_dir_all(folder).unwrap();
    for n in 0..count {
        let bytes = |x: u32, y: u32, c: u32| {
            (x + 31 * y + 977 * c + 7919 * n + 1).wrapping_mul(2_654_435_761).rotate_right(13) as u8
        };
        let picture =
            RgbImage::from_fn(width, height, |x, y| Rgb([bytes(x, y, 0), bytes(x, y, 1), bytes(x, y, 2)]));
        let picture = DynamicImage::from(picture);
        let picture = if colour { picture } else { picture.to_luma8().into() };
        picture.save(folder.join(format!("{n:03}.png"))).unwrap();
    }
}

/// Makes all hashes of a design anew, as whoever changes its files can; whether there is a manifest to do it in.
pub fn seal(dir: &Path) -> bool {
    let path = dir.join(files::MANIFEST);
    let Ok(mut manifest) = serde_json::from_slice::<Manifest>(&fs::read(&path).unwrap()) else {
        return false;
    };
    manifest.hold(&files::HELD.map(|name| (name, fs::read(dir.join(name)).unwrap())));
    fs::write(path, manifest.sealed().bytes()).unwrap();
    true
}

/// `spikegate card` in a process of its own, which ends with the value.
pub struct Card(Child);

impl Card {
    /// A card with a design's core, once its socket is there; `extra` are further arguments.
    pub fn new(dir: &Path, socket: &Path, extra: &[&str]) -> Self {
        let card = Self::start(dir, socket, extra);
        let begin = Instant::now();
        while !socket.exists() {
            // A simulation may have to be built first.
            assert!(begin.elapsed() < Duration::from_secs(300), "no card");
            std::thread::sleep(Duration::from_millis(10));
        }
        card
    }

    /// The same without waiting for the socket.
    pub fn start(dir: &Path, socket: &Path, extra: &[&str]) -> Self {
        let mut command = spikegate();
        command.arg("card").arg("--design").arg(dir).arg("--socket").arg(socket).args(extra);
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
