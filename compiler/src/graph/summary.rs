//! What is in a network: nodes, extents, parameters and work per image.

use super::{Conv, MapShape, Network, Neuron, Node, Op, Origin, Value};

/// How the input meets time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum InputKind {
    /// One still image, the same at every timestep: the encoder runs once per image.
    StillImage,
}

/// What a node does, and so what its work is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LayerKind {
    /// Convolution on the image, once per image (multiply-accumulate).
    Stem,
    /// A population of neurons; each holds one membrane.
    Neurons,
    /// Two-layer perceptron along time on the mean and the maximum of a map.
    TemporalAttention,
    /// Convolution of the attention, once per image (multiply-accumulate).
    SpatialChannelAttention,
    /// Convolution on spikes, every timestep (synaptic operations).
    SpikingConv,
    /// Convolution on membranes, every timestep (multiply-accumulate).
    Projection,
    /// Linear layer, once per image.
    Head,
}

/// One node of a network that has parameters, work or neurons.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Layer {
    /// Name of the node, e.g. `layer1.0.conv1`.
    pub name: String,
    /// What it does.
    pub kind: LayerKind,
    /// Map it reads.
    pub input: MapShape,
    /// Map it writes.
    pub output: MapShape,
    /// Kernel side; 0 where there is no kernel.
    pub kernel: usize,
    /// Stride; 0 where there is no kernel.
    pub stride: usize,
    /// Trained numbers: weights, biases, and the batch norm's gamma and beta.
    pub params: u64,
    /// Dense synaptic operations per image: all taps, padded ones too, times T. Zero for layers
    /// that do not read spikes.
    pub sops: u64,
    /// Multiply-accumulates per image, dense, padded taps too. Zero for layers that read spikes.
    pub macs: u64,
    /// Neurons (0 if none); each holds one membrane.
    pub neurons: u64,
}

/// A network in numbers; made by [`Network::summary`].
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Where the network came from.
    pub origin: Origin,
    /// How images are presented.
    pub input_kind: InputKind,
    /// Image extents.
    pub input: MapShape,
    /// Number of classes.
    pub classes: usize,
    /// Timesteps per image.
    pub timesteps: usize,
    /// The neuron of every population.
    pub neuron: Neuron,
    /// Kernel side of the attention; `None` in direct coding.
    pub attention_kernel: Option<usize>,
    /// Whether neurons stand before the pooling.
    pub last_lif: bool,
    /// Nodes in the order data meets them.
    pub layers: Vec<Layer>,
    /// Trained numbers in all.
    pub params: u64,
    /// Dense synaptic operations per image in all.
    pub sops: u64,
    /// Multiply-accumulates per image in all.
    pub macs: u64,
    /// Neurons in all.
    pub neurons: u64,
}

/// The summary of a network that makes `values`.
pub(super) fn of(net: &Network, values: &[Value]) -> Summary {
    let layers: Vec<Layer> =
        net.nodes.iter().zip(values).filter_map(|(node, &value)| layer(net, values, node, value)).collect();
    let total = |count: fn(&Layer) -> u64| layers.iter().map(count).fold(0, u64::saturating_add);
    let attention = layers.iter().find(|layer| layer.kind == LayerKind::SpatialChannelAttention);
    let reads_spikes = |node: &Node| node.inputs.iter().any(|&id| net.node(id).op == Op::Lif);
    let mut means = net.nodes.iter().filter(|node| node.op == Op::Mean);
    Summary {
        origin: net.origin.clone(),
        input_kind: InputKind::StillImage,
        input: net.input,
        classes: net.classes(),
        timesteps: net.timesteps,
        neuron: net.neuron,
        attention_kernel: attention.map(|layer| layer.kernel),
        last_lif: means.any(reads_spikes),
        params: total(|l| l.params),
        sops: total(|l| l.sops),
        macs: total(|l| l.macs),
        neurons: total(|l| l.neurons),
        layers,
    }
}

/// The node as a layer, if it has parameters, work or neurons.
fn layer(net: &Network, values: &[Value], node: &Node, value: Value) -> Option<Layer> {
    let source = *node.inputs.first()?;
    let input = values[source.0].map;
    let plain = |kind| Layer {
        name: node.name.clone(),
        kind,
        input,
        output: value.map,
        kernel: 0,
        stride: 0,
        params: 0,
        sops: 0,
        macs: 0,
        neurons: 0,
    };
    match &node.op {
        Op::Conv(conv) => {
            let times = value.steps(net.timesteps) as u64;
            let work = dense(conv, value.map).saturating_mul(times);
            let kind = match net.node(source).op {
                Op::Input { .. } => LayerKind::Stem,
                Op::Lif => LayerKind::SpikingConv,
                _ if value.timed => LayerKind::Projection,
                _ => LayerKind::SpatialChannelAttention,
            };
            let spiking = kind == LayerKind::SpikingConv;
            let norm = conv.bn.as_ref().map_or(0, |bn| bn.weight.len() + bn.bias.len());
            Some(Layer {
                kernel: conv.kernel(),
                stride: conv.stride,
                params: (conv.weight.len() + norm) as u64,
                sops: if spiking { work } else { 0 },
                macs: if spiking { 0 } else { work },
                ..plain(kind)
            })
        }
        Op::Lif => Some(Layer { neurons: value.map.len() as u64, ..plain(LayerKind::Neurons) }),
        Op::TemporalAttention(attention) => {
            let params = (attention.w1.len() + attention.w2.len()) as u64;
            Some(Layer { params, macs: 2 * params, ..plain(LayerKind::TemporalAttention) })
        }
        Op::Linear(linear) => Some(Layer {
            params: (linear.weight.len() + linear.bias.len()) as u64,
            macs: linear.weight.len() as u64,
            ..plain(LayerKind::Head)
        }),
        Op::Input { .. } | Op::Relu | Op::Gate | Op::Repeat | Op::Add | Op::Mean => None,
    }
}

/// Taps of a convolution over its whole output, padded ones included, for one timestep.
fn dense(conv: &Conv, output: MapShape) -> u64 {
    (conv.weight.len() as u64).saturating_mul((output.h * output.w) as u64)
}
