//! A publisher: accumulates events into batches, sends them to the leaders of their partitions and tries
//! again until the delivery timeout.
//!
//! Towards a log broker it is Kafka's idempotent producer (K7, K14, K16): batches keep their identity from
//! attempt to attempt and their order in the sequence; a retry goes alone. A batch that is given up, or a
//! sequence the broker refuses, leaves a hole: then nothing new is numbered until every batch in doubt has
//! been resolved, and all others are numbered afresh under a new producer id, in their old order. Towards a
//! queue or a fan-out it has no sequences: a retry after a lost answer stores the events twice.
//!
//! Limits: one batch a request; where a topic expands, a key's later events may overtake its earlier ones. What
//! happens when `buffer_memory` is used up stands in `admission`. Open batches, at most one a partition, are not
//! counted.

mod accumulator;
mod admission;
mod ending;
mod partitioner;
pub mod plan;
pub mod points;
mod session;
#[cfg(test)]
mod tests;

pub use ending::{Fate, Outcome};
pub use partitioner::{murmur2, partition_of};
pub use plan::{Duty, PublisherPlan};

use crate::actor::{Context, Input, Inspection, Work};
use crate::call::Calls;
use crate::event::{Batch, Event, Producer};
use crate::history::{Fact, Flow};
use crate::id::{NodeId, Partition, TimerId};
use crate::message::log::{Acks, Publish};
use crate::message::{Message, Request};
use crate::retry::{Gate as Breaker, Retry, Ticket};
use crate::time::Mono;
use accumulator::{Accumulator, Gate, Pending, State};
use ending::End;
use session::{Identity, Leaders};
use std::collections::VecDeque;
use std::sync::Arc;

/// Timers of publishers have this bit set and their `space` in the lowest byte; an actor's own must not.
pub const PUBLISHER_TIMER: u64 = 1 << 62;

/// What an open call is about.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Metadata,
    Producer,
    Publish {
        partition: u16,
        serial: u64,
        ticket: Ticket,
    },
}

/// Sends events to one topic.
#[derive(Debug)]
pub struct Publisher {
    plan: PublisherPlan,
    calls: Calls<Asked>,
    leaders: Leaders,
    retry: Option<Retry>,
    identity: Identity,
    partitions: Vec<Accumulator>,
    /// Batches for which there was no room, in order.
    overflow: VecDeque<(u16, Pending)>,
    /// Bytes of the batches in `partitions`.
    buffered: u64,
    /// While a throttle is above its mark: when the next batch may go in.
    admits_at: Mono,
    /// Publishes open at each node, by its index in the broker.
    in_flight: Vec<u16>,
    next_serial: u64,
    /// Which partition is looked at first when a slot is free.
    turn: u16,
    /// When the wake-up timer is set to run out.
    armed: Option<Mono>,
    outcomes: Vec<Outcome>,
}

impl Publisher {
    /// A publisher with nothing to send.
    ///
    /// # Panics
    /// If the plan has no partitions or the broker no nodes.
    #[must_use]
    pub fn new(plan: PublisherPlan) -> Publisher {
        assert!(plan.partitions > 0, "a topic has at least one partition");
        assert!(plan.broker.nodes > 0, "a broker has at least one node");
        Publisher {
            calls: Calls::new(plan.space),
            leaders: Leaders::new(&plan),
            retry: plan.retry.as_ref().map(Retry::new),
            identity: Identity::default(),
            partitions: (0..plan.partitions)
                .map(|_| Accumulator::default())
                .collect(),
            overflow: VecDeque::new(),
            buffered: 0,
            admits_at: Mono(0),
            in_flight: vec![0; usize::from(plan.broker.nodes)],
            next_serial: 0,
            turn: 0,
            armed: None,
            outcomes: Vec::new(),
            plan,
        }
    }

    /// Takes responsibility for an event. It is owed from the moment its batch is closed.
    pub fn push(&mut self, cx: &mut Context<'_>, event: Event) {
        let partition = partition_of(event.key, self.leaders.usable());
        let accumulator = &self.partitions[usize::from(partition)];
        let bytes = accumulator.open_bytes() + u64::from(event.size);
        let is_over = bytes > self.plan.batch_bytes && accumulator.open_len() > 0;
        if is_over {
            self.close(cx, partition);
        }
        let accumulator = &mut self.partitions[usize::from(partition)];
        let is_first = accumulator.add(event, cx.monotonic(), cx.wall());
        let is_full = accumulator.open_len() >= self.plan.batch_records
            || accumulator.open_bytes() >= self.plan.batch_bytes;
        if is_full {
            self.close(cx, partition);
        }
        if is_over || is_full || self.plan.linger.0 == 0 {
            self.ask_what_is_missing(cx);
            self.pump(cx, partition);
        }
        if is_first && !is_full {
            self.wake(cx, cx.monotonic() + self.plan.linger);
        }
    }

    /// Closes all open batches, so that they leave as soon as they can.
    pub fn flush(&mut self, cx: &mut Context<'_>) {
        for partition in 0..self.plan.partitions {
            if self.partitions[usize::from(partition)].open_len() > 0 {
                self.close(cx, partition);
            }
        }
        self.pump_all(cx);
    }

    /// Whether every event has met its fate.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.overflow.is_empty()
            && self
                .partitions
                .iter()
                .all(|accumulator| accumulator.queue.is_empty() && accumulator.open_len() == 0)
    }

    /// Events for which there is no room in `buffer_memory`.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.overflow
            .iter()
            .map(|(_, pending)| pending.events.len() as u64)
            .sum()
    }

    /// What has become of batches since this was last asked, in the order it became known; for a relay.
    pub fn take_outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// Takes an input of its owner; true if it was the publisher's alone. `Start` it takes and leaves.
    pub fn on_input(&mut self, cx: &mut Context<'_>, input: &Input) -> bool {
        match input {
            Input::Start => {
                self.ask_what_is_missing(cx);
                false
            }
            Input::Message {
                message: Message::Reply { call, reply },
                peer,
                ..
            } => {
                let Some(asked) = self.calls.answered(cx, *call) else {
                    return false;
                };
                self.end(cx, *peer, asked, End::Answered(reply));
                self.pump_all(cx);
                true
            }
            Input::Closed {
                connection,
                peer,
                reason,
            } => {
                if !self.calls.uses(*connection) {
                    return false;
                }
                // A leader whose process has gone is a leader no longer.
                if self.plan.broker.index(*peer).is_some() {
                    self.leaders.doubt();
                }
                for (_, peer, asked) in self.calls.closed(cx, *connection) {
                    self.end(cx, peer, asked, End::Closed(*reason));
                }
                self.pump_all(cx);
                true
            }
            Input::Timer(timer) if *timer == self.timer() => {
                self.armed = None;
                self.expire(cx);
                self.pump_all(cx);
                true
            }
            Input::Timer(timer) => {
                let ended = self.calls.expired(cx, *timer);
                let is_ours = !ended.is_empty();
                for (_, peer, asked) in ended {
                    self.leaders.doubt();
                    self.end(cx, peer, asked, End::Expired);
                }
                if is_ours {
                    self.pump_all(cx);
                }
                is_ours
            }
            Input::Opened { .. } | Input::Message { .. } | Input::Disk(_) | Input::Control(_) => {
                false
            }
        }
    }

    /// What a person would like to see of its state.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        let of =
            |count: fn(&Accumulator) -> usize| -> usize { self.partitions.iter().map(count).sum() };
        Inspection::new()
            .value("events gathering", of(|a| a.open_len() as usize))
            .value("batches", of(|a| a.queue.len()))
            .value(
                "batches in doubt",
                of(|a| a.queue.iter().filter(|pending| pending.in_doubt).count()),
            )
            .value("bytes buffered", self.buffered)
            .value("events without room", self.waiting())
            .value("calls open", self.calls.len())
    }

    const fn timer(&self) -> TimerId {
        TimerId(PUBLISHER_TIMER | self.plan.space as u64)
    }

    /// Closes a partition's open batch: from here on its events are owed.
    fn close(&mut self, cx: &mut Context<'_>, partition: u16) {
        let serial = self.next_serial;
        self.next_serial += 1;
        let pending = self.partitions[usize::from(partition)].close(serial);
        if self.plan.duty == Duty::Source {
            cx.observe(Fact::Owed(Arc::clone(&pending.events)));
        }
        self.take_in(cx, partition, pending);
    }

    /// Sends what may leave, taking turns among the partitions, and sets the next wake-up.
    fn pump_all(&mut self, cx: &mut Context<'_>) {
        self.renew_identity(cx);
        self.ask_what_is_missing(cx);
        self.admit_overflow(cx);
        let partitions = self.plan.partitions;
        for i in 0..partitions {
            self.pump(cx, (self.turn + i) % partitions);
        }
        self.turn = (self.turn + 1) % partitions;
        let now = cx.monotonic();
        let (linger, patience) = (self.plan.linger, self.plan.delivery_timeout);
        let deadline = self
            .partitions
            .iter()
            .filter_map(|accumulator| accumulator.deadline(now, linger, patience))
            .min();
        if let Some(deadline) = deadline {
            self.wake(cx, deadline);
        }
    }

    fn pump(&mut self, cx: &mut Context<'_>, partition: u16) {
        let now = cx.monotonic();
        if !self.may_send(cx, now) {
            return;
        }
        let gate = match (self.plan.idempotent, self.identity.given) {
            (false, _) => Gate::Any,
            (true, None) => return,
            (true, Some(_)) if self.identity.is_broken => Gate::InDoubt,
            (true, Some(_)) => Gate::InOrder,
        };
        while let Some(leader) = self.leaders.of(partition) {
            if !self.has_slot(leader) {
                return;
            }
            let accumulator = &self.partitions[usize::from(partition)];
            // With one request at a time the order is kept, so a batch waits for the answer to the one before
            // it, also where a new leader takes it (`guaranteeMessageOrder` of Kafka's sender).
            if self.plan.max_in_flight == 1 && accumulator.has_one_in_flight() {
                return;
            }
            if let Some(at) = accumulator.sendable(gate, now) {
                self.send(cx, leader, partition, at);
                if !self.may_send(cx, now) {
                    return;
                }
                continue;
            }
            // The open batch grows until it can leave, also beyond its linger.
            let is_ripe = accumulator
                .opened()
                .is_some_and(|opened| opened + self.plan.linger <= now);
            let may_close = gate != Gate::InDoubt && accumulator.is_all_in_flight();
            if !is_ripe || !may_close || !self.overflow.is_empty() {
                return;
            }
            self.close(cx, partition);
            if !self.overflow.is_empty() {
                return;
            }
        }
    }

    /// Whether a circuit breaker lets a publish out. An open one is asked again when its time is over.
    fn may_send(&mut self, cx: &mut Context<'_>, now: Mono) -> bool {
        match self.retry.as_ref().map(|retry| retry.gate(now)) {
            None | Some(Breaker::Open) => true,
            Some(Breaker::Until(at)) => {
                self.wake(cx, at);
                false
            }
            // The end of the probe pumps again.
            Some(Breaker::Probing) => false,
        }
    }

    fn has_slot(&self, leader: NodeId) -> bool {
        match self.plan.broker.index(leader) {
            None => false,
            Some(index) => self.in_flight[usize::from(index)] < self.plan.max_in_flight,
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, leader: NodeId, partition: u16, at: usize) {
        let accumulator = &mut self.partitions[usize::from(partition)];
        let pending = &mut accumulator.queue[at];
        let batch = pending.sealed.get_or_insert_with(|| {
            let producer = self.identity.given.map(|(id, epoch)| Producer {
                id,
                epoch,
                sequence: accumulator.next_sequence,
            });
            accumulator.next_sequence += pending.events.len() as u64;
            let batch = Batch::of_events(Arc::clone(&pending.events), producer, pending.created);
            Arc::new(batch)
        });
        let publish = Publish {
            partition: Partition {
                topic: self.plan.topic,
                index: partition,
            },
            acks: self.plan.acks,
            batch: Arc::clone(batch),
        };
        if pending.attempts > 0 {
            cx.point(points::RETRIED);
            cx.observe(Fact::Flow(Flow::Retried));
        }
        let now = cx.monotonic();
        let ticket = self
            .retry
            .as_mut()
            .map_or(Ticket::default(), |retry| retry.send(now, pending.attempts));
        pending.attempts += 1;
        pending.state = State::InFlight;
        let serial = pending.serial;
        cx.spend(Work::request(
            pending.events.len() as u32,
            publish.batch.bytes,
        ));
        let request = Request::Publish(publish);
        match self.plan.acks {
            Acks::None => {
                self.calls.tell(cx, leader, request);
                // Nobody answers, so nothing is known to have failed.
                if let Some(retry) = &mut self.retry {
                    retry.succeeded(ticket);
                }
                self.settle(partition, serial, Fate::Acknowledged);
            }
            Acks::Leader | Acks::All => {
                if let Some(index) = self.plan.broker.index(leader) {
                    self.in_flight[usize::from(index)] += 1;
                }
                let asked = Asked::Publish {
                    partition,
                    serial,
                    ticket,
                };
                let timeout = self.plan.request_timeout;
                self.calls.ask(cx, leader, request, timeout, asked);
            }
        }
    }

    /// Asks for leaders and a producer id where they are unknown or out of date.
    fn ask_what_is_missing(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        let timeout = self.plan.request_timeout;
        if self.leaders.are_wanted(now)
            && let Some(node) = self.leaders.asking.begin(now, &self.plan)
        {
            let request = Request::Metadata(self.plan.topic);
            self.calls.ask(cx, node, request, timeout, Asked::Metadata);
        }
        if self.plan.idempotent
            && self.identity.given.is_none()
            && let Some(node) = self.identity.asking.begin(now, &self.plan)
        {
            let request = Request::InitProducer;
            self.calls.ask(cx, node, request, timeout, Asked::Producer);
        }
        for (is_wanted, next) in [
            (self.leaders.are_wanted(now), self.leaders.asking.next()),
            (
                self.plan.idempotent && self.identity.given.is_none(),
                self.identity.asking.next(),
            ),
        ] {
            if is_wanted && let Some(next) = next {
                self.wake(cx, next);
            }
        }
    }

    /// Makes sure of a wake-up no later than `at`.
    fn wake(&mut self, cx: &mut Context<'_>, at: Mono) {
        if self.armed.is_none_or(|armed| at < armed) {
            self.armed = Some(at);
            cx.arm(self.timer(), at.since(cx.monotonic()));
        }
    }
}
