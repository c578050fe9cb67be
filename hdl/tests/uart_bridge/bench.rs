//! A host that speaks the protocol, a line that damages bytes, and a model of the core.

use std::collections::VecDeque;

use spikegate_contract::uart::*;
use spikegate_hdl::bus::uart::UartBridge;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;

use super::support::{set, Rng};
use super::uart_support::{frame, unframe};

pub const DIVIDER: usize = 4;
/// Registers of the model; others answer with an error.
const REGISTERS: usize = 16;
/// Bits after which the host sends again.
const PATIENCE: usize = 400;

/// The core's side of the bridge, with random waiting.
#[derive(Default)]
pub struct Core {
    registers: [u32; REGISTERS],
    write_address: Option<u32>,
    write_data: Option<u32>,
    response: Option<u32>,
    read: Option<u32>,
    pub taken: Vec<(u32, bool)>,
    pub offers: VecDeque<(u32, bool)>,
    offering: bool,
    pub accesses: usize,
    pub slow: bool,
}

pub struct Bench {
    pub unit: UartBridge,
    pub recorder: Option<Recorder>,
    rng: Rng,
    pub core: Core,
    /// Levels to come on the line to the bridge.
    to_bridge: VecDeque<bool>,
    /// The receiver of the line from the bridge: cycles into a byte, its bits.
    place: usize,
    bits: u16,
    pub received: Vec<u8>,
    pub sequence: u8,
    /// One byte of so many is damaged on either line; 0 is none.
    damage: usize,
    pub injected: usize,
    pub repeats: usize,
    pub naks: usize,
    /// Cycles of a bit on the host's side.
    pub divider: usize,
    /// The bridge may speak at another speed than the host.
    pub other_speed: bool,
}

impl Bench {
    pub fn new(seed: u64, record: bool, damage: usize) -> Self {
        let mut unit = UartBridge::new();
        set(&mut unit.divider, DIVIDER as i128);
        let mut bench = Self {
            unit,
            recorder: record.then(Recorder::default),
            rng: Rng(seed),
            core: Core::default(),
            to_bridge: VecDeque::new(),
            place: 0,
            bits: 0,
            received: vec![],
            sequence: 0,
            damage,
            injected: 0,
            repeats: 0,
            naks: 0,
            divider: DIVIDER,
            other_speed: false,
        };
        bench.unit.rst.next = true;
        bench.unit.rxd.next = true;
        // Until every register has its value, Icarus knows none.
        for _ in 0..4 {
            bench.edge();
        }
        if let Some(recorder) = &mut bench.recorder {
            recorder.compare_from_here();
        }
        bench.unit.rst.next = false;
        bench
    }

    fn edge(&mut self) {
        match &mut self.recorder {
            Some(recorder) => recorder.cycle(&mut self.unit, |u| &mut u.clk),
            None => sim::cycle(&mut self.unit, |u| &mut u.clk),
        }
    }

    pub fn cycle(&mut self) {
        let (u, c, rng) = (&mut self.unit, &mut self.core, &mut self.rng);
        u.rxd.next = self.to_bridge.pop_front().unwrap_or(true);
        u.m_axil_awready.next = c.write_address.is_none() && rng.chance(1, 2);
        u.m_axil_wready.next = c.write_data.is_none() && rng.chance(1, 2);
        u.m_axil_bvalid.next = c.response.is_some();
        set(&mut u.m_axil_bresp, c.response.unwrap_or(3));
        u.m_axil_arready.next = c.read.is_none() && rng.chance(1, 2);
        let known = |a: u32| a.is_multiple_of(4) && (a / 4) < REGISTERS as u32;
        u.m_axil_rvalid.next = c.read.is_some();
        let read = c.read.unwrap_or(0xee);
        let value = if known(read) { c.registers[read as usize / 4] } else { 0xdead_beef };
        set(&mut u.m_axil_rdata, value);
        set(&mut u.m_axil_rresp, if known(read) { 0 } else { 2 });
        u.m_axis_tready.next = if c.slow { rng.chance(1, 400) } else { rng.chance(1, 2) };
        // A word on offer stays.
        c.offering = c.offering || rng.chance(1, 3);
        let offer = c.offers.front().copied().filter(|_| c.offering);
        u.s_axis_tvalid.next = offer.is_some();
        let (data, last) = offer.unwrap_or((rng.next() as u32, rng.chance(1, 2)));
        set(&mut u.s_axis_tdata, data);
        u.s_axis_tlast.next = last;
        sim::settle(u);

        if u.m_axil_awvalid.val() && u.m_axil_awready.next {
            c.write_address = Some(u.m_axil_awaddr.val().0 as u32);
        }
        if u.m_axil_wvalid.val() && u.m_axil_wready.next {
            assert_eq!(u.m_axil_wstrb.val().0, 15);
            c.write_data = Some(u.m_axil_wdata.val().0 as u32);
        }
        if u.m_axil_bready.val() && u.m_axil_bvalid.next {
            (c.response, c.write_address, c.write_data) = (None, None, None);
        } else if let (Some(a), Some(d), None) = (c.write_address, c.write_data, c.response) {
            c.accesses += 1;
            c.response = Some(if known(a) { 0 } else { 2 });
            if known(a) {
                c.registers[a as usize / 4] = d;
            }
        }
        if u.m_axil_rready.val() && u.m_axil_rvalid.next {
            c.read = None;
            c.accesses += 1;
        } else if u.m_axil_arvalid.val() && u.m_axil_arready.next {
            c.read = Some(u.m_axil_araddr.val().0 as u32);
        }
        if u.m_axis_tvalid.val() && u.m_axis_tready.next {
            c.taken.push((u.m_axis_tdata.val().0 as u32, u.m_axis_tlast.val()));
        }
        if offer.is_some() && u.s_axis_tready.val() {
            c.offers.pop_front();
            c.offering = false;
        }
        let level = u.txd.val();
        self.listen(level);
        self.edge();
    }

    fn listen(&mut self, level: bool) {
        if self.place == 0 && level {
            return;
        }
        self.place += 1;
        if self.place % self.divider == self.divider / 2 {
            self.bits = self.bits >> 1 | u16::from(level) << 9;
        }
        if self.place == 10 * self.divider - 1 {
            let framed = self.bits & 1 == 0 && self.bits >> 9 == 1;
            assert!(framed || self.other_speed, "start and stop bit");
            let byte = (self.bits >> 1) as u8;
            self.place = 0;
            let damaged = self.through_the_line(byte);
            self.received.extend(damaged);
        }
    }

    /// A byte as it comes out of the line: itself, flipped, lost, or doubled.
    fn through_the_line(&mut self, byte: u8) -> Vec<u8> {
        if self.damage == 0 || !self.rng.chance(1, self.damage) {
            return vec![byte];
        }
        self.injected += 1;
        match self.rng.below(4) {
            0 => vec![],
            1 => vec![byte, self.rng.next() as u8],
            _ => vec![byte ^ 1 << self.rng.below(8)],
        }
    }

    pub fn put(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            for byte in self.through_the_line(byte) {
                let bits = (u16::from(byte) << 1) | 1 << 9;
                let levels = (0..10).flat_map(|i| vec![bits >> i & 1 == 1; self.divider]);
                self.to_bridge.extend(levels);
            }
        }
    }

    /// One request until its reply has come: header, state, payload.
    pub fn request(&mut self, kind: u8, payload: &[u32], last: bool) -> (u32, u32, Vec<u32>) {
        self.sequence = self.sequence.wrapping_add(1);
        let header = KIND.put(kind.into())
            | SEQUENCE.put(self.sequence.into())
            | WORDS.put(payload.len() as u32)
            | LAST.put(last.into());
        self.exchange(&[&[header], payload].concat())
    }

    pub fn exchange(&mut self, words: &[u32]) -> (u32, u32, Vec<u32>) {
        for _ in 0..400 {
            self.put(&frame(words));
            let mut waited = 0;
            while waited < PATIENCE * self.divider {
                self.cycle();
                // The patience begins when the request has left.
                waited = if self.to_bridge.is_empty() && self.place == 0 { waited + 1 } else { 0 };
                if self.received.last() != Some(&END) {
                    continue;
                }
                let (frames, _) = unframe(&self.received);
                if frames.is_empty() {
                    continue;
                }
                self.received.clear();
                let reply = &frames[frames.len() - 1];
                if KIND.get(reply[0]) == u32::from(NAK) {
                    self.naks += 1;
                    assert_eq!(reply.len(), 2);
                    break;
                }
                let wanted = KIND.get(words[0]) | u32::from(REPLY);
                if KIND.get(reply[0]) == wanted && SEQUENCE.get(reply[0]) == SEQUENCE.get(words[0]) {
                    assert_eq!(reply.len(), 1 + WORDS.get(reply[0]) as usize);
                    return (reply[0], reply[1], reply[2..].to_vec());
                }
            }
            self.repeats += 1;
        }
        panic!("no reply to {words:08x?}");
    }

    /// The host goes to another speed once the line is quiet.
    pub fn set_speed(&mut self, divider: usize) {
        let mut quiet = 0;
        while quiet < 400 * self.divider {
            self.cycle();
            quiet = if self.place == 0 { quiet + 1 } else { 0 };
        }
        self.received.clear();
        self.divider = divider;
    }

    pub fn send(&mut self, words: &[u32], last: bool) -> bool {
        let (header, _, rest) = self.request(SEND, words, last);
        assert!(rest.is_empty());
        assert!([OUTCOME_OK, OUTCOME_FULL].contains(&OUTCOME.get(header)));
        OUTCOME.get(header) == OUTCOME_OK
    }

    /// Random requests; what they do must be what the model says.
    pub fn traffic(&mut self, requests: usize) {
        let (mut sent, mut offered, mut got) = (vec![], vec![], vec![]);
        let mut registers = self.core.registers;
        for _ in 0..requests {
            match self.rng.below(6) {
                0 => {
                    let at = self.rng.below(REGISTERS + 2);
                    let value = self.rng.next() as u32;
                    let (header, _, rest) = self.request(WRITE, &[4 * at as u32, value], false);
                    assert!(rest.is_empty());
                    let known = at < REGISTERS;
                    assert_eq!(OUTCOME.get(header), if known { OUTCOME_OK } else { OUTCOME_BUS });
                    if known {
                        registers[at] = value;
                    }
                }
                1 => {
                    let at = self.rng.below(REGISTERS + 2);
                    let (header, _, rest) = self.request(READ, &[4 * at as u32], false);
                    let known = at < REGISTERS;
                    assert_eq!(OUTCOME.get(header), if known { OUTCOME_OK } else { OUTCOME_BUS });
                    assert_eq!(rest, [if known { registers[at] } else { 0xdead_beef }]);
                }
                2 | 3 => {
                    let words: Vec<u32> =
                        (0..1 + self.rng.below(12)).map(|_| self.rng.next() as u32 | 0xc0).collect();
                    let last = self.rng.chance(1, 2);
                    if self.send(&words, last) {
                        let end = words.len() - 1;
                        sent.extend(words.iter().enumerate().map(|(i, &w)| (w, last && i == end)));
                    }
                }
                4 => {
                    let words: Vec<(u32, bool)> = (0..1 + self.rng.below(12))
                        .map(|_| (self.rng.next() as u32, self.rng.chance(1, 5)))
                        .collect();
                    offered.extend(&words);
                    self.core.offers.extend(words);
                }
                _ => self.receive(&mut got),
            }
        }
        for _ in 0..4000 {
            if got.len() == offered.len() && self.core.taken.len() == sent.len() {
                break;
            }
            self.receive(&mut got);
        }
        assert_eq!(got, offered, "words from the core");
        assert_eq!(self.core.taken, sent, "words to the core");
        assert_eq!(self.core.registers, registers);
        self.core.taken.clear();
    }

    pub fn receive(&mut self, got: &mut Vec<(u32, bool)>) {
        let (header, state, words) = self.request(RECEIVE, &[], false);
        assert_eq!(OUTCOME.get(header), OUTCOME_OK);
        assert!(WAITING.get(state) as usize >= words.len());
        let end = words.len().wrapping_sub(1);
        let last = LAST.get(header) == 1;
        got.extend(words.iter().enumerate().map(|(i, &w)| (w, last && i == end)));
    }
}
