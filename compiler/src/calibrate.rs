//! Ranges of the float network's tensors over calibration images.
//!
//! Data in: the network and images. Data out: [`Calibration`], read by the quantiser: for every tensor the largest
//! magnitude and a histogram of magnitudes, for every layer the moments of the values its kernel meets. Results do not
//! depend on the number of threads.

mod moments;

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::float::{ImageSizeError, Interpreter, Observer};
use crate::graph::{Conv, GraphError, MapShape, Network, Padding, PlacedBlock, Tensor};
use moments::Sampler;

pub use moments::Moments;

/// What a head without the last LIF reads: the mean of the last stream over time and map.
pub(crate) const MEAN: &str = "head.mean";

/// Images used when nothing else is said.
pub const DEFAULT_IMAGES: usize = 200;

/// Histogram buckets per factor of two.
const PER_OCTAVE: f64 = 8.0;
/// Magnitude of the first bucket, 2^-16; the last one is open.
const FIRST: f64 = 1.0 / 65536.0;
/// Buckets: up to 2^24.
const BUCKETS: usize = 320;
/// Images in flight.
const GROUP: usize = 8;

/// Magnitudes of one tensor over all images.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Largest magnitude.
    pub max_abs: f64,
    /// Values seen.
    pub count: u64,
    /// Values per bucket; bucket i holds magnitudes from 2^(i/8 - 16) to 2^((i+1)/8 - 16), the first also less.
    histogram: Vec<u64>,
}

impl Default for Range {
    fn default() -> Self {
        Self { max_abs: 0.0, count: 0, histogram: vec![0; BUCKETS] }
    }
}

impl Range {
    fn add(&mut self, values: &[f64]) {
        for v in values.iter().map(|v| v.abs()) {
            self.max_abs = self.max_abs.max(v);
            let bucket = ((v / FIRST).log2() * PER_OCTAVE).max(0.0) as usize;
            self.histogram[bucket.min(BUCKETS - 1)] += 1;
        }
        self.count += values.len() as u64;
    }

    fn merge(&mut self, other: &Range) {
        self.max_abs = self.max_abs.max(other.max_abs);
        self.count += other.count;
        self.histogram.iter_mut().zip(&other.histogram).for_each(|(a, b)| *a += b);
    }

    /// Magnitude that a share `of` (0 to 1) of the values does not exceed, up to the histogram's resolution of 9 %.
    pub fn percentile(&self, of: f64) -> f64 {
        let wanted = (of * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.histogram.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(bucket).min(self.max_abs);
            }
        }
        self.max_abs
    }

    /// Mean magnitude of the values that are not zero, up to the histogram's resolution; 0 of none.
    pub fn mean_of_nonzero(&self) -> f64 {
        let counted = self.histogram.iter().enumerate().skip(1);
        let (sum, count) = counted
            .fold((0.0, 0), |(sum, n), (bucket, &count)| (sum + centre(bucket) * count as f64, n + count));
        sum / count.max(1) as f64
    }

    /// Share of the values above a magnitude, 0 to 1, up to the histogram's resolution.
    pub fn share_above(&self, magnitude: f64) -> f64 {
        let above: u64 = (0..BUCKETS).filter(|&b| centre(b) > magnitude).map(|b| self.histogram[b]).sum();
        above as f64 / self.count.max(1) as f64
    }

    /// Expected squared error of a value in steps of `unit` with at most `levels` steps.
    pub fn squared_error(&self, unit: f64, levels: f64) -> f64 {
        let each = self.histogram.iter().enumerate().map(|(bucket, &count)| {
            let v = centre(bucket);
            let clipped = v - levels * unit;
            // Below half a step a value vanishes; else it is off by a uniform rounding error.
            let error = if clipped > 0.0 { clipped * clipped } else { (unit * unit / 12.0).min(v * v) };
            count as f64 * error
        });
        each.sum::<f64>() / self.count.max(1) as f64
    }
}

/// Middle magnitude of a bucket.
fn centre(bucket: usize) -> f64 {
    upper(bucket) * 2f64.powf(-0.5 / PER_OCTAVE)
}

/// Upper magnitude of a bucket.
fn upper(bucket: usize) -> f64 {
    FIRST * 2f64.powf((bucket + 1) as f64 / PER_OCTAVE)
}

/// Ranges by tensor name, see [`crate::float`] for the names, and moments by layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Images seen.
    pub images: usize,
    ranges: BTreeMap<String, Range>,
    moments: BTreeMap<String, Moments>,
}

impl Calibration {
    /// The range of a tensor, if it was seen.
    pub fn get(&self, name: &str) -> Option<&Range> {
        self.ranges.get(name)
    }

    /// The moments of a layer's operand, if it was seen. Names: `conv1`, `encoding.SCA.0`, `encoding.SCA.2`,
    /// `layerL.B.conv1`, `layerL.B.conv2`, `layerL.B.downsample`, and `fc1`, whose operand are the spike rates.
    pub fn moments(&self, layer: &str) -> Option<&Moments> {
        self.moments.get(layer)
    }

    /// A calibration without images, in which every tensor reaches 1: with it a network is quantised to one of the same
    /// shapes, which is planned and sized like the real one, and computes nothing of use.
    ///
    /// # Errors
    /// The network does not fit together.
    pub fn nominal(net: &Network) -> Result<Calibration, GraphError> {
        let mut tensors: Vec<String> =
            ["stem.x", "sca.z1", "sca", "ta", "gate.z"].map(str::to_owned).to_vec();
        for block in net.blocks()? {
            let parts = ["conv1", "conv2", "out", "downsample"];
            tensors.extend(parts.map(|part| format!("{}.{part}", block.name)));
        }
        let mut one = Range::default();
        one.add(&[1.0]);
        let ranges = tensors.into_iter().map(|name| (name, one.clone())).collect();
        let layers = readers(net, 1)?.into_values().flatten();
        let moments = layers.map(|(layer, sampler)| (layer, Moments::none(sampler.values()))).collect();
        Ok(Calibration { images: 0, ranges, moments })
    }

    fn merge(mut self, other: &Calibration) -> Calibration {
        self.images += other.images;
        for (name, range) in &other.ranges {
            self.ranges.entry(name.clone()).or_default().merge(range);
        }
        for (layer, moments) in &other.moments {
            self.moments.entry(layer.clone()).or_default().merge(moments);
        }
        self
    }
}

/// Looks at one image.
struct Watcher<'a> {
    image: usize,
    /// Layers that read a tensor.
    readers: &'a BTreeMap<String, Vec<(String, Sampler)>>,
    /// T * H * W of the last map: turns counts into rates.
    window: f64,
    seen: Calibration,
}

impl Observer for Watcher<'_> {
    fn wants(&self, name: &str) -> bool {
        !name.ends_with(".s") || self.readers.contains_key(name)
    }

    fn tensor(&mut self, name: &str, _shape: &[usize], values: &[f64]) {
        self.seen.ranges.entry(name.to_owned()).or_default().add(values);
        for (layer, sampler) in self.readers.get(name).into_iter().flatten() {
            let moments = if name == "counts" {
                let rates: Vec<f64> = values.iter().map(|v| v / self.window).collect();
                sampler.sample(self.image, &rates)
            } else {
                sampler.sample(self.image, values)
            };
            self.seen.moments.insert(layer.clone(), moments);
        }
    }
}

/// What each convolution reads.
fn readers(net: &Network, images: usize) -> Result<BTreeMap<String, Vec<(String, Sampler)>>, GraphError> {
    let mut out: BTreeMap<String, Vec<(String, Sampler)>> = BTreeMap::new();
    let mut add = |tensor: &str, layer: String, conv: &Conv, input, output| {
        let sampler = Sampler::new(conv, input, output, images);
        out.entry(tensor.to_owned()).or_default().push((layer, sampler));
    };
    let x = net.stem_output()?;
    add("image", "conv1".to_owned(), &net.stem.conv, net.input, x);
    let mut stream = "stem.x".to_owned();
    if let Some(encoder) = &net.encoder {
        add("stem.x", "encoding.SCA.0".to_owned(), &encoder.sca_v1, x, x);
        add("sca.z1", "encoding.SCA.2".to_owned(), &encoder.sca_v2, x, x);
        stream = "gate.y".to_owned();
    }
    for PlacedBlock { name, block, input, output, .. } in net.blocks()? {
        let part = |part: &str| format!("{name}.{part}");
        if let Some(shortcut) = &block.shortcut {
            add(&stream, part("downsample"), &shortcut.conv, input, output);
        }
        add(&part("lif1.s"), part("conv1"), &block.conv1.conv, input, output);
        add(&part("lif2.s"), part("conv2"), &block.conv2.conv, output, output);
        stream = part("out");
    }
    let pixel = |c| MapShape { c, h: 1, w: 1 };
    let (classes, channels) = (net.head.weight.dim(0), net.head.weight.dim(1));
    let weight = net.head.weight.data().to_vec();
    if let Ok(weight) = Tensor::new(&[classes, channels, 1, 1], weight) {
        let conv = Conv { weight, stride: 1, padding: Padding { before: 0, after: 0 } };
        let read = if net.head.last_lif { "counts" } else { MEAN };
        add(read, "fc1".to_owned(), &conv, pixel(channels), pixel(classes));
    }
    Ok(out)
}

/// Why a calibration failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrateError {
    /// The network does not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// An image of another size than the network's input.
    #[error(transparent)]
    Image(#[from] ImageSizeError),
}

/// Runs a float network over images, bytes in `[C, H, W]` order, on all threads of the current rayon pool.
///
/// # Errors
/// The network does not fit together, or an image has another size than its input.
pub fn calibrate<I: AsRef<[u8]> + Sync>(net: &Network, images: &[I]) -> Result<Calibration, CalibrateError> {
    let interpreter = Interpreter::new(net)?;
    let readers = readers(net, images.len())?;
    let pixels = net.blocks()?.last().map_or(1, |b| b.output.h * b.output.w);
    let window = (net.timesteps * pixels) as f64;
    let mut total = Calibration::default();
    // In groups, so that memory stays small; merged in order, so that sums are always the same.
    for (group, images) in images.chunks(GROUP).enumerate() {
        let seen: Result<Vec<Calibration>, ImageSizeError> = images
            .par_iter()
            .enumerate()
            .map(|(index, image)| {
                let seen = Calibration { images: 1, ..Calibration::default() };
                let image_index = group * GROUP + index;
                let mut watcher = Watcher { image: image_index, readers: &readers, window, seen };
                interpreter.run_observed(image.as_ref(), &mut watcher)?;
                Ok(watcher.seen)
            })
            .collect();
        total = seen?.iter().fold(total, Calibration::merge);
    }
    Ok(total)
}

impl Failure for CalibrateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Graph(source) => source.kind(),
            Self::Image(source) => source.kind(),
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Graph(source) => source.help(),
            Self::Image(source) => source.help(),
        }
    }
}
