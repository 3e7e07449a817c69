//! What windows of event time need of the parts around them.

use super::Checked;
use crate::spec::parse::Reader;
use crate::spec::{BrokerSpec, Place, Scenario, place};
use stormglass_core::processor::config::{DeliveryMode, ProcessorConfig};
use stormglass_core::processor::window::config::{Aggregate, WatermarkClock, WindowConfig};
use stormglass_core::time::Span;

/// Judges the windows of a processor whose `from` and `to` lead somewhere.
pub(super) fn check(
    reader: &Reader<'_>,
    scenario: &Scenario,
    name: &str,
    processor: &ProcessorConfig,
) -> Checked {
    let Some(window) = &processor.window else {
        return Ok(());
    };
    let at = |key: &str| format!("processor.{name}.{key}");
    if Aggregate::of(&processor.operator).is_none() {
        return Err(reader.error(
            &at("operator"),
            format!("`{}` does not work by windows", processor.operator),
            "write \"count-by-key\" or \"sum-by-key\", or remove `window`",
        ));
    }
    if let Some(Place::Topic { broker, .. }) = place(&processor.from) {
        match &scenario.brokers[broker] {
            BrokerSpec::Log(_) => {}
            kind @ (BrokerSpec::Queue(_) | BrokerSpec::Fanout(_)) => {
                return Err(reader.error(
                    &at("window"),
                    format!(
                        "windows need a log broker, and `{broker}` is a {}: it has no order from which \
                         a watermark follows",
                        kind.kind()
                    ),
                    "read from a log broker, or remove `window`",
                ));
            }
        }
    }
    if window.watermark == WatermarkClock::WallClock
        && processor.delivery == DeliveryMode::AtMostOnce
    {
        return Err(reader.error(
            &at("window.watermark"),
            "windows by the wall clock are not written at most once: which of them were told before a crash \
             does not follow from the events",
            "choose another delivery, or write `watermark = \"event-time\"`",
        ));
    }
    one_speed(reader, scenario, name, processor, window)
}

/// Windows are in the time of the events, so all sources that feed them run at one speed (B10).
fn one_speed(
    reader: &Reader<'_>,
    scenario: &Scenario,
    name: &str,
    processor: &ProcessorConfig,
    window: &WindowConfig,
) -> Checked {
    let sources = scenario.sources.values();
    let feeding = sources.filter(|source| source.to == processor.from);
    let mut speeds = feeding.map(|source| source.arrival.speed());
    let path = format!("processor.{name}.window");
    let Some(speed) = speeds.next() else {
        return Ok(());
    };
    if let Some(other) = speeds.find(|other| *other != speed) {
        return Err(reader.error(
            &path,
            format!(
                "`{}` is fed at a speed of {speed} and at one of {other}, so a length of event time \
                 means two things",
                processor.from
            ),
            "give all sources of the topic the same `speed`",
        ));
    }
    let mut assign = window.assign;
    let shortest = assign.spans().into_iter().map(|span| *span).min();
    if shortest.is_some_and(|span| span / u64::from(speed) == Span::ZERO) {
        return Err(reader.error(
            &format!("{path}.assign"),
            format!("a speed of {speed} leaves nothing of the windows"),
            "choose a lower speed or longer windows",
        ));
    }
    Ok(())
}
