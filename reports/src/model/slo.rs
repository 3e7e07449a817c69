//! How one run is judged by one SLO.

use serde::{Deserialize, Serialize};

use super::SamplePhase;
use super::histogram::Histograms;
use super::outcome::{Answer, SloRun};
use super::value::{Quantile, Threshold, Value};

/// A bound that a scenario puts on a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slo {
    /// The expression as the scenario wrote it, such as `end-to-end p99 <= 250ms`.
    pub expression: String,
    /// Samples it is judged on.
    pub phase: SamplePhase,
    /// Series it reads: a histogram's name, or a metric's such as `recovery`.
    pub series: String,
    /// Which percentile of the series, if it is a latency distribution.
    pub quantile: Option<Quantile>,
    /// Whether events that never came are left out of the percentile (decisions B3).
    pub of_delivered: bool,
    /// Its bound.
    pub threshold: Threshold,
    /// How many runs of the sweep may violate it.
    pub allow: u64,
}

impl Slo {
    /// Judges a percentile of one run. Without samples the phase did not occur: not applicable. With
    /// fewer samples than the percentile needs the run is unknown (decisions B2), even if some never
    /// came: losing them is for the checks to judge.
    ///
    /// # Panics
    /// If the SLO names no percentile.
    #[must_use]
    pub fn judge(&self, histograms: &Histograms) -> SloRun {
        let quantile = self
            .quantile
            .expect("an SLO on a distribution names its percentile");
        let data = histograms.get(&self.series, &self.phase);
        let (delivered, owed) = data.map_or((0, 0), |data| (data.finite_count(), data.count()));
        let (observed, samples) = if self.of_delivered {
            let observed = data.and_then(|data| data.finite_percentile(quantile));
            (observed, delivered)
        } else {
            (data.and_then(|data| data.percentile(quantile)), owed)
        };
        let needed = if quantile == Quantile::MAX {
            1
        } else {
            quantile.samples_min()
        };
        let answer = match observed {
            None => Answer::NotApplicable,
            Some(_) if samples < needed => Answer::Unknown,
            Some(value) => self.answer(value),
        };
        self.run(answer, observed, (delivered, owed))
    }

    /// Judges a metric of one run that is no percentile; `None` if it had nothing to measure. Beside
    /// it stand the events delivered and owed.
    #[must_use]
    pub fn judge_value(&self, observed: Option<Value>, delivered: u64, owed: u64) -> SloRun {
        let answer = observed.map_or(Answer::NotApplicable, |value| self.answer(value));
        self.run(answer, observed, (delivered, owed))
    }

    /// A run that had something to measure, of which it is not known how much.
    #[must_use]
    pub fn unknown(&self, delivered: u64, owed: u64) -> SloRun {
        self.run(Answer::Unknown, None, (delivered, owed))
    }

    /// A run that the SLO does not speak about, such as a fault plan outside its envelope
    /// (decisions B5).
    #[must_use]
    pub fn not_applicable(&self) -> SloRun {
        self.run(Answer::NotApplicable, None, (0, 0))
    }

    fn answer(&self, value: Value) -> Answer {
        if self.threshold.holds(value) {
            Answer::Pass
        } else {
            Answer::Fail
        }
    }

    fn run(
        &self,
        answer: Answer,
        observed: Option<Value>,
        (delivered, owed): (u64, u64),
    ) -> SloRun {
        SloRun {
            expression: self.expression.clone(),
            phase: self.phase.clone(),
            series: self.series.clone(),
            quantile: self.quantile,
            of_delivered: self.of_delivered,
            threshold: self.threshold,
            allow: self.allow,
            answer,
            observed,
            delivered,
            owed,
            cause: String::new(),
        }
    }
}
