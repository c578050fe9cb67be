//! Devices that a user may not open, or that are something else: a clear error, exit code 3, and the next run works.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use vfio_bindings::bindings::vfio::{
    vfio_region_info, VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS,
    VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, Server, ServerBackend, ServerRegion};

/// A user whom nothing belongs to.
const NOBODY: u32 = 65534;

fn refused(command: &mut Command, parts: &[&str]) {
    let Output { status, stderr, .. } = command.output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(3), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
}

#[test]
fn a_device_that_the_user_may_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    set(folder.path(), 0o755);
    // Where others may run it.
    let program = folder.path().join("spikegate");
    fs::copy(env!("CARGO_BIN_EXE_spikegate"), &program).unwrap();
    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let file = |name: &str, mode| {
        let path = folder.path().join(name);
        drop(File::create(&path).unwrap());
        set(&path, mode);
        path
    };
    let port = file("port", 0o000);
    file("xdma0_user", 0o000);
    set(&socket, 0o000);
    for device in [
        format!("vfio-user:{}", socket.display()),
        format!("uart:{}", port.display()),
        format!("xdma:{}", folder.path().join("xdma0").display()),
    ] {
        let mut command = Command::new(&program);
        command.args(["info", "--device", &device]);
        // Permissions do not bind root.
        if fs::metadata(&port).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        let help = "help: run as a user who may open it, or change its permissions";
        refused(&mut command, &["Permission denied", &folder.path().display().to_string(), help]);
    }
}

/// A PCIe function that is no XDMA engine.
struct Stranger;

impl ServerBackend for Stranger {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), io::Error> {
        let ids: [u8; 4] = [0x86, 0x80, 0xd3, 0x10];
        for (byte, at) in data.iter_mut().zip(offset as usize..) {
            let known = region == VFIO_PCI_CONFIG_REGION_INDEX;
            *byte = ids.get(at).copied().filter(|_| known).unwrap_or(0);
        }
        Ok(())
    }
    fn region_write(&mut self, _: u32, _: u64, _: &[u8]) -> Result<(), io::Error> {
        Ok(())
    }
    fn dma_map(&mut self, _: DmaMapFlags, _: u64, _: u64, _: u64, _: Option<File>) -> Result<(), io::Error> {
        Ok(())
    }
    fn dma_unmap(&mut self, _: DmaUnmapFlags, _: u64, _: u64) -> Result<(), io::Error> {
        Ok(())
    }
    fn reset(&mut self) -> Result<(), io::Error> {
        Ok(())
    }
    fn set_irqs(&mut self, _: u32, _: u32, _: u32, _: u32, _: Vec<File>) -> Result<(), io::Error> {
        Ok(())
    }
}

#[test]
fn another_card_at_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("card");
    let region = |index| ServerRegion {
        region_info: vfio_region_info {
            argsz: std::mem::size_of::<vfio_region_info>() as u32,
            index,
            size: 4096,
            flags: VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
            ..Default::default()
        },
        sparse_areas: Vec::new(),
        mmap_fd: None,
    };
    let irqs = (0..VFIO_PCI_NUM_IRQS).map(|index| IrqInfo { index, count: 0, flags: 0 }).collect();
    let server = Server::new(&socket, true, irqs, (0..VFIO_PCI_NUM_REGIONS).map(region).collect()).unwrap();
    std::thread::spawn(move || while server.run(&mut Stranger).is_ok() {});
    let device = format!("vfio-user:{}", socket.display());
    // The second one finds no half-open card of the first.
    for _ in 0..2 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spikegate"));
        refused(
            command.args(["info", "--device", &device]),
            &["its PCI ids are 8086:10d3, expected 10ee and an XDMA engine", "help: name another device"],
        );
    }
}
