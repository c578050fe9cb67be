//! The checked float network: what a trained Gated-Attention-Coding checkpoint means, layer by layer.
//!
//! Data in: weights and constants from [`crate::import`]. Data out: [`Network`], read by the float
//! interpreter ([`crate::float`]), by the quantiser and by `spikegate inspect` (through
//! [`Network::summary`]). Nothing is folded here: batch norm stays beside its convolution, as trained.
//!
//! Source: Qiu et al., "Gated Attention Coding for Training High-performance and Efficient Spiking
//! Neural Networks", AAAI-24, and the authors' CIFAR code. The form is fixed: stem convolution + BN,
//! gated attention encoder (or none: direct coding), stages of membrane-shortcut blocks, last LIF, spatial mean, one linear layer.
//!
//! Every type here has public fields, so that a pass may rewrite a network; [`Network::check`] says
//! whether the result still fits together, and everything that computes with a network calls it first.

mod check;
mod summary;
mod tensor;

pub use check::GraphError;
pub use summary::{Layer, LayerKind, Summary};
pub use tensor::{Tensor, TensorError};

pub use spikegate_contract::network::FireRule;

/// Added to every running variance before the square root, unless the constants say otherwise (PyTorch's `BatchNorm2d`
/// default).
pub const BN_EPSILON: f64 = 1e-5;

/// Extents of one feature map: channels, rows, columns. The index order is `[C, H, W]`, row-major.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct MapShape {
    /// Channels.
    pub c: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
}

impl MapShape {
    /// Number of values, `c * h * w`, saturating.
    pub fn len(&self) -> usize {
        self.c.saturating_mul(self.h).saturating_mul(self.w)
    }

    /// Whether an extent is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Display for MapShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {}, {}]", self.c, self.h, self.w)
    }
}

/// The leaky integrate-and-fire neuron, the same for every population of a network:
/// `u = 2^-leak_shift * (1 - s) * u + x`, `s = u > threshold`, u and s zero before the first timestep
/// (hard reset to zero, applied before the next leak).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Neuron {
    /// `k` of the leak `2^-k`, 0 (no leak) to 15.
    pub leak_shift: u8,
    /// Firing level, positive.
    pub threshold: f64,
    /// Whether equality fires: not in the authors' networks.
    pub fire: FireRule,
}

impl Neuron {
    /// Whether a membrane `u` fires, in the units of the float network.
    pub fn fires(&self, u: f64) -> bool {
        match self.fire {
            FireRule::Gt => u > self.threshold,
            FireRule::Ge => u >= self.threshold,
        }
    }

    /// The factor on the membrane per timestep, `2^-leak_shift`.
    pub fn leak(&self) -> f64 {
        2f64.powi(-i32::from(self.leak_shift))
    }
}

/// Zero padding of a convolution, the same for rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Padding {
    /// Zeros above and to the left.
    pub before: usize,
    /// Zeros below and to the right.
    pub after: usize,
}

impl Padding {
    /// PyTorch's `padding='same'` at stride 1: `K - 1` zeros in all, the odd one **after**
    /// (K = 3: 1 and 1; K = 4: 1 and 2; K = 8: 3 and 4).
    pub fn same(kernel: usize) -> Padding {
        let total = kernel.saturating_sub(1);
        Padding { before: total / 2, after: total - total / 2 }
    }
}

/// A square convolution without bias (cross-correlation, as in PyTorch).
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// `[Cout, Cin, K, K]`.
    pub weight: Tensor,
    /// Step in both directions, in input pixels.
    pub stride: usize,
    /// Zeros around the map.
    pub padding: Padding,
}

impl Conv {
    /// Output channels.
    pub fn out_channels(&self) -> usize {
        self.weight.dim(0)
    }

    /// Input channels.
    pub fn in_channels(&self) -> usize {
        self.weight.dim(1)
    }

    /// Kernel side in pixels.
    pub fn kernel(&self) -> usize {
        self.weight.dim(2)
    }

    /// Output map for an input map (channels come from the weight), or `None` when the kernel does
    /// not fit into the padded map even once.
    pub fn output(&self, input: MapShape) -> Option<MapShape> {
        let extent = |size: usize| {
            let room = (size + self.padding.before + self.padding.after).checked_sub(self.kernel())?;
            Some(room.checked_div(self.stride)? + 1)
        };
        Some(MapShape { c: self.out_channels(), h: extent(input.h)?, w: extent(input.w)? })
    }
}

/// Batch norm at inference: `(x - mean) / sqrt(var + eps) * weight + bias`, one entry per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    /// Gamma.
    pub weight: Vec<f32>,
    /// Beta.
    pub bias: Vec<f32>,
    /// Running mean.
    pub mean: Vec<f32>,
    /// Running variance, not negative.
    pub var: Vec<f32>,
    /// Added to every variance, positive.
    pub eps: f64,
}

impl BatchNorm {
    /// `(scale, offset)` with `bn(x) = x * scale + offset` for every channel, in f64.
    pub fn affine(&self) -> Vec<(f64, f64)> {
        let channels = self.weight.iter().zip(&self.bias).zip(self.mean.iter().zip(&self.var));
        channels
            .map(|((&gamma, &beta), (&mean, &var))| {
                let scale = f64::from(gamma) / (f64::from(var) + self.eps).sqrt();
                (scale, f64::from(beta) - f64::from(mean) * scale)
            })
            .collect()
    }
}

/// A convolution and its batch norm.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvBn {
    /// The convolution.
    pub conv: Conv,
    /// The batch norm on its output.
    pub bn: BatchNorm,
}

/// The gated attention encoder on the stem's output `X`, with `S = LIF(X)`:
/// `Y = sigmoid(TA(X) * SCA(X)) * S`.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    /// Temporal attention, first layer, `[T/2, T]`.
    pub ta_w1: Tensor,
    /// Temporal attention, second layer, `[T, T/2]`.
    pub ta_w2: Tensor,
    /// Spatial-channel attention, first convolution `[C, C, K, K]`, 'same' padding; ReLU follows.
    pub sca_v1: Conv,
    /// Spatial-channel attention, second convolution, of the same shape.
    pub sca_v2: Conv,
}

/// One membrane-shortcut block:
/// `out = bn2(conv2(lif(bn1(conv1(lif(x)))))) + shortcut(x)`. The shortcut takes the membrane `x`
/// itself, not spikes; without a projection it is the identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// First 3x3 convolution; carries the block's stride.
    pub conv1: ConvBn,
    /// Second 3x3 convolution, stride 1.
    pub conv2: ConvBn,
    /// 1x1 projection of the shortcut with the block's stride, where the checkpoint has one.
    pub shortcut: Option<ConvBn>,
}

/// The last linear layer on the mean over time and space of every channel: its spike rate, or its mean membrane.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// `[classes, C]`.
    pub weight: Tensor,
    /// One per class.
    pub bias: Vec<f32>,
    /// Whether neurons stand before the mean; without them it is the mean of the membrane stream.
    pub last_lif: bool,
}

/// How the input meets time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum InputKind {
    /// One still image, the same at every timestep: the encoder runs once per image.
    StillImage,
}

/// Something that was taken for granted, because nothing said it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Assumption {
    /// The constant, key or choice, e.g. `bn_eps`.
    pub what: String,
    /// What was taken for it.
    pub taken: String,
    /// Why, and how to say otherwise.
    pub why: String,
}

/// Where a network came from; never used in a computation.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Origin {
    /// Name of the model file without folder or extension.
    pub name: String,
    /// SHA-256 of that file; empty where there is none.
    pub sha256: String,
    /// Label of the training recipe, e.g. `cifar`.
    pub preset: String,
    /// Data set the network was trained on, where the file says it.
    pub dataset: Option<String>,
    /// Top-1 accuracy of the float network as the trainer measured it, 0 to 1.
    pub float_top1: Option<f64>,
    /// What made the file, where it says it.
    pub made: Option<String>,
    /// What was taken for granted when it was read.
    pub assumed: Vec<Assumption>,
}

/// A whole float network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Where it came from.
    pub origin: Origin,
    /// How images are presented.
    pub input_kind: InputKind,
    /// Image extents; pixels are bytes.
    pub input: MapShape,
    /// Per channel, subtracted from `pixel / 255`.
    pub mean: Vec<f64>,
    /// Per channel, divides afterwards; positive.
    pub std: Vec<f64>,
    /// Timesteps per image.
    pub timesteps: usize,
    /// The neuron of every population.
    pub neuron: Neuron,
    /// 3x3 convolution, stride 1.
    pub stem: ConvBn,
    /// Gated attention on the stem's output; `None` is direct coding: the stem's output itself, at every timestep, is
    /// the stream that enters the first block.
    pub encoder: Option<Encoder>,
    /// `stages[i]` is `layer{i+1}`; each is a list of blocks.
    pub stages: Vec<Vec<Block>>,
    /// Linear layer after the last LIF and the mean over time and space.
    pub head: Head,
}

/// One block with its name and its map extents.
#[derive(Debug, Clone)]
pub struct PlacedBlock<'a> {
    /// `layer{stage}.{index}` as in the checkpoint, e.g. `layer1.0`.
    pub name: String,
    /// Stage, counted from 0.
    pub stage: usize,
    /// The weights.
    pub block: &'a Block,
    /// Map that enters the block.
    pub input: MapShape,
    /// Map that leaves the block (and the map between its convolutions).
    pub output: MapShape,
}

impl Network {
    /// Output map of the stem, and of the encoder.
    ///
    /// # Errors
    /// The stem does not fit onto the image.
    pub fn stem_output(&self) -> Result<MapShape, GraphError> {
        check::conv_output("conv1", &self.stem.conv, self.input)
    }

    /// Every block in the order data meets it, with its extents.
    ///
    /// # Errors
    /// A convolution does not fit onto its map.
    pub fn blocks(&self) -> Result<Vec<PlacedBlock<'_>>, GraphError> {
        let mut placed = Vec::new();
        let mut input = self.stem_output()?;
        for (stage, blocks) in self.stages.iter().enumerate() {
            for (index, block) in blocks.iter().enumerate() {
                let name = format!("layer{}.{index}", stage + 1);
                let output = check::conv_output(&format!("{name}.conv1"), &block.conv1.conv, input)?;
                placed.push(PlacedBlock { name, stage, block, input, output });
                input = output;
            }
        }
        Ok(placed)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.head.bias.len()
    }

    /// Whether all parts fit together: channel counts, padding, strides, lengths, finite numbers.
    ///
    /// # Errors
    /// The first thing that does not, with what was expected.
    pub fn check(&self) -> Result<(), GraphError> {
        check::network(self)
    }

    /// Whether the constants are in their ranges; part of [`Network::check`], which needs no weights.
    ///
    /// # Errors
    /// The first that is not, with what was expected.
    pub fn check_constants(&self) -> Result<(), GraphError> {
        check::constants(self)
    }

    /// Layers with shapes, parameter counts and work per image, for people and for JSON.
    ///
    /// # Errors
    /// The network does not pass [`Network::check`].
    pub fn summary(&self) -> Result<Summary, GraphError> {
        self.check()?;
        summary::of(self)
    }
}
