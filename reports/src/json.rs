//! `summary.json`: every figure of the report, schema-versioned.

use crate::summary::Summary;

/// The file, indented and ending in a newline.
#[must_use]
pub fn render(summary: &Summary) -> String {
    let mut text = serde_json::to_string_pretty(summary)
        .expect("a summary has only text keys and no failing writer");
    text.push('\n');
    text
}

/// One line that may stand inside a `<script>` element: `<`, `>` and `&` are escaped as the JSON
/// escapes of their code points, so that no text of a scenario can end the element.
#[must_use]
pub fn island(summary: &Summary) -> String {
    let text = serde_json::to_string(&bounded(summary)).expect("as in `render`");
    let text = text
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    text.replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Groups and lines of a kind that the island keeps: a report stays below 1 MB, and `summary.json`
/// has them all.
const ISLAND_ENTRIES: usize = 200;
/// Lines of a witness, a fault plan, a schedule or a life in the island, and characters of a line.
const ISLAND_LINES: usize = 10;
const ISLAND_LETTERS: usize = 400;

fn bounded(summary: &Summary) -> Summary {
    let mut cut = summary.clone();
    cut.failures.truncate(ISLAND_ENTRIES / 10);
    for group in &mut cut.failures {
        shorten(&mut group.witness, ISLAND_LINES);
        shorten(&mut group.faults, ISLAND_LINES);
        if let Some(explained) = &mut group.explained {
            shorten(&mut explained.schedule, ISLAND_LINES);
            explained.life.truncate(ISLAND_LINES);
            let rows = &mut explained.counterfactuals.rows;
            rows.truncate(ISLAND_ENTRIES / 5);
        }
    }
    let lists = [
        &mut cut.not_covered,
        &mut cut.notes,
        &mut cut.regressions,
        &mut cut.internal_errors,
        &mut cut.stale,
    ];
    for list in lists {
        shorten(list, ISLAND_ENTRIES / 5);
    }
    cut.configuration.truncate(ISLAND_ENTRIES);
    cut.points.truncate(ISLAND_ENTRIES * 2);
    if let Some(against) = &mut cut.baseline {
        against.rows.truncate(ISLAND_ENTRIES);
        shorten(&mut against.newly_failing, ISLAND_ENTRIES);
        shorten(&mut against.remarks, ISLAND_ENTRIES);
    }
    if let Some(coverage) = &mut cut.coverage {
        coverage.rows.truncate(ISLAND_ENTRIES);
    }
    if let Some(run) = &mut cut.shown {
        run.faults.truncate(ISLAND_ENTRIES);
        run.clocks.truncate(ISLAND_ENTRIES);
        for line in &mut run.clocks {
            line.points.truncate(ISLAND_ENTRIES);
        }
        // There may be a thousand, and their words stand in the page's list.
        for moment in run.story.iter_mut().flat_map(|story| &mut story.moments) {
            moment.what.clear();
        }
    }
    cut
}

/// Cuts a list and its lines, on character boundaries.
fn shorten(lines: &mut Vec<String>, most: usize) {
    lines.truncate(most);
    for line in lines {
        clip(line, ISLAND_LETTERS);
    }
}

fn clip(line: &mut String, letters: usize) {
    if let Some((end, _)) = line.char_indices().nth(letters) {
        line.truncate(end);
        line.push('…');
    }
}
