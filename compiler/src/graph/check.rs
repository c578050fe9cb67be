//! Whether the parts of a network fit together.

use super::{BatchNorm, Conv, ConvBn, Encoder, MapShape, Network, Padding};
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;

/// Largest image side and number of timesteps accepted: far above any use, small enough that no product of
/// extents overflows.
const MAX_SIDE: usize = 4096;
const MAX_TIMESTEPS: usize = 256;

/// A part of a network that does not fit the rest.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// A number outside the range the network form allows.
    #[error("{what} is {got}, expected {expected}")]
    OutOfRange {
        /// The quantity, e.g. `the leak shift`.
        what: String,
        /// Its allowed values.
        expected: String,
        /// Its value.
        got: String,
    },
    /// A weight or vector with the wrong extents.
    #[error("`{layer}` {what}: expected {expected:?}, got {got:?}")]
    Shape {
        /// Layer name as in the checkpoint.
        layer: String,
        /// Which of its arrays.
        what: &'static str,
        /// Extents that fit the layers around it.
        expected: Vec<usize>,
        /// Extents it has.
        got: Vec<usize>,
    },
    /// A convolution that leaves no output pixel, or steps over the whole map.
    #[error(
        "`{layer}`: a {kernel}x{kernel} kernel with stride {stride} does not fit its {input} input: the feature map \
         vanishes"
    )]
    MapVanishes {
        /// Layer name.
        layer: String,
        /// Kernel side.
        kernel: usize,
        /// Stride.
        stride: usize,
        /// Input map.
        input: MapShape,
    },
    /// A block whose output cannot be added to its input and that has no projection.
    #[error(
        "block `{block}` turns {input} into {output} but has no downsample: an identity shortcut needs equal extents"
    )]
    NoProjection {
        /// Block name.
        block: String,
        /// Map that enters.
        input: MapShape,
        /// Map that leaves.
        output: MapShape,
    },
    /// Padding other than the network form's.
    #[error("`{layer}`: padding is {got:?}, the {kernel}x{kernel} convolutions of this network form have {expected:?}")]
    Padding {
        /// Layer name.
        layer: String,
        /// Kernel side.
        kernel: usize,
        /// What the form has.
        expected: Padding,
        /// What was given.
        got: Padding,
    },
    /// NaN or infinity, or a negative variance.
    #[error("`{layer}` {what}[{index}] is {value}, expected {expected}")]
    BadNumber {
        /// Layer name.
        layer: String,
        /// Which of its arrays.
        what: &'static str,
        /// Flat index.
        index: usize,
        /// The number.
        value: f32,
        /// What it should have been.
        expected: &'static str,
    },
    /// One timestep leaves the encoder's temporal attention without hidden units.
    #[error(
        "T = 1: the encoder's temporal attention has T/2 = 0 hidden units at one timestep, so its gate would be \
         constant"
    )]
    OneTimestep,
}

fn out_of_range(what: &str, expected: &str, got: impl ToString) -> GraphError {
    GraphError::OutOfRange { what: what.to_owned(), expected: expected.to_owned(), got: got.to_string() }
}

/// Output map of a convolution, or why there is none.
pub(super) fn conv_output(layer: &str, conv: &Conv, input: MapShape) -> Result<MapShape, GraphError> {
    let vanishes = || GraphError::MapVanishes {
        layer: layer.to_owned(),
        kernel: conv.kernel(),
        stride: conv.stride,
        input,
    };
    let kernel_larger_than_map = conv.kernel() > 3 && conv.kernel() > input.h.min(input.w);
    if conv.stride == 0 || conv.stride > input.h.min(input.w) || kernel_larger_than_map {
        return Err(vanishes());
    }
    conv.output(input).filter(|map| !map.is_empty()).ok_or_else(vanishes)
}

/// The largest stem of the authors' networks.
const MAX_STEM_KERNEL: usize = 7;

/// Checks a whole network; see [`Network::check`].
pub(super) fn network(net: &Network) -> Result<(), GraphError> {
    constants(net)?;
    let mut input = net.input;
    let kernel = net.stem.conv.kernel();
    if kernel.is_multiple_of(2) || kernel > MAX_STEM_KERNEL {
        return Err(out_of_range("the stem's kernel", "1, 3, 5 or 7", kernel));
    }
    conv_bn("conv1", "bn1", &net.stem, input, None, kernel)?;
    if net.stem.conv.stride != 1 {
        require_stride("conv1", &net.stem.conv, 2)?;
    }
    input = net.stem_output()?;
    if let Some(attention) = &net.encoder {
        encoder(attention, net.timesteps, input)?;
    }
    if net.stages.is_empty() || net.stages.iter().any(Vec::is_empty) {
        return Err(out_of_range("the number of blocks per stage", "at least one stage, none empty", 0));
    }
    for placed in net.blocks()? {
        let (name, block) = (&placed.name, placed.block);
        conv_bn(&format!("{name}.conv1"), &format!("{name}.bn1"), &block.conv1, placed.input, None, 3)?;
        let between = placed.output;
        conv_bn(&format!("{name}.conv2"), &format!("{name}.bn2"), &block.conv2, between, Some(between), 3)?;
        require_stride(&format!("{name}.conv2"), &block.conv2.conv, 1)?;
        match &block.shortcut {
            Some(projection) => {
                let layer = format!("{name}.downsample");
                require_stride(&layer, &projection.conv, block.conv1.conv.stride)?;
                conv_bn(&layer, &layer, projection, placed.input, Some(placed.output), 1)?;
            }
            None if placed.input != placed.output => {
                return Err(GraphError::NoProjection {
                    block: name.clone(),
                    input: placed.input,
                    output: placed.output,
                });
            }
            None => {}
        }
        input = placed.output;
    }
    head(net, input.c)
}

/// Checks the constants; see [`Network::check_constants`].
pub(super) fn constants(net: &Network) -> Result<(), GraphError> {
    let MapShape { c, h, w } = net.input;
    if c == 0 || h == 0 || w == 0 || h > MAX_SIDE || w > MAX_SIDE {
        return Err(out_of_range(
            "the input",
            &format!("[C, H, W] with 1 to {MAX_SIDE} rows and columns"),
            net.input,
        ));
    }
    if net.timesteps == 1 && net.encoder.is_some() {
        return Err(GraphError::OneTimestep);
    }
    if net.timesteps < 2 || net.timesteps > MAX_TIMESTEPS {
        return Err(out_of_range(
            "the number of timesteps T",
            &format!("2 to {MAX_TIMESTEPS}"),
            net.timesteps,
        ));
    }
    if net.neuron.leak_shift > 15 {
        return Err(out_of_range("the leak shift k (leak = 2^-k)", "0 to 15", net.neuron.leak_shift));
    }
    if !(net.neuron.threshold.is_finite() && net.neuron.threshold > 0.0) {
        return Err(out_of_range("the threshold", "a positive number", net.neuron.threshold));
    }
    for (what, values) in [("mean", &net.mean), ("std", &net.std)] {
        if values.len() != c {
            let text = format!("one entry per input channel ({c})");
            return Err(out_of_range(&format!("the length of `{what}`"), &text, values.len()));
        }
    }
    if let Some(bad) = net.mean.iter().find(|v| !v.is_finite()) {
        return Err(out_of_range("an entry of `mean`", "a finite number", bad));
    }
    if let Some(bad) = net.std.iter().find(|&&v| !(v.is_finite() && v > 0.0)) {
        return Err(out_of_range("an entry of `std`", "a positive number", bad));
    }
    Ok(())
}

fn encoder(encoder: &Encoder, t: usize, x: MapShape) -> Result<(), GraphError> {
    let hidden = t / 2;
    for (layer, weight, expected) in [
        ("encoding.TA.sharedMLP.0", &encoder.ta_w1, [hidden, t]),
        ("encoding.TA.sharedMLP.2", &encoder.ta_w2, [t, hidden]),
    ] {
        require_shape(layer, "weight", &expected, weight.shape())?;
        require_finite(layer, "weight", weight.data())?;
    }
    let kernel = encoder.sca_v1.kernel();
    for (layer, conv) in
        [("encoding.SCA.sharedMLP.0", &encoder.sca_v1), ("encoding.SCA.sharedMLP.2", &encoder.sca_v2)]
    {
        require_conv(layer, conv, x, Some(x), kernel)?;
        require_stride(layer, conv, 1)?;
    }
    Ok(())
}

fn head(net: &Network, channels: usize) -> Result<(), GraphError> {
    let classes = net.head.bias.len();
    if classes == 0 {
        return Err(out_of_range("the number of classes", "at least 1", classes));
    }
    require_shape("fc1", "weight", &[classes, channels], net.head.weight.shape())?;
    require_finite("fc1", "weight", net.head.weight.data())?;
    require_finite("fc1", "bias", &net.head.bias)
}

/// A convolution with its batch norm; `output` is the map it must produce, where that is given.
fn conv_bn(
    layer: &str,
    bn_layer: &str,
    part: &ConvBn,
    input: MapShape,
    output: Option<MapShape>,
    kernel: usize,
) -> Result<(), GraphError> {
    require_conv(layer, &part.conv, input, output, kernel)?;
    batch_norm(bn_layer, &part.bn, part.conv.out_channels())
}

fn require_conv(
    layer: &str,
    conv: &Conv,
    input: MapShape,
    output: Option<MapShape>,
    kernel: usize,
) -> Result<(), GraphError> {
    let channels = output.map_or_else(|| conv.out_channels().max(1), |map| map.c);
    let expected = [channels, input.c, kernel.max(1), kernel.max(1)];
    require_shape(layer, "weight", &expected, conv.weight.shape())?;
    let padding = Padding::same(kernel);
    if conv.padding != padding {
        return Err(GraphError::Padding {
            layer: layer.to_owned(),
            kernel,
            expected: padding,
            got: conv.padding,
        });
    }
    let got = conv_output(layer, conv, input)?;
    if let Some(map) = output.filter(|&map| map != got) {
        return Err(GraphError::Shape {
            layer: layer.to_owned(),
            what: "output map",
            expected: vec![map.c, map.h, map.w],
            got: vec![got.c, got.h, got.w],
        });
    }
    require_finite(layer, "weight", conv.weight.data())
}

fn batch_norm(layer: &str, bn: &BatchNorm, channels: usize) -> Result<(), GraphError> {
    if !(bn.eps.is_finite() && bn.eps > 0.0) {
        return Err(out_of_range(&format!("eps of `{layer}`"), "a positive number", bn.eps));
    }
    let arrays = [
        ("bn.weight", &bn.weight),
        ("bn.bias", &bn.bias),
        ("bn.running_mean", &bn.mean),
        ("bn.running_var", &bn.var),
    ];
    for (what, values) in arrays {
        require_shape(layer, what, &[channels], &[values.len()])?;
        require_finite(layer, what, values)?;
    }
    match bn.var.iter().enumerate().find(|(_, &v)| v < 0.0) {
        Some((index, &value)) => Err(GraphError::BadNumber {
            layer: layer.to_owned(),
            what: "bn.running_var",
            index,
            value,
            expected: "a variance, never negative",
        }),
        None => Ok(()),
    }
}

fn require_stride(layer: &str, conv: &Conv, stride: usize) -> Result<(), GraphError> {
    if conv.stride == stride {
        return Ok(());
    }
    Err(out_of_range(&format!("the stride of `{layer}`"), &stride.to_string(), conv.stride))
}

fn require_shape(
    layer: &str,
    what: &'static str,
    expected: &[usize],
    got: &[usize],
) -> Result<(), GraphError> {
    if expected == got {
        return Ok(());
    }
    Err(GraphError::Shape { layer: layer.to_owned(), what, expected: expected.to_vec(), got: got.to_vec() })
}

fn require_finite(layer: &str, what: &'static str, values: &[f32]) -> Result<(), GraphError> {
    match values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        Some((index, &value)) => Err(GraphError::BadNumber {
            layer: layer.to_owned(),
            what,
            index,
            value,
            expected: "a finite number",
        }),
        None => Ok(()),
    }
}

impl Failure for GraphError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::MapVanishes { .. } => Some("use a larger image, a smaller kernel or fewer strides".into()),
            Self::NoProjection { block, .. } => {
                Some(format!("check the strides, or export `{block}.downsample.*`").into())
            }
            Self::OneTimestep => Some("train with T of at least 2".into()),
            Self::OutOfRange { .. } | Self::Shape { .. } | Self::Padding { .. } | Self::BadNumber { .. } => {
                None
            }
        }
    }
}
