//! Claims about one replica, step by step: rules K1 to K7 and K13.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the effects that it speaks of"
)]

mod append;
mod following;
mod in_sync;
mod producers;
mod retention;

use crate::actor::{Connection, Effect};
use crate::broker::log::config::{LogConfig, LogFlaw};
use crate::broker::log::controller::{Image, PartitionImage};
use crate::broker::log::desk::{Answer, Desk, Settings};
use crate::broker::log::layout::Layout;
use crate::broker::log::partition_log::PartitionLog;
use crate::broker::log::replica::Replica;
use crate::broker::log::storage::Found;
use crate::event::{Batch, Event, EventId, Producer};
use crate::id::{CallId, Epoch, NodeId, Offset, Partition, ProducerId, TopicId};
use crate::message::log::{Acks, BrokerSet, Publish, Published};
use crate::message::{Message, Refusal, Reply};
use crate::test_rig::Rig;
use crate::time::{Time, Wall};
use std::sync::Arc;

const PARTITION: Partition = Partition {
    topic: TopicId(0),
    index: 0,
};
const CLIENT: Connection = Connection {
    slot: 9,
    generation: 0,
};

/// The replica of node 0 in a broker of three, with its desk.
struct Bench {
    rig: Rig,
    desk: Desk,
    replica: Replica,
    calls: u64,
    writes: u64,
}

fn set(members: &[u16]) -> BrokerSet {
    members
        .iter()
        .fold(BrokerSet::EMPTY, |set, index| set.with(*index))
}

fn state(leader: u16, epoch: u32, version: u32, isr: &[u16]) -> PartitionImage {
    PartitionImage {
        leader: Some(leader),
        epoch: Epoch(epoch),
        version,
        isr: set(isr),
        elr: BrokerSet::EMPTY,
    }
}

fn batch(first: u64, events: u64, producer: Option<Producer>, created: i64) -> Arc<Batch> {
    let events: Vec<Event> = (first..first + events)
        .map(|number| Event {
            id: EventId { source: 0, number },
            key: number,
            event_time: 0,
            due: Time::ZERO,
            value: 0,
            size: 39,
            kind: 0,
            label: 0,
        })
        .collect();
    Arc::new(Batch::of_events(events.into(), producer, Wall(created)))
}

fn from(id: u64, epoch: u16, sequence: u64) -> Option<Producer> {
    Some(Producer {
        id: ProducerId(id),
        epoch,
        sequence,
    })
}

impl Bench {
    fn with(config: LogConfig) -> Bench {
        let mut rig = Rig::new(NodeId(0));
        let image = Image::new(&config, 3);
        let desk = Desk::new(Settings::new(&config, 0), Layout::new(&config), &image);
        let mut log = None;
        rig.with(|cx| {
            let settings = desk.settings.log;
            log = Some(PartitionLog::recover(
                cx,
                PARTITION,
                Found::default(),
                settings,
            ));
        });
        Bench {
            replica: Replica::new(0, set(&[0, 1, 2]), log.unwrap(), Offset(0)),
            rig,
            desk,
            calls: 0,
            writes: 0,
        }
    }

    fn flawed(flaws: &[LogFlaw]) -> Bench {
        Bench::with(LogConfig {
            flaws: flaws.to_vec(),
            ..LogConfig::default()
        })
    }

    /// The leader in epoch 1 with everybody in sync.
    fn leading() -> Bench {
        Bench::flawed(&[]).leads()
    }

    fn leads(mut self) -> Bench {
        self.apply(state(0, 1, 1, &[0, 1, 2]));
        self
    }

    fn apply(&mut self, state: PartitionImage) -> Vec<Effect> {
        let (replica, desk) = (&mut self.replica, &mut self.desk);
        self.rig.with(|cx| replica.apply(cx, desk, state))
    }

    fn publish(&mut self, acks: Acks, batch: &Arc<Batch>) -> Vec<Effect> {
        let publish = Publish {
            partition: PARTITION,
            acks,
            batch: batch.clone(),
        };
        let answer = match acks {
            Acks::None => Answer::Nobody,
            Acks::Leader | Acks::All => Answer::Client(CLIENT, CallId(self.calls)),
        };
        self.calls += 1;
        let (replica, desk) = (&mut self.replica, &mut self.desk);
        self.rig
            .with(|cx| replica.publish(cx, desk, answer, publish))
    }

    /// The disk has done the next append.
    fn wrote(&mut self) -> Vec<Effect> {
        let number = (u64::from(self.desk.settings.log.life) << 40) + self.writes;
        self.writes += 1;
        let (replica, desk) = (&mut self.replica, &mut self.desk);
        self.rig.with(|cx| replica.wrote(cx, desk, number))
    }

    /// Appends with acks=1, and the disk has it.
    fn store(&mut self, batch: &Arc<Batch>) {
        self.publish(Acks::Leader, batch);
        self.wrote();
    }

    /// The follower at `index` has everything below `position`.
    fn follower_at(&mut self, index: u16, position: u64) -> Vec<Effect> {
        let (replica, desk) = (&mut self.replica, &mut self.desk);
        self.rig
            .with(|cx| replica.follower_at(cx, desk, index, Offset(position)))
    }

    fn end(&self) -> u64 {
        self.replica.log.end().0
    }

    fn high_watermark(&self) -> u64 {
        self.replica.high_watermark.0
    }
}

/// What clients were told, in order.
fn told(effects: &[Effect]) -> Vec<Result<u64, Refusal>> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send {
                message: Message::Reply { reply, .. },
                ..
            } => Some(reply),
            _ => None,
        })
        .filter_map(|reply| match reply {
            Reply::Published(Published { base, .. }) => Some(Ok(base.0)),
            Reply::Refused(refusal) => Some(Err(*refusal)),
            _ => None,
        })
        .collect()
}

/// The points that were passed, in order.
fn points(effects: &[Effect]) -> Vec<&'static str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Point(point) => Some(point.name()),
            _ => None,
        })
        .collect()
}
