//! The session: what it refuses, and what it returns.

mod support;

use spikegate_contract::csr::offset;
use spikegate_contract::failure::Failure;
use spikegate_runtime::device::Device;
use spikegate_runtime::devices::verilator::{Gaps, Options, Verilated};
use spikegate_runtime::identity::Mismatch;
use spikegate_runtime::session::{Inference, Program, Session, SessionError};
use std::path::Path;
use support::{batched, config, design, Fake, IMAGE_BYTES};

fn open(device: Fake) -> Result<Session<Fake>, SessionError> {
    Session::open(device, &design(), Program::Plain)
}

fn result(sequence: u32) -> Vec<u32> {
    vec![0x8100_0009, sequence, 1, 3, -5i32 as u32, 8, 8, 2, 7, 9]
}

/// The message of an inference that is answered by this packet, again after a new start.
fn refusal(packet: Vec<u32>) -> String {
    let mut session = open(Fake::new().answer(packet.clone()).answer(packet)).expect("opens");
    session.infer(&[0; IMAGE_BYTES]).expect_err("refused").in_a_line()
}

#[test]
fn loads_the_program_and_returns_results() {
    let mut session = open(Fake::new().answer(result(0))).expect("opens");
    assert_eq!(session.instructions(), ["stem", "head"]);
    let got = session.infer(&[1, 2, 3, 4, 5, 255]).expect("infers");
    let (logits, cycles, dumps) = (vec![-5, 8, 8], vec![7, 9], Vec::new());
    let expected = Inference { sequence: 0, class: 1, logits, place: 0, cycles, earlier: 0, dumps };
    assert_eq!(got, expected);
    let device = session.device_mut();
    assert_eq!(device.sent[0], [0x0100_0000, 0, 1, 5]);
    assert_eq!(device.sent[2], [0x0200_0000, 0, 0x0403_0201, 0x0000_ff05]);
    assert_ne!(device.read_csr(offset("program_hash")).expect("reads"), 0);
}

#[test]
fn returns_dumps_as_they_came() {
    let dump = vec![0x8203_0000, 0, 1, 2, 11, 12];
    let traced = vec![0x8100_000a, 0, 1, 3, 0, 8, 8, 3, 7, 0, 9];
    let fake = Fake::new().answer(dump.clone()).answer(traced);
    let mut session = Session::open(fake, &design(), Program::Trace).expect("opens");
    let got = session.infer(&[0; IMAGE_BYTES]).expect("infers");
    assert_eq!(got.dumps, [dump]);
    assert_eq!(got.cycles, [7, 0, 9]);
}

#[test]
fn keeps_several_images_in_flight_and_their_order() {
    let fake = (0..20).fold(Fake::new(), |fake, i| fake.answer(result(i)));
    let mut session = open(fake).expect("opens");
    let mut seen = Vec::new();
    session
        .infer_each(std::iter::repeat_n([0; IMAGE_BYTES], 20), |r| -> Result<(), SessionError> {
            seen.push(r.sequence);
            Ok(())
        })
        .expect("runs");
    assert!(seen.iter().copied().eq(0..20), "{seen:?}");
    assert_eq!(session.in_flight(), 0);
    assert!(matches!(session.wait(), Err(SessionError::Idle)));
}

#[test]
fn the_last_batch_is_filled_up_with_repeats() {
    let dir = batched(2);
    let answer = |fake: Fake, sequence, place: u32| {
        let mut packet = vec![0x8100_000b + 2 * place, sequence, 1, 3, -5i32 as u32, 8, 8, 4 + 2 * place];
        packet.extend([7, 0, 7, 9, 0, 9].iter().take(4 + 2 * place as usize));
        fake.answer(packet)
    };
    let fake = [(0, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)];
    let fake = fake.into_iter().fold(Fake::new(), |fake, (sequence, place)| answer(fake, sequence, place));
    let mut session = Session::open(fake, &dir, Program::Plain).expect("opens");
    assert_eq!(session.batch(), 2);
    assert_eq!(session.instructions(), ["stem", "take", "stem", "head", "finish", "head"]);
    let mut seen = Vec::new();
    session
        .infer_each(std::iter::repeat_n([0; IMAGE_BYTES], 3), |r| -> Result<(), SessionError> {
            seen.push((r.sequence, r.place, r.cycles.len(), r.own_cycles()));
            Ok(())
        })
        .expect("runs");
    assert_eq!(seen, [(0, 0, 4, 23), (1, 1, 6, 9), (2, 0, 4, 23)]);
    assert_eq!(session.in_flight(), 0);
    // The result of the repeat is dropped before the next image's.
    let got = session.infer(&[1; IMAGE_BYTES]).expect("infers");
    assert_eq!((got.sequence, got.place), (3, 0));
    let sent: Vec<u32> = session.device().sent[2..].iter().map(|packet| packet[1]).collect();
    assert_eq!(sent, [0, 1, 2, 2, 3, 3], "sequence numbers");
    assert!(matches!(session.wait(), Err(SessionError::Idle)));
}

#[test]
fn a_dump_of_a_batch_is_every_images() {
    let dir = batched(2);
    let result = |sequence, place: u32| {
        let mut packet = vec![0x8100_000c + 2 * place, sequence, 1, 3, 0, 8, 8, 5 + 2 * place];
        packet.extend(std::iter::repeat_n(1, 5 + 2 * place as usize));
        packet
    };
    let fake = Fake::new().answer(vec![0x8203_0000, 0, 1, 1, 11]).answer(result(0, 0)).answer(result(1, 1));
    let mut session = Session::open(fake, &dir, Program::Trace).expect("opens");
    session.submit(&[0; IMAGE_BYTES]).expect("sends");
    session.submit(&[0; IMAGE_BYTES]).expect("sends");
    for sequence in 0..2 {
        assert_eq!(session.wait().expect("infers").dumps, [[0x8203_0000, sequence, 1, 1, 11]]);
    }
}

#[test]
fn refuses_another_core() {
    let refused = |fake: Fake| match open(fake).expect_err("refused") {
        SessionError::Mismatch(m) => (m.in_a_line(), m),
        other => panic!("{other}"),
    };
    let (text, error) = refused(Fake::new().with("magic", u32::MAX));
    assert!(matches!(error, Mismatch::Magic { .. }));
    assert!(text.contains("0xffffffff, expected 0x53474143") && text.contains("device is gone"), "{text}");
    let (text, _) = refused(Fake::new().with("magic", 3));
    assert!(text.contains("not a SpikeGate core"), "{text}");
    let (text, error) = refused(Fake::new().with("version", 9));
    assert!(matches!(error, Mismatch::Version { got: 9, .. }));
    assert!(text.contains("interface version is 9, the design expects 3"), "{text}");
    let (text, error) = refused(Fake::new().with("config_hash", 0xabcd).with("array", 0x1010_0104));
    assert!(matches!(error, Mismatch::Config { .. }));
    let both = format!(
        "0x0000abcd (array 4,1,16,16 post 2), the design expects {:#010x} (array 4,1,8,8 post 2)",
        config()
    );
    assert!(text.contains(&both), "{text}");
    // The build hash does not matter.
    open(Fake::new().with("build_hash", 0xdead)).expect("opens");
}

#[test]
fn reports_the_sticky_error() {
    let text = open(Fake::new().with("error", 5)).expect_err("refused").in_a_line();
    assert!(text.contains("error is 0x5 after loading the program"), "{text}");
    assert!(text.contains("unknown type or target, an instruction with an unknown opcode"), "{text}");
}

#[test]
fn reads_back_the_program_hash() {
    let fake = Fake { broken: Some(offset("program_hash")), ..Fake::new() };
    let text = open(fake).expect_err("refused").in_a_line();
    assert!(text.contains("register program_hash reads 0x00000000 after 0x"), "{text}");
}

#[test]
fn a_hang_tells_the_state_of_the_core() {
    let mut session = open(Fake::new().with("status", 0x0001_0001)).expect("opens");
    let text = session.infer(&[0; IMAGE_BYTES]).expect_err("silent").in_a_line();
    assert!(text.contains("the result of image 0"), "{text}");
    assert!(text.contains("running instruction 1 (head), no image waits, no error"), "{text}");
}

#[test]
fn refuses_malformed_packets() {
    let change = |at: usize, value: u32| {
        let mut packet = result(0);
        packet[at] = value;
        refusal(packet)
    };
    let says = |text: String, part: &str| assert!(text.contains(part), "{text}\nlacks {part}");
    says(change(0, 0x8000_0009), "type is unknown (0x80), expected a result (0x81)");
    says(change(0, 0x8200_0009), "type is a dump (0x82), expected a result (0x81)");
    says(change(0, 0x8100_0008), "announced length is 8, expected 9");
    says(change(1, 4), "sequence number is 4, expected 0");
    says(change(2, 2), "class is 2, expected 1, the first largest logit");
    says(change(3, 4), "number of logits is 4, expected 3");
    says(change(7, 1), "number of instructions is 1, expected 2");
    says(refusal(result(0)[..9].to_vec()), "length in words is 9, expected 10");
    says(refusal([result(0), vec![0]].concat()), "length in words is 11, expected 10");
    says(refusal(vec![0x8100_0000]), "length in words is 1, expected 10");
    says(refusal(Vec::new()), "type is unknown");
}

#[test]
fn refuses_malformed_dumps() {
    let refusal = |packet: &[u32]| {
        let fake = Fake::new().answer(packet.to_vec());
        let mut session = Session::open(fake, &design(), Program::Trace).expect("opens");
        session.infer(&[0; IMAGE_BYTES]).expect_err("refused").in_a_line()
    };
    let says = |packet: &[u32], part: &str| {
        let text = refusal(packet);
        assert!(text.contains(part), "{text}\nlacks {part}");
    };
    says(&[0x8203_0000, 0, 2, 0], "instruction index is 2, expected 1");
    says(&[0x8203_0000, 0, 1, 3, 5, 6], "data words is 2, expected 3 as it announces");
    says(&[0x8203_0000, 0], "length in words is 2, expected at least 4");
    says(&result(0), "type is a result (0x81), expected a dump (0x82)");
}

#[test]
fn refuses_images_of_another_size() {
    let mut session = open(Fake::new()).expect("opens");
    let text = session.infer(&[0; 5]).expect_err("refused").in_a_line();
    assert!(text.contains("has 5 bytes, the network takes 6 (1 channels x 2 rows x 3 columns)"), "{text}");
}

#[test]
fn runs_on_a_verilated_core() {
    let dir = design();
    let cache = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("sim"));
    let options = Options { cache, ..Options::default() };
    let core =
        Verilated::open("the stand-in", include_str!("stand_in.v"), &options, &mut |_| ()).expect("builds");
    let mut session = Session::open(core, &dir, Program::Plain).expect("opens");
    assert_eq!(session.identity().build_hash, 0xb111_d000);
    session.device_mut().set_gaps(Gaps { seed: 3, input: 100, output: 100 });
    // The stand-in's logits are {sum of the words, -1, sequence}; the class is the sum modulo 3.
    let images = [[3, 0, 0, 0, 0, 0], [6, 0, 0, 0, 0, 0], [0, 0, 0, 0, 9, 0]];
    let mut logits = Vec::new();
    session
        .infer_each(images, |r| -> Result<(), SessionError> {
            assert_eq!(r.cycles, [7, 4]);
            logits.push(r.logits);
            Ok(())
        })
        .expect("runs");
    assert_eq!(logits, [[3, -1, 0], [6, -1, 1], [9, -1, 2]]);
    // A sum that the stand-in calls class 1 although logit 0 is the largest.
    let text = session.infer(&[1, 0, 0, 0, 0, 0]).expect_err("refused").in_a_line();
    assert!(text.contains("class is 1, expected"), "{text}");
}
