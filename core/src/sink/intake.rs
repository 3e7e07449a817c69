//! Requests that wait for the journal, and those that it is busy with.

use crate::actor::{Connection, Context};
use crate::disk::DiskError;
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
    /// Adds a request, or refuses it if there is no room.
    pub(crate) fn push(&mut self, cx: &mut Context<'_>, asker: Asker, request: T) {
        if self.0.len() < WAITING_MAX {
            self.0.push_back((asker, request));
        } else {
            asker.refuse(cx, Refusal::Overloaded);
        }
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

/// What the journal is busy with, in the order appended.
#[derive(Debug)]
pub(crate) struct Batch<T>(Vec<(Asker, T)>);

impl<T> Default for Batch<T> {
    fn default() -> Batch<T> {
        Batch(Vec::new())
    }
}

impl<T> Batch<T> {
    /// A change that goes to the journal.
    pub(crate) fn push(&mut self, asker: Asker, change: T) {
        self.0.push((asker, change));
    }

    /// The changes.
    pub(crate) fn changes(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter().map(|(_, change)| change)
    }

    /// Applies what the disk has taken and refuses the rest; false if it is open whether something of a
    /// failed append was left behind.
    pub(crate) fn written(
        &mut self,
        cx: &mut Context<'_>,
        results: &[Result<(), DiskError>],
        mut apply: impl FnMut(&T),
    ) -> bool {
        let changes = std::mem::take(&mut self.0);
        assert_eq!(
            changes.len(),
            results.len(),
            "the disk answers for each change"
        );
        for ((asker, change), result) in changes.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    apply(&change);
                    self.0.push((asker, change));
                }
                Err(DiskError::Full) => asker.refuse(cx, Refusal::DiskFull),
                Err(DiskError::Failed) => asker.refuse(cx, Refusal::DiskFailed),
            }
        }
        !results.contains(&Err(DiskError::Failed))
    }

    /// The changes to be answered.
    pub(crate) fn take(&mut self) -> Vec<(Asker, T)> {
        std::mem::take(&mut self.0)
    }
}
