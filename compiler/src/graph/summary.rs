//! What is in a network: layers, extents, parameters and work per image.

use super::{Conv, Encoder, GraphError, InputKind, MapShape, Network, Neuron, Origin};

/// What a layer does, and so what its work is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerKind {
    /// 3x3 convolution on the image, once per image (multiply-accumulate).
    Stem,
    /// Two-layer perceptron along time on the mean and the maximum of the stem.
    TemporalAttention,
    /// K x K convolution of the attention, once per image (multiply-accumulate).
    SpatialChannelAttention,
    /// `sigmoid(TA * SCA)` times the stem's spikes; no parameters.
    Gate,
    /// 3x3 convolution on spikes, every timestep (synaptic operations).
    SpikingConv,
    /// 1x1 convolution on membranes, every timestep (multiply-accumulate).
    Projection,
    /// Linear layer on spike counts, once per image.
    Head,
}

/// One layer of a network.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Layer {
    /// Name as in the checkpoint, e.g. `layer1.0.conv1`.
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
    /// Neurons of the LIF population in front of this layer (0 if none); each holds one membrane.
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
    /// All layers in the order data meets them.
    pub layers: Vec<Layer>,
    /// Trained numbers in all.
    pub params: u64,
    /// Dense synaptic operations per image in all.
    pub sops: u64,
    /// Multiply-accumulates per image in all.
    pub macs: u64,
    /// Neurons in all, the stem's included.
    pub neurons: u64,
}

pub(super) fn of(net: &Network) -> Result<Summary, GraphError> {
    let t = net.timesteps as u64;
    let x = net.stem_output()?;
    let mut layers = Vec::new();
    let stem =
        Layer { params: conv_params(&net.stem.conv), ..conv_layer("conv1", &net.stem.conv, net.input, x) };
    layers.push(Layer { kind: LayerKind::Stem, macs: dense(&net.stem.conv, x), ..stem });
    if let Some(encoder) = &net.encoder {
        layers.extend(attention(encoder, net.timesteps, x));
    }
    let mut last = x;
    for placed in net.blocks()? {
        let (block, name) = (placed.block, &placed.name);
        let convs = [("conv1", &block.conv1.conv, placed.input), ("conv2", &block.conv2.conv, placed.output)];
        for (part, conv, input) in convs {
            layers.push(Layer {
                kind: LayerKind::SpikingConv,
                params: conv_params(conv),
                sops: dense(conv, placed.output).saturating_mul(t),
                neurons: input.len() as u64,
                ..conv_layer(&format!("{name}.{part}"), conv, input, placed.output)
            });
        }
        if let Some(projection) = &block.shortcut {
            let conv = &projection.conv;
            layers.push(Layer {
                kind: LayerKind::Projection,
                params: conv_params(conv),
                macs: dense(conv, placed.output).saturating_mul(t),
                ..conv_layer(&format!("{name}.downsample"), conv, placed.input, placed.output)
            });
        }
        last = placed.output;
    }
    let classes = net.classes();
    layers.push(Layer {
        params: (net.head.weight.len() + classes) as u64,
        macs: net.head.weight.len() as u64,
        neurons: if net.head.last_lif { last.len() as u64 } else { 0 },
        ..plain("fc1", LayerKind::Head, last, MapShape { c: classes, h: 1, w: 1 })
    });
    let total = |count: fn(&Layer) -> u64| layers.iter().map(count).fold(0, u64::saturating_add);
    Ok(Summary {
        origin: net.origin.clone(),
        input_kind: net.input_kind,
        input: net.input,
        classes,
        timesteps: net.timesteps,
        neuron: net.neuron,
        attention_kernel: net.encoder.as_ref().map(|e| e.sca_v1.kernel()),
        last_lif: net.head.last_lif,
        params: total(|l| l.params),
        sops: total(|l| l.sops),
        macs: total(|l| l.macs),
        neurons: total(|l| l.neurons),
        layers,
    })
}

/// The encoder's layers, on a stem of output `x`.
fn attention(encoder: &Encoder, timesteps: usize, x: MapShape) -> Vec<Layer> {
    let ta = (encoder.ta_w1.len() + encoder.ta_w2.len()) as u64;
    let ta_out = MapShape { c: timesteps, h: 1, w: 1 };
    let mut layers = vec![Layer {
        params: ta,
        macs: 2 * ta,
        ..plain("encoding.TA", LayerKind::TemporalAttention, x, ta_out)
    }];
    for (name, conv) in [("encoding.SCA.0", &encoder.sca_v1), ("encoding.SCA.2", &encoder.sca_v2)] {
        let layer = conv_layer(name, conv, x, x);
        layers.push(Layer {
            kind: LayerKind::SpatialChannelAttention,
            params: conv.weight.len() as u64,
            macs: dense(conv, x),
            ..layer
        });
    }
    layers.push(Layer { neurons: x.len() as u64, ..plain("encoding.gate", LayerKind::Gate, x, x) });
    layers
}

/// Taps of a convolution over its whole output, padded ones included, for one timestep.
fn dense(conv: &Conv, output: MapShape) -> u64 {
    (conv.weight.len() as u64).saturating_mul((output.h * output.w) as u64)
}

/// Weights of the convolution and gamma and beta of the batch norm behind it.
fn conv_params(conv: &Conv) -> u64 {
    (conv.weight.len() + 2 * conv.out_channels()) as u64
}

fn plain(name: &str, kind: LayerKind, input: MapShape, output: MapShape) -> Layer {
    Layer {
        name: name.to_owned(),
        kind,
        input,
        output,
        kernel: 0,
        stride: 0,
        params: 0,
        sops: 0,
        macs: 0,
        neurons: 0,
    }
}

fn conv_layer(name: &str, conv: &Conv, input: MapShape, output: MapShape) -> Layer {
    let layer = plain(name, LayerKind::SpikingConv, input, output);
    Layer { kernel: conv.kernel(), stride: conv.stride, ..layer }
}
