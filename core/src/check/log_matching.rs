//! `log-matching`: one offset of one epoch is one record, everywhere and for ever (O-MATCH).
//!
//! *Verifies*: replicas that store a batch at the same offset in the same epoch store the same batch behind
//! the same predecessor, so that equal entries have equal prefixes; and every client that is given an
//! offset is given the same batch as all before it; of a log with unclean elections, as all before it in the same
//! epoch, since such an election takes back what was read.
//! *Does not verify*: whether what matches is what was published (`facts`, `no-loss`). A digest is kept for
//! each batch that the log retains, no event.

use crate::check::replicas::Replicas;
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::Entry;
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::id::PartId;
use crate::message::log::{FetchedPart, Reader};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A batch at its place, as first stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    base: u64,
    epoch: u32,
    /// The epoch of the record before it, if the storing replica had one.
    previous: Option<u32>,
    digest: u64,
}

/// What is known of one partition.
#[derive(Clone, Debug, Default)]
struct Known {
    /// In order of offsets; one for each offset, the newest epoch's.
    stored: VecDeque<Place>,
    /// Places that a newer epoch has overwritten.
    overwritten: BTreeMap<(u64, u32), Place>,
    /// What clients were given: base, epoch, digest; in order.
    shown: VecDeque<(u64, u32, u64)>,
}

impl Known {
    /// The batch known at this offset and epoch; the given one if it is the first.
    fn place(&mut self, place: Place) -> Place {
        let at = self.stored.partition_point(|known| known.base < place.base);
        match self.stored.get(at) {
            Some(known) if known.base == place.base && known.epoch == place.epoch => *known,
            Some(known) if known.epoch > place.epoch => {
                let key = (place.base, place.epoch);
                *self.overwritten.entry(key).or_insert(place)
            }
            Some(_) => {
                for old in self.stored.drain(at..) {
                    self.overwritten.insert((old.base, old.epoch), old);
                }
                self.stored.push_back(place);
                place
            }
            None => {
                // A batch of an older epoch may come back after a newer one was cut.
                let key = (place.base, place.epoch);
                let known = self.overwritten.get(&key).copied().unwrap_or(place);
                self.stored.push_back(known);
                known
            }
        }
    }

    fn trim(&mut self, start: u64) {
        while self.stored.front().is_some_and(|place| place.base < start) {
            self.stored.pop_front();
        }
        while self.shown.front().is_some_and(|(base, ..)| *base < start) {
            self.shown.pop_front();
        }
        self.overwritten = self.overwritten.split_off(&(start, 0));
    }
}

/// The check.
pub struct LogMatching {
    topology: Arc<Topology>,
    replicas: Replicas,
    known: Vec<Known>,
    findings: Findings,
}

impl LogMatching {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> LogMatching {
        LogMatching {
            replicas: Replicas::new(topology),
            known: vec![Known::default(); topology.slots()],
            findings: Findings::new("log-matching"),
            topology: Arc::clone(topology),
        }
    }

    fn store(&mut self, seen: &Observation, slot: usize, entry: &Entry) {
        let base = entry.base.0;
        let log = self.replicas.of(slot, seen.node);
        let previous = base.checked_sub(1);
        let place = Place {
            base,
            epoch: entry.epoch.0,
            previous: previous.and_then(|before| log.and_then(|log| log.at(before))),
            digest: entry.batch.digest,
        };
        let known = self.known[slot].place(place);
        self.findings.judged += 1;
        let same_prefix = match (known.previous, place.previous) {
            (Some(one), Some(other)) => one == other,
            // One of them began here, behind what retention removed.
            (None, _) | (_, None) => true,
        };
        if known.digest == place.digest && same_prefix {
            return;
        }
        let (broker, partition) = self.topology.slot_name(slot);
        let node = self.topology.node_name(seen.node);
        let what = if known.digest == place.digest {
            "behind other records than another replica"
        } else {
            "as another batch than another replica"
        };
        self.findings.add(|| {
            let sentence = format!(
                "{node} stores offset {base} of partition {partition} in epoch {} {what}",
                place.epoch
            );
            Violation::new("log-divergence", seen.time, sentence)
                .of(Some(broker), "replica")
                .by(seen.node)
                .at(partition, base)
        });
    }

    fn show(&mut self, seen: &Observation, broker: PartId, part: &FetchedPart) {
        let Some(slot) = self.topology.slot(broker, part.partition) else {
            return;
        };
        let log = self.topology.log(broker);
        let takes_back = log.is_some_and(|log| log.unclean);
        for entry in &part.entries {
            let (base, epoch, digest) = (entry.base.0, entry.epoch.0, entry.batch.digest);
            let shown = &mut self.known[slot].shown;
            let at = shown.partition_point(|(known, ..)| *known < base);
            let known = shown.get_mut(at).filter(|(known, ..)| *known == base);
            let Some((_, before, known)) = known else {
                shown.insert(at, (base, epoch, digest));
                continue;
            };
            if takes_back && *before != epoch {
                // The newest is what the next readers are held to.
                if *before < epoch {
                    (*before, *known) = (epoch, digest);
                }
                continue;
            }
            let known = *known;
            self.findings.judged += 1;
            if known != digest {
                let name = self.topology.name(broker);
                self.findings.add(|| {
                    let sentence = format!(
                        "{name} gave two readers different batches at offset {base} of \
                         partition {}",
                        part.partition
                    );
                    Violation::new("inconsistent-offsets", seen.time, sentence)
                        .of(Some(broker), "leader")
                        .at(part.partition, base)
                });
            }
        }
    }
}

impl Checker for LogMatching {
    fn name(&self) -> &'static str {
        "log-matching"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[
            FactKind::Appended,
            FactKind::Truncated,
            FactKind::LogStart,
            FactKind::Fetched,
        ])
    }

    fn observe(&mut self, seen: &Observation) {
        if let Fact::Appended { partition, entry } = &seen.fact {
            let slot = self.topology.slot_at(seen.node, *partition);
            if let Some(slot) = slot.filter(|_| seen.stage == Stage::Written) {
                self.store(seen, slot, entry);
            }
        } else if let Fact::Fetched(fetched) = &seen.fact {
            let broker = seen.peer.and_then(|peer| self.topology.part_of(peer));
            let to_client = match fetched.reader {
                Reader::Consumer | Reader::Audit => true,
                Reader::Replica { .. } => false,
            };
            if let Some(broker) = broker.filter(|_| to_client) {
                for part in &fetched.parts {
                    self.show(seen, broker, part);
                }
            }
        } else if let Fact::LogStart { partition, start } = seen.fact
            && let Some(slot) = self.topology.slot_at(seen.node, partition)
        {
            self.known[slot].trim(start.0);
        }
        self.replicas.observe(seen);
    }

    fn finish(&mut self, _: &End) -> Judgement {
        self.findings.judge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{BROKER, History, P0, entry, events, log_pipeline};
    use crate::id::Offset;

    fn judge(history: &History) -> Judgement {
        history.judge(&mut LogMatching::new(&log_pipeline()))
    }

    /// The second broker has a batch of epoch 1 that epoch 2 replaces, as after a failover.
    fn failover(truncates: bool) -> History {
        let mut history = History::new();
        let (first, old) = (entry(0, 1, events(0..2)), entry(2, 1, events(2..3)));
        let (new, next) = (entry(2, 2, events(3..4)), entry(3, 2, events(4..5)));
        history.appended(BROKER, first.clone());
        history.appended(BROKER + 1, first);
        history.appended(BROKER + 1, old);
        history.appended(BROKER, new.clone());
        history.appended(BROKER, next.clone());
        if truncates {
            let from = Offset(2);
            history.written(
                BROKER + 1,
                Fact::Truncated {
                    partition: P0,
                    from,
                },
            );
            history.appended(BROKER + 1, new);
        }
        history.appended(BROKER + 1, next);
        history
    }

    #[test]
    fn a_follower_that_truncates_matches() {
        assert_eq!(judge(&failover(true)).answer, Answer::Pass);
    }

    #[test]
    fn a_follower_that_does_not_truncate_diverges() {
        let judgement = judge(&failover(false));
        assert_eq!(judgement.violations_total, 1);
        assert_eq!(judgement.violations[0].offsets, [3]);
    }

    #[test]
    fn another_batch_in_the_same_epoch_diverges() {
        let mut history = History::new();
        history.appended(BROKER, entry(0, 1, events(0..2)));
        history.appended(BROKER + 1, entry(0, 1, events(1..3)));
        assert_eq!(judge(&history).answer, Answer::Fail);
    }

    #[test]
    fn two_readers_of_an_offset_see_the_same_batch() {
        let mut history = History::new();
        history.consumed(vec![entry(0, 1, events(0..2))]);
        history.audited(vec![entry(0, 1, events(0..2))]);
        assert_eq!(judge(&history).answer, Answer::Pass);
        history.audited(vec![entry(0, 2, events(2..4))]);
        let judgement = judge(&history);
        assert_eq!(
            judgement.violations[0].signature.anomaly,
            "inconsistent-offsets"
        );
    }

    #[test]
    fn an_unclean_election_takes_back_what_was_read_and_within_an_epoch_readers_agree() {
        let mut topology = Topology::clone(&log_pipeline());
        topology.logs[0].unclean = true;
        let topology = Arc::new(topology.indexed());
        let judge = |history: &History| history.judge(&mut LogMatching::new(&topology)).answer;
        let mut history = History::new();
        history.consumed(vec![entry(0, 1, events(0..2))]);
        history.audited(vec![entry(0, 2, events(2..4))]);
        assert_eq!(judge(&history), Answer::Pass);
        history.audited(vec![entry(0, 2, events(4..6))]);
        assert_eq!(judge(&history), Answer::Fail);
    }
}
