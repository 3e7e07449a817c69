//! One partition's events on their way: an open batch that grows, and closed ones in the order closed.

use crate::event::{Batch, Event};
use crate::message::Refusal;
use crate::time::{Mono, Span, Wall};
use std::collections::VecDeque;
use std::sync::Arc;

/// Where a closed batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It may be sent from this instant on.
    Waiting(Mono),
    /// A publish of it is open.
    InFlight,
}

/// A closed batch.
#[derive(Debug)]
pub(super) struct Pending {
    /// Its number among the publisher's batches.
    pub(super) serial: u64,
    pub(super) events: Arc<[Event]>,
    pub(super) bytes: u64,
    pub(super) created: Wall,
    /// When the publisher took responsibility: the delivery timeout counts from here.
    pub(super) handed: Mono,
    pub(super) state: State,
    /// Publishes of it so far.
    pub(super) attempts: u32,
    /// Whether a publish of it may have been applied without our knowing.
    pub(super) in_doubt: bool,
    /// What is sent. Invariant: it stays the same from attempt to attempt (K16), until a new producer id is
    /// taken, and that happens only while no batch is in doubt.
    pub(super) sealed: Option<Arc<Batch>>,
    /// Why the last attempt failed.
    pub(super) refusal: Refusal,
}

impl Pending {
    /// Whether it has a place in the producer's sequence.
    pub(super) fn is_numbered(&self) -> bool {
        self.sealed
            .as_ref()
            .is_some_and(|batch| batch.producer.is_some())
    }
}

/// One partition's batches.
#[derive(Debug, Default)]
pub(super) struct Accumulator {
    open: Vec<Event>,
    open_bytes: u64,
    opened: Mono,
    created: Wall,
    pub(super) queue: VecDeque<Pending>,
    pub(super) next_sequence: u64,
}

/// Which batches may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Any, whatever happens to the order.
    Any,
    /// In order of sequence.
    InOrder,
    /// Only those in doubt: the producer id is about to be given up.
    InDoubt,
}

impl Accumulator {
    /// Adds an event to the open batch; true if it is the first.
    pub(super) fn add(&mut self, event: Event, now: Mono, wall: Wall) -> bool {
        let is_first = self.open.is_empty();
        if is_first {
            self.opened = now;
            self.created = wall;
        }
        self.open_bytes += u64::from(event.size);
        self.open.push(event);
        is_first
    }

    pub(super) fn open_len(&self) -> u32 {
        self.open.len() as u32
    }

    pub(super) fn open_bytes(&self) -> u64 {
        self.open_bytes
    }

    /// When the open batch was begun, none if it is empty.
    pub(super) fn opened(&self) -> Option<Mono> {
        (!self.open.is_empty()).then_some(self.opened)
    }

    /// Closes the open batch, which is not empty.
    pub(super) fn close(&mut self, serial: u64) -> Pending {
        assert!(!self.open.is_empty(), "an empty batch was closed");
        let events: Arc<[Event]> = Arc::from(self.open.as_slice());
        self.open.clear();
        Pending {
            serial,
            events,
            bytes: std::mem::take(&mut self.open_bytes),
            created: self.created,
            handed: self.opened,
            state: State::Waiting(Mono(0)),
            attempts: 0,
            in_doubt: false,
            sealed: None,
            refusal: Refusal::TimedOut,
        }
    }

    /// The position of the next batch that may leave.
    pub(super) fn sendable(&self, gate: Gate, now: Mono) -> Option<usize> {
        for (i, pending) in self.queue.iter().enumerate() {
            let State::Waiting(from) = pending.state else {
                continue;
            };
            if gate == Gate::InDoubt && !pending.in_doubt {
                continue;
            }
            // The first that waits decides: passing it would change the order. A numbered batch that is
            // tried again goes alone, or one lost answer would turn into refusals of all that follow.
            let is_alone = i == 0 || pending.attempts == 0;
            let may = from <= now && (gate != Gate::InOrder || is_alone);
            return may.then_some(i);
        }
        None
    }

    /// Whether every closed batch is under way.
    pub(super) fn is_all_in_flight(&self) -> bool {
        // Batches are sent from the front, so the last is sent last, unless an earlier one came back.
        self.queue
            .iter()
            .rev()
            .all(|pending| pending.state == State::InFlight)
    }

    /// Whether any closed batch is under way.
    pub(super) fn has_one_in_flight(&self) -> bool {
        let mut queue = self.queue.iter();
        queue.any(|pending| pending.state == State::InFlight)
    }

    pub(super) fn position(&self, serial: u64) -> Option<usize> {
        // Batches are queued in the order in which they got their serials.
        self.queue
            .binary_search_by_key(&serial, |pending| pending.serial)
            .ok()
    }

    /// The next instant after `now` at which something is to be done here without an answer.
    pub(super) fn deadline(&self, now: Mono, linger: Span, patience: Span) -> Option<Mono> {
        let opened = self.opened().map(|opened| {
            let ripe = opened + linger;
            if ripe > now { ripe } else { opened + patience }
        });
        let expiry = self.queue.front().map(|pending| pending.handed + patience);
        let retry = self.queue.iter().find_map(|pending| match pending.state {
            State::Waiting(from) => Some(from),
            State::InFlight => None,
        });
        let retry = retry.filter(|from| *from > now);
        opened.into_iter().chain(expiry).chain(retry).min()
    }
}
