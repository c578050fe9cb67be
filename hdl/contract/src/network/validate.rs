//! That a network is complete and within the ranges of the contract, so that whatever computes it may index freely.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::failure::{Failure, Kind};

use super::{weight_range, GATE_ENTRIES, GATE_MAX_BITS, IMAGE_CODE_BITS, MAX_KERNEL, MAX_T, WEIGHT_BITS};
use super::{Conv, Form, Gate, Linear, Network, Neuron, Node, Op, Requant, TemporalAttention, Value};

/// A part of a network that is missing, of the wrong length or out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{node}: {what} is {got}, expected {expected}")]
pub struct Invalid {
    /// Name of the node, or `network`.
    pub node: String,
    /// Which property.
    pub what: String,
    /// What it is.
    pub got: String,
    /// What it must be.
    pub expected: String,
}

/// Most values in one map (one timestep): the sum over a map then fits s40.
const MAX_MAP: usize = 1 << 24;
/// Most nodes.
const MAX_NODES: usize = 1 << 16;

impl Network {
    /// Checks names, order, forms, lengths, shapes and ranges.
    ///
    /// # Errors
    /// The first thing that does not fit, naming the node.
    pub fn validate(&self) -> Result<(), Invalid> {
        let network = Place("network");
        network.range("T", self.timesteps, 2, MAX_T)?;
        leak(&network, &self.neuron)?;
        network.range("number of nodes", self.nodes.len(), 2, MAX_NODES)?;
        let mut names = HashSet::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let place = Place(&node.name);
            if !names.insert(&node.name) {
                return place.fail("number of nodes with this name", "2", "1");
            }
            let is_input = matches!(node.op, Op::Input { .. });
            if is_input != (at == 0) {
                let what = if is_input { "an input behind the first node" } else { "first node" };
                return place.fail(what, node.op.name(), "one input, which is the first node");
            }
            place.equal(
                "number of inputs",
                node.inputs.len(),
                node.op.arity(),
                &node.op.arity().to_string(),
            )?;
            for input in &node.inputs {
                if input.0 >= at {
                    return place.fail("place of an input", input.0, format!("before its own, {at}"));
                }
            }
            place.shape(&node.out)?;
            self.op(&place, node)?;
        }
        let Some(last) = self.nodes.last() else { return Ok(()) };
        if last.out.form != Form::Logits {
            return Place(&last.name).fail("last node", last.op.name(), "a linear layer");
        }
        Ok(())
    }

    /// What the operation asks of its inputs, its constants and its value.
    fn op(&self, place: &Place, node: &Node) -> Result<(), Invalid> {
        let inputs: Vec<&Value> = node.inputs.iter().map(|&id| &self.node(id).out).collect();
        let out = &node.out;
        match (&node.op, &inputs[..]) {
            (Op::Input { offset }, []) => {
                place.equal("length of offset", offset.len(), out.shape[0], &out.shape[0].to_string())?;
                let form = Form::Code { bits: IMAGE_CODE_BITS as u8, signed: true };
                place.makes(out, &Value::still(out.shape, form))
            }
            (Op::Conv(conv), [x]) => convolution(place, conv, x, out),
            (Op::Code { shift, .. }, [x]) => {
                place.reads(x, "a stream", x.form == Form::Stream)?;
                place.range("shift", (*shift).into(), 0, 15)?;
                let Form::Code { bits, .. } = out.form else { return place.form(out, "a code") };
                place.range("bits of the code", bits.into(), 1, 16)?;
                place.makes(out, &Value { form: out.form, ..(*x).clone() })
            }
            (Op::Lif { threshold, neuron }, [x]) => {
                place.reads(x, "a stream", x.form == Form::Stream)?;
                neuron.iter().try_for_each(|own| leak(place, own))?;
                place.range_of("threshold", *threshold, 1, 32766)?;
                place.makes(out, &Value::timed(x.shape, Form::Spikes))
            }
            (Op::Statistics, [x]) => {
                place.reads(x, "an untimed stream", x.form == Form::Stream && !x.timed)?;
                place.makes(out, &Value::still([2, 1, 1], Form::Statistics))
            }
            (Op::TemporalAttention(k), [x]) => {
                place.reads(x, "statistics", x.form == Form::Statistics)?;
                temporal(place, k, self.timesteps)?;
                place.makes(out, &Value::timed([1, 1, 1], Form::Stream))
            }
            (Op::Gate(k), [ta, sca, spikes]) => {
                let is_ta = ta.form == Form::Stream && ta.timed && ta.shape == [1, 1, 1];
                place.reads(ta, "a temporal attention first", is_ta)?;
                place.reads(spikes, "spikes last", spikes.form == Form::Spikes)?;
                let is_sca = sca.form == Form::Stream && !sca.timed && sca.shape == spikes.shape;
                place.reads(sca, "a spatial attention of the spikes' map second", is_sca)?;
                gate(place, k)?;
                place.makes(out, &Value::timed(spikes.shape, Form::Stream))
            }
            (Op::Repeat, [x]) => {
                place.reads(x, "an untimed stream", x.form == Form::Stream && !x.timed)?;
                place.makes(out, &Value::timed(x.shape, Form::Stream))
            }
            (Op::Add, [a, b]) => {
                for x in [a, b] {
                    place.reads(x, "timed streams", x.form == Form::Stream && x.timed)?;
                }
                place.same_shape("second summand", b.shape, a.shape)?;
                place.makes(out, &Value::timed(a.shape, Form::Stream))
            }
            (Op::Count, [x]) => {
                place.reads(x, "spikes", x.form == Form::Spikes)?;
                let largest = (self.timesteps * x.shape[1] * x.shape[2]) as u32;
                place.makes(out, &Value::still([x.shape[0], 1, 1], Form::Counts { largest }))
            }
            (Op::Pool { requant }, [x]) => {
                place.reads(x, "a timed stream", x.form == Form::Stream && x.timed)?;
                requants(place, requant, x.shape[0])?;
                let values = self.timesteps * x.shape[1] * x.shape[2];
                place.range("number of values of a sum (T * H * W)", values, 1, MAX_MAP)?;
                place.makes(out, &Value::still([x.shape[0], 1, 1], Form::Stream))
            }
            (Op::Linear(l), [x]) => {
                let is_vector = x.shape[1..] == [1, 1] && !x.timed;
                let reads = is_vector && matches!(x.form, Form::Counts { .. } | Form::Stream);
                place.reads(x, "counts, or an untimed stream of one pixel", reads)?;
                linear(place, l, x, out)
            }
            // The number of inputs is the operation's.
            _ => Ok(()),
        }
    }
}

fn leak(place: &Place, neuron: &Neuron) -> Result<(), Invalid> {
    place.range("leak_shift", neuron.leak_shift.into(), 0, 15)
}

fn convolution(place: &Place, c: &Conv, x: &Value, out: &Value) -> Result<(), Invalid> {
    let reads = matches!(x.form, Form::Code { .. } | Form::Spikes | Form::Stream);
    place.reads(x, "a map of codes, spikes or a stream", reads)?;
    place.range("k", c.k, 1, MAX_KERNEL)?;
    place.range("stride", c.stride, 1, 2)?;
    place.range("pad", c.pad, 0, c.k - 1)?;
    for (&size, &out) in x.shape[1..].iter().zip(&out.shape[1..]) {
        // Every window touches the map, so no more than k - 1 zeros follow it.
        let last = ((out - 1) * c.stride) as i64 - c.pad as i64;
        let what = "first row or column of the last window";
        place.range_of(what, last, 1 - c.k as i64, size as i64 - 1)?;
    }
    weights(place, c.weight_bits, &c.weights, out.shape[0] * x.shape[0] * c.k * c.k)?;
    requants(place, &c.requant, out.shape[0])?;
    place.makes(out, &Value { shape: out.shape, timed: x.timed, form: Form::Stream, frac_bits: None })
}

fn linear(place: &Place, l: &Linear, x: &Value, out: &Value) -> Result<(), Invalid> {
    let classes = out.shape[0];
    weights(place, l.weight_bits, &l.weights, classes * x.shape[0])?;
    place.equal("length of bias", l.bias.len(), classes, &classes.to_string())?;
    place.makes(out, &Value::still([classes, 1, 1], Form::Logits))
}

fn weights(place: &Place, bits: u8, weights: &[i8], expected: usize) -> Result<(), Invalid> {
    place.range_of("weight_bits", bits, *WEIGHT_BITS.start(), *WEIGHT_BITS.end())?;
    place.equal("number of weights", weights.len(), expected, &expected.to_string())?;
    let (low, high) = weight_range(bits).into_inner();
    weights.iter().try_for_each(|&w| place.range_of("weight", w, low, high))
}

fn temporal(place: &Place, k: &TemporalAttention, t: usize) -> Result<(), Invalid> {
    let lists = [
        ("mean_pos", &k.mean_pos),
        ("mean_neg", &k.mean_neg),
        ("max_pos", &k.max_pos),
        ("max_neg", &k.max_neg),
    ];
    for (what, list) in lists {
        place.equal(&format!("length of {what}"), list.len(), t, &t.to_string())?;
        list.iter().try_for_each(|&v| place.range_of(what, v, -(1 << 23), (1 << 23) - 1))?;
    }
    place.range("max_align", k.max_align.into(), 0, 24)?;
    place.range("ta_shift", k.ta_shift.into(), 0, 63)
}

fn gate(place: &Place, gate: &Gate) -> Result<(), Invalid> {
    place.range("z_shift", gate.z_shift.into(), 0, 31)?;
    place.range("table_bits", gate.table_bits.into(), 8, GATE_MAX_BITS as usize)?;
    let reach = usize::from(gate.table_bits) + usize::from(gate.y_shift);
    place.range("table_bits + y_shift", reach, 8, 15)?;
    place.equal("length of table", gate.table.len(), GATE_ENTRIES, &GATE_ENTRIES.to_string())?;
    gate.table.iter().try_for_each(|&g| place.range("table entry", g.into(), 0, (1 << gate.table_bits) - 1))
}

fn requants(place: &Place, all: &[Requant], channels: usize) -> Result<(), Invalid> {
    place.equal("length of requant", all.len(), channels, &channels.to_string())?;
    for r in all {
        place.range("requantisation shift", r.s.into(), 1, 31)?;
        // With the rounding half it still fits s48.
        let half = 1i64 << (r.s - 1);
        place.range_of("requantisation bias", r.b, -(1 << 47), (1 << 47) - 1 - half)?;
    }
    Ok(())
}

/// Where a message says that something is wrong.
struct Place<'a>(&'a str);

impl Place<'_> {
    fn fail(
        &self,
        what: impl Into<String>,
        got: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Result<(), Invalid> {
        let (node, got) = (self.0.to_owned(), got.to_string());
        Err(Invalid { node, what: what.into(), got, expected: expected.into() })
    }

    fn equal<T: PartialEq + std::fmt::Display>(
        &self,
        what: &str,
        got: T,
        want: T,
        text: &str,
    ) -> Result<(), Invalid> {
        if got == want {
            return Ok(());
        }
        self.fail(what, got, text)
    }

    fn range(&self, what: &str, got: usize, low: usize, high: usize) -> Result<(), Invalid> {
        self.range_of(what, got, low, high)
    }

    fn range_of<T: PartialOrd + std::fmt::Display>(
        &self,
        what: &str,
        got: T,
        low: T,
        high: T,
    ) -> Result<(), Invalid> {
        if (&low..=&high).contains(&&got) {
            return Ok(());
        }
        self.fail(what, got, format!("{low} to {high}"))
    }

    fn shape(&self, value: &Value) -> Result<(), Invalid> {
        for (axis, n) in ["channels", "height", "width"].iter().zip(value.shape) {
            self.range(axis, n, 1, 1 << 16)?;
        }
        let values = value.shape.iter().map(|&n| n as u64).product::<u64>();
        self.range_of("number of values of a map", values, 1, MAX_MAP as u64)
    }

    fn same_shape(&self, what: &str, got: [usize; 3], expected: [usize; 3]) -> Result<(), Invalid> {
        if got == expected {
            return Ok(());
        }
        self.fail(format!("shape of the {what}"), format!("{got:?}"), format!("{expected:?}"))
    }

    fn reads(&self, x: &Value, expected: &str, is: bool) -> Result<(), Invalid> {
        if is {
            return Ok(());
        }
        self.fail("what it reads", describe(x), expected)
    }

    fn form(&self, out: &Value, expected: &str) -> Result<(), Invalid> {
        self.fail("what it makes", describe(out), expected)
    }

    /// Fraction bits are free.
    fn makes(&self, out: &Value, expected: &Value) -> Result<(), Invalid> {
        if (out.shape, out.timed, out.form) == (expected.shape, expected.timed, expected.form) {
            return Ok(());
        }
        self.fail("what it makes", describe(out), describe(expected))
    }
}

/// A value in a message, such as `timed spikes [16, 28, 28]`.
fn describe(value: &Value) -> String {
    let form = match value.form {
        Form::Code { bits, signed } => {
            format!("{} {bits}-bit codes", if signed { "signed" } else { "unsigned" })
        }
        Form::Spikes => "spikes".to_owned(),
        Form::Stream => "stream".to_owned(),
        Form::Statistics => "statistics".to_owned(),
        Form::Counts { largest } => format!("counts up to {largest}"),
        Form::Logits => "logits".to_owned(),
    };
    format!("{} {form} {:?}", if value.timed { "timed" } else { "untimed" }, value.shape)
}

impl Failure for Invalid {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        None
    }
}
