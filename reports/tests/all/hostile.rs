//! Names that would break out of a page, a terminal, a table or a workflow command do no harm in any rendering.

use crate::support;
use serde_json::Value as Json;
use stormglass_reports::model::against::{Against, AgainstRow, Moved};
use stormglass_reports::model::known::{KnownFailure, Standing};
use stormglass_reports::text::Ink;
use stormglass_reports::{Report, Summary, artefacts, findings, github, text};

const NASTY: &str =
    "<script>alert('x')</script>\"]]>`|\u{1b}[2J\u{7}\u{0}\n::error::owned\r``` &lt; @all \u{202e}";

/// A report whose every name is nasty.
fn report() -> Report {
    let mut report = support::report();
    let identity = &mut report.identity;
    for text in [
        &mut identity.scenario,
        &mut identity.variant,
        &mut identity.question,
        &mut identity.profile,
        &mut identity.command,
        &mut identity.replay,
        &mut identity.file,
    ] {
        text.push_str(NASTY);
    }
    for check in &mut report.checks {
        check.promise.push_str(NASTY);
        check.reasons.insert(NASTY.to_owned(), 1);
    }
    for slo in &mut report.slos {
        slo.expression.push_str(NASTY);
    }
    for group in &mut report.failures {
        group.explained = None;
        for text in [
            &mut group.signature,
            &mut group.sentence,
            &mut group.anomaly,
        ] {
            text.push_str(NASTY);
        }
        group.witness.push(NASTY.to_owned());
        group.faults.push(NASTY.to_owned());
        group.standing = Standing::Known {
            reason: NASTY.to_owned(),
            until_version: NASTY.to_owned(),
        };
    }
    if let Some(group) = report.failures.last_mut() {
        group.standing = Standing::New;
    }
    for line in ["figure", NASTY] {
        report.notes.insert(format!("{line} {NASTY}"));
        report.internal_errors.insert(format!("{line} {NASTY}"));
    }
    let run = report.shown.as_mut().expect("a run is shown");
    for line in &mut run.gauges {
        line.of.push_str(NASTY);
    }
    let story = run.story.as_mut().expect("it has a story");
    story.sentence.push_str(NASTY);
    for text in story.nodes.iter_mut().chain(&mut story.events) {
        text.push_str(NASTY);
    }
    for moment in &mut story.moments {
        moment.what.push_str(NASTY);
    }
    report.hold_against(Some(Against {
        seeds: 8,
        margin_ppm: 10_000,
        rows: vec![AgainstRow {
            figure: NASTY.to_owned(),
            gates: true,
            before: None,
            after: None,
            before_never: 0,
            after_never: 8,
            pairs: 0,
            change: None,
            moved: Moved::NeverEnds,
            stage: None,
        }],
        newly_failing: vec![NASTY.to_owned()],
        remarks: vec![NASTY.to_owned()],
    }));
    let entry = KnownFailure {
        signature: NASTY.to_owned(),
        reason: NASTY.to_owned(),
        until_version: "1".to_owned(),
        place: NASTY.to_owned(),
        is_seen: false,
    };
    report.stale.insert(entry.complaint());
    report
}

fn file<'a>(files: &'a [(&'static str, String)], name: &str) -> &'a str {
    let found = files.iter().find(|file| file.0 == name);
    &found.expect("it is an artefact").1
}

#[test]
fn no_rendering_has_control_characters_or_a_foreign_script() {
    let report = report();
    let files = artefacts(&report);
    for (name, contents) in &files {
        let wild = |letter: &char| letter.is_control() && !"\n\t".contains(*letter);
        assert_eq!(contents.chars().find(wild), None, "{name}");
        // Between fences text is text.
        let contents = match *name {
            "summary.md" => contents.split("\n```\n").step_by(2).collect(),
            _ => contents.clone(),
        };
        let is_markup = ["report.html", "junit.xml", "summary.md"].contains(name);
        assert!(!is_markup || !contents.contains("<script>alert"), "{name}");
    }
    let console = text::render(&Summary::of(&report), Ink::Plain);
    assert!(
        !console.contains(['\u{1b}', '\u{7}', '\u{0}', '\r']),
        "{console}"
    );
    assert!(
        console
            .lines()
            .all(|line| !line.trim_start().starts_with("::")),
        "{console}"
    );
}

#[test]
fn an_xml_reader_takes_every_name() {
    let files = artefacts(&report());
    let junit = file(&files, "junit.xml");
    // Inside of tags and texts: each `<` begins a tag, each `&` a reference, quotes come in pairs.
    for part in junit.split('<').skip(1) {
        let (tag, rest) = part.split_once('>').expect("a tag ends");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        assert!(
            tag.starts_with(|letter: char| letter.is_ascii_alphabetic() || "?/!".contains(letter)),
            "{tag}"
        );
        for reference in rest.split('&').skip(1) {
            let (name, _) = reference.split_once(';').expect("a reference ends");
            let known =
                ["lt", "gt", "amp", "quot", "apos"].contains(&name) || name.starts_with('#');
            assert!(known, "{name}");
        }
    }
}

#[test]
fn annotations_stay_on_their_line_and_within_ten() {
    let summary = Summary::of(&report());
    let all = github::annotations(&summary);
    assert!(!all.is_empty());
    for line in &all {
        assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line}");
        assert!(
            line.starts_with("::error file=") || line.starts_with("::warning file="),
            "{line}"
        );
    }
    let many = vec![all; 20].concat();
    assert_eq!(github::shown(&many).len(), github::MOST);
}

/// Keys that SARIF 2.1.0 knows of what is written here; its objects take no others.
fn known_keys(of: &str) -> &'static [&'static str] {
    match of {
        "sarif" => &["$schema", "version", "runs"],
        "run" => &[
            "tool",
            "automationDetails",
            "columnKind",
            "results",
            "properties",
        ],
        "driver" => &["name", "version", "rules"],
        "rule" => &["id", "shortDescription"],
        "result" => &[
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "partialFingerprints",
            "occurrenceCount",
            "suppressions",
        ],
        other => panic!("{other} is not written"),
    }
}

fn hold(what: &str, object: &Json) {
    let keys: Vec<&String> = object.as_object().expect("an object").keys().collect();
    let strange = keys
        .iter()
        .find(|key| !known_keys(what).contains(&key.as_str()));
    assert_eq!(strange, None, "{what}");
}

#[test]
fn sarif_has_the_structure_of_its_schema() {
    let report = report();
    let files = artefacts(&report);
    let sarif: Json = serde_json::from_str(file(&files, "results.sarif")).expect("it is JSON");
    hold("sarif", &sarif);
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    hold("run", run);
    hold("driver", &run["tool"]["driver"]);
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for rule in rules {
        hold("rule", rule);
        assert!(
            !rule["shortDescription"]["text"]
                .as_str()
                .expect("a text")
                .is_empty()
        );
    }
    let results = run["results"].as_array().expect("results");
    let found = findings::of(&Summary::of(&report));
    assert_eq!(results.len(), found.len(), "one result a finding");
    for result in results {
        hold("result", result);
        let rule = result["ruleIndex"].as_u64().expect("a number") as usize;
        assert_eq!(result["ruleId"], rules[rule]["id"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        assert!(
            result["message"]["text"].is_string() && result["occurrenceCount"].as_u64() > Some(0)
        );
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64() > Some(0));
        let uri = place["artifactLocation"]["uri"]
            .as_str()
            .expect("a reference");
        assert!(
            uri.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte)),
            "{uri}"
        );
        let print = result["partialFingerprints"]["stormglassSignature/v1"]
            .as_str()
            .expect("a text");
        assert_eq!(print.len(), 16, "{print}");
    }
    let suppressed = results
        .iter()
        .filter(|result| result.get("suppressions").is_some());
    assert_eq!(
        suppressed.count() + 1,
        report.failures.len(),
        "those that are known"
    );
}

#[test]
fn findings_point_at_their_line_and_keep_their_fingerprint_from_run_to_run() {
    let mut report = support::report();
    let summary = Summary::of(&report);
    let before = findings::of(&summary);
    let lost = before.iter().find(|finding| finding.rule == "no-loss");
    assert!(lost.is_none_or(|finding| finding.line == 40));
    assert!(before.iter().any(|finding| finding.line == 2), "{before:?}");
    for group in &mut report.failures {
        group.first_seed += 1;
        group.runs += 1;
        group.sentence.push_str(" At 12.3 s.");
    }
    let again = Summary::of(&report);
    let prints = |summary: &Summary| -> Vec<String> {
        let all = findings::of(summary);
        all.iter()
            .map(|finding| finding.fingerprint(summary))
            .collect()
    };
    assert_eq!(prints(&summary), prints(&again));
}

#[test]
fn what_a_scenario_states_of_itself_is_only_told() {
    let mut report = support::report();
    report.identity.expected_exit = report.exit_class().code();
    let summary = Summary::of(&report);
    assert_eq!(github::annotations(&summary), [""; 0]);
    let found = findings::of(&summary);
    assert!(
        found
            .iter()
            .all(|finding| finding.level == findings::Level::Note)
    );
}

#[test]
fn code_quality_has_the_fields_that_gitlab_reads() {
    let files = artefacts(&report());
    let entries: Json = serde_json::from_str(file(&files, "codequality.json")).expect("it is JSON");
    for entry in entries.as_array().expect("a list") {
        for key in ["description", "check_name", "fingerprint"] {
            assert!(!entry[key].as_str().expect("a text").is_empty(), "{key}");
        }
        let severity = entry["severity"].as_str().expect("a text");
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity));
        assert!(entry["location"]["path"].is_string());
        assert!(entry["location"]["lines"]["begin"].as_u64() > Some(0));
    }
}
