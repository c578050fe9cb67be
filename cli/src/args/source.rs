//! The model, for every verb that reads one.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The model, for every verb that reads one.
#[derive(Clone, Debug, Args)]
pub struct Source {
    /// Model file (.safetensors, or a PyTorch .pth); constants that no tensor carries may lie beside it as MODEL.toml.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Constants of a known recipe, where the file says nothing.
    #[arg(long)]
    pub preset: Option<Preset>,
    /// The network in a file of several, by the key of its state_dict or the prefix of its keys, e.g. state_dict_ema.
    #[arg(long, value_name = "KEY")]
    pub weights: Option<String>,
    /// Whether neurons stand before the pooling, which no checkpoint can tell; otherwise as the constants say, or true.
    #[arg(long, value_name = "true|false")]
    pub last_lif: Option<bool>,
}

impl Source {
    /// What the importer is asked.
    pub fn request(&self) -> spikegate_compiler::import::Request<'_> {
        let Source { preset, weights, last_lif, .. } = self;
        spikegate_compiler::import::Request {
            preset: preset.map(Into::into),
            weights: weights.as_deref(),
            last_lif: *last_lif,
        }
    }
}

/// Known recipes: the authors', and SpikingJelly's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// CIFAR-10 and CIFAR-100: 3x32x32, strides 1, 2, 2, leak 1/2, threshold 1.
    Cifar,
    /// ImageNet: 3x224x224, strides 2, 2, 2, 2, leak 1/4, threshold 1/2.
    Imagenet,
    /// SpikingJelly's ms_resnet18 and ms_resnet34 with its defaults: 3x224x224, T 6, leak 1/4, fires at 1/2.
    SpikingjellyMs,
}

impl Preset {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Cifar => "cifar",
            Preset::Imagenet => "imagenet",
            Preset::SpikingjellyMs => "spikingjelly-ms",
        }
    }
}

impl From<Preset> for spikegate_compiler::import::Preset {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Cifar => Self::Cifar,
            Preset::Imagenet => Self::Imagenet,
            Preset::SpikingjellyMs => Self::SpikingjellyMs,
        }
    }
}
