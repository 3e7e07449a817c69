//! What the roles of a broker leave for each other within a step, and the settings they share. A role that
//! finds news for somebody else puts a note here; the node works through the notes at the end of the step.

use crate::actor::{Connection, Context};
use crate::broker::log::config::{FirstSequence, LogConfig, LogFlaw, Truncation};
use crate::broker::log::controller::{BrokerImage, Image};
use crate::broker::log::layout::Layout;
use crate::broker::log::partition_log::LogSettings;
use crate::broker::log::serve::Session;
use crate::id::{CallId, Offset, Partition};
use crate::message::log::Published;
use crate::message::{Refusal, Reply};
use crate::time::Span;

/// A broker's settings, resolved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// This node's index.
    pub index: u16,
    /// In-sync replicas below which acks=all is refused and the high watermark stands.
    pub min_isr: u32,
    /// What a follower cuts its log to.
    pub truncation: Truncation,
    /// Which sequence an unwritten partition takes.
    pub first_sequence: FirstSequence,
    /// How long a follower may lag.
    pub lag_max: Span,
    /// How long a follower's fetch waits.
    pub fetch_wait: Span,
    /// How partitions use the disk.
    pub log: LogSettings,
    /// The age at which segments are deleted.
    pub retention: Span,
    /// The size of a partition above which segments are deleted.
    pub retention_bytes: Option<u64>,
    flaws: u16,
}

impl Settings {
    /// The settings of the node at `index`.
    pub fn new(config: &LogConfig, index: u16) -> Settings {
        let flaws = config.flaws.iter().fold(0, |set, flaw| set | bit(*flaw));
        let early = flaws & bit(LogFlaw::EarlyRetention) != 0;
        let divisor = if early { 2 } else { 1 };
        Settings {
            index,
            min_isr: u32::from(config.min_insync_replicas.min(config.replication_factor)),
            truncation: config.follower_truncation,
            first_sequence: config.first_sequence,
            lag_max: config.replica_lag_time_max,
            fetch_wait: config.replica_fetch_wait_max,
            log: LogSettings {
                roll_at: config.log_segment_bytes.0,
                flush_interval: config.flush_interval_batches,
                life: 0,
                lies: flaws & bit(LogFlaw::LieInFacts) != 0,
            },
            retention: Span(config.log_retention.0 / divisor),
            retention_bytes: config.log_retention_bytes.map(|size| size.0 / divisor),
            flaws,
        }
    }

    /// Whether a flaw is planted.
    pub const fn has(&self, flaw: LogFlaw) -> bool {
        self.flaws & bit(flaw) != 0
    }

    /// How long a follower waits before it asks again where it was refused. Kafka's
    /// `replica.fetch.backoff.ms` (1 s) is no setting here; a fifth of the fetch wait scales with it.
    pub const fn fetch_backoff(&self) -> Span {
        Span(self.fetch_wait.0 / 5)
    }
}

const fn bit(flaw: LogFlaw) -> u16 {
    1 << flaw as u16
}

/// Whom an append is answered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A client.
    Client(Connection, CallId),
    /// The group coordinator of this node, by its own number.
    Own(u64),
    /// Nobody (acks=0).
    Nobody,
}

/// Notes from one role to another.
#[derive(Debug)]
pub(super) struct Desk {
    /// The settings.
    pub settings: Settings,
    layout: Layout,
    /// The fetch sessions of the followers, by index.
    pub sessions: Vec<Session>,
    /// The brokers as this node's metadata has them, by index.
    pub brokers: Vec<BrokerImage>,
    /// Followers whose parked fetch has data.
    pub woken_sessions: u64,
    /// Parked polls of consumers that may be complete.
    pub woken_polls: Vec<u64>,
    /// Slots whose leader wants another in-sync set.
    pub wishes: Vec<u32>,
    /// Slots that have a new leader to follow.
    pub to_follow: Vec<u32>,
    /// Answers to the group coordinator of this node.
    pub own_answers: Vec<(u64, Result<Offset, Refusal>)>,
}

impl Desk {
    /// An empty desk.
    pub fn new(settings: Settings, layout: Layout, image: &Image) -> Desk {
        let nodes = image.nodes();
        Desk {
            settings,
            layout,
            sessions: (0..nodes).map(|_| Session::default()).collect(),
            brokers: (0..nodes).map(|index| image.broker(index)).collect(),
            woken_sessions: 0,
            woken_polls: Vec::new(),
            wishes: Vec::new(),
            to_follow: Vec::new(),
            own_answers: Vec::new(),
        }
    }

    /// Where partitions live.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Where `partition` lives.
    pub fn slot(&self, partition: Partition) -> Option<usize> {
        self.layout.slot(partition)
    }

    /// Takes over what the metadata log says about a broker.
    pub fn note_broker(&mut self, image: &Image, index: u16) {
        self.brokers[usize::from(index)] = image.broker(index);
    }

    /// Tells a publisher what became of its batch.
    pub fn answer(
        &mut self,
        cx: &mut Context<'_>,
        answer: Answer,
        result: Result<Published, Refusal>,
    ) {
        match answer {
            Answer::Client(connection, call) => {
                let reply = match result {
                    Ok(published) => Reply::Published(published),
                    Err(refusal) => Reply::Refused(refusal),
                };
                cx.reply(connection, call, reply);
            }
            Answer::Own(number) => {
                let outcome = result.map(|published| published.base);
                self.own_answers.push((number, outcome));
            }
            Answer::Nobody => {}
        }
    }
}
