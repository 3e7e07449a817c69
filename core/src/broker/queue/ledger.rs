//! Which messages of a queue are ready, leased, waiting, being settled, or dead.
//!
//! Messages are numbered in the order stored; ready ones leave lowest number first, so that one that comes
//! back takes its original place if nobody has passed it (R2). A number is never used twice, also across
//! boots, and the attempt that a tag names is that of the running lease or settles nothing (Q2).

use super::intervals::Intervals;
use crate::disk::DiskRecord;
use crate::event::{Batch, Event};
use crate::id::{GroupId, TopicId};
use crate::message::queue::{Delivery, Tag, Verb};
use crate::time::{Mono, Span};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    /// Handed out until then.
    Leased(Mono, GroupId),
    /// Back, and ready again at that time.
    Delayed(Mono),
    /// Its end is being written to the journal.
    Closing,
    /// In the dead letters.
    Dead,
    /// Accepted.
    Gone,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    state: State,
    /// Deliveries so far.
    attempt: u32,
}

#[derive(Debug)]
struct Stored {
    batch: Arc<Batch>,
    slots: Box<[Slot]>,
    /// Slots that are not gone.
    live: u32,
}

/// A message whose lease is over without its being settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Returned {
    pub(super) tag: Tag,
    pub(super) group: GroupId,
}

/// How many messages are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) leased: u64,
    pub(super) delayed: u64,
    pub(super) dead: u64,
}

/// The messages of one queue.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    store: BTreeMap<u64, Stored>,
    ready: Intervals,
    /// Ends of leases and delays, with what is no longer true among them.
    deadlines: BinaryHeap<Reverse<(Mono, u64)>>,
    next: u64,
    counts: Counts,
}

impl Ledger {
    /// Numbers for `count` messages about to be stored.
    pub(super) fn reserve(&mut self, count: u64) -> u64 {
        let first = self.next;
        self.next += count;
        first
    }

    /// Numbers below `number` are not handed out again.
    pub(super) fn skip_to(&mut self, number: u64) {
        self.next = self.next.max(number);
    }

    /// Messages are stored; they are ready.
    pub(super) fn enqueue(&mut self, first: u64, batch: Arc<Batch>) {
        let count = batch.events().len() as u64;
        assert!(count > 0, "an empty batch was enqueued");
        self.skip_to(first + count);
        self.ready.add(first..first + count);
        let slot = Slot {
            state: State::Ready,
            attempt: 0,
        };
        let stored = Stored {
            slots: vec![slot; count as usize].into_boxed_slice(),
            live: count as u32,
            batch,
        };
        let twice = self.store.insert(first, stored);
        assert!(twice.is_none(), "message {first} was enqueued twice");
    }

    pub(super) const fn ready(&self) -> u64 {
        self.ready.count()
    }

    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Batches of which something is left.
    pub(super) fn batches(&self) -> usize {
        self.store.len()
    }

    fn slot(&mut self, number: u64) -> Option<(&mut Slot, Event)> {
        let (first, stored) = self.store.range_mut(..=number).next_back()?;
        let at = usize::try_from(number - first).ok()?;
        let event = *stored.batch.events().get(at)?;
        Some((stored.slots.get_mut(at)?, event))
    }

    /// The slot that `tag` holds a lease of, none if the tag is stale.
    fn leased(&mut self, tag: Tag) -> Option<(&mut Slot, Event)> {
        self.slot(tag.message).filter(|(slot, _)| {
            slot.attempt == tag.attempt && matches!(slot.state, State::Leased(..))
        })
    }

    /// Hands out up to `max` ready messages until then.
    pub(super) fn lease(&mut self, max: u16, until: Mono, group: GroupId) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        while let left = u64::from(max) - deliveries.len() as u64
            && let Some(numbers) = self.ready.take_first(left)
        {
            for message in numbers {
                let (slot, event) = self.slot(message).expect("a ready message is stored");
                assert_eq!(slot.state, State::Ready, "message {message}");
                slot.state = State::Leased(until, group);
                slot.attempt += 1;
                let attempt = slot.attempt;
                deliveries.push(Delivery {
                    tag: Tag { message, attempt },
                    event,
                });
                self.deadlines.push(Reverse((until, message)));
                self.counts.leased += 1;
            }
        }
        deliveries
    }

    /// Whether the tag names a running lease.
    pub(super) fn holds(&mut self, tag: Tag) -> bool {
        self.leased(tag).is_some()
    }

    /// Prolongs a lease; false if the tag is stale.
    pub(super) fn extend(&mut self, tag: Tag, until: Mono) -> bool {
        let Some((slot, _)) = self.leased(tag) else {
            return false;
        };
        if let State::Leased(end, _) = &mut slot.state {
            *end = until;
        }
        self.deadlines.push(Reverse((until, tag.message)));
        true
    }

    /// Ends a lease because the message is about to leave; none if the tag is stale.
    pub(super) fn begin_close(&mut self, tag: Tag) -> Option<Event> {
        let (slot, event) = self.leased(tag)?;
        slot.state = State::Closing;
        self.counts.leased -= 1;
        Some(event)
    }

    /// The end of a message is in the journal, and if it died it stays as a dead letter.
    pub(super) fn finish_close(&mut self, number: u64, is_dead: bool) {
        let (slot, _) = self.slot(number).expect("a closing message is stored");
        assert_eq!(slot.state, State::Closing, "message {number}");
        if is_dead {
            slot.state = State::Dead;
            self.counts.dead += 1;
        } else {
            slot.state = State::Gone;
            self.drop_one(number);
        }
    }

    /// The end of a message could not be written: it is ready again.
    pub(super) fn reopen(&mut self, number: u64) {
        let (slot, _) = self.slot(number).expect("a closing message is stored");
        assert_eq!(slot.state, State::Closing, "message {number}");
        slot.state = State::Ready;
        self.ready.add(number..number + 1);
    }

    fn drop_one(&mut self, number: u64) {
        if let Some((first, stored)) = self.store.range_mut(..=number).next_back() {
            stored.live -= 1;
            if stored.live == 0 {
                let first = *first;
                self.store.remove(&first);
            }
        }
    }

    /// A lease is given back; none if the tag is stale. What becomes of the message is for the caller to say,
    /// at once, by one of `put_back`, `delay` and `begin_close`.
    pub(super) fn give_back(&mut self, tag: Tag) -> Option<Returned> {
        let (slot, _) = self.leased(tag)?;
        let State::Leased(_, group) = slot.state else {
            return None;
        };
        Some(Returned { tag, group })
    }

    /// A leased message is ready again.
    pub(super) fn put_back(&mut self, tag: Tag) {
        let (slot, _) = self.leased(tag).expect("it was leased");
        slot.state = State::Ready;
        self.counts.leased -= 1;
        self.ready.add(tag.message..tag.message + 1);
    }

    /// A leased message waits before it is ready again.
    pub(super) fn delay(&mut self, tag: Tag, until: Mono) {
        let (slot, _) = self.leased(tag).expect("it was leased");
        slot.state = State::Delayed(until);
        self.counts.leased -= 1;
        self.counts.delayed += 1;
        self.deadlines.push(Reverse((until, tag.message)));
    }

    /// Leases that are over by `now`; delays that are over end here.
    pub(super) fn due(&mut self, now: Mono) -> Vec<Returned> {
        let mut returned = Vec::new();
        while let Some(Reverse((until, number))) = self.deadlines.peek().copied()
            && until <= now
        {
            self.deadlines.pop();
            let Some((slot, _)) = self.slot(number) else {
                continue;
            };
            match slot.state {
                State::Leased(end, group) if end == until => {
                    let tag = Tag {
                        message: number,
                        attempt: slot.attempt,
                    };
                    returned.push(Returned { tag, group });
                }
                State::Delayed(end) if end == until => {
                    slot.state = State::Ready;
                    self.counts.delayed -= 1;
                    self.ready.add(number..number + 1);
                }
                State::Ready
                | State::Leased(..)
                | State::Delayed(_)
                | State::Closing
                | State::Dead
                | State::Gone => {}
            }
        }
        returned
    }

    /// When the next lease or delay ends. What is no longer true is thrown away on the way.
    pub(super) fn next_deadline(&mut self) -> Option<Mono> {
        while let Some(Reverse((until, number))) = self.deadlines.peek().copied() {
            let is_true = self.slot(number).is_some_and(|(slot, _)| match slot.state {
                State::Leased(end, _) | State::Delayed(end) => end == until,
                State::Ready | State::Closing | State::Dead | State::Gone => false,
            });
            if is_true {
                return Some(until);
            }
            self.deadlines.pop();
        }
        None
    }

    /// Plays one record of the journal. Leases do not survive a restart, but their count does (Q4).
    pub(super) fn replay(&mut self, record: &DiskRecord) {
        match record {
            DiskRecord::Enqueued { first, batch, .. } => self.enqueue(*first, Arc::clone(batch)),
            DiskRecord::Settled { verb, tags, .. } => {
                for tag in tags.iter() {
                    self.replay_settled(*verb, *tag);
                }
            }
            DiskRecord::Entry(_)
            | DiskRecord::Raft(_)
            | DiskRecord::Vote { .. }
            | DiskRecord::Mark { .. }
            | DiskRecord::Write(_)
            | DiskRecord::Adopted { .. }
            | DiskRecord::Checkpoint(_)
            | DiskRecord::Custom { .. } => {}
        }
    }

    fn replay_settled(&mut self, verb: Verb, tag: Tag) {
        let Some((slot, _)) = self.slot(tag.message) else {
            return;
        };
        if slot.state != State::Ready {
            return;
        }
        match verb {
            Verb::Extend(_) | Verb::Release => slot.attempt = slot.attempt.max(tag.attempt),
            Verb::Accept | Verb::Reject => {
                slot.state = State::Closing;
                self.ready.remove(tag.message);
                self.finish_close(tag.message, verb == Verb::Reject);
            }
        }
    }

    /// The shortest journal that leads here. What is closing is not gone yet: its record comes behind these.
    pub(super) fn snapshot(&self, topic: TopicId, group: GroupId) -> Vec<DiskRecord> {
        let mut records = Vec::new();
        let (mut gone, mut dead, mut tried) = (Vec::new(), Vec::new(), Vec::new());
        for (first, stored) in &self.store {
            records.push(DiskRecord::Enqueued {
                topic,
                first: *first,
                batch: Arc::clone(&stored.batch),
            });
            for (message, slot) in (*first..).zip(&stored.slots) {
                let tag = Tag {
                    message,
                    attempt: slot.attempt,
                };
                match slot.state {
                    State::Gone => gone.push(tag),
                    State::Dead => dead.push(tag),
                    State::Ready | State::Leased(..) | State::Delayed(_) | State::Closing => {
                        if slot.attempt > 0 {
                            tried.push(tag);
                        }
                    }
                }
            }
        }
        for (verb, tags) in [
            (Verb::Accept, gone),
            (Verb::Reject, dead),
            (Verb::Extend(Span::ZERO), tried),
        ] {
            if !tags.is_empty() {
                records.push(DiskRecord::Settled {
                    topic,
                    group,
                    verb,
                    tags: tags.into(),
                });
            }
        }
        records
    }
}
