//! What a broker says to its controller and has from it: its registration and heartbeats (KIP-631), the
//! wishes of its leaders (KIP-497), and blocks of producer ids (KIP-98).
//!
//! A broker acts on the metadata log only once it has been registered in this boot and has applied its own
//! registration; an office that was given before that belonged to the boot before.

use crate::actor::{Connection, Context};
use crate::broker::log::desk::Desk;
use crate::broker::log::isr;
use crate::broker::log::replica::Replica;
use crate::call::Calls;
use crate::id::{CallId, NodeId, ProducerId, TimerId};
use crate::message::log::BrokerHeartbeat;
use crate::message::{Refusal, Reply, Request};
use crate::part::Cluster;
use crate::time::Span;

/// The space of timers of these calls.
pub(super) const REGISTRAR_SPACE: u8 = 1;

#[derive(Clone, Copy, Debug)]
enum Ask {
    Heartbeat,
    Isr { slot: u32, version: u32 },
    Producers,
}

/// Producer ids to hand out.
#[derive(Debug, Default)]
struct Block {
    next: u64,
    end: u64,
    asked: bool,
    /// Clients that wait for one.
    waiting: Vec<(Connection, CallId)>,
}

/// A broker's dealings with the controller.
#[derive(Debug)]
pub(super) struct Registrar {
    cluster: Cluster,
    index: u16,
    interval: Span,
    calls: Calls<Ask>,
    /// The epoch of the registration in this boot, 0 before it.
    pub broker_epoch: u64,
    /// Who leads the controller, as far as this node knows.
    pub controller: Option<u16>,
    block: Block,
    /// Slots whose wish could not be brought to the controller.
    unheard: Vec<u32>,
}

impl Registrar {
    /// A broker that is not registered.
    pub const fn new(cluster: Cluster, index: u16, interval: Span) -> Registrar {
        Registrar {
            cluster,
            index,
            interval,
            calls: Calls::new(REGISTRAR_SPACE),
            broker_epoch: 0,
            controller: None,
            block: Block {
                next: 0,
                end: 0,
                asked: false,
                waiting: Vec::new(),
            },
            unheard: Vec::new(),
        }
    }

    fn ask(&mut self, cx: &mut Context<'_>, request: Request, memory: Ask) -> bool {
        let Some(controller) = self.controller else {
            return false;
        };
        let peer = self.cluster.node(controller);
        // A silent controller is asked again at the next heartbeat but one.
        let within = self.interval * 2;
        self.calls.ask(cx, peer, request, within, memory);
        true
    }

    /// Says that this broker lives, and asks again for what was not heard.
    pub fn heartbeat(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
        replicas: &[Option<Replica>],
        applied: u64,
    ) {
        let beat = BrokerHeartbeat {
            index: self.index,
            incarnation: cx.incarnation(),
            broker_epoch: self.broker_epoch,
            applied,
        };
        let beating = self
            .calls
            .iter()
            .any(|(_, _, ask)| matches!(ask, Ask::Heartbeat));
        if !beating {
            self.ask(cx, Request::BrokerHeartbeat(beat), Ask::Heartbeat);
        }
        desk.wishes.append(&mut self.unheard);
        self.send_wishes(cx, desk, replicas);
        if !self.block.waiting.is_empty() {
            self.allocate(cx);
        }
    }

    /// Brings the leaders' wishes to the controller.
    pub fn send_wishes(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
        replicas: &[Option<Replica>],
    ) {
        for slot in std::mem::take(&mut desk.wishes) {
            let wish = replicas[slot as usize]
                .as_ref()
                .and_then(|replica| replica.wish(self.broker_epoch));
            if let Some(wish) = wish {
                let version = wish.partition_epoch;
                let memory = Ask::Isr { slot, version };
                if !self.ask(cx, Request::AlterIsr(wish), memory) {
                    self.unheard.push(slot);
                }
            }
        }
    }

    /// A client wants a producer id.
    pub fn init_producer(&mut self, cx: &mut Context<'_>, connection: Connection, call: CallId) {
        self.block.waiting.push((connection, call));
        self.hand_out(cx);
        if !self.block.waiting.is_empty() {
            self.allocate(cx);
        }
    }

    fn allocate(&mut self, cx: &mut Context<'_>) {
        if !self.block.asked {
            self.block.asked = self.ask(cx, Request::AllocateProducers, Ask::Producers);
        }
    }

    fn hand_out(&mut self, cx: &mut Context<'_>) {
        let free = (self.block.end - self.block.next) as usize;
        let served = free.min(self.block.waiting.len());
        for (connection, call) in self.block.waiting.drain(..served) {
            let id = ProducerId(self.block.next);
            self.block.next += 1;
            cx.reply(connection, call, Reply::ProducerAssigned { id, epoch: 0 });
        }
    }

    /// An answer of the controller; false if it was none to these calls. A new registration is told by the
    /// value of `broker_epoch`.
    pub fn answered(
        &mut self,
        cx: &mut Context<'_>,
        replicas: &mut [Option<Replica>],
        call: CallId,
        reply: &Reply,
    ) -> bool {
        let Some(ask) = self.calls.answered(cx, call) else {
            return false;
        };
        let refusal = refusal_of(reply);
        if refusal == Some(Refusal::NotController) {
            self.controller = None;
        }
        match ask {
            Ask::Heartbeat => self.beaten(reply),
            Ask::Isr { slot, version } => {
                if let Some(refusal) = refusal {
                    self.wish_refused(replicas, slot, version, Some(refusal));
                }
            }
            Ask::Producers => {
                self.block.asked = false;
                if let Reply::Producers { first, count } = reply {
                    self.block.next = *first;
                    self.block.end = *first + u64::from(*count);
                    self.hand_out(cx);
                }
            }
        }
        true
    }

    const fn beaten(&mut self, reply: &Reply) {
        if let Reply::BrokerAlive { broker_epoch, .. } = reply {
            if self.broker_epoch == 0 {
                self.broker_epoch = *broker_epoch;
            }
        } else if let Reply::Refused(Refusal::StaleBrokerEpoch) = reply {
            // The controller knows another boot, or none: register anew.
            self.broker_epoch = 0;
        }
    }

    fn wish_refused(
        &mut self,
        replicas: &mut [Option<Replica>],
        slot: u32,
        version: u32,
        refusal: Option<Refusal>,
    ) {
        let again = replicas[slot as usize]
            .as_mut()
            .is_some_and(|replica| replica.wish_refused(version, refusal));
        if again {
            self.unheard.push(slot);
        }
    }

    /// A connection has ended.
    pub fn closed(
        &mut self,
        cx: &mut Context<'_>,
        replicas: &mut [Option<Replica>],
        connection: Connection,
    ) {
        let ended = self.calls.closed(cx, connection);
        self.ended(replicas, ended);
        self.block
            .waiting
            .retain(|(waiting, _)| *waiting != connection);
    }

    /// A timer of these calls has run out.
    pub fn expired(
        &mut self,
        cx: &mut Context<'_>,
        replicas: &mut [Option<Replica>],
        timer: TimerId,
    ) {
        let ended = self.calls.expired(cx, timer);
        self.ended(replicas, ended);
    }

    fn ended(&mut self, replicas: &mut [Option<Replica>], ended: Vec<(CallId, NodeId, Ask)>) {
        for (_, _, ask) in ended {
            match ask {
                Ask::Heartbeat => {}
                Ask::Isr { slot, version } => self.wish_refused(replicas, slot, version, None),
                Ask::Producers => self.block.asked = false,
            }
        }
    }
}

const fn refusal_of(reply: &Reply) -> Option<Refusal> {
    if let Reply::Refused(refusal) = reply {
        Some(*refusal)
    } else {
        None
    }
}

/// How often followers are looked after.
pub(super) const fn isr_interval(desk: &Desk) -> Span {
    isr::check_interval(desk.settings.lag_max)
}
