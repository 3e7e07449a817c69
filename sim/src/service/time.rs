//! Time as a program has it: timers of the World on its node's monotonic clock.

use super::{Answer, Env};
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use stormglass_core::id::TimerId;
use stormglass_core::time::{Mono, Span};

/// A time limit has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit has passed")
    }
}

impl std::error::Error for TimedOut {}

/// Ticks at equal distances; ticks that were missed come at once, one after the other.
#[derive(Debug)]
pub struct Interval {
    env: Env,
    next: Mono,
    every: Span,
}

impl Interval {
    /// Waits for the next tick; gives back when it was due on this node's monotonic clock.
    pub async fn tick(&mut self) -> Mono {
        let due = self.next;
        self.env.sleep_until(due).await;
        self.next = due + self.every;
        due
    }
}

impl Env {
    /// Waits; the time counts from this call on. It is exact, at the pace of this node's clock.
    pub fn sleep(&self, span: Span) -> Answer<()> {
        let ticket = self
            .act(|cx, desk| {
                let ticket = desk.ticket();
                desk.timers.open(ticket);
                cx.arm(TimerId(ticket), span);
                ticket
            })
            .unwrap_or(0);
        Answer::new(*self, ticket, |desk| &mut desk.timers, true)
    }

    /// Waits until this node's monotonic clock reads `at`.
    pub fn sleep_until(&self, at: Mono) -> Answer<()> {
        self.sleep(at.since(self.monotonic()))
    }

    /// Awaits `future`, but no longer than `limit`.
    ///
    /// # Errors
    /// [`TimedOut`] if the limit passes first; the future is dropped.
    pub async fn timeout<F: Future>(&self, limit: Span, future: F) -> Result<F::Output, TimedOut> {
        let mut future = pin!(future);
        let mut limit = pin!(self.sleep(limit));
        std::future::poll_fn(|cx| {
            // The future first: a result that is there at the limit counts.
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(value));
            }
            limit.as_mut().poll(cx).map(|()| Err(TimedOut))
        })
        .await
    }

    /// Ticks every `every`, for the first time at once.
    ///
    /// # Panics
    /// If `every` is zero.
    #[must_use]
    pub fn interval(&self, every: Span) -> Interval {
        assert!(every > Span::ZERO, "an interval has a length");
        Interval {
            env: *self,
            next: self.monotonic(),
            every,
        }
    }
}
