//! Pass 2: nodes to steps.
//!
//! An instruction of the array is this pattern, with every part in brackets free to be there or not:
//!
//! convolution -> requantisation -> [+ residual | gate] -> { [statistics], [code], [stream], [neurons -> [spikes], [counts]] }
//!
//! A step grows from its convolution along the nodes that read it. What is left over belongs to no instruction.

use spikegate_contract::network::{Form, Network, NodeId, Op};

use super::error::PlanError;
use super::step::{Does, Gated, Neurons, Operand, Own, Phase, Step};

/// The steps of a network that is [legal](super::legalise), each behind those it reads from.
///
/// # Errors
/// [`PlanError::Unsupported`]: nodes that no instruction serves where they stand.
pub(super) fn fuse(net: &Network) -> Result<Vec<Step>, PlanError> {
    let mut readers = vec![Vec::new(); net.nodes.len()];
    for (id, node) in net.iter() {
        node.inputs.iter().for_each(|input| readers[input.0].push(id));
    }
    let graph = Graph { net, readers };
    let mut steps = Vec::new();
    for (id, node) in net.iter() {
        let input = node.inputs.first().copied().unwrap_or(id);
        steps.push(match &node.op {
            Op::Conv(_) => graph.conv(id)?,
            Op::TemporalAttention(_) => Step::new(id, Phase::Image, Does::Temporal),
            Op::Pool { .. } => Step::new(id, Phase::Batch, Does::Pool(input)),
            Op::Linear(_) => {
                let operand = match net.node(input).out.form {
                    Form::Counts { largest } => {
                        Operand::Counts { node: input, bits: 32 - largest.leading_zeros() }
                    }
                    _ => Operand::Pooled { node: input },
                };
                Step::new(id, Phase::Result, Does::Layer(operand))
            }
            _ => continue,
        });
    }
    let mut makers = vec![None; net.nodes.len()];
    for (at, step) in steps.iter().enumerate() {
        step.nodes.iter().for_each(|node| makers[node.0] = Some(at));
    }
    let left = net.iter().skip(1).find(|(id, _)| makers[id.0].is_none());
    match left {
        Some((id, _)) => graph.left_over(id),
        None => order(net, steps, &makers),
    }
}

struct Graph<'a> {
    net: &'a Network,
    readers: Vec<Vec<NodeId>>,
}

impl Graph<'_> {
    fn op(&self, id: NodeId) -> &Op {
        &self.net.node(id).op
    }

    /// The summand that an addition's instruction computes: the first convolution that nothing else reads.
    fn computed(&self, addition: NodeId) -> Option<NodeId> {
        let inputs = &self.net.node(addition).inputs;
        let alone = |id: NodeId| matches!(self.op(id), Op::Conv(_)) && self.readers[id.0].len() == 1;
        inputs.iter().copied().find(|&id| alone(id))
    }

    fn conv(&self, id: NodeId) -> Result<Step, PlanError> {
        let operand = self.operand(id);
        let phase = match operand {
            Operand::Image | Operand::Code { .. } => Phase::Image,
            _ => Phase::Batch,
        };
        let mut step = Step::new(id, phase, Does::Layer(operand));
        let mut value = id;
        if let &[reader] = &self.readers[id.0][..] {
            let inputs = &self.net.node(reader).inputs;
            match self.op(reader) {
                Op::Add if self.computed(reader) == Some(id) => {
                    step.residual = inputs.iter().copied().find(|&other| other != id);
                    value = reader;
                }
                Op::Gate(_) if inputs[1] == id => {
                    step.gate = Some(Gated { node: reader, attention: inputs[0], spikes: inputs[2] });
                    value = reader;
                }
                _ => {}
            }
            step.nodes.extend((value != id).then_some(value));
        }
        for &reader in &self.readers[value.0] {
            if *self.op(reader) == Op::Repeat {
                step.nodes.push(reader);
                self.readers[reader.0].iter().try_for_each(|&next| self.output(&mut step, reader, next))?;
            } else {
                self.output(&mut step, value, reader)?;
            }
        }
        if let (Some(Neurons { counts: Some(counts), .. }), Some(stream)) = (step.neurons, step.stream) {
            return self.shared(stream, [counts, self.readers[stream.0][0]]);
        }
        Ok(step)
    }

    /// What a convolution reads.
    fn operand(&self, id: NodeId) -> Operand {
        let node = self.net.node(id).inputs[0];
        let x = self.net.node(node);
        match (&x.op, x.out.form) {
            (Op::Input { .. }, _) => Operand::Image,
            (Op::Code { shift, .. }, Form::Code { bits, signed }) if x.out.timed => {
                Operand::Stream { node: x.inputs[0], planes: bits, below: *shift, signed }
            }
            (_, Form::Code { signed, .. }) => Operand::Code { node, signed },
            (_, Form::Spikes) => Operand::Spikes { node },
            _ => Operand::Stream { node, planes: 16, below: 0, signed: true },
        }
    }

    /// Adds to a step what one reader takes of its value.
    fn output(&self, step: &mut Step, value: NodeId, reader: NodeId) -> Result<(), PlanError> {
        let before = match self.op(reader) {
            Op::Lif { threshold, neuron } => {
                let (node, threshold, own) = (reader, *threshold, Own::of(self.net, *neuron));
                let readers = &self.readers[reader.0];
                let counting = |&&id: &&NodeId| *self.op(id) == Op::Count;
                let counts = readers.iter().find(counting).copied();
                step.nodes.push(reader);
                step.nodes.extend(counts);
                let kept = readers.iter().any(|id| !counting(&id));
                step.neurons
                    .replace(Neurons { node, threshold, own, kept, counts })
                    .map(|neurons| neurons.node)
            }
            Op::Statistics => {
                step.statistics = true;
                step.nodes.push(reader);
                None
            }
            Op::Code { .. } if !self.net.node(value).out.timed => {
                step.nodes.push(reader);
                step.code.replace(reader)
            }
            Op::Conv(_) | Op::Pool { .. } | Op::Add | Op::Code { .. } => {
                if matches!(self.op(reader), Op::Code { .. }) {
                    step.nodes.push(reader);
                }
                step.stream.replace(value).filter(|&stream| stream != value)
            }
            // What is left over is found behind the last step.
            _ => None,
        };
        before.map_or(Ok(()), |before| self.shared(value, [before, reader]))
    }

    fn shared<T>(&self, id: NodeId, readers: [NodeId; 2]) -> Result<T, PlanError> {
        let [a, b] = readers.map(|id| &self.net.node(id).name);
        Err(PlanError::Unsupported {
            node: self.net.node(id).name.clone(),
            got: format!("read by `{a}` and `{b}`, which no one instruction can serve"),
            expected: "of each convolution one code, one stream and one population of neurons, and counts or a stream",
            todo: "compute it once for each of them".to_owned(),
        })
    }

    fn left_over<T>(&self, id: NodeId) -> Result<T, PlanError> {
        let node = self.net.node(id);
        let several = |id: &&NodeId| matches!(self.op(**id), Op::Conv(_)) && self.readers[id.0].len() > 1;
        if let Some(&conv) = node.inputs.iter().find(several) {
            let other = self.readers[conv.0].iter().copied().find(|&other| other != id);
            return self.shared(conv, [id, other.unwrap_or(id)]);
        }
        let inputs: Vec<String> =
            node.inputs.iter().map(|&id| format!("`{}`", self.net.node(id).name)).collect();
        Err(PlanError::Unsupported {
            node: node.name.clone(),
            got: format!("{} {} of {}", article(node.op.name()), node.op.name(), inputs.join(" and ")),
            expected: "it right behind a convolution, whose instruction then computes it",
            todo: "put it behind a convolution of its own".to_owned(),
        })
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'i', 'L']) {
        "an"
    } else {
        "a"
    }
}

/// By phase, each step behind those that make what it reads, and otherwise in the order of the nodes.
fn order(net: &Network, mut left: Vec<Step>, makers: &[Option<usize>]) -> Result<Vec<Step>, PlanError> {
    let inputs = |step: &Step| -> Vec<usize> {
        let read = step.nodes.iter().flat_map(|&id| &net.node(id).inputs);
        read.filter(|id| !step.nodes.contains(id)).filter_map(|id| makers[id.0]).collect()
    };
    let reads: Vec<Vec<usize>> = left.iter().map(inputs).collect();
    let mut numbers: Vec<usize> = (0..left.len()).collect();
    numbers.sort_by_key(|&number| left[number].phase);
    let (mut done, mut sorted) = (vec![false; left.len()], Vec::new());
    while let Some(at) = numbers.iter().position(|&n| reads[n].iter().all(|&read| done[read])) {
        let number = numbers.remove(at);
        done[number] = true;
        if sorted.last().is_some_and(|&last: &usize| left[last].phase > left[number].phase) {
            let node = net.node(left[number].node);
            return Err(PlanError::Unsupported {
                node: node.name.clone(),
                got: "it reads codes of the image, and what is computed from spikes".to_owned(),
                expected: "what is computed once per image first",
                todo: "let it read spikes of the image's own convolutions".to_owned(),
            });
        }
        sorted.push(number);
    }
    let mut steps: Vec<Option<Step>> = left.drain(..).map(Some).collect();
    Ok(sorted.into_iter().filter_map(|number| steps[number].take()).collect())
}
