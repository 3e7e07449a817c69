//! What became of one event: every fact that concerns it, in order, with the faults that began and ended beside.

use crate::assemble::Assembly;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use stormglass_core::event::{Batch, Entry, Event, EventId, Records};
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::{Fact, Kinds, Observation, Stage};
use stormglass_core::id::{NodeId, Offset, Partition};
use stormglass_core::message::queue::Verb;
use stormglass_core::rng::Seed;
use stormglass_core::time::Time;
use stormglass_sim::drive::bare;
use stormglass_sim::world::World;

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When, in true time, nanoseconds from the start.
    pub time: Time,
    /// On which node; empty for what happens to the world.
    pub node: String,
    /// What happened.
    pub what: String,
    /// Whether it is a fault that began or ended, or a process that died or booted.
    pub is_fault: bool,
}

/// Follows an event through a run of `seed` under `plan`. Between two lines about the event only those faults
/// are told that began or ended there.
#[must_use]
pub fn lifeline(assembly: &Assembly, seed: u64, plan: &FaultPlan, event: EventId) -> Vec<Line> {
    let mut world = assembly.world(Seed(seed), plan.clone(), Kinds::all(), None);
    let until = assembly.audit_at() + assembly.audit_patience();
    let mut follower = Follower {
        event,
        plan,
        places: BTreeMap::new(),
        committed: false,
        lines: Vec::new(),
    };
    bare(&mut world, until, &mut |world, seen| {
        follower.see(world, &seen);
        seen.fact != Fact::AuditDone
    });
    follower.lines
}

struct Follower<'a> {
    event: EventId,
    plan: &'a FaultPlan,
    /// Where replicas keep the event.
    places: BTreeMap<(NodeId, Partition), Offset>,
    committed: bool,
    lines: Vec<Line>,
}

impl Follower<'_> {
    fn see(&mut self, world: &World, seen: &Observation) {
        let told = self.concerns(seen).map(|what| (what, false));
        if let Some((what, is_fault)) = told.or_else(|| self.fault(seen).map(|what| (what, true))) {
            let node = if seen.node.0 == u16::MAX {
                String::new()
            } else {
                world.name(seen.node).to_owned()
            };
            self.lines.push(Line {
                time: seen.time,
                node,
                what,
                is_fault,
            });
        }
    }

    /// What a fact about the environment says.
    fn fault(&self, seen: &Observation) -> Option<String> {
        let named = |index: u32| {
            let fault = self.plan.faults.get(index as usize)?;
            let name = fault.name.as_deref().unwrap_or_else(|| fault.kind.name());
            Some(format!(
                "'{name}' ({} on {})",
                fault.kind.name(),
                fault.target
            ))
        };
        if let Fact::FaultStarted(index) = &seen.fact {
            return Some(format!("{} begins", named(*index)?));
        }
        if let Fact::FaultEnded(index) = &seen.fact {
            return Some(format!("{} is healed", named(*index)?));
        }
        if let Fact::Crashed { power } = &seen.fact {
            let how = if *power { "loses power" } else { "dies" };
            return Some(how.to_owned());
        }
        (seen.fact == Fact::Booted && seen.incarnation.0 > 1).then(|| "boots again".to_owned())
    }

    fn has(&self, events: &[Event]) -> bool {
        events.iter().any(|event| event.id == self.event)
    }

    fn in_batch(&self, batch: &Batch) -> bool {
        matches!(&batch.records, Records::Events(events) if self.has(events))
    }

    fn offset(&self, entry: &Entry) -> Option<Offset> {
        let Records::Events(events) = &entry.batch.records else {
            return None;
        };
        let place = events.iter().position(|event| event.id == self.event)?;
        Some(Offset(entry.base.0 + place as u64))
    }

    /// What a fact says of the event, none if it says nothing.
    fn concerns(&mut self, seen: &Observation) -> Option<String> {
        let when = |events: &Arc<[Event]>, what: &str| self.has(events).then(|| what.to_owned());
        match &seen.fact {
            Fact::Owed(events) => when(events, "owes it"),
            Fact::PublishSent(batch) => self.in_batch(batch).then(|| "sends it".to_owned()),
            Fact::PublishTaken(batch) => self
                .in_batch(batch)
                .then(|| "takes up the request to store it".to_owned()),
            Fact::Acknowledged(published) => self.in_batch(&published.batch).then(|| {
                format!(
                    "is told that it is stored, in partition {}",
                    published.partition
                )
            }),
            Fact::GaveUp {
                events,
                definite,
                refusal,
            } => self.has(events).then(|| {
                let certain = if *definite {
                    "it is not stored"
                } else {
                    "nobody knows whether it is stored"
                };
                format!("gives up ({refusal:?}): {certain}")
            }),
            Fact::Shed(events) => when(events, "refuses it: the buffer is full"),
            Fact::Appended { partition, entry } => self.appended(seen, *partition, entry),
            Fact::Committed { partition, until } => self.committed(seen, *partition, *until),
            Fact::Truncated { partition, from } => {
                self.cut(seen, *partition, |at| at >= *from, "truncates it away")
            }
            Fact::LogStart { partition, start } => {
                self.cut(seen, *partition, |at| at < *start, "drops it: retention")
            }
            Fact::Fetched(fetched) => {
                let mut entries = fetched.parts.iter().flat_map(|part| &part.entries);
                entries
                    .find_map(|entry| self.offset(entry))
                    .map(|at| format!("reads it at offset {at}"))
            }
            Fact::Received(received) => {
                let mut deliveries = received.deliveries.iter();
                deliveries
                    .any(|delivery| delivery.event.id == self.event)
                    .then(|| "is handed it".to_owned())
            }
            Fact::Enqueued { events, .. } => when(events, stored(seen.stage)),
            Fact::Settled { verb, events, .. } => {
                let verb = match verb {
                    Verb::Accept => "counts it as done",
                    Verb::Release => "takes it back",
                    Verb::Reject => "rejects it for good",
                    Verb::Extend(_) => "extends its lease",
                };
                events
                    .contains(&self.event)
                    .then(|| format!("{verb} ({})", staged(seen.stage)))
            }
            Fact::DeadLettered { events, .. } => when(events, "puts it to the dead letters"),
            Fact::Filtered { events, .. } => events
                .contains(&self.event)
                .then(|| "filters it out, as it should".to_owned()),
            Fact::WriteTaken(write) => when(&write.rows, "takes up the write of its row"),
            Fact::Effects(write) => self
                .has(&write.rows)
                .then(|| format!("shows its row ({})", staged(seen.stage))),
            Fact::WriteAcknowledged(write) => when(&write.rows, "is told that its row is written"),
            Fact::RowsRead(rows) => self
                .has(&rows.rows)
                .then(|| "the final read finds its row".to_owned()),
            Fact::Fired { events, .. } => (events.iter().any(|credit| credit.id == self.event))
                .then(|| "its windows fire".to_owned()),
            Fact::Late { events, .. } => {
                let late = events.iter().find(|late| late.id == self.event);
                late.map(|late| {
                    let which = if late.entirely { "all" } else { "some" };
                    format!("counts it as late for {which} of its windows")
                })
            }
            Fact::Watermark(_)
            | Fact::Flow(_)
            | Fact::CheckpointStored(_)
            | Fact::RoleTaken { .. }
            | Fact::RoleLost { .. }
            | Fact::Assigned { .. }
            | Fact::Revoked { .. }
            | Fact::LeaseGranted { .. }
            | Fact::LeaseExpired { .. }
            | Fact::Crashed { .. }
            | Fact::Booted
            | Fact::FaultStarted(_)
            | Fact::FaultEnded(_)
            | Fact::Point(_)
            | Fact::Healed
            | Fact::Drained
            | Fact::AuditDone
            | Fact::Custom { .. } => None,
        }
    }

    fn appended(
        &mut self,
        seen: &Observation,
        partition: Partition,
        entry: &Entry,
    ) -> Option<String> {
        let at = self.offset(entry)?;
        let place = (seen.node, partition);
        if seen.stage == Stage::Lost {
            self.places.remove(&place);
        } else {
            self.places.insert(place, at);
        }
        Some(format!(
            "{} at offset {at} of partition {partition} in epoch {}",
            stored(seen.stage),
            entry.epoch
        ))
    }

    /// The first time that a leader finds it on all in-sync replicas.
    fn committed(
        &mut self,
        seen: &Observation,
        partition: Partition,
        until: Offset,
    ) -> Option<String> {
        let at = self.places.get(&(seen.node, partition))?;
        let first = !self.committed && *at < until;
        self.committed |= first;
        first.then(|| "finds it on every in-sync replica".to_owned())
    }

    fn cut(
        &mut self,
        seen: &Observation,
        partition: Partition,
        is_cut: impl Fn(Offset) -> bool,
        what: &str,
    ) -> Option<String> {
        let place = (seen.node, partition);
        let at = self.places.get(&place).copied().filter(|at| is_cut(*at))?;
        self.places.remove(&place);
        Some(format!("{what}, from offset {at}"))
    }
}

const fn stored(stage: Stage) -> &'static str {
    match stage {
        Stage::Claimed => "says that it stores it",
        Stage::Seen => "is seen to store it",
        Stage::Written => "stores it in its page cache",
        Stage::Durable => "has it on disk",
        Stage::Lost => "loses it with the power",
    }
}

const fn staged(stage: Stage) -> &'static str {
    match stage {
        Stage::Claimed => "by its own word",
        Stage::Seen => "seen",
        Stage::Written => "in its page cache",
        Stage::Durable => "on disk",
        Stage::Lost => "and loses that with the power",
    }
}
