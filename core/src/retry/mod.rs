//! Whether and when a client tries again: what the owner of a [`crate::call::Calls`] asks when a call has failed.
//!
//! A [`Retry`] is a plain state machine that its client owns and feeds: every request that is sent, answered or
//! has failed. It decides two things. *Before a request*, whether its circuit breaker lets it out
//! ([`Retry::gate`]). *After a failure*, whether there is another attempt and how long to wait
//! ([`Retry::after`]). The wait of a policy with jitter is a keyed function of the request and of the number of
//! the attempt, so that variants draw alike whatever their order (A14).
//!
//! Limits: it knows nothing of deadlines; a delivery timeout is its client's. What becomes of a request that is
//! not tried again is the client's too: a publisher gives it up, a processor that must not drop a write waits.

mod breaker;
mod budget;
pub mod config;
#[cfg(test)]
mod tests;

pub use breaker::{Gate, Ticket};

use crate::rng::{Keyed, scale};
use crate::time::{Mono, Span};
use breaker::Breaker;
use budget::Budget;
use config::{Jitter, RetryConfig, RetryPolicy};

/// What a [`Retry`] is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPlan {
    /// Its settings.
    pub config: RetryConfig,
    /// Its client's randomness.
    pub draws: Keyed,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt after this wait.
    After(Span),
    /// No other attempt.
    Stop(Stop),
}

/// Why there is no other attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The policy has none, or no more.
    Attempts,
    /// The budget is used up.
    Budget,
}

/// The state of one client's policy.
#[derive(Clone, Debug)]
pub struct Retry {
    policy: Option<RetryPolicy>,
    attempts: Option<u32>,
    draws: Keyed,
    budget: Option<Budget>,
    breaker: Option<Breaker>,
}

impl Retry {
    /// Nothing has been sent.
    #[must_use]
    pub fn new(plan: &RetryPlan) -> Retry {
        Retry {
            policy: plan.config.policy,
            attempts: plan.config.attempts,
            draws: plan.draws,
            budget: plan.config.budget.as_ref().map(Budget::new),
            breaker: plan.config.breaker.as_ref().map(Breaker::new),
        }
    }

    /// Whether a request may be sent.
    #[must_use]
    pub fn gate(&self, now: Mono) -> Gate {
        self.breaker
            .as_ref()
            .map_or(Gate::Open, |breaker| breaker.gate(now))
    }

    /// A request is sent, after `failures` attempts that failed; the gate must be open.
    pub fn send(&mut self, now: Mono, failures: u32) -> Ticket {
        if failures == 0
            && let Some(budget) = &mut self.budget
        {
            budget.deposit();
        }
        self.breaker
            .as_mut()
            .map_or(Ticket::default(), |breaker| breaker.send(now))
    }

    /// A request was answered.
    pub fn succeeded(&mut self, ticket: Ticket) {
        if let Some(breaker) = &mut self.breaker {
            breaker.succeeded(ticket);
        }
    }

    /// A request failed; true if this has opened the breaker.
    pub fn failed(&mut self, ticket: Ticket, now: Mono) -> bool {
        self.breaker
            .as_mut()
            .is_some_and(|breaker| breaker.failed(ticket, now))
    }

    /// What follows the `failures`th failure in a row of the request `key`; `own` is the client's own backoff.
    /// An answer that allows a retry has paid for it.
    pub fn after(&mut self, key: u64, failures: u32, own: Span) -> Next {
        let may_again = self.attempts.is_none_or(|attempts| failures < attempts);
        let wait = match self.policy {
            Some(RetryPolicy::None) => None,
            Some(RetryPolicy::Fixed(wait)) => Some(wait),
            Some(RetryPolicy::Exponential { first, max, jitter }) => {
                Some(self.exponential(key, failures, (first, max), jitter))
            }
            None => Some(own),
        };
        let Some(wait) = wait.filter(|_| may_again) else {
            return Next::Stop(Stop::Attempts);
        };
        if self
            .budget
            .as_mut()
            .is_some_and(|budget| !budget.withdraw())
        {
            return Next::Stop(Stop::Budget);
        }
        Next::After(wait)
    }

    fn exponential(
        &self,
        key: u64,
        failures: u32,
        (first, max): (Span, Span),
        jitter: Jitter,
    ) -> Span {
        let doubled = failures.saturating_sub(1).min(30);
        let ceiling = Span(first.0.saturating_mul(1 << doubled)).min(max);
        match jitter {
            Jitter::None => ceiling,
            Jitter::Full => {
                let draw = self.draws.derive(key).at(u64::from(failures));
                Span(scale(draw, ceiling.0.saturating_add(1)))
            }
        }
    }

    /// The longest wait of the policy; `own` is that of the client's own backoff.
    #[must_use]
    pub fn longest(&self, own: Span) -> Span {
        match self.policy {
            Some(RetryPolicy::Exponential { max, .. }) => max,
            Some(RetryPolicy::Fixed(wait)) => wait,
            Some(RetryPolicy::None) | None => own,
        }
    }

    /// For a person: the tokens left and the breaker's state.
    #[must_use]
    pub fn words(&self) -> String {
        let tokens = self.budget.as_ref().map_or_else(
            || String::from("no budget"),
            |b| format!("{} tokens", b.left()),
        );
        let breaker = self.breaker.as_ref().map_or("no breaker", Breaker::word);
        format!("{tokens}, {breaker}")
    }
}
