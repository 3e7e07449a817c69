//! A line of the list: one finished seed, with all that a report needs of it.

use super::latencies;
use crate::seeds::as_text;
use serde::{Deserialize, Serialize};
use std::io;
use std::mem::take;
use stormglass_core::digest::FINGERPRINT_VERSION;
use stormglass_reports::Collector;
use stormglass_reports::model::outcome::RunOutcome;
use stormglass_reports::model::shown::ShownRun;
use stormglass_reports::packed;
use stormglass_scenarios::sweep::Job;

/// A finished seed. What people and scripts look for stands open, the rest is packed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its position in the sweep.
    pub index: u64,
    /// The seed.
    #[serde(with = "as_text")]
    pub seed: u64,
    /// Fingerprint of the run; none if it panicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The run's answer; none if the tool itself panicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Steps of the run.
    pub steps: u64,
    /// Signatures of what broke.
    pub failures: Vec<String>,
    /// What a panic said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic: Option<String>,
    /// The first step in which a second run of the seed differed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs: Option<String>,
    /// Bytes that the modelled disks held.
    pub disk_bytes: u64,
    /// The outcome without its latencies and what is drawn of it, packed; none if the tool itself panicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Its latencies, packed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latencies: Option<String>,
    /// What is drawn of it, packed. A finished list has it on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<String>,
}

impl Line {
    /// Nothing known of a seed but that it is finished.
    fn bare(job: Job) -> Line {
        Line {
            index: job.index,
            seed: job.seed,
            fingerprint: None,
            answer: None,
            steps: 0,
            failures: Vec::new(),
            panic: None,
            differs: None,
            disk_bytes: 0,
            outcome: None,
            latencies: None,
            drawn: None,
        }
    }

    /// The line of an outcome, without what is drawn of it; the outcome stays as it is.
    ///
    /// # Errors
    /// If it cannot be packed.
    pub fn of(outcome: &mut RunOutcome) -> io::Result<Line> {
        let (drawn, histograms) = (outcome.shown.take(), take(&mut outcome.histograms));
        let packed = packed::pack(outcome);
        (outcome.shown, outcome.histograms) = (drawn, histograms);
        let latencies = latencies::bytes_of(&outcome.histograms)?;
        let failures = outcome.failures.iter();
        Ok(Line {
            fingerprint: Some(format!(
                "v{FINGERPRINT_VERSION}:{:016x}",
                outcome.fingerprint
            )),
            answer: Some(outcome.answer().word().to_owned()),
            failures: failures.map(|failure| failure.signature.clone()).collect(),
            outcome: Some(packed?),
            latencies: Some(packed::pack_bytes(&latencies)?),
            ..Line::bare(Job {
                index: outcome.index,
                seed: outcome.seed,
            })
        })
    }

    /// It in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        let answer = self.answer.as_deref().unwrap_or("panic");
        let failures = self.failures.join("; ");
        let gap = if failures.is_empty() { "" } else { "  " };
        format!(
            "seed {:<12} {answer:<7} {:>9} steps{gap}{failures}",
            self.seed, self.steps
        )
    }

    /// The line of a user's part that panicked, which is an outcome.
    ///
    /// # Errors
    /// If it cannot be packed.
    pub fn broken(outcome: &mut RunOutcome, message: &str) -> io::Result<Line> {
        Ok(Line {
            fingerprint: None,
            panic: Some(message.to_owned()),
            ..Line::of(outcome)?
        })
    }

    /// Keeps what is drawn of the run as well.
    ///
    /// # Errors
    /// If it cannot be packed.
    pub fn draw(&mut self, run: &ShownRun) -> io::Result<()> {
        self.drawn = Some(packed::pack(run)?);
        Ok(())
    }

    /// The line of a bug of the tool.
    #[must_use]
    pub fn internal(job: Job, message: &str) -> Line {
        Line {
            panic: Some(message.to_owned()),
            ..Line::bare(job)
        }
    }

    /// Adds the run to a report, whether it has just ended or was read from a list.
    ///
    /// # Errors
    /// If the line is damaged.
    pub fn fold(&self, twice: bool, collector: &mut Collector) -> io::Result<()> {
        let Some(outcome) = &self.outcome else {
            let message = self.panic.as_deref().unwrap_or_default();
            collector.add_internal_error(self.seed, message);
            return Ok(());
        };
        let mut outcome: RunOutcome = packed::unpack(outcome)?;
        if (outcome.index, outcome.seed) != (self.index, self.seed) {
            return Err(io::Error::other("its outcome is that of another seed"));
        }
        if let Some(latencies) = &self.latencies {
            outcome.histograms = latencies::histograms_of(&packed::unpack_bytes(latencies)?)?;
        }
        outcome.shown = match &self.drawn {
            Some(drawn) => Some(packed::unpack(drawn)?),
            None => None,
        };
        collector.add(outcome);
        // A run that was recorded for its report may show that its seed does not repeat, asked or not.
        if (twice || self.differs.is_some()) && self.panic.is_none() {
            collector.add_determinism(self.differs.clone());
        }
        Ok(())
    }
}
