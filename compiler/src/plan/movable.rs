//! What of a network's maps can lie outside, and what every step does with it.

use spikegate_contract::array::Moved;
use spikegate_contract::network::{NodeId, Op};

use super::layer::{Kernel, Parts};
use super::live::Lives;
use super::sizes::Sizes;
use super::spill::{Maps, Part};
use super::step::{Does, Operand, Step};
use super::unit::groups;

/// Tensors that share a place, as [`Life`](super::live::Life) says.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub map: Moved,
    /// Number of its life among those of its memory.
    pub life: usize,
    pub tensors: Vec<NodeId>,
    /// Steps from the first that has it on chip to the last.
    pub first: usize,
    pub last: usize,
    pub segments: usize,
    pub height: usize,
    pub width: usize,
    /// Every second row of what the step makes is kept.
    pub quarter: bool,
    pub outside: bool,
    /// Patches of the image, which the driver puts into the external memory.
    pub image: bool,
}

impl Item {
    pub fn row(&self) -> usize {
        self.segments * self.width
    }
    pub fn words(&self) -> usize {
        self.row() * self.height
    }
    /// Rows that it has of so many output rows.
    pub fn rows(&self, output: usize) -> usize {
        if self.quarter {
            output / 2
        } else {
            output
        }
    }
}

/// What a step does with maps that can be moved: numbers of items.
#[derive(Clone, Debug, Default)]
pub(super) struct Use {
    /// Its operand, and the window over its rows: kernel, rows of it per output row, padding.
    pub reads: Option<(usize, [usize; 3])>,
    /// What it masks, makes, or writes over, each once.
    pub makes: Vec<usize>,
    /// It counts spikes.
    pub counts: Option<NodeId>,
    /// It can be cut into stripes.
    pub cuts: bool,
    /// The first of the steps that have the same stripes.
    pub with: usize,
    /// Output rows, and what a stripe has a multiple of.
    pub height: usize,
    pub multiple: usize,
}

impl Use {
    /// The fewest rows of a stripe: a lower one begins where no row of the window is beyond the map.
    pub fn least(&self) -> usize {
        let [_, stride, pad] = self.reads.map_or([1, 1, 0], |(_, window)| window);
        pad.div_ceil(stride).max(1).next_multiple_of(self.multiple)
    }
}

/// The items, and what every step does with them; `patches` is whether those of the image lie outside.
pub(super) fn used(
    sizes: Sizes<'_>,
    steps: &[Step],
    lives: &Lives,
    maps: &Maps<'_>,
    patches: bool,
) -> (Vec<Item>, Vec<Use>) {
    let net = sizes.net;
    let mut items: Vec<Item> = Vec::new();
    let mut item = |map: Moved, node: NodeId, at: usize, part: Part| {
        let life = match map {
            Moved::Codes if matches!(net.node(node).op, Op::Input { .. }) => Some(lives.codes.len()),
            Moved::Codes => lives.codes.iter().position(|&code| code == node),
            Moved::Spikes => lives.spikes.iter().position(|life| life.tensors.contains(&node)),
            Moved::Streams => lives.streams.iter().position(|life| life.tensors.contains(&node)),
        };
        let life = life?;
        let known = items.iter().position(|item| item.map == map && item.life == life);
        let number = known.unwrap_or(items.len());
        if known.is_none() {
            let image = matches!(net.node(node).op, Op::Input { .. });
            let [channels, h, w] = if image { patch_shape(sizes) } else { net.node(node).out.shape };
            let passes = if map == Moved::Codes { 1 } else { sizes.passes() };
            let quarter = part == Part::Quarter;
            let [height, width] = if quarter { [h / 2, w / 2] } else { [h, w] };
            let segments = groups(channels, sizes.array.ci) * passes;
            // The image is there before the first step.
            let first = if image { 0 } else { at };
            let (last, tensors, outside) = (at, Vec::new(), true);
            items.push(Item {
                map,
                life,
                tensors,
                first,
                last,
                segments,
                height,
                width,
                quarter,
                outside,
                image,
            });
        }
        let found = &mut items[number];
        if !found.tensors.contains(&node) {
            found.tensors.push(node);
        }
        (found.first, found.last) = (found.first.min(at), found.last.max(at));
        Some(number)
    };
    let mut uses = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let mut used = Use { multiple: 1, ..Use::default() };
        let kept = |node: NodeId| {
            let number = lives.streams.iter().position(|life| life.tensors.contains(&node))?;
            let (life, map) = (&lives.streams[number], &maps.all[number]);
            let last = life.tensors.last() == Some(&node);
            (!life.vector && map.kept() > 0 && (!map.spilled || last)).then_some(map.part)
        };
        if let Does::Pool(node) = step.does {
            if let Some(number) = kept(node).and_then(|part| item(Moved::Streams, node, at, part)) {
                used.reads = Some((number, [1, 1, 0]));
            }
        }
        if let (Does::Layer(operand), Some(layer)) = (step.does, net.layer(step.node)) {
            let Kernel { k, stride, pad, .. } = Kernel::of(net, &layer, sizes.parts);
            used.height = layer.out_hw()[0];
            used.cuts = true;
            used.counts = step.neurons.and_then(|neurons| neurons.counts);
            let window = [k, stride, pad];
            used.reads = match operand {
                Operand::Code { node, .. } => item(Moved::Codes, node, at, Part::Whole).map(|n| (n, window)),
                Operand::Spikes { node } => item(Moved::Spikes, node, at, Part::Whole).map(|n| (n, window)),
                Operand::Stream { node, .. } => kept(node).and_then(|part| {
                    let window = if part == Part::Quarter { [1, 1, 0] } else { window };
                    item(Moved::Streams, node, at, part).map(|number| (number, window))
                }),
                Operand::Image if patches => {
                    let node = net.node(step.node).inputs[0];
                    item(Moved::Codes, node, at, Part::Whole).map(|number| (number, window))
                }
                Operand::Image | Operand::Pooled { .. } | Operand::Counts { .. } => None,
            };
            let mut makes = Vec::new();
            makes.extend(step.gate.and_then(|gate| item(Moved::Spikes, gate.spikes, at, Part::Whole)));
            makes.extend(step.code.and_then(|node| item(Moved::Codes, node, at, Part::Whole)));
            let spikes = step.neurons.filter(|neurons| neurons.counts.is_none() || neurons.kept);
            makes.extend(spikes.and_then(|neurons| item(Moved::Spikes, neurons.node, at, Part::Whole)));
            if let Some((node, part)) = step.stream.and_then(|node| Some((node, kept(node)?))) {
                used.multiple = if part == Part::Quarter { 2 } else { 1 };
                makes.extend(item(Moved::Streams, node, at, part));
            }
            // A residual that is added on chip lies there as the whole map does.
            let resident = step.residual.and_then(|node| Some((node, kept(node)?)));
            used.cuts &= resident.is_none();
            makes.extend(resident.and_then(|(node, part)| item(Moved::Streams, node, at, part)));
            makes.sort_unstable();
            makes.dedup();
            used.makes = makes;
        }
        uses.push(used);
    }
    alike(&mut uses, steps, lives, maps);
    // What is added on chip stays there, and so does half of a map, whose rows lie two apart.
    let halves = |item: &Item| item.map == Moved::Streams && maps.all[item.life].part == Part::Half;
    let added = |item: &Item| {
        item.map == Moved::Streams && lives.streams[item.life].added && !maps.all[item.life].spilled
    };
    let fixed: Vec<bool> = items.iter().map(|item| halves(item) || added(item)).collect();
    for (item, fixed) in items.iter_mut().zip(fixed) {
        item.outside = !fixed;
    }
    (items, uses)
}

/// Channels, rows and columns of the image's patches.
pub(super) fn patch_shape(sizes: Sizes<'_>) -> [usize; 3] {
    let Some((layer, _)) = sizes.net.image_layer() else { return [0; 3] };
    let kernel = Kernel::of(sizes.net, &layer, &Parts::new());
    [kernel.in_c, kernel.in_hw[0], kernel.in_hw[1]]
}

/// Finds the steps that have the same stripes: what one puts into the queue in the external memory the other takes out.
fn alike(uses: &mut [Use], steps: &[Step], lives: &Lives, maps: &Maps<'_>) {
    for (at, used) in uses.iter_mut().enumerate() {
        used.with = at;
    }
    for (life, _) in lives.streams.iter().zip(&maps.all).filter(|(_, map)| map.spilled) {
        let touches = |step: &Step| {
            step.stream.into_iter().chain(step.residual).any(|node| life.tensors.contains(&node))
        };
        let touching: Vec<usize> = (0..steps.len()).filter(|&at| touches(&steps[at])).collect();
        let Some(first) = touching.iter().map(|&at| uses[at].with).min() else { continue };
        let joined: Vec<usize> = touching.iter().map(|&at| uses[at].with).collect();
        for used in uses.iter_mut().filter(|used| joined.contains(&used.with)) {
            used.with = first;
        }
    }
}
