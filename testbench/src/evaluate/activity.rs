//! How busy neurons and layers are.

use serde::Serialize;
use spikegate_contract::network::{Form, Layer, Network, NodeId, Op, MAX_T};

use super::share::Share;

/// Neurons that are counted side by side.
const TOGETHER: usize = 128;
const _: () = assert!(MAX_T <= 255);

/// Spikes of every neuron over all images.
pub(super) struct Activity {
    /// Images so far.
    pub(super) images: u64,
    timesteps: usize,
    /// By node: spikes of each neuron, (y, x, c); nothing where a node is no LIF.
    counts: Vec<Vec<u32>>,
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
        Self { images: 0, timesteps: net.timesteps, counts }
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

    pub(super) fn populations(&self, net: &Network) -> Vec<PopulationActivity> {
        let most = self.images * self.timesteps as u64;
        let lifs = net.iter().filter(|(_, node)| matches!(node.op, Op::Lif { .. }));
        lifs.map(|(id, node)| {
            let counts = &self.counts[id.0];
            PopulationActivity {
                name: node.name.clone(),
                neurons: counts.len(),
                spikes: Share {
                    n: counts.iter().map(|&n| u64::from(n)).sum(),
                    of: most * counts.len() as u64,
                },
                dead: counts.iter().filter(|&&n| n == 0).count(),
                always: counts.iter().filter(|&&n| u64::from(n) == most).count(),
            }
        })
        .collect()
    }

    pub(super) fn layers(&self, net: &Network) -> Vec<LayerActivity> {
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
                    (read.sum::<u64>() * layer.out_c() as u64) as f64 / self.images.max(1) as f64
                } else {
                    dense as f64
                };
                LayerActivity { name: layer.name.to_owned(), spiking, dense, executed }
            })
            .collect()
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
