//! Where an event's time went: the instants at which it was first seen on its way, and the stages between
//! them, which add up to its latency to the nanosecond.

use crate::event::{Entry, EventId};
use crate::id::{Epoch, Offset, Partition};
use crate::time::{Span, Time};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// A stage of the way from a source to a sink. An event that skips one spends nothing in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// From its due time until a request with it leaves the publisher: linger, batching, requests in flight,
    /// a source that was late.
    Produce,
    /// Until a core of the broker takes the request: the link and the broker's queue.
    Send,
    /// Until it is in the broker's log or queue.
    Append,
    /// Until every in-sync replica has it. A queue has no such stage.
    Replicate,
    /// Until a reader has been given it: the reader's poll, the broker's answer, the link.
    Fetch,
    /// Until the last window that it belongs to fires: the disorder that is waited for, the slowest input, the
    /// window's own length. Without windows there is no such stage.
    Window,
    /// Until a core of the sink takes the write: the operator, its batch, the link.
    Process,
    /// Until the row is visible.
    Sink,
    /// Without a sink: until the publisher has the answer.
    Answer,
}

impl Stage {
    /// All, in the order of the way.
    pub const ALL: [Stage; 9] = [
        Stage::Produce,
        Stage::Send,
        Stage::Append,
        Stage::Replicate,
        Stage::Fetch,
        Stage::Window,
        Stage::Process,
        Stage::Sink,
        Stage::Answer,
    ];

    /// Its name in reports and objectives.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Produce => "produce",
            Stage::Send => "send",
            Stage::Append => "append",
            Stage::Replicate => "replicate",
            Stage::Fetch => "fetch",
            Stage::Window => "window",
            Stage::Process => "process",
            Stage::Sink => "sink",
            Stage::Answer => "answer",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The ends of the stages that can be seen before an event is through.
const MARKS: usize = 7;

/// When an event was due and when it was first seen at the end of each stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) due: Time,
    /// [`Time::NEVER`] is not yet.
    ends: [Time; MARKS],
}

impl Marks {
    pub(super) const fn new(due: Time) -> Marks {
        Marks {
            due,
            ends: [Time::NEVER; MARKS],
        }
    }

    /// The event was seen at the end of a stage; what comes again changes nothing.
    pub(super) fn see(&mut self, stage: Stage, now: Time) {
        if let Some(end) = self.ends.get_mut(stage as usize) {
            *end = (*end).min(now);
        }
    }

    /// When a request with it left its publisher.
    pub(super) fn sent(&self) -> Option<Time> {
        Some(self.ends[Stage::Produce as usize]).filter(|sent| *sent != Time::NEVER)
    }

    /// How long each stage took of an event that is through at `end`, the last one being `last`. A stage
    /// whose end was not seen, or seen late, belongs to the next one that was.
    pub(super) fn stages(&self, last: Stage, end: Time) -> impl Iterator<Item = (Stage, Span)> {
        let mut from = self.due;
        let seen = Stage::ALL
            .into_iter()
            .zip(self.ends)
            .filter(move |(_, at)| *at <= end);
        let seen = seen.filter(move |(stage, _)| *stage < last);
        seen.chain([(last, end)]).map(move |(stage, at)| {
            let took = at.max(from).since(from);
            from = from.max(at);
            (stage, took)
        })
    }
}

/// The batches of each log that are not yet on every in-sync replica.
#[derive(Debug, Default)]
pub(super) struct Uncommitted {
    logs: BTreeMap<Partition, Tail>,
}

#[derive(Debug, Default)]
struct Tail {
    committed: Offset,
    /// Invariant: offsets increase, epochs do not decrease.
    entries: VecDeque<Entry>,
}

impl Uncommitted {
    /// A replica stored a batch; says whether it may be the first to. A batch of a later leader takes the place
    /// of those that this leader knows nothing of; a leader that nobody follows any more takes nobody's.
    pub(super) fn append(&mut self, partition: Partition, entry: &Entry) -> bool {
        let tail = self.logs.entry(partition).or_default();
        let latest = tail.entries.back().map_or(Epoch(0), |last| last.epoch);
        if entry.base < tail.committed || entry.epoch < latest {
            return true;
        }
        let at = tail
            .entries
            .partition_point(|known| known.base < entry.base);
        let known = tail.entries.get(at);
        let is_copy =
            known.is_some_and(|known| (known.base, known.epoch) == (entry.base, entry.epoch));
        if !is_copy {
            tail.entries.truncate(at);
            tail.entries.push_back(entry.clone());
        }
        !is_copy
    }

    /// The high watermark of a log is at `until`: the events that it has passed.
    pub(super) fn commit(
        &mut self,
        partition: Partition,
        until: Offset,
        mut each: impl FnMut(EventId),
    ) {
        let tail = self.logs.entry(partition).or_default();
        tail.committed = tail.committed.max(until);
        while let Some(entry) = tail.entries.front().filter(|entry| entry.end() <= until) {
            entry.batch.events().iter().for_each(|event| each(event.id));
            tail.entries.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Batch, Event};
    use crate::time::Wall;
    use proptest::prelude::*;
    use std::sync::Arc;

    proptest! {
        /// Whatever was seen in whatever order, the stages add up to the latency.
        #[test]
        fn stages_add_up_to_the_latency(
            due in 0..1_000_u64,
            seen in prop::collection::vec((0..9_usize, 0..5_000_u64), 0..20),
            took in 0..5_000_u64,
            has_sink: bool,
        ) {
            let mut marks = Marks::new(Time(due));
            for (stage, at) in seen {
                marks.see(Stage::ALL[stage], Time(at));
            }
            let last = if has_sink { Stage::Sink } else { Stage::Answer };
            let stages: Vec<_> = marks.stages(last, Time(due + took)).collect();
            prop_assert_eq!(stages.iter().map(|(_, span)| span.0).sum::<u64>(), took);
            prop_assert_eq!(stages.last().map(|(stage, _)| *stage), Some(last));
        }
    }

    #[test]
    fn a_batch_is_committed_as_the_latest_leader_wrote_it() {
        let batch = |number: u64| {
            let id = EventId { source: 0, number };
            let event = Event {
                id,
                key: 0,
                event_time: 0,
                due: Time::ZERO,
                value: 0,
                size: 1,
                kind: 0,
                label: 0,
            };
            Arc::new(Batch::of_events(Arc::from([event]), None, Wall(0)))
        };
        let entry = |base, epoch, number| Entry {
            base: Offset(base),
            epoch: Epoch(epoch),
            batch: batch(number),
        };
        let log = Partition::default();
        let mut uncommitted = Uncommitted::default();
        // Two events of a leader that is then cut off, one of them copied; the next leader has only the first.
        for stored in [
            entry(0, 1, 10),
            entry(1, 1, 11),
            entry(0, 1, 10),
            entry(1, 2, 20),
            entry(2, 1, 12),
        ] {
            uncommitted.append(log, &stored);
        }
        let mut passed = Vec::new();
        uncommitted.commit(log, Offset(2), |id| passed.push(id.number));
        uncommitted.append(log, &entry(1, 2, 20));
        uncommitted.append(log, &entry(2, 2, 21));
        uncommitted.commit(log, Offset(3), |id| passed.push(id.number));
        assert_eq!(passed, [10, 20, 21]);
    }

    #[test]
    fn a_stage_ends_when_it_was_first_seen_to() {
        let mut marks = Marks::new(Time(10));
        for (stage, at) in [
            (Stage::Produce, 15),
            (Stage::Append, 40),
            (Stage::Produce, 30),
            (Stage::Process, 90),
        ] {
            marks.see(stage, Time(at));
        }
        let stages: Vec<_> = marks.stages(Stage::Sink, Time(100)).collect();
        let expected = [
            (Stage::Produce, Span(5)),
            (Stage::Append, Span(25)),
            (Stage::Process, Span(50)),
            (Stage::Sink, Span(10)),
        ];
        assert_eq!(stages, expected);
    }
}
