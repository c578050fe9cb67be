//! Constants of the authors' two recipes, for checkpoints that say nothing.

use super::fields::Fields;
use super::keys::{stage_count, TA2};
use super::tensors::Tensors;
use super::ImportError;

/// One of the authors' recipes (`CODE/CIFAR/models/layers.py`, `CODE/ImageNet/models/MS_ResNet.py`, their data
/// loaders): neuron, strides, image and its normalisation. T and the classes come from the tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// 3x32x32 images, three stages with strides 1, 2, 2, leak 1/2, threshold 1. Mean and deviation are those of
    /// CIFAR-100 where the head has 100 classes, else of CIFAR-10.
    Cifar,
    /// 3x224x224 images, four stages with stride 2 behind a stem of stride 2, leak 1/4, threshold 1/2.
    Imagenet,
}

impl Preset {
    /// As the constants and the command line call it.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Cifar => "cifar",
            Preset::Imagenet => "imagenet",
        }
    }

    /// Whether a label in constants is that of one of the recipes.
    pub(super) fn is_name(label: &str) -> bool {
        [Preset::Cifar, Preset::Imagenet].iter().any(|preset| preset.name() == label)
    }

    /// The fields that the preset knows.
    pub(super) fn fields(self, file: &str, toml: &str, tensors: &Tensors<'_>) -> Result<Fields, ImportError> {
        let extent = |key: &str| tensors.shape(key, "").ok().and_then(|s| s.first().copied());
        let (stages, stem): (&[usize], usize) = match self {
            Preset::Cifar => (&[1, 2, 2], 3),
            Preset::Imagenet => (&[2, 2, 2, 2], 7),
        };
        let does_not_fit = |expected: String, got: String| ImportError::PresetDoesNotFit {
            file: file.to_owned(),
            preset: self.name(),
            expected,
            got,
            toml: toml.to_owned(),
        };
        if tensors.is_imagenet() && self == Preset::Cifar {
            return Err(does_not_fit(
                "the CIFAR key layout".to_owned(),
                "that of the ImageNet code".to_owned(),
            ));
        }
        let count = stage_count(tensors);
        if count != stages.len() {
            return Err(does_not_fit(format!("{} stages", stages.len()), count.to_string()));
        }
        let kernel = tensors.shape("conv1.weight", "").ok().and_then(|s| s.last().copied());
        if kernel.is_some_and(|k| k != stem) {
            let got = kernel.map_or_else(String::new, |k| format!("one of {k}x{k}"));
            return Err(does_not_fit(format!("a stem of {stem}x{stem}"), got));
        }
        let (mean, std) = match (self, extent("fc1.weight")) {
            (Preset::Cifar, Some(100)) => ([0.5071, 0.4867, 0.4408], [0.2675, 0.2565, 0.2761]),
            (Preset::Cifar, _) => ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]),
            (Preset::Imagenet, _) => ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        };
        let (leak, threshold, size) = match self {
            Preset::Cifar => (0.5, 1.0, 32),
            Preset::Imagenet => (0.25, 0.5, 224),
        };
        Ok(Fields {
            preset: Some(self.name().to_owned()),
            timesteps: extent(TA2),
            leak: Some(leak),
            threshold: Some(threshold),
            fire: Some(">".to_owned()),
            strides: Some(stages.to_vec()),
            stem_stride: Some(if self == Preset::Cifar { 1 } else { 2 }),
            input: Some(vec![3, size, size]),
            mean: Some(mean.to_vec()),
            std: Some(std.to_vec()),
            ..Fields::default()
        })
    }
}
