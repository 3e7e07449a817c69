//! Baselines: what a scenario's figures were, kept in git as a text that people can review (decisions B12).
//!
//! Model: a baseline names its own seeds, the scenario with every setting spelled out, the profile and the
//! versions of the models, and notes whole numbers of each seed. A later sweep over the same seeds is held
//! against it, seed by seed, so that the same models show a difference of exactly zero.
//!
//! Limits: no wall time, host or tool version is in it: the same models write the same bytes.

mod figure;
mod judged;
#[cfg(test)]
mod tests;

pub use figure::{Figure, Seen, Total};
pub use judged::judge;

use crate::model::outcome::RunOutcome;
use figure::figures;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Name and version of the format. The number grows when a field changes its meaning or goes away.
pub const SCHEMA: &str = "stormglass.baseline/1";

/// What a baseline is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the variant, empty for the plain scenario.
    pub variant: String,
    /// The hardware profile, by name or file.
    pub profile: String,
    /// Versions of the models, such as `log/1`.
    pub models: Vec<String>,
    /// Its own seeds.
    pub seeds: SeedSet,
    /// A change within this share of a figure counts as none, in parts per million.
    pub margin_ppm: u64,
    /// Every setting of the scenario that figures depend on, defaults spelled out.
    pub settings: BTreeMap<String, String>,
    /// Every figure of the hardware. These belong to the model: they may change, and the gate says what that does.
    pub hardware: BTreeMap<String, String>,
}

/// Seeds that stay the same from commit to commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedSet {
    /// The text from which they are taken.
    pub base: String,
    /// How many.
    pub count: u64,
}

/// Figures of a scenario over its own seeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// [`SCHEMA`].
    schema: String,
    /// What it is of.
    #[serde(flatten)]
    pub subject: Subject,
    /// Seeds in which something fails, with the signatures.
    failing: BTreeMap<String, BTreeSet<String>>,
    /// Figures, a value a seed.
    figures: Vec<Noted>,
}

/// A figure over all seeds of a baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    #[serde(flatten)]
    figure: Figure,
    /// A value a seed, in the order of the seeds: a number, `never`, or `-` for nothing to show. One line, so
    /// that a changed figure is one changed line.
    values: String,
}

/// Why a text is no baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoBaseline(pub String);

impl Baseline {
    /// Reads a file.
    ///
    /// # Errors
    /// If it is none, or of another version of the format.
    pub fn parse(text: &str) -> Result<Self, NoBaseline> {
        let value: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| NoBaseline(format!("it is no JSON: {error}")))?;
        match value.get("schema").and_then(|schema| schema.as_str()) {
            Some(SCHEMA) => {}
            Some(other) => {
                return Err(NoBaseline(format!(
                    "it has the format {other}, not {SCHEMA}"
                )));
            }
            None => {
                return Err(NoBaseline(format!(
                    "it does not say `\"schema\": \"{SCHEMA}\"`"
                )));
            }
        }
        let baseline: Self =
            serde_json::from_value(value).map_err(|error| NoBaseline(error.to_string()))?;
        if let Some(noted) = baseline
            .figures
            .iter()
            .find(|noted| !baseline.is_whole(noted))
        {
            let count = baseline.subject.seeds.count;
            return Err(NoBaseline(format!(
                "{} has not {count} values",
                noted.figure
            )));
        }
        Ok(baseline)
    }

    fn is_whole(&self, noted: &Noted) -> bool {
        let values = noted.values.split(' ');
        values.clone().count() as u64 == self.subject.seeds.count
            && values.clone().all(|value| Seen::parse(value).is_some())
    }

    /// The file, ending in a newline.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("a baseline has only text keys and no failing writer");
        text.push('\n');
        text
    }

    /// Its figures by seed.
    fn columns(&self) -> BTreeMap<&Figure, Vec<Seen>> {
        let parsed = |values: &str| {
            let values = values.split(' ');
            values
                .map(|value| Seen::parse(value).unwrap_or(Seen::Nothing))
                .collect()
        };
        let noted = self.figures.iter();
        noted
            .map(|noted| (&noted.figure, parsed(&noted.values)))
            .collect()
    }
}

impl Subject {
    /// Why a baseline of this subject says nothing about `now`, a line each; empty if it does. `is_written`
    /// says whether the scenario's file names a setting: one that the baseline does not know and that has its
    /// default did not exist then.
    #[must_use]
    pub fn differs(&self, now: &Self, is_written: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        let mut hold = |what: &str, then: &str, now: &str| {
            if then != now {
                lines.push(format!("{what} was {then} and is {now}"));
            }
        };
        hold("the scenario", &self.scenario, &now.scenario);
        hold(
            "the variant",
            or_plain(&self.variant),
            or_plain(&now.variant),
        );
        hold("the profile", &self.profile, &now.profile);
        hold(
            "the list of models",
            &self.models.join(" "),
            &now.models.join(" "),
        );
        if self.seeds != now.seeds {
            let (then, now) = (self.seeds.count, now.seeds.count);
            lines.push(format!("the seeds were {then} and are {now}"));
        }
        let keys: BTreeSet<&String> = self.settings.keys().chain(now.settings.keys()).collect();
        for key in keys {
            let (then, now) = (self.settings.get(key), now.settings.get(key));
            if then != now && (then.is_some() || is_written(key)) {
                let word =
                    |value: Option<&String>| value.map_or("not there".to_owned(), Clone::clone);
                lines.push(format!("{key} was {} and is {}", word(then), word(now)));
            }
        }
        lines
    }

    /// How the hardware differs, a line each.
    #[must_use]
    pub fn hardware_moves(&self, now: &Self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.hardware.keys().chain(now.hardware.keys()).collect();
        let value = |side: &Self, key: &str| {
            side.hardware
                .get(key)
                .map_or("not there".to_owned(), Clone::clone)
        };
        let lines = keys.into_iter().filter_map(|key| {
            let (then, is) = (value(self, key), value(now, key));
            (then != is).then(|| format!("the profile's {key} was {then} and is {is}"))
        });
        lines.collect()
    }
}

fn or_plain(variant: &str) -> &str {
    if variant.is_empty() { "none" } else { variant }
}

/// Gathers a baseline's seeds, in any order.
#[derive(Debug)]
pub struct Gathering {
    subject: Subject,
    stages: Vec<String>,
    runs: BTreeMap<u64, BTreeMap<Figure, Seen>>,
    failing: BTreeMap<String, BTreeSet<String>>,
}

impl Gathering {
    /// Nothing yet; `stages` names the series that are stages of the headline.
    #[must_use]
    pub fn new(subject: Subject, stages: Vec<String>) -> Self {
        Self {
            subject,
            stages,
            runs: BTreeMap::new(),
            failing: BTreeMap::new(),
        }
    }

    /// Adds a run.
    pub fn add(&mut self, run: &RunOutcome) {
        let signatures = run.failures.iter().map(|failure| failure.signature.clone());
        let signatures: BTreeSet<String> = signatures.collect();
        if !signatures.is_empty() {
            self.failing.insert(run.seed.to_string(), signatures);
        }
        self.runs.insert(run.index, figures(run, &self.stages));
    }

    /// The baseline of what was gathered.
    ///
    /// # Panics
    /// If a seed is missing.
    #[must_use]
    pub fn finish(self) -> Baseline {
        let count = self.subject.seeds.count;
        assert_eq!(
            self.runs.len() as u64,
            count,
            "a baseline is of all its seeds"
        );
        let figures: BTreeSet<&Figure> = self.runs.values().flat_map(BTreeMap::keys).collect();
        let noted = figures.into_iter().map(|figure| {
            let values = self.runs.values();
            let values = values.map(|run| run.get(figure).copied().unwrap_or(Seen::Nothing));
            let values: Vec<String> = values.map(|seen| seen.to_string()).collect();
            Noted {
                figure: figure.clone(),
                values: values.join(" "),
            }
        });
        Baseline {
            schema: SCHEMA.to_owned(),
            figures: noted.collect(),
            failing: self.failing,
            subject: self.subject,
        }
    }
}
