//! Networks of no particular form: operations on whatever they may read.

use spikegate_contract::network::{Form, Network, NodeId, Rounding};

use super::builder::Builder;
use super::{filled, neurons, Rng};

/// A random network that the operations of the contract can be composed to, of up to 7x7 pixels, 24 nodes and 5
/// timesteps; it is valid. Some of its nodes may be read by none.
pub fn composed(rng: &mut Rng, extreme: bool) -> Network {
    let input = [rng.size(1, 3), rng.size(3, 7), rng.size(3, 7)];
    let neuron = neurons::neuron(rng);
    let mut g = Grower {
        b: Builder::new(input, rng.size(2, 5), neuron, rng.pick(&[&[8, 4, 5][..], &[4]])),
        channels: [0; 2],
    };
    // Few sizes, so that maps are alike and can be added.
    g.channels = [rng.size(1, 6), rng.size(1, 6)];
    let (c, [_, h, w]) = (g.channels[0], input);
    let stem = g.b.conv_to("stem", NodeId(0), [c, h, w], 3, 1, 1);
    g.b.lif("stem.spikes", stem);
    for _ in 0..rng.size(4, 20) {
        g.grow(rng);
    }
    g.head(rng);
    let mut net = g.b.finish();
    if rng.chance(1, 2) {
        neurons::own(&mut net, rng);
    }
    filled(net, rng, extreme)
}

struct Grower {
    b: Builder,
    /// Channels of convolutions.
    channels: [usize; 2],
}

impl Grower {
    /// A node that makes such a value, if there is one; of several rather a late one.
    fn find(&self, rng: &mut Rng, suits: impl Fn(Form, bool, [usize; 3]) -> bool) -> Option<NodeId> {
        let nodes = self.b.nodes();
        let fits = |at: &usize| suits(nodes[*at].out.form, nodes[*at].out.timed, nodes[*at].out.shape);
        let all: Vec<usize> = (0..nodes.len()).filter(fits).collect();
        let last = all.len().checked_sub(1)?;
        Some(NodeId(all[rng.size(0, last).max(rng.size(0, last))]))
    }

    fn stream(&self, rng: &mut Rng) -> Option<NodeId> {
        self.find(rng, |form, _, _| form == Form::Stream)
    }

    /// Adds a node, or the nodes of a gate; nothing where there is nothing to read.
    fn grow(&mut self, rng: &mut Rng) -> Option<NodeId> {
        let name = |what: &str, b: &Builder| format!("{what}.{}", b.nodes().len());
        match rng.range(0, 11) {
            0..=3 => {
                let of_spikes = rng.chance(1, 2);
                let x = self.find(rng, |form, _, _| match form {
                    Form::Spikes => true,
                    Form::Code { .. } | Form::Stream => !of_spikes,
                    _ => false,
                })?;
                let [_, h, w] = self.b.out(x).shape;
                let k = rng.size(1, 4);
                let (stride, pad) = (rng.pick(&[1, 1, 1, 2]), rng.size(0, k - 1));
                let mut shape = [rng.pick(&self.channels), h.div_ceil(stride), w.div_ceil(stride)];
                if rng.chance(1, 4) {
                    // As few or as many windows as touch the map.
                    let most = |n: usize| (n - 1 + pad) / stride + 1;
                    shape = [shape[0], rng.size(1, most(h)), rng.size(1, most(w))];
                }
                Some(self.b.conv_to(&name("conv", &self.b), x, shape, k, stride, pad))
            }
            4..=6 => {
                let x = self.stream(rng)?;
                Some(self.b.lif(&name("lif", &self.b), x))
            }
            7 => {
                let x = self.stream(rng)?;
                let form = Form::Code { bits: rng.size(1, 16) as u8, signed: rng.chance(1, 2) };
                let rounding = rng.pick(&[Rounding::HalfUp, Rounding::Floor]);
                Some(self.b.code(&name("code", &self.b), x, form, rounding, rng.size(0, 15) as u8))
            }
            8 => {
                let x = self.find(rng, |form, timed, _| form == Form::Stream && !timed)?;
                Some(self.b.repeat(&name("repeat", &self.b), x))
            }
            9 | 10 => {
                let a = self.find(rng, |form, timed, _| form == Form::Stream && timed)?;
                let shape = self.b.out(a).shape;
                let b = self.find(rng, |form, timed, of| form == Form::Stream && timed && of == shape)?;
                Some(self.b.add(&name("add", &self.b), a, b))
            }
            _ => self.gate(rng),
        }
    }

    fn gate(&mut self, rng: &mut Rng) -> Option<NodeId> {
        let spikes = self.find(rng, |form, _, _| form == Form::Spikes)?;
        let shape = self.b.out(spikes).shape;
        let sca = self.find(rng, |form, timed, of| form == Form::Stream && !timed && of == shape)?;
        let x = self.find(rng, |form, timed, _| form == Form::Stream && !timed)?;
        let name = |what: &str, b: &Builder| format!("{what}.{}", b.nodes().len());
        let statistics = self.b.statistics(&name("statistics", &self.b), x);
        let ta = self.b.temporal(&name("temporal", &self.b), statistics);
        Some(self.b.gate(&name("gate", &self.b), [ta, sca, spikes], rng.size(8, 12) as u8))
    }

    /// What the logits are made of: counts, a pooled stream, or a vector that is one already.
    fn head(&mut self, rng: &mut Rng) {
        let vector = self.find(rng, |form, timed, [_, h, w]| form == Form::Stream && !timed && h * w == 1);
        let pool = self.find(rng, |form, timed, _| form == Form::Stream && timed);
        let read = match (vector, pool) {
            (Some(vector), _) => vector,
            (_, Some(pool)) if rng.chance(1, 2) => self.b.pool("pool", pool),
            // The stem's at least.
            _ => {
                let spikes = self.find(rng, |form, _, _| form == Form::Spikes).unwrap_or(NodeId(2));
                self.b.count("count", spikes)
            }
        };
        self.b.linear("logits", read, rng.size(2, 5));
    }
}
