//! What one boot of a program waits for: answers on their way, and what has come without being asked for.

use super::answer::CallError;
use super::mailbox::{Incoming, Mailbox};
use super::{publisher, subscription};
use std::collections::{BTreeMap, BTreeSet};
use std::task::{Context, Poll, Waker};
use stormglass_core::actor::{Connection, Context as ActorContext, Control, Input};
use stormglass_core::call::Calls;
use stormglass_core::disk::{DiskDone, DiskError};
use stormglass_core::id::NodeId;
use stormglass_core::message::Reply;
use stormglass_core::time::Mono;

struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// Answers on their way, by ticket.
pub(super) struct Board<T> {
    slots: BTreeMap<u64, Slot<T>>,
}

impl<T> Default for Board<T> {
    fn default() -> Board<T> {
        Board {
            slots: BTreeMap::new(),
        }
    }
}

impl<T> Board<T> {
    pub(super) fn open(&mut self, ticket: u64) {
        let slot = Slot {
            value: None,
            waker: None,
        };
        let before = self.slots.insert(ticket, slot);
        assert!(before.is_none(), "ticket {ticket} was handed out twice");
    }

    /// The answer has come; nobody may be waiting any more.
    pub(super) fn fill(&mut self, ticket: u64, value: T) {
        if let Some(slot) = self.slots.get_mut(&ticket) {
            slot.value = Some(value);
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }

    pub(super) fn poll(&mut self, ticket: u64, cx: &Context<'_>) -> Poll<T> {
        let Some(slot) = self.slots.get_mut(&ticket) else {
            return Poll::Pending;
        };
        match slot.value.take() {
            Some(value) => {
                self.slots.remove(&ticket);
                Poll::Ready(value)
            }
            None => {
                slot.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Nobody waits any more; tells whether the answer was still to come.
    pub(super) fn forget(&mut self, ticket: u64) -> bool {
        self.slots
            .remove(&ticket)
            .is_some_and(|slot| slot.value.is_none())
    }
}

/// What one boot of a program waits for.
pub(super) struct Desk {
    next_ticket: u64,
    pub(super) calls: Calls<u64>,
    pub(super) replies: Board<Result<Reply, CallError>>,
    pub(super) timers: Board<()>,
    pub(super) disk: Board<Result<DiskDone, DiskError>>,
    pub(super) incoming: Mailbox<Incoming>,
    pub(super) controls: Mailbox<Control>,
    pub(super) publishers: Vec<publisher::Seat>,
    pub(super) log: Option<subscription::LogSeat>,
    pub(super) lease: Option<subscription::LeaseSeat>,
    /// Connections opened for messages that are not calls, by peer.
    pub(super) links: BTreeMap<NodeId, Connection>,
    /// Connections that peers opened.
    pub(super) accepted: BTreeSet<Connection>,
    /// When each core is free, on the node's monotonic clock.
    pub(super) cores: Vec<Mono>,
}

impl Default for Desk {
    fn default() -> Desk {
        Desk {
            next_ticket: 0,
            calls: Calls::new(0),
            replies: Board::default(),
            timers: Board::default(),
            disk: Board::default(),
            incoming: Mailbox::default(),
            controls: Mailbox::default(),
            publishers: Vec::new(),
            log: None,
            lease: None,
            links: BTreeMap::new(),
            accepted: BTreeSet::new(),
            cores: Vec::new(),
        }
    }
}

impl Desk {
    /// Offers an input to the clients; whether it was one's alone.
    pub(super) fn offer(&mut self, cx: &mut ActorContext<'_>, input: &Input) -> bool {
        self.publishers
            .iter_mut()
            .any(|publisher| publisher.on_input(cx, input))
            || self
                .log
                .as_mut()
                .is_some_and(|seat| seat.on_input(cx, input))
            || (self.lease.as_mut()).is_some_and(|seat| seat.on_input(cx, input))
    }

    /// A number that this boot has not used for anything yet.
    pub(super) const fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }
}
