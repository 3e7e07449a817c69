//! What is tried, and what is never offered.

use super::changes::{Change, Sort, changes};
use super::{Counterfactuals, Follow, LEAST, Meaning, Rate, Row};
use crate::catalog::Catalog;
use crate::load::{Case, load, load_text};
use crate::spec::print;
use std::path::Path;
use stormglass_core::units::parse_span;

const TEXT: &str = "# q\nname = \"a\"\n[run]\nchaos = \"20s\"\n\
    [source.a]\narrival = { poisson = \"100/s\" }\nto = \"broker.main/t\"\n\
    [broker.main]\nkind = \"log\"\ntopics.t = { partitions = 1 }\nmin_insync_replicas = 1\n\
    producer = { acks = \"1\", enable_idempotence = false }\nflaws = [\"forget-vote\", \"skip-truncation\"]\n\
    [processor.p]\noperator = \"map\"\nfrom = \"broker.main/t\"\nto = \"sink.s\"\n\
    [sink.s]\nkind = \"append\"\n\
    [[faults.planned]]\nname = \"cut\"\nkind = \"partition\"\nat = \"1s\"\nlasts = \"2s\"\n\
    target = \"leader of broker.main\"\n";

#[test]
fn every_fault_is_left_out_and_every_weak_setting_made_stronger() {
    let file = load_text("a.toml", TEXT.to_owned(), &Catalog::new().names()).unwrap();
    let found = changes(&print::table(&file.base().written));
    let labels = |sort: Sort| -> Vec<&str> {
        let of_sort = found.iter().filter(|change| change.sort == sort);
        of_sort.map(|change| change.label.as_str()).collect()
    };
    assert_eq!(
        labels(Sort::Fault),
        ["without 'cut' (partition on leader of broker.main)"]
    );
    let settings = labels(Sort::Setting);
    for wanted in [
        "broker.main.producer.acks = \"all\"",
        "broker.main.flaws without \"skip-truncation\"",
        "broker.main.min_insync_replicas = 2, broker.main.producer.acks = \"all\"",
        "broker.main.flush_interval_batches = 1",
        "processor.p.delivery = \"exactly-once\", sink.s.kind = \"transactional\"",
        "sink.s.kind = \"upsert\"",
    ] {
        assert!(
            settings.contains(&wanted),
            "{wanted} is not among {settings:#?}"
        );
    }
    let waits = labels(Sort::Timing);
    assert!(
        waits.iter().any(|label| label.contains("session_timeout")),
        "{waits:?}"
    );
}

#[test]
fn a_setting_that_is_strong_already_is_not_tried() {
    let strong = TEXT
        .replace("acks = \"1\", enable_idempotence = false", "acks = \"all\"")
        .replace("min_insync_replicas = 1", "min_insync_replicas = 3");
    let file = load_text("a.toml", strong, &Catalog::new().names()).unwrap();
    let found = changes(&print::table(&file.base().written));
    let tried = found.iter().flat_map(|change| &change.set);
    for (path, value) in tried {
        let last = path.last().unwrap();
        assert!(
            last != "acks" && last != "enable_idempotence",
            "{path:?} = {value}"
        );
        assert!(last != "min_insync_replicas", "{path:?} = {value}");
    }
}

fn row(sort: Sort, fails: u64) -> Row {
    Row {
        sort,
        label: String::new(),
        rate: Rate { fails, of: 50 },
        change: Change {
            sort,
            label: String::new(),
            without: None,
            set: Vec::new(),
        },
    }
}

#[test]
fn only_a_setting_may_mend_and_only_what_fails_often_tells_anything() {
    let table = |fails: u64| Counterfactuals {
        base: Rate { fails, of: 50 },
        rows: Vec::new(),
    };
    let often = table(40);
    for (sort, fails, meaning) in [
        (Sort::Fault, 0, Meaning::Needed),
        (Sort::Fault, 20, Meaning::NotNeeded),
        (Sort::Fault, 19, Meaning::Rarer),
        (Sort::Setting, 0, Meaning::MayMend),
        (Sort::Setting, 1, Meaning::Rarer),
        (Sort::Setting, 40, Meaning::NoHelp),
        (Sort::Timing, 0, Meaning::Moves),
        (Sort::Timing, 50, Meaning::NoHelp),
    ] {
        assert_eq!(
            often.meaning(&row(sort, fails)),
            meaning,
            "{sort:?} {fails}"
        );
        let rare = table(LEAST - 1);
        assert_eq!(rare.meaning(&row(sort, fails)), Meaning::Unclear);
    }
}

#[test]
fn what_is_followed_is_an_event_or_a_key() {
    let event: Follow = "2:17".parse().unwrap();
    assert!(matches!(event, Follow::Event(id) if (id.source, id.number) == (2, 17)));
    let key: Follow = "key=7".parse().unwrap();
    assert!(matches!(key, Follow::Key { key: 7, most: 20 }));
    for wrong in ["17", "a:b", "0:", "key=", "key=x", "-1:3"] {
        let mistake = wrong.parse::<Follow>().unwrap_err();
        assert!(mistake.contains("such as 0:17"), "{mistake}");
    }
}

/// Every case under `scenarios/` that is known to fail, by file.
fn failing_cases() -> Vec<(String, Case)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cases = Vec::new();
    for folder in ["clocks", "delivery", "flaws", "pairs"] {
        let mut files: Vec<_> = std::fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for path in files {
            let file = load(&path, &Catalog::new().names()).unwrap();
            let failing = file.cases.into_iter().filter(|case| case.exit == 1);
            cases.extend(failing.map(|case| (path.display().to_string(), case)));
        }
    }
    cases
}

#[test]
fn every_planted_flaw_is_taken_out_and_nothing_is_offered_that_changes_nothing() {
    let mut flaws = 0;
    for (file, case) in failing_cases() {
        let tree = print::table(&case.written);
        let found = changes(&tree);
        for change in &found {
            let mut changed = tree.clone();
            change.apply(&mut changed);
            assert_ne!(changed, tree, "{file}: {} is a no-op", change.label);
        }
        let planted = case.variant.filter(|_| file.contains("/flaws/"));
        if let Some(variant) = planted {
            let mends = |change: &Change| {
                change.sort == Sort::Setting && change.label.contains("flaws without")
            };
            assert!(
                found.iter().any(mends),
                "{file}: {variant} cannot be taken out"
            );
            flaws += 1;
        }
    }
    assert!(flaws >= 25, "{flaws} flaws");
}

#[test]
fn a_wait_that_makes_every_run_pass_is_shown_and_never_called_a_mend() {
    // Whatever is a length of time, in any failing scenario, is of the sort that is only shown.
    for (file, case) in failing_cases() {
        for change in changes(&print::table(&case.written)) {
            let waits = change.set.iter().any(|(_, value)| {
                let text = value.as_str();
                text.is_some_and(|text| parse_span(text).is_ok())
            });
            assert_eq!(
                waits,
                change.sort == Sort::Timing,
                "{file}: {}",
                change.label
            );
        }
    }
}
