//! For step tests: a queue or fan-out broker with a disk, whose clients are played by the test.

use crate::actor::{Actor, CloseReason, Connection, Effect, Input, Origin};
use crate::disk::{DiskDone, DiskError, DiskOp, DiskRecord, DiskReply, DiskVerb, FileId};
use crate::event::{Batch, Event, EventId};
use crate::history::Fact;
use crate::id::{CallId, GroupId, NodeId, Partition, TimerId, TopicId};
use crate::message::log::{Acks, Publish};
use crate::message::queue::{Delivery, Receive, Settle, Tag, Verb};
use crate::message::{Message, Reply, Request};
use crate::test_rig::Rig;
use crate::time::{Span, Time, Wall};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub(crate) const GROUP: GroupId = GroupId(4);

pub(crate) struct Stage {
    pub(crate) rig: Rig,
    pub(crate) actor: Box<dyn Actor>,
    make: Box<dyn Fn() -> Box<dyn Actor>>,
    /// Records and how many of them are synced.
    files: BTreeMap<FileId, (Vec<DiskRecord>, usize)>,
    ops: VecDeque<DiskOp>,
    /// Whether operations wait for `run_disk`.
    pub(crate) is_disk_slow: bool,
    pub(crate) fails: Option<DiskError>,
    pub(crate) syncs: u32,
    pub(crate) rewrites: u32,
    pub(crate) replies: BTreeMap<CallId, Reply>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) points: Vec<&'static str>,
    timers: BTreeMap<TimerId, crate::time::Mono>,
    next_call: u64,
}

pub(crate) const fn connection(slot: u32) -> Connection {
    Connection {
        slot,
        generation: 0,
    }
}

impl Stage {
    pub(crate) fn new(make: impl Fn() -> Box<dyn Actor> + 'static) -> Stage {
        let mut stage = Stage {
            rig: Rig::new(NodeId(0)),
            actor: make(),
            make: Box::new(make),
            files: BTreeMap::new(),
            ops: VecDeque::new(),
            is_disk_slow: false,
            fails: None,
            syncs: 0,
            rewrites: 0,
            replies: BTreeMap::new(),
            facts: Vec::new(),
            points: Vec::new(),
            timers: BTreeMap::new(),
            next_call: 0,
        };
        stage.step(Input::Start);
        stage
    }

    pub(crate) fn step(&mut self, input: Input) {
        let effects = self.rig.step(self.actor.as_mut(), input);
        for effect in effects {
            match effect {
                Effect::Send {
                    message: Message::Reply { call, reply },
                    ..
                } => {
                    let twice = self.replies.insert(call, reply);
                    assert!(twice.is_none(), "{call:?} was answered twice");
                }
                Effect::Disk(op) => self.ops.push_back(op),
                Effect::Observe(fact) => self.facts.push(fact),
                Effect::Point(point) => self.points.push(point.name()),
                Effect::Arm { timer, at } => {
                    self.timers.insert(timer, at);
                }
                Effect::Disarm(timer) => {
                    self.timers.remove(&timer);
                }
                Effect::Connect { .. }
                | Effect::Send { .. }
                | Effect::Datagram { .. }
                | Effect::Close(_) => panic!("a broker does no such thing: {effect:?}"),
            }
        }
        if !self.is_disk_slow {
            self.run_disk();
        }
    }

    pub(crate) fn run_disk(&mut self) {
        while let Some(op) = self.ops.pop_front() {
            self.run_op(op);
        }
    }

    fn run_op(&mut self, op: DiskOp) {
        let (records, synced) = self.files.entry(op.file).or_default();
        let writes = matches!(
            op.verb,
            DiskVerb::Append(_) | DiskVerb::Replace(_) | DiskVerb::Sync
        );
        let outcome = match self.fails {
            Some(error) if writes => Err(error),
            Some(_) | None => Ok(match op.verb {
                DiskVerb::Append(new) => {
                    records.extend(new);
                    DiskDone::Done
                }
                DiskVerb::Sync => {
                    self.syncs += 1;
                    *synced = records.len();
                    DiskDone::Done
                }
                DiskVerb::Truncate { records: keep } => {
                    records.truncate(keep as usize);
                    DiskDone::Done
                }
                DiskVerb::Replace(new) => {
                    self.rewrites += 1;
                    (*records, *synced) = (new, 0);
                    DiskDone::Done
                }
                DiskVerb::Scan => DiskDone::Scanned(records.clone()),
                DiskVerb::Delete | DiskVerb::List => panic!("{op:?}"),
            }),
        };
        if outcome.is_ok() {
            self.facts.extend(op.fact);
        }
        self.step(Input::Disk(DiskReply {
            file: op.file,
            token: op.token,
            outcome,
        }));
    }

    /// A process crash, or a power loss that takes what is not synced, and a boot.
    pub(crate) fn crash(&mut self, is_power_lost: bool) {
        self.ops.clear();
        self.timers.clear();
        if is_power_lost {
            for (records, synced) in self.files.values_mut() {
                records.truncate(*synced);
            }
        }
        self.actor = (self.make)();
        self.rig.reboot();
        self.step(Input::Start);
    }

    /// Lets time pass, with timers on the way.
    pub(crate) fn wait(&mut self, span: Span) {
        let end = self.rig.now + span;
        while let Some((timer, at)) = self
            .timers
            .iter()
            .map(|(timer, at)| (*timer, *at))
            .min_by_key(|(_, at)| *at)
            && at <= end
        {
            self.rig.now = self.rig.now.max(at);
            self.timers.remove(&timer);
            self.step(Input::Timer(timer));
        }
        self.rig.now = end;
    }

    pub(crate) fn ask_on(&mut self, slot: u32, request: Request) -> CallId {
        let call = CallId(self.next_call);
        self.next_call += 1;
        self.step(Input::Message {
            origin: Origin::Connection(connection(slot)),
            peer: NodeId(9),
            message: Message::Request { call, request },
        });
        call
    }

    pub(crate) fn disconnect(&mut self, slot: u32) {
        self.step(Input::Closed {
            connection: connection(slot),
            peer: NodeId(9),
            reason: CloseReason::Reset,
        });
    }

    /// Publishes the events with these numbers in one batch.
    pub(crate) fn publish(&mut self, numbers: std::ops::Range<u64>) -> CallId {
        let events: Arc<[Event]> = numbers.map(event).collect();
        let batch = Arc::new(Batch::of_events(events, None, Wall(0)));
        let partition = Partition::default();
        let acks = Acks::All;
        self.ask_on(
            0,
            Request::Publish(Publish {
                partition,
                acks,
                batch,
            }),
        )
    }

    pub(crate) fn receive_on(&mut self, slot: u32, group: GroupId, max: u16) -> CallId {
        let topic = TopicId(0);
        let max_wait = Span::secs(20);
        self.ask_on(
            slot,
            Request::Receive(Receive {
                topic,
                group,
                max,
                max_wait,
            }),
        )
    }

    /// What there is to receive, at once.
    pub(crate) fn receive(&mut self, group: GroupId, max: u16) -> Vec<Delivery> {
        let call = self.receive_on(1, group, max);
        let deliveries = self.received(call).unwrap_or_default();
        self.disconnect(1);
        deliveries
    }

    pub(crate) fn received(&self, call: CallId) -> Option<Vec<Delivery>> {
        let reply = self.replies.get(&call)?;
        let Reply::Received(received) = reply else {
            panic!("a receive was answered {reply:?}");
        };
        Some(received.deliveries.clone())
    }

    /// Settles and gives back how many tags were stale.
    pub(crate) fn settle(&mut self, group: GroupId, verb: Verb, tags: &[Tag]) -> u32 {
        let settle = Settle {
            topic: TopicId(0),
            group,
            verb,
            tags: tags.into(),
        };
        let call = self.ask_on(1, Request::Settle(Arc::new(settle)));
        match self.replies.get(&call) {
            Some(Reply::Settled { stale }) => *stale,
            other => panic!("a settle was answered {other:?}"),
        }
    }

    pub(crate) fn is_acknowledged(&self, call: CallId) -> bool {
        matches!(self.replies.get(&call), Some(Reply::Published(_)))
    }

    /// Numbers of the events that facts say were dead-lettered.
    pub(crate) fn dead_letters(&self) -> Vec<u64> {
        let mut dead = Vec::new();
        for fact in &self.facts {
            if let Fact::DeadLettered { events, .. } = fact {
                dead.extend(events.iter().map(|event| event.id.number));
            }
        }
        dead
    }

    /// Records of all files.
    pub(crate) fn records(&self) -> usize {
        self.files.values().map(|(records, _)| records.len()).sum()
    }
}

pub(crate) fn numbers(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries
        .iter()
        .map(|delivery| delivery.event.id.number)
        .collect()
}

pub(crate) fn tags(deliveries: &[Delivery]) -> Vec<Tag> {
    deliveries.iter().map(|delivery| delivery.tag).collect()
}

pub(crate) fn event(number: u64) -> Event {
    Event {
        id: EventId { source: 0, number },
        key: number,
        event_time: 0,
        due: Time(0),
        value: 1,
        size: 100,
        kind: 0,
        label: 0,
    }
}
