//! A processor on a queue or a fan-out subscription: deliveries under leases, one open batch at a time. Where it
//! writes under a lease of its own, a node without it receives nothing and gives back what it has not written.

use super::delivery::{Delivery, Order};
use super::operator::Operator;
use super::plan::ProcessorPlan;
use super::writes::Writes;
use super::{Applied, CALLS, LEASE_CALLS, Poison, RETRY, points};
use crate::actor::{Connection, Context, Inspection, Work};
use crate::call::Calls;
use crate::client::consumer::{LeaseConsumer, LeaseConsumerPlan, Leased as Given};
use crate::id::{CallId, TimerId};
use crate::lease::{self, Holder};
use crate::message::queue::{Delivery as Handed, Tag, Verb};
use crate::message::sink::Write;
use crate::message::{Refusal, Reply, Request};
use crate::retry::Ticket;
use crate::time::Mono;
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Settling,
    /// To be written, now or at this instant.
    WriteDue(Mono),
    Writing,
}

/// A batch that has been applied and is not finished with.
#[derive(Debug)]
struct Attempt {
    write: Arc<Write>,
    tags: Arc<[Tag]>,
    stage: Stage,
    /// Writes of it that failed.
    failures: u32,
}

/// One node of a processor on a queue.
pub(super) struct Leased {
    plan: Arc<ProcessorPlan>,
    delivery: Delivery,
    consumer: LeaseConsumer,
    calls: Calls<Ticket>,
    writes: Writes,
    operator: Box<dyn Operator>,
    waiting: VecDeque<Handed>,
    attempt: Option<Attempt>,
    /// The node's claim to write, where it needs one.
    holder: Option<Holder>,
    /// Whether it takes nothing new and gives back what it has not begun to write.
    pub(super) is_away: bool,
    /// On which events the operator fails.
    pub(super) poison: Poison,
}

impl Leased {
    pub(super) fn new(input: LeaseConsumerPlan, plan: &Arc<ProcessorPlan>) -> Leased {
        let delivery = Delivery::of(plan.delivery, &plan.flaws);
        assert!(
            delivery.order != Order::Together,
            "a queue has no positions to keep with the rows"
        );
        Leased {
            delivery,
            consumer: LeaseConsumer::new(input),
            calls: Calls::new(CALLS),
            writes: Writes::new(plan),
            operator: (plan.operator)(),
            waiting: VecDeque::new(),
            attempt: None,
            holder: (plan.lease.clone()).map(|lease| Holder::new(lease, LEASE_CALLS)),
            is_away: false,
            poison: Poison::NONE,
            plan: Arc::clone(plan),
        }
    }

    /// Takes what the consumer gives, and asks whatever may be asked now.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>) {
        while let Some(given) = self.consumer.take_given() {
            match given {
                Given::Delivery(delivery) => self.waiting.push_back(delivery),
                Given::Settled { tags, stale } => self.settled(cx, &tags, stale == 0),
                Given::Unsettled(tags) => self.settled(cx, &tags, false),
            }
        }
        if let Some(holder) = &mut self.holder {
            holder.pump(cx);
        }
        let may_write = self.token(cx).is_some() && !self.is_away;
        if !may_write {
            self.stand_down(cx);
        }
        while may_write && self.attempt.is_none() && !self.waiting.is_empty() {
            self.fill(cx);
        }
        self.act(cx);
        self.consumer.pump(cx, may_write);
    }

    /// What writes carry as their epoch; none if this node must not write.
    fn token(&self, cx: &Context<'_>) -> Option<u32> {
        match &self.holder {
            Some(holder) => holder.token(cx),
            None => Some(0),
        }
    }

    /// Gives back what is not written yet, so that whoever has the lease gets it. What is on its way to the sink
    /// stays until its fate is known.
    fn stand_down(&mut self, cx: &mut Context<'_>) {
        let mut tags: Vec<Tag> = self.waiting.drain(..).map(|handed| handed.tag).collect();
        let is_due = |attempt: &mut Attempt| matches!(attempt.stage, Stage::WriteDue(_));
        if let Some(attempt) = self.attempt.take_if(is_due) {
            tags.extend(attempt.tags.iter());
        }
        if !tags.is_empty() {
            cx.point(if self.is_away {
                points::LEFT
            } else {
                lease::points::STOOD_DOWN
            });
            self.consumer.settle(cx, Verb::Release, tags.into());
        }
    }

    /// Makes the next batch out of deliveries whose leases still run.
    fn fill(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        let mut applied = Applied::default();
        let mut tags = Vec::new();
        while applied.events < self.plan.batch
            && let Some(delivery) = self.waiting.pop_front()
        {
            // Somebody else may have it by now.
            if self.poison.strikes(&delivery.event) {
                // Nobody settles it: it is handed out again when its lease has run out, and so often at most.
                cx.point(points::POISONED);
                self.consumer.forget([delivery.tag]);
            } else if self.consumer.holds(delivery.tag, now) {
                applied.add(&mut *self.operator, &delivery.event, None, &self.plan);
                tags.push(delivery.tag);
            } else {
                self.consumer.forget([delivery.tag]);
            }
        }
        if tags.is_empty() {
            return;
        }
        cx.spend(Work {
            requests: 0,
            records: applied.events,
            bytes: 0,
        });
        applied.tell_filtered(cx, &self.plan);
        let tags: Arc<[Tag]> = tags.into();
        let settles_first = self.delivery.order == Order::SettleThenWrite;
        if settles_first || applied.rows.is_empty() {
            self.consumer.settle(cx, Verb::Accept, Arc::clone(&tags));
        }
        if applied.rows.is_empty() {
            return;
        }
        self.attempt = Some(Attempt {
            write: Arc::new(Write {
                group: self.plan.input.group(),
                epoch: 0,
                rows: applied.rows.into(),
                versions: Arc::from([]),
                covered: None,
                credits: None,
            }),
            tags,
            stage: if settles_first {
                Stage::Settling
            } else {
                Stage::WriteDue(now)
            },
            failures: 0,
        });
    }

    fn act(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        let token = self.token(cx);
        if let Some(attempt) = &mut self.attempt
            && let Stage::WriteDue(at) = attempt.stage
            && let Some(token) = token
        {
            let held = self.writes.held(now).filter(|_| at <= now);
            if let Some(until) = held {
                attempt.stage = Stage::WriteDue(until);
                cx.arm(RETRY, until.since(now));
            } else if at <= now {
                attempt.stage = Stage::Writing;
                cx.point(points::BEFORE_WRITE);
                // A write that is tried again is one of the lease that runs by then.
                if attempt.write.epoch != token {
                    Arc::make_mut(&mut attempt.write).epoch = token;
                }
                let request = Request::Write(Arc::clone(&attempt.write));
                let timeout = self.plan.request_timeout;
                let ticket = self.writes.send(cx, attempt.failures);
                self.calls.ask(cx, self.plan.sink, request, timeout, ticket);
            } else {
                cx.arm(RETRY, at.since(now));
            }
        }
    }

    /// Deliveries are settled, for certain or not.
    fn settled(&mut self, cx: &mut Context<'_>, tags: &Arc<[Tag]>, is_certain: bool) {
        let now = cx.monotonic();
        let Some(attempt) = &mut self.attempt else {
            return;
        };
        if attempt.stage != Stage::Settling || !Arc::ptr_eq(&attempt.tags, tags) {
            return;
        }
        // Whoever may write only once must not write what somebody else may have been given too.
        if is_certain || self.delivery.retries {
            attempt.stage = Stage::WriteDue(now);
            cx.point(points::AFTER_SETTLE_BEFORE_WRITE);
        } else {
            self.attempt = None;
            cx.point(points::DROPPED);
        }
    }

    pub(super) fn on_reply(&mut self, cx: &mut Context<'_>, call: CallId, reply: Reply) {
        let Some(reply) = self.consumer.on_reply(cx, call, reply) else {
            return;
        };
        let reply = match &mut self.holder {
            Some(holder) => holder.on_reply(cx, call, reply),
            None => Some(reply),
        };
        let Some(reply) = reply else {
            return;
        };
        let Some(ticket) = self.calls.answered(cx, call) else {
            return;
        };
        if reply == Reply::Refused(Refusal::Fenced)
            && let Some(holder) = &mut self.holder
        {
            cx.point(points::FENCED);
            holder.deposed(cx);
        }
        if !matches!(reply, Reply::Written(_)) {
            return self.failed(cx, ticket);
        }
        self.writes.answered(ticket);
        let Some(attempt) = self.attempt.take() else {
            return;
        };
        if self.delivery.order == Order::WriteThenSettle {
            cx.point(points::AFTER_WRITE_BEFORE_SETTLE);
            self.consumer.settle(cx, Verb::Accept, attempt.tags);
        }
    }

    /// A write has ended without a good answer.
    fn failed(&mut self, cx: &mut Context<'_>, ticket: Ticket) {
        self.writes.failed(cx, ticket);
        if self.delivery.retries {
            if let Some(attempt) = &mut self.attempt {
                cx.point(points::RETRIED);
                attempt.failures += 1;
                let rows = &attempt.write.rows;
                let wait = self.writes.wait(cx, rows, attempt.failures);
                attempt.stage = Stage::WriteDue(cx.monotonic() + wait);
            }
        } else {
            cx.point(points::DROPPED);
            self.attempt = None;
        }
    }

    pub(super) fn on_closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        self.consumer.on_closed(cx, connection);
        if let Some(holder) = &mut self.holder {
            holder.on_closed(cx, connection);
        }
        for (_, _, ticket) in self.calls.closed(cx, connection) {
            self.failed(cx, ticket);
        }
    }

    pub(super) fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) {
        let holder = self.holder.as_mut();
        if timer == RETRY
            || self.consumer.on_timer(cx, timer)
            || holder.is_some_and(|holder| holder.on_timer(cx, timer))
        {
            return;
        }
        for (_, _, ticket) in self.calls.expired(cx, timer) {
            self.failed(cx, ticket);
        }
    }

    pub(super) fn inspect(&self) -> Inspection {
        let seen = Inspection::new()
            .value("held", self.consumer.held())
            .value("waiting", self.waiting.len())
            .value(
                "open",
                format!("{:?}", self.attempt.as_ref().map(|a| a.stage)),
            );
        match &self.holder {
            Some(holder) => seen.child("lease", holder.inspect()),
            None => seen,
        }
    }
}
