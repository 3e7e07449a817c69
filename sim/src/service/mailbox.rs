//! What comes to a program without being asked for.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use stormglass_core::actor::Origin;
use stormglass_core::id::{CallId, NodeId};
use stormglass_core::message::{Message, Request};

/// A message that is no answer to a call of the program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Who sent it.
    pub peer: NodeId,
    /// Over what it came.
    pub origin: Origin,
    /// The message.
    pub message: Message,
}

impl Incoming {
    /// The request in it, with the number that its answer must carry.
    #[must_use]
    pub const fn request(&self) -> Option<(CallId, &Request)> {
        if let Message::Request { call, request } = &self.message {
            Some((*call, request))
        } else {
            None
        }
    }
}

/// Things in the order in which they came, and who waits for the next.
pub(super) struct Mailbox<T> {
    items: VecDeque<T>,
    waiting: Vec<Waker>,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Mailbox<T> {
        Mailbox {
            items: VecDeque::new(),
            waiting: Vec::new(),
        }
    }
}

impl<T> Mailbox<T> {
    pub(super) fn push(&mut self, item: T) {
        self.items.push_back(item);
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }

    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<T> {
        match self.items.pop_front() {
            Some(item) => Poll::Ready(item),
            None => {
                if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                    self.waiting.push(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}
