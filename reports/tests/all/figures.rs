//! The figures of the page, the JSON and JUnit files, the Markdown page and the console are read back out of each
//! and are the same.

use crate::support;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use stormglass_reports::model::SamplePhase;
use stormglass_reports::model::value::Value;
use stormglass_reports::text::Ink;
use stormglass_reports::{Summary, artefacts, text};

/// What is read of an objective: the worst seed's value, the margin, seeds failing, and delivered of owed.
type Slo = [String; 4];
/// Percentiles from p50 to the largest, and delivered of owed.
type Row = Vec<String>;

/// What one rendering says.
#[derive(Debug, Default, PartialEq)]
struct Read {
    checks: BTreeMap<String, String>,
    slos: BTreeMap<String, Slo>,
    latencies: BTreeMap<String, Row>,
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text
        .find(from)
        .unwrap_or_else(|| panic!("{from} in {text}"))
        + from.len();
    let rest = &text[start..];
    &rest[..rest.find(to).unwrap_or_else(|| panic!("{to} in {rest}"))]
}

fn unescaped(text: &str) -> String {
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("≤", "<="),
        ("≥", ">="),
    ];
    let plain = pairs
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    plain
        .replace("&amp;", "&")
        .replace('\\', "")
        .trim()
        .to_owned()
}

/// `3 of 64` and the like, without what stands around it.
fn failing(text: &str) -> String {
    text.split(" of ")
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn json(file: &str) -> Read {
    let file: Json = serde_json::from_str(file).expect("it is JSON");
    let value = |json: &Json| -> String {
        serde_json::from_value::<Value>(json.clone())
            .map_or("–".to_owned(), |value| value.to_string())
    };
    let phase = |json: &Json| -> String {
        serde_json::from_value::<SamplePhase>(json.clone())
            .expect("a phase")
            .to_string()
    };
    let count = |json: &Json| Value::Count(json.as_u64().expect("a count")).to_string();
    let word = |json: &Json| json.as_str().expect("a text").to_owned();
    let pair = |row: &Json| format!("{} / {}", count(&row["delivered"]), count(&row["owed"]));
    let rows = |key: &str| file[key].as_array().expect("a list").clone();
    // The margin is a number of its own in the file, shown by the summary that reads it.
    let summary: Summary = serde_json::from_value(file.clone()).expect("it is a summary");
    let slos = rows("slos")
        .into_iter()
        .zip(&summary.slos)
        .map(|(row, read)| {
            let name = format!("{} ({})", word(&row["expression"]), phase(&row["phase"]));
            let worst = value(&row["worst"]["value"]);
            (
                name,
                [
                    worst,
                    read.margin(),
                    count(&row["answers"]["fail"]),
                    pair(&row),
                ],
            )
        });
    let latencies = rows("latencies").into_iter().map(|row| {
        let cells = ["p50", "p90", "p99", "p99_9", "p99_99", "max"].map(|key| value(&row[key]));
        let name = format!("{} {}", word(&row["series"]), phase(&row["phase"]));
        (name, [cells.to_vec(), vec![pair(&row)]].concat())
    });
    let checks = rows("checks").into_iter();
    Read {
        checks: checks
            .map(|row| (word(&row["name"]), word(&row["observed"])))
            .collect(),
        slos: slos.collect(),
        latencies: latencies.collect(),
    }
}

/// The cells of each row of a table, without tags; what stands in a small print is its own, after a `|`.
fn html_rows(table: &str) -> Vec<Vec<String>> {
    let rows = table.split("<tr").skip(1);
    let strip = |cell: &str| -> String {
        let cell = cell.replace("<div", "|<div");
        let parts = cell.split('<').enumerate();
        parts
            .map(|(at, part)| {
                if at == 0 {
                    part
                } else {
                    part.split_once('>').map_or("", |split| split.1)
                }
            })
            .collect()
    };
    let cells = |row: &str| -> Vec<String> {
        let inner = row.split_once('>').map_or("", |split| split.1);
        let inner = inner.replace("</th>", "</td>");
        let mut cells: Vec<String> = inner
            .split("</td>")
            .map(|cell| unescaped(&strip(cell)))
            .collect();
        cells.pop();
        cells
    };
    rows.map(cells).collect()
}

fn html(page: &str) -> Read {
    let mut read = Read::default();
    for cells in html_rows(between(page, "<table id=\"gate-table\">", "</table>"))
        .into_iter()
        .skip(1)
    {
        let (name, small) = cells[1]
            .split_once('|')
            .expect("a property has a small print");
        if cells[3] == "0 violations" {
            read.checks.insert(name.to_owned(), cells[4].clone());
        } else {
            let name = format!("{name} ({})", cells[2]);
            let worst = between(&cells[4], "worst ", " seed").to_owned();
            let delivered = small.trim_start_matches("delivered ").to_owned();
            read.slos.insert(
                name,
                [worst, cells[5].clone(), failing(&cells[6]), delivered],
            );
        }
    }
    for cells in html_rows(between(page, "<table id=\"numbers-table\">", "</table>"))
        .into_iter()
        .skip(1)
    {
        let name = format!("{} {}", cells[0], cells[1]);
        read.latencies.insert(name, cells[2..].to_vec());
    }
    read
}

fn markdown(page: &str) -> Read {
    let mut read = Read::default();
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<String> = line.trim_matches('|').split(" | ").map(unescaped).collect();
        match &cells[..] {
            [mark, name, _, observed, margin, fails] if mark.contains(' ') && mark != "–" => {
                if margin == "–" && !observed.contains("worst seed ") {
                    read.checks.insert(name.clone(), observed.clone());
                } else {
                    let worst = between(observed, "worst seed ", ";").to_owned();
                    let delivered = observed
                        .split("delivered ")
                        .nth(1)
                        .expect("it is told")
                        .to_owned();
                    read.slos.insert(
                        name.clone(),
                        [worst, margin.clone(), fails.clone(), delivered],
                    );
                }
            }
            [series, phase, cells @ ..] if cells.len() == 7 && series != "series" => {
                read.latencies
                    .insert(format!("{series} {phase}"), cells.to_vec());
            }
            _ => {}
        }
    }
    read
}

fn junit(file: &str) -> Read {
    let mut read = Read::default();
    for case in file.split("<testcase ").skip(1) {
        let name = unescaped(between(case, "name=\"", "\""));
        if !case.contains("observed: ") {
            continue; // Coverage and baseline are cases without a figure of their own here.
        }
        if let Some(name) = name.strip_prefix("slo ") {
            let said = unescaped(between(case, "observed: ", "</system-out>"));
            let worst = between(&said, "worst seed ", " (").to_owned();
            let margin = between(between(&said, "worst seed ", " of "), "(", ")").to_owned();
            let fails = failing(
                between(&said, "), ", " seeds failing")
                    .rsplit(", ")
                    .next()
                    .unwrap_or(""),
            );
            let delivered = said.split("delivered ").nth(1).expect("it is told");
            let numbers = delivered
                .split('/')
                .map(|number| number.trim().parse::<u64>().expect("a count"));
            let counts: Vec<String> = numbers
                .map(|count| Value::Count(count).to_string())
                .collect();
            read.slos
                .insert(name.to_owned(), [worst, margin, fails, counts.join(" / ")]);
        } else {
            let said = between(case, "observed: ", "\nevents judged");
            read.checks.insert(name, unescaped(said));
        }
    }
    read
}

fn console(page: &str) -> Read {
    let mut read = Read::default();
    let mut columns = 0;
    for line in page.lines() {
        if let Some((name, rest)) = line.split_once(": ").filter(|_| line.contains("  slo ")) {
            let name = name
                .split("  slo ")
                .nth(1)
                .expect("it was found")
                .to_owned();
            let worst = between(rest, "worst seed ", " against ").to_owned();
            let margin = between(between(rest, " against ", "   "), "(", ")").to_owned();
            let fails = failing(between(rest, ")   ", " seeds fail"));
            let delivered = rest
                .split("delivered ")
                .nth(1)
                .expect("it is told")
                .to_owned();
            read.slos.insert(name, [worst, margin, fails, delivered]);
        } else if let Some(rest) = ["ok    ", "UNKN  "]
            .iter()
            .find_map(|word| line.strip_prefix(word))
        {
            if let Some((name, observed)) = rest.split_once("   ") {
                read.checks.insert(name.to_owned(), observed.to_owned());
            }
        } else if line.starts_with("latency (") {
            columns = line[..line.find(" p50").expect("a heading")]
                .chars()
                .count()
                + 4
                - 10;
        } else if columns > 0 && line.starts_with("end-to-end") {
            let letters: Vec<char> = line.chars().collect();
            let cell = |at: usize| {
                let cell: String = letters[columns + 10 * at..columns + 10 * (at + 1)]
                    .iter()
                    .collect();
                cell.trim().to_owned()
            };
            let name: String = letters[..columns].iter().collect();
            let delivered: String = letters[columns + 60..].iter().collect();
            let cells: Vec<String> = (0..6).map(cell).collect();
            let row = [cells, vec![delivered.trim().to_owned()]].concat();
            read.latencies.insert(name.trim().to_owned(), row);
        }
    }
    read
}

#[test]
fn five_renderings_read_back_to_the_same_figures() {
    let report = support::report();
    let files: BTreeMap<&str, String> = artefacts(&report).into_iter().collect();
    let wanted = json(&files["summary.json"]);
    assert!(wanted.checks.len() > 3 && wanted.slos.len() > 2 && wanted.latencies.len() > 3);
    let mut page = html(&files["report.html"]);
    let recovery = page
        .latencies
        .remove("recovery all")
        .expect("it is a row of the page");
    let summary: Summary = serde_json::from_str(&files["summary.json"]).expect("it is a summary");
    let held = summary.recovery.expect("there were faults");
    let held = held
        .columns()
        .map(|(_, value)| value.map(|value| value.to_string()));
    assert_eq!(
        recovery[..6].to_vec(),
        held.into_iter().flatten().collect::<Vec<_>>()
    );
    assert_eq!(page, wanted, "the page");
    assert_eq!(markdown(&files["summary.md"]), wanted, "Markdown");
    let found = junit(&files["junit.xml"]);
    assert_eq!(
        (&found.checks, &found.slos),
        (&wanted.checks, &wanted.slos),
        "JUnit"
    );
    let found = console(&text::render(&Summary::of(&report), Ink::Plain));
    assert_eq!(found.slos, wanted.slos, "the console");
    // The console has the headline's percentiles, and tells of broken checks by their signatures.
    let headline = wanted
        .latencies
        .iter()
        .filter(|(name, _)| name.starts_with("end-to-end "));
    assert!(headline.clone().count() > 1);
    for (name, row) in headline {
        assert_eq!(found.latencies.get(name), Some(row), "{name}");
    }
    assert!(found.checks.len() > 1);
    for (name, observed) in &found.checks {
        assert_eq!(wanted.checks.get(name), Some(observed), "{name}");
    }
}
