//! Sources, processors and sinks: what is done twice, not at all, or again and again.

use super::{Level, Linter, Rule};
use stormglass_core::processor::config::DeliveryMode;
use stormglass_core::retry::config::{RetryConfig, RetryPolicy};
use stormglass_core::sink::config::SinkKind;
use stormglass_core::source::config::WhenFull;

impl Linter<'_> {
    pub(super) fn flow(&mut self) {
        let written = &self.case.written;
        for (name, source) in &written.sources {
            let sheds = source.buffer.when_full == WhenFull::Shed;
            if source
                .retry
                .as_ref()
                .is_some_and(|retry| has_no_bound(retry) && !sheds)
            {
                self.add(
                    Rule::RetryBudget,
                    Level::Warning,
                    &format!("source.{name}.retry"),
                    "retries are a share of nothing: a broker that was slow for a while is asked for more than it can \
                     serve, and may never catch up"
                        .to_owned(),
                    "choose budget = { share = 0.1, burst = 10 }, a bound of attempts, or buffer.when_full = \"shed\"",
                );
            }
        }
        for (name, processor) in &written.processors {
            let path = format!("processor.{name}.delivery");
            let appends = self
                .sink(processor)
                .is_some_and(|(_, sink)| sink.kind == SinkKind::Append);
            if processor.delivery == DeliveryMode::AtMostOnce {
                let level = self.if_asked_for_loss();
                self.add(
                    Rule::SettleFirst,
                    level,
                    &path,
                    "an event is settled before it is written: a crash in between loses it"
                        .to_owned(),
                    "choose delivery = \"at-least-once\"",
                );
            } else if processor.delivery == DeliveryMode::AtLeastOnce
                && appends
                && !self.draws_nothing()
            {
                let level = self.if_asked_for_duplicates();
                self.add(
                    Rule::AppendAgain,
                    level,
                    &path,
                    "an event is written before it is settled, to a sink that takes it again: a crash in between \
                     doubles it"
                        .to_owned(),
                    "choose a sink of kind \"upsert\", or exactly-once with one of kind \"transactional\"",
                );
            }
        }
        for (name, sink) in &written.sinks {
            self.stores_before_sync(&format!("sink.{name}"), sink.sync_before_ack);
        }
    }

    fn draws_nothing(&self) -> bool {
        let faults = &self.case.written.faults;
        faults.swarm.is_empty() && faults.planned.is_empty()
    }
}

/// Whether a client of this policy may send a request again and again.
fn has_no_bound(retry: &RetryConfig) -> bool {
    let repeats = match retry.policy {
        Some(RetryPolicy::None) => false,
        Some(RetryPolicy::Fixed(_) | RetryPolicy::Exponential { .. }) | None => true,
    };
    repeats && retry.attempts.is_none() && retry.budget.is_none()
}
