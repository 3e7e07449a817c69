//! Queues and fan-outs.

use super::{Level, Linter, Rule};
use crate::spec::SwarmKind;
use stormglass_core::broker::fanout::config::FanoutConfig;
use stormglass_core::broker::queue::config::QueueConfig;
use stormglass_core::time::Span;

impl<'a> Linter<'a> {
    pub(super) fn queue(&mut self, name: &'a str, config: &QueueConfig) {
        self.stores_before_sync(&format!("broker.{name}"), config.sync_before_ack);
        for (topic, settings) in &config.topics {
            let path = format!("broker.{name}.topics.{topic}.visibility_timeout");
            self.lease_against_work(name, topic, &path, settings.visibility_timeout);
        }
    }

    pub(super) fn fanout(&mut self, name: &'a str, config: &FanoutConfig) {
        self.stores_before_sync(&format!("broker.{name}"), config.sync_before_ack);
        for (topic, settings) in &config.topics {
            let path = format!("broker.{name}.topics.{topic}.delivery_timeout");
            self.lease_against_work(name, topic, &path, settings.delivery_timeout);
        }
    }

    /// A message is worked on for as long as its write to the sink may take.
    fn lease_against_work(&mut self, broker: &'a str, topic: &str, path: &str, lease: Span) {
        let topic = format!("broker.{broker}/{topic}");
        let slowest = self
            .readers(broker)
            .filter(|(_, config)| config.from == topic)
            .max_by_key(|(_, config)| config.request_timeout);
        let Some((reader, config)) = slowest else {
            return;
        };
        if lease > config.request_timeout {
            return;
        }
        let level = self.if_asked_for_duplicates();
        self.add(
            Rule::Visibility,
            level,
            path,
            format!(
                "a message is handed out again after {lease}, and processor.{reader} waits up to {} for its write: two \
                 may work on it",
                config.request_timeout
            ),
            "choose a longer timeout than the slowest work takes, or a sink that knows what it has",
        );
    }

    /// Answers before the disk has it.
    pub(super) fn stores_before_sync(&mut self, part: &str, syncs: bool) {
        if syncs || !self.draws(SwarmKind::PowerLoss) {
            return;
        }
        self.add(
            Rule::Sync,
            Level::Note,
            &format!("{part}.sync_before_ack"),
            "answers come before the disk has what they are about: a power loss takes it back"
                .to_owned(),
            "choose sync_before_ack = true",
        );
    }
}
