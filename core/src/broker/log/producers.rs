//! Idempotent producers of one partition (K7): the last five batches of each, so that a retry is answered
//! with the offset it has already, and a gap is refused.

use crate::event::{Entry, Producer};
use crate::fixed_map::FixedMap;
use crate::id::{Offset, ProducerId};
use crate::message::Refusal;

/// Batches remembered of each producer, as many as it may have in flight.
const REMEMBERED: usize = 5;

#[derive(Clone, Copy, Debug)]
struct Remembered {
    sequence: u64,
    base: Offset,
    count: u64,
}

#[derive(Clone, Debug)]
struct Known {
    epoch: u16,
    /// Oldest first, at most `REMEMBERED`, never empty.
    batches: Vec<Remembered>,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Append it.
    Append,
    /// It lies in the log already, from here to there.
    Duplicate {
        /// The offset of its first record.
        base: Offset,
        /// The offset after its last record.
        end: Offset,
    },
    /// Refuse it.
    Refuse(Refusal),
}

/// The producers of one partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Producers {
    known: FixedMap<ProducerId, Known>,
}

impl Producers {
    /// Whether a batch of `count` records is the next one. A producer that is not known may begin anywhere,
    /// as since KIP-360: its state may have expired. Not so if `starts_at_zero`.
    pub fn judge(&self, producer: Producer, count: u64, starts_at_zero: bool) -> Verdict {
        let Some(known) = self.known.get(&producer.id) else {
            return if starts_at_zero && producer.sequence > 0 {
                Verdict::Refuse(Refusal::OutOfOrderSequence)
            } else {
                Verdict::Append
            };
        };
        if producer.epoch < known.epoch {
            return Verdict::Refuse(Refusal::InvalidProducerEpoch);
        }
        if producer.epoch > known.epoch {
            return if producer.sequence == 0 {
                Verdict::Append
            } else {
                Verdict::Refuse(Refusal::OutOfOrderSequence)
            };
        }
        let same = known
            .batches
            .iter()
            .find(|batch| batch.sequence == producer.sequence && batch.count == count);
        if let Some(batch) = same {
            return Verdict::Duplicate {
                base: batch.base,
                end: Offset(batch.base.0 + batch.count),
            };
        }
        let next = known
            .batches
            .last()
            .map_or(0, |batch| batch.sequence + batch.count);
        if producer.sequence == next {
            Verdict::Append
        } else {
            Verdict::Refuse(Refusal::OutOfOrderSequence)
        }
    }

    /// Takes note of an entry that went into the log; what a leader accepted is not judged again.
    pub fn note(&mut self, entry: &Entry) {
        let Some(producer) = entry.batch.producer else {
            return;
        };
        let known = self.known.entry_or_insert_with(producer.id, || Known {
            epoch: producer.epoch,
            batches: Vec::with_capacity(REMEMBERED),
        });
        if producer.epoch != known.epoch {
            known.epoch = producer.epoch;
            known.batches.clear();
        }
        if known.batches.len() == REMEMBERED {
            known.batches.remove(0);
        }
        known.batches.push(Remembered {
            sequence: producer.sequence,
            base: entry.base,
            count: entry.batch.count(),
        });
    }

    /// Starts again from the entries of a log, after a boot or a truncation: what was cut must not be
    /// taken for stored.
    pub fn rebuild<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) {
        self.known.clear();
        for entry in entries {
            self.note(entry);
        }
    }

    /// Forgets everybody.
    pub fn expire(&mut self) {
        self.known.clear();
    }
}
