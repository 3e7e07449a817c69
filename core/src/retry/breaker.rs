//! A circuit breaker: closed, open, and half open while one probe is under way.

use super::config::{BreakerConfig, Trips};
use crate::time::{Mono, Span};
use std::collections::VecDeque;

/// In which period of its breaker a request was sent: how it ends says nothing about a later period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket(u64);

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// Not before this instant.
    Until(Mono),
    /// Not before the probe that is under way has ended.
    Probing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// Nothing is sent before this instant.
    Open(Mono),
    HalfOpen,
}

/// The breaker of one client towards one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Breaker {
    trips: Trips,
    lasts: Span,
    state: State,
    /// Grows whenever the state changes.
    period: u64,
    /// While closed: the latest requests, true for a failure. As many as are looked at.
    latest: VecDeque<bool>,
}

impl Breaker {
    pub(super) fn new(config: &BreakerConfig) -> Breaker {
        Breaker {
            trips: config.trips,
            lasts: config.open,
            state: State::Closed,
            period: 0,
            latest: VecDeque::new(),
        }
    }

    pub(super) fn gate(&self, now: Mono) -> Gate {
        match self.state {
            State::Closed => Gate::Open,
            State::Open(until) if until <= now => Gate::Open,
            State::Open(until) => Gate::Until(until),
            State::HalfOpen => Gate::Probing,
        }
    }

    /// A request is sent; after the time of an open breaker it is the probe.
    pub(super) fn send(&mut self, now: Mono) -> Ticket {
        assert_eq!(self.gate(now), Gate::Open, "sent past an open breaker");
        if matches!(self.state, State::Open(_)) {
            self.enter(State::HalfOpen);
        }
        Ticket(self.period)
    }

    /// A request was answered.
    pub(super) fn succeeded(&mut self, ticket: Ticket) {
        if ticket.0 != self.period {
            return;
        }
        match self.state {
            State::Closed => self.note(false),
            State::HalfOpen => self.enter(State::Closed),
            State::Open(_) => {}
        }
    }

    /// A request failed; true if this has opened the breaker.
    pub(super) fn failed(&mut self, ticket: Ticket, now: Mono) -> bool {
        if ticket.0 != self.period {
            return false;
        }
        let opens = match self.state {
            State::Closed => {
                self.note(true);
                self.is_tripped()
            }
            State::HalfOpen => true,
            State::Open(_) => false,
        };
        if opens {
            self.enter(State::Open(now + self.lasts));
        }
        opens
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.period += 1;
        self.latest.clear();
    }

    fn note(&mut self, is_failure: bool) {
        let most = match self.trips {
            Trips::InARow(failures) => failures,
            Trips::Share { of, .. } => of,
        };
        self.latest.push_back(is_failure);
        if self.latest.len() > most as usize {
            self.latest.pop_front();
        }
    }

    fn is_tripped(&self) -> bool {
        let failures = self.latest.iter().filter(|failed| **failed).count() as u64;
        match self.trips {
            Trips::InARow(most) => failures >= u64::from(most),
            Trips::Share { failed, of } => {
                self.latest.len() >= of as usize
                    && failures * 1_000 >= u64::from(failed) * self.latest.len() as u64
            }
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open(_) => "open",
            State::HalfOpen => "half open",
        }
    }
}
