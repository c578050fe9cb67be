//! The card's engine, register by register and descriptor by descriptor.

use spikegate_runtime::card::{Engine, Fault, Memory};
use spikegate_runtime::xdma::{
    block, channel, common, control, descriptor, identifier, irq, result, sgdma, status,
};
use std::cell::RefCell;

/// 64 KiB of host memory at address 0x1000.
struct Host(RefCell<Vec<u8>>);

const BASE: u64 = 0x1000;

impl Host {
    fn new() -> Self {
        Self(RefCell::new(vec![0; 0x1_0000]))
    }

    fn words(&self, address: u64, n: usize) -> Vec<u32> {
        let mut bytes = vec![0; 4 * n];
        self.read(address, &mut bytes).expect("mapped");
        bytes.chunks(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    fn put(&self, address: u64, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.write(address, &bytes).expect("mapped");
    }

    /// A descriptor, the next one behind it.
    fn descriptor(&self, at: u64, flags: u32, bytes: u32, source: u64, destination: u64) {
        let (next, magic) = (at as u32 + 32, descriptor::MAGIC);
        self.put(at, &[magic | flags, bytes, source as u32, 0, destination as u32, 0, next, 0]);
    }
}

impl Memory for Host {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        let fault = Fault { address, bytes: into.len() };
        let at = address.checked_sub(BASE).ok_or(fault)? as usize;
        into.copy_from_slice(self.0.borrow().get(at..at + into.len()).ok_or(fault)?);
        Ok(())
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let fault = Fault { address, bytes: from.len() };
        let at = address.checked_sub(BASE).ok_or(fault)? as usize;
        self.0.borrow_mut().get_mut(at..at + from.len()).ok_or(fault)?.copy_from_slice(from);
        Ok(())
    }
}

const LIST: u64 = 0x2000;
const DATA: u64 = 0x4000;
const RESULTS: u64 = 0x8000;
const RUN: u32 = control::RUN
    | control::LOG_STOPPED
    | control::LOG_COMPLETED
    | control::LOG_INVALID
    | control::LOG_READ
    | control::LOG_DESCRIPTOR;

fn start(engine: &mut Engine, channel_block: u64) {
    engine.write(channel_block + 0x4000 + sgdma::FIRST_LOW, LIST as u32);
    engine.write(channel_block + channel::CONTROL, RUN);
}

#[test]
fn identifies_itself_as_the_specification_says() {
    let mut engine = Engine::default();
    for (at, id) in [
        (block::H2C, 0x1fc0_8000),
        (block::C2H, 0x1fc1_8000),
        (block::IRQ, 0x1fc2_0000),
        (block::CONFIG, 0x1fc3_0000),
        (block::H2C_SGDMA, 0x1fc4_8000),
        (block::C2H_SGDMA, 0x1fc5_8000),
        (block::COMMON, 0x1fc6_0000),
    ] {
        assert_eq!(engine.read(at) & 0xffff_ff00, id, "{at:#x}");
        assert_eq!(identifier(at, id & 0x8000 != 0), id);
    }
    // There is no channel 1.
    assert_eq!((engine.read(0x0100), engine.read(0x1100), engine.read(0x7000)), (0, 0, 0));
    assert_eq!(engine.read(block::H2C + channel::ALIGNMENTS), 0x0001_0140);
}

#[test]
fn gathers_a_packet_from_several_descriptors() {
    let (mut engine, host) = (Engine::default(), Host::new());
    host.put(DATA, &[1, 2, 3, 4, 5]);
    host.descriptor(LIST, 0, 8, DATA, 0);
    host.descriptor(LIST + 32, descriptor::END, 4, DATA + 8, 0);
    host.descriptor(LIST + 64, descriptor::END | descriptor::STOP | descriptor::COMPLETED, 8, DATA + 12, 0);
    assert_eq!(engine.fetch(&host), None, "not started");
    start(&mut engine, block::H2C);
    assert_eq!(engine.fetch(&host), Some(vec![1, 2, 3]));
    // The next packet waits until the core has taken this one.
    assert_eq!(engine.fetch(&host), None);
    assert_eq!(engine.read(block::H2C + channel::COMPLETED), 1);
    engine.taken(&host);
    assert_eq!(engine.read(block::H2C + channel::STATUS), status::BUSY);
    assert_eq!(engine.fetch(&host), Some(vec![4, 5]));
    engine.taken(&host);
    assert_eq!(engine.read(block::H2C + channel::COMPLETED), 3);
    let told = status::STOPPED | status::COMPLETED;
    assert_eq!(engine.read(block::H2C + channel::STATUS_CLEAR), told);
    assert_eq!(engine.read(block::H2C + channel::STATUS), 0, "cleared by the read");
    // Another run begins at the first descriptor.
    engine.write(block::H2C + channel::CONTROL, 0);
    engine.write(block::H2C + channel::CONTROL_SET, RUN);
    assert_eq!(engine.fetch(&host), Some(vec![1, 2, 3]));
}

#[test]
fn scatters_a_packet_and_tells_lengths() {
    let (mut engine, host) = (Engine::default(), Host::new());
    for i in 0..3 {
        let flags = if i == 2 { descriptor::STOP } else { descriptor::COMPLETED };
        host.descriptor(LIST + 32 * i, flags, 8, RESULTS + 32 * i, DATA + 8 * i);
    }
    engine.queue(&[1, 2, 3]);
    engine.queue(&[4]);
    engine.queue(&[5]);
    engine.deliver(&host);
    assert_eq!(host.words(DATA, 2), [0, 0], "not started");
    start(&mut engine, block::C2H);
    engine.deliver(&host);
    assert_eq!(host.words(DATA, 6), [1, 2, 3, 0, 4, 0]);
    assert_eq!(host.words(RESULTS, 2), [result::MAGIC, 8]);
    assert_eq!(host.words(RESULTS + 32, 2), [result::MAGIC | result::END, 4]);
    assert_eq!(host.words(RESULTS + 64, 2), [result::MAGIC | result::END, 4]);
    assert_eq!(engine.read(block::C2H + channel::STATUS), status::STOPPED | status::COMPLETED);
    // The third packet waits for the next run.
    engine.write(block::C2H + channel::CONTROL, 0);
    engine.write(block::C2H + channel::CONTROL, RUN | control::NO_STREAM_WRITEBACK);
    host.put(RESULTS, &[0, 0]);
    engine.deliver(&host);
    assert_eq!((host.words(DATA, 1), host.words(RESULTS, 1)), (vec![5], vec![0]));
}

#[test]
fn bad_descriptors_stop_the_channel_with_their_error() {
    let attempt = |prepare: &dyn Fn(&Host)| {
        let (mut engine, host) = (Engine::default(), Host::new());
        prepare(&host);
        start(&mut engine, block::H2C);
        assert_eq!(engine.fetch(&host), None);
        engine.read(block::H2C + channel::STATUS)
    };
    assert_eq!(attempt(&|_| ()), status::MAGIC);
    assert_eq!(attempt(&|host| host.descriptor(LIST, descriptor::END, 0, DATA, 0)), status::LENGTH);
    assert_eq!(attempt(&|host| host.descriptor(LIST, descriptor::END, 8, 0x10, 0)), status::READ);
    // The second descriptor lies outside.
    let far = |host: &Host| host.put(LIST, &[descriptor::MAGIC, 4, DATA as u32, 0, 0, 0, 0xffff_0000, 0]);
    assert_eq!(attempt(&far), status::DESCRIPTOR);
}

#[test]
fn interrupts_rise_once_and_again_after_the_status_was_read() {
    let (mut engine, host) = (Engine::default(), Host::new());
    for i in 0..4 {
        host.descriptor(LIST + 32 * i, descriptor::COMPLETED, 8, RESULTS + 32 * i, DATA + 8 * i);
    }
    engine.write(block::IRQ + irq::CHANNEL_VECTORS, 0x0503);
    engine.write(block::IRQ + irq::USER_VECTORS, 7);
    engine.write(block::C2H + channel::INTERRUPT, status::COMPLETED);
    start(&mut engine, block::C2H);
    engine.queue(&[1]);
    engine.deliver(&host);
    assert_eq!(engine.vectors(), [0u32; 0], "not enabled");
    engine.write(block::IRQ + irq::CHANNEL_ENABLE_SET, 3);
    assert_eq!((engine.vectors(), engine.vectors()), (vec![5], vec![]));
    assert_eq!(engine.read(block::IRQ + irq::CHANNEL_REQUEST), 2);
    // The vendor's driver masks, serves and unmasks.
    engine.write(block::C2H + channel::INTERRUPT_CLEAR, u32::MAX);
    assert_eq!(engine.vectors(), [0u32; 0]);
    engine.read(block::C2H + channel::STATUS_CLEAR);
    engine.write(block::C2H + channel::INTERRUPT_SET, status::COMPLETED);
    assert_eq!(engine.vectors(), [0u32; 0]);
    engine.queue(&[2]);
    engine.deliver(&host);
    assert_eq!(engine.vectors(), [5]);
    engine.set_user(true);
    assert_eq!(engine.vectors(), [0u32; 0]);
    engine.write(block::IRQ + irq::USER_ENABLE, 1);
    assert_eq!(engine.vectors(), [7]);
}

#[test]
fn credits_and_completion_write_back() {
    let (mut engine, host) = (Engine::default(), Host::new());
    for i in 0..3 {
        host.descriptor(LIST + 32 * i, descriptor::COMPLETED, 8, RESULTS + 32 * i, DATA + 8 * i);
    }
    engine.write(block::COMMON + common::CREDIT_MODE_SET, 1 << 16);
    engine.write(block::C2H + channel::WRITEBACK_LOW, 0x9000);
    start(&mut engine, block::C2H);
    engine.write(block::C2H + channel::CONTROL_SET, control::WRITEBACK);
    (1..4).for_each(|i| engine.queue(&[i]));
    engine.deliver(&host);
    assert_eq!(engine.read(block::C2H + channel::COMPLETED), 0);
    engine.write(block::C2H_SGDMA + sgdma::CREDITS, 2);
    engine.deliver(&host);
    assert_eq!((engine.read(block::C2H + channel::COMPLETED), host.words(0x9000, 1)), (2, vec![2]));
}

#[test]
fn a_run_that_the_host_ends_does_not_complete_later() {
    let (mut engine, host) = (Engine::default(), Host::new());
    host.descriptor(LIST, descriptor::END | descriptor::STOP, 4, DATA, 0);
    start(&mut engine, block::H2C);
    assert!(engine.fetch(&host).is_some());
    engine.write(block::H2C + channel::CONTROL, 0);
    engine.taken(&host);
    assert_eq!(engine.read(block::H2C + channel::COMPLETED), 0);
    assert_eq!(engine.read(block::H2C + channel::STATUS), 0);
}

#[test]
fn descriptors_that_lead_to_themselves_can_be_stopped_and_end() {
    let (mut engine, host) = (Engine::default(), Host::new());
    // Without a packet's end: 4 KiB again and again.
    host.put(LIST, &[descriptor::MAGIC, 4096, DATA as u32, 0, 0, 0, LIST as u32, 0]);
    start(&mut engine, block::H2C);
    let mut looks = 0;
    while engine.fetches() {
        assert_eq!(engine.fetch(&host), None);
        looks += 1;
        assert!(looks < 1000, "no end");
    }
    assert!(looks > 10, "the list is walked a part at a time, {looks}");
    assert_eq!(engine.read(block::H2C + channel::STATUS), status::READ);
}
