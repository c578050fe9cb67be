//! The character devices of the XDMA driver as files of a FUSE file system, with a core behind them: what a program
//! sees through system calls, without the kernel module.

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyEntry, ReplyOpen, ReplyWrite, Request,
    WriteFlags,
};
use spikegate_contract::csr::offset;
use spikegate_runtime::device::{Device, DeviceError, Wait};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, UNIX_EPOCH};

const USER: u64 = 2;
const H2C: u64 = 3;
const C2H: u64 = 4;
const NAMES: [(&str, u64); 3] = [("xdma0_user", USER), ("xdma0_h2c_0", H2C), ("xdma0_c2h_0", C2H)];

/// What a system call asks of the core.
enum Call {
    Read(u32, ReplyData),
    Write(u32, u32, ReplyWrite),
    Send(Vec<u32>, ReplyWrite),
    /// At most so many bytes.
    Receive(usize, ReplyData),
}

struct Files {
    core: Sender<Call>,
}

fn attributes(inode: u64) -> FileAttr {
    let kind = if inode == 1 { FileType::Directory } else { FileType::RegularFile };
    FileAttr {
        ino: INodeNo(inode),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm: 0o700,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        flags: 0,
        blksize: 4096,
    }
}

const FOR_EVER: Duration = Duration::from_secs(3600);

impl Files {
    /// A core that has ended drops the call, and with it the reply, which answers EIO.
    fn call(&self, call: Call) {
        let _ = self.core.send(call);
    }
}

impl Filesystem for Files {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match NAMES.iter().find(|(n, _)| name == *n) {
            Some(&(_, inode)) => reply.entry(&FOR_EVER, &attributes(inode), Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&FOR_EVER, &attributes(inode.0));
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // As of a character device, the size means nothing and every call arrives.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match inode.0 {
            USER => self.call(Call::Read(offset as u32, reply)),
            C2H => self.call(Call::Receive(size as usize, reply)),
            _ => reply.error(Errno::EINVAL),
        }
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let words: Vec<u32> =
            data.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        match (inode.0, words.as_slice()) {
            (USER, &[word]) => self.call(Call::Write(offset as u32, word, reply)),
            (H2C, _) => self.call(Call::Send(words, reply)),
            _ => reply.error(Errno::EINVAL),
        }
    }
}

/// Mounts the files in an empty folder and serves them until the returned session is dropped.
pub fn mount(folder: &Path, core: impl Device + Send + 'static) -> std::io::Result<BackgroundSession> {
    let (calls, queue) = std::sync::mpsc::channel();
    std::thread::spawn(move || serve(core, &queue));
    fuser::spawn_mount2(Files { core: calls }, folder, &Config::default())
}

/// Serves calls until there is nobody to make any.
fn serve(mut core: impl Device, calls: &Receiver<Call>) {
    let slice = |cycles| Wait::new("a slice", cycles);
    // Reads that wait for a packet.
    let mut readers: VecDeque<(usize, ReplyData)> = VecDeque::new();
    // What is left of a packet that is longer than a read: the next one goes on there.
    let mut rest: VecDeque<u8> = VecDeque::new();
    loop {
        match calls.recv_timeout(Duration::from_micros(100)) {
            Ok(Call::Read(at, reply)) => match core.read_csr(at) {
                Ok(word) => reply.data(&word.to_le_bytes()),
                Err(_) => reply.error(Errno::EIO),
            },
            Ok(Call::Write(at, word, reply)) => match core.write_csr(at, word) {
                Ok(()) => {
                    if at == offset("control") {
                        rest.clear();
                    }
                    reply.written(4);
                }
                Err(_) => reply.error(Errno::EIO),
            },
            Ok(Call::Send(packet, reply)) => {
                match core.send(&packet).and_then(|()| core.flush(&slice(1 << 30))) {
                    Ok(()) => reply.written(4 * packet.len() as u32),
                    Err(_) => reply.error(Errno::EIO),
                }
            }
            Ok(Call::Receive(size, reply)) => readers.push_back((size, reply)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while let Some((size, reply)) = readers.pop_front() {
            if rest.is_empty() {
                match core.receive(&slice(500)) {
                    Ok(packet) => rest = packet.iter().flat_map(|w| w.to_le_bytes()).collect(),
                    Err(DeviceError::Timeout { .. }) => {
                        readers.push_front((size, reply));
                        break;
                    }
                    Err(_) => {
                        reply.error(Errno::EIO);
                        continue;
                    }
                }
            }
            reply.data(&rest.drain(..size.min(rest.len())).collect::<Vec<u8>>());
        }
    }
}
