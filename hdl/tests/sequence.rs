//! The sequencer against a plain interpreter of programs; decoder and delay against a list.

mod support;

use std::collections::VecDeque;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{layout, plain_layout, words, Index, Instr, Opcode, Source, FLAGS};
use spikegate_contract::instruction_table;
use spikegate_hdl::control::{decode::Decode, sequencer::Sequencer};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{set, Rng};

/// Where a program is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Idle,
    /// Cycles left.
    Fetch(usize),
    Start,
    /// Cycles until the unit is done.
    Run(usize),
    /// Cycles until the weights fetched ahead have come.
    Settle(usize),
    /// Cycles left.
    Flush(usize),
}

const TIMED: [u32; 3] = [Opcode::Conv as u32, Opcode::Temporal as u32, Opcode::Move as u32];

fn random_instruction(op: u32, rng: &mut Rng) -> Instr {
    let mut values: Vec<u32> = layout().iter().map(|f| rng.unsigned(f.width) as u32).collect();
    values[Index::op as usize] = op;
    let mut instr = Instr::from_values(&values);
    instr.drain_period = 1 + rng.below(9) as u32;
    instr
}

/// A program that ends with the last `Finish` of its batch, or with an operation that does not exist.
fn random_program(rng: &mut Rng, moves: bool) -> Vec<Instr> {
    let mut ops =
        vec![Opcode::Conv, Opcode::Conv, Opcode::Temporal, Opcode::Dump, Opcode::Take, Opcode::Finish];
    ops.extend([Opcode::Move; 6].into_iter().filter(|_| moves));
    let mut program: Vec<Instr> =
        (0..rng.below(5)).map(|_| random_instruction(ops[rng.below(ops.len())] as u32, rng)).collect();
    program.iter_mut().for_each(|i| i.images = i.images.max(1));
    let unknown = if moves { [0, 7, 7] } else { [0, 6, 7] };
    let last = if rng.chance(1, 4) { unknown[rng.below(3)] } else { Opcode::Finish as u32 };
    program.push(Instr { images: 0, ..random_instruction(last, rng) });
    // Behind a page the program goes on further down.
    let behind = program.len();
    for (number, instr) in
        program.iter_mut().enumerate().filter(|(_, i)| moves && i.op == Opcode::Move as u32)
    {
        if rng.chance(1, 2) {
            instr.source = Source::Image as u32;
        }
        if !is_page(instr) {
            continue;
        }
        instr.source_base = (words() * (number + 1 + rng.below(behind - number - 1))) as u32;
    }
    program
}

/// A move that fills the instruction memory.
fn is_page(i: &Instr) -> bool {
    i.op == Opcode::Move as u32 && i.source == Source::Image as u32
}

#[test]
fn sequencer_runs_programs() {
    let array = ArrayConfig { instr_depth: 128, ..ArrayConfig::new(2, 1, 4, 4).unwrap() };
    runs_programs(&array, 11);
    runs_programs(&array.clone().with_neurons(), 13);
    runs_programs(&array.with_memory(32).unwrap().with_moves().unwrap(), 12);
}

fn runs_programs(array: &ArrayConfig, seed: u64) {
    let mut rng = Rng(seed);
    let moves = array.moves;
    let mut unit = Sequencer::new(array);
    let mut recorder = Recorder::default();
    unit.clear.next = true;
    unit.load.next = true;
    for address in 0..array.instr_depth {
        set(&mut unit.load_address, address as i128);
        recorder.cycle(&mut unit, |u| &mut u.clk);
    }
    unit.clear.next = false;
    unit.load.next = false;
    // Two idle cycles and a fetch bring the fields, unknown until then, to values.
    unit.image.next = true;
    for _ in 0..words() + 4 {
        recorder.cycle(&mut unit, |u| &mut u.clk);
    }
    unit.image.next = false;
    unit.clear.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    unit.clear.next = false;
    recorder.compare_from_here();
    let mut filled = 0;

    for round in 0..24 {
        let mut program = random_program(&mut rng, moves);
        unit.load.next = true;
        for (address, word) in program.iter().flat_map(|i| i.encode().expect("fits")).enumerate() {
            set(&mut unit.load_address, address as i128);
            set(&mut unit.load_data, i128::from(word));
            recorder.cycle(&mut unit, |u| &mut u.clk);
        }
        unit.load.next = false;
        // The instruction's place in the memory, and how many came before it.
        let (mut at, mut place, mut index, mut elapsed) = (At::Idle, 0, 0, 0);
        let abort = if round % 4 == 3 { 20 + rng.below(60) } else { usize::MAX };
        let (mut waited, mut cycle) = (0, 0);
        loop {
            let what = format!("round {round}, cycle {cycle}, instruction {index}, {at:?}");
            let instr = program[place.min(program.len() - 1)];
            let known = (1..=5).contains(&instr.op) || moves && instr.op == Opcode::Move as u32;
            let takes = instr.op == Opcode::Take as u32;
            let timed = known && TIMED.contains(&instr.op);
            let done = at == At::Run(0);
            let image = at == At::Idle && waited > 2 || takes && matches!(at, At::Run(0..3));
            // An image is taken up when both are there: in the last cycle of the run.
            let settled = at == At::Settle(0)
                || takes && (done || matches!(at, At::Run(3..)))
                || rng.chance(1, 3) && !takes && !matches!(at, At::Settle(_));
            unit.image.next = image;
            unit.settled.next = settled;
            unit.clear.next = cycle == abort;
            // Other units may say what they like; nobody listens before the unit runs.
            let idle = !matches!(at, At::Run(_));
            let mut say = |op: Opcode| if instr.op == op as u32 { done } else { idle || rng.chance(1, 3) };
            unit.conv_finished.next = say(Opcode::Conv);
            unit.temporal_done.next = say(Opcode::Temporal);
            unit.dump_done.next = say(Opcode::Dump);
            unit.finish_done.next = say(Opcode::Finish);
            let move_done = say(Opcode::Move);
            if moves {
                unit.move_done[0].next = move_done;
                // A word of a page: the second of the instruction where it goes on, which holds sizes of its map. What other
                // moves bring is none.
                let fills = matches!(at, At::Run(_)) && rng.chance(1, 2);
                let page = is_page(&instr);
                let to = if page { instr.source_base as usize + 1 } else { rng.below(array.instr_depth) };
                let word = rng.unsigned(32) as u32;
                unit.fill[0].next = fills;
                set(&mut unit.fill_address[0], to as i128);
                set(&mut unit.fill_data[0], i128::from(word));
                if fills && page {
                    let mut code = program[to / words()].encode().expect("fits");
                    code[1] = word;
                    program[to / words()] = Instr::decode(&code);
                    filled += 1;
                }
            }
            recorder.settle(&mut unit);

            let conv = instr.op == Opcode::Conv as u32;
            let last = instr.op == Opcode::Finish as u32 && instr.images == 0;
            let ends_now = timed || settled || last;
            let ended = matches!(at, At::Flush(1)) || (done && !conv && ends_now) || at == At::Settle(0);
            let begins = at == At::Idle && image || takes && done;
            assert_eq!(unit.begin.val(), begins, "{what}: begin");
            assert_eq!(unit.first.val(), at == At::Idle && image, "{what}: first");
            if begins {
                let number = if at == At::Idle { 0 } else { instr.image };
                assert_eq!(unit.image_number.val().0, i128::from(number), "{what}: number");
            }
            let starts = [
                unit.start_conv.val(),
                unit.start_temporal.val(),
                unit.start_dump.val(),
                unit.start_finish.val(),
            ];
            assert_eq!(starts, [1, 2, 3, 4].map(|op| at == At::Start && instr.op == op), "{what}: start");
            if moves {
                let starts = at == At::Start && instr.op == Opcode::Move as u32;
                assert_eq!(unit.start_move[0].val(), starts, "{what}: start of a move");
            }
            assert_eq!(unit.bad_opcode.val(), at == At::Start && !known, "{what}: bad opcode");
            assert_eq!(unit.cycle_write.val(), ended, "{what}: end");
            assert_eq!(unit.release.val(), ended && instr.release == 1, "{what}: release");
            match at {
                At::Idle => assert!(!unit.busy.val(), "{what}: busy"),
                At::Fetch(_) => assert!(unit.busy.val(), "{what}: busy"),
                _ => {
                    assert_eq!(unit.busy.val(), timed, "{what}: busy");
                    let fields: Vec<u32> = unit.field.iter().map(|f| f.val().0 as u32).collect();
                    assert_eq!(fields, instr.values()[..fields.len()], "{what}: fields");
                    assert_eq!(unit.index.val().0, index as i128, "{what}: index");
                }
            }
            if ended {
                let counted = if timed { elapsed + 1 } else { 0 };
                assert_eq!(unit.cycle_data.val().0, counted as i128, "{what}: cycles");
            }
            sim::cycle(&mut unit, |u| &mut u.clk);

            elapsed += 1;
            let finished = (ended && last) || (at == At::Start && !known);
            at = match at {
                _ if cycle == abort || finished => break,
                At::Idle if image => At::Fetch(words() + 1),
                At::Idle => {
                    waited += 1;
                    At::Idle
                }
                At::Fetch(1) => At::Start,
                At::Fetch(left) => At::Fetch(left - 1),
                At::Start => At::Run(rng.below(12)),
                At::Run(0) if conv => At::Flush(array.flush_cycles(instr.drain_period as usize)),
                At::Run(left) if left > 0 => At::Run(left - 1),
                At::Run(0) if !ends_now => At::Settle(rng.below(9)),
                At::Settle(left) if left > 0 => At::Settle(left - 1),
                At::Flush(left) if left > 1 => At::Flush(left - 1),
                At::Run(_) | At::Settle(_) | At::Flush(_) => {
                    index += 1;
                    place = if is_page(&instr) { instr.source_base as usize / words() } else { place + 1 };
                    At::Fetch(words() + 1)
                }
            };
            if matches!(at, At::Idle) || matches!(at, At::Fetch(n) if n == words() + 1) {
                elapsed = 0;
            }
            cycle += 1;
        }
        unit.clear.next = false;
        unit.image.next = false;
        recorder.cycle(&mut unit, |u| &mut u.clk);
    }
    assert!(!moves || filled > 10, "{filled} words of pages");
    recorder.replay(&unit, if moves { "sequencer_moves" } else { "sequencer" });
}

/// Values of the decoder's outputs: a number per field, a truth per flag.
macro_rules! outputs {
    (fields { $($name:ident)* } flags { $($flag:ident: $of:ident [$bit:tt])* }) => {
        fn outputs(unit: &Decode) -> (Vec<i128>, Vec<bool>) {
            (vec![$(unit.$name.val().0),*], vec![$(unit.$flag.val()),*])
        }
    };
}

instruction_table!(outputs);

#[test]
fn decoder_names_fields() {
    let mut rng = Rng(5);
    let mut unit = Decode::default();
    for _ in 0..50 {
        let values: Vec<u32> = plain_layout().iter().map(|f| rng.unsigned(f.width) as u32).collect();
        unit.field.iter_mut().zip(&values).for_each(|(f, &v)| set(f, i128::from(v)));
        sim::settle(&mut unit);
        let (fields, flags) = outputs(&unit);
        for ((have, &value), field) in fields.iter().zip(&values).zip(plain_layout()) {
            assert_eq!(*have, i128::from(value), "{}", field.name);
        }
        for (have, flag) in flags.iter().zip(FLAGS) {
            assert_eq!(*have, values[flag.field as usize] >> flag.bit & 1 == 1, "{}", flag.name);
        }
    }
}

bundle! {
    /// Signals of unlike types.
    pub struct Point, held by PointRegister, delayed by PointDelay {
        /// One bit.
        there: u(1),
        /// Unsigned.
        address: u(20),
        /// Signed.
        value: s(16),
    }
}

#[test]
fn delay_keeps_order_and_time() {
    for cycles in [1, 2, 7] {
        let mut rng = Rng(cycles as u64);
        let mut unit = PointDelay::new(cycles);
        let mut recorder = Recorder::default();
        let mut past: VecDeque<[i128; 3]> = VecDeque::new();
        for cycle in 0..60 {
            let now = [rng.unsigned(1), rng.unsigned(20), rng.signed(16)];
            unit.x.signals().into_iter().zip(now).for_each(|(x, v)| set(x, v));
            if cycle == cycles {
                recorder.compare_from_here();
            }
            recorder.settle(&mut unit);
            past.push_back(now);
            if past.len() > cycles {
                let have: Vec<i128> = unit.y.signals().iter().map(|y| y.val().0).collect();
                assert_eq!(have, past.pop_front().unwrap(), "{cycles} cycles, cycle {cycle}");
            }
            sim::cycle(&mut unit, |u| &mut u.clk);
        }
        recorder.replay(&unit, &format!("delay{cycles}"));
    }
}
