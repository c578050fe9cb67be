//! The operations, as trained.

use ndarray::{Array1, Array2, Array4};

/// What a node computes; `x` is its first input. A tensor is one map `[C, H, W]` for the image, or one for every timestep.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// `(pixel / 255 - mean) / std`, one still map.
    Input {
        /// Per channel, subtracted from `pixel / 255`.
        mean: Vec<f64>,
        /// Per channel, divides afterwards; positive.
        std: Vec<f64>,
    },
    /// Convolution and its batch norm, timed as `x` is.
    Conv(Conv),
    /// `max(x, 0)`, timed as `x` is.
    Relu,
    /// Spikes (0 or 1) of the network's neuron, timed; an untimed `x` enters at every timestep.
    Lif,
    /// Temporal attention of an untimed `x`: a number for every timestep, see [`TemporalAttention`].
    TemporalAttention(TemporalAttention),
    /// Reads temporal attention, an untimed map `sca` and spikes: `sigmoid(ta[t] * sca) * spikes[t]`.
    Gate,
    /// The same map at every timestep: an untimed tensor becomes a timed one.
    Repeat,
    /// Sum of two timed tensors of one shape.
    Add,
    /// Mean of a timed tensor over T, H and W, of every channel: of spikes their rate.
    Mean,
    /// Fully connected layer on an untimed tensor `[C, 1, 1]`.
    Linear(Linear),
}

impl Op {
    /// Number of inputs.
    pub fn arity(&self) -> usize {
        match self {
            Op::Input { .. } => 0,
            Op::Gate => 3,
            Op::Add => 2,
            _ => 1,
        }
    }
}

/// A square convolution (cross-correlation, as in PyTorch) without bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// Axes `[Cout, Cin, K, K]`.
    pub weight: Array4<f32>,
    /// Step in both directions, in input pixels.
    pub stride: usize,
    /// Zeros around the map.
    pub padding: Padding,
    /// The batch norm on its output, where there is one.
    pub bn: Option<BatchNorm>,
    /// Steps that its weights were trained in.
    pub steps: Option<Box<Steps>>,
}

impl Conv {
    /// Output channels.
    pub fn out_channels(&self) -> usize {
        self.weight.dim().0
    }

    /// Input channels.
    pub fn in_channels(&self) -> usize {
        self.weight.dim().1
    }

    /// Kernel side in pixels.
    pub fn kernel(&self) -> usize {
        self.weight.dim().2
    }
}

/// Steps that weights were trained in, in front of the batch norm; one for every output channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Steps {
    /// One step, as LSQ learns it: a weight is `round(w / step)` steps.
    One(Vec<f64>),
    /// The last step that the bits have, as Brevitas keeps it: a weight is `round((2^(bits - 1) - 1) w / last)` steps.
    Last(Vec<f64>),
}

impl Steps {
    /// The float value of one step of every output channel's weights of so many bits.
    pub fn of(&self, bits: u8) -> Vec<f64> {
        match self {
            Steps::One(one) => one.clone(),
            Steps::Last(last) => last.iter().map(|last| last / f64::from((1i32 << (bits - 1)) - 1)).collect(),
        }
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

/// Batch norm at inference: `(x - mean) / sqrt(var + eps) * weight + bias`, one entry per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    /// Gamma.
    pub weight: Array1<f32>,
    /// Beta.
    pub bias: Array1<f32>,
    /// Running mean.
    pub mean: Array1<f32>,
    /// Running variance, not negative.
    pub var: Array1<f32>,
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

/// Temporal attention: `TA = W2 relu(W1 a) + W2 relu(W1 m)`, where a and m are mean and maximum of `x` over C, H and W, at
/// every timestep. They are the same at each, as the image stands still.
#[derive(Debug, Clone, PartialEq)]
pub struct TemporalAttention {
    /// First layer, axes `[T/2, T]`.
    pub w1: Array2<f32>,
    /// Second layer, axes `[T, T/2]`.
    pub w2: Array2<f32>,
}

/// A fully connected layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// Axes `[classes, C]`.
    pub weight: Array2<f32>,
    /// One per class.
    pub bias: Array1<f32>,
    /// Steps that its weights were trained in, the same for all classes.
    pub steps: Option<Box<Steps>>,
}
