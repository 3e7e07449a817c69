//! Objectives as people write them: `p99(end-to-end) < 250ms during steady`.
//!
//! ```text
//! objective = metric compare bound [ "of delivered" ] [ "during" phase ]
//! metric    = "p" number "(" series ")" | "max(" series ")" | "recovery" | "lost" | "duplicates" | "goodput"
//! compare   = "<" | "<=" | ">" | ">=" | "="
//! phase     = "steady" | "faults" | "calm" | "drain" | "the run" | "'" name of a planned fault "'"
//! ```

mod pattern;
#[cfg(test)]
mod tests;

pub(crate) use pattern::pattern;

use crate::error::suggest;
use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::Range;
pub use stormglass_core::metrics::Series;
use stormglass_core::time::Span;
use stormglass_core::units::{parse_span, print_span};

/// An objective, and where it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slo {
    /// As it was written.
    pub text: String,
    /// The line in the scenario file, counted from 1.
    pub line: usize,
    /// What is measured.
    pub metric: Metric,
    /// How it is compared.
    pub compare: Compare,
    /// With what.
    pub bound: Bound,
    /// Whether events that were shed, rejected or dead-lettered are left out (B3).
    pub of_delivered: bool,
    /// In which phase; none is the whole run after warm-up.
    pub during: Option<During>,
}

impl Serialize for Slo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// A quantile of a latency, in parts per million: `p99.9` is 999,000.
    Quantile {
        /// Parts per million.
        parts: u32,
        /// Of what.
        series: Series,
    },
    /// The longest latency.
    Max(Series),
    /// From a heal until backlog and latency are back (B4).
    Recovery,
    /// Acknowledged events without effect.
    Lost,
    /// Effects beyond the first.
    Duplicates,
    /// Delivered over owed.
    Goodput,
}

/// How a metric is compared with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compare {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `=`
    Equal,
}

impl Compare {
    /// Whether `value` keeps to `bound`.
    #[must_use]
    pub const fn holds(self, value: u64, bound: u64) -> bool {
        match self {
            Compare::Below => value < bound,
            Compare::AtMost => value <= bound,
            Compare::Above => value > bound,
            Compare::AtLeast => value >= bound,
            Compare::Equal => value == bound,
        }
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compare::Below => "<",
            Compare::AtMost => "<=",
            Compare::Above => ">",
            Compare::AtLeast => ">=",
            Compare::Equal => "=",
        })
    }
}

/// What a metric is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// A length of time, of latencies and recovery.
    Time(Span),
    /// A number, of lost and duplicated events.
    Count(u64),
    /// A share in parts per million, of goodput.
    Share(u32),
}

/// The phase that a sample must belong to (B2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum During {
    /// After warm-up, no fault active, no episode recovering.
    Steady,
    /// While any fault is active.
    Faults,
    /// After the heal, with sources going on.
    Calm,
    /// After sources have stopped.
    Drain,
    /// The whole run after warm-up.
    Run,
    /// While the planned fault of this name is active.
    Planned(String),
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.metric {
            Metric::Quantile { parts, series } => {
                let digits = format!("{:04}", parts % 10_000);
                let digits = digits.trim_end_matches('0');
                let dot = if digits.is_empty() { "" } else { "." };
                write!(f, "p{}{dot}{digits}({})", parts / 10_000, series.name())?;
            }
            Metric::Max(series) => write!(f, "max({})", series.name())?,
            Metric::Recovery => f.write_str("recovery")?,
            Metric::Lost => f.write_str("lost")?,
            Metric::Duplicates => f.write_str("duplicates")?,
            Metric::Goodput => f.write_str("goodput")?,
        }
        write!(f, " {} ", self.compare)?;
        match self.bound {
            Bound::Time(span) => f.write_str(&print_span(span))?,
            Bound::Count(count) => write!(f, "{count}")?,
            Bound::Share(parts) => {
                let digits = format!("{:06}", parts % 1_000_000);
                let digits = digits.trim_end_matches('0');
                let dot = if digits.is_empty() { "" } else { "." };
                write!(f, "{}{dot}{digits}", parts / 1_000_000)?;
            }
        }
        if self.of_delivered {
            f.write_str(" of delivered")?;
        }
        match &self.during {
            None => Ok(()),
            Some(During::Steady) => f.write_str(" during steady"),
            Some(During::Faults) => f.write_str(" during faults"),
            Some(During::Calm) => f.write_str(" during calm"),
            Some(During::Drain) => f.write_str(" during drain"),
            Some(During::Run) => f.write_str(" during the run"),
            Some(During::Planned(name)) => write!(f, " during '{name}'"),
        }
    }
}

/// A mistake inside an expression: where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SloError {
    /// Bytes of the expression.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// Reads an objective.
///
/// # Errors
/// With the place inside `text`.
pub fn parse(text: &str) -> Result<Slo, SloError> {
    let mut words = Words { text, at: 0 };
    let metric = words.metric()?;
    let compare = words.compare()?;
    let bound = words.bound(metric)?;
    let of_delivered = words.take("of delivered");
    let during = if words.take("during") {
        Some(words.phase()?)
    } else {
        None
    };
    words.skip_space();
    if words.at < text.len() {
        return Err(words.mistake(
            text.len(),
            format!("`{}` is not expected here", &text[words.at..]),
            "after the bound there may stand `of delivered` and then `during` and a phase",
        ));
    }
    if of_delivered && !matches!(metric, Metric::Quantile { .. } | Metric::Max(_)) {
        return Err(SloError {
            span: 0..text.len(),
            message: String::from("`of delivered` belongs to a latency"),
            hint: String::from("remove `of delivered`"),
        });
    }
    Ok(Slo {
        text: text.to_owned(),
        line: 0,
        metric,
        compare,
        bound,
        of_delivered,
        during,
    })
}

const METRICS: &[&str] = &[
    "p50",
    "p90",
    "p99",
    "p99.9",
    "max",
    "recovery",
    "lost",
    "duplicates",
    "goodput",
];
const PHASES: &[&str] = &["steady", "faults", "calm", "drain", "the run"];

struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Consumes `word` if it comes next and ends there.
    fn take(&mut self, word: &str) -> bool {
        self.skip_space();
        let rest = &self.text[self.at..];
        let found = rest
            .strip_prefix(word)
            .is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '-'));
        if found {
            self.at += word.len();
        }
        found
    }

    /// The characters up to the first for which `ends` holds.
    fn until(&mut self, ends: impl Fn(char) -> bool) -> (Range<usize>, &'a str) {
        self.skip_space();
        let rest = &self.text[self.at..];
        let length = rest.find(ends).unwrap_or(rest.len());
        let span = self.at..self.at + length;
        self.at = span.end;
        (span.clone(), &self.text[span])
    }

    fn mistake(&self, end: usize, message: String, hint: impl Into<String>) -> SloError {
        SloError {
            span: self.at..end,
            message,
            hint: hint.into(),
        }
    }

    fn metric(&mut self) -> Result<Metric, SloError> {
        let (span, word) =
            self.until(|c| c.is_whitespace() || matches!(c, '(' | '<' | '>' | '=' | ')'));
        match word {
            "recovery" => return Ok(Metric::Recovery),
            "lost" => return Ok(Metric::Lost),
            "duplicates" => return Ok(Metric::Duplicates),
            "goodput" => return Ok(Metric::Goodput),
            "max" => return Ok(Metric::Max(self.series()?)),
            _ => {}
        }
        let quantile = word
            .strip_prefix('p')
            .filter(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
        let Some(digits) = quantile else {
            return Err(SloError {
                span,
                message: if word.is_empty() {
                    String::from("an objective begins with what is measured")
                } else {
                    format!("unknown metric `{word}`")
                },
                hint: suggest(word, "metrics", METRICS.iter().copied()),
            });
        };
        let parts = parse_decimal(digits, 4).filter(|parts| (1..1_000_000).contains(parts));
        let Some(parts) = parts else {
            return Err(SloError {
                span,
                message: format!("`{word}` is no quantile"),
                hint: String::from(
                    "a quantile lies between p0.0001 and p99.9999; the longest latency is max(…)",
                ),
            });
        };
        let series = self.series()?;
        Ok(Metric::Quantile {
            parts: parts as u32,
            series,
        })
    }

    fn series(&mut self) -> Result<Series, SloError> {
        let names = || Series::ALL.iter().map(|series| series.name());
        self.skip_space();
        if !self.text[self.at..].starts_with('(') {
            return Err(self.mistake(
                self.at + 1,
                String::from("a latency needs its series in parentheses"),
                "write for example p99(end-to-end)",
            ));
        }
        self.at += 1;
        let (span, word) = self.until(|c| c.is_whitespace() || matches!(c, ')' | '<' | '>' | '='));
        let Some(series) = Series::ALL.into_iter().find(|series| series.name() == word) else {
            return Err(SloError {
                span,
                message: format!("unknown series `{word}`"),
                hint: suggest(word, "series", names()),
            });
        };
        self.skip_space();
        if !self.text[self.at..].starts_with(')') {
            return Err(self.mistake(
                self.at + 1,
                String::from("the parenthesis is not closed"),
                format!("write ({})", series.name()),
            ));
        }
        self.at += 1;
        Ok(series)
    }

    fn compare(&mut self) -> Result<Compare, SloError> {
        self.skip_space();
        for (sign, compare) in [
            ("<=", Compare::AtMost),
            (">=", Compare::AtLeast),
            ("<", Compare::Below),
            (">", Compare::Above),
            ("=", Compare::Equal),
        ] {
            if self.text[self.at..].starts_with(sign) {
                self.at += sign.len();
                return Ok(compare);
            }
        }
        let end = self.text.len();
        Err(self.mistake(
            end,
            String::from("expected a comparison"),
            "write one of <, <=, >, >= or =",
        ))
    }

    fn bound(&mut self, metric: Metric) -> Result<Bound, SloError> {
        let (span, word) = self.until(char::is_whitespace);
        let mistake = |message: String, hint: &str| SloError {
            span: span.clone(),
            message,
            hint: hint.to_owned(),
        };
        match metric {
            Metric::Quantile { .. } | Metric::Max(_) | Metric::Recovery => parse_span(word)
                .map(Bound::Time)
                .map_err(|message| mistake(message, "write a length of time such as 250ms")),
            Metric::Lost | Metric::Duplicates => word
                .replace('_', "")
                .parse()
                .map(Bound::Count)
                .map_err(|_| {
                    mistake(
                        format!("expected a number of events, found {word:?}"),
                        "write a whole number such as 0",
                    )
                }),
            Metric::Goodput => {
                let (digits, places) = match word.strip_suffix('%') {
                    Some(percent) => (percent, 4),
                    None => (word, 6),
                };
                parse_decimal(digits, places)
                    .filter(|parts| *parts <= 1_000_000)
                    .map(|parts| Bound::Share(parts as u32))
                    .ok_or_else(|| {
                        mistake(
                            format!("expected a share of the owed events, found {word:?}"),
                            "write a number from 0 to 1 such as 0.95, or a percentage such as 95%",
                        )
                    })
            }
        }
    }

    fn phase(&mut self) -> Result<During, SloError> {
        for (word, during) in [
            ("steady", During::Steady),
            ("faults", During::Faults),
            ("calm", During::Calm),
            ("drain", During::Drain),
            ("the run", During::Run),
        ] {
            if self.take(word) {
                return Ok(during);
            }
        }
        self.skip_space();
        let rest = &self.text[self.at..];
        if let Some(quoted) = rest.strip_prefix('\'') {
            let Some(length) = quoted.find('\'') else {
                return Err(self.mistake(
                    self.text.len(),
                    String::from("the name is not closed"),
                    "write the name of a planned fault in single quotes",
                ));
            };
            self.at += length + 2;
            return Ok(During::Planned(quoted[..length].to_owned()));
        }
        Err(self.mistake(
            self.text.len(),
            format!("unknown phase `{rest}`"),
            format!(
                "{}; or the name of a planned fault in single quotes",
                suggest(rest, "phases", PHASES.iter().copied())
            ),
        ))
    }
}

/// A decimal number times 10^`places`, none if it is not one or has more decimals than that.
fn parse_decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || fraction.len() > places {
        return None;
    }
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}
