//! The host's part of an image: packets through driver, socket, DMA and interrupts of the software card, with a core
//! that answers at once.
#![allow(missing_docs)]

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use spikegate_contract::csr::offset;
use spikegate_runtime::card::{serve, Sessions};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::devices::pcie::socket::Socket;
use spikegate_runtime::devices::pcie::Pcie;
use std::hint::black_box;
use std::sync::mpsc;

/// Words of an image packet of 28 x 28 pixels, and of the demo network's result.
const IMAGE: usize = 198;
const RESULT: usize = 27;

/// Answers each packet with a result-sized one.
#[derive(Default)]
struct Instant {
    due: usize,
}

impl Device for Instant {
    fn name(&self) -> &str {
        "instant"
    }
    fn read_csr(&mut self, _: u32) -> Result<u32, DeviceError> {
        Ok(0)
    }
    fn write_csr(&mut self, _: u32, _: u32) -> Result<(), DeviceError> {
        Ok(())
    }
    fn send(&mut self, _: &[u32]) -> Result<(), DeviceError> {
        self.due += 1;
        Ok(())
    }
    fn flush(&mut self, _: &Wait) -> Result<(), DeviceError> {
        Ok(())
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        if self.due == 0 {
            return Err(DeviceError::Timeout {
                device: String::new(),
                what: wait.what.clone(),
                waited: wait.cycles,
                at: 0,
                detail: String::new(),
            });
        }
        self.due -= 1;
        Ok(vec![0; RESULT])
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        self.due = 0;
        Ok(())
    }
}

fn host_path(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("folder");
    let socket = folder.path().join("card");
    let (ready, wait) = mpsc::channel();
    let at = socket.clone();
    std::thread::spawn(move || {
        serve(&at, &mut Instant::default(), Sessions::One, || ready.send(()).expect("waits"))
    });
    wait.recv().expect("ready");
    let mut pcie = Pcie::new(Socket::connect(&socket).expect("connects")).expect("starts");
    let wait = Wait::new("a result", 1_000_000);

    let mut group = criterion.benchmark_group("vfio-user");
    group.bench_function("register read", |b| {
        b.iter(|| black_box(pcie.read_csr(offset("magic")).expect("reads")))
    });
    let image = vec![7; IMAGE];
    group.throughput(Throughput::Elements(1));
    group.bench_function("one image at a time", |b| {
        b.iter(|| {
            pcie.send(&image).expect("sends");
            black_box(pcie.receive(&wait).expect("comes"))
        });
    });
    for ahead in [2usize, 16] {
        (0..ahead).for_each(|_| pcie.send(&image).expect("sends"));
        group.bench_function(format!("{ahead} images in flight"), |b| {
            b.iter(|| {
                let result = pcie.receive(&wait).expect("comes");
                pcie.send(&image).expect("sends");
                black_box(result)
            });
        });
        (0..ahead).for_each(|_| drop(pcie.receive(&wait).expect("comes")));
    }
    let together = vec![image; 8];
    group.throughput(Throughput::Elements(8));
    group.bench_function("8 images sent together", |b| {
        b.iter(|| {
            pcie.send_all(&together).expect("sends");
            together.iter().for_each(|_| drop(black_box(pcie.receive(&wait).expect("comes"))));
        });
    });
    let large = vec![7; 64 << 10];
    group.throughput(Throughput::Bytes(4 * large.len() as u64));
    group.bench_function("256 KiB to the card", |b| {
        b.iter(|| {
            pcie.send(&large).expect("sends");
            black_box(pcie.receive(&wait).expect("comes"))
        });
    });
    group.finish();
}

criterion_group!(benches, host_path);
criterion_main!(benches);
