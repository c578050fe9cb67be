//! Reading reference vectors and comparing the interpreter with them.
#![allow(clippy::unwrap_used, dead_code)]

use ndarray::Array4;
use safetensors::{tensor::Dtype, SafeTensors};
use spikegate_compiler::float::{Interpreter, Recorder, MEMBRANE};
use spikegate_compiler::graph::{FireRule, Network};
use spikegate_compiler::import::{self, Preset, Request};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Tolerance on every real value: the reference keeps f32 of its f64 results.
pub const TOLERANCE: f64 = 1e-4;
/// Spikes must be equal where the reference membrane is farther than this from the threshold.
pub const MARGIN: f64 = 1e-4;

/// `testbench/reference/NAME`.
pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference").join(name)
}

/// Folder with the Fashion-MNIST files, if the machine has it.
pub fn fashion_mnist() -> Option<PathBuf> {
    let fallback = || "/usr/share/datasets/fashion-mnist".into();
    let path = PathBuf::from(std::env::var_os("SPIKEGATE_DATA").unwrap_or_else(fallback));
    if path.join("t10k-images-idx3-ubyte.gz").is_file() {
        return Some(path);
    }
    println!(
        "SKIPPED: no Fashion-MNIST in {} (set SPIKEGATE_DATA to the folder of its .gz files)",
        path.display()
    );
    None
}

/// What PyTorch computed for some images of a network.
pub struct Vectors {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
}

impl Vectors {
    pub fn load(path: &Path) -> Vectors {
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.iter().map(|(name, view)| {
            let data = view.data();
            let values = match view.dtype() {
                Dtype::F32 => words(data, |b| f32::from_le_bytes(b).into()),
                Dtype::F64 => words(data, f64::from_le_bytes),
                Dtype::I32 => words(data, |b| i32::from_le_bytes(b).into()),
                Dtype::I64 => words(data, |b| i64::from_le_bytes(b) as f64),
                Dtype::U8 => data.iter().map(|&b| b.into()).collect(),
                other => panic!("{name} is {other:?}"),
            };
            (name.to_owned(), (view.shape().to_vec(), values))
        });
        Vectors { tensors: tensors.collect() }
    }

    /// Number of images of a tensor, its first extent.
    pub fn count(&self, name: &str) -> usize {
        self.tensors[name].0[0]
    }

    /// Shape and values of one image of a tensor.
    pub fn image(&self, name: &str, image: usize) -> (&[usize], &[f64]) {
        let (shape, values) = &self.tensors[name];
        let len: usize = shape[1..].iter().product();
        (&shape[1..], &values[image * len..(image + 1) * len])
    }

    /// How many membranes there are, and how many of them are too near to a threshold for their spikes to be compared.
    pub fn near(&self, threshold: f64) -> (usize, usize) {
        let membranes = self.tensors.iter().filter(|(name, _)| name.starts_with("u."));
        let values = || membranes.clone().flat_map(|(_, (_, values))| values);
        (values().count(), values().filter(|&u| (u - threshold).abs() <= MARGIN).count())
    }

    /// The images themselves, where the file has them.
    pub fn images(&self) -> Vec<Vec<u8>> {
        (0..self.count("images"))
            .map(|i| self.image("images", i).1.iter().map(|&v| v as u8).collect())
            .collect()
    }
}

fn words<const N: usize>(data: &[u8], convert: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    data.chunks_exact(N).map(|chunk| convert(chunk.try_into().unwrap())).collect()
}

/// A random network of the reference folder with its vectors.
pub fn random(name: &str) -> (Network, Vectors) {
    with_preset(name, None)
}

/// The same with a preset's constants.
pub fn with_preset(name: &str, preset: Option<Preset>) -> (Network, Vectors) {
    let file = ["safetensors", "pth"].map(|kind| reference(&format!("{name}.{kind}")));
    let request = Request { preset, ..Request::default() };
    let network = import::load_with(file.iter().find(|f| f.is_file()).unwrap(), &request).unwrap();
    (network, Vectors::load(&reference(&format!("{name}_vectors.safetensors"))))
}

/// Compares the interpreter with the vectors on every image; the error names the first divergence.
pub fn compare(network: &Network, images: &[Vec<u8>], vectors: &Vectors) -> Result<(), String> {
    let interpreter = Interpreter::new(network).map_err(|e| e.to_string())?;
    let populations: Vec<&str> = network.populations().collect();
    let has = |name: &str| network.find(name).is_some();
    for (i, image) in images.iter().enumerate() {
        let mut seen = Recorder::all();
        let result = interpreter.run_observed(image, &mut seen).map_err(|e| e.to_string())?;
        if i < vectors.count("X") {
            // In the order of computation, so that an error names its first effect.
            let real = |theirs, ours| close(i, ours, vectors.image(theirs, i), seen.get(ours).unwrap());
            real("X", "stem.x")?;
            if has("gate.y") {
                real("ta", "encoder.ta")?;
                real("sca", "encoder.sca")?;
            }
            for (p, name) in populations.iter().enumerate() {
                population(network, i, name, vectors.image(&format!("u.{p}"), i), &seen)?;
            }
            if has("gate.y") {
                real("y", "gate.y")?;
            }
        }
        for (p, name) in populations.iter().enumerate() {
            let spikes: f64 = seen.get(name).unwrap().iter().sum();
            let expected = vectors.image("spike_counts", i).1[p];
            let safe = vectors.image("margin", i).1[..=p].iter().all(|&m| m > MARGIN);
            if safe && spikes != expected {
                return Err(format!("image {i}, `{name}`: {spikes} spikes, PyTorch has {expected}"));
            }
        }
        let logits = seen.get("head.logits").unwrap();
        assert!(logits.iter().eq(&result.logits));
        close(i, "head.logits", vectors.image("logits", i), logits)?;
    }
    Ok(())
}

/// PyTorch's tensors have no axes of one timestep or pixel where ours have.
fn close(
    image: usize,
    name: &str,
    (shape, expected): (&[usize], &[f64]),
    got: &Array4<f64>,
) -> Result<(), String> {
    let long = |shape: &[usize]| shape.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
    if long(shape) != long(got.shape()) {
        return Err(format!("image {image}, `{name}`: shape {:?}, PyTorch has {shape:?}", got.shape()));
    }
    match expected.iter().zip(got).position(|(e, g)| (e - g).abs() > TOLERANCE || g.is_nan()) {
        Some(at) => Err(format!(
            "image {image}, `{name}`[{at}] of {shape:?}: {}, PyTorch has {}",
            got.as_slice().unwrap()[at],
            expected[at]
        )),
        None => Ok(()),
    }
}

fn population(
    network: &Network,
    image: usize,
    name: &str,
    expected: (&[usize], &[f64]),
    seen: &Recorder,
) -> Result<(), String> {
    let membrane = format!("{name}{MEMBRANE}");
    close(image, &membrane, expected, seen.get(&membrane).unwrap())?;
    let spikes = seen.get(name).unwrap();
    let threshold = network.neuron.threshold;
    for (at, (&u, &s)) in expected.1.iter().zip(spikes).enumerate() {
        let fires = if network.neuron.fire == FireRule::Gt { u > threshold } else { u >= threshold };
        if (u - threshold).abs() > MARGIN && fires != (s == 1.0) {
            return Err(format!("image {image}, `{name}`[{at}]: spike {s}, PyTorch has membrane {u}"));
        }
    }
    Ok(())
}
