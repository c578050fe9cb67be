//! What goes wrong between driver and card, put in on purpose: each fault is got over or named.

use spikegate_contract::csr::{offset, MAGIC};
use spikegate_contract::failure::Failure;
use spikegate_runtime::card::{serve, Sessions};
use spikegate_runtime::device::{Device, DeviceError, Wait};
use spikegate_runtime::devices::patience::Pace;
use spikegate_runtime::devices::pcie::bus::Bus;
use spikegate_runtime::devices::pcie::memory::DmaMemory;
use spikegate_runtime::devices::pcie::socket::Socket;
use spikegate_runtime::devices::pcie::Pcie;
use spikegate_runtime::xdma::{block, channel, sgdma, DMA_BAR, USER_BAR};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Returns every packet but those that begin with [`DEAF`], after which it takes nothing more.
#[derive(Default)]
struct Echo {
    packets: VecDeque<Vec<u32>>,
    deaf: bool,
}

const DEAF: u32 = 0xdeaf;

fn timeout(wait: &Wait) -> DeviceError {
    DeviceError::Timeout {
        device: "echo".into(),
        what: wait.what.clone(),
        waited: 0,
        at: 0,
        detail: String::new(),
    }
}

impl Device for Echo {
    fn name(&self) -> &str {
        "echo"
    }
    fn read_csr(&mut self, at: u32) -> Result<u32, DeviceError> {
        Ok(if at == offset("magic") { MAGIC } else { 0 })
    }
    fn write_csr(&mut self, _: u32, _: u32) -> Result<(), DeviceError> {
        Ok(())
    }
    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        self.deaf |= packet[0] == DEAF;
        self.packets.push_back(packet.to_vec());
        Ok(())
    }
    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        if self.deaf {
            return Err(timeout(wait));
        }
        Ok(())
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        match self.packets.pop_front() {
            Some(packet) if !self.deaf => {
                // So that the driver sleeps before it comes.
                std::thread::sleep(Duration::from_millis(1));
                Ok(packet)
            }
            _ => Err(timeout(wait)),
        }
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        *self = Self::default();
        Ok(())
    }
}

/// Every packet is waited for by its interrupt.
const PACE: Pace = Pace { spin: Duration::ZERO, ..Pace::USUAL };

/// Faults of a bus.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Every n-th interrupt gets lost.
    Interrupt(u64),
    /// The card goes away after so many accesses: all ones, as on a bus.
    Gone(u64),
    /// The descriptor list is elsewhere than the driver thinks: at an address that is not mapped.
    List,
    /// A write to this register of the engine changes a bit.
    Flip {
        register: u64,
        bit: u32,
    },
}

struct Faulty {
    bus: Socket,
    fault: Fault,
    accesses: u64,
    waits: u64,
}

impl Bus for Faulty {
    fn name(&self) -> &str {
        self.bus.name()
    }
    fn read(&mut self, bar: u32, at: u64) -> Result<u32, DeviceError> {
        self.accesses += 1;
        match self.fault {
            Fault::Gone(after) if self.accesses > after => Ok(u32::MAX),
            _ => self.bus.read(bar, at),
        }
    }
    fn write(&mut self, bar: u32, at: u64, value: u32) -> Result<(), DeviceError> {
        self.accesses += 1;
        match self.fault {
            Fault::Gone(after) if self.accesses > after => Ok(()),
            Fault::List if (bar, at) == (DMA_BAR, block::H2C_SGDMA + sgdma::FIRST_HIGH) => {
                self.bus.write(bar, at, 1)
            }
            Fault::Flip { register, bit } if (bar, at) == (DMA_BAR, register) => {
                self.bus.write(bar, at, value ^ 1 << bit)
            }
            _ => self.bus.write(bar, at, value),
        }
    }
    fn memory(&self) -> &DmaMemory {
        self.bus.memory()
    }
    fn events(&self) -> &[OwnedFd] {
        self.bus.events()
    }
    fn wait(&mut self, vectors: u32, time: Duration) -> Result<u32, DeviceError> {
        let signalled = self.bus.wait(vectors, time)?;
        self.waits += 1;
        Ok(match self.fault {
            Fault::Interrupt(n) if signalled != 0 && self.waits.is_multiple_of(n) => 0,
            _ => signalled,
        })
    }
}

/// A card, and what the driver makes of it with a fault on the bus.
fn drive<T>(fault: Fault, test: impl FnOnce(Result<Pcie<Faulty>, DeviceError>) -> T) -> T {
    let folder = tempfile::tempdir().expect("folder");
    let socket = folder.path().join("card");
    let (ready, wait) = mpsc::channel();
    let at = socket.clone();
    let card = std::thread::spawn(move || {
        serve(&at, &mut Echo::default(), Sessions::One, || ready.send(()).expect("the test waits"))
    });
    wait.recv().expect("the card is ready");
    let bus = Socket::connect(&socket).expect("connects");
    let result = test(Pcie::with_pace(Faulty { bus, fault, accesses: 0, waits: 0 }, PACE));
    card.join().expect("no panic").expect("ends well");
    result
}

/// Sends numbered packets and expects each back.
fn exchange(pcie: &mut Pcie<Faulty>, packets: u32) -> Result<(), DeviceError> {
    let wait = Wait::new("a packet", 1000);
    for i in 0..packets {
        pcie.send(&[i, 1, 2])?;
        assert_eq!(pcie.receive(&wait)?, [i, 1, 2]);
    }
    Ok(())
}

#[test]
fn lost_interrupts_cost_time_only_and_are_counted() {
    let lost = drive(Fault::Interrupt(5), |pcie| {
        let mut pcie = pcie.expect("starts");
        exchange(&mut pcie, 40).expect("all come");
        pcie.recovered().lost_interrupts
    });
    assert!(lost > 0, "{lost}");
    let none = drive(Fault::None, |pcie| {
        let mut pcie = pcie.expect("starts");
        exchange(&mut pcie, 40).expect("all come");
        pcie.recovered().lost_interrupts
    });
    assert_eq!(none, 0);
}

/// Takes a packet some time after it was sent, and answers between the driver's first and second glance.
struct Slow {
    echo: Echo,
    sent: Instant,
}

const TAKES: Duration = Duration::from_millis(20);
const GLANCE: Duration = Duration::from_millis(100);
const ANSWERS: Duration = Duration::from_millis(150);

impl Device for Slow {
    fn name(&self) -> &str {
        "slow"
    }
    fn read_csr(&mut self, at: u32) -> Result<u32, DeviceError> {
        // Busy.
        Ok(if at == offset("status") { 1 } else { self.echo.read_csr(at)? })
    }
    fn write_csr(&mut self, _: u32, _: u32) -> Result<(), DeviceError> {
        Ok(())
    }
    fn send(&mut self, packet: &[u32]) -> Result<(), DeviceError> {
        self.sent = Instant::now();
        self.echo.send(packet)
    }
    fn flush(&mut self, wait: &Wait) -> Result<(), DeviceError> {
        std::thread::sleep(Duration::from_millis(1));
        if self.sent.elapsed() < TAKES {
            Err(timeout(wait))
        } else {
            Ok(())
        }
    }
    fn receive(&mut self, wait: &Wait) -> Result<Vec<u32>, DeviceError> {
        std::thread::sleep(Duration::from_millis(1));
        if self.sent.elapsed() < ANSWERS {
            Err(timeout(wait))
        } else {
            self.echo.receive(wait)
        }
    }
    fn reset(&mut self) -> Result<(), DeviceError> {
        self.echo.reset()
    }
}

#[test]
fn a_core_slower_than_a_glance_loses_no_interrupts() {
    let folder = tempfile::tempdir().expect("folder");
    let socket = folder.path().join("card");
    let (ready, wait) = mpsc::channel();
    let at = socket.clone();
    let card = std::thread::spawn(move || {
        let mut core = Slow { echo: Echo::default(), sent: Instant::now() };
        serve(&at, &mut core, Sessions::One, || ready.send(()).expect("the test waits"))
    });
    wait.recv().expect("the card is ready");
    let pace = Pace { glance: GLANCE, ..Pace::USUAL };
    let mut pcie = Pcie::with_pace(Socket::connect(&socket).expect("connects"), pace).expect("starts");
    let wait = Wait::new("a packet", 1000);
    for i in 0..6 {
        // Only the answer is waited for: nobody asks for the end of the run, whose status stays.
        pcie.send(&[i, 1, 2]).expect("sends");
        if i == 3 {
            pcie.flush(&wait).expect("taken");
        }
        assert_eq!(pcie.receive(&wait).expect("comes"), [i, 1, 2]);
    }
    assert_eq!(pcie.recovered().lost_interrupts, 0);
    drop(pcie);
    card.join().expect("no panic").expect("ends well");
}

#[test]
fn a_card_that_goes_away_is_named_whenever_it_does() {
    for after in [0, 3, 20, 30, 31, 32, 33, 34, 35, 50, 100] {
        let begin = Instant::now();
        let error = drive(Fault::Gone(after), |pcie| {
            let mut pcie = pcie?;
            exchange(&mut pcie, 1000)
        })
        .expect_err("named");
        let named = matches!(error, DeviceError::Gone { .. } | DeviceError::Engine { got: u32::MAX, .. });
        assert!(named, "after {after} accesses: {error}");
        assert!(begin.elapsed() < Duration::from_secs(3), "after {after} accesses");
    }
}

#[test]
fn a_descriptor_list_out_of_reach_is_named() {
    let error =
        drive(Fault::List, |pcie| exchange(&mut pcie.expect("starts"), 1)).expect_err("named").in_a_line();
    assert!(
        error.contains("H2C channel stopped at descriptor 0 at 0x100000: a descriptor fetch was refused"),
        "{error}"
    );
}

#[test]
fn a_core_that_takes_nothing_runs_into_the_deadline_and_a_reset_brings_it_back() {
    drive(Fault::None, |pcie| {
        let mut pcie = pcie.expect("starts");
        pcie.send(&[DEAF]).expect("queued");
        let error = pcie.flush(&Wait::new("the program", 1000)).expect_err("deadline");
        assert!(matches!(error, DeviceError::Timeout { .. }), "{error}");
        pcie.reset().expect("resets");
        exchange(&mut pcie, 10).expect("works again");
    });
}

#[test]
fn flipped_bits_in_engine_registers_never_pass_for_results() {
    // Every bit of the list address, and of the control word, one by one; whatever happens, it ends and is named.
    let registers = [
        block::H2C_SGDMA + sgdma::FIRST_LOW,
        block::C2H_SGDMA + sgdma::FIRST_LOW,
        block::C2H + channel::CONTROL,
    ];
    let (mut passed, mut named) = (0, 0);
    std::thread::scope(|scope| {
        let runs: Vec<_> = registers
            .into_iter()
            .flat_map(|register| [0, 2, 5, 12, 20, 31].map(|bit| Fault::Flip { register, bit }))
            .map(|fault| scope.spawn(move || drive(fault, |pcie| exchange(&mut pcie?, 3))))
            .collect();
        for run in runs {
            // `exchange` itself fails on a packet that is not the one sent.
            match run.join().expect("no wrong packet") {
                Ok(()) => passed += 1,
                Err(_) => named += 1,
            }
        }
    });
    assert!(named > 0 && passed > 0, "{passed} without effect, {named} named");
}

#[test]
fn the_engine_of_another_design_is_refused() {
    // Its BARs are exchanged: registers where the engine should be.
    #[derive(Debug)]
    struct Swapped(Socket);
    impl Bus for Swapped {
        fn name(&self) -> &str {
            "swapped"
        }
        fn read(&mut self, bar: u32, at: u64) -> Result<u32, DeviceError> {
            self.0.read(if bar == USER_BAR { DMA_BAR } else { USER_BAR }, at)
        }
        fn write(&mut self, _: u32, _: u64, _: u32) -> Result<(), DeviceError> {
            Ok(())
        }
        fn memory(&self) -> &DmaMemory {
            self.0.memory()
        }
        fn events(&self) -> &[OwnedFd] {
            self.0.events()
        }
    }
    let folder = tempfile::tempdir().expect("folder");
    let socket = folder.path().join("card");
    let (ready, wait) = mpsc::channel();
    let at = socket.clone();
    std::thread::spawn(move || {
        serve(&at, &mut Echo::default(), Sessions::One, || ready.send(()).expect("waits"))
    });
    wait.recv().expect("ready");
    let refused = Pcie::new(Swapped(Socket::connect(&socket).expect("connects"))).expect_err("refused");
    let text = refused.to_string();
    assert!(
        text.contains("H2C channel 0 at 0x0000 identifies itself as 0x53474143, expected 0x1fc08000"),
        "{text}"
    );
}
