//! What an item of a connection does where it arrives: opens, is taken, refused, discarded, or resets.

use super::node::State;
use super::{DISCARDED, World};
use crate::network::{Item, Way};
use stormglass_core::actor::{CloseReason, Connection, Input, Origin};
use stormglass_core::id::NodeId;
use stormglass_core::message::Message;

impl World {
    pub(super) fn arrived(
        &mut self,
        connection: Connection,
        to_server: bool,
        way: Way,
        item: Item,
    ) {
        let Way { from, to, open, .. } = way;
        match item {
            Item::Syn => self.accept(connection, from, to),
            Item::Accepted => {
                if open {
                    self.give(
                        to,
                        Input::Opened {
                            connection,
                            peer: from,
                        },
                    );
                }
            }
            Item::Message(message) => self.message_arrived(connection, to_server, way, message),
            Item::Fin(reason) => {
                if open {
                    self.end_of(connection, to_server, to);
                    self.give(
                        to,
                        Input::Closed {
                            connection,
                            peer: from,
                            reason,
                        },
                    );
                } else if to_server {
                    self.network.close_end(connection, true);
                }
            }
        }
    }

    /// The first packet of a connection has reached the server's machine.
    pub(super) fn accept(&mut self, connection: Connection, client: NodeId, server: NodeId) {
        match self.nodes[usize::from(server.0)].state {
            State::Up => {
                if let Some(state) = self.network.get_mut(connection) {
                    state.server.open = true;
                    state.accepted = true;
                }
                self.nodes[usize::from(server.0)]
                    .connections
                    .push(connection);
                self.network.send(
                    self.now,
                    connection,
                    false,
                    Item::Accepted,
                    &mut self.agenda,
                );
                self.give(
                    server,
                    Input::Opened {
                        connection,
                        peer: client,
                    },
                );
            }
            State::ProcessDown => {
                let refused = Item::Fin(CloseReason::Refused);
                self.network
                    .send(self.now, connection, false, refused, &mut self.agenda);
                self.network.close_end(connection, true);
            }
            State::Waiting | State::PowerOff => {
                self.network.close_end(connection, true);
            }
        }
    }

    fn message_arrived(
        &mut self,
        connection: Connection,
        to_server: bool,
        way: Way,
        message: Message,
    ) {
        let Way { from, to, .. } = way;
        if !way.open {
            self.discard(to, &message);
            let machine_answers = matches!(
                self.nodes[usize::from(to.0)].state,
                State::Up | State::ProcessDown
            );
            if machine_answers && way.sender_open {
                let reset = Item::Fin(CloseReason::Reset);
                self.network
                    .send(self.now, connection, !to_server, reset, &mut self.agenda);
            }
            return;
        }
        if to_server
            && !self.network.rules.is_empty()
            && let Message::Request { call, .. } = &message
        {
            match self.network.rules.reset(from, to, message.class().hash()) {
                None => {}
                Some(false) => {
                    self.discard(to, &message);
                    self.network.reset(self.now, connection, &mut self.agenda);
                    return;
                }
                Some(true) => {
                    let call = *call;
                    if let Some(state) = self.network.get_mut(connection) {
                        state.reset_at_reply = Some(call);
                    }
                }
            }
        }
        self.give(
            to,
            Input::Message {
                origin: Origin::Connection(connection),
                peer: from,
                message,
            },
        );
    }

    /// The receiving end of a direction learns that the other is gone.
    pub(super) fn end_of(&mut self, connection: Connection, to_server: bool, node: NodeId) {
        let list = &mut self.nodes[usize::from(node.0)].connections;
        if let Some(place) = list.iter().position(|open| *open == connection) {
            list.swap_remove(place);
        }
        // The other end is gone too: it closed, died, or a fault reset both.
        self.network.close_end(connection, to_server);
    }

    pub(super) fn discard(&mut self, node: NodeId, message: &Message) {
        let digest = message.digest();
        let incarnation = self.nodes[usize::from(node.0)].incarnation;
        self.mix(node, incarnation, DISCARDED, digest);
    }
}
