//! A log broker and its clients.

use super::{Level, Linter, Rule};
use crate::spec::{BrokerSpec, SwarmKind, target};
use stormglass_core::broker::log::config::{
    FirstSequence, LogConfig, OffsetReset, ProducerConfig, RestartedReplica, Truncation,
    TruncationDetection,
};
use stormglass_core::fault::Target;
use stormglass_core::message::log::Acks;
use stormglass_core::time::Span;

impl<'a> Linter<'a> {
    pub(super) fn log(&mut self, name: &'a str, config: &LogConfig) {
        let path = |key: &str| format!("broker.{name}.{key}");
        self.producer(name, config, &config.producer);
        if config.min_insync_replicas < 2 {
            let level = if self.draws(SwarmKind::PowerLoss) {
                Level::Warning
            } else {
                Level::Note
            };
            self.add(
                Rule::MinInsync,
                level,
                &path("min_insync_replicas"),
                format!(
                    "`min_insync_replicas` is {}: when the other replicas lag, acks = \"all\" means the leader alone",
                    config.min_insync_replicas
                ),
                "choose 2 with three replicas: then a second copy exists, or the write is refused",
            );
        }
        if config.unclean_leader_election_enable {
            self.add(
                Rule::UncleanElection,
                Level::Warning,
                &path("unclean_leader_election_enable"),
                "a replica that lacks committed records leads when no complete one is alive: they are lost"
                    .to_owned(),
                "choose false: the partition waits for a complete replica",
            );
        }
        if config.restarted_replica == RestartedReplica::Stays {
            self.add(
                Rule::RestartedReplica,
                Level::Warning,
                &path("restarted_replica"),
                "a replica whose disk has lost or damaged records may lead, and the others cut theirs".to_owned(),
                "choose \"resyncs\": it catches up before it counts as complete, as with KRaft",
            );
        }
        if config.follower_truncation == Truncation::HighWatermark {
            self.add(
                Rule::Truncation,
                Level::Warning,
                &path("follower_truncation"),
                "a follower cuts committed records whose commit it has not heard of: they are lost if it leads next"
                    .to_owned(),
                "choose \"epoch\", as Kafka does since 0.11 (KIP-101)",
            );
        }
        let idempotent = config.producer.enable_idempotence && config.producer.max_in_flight > 1;
        if config.first_sequence == FirstSequence::Any && idempotent {
            self.add(
                Rule::FirstSequence,
                Level::Warning,
                &path("first_sequence"),
                "a new partition takes a producer's second batch if the first has failed, which then lies behind it"
                    .to_owned(),
                "choose \"zero\", as Kafka does since 4.5 (KAFKA-15591), or one request in flight",
            );
        }
        if config.replication_factor <= config.min_insync_replicas {
            self.add(
                Rule::SpareReplica,
                Level::Note,
                &path("replication_factor"),
                format!(
                    "all {} replicas must be in sync for an acknowledgement: one node that is away stops writes",
                    config.replication_factor
                ),
                "choose a replication_factor of at least min_insync_replicas + 1",
            );
        }
        if config.flush_interval_batches == 0 && self.draws(SwarmKind::PowerLoss) {
            self.add(
                Rule::Sync,
                Level::Note,
                &path("flush_interval_batches"),
                "batches are acknowledged before any disk has them: replicas that lose power together lose them"
                    .to_owned(),
                "choose flush_interval_batches = 1, or keep replicas on power supplies of their own",
            );
        }
        self.retention(name, config);
        if config.consumer.auto_offset_reset == OffsetReset::Latest {
            self.add(
                Rule::OffsetReset,
                Level::Warning,
                &path("consumer.auto_offset_reset"),
                "a group without a committed position begins at the end: what was there is never read".to_owned(),
                "choose \"earliest\"",
            );
        }
        if config.consumer.truncation_detection == TruncationDetection::None {
            let is_cut = config.unclean_leader_election_enable
                || config.follower_truncation == Truncation::HighWatermark;
            let level = if is_cut { Level::Warning } else { Level::Note };
            self.add(
                Rule::TruncationDetection,
                level,
                &path("consumer.truncation_detection"),
                "where the log was cut a reader goes on behind records that took the place of those it has read"
                    .to_owned(),
                "choose \"epoch\", as Kafka's clients do since 2.1 (KIP-320)",
            );
        }
        for (topic, settings) in &config.topics {
            if let Some(most) = settings.expands_to {
                self.add(
                    Rule::Expansion,
                    Level::Note,
                    &path(&format!("topics.{topic}.expands_to")),
                    format!(
                        "with {most} partitions keys lie elsewhere than before: their order is lost, and what is \
                         kept by key stays with the old partition"
                    ),
                    "choose as many partitions from the start as will ever be needed",
                );
            }
        }
    }

    fn producer(&mut self, name: &str, config: &LogConfig, producer: &ProducerConfig) {
        let path = |key: &str| format!("broker.{name}.producer.{key}");
        if producer.acks != Acks::All {
            self.add(
                Rule::Acks,
                Level::Warning,
                &path("acks"),
                "events are acknowledged before the replicas have them: a failover loses them"
                    .to_owned(),
                "choose acks = \"all\" with min_insync_replicas = 2",
            );
        }
        if producer.enable_idempotence {
            return;
        }
        let also = if producer.max_in_flight > 1 {
            format!(
                ", and with `max_in_flight` = {} behind a later one of its key",
                producer.max_in_flight
            )
        } else {
            String::new()
        };
        let level = self.if_asked_for_duplicates();
        self.add(
            Rule::Idempotence,
            level,
            &path("enable_idempotence"),
            format!("a batch that is sent again may be stored twice{also}"),
            "choose enable_idempotence = true, which needs acks = \"all\" and max_in_flight of at most 5",
        );
        if producer.acks == Acks::All && producer.request_timeout <= config.replica_lag_time_max {
            self.add(
                Rule::RequestTimeout,
                level,
                &path("request_timeout"),
                format!(
                    "`request_timeout` ({}) ends before a slow replica leaves the ISR (`replica_lag_time_max`, {}): \
                     batches are sent again although the first attempt will succeed",
                    producer.request_timeout, config.replica_lag_time_max
                ),
                "choose a request_timeout above replica_lag_time_max",
            );
        }
    }

    /// Retention against the longest time for which a reader may be away. Both in the time of the run.
    fn retention(&mut self, name: &'a str, written: &LogConfig) {
        let scaled = &self.case.scenario;
        let Some(BrokerSpec::Log(config)) = scaled.brokers.get(name) else {
            return;
        };
        let readers: Vec<String> = self
            .readers(name)
            .map(|(reader, _)| format!("processor.{reader}"))
            .collect();
        let away = scaled.faults.planned.iter().filter(|fault| {
            let is_link = matches!(fault.target, Target::Link(..));
            !is_link
                && target::parts(&fault.target)
                    .iter()
                    .any(|part| readers.contains(part))
        });
        let longest = away
            .map(|fault| fault.lasts.span)
            .max()
            .unwrap_or(Span::ZERO);
        let chaos = self.case.phases.chaos;
        let (level, outage) = if config.log_retention <= longest {
            (Level::Warning, longest)
        } else if config.log_retention < chaos && !scaled.faults.swarm.is_empty() {
            (Level::Note, chaos)
        } else {
            return;
        };
        self.add(
            Rule::Retention,
            level,
            &format!("broker.{name}.log_retention"),
            format!(
                "`log_retention` ({}) is {} in the run, and a reader may be away for {outage}: what it has not read is \
                 removed",
                written.log_retention, config.log_retention
            ),
            "choose a retention longer than the longest outage of a reader",
        );
    }
}
