//! Puts stretches into phases and slots once all faults and recoveries are known.

use crate::metrics::counted::{Counted, NEVER};
use crate::metrics::recorder::{Counts, Recorder};
use crate::metrics::recovery::{Baseline, Episode, episodes};
use crate::metrics::stretches::Sample;
use crate::metrics::{Latencies, Metrics, Phase, Series, Slot};
use crate::time::{SECOND, Time};

/// What was acknowledged and is not done. An effect may come before its acknowledgement, even in an earlier
/// stretch, so the sums are compared and not the differences added.
#[derive(Default)]
struct Backlog {
    acknowledged: u64,
    finished: u64,
}

impl Backlog {
    fn after(&mut self, counts: &Counts) -> u64 {
        self.acknowledged += counts.acknowledged;
        self.finished += counts.finished;
        self.acknowledged.saturating_sub(self.finished)
    }
}

impl Recorder {
    /// What was measured. `twin` is the fault-free run of the same seed, if there was one (B4).
    #[must_use]
    pub fn finish(mut self, twin: Option<&Baseline>) -> Metrics {
        self.add_never();
        let baseline = self.by_windows();
        let faults = &self.faults;
        let episodes = episodes(&baseline, twin, faults, &self.plan, &self.phases);
        let latencies = self.classify(&episodes);
        let slot_width = self.phases.slot_width();
        let slots = self.by_slots();
        let mut totals = self.totals;
        totals.measured = self.phases.drain.since(self.phases.chaos);
        totals.backlog_max = slots.iter().map(|slot| slot.backlog).max().unwrap_or(0);
        Metrics {
            latencies,
            slots,
            slot_width,
            episodes,
            totals,
            baseline,
        }
    }

    /// Every owed event gives one sample (B3): those without all outputs waited for ever.
    fn add_never(&mut self) {
        let mut never = Vec::new();
        for ledger in &self.ledgers {
            never.extend(ledger.open.values().map(|marks| marks.due));
        }
        self.totals.owed = self.totals.delivered + never.len() as u64;
        let measured = self.phases.chaos..self.phases.drain;
        let never_measured = never.iter().filter(|due| measured.contains(due)).count();
        self.totals.owed_measured = self.totals.delivered_measured + never_measured as u64;
        self.fold_all(never.into_iter().map(|due| Sample {
            due,
            micros: NEVER,
            series: Series::EndToEnd,
        }));
    }

    fn by_windows(&self) -> Baseline {
        let (mut backlog, edges) = (Backlog::default(), self.stretches.edges());
        let levels = self.windows.iter().map(|(second, counts)| {
            // An edge within a second begins a window of its own, which is what the second counts in.
            let start = edges.start_of(Time(second * SECOND + (SECOND - 1)));
            (edges.seconds(start), backlog.after(counts))
        });
        Baseline {
            backlog: levels.collect(),
            p99: self.stretches.by_window(990_000),
        }
    }

    fn by_slots(&self) -> Vec<Slot> {
        let mut backlog = Backlog::default();
        let slots = self.slots.iter().enumerate().map(|(at, counts)| {
            let latency = self.stretches.slot(at);
            let percentile = |parts| latency?.percentile(parts);
            Slot {
                offered: counts.offered,
                acknowledged: counts.acknowledged,
                visible: counts.visible,
                backlog: backlog.after(counts),
                p50: percentile(500_000),
                p90: percentile(900_000),
                p99: percentile(990_000),
                max: percentile(1_000_000),
                never: latency.map_or(0, Counted::never),
            }
        });
        slots.collect()
    }

    /// The phases of an instant.
    fn phases_of(&self, due: Time, episodes: &[Episode]) -> Vec<Phase> {
        if due < self.phases.chaos {
            return vec![Phase::Warmup];
        }
        let mut phases = vec![Phase::All];
        let mut is_struck = false;
        for (index, start, end) in self.faults.intervals() {
            if !(*start..*end).contains(&due) {
                continue;
            }
            is_struck = true;
            let fault = self.plan.faults.get(*index as usize);
            if let Some(fault) = fault.filter(|fault| fault.planned) {
                let name = fault.name.clone();
                let name = name.unwrap_or_else(|| fault.kind.name().to_owned());
                phases.push(Phase::During(name));
            }
        }
        if is_struck {
            phases.push(Phase::DuringFaults);
        } else if episodes.iter().any(|episode| episode.is_recovering(due)) {
            phases.push(Phase::Recovery);
        } else {
            phases.push(Phase::Steady);
        }
        if (self.phases.calm..self.phases.drain).contains(&due) {
            phases.push(Phase::Calm);
        }
        phases.sort_unstable();
        phases.dedup();
        phases
    }

    fn classify(&self, episodes: &[Episode]) -> Latencies {
        let mut latencies = Latencies::default();
        let mut last = None;
        let mut phases = Vec::new();
        for (series, start, counted) in self.stretches.iter() {
            // Phases do not change within a stretch: recoveries end where a window ends.
            if last.replace(start) != Some(start) {
                phases = self.phases_of(start, episodes);
            }
            for phase in &phases {
                let latency = latencies.of(series, phase.clone());
                for (micros, count) in counted.iter() {
                    latency.record_counted(micros, count);
                }
            }
        }
        latencies
    }
}
