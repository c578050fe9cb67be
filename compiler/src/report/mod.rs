//! What a design is, what it costs and how well it computes, as one structure with two renderings: JSON (serde) and
//! [`Report::text`].
//!
//! Every number says where it comes from. Nothing here depends on time or place: equal designs have equal reports.

mod text;

use serde::{Deserialize, Serialize};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
pub use spikegate_contract::figure::{Number, Source};
use spikegate_contract::network::Network;
use std::collections::BTreeMap;

use crate::plan::{packet_words, Planned};
use crate::quantise::Evaluation;

/// Version of the report. Raised on any change that a reader could notice.
pub const REPORT_VERSION: u32 = 4;

/// `n` of `of` to six decimals, which JSON gives back exactly; 0 of nothing.
fn share(n: f64, of: f64) -> f64 {
    if of == 0.0 {
        return 0.0;
    }
    (1e6 * n / of).round() / 1e6
}

/// The network in a few numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkReport {
    /// Name.
    pub name: String,
    /// Timesteps.
    pub timesteps: usize,
    /// Image channels, rows, columns.
    pub input: [usize; 3],
    /// Classes.
    pub classes: usize,
    /// Weights.
    pub weights: usize,
    /// How many of them have which width, narrow ones first.
    pub widths: Vec<WeightWidth>,
    /// Synaptic operations of the 3x3 convolutions per image, padded taps included.
    pub dense_sops: u64,
}

/// The weights of the layers with one weight width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightWidth {
    /// Bits of a weight.
    pub bits: u8,
    /// Weights.
    pub weights: usize,
}

/// One memory of the array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryReport {
    /// Name.
    pub name: String,
    /// Copies, one per slot or post lane.
    pub copies: usize,
    /// Bits of a word.
    pub word_bits: usize,
    /// Words of a copy.
    pub words: usize,
    /// Words that the network uses.
    pub used: Number<usize>,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerReport {
    /// Layer name.
    pub name: String,
    /// Dense operations: taps x channels x bits or timesteps.
    pub dense_ops: u64,
    /// The same without taps on the zero border.
    pub inside_ops: u64,
    /// Whether it is a 3x3 convolution on spikes.
    pub spiking: bool,
    /// Whether its channels fill the array.
    pub fills_array: bool,
    /// Predicted cycles.
    pub cycles: Number<u64>,
    /// Cycles of a simulation or a board, once known.
    pub counted: Option<Number<u64>>,
}

/// Bytes that one image moves, and what the cycles assume of the external memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficReport {
    /// The image packet.
    pub image: Number<u64>,
    /// The result packet; of a batch the longest, which is the last image's.
    pub result: Number<u64>,
    /// Weights read from the external memory; 0 where they lie on chip. A batch shares them.
    pub weights: Number<u64>,
    /// Residual maps written to the external memory, and read back from it.
    #[serde(default = "none", skip_serializing_if = "is_none")]
    pub maps: [Number<u64>; 2],
    /// Layers whose stream they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spilled: Vec<String>,
    /// The memory that the predicted cycles hold for, where something lies in one.
    pub memory: Option<MemoryModel>,
}

fn none() -> [Number<u64>; 2] {
    [Number::estimate(0); 2]
}

fn is_none(maps: &[Number<u64>; 2]) -> bool {
    maps.iter().all(|bytes| bytes.value == 0)
}

/// Agreement of integer and float network on a data set; shares are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccuracyReport {
    /// Images.
    pub images: usize,
    /// Images with the right class, float network.
    pub float_top1: Option<Number<f64>>,
    /// Images with the right class, integer network.
    pub integer_top1: Option<Number<f64>>,
    /// Images on which both say the same class.
    pub label_agreement: Number<f64>,
    /// Images compared spike by spike.
    pub spike_images: usize,
    /// Per population: equal spikes.
    pub spike_agreement: Vec<(String, Number<f64>)>,
    /// Clamped values in these images, per place.
    pub saturated: Vec<SaturationReport>,
}

/// Values that a clamp changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaturationReport {
    /// Layer or tensor.
    pub layer: String,
    /// Which clamp.
    pub kind: String,
    /// Values changed.
    pub saturated: Number<u64>,
    /// Values that passed the clamp.
    pub of: u64,
}

/// What the core takes of an FPGA family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceReport {
    /// FPGA family.
    pub part: String,
    /// Look-up tables: LUT4 equivalents of an ECP5, LUT6 of a Xilinx part.
    pub lut: Number<u64>,
    /// Flip-flops.
    pub ff: Number<u64>,
    /// Block memories of 18 kbit.
    pub bram: Number<u64>,
    /// Multiplier blocks.
    pub dsp: Number<u64>,
    /// Fastest clock in MHz by speed grade, where one is known.
    pub fmax_mhz: Vec<(String, Number<f64>)>,
}

/// The report of a design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub format_version: u32,
    /// The network.
    pub network: NetworkReport,
    /// The array.
    pub array: ArrayConfig,
    /// Lane operations per cycle.
    pub lane_ops: usize,
    /// Memories.
    pub memories: Vec<MemoryReport>,
    /// What the core takes of each FPGA family, where it can be estimated.
    pub resources: Vec<ResourceReport>,
    /// Instructions of one image, or one batch, in order.
    pub layers: Vec<LayerReport>,
    /// Images of a batch; 1 where every image has its own run of the program.
    pub batch: u64,
    /// Cycles of one image, rounded up: counted where every layer was, else predicted. A batch has `batch` times as many.
    pub cycles: Number<u64>,
    /// The same without a batch, where the weights stream.
    pub cycles_alone: Option<Number<u64>>,
    /// Dense operations per lane operation over the 3x3 layers that fill the array; none without such layers. Dense
    /// operations count the taps on the zero border, which take no cycle: on small maps this exceeds 1.
    pub utilisation: Option<Number<f64>>,
    /// The same over the whole network.
    pub utilisation_all: Number<f64>,
    /// As `utilisation`, without the taps on the zero border.
    pub utilisation_inside: Option<Number<f64>>,
    /// As `utilisation_all`, without the taps on the zero border.
    pub utilisation_inside_all: Number<f64>,
    /// What one image moves.
    pub traffic: TrafficReport,
    /// Accuracy, once measured.
    pub accuracy: Option<AccuracyReport>,
}

impl Report {
    /// The report of a planned network, all numbers predicted.
    pub fn new(net: &Network, planned: &Planned) -> Report {
        let layers: Vec<LayerReport> = planned
            .plan
            .steps
            .iter()
            .map(|s| LayerReport {
                name: s.name.clone(),
                dense_ops: s.dense_ops,
                inside_ops: s.inside_ops,
                spiking: s.spiking,
                fills_array: s.fills_array,
                cycles: Number::estimate(s.cycles),
                counted: None,
            })
            .collect();
        let mut report = Report {
            format_version: REPORT_VERSION,
            network: NetworkReport {
                name: net.name.clone(),
                timesteps: net.timesteps,
                input: net.input_shape(),
                classes: net.classes(),
                weights: net.layers().map(|layer| layer.weights.len()).sum(),
                widths: widths(net),
                dense_sops: net.dense_sops(),
            },
            array: planned.array.clone(),
            lane_ops: planned.array.lane_ops(),
            memories: memories(planned, net),
            resources: Vec::new(),
            layers,
            batch: planned.plan.batch as u64,
            cycles: Number::estimate(0),
            cycles_alone: planned.plan.weight_stream.map(|s| Number::estimate(s.cycles_alone)),
            utilisation: None,
            utilisation_all: Number::estimate(0.0),
            utilisation_inside: None,
            utilisation_inside_all: Number::estimate(0.0),
            traffic: traffic(net, planned),
            accuracy: None,
        };
        report.total();
        report
    }

    /// Adds cycles counted per instruction, in the order of the layers; a list of another length is ignored.
    pub fn count_cycles(&mut self, cycles: &[u64], source: Source) {
        if cycles.len() == self.layers.len() {
            for (layer, &value) in self.layers.iter_mut().zip(cycles) {
                layer.counted = Some(Number { value, source });
            }
            self.total();
        }
    }

    /// The instructions as a person reads them: where layers run in stripes, one row for all instructions of a layer, and one
    /// for all that move maps or a page of the program.
    pub fn by_layer(&self) -> Vec<LayerReport> {
        let moves = |l: &LayerReport| is_move(&l.name);
        if !self.layers.iter().any(moves) {
            return self.layers.clone();
        }
        let mut rows: Vec<LayerReport> = Vec::new();
        for layer in &self.layers {
            let name = if moves(layer) { MOVES } else { &layer.name };
            match rows.iter_mut().find(|row| row.name == name) {
                Some(row) => {
                    row.dense_ops += layer.dense_ops;
                    row.inside_ops += layer.inside_ops;
                    row.cycles.value += layer.cycles.value;
                    row.counted = row
                        .counted
                        .zip(layer.counted)
                        .map(|(all, one)| Number { value: all.value + one.value, ..all });
                }
                None => rows.push(LayerReport { name: name.to_owned(), ..layer.clone() }),
            }
        }
        // Behind all that computes.
        rows.sort_by_key(|row| row.name == MOVES);
        rows
    }

    /// Adds measured accuracy.
    pub fn set_accuracy(&mut self, e: &Evaluation) {
        let of_images = |n: usize| Number::measured(share(n as f64, e.images as f64));
        self.accuracy = Some(AccuracyReport {
            images: e.images,
            float_top1: e.float_right.map(of_images),
            integer_top1: e.integer_right.map(of_images),
            label_agreement: of_images(e.same_label),
            spike_images: e.spike_images,
            spike_agreement: e
                .spikes
                .iter()
                .map(|s| (s.name.clone(), Number::measured(share(s.equal as f64, s.total as f64))))
                .collect(),
            saturated: e
                .saturations
                .0
                .iter()
                .map(|s| SaturationReport {
                    layer: s.layer.clone(),
                    kind: s.kind.to_string(),
                    saturated: Number::measured(s.saturated),
                    of: s.of,
                })
                .collect(),
        });
    }

    /// Sums and shares over the layers.
    fn total(&mut self) {
        let counted = self.layers.iter().find_map(|l| l.counted).map_or(Source::Estimate, |c| c.source);
        let cycles = |l: &LayerReport| l.counted.unwrap_or(l.cycles).value;
        let used = |layers: &[&LayerReport], ops: fn(&LayerReport) -> u64| -> Option<Number<f64>> {
            let total: u64 = layers.iter().map(|l| cycles(l)).sum();
            let ops: u64 = layers.iter().map(|l| ops(l)).sum();
            let value = share(ops as f64, total as f64 * self.lane_ops as f64);
            (total > 0).then_some(Number { value, source: counted })
        };
        let none = Number { value: 0.0, source: counted };
        let full: Vec<&LayerReport> = self.layers.iter().filter(|l| l.spiking && l.fills_array).collect();
        let all: Vec<&LayerReport> = self.layers.iter().collect();
        let dense = (used(&full, |l| l.dense_ops), used(&all, |l| l.dense_ops));
        let inside = (used(&full, |l| l.inside_ops), used(&all, |l| l.inside_ops));
        let total = self.layers.iter().map(cycles).sum::<u64>();
        self.cycles = Number { value: total.div_ceil(self.batch.max(1)), source: counted };
        (self.utilisation, self.utilisation_all) = (dense.0, dense.1.unwrap_or(none));
        (self.utilisation_inside, self.utilisation_inside_all) = (inside.0, inside.1.unwrap_or(none));
    }
}

/// Name of the row for all that moves.
pub const MOVES: &str = "moves";

/// Whether a step of this name moves maps or a page of the program.
pub fn is_move(name: &str) -> bool {
    ["load ", "store "].iter().any(|way| name.starts_with(way))
}

fn traffic(net: &Network, planned: &Planned) -> TrafficReport {
    let [image, result] = packet_words(net, &planned.array, &planned.plan, &planned.instructions);
    let (stream, spill) = (planned.plan.weight_stream, &planned.plan.map_spill);
    let each = |bytes: u64| Number::estimate(bytes.div_ceil(planned.plan.batch as u64));
    TrafficReport {
        image: Number::estimate(4 * image as u64),
        result: Number::estimate(4 * result as u64),
        weights: each(stream.map_or(0, |s| s.bytes)),
        maps: spill.as_ref().map_or([0; 2], |s| [s.written, s.read]).map(each),
        spilled: spill.as_ref().map_or(Vec::new(), |s| s.maps.clone()),
        memory: planned.plan.memory(),
    }
}

/// The network's weights by their width.
fn widths(net: &Network) -> Vec<WeightWidth> {
    let mut counts = BTreeMap::new();
    net.layers().for_each(|layer| *counts.entry(layer.weight_bits).or_insert(0) += layer.weights.len());
    counts.into_iter().map(|(bits, weights)| WeightWidth { bits, weights }).collect()
}

fn memories(planned: &Planned, net: &Network) -> Vec<MemoryReport> {
    let a = &planned.array;
    let [code, spike, stream, weight, param] = planned.plan.words_used;
    // A program in pages fills its memory.
    let instr =
        (planned.instructions.len() * spikegate_contract::instr::words()).min(planned.array.instr_depth);
    let one = |name: &str, copies, word_bits, words, used| MemoryReport {
        name: name.to_owned(),
        copies,
        word_bits,
        words,
        used: Number::estimate(used),
    };
    let mut memories = vec![
        one("code", a.ci, 9, a.code_depth, code),
        one("spike", a.ci, a.lanes, a.spike_depth, spike),
        one("stream", a.ci, 16 * a.lanes, a.stream_depth, stream),
        one("weight", a.ci, 8 * a.co, a.weight_depth, weight),
        one("parameter", a.post, 69, a.param_depth, param),
        one("instruction", 1, 32, a.instr_depth, instr),
        one("result", 1, 32, a.class_depth, net.classes()),
    ];
    if a.spill_depth > 0 {
        memories.push(one("spill", 2, 16 * a.spill_values(), a.spill_buffer(), a.spill_buffer()));
    }
    memories
}
