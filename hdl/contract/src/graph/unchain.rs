//! Nodes back to the chain of layers, while both forms stand side by side.

use super::{Conv, Linear, Network, NodeId, Op};
use crate::network as chain;
use crate::tensor::names;

impl Network {
    /// The chain that this network was made of; none of another form than the chain's. Convolutions are called by their
    /// nodes but for the first, `stem`, the second of the attention, `encoder.sca2`, and the head.
    pub fn to_chain(&self) -> Option<chain::Network> {
        let stem = self.chain_conv(names::STEM_X, "stem")?;
        let mut out = chain::Network {
            name: self.name.clone(),
            t: self.timesteps,
            neuron: self.neuron,
            weight_bits: self.weight_bits,
            input: chain::Input { shape: self.input_shape(), offset: self.chain_offset()? },
            stem: chain::Stem {
                conv: stem,
                frac_bits: self.frac_bits(names::STEM_X),
                threshold: self.threshold(names::STEM_SPIKES)?,
                xq_shift: self.shift(names::STEM_XQ).unwrap_or(0),
            },
            encoder: self.chain_encoder(),
            blocks: Vec::new(),
            head: self.chain_head()?,
        };
        for node in self.nodes.iter().filter(|node| matches!(node.op, Op::Add)) {
            out.blocks.push(self.chain_block(node.name.strip_suffix(names::STREAM)?.strip_suffix('.')?)?);
        }
        // Fraction bits that are not said become 0, and those of gate and codes are computed.
        let plain = |net: &Network| {
            let mut net = net.clone();
            net.nodes.iter_mut().for_each(|node| node.out.frac_bits = None);
            net
        };
        (plain(&Network::from(&out)) == plain(self)).then_some(out)
    }

    fn op_of(&self, name: &str) -> Option<&Op> {
        Some(&self.node(self.find(name)?).op)
    }

    fn frac_bits(&self, name: &str) -> i32 {
        self.find(name).and_then(|id| self.node(id).out.frac_bits).unwrap_or(0)
    }

    fn threshold(&self, name: &str) -> Option<i16> {
        let Op::Lif { threshold } = *self.op_of(name)? else { return None };
        Some(threshold)
    }

    fn shift(&self, name: &str) -> Option<u8> {
        let Op::Code { shift, .. } = *self.op_of(name)? else { return None };
        Some(shift)
    }

    fn chain_offset(&self) -> Option<Vec<u8>> {
        let Op::Input { offset } = &self.nodes.first()?.op else { return None };
        Some(offset.clone())
    }

    fn chain_conv(&self, name: &str, called: &str) -> Option<chain::Conv> {
        let id = self.find(name)?;
        let Op::Conv(Conv { k, stride, pad, weights, requant }) = &self.node(id).op else { return None };
        let ([in_c, in_h, in_w], [out_c, out_h, out_w]) =
            (self.source(id).out.shape, self.node(id).out.shape);
        Some(chain::Conv {
            name: called.to_owned(),
            in_c,
            in_hw: [in_h, in_w],
            out_c,
            out_hw: [out_h, out_w],
            k: *k,
            stride: *stride,
            pad: *pad,
            weights: weights.clone(),
            requant: requant.clone(),
        })
    }

    fn chain_encoder(&self) -> Option<chain::Encoder> {
        let Op::TemporalAttention(temporal) = self.op_of(names::TA)? else { return None };
        let Op::Gate(gate) = self.op_of(names::GATE_Y)? else { return None };
        let unread = self.shift("gate.code").map_or(0, |shift| shift.saturating_sub(gate.y_shift));
        Some(chain::Encoder {
            temporal: temporal.clone(),
            sca1: self.chain_conv("encoder.sca1", "encoder.sca1")?,
            sca2: self.chain_conv(names::SCA, "encoder.sca2")?,
            sca_frac_bits: self.frac_bits(names::SCA),
            ta_frac_bits: self.frac_bits(names::TA),
            gate: chain::Gate {
                z_shift: gate.z_shift,
                table: gate.table.clone(),
                table_bits: gate.table_bits,
                gate_bits: gate.table_bits - unread,
                y_shift: gate.y_shift,
                threshold: self.threshold(names::GATE_SPIKES)?,
            },
        })
    }

    fn chain_block(&self, block: &str) -> Option<chain::Block> {
        let name = |suffix: &str| format!("{block}.{suffix}");
        let conv = |suffix: &str| self.chain_conv(&name(suffix), &name(suffix));
        Some(chain::Block {
            name: block.to_owned(),
            conv1: conv("conv1")?,
            frac_bits1: self.frac_bits(&name("conv1")),
            threshold1: self.threshold(&name(names::SPIKES1))?,
            conv2: conv("conv2")?,
            shortcut: conv(names::SHORTCUT),
            frac_bits: self.frac_bits(&name(names::STREAM)),
            threshold_out: self.threshold(&name(names::SPIKES)).unwrap_or(1),
        })
    }

    fn chain_head(&self) -> Option<chain::Head> {
        let last = NodeId(self.nodes.len() - 1);
        let Op::Linear(Linear { weights, bias, scale }) = &self.node(last).op else { return None };
        let source = self.source(last);
        let pool = match &source.op {
            Op::Pool { requant } => {
                Some(chain::Pool { requant: requant.clone(), frac_bits: source.out.frac_bits.unwrap_or(0) })
            }
            _ => None,
        };
        let conv = chain::Conv {
            name: "head".to_owned(),
            in_c: source.out.shape[0],
            in_hw: [1, 1],
            out_c: bias.len(),
            out_hw: [1, 1],
            k: 1,
            stride: 1,
            pad: 0,
            weights: weights.clone(),
            requant: Vec::new(),
        };
        Some(chain::Head { conv, bias: bias.clone(), scale: *scale, pool })
    }
}
