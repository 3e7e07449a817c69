//! The only request plumbing: one connection a peer, opened when needed, and a table of open calls with
//! their timeouts. Whether to retry is not decided here: it is part of a delivery mode, so the owner of the
//! call decides when it learns how the call ended, with a [`crate::retry::Retry`] where a policy is set.

use crate::actor::{Connection, Context};
use crate::id::{CallId, NodeId, TimerId};
use crate::message::Request;
use crate::time::Span;
use std::collections::BTreeMap;

/// A client's open calls, each with what the client wants to remember of it.
#[derive(Debug)]
pub struct Calls<T> {
    connections: BTreeMap<NodeId, Connection>,
    /// In the order asked, which is that of their numbers. Few are open at a time.
    open: Vec<(CallId, Open<T>)>,
    timers: u64,
}

#[derive(Debug)]
struct Open<T> {
    peer: NodeId,
    connection: Connection,
    memory: T,
}

/// Timers of calls have this bit set, and the call's number below it; an actor's own must not use it.
pub const CALL_TIMER: u64 = 1 << 63;

impl<T> Default for Calls<T> {
    fn default() -> Calls<T> {
        Calls::new(0)
    }
}

impl<T> Calls<T> {
    /// No calls yet. An actor with several tables gives each a `space` (0–255) of its own for timers.
    #[must_use]
    pub const fn new(space: u8) -> Calls<T> {
        Calls {
            connections: BTreeMap::new(),
            open: Vec::new(),
            timers: CALL_TIMER | (space as u64) << 55,
        }
    }

    /// Asks `peer`; unless the answer comes within `timeout`, [`Calls::expired`] gives `memory` back.
    pub fn ask(
        &mut self,
        cx: &mut Context<'_>,
        peer: NodeId,
        request: Request,
        timeout: Span,
        memory: T,
    ) -> CallId {
        let connection = self.connection(cx, peer);
        let call = cx.request(connection, request);
        cx.arm(self.timer(call), timeout);
        assert!(
            self.open.last().is_none_or(|(last, _)| *last < call),
            "{call} comes after calls with greater numbers"
        );
        let open = Open {
            peer,
            connection,
            memory,
        };
        self.open.push((call, open));
        call
    }

    /// Sends `peer` a request that is never answered.
    pub fn tell(&mut self, cx: &mut Context<'_>, peer: NodeId, request: Request) {
        let connection = self.connection(cx, peer);
        cx.request(connection, request);
    }

    fn connection(&mut self, cx: &mut Context<'_>, peer: NodeId) -> Connection {
        *self
            .connections
            .entry(peer)
            .or_insert_with(|| cx.connect(peer))
    }

    /// Whether calls go over this connection.
    #[must_use]
    pub fn uses(&self, connection: Connection) -> bool {
        self.connections.values().any(|open| *open == connection)
    }

    const fn timer(&self, call: CallId) -> TimerId {
        TimerId(self.timers | call.0)
    }

    fn place(&self, call: CallId) -> Option<usize> {
        let place = self.open.binary_search_by_key(&call, |(call, _)| *call);
        place.ok()
    }

    /// A reply has come: what was remembered, none if the call is over already.
    pub fn answered(&mut self, cx: &mut Context<'_>, call: CallId) -> Option<T> {
        let (_, open) = self.open.remove(self.place(call)?);
        cx.disarm(self.timer(call));
        Some(open.memory)
    }

    /// A timer has run out: the call and its peer, none if the timer is not one of these. The connection is
    /// closed, since an answer that comes later must not be taken for that of a newer call's; all calls on it
    /// end too.
    pub fn expired(&mut self, cx: &mut Context<'_>, timer: TimerId) -> Vec<(CallId, NodeId, T)> {
        const SPACE: u64 = CALL_TIMER | 0xFF << 55;
        if timer.0 & SPACE != self.timers {
            return Vec::new();
        }
        let Some(place) = self.place(CallId(timer.0 & !SPACE)) else {
            return Vec::new();
        };
        let (_, open) = &self.open[place];
        let (peer, connection) = (open.peer, open.connection);
        cx.close(connection);
        self.connections.remove(&peer);
        self.end(cx, connection)
    }

    /// A connection has ended: the calls that were open on it, in the order asked.
    pub fn closed(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
    ) -> Vec<(CallId, NodeId, T)> {
        self.connections.retain(|_, open| *open != connection);
        self.end(cx, connection)
    }

    fn end(&mut self, cx: &mut Context<'_>, connection: Connection) -> Vec<(CallId, NodeId, T)> {
        let ended = self
            .open
            .extract_if(.., |(_, open)| open.connection == connection);
        let ended: Vec<_> = ended
            .map(|(call, open)| (call, open.peer, open.memory))
            .collect();
        for (call, ..) in &ended {
            cx.disarm(self.timer(*call));
        }
        ended
    }

    /// Gives up all calls to `peer` without waiting: the connection is closed and what was remembered given back.
    pub fn abandon(&mut self, cx: &mut Context<'_>, peer: NodeId) -> Vec<(CallId, NodeId, T)> {
        match self.connections.remove(&peer) {
            None => Vec::new(),
            Some(connection) => {
                cx.close(connection);
                self.end(cx, connection)
            }
        }
    }

    /// The peers to which there is a connection, in order.
    #[must_use]
    pub fn peers(&self) -> Vec<NodeId> {
        self.connections.keys().copied().collect()
    }

    /// How many calls are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether no call is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// What is remembered of the open calls, in the order asked.
    pub fn iter(&self) -> impl Iterator<Item = (CallId, NodeId, &T)> {
        self.open
            .iter()
            .map(|(call, open)| (*call, open.peer, &open.memory))
    }
}
