//! Backpressure: which closed batches go into the buffer, and what becomes of those for which there is no room.
//!
//! A batch *waits* in the order closed and its delivery timeout begins when it goes in; nobody blocks, since what a
//! source owes is owed from its due time whether or not there is room. Or it goes *beyond* the buffer. Or it is
//! *shed*: refused before anything of it was sent, so never after an acknowledgement. A throttle lets batches in
//! at a rate while the buffer is above a mark.

use super::accumulator::Pending;
use super::{Duty, Fate, Outcome, Publisher, points};
use crate::actor::Context;
use crate::history::{Fact, Flow};
use crate::message::Refusal;
use crate::source::config::WhenFull;
use crate::time::Mono;
use crate::units::Rate;
use std::sync::Arc;

/// Whether a batch may go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// It may.
    Free,
    /// Not before this instant.
    Until(Mono),
    /// Not before another has left.
    None,
}

impl Publisher {
    /// Takes a batch that has been closed.
    pub(super) fn take_in(&mut self, cx: &mut Context<'_>, partition: u16, pending: Pending) {
        let now = cx.monotonic();
        let room = self.room(pending.bytes, now);
        if self.overflow.is_empty() && room == Room::Free {
            self.wake(cx, pending.handed + self.plan.delivery_timeout);
            return self.admit(now, partition, pending);
        }
        if self.plan.when_full == WhenFull::Shed {
            return self.shed(cx, &pending);
        }
        cx.observe(Fact::Flow(Flow::Waited));
        if self.plan.when_full == WhenFull::Buffer {
            self.wake(cx, pending.handed + self.plan.delivery_timeout);
            return self.admit(now, partition, pending);
        }
        if let (true, Room::Until(at)) = (self.overflow.is_empty(), room) {
            self.wake(cx, at);
        }
        self.overflow.push_back((partition, pending));
    }

    /// Lets batches in that had no room; their time counts from here.
    pub(super) fn admit_overflow(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        while let Some((_, pending)) = self.overflow.front() {
            match self.room(pending.bytes, now) {
                Room::Free => {}
                Room::Until(at) => return self.wake(cx, at),
                Room::None => return,
            }
            if let Some((partition, mut pending)) = self.overflow.pop_front() {
                pending.handed = now;
                self.admit(now, partition, pending);
            }
        }
    }

    fn room(&self, bytes: u64, now: Mono) -> Room {
        // A batch larger than the whole buffer goes alone.
        let fits =
            self.buffered == 0 || self.buffered.saturating_add(bytes) <= self.plan.buffer_memory;
        if !fits {
            Room::None
        } else if self.throttle(bytes).is_some() && now < self.admits_at {
            Room::Until(self.admits_at)
        } else {
            Room::Free
        }
    }

    /// The rate of a throttle, if the buffer would be above its mark with so many bytes more.
    fn throttle(&self, bytes: u64) -> Option<Rate> {
        match self.plan.when_full {
            WhenFull::Throttle { above, rate } => {
                let mark = u128::from(self.plan.buffer_memory) * u128::from(above) / 1_000;
                let filled = u128::from(self.buffered) + u128::from(bytes);
                (filled > mark).then_some(rate)
            }
            WhenFull::Block | WhenFull::Buffer | WhenFull::Shed => None,
        }
    }

    fn admit(&mut self, now: Mono, partition: u16, pending: Pending) {
        if let Some(rate) = self.throttle(pending.bytes) {
            self.admits_at = now + rate.interval() * pending.events.len() as u64;
        }
        self.buffered += pending.bytes;
        self.partitions[usize::from(partition)]
            .queue
            .push_back(pending);
    }

    fn shed(&mut self, cx: &mut Context<'_>, pending: &Pending) {
        assert_eq!(pending.attempts, 0, "a batch was shed that had been sent");
        cx.point(points::SHED);
        let events = Arc::clone(&pending.events);
        match self.plan.duty {
            Duty::Source => cx.observe(Fact::Shed(events)),
            Duty::Relay => self.outcomes.push(Outcome {
                events,
                fate: Fate::GaveUp {
                    definite: true,
                    refusal: Refusal::Overloaded,
                },
            }),
        }
    }
}
