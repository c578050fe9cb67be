//! From the float network to the integer network.
//!
//! Data in: the checked graph and a [`Calibration`]. Data out: the contract's [`Network`]. Batch norm is folded into
//! the requantisation of every output channel; activations have power-of-two units (Z1 excepted, whose unit cancels
//! between the two convolutions around it); weights have one unit per output channel, the head one for all.

mod encoder;
mod error;
mod evaluate;
mod rounding;
mod scale;
mod weights;

pub use error::QuantiseError;
pub use evaluate::{evaluate, EvaluateError, Evaluation, SpikeAgreement, DEFAULT_SPIKE_IMAGES};

use spikegate_contract::network::{self as contract, Network, GATE_MAX_BITS};

use crate::calibrate::{self, Calibration, Moments};
use crate::graph::{self, MapShape, PlacedBlock};
use encoder::GATE_REACH;
use rounding::Rounding;
use scale::{best_power, best_unit, bits_for, fraction_bits, range, HEADROOM};
use weights::Layer;

/// Most fraction bits of an s16 with a sign and a threshold of at least one unit in it.
const MOST_BITS: i32 = 14;
/// Most fraction bits of the gate's factors, which may be small throughout: 15 significant ones all the same.
const MOST_GATE_BITS: i32 = 30;

/// Settings of the quantiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Weight width in bits, 8 or 4.
    pub weight_bits: u8,
    /// Bits of the gate's output that the projection of the first block reads, 8 to 12: it takes as many passes. The
    /// spikes of the gate do not depend on it.
    pub gate_bits: u8,
}

impl Default for Options {
    fn default() -> Self {
        Self { weight_bits: 8, gate_bits: 8 }
    }
}

/// Quantises a network.
///
/// # Errors
/// The network does not fit together, the calibration is not of this network, an option is out of range, or a tensor
/// is too large for 16 bits.
pub fn quantise(
    net: &graph::Network,
    cal: &Calibration,
    options: &Options,
) -> Result<Network, QuantiseError> {
    net.check()?;
    if ![4, 8].contains(&options.weight_bits) {
        let got = options.weight_bits.into();
        return Err(QuantiseError::Option { what: "the weight width", got, expected: "4 or 8 bits" });
    }
    if !(8..=12).contains(&options.gate_bits) {
        let got = options.gate_bits.into();
        return Err(QuantiseError::Option { what: "the gate width", got, expected: "8 to 12 bits" });
    }
    Quantiser { net, cal, options, blocks: net.blocks()? }.run()
}

/// The share of the gate's arguments beyond 8 in magnitude, where it is on a razor's edge: with a threshold of one, the
/// gate's own limit, spikes of the first block hang on how near to one a saturated gate comes, which is less than a step of
/// 12 bits. `None` where hardly any argument lies there, or the threshold elsewhere.
pub fn gate_on_the_edge(net: &graph::Network, cal: &Calibration) -> Option<f64> {
    let share = cal.get("gate.z").map_or(0.0, |z| z.share_above(GATE_REACH));
    ((net.neuron.threshold - 1.0).abs() < 2f64.powi(-12) && share > 0.01).then_some(share)
}

struct Quantiser<'a> {
    net: &'a graph::Network,
    cal: &'a Calibration,
    options: &'a Options,
    blocks: Vec<PlacedBlock<'a>>,
}

impl Quantiser<'_> {
    fn run(&self) -> Result<Network, QuantiseError> {
        let net = self.net;
        let offset = net.mean.iter().map(|m| (255.0 * m).round().clamp(0.0, 255.0) as u8).collect();
        let (stem, x_frac) = self.stem()?;
        // Fraction bits of the stream that enters block 0, and of what its projection reads.
        let (mut encoder, mut frac, mut in_unit) = (None, x_frac, 2f64.powi(-x_frac));
        if let Some(attention) = &net.encoder {
            let (mut integer, y_frac) = self.encoder(attention, &stem, x_frac)?;
            integer.gate.threshold = self.threshold("encoder.gate", y_frac)?;
            (frac, in_unit) = (y_frac, self.gated_unit(&integer.gate));
            encoder = Some(integer);
        }

        let mut blocks = Vec::new();
        for (index, placed) in self.blocks.iter().enumerate() {
            if placed.block.shortcut.is_some() {
                frac = self.stream_bits(index)?;
            }
            blocks.push(self.block(placed, in_unit, frac)?);
            in_unit = 2f64.powi(-frac);
        }
        Ok(Network {
            name: net.origin.name.clone(),
            t: net.timesteps,
            neuron: contract::Neuron { leak_shift: net.neuron.leak_shift, fire: net.neuron.fire },
            weight_bits: self.options.weight_bits,
            input: contract::Input { shape: [net.input.c, net.input.h, net.input.w], offset },
            stem,
            encoder,
            blocks,
            head: self.head(frac)?,
        })
    }

    fn stem(&self) -> Result<(contract::Stem, i32), QuantiseError> {
        let net = self.net;
        // In direct coding X is the stream itself, and shares the scale of the blocks that add to it.
        let shares = net.encoder.is_none() && self.blocks.first().is_some_and(|b| b.block.shortcut.is_none());
        let blocks = if shares { self.stream_tensors(0) } else { Vec::new() };
        let tensors = [vec!["stem.x".to_owned()], blocks].concat();
        let frac = fraction_bits(self.cal, &tensors, self.threshold_bits())?;
        // One code step is 1 / (255 std) in the float network: the channel's weights take that factor.
        let in_scale: Vec<f64> = net.std.iter().map(|std| 1.0 / (255.0 * std)).collect();
        let conv = Layer {
            name: "conv1".to_owned(),
            conv: &net.stem.conv,
            in_unit: 1.0,
            out_unit: 2f64.powi(-frac),
            affine: net.stem.bn.affine(),
            moments: self.moments("conv1")?,
            in_scale,
            input: net.input,
            output: net.stem_output()?,
            bits: self.options.weight_bits,
        }
        .quantise();
        let xq_shift = match net.encoder {
            Some(_) => (frac - best_power(range(self.cal, "stem.x")?, 127.0)).clamp(0, 15) as u8,
            None => 0,
        };
        Ok((
            contract::Stem { conv, frac_bits: frac, threshold: self.threshold("conv1", frac)?, xq_shift },
            frac,
        ))
    }

    /// The encoder, its gate's threshold still to be set, and the fraction bits of Y.
    fn encoder(
        &self,
        encoder: &graph::Encoder,
        stem: &contract::Stem,
        x_frac: i32,
    ) -> Result<(contract::Encoder, i32), QuantiseError> {
        let (net, cal) = (self.net, self.cal);
        let map = net.stem_output()?;
        let xq_unit = 2f64.powi(i32::from(stem.xq_shift) - x_frac);
        let z1_unit = best_unit(range(cal, "sca.z1")?, 255.0);
        let sca_frac_bits = fraction_bits(cal, &["sca".into()], MOST_GATE_BITS)?;
        let ta_frac_bits = fraction_bits(cal, &["ta".into()], MOST_GATE_BITS)?;
        let layer = |name: &str, conv, in_unit, out_unit| {
            let layer = Layer {
                name: name.to_owned(),
                conv,
                in_unit,
                out_unit,
                affine: Vec::new(),
                in_scale: Vec::new(),
                moments: self.moments(name)?,
                input: map,
                output: map,
                bits: self.options.weight_bits,
            };
            Ok::<_, QuantiseError>(layer.quantise())
        };
        let sca_unit = 2f64.powi(-sca_frac_bits);
        let sca1 = layer("encoding.SCA.0", &encoder.sca_v1, xq_unit, z1_unit)?;
        let sca2 = layer("encoding.SCA.2", &encoder.sca_v2, z1_unit, sca_unit)?;

        let y_frac = self.gate_stream_bits()?;
        let table_bits = y_frac.min(GATE_MAX_BITS as i32) as u8;
        let bits = (table_bits, self.options.gate_bits.min(table_bits));
        let product = ta_frac_bits + sca_frac_bits;
        let z_frac = encoder::z_frac(product, range(cal, "gate.z")?.max_abs * HEADROOM);
        let z_shift = (product - z_frac) as u8;
        let gate = encoder::gate(z_shift, z_frac, bits, y_frac as u8 - table_bits, 1);
        let temporal = encoder::temporal(encoder, map.len(), x_frac, ta_frac_bits);
        Ok((contract::Encoder { temporal, sca1, sca2, sca_frac_bits, ta_frac_bits, gate }, y_frac))
    }

    /// Float value of one unit of the gate's output as a projection reads it, what it loses of the unread bits included:
    /// half of them on average, of an open gate.
    fn gated_unit(&self, gate: &contract::Gate) -> f64 {
        let unit = |bits: u8| 2f64.powi(-i32::from(bits));
        let lost = (unit(gate.gate_bits) - unit(gate.table_bits)) / 2.0;
        let open = self.cal.get("gate.y").map_or(0.0, |y| y.mean_of_nonzero());
        unit(gate.gate_bits) * if open > lost { open / (open - lost) } else { 1.0 }
    }

    /// Fraction bits of Y, 8 to 15: as many as its membrane allows, or the first stage's where it shares its scale.
    fn gate_stream_bits(&self) -> Result<i32, QuantiseError> {
        if self.blocks.first().is_some_and(|b| b.block.shortcut.is_none()) {
            let bits = self.stream_bits(0)?;
            if bits < 8 {
                let reach = 32767.0 * 2f64.powi(-bits);
                return Err(QuantiseError::Range { tensor: "gate.y".to_owned(), reach, limit: 127.0 });
            }
            return Ok(bits);
        }
        // Y is at most 1, so its membrane stays below 1 / (1 - leak), and below one step above the threshold.
        let bound = (1.0 / (1.0 - self.net.neuron.leak())).min(self.net.neuron.threshold + 1.0);
        Ok(bits_for(bound, self.threshold_bits()).max(8))
    }

    /// Fraction bits of the stream that begins at a block: the block's and its identity successors'.
    fn stream_bits(&self, first: usize) -> Result<i32, QuantiseError> {
        fraction_bits(self.cal, &self.stream_tensors(first), self.threshold_bits())
    }

    /// The tensors that share that stream's scale.
    fn stream_tensors(&self, first: usize) -> Vec<String> {
        let mut tensors = Vec::new();
        for (index, placed) in self.blocks.iter().enumerate().skip(first) {
            if index > first && placed.block.shortcut.is_some() {
                break;
            }
            tensors.extend(["conv2", "out"].map(|part| format!("{}.{part}", placed.name)));
            if placed.block.shortcut.is_some() {
                tensors.push(format!("{}.downsample", placed.name));
            }
        }
        tensors
    }

    fn block(
        &self,
        placed: &PlacedBlock<'_>,
        in_unit: f64,
        frac: i32,
    ) -> Result<contract::Block, QuantiseError> {
        let name = |part: &str| format!("{}.{part}", placed.name);
        let tensors = [name("conv1")];
        let frac1 = fraction_bits(self.cal, &tensors, self.threshold_bits())?;
        let layer = |part: &str, conv_bn: &graph::ConvBn, units: (f64, f64), input: MapShape| {
            let layer = Layer {
                name: name(part),
                conv: &conv_bn.conv,
                in_unit: units.0,
                out_unit: units.1,
                affine: conv_bn.bn.affine(),
                in_scale: Vec::new(),
                moments: self.moments(&name(part))?,
                input,
                output: placed.output,
                bits: self.options.weight_bits,
            };
            Ok::<_, QuantiseError>(layer.quantise())
        };
        let (unit1, unit) = (2f64.powi(-frac1), 2f64.powi(-frac));
        let shortcut = placed.block.shortcut.as_ref();
        let shortcut = shortcut.map(|s| layer("downsample", s, (in_unit, unit), placed.input));
        Ok(contract::Block {
            name: placed.name.clone(),
            conv1: layer("conv1", &placed.block.conv1, (1.0, unit1), placed.input)?,
            frac_bits1: frac1,
            threshold1: self.threshold(&name("lif2"), frac1)?,
            conv2: layer("conv2", &placed.block.conv2, (1.0, unit), placed.output)?,
            shortcut: shortcut.transpose()?,
            frac_bits: frac,
            threshold_out: self.threshold(&name("out"), frac)?,
        })
    }

    /// The head; `frac` are the fraction bits of the last stream.
    fn head(&self, frac: i32) -> Result<contract::Head, QuantiseError> {
        let head = &self.net.head;
        let floats: Vec<f64> = head.weight.data().iter().map(|&w| w.into()).collect();
        let moments = self.moments("fc1")?;
        let (weights, unit) =
            Rounding::new(moments.covariance(), self.options.weight_bits).rows(&floats, head.weight.dim(1));
        let pixels = self.blocks.last().map_or(1, |b| b.output.h * b.output.w);
        let window = (self.net.timesteps * pixels) as f64;
        // The mean error of the rounded weights goes into the bias, as in the other layers.
        let rates = moments.mean();
        let lost = |class: usize| -> f64 {
            let row = class * rates.len()..(class + 1) * rates.len();
            let pairs = floats[row.clone()].iter().zip(&weights[row]);
            pairs.zip(&rates).map(|((w, &q), rate)| (w - f64::from(q) * unit) * rate).sum()
        };
        // Counts are spikes over the window, pooled values have the window's mean in a unit of their own.
        let (pool, operand_unit) = match head.last_lif {
            true => (None, 1.0 / window),
            false => {
                let frac_bits = fraction_bits(self.cal, &[calibrate::MEAN.to_owned()], MOST_BITS)?;
                let factor = 2f64.powi(frac_bits - frac) / window;
                let requant = vec![weights::requant(factor, 0.0); rates.len()];
                (Some(contract::Pool { requant, frac_bits }), 2f64.powi(-frac_bits))
            }
        };
        let scale = significant(unit * operand_unit);
        let bias = |(class, &b): (usize, &f32)| ((f64::from(b) + lost(class)) / scale).round() as i32;
        let bias = head.bias.iter().enumerate().map(bias).collect();
        let conv = contract::Conv {
            name: "fc1".to_owned(),
            in_c: head.weight.dim(1),
            in_hw: [1, 1],
            out_c: head.weight.dim(0),
            out_hw: [1, 1],
            k: 1,
            stride: 1,
            pad: 0,
            weights,
            requant: Vec::new(),
        };
        Ok(contract::Head { conv, bias, scale, pool })
    }

    fn moments(&self, layer: &str) -> Result<&Moments, QuantiseError> {
        let missing = || QuantiseError::NotCalibrated { tensor: layer.to_owned() };
        self.cal.moments(layer).ok_or_else(missing)
    }

    /// Most fraction bits with which the threshold fits s16.
    fn threshold_bits(&self) -> i32 {
        bits_for(self.net.neuron.threshold * 1.0001, MOST_BITS)
    }

    /// The threshold in units of 2^-frac.
    fn threshold(&self, layer: &str, frac: i32) -> Result<i16, QuantiseError> {
        let value = (self.net.neuron.threshold * 2f64.powi(frac)).round();
        if !(1.0..=32766.0).contains(&value) {
            let limit = self.net.neuron.threshold * 32766.0;
            return Err(QuantiseError::Range {
                tensor: layer.to_owned(),
                reach: limit / value.max(1e-9),
                limit,
            });
        }
        Ok(value as i16)
    }
}

/// Nine significant digits, which JSON gives back exactly.
fn significant(v: f64) -> f64 {
    format!("{v:.8e}").parse().unwrap_or(v)
}
