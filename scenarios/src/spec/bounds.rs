//! Numbers and the inequalities between them: each setting inside its bounds, and the relations that a real
//! system refuses or that make a question meaningless when they are broken.

mod buffer;
mod lease;
mod log;
mod retry;
mod window;

use crate::error::ScenarioError;
use crate::hardware::{self, Hardware};
use crate::spec::distribution::Distribution;
use crate::spec::parse::Reader;
use crate::spec::{BrokerSpec, Scenario, scale};
use stormglass_core::processor::config::ProcessorConfig;
use stormglass_core::source::config::{Arrival, SourceConfig, TraceConfig};
use stormglass_core::source::listed::ListedEvent;
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
    clocks(reader, scenario)?;
    for (name, config) in &scenario.sources {
        let judge = judge(reader, "source", name);
        source(&judge, config)?;
        buffer::buffer(&judge, config, scenario)?;
    }
    for (name, broker) in &scenario.brokers {
        let judge = judge(reader, "broker", name);
        match broker {
            BrokerSpec::Log(config) => log::log(&judge, config)?,
            BrokerSpec::Queue(config) => lease::queue(&judge, config)?,
            BrokerSpec::Fanout(config) => lease::fanout(&judge, config)?,
        }
    }
    for (name, config) in &scenario.processors {
        processor(&judge(reader, "processor", name), config)?;
    }
    for (name, service) in &scenario.services {
        judge(reader, "service", name).within("nodes", service.nodes.into(), 1, NODES.into())?;
    }
    for (name, config) in &scenario.leases {
        lease::lease(&judge(reader, "lease", name), config)?;
    }
    Ok(())
}

fn judge<'a>(reader: &'a Reader<'a>, section: &str, name: &str) -> Judge<'a> {
    Judge {
        reader,
        prefix: format!("{section}.{name}"),
    }
}

/// A slow latency of the scenario's links: what the file says, and at least 1 ms where it says nothing.
pub(crate) fn slow(written: &Scenario, hardware: Option<&Hardware>) -> Span {
    let link = &written.profile.link;
    let said = link
        .latency_p99
        .or(link.latency.as_ref().map(Distribution::slow));
    let known = hardware.map_or(Span::ZERO, Hardware::slow);
    known.max(said.unwrap_or(MILLIS))
}

/// What may flip when settings are divided: a setting that becomes nothing, or shorter than the links.
///
/// # Errors
/// If a divided setting is shorter than four times `slow`, the slow latency of the scenario's links.
pub(crate) fn check_scaled(
    reader: &Reader<'_>,
    written: &Scenario,
    scaled: &mut Scenario,
    slow: Span,
) -> Checked {
    let scale = written.run.time_scale;
    if scale == 1 {
        return Ok(());
    }
    let mut whole = written.clone();
    let mut vanished = false;
    for (before, after) in whole.sources.values_mut().zip(scaled.sources.values_mut()) {
        let pairs = scale::source_spans(before)
            .into_iter()
            .zip(scale::source_spans(after));
        for (before, after) in pairs {
            vanished |= *before > Span::ZERO && *after == Span::ZERO;
        }
    }
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
    for (before, after) in whole.leases.values_mut().zip(scaled.leases.values_mut()) {
        let pairs = scale::lease_spans(before)
            .into_iter()
            .zip(scale::lease_spans(after));
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

fn clocks(reader: &Reader<'_>, scenario: &Scenario) -> Checked {
    let Some(service) = &scenario.clocks.time_service else {
        return Ok(());
    };
    let judge = judge(reader, "clocks", "time_service");
    // A clock is asked about at every interval of a run.
    judge.lasting("interval", service.interval, MONTH)?;
    judge.at_least(
        ("interval", service.interval),
        ("a tenth of a second", Span::millis(100)),
        "no time service is asked more often",
    )?;
    judge.at_most(&[("step_threshold", service.step_threshold)])?;
    judge.within("slew_ppm", service.slew_ppm.into(), 1, 100_000)
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
    let link = &profile.link;
    let disk = &profile.disk;
    for (key, distribution, others) in [
        (
            "link.latency",
            &link.latency,
            [link.latency_median, link.latency_p99],
        ),
        (
            "disk.sync_time",
            &disk.sync_time,
            [disk.sync, disk.sync_p99],
        ),
        ("zones.latency", &profile.zones.latency, [None, None]),
        ("stalls.lasts", &profile.stalls.lasts, [None, None]),
    ] {
        let Some(distribution) = distribution else {
            continue;
        };
        judge.need(
            others == [None, None],
            key,
            format!("`{key}` and a median or p99 beside it say the same twice"),
            "keep one of them",
        )?;
        if let Some((message, hint)) = distribution.mistake() {
            return judge.need(false, key, message, hint);
        }
    }
    if let Some(every) = profile.stalls.every {
        judge.need(
            hardware::often(every),
            "stalls.every",
            format!("stalls every {every} are no stalls"),
            "choose at least 10ms and at most 1d",
        )?;
    }
    if let Some(count) = profile.zones.count {
        judge.within("zones.count", count.into(), 1, 64)?;
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
    if let Some(config) = &config.retry {
        retry::retry(judge, config)?;
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
        Arrival::Events(events) => listed_events(judge, events),
    }
}

fn listed_events(judge: &Judge<'_>, events: &[ListedEvent]) -> Checked {
    judge.need(
        !events.is_empty(),
        "arrival.events",
        "a source without events".to_owned(),
        "list at least one, such as `{ at = \"2s\", key = 7 }`",
    )?;
    for (index, event) in events.iter().enumerate() {
        let path = |key: &str| format!("arrival.events.{index}.{key}");
        if event.at > Span::ZERO {
            judge.lasting(&path("at"), event.at, YEAR)?;
        }
        if let Some(size) = event.size {
            judge.within(&path("size"), size.into(), 1, 16 << 20)?;
        }
        let before = index.checked_sub(1).map(|before| events[before].at);
        judge.need(
            before.is_none_or(|before| before <= event.at),
            &path("at"),
            format!("an event owed at {} stands after a later one", event.at),
            "sort the events by `at`",
        )?;
    }
    Ok(())
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

fn processor(judge: &Judge<'_>, config: &ProcessorConfig) -> Checked {
    judge.within("nodes", config.nodes.into(), 1, NODES.into())?;
    judge.within("batch", config.batch.into(), 1, 1_000_000)?;
    judge.within("in_flight", config.in_flight.into(), 1, 1_000)?;
    judge.lasting("checkpoint", config.checkpoint, MONTH)?;
    judge.lasting("request_timeout", config.request_timeout, MONTH)?;
    judge.lasting("retry_backoff", config.retry_backoff, MONTH)?;
    if let Some(config) = &config.retry {
        retry::retry(judge, config)?;
    }
    match &config.window {
        Some(window) => window::window(judge, window),
        None => Ok(()),
    }
}
