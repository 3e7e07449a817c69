//! Why a failure failed: the smallest schedule that still does, the life of its event, what would have happened
//! otherwise and what may mend it.
//!
//! Whoever found it out hands it over as plain data; every rendering shows this one value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{Micros, as_text, counted, grouped};

/// A failure, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Explained {
    /// What the smallest schedule breaks. Its cause may be another than that of the run it came from.
    pub signature: String,
    /// The same as a sentence.
    pub sentence: String,
    /// The seed that it was shrunk from.
    #[serde(with = "as_text")]
    #[schemars(with = "String")]
    pub seed: u64,
    /// How much was in that seed's run.
    pub before: Size,
    /// How much is left.
    pub after: Size,
    /// How often the schedule fails with timing seeds that shrinking did not see.
    pub fails: Rate,
    /// A timing seed with which it fails.
    #[serde(with = "as_text")]
    #[schemars(with = "String")]
    pub timing_seed: u64,
    /// Whether it needs that one, because other timing seeds do not fail reliably.
    pub depends_on_timing: bool,
    /// Whether the budget of shrinking ended before nothing smaller failed.
    pub cut_short: bool,
    /// The schedule for people, a line a fault.
    pub schedule: Vec<String>,
    /// The event that is followed, as `source:number`; empty if the failure names none.
    pub event: String,
    /// Its life in the schedule, in order of time.
    pub life: Vec<Step>,
    /// What would have happened otherwise.
    pub counterfactuals: Counterfactuals,
    /// Settings that make the schedule pass.
    pub mends: Vec<Mend>,
    /// The schedule as a scenario file, from the folder of the report.
    pub repro: String,
    /// The command that tries the settings on fresh seeds; empty where that was done.
    pub prove: String,
}

/// How much is in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Size {
    /// Events that its sources owe.
    pub events: u64,
    /// Faults that do something.
    pub faults: u64,
    /// Steps of its actors.
    pub steps: u64,
}

/// So many of so many runs fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Rate {
    /// Runs that fail the same way.
    pub fails: u64,
    /// Runs.
    pub of: u64,
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.fails, self.of)
    }
}

/// One line of an event's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Step {
    /// When, in virtual time.
    pub at: Micros,
    /// On which node; empty for what happens to the world.
    pub node: String,
    /// What happened.
    pub what: String,
    /// Whether it is a fault that began or ended, or a process that died or booted.
    pub is_fault: bool,
}

impl Step {
    /// Virtual seconds with all six decimals, so that lines can be ordered by eye.
    #[must_use]
    pub fn seconds(&self) -> String {
        format!("{}.{:06} s", self.at.0 / 1_000_000, self.at.0 % 1_000_000)
    }

    /// What stands before a line about a fault, besides any colour.
    #[must_use]
    pub const fn mark(&self) -> &'static str {
        if self.is_fault { "!" } else { "" }
    }
}

/// The failing schedule as it is, and with one thing changed at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Counterfactuals {
    /// As it is, in runs that differ in timing.
    pub base: Rate,
    /// Changed.
    pub rows: Vec<Changed>,
}

/// One change and what it does to the failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// What sort of change.
    pub sort: Sort,
    /// How it reads.
    pub label: String,
    /// How often it still fails.
    pub rate: Rate,
    /// What that tells.
    pub meaning: Meaning,
}

/// What sort of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// A fault is left out.
    Fault,
    /// A setting is made stronger.
    Setting,
    /// A wait is made longer or shorter.
    Timing,
}

/// What a change tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// The schedule fails too rarely for anything to be concluded.
    Unclear,
    /// The failure needs this fault.
    Needed,
    /// It does not.
    NotNeeded,
    /// The setting makes the schedule pass.
    MayMend,
    /// The change does nothing.
    NoHelp,
    /// The failure is rarer with it and not gone.
    Rarer,
    /// The failure is gone with a wait: it has moved.
    Moves,
}

impl Meaning {
    /// The words shown to a reader.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unclear => "too rare to say",
            Self::Needed => "needed",
            Self::NotNeeded => "not needed",
            Self::MayMend => "may mend it",
            Self::NoHelp => "no help",
            Self::Rarer => "makes it rarer",
            Self::Moves => "moves it: a wait mends nothing",
        }
    }

    /// Whether a short story mentions it.
    #[must_use]
    pub const fn is_telling(self) -> bool {
        match self {
            Self::Needed | Self::MayMend | Self::Rarer | Self::Moves => true,
            Self::Unclear | Self::NotNeeded | Self::NoHelp => false,
        }
    }
}

/// A setting that makes the schedule pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Mend {
    /// The setting.
    pub label: String,
    /// What fresh seeds of the original scenario say of it, if they were asked.
    pub search: Option<Search>,
}

/// Fresh seeds with a setting changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Search {
    /// Seeds run.
    pub seeds: u64,
    /// Of which so many failed, in whatever way.
    pub failing: u64,
    /// In so many the check was exercised.
    pub exercised: u64,
    /// Whether this is enough to call the setting a fix.
    pub is_fix: bool,
}

impl Mend {
    /// What is known of it, to stand behind its label.
    #[must_use]
    pub fn verdict(&self) -> String {
        let Some(search) = self.search else {
            return "may mend it: fresh seeds were not tried".to_owned();
        };
        let verdict = if search.is_fix {
            "mends it"
        } else if search.failing == 0 {
            "is not proved: too few seeds exercised the check"
        } else {
            "does not mend it"
        };
        format!(
            "{verdict}: {} of {} fresh seeds fail, {} exercised the check.",
            search.failing, search.seeds, search.exercised
        )
    }
}

impl Explained {
    /// How it was cut: `1 event and 1 fault (was 6,708 and 3); fails with 20/20 fresh timing seeds`.
    #[must_use]
    pub fn cut(&self) -> String {
        let more = match (self.depends_on_timing, self.cut_short) {
            (true, _) => format!("; it depends on timing: seed {}", self.timing_seed),
            (false, true) => "; the budget ended first: it may be shrunk further".to_owned(),
            (false, false) => String::new(),
        };
        format!(
            "{} and {} (was {} and {}); fails with {} fresh timing seeds{more}",
            counted(self.after.events, "event"),
            counted(self.after.faults, "fault"),
            grouped(self.before.events),
            grouped(self.before.faults),
            self.fails
        )
    }

    /// Rows of the table with this meaning.
    pub fn rows(&self, meaning: Meaning) -> impl Iterator<Item = &Changed> {
        let rows = self.counterfactuals.rows.iter();
        rows.filter(move |row| row.meaning == meaning)
    }

    /// Why no setting is named, if none is.
    #[must_use]
    pub fn no_mend(&self) -> Option<&'static str> {
        let rare = self
            .counterfactuals
            .rows
            .iter()
            .any(|row| row.meaning == Meaning::Unclear);
        match (self.mends.is_empty(), rare) {
            (false, _) => None,
            (true, true) => Some("It fails too rarely for its absence to say anything."),
            (true, false) => Some("No setting that was tried makes this schedule pass."),
        }
    }

    /// The command that runs the schedule.
    #[must_use]
    pub fn run(&self) -> String {
        let seed = if self.depends_on_timing {
            format!(" --seed {}", self.timing_seed)
        } else {
            String::new()
        };
        format!("stormglass run {}{seed}", self.repro)
    }
}
