//! Leaky integrate and fire, all timesteps of a pixel in turn.

use spikegate_contract::network::{FireRule, Network, Node, NodeId, Op};

use super::map::{Events, Spikes};
use super::post::Count;

/// A population, laid out.
pub(super) struct Lif {
    leak_shift: u8,
    /// `u >= threshold` is `u > threshold - 1`.
    fires_above: i16,
    channels: usize,
    hw: [usize; 2],
    timesteps: usize,
    /// Whether a node reads the spikes as a map, as gates do.
    dense: bool,
    /// Whether they are listed: for all other readers, and where there are none.
    listed: bool,
}

impl Lif {
    /// The population of a node.
    pub(super) fn new(net: &Network, id: NodeId, threshold: i16) -> Self {
        let [channels, h, w] = net.node(id).out.shape;
        let strict = net.neuron.fire == FireRule::Gt;
        let is_gate = |(_, reader): (NodeId, &Node)| matches!(reader.op, Op::Gate(_));
        let dense = net.readers(id).any(is_gate);
        Self {
            leak_shift: net.neuron.leak_shift,
            fires_above: if strict { threshold } else { threshold - 1 },
            channels,
            hw: [h, w],
            timesteps: net.timesteps,
            dense,
            listed: !dense || !net.readers(id).all(is_gate),
        }
    }

    /// Spikes of the stream x, of all timesteps or the same at each.
    pub(super) fn run(&self, x: &[i16], count: &mut Count) -> Spikes {
        let (channels, [h, w]) = (self.channels, self.hw);
        let len = channels * h * w;
        let per_timestep = if x.len() == len { 0 } else { len };
        let mut events: Vec<Events> = (0..self.timesteps).map(|_| Events::new(h * w)).collect();
        let mut dense = vec![0; if self.dense { self.timesteps * len } else { 0 }];
        let (mut v, mut fires) = (vec![0; channels], vec![0; channels]);
        for pixel in 0..h * w {
            let at = pixel * channels;
            v.fill(0);
            for (t, events) in events.iter_mut().enumerate() {
                let from = t * per_timestep + at;
                self.step(&mut v, &x[from..from + channels], &mut fires, count);
                if self.listed {
                    events.pixel(pixel % w, &fires);
                }
                if self.dense {
                    dense[t * len + at..t * len + at + channels].copy_from_slice(&fires);
                }
            }
        }
        Spikes { events, dense }
    }

    /// One timestep of the channels of one pixel: `v` is their state, `fires` becomes 1 or 0.
    fn step(&self, v: &mut [i16], x: &[i16], fires: &mut [i16], count: &mut Count) {
        let mut saturated = 0i32;
        for ((v, &x), fire) in v.iter_mut().zip(x).zip(fires) {
            let u = v.saturating_add(x);
            saturated += i32::from(u != v.wrapping_add(x));
            *fire = i16::from(u > self.fires_above);
            *v = (u >> self.leak_shift) & (*fire - 1);
        }
        count.add(saturated as u64, x.len());
    }
}
