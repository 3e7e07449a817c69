//! What parts guarantee, how guarantees compose along a pipeline, and under which faults they hold.

mod envelope;

pub use envelope::{Claim, ENVELOPE_VERSION, Envelope, Fit, judge};

use crate::check::Topology;
use crate::check::topology::{LogEntry, ProcessorEntry, QueueEntry, SinkEntry};
use crate::message::log::Acks;
use crate::processor::config::DeliveryMode;
use crate::sink::config::SinkKind;
use serde::Serialize;

/// What a part promises about the events that pass through it. Promises compose by conjunction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Promises {
    /// What it has acknowledged it passes on.
    pub keeps: bool,
    /// It passes nothing on twice, or says so in a way that the next part can tell.
    pub once: bool,
    /// It passes events of one key on in the order it was given them.
    pub in_order: bool,
}

impl Promises {
    /// Everything.
    pub const ALL: Promises = Promises {
        keeps: true,
        once: true,
        in_order: true,
    };

    /// A log and its producers: idempotence and order rest on acks=all (KIP-98). Where an unclean election takes back
    /// what was read, effects of it stand before those of what is stored in its place.
    #[must_use]
    pub fn of_log(log: &LogEntry) -> Promises {
        let all = log.acks == Acks::All;
        Promises {
            keeps: all
                && !log.unclean
                && log.truncates_by_epoch
                && log.resyncs
                && (log.min_insync >= 2 || log.replication == 1),
            once: all && log.idempotent,
            in_order: all
                && !log.expands
                && !log.unclean
                && (log.idempotent && log.max_in_flight <= 5 && log.starts_at_zero
                    || log.max_in_flight == 1),
        }
    }

    /// A queue or fan-out: publishers that retry repeat, redelivery and competing consumers break order.
    #[must_use]
    pub const fn of_queue(_: &QueueEntry) -> Promises {
        Promises {
            keeps: true,
            once: false,
            in_order: false,
        }
    }

    /// A processor and the sink it writes to, read from a log or a queue.
    #[must_use]
    pub fn of_stage(processor: &ProcessorEntry, sink: &SinkEntry) -> Promises {
        match processor.delivery {
            DeliveryMode::AtMostOnce => Promises {
                keeps: false,
                once: true,
                in_order: true,
            },
            DeliveryMode::AtLeastOnce => Promises {
                keeps: !processor.skips_open,
                once: sink.kind == SinkKind::Upsert,
                in_order: !processor.overtakes,
            },
            DeliveryMode::ExactlyOnce => Promises {
                keeps: true,
                once: sink.kind == SinkKind::Transactional,
                in_order: true,
            },
        }
    }

    /// What holds of both together.
    #[must_use]
    pub const fn and(self, other: Promises) -> Promises {
        Promises {
            keeps: self.keeps && other.keeps,
            once: self.once && other.once,
            in_order: self.in_order && other.in_order,
        }
    }
}

/// What the broker of each source promises, none of a user's own.
fn brokers(topology: &Topology) -> impl Iterator<Item = Promises> {
    topology.sources.iter().filter_map(|source| {
        let log = topology.log(source.broker).map(Promises::of_log);
        log.or_else(|| topology.queue(source.broker).map(Promises::of_queue))
    })
}

/// What every path from a source to a sink promises.
fn paths(topology: &Topology) -> Promises {
    let stages = topology.processors.iter().filter_map(|processor| {
        let sink = topology.sink(processor.sink)?;
        Some(Promises::of_stage(processor, &topology.sinks[sink]))
    });
    brokers(topology)
        .chain(stages)
        .fold(Promises::ALL, Promises::and)
}

/// Whether every processor's rows are a function of the log alone: its effects are repeatable, and the sink
/// takes each once.
fn is_equivalent(topology: &Topology) -> bool {
    !topology.processors.is_empty()
        && topology.processors.iter().all(|processor| {
            // Windows are judged by a check of their own.
            if processor.window.is_some() {
                return false;
            }
            let kind = topology
                .sink(processor.sink)
                .map(|sink| topology.sinks[sink].kind);
            let exact = match (processor.delivery, kind) {
                (DeliveryMode::ExactlyOnce, Some(SinkKind::Transactional))
                | (DeliveryMode::AtLeastOnce, Some(SinkKind::Upsert)) => true,
                (
                    DeliveryMode::AtMostOnce
                    | DeliveryMode::AtLeastOnce
                    | DeliveryMode::ExactlyOnce,
                    Some(SinkKind::Append | SinkKind::Upsert | SinkKind::Transactional) | None,
                ) => false,
            };
            exact && topology.log(processor.broker).is_some()
        })
}

/// The checks that a run must pass, from what its parts promise together. A scenario may ask for more.
#[must_use]
pub fn required(topology: &Topology) -> Vec<&'static str> {
    let path = paths(topology);
    let logs: Vec<Promises> = topology.logs.iter().map(Promises::of_log).collect();
    let has_logs = !logs.is_empty();
    let mut checks = Vec::new();
    let mut require = |check, when| {
        if when {
            checks.push(check);
        }
    };
    let has_processors = !topology.processors.is_empty();
    require("no-loss", path.keeps);
    require(
        "no-log-loss",
        !path.keeps && logs.iter().any(|log| log.keeps),
    );
    require("no-duplicates", path.once);
    require(
        "no-log-duplicates",
        !path.once && logs.iter().any(|log| log.once),
    );
    require("order", has_logs && path.in_order);
    require("gap-free", has_logs && has_processors);
    require("log-matching", has_logs);
    require("committed-prefix", logs.iter().any(|log| log.keeps));
    require("one-leader", has_logs);
    require("retention", has_logs);
    require(
        "commit-implies-processed",
        topology
            .processors
            .iter()
            .any(ProcessorEntry::processes_before_it_commits),
    );
    require("conservation", path.keeps);
    require("equivalence", is_equivalent(topology));
    let mut processors = topology.processors.iter();
    let has_windows = processors.any(|processor| processor.window.is_some());
    require("window-equivalence", has_windows);
    require("watermark-soundness", has_windows);
    require(
        "fencing",
        topology
            .processors
            .iter()
            .any(|processor| processor.delivery == DeliveryMode::ExactlyOnce),
    );
    require("one-holder", !topology.leases.is_empty());
    require("recovery", true);
    require("nothing-in-flight", has_processors);
    require("facts", true);
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests_support::pipeline;
    use crate::processor::window::config::{
        Aggregate, Assign, WatermarkClock, WindowConfig, WindowPlan,
    };
    use crate::time::Span;

    fn checks(log: bool, kind: SinkKind, mode: DeliveryMode, acks: Acks) -> Vec<&'static str> {
        let mut topology = pipeline(log, kind, "count-by-key", mode);
        for log in &mut topology.logs {
            log.acks = acks;
        }
        required(&topology)
    }

    #[test]
    fn each_configuration_requires_what_it_promises_and_no_more() {
        use DeliveryMode::{AtLeastOnce, AtMostOnce, ExactlyOnce};
        use SinkKind::{Append, Transactional, Upsert};
        let watched = ["no-loss", "no-duplicates", "order", "equivalence"];
        for (log, kind, mode, acks, expected) in [
            (
                true,
                Append,
                AtLeastOnce,
                Acks::All,
                vec!["no-loss", "order"],
            ),
            (true, Append, AtLeastOnce, Acks::Leader, vec![]),
            (
                true,
                Append,
                AtMostOnce,
                Acks::All,
                vec!["no-duplicates", "order"],
            ),
            (
                true,
                Transactional,
                ExactlyOnce,
                Acks::All,
                watched.to_vec(),
            ),
            (true, Upsert, AtLeastOnce, Acks::All, watched.to_vec()),
            (false, Append, AtLeastOnce, Acks::All, vec!["no-loss"]),
            (false, Append, AtMostOnce, Acks::All, vec![]),
        ] {
            let required = checks(log, kind, mode, acks);
            let found: Vec<&str> = watched
                .into_iter()
                .filter(|check| required.contains(check))
                .collect();
            assert_eq!(found, expected, "log {log}, {kind:?}, {mode:?}, {acks:?}");
        }
    }

    #[test]
    fn windows_wait_in_the_state_so_no_check_asks_that_their_events_have_effects_first() {
        let mut topology = pipeline(
            true,
            SinkKind::Upsert,
            "count-by-key",
            DeliveryMode::AtLeastOnce,
        );
        assert!(required(&topology).contains(&"commit-implies-processed"));
        let config = WindowConfig {
            assign: Assign::Tumbling(Span(10)),
            watermark: WatermarkClock::EventTime,
            disorder: Span(5),
            lateness: Span(0),
            idle: None,
            drift: None,
            interval: Span(1),
        };
        topology.processors[0].window = Some(WindowPlan::new(&config, Aggregate::Count, 1));
        let required = required(&topology);
        assert!(!required.contains(&"commit-implies-processed"));
        assert!(required.contains(&"window-equivalence"));
    }

    #[test]
    fn a_log_keeps_its_own_promise_before_a_processor_that_promises_less() {
        let (kind, mode) = (SinkKind::Append, DeliveryMode::AtMostOnce);
        assert!(checks(true, kind, mode, Acks::All).contains(&"no-log-loss"));
        assert!(!checks(true, kind, mode, Acks::Leader).contains(&"no-log-loss"));
    }
}
