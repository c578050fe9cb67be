//! The bus behind a controller: when the next transfer may have its place.

use super::Dram;

/// Direction of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the core.
    Read,
    /// To the memory.
    Write,
}

/// Thousandths of a cycle of the core.
pub(super) type Ticks = u64;
/// A cycle.
pub(super) const CYCLE: Ticks = 1000;

/// Constants of a memory in the core's time, and of the transfers of one width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constants {
    /// From the core to the bus and to its data, or to its acknowledgement.
    pub latency: Ticks,
    pub acknowledge: Ticks,
    /// From one transfer to the next of its kind.
    read: Ticks,
    write: Ticks,
    first_refresh: Ticks,
    refresh_every: Ticks,
    refresh_takes: Ticks,
    turn_to_write: Ticks,
    turn_to_read: Ticks,
    row_miss: Ticks,
    bank_change: Ticks,
    row_bytes: u64,
    banks: u64,
    /// Transfers have their places at whole cycles of the core.
    whole_cycles: bool,
}

impl Constants {
    /// Of transfers of so many bytes that take `through` cycles of the memory to come to its controller.
    pub fn new(dram: &Dram, bytes: usize, through: f64) -> Self {
        let cycle = CYCLE as f64 * dram.core_cycles.unwrap_or(1.0);
        let ticks = |cycles: f64| (cycles * cycle).round() as Ticks;
        let count = |cycles: u64| ticks(cycles as f64);
        let each = |rate: f64| ticks((bytes as f64 / rate).max(1.0));
        Self {
            latency: ticks(dram.latency as f64 + through),
            acknowledge: ticks(dram.acknowledge as f64 + through),
            read: each(dram.read),
            write: each(dram.write),
            first_refresh: count(dram.refresh_every / 2),
            refresh_every: count(dram.refresh_every).max(1),
            refresh_takes: count(dram.refresh_cycles),
            turn_to_write: count(dram.turn_to_write),
            turn_to_read: count(dram.turn_to_read),
            row_miss: count(dram.row_miss),
            bank_change: count(dram.bank_change),
            row_bytes: dram.row_bytes,
            banks: dram.banks,
            whole_cycles: dram.core_cycles.is_none(),
        }
    }

    /// The first place that a transfer can have from a time on.
    fn place(&self, from: Ticks) -> Ticks {
        if self.whole_cycles {
            from.next_multiple_of(CYCLE)
        } else {
            from
        }
    }

    /// Bank and row of an address.
    fn bank_row(&self, address: u64) -> (usize, u64) {
        let page = address / self.row_bytes;
        ((page % self.banks) as usize, page / self.banks)
    }
}

/// The bus behind the controller.
#[derive(Clone, Debug)]
pub(super) struct Bus {
    /// When the next transfer may come.
    free: Ticks,
    way: Way,
    /// Of the last write.
    written: Ticks,
    bank: usize,
    rows: Vec<Option<u64>>,
    /// When the next refresh is due.
    refresh: Ticks,
}

/// When a transfer has its place, and when the refresh behind it is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub at: Ticks,
    refresh: Ticks,
}

impl Bus {
    /// At rest, half an interval before the first refresh.
    pub fn new(constants: &Constants) -> Self {
        Self {
            free: 0,
            way: Way::Read,
            written: 0,
            bank: 0,
            rows: vec![None; constants.banks as usize],
            refresh: constants.first_refresh,
        }
    }

    /// When a transfer comes that is due at a time.
    pub fn start(&self, constants: &Constants, (way, address): (Way, u64), due: Ticks) -> Start {
        let mut at = due.max(constants.place(self.free));
        match (self.way, way) {
            (Way::Read, Way::Write) => at = at.max(due + constants.turn_to_write),
            (Way::Write, Way::Read) => at = at.max(self.written + constants.turn_to_read),
            _ => {}
        }
        let (free, mut refresh) = (at, self.refresh);
        // Those that nobody waited for are over.
        refresh += at.saturating_sub(refresh) / constants.refresh_every * constants.refresh_every;
        while refresh <= at {
            at = at.max(refresh + constants.refresh_takes);
            refresh += constants.refresh_every;
        }
        if refresh != self.refresh {
            let turns = way == Way::Write && at > free;
            at += constants.row_miss + if turns { constants.turn_to_write } else { 0 };
            return Start { at, refresh };
        }
        let (bank, row) = constants.bank_row(address);
        at += match self.rows[bank] {
            open if open != Some(row) => constants.row_miss,
            _ if bank != self.bank => constants.bank_change,
            _ => 0,
        };
        Start { at, refresh }
    }

    /// A transfer comes when [`Bus::start`] says.
    pub fn take(&mut self, constants: &Constants, (way, address): (Way, u64), start: Start) {
        let Start { at, refresh } = start;
        if refresh != self.refresh {
            self.rows.fill(None);
            self.refresh = refresh;
        }
        let (bank, row) = constants.bank_row(address);
        (self.way, self.bank, self.rows[bank]) = (way, bank, Some(row));
        let each = match way {
            Way::Read => constants.read,
            Way::Write => constants.write,
        };
        if way == Way::Write {
            self.written = at;
        }
        // What did not wait leaves the bus where it was, between two cycles.
        let from = if at > constants.place(self.free) { at } else { self.free };
        self.free = from + each;
    }
}
