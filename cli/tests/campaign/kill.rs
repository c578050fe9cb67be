//! `kill -9` of the program that runs images, and of the card, at random moments.

use spikegate_golden::random::Rng;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::Home;
use crate::program::Card;

/// Images of a run that is to be killed.
const IMAGES: usize = 1500;
/// A run that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// Kills, and what became of the run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kills {
    /// The run was over before.
    pub late: u64,
    /// The killed run left no result; the one whose card was killed ended with an error.
    pub named: u64,
}

/// What the run that was started last has said.
const SAID: &str = "said.txt";

fn card(dir: &Path, socket: &Path) -> Card {
    let card = Card::start(dir, socket, &["--fast"]);
    let begin = Instant::now();
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        assert!(begin.elapsed() < DEADLINE, "no card");
        std::thread::sleep(Duration::from_millis(5));
    }
    card
}

/// Starts a run; its images lie in the pipe or follow in a thread that may find it dead.
fn start(home: &Home, device: &str, images: usize, out: &Path) -> Child {
    let said = fs::File::create(home.path().join(SAID)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_spikegate"));
    command.stdout(Stdio::null()).stderr(said);
    command.arg("run").arg(home.path()).args(["--device", device, "--input", "-", "-o"]).arg(out);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes: Vec<u8> = home.images.iter().cycle().take(images).flatten().copied().collect();
    std::thread::spawn(move || input.write_all(&bytes));
    child
}

fn end(child: &mut Child) -> ExitStatus {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begin.elapsed() < DEADLINE, "a run hangs");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills `kills` runs and as many cards.
pub fn kills(home: &Home, kills: u64) -> [Kills; 2] {
    let file = |name: &str| -> PathBuf { home.path().join(name) };
    let (socket, out) = (file("kill"), file("out.csv"));
    let device = format!("vfio-user:{}", socket.display());
    let result = |device: &str, images: usize| {
        let out = file("right.csv");
        let ended = end(&mut start(home, device, images, &out));
        assert!(ended.success(), "{}", fs::read_to_string(home.path().join(SAID)).unwrap());
        let text = fs::read(&out).unwrap();
        fs::remove_file(&out).unwrap();
        text
    };
    let (right, few) = (result("golden", IMAGES), result("golden", 4));
    let mut counts = [Kills::default(), Kills::default()];
    let mut served = card(home.path(), &socket);
    let begin = Instant::now();
    assert_eq!(result(&device, IMAGES), right);
    let longest = begin.elapsed().as_millis() as usize;
    for seed in 0..2 * kills {
        let which = (seed % 2) as usize;
        let mut child = start(home, &device, IMAGES, &out);
        let pause = Rng(seed).size(0, longest);
        std::thread::sleep(Duration::from_millis(pause as u64));
        if which == 0 {
            child.kill().unwrap();
        } else {
            served.kill();
        }
        let status = end(&mut child);
        if out.exists() {
            assert_eq!(fs::read(&out).unwrap(), right, "kill {seed} after {pause} ms");
            fs::remove_file(&out).unwrap();
            counts[which].late += 1;
        } else {
            // Killed by us, or ended because the card was.
            let expected = if which == 0 { None } else { Some(3) };
            assert_eq!(status.code(), expected, "kill {seed} after {pause} ms");
            counts[which].named += 1;
        }
        if which == 1 {
            drop(served);
            served = card(home.path(), &socket);
        }
        assert_eq!(result(&device, 4), few, "the run behind kill {seed}");
    }
    counts
}
