//! Both ends of a card on a socket: what a driver says to a card in software, and what a card says to the driver.

use spikegate_contract::bundle::Design;
use spikegate_runtime::card::{serve, Sessions};
use spikegate_runtime::devices::golden::Golden;
use spikegate_runtime::devices::pcie::socket::Socket;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use crate::designs::Home;

/// Longer than either end takes to give up a peer that has left.
const WITHIN: Duration = Duration::from_secs(15);

/// A folder that stays while the process does.
fn folder() -> PathBuf {
    tempfile::tempdir().expect("a folder").keep()
}

/// A card that serves one driver after the other.
static CARD: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = folder().join("card");
    let (ready, wait) = mpsc::channel();
    let socket = path.clone();
    thread::spawn(move || {
        let home = Home::new();
        let mut core = Golden::open(&Design::open(home.path()).expect("compiled")).expect("it opens");
        serve(&socket, &mut core, Sessions::Endless, || ready.send(()).expect("awaited"))
    });
    wait.recv().expect("it is ready");
    path
});

/// What a driver says before it leaves: the card hangs up, and serves the next one. Good is what it answers.
pub fn card(bytes: &[u8]) -> bool {
    let mut driver = UnixStream::connect(&*CARD).expect("the card serves whoever comes");
    driver.set_read_timeout(Some(WITHIN)).expect("a time limit");
    let mut other = driver.try_clone().expect("another end");
    thread::scope(|scope| {
        // A card that hangs up early takes nothing more.
        scope.spawn(|| {
            let _ = other.write_all(bytes);
            let _ = other.shutdown(Shutdown::Write);
        });
        let mut said = Vec::new();
        let end = driver.read_to_end(&mut said);
        let timed_out = end.is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!timed_out, "the card does not hang up");
        !said.is_empty()
    })
}

/// A message of the protocol: identifier, command, flags (a reply or none) and body.
fn message(id: u16, command: u16, flags: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = [id.to_le_bytes(), command.to_le_bytes()].concat();
    for word in [16 + body.len() as u32, flags, 0] {
        bytes.extend(word.to_le_bytes());
    }
    [&bytes, body].concat()
}

const VERSION: &[u8] = b"\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8}}\0";

/// Bytes of a read (without data) or a write of a region.
fn access(region: u32, offset: u64, data: &[u8], count: u32) -> Vec<u8> {
    [&offset.to_le_bytes()[..], &region.to_le_bytes(), &count.to_le_bytes(), data].concat()
}

pub fn card_seeds() -> Vec<Vec<u8>> {
    let hello = message(0, 1, 0, VERSION);
    let info = message(1, 4, 0, &[16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let read = message(2, 9, 0, &access(0, 0, &[], 4));
    let write = message(3, 10, 0, &access(0, 8, &[1, 0, 0, 0], 4));
    let reset = message(4, 13, 0, &[]);
    vec![[hello.clone(), info, read, write, reset].concat(), hello]
}

/// A listener that says to whoever comes what it is told, and hangs up.
static SERVER: LazyLock<(PathBuf, mpsc::SyncSender<Vec<u8>>)> = LazyLock::new(|| {
    let path = folder().join("card");
    let listener = UnixListener::bind(&path).expect("binds");
    let (tell, told) = mpsc::sync_channel::<Vec<u8>>(1);
    thread::spawn(move || {
        for (stream, bytes) in listener.incoming().zip(told) {
            let _ = stream.and_then(|mut stream| stream.write_all(&bytes));
        }
    });
    (path, tell)
});

/// What a card says to a driver that opens it.
pub fn server(bytes: &[u8]) -> bool {
    let (path, tell) = &*SERVER;
    tell.send(bytes.to_vec()).expect("the listener lives");
    // How far it came nobody sees: a card that opens would have to answer what is asked behind these bytes too.
    let _ = Socket::connect_within(path, Duration::from_millis(200));
    true
}

pub fn server_seeds() -> Vec<Vec<u8>> {
    let hello = message(0, 1, 1, VERSION);
    let device = message(1, 4, 1, &[16, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0]);
    vec![[hello.clone(), device].concat(), hello]
}
