//! A comparison's figures as words, the same on the console and on the page.

use super::model::{Comparison, Figure, Kept, Row, SideSummary};
use super::paired::{self, Answer, Difference};
use super::prices::Prices;
use super::unit::digits;
use crate::model::value::{Value, three_digits};
use crate::stats::absence_bound_ppm;

/// A share with its sign, such as `+12.4 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let ppm = (share.abs() * 1e6).round() as u128;
    let sign = if ppm == 0 {
        ""
    } else if share < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{} %", three_digits(ppm, 10_000))
}

/// In how many seeds a figure never came to an end.
fn never(count: u64) -> String {
    match count {
        0 => String::new(),
        count => format!(" ({} never)", Value::Count(count)),
    }
}

/// A figure of a configuration by itself: `12.4 ms (3 never)`.
#[must_use]
pub fn alone(figure: &Figure) -> String {
    let mean = figure
        .mean
        .map_or("–".to_owned(), |mean| figure.unit.show(mean));
    format!("{mean}{}", never(figure.never))
}

/// How often a configuration broke a promise, and which: `12 of 64 seeds: no-loss`.
#[must_use]
pub fn broken(side: &SideSummary) -> String {
    let (count, of) = (
        Value::Count(side.broken.count),
        Value::Count(side.broken.of),
    );
    if side.broken.count == 0 {
        // What that excludes depends on the check, and stands beside each.
        return format!("none of {of} seeds");
    }
    let failed = side.checks.iter().filter(|(_, kept)| kept.fail > 0);
    let failed: Vec<&str> = failed.map(|(check, _)| check.as_str()).collect();
    format!("{count} of {of} seeds: {}", failed.join(", "))
}

/// What stands behind a bill.
#[must_use]
pub fn priced(prices: &Prices) -> String {
    format!(
        "Prices are those of {}. Nodes are paid for the time that a million events take at the mean goodput of \
         the run, everything else for what an event of the run moved, wrote or left on disks.",
        prices.file
    )
}

/// The cells of a row: baseline, other, change, interval, answer, pairing.
#[must_use]
pub fn cells(row: &Row) -> [String; 6] {
    let Some(found) = &row.difference else {
        let dash = || "–".to_owned();
        let alone = |side: usize| {
            let mean = row.means[side].map_or("–".to_owned(), |mean| row.unit.show(mean));
            format!("{mean}{}", never(row.never[side]))
        };
        return [alone(0), alone(1), dash(), dash(), answer(row), dash()];
    };
    let is_relative = found.baseline != 0.0;
    let change = |share: f64| {
        if is_relative {
            percent(share)
        } else {
            format!(
                "{}{}",
                if share < 0.0 { "−" } else { "+" },
                row.unit.show(share.abs())
            )
        }
    };
    [
        format!("{}{}", row.unit.show(found.baseline), never(row.never[0])),
        format!("{}{}", row.unit.show(found.other), never(row.never[1])),
        change(found.mean),
        format!("{} to {}", change(found.low), change(found.high)),
        answer(row),
        pairing(found),
    ]
}

/// How many times as many runs unpaired seeds would need: `× 37`.
fn pairing(found: &Difference) -> String {
    found
        .pairing
        .map_or("–".to_owned(), |times| format!("× {}", digits(times)))
}

/// The answer of a row, in words.
#[must_use]
pub fn answer(row: &Row) -> String {
    if let Some(words) = ends(row) {
        return words.to_owned();
    }
    let Some(found) = &row.difference else {
        return "too few seeds have it".to_owned();
    };
    match found.answer {
        Answer::Changed if (found.mean < 0.0) == row.less_is_better => "better".to_owned(),
        Answer::Changed => "worse".to_owned(),
        Answer::NoChange => "no change".to_owned(),
        Answer::CannotTell { seeds: Some(seeds) } => {
            format!("cannot tell: {} seeds would", Value::Count(seeds))
        }
        Answer::CannotTell { seeds: None } => "cannot tell".to_owned(),
    }
}

/// What is to be said first if one of the two comes to an end in seeds in which the other does not.
fn ends(row: &Row) -> Option<&'static str> {
    match row.only_never {
        [base, other] if paired::is_one_sided(base, other) => Some("better: it ends"),
        [base, other] if paired::is_one_sided(other, base) => Some("worse: it never ends"),
        [_, _] => None,
    }
}

/// How often a promise was kept: `0 of 64 fail (< 4.57 %)`.
#[must_use]
pub fn kept(kept: &Kept) -> String {
    let judged = kept.fail + kept.pass + kept.unknown;
    let mut text = format!(
        "{} of {} fail",
        Value::Count(kept.fail),
        Value::Count(judged)
    );
    if kept.fail == 0 {
        let bound = Value::Ppm(absence_bound_ppm(kept.pass));
        text.push_str(&format!(" (< {bound})"));
    }
    if kept.unknown > 0 {
        text.push_str(&format!(", {} unknown", Value::Count(kept.unknown)));
    }
    text
}

/// What the table of differences means.
#[must_use]
pub fn legend(comparison: &Comparison) -> String {
    format!(
        "Differences are of the same seed in both, so that chance which both met falls out. Intervals hold for \
         all rows together (95 %, Holm); within {} counts as no change. Pairing says how many times as many runs \
         independent seeds would need. Latencies are {}.",
        Value::Ppm(comparison.about.margin_ppm),
        comparison.about.stamp
    )
}
