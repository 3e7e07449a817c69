//! What a fact is in a story: its kind, and a sentence without its subject.

use super::story::Kind;
use stormglass_core::event::{Entry, Event};
use stormglass_core::history::{Fact, Flow, Role, Stage};

/// The kind of a fact that is told; none of one that tells a reader nothing about events or offices.
pub(super) fn kind_of(fact: &Fact, stage: Stage) -> Option<Kind> {
    if stage == Stage::Lost {
        return Some(Kind::Loss);
    }
    match fact {
        Fact::Owed(_) | Fact::PublishSent(_) | Fact::Flow(_) => Some(Kind::Send),
        Fact::PublishTaken(_)
        | Fact::Appended { .. }
        | Fact::Committed { .. }
        | Fact::Enqueued { .. }
        | Fact::Settled { .. }
        | Fact::CheckpointStored(_) => Some(Kind::Store),
        Fact::Fetched(_) | Fact::Received(_) | Fact::RowsRead(_) => Some(Kind::Read),
        Fact::WriteTaken(_) | Fact::Effects(_) | Fact::Filtered { .. } | Fact::Fired { .. } => {
            Some(Kind::Effect)
        }
        Fact::Acknowledged(_) | Fact::WriteAcknowledged(_) => Some(Kind::Answer),
        Fact::GaveUp { .. }
        | Fact::Shed(_)
        | Fact::Truncated { .. }
        | Fact::LogStart { .. }
        | Fact::DeadLettered { .. }
        | Fact::Late { .. } => Some(Kind::Loss),
        Fact::RoleTaken { .. }
        | Fact::RoleLost { .. }
        | Fact::Assigned { .. }
        | Fact::Revoked { .. }
        | Fact::LeaseGranted { .. }
        | Fact::LeaseExpired { .. } => Some(Kind::Office),
        Fact::Crashed { .. }
        | Fact::Booted
        | Fact::FaultStarted(_)
        | Fact::FaultEnded(_)
        | Fact::Healed
        | Fact::Drained => Some(Kind::Fault),
        Fact::Watermark(_) | Fact::Point(_) | Fact::AuditDone | Fact::Custom { .. } => None,
    }
}

/// A fact that is told about no single event, in words.
pub(super) fn words(fact: &Fact, stage: Stage) -> String {
    let after = match stage {
        Stage::Claimed | Stage::Seen => "",
        Stage::Written => ", in its page cache",
        Stage::Durable => ", on disk",
        Stage::Lost => ": lost with the power",
        Stage::Corrupted => ": damaged on disk",
    };
    match fact {
        Fact::Owed(events) => format!("owes {}", some(events)),
        Fact::PublishSent(batch) => format!("sends {}", some(batch.events())),
        Fact::PublishTaken(batch) => {
            format!("takes up the request to store {}", some(batch.events()))
        }
        Fact::Flow(flow) => match flow {
            Flow::Retried => "sends a request again",
            Flow::Refused => "sends nothing again: the budget of retries is spent",
            Flow::Opened => "opens its circuit breaker",
            Flow::Waited => "waits for room to send",
        }
        .to_owned(),
        Fact::Acknowledged(published) => format!(
            "is told that {} is stored in partition {}",
            some(published.batch.events()),
            published.partition
        ),
        Fact::GaveUp {
            events, refusal, ..
        } => {
            format!("gives up {} ({refusal:?})", some(events))
        }
        Fact::Shed(events) => format!("refuses {}: the buffer is full", some(events)),
        Fact::Appended { partition, entry } => format!("stores {} {partition}{after}", at(entry)),
        Fact::Committed { partition, until } => {
            format!(
                "finds all below offset {until} of partition {partition} on every in-sync replica"
            )
        }
        Fact::Truncated { partition, from } => {
            format!("truncates partition {partition} from offset {from}{after}")
        }
        Fact::LogStart { partition, start } => {
            format!("drops what lies below offset {start} of partition {partition}: retention")
        }
        Fact::Fetched(fetched) => {
            let parts = fetched.parts.iter();
            let read = parts.filter_map(|part| {
                let (first, last) = (part.entries.first()?, part.entries.last()?);
                let (from, to) = (first.base, last.end().0.saturating_sub(1));
                Some(format!(
                    "offsets {from} to {to} of partition {}",
                    part.partition
                ))
            });
            let read: Vec<String> = read.collect();
            if read.is_empty() {
                "reads nothing new".to_owned()
            } else {
                format!("reads {}", read.join(" and "))
            }
        }
        Fact::Received(received) => {
            let events = received.deliveries.iter().map(|delivery| &delivery.event);
            format!(
                "is handed {}",
                list(events.copied().collect::<Vec<_>>().as_slice())
            )
        }
        Fact::Enqueued { events, .. } => format!("stores {}{after}", some(events)),
        Fact::Settled { verb, events, .. } => {
            format!("settles {} deliveries ({verb:?}){after}", events.len())
        }
        Fact::DeadLettered { events, .. } => {
            format!("puts {} to the dead letters", some(events))
        }
        Fact::Filtered { events, .. } => format!("filters out {} events", events.len()),
        Fact::Fired { events, .. } => format!("fires windows of {} events", events.len()),
        Fact::Late { events, .. } => format!("counts {} events as late", events.len()),
        Fact::WriteTaken(write) => format!("takes up the write of {}", some(&write.rows)),
        Fact::Effects(write) => format!("shows {}{after}", some(&write.rows)),
        Fact::WriteAcknowledged(write) => {
            format!("is told that {} is written", some(&write.rows))
        }
        Fact::RowsRead(rows) => format!("the final read finds {} rows", rows.rows.len()),
        Fact::CheckpointStored(checkpoint) => format!(
            "keeps state up to offset {} of partition {}{after}",
            checkpoint.covered.next, checkpoint.covered.partition
        ),
        Fact::RoleTaken { role, epoch } => format!("becomes {} in term {epoch}", office(*role)),
        Fact::RoleLost { role, epoch } => {
            format!("is no longer {} of term {epoch}", office(*role))
        }
        Fact::Assigned {
            partition,
            generation,
            from,
            ..
        } => {
            format!("is given partition {partition} from offset {from} in generation {generation}")
        }
        Fact::Revoked {
            partition,
            generation,
            ..
        } => format!("gives partition {partition} back in generation {generation}"),
        Fact::LeaseGranted { token, .. } => format!("grants the lease with token {token}"),
        Fact::LeaseExpired { token, .. } => {
            format!("counts the lease with token {token} as over")
        }
        Fact::Healed => "everything is healed".to_owned(),
        Fact::Drained => "the sources stop".to_owned(),
        Fact::Crashed { .. }
        | Fact::Booted
        | Fact::FaultStarted(_)
        | Fact::FaultEnded(_)
        | Fact::Watermark(_)
        | Fact::Point(_)
        | Fact::AuditDone
        | Fact::Custom { .. } => String::new(),
    }
}

fn office(role: Role) -> String {
    match role {
        Role::Leader(partition) => format!("leader of partition {partition}"),
        Role::Controller => "controller".to_owned(),
        Role::Coordinator(group) => format!("coordinator of group {group}"),
        Role::Custom(class) => format!("{class:?}"),
    }
}

/// Some events: the first by its name, and how many there are.
fn some(events: &[Event]) -> String {
    match events {
        [] => "positions".to_owned(),
        [one] => format!("{}:{}", one.id.source, one.id.number),
        [first, rest @ ..] => format!(
            "{}:{} and {} more",
            first.id.source,
            first.id.number,
            rest.len()
        ),
    }
}

fn list(events: &[Event]) -> String {
    if events.is_empty() {
        "nothing".to_owned()
    } else {
        some(events)
    }
}

fn at(entry: &Entry) -> String {
    let last = entry.end().0.saturating_sub(1);
    let place = if last == entry.base.0 {
        format!("at offset {last}")
    } else {
        format!("at offsets {} to {last}", entry.base)
    };
    format!(
        "{} {place} in epoch {}, partition",
        some(entry.batch.events()),
        entry.epoch
    )
}
