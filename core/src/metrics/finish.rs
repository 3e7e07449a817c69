//! Puts stretches into phases and slots once all faults and recoveries are known.

use crate::metrics::by_phase::{PhaseCounts, PhaseMap};
use crate::metrics::by_slot::SlotLatencies;
use crate::metrics::counted::{Counted, NEVER};
use crate::metrics::recorder::Recorder;
use crate::metrics::recovery::{Baseline, Episode, Level, episodes};
use crate::metrics::slots::Counts;
use crate::metrics::stretches::Sample;
use crate::metrics::tally::Tally;
use crate::metrics::{Latencies, Latency, Metrics, Phase, Phases, Series, Slot};
use crate::time::{SECOND, Time};
use std::collections::BTreeMap;

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
        let level = Level::of(&baseline, twin, faults, &self.phases);
        let (mut episodes, mut fault_times) = (Vec::new(), Vec::new());
        if let Some(level) = level {
            episodes = self::episodes(&level, faults, &self.plan, &self.phases);
            let met = (faults, &*self.plan);
            fault_times = self.reactions.times(&level, met, &episodes, &self.phases);
        }
        let phases = self.phase_map(&episodes);
        let latencies = self.classify(&phases);
        let by_phase = self.by_phase(&phases);
        let slot_width = self.phases.slot_width();
        let slots = self.by_slots();
        let slot_latencies = SlotLatencies(self.stretches.take_slots());
        let mut totals = self.totals;
        totals.measured = self.phases.drain.since(self.phases.chaos);
        totals.backlog_max = slots.iter().map(|slot| slot.backlog).max().unwrap_or(0);
        Metrics {
            latencies,
            slots,
            slot_latencies,
            slot_width,
            episodes,
            fault_times,
            flow: self.flow,
            totals,
            by_phase,
            phases,
            baseline,
        }
    }

    /// Every owed event gives one sample (B3): those without all outputs waited for ever,
    /// and what was too late for its windows is no exception: dropping events must not make a system look fast.
    fn add_never(&mut self) {
        let mut never = Vec::new();
        for ledger in &self.ledgers {
            for (number, marks) in ledger.open.iter() {
                self.totals.late += u64::from(ledger.late.contains(number));
                never.push(marks.due);
            }
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
        // An edge within a second begins a window of its own, which is what the second counts in.
        let seconds =
            |second: u64| edges.seconds(edges.start_of(Time(second * SECOND + (SECOND - 1))));
        let windows = || self.windows.iter();
        let levels = windows().map(|(second, counts)| (seconds(*second), backlog.after(counts)));
        Baseline {
            backlog: levels.collect(),
            done: windows()
                .map(|(second, counts)| (seconds(*second), counts.finished))
                .collect(),
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
                effects: counts.effects,
                retried: counts.retried,
                failed: counts.failed,
            }
        });
        slots.collect()
    }

    /// The phases of an instant.
    fn phases_of(&self, due: Time, episodes: &[Episode]) -> Vec<Phase> {
        if due < self.phases.chaos {
            return vec![Phase::Warmup];
        }
        // Nothing is due from then on: only what waits is asked about.
        if due >= self.phases.drain {
            return vec![Phase::Drain, Phase::All];
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
        if due >= self.phases.calm {
            phases.push(Phase::Calm);
        }
        phases.sort_unstable();
        phases.dedup();
        phases
    }

    /// The phases of all instants.
    fn phase_map(&self, episodes: &[Episode]) -> PhaseMap {
        let Phases {
            chaos, calm, drain, ..
        } = self.phases;
        let mut changes = vec![chaos, calm, drain];
        for (_, start, end) in self.faults.intervals() {
            changes.extend([*start, *end]);
        }
        for episode in episodes {
            changes.push(episode.healed);
            changes.extend(episode.recovery.map(|span| episode.healed + span));
        }
        PhaseMap::new(changes, |at| self.phases_of(at, episodes))
    }

    /// The largest backlog and the losses of each phase.
    fn by_phase(&self, map: &PhaseMap) -> BTreeMap<Phase, PhaseCounts> {
        let mut counts = BTreeMap::new();
        self.levels.by_phase(map, &mut counts);
        for ledger in &self.ledgers {
            for (number, marks) in ledger.open.iter() {
                let is_late = ledger.late.contains(number);
                if !is_late && !ledger.acknowledged.contains(number) {
                    continue;
                }
                for phase in map.at(marks.due) {
                    let counts = counts.entry(phase.clone()).or_default();
                    *(if is_late {
                        &mut counts.late
                    } else {
                        &mut counts.lost
                    }) += 1;
                }
            }
        }
        counts
    }

    /// Puts everything into its phases. They do not change within a stretch: recoveries end where a window ends.
    fn classify(&self, map: &PhaseMap) -> Latencies {
        let mut latencies = Latencies::default();
        let mut tally = Tally::default();
        let lists: Vec<(Series, usize, &Counted)> = self
            .stretches
            .iter()
            .filter_map(|(series, start, counted)| Some((series, map.place(start)?, counted)))
            .collect();
        let kept = self.by_place(map);
        let phases = map.all();
        for series in Series::ALL {
            let first = lists.partition_point(|list| list.0 < series);
            let end = lists.partition_point(|list| list.0 <= series);
            for phase in phases.iter().copied() {
                let mut never = 0;
                for (_, place, counted) in &lists[first..end] {
                    if !map.phases(*place).contains(phase) {
                        continue;
                    }
                    for (micros, count) in counted.iter() {
                        if micros == NEVER {
                            never += count;
                        } else {
                            tally.add(micros, count);
                        }
                    }
                }
                for (place, samples) in kept[series.index()].iter().enumerate() {
                    if !samples.is_empty() && map.phases(place).contains(phase) {
                        samples.iter().for_each(|micros| tally.add(*micros, 1));
                    }
                }
                if never > 0 || !tally.is_empty() {
                    let latency = Latency::of_buckets(tally.drain(), never);
                    *latencies.of(series, phase.clone()) = latency;
                }
            }
        }
        latencies
    }

    /// The samples that were not folded, none of which is never: by series and by where they lie between two
    /// changes of phases.
    fn by_place(&self, map: &PhaseMap) -> [Vec<Vec<u32>>; Series::ALL.len()] {
        let mut by_series = Series::ALL.map(|_| vec![Vec::new(); map.len()]);
        // The samples of an event follow each other, due at one instant.
        let (mut latest, mut place) = (Time::NEVER, None);
        for sample in &self.samples {
            if sample.due != latest {
                (latest, place) = (sample.due, map.place(sample.due));
            }
            if let Some(place) = place {
                by_series[sample.series.index()][place].push(sample.micros);
            }
        }
        by_series
    }
}
