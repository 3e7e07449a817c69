//! How calls end, and what becomes of their batches.

use super::accumulator::State;
use super::{Asked, Duty, Publisher, points};
use crate::actor::{CloseReason, Context};
use crate::event::Event;
use crate::history::{Fact, Flow};
use crate::id::NodeId;
use crate::message::{Refusal, Reply};
use crate::retry::{Next, Stop, Ticket};
use crate::time::{Mono, Span};
use std::sync::Arc;

/// What has become of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its events.
    pub events: Arc<[Event]>,
    /// Their fate.
    pub fate: Fate,
}

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The broker has it; with acks=0, it has left.
    Acknowledged,
    /// It is tried no more.
    GaveUp {
        /// Whether it is certain that it was not stored.
        definite: bool,
        /// Why the last attempt failed.
        refusal: Refusal,
    },
}

/// How a call ended.
pub(super) enum End<'a> {
    Answered(&'a Reply),
    Closed(CloseReason),
    Expired,
}

/// What an attempt's failure means for its batch.
enum Verdict {
    /// Try again.
    Again,
    /// Try again, elsewhere.
    Elsewhere,
    /// The broker does not agree with the sequence.
    Broken,
    /// It will never be taken.
    Never,
}

const fn verdict(refusal: Refusal) -> Verdict {
    match refusal {
        Refusal::NotLeader | Refusal::FencedLeaderEpoch | Refusal::UnknownLeaderEpoch => {
            Verdict::Elsewhere
        }
        Refusal::OutOfOrderSequence | Refusal::InvalidProducerEpoch | Refusal::Fenced => {
            Verdict::Broken
        }
        Refusal::NotEnoughReplicas
        | Refusal::NotEnoughReplicasAfterAppend
        | Refusal::NotCoordinator
        | Refusal::CoordinatorLoading
        | Refusal::NotController
        | Refusal::InvalidUpdateVersion
        | Refusal::StaleBrokerEpoch
        | Refusal::DiskFull
        | Refusal::DiskFailed
        | Refusal::Overloaded
        | Refusal::TimedOut => Verdict::Again,
        Refusal::OffsetOutOfRange
        | Refusal::UnknownMember
        | Refusal::IllegalGeneration
        | Refusal::RebalanceInProgress
        | Refusal::Unsupported
        | Refusal::LeaseHeld => Verdict::Never,
    }
}

impl Publisher {
    pub(super) fn end(&mut self, cx: &mut Context<'_>, peer: NodeId, asked: Asked, end: End<'_>) {
        let (now, backoff) = (cx.monotonic(), self.plan.retry_backoff);
        match asked {
            Asked::Metadata => match end {
                End::Answered(Reply::Metadata(metadata)) => {
                    self.leaders.learn(now, metadata);
                    self.leaders.asking.answered(now, backoff);
                }
                End::Answered(_) | End::Closed(_) | End::Expired => {
                    let next = self.leaders.asking.failed(now, backoff);
                    self.wake(cx, next);
                }
            },
            Asked::Producer => match end {
                End::Answered(Reply::ProducerAssigned { id, epoch }) => {
                    self.identity.given = Some((*id, *epoch));
                    self.identity.asking.answered(now, backoff);
                }
                End::Answered(_) | End::Closed(_) | End::Expired => {
                    let next = self.identity.asking.failed(now, backoff);
                    self.wake(cx, next);
                }
            },
            Asked::Publish {
                partition,
                serial,
                ticket,
            } => {
                if let Some(index) = self.plan.broker.index(peer) {
                    let open = &mut self.in_flight[usize::from(index)];
                    assert!(*open > 0, "a publish ended that was not open");
                    *open -= 1;
                }
                self.judge(cx, ticket, &end);
                self.end_publish(cx, partition, serial, end);
            }
        }
    }

    /// Tells the circuit breaker how a publish ended. An answer that sends the client elsewhere, or refuses
    /// this batch alone, comes from a broker that works.
    fn judge(&mut self, cx: &mut Context<'_>, ticket: Ticket, end: &End<'_>) {
        let Some(retry) = &mut self.retry else {
            return;
        };
        let has_failed = match end {
            End::Answered(Reply::Refused(refusal)) => {
                matches!(verdict(*refusal), Verdict::Again)
            }
            End::Answered(_) => false,
            End::Closed(_) | End::Expired => true,
        };
        if !has_failed {
            retry.succeeded(ticket);
        } else if retry.failed(ticket, cx.monotonic()) {
            cx.point(points::BREAKER_OPENED);
            cx.observe(Fact::Flow(Flow::Opened));
        }
    }

    fn end_publish(&mut self, cx: &mut Context<'_>, partition: u16, serial: u64, end: End<'_>) {
        let refusal = match end {
            End::Answered(Reply::Published(_)) => {
                self.settle(partition, serial, Fate::Acknowledged);
                return;
            }
            End::Answered(Reply::Refused(refusal)) => *refusal,
            // An answer to another question says nothing about this one.
            End::Answered(_) | End::Expired => Refusal::TimedOut,
            // Nobody listened, so nobody heard.
            End::Closed(CloseReason::Refused) => Refusal::NotLeader,
            End::Closed(CloseReason::Closed | CloseReason::Reset) => Refusal::TimedOut,
        };
        // The batch may have been given up while this call was open.
        let accumulator = &mut self.partitions[usize::from(partition)];
        let Some(at) = accumulator.position(serial) else {
            return;
        };
        let pending = &mut accumulator.queue[at];
        pending.refusal = refusal;
        pending.in_doubt |= !refusal.is_definite();
        let (attempts, in_doubt) = (pending.attempts, pending.in_doubt);
        pending.state = State::Waiting(cx.monotonic());
        match verdict(refusal) {
            Verdict::Again => self.retry(cx, partition, at, attempts),
            Verdict::Elsewhere => {
                self.leaders.doubt();
                self.retry(cx, partition, at, attempts);
            }
            Verdict::Broken if !self.plan.idempotent => self.give_up(cx, partition, at),
            // An earlier batch of the partition has failed too: it goes first, then this one.
            Verdict::Broken
                if refusal == Refusal::OutOfOrderSequence && at > 0 && !self.identity.is_broken =>
            {
                self.retry(cx, partition, at, attempts);
            }
            Verdict::Broken => {
                self.identity.is_broken = true;
                // Under a new number it could be stored a second time.
                if in_doubt {
                    self.give_up(cx, partition, at);
                }
            }
            Verdict::Never => self.give_up(cx, partition, at),
        }
    }

    fn retry(&mut self, cx: &mut Context<'_>, partition: u16, at: usize, attempts: u32) {
        let own = self.jittered(cx, attempts);
        let wait = match &mut self.retry {
            None => own,
            Some(retry) => {
                let pending = &self.partitions[usize::from(partition)].queue[at];
                // A batch is known by its first event, which is the same in every variant.
                let key = pending.events.first().map_or(0, |event| event.id.number);
                match retry.after(key, attempts, own) {
                    Next::After(wait) => wait,
                    Next::Stop(stop) => {
                        if stop == Stop::Budget {
                            cx.point(points::RETRY_REFUSED);
                            cx.observe(Fact::Flow(Flow::Refused));
                        }
                        return self.give_up(cx, partition, at);
                    }
                }
            }
        };
        let next = cx.monotonic() + wait;
        self.partitions[usize::from(partition)].queue[at].state = State::Waiting(next);
        self.wake(cx, next);
    }

    /// The backoff with Kafka's jitter of a fifth either way (KIP-580).
    fn jittered(&self, cx: &mut Context<'_>, attempts: u32) -> Span {
        let backoff = self.plan.backoff(attempts);
        let parts = cx.rng().between(800_000, 1_200_000);
        backoff.ratio(parts, 1_000_000)
    }

    /// A batch has met its fate: it makes room for others.
    pub(super) fn settle(&mut self, partition: u16, serial: u64, fate: Fate) {
        let accumulator = &mut self.partitions[usize::from(partition)];
        let Some(at) = accumulator.position(serial) else {
            return;
        };
        let Some(pending) = accumulator.queue.remove(at) else {
            return;
        };
        assert!(self.buffered >= pending.bytes, "the buffer holds too few");
        self.buffered -= pending.bytes;
        if self.plan.duty == Duty::Relay {
            self.outcomes.push(Outcome {
                events: pending.events,
                fate,
            });
        }
    }

    fn give_up(&mut self, cx: &mut Context<'_>, partition: u16, at: usize) {
        let pending = &self.partitions[usize::from(partition)].queue[at];
        let definite = !pending.in_doubt && pending.state != State::InFlight;
        let (serial, refusal) = (pending.serial, pending.refusal);
        self.identity.is_broken |= pending.is_numbered();
        cx.point(points::GAVE_UP);
        if self.plan.duty == Duty::Source {
            cx.observe(Fact::GaveUp {
                events: Arc::clone(&pending.events),
                definite,
                refusal,
            });
        }
        self.settle(partition, serial, Fate::GaveUp { definite, refusal });
    }

    /// Gives up every batch whose delivery timeout is over.
    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        let patience = self.plan.delivery_timeout;
        let is_over = |handed: Mono| handed + patience <= now;
        for partition in 0..self.plan.partitions {
            let accumulator = &self.partitions[usize::from(partition)];
            if accumulator.opened().is_some_and(is_over) {
                self.close(cx, partition);
            }
            while let Some(pending) = self.partitions[usize::from(partition)].queue.front()
                && is_over(pending.handed)
            {
                self.give_up(cx, partition, 0);
            }
        }
    }

    /// Leaves an epoch whose sequences have a hole, once nothing is under way or in doubt: what is still
    /// queued is certainly not stored, and is numbered afresh. The id stays and its epoch grows (KIP-360),
    /// so that a batch that was given up and still wanders through the network is fenced behind newer ones.
    /// Once the epochs are used up a new id is asked for.
    pub(super) fn renew_identity(&mut self, cx: &mut Context<'_>) {
        if !self.identity.is_broken || self.in_flight.iter().any(|open| *open > 0) {
            return;
        }
        let is_settled = self
            .partitions
            .iter()
            .flat_map(|accumulator| &accumulator.queue)
            .all(|pending| !pending.in_doubt);
        if !is_settled {
            return;
        }
        cx.point(points::NEW_IDENTITY);
        self.identity.is_broken = false;
        self.identity.given = self
            .identity
            .given
            .and_then(|(id, epoch)| Some((id, epoch.checked_add(1)?)));
        for accumulator in &mut self.partitions {
            accumulator.next_sequence = 0;
            for pending in &mut accumulator.queue {
                pending.sealed = None;
                pending.attempts = 0;
            }
        }
    }
}
