//! The card on its socket: vfio-user regions, DMA maps, interrupts and reset.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use thiserror::Error;
use vfio_bindings::bindings::vfio::{
    vfio_region_info, VFIO_IRQ_INFO_EVENTFD, VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_BAR1_REGION_INDEX,
    VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS,
    VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, Server, ServerBackend, ServerRegion};

use super::config;
use super::tamper;
use super::work::{Access, Shared, Worker};
use crate::device::Device;
use crate::xdma::{DMA_BAR_BYTES, USER_BAR_BYTES, VECTORS};

/// A card that cannot be served.
#[derive(Debug, Error)]
pub enum CardError {
    /// Somebody serves this socket.
    #[error("{}: another card is served there; choose another socket, or end the other card", path.display())]
    InUse {
        /// Socket.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("{}: cannot serve a card there: {source}; is the folder there, and may you write to it?", path.display())]
    Socket {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: vfio_user::Error,
    },
    /// The file in the way cannot be removed.
    #[error("{}: a file is in the way: {source}; remove it or choose another socket", path.display())]
    InTheWay {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
}

/// How many drivers, one after the other, a card serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// Until the first one closes.
    One,
    /// Until the process ends.
    Endless,
}

/// Serves `core` as a PCIe card on a UNIX socket; `ready` is called when drivers can connect.
///
/// # Errors
/// The socket cannot be served.
pub fn serve(
    socket: &Path,
    core: &mut dyn Device,
    sessions: Sessions,
    ready: impl FnOnce(),
) -> Result<(), CardError> {
    serve_with(socket, core, sessions, None, ready)
}

/// As [`serve`], with faults on the bus.
///
/// # Errors
/// The socket cannot be served.
pub fn serve_with(
    socket: &Path,
    core: &mut dyn Device,
    sessions: Sessions,
    tamper: Option<tamper::Shared>,
    ready: impl FnOnce(),
) -> Result<(), CardError> {
    clear(socket)?;
    let failed = |source| CardError::Socket { path: socket.to_owned(), source };
    let server = Server::new(socket, true, interrupts(), regions()).map_err(failed)?;
    ready();
    let shared = Shared::new(tamper);
    std::thread::scope(|scope| {
        let listener = scope.spawn(|| listen(&server, &shared, sessions));
        Worker::new(&shared, core).run();
        // A thread that panicked has no error to tell beside its own message.
        listener.join().unwrap_or(Ok(()))
    })
    .map_err(failed)
}

/// Serves one driver after the other.
fn listen(server: &Server, shared: &Shared, sessions: Sessions) -> Result<(), vfio_user::Error> {
    let _end = EndOnDrop(shared);
    loop {
        let ended = server.run(&mut Slot { shared });
        // What the driver had is gone with it.
        shared.change(|state| {
            state.memory.clear();
            state.vectors.clear();
            state.config = config::ConfigSpace::new();
        });
        Slot { shared }.reset_card();
        match ended {
            Err(error @ vfio_user::Error::SocketAccept(_)) => return Err(error),
            Err(error) => tracing::info!("the driver has gone: {error}"),
            Ok(()) => tracing::info!("the driver has closed the card"),
        }
        if sessions == Sessions::One {
            return Ok(());
        }
    }
}

/// The core's thread must end with the listener, however that ends.
struct EndOnDrop<'a>(&'a Shared);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.end = true);
    }
}

/// Removes a socket that nobody serves any more.
fn clear(socket: &Path) -> Result<(), CardError> {
    let in_the_way = |source| CardError::InTheWay { path: socket.to_owned(), source };
    match std::fs::symlink_metadata(socket) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(in_the_way(source)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(in_the_way(io::Error::other("it is not a socket")));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(socket) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        Ok(_) => return Err(CardError::InUse { path: socket.to_owned() }),
        Err(source) => return Err(in_the_way(source)),
    }
    std::fs::remove_file(socket).map_err(in_the_way)
}

fn regions() -> Vec<ServerRegion> {
    let size = |index| match index {
        VFIO_PCI_CONFIG_REGION_INDEX => config::BYTES as u64,
        VFIO_PCI_BAR0_REGION_INDEX => USER_BAR_BYTES,
        VFIO_PCI_BAR1_REGION_INDEX => DMA_BAR_BYTES,
        _ => 0,
    };
    let region = |index| {
        let mut info = vfio_region_info {
            argsz: std::mem::size_of::<vfio_region_info>() as u32,
            index,
            size: size(index),
            ..Default::default()
        };
        if info.size > 0 {
            info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
        }
        ServerRegion { region_info: info, sparse_areas: Vec::new(), mmap_fd: None }
    };
    (0..VFIO_PCI_NUM_REGIONS).map(region).collect()
}

fn interrupts() -> Vec<IrqInfo> {
    let count = |index| if index == VFIO_PCI_MSIX_IRQ_INDEX { VECTORS } else { 0 };
    (0..VFIO_PCI_NUM_IRQS)
        .map(|index| IrqInfo { index, count: count(index), flags: VFIO_IRQ_INFO_EVENTFD })
        .collect()
}

/// The slot that one driver sees.
struct Slot<'a> {
    shared: &'a Shared,
}

impl Slot<'_> {
    fn reset_card(&self) {
        let (done, wait) = mpsc::channel();
        self.shared.change(|state| {
            state.reset_engine();
            state.reset = Some(done);
        });
        // The core's thread ends only after this one.
        let _ = wait.recv();
    }

    fn user(&self, offset: u32, write: Option<u32>) -> u32 {
        let (reply, answer) = mpsc::channel();
        self.shared.change(|state| state.accesses.push_back(Access { offset, write, reply }));
        answer.recv().unwrap_or(u32::MAX)
    }

    fn read_word(&self, region: u32, offset: u64) -> u32 {
        match region {
            VFIO_PCI_BAR0_REGION_INDEX if offset < USER_BAR_BYTES => self.user(offset as u32, None),
            VFIO_PCI_BAR1_REGION_INDEX if offset < DMA_BAR_BYTES => {
                self.shared.change(|state| state.engine.read(offset))
            }
            _ => u32::MAX,
        }
    }
}

impl ServerBackend for Slot<'_> {
    // Never an error: as on a bus, what cannot be read is all ones, and what cannot be written is lost.
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), io::Error> {
        if region == VFIO_PCI_CONFIG_REGION_INDEX {
            self.shared.lock().config.read(offset, data);
            return Ok(());
        }
        let (mut word, mut at) = (0, None);
        for (i, byte) in data.iter_mut().enumerate() {
            let address = offset.saturating_add(i as u64);
            if at != Some(address & !3) {
                at = Some(address & !3);
                word = self.read_word(region, address & !3);
            }
            *byte = (word >> (8 * (address & 3))) as u8;
        }
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        if region == VFIO_PCI_CONFIG_REGION_INDEX {
            self.shared.change(|state| state.config.write(offset, data));
            return Ok(());
        }
        if !offset.is_multiple_of(4) || !data.len().is_multiple_of(4) {
            // The engine takes whole words only (PG195, "Register Space").
            tracing::warn!("a write of {} bytes at {offset:#x} is lost: only words are taken", data.len());
            return Ok(());
        }
        for (i, four) in data.chunks_exact(4).enumerate() {
            let at = offset.saturating_add(4 * i as u64);
            let word = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            match region {
                VFIO_PCI_BAR0_REGION_INDEX if at < USER_BAR_BYTES => {
                    self.user(at as u32, Some(word));
                }
                VFIO_PCI_BAR1_REGION_INDEX if at < DMA_BAR_BYTES => {
                    self.shared.change(|state| state.engine.write(at, word));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn dma_map(
        &mut self,
        _flags: DmaMapFlags,
        offset: u64,
        address: u64,
        size: u64,
        file: Option<File>,
    ) -> Result<(), io::Error> {
        // Memory without a file can only be reached by messages, which no driver of ours uses for DMA.
        let Some(file) = file else { return Ok(()) };
        self.shared.lock().memory.map(address, size, &file, offset)
    }

    fn dma_unmap(&mut self, flags: DmaUnmapFlags, address: u64, size: u64) -> Result<(), io::Error> {
        let mut state = self.shared.lock();
        if flags.contains(DmaUnmapFlags::UNMAP_ALL) {
            state.memory.clear();
        } else {
            state.memory.unmap(address, size);
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<(), io::Error> {
        self.shared.change(|state| state.config = config::ConfigSpace::new());
        self.reset_card();
        Ok(())
    }

    fn set_irqs(
        &mut self,
        index: u32,
        _: u32,
        start: u32,
        count: u32,
        files: Vec<File>,
    ) -> Result<(), io::Error> {
        if index != VFIO_PCI_MSIX_IRQ_INDEX {
            return Ok(());
        }
        let mut state = self.shared.lock();
        if count == 0 {
            state.vectors.clear();
            return Ok(());
        }
        let (start, end) = (start as usize, (start.saturating_add(count)).min(VECTORS) as usize);
        let vectors = &mut state.vectors;
        vectors.resize_with(vectors.len().max(end), || None);
        let mut files = files.into_iter();
        for vector in vectors.iter_mut().take(end).skip(start) {
            *vector = files.next();
        }
        Ok(())
    }
}
