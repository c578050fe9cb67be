//! From keys to nodes: canonical keys, those of the authors' CIFAR code.

use super::constants::Constants;
use super::keys::{numbered, stage_count, SCA0, SCA2, TA0, TA2};
use super::steps::Trained;
use super::tensors::Tensors;
use super::ImportError;
use crate::graph::{
    Assumption, BatchNorm, Conv, Linear, Network, NodeId, Op, Origin, Padding, TemporalAttention,
};
use ndarray::{Array, Dimension, IntoDimension};
use std::path::Path;

/// The largest stem of the authors' networks.
const MAX_STEM_KERNEL: usize = 7;

/// Builds and checks the network. Every key of the file must have its place. What nobody says is added to `assumed`.
pub(super) fn build(
    file: &str,
    tensors: Tensors<'_>,
    constants: Constants,
    mut assumed: Vec<Assumption>,
) -> Result<Network, ImportError> {
    let mut reader = Reader { file, tensors, bn_eps: constants.bn_eps, steps: Trained::default() };
    let does_not_fit = |source| ImportError::DoesNotFit { file: file.to_owned(), source };
    // Extents first, of all layers: values are read of a network that fits.
    let judged = reader.network(&constants, &mut assumed)?;
    reader.tensors.finish()?;
    judged.check_constants().and_then(|()| judged.values().map(drop)).map_err(does_not_fit)?;
    drop(judged);
    reader.tensors.start_reading();
    let mut network = reader.network(&constants, &mut Vec::new())?;
    network.origin.assumed = assumed;
    network.check().map_err(does_not_fit)?;
    Ok(network)
}

struct Reader<'f, 'a> {
    file: &'f str,
    tensors: Tensors<'a>,
    bn_eps: f64,
    steps: Trained,
}

/// What enters the next block.
#[derive(Clone, Copy)]
struct Entering {
    channels: usize,
    stream: NodeId,
    /// None behind the last block, where no neurons stand before the mean.
    spikes: Option<NodeId>,
}

impl Reader<'_, '_> {
    fn network(
        &mut self,
        constants: &Constants,
        assumed: &mut Vec<Assumption>,
    ) -> Result<Network, ImportError> {
        let stem_of = |s: &std::ffi::OsStr| s.to_string_lossy().into_owned();
        let mut net = Network {
            origin: Origin {
                name: Path::new(self.file).file_stem().map_or_else(String::new, stem_of),
                sha256: String::new(),
                preset: constants.preset.clone(),
                dataset: constants.dataset.clone(),
                float_top1: constants.float_top1,
                made: constants.made.clone(),
                assumed: Vec::new(),
            },
            input: constants.input,
            timesteps: constants.timesteps,
            neuron: constants.neuron,
            nodes: Vec::new(),
        };
        let op = Op::Input { mean: constants.mean.clone(), std: constants.std.clone() };
        let input = net.push("input", op, &[]);
        let stem = self.stem(constants.input.c, constants.stem_stride, assumed)?;
        let channels = stem.out_channels();
        let x = net.push("stem.x", Op::Conv(stem), &[input]);
        let spikes = net.push("stem.spikes", Op::Lif, &[x]);
        let mut entering = match self.has_encoder(constants.encoder)? {
            true => self.encoder(&mut net, x, spikes, channels)?,
            false => {
                let stream = net.push("stem.stream", Op::Repeat, &[x]);
                Entering { channels, stream, spikes: Some(spikes) }
            }
        };
        self.stages(&mut net, &mut entering, constants)?;
        self.head(&mut net, entering, assumed)?;
        assumed.extend(std::mem::take(&mut self.steps).said());
        Ok(net)
    }

    /// Values under a key as an array.
    fn array<D: Dimension>(
        &mut self,
        key: &str,
        shape: impl IntoDimension<Dim = D>,
        values: Vec<f32>,
    ) -> Result<Array<f32, D>, ImportError> {
        Array::from_shape_vec(shape.into_dimension(), values)
            .map_err(|e| self.tensors.wrong_shape(key, &e.to_string()))
    }

    /// The first extent of a weight `[Cout, ...]` of rank `rank`, at least 1.
    fn first_extent(&self, key: &str, rank: usize, expected: &str) -> Result<usize, ImportError> {
        let shape = self.tensors.shape(key, expected)?;
        match shape {
            [first, ..] if shape.len() == rank && *first > 0 => Ok(*first),
            _ => Err(self.tensors.wrong_shape(key, expected)),
        }
    }

    fn conv(
        &mut self,
        key: &str,
        aliases: &[String],
        shape: [usize; 4],
        stride: usize,
    ) -> Result<Conv, ImportError> {
        let values = self.tensors.take(key, &shape, aliases)?;
        let weight = self.array(key, shape, values)?;
        let steps = self.steps.read(&mut self.tensors, key, aliases, shape[0])?;
        Ok(Conv { weight, stride, padding: Padding::same(shape[2]), bn: None, steps })
    }

    /// The batch norm `{name}.bn.*` with `c` channels; `others` are further places where the same
    /// module hangs, each holding `bn.*` and `seqbn.module.*`.
    fn batch_norm(&mut self, name: &str, c: usize, others: &[String]) -> Result<BatchNorm, ImportError> {
        let mut aliases = vec![format!("{name}.seqbn.module")];
        for other in others {
            aliases.extend([format!("{other}.bn"), format!("{other}.seqbn.module")]);
        }
        let mut take = |p: &str| {
            let names: Vec<String> = aliases.iter().map(|alias| format!("{alias}.{p}")).collect();
            self.tensors.take(&format!("{name}.bn.{p}"), &[c], &names).map(Array::from_vec)
        };
        let bn = BatchNorm {
            weight: take("weight")?,
            bias: take("bias")?,
            mean: take("running_mean")?,
            var: take("running_var")?,
            eps: self.bn_eps,
        };
        for place in aliases.iter().chain([&format!("{name}.bn")]) {
            self.tensors.ignore(format!("{place}.num_batches_tracked"));
        }
        if let Some((index, &value)) = bn.var.iter().enumerate().find(|(_, &v)| v < 0.0) {
            let tensor = self.tensors.own(&format!("{name}.bn.running_var"));
            return Err(ImportError::NegativeVariance { file: self.file.to_owned(), tensor, index, value });
        }
        Ok(bn)
    }

    /// `{prefix}conv{n}`, `{prefix}bn{n}` and their shared wrapper `{prefix}conv{n}_s`.
    fn conv_bn(
        &mut self,
        prefix: &str,
        n: usize,
        shape: [usize; 4],
        stride: usize,
    ) -> Result<Conv, ImportError> {
        let wrapper = format!("{prefix}conv{n}_s");
        let key = format!("{prefix}conv{n}.weight");
        let conv = self.conv(&key, &[format!("{wrapper}.layer.module.weight")], shape, stride)?;
        let bn = self.batch_norm(&format!("{prefix}bn{n}"), shape[0], &[format!("{wrapper}.bn")])?;
        Ok(Conv { bn: Some(bn), ..conv })
    }

    fn stem(
        &mut self,
        image_channels: usize,
        said: Option<usize>,
        assumed: &mut Vec<Assumption>,
    ) -> Result<Conv, ImportError> {
        let expected = format!(
            "[C, {image_channels}, K, K], a KxK stem (K odd, at most {MAX_STEM_KERNEL}) on the {image_channels} image channel(s) of `input`"
        );
        let c = self.first_extent("conv1.weight", 4, &expected)?;
        let k = match *self.tensors.shape("conv1.weight", &expected)? {
            [_, channels, rows, k]
                if channels == image_channels && rows == k && k % 2 == 1 && k <= MAX_STEM_KERNEL =>
            {
                k
            }
            _ => return Err(self.tensors.wrong_shape("conv1.weight", &expected)),
        };
        // SpikingJelly's has a stride of 2 with any kernel, unless another is asked for.
        let usual = (k == 3 && !self.tensors.is_spikingjelly()).then_some(1);
        let stride = said.or(usual).ok_or_else(|| ImportError::MissingField {
            place: self.file.to_owned(),
            field: "stem_stride",
            meaning: "stride of a stem that is not 3x3, or of SpikingJelly's",
            example: "stem_stride = 2",
        })?;
        if said.is_none() {
            assumed.push(Assumption {
                what: "stem_stride".to_owned(),
                taken: stride.to_string(),
                why: "the stem is 3x3, as in the authors' CIFAR network; the constants may say otherwise"
                    .to_owned(),
            });
        }
        self.conv_bn("", 1, [c, image_channels, k, k], stride)
    }

    /// Whether the file has an encoder: its keys say it. What the constants say must agree.
    fn has_encoder(&self, said: Option<bool>) -> Result<bool, ImportError> {
        let key = self.tensors.keys().find(|key| key.starts_with("encoding."));
        match (said, key) {
            (Some(false), Some(key)) => Err(ImportError::EncoderDisagrees {
                file: self.file.to_owned(),
                said: "direct",
                keys: format!("has `{}`", self.tensors.own(key)),
            }),
            (Some(true), None) => Err(ImportError::EncoderDisagrees {
                file: self.file.to_owned(),
                said: "gac",
                keys: "has no key that starts with `encoding.`".to_owned(),
            }),
            (_, key) => Ok(key.is_some()),
        }
    }

    /// The encoder on the stem's output, with `c` channels, and its spikes.
    fn encoder(
        &mut self,
        net: &mut Network,
        x: NodeId,
        spikes: NodeId,
        c: usize,
    ) -> Result<Entering, ImportError> {
        let timesteps = net.timesteps;
        let t = self.first_extent(TA2, 5, "[T, T/2, 1, 1, 1], which decides T")?;
        if t != timesteps {
            return Err(ImportError::TimestepsDisagree {
                file: self.file.to_owned(),
                constants: timesteps,
                tensor: self.tensors.own(TA2),
                shape: self.tensors.shape(TA2, "")?.to_vec(),
                tensors: t,
            });
        }
        if t == 1 {
            let source = crate::graph::GraphError::OneTimestep;
            return Err(ImportError::DoesNotFit { file: self.file.to_owned(), source });
        }
        let hidden = t / 2;
        let w1 = self.tensors.take(TA0, &[hidden, t, 1, 1, 1], &[])?;
        let w2 = self.tensors.take(TA2, &[t, hidden, 1, 1, 1], &[])?;
        let expected = format!("[{c}, {c}, K, K] with K of at least 1, which decides K");
        let k = match *self.tensors.shape(SCA0, &expected)? {
            [_, _, _, k] if k > 0 => k,
            _ => return Err(self.tensors.wrong_shape(SCA0, &expected)),
        };
        let attention = TemporalAttention {
            w1: self.array(TA0, (hidden, t), w1)?,
            w2: self.array(TA2, (t, hidden), w2)?,
        };
        let ta = net.push("encoder.ta", Op::TemporalAttention(attention), &[x]);
        let sca1 = net.push("encoder.sca1", Op::Conv(self.conv(SCA0, &[], [c, c, k, k], 1)?), &[x]);
        let z1 = net.push("encoder.z1", Op::Relu, &[sca1]);
        let sca = net.push("encoder.sca", Op::Conv(self.conv(SCA2, &[], [c, c, k, k], 1)?), &[z1]);
        let stream = net.push("gate.y", Op::Gate, &[ta, sca, spikes]);
        let spikes = net.push("gate.spikes", Op::Lif, &[stream]);
        Ok(Entering { channels: c, stream, spikes: Some(spikes) })
    }

    fn stages(
        &mut self,
        net: &mut Network,
        entering: &mut Entering,
        constants: &Constants,
    ) -> Result<(), ImportError> {
        let count = stage_count(&self.tensors);
        if count == 0 {
            let expected = "[C, Cin, 3, 3], the first convolution of the first stage";
            self.tensors.shape("layer1.0.conv1.weight", expected)?;
        }
        self.require_no_gap("layer", count + 1)?;
        if constants.strides.len() != count {
            return Err(ImportError::BadField {
                place: self.file.to_owned(),
                field: "strides",
                got: format!("{:?}", constants.strides),
                expected: format!("{count} entries, one per stage: the file has layer1 to layer{count}"),
            });
        }
        for (stage, &stride) in constants.strides.iter().enumerate() {
            let prefix = format!("layer{}.", stage + 1);
            let blocks = numbered(&self.tensors, &prefix).max(1);
            self.require_no_gap(&prefix, blocks)?;
            for block in 0..blocks {
                let last = stage + 1 == count && block + 1 == blocks;
                let fires = !last || constants.last_lif;
                let stride = if block == 0 { stride } else { 1 };
                *entering = self.block(net, &format!("{prefix}{block}."), *entering, stride, fires)?;
            }
        }
        Ok(())
    }

    /// `next` is the first number that no key has; a larger one means that it is missing.
    fn require_no_gap(&self, prefix: &str, next: usize) -> Result<(), ImportError> {
        let number = |key: &str| key.strip_prefix(prefix)?.split('.').next()?.parse::<usize>().ok();
        if self.tensors.keys().filter_map(number).all(|n| n < next) {
            return Ok(());
        }
        let block = if prefix == "layer" { ".0" } else { "" };
        let expected = "[C, Cin, 3, 3]: a later one is in the file";
        self.tensors.shape(&format!("{prefix}{next}{block}.conv1.weight"), expected).map(|_| ())
    }

    /// One block; `fires` says whether neurons stand behind it.
    fn block(
        &mut self,
        net: &mut Network,
        name: &str,
        entering: Entering,
        stride: usize,
        fires: bool,
    ) -> Result<Entering, ImportError> {
        let input = entering.channels;
        let key = format!("{name}conv1.weight");
        let c = self.first_extent(&key, 4, &format!("[C, {input}, 3, 3]"))?;
        let conv1 = self.conv_bn(name, 1, [c, input, 3, 3], stride)?;
        let conv2 = self.conv_bn(name, 2, [c, c, 3, 3], 1)?;
        let downsample = format!("{name}downsample");
        let shortcut = if self.tensors.has_prefix(&format!("{downsample}.")) {
            let key = format!("{downsample}.layer.module.weight");
            let conv = self.conv(&key, &[], [c, input, 1, 1], stride)?;
            let bn = self.batch_norm(&format!("{downsample}.bn"), c, &[])?;
            let conv = Conv { bn: Some(bn), ..conv };
            net.push(format!("{name}shortcut"), Op::Conv(conv), &[entering.stream])
        } else {
            entering.stream
        };
        let conv1 = net.push(format!("{name}conv1"), Op::Conv(conv1), entering.spikes.as_slice());
        let spikes1 = net.push(format!("{name}conv1.spikes"), Op::Lif, &[conv1]);
        let conv2 = net.push(format!("{name}conv2"), Op::Conv(conv2), &[spikes1]);
        let stream = net.push(format!("{name}stream"), Op::Add, &[conv2, shortcut]);
        let spikes = fires.then(|| net.push(format!("{name}spikes"), Op::Lif, &[stream]));
        Ok(Entering { channels: c, stream, spikes })
    }

    fn head(
        &mut self,
        net: &mut Network,
        entering: Entering,
        assumed: &mut Vec<Assumption>,
    ) -> Result<(), ImportError> {
        let channels = entering.channels;
        let expected = format!("[classes, {channels}], which decides the number of classes");
        let classes = self.first_extent("fc1.weight", 2, &expected)?;
        let alias = |p: &str| [format!("fc1_s.layer.module.{p}")];
        let weight = self.tensors.take("fc1.weight", &[classes, channels], &alias("weight"))?;
        // A linear layer may have no bias, and then no key; an alias says that it has one.
        let has_bias = self.tensors.has("fc1.bias") || alias("bias").iter().any(|key| self.tensors.has(key));
        let bias = match has_bias {
            true => self.tensors.take("fc1.bias", &[classes], &alias("bias"))?,
            false => vec![0.0; classes],
        };
        if !has_bias {
            assumed.push(Assumption {
                what: self.tensors.own("fc1.bias"),
                taken: "zeros".to_owned(),
                why: "the file has no bias of the head, as a layer without one has none".to_owned(),
            });
        }
        let steps = self.steps.read(&mut self.tensors, "fc1.weight", &alias("weight"), 1)?;
        let linear = Linear {
            weight: self.array("fc1.weight", (classes, channels), weight)?,
            bias: Array::from_vec(bias),
            steps,
        };
        let mean = match entering.spikes {
            Some(spikes) => net.push("head.counts", Op::Mean, &[spikes]),
            None => net.push("head.pooled", Op::Mean, &[entering.stream]),
        };
        net.push("head.logits", Op::Linear(linear), &[mean]);
        Ok(())
    }
}
