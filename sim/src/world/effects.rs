//! What an actor asked for happens, in the order in which it asked. A point cuts the list: the plan may kill
//! the node there, or hold the rest.

use super::node::{Armed, State};
use super::{Entry, World};
use crate::network::Item;
use stormglass_core::actor::{CloseReason, Connection, Effect};
use stormglass_core::history::{Fact, Stage};
use stormglass_core::id::{NodeId, TimerId};
use stormglass_core::message::Message;
use stormglass_core::time::{Mono, Time};

/// How far the release of a step's effects came.
pub(super) enum Released {
    /// To the end.
    All,
    /// To a point at which the node died.
    Crashed,
    /// To a point at which the plan holds the rest.
    Held {
        /// The effects that have not left.
        effects: Vec<Effect>,
        /// Until when.
        until: Time,
    },
}

impl World {
    /// Releases the effects of a step that took no time. A hold at a point cannot delay such a step's lane,
    /// so its rest leaves at once.
    pub(super) fn release_all(&mut self, id: NodeId, effects: Vec<Effect>) {
        let mut rest = self.release(id, effects);
        while let Released::Held { effects, .. } = rest {
            rest = self.release(id, effects);
        }
    }

    /// Releases effects in their order.
    pub(super) fn release(&mut self, id: NodeId, mut effects: Vec<Effect>) -> Released {
        let incarnation = self.nodes[usize::from(id.0)].incarnation;
        let mut leaving = effects.drain(..);
        while let Some(effect) = leaving.next() {
            if let Effect::Point(point) = effect {
                self.observe(id, incarnation, Stage::Seen, None, Fact::Point(point));
                match self.at_point(id, point) {
                    super::faults::AtPoint::GoOn => continue,
                    super::faults::AtPoint::Crashed => {
                        self.drop_effects(leaving.as_slice());
                        return Released::Crashed;
                    }
                    super::faults::AtPoint::Hold(until) => {
                        return Released::Held {
                            effects: leaving.collect(),
                            until,
                        };
                    }
                }
            }
            self.apply(id, effect);
        }
        drop(leaving);
        if self.spare_effects.len() < 64 {
            self.spare_effects.push(effects);
        }
        Released::All
    }

    /// Effects that never leave: connections that were handed out and not opened are free again.
    pub(super) fn drop_effects(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Connect { connection, .. } = effect {
                self.network.slots.give_back(*connection);
            }
        }
    }

    fn apply(&mut self, id: NodeId, effect: Effect) {
        let now = self.now;
        match effect {
            Effect::Connect { connection, to } => {
                self.nodes[usize::from(id.0)].connections.push(connection);
                self.network.open(now, connection, id, to, &mut self.agenda);
            }
            Effect::Send {
                connection,
                message,
            } => {
                if let Some(fact) = message.departs() {
                    let incarnation = self.nodes[usize::from(id.0)].incarnation;
                    self.observe(id, incarnation, Stage::Seen, None, fact);
                }
                self.send(id, connection, message);
            }
            Effect::Datagram { to, message } => {
                self.network
                    .datagram(now, id, to, message, &mut self.agenda);
            }
            Effect::Close(connection) => self.close(id, connection, CloseReason::Closed),
            Effect::Arm { timer, at } => self.arm(id, timer, at),
            Effect::Disarm(timer) => {
                let unset = self.nodes[usize::from(id.0)].timers.remove(&timer);
                self.void_timer(unset);
            }
            Effect::Disk(op) => {
                let node = &mut self.nodes[usize::from(id.0)];
                let due = node.disk.schedule(now, &op, &self.profile.disk);
                let incarnation = node.incarnation;
                self.agenda.push(
                    due,
                    Entry::Disk {
                        node: id,
                        incarnation,
                        op: Box::new(op),
                    },
                );
            }
            Effect::Observe(fact) => self.claim(id, fact),
            Effect::Point(_) => unreachable!("points are taken out by release"),
        }
    }

    fn send(&mut self, id: NodeId, connection: Connection, message: Message) {
        let Some(state) = self.network.get(connection) else {
            return;
        };
        let to_server = state.client.node == id;
        let (end, peer) = if to_server {
            (state.client, state.server.node)
        } else {
            (state.server, state.client.node)
        };
        if !end.open || end.node != id {
            return;
        }
        if let Message::Reply { call, .. } = &message
            && state.reset_at_reply == Some(*call)
        {
            self.discard(peer, &message);
            self.network.reset(self.now, connection, &mut self.agenda);
            return;
        }
        self.network.send_between(
            self.now,
            connection,
            to_server,
            (id, peer),
            Item::Message(message),
            &mut self.agenda,
        );
    }

    /// A node ends a connection of its own, or dies with it: the other end learns it, after what was sent.
    pub(super) fn close(&mut self, id: NodeId, connection: Connection, reason: CloseReason) {
        let list = &mut self.nodes[usize::from(id.0)].connections;
        if let Some(place) = list.iter().position(|open| *open == connection) {
            list.swap_remove(place);
        }
        let Some(state) = self.network.get(connection) else {
            return;
        };
        let is_client = state.client.node == id;
        let own = if is_client {
            state.client
        } else {
            state.server
        };
        if !own.open {
            return;
        }
        self.network.send(
            self.now,
            connection,
            is_client,
            Item::Fin(reason),
            &mut self.agenda,
        );
        self.network.close_end(connection, !is_client);
    }

    fn arm(&mut self, id: NodeId, timer: TimerId, at: Mono) {
        let node = &mut self.nodes[usize::from(id.0)];
        node.next_setting = node.next_setting.wrapping_add(1);
        let setting = node.next_setting;
        let due = node.clock.true_time_of(at).max(self.now);
        let queued = due < Time::NEVER;
        let armed = Armed {
            setting,
            at,
            queued,
        };
        let replaced = node.timers.insert(timer, armed);
        self.void_timer(replaced);
        if queued {
            self.agenda.push(
                due,
                Entry::Timer {
                    node: id,
                    timer,
                    setting,
                },
            );
        }
    }

    /// Re-keys the timers of a node whose clock has changed its pace, in the order of their deadlines.
    pub(super) fn re_key_timers(&mut self, id: NodeId) {
        let node = &mut self.nodes[usize::from(id.0)];
        let mut timers: Vec<(Mono, TimerId)> = node
            .timers
            .sorted()
            .into_iter()
            .map(|(timer, armed)| (armed.at, *timer))
            .collect();
        timers.sort();
        for (at, timer) in timers {
            self.arm(id, timer, at);
        }
    }

    fn claim(&mut self, id: NodeId, fact: Fact) {
        let node = &self.nodes[usize::from(id.0)];
        let (part, incarnation) = (node.part, node.incarnation);
        if let Fact::RoleLost { role, epoch } = &fact {
            self.roles.lose(part, *role, *epoch, id);
        }
        let taken = if let Fact::RoleTaken { role, epoch } = &fact {
            Some((*role, *epoch))
        } else {
            None
        };
        self.observe(id, incarnation, Stage::Claimed, None, fact);
        if let Some((role, epoch)) = taken {
            self.roles.take(part, role, epoch, id);
            self.resolve_waiting();
        }
    }

    /// The process of a node dies; with the power, its page cache and its word to others die too.
    pub(super) fn crash(&mut self, id: NodeId, power: bool, torn: bool) {
        let now = self.now;
        let node = &mut self.nodes[usize::from(id.0)];
        let was_up = node.state == State::Up;
        let incarnation = node.incarnation;
        let connections = std::mem::take(&mut node.connections);
        let held: Vec<Effect> = node
            .services
            .drain()
            .flat_map(|service| service.effects)
            .collect();
        self.void_timers += node.forget(self.now);
        node.state = if power {
            State::PowerOff
        } else {
            State::ProcessDown
        };
        let outside = matches!(node.software, super::Software::Outside);
        let lost = if power {
            node.disk.power_loss(now, torn, &self.profile.disk)
        } else {
            node.disk.process_crash(now);
            Vec::new()
        };
        self.drop_effects(&held);
        self.roles.clear(id);
        for connection in connections {
            if power {
                // Nobody is left to tell the other end.
                let Some(state) = self.network.get(connection) else {
                    continue;
                };
                let server = state.client.node != id;
                self.network.close_end(connection, server);
            } else {
                self.close(id, connection, CloseReason::Reset);
            }
        }
        if was_up {
            self.observe(id, incarnation, Stage::Seen, None, Fact::Crashed { power });
            if outside {
                self.outside.push_back(super::Outside::Kill(id));
            }
        }
        for fact in lost {
            self.observe(id, incarnation, Stage::Lost, None, fact);
        }
    }
}
