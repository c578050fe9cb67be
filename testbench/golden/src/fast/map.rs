//! What the nodes of the fast engine hand on.

/// The tensor of a node.
pub(super) enum Map {
    /// Codes and streams, (t, y, x, c).
    Values(Vec<i16>),
    /// Spikes.
    Spikes(Spikes),
    /// One value per channel: statistics, counts, logits.
    Wide(Vec<i64>),
}

/// Spikes of a LIF, in the forms that its readers read, one at least.
pub(super) struct Spikes {
    /// Per timestep; without any pixel unless a node reads them so.
    pub(super) events: Vec<Events>,
    /// 1 or 0, (t, y, x, c); empty unless a node reads them so.
    pub(super) dense: Vec<i16>,
}

impl Map {
    /// Values of a code or stream, or the dense form of spikes.
    pub(super) fn values(&self) -> &[i16] {
        match self {
            Self::Values(values) => values,
            Self::Spikes(spikes) => &spikes.dense,
            Self::Wide(_) => &[],
        }
    }
    /// Spikes per timestep.
    pub(super) fn events(&self) -> &[Events] {
        match self {
            Self::Spikes(spikes) => &spikes.events,
            Self::Values(_) | Self::Wide(_) => &[],
        }
    }
    /// Values beyond 16 bits.
    pub(super) fn wide(&self) -> &[i64] {
        match self {
            Self::Wide(values) => values,
            Self::Values(_) | Self::Spikes(_) => &[],
        }
    }
    /// All values in 64 bits.
    pub(super) fn to_wide(&self) -> Vec<i64> {
        match self {
            Self::Wide(values) => values.clone(),
            _ => self.values().iter().map(|&v| v.into()).collect(),
        }
    }
    /// Number of spikes.
    pub(super) fn spikes(&self) -> u64 {
        match self {
            Self::Spikes(spikes) if spikes.dense.is_empty() => {
                spikes.events.iter().map(|e| e.len() as u64).sum()
            }
            Self::Spikes(spikes) => spikes.dense.iter().map(|&s| s as u64).sum(),
            Self::Values(_) | Self::Wide(_) => 0,
        }
    }
}

/// Spikes of one timestep: per pixel (y, x) the spiking channels.
#[derive(Default)]
pub(super) struct Events {
    /// Where the events of each pixel start; one entry more than there are pixels.
    starts: Vec<u32>,
    /// `x * channels + c` of each spike.
    events: Vec<u32>,
}

impl Events {
    /// No pixels yet.
    pub(super) fn new(pixels: usize) -> Self {
        let mut starts = Vec::with_capacity(pixels + 1);
        starts.push(0);
        Self { starts, events: Vec::new() }
    }
    /// Adds the next pixel, in (y, x) order, at column x: `fires` is 1 or 0 per channel.
    pub(super) fn pixel(&mut self, x: usize, fires: &[i16]) {
        // Every channel is written and only spikes advance: no branch that depends on the data.
        let (mut end, channels) = (self.events.len(), fires.len());
        self.events.resize(end + channels, 0);
        for (event, &fire) in (x * channels..).zip(fires) {
            self.events[end] = event as u32;
            end += usize::from(fire != 0);
        }
        self.events.truncate(end);
        self.starts.push(end as u32);
    }
    /// Spikes.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }
    /// Channel of every spike, in a map of so many channels.
    pub(super) fn channels(&self, channels: usize) -> impl Iterator<Item = usize> + '_ {
        self.events.iter().map(move |&e| e as usize % channels)
    }
    /// Events of neighbouring pixels of one row.
    pub(super) fn run(&self, first: usize, end: usize) -> &[u32] {
        &self.events[self.starts[first] as usize..self.starts[end] as usize]
    }
}
