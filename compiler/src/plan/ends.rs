//! Two ends of one memory.

use super::live::Life;

/// How many words of a memory are in use, from which step to which.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub first: usize,
    pub last: usize,
    pub words: usize,
}

impl Held {
    /// As long as the tensors live.
    pub fn whole(life: &Life, words: usize) -> Held {
        Held { first: life.first, last: life.last, words }
    }

    fn meets(&self, other: &Held) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// One end of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Low,
    High,
}

impl End {
    fn other(self) -> End {
        match self {
            End::Low => End::High,
            End::High => End::Low,
        }
    }
}

/// The places of lives in a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// Of each life its end, the words between it and that end, and its own.
    places: Vec<(End, usize, usize)>,
    /// Words of the memory.
    pub total: usize,
}

impl Ends {
    /// Gives each of the lives, in order, the end that the one before does not have, if nothing else lives there; further in
    /// where something lives at both.
    pub fn of(lives: &[Life], held: &[Held]) -> Ends {
        let mut places: Vec<(End, usize, usize)> = Vec::new();
        let mut total = 0;
        for (number, (life, held_now)) in lives.iter().zip(held).enumerate() {
            let reach = |end: End| {
                let there =
                    places.iter().zip(lives).filter(|((at, ..), other)| *at == end && life.meets(other));
                there.map(|(&(_, offset, words), _)| offset + words).max()
            };
            let next = places.last().map_or(End::Low, |(end, ..)| end.other());
            let end = [next, next.other()].into_iter().find(|&end| reach(end).is_none()).unwrap_or(next);
            let (offset, words) = (reach(end).unwrap_or(0), held_now.words);
            let opposite = (0..number).filter(|&n| places[n].0 != end && held[n].meets(held_now));
            let opposite = opposite.map(|n| places[n].1 + places[n].2).max().unwrap_or(0);
            total = total.max(offset + words + opposite);
            places.push((end, offset, words));
        }
        Ends { places, total }
    }

    /// First word of something of `words` at the place of a life.
    pub fn base(&self, number: usize, words: usize) -> usize {
        match self.places[number] {
            (End::Low, offset, _) => offset,
            (End::High, offset, _) => self.total - offset - words,
        }
    }

    /// Words from the start of the memory up to the end of a life's place, and from its start to the end of the memory; of
    /// the end where it does not lie 0.
    pub fn reach(&self, number: usize) -> [usize; 2] {
        match self.places[number] {
            (End::Low, offset, words) => [offset + words, 0],
            (End::High, offset, words) => [0, offset + words],
        }
    }

    /// Makes the memory hold so many words.
    pub fn hold(&mut self, words: usize) {
        self.total = self.total.max(words);
    }
}
