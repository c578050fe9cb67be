//! The passes, one after the other.

use spikegate_contract::array::{ArrayConfig, Moved, MAX_MEMORY_LATENCY};
use spikegate_contract::bundle::{MapSpill, MemoryModel, Plan, WeightStream, FORMAT_VERSION};
use spikegate_contract::dram::Dram;
use spikegate_contract::image::ImageForm;
use spikegate_contract::instr::{self, Instr, Opcode, MOVE_OUT, RESIDUAL_SPILLED, STREAM_SPILLED};
use spikegate_contract::network::{Network, NodeId};

use super::error::{Memory, PlanError};
use super::external::External;
use super::fit::fit;
use super::fuse::fuse;
use super::layer::{Parts, Placement};
use super::legalise::legalise;
use super::live::{live, Lives};
use super::packets::packets;
use super::pages;
use super::place::{place, Layout};
use super::planned::Planned;
use super::prove::{prove, sum_bits, WeightSums};
use super::ring;
use super::schedule::{schedule, Placed};
use super::sequence::Sequence;
use super::shown::{hidden, Hidden};
use super::sizes::Sizes;
use super::step::Step;
use super::stripes::Moves;
use super::time::time;

/// What the passes know before there is an array.
pub(super) struct Fused<'a> {
    net: &'a Network,
    sums: WeightSums,
    pub steps: Vec<Step>,
    pub lives: Lives,
}

/// A plan without packets; the steps and dumps of its programs have moved into the plan.
pub(super) struct Outline {
    pub array: ArrayConfig,
    pub plan: Plan,
    /// See [`Planned::external`].
    pub external: u64,
    hidden: Vec<(NodeId, Hidden)>,
    pub layout: Layout,
    moves: Moves,
    pub normal: Sequence,
    pub trace: Sequence,
}

/// Which programs wait for the external memory: that takes most of the time of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Timing<'a> {
    None,
    Plain,
    All,
    /// The plain one, with a board's memory.
    On(&'a Dram),
}

/// Words of an image packet, and of the result packet of a program, as in [`spikegate_contract::packet`].
pub fn packet_words(net: &Network, array: &ArrayConfig, plan: &Plan, instructions: &[Instr]) -> [usize; 2] {
    let finish = |i: &&Instr| i.op == Opcode::Finish as u32;
    let counted = instructions.len() - instructions.iter().rev().take_while(finish).count();
    [ImageForm::new(net, array, plan.patches).words(), 5 + net.classes() + counted]
}

impl<'a> Fused<'a> {
    /// The passes that know no array.
    ///
    /// # Errors
    /// The network is not valid, or beyond what the core computes.
    pub fn of(net: &'a Network) -> Result<Self, PlanError> {
        net.validate()?;
        legalise(net)?;
        let sums = prove(net)?;
        let steps = fuse(net)?;
        let lives = live(net, &steps);
        Ok(Self { net, sums, steps, lives })
    }

    /// All passes. Of an array that may `grow` the memories become as large as they must.
    ///
    /// # Errors
    /// What does not fit.
    pub fn whole(
        &self,
        array: ArrayConfig,
        grow: bool,
        memory: &MemoryModel,
        images: usize,
    ) -> Result<Planned, PlanError> {
        let Outline { array, plan, external, hidden, moves, normal, trace, layout: _ } =
            self.outline(array, grow, memory, images, Timing::All)?;
        let load = |sequence: &Sequence| {
            let streamed = plan.weight_stream.map(|_| &sequence.weights[..]);
            packets(self.net, &array, &sequence.instructions, streamed, &moves)
        };
        let (packets, trace_packets) = (load(&normal)?, load(&trace)?);
        let (instructions, trace_instructions) = (normal.instructions, trace.instructions);
        Ok(Planned {
            array,
            external,
            instructions,
            trace_instructions,
            plan,
            hidden,
            packets,
            trace_packets,
        })
    }

    /// All passes but the last. Where a program is not timed, its cycles are those without waiting for the external memory.
    ///
    /// # Errors
    /// What does not fit.
    pub fn outline(
        &self,
        mut array: ArrayConfig,
        grow: bool,
        memory: &MemoryModel,
        images: usize,
        timing: Timing<'_>,
    ) -> Result<Outline, PlanError> {
        let net = self.net;
        if let Some(node) = net.special_neurons() {
            if !grow && !array.neurons {
                return Err(PlanError::Neurons { node: node.name.clone() });
            }
            array.neurons = true;
        }
        let needed = sum_bits(net, &self.sums, &array);
        if grow {
            array.sum_bits = needed;
        } else if needed > array.sum_bits {
            return Err(PlanError::Sums { needed, available: array.sum_bits });
        }
        if memory.latency > MAX_MEMORY_LATENCY {
            return Err(PlanError::Latency { got: memory.latency, most: MAX_MEMORY_LATENCY });
        }
        let port = (array.memory_bits / 8) as u64;
        if port > 0 && memory.bytes_per_1000_cycles > 1000 * port {
            let bytes_per_1000_cycles = memory.bytes_per_1000_cycles;
            return Err(PlanError::Bandwidth { bytes_per_1000_cycles, port });
        }
        let layout = self.place(&mut array, images, grow)?;
        let placement = Placement::of(net, &array, &layout.moves.parts);
        let streams = array.memory_bits > 0 && (grow || placement.weights > array.weight_depth);
        let weights = if streams { ring::depth(net, &array, &layout.moves.parts) } else { placement.weights };
        let words_used = [layout.code, layout.spike, layout.stream, weights, placement.params];
        let [code, spike, stream, weight, param] = words_used;
        fit(&mut array.code_depth, code, Memory::Code, 20, grow)?;
        fit(&mut array.spike_depth, spike, Memory::Spike, 20, grow)?;
        if array.skip_groups > 0 {
            fit(&mut array.presence_depth, layout.presence, Memory::Presence, 20, grow)?;
        }
        fit(&mut array.stream_depth, stream, Memory::Stream, 20, grow)?;
        if array.spill_depth > 0 {
            let bits = 31 - array.spill_bytes().ilog2();
            fit(&mut array.spill_depth, layout.spill, Memory::Ring, bits.min(22), grow)?;
        }
        let bits = array.weight_address_bits();
        fit(&mut array.weight_depth, weight, Memory::Weight, bits, grow)?;
        fit(&mut array.param_depth, param, Memory::Param, 16, grow)?;
        fit(&mut array.class_depth, net.classes(), Memory::Result, 12, grow)?;
        let mut moves = layout.moves.clone();

        let program = |array: &ArrayConfig, layout: &Layout, images: usize, trace: bool| {
            let sizes = Sizes { net, array, images, parts: &layout.moves.parts };
            let placed = Placed { sizes, steps: &self.steps, layout, placement: &placement };
            let mut sequence = schedule(placed, trace)?;
            let words = if streams { ring::place(&mut sequence, array)? } else { 0 };
            Ok::<_, PlanError>((sequence, words))
        };
        let (mut normal, words) = program(&array, &layout, images, false)?;
        let (mut trace, traced_words) = program(&array, &layout, images, true)?;
        let instructions = trace.instructions.len().max(normal.instructions.len());
        let needed = if array.moves { pages::depth(instructions) } else { instructions * instr::words() };
        fit(&mut array.instr_depth, needed, Memory::Instruction, 16, grow)?;
        for sequence in [&mut normal, &mut trace] {
            let base = array.moves_base() + layout.moves.transfers;
            let taken = pages::paged(sequence, &array, net.timesteps, base)?;
            moves.transfers = moves.transfers.max(layout.moves.transfers + taken);
        }
        for (sequence, timed) in [(&mut normal, timing != Timing::None), (&mut trace, timing == Timing::All)]
        {
            if timed && (streams || array.spill_depth > 0) {
                let external = match timing {
                    Timing::On(dram) => External::Board(dram),
                    _ => External::Even(memory),
                };
                time(sequence, &array, net.timesteps, external, streams);
            }
        }
        let mut weight_stream = None;
        if streams {
            let cycles_alone = match images {
                1 => normal.cycles(),
                _ => {
                    let layout = self.place(&mut array.clone(), 1, false)?;
                    let (mut alone, _) = program(&array, &layout, 1, false)?;
                    time(&mut alone, &array, net.timesteps, External::Even(memory), streams);
                    alone.cycles()
                }
            };
            let bytes = (words * array.weight_bytes()) as u64;
            weight_stream = Some(WeightStream { memory: *memory, bytes, cycles_alone });
        }
        let external = match words.max(traced_words) * array.weight_bytes() {
            0 => (array.moves_base() + moves.transfers) * array.memory_bits / 8,
            weights => array.weights_base(moves.transfers) + weights,
        } as u64;
        let map_spill = spilled(&normal, &layout, &array, memory);
        let patches = layout.moves.patches(net).map(|map| (array.moves_base() + map.at) as u32);

        let plan = Plan {
            format_version: FORMAT_VERSION,
            steps: std::mem::take(&mut normal.steps),
            trace_steps: std::mem::take(&mut trace.steps),
            dumps: std::mem::take(&mut trace.dumps),
            batch: images,
            words_used,
            weight_stream,
            map_spill,
            patches,
        };
        let why = |id| hidden(net, &self.steps, (&layout, array.moves), id);
        let hidden = net.iter().filter_map(|(id, _)| Some((id, why(id)?))).collect();
        Ok(Outline { array, plan, external, hidden, layout, moves, normal, trace })
    }

    /// Words of an image packet, and of the result packet of a program.
    pub fn words(&self, outline: &Outline) -> [usize; 2] {
        packet_words(self.net, &outline.array, &outline.plan, &outline.normal.instructions)
    }

    /// Places, with memories that grow where maps are moved until a row of every step has room.
    fn place(&self, array: &mut ArrayConfig, images: usize, grow: bool) -> Result<Layout, PlanError> {
        let none = Parts::new();
        loop {
            let sizes = Sizes { net: self.net, array, images, parts: &none };
            let error = match place(sizes, &self.steps, &self.lives, grow) {
                Err(error @ PlanError::TooSmall { .. }) if grow => error,
                done => return done,
            };
            match error {
                PlanError::TooSmall { memory: Memory::Code, .. } if array.code_depth < MOST => {
                    array.code_depth *= 2
                }
                PlanError::TooSmall { memory: Memory::Spike, .. } if array.spike_depth < MOST => {
                    array.spike_depth *= 2
                }
                PlanError::TooSmall { memory: Memory::Stream, .. } if array.stream_depth < MOST => {
                    array.stream_depth *= 2
                }
                error => return Err(error),
            }
        }
    }
}

/// The deepest memory of a slot.
const MOST: usize = 1 << 20;

/// The maps that leave the chip in a run of the plain program, if any do.
fn spilled(
    sequence: &Sequence,
    layout: &Layout,
    array: &ArrayConfig,
    memory: &MemoryModel,
) -> Option<MapSpill> {
    if !layout.streams.values().any(|stream| stream.spilled) && layout.moves.outside.is_empty() {
        return None;
    }
    let mut spill = MapSpill { memory: *memory, maps: Vec::new(), written: 0, read: 0 };
    for (i, step) in sequence.instructions.iter().zip(&sequence.steps) {
        let pixels = u64::from(i.out_h + 1) * u64::from(i.out_w + 1) * u64::from(i.images + 1);
        let bursts = u64::from(i.groups_out + 1) * pixels * u64::from(i.time_passes + i.sweeps + 1);
        let bytes = bursts * array.spill_bytes() as u64;
        if i.op == Opcode::Conv as u32 && i.image & STREAM_SPILLED != 0 {
            if spill.maps.last() != Some(&step.name) {
                spill.maps.push(step.name.clone());
            }
            spill.written += bytes;
        }
        if i.op == Opcode::Conv as u32 && i.image & RESIDUAL_SPILLED != 0 {
            spill.read += bytes;
        }
        if let (true, Ok(map)) = (i.op == Opcode::Move as u32, Moved::try_from(i.source)) {
            let transfers =
                u64::from(i.groups_in + 1) * u64::from(i.length) * array.moved_transfers(map) as u64;
            let way = if i.image & MOVE_OUT != 0 { &mut spill.written } else { &mut spill.read };
            *way += transfers * (array.memory_bits / 8) as u64;
        }
    }
    Some(spill)
}
