//! Then against now: the same seeds, paired.

use super::{Baseline, Figure, Seen};
use crate::compare::paired::{self, Answer, Difference};
use crate::model::SamplePhase;
use crate::model::against::{Against, AgainstRow, Change, Moved, StageMove};
use std::collections::BTreeSet;

/// A row before it is judged.
struct Row {
    figure: Figure,
    pairs: Vec<(f64, f64)>,
    means: [Option<f64>; 2],
    never: [u64; 2],
    only_never: [u64; 2],
    is_same: bool,
}

/// Holds `now` against `then`, which are of the same seeds.
///
/// # Panics
/// If they are not.
#[must_use]
pub fn judge(then: &Baseline, now: &Baseline, margin_ppm: u64) -> Against {
    assert_eq!(
        then.subject.seeds, now.subject.seeds,
        "figures are paired by seed"
    );
    let rows = rows(then, now);
    let margin = margin_ppm as f64 / 1e6;
    // Stages explain and decide nothing, so they do not widen the intervals of what does.
    let (deciding, stages): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| row.figure.gates());
    let judged = |rows: &[Row]| {
        let pairs: Vec<_> = rows.iter().map(|row| row.pairs.clone()).collect();
        paired::judge(&pairs, margin)
    };
    let (of_deciding, of_stages) = (judged(&deciding), judged(&stages));
    let stages: Vec<_> = stages.into_iter().zip(of_stages).collect();
    let all = deciding.iter().zip(of_deciding);
    let all = all.chain(stages.iter().map(|(row, difference)| (row, *difference)));
    let mut found: Vec<AgainstRow> = all
        .map(|(row, difference)| told(row, difference, margin, &stages))
        .collect();
    found.sort_by_key(|row| (!row.gates, order(row.moved)));
    Against {
        seeds: then.subject.seeds.count,
        margin_ppm,
        rows: found,
        newly_failing: newly_failing(then, now),
        remarks: then.subject.hardware_moves(&now.subject),
    }
}

/// What became worse first: what a reader came for.
fn order(moved: Moved) -> u8 {
    match moved {
        Moved::Worse | Moved::NeverEnds => 0,
        Moved::Better | Moved::Ends => 1,
        Moved::CannotTell { .. } => 2,
        Moved::Within => 3,
        Moved::TooFew => 4,
        Moved::Same => 5,
    }
}

/// Every figure that either side has and that is not nothing, or only zero, in both.
fn rows(then: &Baseline, now: &Baseline) -> Vec<Row> {
    let (then, now) = (then.columns(), now.columns());
    let figures: BTreeSet<&Figure> = then.keys().chain(now.keys()).copied().collect();
    let rows = figures.into_iter().filter_map(|figure| {
        let (before, after) = (then.get(figure)?, now.get(figure)?);
        let is_empty = |seen: &Seen| matches!(seen, Seen::Nothing | Seen::Number(0));
        if before.iter().chain(after).all(is_empty) {
            return None;
        }
        let both = || before.iter().zip(after);
        let never = |seen: &[Seen]| seen.iter().filter(|seen| **seen == Seen::Never).count() as u64;
        let alone = |one: &[Seen], other: &[Seen]| {
            let sides = one.iter().zip(other);
            let alone = sides.filter(|(one, other)| **one == Seen::Never && **other != Seen::Never);
            alone.count() as u64
        };
        let pairs = both().filter_map(|pair| match pair {
            (Seen::Number(before), Seen::Number(after)) => Some((*before as f64, *after as f64)),
            (Seen::Number(_) | Seen::Never | Seen::Nothing, _) => None,
        });
        Some(Row {
            figure: figure.clone(),
            pairs: pairs.collect(),
            means: [mean(before), mean(after)],
            never: [never(before), never(after)],
            only_never: [alone(before, after), alone(after, before)],
            is_same: before == after,
        })
    });
    rows.collect()
}

fn mean(seen: &[Seen]) -> Option<f64> {
    let numbers = seen.iter().filter_map(|seen| match seen {
        Seen::Number(number) => Some(*number as f64),
        Seen::Never | Seen::Nothing => None,
    });
    let (count, sum) = numbers.fold((0.0, 0.0), |(count, sum), number| {
        (count + 1.0, sum + number)
    });
    (count > 0.0).then(|| sum / count)
}

/// A stage and what its part of the mean latency came to.
type Judged = (Row, Option<Difference>);

fn told(row: &Row, difference: Option<Difference>, margin: f64, stages: &[Judged]) -> AgainstRow {
    let moved = moved(row, difference.as_ref(), margin);
    let value = |mean: Option<f64>| mean.map(|mean| row.figure.value(mean));
    // Means over the pairs alone, so that they differ by the change that stands beside them.
    let [before, after] = match &difference {
        Some(found) => [Some(found.baseline), Some(found.other)].map(value),
        None => row.means.map(value),
    };
    let relative = difference.filter(|found| found.baseline != 0.0);
    let ppm = |share: f64| (share * 1e6).round() as i64;
    AgainstRow {
        figure: row.figure.to_string(),
        gates: row.figure.gates(),
        before,
        after,
        before_never: row.never[0],
        after_never: row.never[1],
        pairs: row.pairs.len() as u64,
        change: relative.map(|found| Change {
            mean_ppm: ppm(found.mean),
            low_ppm: ppm(found.low),
            high_ppm: ppm(found.high),
        }),
        moved,
        stage: match &row.figure {
            Figure::Latency { phase, .. } if moved.is_worse() => grown(phase, stages),
            Figure::Latency { .. } | Figure::Stage { .. } | Figure::Total { .. } => None,
        },
    }
}

fn moved(row: &Row, difference: Option<&Difference>, margin: f64) -> Moved {
    let [before, after] = row.only_never;
    if row.is_same {
        return Moved::Same;
    }
    if paired::is_one_sided(after, before) {
        return Moved::NeverEnds;
    }
    if paired::is_one_sided(before, after) {
        return Moved::Ends;
    }
    let Some(found) = difference else {
        return Moved::TooFew;
    };
    match found.answer {
        Answer::Changed if found.baseline != 0.0 && found.mean.abs() <= margin => Moved::Within,
        Answer::Changed if (found.mean < 0.0) == row.figure.less_is_better() => Moved::Better,
        Answer::Changed => Moved::Worse,
        Answer::NoChange => Moved::Within,
        Answer::CannotTell { seeds } => Moved::CannotTell { seeds },
    }
}

/// The stage of a phase that grew most, of those whose growth is no chance. Means are what adds up: of a
/// percentile nothing says which stages its events spent their time in.
fn grown(phase: &SamplePhase, stages: &[Judged]) -> Option<StageMove> {
    let of_phase = stages
        .iter()
        .filter_map(|(row, difference)| match &row.figure {
            Figure::Stage { stage, phase: of } if of == phase => Some((stage, (*difference)?)),
            Figure::Stage { .. } | Figure::Latency { .. } | Figure::Total { .. } => None,
        });
    let has_grown = |found: &Difference| found.answer == Answer::Changed && found.mean > 0.0;
    let grown: Vec<_> = of_phase.filter(|(_, found)| has_grown(found)).collect();
    let growth = |found: &Difference| found.other - found.baseline;
    let all: f64 = grown.iter().map(|(_, found)| growth(found)).sum();
    let most = grown
        .into_iter()
        .max_by(|a, b| growth(&a.1).total_cmp(&growth(&b.1)));
    let (stage, found) = most?;
    Some(StageMove {
        stage: stage.clone(),
        before_nanos: found.baseline.round() as u64,
        after_nanos: found.other.round() as u64,
        share_ppm: (growth(&found) / all * 1e6).round() as u64,
    })
}

fn newly_failing(then: &Baseline, now: &Baseline) -> Vec<String> {
    let lines = now.failing.iter().flat_map(|(seed, signatures)| {
        let known = then.failing.get(seed);
        let new = signatures
            .iter()
            .filter(move |signature| known.is_none_or(|known| !known.contains(*signature)));
        new.map(move |signature| format!("seed {seed} fails, and did not then: {signature}"))
    });
    lines.collect()
}
