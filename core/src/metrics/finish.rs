//! Puts samples into phases and slots once all faults and recoveries are known.

use crate::metrics::recorder::{Recorder, Sample, slot_of};
use crate::metrics::recovery::{Baseline, Episode, episodes};
use crate::metrics::{Latencies, Metrics, Phase, Series, Slot};
use crate::time::{SECOND, Span, Time};

/// The value that stands for never in a sample.
const NEVER: u32 = u32::MAX;

/// A percentile of sorted samples, in parts per million.
fn percentile(sorted: &[u32], parts: u64) -> Option<u64> {
    let rank = (sorted.len() as u64 * parts).div_ceil(1_000_000).max(1);
    let value = sorted.get(rank as usize - 1)?;
    Some(if *value == NEVER {
        u64::MAX
    } else {
        u64::from(*value)
    })
}

/// End-to-end latencies by stretches of due time, sorted in each.
fn by_stretch(samples: &[Sample], index: impl Fn(Time) -> u64) -> Vec<Vec<u32>> {
    let mut stretches: Vec<Vec<u32>> = Vec::new();
    for sample in samples
        .iter()
        .filter(|sample| sample.series == Series::EndToEnd)
    {
        let at = index(sample.due) as usize;
        if stretches.len() <= at {
            stretches.resize(at + 1, Vec::new());
        }
        stretches[at].push(sample.micros);
    }
    for stretch in &mut stretches {
        stretch.sort_unstable();
    }
    stretches
}

impl Recorder {
    /// What was measured. `twin` is the fault-free run of the same seed, if there was one (B4).
    #[must_use]
    pub fn finish(mut self, twin: Option<&Baseline>) -> Metrics {
        self.add_never();
        let baseline = self.by_seconds();
        let faults = &self.faults;
        let episodes = episodes(&baseline, twin, faults, &self.plan, &self.phases);
        let latencies = self.classify(&episodes);
        let slot_width = self.phases.slot_width();
        let slots = self.by_slots(slot_width);
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
            let end = ledger.first + ledger.due.len() as u64;
            for number in ledger.complete.missing(end).flatten() {
                // Everything below `first` is complete.
                never.push(ledger.due[(number - ledger.first) as usize]);
            }
        }
        self.totals.owed = self.totals.delivered + never.len() as u64;
        let measured = self.phases.chaos..self.phases.drain;
        let never_measured = never.iter().filter(|due| measured.contains(due)).count();
        self.totals.owed_measured = self.totals.delivered_measured + never_measured as u64;
        self.samples.extend(never.into_iter().map(|due| Sample {
            due,
            micros: NEVER,
            series: Series::EndToEnd,
        }));
    }

    fn by_seconds(&self) -> Baseline {
        let stretches = by_stretch(&self.samples, |due| due.0 / SECOND);
        let mut backlog = 0;
        let levels = self.seconds.iter().map(|second| {
            backlog = (backlog + second.acknowledged).saturating_sub(second.finished);
            backlog
        });
        let backlog = levels.collect();
        let p99 = stretches.iter().map(|stretch| percentile(stretch, 990_000));
        Baseline {
            p99: p99.collect(),
            backlog,
        }
    }

    fn by_slots(&self, width: Span) -> Vec<Slot> {
        let stretches = by_stretch(&self.samples, |due| slot_of(due, width));
        let mut backlog = 0;
        let slots = self.slots.iter().enumerate().map(|(at, counts)| {
            let sorted = stretches.get(at).map_or(&[][..], Vec::as_slice);
            backlog = (backlog + counts.acknowledged).saturating_sub(counts.finished);
            Slot {
                offered: counts.offered,
                acknowledged: counts.acknowledged,
                visible: counts.visible,
                backlog,
                p50: percentile(sorted, 500_000),
                p90: percentile(sorted, 900_000),
                p99: percentile(sorted, 990_000),
                max: percentile(sorted, 1_000_000),
                never: sorted
                    .iter()
                    .rev()
                    .take_while(|micros| **micros == NEVER)
                    .count() as u64,
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
        // Phases change only at these instants, so each stretch between two is looked up once.
        let mut edges = vec![
            Time::ZERO,
            self.phases.chaos,
            self.phases.calm,
            self.phases.drain,
        ];
        for (_, start, end) in self.faults.intervals() {
            edges.extend([*start, *end]);
        }
        for episode in episodes {
            edges.push(episode.healed);
            edges.extend(episode.recovery.map(|span| episode.healed + span));
        }
        edges.sort_unstable();
        edges.dedup();
        let mut by_edge = vec![Latencies::default(); edges.len()];
        for sample in &self.samples {
            let at = edges.partition_point(|edge| *edge <= sample.due) - 1;
            // One distribution for each series of a stretch; merged into its phases below.
            let latency = by_edge[at].of(sample.series, Phase::All);
            if sample.micros == NEVER {
                latency.record_never(1);
            } else {
                latency.record(u64::from(sample.micros));
            }
        }
        let mut latencies = Latencies::default();
        for (edge, stretch) in edges.iter().zip(&by_edge) {
            let phases = self.phases_of(*edge, episodes);
            for (series, _, latency) in stretch.iter() {
                for phase in &phases {
                    latencies.of(series, phase.clone()).merge(latency);
                }
            }
        }
        latencies
    }
}
