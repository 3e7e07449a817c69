//! Windows of event time.

use super::{Level, Linter, Rule};
use crate::spec::slo::Metric;
use crate::spec::{BrokerSpec, Place, place};
use stormglass_core::processor::config::ProcessorConfig;
use stormglass_core::processor::window::config::{WatermarkClock, WindowConfig};
use stormglass_core::time::Span;

impl<'a> Linter<'a> {
    pub(super) fn windows(&mut self) {
        for (name, processor) in &self.case.written.processors {
            if let Some(window) = &processor.window {
                self.window(name, processor, window);
            }
        }
    }

    fn window(&mut self, name: &str, processor: &'a ProcessorConfig, window: &WindowConfig) {
        let path = |key: &str| format!("processor.{name}.window.{key}");
        if window.watermark == WatermarkClock::WallClock {
            self.add(
                Rule::WatermarkClock,
                Level::Warning,
                &path("watermark"),
                "the watermark follows the wall clock of a node: windows close too soon where that clock is ahead"
                    .to_owned(),
                "choose watermark = \"event-time\"",
            );
        }
        let disorder = self.sources(&processor.from).filter_map(|source| {
            let disorder = source.disorder.as_ref()?;
            Some(disorder.up_to)
        });
        let disorder = disorder.max().unwrap_or(Span::ZERO);
        let waits = window.disorder.saturating_add(window.lateness);
        if disorder > waits {
            let level = self.if_asked("window-equivalence", |metric| {
                matches!(metric, Metric::Late)
            });
            self.add(
                Rule::Lateness,
                level,
                &path("disorder"),
                format!(
                    "events are up to {disorder} behind, and windows wait for {waits} (`disorder` + `lateness`): later \
                     ones are dropped"
                ),
                "choose disorder + lateness of at least the source's disorder",
            );
        }
        if window.idle.is_none() && window.watermark == WatermarkClock::EventTime {
            self.silent_partition(processor, &path("idle"));
        }
    }

    fn silent_partition(&mut self, processor: &'a ProcessorConfig, path: &str) {
        let Some(Place::Topic { broker, topic }) = place(&processor.from) else {
            return;
        };
        let Some(BrokerSpec::Log(log)) = self.case.written.brokers.get(broker) else {
            return;
        };
        let partitions = log.topics.get(topic).map_or(0, |topic| topic.partitions);
        let keys: u64 = self
            .sources(&processor.from)
            .map(|source| source.keys.count)
            .sum();
        if u64::from(partitions) <= 1 {
            return;
        }
        let (level, message) = if keys < u64::from(partitions) {
            (
                Level::Warning,
                format!(
                    "{partitions} partitions share {keys} keys, so one at least never gets an event, and holds the \
                     watermark back for ever"
                ),
            )
        } else {
            (
                Level::Note,
                "a partition that falls silent holds the watermark back, and no window closes"
                    .to_owned(),
            )
        };
        self.add(
            Rule::Idle,
            level,
            path,
            message,
            "choose idle, longer than the longest silence that is no news",
        );
    }
}
