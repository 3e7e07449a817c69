//! What a baseline notes of a run: exact virtual-time figures, one whole number each.

use crate::model::SamplePhase;
use crate::model::outcome::{RunOutcome, Totals};
use crate::model::value::{Quantile, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The latency that the stages add up to.
const HEADLINE: &str = "end-to-end";
/// The other latency that every run is noted with.
const PUBLISH: &str = "publish";

/// One figure of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Figure {
    /// A percentile, in microseconds.
    Latency {
        /// Of what, such as `end-to-end`.
        series: String,
        /// Over which samples.
        phase: SamplePhase,
        /// Which percentile.
        quantile: Quantile,
    },
    /// A stage's part of the mean end-to-end latency, in nanoseconds. It decides nothing and says where a
    /// change comes from.
    Stage {
        /// The stage.
        stage: String,
        /// Over which samples.
        phase: SamplePhase,
    },
    /// A count of the whole run.
    Total {
        /// What is counted.
        of: Total,
    },
}

/// What is counted over a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Total {
    /// Owed events made visible a second, in thousandths.
    Goodput,
    /// The longest time from a heal to recovery, in microseconds.
    LongestRecovery,
    /// The most acknowledged events that waited at once.
    LargestBacklog,
    /// Owed events that never became visible.
    Lost,
    /// Effects beyond the first.
    Duplicates,
    /// Events too late for all their windows.
    Late,
    /// Requests sent again.
    Retries,
    /// Packets sent.
    Packets,
    /// Bytes sent.
    NetworkBytes,
    /// Bytes of them that left their zone.
    CrossZoneBytes,
    /// Disk writes.
    DiskWrites,
    /// Disk syncs.
    DiskSyncs,
    /// Bytes written to disks.
    DiskBytes,
    /// The most bytes that each disk held at once, added up.
    StoredBytes,
    /// Nodes that ran.
    Nodes,
}

impl Total {
    /// All of them, in the order shown.
    const ALL: [Self; 15] = [
        Self::Goodput,
        Self::LongestRecovery,
        Self::LargestBacklog,
        Self::Lost,
        Self::Duplicates,
        Self::Late,
        Self::Retries,
        Self::Packets,
        Self::NetworkBytes,
        Self::CrossZoneBytes,
        Self::DiskWrites,
        Self::DiskSyncs,
        Self::DiskBytes,
        Self::StoredBytes,
        Self::Nodes,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Goodput => "goodput",
            Self::LongestRecovery => "longest recovery",
            Self::LargestBacklog => "largest backlog",
            Self::Lost => "events never visible",
            Self::Duplicates => "repeated effects",
            Self::Late => "late events",
            Self::Retries => "retries",
            Self::Packets => "packets",
            Self::NetworkBytes => "network bytes",
            Self::CrossZoneBytes => "cross-zone bytes",
            Self::DiskWrites => "disk writes",
            Self::DiskSyncs => "disk syncs",
            Self::DiskBytes => "disk bytes",
            Self::StoredBytes => "stored bytes",
            Self::Nodes => "nodes",
        }
    }

    fn read(self, run: &RunOutcome) -> Seen {
        let (totals, cost): (&Totals, _) = (&run.totals, &run.cost);
        let number = match self {
            Self::Goodput => return totals.goodput().into(),
            Self::LongestRecovery => {
                let all = run.recoveries.iter().copied();
                let longest = all.reduce(|a, b| if a.compare(b).is_lt() { b } else { a });
                return longest.into();
            }
            Self::LargestBacklog => totals.backlog_max,
            Self::Lost => totals.owed.saturating_sub(totals.delivered),
            Self::Duplicates => totals.duplicates,
            Self::Late => totals.late,
            Self::Retries => run.flow.values().map(|flow| flow.retries).sum(),
            Self::Packets => cost.messages,
            Self::NetworkBytes => cost.bytes,
            Self::CrossZoneBytes => cost.cross_zone_bytes,
            Self::DiskWrites => cost.disk_writes,
            Self::DiskSyncs => cost.disk_syncs,
            Self::DiskBytes => cost.disk_bytes,
            Self::StoredBytes => cost.stored_bytes,
            Self::Nodes => cost.nodes,
        };
        Seen::Number(number)
    }
}

/// What a run shows of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// This.
    Number(u64),
    /// It never came to an end: longer than any run.
    Never,
    /// Nothing: too few samples, or nothing of the kind happened.
    Nothing,
}

impl From<Option<Value>> for Seen {
    fn from(value: Option<Value>) -> Self {
        match value {
            None => Self::Nothing,
            Some(value) => value.number().map_or(Self::Never, Self::Number),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Never => f.write_str("never"),
            Self::Nothing => f.write_str("-"),
        }
    }
}

impl Seen {
    /// As [`Display`](fmt::Display) writes it; none of anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "never" => Some(Self::Never),
            "-" => Some(Self::Nothing),
            digits => digits.parse().ok().map(Self::Number),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency {
                series,
                phase,
                quantile,
            } => write!(f, "{series} {quantile} ({phase})"),
            Self::Stage { stage, phase } => write!(f, "stage {stage} mean ({phase})"),
            Self::Total { of } => f.write_str(of.name()),
        }
    }
}

impl Figure {
    /// Whether the figure decides.
    #[must_use]
    pub fn gates(&self) -> bool {
        match self {
            Self::Latency { .. } | Self::Total { .. } => true,
            Self::Stage { .. } => false,
        }
    }

    /// Whether less of it is better.
    #[must_use]
    pub fn less_is_better(&self) -> bool {
        !matches!(self, Self::Total { of: Total::Goodput })
    }

    /// A mean of it, for people.
    #[must_use]
    pub fn value(&self, mean: f64) -> Value {
        let whole = mean.round().max(0.0) as u64;
        match self {
            Self::Latency { .. }
            | Self::Total {
                of: Total::LongestRecovery,
            } => Value::Micros(whole),
            Self::Stage { .. } => Value::Micros(whole / 1_000),
            Self::Total { of: Total::Goodput } => Value::MilliPerSecond(whole),
            Self::Total { .. } => Value::Count(whole),
        }
    }
}

/// All figures of a run. `stages` names the series that are stages.
#[must_use]
pub fn figures(run: &RunOutcome, stages: &[String]) -> BTreeMap<Figure, Seen> {
    let mut found = BTreeMap::new();
    for (series, phase, histogram) in run.histograms.iter() {
        let quantiles: &[Quantile] = match (series, phase) {
            (_, SamplePhase::Drain) => &[],
            (HEADLINE, _) => &[Quantile::P50, Quantile::P99, Quantile::P999],
            (PUBLISH, SamplePhase::All) => &[Quantile::P50, Quantile::P99],
            (_, _) => &[],
        };
        for quantile in quantiles {
            if histogram.count() >= quantile.samples_min() {
                let figure = latency(series, phase, *quantile);
                found.insert(figure, histogram.percentile(*quantile).into());
            }
        }
        let events = run.histograms.get(HEADLINE, phase);
        let events = events.map_or(0, |events| events.finite_count());
        if events > 0 && stages.iter().any(|stage| stage == series) {
            let figure = Figure::Stage {
                stage: series.to_owned(),
                phase: phase.clone(),
            };
            let nanos = u128::from(histogram.sum()) * 1_000 / u128::from(events);
            found.insert(
                figure,
                Seen::Number(u64::try_from(nanos).unwrap_or(u64::MAX)),
            );
        }
    }
    // What an objective names is noted too, whatever it names.
    for slo in &run.slos {
        if let (Some(quantile), false) = (slo.quantile, slo.of_delivered)
            && let Some(histogram) = run.histograms.get(&slo.series, &slo.phase)
            && histogram.count() >= quantile.samples_min()
        {
            let figure = latency(&slo.series, &slo.phase, quantile);
            found.insert(figure, histogram.percentile(quantile).into());
        }
    }
    for of in Total::ALL {
        found.insert(Figure::Total { of }, of.read(run));
    }
    found
}

fn latency(series: &str, phase: &SamplePhase, quantile: Quantile) -> Figure {
    Figure::Latency {
        series: series.to_owned(),
        phase: phase.clone(),
        quantile,
    }
}
