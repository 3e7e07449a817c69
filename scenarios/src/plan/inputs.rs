//! Templates about what is read: an input that falls silent, a worker that lags behind, a message that nobody can
//! finish, and a group that reads everything again.

#[cfg(test)]
mod tests;

use super::draw::Sampler;
use super::lengths;
use crate::spec::BrokerSpec;
use crate::spec::faults::SwarmKind;
use stormglass_core::actor::Control;
use stormglass_core::fault::{Fault, FaultKind, Target};
use stormglass_core::time::Span;

impl Sampler<'_> {
    /// Sources that feed windows, with their brokers, and after how long of silence windows look past them.
    pub(super) fn stalls(&self) -> Vec<(String, String, Span)> {
        let mut stalls = Vec::new();
        for processor in self.scenario.processors.values() {
            let Some(window) = &processor.window else {
                continue;
            };
            // Without a bound what a silent input holds back is late or early by the disorder at most.
            let bound = window
                .idle
                .unwrap_or(window.disorder.saturating_add(window.lateness))
                .max(window.interval);
            let Some((broker, _)) = processor.from.split_once('/') else {
                continue;
            };
            let sources = self.scenario.sources.iter();
            let feeding = sources.filter(|(_, source)| source.to == processor.from);
            stalls.extend(
                feeding.map(|(name, _)| (format!("source.{name}"), broker.to_owned(), bound)),
            );
        }
        stalls
    }

    /// T9: a source is cut off from its broker for less or for longer than its silence is waited out.
    pub(super) fn stall_and_resume(&mut self) -> Vec<Fault> {
        let stalls = self.stalls();
        let Some((source, broker, bound)) = self.stream.pick(&stalls).cloned() else {
            return Vec::new();
        };
        let lasts = self.length(&[bound]);
        let target = Target::Link(
            Box::new(self.one_of(&source)),
            Box::new(Target::All(broker)),
        );
        self.place(FaultKind::Partition, target, lasts)
            .into_iter()
            .collect()
    }

    /// Processors of which one node or one subscription can lag behind the others.
    pub(super) fn apples(&self) -> Vec<String> {
        let mut parts = self.taking("processor", SwarmKind::SlowNode);
        if parts.len() < 2 {
            parts.retain(|part| self.budget.parts()[part].nodes > 1);
        }
        parts
    }

    /// T11: one worker is slow for half of chaos, beside others that are not.
    pub(super) fn bad_apple(&mut self) -> Vec<Fault> {
        let apples = self.apples();
        let Some(part) = self.stream.pick(&apples).cloned() else {
            return Vec::new();
        };
        let lasts = (self.ends.since(self.starts) / 2).max(Span::millis(1));
        let factor = self.stream.pick(&[10, 50, 200]).copied().unwrap_or(50);
        let target = self.one_of(&part);
        self.place(FaultKind::SlowNode { factor }, target, lasts)
            .into_iter()
            .collect()
    }

    /// Processors that read from brokers which keep dead letters, with these and how long a delivery is good.
    pub(super) fn dead_letters(&self) -> Vec<(String, String, Span)> {
        let processors = self.taking("processor", SwarmKind::Crash);
        let found = processors.into_iter().filter_map(|part| {
            let (broker, topic) = {
                let name = part.strip_prefix("processor.")?;
                self.scenario.processors.get(name)?.from.split_once('/')?
            };
            let name = broker.strip_prefix("broker.")?;
            let good = match self.scenario.brokers.get(name)? {
                BrokerSpec::Queue(config) => {
                    let topic = config.topics.get(topic)?;
                    topic.max_deliveries.map(|_| topic.visibility_timeout)
                }
                BrokerSpec::Fanout(config) => {
                    let topic = config.topics.get(topic)?;
                    topic.max_deliveries.map(|_| topic.delivery_timeout)
                }
                BrokerSpec::Log(_) => None,
            }?;
            Some((part, broker.to_owned(), good))
        });
        found.collect()
    }

    /// T12: a worker dies with deliveries in hand, and the broker that has to put them aside dies about when they
    /// expire. Its dead letters are kept by the same broker: there is no other place that could be down alone.
    pub(super) fn error_path(&mut self) -> Vec<Fault> {
        let ends = self.dead_letters();
        let Some((worker, broker, good)) = self.stream.pick(&ends).cloned() else {
            return Vec::new();
        };
        let quarter = self.ends.since(self.starts) / 4;
        let lasts = good.ratio(11, 10).min(quarter).max(Span::millis(1));
        let victim = self.one_of(&worker);
        let Some(death) = self.place(FaultKind::Crash, victim, lasts) else {
            return Vec::new();
        };
        let wait = lengths::draw(&mut self.stream, &[good], quarter * 2);
        let powerless = self.scenario.faults.swarm.contains(&SwarmKind::PowerLoss)
            && self.budget.parts()[&broker]
                .kinds
                .contains(&SwarmKind::PowerLoss)
            && self.stream.chance(500_000);
        let kind = if powerless {
            FaultKind::PowerLoss { torn: false }
        } else {
            FaultKind::Crash
        };
        let (at, down) = (death.at + wait, (lasts / 10).max(Span::millis(1)));
        let target = self.one_of(&broker);
        let second = self.place_at(kind, target, at, down);
        [death].into_iter().chain(second).collect()
    }

    /// T14: late in chaos a group starts again from the beginning, and one of its owners dies while it catches up.
    pub(super) fn time_travel(&mut self) -> Vec<Fault> {
        let mut groups = self.taking("processor", SwarmKind::Rewind);
        groups.retain(|part| self.log_of(part).is_some());
        let Some(part) = self.stream.pick(&groups).cloned() else {
            return Vec::new();
        };
        let timeouts = lengths::timeouts(self.scenario, &part);
        let half = self.ends.since(self.starts) / 2;
        let at = self.starts + half + Span(self.stream.below((half / 2).0.max(1)));
        let rewind = FaultKind::Control(Control::Rewind);
        let short = Span::millis(100).min(half).max(Span(1));
        let target = Target::Coordinator(part.clone());
        let Some(rewind) = self.place_at(rewind, target, at, short) else {
            return Vec::new();
        };
        let dies = self.scenario.faults.swarm.contains(&SwarmKind::Crash);
        let death = if dies {
            let lasts = lengths::draw(&mut self.stream, &timeouts, half / 2);
            let at = rewind.at + Span(self.stream.below(timeouts[0].0.max(1)));
            let target = self.one_of(&part);
            self.place_at(FaultKind::Crash, target, at, lasts)
        } else {
            None
        };
        [rewind].into_iter().chain(death).collect()
    }
}
