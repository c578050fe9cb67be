//! The card in software, driven over its socket as a card of this machine would be.

#[allow(dead_code)]
mod support;

use spikegate_contract::csr::{offset, MAGIC, STATUS_BUSY};
use spikegate_contract::failure::Failure;
use spikegate_runtime::card::{serve, CardError, Sessions};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::devices::pcie::socket::Socket;
use spikegate_runtime::devices::pcie::Pcie;
use spikegate_runtime::devices::verilator::{Gaps, Options, Verilated};
use spikegate_runtime::devices::{open, Address, OpenError};
use spikegate_runtime::session::{Program, Session, SessionError};
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use support::design;

/// A core that returns every packet.
#[derive(Default)]
struct Echo {
    packets: VecDeque<Vec<u32>>,
    scratch: u32,
}

impl Device for Echo {
    fn name(&self) -> &str {
        "echo"
    }
    fn read_csr(&mut self, at: u32) -> Result<u32, DeviceError> {
        // A driver that waits for long looks whether the core is there and at work.
        Ok(match at {
            _ if at == offset("magic") => MAGIC,
            _ if at == offset("status") && !self.packets.is_empty() => STATUS_BUSY,
            _ if at == offset("scratch") => self.scratch,
            _ => 0,
        })
    }
    fn write_csr(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        if at == offset("scratch") {
            self.scratch = value;
        }
        Ok(())
    }
    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        self.packets.push_back(packet.to_vec());
        Ok(())
    }
    fn flush(&mut self, _: &Wait) -> Result<(), DeviceError> {
        Ok(())
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        self.packets.pop_front().ok_or_else(|| DeviceError::Timeout {
            device: "echo".to_owned(),
            what: wait.what.clone(),
            waited: wait.cycles,
            at: 0,
            detail: String::new(),
        })
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        self.packets.clear();
        Ok(())
    }
}

/// Serves a core in a thread and waits until drivers can connect.
fn card<D: Device>(
    socket: &Path,
    sessions: Sessions,
    core: impl FnOnce() -> D + Send + 'static,
) -> JoinHandle<Result<(), CardError>> {
    let (ready, wait) = mpsc::channel();
    let socket = socket.to_owned();
    let thread = std::thread::spawn(move || {
        serve(&socket, &mut core(), sessions, || ready.send(()).expect("the test waits"))
    });
    wait.recv().expect("the card is ready");
    thread
}

fn stand_in() -> Verilated {
    let cache = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("sim"));
    Verilated::open(
        "the stand-in",
        include_str!("stand_in.v"),
        &Options { cache, ..Options::default() },
        &mut |_| (),
    )
    .expect("builds")
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("folder");
    let socket = dir.path().join("card");
    (dir, socket)
}

#[test]
fn packets_of_all_lengths_return_unchanged() {
    let (_dir, socket) = folder();
    let card = card(&socket, Sessions::One, Echo::default);
    let mut pcie = Pcie::new(Socket::connect(&socket).expect("connects")).expect("starts");
    // Up to several buffers each way, and past the run of 1 MiB; several wait at a time.
    let lengths: Vec<usize> = (1..200).chain([4095, 4096, 4097, 16_384, 300_000]).chain(1..100).collect();
    let wait = Wait::new("a packet", 1000);
    for some in lengths.chunks(7) {
        let packets: Vec<Vec<u32>> = some
            .iter()
            .map(|&n| (0..n as u32).map(|i| i.wrapping_mul(0x9e37_79b9) ^ n as u32).collect())
            .collect();
        packets.iter().for_each(|p| pcie.send(p).expect("sends"));
        for packet in &packets {
            assert!(pcie.receive(&wait).expect("comes") == *packet, "{} words", packet.len());
        }
    }
    pcie.write_csr(offset("scratch"), 0x1234_5678).expect("writes");
    assert_eq!(pcie.read_csr(offset("scratch")).expect("reads"), 0x1234_5678);
    // Resetting drops what is on its way.
    pcie.send(&[1, 2, 3]).expect("sends");
    pcie.reset().expect("resets");
    pcie.send(&[4]).expect("sends");
    assert_eq!(pcie.receive(&wait).expect("comes"), [4]);
    drop(pcie);
    card.join().expect("no panic").expect("ends well");
}

#[test]
fn a_session_on_a_verilated_core_behind_the_card() {
    let (_dir, socket) = folder();
    let core = || {
        let mut core = stand_in();
        core.set_gaps(Gaps { seed: 5, input: 60, output: 120 });
        core
    };
    // Endless: this thread ends with the test.
    let _card = card(&socket, Sessions::Endless, core);
    // The second driver finds the card as the first one did.
    for round in 0..2u8 {
        let address = format!("vfio-user:{}", socket.display()).parse::<Address>().expect("an address");
        let device = open(&address, None, &Options::default(), &mut |_| ()).expect("opens");
        let mut session = Session::open(device, &design(), Program::Plain).expect("loads");
        // Sums that are multiples of 3 give class 0, which the largest logit confirms.
        let images: Vec<[u8; 6]> = (0..60).map(|i| [3 * i + round * 3, 0, 0, 0, 0, 0]).collect();
        let mut seen = 0;
        session
            .infer_each(&images, |r| -> Result<(), SessionError> {
                assert_eq!(r.logits[0], i32::from(images[seen][0]));
                seen += 1;
                Ok(())
            })
            .expect("runs");
        assert_eq!(seen, images.len());
        // Nobody else may open it meanwhile.
        match open(&address, None, &Options::default(), &mut |_| ()) {
            Err(OpenError::Busy { holder, .. }) => assert_eq!(holder, std::process::id().to_string()),
            other => panic!("{:?}", other.map(|_| ())),
        }
    }
    // Nor may another card be served there.
    assert!(matches!(
        serve(&socket, &mut Echo::default(), Sessions::One, || ()),
        Err(CardError::InUse { .. })
    ));
}

#[test]
fn says_what_is_wrong_with_a_socket() {
    let (dir, socket) = folder();
    let refusal = |path: &Path| Socket::connect(path).expect_err("refused").in_a_line();
    assert!(refusal(&socket).contains("is it served there"), "{}", refusal(&socket));
    // A socket whose server has ended: refused, and served again by the next card.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("binds"));
    assert!(refusal(&socket).contains("start the card again"), "{}", refusal(&socket));
    let card = card(&socket, Sessions::One, Echo::default);
    let pcie = Pcie::new(Socket::connect(&socket).expect("connects")).expect("starts");
    drop(pcie);
    card.join().expect("no panic").expect("ends well");
    // A file that is no socket stays.
    let file = dir.path().join("file");
    fs::write(&file, "text").expect("write");
    let refused = serve(&file, &mut Echo::default(), Sessions::One, || ());
    assert!(matches!(refused, Err(CardError::InTheWay { .. })), "{refused:?}");
    assert_eq!(fs::read_to_string(&file).expect("read"), "text");
}
