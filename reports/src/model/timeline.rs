//! Draws a run over time while it goes on, in bounded memory and without knowing its length.
//!
//! Model: slots of one width; when a time lies beyond the last of [`SLOTS_MAX`], neighbours are
//! joined and the width doubles, so nothing is lost but resolution. Feeding order changes nothing.
//!
//! Limits: percentiles of a slot have the precision of a [`LatencyHistogram`].

use super::buckets::Buckets;
use super::histogram::LatencyHistogram;
use super::shown::{FaultBand, PhaseSpan, SLOTS_MAX, ShownRun, Slot};
use super::value::{Micros, Quantile, Value};

/// The first width of a slot: finer than any chart shows.
const WIDTH_MIN: u64 = 1_000;

/// Gathers what happened in one run, slot by slot.
#[derive(Debug, Clone)]
pub struct Timeline {
    width: u64,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Default)]
struct Cell {
    offered: u64,
    owed: u64,
    accepted: u64,
    processed: u64,
    visible: u64,
    /// Owed events that became visible for the first time here.
    settled: u64,
    /// Latencies of events due here; boxed because most cells of a short run have none.
    latency: Option<Box<LatencyHistogram>>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Timeline {
    /// A run in which nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self {
            width: WIDTH_MIN,
            cells: Vec::new(),
        }
    }

    /// `count` events were due at `at`, of which `owed` must become visible.
    pub fn offered(&mut self, at: Micros, count: u64, owed: u64) {
        assert!(owed <= count, "{owed} of {count} events are owed");
        let cell = self.cell(at);
        cell.offered += count;
        cell.owed += owed;
    }

    /// `count` events were acknowledged to their source at `at`.
    pub fn accepted(&mut self, at: Micros, count: u64) {
        self.cell(at).accepted += count;
    }

    /// Processing of `count` events finished at `at`, repetitions included.
    pub fn processed(&mut self, at: Micros, count: u64) {
        self.cell(at).processed += count;
    }

    /// An owed event, due at `due`, became visible for the first time at `at`. An event that is
    /// visible before it is due (its source's clock is ahead) has latency zero.
    pub fn visible(&mut self, due: Micros, at: Micros) {
        let cell = self.cell(at);
        cell.visible += 1;
        cell.settled += 1;
        self.latency(due).record(at.0.saturating_sub(due.0));
    }

    /// `count` effects at `at` repeated one that was visible already, or were not owed.
    pub fn visible_again(&mut self, at: Micros, count: u64) {
        self.cell(at).visible += count;
    }

    /// `count` owed events, due at `due`, were not visible by the end of the run.
    pub fn never(&mut self, due: Micros, count: u64) {
        self.latency(due).record_never(count);
    }

    /// The run, with its phases and its resolved faults.
    #[must_use]
    pub fn finish(self, phases: Vec<PhaseSpan>, mut faults: Vec<FaultBand>) -> ShownRun {
        faults.sort_by_key(|fault| (fault.start, fault.end));
        let (mut owed, mut settled) = (0_u64, 0_u64);
        let slots = self.cells.iter().enumerate().map(|(index, cell)| {
            owed += cell.owed;
            settled += cell.settled;
            let start = Micros(index as u64 * self.width);
            // Events may be visible before they are due; they are no negative backlog.
            cell.slot(start, owed.saturating_sub(settled))
        });
        let slots = slots.collect();
        let mut latencies = Buckets::default();
        for cell in &self.cells {
            let buckets = cell.latency.iter().flat_map(|data| data.buckets());
            latencies.0.push(buckets.collect());
        }
        ShownRun {
            phases,
            slot_width: Micros(self.width),
            slots,
            latencies,
            faults,
            ..ShownRun::default()
        }
    }

    fn latency(&mut self, due: Micros) -> &mut LatencyHistogram {
        self.cell(due).latency.get_or_insert_default()
    }

    fn cell(&mut self, at: Micros) -> &mut Cell {
        while at.0 / self.width >= SLOTS_MAX as u64 {
            self.halve();
        }
        let index = usize::try_from(at.0 / self.width).expect("below SLOTS_MAX");
        if index >= self.cells.len() {
            self.cells.resize_with(index + 1, Cell::default);
        }
        &mut self.cells[index]
    }

    /// Joins neighbours into slots of twice the width.
    fn halve(&mut self) {
        let mut joined = Vec::with_capacity(SLOTS_MAX);
        let mut cells = std::mem::take(&mut self.cells).into_iter();
        while let Some(mut cell) = cells.next() {
            if let Some(next) = cells.next() {
                cell.join(next);
            }
            joined.push(cell);
        }
        self.cells = joined;
        self.width *= 2;
    }
}

impl Cell {
    fn join(&mut self, next: Self) {
        self.offered += next.offered;
        self.owed += next.owed;
        self.accepted += next.accepted;
        self.processed += next.processed;
        self.visible += next.visible;
        self.settled += next.settled;
        match (&mut self.latency, next.latency) {
            (Some(mine), Some(theirs)) => mine.merge(&theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }

    fn slot(&self, start: Micros, backlog: u64) -> Slot {
        // Percentiles of a slot are of what became visible; the rest is counted beside them.
        let never = self.latency.as_ref().map_or(0, |data| data.never_count());
        let at = |quantile| {
            let finite = self.latency.as_ref()?.finite_percentile(quantile)?;
            match finite {
                Value::Micros(micros) => Some(Micros(micros)),
                Value::MilliPerSecond(_) | Value::Ppm(_) | Value::Count(_) | Value::Never => None,
            }
        };
        Slot {
            start,
            offered: self.offered,
            accepted: self.accepted,
            processed: self.processed,
            visible: self.visible,
            backlog,
            p50: at(Quantile::P50),
            p90: at(Quantile::P90),
            p99: at(Quantile::P99),
            max: at(Quantile::MAX),
            never,
            ..Slot::default()
        }
    }
}
