//! Numbers and the inequalities between them: each setting inside its bounds, and the relations that a real
//! system refuses or that make a question meaningless when they are broken.

use crate::error::ScenarioError;
use crate::spec::parse::Reader;
use crate::spec::{BrokerSpec, Scenario, scale};
use stormglass_core::broker::fanout::config::FanoutConfig;
use stormglass_core::broker::log::config::{LogConfig, ProducerConfig};
use stormglass_core::broker::queue::config::{LeaseConsumerConfig, PublisherConfig, QueueConfig};
use stormglass_core::message::log::Acks;
use stormglass_core::processor::config::ProcessorConfig;
use stormglass_core::source::config::{Arrival, SourceConfig, TraceConfig};
use stormglass_core::time::Span;
use stormglass_core::units::{Rate, Size};

/// Nodes of a part, or replicas of a partition, at most: sets of them are 64-bit words.
pub(crate) const NODES: u16 = 64;
/// Partitions of a topic at most.
pub(crate) const PARTITIONS: u16 = 10_000;
const YEAR: Span = Span::secs(365 * 86_400);
const DECADE: Span = Span::secs(3_650 * 86_400);
const MONTH: Span = Span::secs(31 * 86_400);
const MILLIS: Span = Span::millis(1);

type Checked = Result<(), ScenarioError>;

/// Judges one part; `prefix` is its path.
struct Judge<'a> {
    reader: &'a Reader<'a>,
    prefix: String,
}

impl Judge<'_> {
    fn need(&self, holds: bool, key: &str, message: String, hint: &str) -> Checked {
        if holds {
            return Ok(());
        }
        Err(self
            .reader
            .error(&format!("{}.{key}", self.prefix), message, hint))
    }

    fn within(&self, key: &str, value: u64, low: u64, high: u64) -> Checked {
        self.need(
            (low..=high).contains(&value),
            key,
            format!("`{key}` is {value}, outside {low} to {high}"),
            &format!("choose a number from {low} to {high}"),
        )
    }

    fn lasting(&self, key: &str, span: Span, most: Span) -> Checked {
        self.need(
            span > Span::ZERO && span <= most,
            key,
            format!("`{key}` is {span}, but it lies above 0s and is at most {most}"),
            "choose a length of time inside these bounds",
        )
    }

    /// Zero is allowed, more than any run lasts is not: sums and multiples of these must fit.
    fn at_most(&self, settings: &[(&str, Span)]) -> Checked {
        for (key, span) in settings {
            self.need(
                *span <= DECADE,
                key,
                format!("`{key}` is {span}, but it is at most {DECADE}"),
                "choose a length of time inside these bounds",
            )?;
        }
        Ok(())
    }

    /// `greater ≥ lesser`, both by name.
    fn at_least(&self, greater: (&str, Span), lesser: (&str, Span), why: &str) -> Checked {
        self.need(
            greater.1 >= lesser.1,
            greater.0,
            format!(
                "`{}` ({}) is shorter than {} ({})",
                greater.0, greater.1, lesser.0, lesser.1
            ),
            why,
        )
    }

    /// `greater > lesser`, both by name.
    fn above(&self, greater: (&str, Span), lesser: (&str, Span), why: &str) -> Checked {
        self.need(
            greater.1 > lesser.1,
            greater.0,
            format!(
                "`{}` ({}) is not longer than {} ({})",
                greater.0, greater.1, lesser.0, lesser.1
            ),
            why,
        )
    }
}

/// Judges every number of a scenario as it is written.
///
/// # Errors
/// At the first setting outside its bounds.
pub(crate) fn check(reader: &Reader<'_>, scenario: &Scenario) -> Checked {
    run(reader, scenario)?;
    profile(reader, scenario)?;
    for (name, config) in &scenario.sources {
        source(&judge(reader, "source", name), config)?;
    }
    for (name, broker) in &scenario.brokers {
        let judge = judge(reader, "broker", name);
        match broker {
            BrokerSpec::Log(config) => log(&judge, config)?,
            BrokerSpec::Queue(config) => queue(&judge, config)?,
            BrokerSpec::Fanout(config) => fanout(&judge, config)?,
        }
    }
    for (name, config) in &scenario.processors {
        processor(&judge(reader, "processor", name), config)?;
    }
    for (name, service) in &scenario.services {
        judge(reader, "service", name).within("nodes", service.nodes.into(), 1, NODES.into())?;
    }
    Ok(())
}

fn judge<'a>(reader: &'a Reader<'a>, section: &str, name: &str) -> Judge<'a> {
    Judge {
        reader,
        prefix: format!("{section}.{name}"),
    }
}

/// What may flip when settings are divided: a setting that becomes nothing, or shorter than the links.
///
/// # Errors
/// If a divided setting is shorter than four times the slow latency of the scenario's links.
pub(crate) fn check_scaled(
    reader: &Reader<'_>,
    written: &Scenario,
    scaled: &mut Scenario,
) -> Checked {
    let scale = written.run.time_scale;
    if scale == 1 {
        return Ok(());
    }
    let mut whole = written.clone();
    let mut vanished = false;
    for (before, after) in whole.brokers.values_mut().zip(scaled.brokers.values_mut()) {
        let pairs = scale::broker_spans(before)
            .into_iter()
            .zip(scale::broker_spans(after));
        for (before, after) in pairs {
            vanished |= *before > Span::ZERO && *after == Span::ZERO;
        }
    }
    for (before, after) in whole
        .processors
        .values_mut()
        .zip(scaled.processors.values_mut())
    {
        let pairs = scale::processor_spans(before)
            .into_iter()
            .zip(scale::processor_spans(after));
        for (before, after) in pairs {
            vanished |= *before > Span::ZERO && *after == Span::ZERO;
        }
    }
    if vanished {
        return Err(reader.error(
            "run.time_scale",
            format!("a time scale of {scale} leaves nothing of the shortest timeout"),
            "choose a smaller scale or longer timeouts",
        ));
    }
    let slow = written.profile.link.latency_p99.unwrap_or(MILLIS);
    for (name, broker) in &scaled.brokers {
        let shortest = match broker {
            BrokerSpec::Log(config) => [
                ("broker_session_timeout", config.broker_session_timeout),
                ("quorum_fetch_timeout", config.quorum_fetch_timeout),
                ("producer.request_timeout", config.producer.request_timeout),
                ("consumer.session_timeout", config.consumer.session_timeout),
            ]
            .into_iter()
            .min_by_key(|(_, span)| *span),
            BrokerSpec::Queue(config) => Some((
                "publisher.request_timeout",
                config.publisher.request_timeout,
            )),
            BrokerSpec::Fanout(config) => Some((
                "publisher.request_timeout",
                config.publisher.request_timeout,
            )),
        };
        if let Some((setting, span)) = shortest
            && span < slow * 4
        {
            return Err(reader.error(
                "run.time_scale",
                format!(
                    "a time scale of {scale} makes broker.{name}.{setting} {span}, less than two \
                     slow round trips of the links ({slow} each way), which are not scaled"
                ),
                "choose a smaller scale: an inequality of the real system must not flip",
            ));
        }
    }
    Ok(())
}

fn run(reader: &Reader<'_>, scenario: &Scenario) -> Checked {
    let judge = Judge {
        reader,
        prefix: String::from("run"),
    };
    let run = &scenario.run;
    judge.within("time_scale", run.time_scale.into(), 1, 1_000)?;
    judge.within("seeds", run.seeds.into(), 1, 10_000_000)?;
    for (key, span) in [("warmup", run.warmup), ("chaos", run.chaos)] {
        judge.need(
            span <= MONTH,
            key,
            format!("`{key}` is {span}, longer than {MONTH}"),
            "choose a shorter phase",
        )?;
    }
    let wants_faults = !scenario.faults.swarm.is_empty() || !scenario.faults.planned.is_empty();
    judge.need(
        run.chaos > Span::ZERO || !wants_faults,
        "chaos",
        String::from("faults fall in `chaos`, which lasts 0s"),
        "give chaos a length, or remove the faults",
    )?;
    judge.within("limits.steps", run.limits.steps, 1, u64::MAX)?;
    judge.within(
        "limits.steps_at_an_instant",
        run.limits.steps_at_an_instant,
        1,
        u64::MAX,
    )?;
    judge.need(
        run.limits.memory >= Size(1 << 24),
        "limits.memory",
        format!(
            "`limits.memory` is {}, too little to run at all",
            run.limits.memory
        ),
        "allow at least 16MiB",
    )?;
    judge.lasting("limits.wall", run.limits.wall, MONTH)?;
    let faults = Judge {
        reader,
        prefix: String::from("faults"),
    };
    faults.within("max", scenario.faults.max.into(), 0, 1_000)
}

fn profile(reader: &Reader<'_>, scenario: &Scenario) -> Checked {
    let judge = Judge {
        reader,
        prefix: String::from("profile"),
    };
    let profile = &scenario.profile;
    for (key, span) in [
        ("link.latency_median", profile.link.latency_median),
        ("link.latency_p99", profile.link.latency_p99),
        ("node.per_request", profile.node.per_request),
        ("node.per_record", profile.node.per_record),
        ("node.per_kilobyte", profile.node.per_kilobyte),
        ("disk.write", profile.disk.write),
        ("disk.sync", profile.disk.sync),
        ("disk.sync_p99", profile.disk.sync_p99),
    ] {
        let span = span.unwrap_or(Span::ZERO);
        judge.need(
            span <= Span::secs(60),
            key,
            format!("`{key}` is {span}, slower than any hardware"),
            "choose at most 60s",
        )?;
    }
    if let (Some(median), Some(p99)) = (profile.link.latency_median, profile.link.latency_p99) {
        judge.at_least(
            ("link.latency_p99", p99),
            ("link.latency_median", median),
            "a p99 is not below the median",
        )?;
    }
    if let (Some(median), Some(p99)) = (profile.disk.sync, profile.disk.sync_p99) {
        judge.at_least(
            ("disk.sync_p99", p99),
            ("disk.sync", median),
            "a p99 is not below the median",
        )?;
    }
    match profile.node.cores {
        Some(cores) => judge.within("node.cores", cores.into(), 1, 1_024),
        None => Ok(()),
    }
}

fn rate(judge: &Judge<'_>, key: &str, rate: Rate) -> Checked {
    judge.need(
        rate > Rate(0) && rate <= Rate::per_second(10_000_000),
        key,
        format!("a rate of {rate} lies outside what can be simulated"),
        "choose a rate above 0 and at most 10000000/s",
    )
}

fn source(judge: &Judge<'_>, config: &SourceConfig) -> Checked {
    judge.within("size", config.size.into(), 1, 16 << 20)?;
    judge.within("keys.count", config.keys.count, 1, 1 << 40)?;
    judge.need(
        config.keys.zipf == 0 || config.keys.count <= 10_000_000,
        "keys.count",
        format!("{} keys are too many for a Zipf table", config.keys.count),
        "choose at most 10000000 keys, or leave out `zipf`",
    )?;
    if let Some(disorder) = &config.disorder {
        judge.lasting("disorder.up_to", disorder.up_to, YEAR)?;
    }
    match &config.arrival {
        Arrival::Constant(value) => rate(judge, "arrival.constant", *value),
        Arrival::Poisson(value) => rate(judge, "arrival.poisson", *value),
        Arrival::Bursts {
            base,
            peak,
            every,
            lasts,
        } => {
            rate(judge, "arrival.bursts.base", *base)?;
            rate(judge, "arrival.bursts.peak", *peak)?;
            judge.lasting("arrival.bursts.lasts", *lasts, YEAR)?;
            judge.above(
                ("arrival.bursts.every", *every),
                ("arrival.bursts.lasts", *lasts),
                "a burst ends before the next begins",
            )
        }
        Arrival::Ramp { from, to, over } => {
            rate(judge, "arrival.ramp.from", *from)?;
            rate(judge, "arrival.ramp.to", *to)?;
            judge.lasting("arrival.ramp.over", *over, YEAR)
        }
        Arrival::Trace(trace) => trace_settings(judge, trace),
    }
}

fn trace_settings(judge: &Judge<'_>, trace: &TraceConfig) -> Checked {
    judge.within(
        "arrival.trace.speed",
        trace.speed.into(),
        1,
        u64::from(u32::MAX),
    )?;
    judge.within(
        "arrival.trace.value_scale",
        trace.value_scale.into(),
        1,
        1_000_000_000,
    )?;
    judge.need(
        trace.file.ends_with(".csv"),
        "arrival.trace.file",
        format!("{:?} is no CSV file", trace.file),
        "name a file that ends in .csv, relative to the scenario's",
    )?;
    match trace.rows {
        Some(rows) => judge.within("arrival.trace.rows", rows, 1, u64::from(u32::MAX)),
        None => Ok(()),
    }
}

fn log(judge: &Judge<'_>, config: &LogConfig) -> Checked {
    judge.within("nodes", config.nodes.into(), 1, NODES.into())?;
    judge.within(
        "offsets_partitions",
        config.offsets_partitions.into(),
        1,
        PARTITIONS.into(),
    )?;
    for (name, topic) in &config.topics {
        judge.within(
            &format!("topics.{name}.partitions"),
            topic.partitions.into(),
            1,
            PARTITIONS.into(),
        )?;
    }
    judge.need(
        (1..=config.nodes).contains(&config.replication_factor),
        "replication_factor",
        format!(
            "`replication_factor` is {}, but the broker has {} nodes",
            config.replication_factor, config.nodes
        ),
        "each replica needs a node of its own: lower replication_factor or raise nodes",
    )?;
    judge.need(
        (1..=config.replication_factor).contains(&config.min_insync_replicas),
        "min_insync_replicas",
        format!(
            "`min_insync_replicas` is {}, but a partition has {} replicas",
            config.min_insync_replicas, config.replication_factor
        ),
        "it lies from 1 to replication_factor; above that nothing would ever be acknowledged",
    )?;
    judge.at_most(&[
        ("broker_session_timeout", config.broker_session_timeout),
        ("replica_lag_time_max", config.replica_lag_time_max),
        ("replica_fetch_wait_max", config.replica_fetch_wait_max),
        (
            "group_initial_rebalance_delay",
            config.group_initial_rebalance_delay,
        ),
        ("consumer.session_timeout", config.consumer.session_timeout),
        ("consumer.fetch_max_wait", config.consumer.fetch_max_wait),
        ("producer.linger", config.producer.linger),
        (
            "producer.delivery_timeout",
            config.producer.delivery_timeout,
        ),
        (
            "producer.retry_backoff_max",
            config.producer.retry_backoff_max,
        ),
    ])?;
    judge.above(
        ("broker_session_timeout", config.broker_session_timeout),
        (
            "broker_heartbeat_interval",
            config.broker_heartbeat_interval,
        ),
        "a broker must be able to send a heartbeat before it is fenced",
    )?;
    judge.above(
        ("replica_lag_time_max", config.replica_lag_time_max),
        ("replica_fetch_wait_max", config.replica_fetch_wait_max),
        "Kafka requires it: an idle follower must not look as if it lagged",
    )?;
    for (key, span) in [
        (
            "broker_heartbeat_interval",
            config.broker_heartbeat_interval,
        ),
        ("quorum_fetch_timeout", config.quorum_fetch_timeout),
        ("quorum_election_timeout", config.quorum_election_timeout),
        ("log_retention", config.log_retention),
        (
            "log_retention_check_interval",
            config.log_retention_check_interval,
        ),
        (
            "consumer.heartbeat_interval",
            config.consumer.heartbeat_interval,
        ),
        ("consumer.request_timeout", config.consumer.request_timeout),
        ("consumer.retry_backoff", config.consumer.retry_backoff),
        ("producer.request_timeout", config.producer.request_timeout),
        ("producer.retry_backoff", config.producer.retry_backoff),
        (
            "producer.metadata_max_age",
            config.producer.metadata_max_age,
        ),
    ] {
        judge.lasting(key, span, DECADE)?;
    }
    judge.above(
        ("consumer.session_timeout", config.consumer.session_timeout),
        (
            "consumer.heartbeat_interval",
            config.consumer.heartbeat_interval,
        ),
        "a member must be able to send a heartbeat before its session ends",
    )?;
    judge.above(
        ("consumer.request_timeout", config.consumer.request_timeout),
        ("consumer.fetch_max_wait", config.consumer.fetch_max_wait),
        "a fetch that waits for data must be answered before it times out",
    )?;
    judge.need(
        u64::from(config.consumer.fetch_min_bytes) <= config.consumer.max_partition_fetch_bytes.0,
        "consumer.fetch_min_bytes",
        String::from("`fetch_min_bytes` is more than a fetch may bring"),
        "lower it below max_partition_fetch_bytes",
    )?;
    producer(judge, &config.producer)?;
    judge.need(
        config.log_segment_bytes >= config.producer.batch_size,
        "log_segment_bytes",
        String::from("a segment is smaller than a batch"),
        "choose at least producer.batch_size",
    )
}

fn producer(judge: &Judge<'_>, config: &ProducerConfig) -> Checked {
    judge.at_least(
        ("producer.delivery_timeout", config.delivery_timeout),
        (
            "producer.linger + producer.request_timeout",
            config.linger.saturating_add(config.request_timeout),
        ),
        "Kafka requires delivery_timeout >= linger + request_timeout",
    )?;
    judge.at_least(
        ("producer.retry_backoff_max", config.retry_backoff_max),
        ("producer.retry_backoff", config.retry_backoff),
        "the wait before a retry grows up to retry_backoff_max",
    )?;
    judge.within(
        "producer.max_in_flight",
        config.max_in_flight.into(),
        1,
        1_000,
    )?;
    judge.within(
        "producer.batch_records",
        config.batch_records.into(),
        1,
        u32::MAX.into(),
    )?;
    judge.within("producer.batch_size", config.batch_size.0, 1, 1 << 30)?;
    judge.need(
        config.buffer_memory >= config.batch_size,
        "producer.buffer_memory",
        format!(
            "`buffer_memory` ({}) holds no batch of {}",
            config.buffer_memory, config.batch_size
        ),
        "choose at least batch_size",
    )?;
    if !config.enable_idempotence {
        return Ok(());
    }
    judge.need(
        config.acks == Acks::All,
        "producer.acks",
        String::from("an idempotent producer needs acks = \"all\""),
        "write enable_idempotence = false beside it: Kafka would switch it off without a word",
    )?;
    judge.need(
        config.max_in_flight <= 5,
        "producer.max_in_flight",
        String::from("an idempotent producer has at most 5 requests in flight"),
        "choose at most 5, or write enable_idempotence = false",
    )
}

fn queue(judge: &Judge<'_>, config: &QueueConfig) -> Checked {
    for (name, topic) in &config.topics {
        judge.lasting(
            &format!("topics.{name}.visibility_timeout"),
            topic.visibility_timeout,
            MONTH,
        )?;
        if let Some(deliveries) = topic.max_deliveries {
            let key = format!("topics.{name}.max_deliveries");
            judge.within(&key, deliveries.into(), 1, u32::MAX.into())?;
        }
    }
    publisher(judge, &config.publisher)?;
    lease_consumer(judge, &config.consumer)
}

fn fanout(judge: &Judge<'_>, config: &FanoutConfig) -> Checked {
    for (name, topic) in &config.topics {
        let key = |setting: &str| format!("topics.{name}.{setting}");
        judge.lasting(&key("delivery_timeout"), topic.delivery_timeout, MONTH)?;
        judge.lasting(&key("retry_delay"), topic.retry_delay, MONTH)?;
        judge.at_most(&[(&key("retry_delay_max"), topic.retry_delay_max)])?;
        judge.at_least(
            (&key("retry_delay_max"), topic.retry_delay_max),
            (&key("retry_delay"), topic.retry_delay),
            "the wait before a retry grows up to retry_delay_max",
        )?;
        if let Some(deliveries) = topic.max_deliveries {
            judge.within(
                &key("max_deliveries"),
                deliveries.into(),
                1,
                u32::MAX.into(),
            )?;
        }
    }
    publisher(judge, &config.publisher)?;
    lease_consumer(judge, &config.consumer)
}

fn publisher(judge: &Judge<'_>, config: &PublisherConfig) -> Checked {
    judge.lasting("publisher.request_timeout", config.request_timeout, MONTH)?;
    judge.lasting("publisher.retry_backoff", config.retry_backoff, MONTH)?;
    judge.at_most(&[
        ("publisher.linger", config.linger),
        ("publisher.delivery_timeout", config.delivery_timeout),
        ("publisher.retry_backoff_max", config.retry_backoff_max),
    ])?;
    judge.at_least(
        ("publisher.delivery_timeout", config.delivery_timeout),
        (
            "publisher.linger + publisher.request_timeout",
            config.linger.saturating_add(config.request_timeout),
        ),
        "an event must be able to be answered once before it is given up",
    )?;
    judge.at_least(
        ("publisher.retry_backoff_max", config.retry_backoff_max),
        ("publisher.retry_backoff", config.retry_backoff),
        "the wait before a retry grows up to retry_backoff_max",
    )?;
    judge.within(
        "publisher.max_in_flight",
        config.max_in_flight.into(),
        1,
        1_000,
    )?;
    judge.within(
        "publisher.batch_records",
        config.batch_records.into(),
        1,
        100_000,
    )
}

fn lease_consumer(judge: &Judge<'_>, config: &LeaseConsumerConfig) -> Checked {
    judge.within("consumer.batch", config.batch.into(), 1, 10_000)?;
    judge.need(
        config.prefetch >= config.batch,
        "consumer.prefetch",
        format!(
            "`prefetch` ({}) is less than `batch` ({})",
            config.prefetch, config.batch
        ),
        "a consumer must be able to hold one receive",
    )?;
    judge.at_most(&[("consumer.receive_wait", config.receive_wait)])?;
    judge.lasting("consumer.request_timeout", config.request_timeout, MONTH)?;
    judge.lasting("consumer.retry_backoff", config.retry_backoff, MONTH)
}

fn processor(judge: &Judge<'_>, config: &ProcessorConfig) -> Checked {
    judge.within("nodes", config.nodes.into(), 1, NODES.into())?;
    judge.within("batch", config.batch.into(), 1, 1_000_000)?;
    judge.lasting("checkpoint", config.checkpoint, MONTH)?;
    judge.lasting("request_timeout", config.request_timeout, MONTH)?;
    judge.lasting("retry_backoff", config.retry_backoff, MONTH)
}
