//! Which timeouts a fault on a part can straddle: almost every window in which a guarantee breaks lies
//! around one, so lengths are drawn as multiples of them and not uniformly.

use super::broker_of;
use crate::spec::{BrokerSpec, Scenario};
use stormglass_core::rng::Stream;
use stormglass_core::time::Span;

/// The multiples in tenths: just below, just above and far beyond.
const TENTHS: [u64; 5] = [5, 9, 11, 20, 50];

/// The timeouts that a fault on `part` can straddle, shortest first, without doubles.
#[must_use]
pub(super) fn timeouts(scenario: &Scenario, part: &str) -> Vec<Span> {
    let (section, name) = part.split_once('.').unwrap_or((part, ""));
    let mut spans = match section {
        "broker" => scenario.brokers.get(name).map_or(Vec::new(), of_broker),
        "sink" => scenario
            .processors
            .values()
            .filter(|processor| processor.to == part)
            .flat_map(|processor| [processor.request_timeout, processor.checkpoint])
            .collect(),
        _ => {
            let broker = broker_of(scenario, part)
                .and_then(|broker| scenario.brokers.get(broker.strip_prefix("broker.")?));
            let mut spans = broker.map_or(Vec::new(), |broker| of_client(broker, section));
            if let Some(processor) = scenario
                .processors
                .get(name)
                .filter(|_| section == "processor")
            {
                spans.push(processor.checkpoint);
            }
            spans
        }
    };
    spans.retain(|span| *span > Span::ZERO);
    spans.sort();
    spans.dedup();
    if spans.is_empty() {
        spans.push(Span::secs(1));
    }
    spans
}

fn of_broker(broker: &BrokerSpec) -> Vec<Span> {
    match broker {
        BrokerSpec::Log(config) => vec![
            config.broker_session_timeout,
            config.quorum_fetch_timeout,
            config.replica_lag_time_max,
            config.producer.request_timeout,
        ],
        BrokerSpec::Queue(config) => config
            .topics
            .values()
            .map(|topic| topic.visibility_timeout)
            .chain([config.publisher.request_timeout])
            .collect(),
        BrokerSpec::Fanout(config) => config
            .topics
            .values()
            .map(|topic| topic.delivery_timeout)
            .chain([config.publisher.request_timeout])
            .collect(),
    }
}

fn of_client(broker: &BrokerSpec, section: &str) -> Vec<Span> {
    let publishes = section == "source";
    match broker {
        BrokerSpec::Log(config) if publishes => {
            vec![
                config.producer.request_timeout,
                config.producer.delivery_timeout,
            ]
        }
        BrokerSpec::Log(config) => {
            vec![
                config.consumer.session_timeout,
                config.consumer.request_timeout,
            ]
        }
        BrokerSpec::Queue(config) if publishes => vec![config.publisher.request_timeout],
        BrokerSpec::Fanout(config) if publishes => vec![config.publisher.request_timeout],
        BrokerSpec::Queue(_) | BrokerSpec::Fanout(_) => of_broker(broker),
    }
}

/// A multiple of one of the timeouts, at most `most` and at least a millisecond.
pub(super) fn draw(stream: &mut Stream, timeouts: &[Span], most: Span) -> Span {
    let timeout = stream.pick(timeouts).copied().unwrap_or(Span::secs(1));
    let tenths = stream.pick(&TENTHS).copied().unwrap_or(10);
    timeout.ratio(tenths, 10).min(most).max(Span::millis(1))
}
