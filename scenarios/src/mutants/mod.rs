//! Scenarios that are known to be wrong, to test a gate by: the flaws that can be planted into the parts of a
//! scenario, each as one more variant of its file, and the files of this project with known failures.
//!
//! Model: a flaw is planted only where the part does what the flaw breaks, since a mutant that behaves like
//! the original cannot be found by anybody. Whether the faults of the scenario are such that the flaw can show
//! is the question that is asked, and no reason to leave one out.

mod shipped;
#[cfg(test)]
mod tests;

pub use shipped::{SHIPPED, Shipped};

use crate::spec::{BrokerSpec, Scenario};
use stormglass_core::broker::log::config::{LogConfig, LogFlaw};
use stormglass_core::broker::queue::config::QueueFlaw;
use stormglass_core::lease::config::LeaseFlaw;
use stormglass_core::message::log::Acks;
use stormglass_core::processor::config::{DeliveryMode, ProcessorConfig, ProcessorFlaw};
use stormglass_core::sink::config::{SinkConfig, SinkFlaw, SinkKind};
use stormglass_core::time::Span;

/// A flaw that can be planted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// The part, such as `broker.main`.
    pub part: String,
    /// The flaw, as scenario files have it.
    pub flaw: String,
}

/// The flaws that can show in a scenario as written that lasts for `length`; `is_stateful` says of an operator
/// whether it keeps state.
#[must_use]
pub fn flaws_of(
    scenario: &Scenario,
    length: Span,
    is_stateful: &dyn Fn(&str) -> bool,
) -> Vec<Flaw> {
    let mut found = Vec::new();
    let mut add = |kind: &str, name: &str, flaws: Vec<String>| {
        found.extend(flaws.into_iter().map(|flaw| Flaw {
            part: format!("{kind}.{name}"),
            flaw,
        }));
    };
    for (name, broker) in &scenario.brokers {
        let flaws = match broker {
            BrokerSpec::Log(log) => words(&LOG, |flaw| log_shows(log, *flaw, length)),
            BrokerSpec::Queue(queue) => {
                let bounds = queue.topics.values().map(|topic| topic.max_deliveries);
                let is_bounded = bounds.clone().any(|most| most.is_some());
                words(&QUEUE, |flaw| {
                    queue_shows(*flaw, queue.sync_before_ack, is_bounded)
                })
            }
            BrokerSpec::Fanout(fanout) => {
                let bounds = fanout.topics.values().map(|topic| topic.max_deliveries);
                let is_bounded = bounds.clone().any(|most| most.is_some());
                words(&QUEUE, |flaw| {
                    queue_shows(*flaw, fanout.sync_before_ack, is_bounded)
                })
            }
        };
        add("broker", name, flaws);
    }
    for (name, processor) in &scenario.processors {
        let has_state = is_stateful(&processor.operator) || processor.window.is_some();
        let flaws = words(&PROCESSOR, |flaw| {
            processor_shows(processor, *flaw, has_state)
        });
        add("processor", name, flaws);
    }
    for (name, sink) in &scenario.sinks {
        add("sink", name, words(&SINK, |flaw| sink_shows(sink, *flaw)));
    }
    for name in scenario.leases.keys() {
        add("lease", name, words(&LEASE, |_| true));
    }
    found
}

/// The scenario's text with a variant for each flaw, and the names of these variants in the order of `flaws`.
#[must_use]
pub fn planted(text: &str, flaws: &[Flaw]) -> (String, Vec<String>) {
    let (mut all, mut names) = (text.to_owned(), Vec::new());
    for (number, Flaw { part, flaw }) in flaws.iter().enumerate() {
        let name = format!("planted-{}", number + 1);
        all.push_str(&format!(
            "\n[[variant]]\nname = \"{name}\"\nexit = 1\nset = {{ \"{part}.flaws\" = [\"{flaw}\"] }}\n"
        ));
        names.push(name);
    }
    (all, names)
}

/// All flaws of log brokers. A test holds these lists against the types.
const LOG: [LogFlaw; 8] = [
    LogFlaw::AckBeforeReplicate,
    LogFlaw::ForgetVote,
    LogFlaw::SkipTruncation,
    LogFlaw::ReadUncommitted,
    LogFlaw::ForgetSequence,
    LogFlaw::SkipAfterCommit,
    LogFlaw::EarlyRetention,
    LogFlaw::LieInFacts,
];

const QUEUE: [QueueFlaw; 4] = [
    QueueFlaw::AckBeforeSync,
    QueueFlaw::ForgetOnDelivery,
    QueueFlaw::DropDeadLetters,
    QueueFlaw::ForgetAccept,
];

const PROCESSOR: [ProcessorFlaw; 7] = [
    ProcessorFlaw::SettleBeforeWrite,
    ProcessorFlaw::StateWithoutPosition,
    ProcessorFlaw::SkipFence,
    ProcessorFlaw::SkipEvents,
    ProcessorFlaw::FastestWatermark,
    ProcessorFlaw::ForgetWindows,
    ProcessorFlaw::LateInSilence,
];

const SINK: [SinkFlaw; 4] = [
    SinkFlaw::AckBeforeSync,
    SinkFlaw::SkipFence,
    SinkFlaw::IgnoreVersion,
    SinkFlaw::LieInFacts,
];

const LEASE: [LeaseFlaw; 2] = [LeaseFlaw::GrantWhileHeld, LeaseFlaw::ForgetTokens];

/// Those that show, as scenario files have them.
fn words<F: serde::Serialize>(all: &[F], shows: impl Fn(&F) -> bool) -> Vec<String> {
    let shown = all.iter().filter(|flaw| shows(flaw));
    let values = shown.filter_map(|flaw| serde_json::to_value(flaw).ok());
    let words = values.filter_map(|value| value.as_str().map(str::to_owned));
    words.collect()
}

fn log_shows(log: &LogConfig, flaw: LogFlaw, length: Span) -> bool {
    let is_replicated = log.nodes > 1 && log.replication_factor > 1;
    match flaw {
        LogFlaw::AckBeforeReplicate => is_replicated && log.producer.acks == Acks::All,
        LogFlaw::ForgetVote => log.nodes > 1,
        LogFlaw::SkipTruncation | LogFlaw::ReadUncommitted => is_replicated,
        LogFlaw::ForgetSequence => log.producer.enable_idempotence,
        LogFlaw::EarlyRetention => log.log_retention < length,
        LogFlaw::SkipAfterCommit | LogFlaw::LieInFacts => true,
    }
}

fn queue_shows(flaw: QueueFlaw, syncs: bool, is_bounded: bool) -> bool {
    match flaw {
        QueueFlaw::AckBeforeSync => syncs,
        QueueFlaw::DropDeadLetters => is_bounded,
        QueueFlaw::ForgetOnDelivery | QueueFlaw::ForgetAccept => true,
    }
}

fn processor_shows(processor: &ProcessorConfig, flaw: ProcessorFlaw, has_state: bool) -> bool {
    let promises_all = processor.delivery != DeliveryMode::AtMostOnce;
    match flaw {
        ProcessorFlaw::SettleBeforeWrite => processor.delivery == DeliveryMode::AtLeastOnce,
        ProcessorFlaw::StateWithoutPosition => has_state && promises_all,
        ProcessorFlaw::SkipFence => processor.delivery == DeliveryMode::ExactlyOnce,
        ProcessorFlaw::SkipEvents => promises_all,
        ProcessorFlaw::FastestWatermark | ProcessorFlaw::LateInSilence => {
            processor.window.is_some()
        }
        ProcessorFlaw::ForgetWindows => processor.window.is_some() && promises_all,
    }
}

fn sink_shows(sink: &SinkConfig, flaw: SinkFlaw) -> bool {
    match flaw {
        SinkFlaw::AckBeforeSync => sink.sync_before_ack,
        SinkFlaw::SkipFence => sink.refuses_lower_tokens || sink.kind == SinkKind::Transactional,
        SinkFlaw::IgnoreVersion => sink.kind == SinkKind::Upsert,
        SinkFlaw::LieInFacts => true,
    }
}
