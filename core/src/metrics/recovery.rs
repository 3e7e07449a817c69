//! How long after a heal the system was back at its level (B4).

use crate::check::FaultLog;
use crate::fault::FaultPlan;
use crate::metrics::Phases;
use crate::time::{SECOND, Span, Time};
use serde::Serialize;
use std::ops::Range;

/// Seconds for which a run must stay at its level to count as recovered.
const STAY: u64 = 5;

/// A run by windows: what recovery is held against. A window is a second in the minute after the latest
/// change of a phase and widens with its age from there on, so that a run of any length has few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The seconds of each window with events, and the 99th percentile of the end-to-end latency of the
    /// events due in it, in microseconds, `u64::MAX` for never.
    pub p99: Vec<(Range<u64>, u64)>,
    /// The seconds of each window, and the backlog at its end. Between windows the backlog stays.
    pub backlog: Vec<(Range<u64>, u64)>,
    /// The seconds of each window, and the events that were through in it.
    pub done: Vec<(Range<u64>, u64)>,
}

impl Baseline {
    /// The last window that begins at or before a second.
    fn last(windows: &[(Range<u64>, u64)], second: u64) -> Option<&(Range<u64>, u64)> {
        let after = windows.partition_point(|(seconds, _)| seconds.start <= second);
        after.checked_sub(1).map(|at| &windows[at])
    }

    fn p99_at(&self, second: u64) -> Option<u64> {
        let (seconds, p99) = Baseline::last(&self.p99, second)?;
        seconds.contains(&second).then_some(*p99)
    }

    /// None before the first fact and after the last.
    fn backlog_at(&self, second: u64) -> Option<u64> {
        let (end, _) = self.backlog.last()?;
        let found = Baseline::last(&self.backlog, second).map_or(0, |(_, backlog)| *backlog);
        (second < end.end).then_some(found)
    }

    /// Events that were through in the windows that begin in these seconds.
    fn done_in(&self, seconds: &Range<u64>) -> u64 {
        let within = |window: &&(Range<u64>, u64)| seconds.contains(&window.0.start);
        self.done.iter().filter(within).map(|(_, done)| done).sum()
    }

    /// Whether a second lies in a window and does not begin it.
    fn is_within_window(&self, second: u64) -> bool {
        let window = Baseline::last(&self.p99, second);
        window.is_some_and(|(seconds, _)| seconds.start < second && second < seconds.end)
    }
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
    /// What keeps it from recovering, if that is the run itself.
    pub metastable: Option<Metastable>,
}

/// A failure that outlasts its cause (O-LIVE): every fault is healed and the load is what it was, and still less
/// gets through than without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Metastable {
    /// From when on it was measured.
    pub from: Time,
    /// Until when: the sources stopped.
    pub until: Time,
    /// Events that were through in that time.
    pub done: u64,
    /// Events that were through in that time without a fault.
    pub done_in_twin: u64,
}

impl Metastable {
    /// Goodput as a share of the fault-free run's, in thousandths.
    #[must_use]
    pub const fn permille(&self) -> u64 {
        let twin = if self.done_in_twin == 0 {
            1
        } else {
            self.done_in_twin
        };
        self.done.saturating_mul(1_000) / twin
    }
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
pub(super) struct Level<'a> {
    run: &'a Baseline,
    twin: Option<&'a Baseline>,
    p99: u64,
    backlog: u64,
}

impl<'a> Level<'a> {
    /// None if there is neither a twin nor a second before the faults to tell what is normal.
    pub(super) fn of(
        run: &'a Baseline,
        twin: Option<&'a Baseline>,
        faults: &FaultLog,
        phases: &Phases,
    ) -> Option<Level<'a>> {
        let began = faults.intervals().first();
        let first = began.map_or(phases.drain, |(_, start, _)| *start);
        let before = own_level(phases, first);
        if twin.is_none() && before.is_empty() {
            return None;
        }
        let normal = |values: &mut dyn Iterator<Item = u64>| values.max().unwrap_or(0);
        let p99 = before.clone().filter_map(|second| run.p99_at(second));
        let backlog = before.filter_map(|second| run.backlog_at(second));
        Some(Level {
            p99: normal(&mut { p99 }),
            backlog: normal(&mut { backlog }),
            run,
            twin,
        })
    }

    fn holds(&self, second: u64) -> bool {
        let twin_p99 = self.twin.and_then(|twin| twin.p99_at(second));
        let p99 = self.run.p99_at(second);
        p99.is_none_or(|p99| within(p99, twin_p99.unwrap_or(self.p99), 1_000))
            && self.is_drained(second)
    }

    /// Whether the backlog was at its level in a second.
    fn is_drained(&self, second: u64) -> bool {
        let twin = self.twin.and_then(|twin| twin.backlog_at(second));
        let backlog = self.run.backlog_at(second).unwrap_or(0);
        within(backlog, twin.unwrap_or(self.backlog), 10)
    }

    /// From a heal until the backlog is back and stays, whatever else goes wrong meanwhile.
    pub(super) fn drained(&self, healed: Time, phases: &Phases) -> Option<Span> {
        self.back(healed, None, phases, |second| self.is_drained(second))
    }

    /// From `healed` to the first second from which on `holds` does for long enough. The last seconds before the
    /// sources stop may be fewer.
    fn back(
        &self,
        healed: Time,
        next: Option<Time>,
        phases: &Phases,
        holds: impl Fn(u64) -> bool,
    ) -> Option<Span> {
        let until = next.map_or(phases.drain, |next| next.min(phases.drain));
        let last = until.0 / SECOND;
        // A second that began before the heal still holds events of the fault.
        let mut candidates = healed.0 / SECOND..last;
        let found = candidates.find(|second| {
            // A window belongs to one phase; those of the twin may end within it.
            if self.run.is_within_window(*second) {
                return false;
            }
            let end = second + STAY;
            // With a fault in the way, five seconds must fit before it.
            (end <= last || next.is_none()) && (*second..end.min(last)).all(&holds)
        })?;
        Some(Time(found * SECOND).since(healed))
    }
}

/// The whole seconds whose level is a run's own: from the middle of the warm-up, when start-up is over,
/// until its first fault.
const fn own_level(phases: &Phases, first: Time) -> Range<u64> {
    (phases.chaos.0 / 2).div_ceil(SECOND)..first.0 / SECOND
}

/// When a fault of the log was healed. One that still lasted at the end was healed with all others, when it was
/// planned to be.
pub(super) fn healed_at(plan: &FaultPlan, (index, started, ended): (u32, Time, Time)) -> Time {
    if ended != Time::NEVER {
        return ended;
    }
    let fault = plan.faults.get(index as usize);
    started + fault.map_or(Span::ZERO, |fault| fault.lasts)
}

/// The episodes of a run.
pub(super) fn episodes(
    level: &Level<'_>,
    faults: &FaultLog,
    plan: &FaultPlan,
    phases: &Phases,
) -> Vec<Episode> {
    let began = faults.intervals();
    let mut found: Vec<Episode> = Vec::new();
    for (at, (index, started, ended)) in began.iter().enumerate() {
        let ended = healed_at(plan, (*index, *started, *ended));
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
                metastable: None,
            }),
        }
        let next = began.get(at + 1).map(|(_, start, _)| *start);
        if let Some(last) = found.last_mut() {
            last.recovery = level.back(last.healed, next, phases, |second| level.holds(second));
        }
    }
    if let (Some(last), Some(twin)) = (found.last_mut(), level.twin)
        && last.recovery.is_none()
    {
        last.metastable = metastable(level.run, twin, phases);
    }
    found
}

/// Less than nine tenths of the twin's goodput in the last quarter of `calm`, which is as long as the sum of what the
/// parts may need to recover. Arrivals are the twin's, since both have the same seed. Less than the seconds for
/// which a recovery has to stay says nothing.
fn metastable(run: &Baseline, twin: &Baseline, phases: &Phases) -> Option<Metastable> {
    let (calm, end) = (phases.calm.0.div_ceil(SECOND), phases.drain.0 / SECOND);
    let last = (end.saturating_sub(calm) / 4).max(STAY);
    let seconds = end.saturating_sub(last).max(calm)..end;
    if seconds.end < seconds.start + STAY {
        return None;
    }
    let (done, done_in_twin) = (run.done_in(&seconds), twin.done_in(&seconds));
    (done.saturating_mul(10) < done_in_twin.saturating_mul(9)).then_some(Metastable {
        from: Time(seconds.start * SECOND),
        until: phases.drain,
        done,
        done_in_twin,
    })
}
