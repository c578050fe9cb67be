//! Maps that are moved to the external memory and back in the middle of a program: the same equality as for maps that stay, and
//! the same exact cycles with the ideal memory; with a slow one the same values.

#[allow(dead_code)]
mod support;

use spikegate_compiler::plan::{plan_with, Planned, Request};
use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::bundle::{MemoryModel, PlannedStep};
use spikegate_contract::instr::{CodeMode, Instr, Opcode, Source, MOVE_OUT};
use spikegate_contract::network::Network;
use spikegate_contract::packet::{header, Target, LOAD};
use spikegate_golden::random::{image, network, Rng, Shape};
use support::shapes::narrow;
use support::{check_planned, grown, Hardware};

fn array((l, ci, co): (usize, usize, usize), post: usize, bits: usize) -> ArrayConfig {
    let array =
        ArrayConfig::new(l, 1, ci, co).and_then(|a| a.with_post(post)).and_then(|a| a.with_memory(bits));
    array.and_then(ArrayConfig::with_moves).expect("an array that can be built")
}

/// Behind every few instructions all words of a memory, or the codes just written, go out, are overwritten, and come back.
fn move_around(planned: &mut Planned, rng: &mut Rng) {
    let array = planned.array.clone();
    let bytes = array.memory_bits / 8;
    let weights = planned.plan.weight_stream.as_ref().map_or(0, |_| 1 << 20);
    let free = (array.weights_base(0) + weights).next_multiple_of(4096) / bytes;
    // What lies in a memory from a word on.
    let moves = |rng: &mut Rng, map: Moved, signed: bool, base: u32, words: usize| -> Vec<Instr> {
        let source = match map {
            Moved::Codes => Source::Attention,
            Moved::Spikes => Source::Spikes,
            Moved::Streams => Source::Stream,
        };
        let fits: Vec<usize> = (1..=5).filter(|n| words.is_multiple_of(*n)).collect();
        let segments = rng.pick(&fits);
        let length = words / segments;
        let transfers = length * array.moved_transfers(map);
        // Also behind as many transfers as the low field counts.
        let first = free + rng.size(0, 40) + (rng.size(0, 2) << 20);
        let group = transfers + rng.size(0, 20);
        let of = |place: usize, image| {
            Instr {
                op: Opcode::Move as u32,
                source: source as u32,
                signed: signed.into(),
                source_base: base,
                source_group: length as u32,
                groups_in: segments as u32 - 1,
                length: length as u32,
                weight_group: group as u32,
                image,
                ..Instr::default()
            }
            .at_transfer(place)
        };
        let other = first + group * segments + rng.size(0, 40);
        vec![of(first, MOVE_OUT), of(other, 0), of(first, 0)]
    };
    // The new place of every instruction.
    let change = |instructions: &mut Vec<Instr>, steps: &mut Vec<PlannedStep>, rng: &mut Rng| -> Vec<usize> {
        let (mut i, mut s, mut places) = (vec![], vec![], vec![]);
        for (instr, step) in instructions.drain(..).zip(steps.drain(..)) {
            let mut around = match rng.size(0, 3) {
                0 => moves(rng, Moved::Spikes, false, 0, array.spike_depth),
                1 => moves(rng, Moved::Streams, false, 0, array.stream_depth),
                _ => vec![],
            };
            if instr.op == Opcode::Conv as u32 && instr.code_mode != CodeMode::None as u32 {
                let groups = ((instr.groups_out as usize + 1) * array.co).div_ceil(array.ci);
                let signed = instr.code_mode == CodeMode::Xq as u32;
                let words = groups * instr.out_time as usize;
                around.extend(moves(rng, Moved::Codes, signed, instr.code_base, words));
            }
            let finishes = instr.op == Opcode::Finish as u32;
            places.push(i.len());
            i.push(instr);
            s.push(step.clone());
            for instr in around.into_iter().filter(|_| !finishes) {
                i.push(instr);
                s.push(PlannedStep { name: "move".into(), ..step.clone() });
            }
        }
        // Makes the cycles be counted again.
        s[0].skips = Some("nothing".into());
        (*instructions, *steps) = (i, s);
        places
    };
    change(&mut planned.instructions, &mut planned.plan.steps, rng);
    let places = change(&mut planned.trace_instructions, &mut planned.plan.trace_steps, rng);
    planned.plan.dumps.iter_mut().for_each(|dump| dump.instruction = places[dump.instruction]);
    for (packets, instructions) in [
        (&mut planned.packets, &planned.instructions),
        (&mut planned.trace_packets, &planned.trace_instructions),
    ] {
        packets.retain(|packet| packet[0] != header(LOAD, Target::Instructions as u8, 0));
        let code: Vec<u32> = instructions.iter().flat_map(|i| i.encode().expect("fields that fit")).collect();
        for (index, chunk) in code.chunks(4000).enumerate() {
            let mut packet = vec![header(LOAD, Target::Instructions as u8, 0), index as u32 * 4000];
            packet.push(chunk.len() as u32);
            packet.extend(chunk);
            packets.push(packet);
        }
    }
}

/// Small: time passes, codes, two stages.
fn shape() -> Shape {
    Shape { input: [2, 10, 9], stages: vec![(8, 2, 1), (20, 2, 2)], ..narrow() }
}

fn moves(array: &ArrayConfig, seed: u64) {
    let mut rng = Rng(seed);
    let net: Network = network(&mut rng, &shape());
    // Memories that hold everything: the planner itself moves nothing.
    let spilling = ArrayConfig { moves: false, ..array.clone() };
    let mut array = ArrayConfig { moves: true, ..grown(&[&net], &spilling) };
    array.instr_depth *= 8;
    println!("{array:?}");
    let images: Vec<Vec<u8>> = (0..4).map(|_| image(&mut rng, net.input_shape())).collect();
    let mut hardware = Hardware::new(&array);
    let rate = array.memory_bits as u64 / 8;
    for (latency, bytes_per_1000_cycles) in [(32, 0), (300, 0), (0, 700 * rate), (5, 130 * rate)] {
        hardware.memory(MemoryModel { latency, bytes_per_1000_cycles });
        let planned = moved(&net, &hardware, &mut rng);
        check_planned(&mut hardware, &net, &planned, &images[..1]);
    }
    hardware.gaps(seed);
    hardware.slow_memory(seed);
    let planned = moved(&net, &hardware, &mut rng);
    check_planned(&mut hardware, &net, &planned, &images[..1]);
    // Images come while maps are moved.
    right(&mut hardware, &net, &planned, &images);
    // Soft resets at any time, the next image at once; transfers that the memory refuses.
    let before = hardware.core.cycles();
    right(&mut hardware, &net, &planned, &images[..1]);
    let whole = hardware.core.cycles() - before;
    for round in 0..8 {
        hardware.start(&images[0]);
        if round % 4 == 3 {
            hardware.core.refuse_memory(rng.size(1, 4000) as u64, rng.size(1, 100) as u64);
        }
        hardware.core.run(rng.size(0, whole as usize * 4 / 5) as u64).expect("it runs");
        hardware.core.refuse_memory(0, 0);
        hardware.soft_reset();
        right(&mut hardware, &net, &planned, &images[1..2]);
    }
}

/// The network's plan for the array and memory, with maps moved around.
fn moved(net: &Network, hardware: &Hardware, rng: &mut Rng) -> Planned {
    let request = Request::Existing(&hardware.array);
    let mut planned = plan_with(net, request, &hardware.memory).expect("the network fits");
    move_around(&mut planned, rng);
    planned
}

/// Images sent one after the other get the right logits.
fn right(hardware: &mut Hardware, net: &Network, planned: &Planned, images: &[Vec<u8>]) {
    let all: Vec<&Vec<u8>> = images.iter().collect();
    for (pixels, (result, _)) in images.iter().zip(hardware.run(&planned.plan, 0, &all)) {
        let outcome = spikegate_golden::run(net, pixels, &mut Vec::new()).expect("golden runs");
        let logits: Vec<i32> = result[4..4 + outcome.logits.len()].iter().map(|&w| w as i32).collect();
        assert_eq!(logits, outcome.logits);
    }
}

#[test]
fn all_slots_in_a_transfer() {
    moves(&array((3, 8, 8), 2, 128), 1);
}

#[test]
fn a_part_of_the_post_lanes_in_a_transfer() {
    moves(&array((2, 8, 8), 4, 32), 2);
}
