//! Requests that wait for the journal.

use crate::actor::{Connection, Context};
use crate::id::CallId;
use crate::message::{Refusal, Reply};
use std::collections::VecDeque;

/// Requests that may wait; more are refused as an overload.
const WAITING_MAX: usize = 10_000;

/// Where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) connection: Connection,
    pub(crate) call: CallId,
}

impl Asker {
    /// Answers.
    pub(crate) fn answer(self, cx: &mut Context<'_>, reply: Reply) {
        cx.reply(self.connection, self.call, reply);
    }

    /// Says no.
    pub(crate) fn refuse(self, cx: &mut Context<'_>, refusal: Refusal) {
        self.answer(cx, Reply::Refused(refusal));
    }
}

/// A bounded queue in order of arrival.
#[derive(Debug)]
pub(crate) struct Intake<T>(VecDeque<(Asker, T)>);

impl<T> Default for Intake<T> {
    fn default() -> Intake<T> {
        Intake(VecDeque::new())
    }
}

impl<T> Intake<T> {
    /// Adds a request; false if there is no room.
    pub(crate) fn push(&mut self, asker: Asker, request: T) -> bool {
        let has_room = self.0.len() < WAITING_MAX;
        if has_room {
            self.0.push_back((asker, request));
        }
        has_room
    }

    /// The oldest request.
    pub(crate) fn pop(&mut self) -> Option<(Asker, T)> {
        self.0.pop_front()
    }

    /// Gives the oldest request back.
    pub(crate) fn put_back(&mut self, asker: Asker, request: T) {
        self.0.push_front((asker, request));
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
