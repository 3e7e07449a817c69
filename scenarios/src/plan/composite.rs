//! Templates of several faults on different parts, or of one fault where it opens a window that its kind alone
//! hardly meets. Lengths lie around the timeouts at hand, and every fault is placed inside the budget.

use super::draw::Sampler;
use super::{broker_of, lengths};
use crate::spec::BrokerSpec;
use crate::spec::faults::SwarmKind;
use stormglass_core::actor::Control;
use stormglass_core::broker::log::config::LogConfig;
use stormglass_core::fault::{Fault, FaultKind, Target};
use stormglass_core::id::PointId;
use stormglass_core::processor::points as processor;
use stormglass_core::sink::points as sink;
use stormglass_core::time::{Span, Time};

/// Points between a read and the write that relies on it.
const RACE_POINTS: &[(&str, PointId)] = &[
    ("processor", processor::BEFORE_WRITE),
    ("processor", processor::AFTER_WRITE_BEFORE_SETTLE),
    ("processor", processor::AFTER_CHECKPOINT_BEFORE_COMMIT),
    ("sink", sink::AFTER_WRITE_BEFORE_SYNC),
];

impl<'a> Sampler<'a> {
    /// Parts of a section that withstand a kind.
    pub(super) fn taking(&self, section: &str, kind: SwarmKind) -> Vec<String> {
        let mut parts = self.section(section);
        let budget = self.budget.parts();
        parts.retain(|part| budget[part].kinds.contains(&kind));
        parts
    }

    /// A fault no earlier than `at`, as long after it as the budget and the end of chaos want.
    fn after(&mut self, kind: FaultKind, target: Target, at: Time, lasts: Span) -> Option<Fault> {
        let room = self.ends.since(self.starts.min(self.ends));
        self.place_at(kind, target, at, lasts.min(room))
    }

    /// T3: a message is held back until after a boundary: another leader, or another boot of its sender.
    pub(super) fn late_message(&mut self) -> Vec<Fault> {
        let mut clients = self.taking("source", SwarmKind::Delay);
        clients.extend(self.taking("processor", SwarmKind::Delay));
        let Some(client) = self.stream.pick(&clients).cloned() else {
            return Vec::new();
        };
        let Some(server) = broker_of(self.scenario, &client) else {
            return Vec::new();
        };
        let timeouts = lengths::timeouts(self.scenario, &client);
        let by = self.length(&timeouts);
        // Shorter than the delay: what follows the boundary overtakes what was held back.
        let lasts = (by / 2).max(Span::millis(1));
        let kind = FaultKind::Delay {
            class: self.class(&client),
            by,
        };
        let sender = self.one_of(&client);
        let target = Target::Link(
            Box::new(sender.clone()),
            Box::new(Target::All(server.clone())),
        );
        let Some(delay) = self.place(kind, target, lasts) else {
            return Vec::new();
        };
        let at = delay.at + lasts;
        let swarm = &self.scenario.faults.swarm;
        let kinds = |part: &str| self.budget.parts().get(part).map(|part| &part.kinds);
        let takes = |part: &str, kind| kinds(part).is_some_and(|kinds| kinds.contains(&kind));
        let boundary = if swarm.contains(&SwarmKind::ForceElection)
            && takes(&server, SwarmKind::ForceElection)
        {
            let kind = FaultKind::Control(Control::ForceElection);
            Some((kind, Target::Controller(server)))
        } else if swarm.contains(&SwarmKind::Crash) && takes(&client, SwarmKind::Crash) {
            Some((FaultKind::Crash, sender))
        } else {
            None
        };
        let second = boundary.and_then(|(kind, whom)| self.after(kind, whom, at, lasts));
        [delay].into_iter().chain(second).collect()
    }

    /// Logs of several nodes that withstand these kinds.
    fn logs_taking(&self, kinds: [SwarmKind; 2]) -> Vec<(String, &'a LogConfig)> {
        let logs = self.scenario.brokers.iter();
        logs.filter_map(|(name, broker)| match broker {
            BrokerSpec::Log(config) if config.nodes > 1 => Some((format!("broker.{name}"), config)),
            BrokerSpec::Log(_) | BrokerSpec::Queue(_) | BrokerSpec::Fanout(_) => None,
        })
        .filter(|(part, _)| {
            let takes = &self.budget.parts()[part].kinds;
            kinds.iter().all(|kind| takes.contains(kind))
        })
        .collect()
    }

    /// Logs that are held to withstand damage to one node while another is cut off.
    pub(super) fn damageable(&self) -> Vec<(String, &'a LogConfig)> {
        let mut logs = self.logs_taking([SwarmKind::Partition, SwarmKind::Corrupt]);
        logs.retain(|(part, _)| self.budget.parts()[part].claim.is_some());
        logs
    }

    /// T5, of a disk in place of a memory: a node of a log is cut off for longer than its session, and the one that
    /// leads in its place is damaged meanwhile and boots with nobody to fetch from.
    pub(super) fn damaged_successor(&mut self) -> Vec<Fault> {
        let logs = self.damageable();
        let Some((part, config)) = self.stream.pick(&logs).cloned() else {
            return Vec::new();
        };
        let (nodes, session) = (config.nodes, config.broker_session_timeout);
        let first = self.stream.below(nodes.into()) as u16;
        let quarter = self.ends.since(self.starts) / 4;
        // Nobody leads in its place before its session has ended.
        let tenths = self.stream.pick(&[11, 20, 50]).copied().unwrap_or(20);
        let cut = session.ratio(tenths, 10).min(quarter);
        let at = self.starts + Span(self.stream.below(quarter.0.max(1)));
        let away = Target::OneOf(part.clone(), first);
        let Some(away) = self.after(FaultKind::Partition, away, at, cut) else {
            return Vec::new();
        };
        // It is back within its session, so that nobody has missed it.
        let at = away.at + Span(self.stream.below((session / 2).0.max(1)));
        // Replicas of a partition lie on nodes that follow each other, so it is the next to lead.
        let target = Target::OneOf(part, (first + 1) % nodes);
        let damage = self.after(FaultKind::Corrupt, target, at, session / 10);
        [away].into_iter().chain(damage).collect()
    }

    /// T5: nodes of a log are cut off one by one, and the leader that is left loses power.
    pub(super) fn shrink_then_amnesia(&mut self) -> Vec<Fault> {
        let logs = self.logs_taking([SwarmKind::Partition, SwarmKind::PowerLoss]);
        let Some((part, config)) = self.stream.pick(&logs).cloned() else {
            return Vec::new();
        };
        if self.budget.parts()[&part].claim.is_some() {
            return self.last_in_sync(&part, config);
        }
        let timeouts = lengths::timeouts(self.scenario, &part);
        let nodes = self.budget.parts()[&part].nodes;
        let first = self.stream.below(nodes.into()) as u16;
        let quarter = self.ends.since(self.starts) / 4;
        let cut = self.length(&timeouts).min(quarter).max(Span::millis(1));
        let mut at = self.starts + Span(self.stream.below(quarter.0.max(1)));
        let mut faults = Vec::new();
        for follower in 0..2 {
            let target = Target::OneOf(part.clone(), (first + follower) % nodes);
            let Some(fault) = self.after(FaultKind::Partition, target, at, cut) else {
                return faults;
            };
            at = fault.at + cut;
            faults.push(fault);
        }
        let kind = FaultKind::PowerLoss { torn: false };
        let down = lengths::draw(&mut self.stream, &timeouts[..1], quarter);
        faults.extend(self.after(kind, Target::Leader(part), at, down));
        faults
    }

    /// The same of a log that is held to withstand it: all followers of one node stay cut off until that node, alone in
    /// its in-sync set, has died, and come back before it, so that one of them may lead without what it had.
    fn last_in_sync(&mut self, part: &str, config: &LogConfig) -> Vec<Fault> {
        let first = self.stream.below(config.nodes.into()) as u16;
        let quarter = self.ends.since(self.starts) / 4;
        // A leader looks for followers that lag every half of their time, so they are out after one and a half.
        let tenths = self.stream.pick(&[15, 20, 30]).copied().unwrap_or(15);
        let cut = config.replica_lag_time_max.ratio(tenths, 10).min(quarter);
        let mut at = self.starts + Span(self.stream.below(quarter.0.max(1)));
        let mut faults = Vec::new();
        for follower in 0..config.replication_factor - 1 {
            // Replicas of a partition lie on nodes that follow each other, its first leader before the others.
            let target = Target::OneOf(part.to_owned(), (first + 1 + follower) % config.nodes);
            let Some(fault) = self.after(FaultKind::Partition, target, at, cut * 3) else {
                return faults;
            };
            at = fault.at + cut;
            faults.push(fault);
        }
        let session = [config.broker_session_timeout];
        let down = lengths::draw(&mut self.stream, &session, quarter).saturating_add(cut * 2);
        let kind = FaultKind::PowerLoss { torn: false };
        let alone = Target::OneOf(part.to_owned(), first);
        faults.extend(self.after(kind, alone, at, down));
        faults
    }

    /// T7: an owner goes on working while nobody hears of it, about as long as what it holds is good for.
    pub(super) fn expiry_straddle(&mut self) -> Vec<Fault> {
        let owners = self.taking("processor", SwarmKind::Partition);
        let Some(part) = self.stream.pick(&owners).cloned() else {
            return Vec::new();
        };
        let Some(broker) = broker_of(self.scenario, &part) else {
            return Vec::new();
        };
        let timeouts = lengths::timeouts(self.scenario, &part);
        let lasts = self.length(&timeouts);
        let target = Target::Link(Box::new(self.one_of(&part)), Box::new(Target::All(broker)));
        self.place(FaultKind::Partition, target, lasts)
            .into_iter()
            .collect()
    }

    /// T8: a processor's node dies while another, which has to take over, is slow.
    pub(super) fn slow_takeover(&mut self) -> Vec<Fault> {
        let mut parts = self.taking("processor", SwarmKind::Crash);
        parts.retain(|part| self.budget.parts()[part].nodes > 1);
        let Some(part) = self.stream.pick(&parts).cloned() else {
            return Vec::new();
        };
        let timeouts = lengths::timeouts(self.scenario, &part);
        let nodes = self.budget.parts()[&part].nodes;
        let dies = self.stream.below(nodes.into()) as u16;
        let lasts = self.length(&timeouts);
        let slow = FaultKind::SlowNode { factor: 10 };
        let taker = Target::OneOf(part.clone(), (dies + 1) % nodes);
        let Some(slow) = self.place(slow, taker, lasts) else {
            return Vec::new();
        };
        let at = slow.at + Span(self.stream.below(lasts.0.max(1)));
        let crash = self.after(FaultKind::Crash, Target::OneOf(part, dies), at, lasts);
        [slow].into_iter().chain(crash).collect()
    }

    /// T10: something is slow early in chaos, and the rest of it shows whether the load finds back.
    pub(super) fn trigger_and_heal(&mut self) -> Vec<Fault> {
        let mut ends = Vec::new();
        for kind in [SwarmKind::SlowNode, SwarmKind::SlowDisk] {
            if self.scenario.faults.swarm.contains(&kind) {
                for section in ["broker", "processor", "sink"] {
                    let parts = self.taking(section, kind);
                    ends.extend(parts.into_iter().map(|part| (kind, part)));
                }
            }
        }
        let Some((kind, part)) = self.stream.pick(&ends).cloned() else {
            return Vec::new();
        };
        let timeouts = lengths::timeouts(self.scenario, &part);
        let third = self.ends.since(self.starts) / 3;
        let lasts = self.length(&timeouts).min(third).max(Span::millis(1));
        let factor = self.stream.pick(&[10, 50]).copied().unwrap_or(10);
        let kind = if kind == SwarmKind::SlowDisk {
            FaultKind::SlowDisk { factor }
        } else {
            FaultKind::SlowNode { factor }
        };
        let at = self.starts + Span(self.stream.below((third / 2).0.max(1)));
        let target = self.one_of(&part);
        self.after(kind, target, at, lasts).into_iter().collect()
    }

    /// T13: what follows a read is held back, so that somebody else writes first.
    pub(super) fn race_window(&mut self) -> Vec<Fault> {
        let places: Vec<(String, PointId)> = RACE_POINTS
            .iter()
            .flat_map(|(section, point)| {
                let parts = self.taking(section, SwarmKind::Pause).into_iter();
                parts.map(move |part| (part, *point))
            })
            .collect();
        let Some((part, point)) = self.stream.pick(&places).cloned() else {
            return Vec::new();
        };
        let timeouts = lengths::timeouts(self.scenario, &part);
        let by = self.length(&timeouts);
        let kind = FaultKind::YieldAt {
            point: point.name().to_owned(),
            by,
        };
        // Every passage is held: a longer fault would be a standstill and no race.
        let target = self.one_of(&part);
        self.place(kind, target, by).into_iter().collect()
    }

    /// T15: the leader is not heard, and then the controller is not.
    pub(super) fn ugly_network(&mut self) -> Vec<Fault> {
        let logs: Vec<String> = self
            .taking("broker", SwarmKind::Oneway)
            .into_iter()
            .filter(|part| {
                let name = part.strip_prefix("broker.").unwrap_or(part);
                let broker = self.scenario.brokers.get(name);
                matches!(broker, Some(BrokerSpec::Log(config)) if config.nodes > 1)
            })
            .collect();
        let Some(part) = self.stream.pick(&logs).cloned() else {
            return Vec::new();
        };
        let timeouts = lengths::timeouts(self.scenario, &part);
        let lasts = self.length(&timeouts);
        let leader = Target::Leader(part.clone());
        let Some(first) = self.place(FaultKind::Oneway, leader, lasts) else {
            return Vec::new();
        };
        let at = first.at + lasts;
        let second = self.after(FaultKind::Oneway, Target::Controller(part), at, lasts);
        [first].into_iter().chain(second).collect()
    }
}
