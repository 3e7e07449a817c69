//! What a design may lose, double or stall, read from its settings alone.
//!
//! Many failures are one violated inequality between two settings. A rule says which, what it leads to, and what
//! to change. A warning is about something that the scenario promises or asks for; a note is about something that
//! its promises allow.

mod flow;
mod jobs;
mod leases;
mod log;
mod windows;

#[cfg(test)]
mod tests;

use crate::error::ScenarioError;
use crate::load::{Case, ScenarioFile};
use crate::spec::slo::Metric;
use crate::spec::{BrokerSpec, Place, SwarmKind, place};
use stormglass_core::processor::config::ProcessorConfig;
use stormglass_core::sink::config::SinkConfig;
use stormglass_core::source::config::SourceConfig;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The design may break what the scenario promises or asks for.
    Warning,
    /// The promises allow it; somebody should know.
    Note,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// An acknowledgement comes before the replicas have the event.
    Acks,
    /// A retried batch may be stored twice, or behind a later one.
    Idempotence,
    /// The producer gives up on a request sooner than the broker on a slow replica.
    RequestTimeout,
    /// One copy is enough for an acknowledgement.
    MinInsync,
    /// A replica that lacks records may lead.
    UncleanElection,
    /// A replica whose disk has lost records may lead.
    RestartedReplica,
    /// A follower cuts what its leader has.
    Truncation,
    /// A producer's second batch may be taken before its first.
    FirstSequence,
    /// One node that is away stops acknowledgements.
    SpareReplica,
    /// An acknowledgement comes before a disk has the event.
    Sync,
    /// Unread events may be removed.
    Retention,
    /// A group that starts without a position skips what is there.
    OffsetReset,
    /// A reader does not notice that its log was cut.
    TruncationDetection,
    /// A topic that expands moves keys to other partitions.
    Expansion,
    /// A lease on a message may end while it is worked on.
    Visibility,
    /// What is settled before it is written may never be written.
    SettleFirst,
    /// What is written before it is settled may be written twice.
    AppendAgain,
    /// Retries have no budget.
    RetryBudget,
    /// A lease ends by a clock that may be wrong, or too late for what is under way.
    LeaseFence,
    /// The watermark follows a clock that may be wrong.
    WatermarkClock,
    /// Events may be later than the windows wait.
    Lateness,
    /// An input without events holds the watermark back.
    Idle,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 22] = [
        Rule::Acks,
        Rule::Idempotence,
        Rule::RequestTimeout,
        Rule::MinInsync,
        Rule::UncleanElection,
        Rule::RestartedReplica,
        Rule::Truncation,
        Rule::FirstSequence,
        Rule::SpareReplica,
        Rule::Sync,
        Rule::Retention,
        Rule::OffsetReset,
        Rule::TruncationDetection,
        Rule::Expansion,
        Rule::Visibility,
        Rule::SettleFirst,
        Rule::AppendAgain,
        Rule::RetryBudget,
        Rule::LeaseFence,
        Rule::WatermarkClock,
        Rule::Lateness,
        Rule::Idle,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Rule::Acks => "acks",
            Rule::Idempotence => "idempotence",
            Rule::RequestTimeout => "request-timeout",
            Rule::MinInsync => "min-insync",
            Rule::UncleanElection => "unclean-election",
            Rule::RestartedReplica => "restarted-replica",
            Rule::Truncation => "truncation",
            Rule::FirstSequence => "first-sequence",
            Rule::SpareReplica => "spare-replica",
            Rule::Sync => "sync",
            Rule::Retention => "retention",
            Rule::OffsetReset => "offset-reset",
            Rule::TruncationDetection => "truncation-detection",
            Rule::Expansion => "expansion",
            Rule::Visibility => "visibility",
            Rule::SettleFirst => "settle-first",
            Rule::AppendAgain => "append-again",
            Rule::RetryBudget => "retry-budget",
            Rule::LeaseFence => "lease-fence",
            Rule::WatermarkClock => "watermark-clock",
            Rule::Lateness => "lateness",
            Rule::Idle => "idle",
        }
    }

    /// The failure it leads to, under the name that the catalogue of known failures gives it.
    #[must_use]
    pub const fn leads_to(self) -> &'static str {
        match self {
            Rule::Acks => "prod-acks-below-all",
            Rule::Idempotence => "prod-retry-dup, prod-retry-reorder",
            Rule::RequestTimeout => "prod-retry-dup",
            Rule::MinInsync => "log-min-isr-one",
            Rule::RestartedReplica => "log-minority-corruption",
            Rule::Truncation => "log-hw-truncation",
            Rule::FirstSequence => "prod-first-batch",
            Rule::UncleanElection | Rule::SpareReplica => "log-unclean-election",
            Rule::Sync => "log-ack-before-flush",
            Rule::Retention => "log-retention-outruns-consumer",
            Rule::OffsetReset | Rule::Expansion => "log-partition-expand-latest-skip",
            Rule::TruncationDetection => "log-truncation-blind-consumer",
            Rule::Visibility => "sqs-visibility-short",
            Rule::SettleFirst => "grp-commit-before-process",
            Rule::AppendAgain => "sink-append-replay",
            Rule::RetryBudget => "ops-retry-metastable",
            Rule::LeaseFence | Rule::WatermarkClock => "ops-lease-clock",
            Rule::Lateness => "proc-late-drop",
            Rule::Idle => "proc-idle-stall",
        }
    }
}

/// A violated rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub rule: Rule,
    /// How much it matters here.
    pub level: Level,
    /// Where, what, and what to change.
    pub at: ScenarioError,
}

/// What is found in a case of a file, warnings first.
#[must_use]
pub fn lint(file: &ScenarioFile, case: &Case) -> Vec<Finding> {
    let mut linter = Linter {
        file,
        case,
        findings: Vec::new(),
    };
    for (name, broker) in &case.written.brokers {
        match broker {
            BrokerSpec::Log(config) => linter.log(name, config),
            BrokerSpec::Queue(config) => linter.queue(name, config),
            BrokerSpec::Fanout(config) => linter.fanout(name, config),
        }
    }
    linter.flow();
    linter.leases();
    linter.windows();
    let mut findings = linter.findings;
    findings.sort_by_key(|finding| (finding.level, finding.at.line, finding.rule));
    findings
}

/// Collects what is found in one case.
struct Linter<'a> {
    file: &'a ScenarioFile,
    case: &'a Case,
    findings: Vec<Finding>,
}

impl<'a> Linter<'a> {
    fn add(&mut self, rule: Rule, level: Level, path: &str, message: String, hint: &str) {
        let at = self.file.error(self.case, path, message, hint);
        self.findings.push(Finding { rule, level, at });
    }

    /// A warning if the scenario asks for it, a note otherwise.
    fn if_asked(&self, check: &str, metric: impl Fn(&Metric) -> bool) -> Level {
        let expect = &self.case.written.expect;
        let is_asked = expect.checks.iter().any(|asked| asked == check)
            || expect.slo.iter().any(|slo| metric(&slo.metric));
        if is_asked {
            Level::Warning
        } else {
            Level::Note
        }
    }

    fn if_asked_for_loss(&self) -> Level {
        self.if_asked("no-loss", |metric| matches!(metric, Metric::Lost))
    }

    fn if_asked_for_duplicates(&self) -> Level {
        self.if_asked("no-duplicates", |metric| {
            matches!(metric, Metric::Duplicates)
        })
    }

    /// Whether faults of a sort may happen, by chance or by plan.
    fn draws(&self, kind: SwarmKind) -> bool {
        self.case.written.faults.swarm.contains(&kind)
    }

    /// The processors that read topics of a broker.
    fn readers(&self, broker: &'a str) -> impl Iterator<Item = (&'a String, &'a ProcessorConfig)> {
        let all = self.case.written.processors.iter();
        all.filter(move |(_, config)| {
            matches!(place(&config.from), Some(Place::Topic { broker: from, .. }) if from == broker)
        })
    }

    /// The sources of a topic.
    fn sources(&self, topic: &'a str) -> impl Iterator<Item = &'a SourceConfig> {
        let all = self.case.written.sources.values();
        all.filter(move |source| source.to == topic)
    }

    fn sink(&self, of: &ProcessorConfig) -> Option<(&'a str, &'a SinkConfig)> {
        let Some(Place::Sink(name)) = place(&of.to) else {
            return None;
        };
        let (name, sink) = self.case.written.sinks.get_key_value(name)?;
        Some((name, sink))
    }
}
