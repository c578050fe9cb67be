//! A memory is brought up: commands, levelling against lanes that are late by seeded beats and taps, and refusals.
#![allow(clippy::unwrap_used)]

mod support;

use spikegate_contract::csr::{MemoryStatus, MEMORY_STATUS};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use spikegate_hdl::memory::bring_up::register::StatusRegister;
use spikegate_hdl::memory::bring_up::{BringUp, Recipe, Step, PATTERN};
use support::{set, Rng};

fn recipe(bits: usize, lanes: usize, slips: usize, taps: usize) -> Recipe {
    let step = |control, command, address, bank, wait| Step { control, command, address, bank, wait };
    let steps =
        vec![step(0, 0, 0, 0, 9), step(6, 0, 0, 0, 5), step(7, 15, 0x320, 2, 3), step(7, 3, 0x400, 0, 4)];
    Recipe { bits, lanes, slips, taps, steps }
}

/// A byte lane: the beats begin at `slip`, and taps `from` to `to` (not included) sample them.
#[derive(Clone, Copy, Debug)]
struct Lane {
    slip: usize,
    from: usize,
    to: usize,
    /// Where it is set.
    at: (usize, usize),
}

/// A memory behind a controller, as the unit meets it.
struct Memory {
    recipe: Recipe,
    lanes: Vec<Lane>,
    bytes: Vec<u8>,
    rng: Rng,
    stalls: bool,
    silent: bool,
    to_read: usize,
    to_write: usize,
    acknowledge: bool,
    commands: Vec<(u8, u8, u16, u8)>,
}

impl Memory {
    fn new(recipe: &Recipe, lanes: Vec<Lane>, seed: u64) -> Self {
        Self {
            recipe: recipe.clone(),
            lanes,
            bytes: vec![],
            rng: Rng(seed),
            stalls: true,
            silent: false,
            to_read: 0,
            to_write: 0,
            acknowledge: false,
            commands: vec![],
        }
    }

    /// The byte that a lane gives at a place of the pattern, as it is set.
    fn byte(&mut self, place: usize) -> u8 {
        let (lanes, lane) = (self.lanes.len(), self.lanes[place % self.lanes.len()]);
        let (slip, tap) = lane.at;
        if !(lane.from..lane.to).contains(&tap) {
            return self.rng.next() as u8;
        }
        // Beats of a lane follow each other; the wrong position is that of a neighbour.
        let beat = place / lanes + slip;
        match beat.checked_sub(lane.slip).map(|beat| beat * lanes + place % lanes) {
            Some(at) if at < self.bytes.len() => self.bytes[at],
            _ => self.rng.next() as u8,
        }
    }

    /// One cycle of the unit with this memory.
    fn cycle(&mut self, unit: &mut BringUp, recorder: &mut Recorder) {
        let bytes = self.recipe.bits / 8;
        let go = |memory: &mut Self| !memory.silent && (!memory.stalls || memory.rng.chance(2, 3));
        unit.m_axi_arready.next = self.to_read == 0 && go(self);
        unit.m_axi_awready.next = self.to_write == 0 && self.bytes.is_empty() && go(self);
        unit.m_axi_wready.next = self.to_write > 0 && go(self);
        unit.m_axi_bvalid.next = self.acknowledge;
        let read = self.to_read > 0 && go(self);
        unit.m_axi_rvalid.next = read;
        unit.m_axi_rlast.next = self.to_read == 1;
        if read {
            let from = (PATTERN - self.to_read) * bytes;
            let data: Vec<u8> = (from..from + bytes).map(|place| self.byte(place)).collect();
            for (k, word) in data.chunks(4).enumerate() {
                set(&mut unit.memory_rdata[k], u32::from_le_bytes(word.try_into().unwrap()));
            }
        }
        recorder.settle(unit);
        if unit.init_issue.val() {
            assert!(unit.init_sel.val());
            let of = |s: Value| s.0;
            self.commands.push((
                of(unit.init_control.val()) as u8,
                of(unit.init_command.val()) as u8,
                of(unit.init_address.val()) as u16,
                of(unit.init_bank.val()) as u8,
            ));
        }
        self.acknowledge = false;
        if unit.m_axi_awvalid.val() && unit.m_axi_awready.val() {
            assert_eq!(unit.m_axi_awaddr.val().0, 0);
            self.to_write = unit.m_axi_awlen.val().0 as usize + 1;
        }
        if unit.m_axi_wvalid.val() && unit.m_axi_wready.val() {
            for word in &unit.memory_wdata {
                self.bytes.extend((word.val().0 as u32).to_le_bytes());
            }
            assert_eq!(unit.m_axi_wlast.val(), self.to_write == 1, "last");
            self.to_write -= 1;
            self.acknowledge = self.to_write == 0;
        }
        if read {
            assert!(unit.m_axi_rready.val());
            self.to_read -= 1;
        }
        if unit.m_axi_arvalid.val() && unit.m_axi_arready.val() {
            self.to_read = unit.m_axi_arlen.val().0 as usize + 1;
        }
        for (l, lane) in self.lanes.iter_mut().enumerate() {
            if unit.level_lanes.val().get_bit(l) {
                let (slip, tap) = &mut lane.at;
                *slip = match (unit.level_slip_first.val(), unit.level_slip_next.val()) {
                    (true, _) => 0,
                    (_, true) => (*slip + 1) % self.recipe.slips,
                    _ => *slip,
                };
                *tap = match (unit.level_tap_first.val(), unit.level_tap_next.val()) {
                    (true, _) => 0,
                    (_, true) => (*tap + 1) % self.recipe.taps,
                    _ => *tap,
                };
            }
        }
        sim::cycle(unit, |u| &mut u.clk);
    }
}

/// Runs until the memory is up or not, and gives what the register says.
fn bring_up(memory: &mut Memory, unit: &mut BringUp, recorder: &mut Recorder) -> MemoryStatus {
    unit.rst.next = true;
    memory.cycle(unit, recorder);
    memory.commands.clear();
    unit.rst.next = false;
    recorder.compare_from_here();
    for _ in 0..400_000 {
        memory.cycle(unit, recorder);
        let status = MemoryStatus::of(unit.status.val().0 as u32);
        if status != MemoryStatus::Coming {
            return status;
        }
        assert!(!unit.s_axi_arready.val() && !unit.s_axi_awready.val(), "the port opens too early");
    }
    panic!("never ends");
}

/// Lanes with windows at random places.
fn lanes(rng: &mut Rng, recipe: &Recipe) -> Vec<Lane> {
    let lane = |rng: &mut Rng| {
        let length = 1 + rng.below(recipe.taps.min(6));
        let from = rng.below(recipe.taps - length + 1);
        // Settings that the power-up left.
        let at = (rng.below(recipe.slips), rng.below(recipe.taps));
        Lane { slip: rng.below(recipe.slips), from, to: from + length, at }
    };
    (0..recipe.lanes).map(|_| lane(rng)).collect()
}

#[test]
fn every_lane_is_set_to_the_middle_of_its_window() {
    let mut rng = Rng(1);
    for (n, (bits, lanes_, slips, taps)) in
        [(128, 2, 4, 8), (128, 2, 8, 32), (64, 2, 1, 1), (128, 4, 4, 8), (32, 1, 4, 8)]
            .into_iter()
            .enumerate()
    {
        for round in 0..3 {
            let recipe = recipe(bits, lanes_, slips, taps);
            let mut memory = Memory::new(&recipe, lanes(&mut rng, &recipe), round);
            let mut unit = BringUp::new(&recipe);
            let mut recorder = Recorder::default();
            let narrowest = memory.lanes.iter().map(|l| l.to - l.from).min().unwrap();
            let got = bring_up(&mut memory, &mut unit, &mut recorder);
            assert_eq!(got, MemoryStatus::Up { taps: narrowest as u8 }, "{:?}", memory.lanes);
            for lane in &memory.lanes {
                assert_eq!(lane.at, (lane.slip, lane.from + (lane.to - lane.from - 1) / 2), "{lane:?}");
            }
            let wanted = recipe.steps.iter().map(|s| (s.control, s.command, s.address, s.bank));
            assert_eq!(memory.commands, wanted.collect::<Vec<_>>());
            if n == 4 && round == 0 {
                recorder.replay(&unit, "bring_up");
            }
        }
    }
}

#[test]
fn lanes_without_a_window_are_named() {
    let recipe = recipe(128, 2, 4, 8);
    for bad in 1..4u8 {
        let mut rng = Rng(u64::from(bad));
        let mut all = lanes(&mut rng, &recipe);
        for (l, lane) in all.iter_mut().enumerate().filter(|(l, _)| bad >> l & 1 == 1) {
            (lane.from, lane.to) = (l, l);
        }
        let mut memory = Memory::new(&recipe, all, 3);
        let mut unit = BringUp::new(&recipe);
        let mut recorder = Recorder::default();
        let got = bring_up(&mut memory, &mut unit, &mut recorder);
        assert_eq!(got, MemoryStatus::NoWindow { lanes: bad });
        // Nothing opens the port again.
        unit.s_axi_arvalid.next = true;
        for _ in 0..100 {
            memory.cycle(&mut unit, &mut recorder);
            assert!(!unit.s_axi_arready.val() && !unit.m_axi_arvalid.val());
        }
    }
}

#[test]
fn a_controller_that_is_silent_is_named() {
    let recipe = recipe(64, 2, 1, 1);
    let mut memory = Memory::new(&recipe, lanes(&mut Rng(5), &recipe), 3);
    memory.silent = true;
    let (mut unit, mut recorder) = (BringUp::new(&recipe), Recorder::default());
    assert_eq!(bring_up(&mut memory, &mut unit, &mut recorder), MemoryStatus::Silent);
}

#[test]
fn the_port_is_the_cores_when_the_memory_is_up() {
    let recipe = recipe(64, 2, 1, 1);
    let mut memory = Memory::new(&recipe, lanes(&mut Rng(5), &recipe), 3);
    let (mut unit, mut recorder) = (BringUp::new(&recipe), Recorder::default());
    bring_up(&mut memory, &mut unit, &mut recorder);
    let mut rng = Rng(9);
    for _ in 0..200 {
        let bits: Vec<bool> = (0..12).map(|_| rng.chance(1, 2)).collect();
        let numbers: Vec<u32> = (0..8).map(|_| rng.next() as u32).collect();
        unit.s_axi_arvalid.next = bits[0];
        unit.m_axi_arready.next = bits[1];
        unit.m_axi_rvalid.next = bits[2];
        unit.s_axi_rready.next = bits[3];
        unit.s_axi_awvalid.next = bits[4];
        unit.m_axi_awready.next = bits[5];
        unit.s_axi_wvalid.next = bits[6];
        unit.m_axi_wready.next = bits[7];
        unit.s_axi_wlast.next = bits[8];
        unit.m_axi_bvalid.next = bits[9];
        unit.s_axi_bready.next = bits[10];
        set(&mut unit.s_axi_araddr, numbers[0]);
        set(&mut unit.s_axi_awaddr, numbers[1]);
        set(&mut unit.s_axi_arlen, numbers[2] & 0xff);
        set(&mut unit.s_axi_awlen, numbers[3] & 0xff);
        set(&mut unit.s_axi_arid, numbers[4] & 1);
        set(&mut unit.s_axi_awid, numbers[5] & 1);
        set(&mut unit.core_wdata[0], numbers[6]);
        set(&mut unit.core_wdata[1], numbers[7]);
        recorder.cycle(&mut unit, |u| &mut u.clk);
        sim::settle(&mut unit);
        let got = [
            unit.m_axi_arvalid.val(),
            unit.s_axi_arready.val(),
            unit.s_axi_rvalid.val(),
            unit.m_axi_rready.val(),
            unit.m_axi_awvalid.val(),
            unit.s_axi_awready.val(),
            unit.m_axi_wvalid.val(),
            unit.s_axi_wready.val(),
            unit.m_axi_wlast.val(),
            unit.s_axi_bvalid.val(),
            unit.m_axi_bready.val(),
        ];
        assert_eq!(got[..], bits[..11]);
        let got = [
            &unit.m_axi_araddr,
            &unit.m_axi_awaddr,
            &unit.m_axi_arlen,
            &unit.m_axi_awlen,
            &unit.m_axi_arid,
            &unit.m_axi_awid,
            &unit.memory_wdata[0],
            &unit.memory_wdata[1],
        ]
        .map(|s| s.val().0 as u32);
        let masks = [u32::MAX, u32::MAX, 0xff, 0xff, 1, 1, u32::MAX, u32::MAX];
        for (i, mask) in masks.into_iter().enumerate() {
            assert_eq!(got[i], numbers[i] & mask);
        }
    }
    recorder.replay(&unit, "bring_up_port");
}

#[test]
fn the_register_answers_beside_the_cores() {
    let mut unit = StatusRegister::default();
    let (mut recorder, mut rng) = (Recorder::default(), Rng(4));
    unit.rst.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    unit.rst.next = false;
    recorder.compare_from_here();
    // Reads on the host's side that are not answered yet, and the core's one.
    let (mut asked, mut core): (Vec<u32>, Option<u32>) = (vec![], None);
    let (mut address, mut offers, mut answers, mut answered) = (0, false, false, 0);
    for _ in 0..4000 {
        if !offers && rng.chance(1, 2) {
            (offers, address) =
                (true, if rng.chance(1, 2) { MEMORY_STATUS } else { 4 * rng.below(24) as u32 });
        }
        answers = core.is_some() && (answers || rng.chance(1, 3));
        unit.s_axil_arvalid.next = offers;
        set(&mut unit.s_axil_araddr, address);
        set(&mut unit.status, 0x1234_5002);
        unit.s_axil_rready.next = rng.chance(1, 2);
        unit.m_axil_arready.next = core.is_none() && rng.chance(1, 2);
        unit.m_axil_rvalid.next = answers;
        set(&mut unit.m_axil_rdata, core.unwrap_or(0) ^ 0xffff);
        recorder.settle(&mut unit);
        if unit.s_axil_rvalid.val() && unit.s_axil_rready.val() {
            let address = asked.remove(0);
            let wanted = if address == MEMORY_STATUS { 0x1234_5002 } else { address ^ 0xffff };
            assert_eq!(unit.s_axil_rdata.val().0, i128::from(wanted));
            answered += 1;
        }
        if answers && unit.m_axil_rready.val() {
            (core, answers) = (None, false);
        }
        if unit.m_axil_arvalid.val() && unit.m_axil_arready.val() {
            assert_ne!(unit.m_axil_araddr.val().0, i128::from(MEMORY_STATUS));
            core = Some(unit.m_axil_araddr.val().0 as u32);
        }
        if offers && unit.s_axil_arready.val() {
            asked.push(address);
            offers = false;
        }
        sim::cycle(&mut unit, |u| &mut u.clk);
    }
    assert!(answered > 500 && asked.len() < 2, "{answered} answers, {} missing", asked.len());
    recorder.replay(&unit, "memory_status");
}
