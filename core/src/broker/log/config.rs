//! Settings of a log broker and of its clients, under the names Kafka gives them (underscored). Defaults
//! are those of Apache Kafka 4.0 unless a comment says otherwise; sources: `KafkaConfig`,
//! `ProducerConfig`, `ConsumerConfig` and `QuorumConfig` of its code.

use crate::message::log::Acks;
use crate::time::Span;
use crate::units::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A log broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Broker nodes; the first three (or the only one) are the controller's voters too. At most 64.
    pub nodes: u16,
    /// The topics by name.
    pub topics: BTreeMap<String, LogTopic>,
    /// Replicas of each partition; not above `nodes`. Kafka's default is 1; here 3, since a log on one node
    /// is seldom the question.
    pub replication_factor: u16,
    /// In-sync replicas below which acks=all is refused and the high watermark stands (K1, K6). Kafka's
    /// default is 1; here 2 for the same reason.
    pub min_insync_replicas: u16,
    /// Whether a replica that may lack committed records leads when nobody complete is alive (K4): the log is
    /// served on, and what the new leader lacks is lost. Off, as in Kafka since 0.11.
    pub unclean_leader_election_enable: bool,
    /// Whether a replica that has booted anew still counts as complete (K6).
    pub restarted_replica: RestartedReplica,
    /// What a follower cuts its log to when it begins to follow (K5).
    pub follower_truncation: Truncation,
    /// Which sequence a partition that has never held a record takes from a producer that it does not know (K7).
    pub first_sequence: FirstSequence,
    /// A follower that has not caught up for this long leaves the in-sync set (K3).
    pub replica_lag_time_max: Span,
    /// How long a follower's fetch waits for data.
    pub replica_fetch_wait_max: Span,
    /// Sync after so many batches before answering; 0 leaves it to the operating system, as Kafka does
    /// (`log.flush.interval.messages` = Long.MAX).
    pub flush_interval_batches: u32,
    /// Segments older than this by record time are deleted (K13).
    pub log_retention: Span,
    /// The oldest segments are deleted while a partition is larger than this; none is no bound.
    pub log_retention_bytes: Option<Size>,
    /// How often retention is looked after.
    pub log_retention_check_interval: Span,
    /// A segment is rolled at this size.
    pub log_segment_bytes: Size,
    /// A broker's heartbeat to the controller (KRaft).
    pub broker_heartbeat_interval: Span,
    /// A broker that has not been heard for this long is fenced (KRaft).
    pub broker_session_timeout: Span,
    /// A controller that has heard no leader for this long stands for election.
    pub quorum_fetch_timeout: Span,
    /// The width of the random addition to `quorum_fetch_timeout` and the wait for votes.
    pub quorum_election_timeout: Span,
    /// How long a group waits for members before its first assignment.
    pub group_initial_rebalance_delay: Span,
    /// Partitions of the internal topic that keeps committed offsets. Kafka's default is 50; here 1, since
    /// a scenario has few groups.
    pub offsets_partitions: u16,
    /// Settings of its publishers.
    pub producer: ProducerConfig,
    /// Settings of its consumers.
    pub consumer: ConsumerConfig,
    /// Planted flaws, for testing the checks.
    pub flaws: Vec<LogFlaw>,
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig {
            nodes: 3,
            topics: BTreeMap::new(),
            replication_factor: 3,
            min_insync_replicas: 2,
            unclean_leader_election_enable: false,
            restarted_replica: RestartedReplica::Resyncs,
            follower_truncation: Truncation::Epoch,
            first_sequence: FirstSequence::Zero,
            replica_lag_time_max: Span::secs(30),
            replica_fetch_wait_max: Span::millis(500),
            flush_interval_batches: 0,
            log_retention: Span::secs(7 * 86_400),
            log_retention_bytes: None,
            log_retention_check_interval: Span::secs(300),
            log_segment_bytes: Size(1 << 30),
            broker_heartbeat_interval: Span::secs(2),
            broker_session_timeout: Span::secs(9),
            quorum_fetch_timeout: Span::secs(2),
            quorum_election_timeout: Span::secs(1),
            group_initial_rebalance_delay: Span::secs(3),
            offsets_partitions: 1,
            producer: ProducerConfig::default(),
            consumer: ConsumerConfig::default(),
            flaws: Vec::new(),
        }
    }
}

/// Whether a replica that has booted anew still counts as complete. Kafka has no such setting: it is the generation of
/// its controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestartedReplica {
    /// It leaves the in-sync and the eligible set and enters when it has caught up: Kafka with KRaft (KIP-631,
    /// KIP-966).
    #[default]
    Resyncs,
    /// It stays in both and may lead with what its disk still holds: Kafka under ZooKeeper, where it was back within
    /// its session; JetStream of NATS 2.12.1, where a damaged replica goes on as a full member.
    Stays,
}

/// What a follower cuts its log to when it begins to follow. Kafka has no such setting: it is the generation of its
/// replication protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Truncation {
    /// Where its log and the leader's part, by leader epochs: Kafka since 0.11 (KIP-101), in the form of KIP-279.
    #[default]
    Epoch,
    /// Its own high watermark, which it learns a fetch later than the leader: Kafka before 0.11. Committed records
    /// are cut, and lost if it leads before it has fetched them again.
    HighWatermark,
}

/// Which sequence a partition that has never held a record takes first. Kafka has no such setting: it is the
/// generation of its brokers. A partition that has held records takes any in both, since what it knew of the producer
/// may have expired (KIP-360).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirstSequence {
    /// The first one alone: Kafka since 4.5 (KAFKA-15591).
    #[default]
    Zero,
    /// Any: Kafka 2.5 to 4.4. If the producer's first request fails and its second is taken, the first is refused
    /// for good, and comes to lie behind the second under a new epoch.
    Any,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogTopic {
    /// How many partitions.
    pub partitions: u16,
    /// How many it has after the fault `expand-partitions`: keys then belong to other partitions than before (K14).
    /// None never expands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expands_to: Option<u16>,
}

impl LogTopic {
    /// A topic that never expands.
    #[must_use]
    pub const fn of(partitions: u16) -> LogTopic {
        LogTopic {
            partitions,
            expands_to: None,
        }
    }

    /// How many partitions it may come to have.
    #[must_use]
    pub fn most(&self) -> u16 {
        self.expands_to.unwrap_or(self.partitions)
    }
}

/// A publisher's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProducerConfig {
    /// When a publish is answered.
    pub acks: Acks,
    /// Whether batches carry a producer id and sequence (K7).
    pub enable_idempotence: bool,
    /// How long a batch waits for company (5 ms since 4.0, KIP-1030).
    pub linger: Span,
    /// A batch is closed at this size.
    pub batch_size: Size,
    /// A batch is closed at so many records; Kafka has no such bound.
    pub batch_records: u32,
    /// Requests open at once for each broker.
    pub max_in_flight: u16,
    /// How long an answer is waited for.
    pub request_timeout: Span,
    /// How long after it was handed over a record may be retried.
    pub delivery_timeout: Span,
    /// The wait before a retry, doubled each time up to `retry_backoff_max`.
    pub retry_backoff: Span,
    /// The longest wait before a retry.
    pub retry_backoff_max: Span,
    /// Bytes of records that may wait; beyond, the oldest-due records wait in the source, unsent.
    pub buffer_memory: Size,
    /// How long metadata is believed.
    pub metadata_max_age: Span,
}

impl Default for ProducerConfig {
    fn default() -> ProducerConfig {
        ProducerConfig {
            acks: Acks::All,
            enable_idempotence: true,
            linger: Span::millis(5),
            batch_size: Size(16_384),
            batch_records: u32::MAX,
            max_in_flight: 5,
            request_timeout: Span::secs(30),
            delivery_timeout: Span::secs(120),
            retry_backoff: Span::millis(100),
            retry_backoff_max: Span::secs(1),
            buffer_memory: Size(32 << 20),
            metadata_max_age: Span::secs(300),
        }
    }
}

/// Where a group starts if it has no committed position (K12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OffsetReset {
    /// At the oldest record. Kafka's default is `latest`; a scenario that loses its beginning by default
    /// would surprise.
    #[default]
    Earliest,
    /// At the newest.
    Latest,
}

/// Whether a member notices that the log was cut below its position. Kafka has no such setting: it is the generation of
/// its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TruncationDetection {
    /// It asks each new leader where the epoch that it read last ends there, and reads again from that place: Kafka
    /// since 2.1 (KIP-320).
    #[default]
    Epoch,
    /// It reads on at its position, whatever lies before that now: clients before 2.1. Where the log ends before the
    /// position, `auto_offset_reset` says where it goes on.
    None,
}

/// A consumer's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConsumerConfig {
    /// A member that has not been heard for this long leaves the group (K11).
    pub session_timeout: Span,
    /// How often a member is heard.
    pub heartbeat_interval: Span,
    /// A member that is busy with what it was given for this long leaves the group, although it is heard.
    pub max_poll_interval: Span,
    /// How long a fetch waits for `fetch_min_bytes`.
    pub fetch_max_wait: Span,
    /// Enough to answer a fetch at once.
    pub fetch_min_bytes: u32,
    /// At most this much of a partition in one fetch.
    pub max_partition_fetch_bytes: Size,
    /// Where to start without a committed position.
    pub auto_offset_reset: OffsetReset,
    /// Whether a member notices that the log was cut below its position.
    pub truncation_detection: TruncationDetection,
    /// How long metadata is believed: a member learns of new partitions when it asks anew.
    pub metadata_max_age: Span,
    /// How long an answer is waited for.
    pub request_timeout: Span,
    /// The wait before a retry.
    pub retry_backoff: Span,
}

impl Default for ConsumerConfig {
    fn default() -> ConsumerConfig {
        ConsumerConfig {
            session_timeout: Span::secs(45),
            heartbeat_interval: Span::secs(3),
            max_poll_interval: Span::secs(300),
            fetch_max_wait: Span::millis(500),
            fetch_min_bytes: 1,
            max_partition_fetch_bytes: Size(1 << 20),
            auto_offset_reset: OffsetReset::Earliest,
            truncation_detection: TruncationDetection::Epoch,
            metadata_max_age: Span::secs(300),
            request_timeout: Span::secs(30),
            retry_backoff: Span::millis(100),
        }
    }
}

/// Planted flaws of a log broker: each breaks one promise that one check watches.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LogFlaw {
    /// acks=all is answered when the leader has the batch: acknowledged loss.
    AckBeforeReplicate,
    /// A controller voter forgets its term and vote in a crash: two leaders in one epoch.
    ForgetVote,
    /// A follower keeps what it should truncate: logs diverge.
    SkipTruncation,
    /// Consumers read to the end of the log instead of the high watermark: what they saw may vanish.
    ReadUncommitted,
    /// The leader ignores sequences: a retried batch lies twice in the log.
    ForgetSequence,
    /// A restarted coordinator starts its groups from the offset after the committed one: a gap.
    SkipAfterCommit,
    /// Retention deletes a segment before its time.
    EarlyRetention,
    /// The facts claim batches at offsets that hold others.
    LieInFacts,
}
