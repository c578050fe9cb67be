//! What the passes make of networks of other forms than GAC-SNN's, what they refuse, and what the tracing program shows.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::DumpForm;
use spikegate_contract::failure::Failure;
use spikegate_contract::network::{
    Conv, FireRule, Form, Linear, Network, Neuron, Node, NodeId, Op, Requant, Rounding, Value,
};
use spikegate_golden::random::{self, Rng};

use super::passes::Fused;
use super::{plan, PlanError, Request};

/// A network under construction, T = 4; nodes are known by their names.
struct Draft(Network);

impl Draft {
    fn new(image: [usize; 3]) -> Self {
        let neuron = Neuron::new(1, FireRule::Gt);
        let mut draft = Self(Network { name: "draft".to_owned(), timesteps: 4, neuron, nodes: Vec::new() });
        let form = Form::Code { bits: 9, signed: true };
        draft.push("image", Op::Input { offset: vec![0; image[0]] }, &[], Value::still(image, form));
        draft
    }
    fn push(&mut self, name: &str, op: Op, inputs: &[&str], out: Value) {
        let inputs = inputs.iter().map(|input| self.0.find(input).unwrap()).collect();
        self.0.nodes.push(Node { name: name.to_owned(), op, inputs, out });
    }
    fn out(&self, name: &str) -> Value {
        self.0.node(self.0.find(name).unwrap()).out.clone()
    }
    /// A 3x3 convolution (1x1 where the stride is 2) that keeps the other properties of its input.
    fn conv(&mut self, name: &str, x: &str, out_c: usize, stride: usize) {
        let Value { shape: [in_c, h, w], timed, .. } = self.out(x);
        let k = if stride == 2 { 1 } else { 3 };
        let requant = vec![Requant { m: 1, b: 0, s: 1 }; out_c];
        let weights = vec![1; out_c * in_c * k * k];
        let op = Op::Conv(Conv { k, stride, pad: k / 2, weight_bits: 8, weights, requant });
        let shape = [out_c, h.div_ceil(stride), w.div_ceil(stride)];
        self.push(name, op, &[x], Value { timed, ..Value::still(shape, Form::Stream) });
    }
    fn lif(&mut self, name: &str, x: &str) {
        let shape = self.out(x).shape;
        self.push(name, Op::Lif { threshold: 100, neuron: None }, &[x], Value::timed(shape, Form::Spikes));
    }
    fn add(&mut self, name: &str, a: &str, b: &str) {
        self.push(name, Op::Add, &[a, b], self.out(a));
    }
    fn code(&mut self, name: &str, x: &str, bits: u8) {
        let op = Op::Code { shift: 0, rounding: Rounding::HalfUp };
        self.push(name, op, &[x], Value { form: Form::Code { bits, signed: true }, ..self.out(x) });
    }
    /// Counts of spikes, and logits.
    fn classify(&mut self, spikes: &str) {
        let [c, h, w] = self.out(spikes).shape;
        let form = Form::Counts { largest: (4 * h * w) as u32 };
        self.push("counts", Op::Count, &[spikes], Value::still([c, 1, 1], form));
        let op = Op::Linear(Linear { weight_bits: 8, weights: vec![1; 3 * c], bias: vec![0; 3], scale: 1.0 });
        self.push("logits", op, &["counts"], Value::still([3, 1, 1], Form::Logits));
    }
    /// `image` -> `stem` -> `s0`, and the stem at every timestep as `r0`.
    fn stem(image: [usize; 3]) -> Self {
        let mut draft = Self::new(image);
        draft.conv("stem", "image", 8, 1);
        draft.lif("s0", "stem");
        draft
    }
    fn repeat(&mut self) {
        self.push("r0", Op::Repeat, &["stem"], Value::timed(self.out("stem").shape, Form::Stream));
    }
    fn names(&self) -> Vec<String> {
        let request = Request::Size { lanes: 2, pixels: 1, ci: 4, co: 4 };
        plan(&self.0, request).unwrap().plan.steps.into_iter().map(|step| step.name).collect()
    }
    fn refused(&self) -> String {
        assert!(self.0.validate().is_ok(), "{:?}", self.0.validate());
        let error = plan(&self.0, Request::Size { lanes: 2, pixels: 1, ci: 4, co: 4 }).unwrap_err();
        assert!(matches!(error, PlanError::Unsupported { .. } | PlanError::Limit { .. }), "{error}");
        error.in_a_line()
    }
}

#[test]
fn convolutions_without_residuals_are_planned() {
    let mut draft = Draft::stem([1, 6, 6]);
    for (name, spikes, from) in [("a", "s1", "s0"), ("b", "s2", "s1"), ("c", "s3", "s2")] {
        draft.conv(name, from, 8, 1);
        draft.lif(spikes, name);
    }
    draft.classify("s3");
    assert_eq!(draft.names(), ["stem", "a", "b", "c", "logits", "finish"]);
    let planned = plan(&draft.0, Request::Size { lanes: 2, pixels: 1, ci: 4, co: 4 }).unwrap();
    // Two maps of spikes at a time, two groups of 36 pixels and two time passes each; of streams the stem's for the trace.
    assert_eq!(planned.plan.words_used[1..3], [2 * 2 * 36 * 2, 2 * 36]);
}

/// A stream that two later sums add, the second behind a stride's projection of the first sum.
#[test]
fn a_stream_that_is_added_twice_keeps_its_place() {
    let mut draft = Draft::stem([1, 6, 6]);
    draft.repeat();
    draft.conv("a", "s0", 8, 1);
    draft.add("r1", "a", "r0");
    draft.lif("s1", "r1");
    draft.conv("b", "s1", 8, 1);
    draft.add("r2", "b", "r1");
    draft.lif("s2", "r2");
    draft.conv("c", "s2", 8, 1);
    draft.add("r3", "c", "r0");
    draft.lif("s3", "r3");
    draft.classify("s3");
    assert_eq!(draft.names(), ["stem", "a", "b", "c", "logits", "finish"]);
    let fused = Fused::of(&draft.0).unwrap();
    let lives: Vec<Vec<&str>> = fused
        .lives
        .streams
        .iter()
        .map(|life| life.tensors.iter().map(|&id| &draft.0.node(id).name[..]).collect())
        .collect();
    // r0 is needed again: r1 has a place of its own, which nothing takes over, as r2 is not written.
    assert_eq!(lives, [vec!["r0"], vec!["r1"], vec!["counts"]]);
    assert!(!fused.lives.streams[0].queue, "it is added twice, out of turn");
}

/// A summand that the first convolution of a block gives stands behind the second in the list.
#[test]
fn steps_run_behind_what_they_read() {
    let mut draft = Draft::stem([1, 6, 6]);
    draft.repeat();
    draft.conv("main", "s0", 8, 1);
    draft.conv("shortcut", "r0", 8, 1);
    draft.add("sum", "main", "shortcut");
    draft.lif("s1", "sum");
    draft.classify("s1");
    assert_eq!(draft.names(), ["stem", "shortcut", "main", "logits", "finish"]);
}

#[test]
fn what_no_instruction_serves_is_refused() {
    let case = |build: &dyn Fn(&mut Draft), expected: &[&str]| {
        let mut draft = Draft::stem([1, 6, 6]);
        build(&mut draft);
        let text = draft.refused();
        assert!(expected.iter().all(|part| text.contains(part)), "{text}");
    };
    let two = |draft: &mut Draft| {
        draft.conv("a", "s0", 8, 1);
        draft.lif("s1", "a");
        draft.lif("s2", "a");
        draft.conv("b", "s1", 8, 1);
        draft.conv("c", "s2", 8, 1);
        draft.add("sum", "b", "c");
        draft.lif("s3", "sum");
        draft.classify("s3");
    };
    case(&two, &["`a`: read by `s1` and `s2`", "no one instruction can serve", "compute it once for each"]);
    let neurons_and_sum = |draft: &mut Draft| {
        draft.repeat();
        draft.conv("a", "s0", 8, 1);
        draft.lif("s1", "a");
        draft.add("sum", "a", "r0");
        draft.conv("b", "s1", 8, 1);
        draft.add("more", "b", "sum");
        draft.lif("s2", "more");
        draft.classify("s2");
    };
    case(&neurons_and_sum, &["`a`: read by `sum` and `s1`", "no one instruction can serve"]);
    let streams = |draft: &mut Draft| {
        draft.repeat();
        draft.add("sum", "r0", "r0");
        draft.lif("s1", "sum");
        draft.conv("b", "s0", 8, 1);
        draft.conv("c", "s1", 8, 1);
        draft.add("more", "b", "c");
        draft.lif("s2", "more");
        draft.classify("s2");
    };
    case(&streams, &["`sum`: an addition of `r0` and `r0`", "right behind a convolution"]);
    let counted = |draft: &mut Draft| {
        draft.conv("a", "s0", 8, 1);
        draft.lif("s1", "a");
        draft.conv("b", "a", 8, 1);
        draft.lif("s2", "b");
        draft.conv("c", "s2", 8, 1);
        draft.add("sum", "c", "a");
        draft.lif("s3", "sum");
        draft.push("more", Op::Count, &["s1"], Value::still([8, 1, 1], Form::Counts { largest: 144 }));
        draft.classify("s3");
    };
    case(&counted, &["`more`: read by no node"]);
    let wide = |draft: &mut Draft| {
        draft.code("code", "stem", 12);
        draft.conv("a", "code", 8, 1);
        draft.lif("s1", "a");
        draft.conv("b", "s0", 8, 1);
        draft.lif("s2", "b");
        draft.conv("c", "s1", 8, 1);
        draft.conv("d", "s2", 8, 1);
        draft.add("sum", "c", "d");
        draft.lif("s3", "sum");
        draft.classify("s3");
    };
    case(&wide, &["`code`: a code of 12 bits, signed", "8 bits"]);
    let image = |draft: &mut Draft| {
        draft.conv("other", "image", 8, 1);
        draft.lif("s1", "other");
        draft.conv("a", "s0", 8, 1);
        draft.conv("b", "s1", 8, 1);
        draft.add("sum", "a", "b");
        draft.lif("s2", "sum");
        draft.classify("s2");
    };
    case(&image, &["`image`: an image that 2 nodes read", "one convolution"]);
    let untimed = |draft: &mut Draft| {
        draft.conv("a", "stem", 8, 1);
        draft.lif("s1", "a");
        draft.conv("b", "s0", 8, 1);
        draft.conv("c", "s1", 8, 1);
        draft.add("sum", "b", "c");
        draft.lif("s2", "sum");
        draft.classify("s2");
    };
    case(&untimed, &["`a`: a convolution of an untimed stream"]);
    let unread = |draft: &mut Draft| {
        draft.conv("a", "s0", 8, 1);
        draft.classify("s0");
    };
    case(&unread, &["`a`: read by no node", "leave it out"]);
}

/// Every node is dumped, or there is a reason why not; never both.
#[test]
fn the_tracing_program_shows_every_node_that_is_not_hidden() {
    for seed in 0..60 {
        let mut rng = Rng(seed);
        let shape = random::Shape { direct: rng.chance(1, 3), ..random::shape(&mut rng) };
        let net = random::network(&mut rng, &shape);
        let mut array = ArrayConfig::new(rng.size(1, 8), 1, 8, rng.pick(&[1, 4, 8])).unwrap();
        if rng.chance(1, 2) {
            array = array.with_memory(32).and_then(ArrayConfig::with_spilling).unwrap();
        }
        let Ok(planned) = plan(&net, Request::New(&array)) else { continue };
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        for dump in &planned.plan.dumps {
            *shown.entry(&dump.tensor).or_default() += 1;
            // One dump has both.
            if dump.form == DumpForm::Scalars {
                shown.insert(&net.nodes.iter().find(|node| node.op == Op::Statistics).unwrap().name, 1);
            }
        }
        for (id, node) in net.iter() {
            let expected = usize::from(planned.hidden.iter().all(|(hidden, _)| *hidden != id));
            assert_eq!(shown.get(&node.name[..]).copied().unwrap_or(0), expected, "{}", node.name);
        }
    }
}

/// Each node but the image belongs to one step.
#[test]
fn steps_share_no_node() {
    for seed in 0..20 {
        let mut rng = Rng(seed);
        let shape = random::Shape { direct: rng.chance(1, 3), ..random::shape(&mut rng) };
        let net = random::network(&mut rng, &shape);
        let Ok(fused) = Fused::of(&net) else { continue };
        let mut nodes: Vec<NodeId> = fused.steps.iter().flat_map(|step| step.nodes.clone()).collect();
        nodes.sort();
        assert!(nodes.into_iter().eq((1..net.nodes.len()).map(NodeId)));
    }
}
