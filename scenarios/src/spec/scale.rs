//! The time scale: every timeout, interval, linger, wait and retention of the parts is divided by it; links,
//! disks, service times, rates and phases are not. All inequalities between two settings survive, since
//! both sides are divided alike and rounding down keeps the order of sums (⌊a/n⌋ ≥ ⌊b/n⌋ + ⌊c/n⌋ if
//! a ≥ b + c); what can flip is an inequality against a link or a disk, which `bounds` looks at afterwards.

use crate::spec::{BrokerSpec, Scenario};
use stormglass_core::broker::fanout::config::FanoutConfig;
use stormglass_core::broker::log::config::{ConsumerConfig, LogConfig, ProducerConfig};
use stormglass_core::broker::queue::config::{LeaseConsumerConfig, PublisherConfig, QueueConfig};
use stormglass_core::lease::config::LeaseConfig;
use stormglass_core::processor::config::ProcessorConfig;
use stormglass_core::retry::config::{RetryConfig, RetryPolicy};
use stormglass_core::source::config::SourceConfig;
use stormglass_core::time::Span;

/// Divides the settings of every part.
///
/// # Panics
/// If the scale is 0, which the bounds exclude.
pub fn scale(scenario: &mut Scenario) {
    let by = u64::from(scenario.run.time_scale);
    assert!(by > 0, "a time scale of 0 divides nothing");
    for broker in scenario.brokers.values_mut() {
        for span in broker_spans(broker) {
            *span = *span / by;
        }
    }
    for source in scenario.sources.values_mut() {
        for span in source_spans(source) {
            *span = *span / by;
        }
    }
    for processor in scenario.processors.values_mut() {
        for span in processor_spans(processor) {
            *span = *span / by;
        }
    }
    for lease in scenario.leases.values_mut() {
        for span in lease_spans(lease) {
            *span = *span / by;
        }
    }
}

/// The scaled settings of a broker. Destructured without `..`, so that a new setting has to be decided on.
pub(crate) fn broker_spans(broker: &mut BrokerSpec) -> Vec<&mut Span> {
    match broker {
        BrokerSpec::Log(config) => log_spans(config),
        BrokerSpec::Queue(config) => queue_spans(config),
        BrokerSpec::Fanout(config) => fanout_spans(config),
    }
}

fn log_spans(config: &mut LogConfig) -> Vec<&mut Span> {
    let LogConfig {
        nodes: _,
        topics: _,
        replication_factor: _,
        min_insync_replicas: _,
        unclean_leader_election_enable: _,
        restarted_replica: _,
        follower_truncation: _,
        first_sequence: _,
        replica_lag_time_max,
        replica_fetch_wait_max,
        flush_interval_batches: _,
        log_retention,
        log_retention_bytes: _,
        log_retention_check_interval,
        log_segment_bytes: _,
        broker_heartbeat_interval,
        broker_session_timeout,
        quorum_fetch_timeout,
        quorum_election_timeout,
        group_initial_rebalance_delay,
        offsets_partitions: _,
        producer,
        consumer,
        flaws: _,
    } = config;
    let mut spans = vec![
        replica_lag_time_max,
        replica_fetch_wait_max,
        log_retention,
        log_retention_check_interval,
        broker_heartbeat_interval,
        broker_session_timeout,
        quorum_fetch_timeout,
        quorum_election_timeout,
        group_initial_rebalance_delay,
    ];
    let ProducerConfig {
        acks: _,
        enable_idempotence: _,
        linger,
        batch_size: _,
        batch_records: _,
        max_in_flight: _,
        request_timeout,
        delivery_timeout,
        retry_backoff,
        retry_backoff_max,
        buffer_memory: _,
        metadata_max_age,
    } = producer;
    spans.extend([
        linger,
        request_timeout,
        delivery_timeout,
        retry_backoff,
        retry_backoff_max,
        metadata_max_age,
    ]);
    let ConsumerConfig {
        session_timeout,
        heartbeat_interval,
        max_poll_interval,
        fetch_max_wait,
        fetch_min_bytes: _,
        max_partition_fetch_bytes: _,
        auto_offset_reset: _,
        truncation_detection: _,
        metadata_max_age,
        request_timeout,
        retry_backoff,
    } = consumer;
    spans.extend([
        session_timeout,
        heartbeat_interval,
        max_poll_interval,
        fetch_max_wait,
        metadata_max_age,
        request_timeout,
        retry_backoff,
    ]);
    spans
}

fn publisher_spans(publisher: &mut PublisherConfig) -> Vec<&mut Span> {
    let PublisherConfig {
        linger,
        batch_records: _,
        max_in_flight: _,
        request_timeout,
        delivery_timeout,
        retry_backoff,
        retry_backoff_max,
    } = publisher;
    vec![
        linger,
        request_timeout,
        delivery_timeout,
        retry_backoff,
        retry_backoff_max,
    ]
}

fn consumer_spans(consumer: &mut LeaseConsumerConfig) -> Vec<&mut Span> {
    let LeaseConsumerConfig {
        batch: _,
        prefetch: _,
        receive_wait,
        request_timeout,
        retry_backoff,
    } = consumer;
    vec![receive_wait, request_timeout, retry_backoff]
}

fn queue_spans(config: &mut QueueConfig) -> Vec<&mut Span> {
    let QueueConfig {
        topics,
        sync_before_ack: _,
        publisher,
        consumer,
        flaws: _,
    } = config;
    let mut spans: Vec<&mut Span> = topics
        .values_mut()
        .map(|topic| &mut topic.visibility_timeout)
        .collect();
    spans.extend(publisher_spans(publisher));
    spans.extend(consumer_spans(consumer));
    spans
}

fn fanout_spans(config: &mut FanoutConfig) -> Vec<&mut Span> {
    let FanoutConfig {
        topics,
        sync_before_ack: _,
        publisher,
        consumer,
        flaws: _,
    } = config;
    let mut spans: Vec<&mut Span> = topics
        .values_mut()
        .flat_map(|topic| {
            [
                &mut topic.delivery_timeout,
                &mut topic.retry_delay,
                &mut topic.retry_delay_max,
            ]
        })
        .collect();
    spans.extend(publisher_spans(publisher));
    spans.extend(consumer_spans(consumer));
    spans
}

/// The scaled settings of a processor.
pub(crate) fn processor_spans(config: &mut ProcessorConfig) -> Vec<&mut Span> {
    let ProcessorConfig {
        from: _,
        to: _,
        operator: _,
        lease: _,
        delivery: _,
        nodes: _,
        checkpoint,
        batch: _,
        in_flight: _,
        commit: _,
        request_timeout,
        retry_backoff,
        retry,
        window,
        flaws: _,
    } = config;
    let mut spans = vec![checkpoint, request_timeout, retry_backoff];
    spans.extend(retry.iter_mut().flat_map(retry_spans));
    // Windows are in the time of the events, which `speed` divides and nothing else.
    spans.extend(window.as_mut().map(|window| &mut window.interval));
    spans
}

/// The scaled settings of a source: those of its retries, since what it owes comes at its own pace.
pub(crate) fn source_spans(config: &mut SourceConfig) -> Vec<&mut Span> {
    let SourceConfig {
        to: _,
        arrival: _,
        keys: _,
        size: _,
        disorder: _,
        starts_after: _,
        retry,
        // A rate is the source's own pace, as its arrivals are.
        buffer: _,
    } = config;
    retry.iter_mut().flat_map(retry_spans).collect()
}

fn retry_spans(config: &mut RetryConfig) -> Vec<&mut Span> {
    let RetryConfig {
        policy,
        attempts: _,
        budget: _,
        breaker,
    } = config;
    let mut spans = match policy {
        None | Some(RetryPolicy::None) => Vec::new(),
        Some(RetryPolicy::Fixed(wait)) => vec![wait],
        Some(RetryPolicy::Exponential {
            first,
            max,
            jitter: _,
        }) => vec![first, max],
    };
    spans.extend(breaker.iter_mut().map(|breaker| &mut breaker.open));
    spans
}

/// The scaled settings of a lease.
pub(crate) fn lease_spans(config: &mut LeaseConfig) -> Vec<&mut Span> {
    let LeaseConfig {
        duration,
        clock: _,
        renew: _,
        retry_interval,
        request_timeout,
        flaws: _,
    } = config;
    vec![duration, retry_interval, request_timeout]
}
