//! Futures of what the World answers.

use super::Env;
use super::desk::{Board, Desk};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use stormglass_core::actor::CloseReason;
use stormglass_core::id::TimerId;
use stormglass_core::message::{Refusal, Reply};

/// Why a call has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// None came in time; whether the request had an effect is open.
    TimedOut,
    /// The connection ended first. After `Refused` the request certainly had no effect, otherwise that is open.
    Closed(CloseReason),
    /// The peer said no.
    Refused(Refusal),
}

impl CallError {
    pub(super) fn of(reply: Reply) -> Result<Reply, CallError> {
        if let Reply::Refused(refusal) = reply {
            Err(CallError::Refused(refusal))
        } else {
            Ok(reply)
        }
    }

    /// Whether the request certainly had no effect.
    #[must_use]
    pub const fn is_definite(self) -> bool {
        match self {
            CallError::TimedOut => false,
            CallError::Closed(reason) => matches!(reason, CloseReason::Refused),
            CallError::Refused(refusal) => refusal.is_definite(),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::TimedOut => f.write_str("no reply came in time"),
            CallError::Closed(reason) => write!(f, "the connection ended: {reason:?}"),
            CallError::Refused(refusal) => write!(f, "refused: {refusal:?}"),
        }
    }
}

impl std::error::Error for CallError {}

/// What was asked for has been asked already; this waits for the answer. Dropping it stops the wait: a timer
/// is unset, a request that has left stays sent.
#[must_use = "an answer comes to whoever awaits it"]
pub struct Answer<T> {
    env: Env,
    ticket: u64,
    board: fn(&mut Desk) -> &mut Board<T>,
    is_timer: bool,
}

impl<T> Answer<T> {
    pub(super) fn new(
        env: Env,
        ticket: u64,
        board: fn(&mut Desk) -> &mut Board<T>,
        is_timer: bool,
    ) -> Answer<T> {
        Answer {
            env,
            ticket,
            board,
            is_timer,
        }
    }
}

impl<T> Future for Answer<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &*self;
        this.env
            .with(|process| (this.board)(&mut process.desk.borrow_mut()).poll(this.ticket, cx))
            .unwrap_or(Poll::Pending)
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let is_open = self
            .env
            .with(|process| (self.board)(&mut process.desk.borrow_mut()).forget(self.ticket));
        if self.is_timer && is_open == Some(true) {
            self.env.act(|cx, _| cx.disarm(TimerId(self.ticket)));
        }
    }
}
