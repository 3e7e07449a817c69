//! How long after a heal the system was back at its level (B4).

use crate::check::FaultLog;
use crate::fault::FaultPlan;
use crate::metrics::Phases;
use crate::time::{SECOND, Span, Time};
use serde::Serialize;

/// Seconds for which a run must stay at its level to count as recovered.
const STAY: u64 = 5;

/// A run by seconds: what recovery is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The 99th percentile of the end-to-end latency of the events due in each second, in microseconds,
    /// `u64::MAX` for never; none without events.
    pub p99: Vec<Option<u64>>,
    /// The backlog at the end of each second.
    pub backlog: Vec<u64>,
}

/// Faults so close that there was no recovery between them, and the recovery after the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Episode {
    /// The faults, by position in the plan.
    pub faults: Vec<u32>,
    /// When the first began.
    pub started: Time,
    /// When the last was healed.
    pub healed: Time,
    /// From then until everything was back; none is never.
    pub recovery: Option<Span>,
}

impl Episode {
    /// Whether an instant lies between the heal and recovery.
    #[must_use]
    pub fn is_recovering(&self, at: Time) -> bool {
        at >= self.healed && self.recovery.is_none_or(|span| at < self.healed + span)
    }
}

/// The level of a second: a tenth above what is normal, and not less than a millisecond and ten events.
fn within(value: u64, normal: u64, floor: u64) -> bool {
    value <= normal.saturating_add((normal / 10).max(floor))
}

/// Whether a run was at its level in a second. Without a fault-free twin its own seconds before the
/// faults are the measure.
struct Level<'a> {
    run: &'a Baseline,
    twin: Option<&'a Baseline>,
    p99: u64,
    backlog: u64,
}

impl Level<'_> {
    fn holds(&self, second: u64) -> bool {
        let at = second as usize;
        let twin_p99 = self
            .twin
            .and_then(|twin| twin.p99.get(at).copied().flatten());
        let twin_backlog = self.twin.and_then(|twin| twin.backlog.get(at).copied());
        let p99 = self.run.p99.get(at).copied().flatten();
        let backlog = self.run.backlog.get(at).copied().unwrap_or(0);
        p99.is_none_or(|p99| within(p99, twin_p99.unwrap_or(self.p99), 1_000))
            && within(backlog, twin_backlog.unwrap_or(self.backlog), 10)
    }
}

/// The whole seconds whose level is a run's own: from the middle of the warm-up, when start-up is over,
/// until its first fault. If there are none, recovery needs a fault-free twin to be held against.
#[must_use]
pub const fn own_level(phases: &Phases, first: Time) -> std::ops::Range<usize> {
    (phases.chaos.0 / 2).div_ceil(SECOND) as usize..(first.0 / SECOND) as usize
}

/// The episodes of a run.
pub(super) fn episodes(
    run: &Baseline,
    twin: Option<&Baseline>,
    faults: &FaultLog,
    plan: &FaultPlan,
    phases: &Phases,
) -> Vec<Episode> {
    let began = faults.intervals();
    let first = began.first().map_or(phases.drain, |(_, start, _)| *start);
    let before = own_level(phases, first);
    let normal = |values: &mut dyn Iterator<Item = u64>| values.max().unwrap_or(0);
    let p99 = before
        .clone()
        .filter_map(|at| run.p99.get(at).copied().flatten());
    let backlog = before.filter_map(|at| run.backlog.get(at).copied());
    let level = Level {
        p99: normal(&mut { p99 }),
        backlog: normal(&mut { backlog }),
        run,
        twin,
    };
    let mut found: Vec<Episode> = Vec::new();
    for (at, (index, started, ended)) in began.iter().enumerate() {
        // A fault that still lasted at the end was healed with all others.
        let planned = plan
            .faults
            .get(*index as usize)
            .map_or(Span::ZERO, |fault| fault.lasts);
        let ended = if *ended == Time::NEVER {
            *started + planned
        } else {
            *ended
        };
        match found.last_mut() {
            Some(last)
                if last
                    .recovery
                    .is_none_or(|span| last.healed + span > *started) =>
            {
                last.faults.push(*index);
                last.healed = last.healed.max(ended);
            }
            Some(_) | None => found.push(Episode {
                faults: vec![*index],
                started: *started,
                healed: ended,
                recovery: None,
            }),
        }
        let next = began.get(at + 1).map(|(_, start, _)| *start);
        if let Some(last) = found.last_mut() {
            last.recovery = recovery(&level, last.healed, next, phases);
        }
    }
    found
}

/// From `healed` to the first second from which on the level holds for long enough. The last seconds
/// before the sources stop may be fewer.
fn recovery(level: &Level<'_>, healed: Time, next: Option<Time>, phases: &Phases) -> Option<Span> {
    let until = next.map_or(phases.drain, |next| next.min(phases.drain));
    let last = until.0 / SECOND;
    // A second that began before the heal still holds events of the fault.
    let candidates = healed.0 / SECOND..last;
    let found = candidates.clone().find(|second| {
        let end = second + STAY;
        // With a fault in the way, five seconds must fit before it.
        (end <= last || next.is_none()) && (*second..end.min(last)).all(|at| level.holds(at))
    })?;
    Some(Time(found * SECOND).since(healed))
}
