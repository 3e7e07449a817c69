//! Guided templates: schedules of several faults that open one known window each. They find in few seeds what
//! single faults drawn alone would need thousands for.

use super::draw::Sampler;
use super::{broker_of, lengths};
use crate::spec::faults::SwarmKind;
use crate::spec::{BrokerSpec, EnvelopeRule};
use stormglass_core::actor::Control;
use stormglass_core::fault::{Fault, FaultKind, Target};
use stormglass_core::id::PointId;
use stormglass_core::processor::points as processor;
use stormglass_core::sink::points as sink;
use stormglass_core::time::Span;

/// Points at which a crash separates an effect from its position, mark or acknowledgement.
pub(super) const CRASH_POINTS: &[(&str, PointId)] = &[
    ("processor", processor::AFTER_WRITE_BEFORE_SETTLE),
    ("processor", processor::AFTER_SETTLE_BEFORE_WRITE),
    ("sink", sink::AFTER_WRITE_BEFORE_SYNC),
    ("sink", sink::AFTER_SYNC_BEFORE_ACK),
];

/// The schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Template {
    /// T1: the answer to a publish or a write is lost, and the client tries again.
    LostAck,
    /// T2: a crash between an effect and what makes it count once.
    CommitWindow,
    /// T4: an owner is paused for longer than its session, and resumes after a takeover.
    Zombie,
    /// T6: leadership changes twice before followers have caught up.
    DoubleBounce,
    /// T3: a message arrives after a boundary that it was sent before.
    LateMessage,
    /// T5: followers are cut off one by one, then the leader loses power.
    ShrinkThenAmnesia,
    /// T5, of a disk: a node is cut off, and one that may lead in its place is damaged.
    DamagedSuccessor,
    /// T7: an owner is cut off from its broker for about as long as its claim is good.
    ExpiryStraddle,
    /// T8: one node dies while the one that takes over is slow.
    SlowTakeover,
    /// T9: an input falls silent for about as long as may be before it holds nothing back.
    StallAndResume,
    /// T10: a slow part early on, and time to observe after it.
    TriggerAndHeal,
    /// T11: one worker is slow for most of the time, beside others that are not.
    BadApple,
    /// T12: deliveries run out while the place for what failed is down.
    ErrorPath,
    /// T13: what follows a read is held back.
    RaceWindow,
    /// T14: a group reads again what it did long ago, and its owner changes meanwhile.
    TimeTravel,
    /// T15: leader and controller are not heard, one after the other.
    UglyNetwork,
}

impl Sampler<'_> {
    /// The faults of a drawn template that the scenario's kinds allow; none if there is none.
    pub fn template(&mut self) -> Vec<Fault> {
        let swarm = &self.scenario.faults.swarm;
        let has = |kind: SwarmKind| swarm.contains(&kind);
        let mut templates = Vec::new();
        if has(SwarmKind::Reset) {
            templates.push(Template::LostAck);
        }
        if has(SwarmKind::Crash) {
            templates.push(Template::CommitWindow);
            templates.push(Template::DoubleBounce);
        }
        if has(SwarmKind::Pause) {
            templates.push(Template::Zombie);
            templates.push(Template::RaceWindow);
        }
        if has(SwarmKind::Delay) {
            templates.push(Template::LateMessage);
        }
        if has(SwarmKind::Partition) {
            templates.push(Template::ExpiryStraddle);
            // Of use only where something follows the time of the slowest input.
            if !self.stalls().is_empty() {
                templates.push(Template::StallAndResume);
            }
        }
        if has(SwarmKind::Partition) && has(SwarmKind::PowerLoss) {
            templates.push(Template::ShrinkThenAmnesia);
        }
        if has(SwarmKind::Partition) && has(SwarmKind::Corrupt) && !self.damageable().is_empty() {
            templates.push(Template::DamagedSuccessor);
        }
        if has(SwarmKind::SlowNode) && has(SwarmKind::Crash) {
            templates.push(Template::SlowTakeover);
        }
        if has(SwarmKind::SlowNode) || has(SwarmKind::SlowDisk) {
            templates.push(Template::TriggerAndHeal);
        }
        if has(SwarmKind::SlowNode) && !self.apples().is_empty() {
            templates.push(Template::BadApple);
        }
        if has(SwarmKind::Crash) && !self.dead_letters().is_empty() {
            templates.push(Template::ErrorPath);
        }
        if has(SwarmKind::Rewind) {
            templates.push(Template::TimeTravel);
        }
        if has(SwarmKind::Oneway) {
            templates.push(Template::UglyNetwork);
        }
        match self.stream.pick(&templates) {
            None => Vec::new(),
            Some(Template::LostAck) => self.lost_ack(),
            Some(Template::CommitWindow) => self.commit_window(),
            Some(Template::Zombie) => self.zombie(),
            Some(Template::DoubleBounce) => self.double_bounce(),
            Some(Template::LateMessage) => self.late_message(),
            Some(Template::ShrinkThenAmnesia) => self.shrink_then_amnesia(),
            Some(Template::DamagedSuccessor) => self.damaged_successor(),
            Some(Template::ExpiryStraddle) => self.expiry_straddle(),
            Some(Template::SlowTakeover) => self.slow_takeover(),
            Some(Template::TriggerAndHeal) => self.trigger_and_heal(),
            Some(Template::RaceWindow) => self.race_window(),
            Some(Template::StallAndResume) => self.stall_and_resume(),
            Some(Template::BadApple) => self.bad_apple(),
            Some(Template::ErrorPath) => self.error_path(),
            Some(Template::TimeTravel) => self.time_travel(),
            Some(Template::UglyNetwork) => self.ugly_network(),
        }
    }

    /// The full names of a section's parts.
    pub(super) fn section(&self, section: &str) -> Vec<String> {
        self.budget
            .parts()
            .keys()
            .filter(|name| name.split_once('.').is_some_and(|(own, _)| own == section))
            .cloned()
            .collect()
    }

    fn lost_ack(&mut self) -> Vec<Fault> {
        let mut ends: Vec<(String, String, &str)> = Vec::new();
        for source in self.section("source") {
            if let Some(broker) = broker_of(self.scenario, &source) {
                ends.push((source, broker, "publish"));
            }
        }
        for (name, processor) in &self.scenario.processors {
            ends.push((format!("processor.{name}"), processor.to.clone(), "write"));
        }
        let Some((client, server, class)) = self.stream.pick(&ends).cloned() else {
            return Vec::new();
        };
        let timeouts = lengths::timeouts(self.scenario, &client);
        let lasts = self.length(&timeouts);
        let kind = FaultKind::Reset {
            class: class.to_owned(),
            after: true,
        };
        let target = Target::Link(
            Box::new(self.one_of(&client)),
            Box::new(Target::All(server)),
        );
        self.place(kind, target, lasts).into_iter().collect()
    }

    fn commit_window(&mut self) -> Vec<Fault> {
        let parts: Vec<(String, PointId)> = CRASH_POINTS
            .iter()
            .flat_map(|(section, point)| {
                self.section(section)
                    .into_iter()
                    .map(move |part| (part, *point))
            })
            .filter(|(part, _)| {
                let part = self.budget.parts().get(part);
                part.is_some_and(|part| part.kinds.contains(&SwarmKind::Crash))
            })
            .collect();
        let Some((part, point)) = self.stream.pick(&parts).cloned() else {
            return Vec::new();
        };
        let timeouts = lengths::timeouts(self.scenario, &part);
        let lasts = self.length(&timeouts);
        let kind = FaultKind::CrashAt {
            point: point.name().to_owned(),
            nth: self.stream.between(1, 20) as u32,
        };
        let target = self.one_of(&part);
        self.place(kind, target, lasts).into_iter().collect()
    }

    fn zombie(&mut self) -> Vec<Fault> {
        let processors = self.section("processor");
        let Some(part) = self.stream.pick(&processors).cloned() else {
            return Vec::new();
        };
        // The longest of its timeouts is the session or the lease, unless checkpoints are rarer still.
        let timeouts = lengths::timeouts(self.scenario, &part);
        let longest = timeouts.last().copied().unwrap_or(Span::secs(1));
        let tenths = self.stream.pick(&[11, 20]).copied().unwrap_or(11);
        let most = self.ends.since(self.starts);
        let lasts = longest.ratio(tenths, 10).min(most);
        let kind = FaultKind::Pause { clock_stops: false };
        let target = self.one_of(&part);
        self.place(kind, target, lasts).into_iter().collect()
    }

    /// Two elections close together: within what it takes followers to catch up, which is far less than any timeout,
    /// or a little more. The second is a death of the new leader as often as not. Outside the envelope two processes
    /// die instead, a follower just before the leader, which inside would be two nodes down at once.
    fn double_bounce(&mut self) -> Vec<Fault> {
        let logs: Vec<String> = self
            .scenario
            .brokers
            .iter()
            .filter(|(_, broker)| matches!(broker, BrokerSpec::Log(_)))
            .map(|(name, _)| format!("broker.{name}"))
            .collect();
        let Some(part) = self.stream.pick(&logs).cloned() else {
            return Vec::new();
        };
        let shortest = lengths::timeouts(self.scenario, &part)[0];
        let lasts = shortest.ratio(1, 10).max(Span::millis(1));
        let thousandths = self.stream.pick(&[10, 30, 100, 300, 1_000]).copied();
        let gap = shortest.ratio(thousandths.unwrap_or(100), 1_000);
        let gap = gap.saturating_add(Span(self.stream.below(gap.0.max(1))));
        let whole = gap.saturating_add(lasts);
        let room = self.ends.since(self.starts).saturating_sub(whole);
        let at = self.starts + Span(self.stream.between(0, room.0));
        let is_open = self.scenario.faults.envelope == EnvelopeRule::Off;
        let elected = |part: &str| {
            let kind = FaultKind::Control(Control::ForceElection);
            (kind, Target::Controller(part.to_owned()))
        };
        let first = if is_open {
            (FaultKind::Crash, self.one_of(&part))
        } else {
            elected(&part)
        };
        let dies = self.budget.parts()[&part].kinds.contains(&SwarmKind::Crash);
        let second = if is_open || dies && self.stream.chance(500_000) {
            (FaultKind::Crash, Target::Leader(part))
        } else {
            elected(&part)
        };
        let mut faults = Vec::new();
        faults.extend(self.place_at(first.0, first.1, at, lasts));
        faults.extend(self.place_at(second.0, second.1, at + gap, lasts));
        faults
    }
}
