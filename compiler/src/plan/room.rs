//! Rows of the steps for which memories have room beside what stays on chip.

use std::collections::BTreeMap;

use spikegate_contract::array::Moved;
use spikegate_contract::network::NodeId;

use super::ends::{Ends, Held};
use super::error::Memory;
use super::layer::Parts;
use super::live::{Life, Lives};
use super::movable::{Item, Use};
use super::spill::Maps;

/// The words of the memories whose maps can be moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depths {
    pub code: usize,
    pub spike: usize,
    pub stream: usize,
}

impl Depths {
    fn of(&self, map: Moved) -> usize {
        match map {
            Moved::Codes => self.code,
            Moved::Spikes => self.spike,
            Moved::Streams => self.stream,
        }
    }
}

pub(super) const MEMORIES: [(Moved, Memory); 3] =
    [(Moved::Codes, Memory::Code), (Moved::Spikes, Memory::Spike), (Moved::Streams, Memory::Stream)];

/// A memory of this array is too small.
#[derive(Clone)]
pub(super) struct Lacks {
    pub memory: Memory,
    pub needed: usize,
    pub available: usize,
}

pub(super) struct Search<'a> {
    pub lives: &'a Lives,
    pub maps: &'a Maps<'a>,
    pub depths: Depths,
    pub items: Vec<Item>,
    pub uses: Vec<Use>,
    /// Words of patches.
    pub patches: usize,
    /// Time passes.
    pub passes: usize,
    pub parts: Parts,
}

/// What stays on chip, and the room beside it.
pub(super) struct Residents {
    /// First words of codes and spikes on chip.
    pub codes: BTreeMap<NodeId, usize>,
    pub spikes: BTreeMap<NodeId, usize>,
    pub streams: Ends,
    /// Words up to the end of the last code.
    code: usize,
    /// Of the spike and the stream memory, from where to where no resident lies in a step.
    room: Vec<[[usize; 2]; 2]>,
    depth: usize,
}

impl Residents {
    /// From where to where a memory is free in a step.
    pub fn free(&self, map: Moved, step: usize) -> [usize; 2] {
        match map {
            Moved::Codes => [self.code, self.depth],
            Moved::Spikes => self.room[step][0],
            Moved::Streams => self.room[step][1],
        }
    }
}

impl Search<'_> {
    /// Places of what stays.
    pub fn residents(&self) -> Result<Residents, Lacks> {
        let item =
            |map: Moved, life: usize| self.items.iter().find(|item| item.map == map && item.life == life);
        let mut codes = BTreeMap::new();
        let mut code = self.patches;
        for item in self.items.iter().filter(|item| item.map == Moved::Codes && !item.outside) {
            codes.extend(item.tensors.iter().map(|&node| (node, code)));
            code += item.words();
        }
        let fits = |memory: Memory, needed: usize, available: usize| match needed <= available {
            true => Ok(()),
            false => Err(Lacks { memory, needed, available }),
        };
        fits(Memory::Code, code, self.depths.code)?;
        // A map that nothing on chip reads or makes takes no room.
        let spike = |(number, life): (usize, &Life)| {
            let resident = item(Moved::Spikes, number).filter(|item| !item.outside);
            Held::whole(life, resident.map_or(0, Item::words))
        };
        let held: Vec<Held> = self.lives.spikes.iter().enumerate().map(spike).collect();
        let mut ends = Ends::of(&self.lives.spikes, &held);
        fits(Memory::Spike, ends.total, self.depths.spike)?;
        ends.hold(self.depths.spike);
        let stay = self.items.iter().filter(|item| item.map == Moved::Spikes && !item.outside);
        let base = |item: &Item| ends.base(item.life, item.words());
        let spikes = stay.flat_map(|item| item.tensors.iter().map(move |&node| (node, base(item)))).collect();
        let mut held_streams = self.maps.held();
        for (number, held) in held_streams.iter_mut().enumerate() {
            let counts = self.lives.streams[number].tensors.first().and_then(|node| self.parts.get(node));
            held.words *= counts.copied().unwrap_or(1);
            if item(Moved::Streams, number).is_some_and(|item| item.outside) {
                held.words = 0;
            }
        }
        let mut streams = Ends::of(&self.lives.streams, &held_streams);
        fits(Memory::Stream, streams.total, self.depths.stream)?;
        streams.hold(self.depths.stream);
        let room = |ends: &Ends, held: &[Held], depth: usize, step: usize| {
            let alive = || {
                held.iter()
                    .enumerate()
                    .filter(|(_, held)| held.words > 0 && held.first <= step && step <= held.last)
            };
            let reach = |end: usize| alive().map(|(number, _)| ends.reach(number)[end]).max().unwrap_or(0);
            [reach(0), depth - reach(1)]
        };
        let room = (0..self.uses.len())
            .map(|step| {
                [
                    room(&ends, &held, self.depths.spike, step),
                    room(&streams, &held_streams, self.depths.stream, step),
                ]
            })
            .collect();
        Ok(Residents { codes, code, spikes, streams, room, depth: self.depths.code })
    }

    /// Words that a step has of an item outside for stripes of so many rows.
    pub fn on_chip(&self, step: usize, number: usize, rows: usize) -> usize {
        let (item, used) = (&self.items[number], &self.uses[step]);
        let read = used.reads.filter(|(reads, _)| *reads == number);
        let read = read.map_or(0, |(_, [k, stride, _])| match used.height {
            // A sum over a map takes one channel group after the other.
            0 => item.words() / item.segments * self.passes,
            _ => item.row() * ((rows - 1) * stride + k).min(item.height),
        });
        let made = if used.makes.contains(&number) { item.row() * item.rows(rows) } else { 0 };
        read.max(made)
    }

    /// Output rows of every step's stripes, 0 where it has none.
    pub fn rows(&self) -> Result<Vec<usize>, Lacks> {
        let residents = self.residents()?;
        let most = |step: usize| self.most_rows(step, &residents);
        let most = (0..self.uses.len()).map(most).collect::<Result<Vec<_>, _>>()?;
        let balanced = |used: &Use| {
            let whole = used.height;
            let alike = || self.uses.iter().enumerate().filter(|(_, other)| other.with == used.with);
            let narrowest = alike().map(|(other, _)| &most[other]).min_by_key(|(rows, _)| *rows);
            let Some((rows, Some(lacks))) = narrowest else { return Ok(whole) };
            let multiple = alike().map(|(_, other)| other.multiple).max().unwrap_or(1);
            let least = alike().map(|(_, other)| other.least()).max().unwrap_or(1);
            if *rows < least || alike().any(|(_, other)| !other.cuts || self.keeps(other)) {
                return Err(lacks.clone());
            }
            let stripes = whole.div_ceil(rows / multiple * multiple);
            Ok(whole.div_ceil(stripes).next_multiple_of(multiple).max(least))
        };
        self.uses.iter().map(balanced).collect()
    }

    /// The parts that counts are in with stripes of so many rows.
    pub fn parts(&self, rows: &[usize]) -> Parts {
        let counting = self.uses.iter().zip(rows).filter(|(used, rows)| used.height > **rows);
        counting.filter_map(|(used, &rows)| Some((used.counts?, used.height.div_ceil(rows)))).collect()
    }

    /// Whether something that a step makes lies on chip whole.
    fn keeps(&self, used: &Use) -> bool {
        used.makes.iter().any(|&number| !self.items[number].outside)
    }

    /// The most rows of a stripe of a step that there is room for, and what lacks where it is not all of them.
    fn most_rows(&self, step: usize, residents: &Residents) -> Result<(usize, Option<Lacks>), Lacks> {
        let used = &self.uses[step];
        let mut numbers: Vec<usize> = used.reads.iter().map(|(number, _)| *number).collect();
        numbers.extend(&used.makes);
        numbers.retain(|&number| self.items[number].outside);
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            return Ok((used.height, None));
        }
        let lack = |rows: usize| {
            MEMORIES.iter().find_map(|&(map, memory)| {
                let of = numbers.iter().filter(|&&number| self.items[number].map == map);
                let words: usize = of.map(|&number| self.on_chip(step, number, rows)).sum();
                let [from, to] = residents.free(map, step);
                let (needed, available) = (words + self.depths.of(map) - (to - from), self.depths.of(map));
                (from + words > to).then_some(Lacks { memory, needed, available })
            })
        };
        let whole = used.height;
        let Some(lacks) = lack(whole) else { return Ok((whole, None)) };
        if !used.cuts || self.keeps(used) {
            return Err(lacks);
        }
        let least = used.least();
        let most = (least..whole).step_by(used.multiple).take_while(|&rows| lack(rows).is_none()).last();
        most.map(|most| (most, Some(lacks.clone()))).ok_or_else(|| lack(least).unwrap_or(lacks))
    }
}
