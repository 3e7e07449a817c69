//! One input partition of a log on its way through a processor.

use super::config::CommitPosition;
use super::operator::Operator;
use super::window::{Fired, Windowed};
use super::{Applied, Poison, ProcessorPlan};
use crate::client::consumer::Records;
use crate::event_time::BEGINNING;
use crate::id::{Offset, Partition};
use crate::message::sink::{Checkpoint, Write};
use crate::time::Mono;
use std::collections::VecDeque;
use std::sync::Arc;

/// Where a partition is before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The sink and the store are told of the new owner; what each has answered.
    Adopting {
        sink: Adoption,
        store: Adoption,
    },
    /// The consumer finds where to begin.
    Starting,
    Running,
}

/// Whether an adoption has been answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Adoption {
    /// None is asked for.
    NotNeeded,
    /// To be asked at this instant or later.
    Due(Mono),
    Asked,
    Answered(Option<Arc<Checkpoint>>),
}

impl Adoption {
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Adoption::NotNeeded | Adoption::Answered(_))
    }

    /// What was stored, if anything.
    pub(super) fn stored(&self) -> Option<&Arc<Checkpoint>> {
        match self {
            Adoption::Answered(stored) => stored.as_ref(),
            Adoption::NotNeeded | Adoption::Due(_) | Adoption::Asked => None,
        }
    }
}

/// What is under way with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its position is to be committed, now or at this instant.
    SettleDue(Mono),
    Settling,
    /// It is to be written, now or at this instant.
    WriteDue(Mono),
    Writing,
}

/// A batch that has been applied and is not finished with.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) write: Arc<Write>,
    /// The offset of its first event.
    pub(super) from: Offset,
    /// The offset after its last event.
    pub(super) next: Offset,
    pub(super) stage: Stage,
    /// When it was made.
    pub(super) since: Mono,
    /// Writes of it that failed.
    pub(super) failures: u32,
}

/// Up to which watermark windows had fired when their rows were last written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settles {
    /// As far as the state says, or they may fire again.
    Nothing,
    /// As far as the sink says.
    At(i64),
    /// Nobody says: at most as far as the partition's own watermark. Whoever writes at most once skips what
    /// may have been written.
    AtOwn,
}

/// One partition in one generation.
pub(super) struct Track {
    /// Its number among the node's tracks.
    pub(super) number: u64,
    pub(super) partition: Partition,
    pub(super) generation: u32,
    /// What the group had committed at the assignment.
    pub(super) committed: Option<Offset>,
    pub(super) operator: Box<dyn Operator>,
    /// Windows of event time, in place of the operator.
    pub(super) windows: Option<Box<Windowed>>,
    /// What has fired already is to be told apart from what has not, before anything is written.
    pub(super) settles: Settles,
    /// It is further than the slowest input by more than may be.
    pub(super) is_ahead: bool,
    pub(super) phase: Phase,
    buffer: VecDeque<Records>,
    /// The next entry of the first records of the buffer.
    entry: usize,
    buffered: u64,
    pub(super) is_paused: bool,
    /// Whether the operator fails on the next event: everything behind it waits.
    pub(super) is_stuck: bool,
    /// The next offset to apply. Invariant: the operator's state is that of all offsets below.
    pub(super) cursor: Offset,
    /// Below this, events are applied and not written.
    pub(super) silent_below: Offset,
    /// Batches under way, in the order of their offsets.
    pub(super) attempts: VecDeque<Attempt>,
    /// The position behind the last batch that has ended, although an earlier one may be under way.
    highest: Offset,
    /// The position last kept: in the store, or committed if there is no state.
    pub(super) kept: Offset,
    pub(super) is_saving: bool,
    pub(super) save_due: bool,
}

impl Track {
    pub(super) fn new(
        number: u64,
        (partition, generation): (Partition, u32),
        committed: Option<Offset>,
        operator: Box<dyn Operator>,
        phase: Phase,
    ) -> Track {
        Track {
            number,
            partition,
            generation,
            committed,
            operator,
            windows: None,
            settles: Settles::Nothing,
            is_ahead: false,
            phase,
            buffer: VecDeque::new(),
            entry: 0,
            buffered: 0,
            is_paused: false,
            is_stuck: false,
            cursor: Offset(0),
            silent_below: Offset(0),
            attempts: VecDeque::new(),
            highest: Offset(0),
            kept: Offset(0),
            is_saving: false,
            save_due: false,
        }
    }

    /// The position to keep: everything below it is finished with, or should be. Once no batch is open, that is all
    /// that has been applied.
    pub(super) fn finished(&self, commit: CommitPosition) -> Offset {
        let first = self.attempts.front();
        let contiguous = first.map_or(self.cursor, |attempt| attempt.from);
        match commit {
            CommitPosition::Contiguous => contiguous,
            CommitPosition::Highest => contiguous.max(self.highest),
            CommitPosition::Polled => self.cursor,
        }
    }

    /// The batch under way that begins at `from`.
    pub(super) fn attempt(&mut self, from: Offset) -> Option<&mut Attempt> {
        self.attempts
            .iter_mut()
            .find(|attempt| attempt.from == from)
    }

    /// The batch that begins at `from` has ended.
    pub(super) fn finish(&mut self, from: Offset) {
        let place = self
            .attempts
            .iter()
            .position(|attempt| attempt.from == from);
        if let Some(ended) = place.and_then(|place| self.attempts.remove(place)) {
            self.highest = self.highest.max(ended.next);
        }
    }

    /// Reading begins here, or jumps here.
    pub(super) fn begin(&mut self, from: Offset) {
        self.drop_buffer();
        self.cursor = from;
        self.highest = from;
        if self.phase != Phase::Running {
            self.phase = Phase::Running;
            self.kept = from;
        }
    }

    /// Takes records in.
    pub(super) fn push(&mut self, records: Records) {
        self.buffered += records.next.0 - records.from.0;
        self.buffer.push_back(records);
    }

    /// Forgets what has not been applied.
    pub(super) fn drop_buffer(&mut self) {
        self.buffer.clear();
        self.entry = 0;
        self.buffered = 0;
    }

    /// Records that wait, counted by offsets.
    pub(super) fn buffered(&self) -> u64 {
        self.buffered
    }

    /// Applies a batch of buffered events, none at or above `limit` and none from the first on which the operator
    /// fails.
    pub(super) fn apply(
        &mut self,
        applied: &mut Applied,
        (limit, now): (Offset, Mono),
        poison: Poison,
        plan: &ProcessorPlan,
    ) {
        self.is_stuck = false;
        while let Some(records) = self.buffer.front() {
            for entry in &records.entries()[self.entry..] {
                let skip = self.cursor.0.saturating_sub(entry.base.0) as usize;
                self.cursor = self.cursor.max(entry.base);
                let events = entry.batch.events();
                for event in &events[skip.min(events.len())..] {
                    if applied.events == plan.batch || self.cursor >= limit {
                        return;
                    }
                    if poison.strikes(event) {
                        self.is_stuck = true;
                        return;
                    }
                    if let Some(windows) = &mut self.windows {
                        applied.add_to_windows(windows, event, (self.cursor, now), plan);
                    } else {
                        let version = Some(self.cursor.0);
                        applied.add(&mut *self.operator, event, version, plan);
                    }
                    self.cursor.0 += 1;
                }
                self.cursor = self.cursor.max(entry.end());
                self.entry += 1;
            }
            self.buffered -= records.next.0 - records.from.0;
            self.buffer.pop_front();
            self.entry = 0;
        }
    }

    /// Whether it only rebuilds its state.
    pub(super) fn is_silent(&self) -> bool {
        self.cursor < self.silent_below
    }

    /// The watermark up to which its windows have fired.
    pub(super) fn fired_until(&self) -> i64 {
        let windows = self.windows.as_ref();
        windows.map_or(BEGINNING, |windows| windows.panes.watermark())
    }

    /// Whether windows are due to fire.
    pub(super) fn has_due(&self) -> bool {
        let windows = self.windows.as_ref();
        !self.is_silent() && windows.is_some_and(|windows| windows.has_due())
    }

    /// The state is rebuilt: windows that have fired before are not to fire again.
    pub(super) fn settle(&mut self) {
        let settles = std::mem::replace(&mut self.settles, Settles::Nothing);
        if let Some(windows) = &mut self.windows {
            let fired = match settles {
                Settles::Nothing => return,
                Settles::At(watermark) => watermark,
                Settles::AtOwn => windows.watermark(),
            };
            windows.panes.advance(fired, &mut Fired::default());
        }
    }
}
