//! What became of a baseline's figures: one row a figure, judged over the same seeds (decisions B11, B12).

use super::value::{Value, three_digits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A sweep over a baseline's own seeds, held against what the baseline noted of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Against {
    /// Seeds that both ran.
    pub seeds: u64,
    /// A change within this share of the figure counts as none, in parts per million.
    pub margin_ppm: u64,
    /// Figures: what became worse first, then what became better, what cannot be told, and what did not move.
    pub rows: Vec<AgainstRow>,
    /// Seeds in which something fails that did not when the baseline was accepted, a line each.
    pub newly_failing: Vec<String>,
    /// What else differs from the time of the baseline, a line each, such as a figure of the hardware.
    pub remarks: Vec<String>,
}

/// One figure then and now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgainstRow {
    /// What is measured, such as `end-to-end p99 (calm)`.
    pub figure: String,
    /// Whether the figure decides; stages only say where another figure's change comes from.
    pub gates: bool,
    /// Its mean over the seeds in which it is a number: then.
    pub before: Option<Value>,
    /// The same now.
    pub after: Option<Value>,
    /// Seeds in which it never came to an end: then.
    pub before_never: u64,
    /// The same now.
    pub after_never: u64,
    /// Seeds in which it is a number then and now.
    pub pairs: u64,
    /// By how much it changed; none of too few pairs, or where it was nothing.
    pub change: Option<Change>,
    /// What that comes to.
    pub moved: Moved,
    /// The stage from which most of the change comes, for what became worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageMove>,
}

/// A relative change with its interval, in parts per million of the figure then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The mean of the differences.
    pub mean_ppm: i64,
    /// Lower end of the interval.
    pub low_ppm: i64,
    /// Upper end of the interval.
    pub high_ppm: i64,
}

/// What a figure's change comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moved {
    /// Every seed shows exactly what it did.
    Same,
    /// Something moved, and by less than the margin.
    Within,
    /// It is better by more than the margin.
    Better,
    /// It is worse by more than the margin: a regression.
    Worse,
    /// It never comes to an end in so many seeds in which it did that this is no chance.
    NeverEnds,
    /// It comes to an end where it did not.
    Ends,
    /// The seeds differ too much from each other.
    CannotTell {
        /// How many would tell; none if no number would.
        seeds: Option<u64>,
    },
    /// Too few seeds show it then and now.
    TooFew,
}

/// The stage whose mean grew most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageMove {
    /// The stage, such as `replicate`.
    pub stage: String,
    /// Its part of the mean latency then, in nanoseconds.
    pub before_nanos: u64,
    /// The same now.
    pub after_nanos: u64,
    /// Its part of what all stages that grew grew by, in parts per million.
    pub share_ppm: u64,
}

impl Moved {
    /// Whether it is a regression.
    #[must_use]
    pub fn is_worse(self) -> bool {
        match self {
            Self::Worse | Self::NeverEnds => true,
            Self::Same
            | Self::Within
            | Self::Better
            | Self::Ends
            | Self::CannotTell { .. }
            | Self::TooFew => false,
        }
    }

    /// Whether it is an improvement.
    #[must_use]
    pub fn is_better(self) -> bool {
        matches!(self, Self::Better | Self::Ends)
    }

    /// What a reader is told.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Same => "same".to_owned(),
            Self::Within => "within the margin".to_owned(),
            Self::Better => "better".to_owned(),
            Self::Worse => "worse".to_owned(),
            Self::NeverEnds => "worse: it never ends".to_owned(),
            Self::Ends => "better: it ends".to_owned(),
            Self::CannotTell { seeds: Some(seeds) } => {
                format!("cannot tell: {} seeds would", Value::Count(seeds))
            }
            Self::CannotTell { seeds: None } => "cannot tell".to_owned(),
            Self::TooFew => "too few seeds have it".to_owned(),
        }
    }
}

/// A share with its sign, such as `+2.13 %`.
#[must_use]
pub fn percent(ppm: i64) -> String {
    let sign = match ppm {
        0 => "",
        ..0 => "−",
        1.. => "+",
    };
    format!(
        "{sign}{} %",
        three_digits(u128::from(ppm.unsigned_abs()), 10_000)
    )
}

/// Nanoseconds as people read them, with a digit below the microsecond where that is all there is.
fn nanos(nanos: u64) -> String {
    match nanos {
        0..=99_999 => format!("{} µs", three_digits(u128::from(nanos), 1_000)),
        _ => Value::Micros(nanos / 1_000).to_string(),
    }
}

impl StageMove {
    /// `stage replicate 1.2 ms to 1.65 ms, 83 % of the growth`.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "stage {} {} to {}, {} of what grew",
            self.stage,
            nanos(self.before_nanos),
            nanos(self.after_nanos),
            Value::Ppm(self.share_ppm / 10_000 * 10_000)
        )
    }
}

impl AgainstRow {
    /// Then, now, change, interval and what it comes to: the cells of a table, after the figure's name.
    #[must_use]
    pub fn cells(&self) -> [String; 5] {
        let side = |value: Option<Value>, never: u64| {
            let value = value.map_or_else(|| "–".to_owned(), |value| value.to_string());
            match never {
                0 => value,
                never => format!("{value} ({} never)", Value::Count(never)),
            }
        };
        let dash = || "–".to_owned();
        let (change, interval) = self.change.map_or_else(
            || (dash(), dash()),
            |change| {
                let interval = format!(
                    "{} to {}",
                    percent(change.low_ppm),
                    percent(change.high_ppm)
                );
                (percent(change.mean_ppm), interval)
            },
        );
        let mut words = self.moved.words();
        if let Some(stage) = &self.stage {
            words.push_str(&format!("; {}", stage.sentence()));
        }
        [
            side(self.before, self.before_never),
            side(self.after, self.after_never),
            change,
            interval,
            words,
        ]
    }

    /// The row as one sentence, such as
    /// `end-to-end p99 (calm): 48.2 ms to 49.3 ms, +2.2 % (+2.1 % to +2.3 %); stage replicate …`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let [before, after, change, interval, words] = self.cells();
        let change = match self.change {
            Some(_) => format!(", {change} ({interval})"),
            None => String::new(),
        };
        format!("{}: {before} to {after}{change}: {words}", self.figure)
    }
}

impl Against {
    /// What turns the gate red, a line each; empty if nothing is worse.
    #[must_use]
    pub fn regressions(&self) -> Vec<String> {
        let worse = self
            .rows
            .iter()
            .filter(|row| row.gates && row.moved.is_worse());
        let worse = worse.map(AgainstRow::sentence);
        worse.chain(self.newly_failing.iter().cloned()).collect()
    }

    /// How many figures became worse, better, and so on: `64 seeds, margin 1 %: 1 worse, 2 better, 30 same`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let count = |is: &dyn Fn(Moved) -> bool| {
            self.rows
                .iter()
                .filter(|row| row.gates && is(row.moved))
                .count() as u64
        };
        let kinds: [(&str, &dyn Fn(Moved) -> bool); 6] = [
            ("worse", &Moved::is_worse),
            ("better", &Moved::is_better),
            ("within the margin", &|moved| moved == Moved::Within),
            ("cannot be told", &|moved| {
                matches!(moved, Moved::CannotTell { .. })
            }),
            ("too rare", &|moved| moved == Moved::TooFew),
            ("same", &|moved| moved == Moved::Same),
        ];
        let kinds = kinds.iter().map(|(words, is)| (count(is), *words));
        let kinds: Vec<String> = kinds
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{} {words}", Value::Count(count)))
            .collect();
        format!(
            "{} seeds, margin {}: {}",
            Value::Count(self.seeds),
            Value::Ppm(self.margin_ppm),
            kinds.join(", ")
        )
    }

    /// The rows that a reader should see even where there is little room: those that decide and are neither the
    /// same nor within the margin.
    pub fn moved(&self) -> impl Iterator<Item = &AgainstRow> {
        let is_shown =
            |row: &&AgainstRow| row.gates && !matches!(row.moved, Moved::Same | Moved::Within);
        self.rows.iter().filter(is_shown)
    }
}
