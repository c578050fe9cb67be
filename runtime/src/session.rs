//! A design on a device: load once, then images in and classes out.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use spikegate_runtime::devices::{open, Address};
//! use spikegate_runtime::session::{Program, Session, SessionError};
//!
//! let design = spikegate_contract::bundle::Design::open("out/demo".as_ref())?;
//! let address: Address = "vfio:0000:01:00.0".parse()?; // see `devices::table`
//! let device = open(&address, None, &Default::default(), &mut |_| ())?;
//! let mut session = Session::open(device, &design, Program::Plain)?;
//!
//! // One image, pixels u8 in (c, y, x) order.
//! let inference = session.infer(&[0; 28 * 28])?;
//! println!("class {}, logits {:?}", inference.class, inference.logits);
//!
//! // Many, with several in flight; results come in order.
//! let images = vec![[0; 28 * 28]; 1000];
//! session.infer_each(&images, |result| -> Result<(), SessionError> {
//!     println!("image {}: class {}", result.sequence, result.class);
//!     Ok(())
//! })?;
//! println!("the core says {:?}, got over {:?}", session.counters()?, session.faults());
//! # Ok(()) }
//! ```

mod counters;
mod design;
mod error;
mod faults;
mod link;
mod load;
mod memory;
mod packets;
mod pieces;

pub use counters::Counters;
pub use design::Program;
pub use error::SessionError;
pub use faults::Faults;
pub use packets::Inference;
pub use pieces::Loading;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{self, Manifest};
use spikegate_contract::csr::{offset, ERROR_MEMORY, ERROR_PARITY, MAGIC, STATUS_BUSY, STATUS_IMAGE};
use std::collections::VecDeque;

use crate::device::{Device, DeviceError, Wait};
use crate::identity::Identity;
use design::{Design, Due};
use link::Link;
use packets::{Expected, Packet};

/// An image whose result is still to come.
#[derive(Debug)]
struct Flight {
    sequence: u32,
    packet: Vec<u32>,
    /// It only fills up a batch: nobody waits for its result.
    repeat: bool,
}

/// So many images, or a batch, are left in flight when the next are sent, as many at once, so that a device may take
/// them in one transfer.
const REFILL: usize = 4;

/// A design loaded into a device.
#[derive(Debug)]
pub struct Session<D: Device> {
    device: D,
    design: Design,
    identity: Identity,
    link: Link,
    faults: Faults,
    next: u32,
    in_flight: VecDeque<Flight>,
    /// Place in its batch of the oldest image in flight.
    place: usize,
    /// What the core has sent of the run: its dumps, and how many packets.
    dumps: Vec<(Option<usize>, Vec<u32>)>,
    sent: usize,
    /// The board's memory keeps a program from one session to the next, see [`memory`].
    keeps: bool,
    /// So many of the program's packets have come whole, those among them that such a memory holds.
    settled: usize,
}

impl<D: Device> Session<D> {
    /// Checks that the device suits the design, resets it and loads the program, again if something goes wrong on the way.
    ///
    /// # Errors
    /// The device is another one, or it does not take the program.
    pub fn open(device: D, design: &bundle::Design, program: Program) -> Result<Self, SessionError> {
        Self::open_watched(device, design, program, &mut |_| ())
    }

    /// As [`Session::open`], and says how far the program is loaded. What a board's memory has got before a fault is not sent
    /// again, and the session goes on after any number of faults as long as each time more has come.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_watched(
        mut device: D,
        design: &bundle::Design,
        program: Program,
        watch: &mut dyn FnMut(Loading),
    ) -> Result<Self, SessionError> {
        let design = Design::new(design, program);
        let identity = Identity::read(&mut device)?;
        let manifest = &design.manifest;
        identity.check(device.name(), manifest.interface_version, &manifest.array, design.config_hash)?;
        device.reset()?;
        let keeps = memory::comes_up(&mut device, &manifest.array)?;
        let link = Link::new(&mut device)?;
        let (faults, in_flight, dumps) = Default::default();
        let (next, place, sent) = (0, 0, 0);
        let mut session = Self {
            device,
            design,
            identity,
            link,
            faults,
            next,
            in_flight,
            place,
            dumps,
            sent,
            keeps,
            settled: 0,
        };
        session.load_all(watch)?;
        Ok(session)
    }

    /// Faults so far from which the session has recovered, or tried to.
    pub fn faults(&self) -> Faults {
        self.faults
    }

    /// The device.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The device, for waveforms or counters. Do not send or receive packets.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// Ends the session and returns the device, for instance to open it with the other program.
    pub fn into_device(self) -> D {
        self.device
    }

    /// What the device says it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The design's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.design.manifest
    }

    /// The design's array.
    pub fn array(&self) -> &ArrayConfig {
        &self.design.manifest.array
    }

    /// Names of the instructions, in the order of [`Inference::cycles`].
    pub fn instructions(&self) -> &[String] {
        &self.design.names
    }

    /// Images sent whose result is still to come.
    pub fn in_flight(&self) -> usize {
        self.in_flight.iter().filter(|image| !image.repeat).count()
    }

    /// Images that the core computes in one run of its program. A last batch with fewer is filled up with repeats.
    pub fn batch(&self) -> usize {
        self.design.batch
    }

    /// One image: pixels u8 in (c, y, x) order. Call it with nothing in flight, or it returns an earlier image.
    ///
    /// # Errors
    /// A wrong size, a device that fails, or a packet that is not as it should be.
    pub fn infer(&mut self, pixels: &[u8]) -> Result<Inference, SessionError> {
        self.submit(pixels)?;
        self.wait()
    }

    /// What the core has counted since the session's last new start.
    ///
    /// # Errors
    /// The device is gone.
    pub fn counters(&mut self) -> Result<Counters, SessionError> {
        Ok(Counters::read(&mut self.device)?)
    }

    /// Loads the program once more; bytes sent, with their frames. Call it with nothing in flight.
    ///
    /// # Errors
    /// The device does not take it.
    pub fn reload(&mut self) -> Result<usize, SessionError> {
        self.retry(|session| session.load(&mut |_| ()))
    }

    /// All images in order, with more than a batch in flight; `each` gets every result as it comes and may end the run with an
    /// error of its own.
    ///
    /// # Errors
    /// As [`Session::infer`], or the error of `each`.
    pub fn infer_each<I, P, E>(
        &mut self,
        images: I,
        mut each: impl FnMut(Inference) -> Result<(), E>,
    ) -> Result<(), E>
    where
        I: IntoIterator<Item = P>,
        P: AsRef<[u8]>,
        E: From<SessionError>,
    {
        let left = REFILL.max(self.batch());
        let mut images = images.into_iter();
        loop {
            while self.in_flight() > left {
                each(self.wait()?)?;
            }
            let next: Vec<P> = images.by_ref().take(left + REFILL - self.in_flight()).collect();
            if next.is_empty() {
                break;
            }
            self.submit_all(&next)?;
        }
        while self.in_flight() > 0 {
            each(self.wait()?)?;
        }
        Ok(self.note_refusals()?)
    }

    /// Counts what the core has refused although every result came: a frame that arrived twice.
    fn note_refusals(&mut self) -> Result<(), SessionError> {
        let value = self.device.read_csr(offset("error"))?;
        if value != 0 {
            self.faults.refused += 1;
            self.device.write_csr(offset("error"), value)?;
        }
        Ok(())
    }

    /// Sends an image without waiting; its sequence number.
    ///
    /// # Errors
    /// A wrong size, or a device that fails.
    pub fn submit(&mut self, pixels: &[u8]) -> Result<u32, SessionError> {
        self.submit_all(&[pixels])?;
        Ok(self.next.wrapping_sub(1))
    }

    /// Sends images together: as [`Session::submit`] for each, in as few transfers as the device can.
    ///
    /// # Errors
    /// As [`Session::submit`]; none is sent where one has a wrong size.
    pub fn submit_all<P: AsRef<[u8]>>(&mut self, images: &[P]) -> Result<(), SessionError> {
        let shape = self.design.shape;
        let expected = shape.iter().product();
        if let Some(wrong) = images.iter().map(|i| i.as_ref().len()).find(|&got| got != expected) {
            return Err(SessionError::Image { got: wrong, expected, shape });
        }
        let first = self.in_flight.len();
        for image in images {
            let sequence = self.next;
            let packet = self.design.image.packet(self.link.number(sequence), image.as_ref());
            self.in_flight.push_back(Flight { sequence, packet, repeat: false });
            self.next = sequence.wrapping_add(1);
        }
        let new = self.in_flight.iter().skip(first).map(|image| &image.packet);
        Ok(self.link.send(&mut self.device, new)?)
    }

    /// The result of the oldest image in flight. A fault of the connection or a core that hangs is answered once, by a
    /// new start of the core with all images in flight, see [`Session::faults`]. Where its batch is not complete, repeats
    /// of the last image fill it up, and their results are thrown away.
    ///
    /// # Errors
    /// None is in flight, a device that fails (again), or a packet that is not as it should be.
    pub fn wait(&mut self) -> Result<Inference, SessionError> {
        self.retry(Self::collect)
    }

    /// Does it, once more after a fault that a new start may mend.
    fn retry<T>(&mut self, step: impl Fn(&mut Self) -> Result<T, SessionError>) -> Result<T, SessionError> {
        let first = step(self);
        let Err(error) = &first else { return first };
        let Some(count) = self.faults.cause(error) else { return first };
        *count += 1;
        self.start_again(error)?;
        if !self.in_flight.is_empty() {
            self.load(&mut |_| ())?;
        }
        self.link.send(&mut self.device, self.in_flight.iter().map(|image| &image.packet))?;
        self.faults.resent += self.in_flight.len() as u64;
        step(self)
    }

    /// Resets the core after an error, and forgets what a board's memory has where that may be why.
    fn start_again(&mut self, after: &SessionError) -> Result<(), SessionError> {
        if self.keeps
            && matches!(after, SessionError::Sticky { value, .. } if value & (ERROR_MEMORY | ERROR_PARITY) != 0)
        {
            self.keep(memory::MARK, 0)?;
        }
        self.device.reset()?;
        self.link.restart();
        self.restart();
        Ok(())
    }

    /// The next run begins with the oldest image in flight.
    fn restart(&mut self) {
        self.in_flight.retain(|image| !image.repeat);
        (self.place, self.sent) = (0, 0);
        self.dumps.clear();
    }

    /// Fills the batch of the oldest image up.
    fn complete(&mut self) -> Result<(), SessionError> {
        while self.place + self.in_flight.len() < self.design.batch {
            let Some(last) = self.in_flight.back() else { return Ok(()) };
            let image = Flight { sequence: last.sequence, packet: last.packet.clone(), repeat: true };
            self.link.send(&mut self.device, [&image.packet])?;
            self.in_flight.push_back(image);
        }
        Ok(())
    }

    fn collect(&mut self) -> Result<Inference, SessionError> {
        loop {
            if self.in_flight() == 0 {
                return Err(SessionError::Idle);
            }
            self.complete()?;
            let due = self.design.due.get(self.sent).copied();
            let number = match due {
                Some(Due::Dump { image, .. }) => image.unwrap_or(0),
                _ => 0,
            };
            // Dumps come before the first result of a run.
            let sequence = self.in_flight.get(number).ok_or(SessionError::Idle)?.sequence;
            let packet = self.packet(due, sequence)?;
            self.sent += 1;
            match packet {
                Packet::Dump(words) => {
                    let image = match due {
                        Some(Due::Dump { image, .. }) => image,
                        _ => None,
                    };
                    self.dumps.push((image, words));
                }
                Packet::Result { class, logits, cycles } => {
                    if let Some(inference) = self.result(class, logits, cycles) {
                        return Ok(inference);
                    }
                }
            }
        }
    }

    /// Takes the oldest image out of flight; its result, unless it only filled up a batch.
    fn result(&mut self, class: u32, logits: Vec<i32>, cycles: Vec<u32>) -> Option<Inference> {
        let image = self.in_flight.pop_front()?;
        let (place, sequence) = (self.place, image.sequence);
        let mine = self.dumps.iter().filter(|(image, _)| image.is_none_or(|image| image == place));
        let mut dumps: Vec<Vec<u32>> = mine.map(|(_, words)| words.clone()).collect();
        for words in &mut dumps {
            // The second of their leading words; `check` has seen that there are four.
            words.iter_mut().skip(1).take(1).for_each(|number| *number = sequence);
        }
        let results = self.design.due.iter().take(self.sent - 1).rev();
        let earlier = results.filter_map(|due| match *due {
            Due::Result { instructions } => Some(instructions),
            Due::Dump { .. } => None,
        });
        let earlier = earlier.max().unwrap_or(0);
        self.place += 1;
        if self.place >= self.design.batch {
            (self.place, self.sent) = (0, 0);
            self.dumps.clear();
        }
        (!image.repeat).then_some(Inference { sequence, class, logits, place, cycles, earlier, dumps })
    }

    /// The next packet of the core, which must be this one.
    fn packet(&mut self, due: Option<Due>, sequence: u32) -> Result<Packet, SessionError> {
        let (dump, instructions, what) = match due {
            Some(Due::Dump { instruction, .. }) => {
                (Some(instruction), 0, format!("the dump of instruction {instruction} of image {sequence}"))
            }
            Some(Due::Result { instructions }) => {
                (None, instructions, format!("the result of image {sequence}"))
            }
            None => (None, self.design.names.len(), format!("the result of image {sequence}")),
        };
        let number = self.link.number(sequence);
        let expected = Expected { sequence: number, dump, classes: self.design.classes, instructions };
        let words = self.receive(&what)?;
        let first = words.iter().copied().take(6).collect();
        match packets::check(words, expected) {
            Ok(packet) => {
                // A whole frame with the right numbers needs no other witness: what the core refused is missing.
                if !self.link.is_framed() && matches!(packet, Packet::Result { .. }) {
                    self.no_sticky_error(&format!("image {sequence}"))?;
                }
                Ok(packet)
            }
            Err(m) => {
                // What the core refused may be why.
                self.no_sticky_error(&format!("waiting for {what}"))?;
                Err(SessionError::Packet {
                    device: self.device.name().to_owned(),
                    sequence,
                    field: m.field,
                    got: m.got,
                    expected: m.expected,
                    words: first,
                })
            }
        }
    }

    /// Writes a register and reads it back.
    fn keep(&mut self, register: &'static str, expected: u32) -> Result<(), SessionError> {
        self.device.write_csr(offset(register), expected)?;
        let got = self.device.read_csr(offset(register))?;
        if got != expected {
            let device = self.device.name().to_owned();
            return Err(SessionError::ReadBack { device, register, got, expected });
        }
        Ok(())
    }

    fn receive(&mut self, what: &str) -> Result<Vec<u32>, SessionError> {
        let received = self.link.receive(&mut self.device, &Wait::new(what, self.design.patience));
        self.explain(received)?.map_err(|source| SessionError::Frame {
            device: self.device.name().to_owned(),
            what: what.to_owned(),
            source,
        })
    }

    /// Says why nothing came: the device is gone, an error that it reports, or what the core says about itself.
    fn explain<T>(&mut self, result: Result<T, DeviceError>) -> Result<T, SessionError> {
        let source = match result {
            Ok(value) => return Ok(value),
            Err(source) => source,
        };
        let DeviceError::Timeout { device, what, .. } = &source else { return Err(source.into()) };
        let magic = self.device.read_csr(offset("magic"))?;
        if magic != MAGIC {
            return Err(DeviceError::Gone { device: device.clone(), what: what.clone(), magic }.into());
        }
        self.no_sticky_error(&format!("waiting for {what}"))?;
        let status = self.status();
        Err(SessionError::Hang { source: Box::new(source), status })
    }

    fn status(&mut self) -> String {
        let (Ok(status), Ok(error)) =
            (self.device.read_csr(offset("status")), self.device.read_csr(offset("error")))
        else {
            return "the registers do not answer either".to_owned();
        };
        let index = (status >> 16) as usize;
        let name = self.design.names.get(index).map_or("finish", String::as_str);
        let busy = if status & STATUS_BUSY != 0 { "running" } else { "waiting at" };
        let image = if status & STATUS_IMAGE != 0 { "an image waits" } else { "no image waits" };
        format!("{busy} instruction {index} ({name}), {image}, {}", error::describe(error))
    }

    fn no_sticky_error(&mut self, after: &str) -> Result<(), SessionError> {
        let value = self.device.read_csr(offset("error"))?;
        if value == 0 {
            return Ok(());
        }
        Err(SessionError::Sticky { device: self.device.name().to_owned(), value, after: after.to_owned() })
    }
}
