//! When a write may leave and when it is tried again. Whether it may be tried again at all is part of the
//! delivery mode: a policy slows retries of a write that must not be dropped, it never drops it.

use super::plan::ProcessorPlan;
use super::points;
use crate::actor::Context;
use crate::event::Event;
use crate::history::{Fact, Flow};
use crate::retry::{Gate, Next, Retry, Stop, Ticket};
use crate::time::{Mono, Span};

/// The retry policy of one node towards its sink.
#[derive(Debug)]
pub(super) struct Writes {
    retry: Option<Retry>,
    backoff: Span,
}

impl Writes {
    pub(super) fn new(plan: &ProcessorPlan) -> Writes {
        Writes {
            retry: plan.retry.as_ref().map(Retry::new),
            backoff: plan.retry_backoff,
        }
    }

    /// Until when a write that is due has to wait; none if it may leave.
    pub(super) fn held(&self, now: Mono) -> Option<Mono> {
        match self.retry.as_ref()?.gate(now) {
            Gate::Open => None,
            Gate::Until(at) => Some(at),
            Gate::Probing => Some(now + self.backoff),
        }
    }

    /// A write leaves, after so many failures.
    pub(super) fn send(&mut self, cx: &mut Context<'_>, failures: u32) -> Ticket {
        if failures > 0 {
            cx.observe(Fact::Flow(Flow::Retried));
        }
        let now = cx.monotonic();
        self.retry
            .as_mut()
            .map_or(Ticket::default(), |retry| retry.send(now, failures))
    }

    /// A write was answered, well or with a refusal that no other attempt would change.
    pub(super) fn answered(&mut self, ticket: Ticket) {
        if let Some(retry) = &mut self.retry {
            retry.succeeded(ticket);
        }
    }

    /// A write has ended without an answer, or the sink was not able to.
    pub(super) fn failed(&mut self, cx: &mut Context<'_>, ticket: Ticket) {
        if let Some(retry) = &mut self.retry
            && retry.failed(ticket, cx.monotonic())
        {
            cx.point(points::BREAKER_OPENED);
            cx.observe(Fact::Flow(Flow::Opened));
        }
    }

    /// How long the `failures`th retry of these rows waits.
    pub(super) fn wait(&mut self, cx: &mut Context<'_>, rows: &[Event], failures: u32) -> Span {
        let backoff = self.backoff;
        let Some(retry) = &mut self.retry else {
            return backoff;
        };
        // Rows are known by the first: it is the same in every variant.
        let key = rows.first().map_or(0, |row| row.id.number);
        match retry.after(key, failures, backoff) {
            Next::After(wait) => wait,
            Next::Stop(stop) => {
                if stop == Stop::Budget {
                    cx.point(points::RETRY_REFUSED);
                    cx.observe(Fact::Flow(Flow::Refused));
                }
                retry.longest(backoff)
            }
        }
    }
}
