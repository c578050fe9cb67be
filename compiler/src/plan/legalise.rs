//! Pass 1: what the contract allows and the core cannot do, node by node.

use spikegate_contract::globals::MAX_IMAGE_CHANNELS;
use spikegate_contract::network::{
    Form, Network, Node, NodeId, Op, Rounding, Value, ATTENTION_CODE_BITS, MAX_KERNEL,
};

use super::error::PlanError;

/// Operations that the core has one unit, table or register for.
const SINGLE: [&str; 5] = ["statistics", "temporal attention", "gate", "pooling", "linear layer"];

/// Checks a network that the contract finds good.
///
/// # Errors
/// [`PlanError::Unsupported`] or [`PlanError::Limit`], naming the first node that the core cannot compute.
pub(super) fn legalise(net: &Network) -> Result<(), PlanError> {
    for name in SINGLE {
        if let Some((_, second)) = net.iter().filter(|(_, node)| node.op.name() == name).nth(1) {
            let todo = format!("leave one {name}");
            return refuse(second, format!("a second {name}"), "one", &todo);
        }
    }
    let mut read = vec![false; net.nodes.len()];
    net.nodes.iter().flat_map(|node| &node.inputs).for_each(|input| read[input.0] = true);
    for (id, node) in net.iter() {
        if !read[id.0] && id.0 + 1 < net.nodes.len() {
            return refuse(node, "read by no node".to_owned(), "only what is read", "leave it out");
        }
        match &node.op {
            Op::Input { .. } => image(net, id, node)?,
            Op::Conv(_) if *form(net, node) == Form::Stream && !net.source(id).out.timed => {
                let todo = "give it a code of the stream, or the stream at every timestep";
                return refuse(node, "a convolution of an untimed stream".to_owned(), "codes there", todo);
            }
            Op::Code { shift, rounding } => code(net, id, node, *shift, *rounding)?,
            Op::Gate(_) if !matches!(net.source(id).op, Op::TemporalAttention(_)) => {
                let got = format!("a gate that reads `{}` as attention", net.source(id).name);
                return refuse(node, got, "a temporal attention", "put one before the gate");
            }
            Op::Count => {
                if let Form::Counts { largest } = node.out.form {
                    let todo = "use fewer timesteps or a smaller last map";
                    let what = "largest spike count of a channel (T * H * W)";
                    limit(node, what, largest.into(), (1 << 16) - 1, todo)?;
                }
            }
            Op::Pool { .. } => {
                let [_, h, w] = net.source(id).out.shape;
                let todo = "use smaller images, or train with neurons before the pooling";
                limit(
                    node,
                    "larger side of the map that is summed",
                    h.max(w) as i64,
                    MAX_KERNEL as i64,
                    todo,
                )?;
            }
            Op::Linear(_) if !matches!(net.source(id).op, Op::Count | Op::Pool { .. }) => {
                let got = format!("a linear layer of `{}`", net.source(id).name);
                return refuse(node, got, "counts or a pooling before it", "put one there");
            }
            _ => {}
        }
    }
    Ok(())
}

/// The image goes to one convolution, which reads it as patches.
fn image(net: &Network, id: NodeId, node: &Node) -> Result<(), PlanError> {
    let channels = node.out.shape[0] as i64;
    limit(node, "number of image channels", channels, MAX_IMAGE_CHANNELS as i64, "use fewer channels")?;
    let readers: Vec<&Node> = net.readers(id).map(|(_, reader)| reader).collect();
    match &readers[..] {
        [one] if matches!(one.op, Op::Conv(_)) => Ok(()),
        _ => {
            let got = format!("an image that {} nodes read", readers.len());
            refuse(node, got, "one convolution of it", "let the others read that one's value")
        }
    }
}

/// Untimed codes have their own memory and two forms; a timed one must be planes of the stream as they are.
fn code(net: &Network, id: NodeId, node: &Node, shift: u8, rounding: Rounding) -> Result<(), PlanError> {
    let Value { form: Form::Code { bits, signed }, timed, .. } = node.out else { return Ok(()) };
    let got = |what: &str| {
        let sign = if signed { "signed" } else { "unsigned" };
        format!("a {what} of {bits} bits, {sign}, behind a shift of {shift}")
    };
    if timed {
        let fits = match &net.source(id).op {
            Op::Gate(gate) => u16::from(gate.table_bits) + u16::from(gate.y_shift) <= u16::from(bits + shift),
            _ => false,
        };
        if fits && !signed && rounding == Rounding::Floor {
            return Ok(());
        }
        return refuse(
            node,
            got("timed code"),
            "the highest bits of a gate, without rounding",
            "read the stream",
        );
    }
    let first = signed && rounding == Rounding::HalfUp;
    let relu = !signed && shift == 0;
    if usize::from(bits) == ATTENTION_CODE_BITS && (first || relu) {
        return Ok(());
    }
    let expected = "8 bits: signed and rounded half up, or unsigned without a shift";
    refuse(node, got("code"), expected, "choose one of those forms")
}

fn form<'a>(net: &'a Network, node: &Node) -> &'a Form {
    &net.node(node.inputs[0]).out.form
}

fn limit(node: &Node, what: &'static str, got: i64, most: i64, todo: &'static str) -> Result<(), PlanError> {
    if got <= most {
        return Ok(());
    }
    let expected = format!("at most {most}");
    Err(PlanError::Limit { node: node.name.clone(), what, got, expected, todo })
}

fn refuse(node: &Node, got: String, expected: &'static str, todo: &str) -> Result<(), PlanError> {
    Err(PlanError::Unsupported { node: node.name.clone(), got, expected, todo: todo.to_owned() })
}
