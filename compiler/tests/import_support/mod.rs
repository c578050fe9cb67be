//! A small checkpoint in the authors' CIFAR layout, to be bent by tests.
#![allow(clippy::unwrap_used, dead_code)]

use safetensors::tensor::{Dtype, TensorView};
use spikegate_compiler::graph::Network;
use spikegate_compiler::import::{self, ImportError};
use spikegate_contract::bundle::sha256;
use spikegate_contract::failure::Failure;
use std::collections::{BTreeMap, HashMap};

/// Constants of [`Checkpoint::small`].
pub const GAC: &str = r#"{"preset": "cifar", "T": 4, "leak": 0.5, "threshold": 1.0, "fire": ">", "strides": [1, 2],
    "input": [2, 9, 7], "mean": [0.5, 0.4], "std": [0.25, 0.2]}"#;

/// One tensor as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// A model file before it is written.
#[derive(Clone)]
pub struct Checkpoint {
    pub tensors: BTreeMap<String, Stored>,
    pub gac: Option<String>,
    state: u64,
}

/// Widths and depths of a checkpoint.
pub struct Form<'a> {
    pub image_channels: usize,
    pub stem: usize,
    pub kernel: usize,
    pub timesteps: usize,
    /// Channels, number of blocks, whether block 0 has a projection.
    pub stages: &'a [(usize, usize, bool)],
    pub classes: usize,
}

impl Checkpoint {
    /// 2x9x7 images, stem 3, K 4, T 4, a stage of two blocks with 4 channels and one with 5, 6 classes.
    pub fn small() -> Checkpoint {
        let stages = &[(4, 2, true), (5, 1, true)];
        Checkpoint::new(
            &Form { image_channels: 2, stem: 3, kernel: 4, timesteps: 4, stages, classes: 6 },
            GAC,
        )
    }

    pub fn new(form: &Form<'_>, gac: &str) -> Checkpoint {
        let mut c = Checkpoint { tensors: BTreeMap::new(), gac: Some(gac.to_owned()), state: 1 };
        let (t, s, k) = (form.timesteps, form.stem, form.kernel);
        c.random("conv1.weight", &[s, form.image_channels, 3, 3]);
        c.norm("bn1.bn", s);
        c.random("encoding.TA.sharedMLP.0.weight", &[t / 2, t, 1, 1, 1]);
        c.random("encoding.TA.sharedMLP.2.weight", &[t, t / 2, 1, 1, 1]);
        c.random("encoding.SCA.sharedMLP.0.weight", &[s, s, k, k]);
        c.random("encoding.SCA.sharedMLP.2.weight", &[s, s, k, k]);
        let mut input = s;
        for (stage, &(width, blocks, projection)) in form.stages.iter().enumerate() {
            for block in 0..blocks {
                let name = format!("layer{}.{block}", stage + 1);
                c.random(&format!("{name}.conv1.weight"), &[width, input, 3, 3]);
                c.norm(&format!("{name}.bn1.bn"), width);
                c.random(&format!("{name}.conv2.weight"), &[width, width, 3, 3]);
                c.norm(&format!("{name}.bn2.bn"), width);
                if block == 0 && projection {
                    c.random(&format!("{name}.downsample.layer.module.weight"), &[width, input, 1, 1]);
                    c.norm(&format!("{name}.downsample.bn.bn"), width);
                }
                input = width;
            }
        }
        c.random("fc1.weight", &[form.classes, input]);
        c.random("fc1.bias", &[form.classes]);
        c
    }

    fn next(&mut self) -> f32 {
        self.state = self.state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }

    pub fn put(&mut self, key: &str, shape: &[usize], values: &[f32]) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensors.insert(key.to_owned(), Stored { dtype: Dtype::F32, shape: shape.to_vec(), bytes });
    }

    pub fn random(&mut self, key: &str, shape: &[usize]) {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| self.next()).collect();
        self.put(key, shape, &values);
    }

    fn norm(&mut self, key: &str, channels: usize) {
        for p in ["weight", "bias", "running_mean"] {
            self.random(&format!("{key}.{p}"), &[channels]);
        }
        self.put(&format!("{key}.running_var"), &[channels], &vec![0.5; channels]);
        let count = Stored { dtype: Dtype::I64, shape: vec![], bytes: vec![9; 8] };
        self.tensors.insert(format!("{key}.num_batches_tracked"), count);
    }

    pub fn values(&self, key: &str) -> Vec<f32> {
        self.tensors[key].bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }

    /// Overwrites one value.
    pub fn set(&mut self, key: &str, index: usize, value: f32) {
        self.tensors.get_mut(key).unwrap().bytes[4 * index..4 * index + 4]
            .copy_from_slice(&value.to_le_bytes());
    }

    pub fn remove(&mut self, key: &str) {
        self.tensors.remove(key).unwrap();
    }

    /// Gives every key a new name.
    pub fn rename(&mut self, to: impl Fn(&str) -> String) {
        self.tensors = std::mem::take(&mut self.tensors).into_iter().map(|(key, t)| (to(&key), t)).collect();
    }

    /// Stores every tensor under its other names too, as the authors' state_dict does.
    pub fn add_aliases(&mut self) {
        for (key, tensor) in self.tensors.clone() {
            for alias in aliases(&key) {
                self.tensors.insert(alias, tensor.clone());
            }
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        fn view(t: &Stored) -> TensorView<'_> {
            TensorView::new(t.dtype, t.shape.clone(), &t.bytes).unwrap()
        }
        let views: Vec<_> = self.tensors.iter().map(|(key, t)| (key.clone(), view(t))).collect();
        let metadata = self.gac.as_ref().map(|gac| HashMap::from([("gac".to_owned(), gac.clone())]));
        safetensors::serialize(views, metadata).unwrap()
    }

    pub fn import(&self) -> Result<Network, ImportError> {
        self.imported(None)
    }

    pub fn import_with(&self, toml: &str) -> Result<Network, ImportError> {
        self.imported(Some(toml))
    }

    /// The network, and not of which bytes it was read: files differ that say the same.
    fn imported(&self, toml: Option<&str>) -> Result<Network, ImportError> {
        let bytes = self.bytes();
        let mut network = import::from_bytes("some/model.safetensors", &bytes, toml)?;
        assert_eq!(std::mem::take(&mut network.origin.sha256), sha256(&bytes));
        Ok(network)
    }

    /// The error, whose message must say each of `parts`.
    pub fn refused(&self, parts: &[&str]) -> ImportError {
        says(self.import().expect_err("this checkpoint must be refused"), parts)
    }
}

pub fn says(error: ImportError, parts: &[&str]) -> ImportError {
    let text = error.in_a_line();
    for part in parts {
        assert!(text.contains(part), "the message does not say {part:?}:\n{text}");
    }
    error
}

/// The other names of a canonical key in the authors' CIFAR state_dict.
pub fn aliases(key: &str) -> Vec<String> {
    if let Some(p) = key.strip_prefix("fc1.") {
        return vec![format!("fc1_s.layer.module.{p}")];
    }
    let Some((owner, p)) = key.rsplit_once('.') else { return Vec::new() };
    if let Some(downsample) = owner.strip_suffix(".downsample.bn.bn") {
        return vec![format!("{downsample}.downsample.bn.seqbn.module.{p}")];
    }
    for n in ["1", "2"] {
        if let Some(prefix) = owner.strip_suffix(&format!("conv{n}")) {
            return vec![format!("{prefix}conv{n}_s.layer.module.{p}")];
        }
        if let Some(prefix) = owner.strip_suffix(&format!("bn{n}.bn")) {
            return vec![
                format!("{prefix}bn{n}.seqbn.module.{p}"),
                format!("{prefix}conv{n}_s.bn.bn.{p}"),
                format!("{prefix}conv{n}_s.bn.seqbn.module.{p}"),
            ];
        }
    }
    Vec::new()
}
