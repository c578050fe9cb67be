//! From keys to layers: the layout of the authors' CIFAR code.

use super::constants::Constants;
use super::tensors::Tensors;
use super::ImportError;
use crate::graph::{
    Assumption, BatchNorm, Block, Conv, ConvBn, Encoder, Head, InputKind, Network, Origin, Padding, Tensor,
    TensorError,
};
use std::path::Path;

const TA0: &str = "encoding.TA.sharedMLP.0.weight";
pub(super) const TA2: &str = "encoding.TA.sharedMLP.2.weight";
const SCA0: &str = "encoding.SCA.sharedMLP.0.weight";
const SCA2: &str = "encoding.SCA.sharedMLP.2.weight";

/// Builds and checks the network. Every key of the file must have its place. What nobody says is added to `assumed`.
pub(super) fn build(
    file: &str,
    tensors: Tensors<'_>,
    constants: Constants,
    mut assumed: Vec<Assumption>,
) -> Result<Network, ImportError> {
    let mut reader = Reader { file, tensors, bn_eps: constants.bn_eps };
    let does_not_fit = |source| ImportError::DoesNotFit { file: file.to_owned(), source };
    // Extents first, of all layers: values are read of a network that fits.
    let judged = reader.network(&constants, &mut assumed)?;
    reader.tensors.finish()?;
    judged.check_constants().and_then(|()| judged.blocks().map(drop)).map_err(does_not_fit)?;
    drop(judged);
    reader.tensors.start_reading();
    let mut network = reader.network(&constants, &mut Vec::new())?;
    network.origin.assumed = assumed;
    network.check().map_err(does_not_fit)?;
    Ok(network)
}

/// How many numbers in a row follow `prefix` in the keys: `layer1.`, `layer2.`, ... or `layer1.0.`, ...
fn numbered(tensors: &Tensors<'_>, prefix: &str) -> usize {
    let present = |n: usize| tensors.has_prefix(&format!("{prefix}{n}."));
    let first = usize::from(prefix == "layer");
    (first..).take_while(|&n| present(n)).count()
}

/// Stages in the file.
pub(super) fn stage_count(tensors: &Tensors<'_>) -> usize {
    numbered(tensors, "layer")
}

struct Reader<'f, 'a> {
    file: &'f str,
    tensors: Tensors<'a>,
    bn_eps: f64,
}

impl Reader<'_, '_> {
    fn network(
        &mut self,
        constants: &Constants,
        assumed: &mut Vec<Assumption>,
    ) -> Result<Network, ImportError> {
        let (stem, channels) = self.stem(constants.input.c, constants.stem_stride, assumed)?;
        let encoder = match self.has_encoder(constants.encoder)? {
            true => Some(self.encoder(channels, constants.timesteps)?),
            false => None,
        };
        let (stages, channels) = self.stages(channels, constants)?;
        let head = self.head(channels, constants.last_lif, assumed)?;
        let stem_of = |s: &std::ffi::OsStr| s.to_string_lossy().into_owned();
        Ok(Network {
            origin: Origin {
                name: Path::new(self.file).file_stem().map_or_else(String::new, stem_of),
                sha256: String::new(),
                preset: constants.preset.clone(),
                dataset: constants.dataset.clone(),
                float_top1: constants.float_top1,
                made: constants.made.clone(),
                assumed: Vec::new(),
            },
            input_kind: InputKind::StillImage,
            input: constants.input,
            mean: constants.mean.clone(),
            std: constants.std.clone(),
            timesteps: constants.timesteps,
            neuron: constants.neuron,
            stem,
            encoder,
            stages,
            head,
        })
    }

    fn tensor(&self, key: &str, shape: &[usize], values: Vec<f32>) -> Result<Tensor, ImportError> {
        Tensor::new(shape, values).map_err(|e: TensorError| self.tensors.wrong_shape(key, &e.to_string()))
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
        Ok(Conv { weight: self.tensor(key, &shape, values)?, stride, padding: Padding::same(shape[2]) })
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
            self.tensors.take(&format!("{name}.bn.{p}"), &[c], &names)
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
    ) -> Result<ConvBn, ImportError> {
        let wrapper = format!("{prefix}conv{n}_s");
        let key = format!("{prefix}conv{n}.weight");
        let conv = self.conv(&key, &[format!("{wrapper}.layer.module.weight")], shape, stride)?;
        let bn = self.batch_norm(&format!("{prefix}bn{n}"), shape[0], &[format!("{wrapper}.bn")])?;
        Ok(ConvBn { conv, bn })
    }

    fn stem(
        &mut self,
        image_channels: usize,
        said: Option<usize>,
        assumed: &mut Vec<Assumption>,
    ) -> Result<(ConvBn, usize), ImportError> {
        let expected = format!(
            "[C, {image_channels}, K, K], a KxK stem (K odd) on the {image_channels} image channel(s) of `input`"
        );
        let c = self.first_extent("conv1.weight", 4, &expected)?;
        let k = match *self.tensors.shape("conv1.weight", &expected)? {
            [_, channels, rows, k] if channels == image_channels && rows == k && k % 2 == 1 => k,
            _ => return Err(self.tensors.wrong_shape("conv1.weight", &expected)),
        };
        let stride = said.or((k == 3).then_some(1)).ok_or_else(|| ImportError::MissingField {
            place: self.file.to_owned(),
            field: "stem_stride",
            meaning: "stride of a stem that is not 3x3",
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
        Ok((self.conv_bn("", 1, [c, image_channels, k, k], stride)?, c))
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

    fn encoder(&mut self, c: usize, timesteps: usize) -> Result<Encoder, ImportError> {
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
        Ok(Encoder {
            ta_w1: self.tensor(TA0, &[hidden, t], w1)?,
            ta_w2: self.tensor(TA2, &[t, hidden], w2)?,
            sca_v1: self.conv(SCA0, &[], [c, c, k, k], 1)?,
            sca_v2: self.conv(SCA2, &[], [c, c, k, k], 1)?,
        })
    }

    fn stages(
        &mut self,
        stem: usize,
        constants: &Constants,
    ) -> Result<(Vec<Vec<Block>>, usize), ImportError> {
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
        let mut channels = stem;
        let mut stages = Vec::new();
        for (stage, &stride) in constants.strides.iter().enumerate() {
            let prefix = format!("layer{}.", stage + 1);
            let blocks = numbered(&self.tensors, &prefix).max(1);
            self.require_no_gap(&prefix, blocks)?;
            let mut built = Vec::new();
            for block in 0..blocks {
                let name = format!("{prefix}{block}.");
                built.push(self.block(&name, &mut channels, if block == 0 { stride } else { 1 })?);
            }
            stages.push(built);
        }
        Ok((stages, channels))
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

    fn block(&mut self, name: &str, channels: &mut usize, stride: usize) -> Result<Block, ImportError> {
        let input = *channels;
        let key = format!("{name}conv1.weight");
        let c = self.first_extent(&key, 4, &format!("[C, {input}, 3, 3]"))?;
        let conv1 = self.conv_bn(name, 1, [c, input, 3, 3], stride)?;
        let conv2 = self.conv_bn(name, 2, [c, c, 3, 3], 1)?;
        let downsample = format!("{name}downsample");
        let shortcut = if self.tensors.has_prefix(&format!("{downsample}.")) {
            let conv =
                self.conv(&format!("{downsample}.layer.module.weight"), &[], [c, input, 1, 1], stride)?;
            Some(ConvBn { conv, bn: self.batch_norm(&format!("{downsample}.bn"), c, &[])? })
        } else {
            None
        };
        *channels = c;
        Ok(Block { conv1, conv2, shortcut })
    }

    fn head(
        &mut self,
        channels: usize,
        last_lif: bool,
        assumed: &mut Vec<Assumption>,
    ) -> Result<Head, ImportError> {
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
        Ok(Head { weight: self.tensor("fc1.weight", &[classes, channels], weight)?, bias, last_lif })
    }
}
