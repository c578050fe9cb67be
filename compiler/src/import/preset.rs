//! Constants of known recipes, for checkpoints that say nothing.

use super::fields::Fields;
use super::keys::{stage_count, stem_kernel};
use super::tensors::Tensors;
use super::ImportError;
use crate::graph::BN_EPSILON;

/// A known recipe: neuron, strides, image and its normalisation. Those of the authors are `CODE/CIFAR/models/layers.py`,
/// `CODE/ImageNet/models/MS_ResNet.py` and their data loaders; T and the classes come from the tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// 3x32x32 images, three stages with strides 1, 2, 2, leak 1/2, threshold 1. Mean and deviation are those of
    /// CIFAR-100 where the head has 100 classes, else of CIFAR-10.
    Cifar,
    /// 3x224x224 images, four stages with stride 2 behind a stem of stride 2, leak 1/4, threshold 1/2.
    Imagenet,
    /// `ms_resnet18` and `ms_resnet34` of SpikingJelly 2.0 with its defaults: T = 6, four stages with stride 2 behind a 7x7 stem of
    /// stride 2, leak 1/4 (tau = 4/3, input not decayed), threshold 1/2 and fire at it, reset to zero. The library says nothing of
    /// images; theirs are ImageNet's, as it is for 1000 classes.
    SpikingjellyMs,
}

/// Mean and deviation of the channels.
type Pixels = ([f64; 3], [f64; 3]);

const CIFAR10: Pixels = ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]);
const CIFAR100: Pixels = ([0.5071, 0.4867, 0.4408], [0.2675, 0.2565, 0.2761]);
const IMAGENET: Pixels = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/// What is to be given for a model without constants: `--preset NAME if ...`.
pub(super) fn advice(tensors: &Tensors<'_>) -> &'static str {
    match tensors.is_spikingjelly() {
        true => {
            "--preset spikingjelly-ms if it is the library's ms_resnet18 or ms_resnet34 with its own neurons"
        }
        false => "--preset cifar or --preset imagenet if it was trained by that recipe of the authors",
    }
}

impl Preset {
    /// As the constants and the command line call it.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Cifar => "cifar",
            Preset::Imagenet => "imagenet",
            Preset::SpikingjellyMs => "spikingjelly-ms",
        }
    }

    /// Whether a label in constants is that of one of the recipes.
    pub(super) fn is_name(label: &str) -> bool {
        [Preset::Cifar, Preset::Imagenet, Preset::SpikingjellyMs].iter().any(|preset| preset.name() == label)
    }

    /// The layout of keys that it is not for, if the file has it: what it is for, and what the file has.
    fn other_keys(self, tensors: &Tensors<'_>) -> Option<(&'static str, &'static str)> {
        match self {
            Preset::SpikingjellyMs => {
                (!tensors.is_spikingjelly()).then_some(("SpikingJelly's keys (stem, head)", "the authors'"))
            }
            _ if tensors.is_spikingjelly() => {
                Some(("the authors' keys", "SpikingJelly's, whose neurons fire at their threshold too"))
            }
            Preset::Cifar if tensors.is_imagenet() => {
                Some(("the CIFAR key layout", "that of the ImageNet code"))
            }
            _ => None,
        }
    }

    /// The fields that the preset knows.
    pub(super) fn fields(self, file: &str, toml: &str, tensors: &Tensors<'_>) -> Result<Fields, ImportError> {
        let (stages, stem): (&[usize], usize) = match self {
            Preset::Cifar => (&[1, 2, 2], 3),
            Preset::Imagenet | Preset::SpikingjellyMs => (&[2, 2, 2, 2], 7),
        };
        let does_not_fit = |expected: String, got: String| ImportError::PresetDoesNotFit {
            file: file.to_owned(),
            preset: self.name(),
            expected,
            got,
            toml: toml.to_owned(),
        };
        if let Some((expected, got)) = self.other_keys(tensors) {
            return Err(does_not_fit(expected.to_owned(), got.to_owned()));
        }
        let count = stage_count(tensors);
        if count != stages.len() {
            let max_resnet = self == Preset::SpikingjellyMs && (count, stem_kernel(tensors)) == (3, Some(3));
            let got = format!("{count}{}", if max_resnet { ", as max_resnet18 has" } else { "" });
            return Err(does_not_fit(format!("{} stages", stages.len()), got));
        }
        if let Some(k) = stem_kernel(tensors).filter(|&k| k != stem) {
            return Err(does_not_fit(format!("a stem of {stem}x{stem}"), format!("one of {k}x{k}")));
        }
        let classes = tensors.extents("fc1.weight").and_then(|shape| shape.first().copied());
        let (mean, std) = match (self, classes) {
            (Preset::Cifar, Some(100)) => CIFAR100,
            (Preset::Cifar, _) => CIFAR10,
            (Preset::Imagenet | Preset::SpikingjellyMs, _) => IMAGENET,
        };
        let (leak, threshold, size) = match self {
            Preset::Cifar => (0.5, 1.0, 32),
            Preset::Imagenet | Preset::SpikingjellyMs => (0.25, 0.5, 224),
        };
        let authors = Fields {
            preset: Some(self.name().to_owned()),
            leak: Some(leak),
            threshold: Some(threshold),
            fire: Some(">".to_owned()),
            strides: Some(stages.to_vec()),
            stem_stride: Some(if self == Preset::Cifar { 1 } else { 2 }),
            input: Some(vec![3, size, size]),
            mean: Some(mean.to_vec()),
            std: Some(std.to_vec()),
            ..Fields::default()
        };
        if self != Preset::SpikingjellyMs {
            return Ok(authors);
        }
        // A whole class of the library, so nothing is left open.
        Ok(Fields {
            timesteps: Some(6),
            fire: Some(">=".to_owned()),
            reset: Some("zero".to_owned()),
            coding: Some("direct".to_owned()),
            last_lif: Some(true),
            pool: Some("none".to_owned()),
            bn_eps: Some(BN_EPSILON),
            ..authors
        })
    }
}
