//! `recovery`: once everything is healed, the system works again (O-LIVE).
//!
//! *Verifies*: every event owed in `calm`, after the heal and the declared sum of timeouts (rule 8), is
//! acknowledged, and what was acknowledged of those is processed by the end of the drain.
//! *Does not verify*: how fast (an SLO on recovery does), nor events of before the heal (`no-loss` and
//! `nothing-in-flight` do).

use crate::check::progress::{EventSets, Progress, ids};
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::EventId;
use crate::history::{Fact, FactKind, Kinds, Observation};
use crate::message::log::Acks;
use crate::processor::config::DeliveryMode;
use crate::time::Time;
use std::sync::Arc;

/// The check.
pub struct Recovery {
    topology: Arc<Topology>,
    /// Events due from then on are judged.
    from: Time,
    owed: EventSets,
    acknowledged: EventSets,
    progress: Progress,
    findings: Findings,
}

impl Recovery {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> Recovery {
        Recovery {
            from: Time::NEVER,
            owed: EventSets::new(topology),
            acknowledged: EventSets::new(topology),
            progress: Progress::new(topology),
            findings: Findings::new("recovery"),
            topology: Arc::clone(topology),
        }
    }

    fn judge_publishing(&mut self, source: usize) {
        let entry = &self.topology.sources[source];
        let log = self.topology.log(entry.broker);
        if log.is_some_and(|log| log.acks == Acks::None) {
            return;
        }
        let open = self
            .owed
            .of(source)
            .difference(self.acknowledged.of(source));
        let (first, count) = first_and_count(ids(source, open));
        if let Some(first) = first {
            let (name, part) = (self.topology.name(entry.broker), entry.broker);
            self.findings.add_many(count, || {
                let sentence = format!(
                    "{name} had not stored {count} events owed long after the heal, first {}:{}",
                    first.source, first.number
                );
                Violation::new("unavailable", self.from, sentence)
                    .of(Some(part), "publisher")
                    .event(first)
            });
        }
    }

    fn judge_processing(&mut self, source: usize) {
        let topology = Arc::clone(&self.topology);
        let entry = &topology.sources[source];
        let readers: Vec<usize> = topology.readers_of(entry).collect();
        let shared = topology
            .queue(entry.broker)
            .is_some_and(|queue| !queue.fanout);
        // Walked anew for each reader: a list of them would grow with the length of the run.
        let late = || {
            ids(source, self.owed.of(source).ranges()).filter(|id| self.acknowledged.contains(*id))
        };
        for reader in &readers {
            let peers = if shared {
                &readers[..]
            } else {
                std::slice::from_ref(reader)
            };
            let is_done = |id: &EventId| {
                peers
                    .iter()
                    .any(|peer| self.progress.of(*peer).contains(*id))
            };
            let (first, left) = first_and_count(late().filter(|id| !is_done(id)));
            let at_most_once = topology.processors[*reader].delivery == DeliveryMode::AtMostOnce;
            // At most once may miss some, but a processor that is back misses not all.
            let Some(first) = first.filter(|_| !at_most_once || left == late().count() as u64)
            else {
                continue;
            };
            let part = topology.processors[*reader].part;
            self.findings.add_many(left, || {
                let sentence = format!(
                    "{} had not processed {left} events acknowledged after the heal, first {}:{}",
                    topology.name(part),
                    first.source,
                    first.number
                );
                Violation::new("stuck", self.from, sentence)
                    .of(Some(part), "consumer")
                    .event(first)
            });
        }
    }
}

/// The first of some events, and how many they are.
fn first_and_count(mut events: impl Iterator<Item = EventId>) -> (Option<EventId>, u64) {
    let first = events.next();
    (first, u64::from(first.is_some()) + events.count() as u64)
}

impl Checker for Recovery {
    fn name(&self) -> &'static str {
        "recovery"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[FactKind::Owed, FactKind::Acknowledged, FactKind::Healed])
            .union(Progress::WANTS)
    }

    fn observe(&mut self, seen: &Observation) {
        self.progress.observe(seen);
        if let Fact::Owed(events) = &seen.fact {
            for event in events.iter().filter(|event| event.due >= self.from) {
                self.owed.insert(event.id);
            }
        } else if let Fact::Acknowledged(published) = &seen.fact {
            for event in published.batch.events() {
                self.acknowledged.insert(event.id);
            }
        } else if let Fact::Healed = seen.fact {
            self.from = seen.time + self.topology.recovery_bound;
        }
    }

    fn finish(&mut self, end: &End) -> Judgement {
        self.findings.judged = self.owed.len();
        if self.findings.judged == 0 {
            let why = "no event was owed after the heal and the bound on recovery";
            return Judgement::not_applicable("recovery", why);
        }
        if end.cut.is_none() {
            for source in 0..self.topology.sources.len() {
                self.judge_publishing(source);
                self.judge_processing(source);
            }
        }
        let cut = end.cut.as_ref();
        self.findings
            .judge_at_end(cut.map(|limit| format!("the run was cut by a limit: {limit}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{AUDIT, History, log_pipeline};
    use crate::history::Stage;

    /// Events 0 to 9 are owed before the heal at 11 ms, 100 to 109 after it.
    fn healed() -> History {
        let mut history = History::new();
        history.owed(0..10);
        history.push(Stage::Seen, AUDIT, None, Fact::Healed);
        history.owed(100..110);
        history
    }

    fn judge(history: &History) -> Judgement {
        history.judge(&mut Recovery::new(&log_pipeline()))
    }

    #[test]
    fn what_is_owed_after_the_heal_gets_through() {
        let mut history = healed();
        history.acked(0, 100..110).effects(100..110);
        let judgement = judge(&history);
        assert_eq!((judgement.answer, judgement.judged), (Answer::Pass, 10));
    }

    #[test]
    fn a_broker_that_stays_away_has_not_recovered() {
        let judgement = judge(&healed());
        assert_eq!(judgement.violations[0].signature.anomaly, "unavailable");
        assert_eq!(judgement.violations_total, 10);
    }

    #[test]
    fn a_processor_that_stands_still_is_stuck() {
        let mut history = healed();
        history.acked(0, 100..110).effects(100..105);
        assert_eq!(judge(&history).violations[0].signature.anomaly, "stuck");
    }

    #[test]
    fn without_a_calm_there_is_nothing_to_judge() {
        let mut history = History::new();
        history.owed(0..10);
        assert_eq!(judge(&history).answer, Answer::NotApplicable);
    }
}
