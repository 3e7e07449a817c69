//! How long something takes, as a profile or a scenario writes it: one of four forms.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use stormglass_core::quantile::Quantiles;
use stormglass_core::time::Span;

/// Longer than anything that hardware does.
pub(crate) const SLOWEST: Span = Span::secs(60);

/// Quantiles are kept as parts of this.
pub(crate) const WHOLE: u64 = 1_000_000_000_000;

/// A distribution of lengths of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Distribution {
    /// Always the same.
    Constant(Span),
    /// Lognormal: a long tail above the median.
    Lognormal {
        /// Half of all take less.
        median: Span,
        /// One in a hundred takes longer.
        p99: Span,
    },
    /// Normal, cut at zero.
    Normal {
        /// The mean, before the cut.
        mean: Span,
        /// The standard deviation, before the cut.
        deviation: Span,
    },
    /// As it was measured: a CSV file with the columns `quantile` and `value`, beside the file that names it.
    Empirical(Table),
}

/// A measured distribution: a file, written as its name, and its rows once they are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Table {
    /// The file's name.
    pub file: String,
    /// The values by their quantile, in 10⁻¹²; empty until the file is read.
    pub rows: Vec<(u64, Span)>,
}

impl From<String> for Table {
    fn from(file: String) -> Table {
        Table {
            file,
            rows: Vec::new(),
        }
    }
}

impl From<Table> for String {
    fn from(table: Table) -> String {
        table.file
    }
}

impl JsonSchema for Table {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Table")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl Distribution {
    /// What is wrong with it, and what to do about it.
    pub(crate) fn mistake(&self) -> Option<(String, &'static str)> {
        let (least, most) = match self {
            Distribution::Constant(span) => (*span, *span),
            Distribution::Lognormal { median, p99 } => {
                if *median == Span::ZERO {
                    let message = "no lognormal distribution has a median of 0s".to_owned();
                    return Some((message, "choose a median above 0s, or a constant"));
                }
                (*median, *p99)
            }
            Distribution::Normal { mean, deviation } => (Span::ZERO, (*mean).max(*deviation)),
            Distribution::Empirical(table) => {
                let last = table.rows.last().map_or(Span::ZERO, |(_, value)| *value);
                (Span::ZERO, last)
            }
        };
        if most < least {
            let message = format!("a p99 of {most} is below the median of {least}");
            return Some((message, "a p99 is not below the median"));
        }
        if most > SLOWEST {
            let message = format!("{most} is slower than any hardware");
            return Some((message, "choose at most 60s"));
        }
        None
    }

    /// Its table of quantiles.
    ///
    /// # Panics
    /// If it is no distribution, or measured and not read: the load sees to both.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        match self {
            Distribution::Constant(span) => Quantiles::constant(*span),
            Distribution::Lognormal { median, p99 } => Quantiles::lognormal(*median, *p99),
            Distribution::Normal { mean, deviation } => Quantiles::normal(*mean, *deviation),
            Distribution::Empirical(table) => {
                let share = |parts: u64| parts as f64 / WHOLE as f64;
                let rows = table.rows.iter();
                let rows: Vec<_> = rows
                    .map(|(quantile, value)| (share(*quantile), *value))
                    .collect();
                Quantiles::empirical(&rows)
            }
        }
    }

    /// What half of all are below.
    pub(crate) fn median(&self) -> Span {
        match self {
            Distribution::Constant(span) => *span,
            Distribution::Lognormal { median, .. } => *median,
            Distribution::Normal { mean, .. } => *mean,
            Distribution::Empirical(_) => self.quantiles().median(),
        }
    }

    /// About what one in a hundred exceeds.
    pub(crate) fn slow(&self) -> Span {
        match self {
            Distribution::Constant(span) => *span,
            Distribution::Lognormal { p99, .. } => *p99,
            // The 99th percentile lies 2.33 standard deviations above the mean.
            Distribution::Normal { mean, deviation } => *mean + *deviation * 7 / 3,
            Distribution::Empirical(table) => {
                let rows = table.rows.iter();
                let above = rows
                    .clone()
                    .find(|(quantile, _)| *quantile >= WHOLE / 100 * 99);
                above
                    .or(rows.last())
                    .map_or(Span::ZERO, |(_, value)| *value)
            }
        }
    }
}
