//! What the checks need to know about a scenario.

use super::layout::{Layout, topic_of};
use crate::spec::phases::{recovery_terms, total};
use crate::spec::{BrokerSpec, Place, Scenario, place};
use std::collections::BTreeMap;
use stormglass_core::broker::log::config::{
    FirstSequence, OffsetReset, RestartedReplica, Truncation,
};
use stormglass_core::check::Topology;
use stormglass_core::check::topology::{
    LeaseEntry, LogEntry, PartEntry, ProcessorEntry, QueueEntry, SinkEntry, SourceEntry,
};
use stormglass_core::id::PartId;
use stormglass_core::message::log::Acks;
use stormglass_core::part::PartKind;
use stormglass_core::processor::config::{CommitPosition, ProcessorConfig};
use stormglass_core::processor::window::config::{Aggregate, WindowPlan};
use stormglass_core::promise::Claim;
use stormglass_core::time::Span;

/// The windows of a processor on the run's axis: the `speed` of the trace that feeds it divides them (B10).
///
/// # Panics
/// If its operator cannot work by windows: the load refuses it.
#[must_use]
pub fn window_of(scenario: &Scenario, processor: &ProcessorConfig) -> Option<WindowPlan> {
    let config = processor.window.as_ref()?;
    let Some(aggregate) = Aggregate::of(&processor.operator) else {
        panic!("the load let windows of {:?} pass", processor.operator);
    };
    let mut sources = scenario.sources.values();
    let source = sources.find(|source| source.to == processor.from);
    let speed = source.map_or(1, |source| source.arrival.speed());
    Some(WindowPlan::new(config, aggregate, speed))
}

/// What parts are held to withstand in place of what their settings imply.
fn claims(scenario: &Scenario, layout: &Layout) -> BTreeMap<PartId, Claim> {
    let parts = (0..).zip(&layout.parts);
    let claimed = parts.filter_map(|(index, part)| {
        let name = format!("{}.{}", part.kind.name(), part.name);
        Some((PartId(index), *scenario.faults.withstands.get(&name)?))
    });
    claimed.collect()
}

/// The parts of `scenario` and how they hang together.
#[must_use]
pub fn topology_of(scenario: &Scenario, layout: &Layout) -> Topology {
    let parts = layout
        .parts
        .iter()
        .map(|part| PartEntry {
            kind: part.kind,
            name: part.name.clone(),
            cluster: part.cluster,
        })
        .collect();
    let sources = scenario.sources.iter().map(|(name, source)| {
        let to = topic_of(scenario, layout, &source.to);
        SourceEntry {
            part: layout.part(PartKind::Source, name),
            broker: to.part,
            topic: to.topic,
        }
    });
    let processors = scenario.processors.iter().map(|(name, processor)| {
        let from = topic_of(scenario, layout, &processor.from);
        let Some(Place::Sink(sink)) = place(&processor.to) else {
            panic!("the load let {:?} pass as a sink", processor.to);
        };
        ProcessorEntry {
            part: layout.part(PartKind::Processor, name),
            group: layout.group(name),
            broker: from.part,
            topic: from.topic,
            sink: layout.part(PartKind::Sink, sink),
            operator: processor.operator.clone(),
            window: window_of(scenario, processor),
            delivery: processor.delivery,
            overtakes: processor.in_flight > 1,
            skips_open: processor.commit != CommitPosition::Contiguous && processor.in_flight > 1,
        }
    });
    // A user's part between a topic and a sink is judged by what the World sees of it, as a processor is.
    let services = scenario.services.iter().filter_map(|(name, service)| {
        let from = topic_of(scenario, layout, service.from.as_deref()?);
        let Place::Sink(sink) = place(service.to.as_deref()?)? else {
            return None;
        };
        let part = layout.part(PartKind::Service, name);
        Some(ProcessorEntry {
            part,
            group: layout.service_group(part),
            broker: from.part,
            topic: from.topic,
            sink: layout.part(PartKind::Sink, sink),
            // No operator of the catalogue: what it computes is its own and not held against a reference.
            operator: String::new(),
            window: None,
            delivery: service.delivery,
            overtakes: false,
            skips_open: false,
        })
    });
    let sinks = scenario.sinks.iter().map(|(name, sink)| SinkEntry {
        part: layout.part(PartKind::Sink, name),
        kind: sink.kind,
        sync_before_ack: sink.sync_before_ack,
    });
    let leases = scenario.processors.iter().filter_map(|(name, processor)| {
        let Some(Place::Sink(sink)) = place(&processor.to) else {
            panic!("the load let {:?} pass as a sink", processor.to);
        };
        let lease = processor.lease.as_deref()?.strip_prefix("lease.")?;
        Some(LeaseEntry {
            part: layout.lease(processor)?,
            group: layout.group(name),
            sink: layout.part(PartKind::Sink, sink),
            renews: scenario.leases.get(lease)?.renew,
        })
    });
    let mut topology = Topology {
        parts,
        sources: sources.collect(),
        processors: processors.chain(services).collect(),
        sinks: sinks.collect(),
        leases: leases.collect(),
        claims: claims(scenario, layout),
        clock_bound: Span::ZERO,
        // Invariant: `calm` is longer than this, so that something is left to judge.
        recovery_bound: total(&recovery_terms(scenario)),
        ..Topology::default()
    };
    for (name, broker) in &scenario.brokers {
        let part = layout.part(PartKind::Broker, name);
        match broker {
            BrokerSpec::Log(config) => topology.logs.push(LogEntry {
                part,
                partitions: config.topics.values().map(|topic| topic.most()).collect(),
                expands: (config.topics.values()).any(|topic| topic.expands_to.is_some()),
                offsets_partitions: config.offsets_partitions,
                replication: config.replication_factor,
                min_insync: config.min_insync_replicas,
                unclean: config.unclean_leader_election_enable,
                truncates_by_epoch: config.follower_truncation == Truncation::Epoch,
                resyncs: config.restarted_replica == RestartedReplica::Resyncs,
                starts_at_zero: config.first_sequence == FirstSequence::Zero,
                acks: config.producer.acks,
                idempotent: config.producer.enable_idempotence && config.producer.acks == Acks::All,
                sync_before_ack: config.flush_interval_batches == 1,
                max_in_flight: config.producer.max_in_flight,
                retention: config.log_retention,
                retention_bytes: config.log_retention_bytes.map(|size| size.0),
                segment_bytes: config.log_segment_bytes.0,
                catch_up: config.broker_session_timeout + config.replica_lag_time_max,
                from_earliest: config.consumer.auto_offset_reset == OffsetReset::Earliest,
            }),
            BrokerSpec::Queue(config) => {
                topology.queues.push(QueueEntry {
                    part,
                    fanout: false,
                    sync_before_ack: config.sync_before_ack,
                });
            }
            BrokerSpec::Fanout(config) => {
                topology.queues.push(QueueEntry {
                    part,
                    fanout: true,
                    sync_before_ack: config.sync_before_ack,
                });
            }
        }
    }
    topology.indexed()
}
