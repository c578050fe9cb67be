//! Drivers and cards that do not keep to the protocol, each under a deadline: named, and the next one is served.

#[allow(dead_code)]
mod support;

use spikegate_contract::csr::offset;
use spikegate_contract::failure::Failure;
use spikegate_runtime::card::{serve, Sessions};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::devices::patience::{Pace, Patience, Progress};
use spikegate_runtime::devices::pcie::bus::Bus;
use spikegate_runtime::devices::pcie::socket::Socket;
use spikegate_runtime::devices::OpenError;
use spikegate_runtime::xdma::{DMA_BAR, USER_BAR};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use support::Fake;
use vfio_user::Client;

/// Longer than any of these takes where all is well.
const SOON: Duration = Duration::from_secs(10);
/// In which the cards here must answer.
const WITHIN: Duration = Duration::from_millis(300);

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("folder");
    let socket = dir.path().join("card");
    (dir, socket)
}

/// A card that serves until the test ends.
fn card(socket: &Path) {
    let (ready, wait) = mpsc::channel();
    let socket = socket.to_owned();
    std::thread::spawn(move || {
        let mut core = Fake::new();
        serve(&socket, &mut core, Sessions::Endless, || ready.send(()).expect("the test waits"))
    });
    wait.recv().expect("the card is ready");
}

/// What a driver says about a server that does this with each connection.
fn met(serve: impl Fn(UnixStream) + Send + 'static) -> String {
    let (_dir, socket) = folder();
    let listener = UnixListener::bind(&socket).expect("binds");
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    let begin = Instant::now();
    let refused = Socket::connect_within(&socket, WITHIN).expect_err("refused");
    assert!(begin.elapsed() < SOON, "{refused}");
    refused.to_string()
}

/// A reply.
fn reply(command: u16, id: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = [id.to_le_bytes(), command.to_le_bytes()].concat();
    for word in [16 + body.len() as u32, 1, 0] {
        bytes.extend(word.to_le_bytes());
    }
    [&bytes, body].concat()
}

#[test]
fn a_card_that_is_silent_is_given_up() {
    let silent = "no answer within 0.3 s";
    let said = met(|stream| {
        std::thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    assert!(said.contains(silent), "{said}");
    // Silent behind its version.
    let said = met(|mut stream| {
        stream.write_all(&reply(1, 0, b"\0\0\0\0{}\0")).expect("sends");
        std::thread::sleep(Duration::from_secs(5));
    });
    assert!(said.contains(silent), "{said}");
    // A byte now and then does not make a message.
    let said = met(|mut stream| {
        for byte in reply(1, 0, b"\0\0\0\0{\"capabilities\":{}}\0") {
            let _ = stream.write_all(&[byte]);
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    assert!(said.contains(silent), "{said}");
}

#[test]
fn a_card_that_takes_nobody_is_given_up() {
    let (_dir, socket) = folder();
    let listener = UnixListener::bind(&socket).expect("binds");
    rustix::net::listen(&listener, 0).expect("one at the door");
    let _at_the_door = UnixStream::connect(&socket).expect("connects");
    let begin = Instant::now();
    let refused = Socket::connect_within(&socket, WITHIN).expect_err("refused").in_a_line();
    assert!(refused.contains("nobody answers there") && begin.elapsed() < SOON, "{refused}");
}

#[test]
fn after_a_wrong_answer_nothing_is_asked_any_more() {
    // A card until the first register is read, then silence: every further access fails at once.
    let (_dir, socket) = folder();
    let (_inner_dir, inner) = folder();
    card(&inner);
    let listener = UnixListener::bind(&socket).expect("binds");
    std::thread::spawn(move || {
        let (mut driver, _) = listener.accept().expect("comes");
        let mut card = UnixStream::connect(inner).expect("connects");
        let (mut header, mut files) = ([0; 16], 0);
        while driver.read_exact(&mut header).is_ok() {
            let bytes = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize - 16;
            let mut body = vec![0; bytes];
            driver.read_exact(&mut body).expect("reads");
            // Memory and interrupts would need their files: they are said to be taken.
            if matches!(header[2], 2 | 8) {
                files += 1;
                driver.write_all(&reply(header[2].into(), header[0].into(), &[])).expect("sends");
                continue;
            }
            if files == 3 {
                return std::thread::sleep(SOON);
            }
            card.write_all(&[&header[..], &body].concat()).expect("sends");
            card.read_exact(&mut header).expect("reads");
            let bytes = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize - 16;
            body.resize(bytes, 0);
            card.read_exact(&mut body).expect("reads");
            driver.write_all(&[&header[..], &body].concat()).expect("sends");
        }
    });
    let mut bus = Socket::connect_within(&socket, WITHIN).expect("connects");
    let silent = bus.read(USER_BAR, 0).expect_err("silent").in_a_line();
    assert!(silent.contains("reading BAR 0 at 0x0 failed: no answer within 0.3 s"), "{silent}");
    let begin = Instant::now();
    for _ in 0..100 {
        bus.read(DMA_BAR, 0).expect_err("broken");
    }
    assert!(begin.elapsed() < WITHIN);
}

/// splitmix64
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn random_messages_never_keep_a_card_from_the_next_driver() {
    let (_dir, socket) = folder();
    card(&socket);
    let version = [&[0, 0, 1, 0, 23, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0][..], b"{}\0"].concat();
    let mut chance = 1;
    let begin = Instant::now();
    for round in 0..60 {
        let mut driver = UnixStream::connect(&socket).expect("connects");
        driver.set_read_timeout(Some(Duration::from_millis(200))).expect("sets");
        let mut bytes = version.clone();
        for _ in 0..8 {
            let length = [0, 4, 16, 20, 24, 32, 100][next(&mut chance) as usize % 7];
            let command = (next(&mut chance) % 16) as u16;
            let mut message = reply(command, 3, &vec![0; length]);
            message[8..12].fill(0);
            for _ in 0..next(&mut chance) % 6 {
                let at = next(&mut chance) as usize % message.len();
                message[at] =
                    [0, 1, 0x7f, 0x80, 0xff, next(&mut chance) as u8][next(&mut chance) as usize % 6];
            }
            bytes.extend(message);
        }
        if round % 5 == 0 {
            let at = next(&mut chance) as usize % bytes.len();
            bytes[at] ^= 1 << (next(&mut chance) % 8);
        }
        // It may have been put out already.
        let _ = driver.write_all(&bytes);
        let _ = driver.shutdown(std::net::Shutdown::Write);
        let _ = driver.read(&mut [0; 4096]);
    }
    let mut bus = Socket::connect(&socket).expect("the next one is served");
    assert_eq!(bus.read(DMA_BAR, 0).expect("reads") & 0xffff_8000, 0x1fc0_8000);
    assert!(begin.elapsed() < 3 * SOON, "{:?}", begin.elapsed());
}

#[test]
fn a_second_driver_is_told_that_the_card_is_in_use() {
    let (_dir, socket) = folder();
    card(&socket);
    let first = Socket::connect(&socket).expect("connects");
    for _ in 0..5 {
        match Socket::connect(&socket) {
            Err(OpenError::Busy { holder, .. }) => assert_eq!(holder, std::process::id().to_string()),
            other => panic!("{other:?}"),
        }
    }
    drop(first);
    Socket::connect(&socket).expect("free again");
}

#[test]
fn a_client_of_another_make_finds_its_way() {
    let (_dir, socket) = folder();
    card(&socket);
    let mut client = Client::new(&socket).expect("connects");
    let sizes: Vec<u64> = (0..8).map(|region| client.region(region).expect("there").size).collect();
    assert_eq!(sizes, [0x1_0000, 0x1_0000, 0, 0, 0, 0, 0, 4096]);
    let mut id = [0; 4];
    client.region_read(7, 0, &mut id).expect("reads");
    assert_eq!(id, [0xee, 0x10, 0x24, 0x70]);
    client.region_write(0, offset("scratch").into(), &[1, 2, 3, 4]).expect("writes");
    client.region_read(0, offset("scratch").into(), &mut id).expect("reads");
    assert_eq!(id, [1, 2, 3, 4]);
    let interrupts = client.get_irq_info(2).expect("says");
    assert_eq!((interrupts.index, interrupts.count, interrupts.flags), (2, 32, 1));
    let memory = rustix::fs::memfd_create("memory", rustix::fs::MemfdFlags::CLOEXEC).expect("memory");
    rustix::fs::ftruncate(&memory, 8192).expect("sizes");
    client.dma_map(0, 0x1000, 8192, memory.as_raw_fd()).expect("maps");
    client.dma_unmap(0x1000, 8192).expect("unmaps");
    let events: Vec<_> = (0..4)
        .map(|_| rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).expect("event"))
        .collect();
    let files: Vec<_> = events.iter().map(AsRawFd::as_raw_fd).collect();
    client.set_irqs(2, 0x24, 0, 4, &files).expect("connects");
    client.reset().expect("resets");
    client.region_read(7, 0, &mut id).expect("reads");
    assert_eq!(id, [0xee, 0x10, 0x24, 0x70]);
}

#[test]
fn counters_that_go_to_and_fro_are_no_progress() {
    let pace = Pace { standstill: Duration::from_millis(100), ..Pace::USUAL };
    let wait = Wait::new("a result", 1_000_000);
    let mut patience = Patience::new(&wait, pace);
    let begin = Instant::now();
    for i in 0.. {
        let mut device = Fake::new().with("cycles_lo", i % 2).with("status", 1);
        let progress = Progress { transferred: u64::from(i % 3), all_taken: false, detail: "" };
        match patience.check(&mut device, progress) {
            Ok(()) => assert!(begin.elapsed() < SOON, "never given up"),
            Err(DeviceError::Timeout { .. }) => break,
            Err(other) => panic!("{other}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A core with a bug.
struct Bug;

impl Device for Bug {
    fn name(&self) -> &str {
        "bug"
    }
    fn read_csr(&mut self, at: u32) -> Result<u32, DeviceError> {
        assert_ne!(at, offset("scratch"), "a bug, on purpose");
        Ok(0)
    }
    fn write_csr(&mut self, _: u32, _: u32) -> Result<(), DeviceError> {
        Ok(())
    }
    fn send(&mut self, _: &[u32]) -> Result<(), DeviceError> {
        Ok(())
    }
    fn flush(&mut self, _: &Wait) -> Result<(), DeviceError> {
        Ok(())
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        let (device, what) = ("bug".to_owned(), wait.what.clone());
        Err(DeviceError::Timeout { device, what, waited: 0, at: 0, detail: String::new() })
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

#[test]
fn a_core_that_panics_ends_the_card_and_leaves_nobody_waiting() {
    let (_dir, socket) = folder();
    let (ready, wait) = mpsc::channel();
    let at = socket.clone();
    let card = std::thread::spawn(move || {
        serve(&at, &mut Bug, Sessions::Endless, || ready.send(()).expect("the test waits"))
    });
    wait.recv().expect("the card is ready");
    let mut bus = Socket::connect(&socket).expect("connects");
    let begin = Instant::now();
    // As a bus answers where nobody does.
    assert_eq!(bus.read(USER_BAR, offset("scratch").into()).expect("reads"), u32::MAX);
    card.join().expect_err("the panic is not swallowed");
    assert!(begin.elapsed() < SOON && !socket.exists());
}
