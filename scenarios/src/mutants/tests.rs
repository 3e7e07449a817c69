use super::*;
use crate::catalog::Catalog;
use crate::load::load_text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            found.push(path);
        }
    }
}

#[test]
fn every_file_with_a_case_known_to_fail_is_shipped_and_loads_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    files(root, &mut paths);
    let known = paths.iter().filter(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        !path.starts_with(root.join("src")) && text.lines().any(|line| line.starts_with("exit = 1"))
    });
    let known: BTreeSet<String> = known
        .map(|path| {
            let path = path.strip_prefix(root).unwrap();
            format!("scenarios/{}", path.display())
        })
        .collect();
    let shipped: BTreeSet<String> = SHIPPED.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(shipped, known);
    let names = Catalog::new().names();
    for (path, text) in SHIPPED {
        let loaded = load_text(path, (*text).to_owned(), &names);
        let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
        assert!(loaded.cases.iter().any(|case| case.exit == 1), "{path}");
        // Traces and hardware of files do not travel with the binary.
        assert!(
            loaded.cases.iter().all(|case| case.hardware.is_some()),
            "{path}"
        );
        assert!(!text.contains("trace"), "{path}");
    }
}

/// The flaws that a type has, from the message about one that it has not.
fn known<F: serde::de::DeserializeOwned>() -> Vec<String> {
    let error = serde_json::from_str::<F>("\"none\"")
        .err()
        .unwrap()
        .to_string();
    let list = error
        .split("expected one of ")
        .nth(1)
        .or(error.split("expected ").nth(1));
    let words = list.unwrap().split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

#[test]
fn the_lists_of_flaws_are_those_of_the_types_and_every_flaw_is_shipped() {
    let mut all: BTreeSet<(&str, String)> = BTreeSet::new();
    let mut hold = |kind, listed: Vec<String>, known: Vec<String>| {
        assert_eq!(listed, known);
        all.extend(known.into_iter().map(|flaw| (kind, flaw)));
    };
    hold("log", words(&LOG, |_| true), known::<LogFlaw>());
    hold("queue", words(&QUEUE, |_| true), known::<QueueFlaw>());
    hold("fanout", words(&QUEUE, |_| true), known::<QueueFlaw>());
    hold(
        "processor",
        words(&PROCESSOR, |_| true),
        known::<ProcessorFlaw>(),
    );
    hold("sink", words(&SINK, |_| true), known::<SinkFlaw>());
    hold("lease", words(&LEASE, |_| true), known::<LeaseFlaw>());
    let names = Catalog::new().names();
    for (path, text) in SHIPPED {
        for case in load_text(path, (*text).to_owned(), &names).unwrap().cases {
            let mut turned_on = |kind, flaws: Vec<String>| {
                for flaw in flaws {
                    all.remove(&(kind, flaw));
                }
            };
            for broker in case.scenario.brokers.values() {
                match broker {
                    BrokerSpec::Log(log) => turned_on("log", words(&log.flaws, |_| true)),
                    BrokerSpec::Queue(queue) => turned_on("queue", words(&queue.flaws, |_| true)),
                    BrokerSpec::Fanout(fanout) => {
                        turned_on("fanout", words(&fanout.flaws, |_| true))
                    }
                }
            }
            for processor in case.scenario.processors.values() {
                turned_on("processor", words(&processor.flaws, |_| true));
            }
            for sink in case.scenario.sinks.values() {
                turned_on("sink", words(&sink.flaws, |_| true));
            }
            for lease in case.scenario.leases.values() {
                turned_on("lease", words(&lease.flaws, |_| true));
            }
        }
    }
    assert!(all.is_empty(), "no shipped case turns on {all:?}");
}

#[test]
fn flaws_are_planted_where_the_part_does_what_they_break_and_the_file_still_loads() {
    let text = include_str!("../../../ci/src/command/init.toml");
    let names = Catalog::new().names();
    let loaded = load_text("a.toml", text.to_owned(), &names).unwrap();
    let base = loaded.base();
    let length = Span(base.phases.ends().0);
    let flaws = flaws_of(&base.scenario, length, &|operator| {
        Catalog::new().is_stateful(operator)
    });
    let of = |part: &str| -> Vec<&str> {
        let flaws = flaws.iter().filter(|flaw| flaw.part == part);
        flaws.map(|flaw| flaw.flaw.as_str()).collect()
    };
    // Records are kept for longer than the run lasts: nobody could see that they go too early.
    let log = [
        "ack-before-replicate",
        "forget-vote",
        "skip-truncation",
        "read-uncommitted",
        "forget-sequence",
        "skip-after-commit",
        "lie-in-facts",
    ];
    assert_eq!(of("broker.main"), log);
    let processor = [
        "settle-before-write",
        "state-without-position",
        "skip-events",
    ];
    assert_eq!(of("processor.totals"), processor);
    assert_eq!(
        of("sink.warehouse"),
        ["ack-before-sync", "ignore-version", "lie-in-facts"]
    );
    let (all, variants) = planted(text, &flaws);
    let loaded = load_text("a.toml", all, &names).unwrap();
    for (flaw, variant) in flaws.iter().zip(&variants) {
        let mut cases = loaded.cases.iter();
        let case = cases.find(|case| case.variant.as_ref() == Some(variant));
        let planted = format!("{:?}", case.unwrap().scenario);
        assert!(
            planted != format!("{:?}", base.scenario),
            "{flaw:?} changes nothing"
        );
    }
}
