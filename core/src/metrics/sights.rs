//! Where events are seen on their way, from facts of the World and of the parts.

use crate::event::{Event, EventId};
use crate::history::{Fact, Observation, Stage as Seen};
use crate::metrics::Stage;
use crate::metrics::recorder::{Ledger, Recorder};
use crate::time::Time;

fn see(ledgers: &mut [Ledger], id: EventId, stage: Stage, now: Time) {
    let ledger = ledgers.get_mut(usize::from(id.source));
    if let Some(marks) = ledger.and_then(|ledger| ledger.open.get_mut(id.number)) {
        marks.see(stage, now);
    }
}

impl Recorder {
    /// Takes a fact about how far events have come; says whether it was one.
    pub(super) fn mark(&mut self, seen: &Observation) -> bool {
        let now = seen.time;
        if let Fact::PublishSent(batch) = &seen.fact {
            self.see_all(batch.events(), Stage::Produce, now);
        } else if let Fact::PublishTaken(batch) = &seen.fact {
            self.see_all(batch.events(), Stage::Send, now);
        } else if let Fact::Appended { partition, entry } = &seen.fact {
            // A follower's copy is no first sight.
            if seen.stage == Seen::Written && self.uncommitted.append(*partition, entry) {
                self.see_all(entry.batch.events(), Stage::Append, now);
            }
        } else if let Fact::Enqueued { events, .. } = &seen.fact {
            if seen.stage == Seen::Written {
                self.see_all(events, Stage::Append, now);
            }
        } else if let Fact::Committed { partition, until } = &seen.fact {
            let ledgers = &mut self.ledgers;
            self.uncommitted.commit(*partition, *until, |id| {
                see(ledgers, id, Stage::Replicate, now);
            });
        } else if let Fact::Fetched(fetched) = &seen.fact {
            let entries = fetched.parts.iter().flat_map(|part| &part.entries);
            for entry in entries {
                self.see_all(entry.batch.events(), Stage::Fetch, now);
            }
        } else if let Fact::Received(received) = &seen.fact {
            for delivery in &received.deliveries {
                self.see(delivery.event.id, Stage::Fetch, now);
            }
        } else if let Fact::WriteTaken(write) = &seen.fact {
            match &write.credits {
                Some(credits) => {
                    for credit in credits.iter() {
                        self.see(credit.id, Stage::Process, now);
                    }
                }
                None => self.see_all(&write.rows, Stage::Process, now),
            }
        } else if let Fact::Fired { events, .. } = &seen.fact {
            for credit in events.iter() {
                self.see(credit.id, Stage::Window, now);
            }
        } else {
            return false;
        }
        true
    }

    fn see(&mut self, id: EventId, stage: Stage, now: Time) {
        see(&mut self.ledgers, id, stage, now);
    }

    fn see_all(&mut self, events: &[Event], stage: Stage, now: Time) {
        for event in events {
            self.see(event.id, stage, now);
        }
    }
}
