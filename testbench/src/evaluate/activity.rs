//! How busy neurons and layers are.

use serde::{Deserialize, Serialize};
use spikegate_contract::network::{Form, Layer, Network, NodeId, Op, MAX_T};

use super::share::Share;

/// Neurons that are counted side by side.
const TOGETHER: usize = 128;
const _: () = assert!(MAX_T <= 255);

/// Spikes of every neuron over all images.
pub(super) struct Activity {
    /// Images so far.
    pub(super) images: u64,
    /// By node: spikes of each neuron, (y, x, c); nothing where a node is no LIF.
    counts: Vec<Vec<u32>>,
}

/// Spikes of a population over some images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fired {
    /// Name of its node.
    pub name: String,
    /// Of each neuron, (y, x, c), over all timesteps.
    pub spikes: Vec<u32>,
}

/// The work of a layer over some images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Name of its node.
    pub name: String,
    /// Whether it reads spikes.
    pub spiking: bool,
    /// Operations of all taps within the map, for one image.
    pub dense: u64,
    /// Operations for spikes alone, for all images; of layers that read none all.
    pub executed: u64,
}

/// A population over all images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PopulationActivity {
    /// Name of its node.
    pub name: String,
    /// Neurons.
    pub neurons: usize,
    /// Spikes of all of its neurons, timesteps and images.
    pub spikes: Share,
    /// Neurons that never fired.
    pub dead: usize,
    /// Neurons that fired in every timestep of every image.
    pub always: usize,
}

/// The work of a layer for one image, on average.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerActivity {
    /// Name of its node.
    pub name: String,
    /// Whether it reads spikes: then it adds weights, and only for spikes need it do so. Else it multiplies.
    pub spiking: bool,
    /// Operations of all taps within the map, whether or not there is a spike.
    pub dense: u64,
    /// Operations for spikes alone; of other layers all.
    pub executed: f64,
}

impl Activity {
    pub(super) fn new(net: &Network) -> Self {
        let neurons = |op: &Op, len| if let Op::Lif { .. } = op { vec![0; len] } else { Vec::new() };
        let counts = net.nodes.iter().map(|node| neurons(&node.op, node.out.len())).collect();
        Self { images: 0, counts }
    }

    /// Adds the spikes of an image, bytes of 1 or 0, (t, y, x, c).
    pub(super) fn add(&mut self, id: NodeId, spikes: &[u8]) {
        let counts = &mut self.counts[id.0];
        let len = counts.len();
        for (at, counts) in (0..len).step_by(TOGETHER).zip(counts.chunks_mut(TOGETHER)) {
            // All timesteps first, of which there are few enough for bytes.
            let mut sums = [0u8; TOGETHER];
            for map in spikes.chunks_exact(len) {
                sums.iter_mut().zip(&map[at..at + counts.len()]).for_each(|(sum, &spike)| *sum += spike);
            }
            counts.iter_mut().zip(sums).for_each(|(count, sum)| *count += u32::from(sum));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.images += other.images;
        let pairs = self.counts.iter_mut().flatten().zip(other.counts.iter().flatten());
        pairs.for_each(|(a, b)| *a += b);
    }

    /// Spikes of the neurons of every population.
    pub(super) fn populations(&self, net: &Network) -> Vec<Fired> {
        let lifs = net.iter().filter(|(_, node)| matches!(node.op, Op::Lif { .. }));
        lifs.map(|(id, node)| Fired { name: node.name.clone(), spikes: self.counts[id.0].clone() }).collect()
    }

    /// Operations of every layer with weights.
    pub(super) fn layers(&self, net: &Network) -> Vec<Work> {
        net.layers()
            .map(|layer| {
                let readers = fan_out(&layer);
                let maps = net.steps(layer.input) as u64;
                let taps: u64 = readers.iter().sum();
                let dense = taps * (layer.in_c() * layer.out_c()) as u64 * maps;
                let spiking = layer.input.form == Form::Spikes;
                let executed = if spiking {
                    let counts = &self.counts[net.node(layer.id).inputs[0].0];
                    let each = readers.iter().zip(counts.chunks_exact(layer.in_c()));
                    let read = each.map(|(taps, c)| taps * c.iter().map(|&n| u64::from(n)).sum::<u64>());
                    read.sum::<u64>() * layer.out_c() as u64
                } else {
                    dense * self.images
                };
                Work { name: layer.name.to_owned(), spiking, dense, executed }
            })
            .collect()
    }
}

impl Fired {
    /// Over so many images.
    pub(super) fn activity(&self, images: u64, timesteps: usize) -> PopulationActivity {
        let most = images * timesteps as u64;
        PopulationActivity {
            name: self.name.clone(),
            neurons: self.spikes.len(),
            spikes: Share {
                n: self.spikes.iter().map(|&n| u64::from(n)).sum(),
                of: most * self.spikes.len() as u64,
            },
            dead: self.spikes.iter().filter(|&&n| n == 0).count(),
            always: self.spikes.iter().filter(|&&n| u64::from(n) == most).count(),
        }
    }
}

impl Work {
    /// For one of so many images.
    pub(super) fn activity(&self, images: u64) -> LayerActivity {
        let &Work { ref name, spiking, dense, executed } = self;
        LayerActivity { name: name.clone(), spiking, dense, executed: executed as f64 / images.max(1) as f64 }
    }
}

/// How many output pixels read each pixel of the input, (y, x).
fn fan_out(layer: &Layer) -> Vec<u64> {
    let side = |size: usize, out: usize| -> Vec<u64> {
        let mut readers = vec![0; size];
        for at in 0..out {
            for tap in 0..layer.k {
                if let Some(read) = (at * layer.stride + tap).checked_sub(layer.pad) {
                    readers.get_mut(read).into_iter().for_each(|n| *n += 1);
                }
            }
        }
        readers
    };
    let ([h, w], [out_h, out_w]) = (layer.in_hw(), layer.out_hw());
    let (rows, columns) = (side(h, out_h), side(w, out_w));
    rows.iter().flat_map(|r| columns.iter().map(move |c| r * c)).collect()
}
