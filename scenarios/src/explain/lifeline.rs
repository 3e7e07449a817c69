//! What became of one event: every fact that concerns it, in order, with the faults that began and ended beside.

use super::Follow;
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
    /// To which event; none for faults.
    pub event: Option<EventId>,
    /// What happened.
    pub what: String,
    /// Whether it is a fault that began or ended, or a process that died or booted.
    pub is_fault: bool,
}

/// Follows an event through a run of `seed` under `plan`. Between two lines about the event only those faults
/// are told that began or ended there.
#[must_use]
pub fn lifeline(assembly: &Assembly, seed: u64, plan: &FaultPlan, event: EventId) -> Vec<Line> {
    follow(assembly, seed, plan, Follow::Event(event))
}

/// The same of whatever is to be followed, told as one story.
#[must_use]
pub fn follow(assembly: &Assembly, seed: u64, plan: &FaultPlan, whom: Follow) -> Vec<Line> {
    let mut world = assembly.world(Seed(seed), plan.clone(), Kinds::all(), None);
    let until = assembly.audit_at() + assembly.audit_patience();
    let mut story = Story {
        whom,
        plan,
        followers: Vec::new(),
        lines: Vec::new(),
    };
    if let Follow::Event(event) = whom {
        story.followers.push(Follower::of(event));
    }
    bare(&mut world, until, &mut |world, seen| {
        story.see(world, &seen);
        seen.fact != Fact::AuditDone
    });
    story.lines
}

struct Story<'a> {
    whom: Follow,
    plan: &'a FaultPlan,
    /// One for each event that is followed, in the order in which they were owed.
    followers: Vec<Follower>,
    lines: Vec<Line>,
}

impl Story<'_> {
    fn see(&mut self, world: &World, seen: &Observation) {
        if let (Follow::Key { key, most }, Fact::Owed(events)) = (self.whom, &seen.fact) {
            let room = most.saturating_sub(self.followers.len());
            let of_key = events.iter().filter(|event| event.key == key).take(room);
            let new = of_key.map(|event| Follower::of(event.id));
            self.followers.extend(new);
        }
        let mut told: Vec<(Option<EventId>, String)> = Vec::new();
        for follower in &mut self.followers {
            let what = follower.concerns(seen);
            told.extend(what.map(|what| (Some(follower.event), what)));
        }
        told.extend(fault_words(self.plan, seen).map(|what| (None, what)));
        let node = if seen.node.0 == u16::MAX {
            ""
        } else {
            world.name(seen.node)
        };
        self.lines
            .extend(told.into_iter().map(|(event, what)| Line {
                time: seen.time,
                node: node.to_owned(),
                event,
                what,
                is_fault: event.is_none(),
            }));
    }
}

/// What a fact about the environment says.
pub(crate) fn fault_words(plan: &FaultPlan, seen: &Observation) -> Option<String> {
    let named = |index: u32| {
        let fault = plan.faults.get(index as usize)?;
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

/// What one event has come to.
pub(crate) struct Follower {
    pub(crate) event: EventId,
    /// Where replicas keep the event.
    pub(crate) places: BTreeMap<(NodeId, Partition), Offset>,
    committed: bool,
}

impl Follower {
    pub(crate) const fn of(event: EventId) -> Follower {
        Follower {
            event,
            places: BTreeMap::new(),
            committed: false,
        }
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
    pub(crate) fn concerns(&mut self, seen: &Observation) -> Option<String> {
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
        Stage::Corrupted => "can no longer read it",
    }
}

const fn staged(stage: Stage) -> &'static str {
    match stage {
        Stage::Claimed => "by its own word",
        Stage::Seen => "seen",
        Stage::Written => "in its page cache",
        Stage::Durable => "on disk",
        Stage::Lost => "and loses that with the power",
        Stage::Corrupted => "and can no longer read that",
    }
}
