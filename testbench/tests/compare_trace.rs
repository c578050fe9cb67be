//! Dump packets decode into exactly the tensors that were sent; malformed ones are refused by name.
#![allow(clippy::unwrap_used)]

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{DumpEntry, DumpForm, Plan, FORMAT_VERSION};
use spikegate_contract::network::{FireRule, Form, Network, Neuron, Node, NodeId, Op, Value};
use spikegate_contract::packet::{header, DUMP};
use spikegate_contract::tensor::{names, Tensor};
use spikegate_golden::random::{image, network, tiny, Rng};
use spikegate_testbench::trace::{decode, decode_image, dumped, encode, TraceError};

fn array(lanes: usize, ci: usize) -> ArrayConfig {
    ArrayConfig::new(lanes, 1, ci, 1).unwrap()
}

fn plan(dumps: Vec<DumpEntry>) -> Plan {
    let (steps, trace_steps, words_used) = (vec![], vec![], [0; 5]);
    Plan {
        format_version: FORMAT_VERSION,
        steps,
        trace_steps,
        dumps,
        batch: 1,
        words_used,
        weight_stream: None,
        map_spill: None,
        patches: None,
    }
}

fn entry(form: DumpForm, dims: [usize; 4]) -> DumpEntry {
    DumpEntry {
        instruction: 7,
        tensor: "x".into(),
        dims,
        form,
        images: 1,
        image: None,
        spilled: false,
        rows: None,
        parts: 1,
    }
}

fn packet(body: &[u32]) -> Vec<u32> {
    let mut p = vec![header(DUMP, 0, 0), 0, 7, body.len() as u32];
    p.extend(body);
    p
}

/// What a node must be whose dump has a form.
fn form(form: DumpForm) -> Form {
    match form {
        DumpForm::SignedCode => Form::Code { bits: 8, signed: true },
        DumpForm::UnsignedCode => Form::Code { bits: 8, signed: false },
        DumpForm::Spikes => Form::Spikes,
        DumpForm::Stream | DumpForm::StreamLane0 | DumpForm::Scalars => Form::Stream,
    }
}

/// A network whose nodes, but for the statistics that they read, make what the dumps hold.
fn net(dumps: &[DumpEntry], of: impl Fn(&DumpEntry) -> Form) -> Network {
    let node = |name: &str, inputs: &[usize], dims: [usize; 4], timed: bool, form: Form| Node {
        name: name.into(),
        op: Op::Repeat,
        inputs: inputs.iter().copied().map(NodeId).collect(),
        out: Value { timed, ..Value::still([dims[1], dims[2], dims[3]], form) },
    };
    let mut nodes = vec![node("sums", &[], [1, 2, 1, 1], false, Form::Statistics)];
    for d in dumps {
        let timed = matches!(d.form, DumpForm::Spikes | DumpForm::Stream | DumpForm::Scalars);
        nodes.push(node(&d.tensor, &[0], d.dims, timed, of(d)));
    }
    let timesteps = dumps.iter().map(|d| d.dims[0]).max().unwrap_or(1);
    let neuron = Neuron::new(1, FireRule::Gt);
    Network { name: "net".into(), timesteps, neuron, nodes }
}

/// The network that a dump is of.
fn net_of(e: &DumpEntry) -> Network {
    net(std::slice::from_ref(e), |e| form(e.form))
}

/// The first tensor of a dump from four lanes and two slots.
fn one(e: &DumpEntry, body: &[u32]) -> Result<Vec<i64>, TraceError> {
    one_of(e, form(e.form), body)
}

/// The same of a node whose values are others.
fn one_of(e: &DumpEntry, form: Form, body: &[u32]) -> Result<Vec<i64>, TraceError> {
    let net = net(std::slice::from_ref(e), |_| form);
    decode(&plan(vec![e.clone()]), &net, &array(4, 2), &[packet(body)]).map(|mut t| t.remove(0).data)
}

/// The form in which each node's tensor is dumped; the sum travels with TA, the input and logits in other packets.
fn dump_form(node: &Node) -> Option<DumpForm> {
    match (node.out.form, &node.op) {
        (Form::Statistics | Form::Logits, _) | (_, Op::Input { .. }) => None,
        (_, Op::TemporalAttention(_)) => Some(DumpForm::Scalars),
        // Timed codes stay in the core.
        (Form::Code { .. }, _) if node.out.timed => None,
        (Form::Code { signed: true, .. }, _) => Some(DumpForm::SignedCode),
        (Form::Code { signed: false, .. }, _) => Some(DumpForm::UnsignedCode),
        (Form::Spikes, _) => Some(DumpForm::Spikes),
        (Form::Stream, _) if node.out.timed => Some(DumpForm::Stream),
        (Form::Stream | Form::Counts { .. }, _) => Some(DumpForm::StreamLane0),
    }
}

#[test]
fn round_trips_whole_golden_traces() {
    for seed in 0..24 {
        let mut rng = Rng(seed);
        let shape = tiny(&mut rng);
        let net = network(&mut rng, &shape);
        let pixels = image(&mut rng, shape.input);
        let mut golden: Vec<Tensor> = Vec::new();
        spikegate_golden::run(&net, &pixels, &mut golden).unwrap();
        let dump = |(instruction, node): (usize, &Node)| {
            let (tensor, dims, form) = (node.name.clone(), net.dims(&node.out), dump_form(node)?);
            let spilled = seed % 2 == 1 && matches!(form, DumpForm::Stream | DumpForm::StreamLane0);
            Some(DumpEntry {
                instruction,
                tensor,
                dims,
                form,
                images: 1,
                image: None,
                spilled,
                rows: None,
                parts: 1,
            })
        };
        let plan = plan(net.nodes.iter().enumerate().filter_map(dump).collect());
        let names = dumped(&plan, &net, 0);
        assert!(names.contains(&names::STATISTICS) && !names.contains(&names::LOGITS));
        golden.retain(|t| names.contains(&t.name.as_str()));
        assert_eq!(golden.len(), names.len());
        for (lanes, ci) in [(1, 1), (4, 2), (5, 4), (16, 8)] {
            let packets = encode(&plan, &net, &array(lanes, ci), &golden, 9).unwrap();
            assert_eq!(
                decode(&plan, &net, &array(lanes, ci), &packets).unwrap(),
                golden,
                "{lanes} lanes, {ci} slots"
            );
        }
    }
}

#[test]
fn spikes_of_two_passes_and_an_odd_channel_count() {
    // T = 6 on 4 lanes, 3 channels on 2 slots, one pixel: words (group, pass, slot).
    let e = entry(DumpForm::Spikes, [6, 3, 1, 1]);
    let got = one(&e, &[0b0001, 0b1000, 0b11, 0b01, 0b0010, 0b1111, 0b10, 0b11]).unwrap();
    let by_channel = |c: usize| (0..6).map(|t| got[t * 3 + c]).collect::<Vec<_>>();
    assert_eq!(by_channel(0), [1, 0, 0, 0, 1, 1]);
    assert_eq!(by_channel(1), [0, 0, 0, 1, 1, 0]);
    assert_eq!(by_channel(2), [0, 1, 0, 0, 0, 1]);
}

#[test]
fn a_batch_has_its_images_side_by_side() {
    // T = 4, 3 channels on 2 slots, one pixel, two images: words (group, image, slot).
    let e = DumpEntry { images: 2, ..entry(DumpForm::Spikes, [4, 3, 1, 1]) };
    let body = [0b0001, 0b0010, 0b0100, 0b1000, 0b0011, 0b1111, 0b1100, 0b1111];
    let of = |e: &DumpEntry, image| {
        decode_image(&plan(vec![e.clone()]), &net_of(e), &array(4, 2), &[packet(&body)], image)
    };
    let first =
        |tensors: Vec<Tensor>| (0..4).map(|t| tensors[0].data[t * 3..][..3].to_vec()).collect::<Vec<_>>();
    assert_eq!(first(of(&e, 0).unwrap()), [[1, 0, 1], [0, 1, 1], [0, 0, 0], [0, 0, 0]]);
    assert_eq!(first(of(&e, 1).unwrap()), [[0, 0, 0], [0, 0, 0], [1, 0, 1], [0, 1, 1]]);
    assert!(matches!(of(&e, 2), Err(TraceError::Plan { .. })));
    // Another image's dumps are not among the packets.
    let other = DumpEntry { image: Some(1), ..e };
    assert_eq!(of(&other, 0), Err(TraceError::Count { got: 1, expected: 0 }));
    assert!(of(&other, 1).is_ok());
}

/// Of a spilled map: burst after burst, the channels of the CO side by side.
#[test]
fn spilled_words_have_their_place() {
    // T = 3 on 2 lanes: two passes; 3 channels in groups of 2; 1x2 pixels; two images.
    let e = DumpEntry { images: 2, spilled: true, ..entry(DumpForm::Stream, [3, 3, 1, 2]) };
    let array = ArrayConfig { ci: 4, co: 2, ..array(2, 4) };
    // Value of every place: image, t, channel, pixel in a digit each.
    let mut body = Vec::new();
    for (group, image, pixel, pass) in (0..2)
        .flat_map(|g| (0..2).flat_map(move |i| (0..2).flat_map(move |p| (0..2).map(move |k| (g, i, p, k)))))
    {
        for (channel, lane) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let (c, t) = (2 * group + channel, 2 * pass + lane);
            body.push(if c < 3 && t < 3 { 1000 * image + 100 * t + 10 * c + pixel } else { 0 });
        }
    }
    for image in 0..2 {
        let got = decode_image(&plan(vec![e.clone()]), &net_of(&e), &array, &[packet(&body)], image)
            .expect("a trace");
        for (at, value) in got[0].data.iter().enumerate() {
            let [t, c, _, x] = got[0].coordinates(at);
            assert_eq!(*value, (1000 * image + 100 * t + 10 * c + x) as i64, "image {image}, {t} {c} {x}");
        }
    }
}

#[test]
fn codes_and_streams_are_signed_and_counts_are_not() {
    let e = entry(DumpForm::SignedCode, [1, 2, 1, 1]);
    assert_eq!(one(&e, &[0x180, 0x07f]), Ok(vec![-128, 127]));
    let e = entry(DumpForm::UnsignedCode, [1, 2, 1, 1]);
    assert_eq!(one(&e, &[0xff, 0x80]), Ok(vec![255, 128]));
    let body = [0x8000, 1, 2, 3, 9, 9, 9, 9];
    let e = entry(DumpForm::StreamLane0, [1, 1, 1, 1]);
    assert_eq!(one(&e, &body), Ok(vec![-32768]));
    assert_eq!(one_of(&e, Form::Counts { largest: 40000 }, &body), Ok(vec![32768]));
    let e = entry(DumpForm::Stream, [3, 1, 1, 1]);
    assert_eq!(one(&e, &[0xffff, 1, 0x8000, 77, 9, 9, 9, 9]), Ok(vec![-1, 1, -32768]));
}

#[test]
fn the_sum_has_40_bits() {
    let e = entry(DumpForm::Scalars, [2, 1, 1, 1]);
    assert_eq!(one(&e, &[0xffff_fff0, 0xff, 0x8000, 5, 0xffff]), Ok(vec![-16, -32768]));
    assert_eq!(one(&e, &[0, 0x80, 0, 5, 0]), Ok(vec![-(1 << 39), 0]));
    assert!(matches!(one(&e, &[0, 0x100, 0, 5, 0]), Err(TraceError::Wide { word: 1, bits: 8, .. })));
}

#[test]
fn bits_that_mean_nothing_are_errors() {
    let e = entry(DumpForm::Spikes, [6, 2, 1, 1]);
    assert!(matches!(one(&e, &[0, 0, 0b100, 0]), Err(TraceError::Stray { word: 2, .. })));
    assert!(matches!(one(&e, &[0, 0x10, 0, 0]), Err(TraceError::Wide { word: 1, bits: 4, .. })));
    let e = entry(DumpForm::SignedCode, [1, 2, 1, 1]);
    assert!(matches!(one(&e, &[0, 0x200]), Err(TraceError::Wide { word: 1, bits: 9, .. })));
    let e = entry(DumpForm::StreamLane0, [1, 1, 1, 1]);
    let body = [0, 0, 0, 0, 0, 0, 0, 0x1_0000];
    assert!(matches!(one(&e, &body), Err(TraceError::Wide { word: 7, bits: 16, .. })));
}

#[test]
fn slots_without_a_channel_may_hold_anything() {
    let e = entry(DumpForm::Spikes, [6, 1, 1, 1]);
    assert_eq!(one(&e, &[0b1, 0b1111, 0b10, 0b1111]), Ok(vec![1, 0, 0, 0, 0, 1]));
}

#[test]
fn wrong_leading_words_are_errors() {
    let e = entry(DumpForm::SignedCode, [1, 2, 1, 1]);
    let two = DumpEntry { tensor: "y".into(), ..e.clone() };
    let dumps = vec![e, two];
    let (net, plan) = (net(&dumps, |e| form(e.form)), plan(dumps));
    let good = [packet(&[1, 2]), packet(&[3, 4])];
    let refused = |field: &str, packets: &[Vec<u32>]| match decode(&plan, &net, &array(4, 2), packets) {
        Err(TraceError::Word { field: got, .. }) => assert_eq!(got, field),
        other => panic!("{field}: {other:?}"),
    };
    assert!(decode(&plan, &net, &array(4, 2), &good).is_ok());
    for (at, field) in ["type", "sequence number", "instruction", "words that follow"].into_iter().enumerate()
    {
        let mut bad = good.clone();
        bad[1][at] ^= 0x0100_0001;
        refused(field, &bad);
    }
    refused("length", &[packet(&[1, 2]), packet(&[3])]);
    refused("length", &[packet(&[1, 2]), vec![]]);
    let count = decode(&plan, &net, &array(4, 2), &good[..1]);
    assert_eq!(count, Err(TraceError::Count { got: 1, expected: 2 }));
}

#[test]
fn impossible_plans_and_arrays_are_errors() {
    let refused = |e: &DumpEntry, net: &Network, array: &ArrayConfig| {
        let got = decode(&plan(vec![e.clone()]), net, array, &[packet(&[0, 0])]);
        assert!(matches!(got, Err(TraceError::Plan { .. })), "{got:?}");
    };
    let wrong = |e: DumpEntry, array: &ArrayConfig| refused(&e, &net_of(&e), array);
    for dims in [[0, 1, 1, 1], [1, 1, 0, 1], [usize::MAX, 2, 2, 2], [17, 1, 1, 1], [1, 1 << 20, 1 << 20, 1]] {
        wrong(entry(DumpForm::Spikes, dims), &array(4, 2));
    }
    wrong(entry(DumpForm::SignedCode, [2, 1, 1, 1]), &array(4, 2));
    wrong(entry(DumpForm::Scalars, [2, 1, 1, 3]), &array(4, 2));
    let e = entry(DumpForm::Spikes, [1; 4]);
    wrong(e.clone(), &ArrayConfig { lanes: 0, ..array(4, 2) });
    wrong(e.clone(), &ArrayConfig { ci: 0, ..array(4, 2) });
    // A node of another name, of other sizes, and of every other form.
    refused(&e, &net_of(&DumpEntry { tensor: "y".into(), ..e.clone() }), &array(4, 2));
    refused(&e, &net_of(&entry(DumpForm::Spikes, [1, 2, 1, 1])), &array(4, 2));
    let all = [
        DumpForm::SignedCode,
        DumpForm::UnsignedCode,
        DumpForm::Spikes,
        DumpForm::Stream,
        DumpForm::StreamLane0,
    ];
    for (planned, made) in all.into_iter().flat_map(|a| all.map(|b| (a, b))).filter(|(a, b)| a != b) {
        refused(&entry(planned, [1; 4]), &net_of(&entry(made, [1; 4])), &array(4, 2));
    }
    let missing = encode(&plan(vec![e.clone()]), &net_of(&e), &array(4, 2), &[], 0);
    assert_eq!(missing, Err(TraceError::Missing { tensor: "x".into() }));
}
