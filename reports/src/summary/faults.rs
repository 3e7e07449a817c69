//! The table of faults: time to detect and time to drain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::faults::FaultTimes;
use crate::model::value::{Quantile, Value};

/// How the faults of one name or kind were met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultSummary {
    /// The name of a planned fault, the kind of a drawn one.
    pub fault: String,
    /// How many there were, over all runs.
    pub count: u64,
    /// How many of them somebody noticed before everything was back.
    pub noticed: u64,
    /// What was done first, the most frequent first, with counts.
    pub reactions: Vec<(String, u64)>,
    /// From the start to the first reaction, the median of those noticed.
    pub detect_p50: Option<Value>,
    /// The longest of the same.
    pub detect_max: Option<Value>,
    /// From the heal until the backlog was back at its level, the median of all.
    pub drain_p50: Option<Value>,
    /// The longest of the same.
    pub drain_max: Option<Value>,
}

impl FaultSummary {
    pub(super) fn of(fault: &str, times: &FaultTimes) -> Self {
        let mut reactions: Vec<(String, u64)> = times
            .reactions
            .iter()
            .map(|(name, count)| (name.clone(), *count))
            .collect();
        reactions.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self {
            fault: fault.to_owned(),
            count: times.detect.count(),
            noticed: times.detect.finite_count(),
            reactions,
            detect_p50: times.detect.finite_percentile(Quantile::P50),
            detect_max: times.detect.finite_percentile(Quantile::MAX),
            drain_p50: times.drain.percentile(Quantile::P50),
            drain_max: times.drain.percentile(Quantile::MAX),
        }
    }

    /// What was done first, as text: `role taken 3, retried 1`.
    #[must_use]
    pub fn reactions_text(&self) -> String {
        let parts = self.reactions.iter();
        let parts: Vec<String> = parts
            .map(|(name, count)| format!("{name} {}", Value::Count(*count)))
            .collect();
        if parts.is_empty() {
            return "–".to_owned();
        }
        parts.join(", ")
    }

    /// How many were noticed, of all.
    #[must_use]
    pub fn noticed_text(&self) -> String {
        format!(
            "{} of {}",
            Value::Count(self.noticed),
            Value::Count(self.count)
        )
    }

    /// Its times with their names, in the order shown.
    #[must_use]
    pub fn columns(&self) -> [(&'static str, Option<Value>); 4] {
        [
            ("detect p50", self.detect_p50),
            ("detect max", self.detect_max),
            ("drain p50", self.drain_p50),
            ("drain max", self.drain_max),
        ]
    }
}
