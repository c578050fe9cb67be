//! The UART bridge between a host that speaks the protocol and a model of the core, with a line that damages bytes:
//! every request is carried out once, every word arrives once and in order.
#![allow(clippy::unwrap_used)]

#[path = "uart_bridge/bench.rs"]
mod bench;
mod support;
mod uart_support;

use bench::{Bench, DIVIDER};
use spikegate_contract::uart::*;
use support::set;
use uart_support::{frame, unframe};

#[test]
fn a_quiet_line_carries_everything_and_tools_agree() {
    let mut bench = Bench::new(1, true, 0);
    bench.traffic(24);
    assert_eq!((bench.repeats, bench.naks), (0, 0));
    // A reply comes again when its request does, and its words are not lost.
    bench.core.offers.extend([(5, false), (6, true), (7, false)]);
    for _ in 0..30 {
        bench.cycle();
    }
    let header = KIND.put(RECEIVE.into()) | SEQUENCE.put(0xc0);
    let first = bench.exchange(&[header]);
    assert_eq!((LAST.get(first.0), &first.2[..]), (1, &[5, 6][..]));
    assert_eq!(bench.exchange(&[header]), first);
    bench.sequence = 0xc0;
    assert_eq!(bench.request(RECEIVE, &[], false).2, [7]);
    // A write that comes again is carried out once.
    let accesses = bench.core.accesses;
    let header = KIND.put(WRITE.into()) | SEQUENCE.put(0xd0) | WORDS.put(2);
    for _ in 0..3 {
        assert_eq!(OUTCOME.get(bench.exchange(&[header, 8, 77]).0), OUTCOME_OK);
    }
    assert_eq!(bench.core.accesses, accesses + 1);
    bench.sequence = 0xd0;
    // What is not in the table does nothing.
    for (kind, payload) in [(0x08, vec![]), (0x41, vec![1]), (READ, vec![]), (WRITE, vec![1]), (SEND, vec![])]
    {
        let (header, _, rest) = bench.request(kind, &payload, false);
        assert_eq!((OUTCOME.get(header), rest.len()), (OUTCOME_UNKNOWN, 0), "kind {kind}");
    }
    // Addresses beyond the bus.
    assert_eq!(OUTCOME.get(bench.request(READ, &[0x100], false).0), OUTCOME_BUS);
    assert_eq!(OUTCOME.get(bench.request(WRITE, &[0x8000_0000, 1], false).0), OUTCOME_BUS);
    assert_eq!(bench.core.accesses, accesses + 1);
    // The interrupt, and a frame whose header lies about its length.
    bench.unit.irq.next = true;
    let (_, state, _) = bench.request(POLL, &[], false);
    assert_eq!((IRQ.get(state), DAMAGED.get(state), ROOM.get(state)), (1, 0, BUFFER_WORDS as u32));
    assert!(!bench.unit.bad_frame.val());
    bench.put(&frame(&[KIND.put(POLL.into()) | WORDS.put(1)]));
    for _ in 0..3000 {
        bench.cycle();
    }
    let (frames, _) = unframe(&bench.received);
    assert_eq!(KIND.get(frames[0][0]), u32::from(NAK));
    bench.received.clear();
    assert_eq!(DAMAGED.get(bench.request(POLL, &[], false).1), 1);
    assert!(bench.unit.bad_frame.val());
    bench.recorder.take().unwrap().replay(&bench.unit, "uart_bridge");
}

#[test]
fn a_full_buffer_refuses_whole_frames() {
    let mut bench = Bench::new(2, false, 0);
    bench.core.slow = true;
    let (mut sent, mut refused) = (vec![], 0);
    for round in 0..12u32 {
        let words: Vec<u32> = (0..MAX_WORDS as u32 - round).map(|i| round << 16 | i).collect();
        if bench.send(&words, round % 3 == 0) {
            let end = words.len() - 1;
            sent.extend(words.iter().enumerate().map(|(i, &w)| (w, round % 3 == 0 && i == end)));
        } else {
            refused += 1;
        }
    }
    assert!(refused > 0 && sent.len() > BUFFER_WORDS);
    bench.core.slow = false;
    while bench.core.taken.len() < sent.len() {
        bench.cycle();
    }
    assert_eq!(bench.core.taken, sent);
    // From the core: the longest packet comes in pieces, and the core waits when the buffer is full.
    let offered: Vec<(u32, bool)> = (0..1200).map(|i| (i, i == 1199)).collect();
    bench.core.offers.extend(&offered);
    let mut got = vec![];
    while got.len() < offered.len() {
        bench.receive(&mut got);
    }
    assert_eq!(got, offered);
}

#[test]
fn flush_forgets_and_is_always_carried_out() {
    let mut bench = Bench::new(3, false, 0);
    bench.core.slow = true;
    assert!(bench.send(&[1; 100], false));
    bench.core.offers.extend([(9, true); 40]);
    for _ in 0..600 {
        bench.cycle();
    }
    let header = KIND.put(FLUSH.into()) | SEQUENCE.put(1) | WORDS.put(1);
    let (reply, state, rest) = bench.exchange(&[header, 0x1234_5678]);
    assert_eq!((OUTCOME.get(reply), rest), (OUTCOME_OK, vec![0x1234_5678]));
    assert_eq!((ROOM.get(state), WAITING.get(state)), (BUFFER_WORDS as u32, 0));
    // The same sequence number, another word: not an old reply.
    assert_eq!(bench.exchange(&[header, 99]).2, [99]);
    bench.core.slow = false;
    bench.core.taken.clear();
    bench.core.offers.clear();
    bench.sequence = 1;
    bench.traffic(30);
}

#[test]
fn a_bad_line_loses_and_doubles_nothing() {
    for (seed, damage) in [(4, 150), (5, 60)] {
        let mut bench = Bench::new(seed, false, damage);
        bench.traffic(150);
        println!(
            "1 of {damage}: {} damaged bytes, {} repeats, {} NAKs",
            bench.injected, bench.repeats, bench.naks
        );
        assert!(bench.injected > 20 && bench.naks > 5 && bench.repeats > 10);
    }
}

#[test]
fn the_speed_changes_behind_the_reply_and_falls_back() {
    let mut bench = Bench::new(6, false, 0);
    let ask = |bench: &mut Bench, divider: u32| {
        let (header, _, rest) = bench.request(SPEED, &[divider], false);
        assert_eq!((OUTCOME.get(header), rest.len()), (OUTCOME_OK, 1));
        rest[0]
    };
    assert_eq!(ask(&mut bench, 0), DIVIDER as u32);
    assert_eq!(OUTCOME.get(bench.request(SPEED, &[LEAST_DIVIDER - 1], false).0), OUTCOME_UNKNOWN);
    for divider in [9, 4, 23] {
        let before = bench.divider as u32;
        assert_eq!(ask(&mut bench, divider as u32), before);
        bench.set_speed(divider);
        bench.traffic(12);
        assert_eq!(ask(&mut bench, 0), divider as u32);
    }
    assert_eq!((bench.repeats, bench.naks), (0, 0));
    // A host that knows nothing of it: the bridge comes to it.
    ask(&mut bench, 5);
    bench.set_speed(DIVIDER * 4);
    set(&mut bench.unit.divider, bench.divider as i128);
    bench.other_speed = true;
    let header = KIND.put(FLUSH.into()) | SEQUENCE.put(1) | WORDS.put(1);
    assert_eq!(bench.exchange(&[header, 77]).2, [77]);
    assert_eq!(ask(&mut bench, 0), bench.divider as u32);
    // A request whose reply was lost comes again at the old speed, and has its effect again.
    let header = KIND.put(SPEED.into()) | SEQUENCE.put(0x41) | WORDS.put(1);
    let reply = bench.exchange(&[header, 5]);
    assert_eq!(reply.2, [bench.divider as u32]);
    bench.set_speed(bench.divider);
    assert_eq!(bench.exchange(&[header, 5]).2, reply.2);
    assert!(bench.repeats > 0);
    bench.set_speed(5);
    (bench.sequence, bench.other_speed) = (0x41, false);
    bench.traffic(12);
}
