//! Reads an objective word by word; a mistake knows its place.

use super::number::{decimal, number};
use super::{Bound, Compare, During, Metric, Series, Slo, SloError};
use crate::error::suggest;
use std::ops::Range;
use stormglass_core::units::parse_span;

/// Reads an objective.
///
/// # Errors
/// With the place inside `text`.
pub fn parse(text: &str) -> Result<Slo, SloError> {
    let mut words = Words { text, at: 0 };
    let metric = words.metric()?;
    let compare = words.compare()?;
    let bound = words.bound(metric)?;
    words.skip_space();
    let suffix = words.at;
    let of_delivered = words.take("of delivered");
    let is_latency = matches!(metric, Metric::Quantile { .. } | Metric::Max(_));
    if of_delivered && !is_latency {
        return Err(SloError {
            span: suffix..words.at,
            message: String::from("`of delivered` belongs to a latency"),
            hint: String::from("remove `of delivered`"),
        });
    }
    let during = if words.take("during") {
        words.skip_space();
        let start = words.at;
        let during = words.phase()?;
        fits(metric, &during).map_err(|(message, hint)| SloError {
            span: start..words.at,
            message,
            hint: hint.to_owned(),
        })?;
        Some(during)
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
    "backlog",
    "shed",
    "retries",
    "late",
];
pub(super) const PHASES: &[&str] = &["steady", "faults", "recovery", "calm", "drain", "the run"];

/// Whether there is anything of the metric in the phase; if not, why, and what to do.
fn fits(metric: Metric, during: &During) -> Result<(), (String, &'static str)> {
    match (metric, during) {
        (Metric::Recovery, During::Run | During::Planned(_)) | (Metric::Backlog, _) => Ok(()),
        (Metric::Recovery, _) => Err((
            String::from("a recovery begins where a fault ends and lies in no phase"),
            "leave the phase out, or name a planned fault: recovery < 10s during 'outage'",
        )),
        (Metric::Shed | Metric::Retries, During::Run) => Ok(()),
        (Metric::Shed | Metric::Retries, _) => Err((
            String::from("what clients do about failed requests is counted over the whole run"),
            "leave the phase out",
        )),
        (_, During::Drain) => Err((
            String::from("nothing is due in drain, so this is never measured there"),
            "leave the phase out, or choose another; a backlog can be measured in drain",
        )),
        (
            Metric::Quantile { .. }
            | Metric::Max(_)
            | Metric::Lost
            | Metric::Duplicates
            | Metric::Goodput
            | Metric::Late,
            _,
        ) => Ok(()),
    }
}

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
            "backlog" => return Ok(Metric::Backlog),
            "shed" => return Ok(Metric::Shed),
            "retries" => return Ok(Metric::Retries),
            "late" => return Ok(Metric::Late),
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
        let parts = decimal(digits, 4).filter(|parts| (1..1_000_000).contains(parts));
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
            Metric::Lost
            | Metric::Duplicates
            | Metric::Backlog
            | Metric::Shed
            | Metric::Retries => number(&word.replace('_', ""), 0)
                .map(Bound::Count)
                .ok_or_else(|| {
                    mistake(
                        format!("expected a number of events, found {word:?}"),
                        "write a whole number such as 0 or 1e5",
                    )
                }),
            Metric::Late => {
                let share = word.strip_suffix('%').map(|percent| number(percent, 4));
                let bound = match share {
                    Some(parts) => parts
                        .and_then(|parts| u32::try_from(parts).ok())
                        .filter(|parts| *parts <= 1_000_000)
                        .map(Bound::Share),
                    None => number(&word.replace('_', ""), 0).map(Bound::Count),
                };
                bound.ok_or_else(|| {
                    mistake(
                        format!("expected a percentage or a number of events, found {word:?}"),
                        "write a percentage of the owed events such as 0.1%, or a whole number such as 0",
                    )
                })
            }
            Metric::Goodput => {
                let (digits, places) = match word.strip_suffix('%') {
                    Some(percent) => (percent, 4),
                    None => (word, 6),
                };
                number(digits, places)
                    .and_then(|parts| u32::try_from(parts).ok())
                    .filter(|parts| *parts <= 1_000_000)
                    .map(Bound::Share)
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
            ("recovery", During::Recovery),
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
