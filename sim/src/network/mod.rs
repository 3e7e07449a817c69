//! The network: links with latency and bandwidth, connections with order and resets, datagrams without.
//!
//! Whether a cut stops a packet is decided when it would arrive. On a connection it then waits, with all that
//! follows it, for the first retransmission after the heal; a datagram is gone.

mod rules;

pub use rules::{Action, Fate, Quota, Rule, Rules, Scope, class_filter};

use crate::agenda::Agenda;
use crate::profile::LinkProfile;
use crate::world::Entry;
use std::collections::VecDeque;
use stormglass_core::actor::{CloseReason, Connection, ConnectionSlots};
use stormglass_core::id::{CallId, NodeId, name_hash};
use stormglass_core::message::Message;
use stormglass_core::rng::{Keyed, MILLION, Seed, scale};
use stormglass_core::time::{Span, Time};

/// What travels on a connection.
#[derive(Clone, Debug)]
pub enum Item {
    /// The first packet of a connection.
    Syn,
    /// Its answer.
    Accepted,
    /// A message.
    Message(Message),
    /// The sending end is gone.
    Fin(CloseReason),
}

impl Item {
    fn class(&self) -> u64 {
        match self {
            Item::Message(message) => message.class().hash(),
            Item::Syn => const { name_hash("syn") },
            Item::Accepted => const { name_hash("accepted") },
            Item::Fin(_) => const { name_hash("fin") },
        }
    }

    fn size(&self) -> u32 {
        match self {
            Item::Message(message) => message.size(),
            Item::Syn | Item::Accepted | Item::Fin(_) => 40,
        }
    }
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The node.
    pub node: NodeId,
    /// Whether its process still holds it; the server's is open from the first packet on.
    pub open: bool,
}

/// A connection's state.
#[derive(Debug)]
pub struct ConnectionState {
    /// The end that opened it.
    pub client: End,
    /// The other end.
    pub server: End,
    /// Whether the first packet has arrived.
    pub accepted: bool,
    /// When the answer to this call is released, it is lost and the connection reset.
    pub reset_at_reply: Option<CallId>,
    last_arrival: [Time; 2],
    stalled: [VecDeque<Item>; 2],
    stalled_since: [Time; 2],
}

/// The way of an item through a connection, as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Who sent it.
    pub from: NodeId,
    /// Who gets it.
    pub to: NodeId,
    /// Whether the sender's end is open.
    pub sender_open: bool,
    /// Whether the receiver's end is.
    pub open: bool,
    /// Whether others wait for a heal.
    waits: bool,
}

#[derive(Debug)]
struct Link {
    draws: Keyed,
    /// Whether it leads from one zone to another.
    is_across: bool,
    /// What has been sent, by class; a link carries few classes, the commonest first seen.
    sent: Vec<Sent>,
    /// Bytes of all of them.
    bytes: u64,
    busy_until: Time,
}

/// The packets of one class on one link.
#[derive(Debug)]
struct Sent {
    class: u64,
    /// The link's draws for the class.
    draws: Keyed,
    /// How many have been sent: the counter of the draws.
    count: u64,
}

/// One packet's draws: the first decides its latency, the others are for faults.
#[derive(Clone, Copy, Debug)]
struct Draws {
    class: Keyed,
    nth: u64,
}

impl Draws {
    const fn latency(self) -> u64 {
        self.class.at(self.nth)
    }

    const fn of_faults(self) -> Keyed {
        self.class.derive(self.nth)
    }
}

/// All links and connections.
#[derive(Debug)]
pub struct Network {
    seed: Seed,
    names: Vec<String>,
    /// The zone of each node.
    zones: Vec<u16>,
    profile: LinkProfile,
    index: Vec<u32>,
    links: Vec<Link>,
    connections: Vec<Option<ConnectionState>>,
    /// Numbers of connections.
    pub slots: ConnectionSlots,
    /// The active faults.
    pub rules: Rules,
    stalled: Vec<(Connection, bool)>,
}

/// No link has been made yet.
const NO_LINK: u32 = u32::MAX;

impl Network {
    /// The network between nodes of these names and zones, for a plan of `faults` entries.
    #[must_use]
    pub fn new(
        seed: Seed,
        (names, zones): (Vec<String>, Vec<u16>),
        profile: LinkProfile,
        faults: usize,
    ) -> Network {
        let nodes = names.len();
        assert_eq!(zones.len(), nodes, "each node stands in one zone");
        Network {
            seed,
            names,
            zones,
            profile,
            index: vec![NO_LINK; nodes * nodes],
            links: Vec::new(),
            connections: Vec::new(),
            slots: ConnectionSlots::default(),
            rules: Rules::new(faults),
            stalled: Vec::new(),
        }
    }

    /// The zone in which a node stands.
    #[must_use]
    pub fn zone(&self, node: NodeId) -> u16 {
        self.zones[usize::from(node.0)]
    }

    fn link(&mut self, from: NodeId, to: NodeId) -> usize {
        let cell = usize::from(from.0) * self.names.len() + usize::from(to.0);
        if self.index[cell] == NO_LINK {
            let zone = |node: NodeId| self.zones[usize::from(node.0)];
            let is_across = zone(from) != zone(to);
            let name = format!(
                "link/{}>{}",
                self.names[usize::from(from.0)],
                self.names[usize::from(to.0)]
            );
            self.index[cell] = self.links.len() as u32;
            self.links.push(Link {
                draws: self.seed.keyed(&name),
                is_across,
                sent: Vec::new(),
                bytes: 0,
                busy_until: Time::ZERO,
            });
        }
        self.index[cell] as usize
    }

    /// The time on the way of one packet, and the link's draws for it.
    fn travel(
        &mut self,
        now: Time,
        from: NodeId,
        to: NodeId,
        class: u64,
        size: u32,
    ) -> (Span, Draws) {
        let index = self.link(from, to);
        let link = &mut self.links[index];
        let place = link.sent.iter().position(|sent| sent.class == class);
        let place = place.unwrap_or_else(|| {
            link.sent.push(Sent {
                class,
                draws: link.draws.derive(class),
                count: 0,
            });
            link.sent.len() - 1
        });
        let sent = &mut link.sent[place];
        let draws = Draws {
            class: sent.draws,
            nth: sent.count,
        };
        sent.count += 1;
        link.bytes += u64::from(size);
        let wire = self.profile.kilobyte.ratio(u64::from(size), 1_000);
        let start = now.max(link.busy_until);
        link.busy_until = start + wire;
        let latency = self.profile.latency(link.is_across).at(draws.latency());
        (start.since(now) + wire + latency, draws)
    }

    /// What was sent so far: packets, their bytes, and the bytes of those that left their zone.
    #[must_use]
    pub fn traffic(&self) -> (u64, u64, u64) {
        let links = self.links.iter();
        links.fold((0, 0, 0), |(packets, bytes, across), link| {
            let count: u64 = link.sent.iter().map(|sent| sent.count).sum();
            let left = if link.is_across { link.bytes } else { 0 };
            (packets + count, bytes + link.bytes, across + left)
        })
    }

    /// The state of a connection, none if it has ended.
    #[must_use]
    pub fn get(&self, connection: Connection) -> Option<&ConnectionState> {
        if !self.slots.is_live(connection) {
            return None;
        }
        self.connections
            .get(connection.slot as usize)
            .and_then(Option::as_ref)
    }

    /// The state of a connection, to change.
    pub fn get_mut(&mut self, connection: Connection) -> Option<&mut ConnectionState> {
        if !self.slots.is_live(connection) {
            return None;
        }
        self.connections
            .get_mut(connection.slot as usize)
            .and_then(Option::as_mut)
    }

    /// A client opens a connection.
    pub fn open(
        &mut self,
        now: Time,
        connection: Connection,
        client: NodeId,
        server: NodeId,
        agenda: &mut Agenda<Entry>,
    ) {
        let slot = connection.slot as usize;
        if self.connections.len() <= slot {
            self.connections.resize_with(slot + 1, || None);
        }
        assert!(
            self.connections[slot].is_none(),
            "{connection:?} was handed out twice"
        );
        self.connections[slot] = Some(ConnectionState {
            client: End {
                node: client,
                open: true,
            },
            server: End {
                node: server,
                open: false,
            },
            accepted: false,
            reset_at_reply: None,
            last_arrival: [now; 2],
            stalled: [VecDeque::new(), VecDeque::new()],
            stalled_since: [now; 2],
        });
        self.send(now, connection, true, Item::Syn, agenda);
    }

    /// Puts an item on its way.
    pub fn send(
        &mut self,
        now: Time,
        connection: Connection,
        to_server: bool,
        item: Item,
        agenda: &mut Agenda<Entry>,
    ) {
        if let Some(state) = self.get(connection) {
            let ends = state.direction(to_server);
            self.send_between(now, connection, to_server, ends, item, agenda);
        }
    }

    /// Puts an item of a connection that is there on its way between its two nodes.
    pub fn send_between(
        &mut self,
        now: Time,
        connection: Connection,
        to_server: bool,
        (from, to): (NodeId, NodeId),
        item: Item,
        agenda: &mut Agenda<Entry>,
    ) {
        let (class, size) = (item.class(), item.size());
        let (mut on_way, draws) = self.travel(now, from, to, class, size);
        if !self.rules.is_empty() {
            let fate = self.rules.fate(now, (from, to), class, false);
            if fate.dropped && matches!(item, Item::Message(_)) {
                self.reset(now, connection, agenda);
                return;
            }
            if fate.slow > 1 {
                on_way = on_way * u64::from(fate.slow);
            }
            on_way += fate.delay + self.retransmissions(from, to, fate.loss, draws.of_faults());
        }
        let state = self.connections.get_mut(connection.slot as usize);
        let Some(state) = state.and_then(Option::as_mut) else {
            return;
        };
        let last = &mut state.last_arrival[usize::from(to_server)];
        *last = (now + on_way).max(*last);
        agenda.push(
            *last,
            Entry::Arrive {
                connection,
                to_server,
                item,
            },
        );
    }

    /// How long the retransmissions of a lost packet take: the first after 200 ms, then doubling.
    fn retransmissions(&mut self, from: NodeId, to: NodeId, loss: u32, draws: Keyed) -> Span {
        let mut total = Span::ZERO;
        if loss == 0 {
            return total;
        }
        let mut wait = self.profile.retransmit;
        for attempt in 1..=16 {
            if scale(draws.at(attempt), u64::from(MILLION)) >= u64::from(loss) {
                break;
            }
            self.rules.count_loss(from, to);
            total += wait;
            wait = (wait * 2).min(self.profile.retransmit_max);
        }
        total
    }

    /// Puts a datagram on its way, or loses it, or doubles it.
    pub fn datagram(
        &mut self,
        now: Time,
        from: NodeId,
        to: NodeId,
        message: Message,
        agenda: &mut Agenda<Entry>,
    ) {
        let class = message.class().hash();
        let (mut on_way, draws) = self.travel(now, from, to, class, message.size());
        if !self.rules.is_empty() {
            let fate = self.rules.fate(now, (from, to), class, true);
            let draws = draws.of_faults();
            let hit =
                |nth: u64, parts: u32| scale(draws.at(nth), u64::from(MILLION)) < u64::from(parts);
            if fate.dropped {
                return;
            }
            if hit(1, fate.loss) {
                self.rules.count_loss(from, to);
                return;
            }
            if fate.slow > 1 {
                on_way = on_way * u64::from(fate.slow);
            }
            on_way += fate.delay;
            if hit(2, fate.duplicate) {
                let link = self.link(from, to);
                let latency = self.profile.latency(self.links[link].is_across);
                let again = on_way + latency.at(draws.at(3));
                agenda.push(
                    now + again,
                    Entry::Datagram {
                        from,
                        to,
                        message: message.clone(),
                    },
                );
            }
        }
        agenda.push(now + on_way, Entry::Datagram { from, to, message });
    }

    /// Whether a cut stops a datagram that would arrive now.
    pub fn datagram_arrives(&mut self, from: NodeId, to: NodeId) -> bool {
        match self.rules.cut(from, to) {
            None => true,
            Some(fault) => {
                self.rules.count(fault);
                false
            }
        }
    }

    /// The way of a direction, none if the connection has ended.
    #[must_use]
    pub fn way(&self, connection: Connection, to_server: bool) -> Option<Way> {
        let state = self.get(connection)?;
        let (from, to) = state.direction(to_server);
        Some(Way {
            from,
            to,
            sender_open: state.receiver(!to_server).open,
            open: state.receiver(to_server).open,
            waits: !state.stalled[usize::from(to_server)].is_empty(),
        })
    }

    /// Whether an item that has come to the end of its way has to wait for a heal, or for those that do.
    pub fn must_wait(&mut self, way: Way) -> bool {
        let cut = if self.rules.is_empty() {
            None
        } else {
            self.rules.cut(way.from, way.to)
        };
        if let Some(fault) = cut {
            self.rules.count(fault);
        }
        way.waits || cut.is_some()
    }

    /// Keeps an item until a heal.
    pub fn stall(&mut self, now: Time, connection: Connection, to_server: bool, item: Item) {
        let Some(state) = self.get_mut(connection) else {
            return;
        };
        let dir = usize::from(to_server);
        let is_first = state.stalled[dir].is_empty();
        state.stalled[dir].push_back(item);
        if is_first {
            state.stalled_since[dir] = now;
            self.stalled.push((connection, to_server));
        }
    }

    /// A fault has ended: connections that can go on do so at their next retransmission.
    pub fn resume_after_heal(&mut self, now: Time, agenda: &mut Agenda<Entry>) {
        let waiting = std::mem::take(&mut self.stalled);
        for (connection, to_server) in waiting {
            let Some(state) = self.get(connection) else {
                continue;
            };
            let (from, to) = state.direction(to_server);
            if self.rules.cut(from, to).is_some() {
                self.stalled.push((connection, to_server));
                continue;
            }
            let mut at = state.stalled_since[usize::from(to_server)];
            let mut wait = self.profile.retransmit;
            while at < now {
                at += wait;
                wait = (wait * 2).min(self.profile.retransmit_max);
            }
            agenda.push(
                at,
                Entry::Resume {
                    connection,
                    to_server,
                },
            );
        }
    }

    /// A retransmission goes through, unless the way is cut again: what waited arrives, in order.
    pub fn resume(&mut self, connection: Connection, to_server: bool) -> VecDeque<Item> {
        let Some(state) = self.get(connection) else {
            return VecDeque::new();
        };
        let (from, to) = state.direction(to_server);
        if self.rules.cut(from, to).is_some() {
            self.stalled.push((connection, to_server));
            return VecDeque::new();
        }
        let dir = usize::from(to_server);
        self.get_mut(connection)
            .map_or_else(VecDeque::new, |state| {
                std::mem::take(&mut state.stalled[dir])
            })
    }

    /// A fault resets a connection: both ends learn it.
    pub fn reset(&mut self, now: Time, connection: Connection, agenda: &mut Agenda<Entry>) {
        for to_server in [true, false] {
            self.send(
                now,
                connection,
                to_server,
                Item::Fin(CloseReason::Reset),
                agenda,
            );
        }
    }

    /// One end is done; when both are, the number is free again. Gives back whether it is.
    pub fn close_end(&mut self, connection: Connection, server: bool) -> bool {
        let Some(state) = self.get_mut(connection) else {
            return false;
        };
        if server {
            state.server.open = false;
            state.accepted = true;
        } else {
            state.client.open = false;
        }
        let over = !state.client.open && !state.server.open && state.accepted;
        if over {
            self.connections[connection.slot as usize] = None;
            self.slots.give_back(connection);
        }
        over
    }
}

impl ConnectionState {
    /// From and to whom packets of a direction go.
    #[must_use]
    pub const fn direction(&self, to_server: bool) -> (NodeId, NodeId) {
        if to_server {
            (self.client.node, self.server.node)
        } else {
            (self.server.node, self.client.node)
        }
    }

    /// The end at which packets of a direction arrive.
    #[must_use]
    pub const fn receiver(&self, to_server: bool) -> End {
        if to_server { self.server } else { self.client }
    }
}
