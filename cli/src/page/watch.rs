//! One image through the golden model, which records every tensor; each is added up when it comes and is not kept.

use spikegate_contract::network::{Form, Gate, Network, NodeId, Op};
use spikegate_contract::tensor::Tensor;
use spikegate_golden::{membranes, run, GoldenError, Outcome, Recorder};
use spikegate_testbench::evaluate::Share;
use std::collections::BTreeMap;

/// Most neurons of a population whose spikes are drawn one by one.
const SAMPLED: usize = 96;
/// Most rows and columns of a map; larger ones are averaged.
const SIDE: usize = 32;
/// The same with more timesteps than eight, each of which has its map.
const SIDE_OF_MANY: usize = 16;
/// Magnitudes of an s16: none, and one to fifteen bits.
const BITS: usize = 16;

/// What one image has shown.
pub struct Watched {
    /// Its number in the data set.
    pub image: usize,
    /// Its label.
    pub label: Option<u16>,
    /// Its pixels as red, green and blue, at most [`SIDE`] squared.
    pub picture: Grid<[u8; 3]>,
    /// Class and logits.
    pub outcome: Outcome,
    /// The populations in the order of the nodes.
    pub populations: Vec<Spikes>,
    /// The streams in the order of the nodes, and the membranes of the neurons that read them.
    pub values: Vec<Values>,
    /// The encoder's gate; none with direct coding.
    pub gate: Option<GateMaps>,
}

/// A map.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid<T> {
    pub width: usize,
    /// Row by row.
    pub cells: Vec<T>,
}

/// Spikes of a population.
pub struct Spikes {
    pub name: String,
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Per timestep.
    pub steps: Vec<Share>,
    /// Share of channels and timesteps that fire.
    pub map: Grid<Option<f64>>,
    /// Some neurons, evenly over the population: when each fires.
    pub sampled: Vec<Vec<bool>>,
}

/// What a tensor of 16 bits holds.
pub struct Values {
    pub name: String,
    /// The threshold of neurons whose membranes these are; none of a stream.
    pub threshold: Option<i16>,
    /// Values by sign and size: -15 to 15 bits, 0 in the middle.
    pub bins: [u64; 2 * BITS - 1],
    pub least: i64,
    pub most: i64,
}

/// The gate over the image, a map for every timestep.
pub struct GateMaps {
    /// Temporal attention as the hardware has it, minus the paper's.
    pub temporal: Vec<i64>,
    /// Share of the channels that the stem fires.
    pub before: Vec<Grid<Option<f64>>>,
    /// Mean of the gate over the channels that fire, 0 to 1; none where none does.
    pub gate: Vec<Grid<Option<f64>>>,
    /// Share of the channels that fire behind the gate.
    pub after: Vec<Grid<Option<f64>>>,
}

/// Runs an image, pixels u8 in (c, y, x) order, and adds up what it does.
///
/// # Errors
/// As [`run`].
pub fn watch(net: &Network, image: usize, label: Option<u16>, pixels: &[u8]) -> Result<Watched, GoldenError> {
    let mut watcher = Watcher::new(net);
    let outcome = run(net, pixels, &mut watcher)?;
    let gate = watcher.gate_maps();
    let Watcher { populations, values, .. } = watcher;
    let picture = picture(net.input_shape(), pixels);
    Ok(Watched { image, label, picture, outcome, populations, values, gate })
}

/// Takes the tensors of a run.
struct Watcher<'a> {
    net: &'a Network,
    populations: Vec<Spikes>,
    values: Vec<Values>,
    /// The first gate: its place and constants.
    gate: Option<(NodeId, &'a Gate)>,
    /// The tensors around it.
    kept: BTreeMap<usize, Tensor>,
}

impl Recorder for Watcher<'_> {
    fn wants(&self, _name: &str) -> bool {
        true
    }

    fn record(&mut self, tensor: Tensor) {
        let net = self.net;
        let Some(id) = net.find(&tensor.name) else { return };
        match net.node(id).out.form {
            Form::Spikes => self.populations.push(Spikes::new(&tensor)),
            Form::Stream => {
                self.values.push(Values::new(&tensor.name, None, &tensor.data));
                for (_, node) in net.readers(id) {
                    let Op::Lif { threshold, neuron } = node.op else { continue };
                    let membranes = membranes(&net.neuron(neuron), threshold, &tensor, net.timesteps);
                    self.values.push(Values::new(&node.name, Some(threshold), &membranes.data));
                }
            }
            _ => {}
        }
        if self.around_the_gate(id) {
            self.kept.insert(id.0, tensor);
        }
    }
}

impl<'a> Watcher<'a> {
    fn new(net: &'a Network) -> Self {
        let gate = net.iter().find_map(|(id, node)| match &node.op {
            Op::Gate(gate) => Some((id, gate)),
            _ => None,
        });
        Self { net, populations: Vec::new(), values: Vec::new(), gate, kept: BTreeMap::new() }
    }

    /// The neurons that read a node.
    fn neurons_of(&self, id: NodeId) -> Option<NodeId> {
        self.net.readers(id).find(|(_, node)| matches!(node.op, Op::Lif { .. })).map(|(id, _)| id)
    }

    fn around_the_gate(&self, id: NodeId) -> bool {
        let Some((gate, _)) = self.gate else { return false };
        id == gate || self.net.node(gate).inputs.contains(&id) || self.neurons_of(gate) == Some(id)
    }

    fn gate_maps(&self) -> Option<GateMaps> {
        let (id, gate) = self.gate?;
        let tensor = |id: NodeId| self.kept.get(&id.0);
        let inputs = &self.net.node(id).inputs;
        let (temporal, before, y) = (tensor(inputs[0])?, tensor(inputs[2])?, tensor(id)?);
        let after = self.neurons_of(id).and_then(tensor);
        // One, as the gate's values have it.
        let one = f64::from(1u32 << gate.table_bits) * f64::from(1u32 << gate.y_shift);
        let steps = 0..self.net.timesteps;
        let fires = |of: &Tensor, t| map(of, t..t + 1, |sum, values| Some(sum / values));
        let mean = |t| {
            let (y, fired) =
                (map(y, t..t + 1, |sum, _| Some(sum)), map(before, t..t + 1, |sum, _| Some(sum)));
            let both = y.cells.iter().zip(&fired.cells);
            let cells = both.map(|(y, fired)| Some(y.as_ref()? / fired.filter(|&n| n > 0.0)? / one));
            Grid { width: y.width, cells: cells.collect() }
        };
        Some(GateMaps {
            temporal: temporal.data.clone(),
            before: steps.clone().map(|t| fires(before, t)).collect(),
            gate: steps.clone().map(mean).collect(),
            after: steps.map(|t| after.map(|of| fires(of, t))).collect::<Option<_>>().unwrap_or_default(),
        })
    }
}

impl Spikes {
    fn new(of: &Tensor) -> Self {
        let [timesteps, c, h, w] = of.dims;
        let neurons = c * h * w;
        let maps = || of.data.chunks_exact(neurons);
        let steps = maps().map(|map| Share { n: map.iter().sum::<i64>() as u64, of: neurons as u64 });
        let sampled = sample(neurons).map(|at| maps().map(|map| map[at] == 1).collect());
        Self {
            name: of.name.clone(),
            shape: [c, h, w],
            steps: steps.collect(),
            map: map(of, 0..timesteps, |sum, values| Some(sum / values)),
            sampled: sampled.collect(),
        }
    }
}

impl Values {
    fn new(name: &str, threshold: Option<i16>, data: &[i64]) -> Self {
        let mut bins = [0; 2 * BITS - 1];
        for &value in data {
            bins[bin(value)] += 1;
        }
        let (least, most) = (data.iter().min(), data.iter().max());
        let [least, most] = [least, most].map(|value| value.copied().unwrap_or_default());
        Self { name: name.to_owned(), threshold, bins, least, most }
    }
}

/// The bin of a value: as many bits as its size has above the middle, or below it.
fn bin(value: i64) -> usize {
    let bits = ((u64::BITS - value.unsigned_abs().leading_zeros()) as usize).min(BITS - 1);
    if value < 0 {
        BITS - 1 - bits
    } else {
        BITS - 1 + bits
    }
}

/// Places evenly over a population, not all of one column of its maps.
fn sample(neurons: usize) -> impl Iterator<Item = usize> {
    let count = neurons.min(SAMPLED);
    let each = neurons / count.max(1);
    (0..count).map(move |i| i * neurons / count + i * 7919 % each)
}

/// Height and width of cells, so that a map has no more than `most` of them a side.
fn block(h: usize, w: usize, most: usize) -> usize {
    h.max(w).div_ceil(most)
}

/// A map of some timesteps: `of` the sum over channels and a cell's pixels, and their number.
fn map(
    tensor: &Tensor,
    steps: std::ops::Range<usize>,
    of: impl Fn(f64, f64) -> Option<f64>,
) -> Grid<Option<f64>> {
    let [timesteps, channels, h, w] = tensor.dims;
    let most = if timesteps > 8 && steps.len() == 1 { SIDE_OF_MANY } else { SIDE };
    let block = block(h, w, most);
    let (height, width) = (h.div_ceil(block), w.div_ceil(block));
    let (mut sums, mut values) = (vec![0i64; height * width], vec![0u64; height * width]);
    for t in steps {
        for c in 0..channels {
            for y in 0..h {
                for x in 0..w {
                    let cell = y / block * width + x / block;
                    sums[cell] += tensor.at(t, c, y, x);
                    values[cell] += 1;
                }
            }
        }
    }
    let cells = sums.iter().zip(&values).map(|(&sum, &values)| of(sum as f64, values as f64));
    Grid { width, cells: cells.collect() }
}

/// The image in colours; of other than three channels the first, as grey.
fn picture([channels, h, w]: [usize; 3], pixels: &[u8]) -> Grid<[u8; 3]> {
    let block = block(h, w, SIDE);
    let width = w.div_ceil(block);
    let mean = |channel: usize, at: usize| {
        let (top, left) = (at / width * block, at % width * block);
        let rows = top..h.min(top + block);
        let inside = rows.flat_map(|y| (left..w.min(left + block)).map(move |x| (channel * h + y) * w + x));
        let inside: Vec<u64> = inside.map(|at| pixels[at].into()).collect();
        (inside.iter().sum::<u64>() / inside.len() as u64) as u8
    };
    let channels = if channels == 3 { [0, 1, 2] } else { [0; 3] };
    let cells = (0..h.div_ceil(block) * width).map(|at| channels.map(|channel| mean(channel, at)));
    Grid { width, cells: cells.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_go_by_sign_and_size() {
        let bits = |value| bin(value) as i64 - 15;
        let right = [(0, 0), (1, 1), (-1, -1), (2, 2), (-3, -2), (4, 3), (32767, 15), (-32768, -15)];
        for (value, bin) in right {
            assert_eq!(bits(value), bin, "{value}");
        }
    }

    #[test]
    fn samples_are_neurons() {
        for neurons in [1, 5, 95, 96, 97, 784, 65_536] {
            let places: std::collections::BTreeSet<usize> = sample(neurons).collect();
            assert_eq!(places.len(), neurons.min(SAMPLED), "{neurons}");
            assert!(places.iter().all(|&at| at < neurons), "{neurons}");
        }
    }

    #[test]
    fn large_maps_are_averaged() {
        // 40 rows of one column: a cell is two of them.
        let data = (0..40).map(|y| i64::from(y < 3)).collect();
        let grid = map(&Tensor { name: "x".to_owned(), dims: [1, 1, 40, 1], data }, 0..1, |s, n| Some(s / n));
        assert_eq!((grid.width, grid.cells.len()), (1, 20));
        assert_eq!(grid.cells[..3], [Some(1.0), Some(0.5), Some(0.0)]);
    }
}
