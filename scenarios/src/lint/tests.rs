use super::{Finding, Level, Rule, lint};
use crate::load::{ScenarioFile, load, load_text};
use crate::spec::{BrokerSpec, Names, Scenario};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A log and a queue that no rule finds anything in.
const SOUND: &str = r#"# Is nothing found in a design that does what it can?
name = "sound"

[run]
warmup = "1s"
chaos = "10s"

[source.orders]
arrival = { constant = "10/s" }
keys = { count = 100 }
disorder = { up_to = "2s" }
to = "broker.log/orders"

[source.jobs]
arrival = { constant = "10/s" }
to = "broker.jobs/jobs"
retry = { policy = { fixed = "100ms" }, budget = { share = 0.1, burst = 10 } }

[broker.log]
kind = "log"
topics.orders = { partitions = 4 }
flush_interval_batches = 1
producer.request_timeout = "40s"
producer.delivery_timeout = "120s"

[broker.jobs]
kind = "queue"
topics.jobs = { visibility_timeout = "60s" }

[processor.totals]
operator = "count-by-key"
from = "broker.log/orders"
to = "sink.totals"
window = { assign = { tumbling = "1s" }, disorder = "2s", idle = "5s" }

[processor.work]
operator = "map"
from = "broker.jobs/jobs"
to = "sink.done"
lease = "lease.writer"

[sink.totals]
kind = "upsert"

[sink.done]
kind = "upsert"
refuses_lower_tokens = true

[lease.writer]
clock = "wall"
duration = "30s"

[faults]
swarm = ["crash", "power-loss", "clock-step"]
"#;

fn read(text: String) -> ScenarioFile {
    load_text("a.toml", text, &Names::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn found(text: String) -> Vec<Finding> {
    let file = read(text);
    lint(&file, file.base())
}

#[test]
fn nothing_is_found_in_a_sound_design() {
    assert_eq!(found(SOUND.to_owned()), []);
}

#[test]
fn each_rule_finds_its_mistake_and_nothing_else() {
    let log = "kind = \"log\"\n";
    let cases = [
        (
            Rule::Acks,
            log,
            "kind = \"log\"\nproducer.acks = \"1\"\nproducer.enable_idempotence = false\n",
        ),
        (
            Rule::Idempotence,
            log,
            "kind = \"log\"\nproducer.enable_idempotence = false\n",
        ),
        (
            Rule::RequestTimeout,
            "producer.request_timeout = \"40s\"",
            "producer.request_timeout = \"30s\"\nproducer.enable_idempotence = false",
        ),
        (
            Rule::MinInsync,
            log,
            "kind = \"log\"\nmin_insync_replicas = 1\n",
        ),
        (
            Rule::UncleanElection,
            log,
            "kind = \"log\"\nunclean_leader_election_enable = true\n",
        ),
        (
            Rule::Truncation,
            log,
            "kind = \"log\"\nfollower_truncation = \"high-watermark\"\n",
        ),
        (
            Rule::RestartedReplica,
            log,
            "kind = \"log\"\nrestarted_replica = \"stays\"\n",
        ),
        (
            Rule::FirstSequence,
            log,
            "kind = \"log\"\nfirst_sequence = \"any\"\n",
        ),
        (
            Rule::SpareReplica,
            log,
            "kind = \"log\"\nmin_insync_replicas = 3\n",
        ),
        (
            Rule::Sync,
            "flush_interval_batches = 1",
            "flush_interval_batches = 0",
        ),
        (
            Rule::Retention,
            log,
            "kind = \"log\"\nlog_retention = \"5s\"\nlog_retention_check_interval = \"1s\"\n",
        ),
        (
            Rule::OffsetReset,
            log,
            "kind = \"log\"\nconsumer.auto_offset_reset = \"latest\"\n",
        ),
        (
            Rule::TruncationDetection,
            log,
            "kind = \"log\"\nconsumer.truncation_detection = \"none\"\n",
        ),
        (
            Rule::Expansion,
            "{ partitions = 4 }",
            "{ partitions = 4, expands_to = 6 }",
        ),
        (
            Rule::Visibility,
            "visibility_timeout = \"60s\"",
            "visibility_timeout = \"1s\"",
        ),
        (
            Rule::SettleFirst,
            "operator = \"count-by-key\"",
            "operator = \"count-by-key\"\ndelivery = \"at-most-once\"",
        ),
        (
            Rule::AppendAgain,
            "kind = \"upsert\"\nrefuses",
            "kind = \"append\"\nrefuses",
        ),
        (
            Rule::RetryBudget,
            ", budget = { share = 0.1, burst = 10 }",
            "",
        ),
        (Rule::LeaseFence, "refuses_lower_tokens = true\n", ""),
        (
            Rule::WatermarkClock,
            "disorder = \"2s\", idle = \"5s\"",
            "disorder = \"2s\", watermark = \"wall-clock\"",
        ),
        (
            Rule::Lateness,
            "disorder = \"2s\", idle",
            "disorder = \"1s\", idle",
        ),
        (Rule::Idle, ", idle = \"5s\"", ""),
    ];
    let mut seen = BTreeSet::new();
    for (rule, from, to) in cases {
        let text = SOUND.replacen(from, to, 1);
        assert_ne!(text, SOUND, "{rule:?}");
        let rules: BTreeSet<Rule> = found(text).iter().map(|finding| finding.rule).collect();
        // A producer that may send twice is why the time it waits matters.
        let beside = [Rule::Acks, Rule::RequestTimeout]
            .contains(&rule)
            .then_some(Rule::Idempotence);
        let expected: BTreeSet<Rule> = [rule].into_iter().chain(beside).collect();
        assert_eq!(rules, expected, "{rule:?}");
        seen.insert(rule);
    }
    assert_eq!(seen, Rule::ALL.into_iter().collect());
}

#[test]
fn what_is_asked_for_makes_a_note_a_warning() {
    let text = SOUND.replacen(
        "kind = \"upsert\"\nrefuses",
        "kind = \"append\"\nrefuses",
        1,
    );
    assert_eq!(found(text.clone())[0].level, Level::Note);
    let asked = format!("{text}\n[expect]\nslo = [\"duplicates = 0\"]\n");
    assert_eq!(found(asked)[0].level, Level::Warning);
}

#[test]
fn a_finding_points_at_its_setting() {
    let text = SOUND.replacen(
        "kind = \"log\"\n",
        "kind = \"log\"\nmin_insync_replicas = 1\n",
        1,
    );
    let findings = found(text);
    let shown = findings[0].at.to_string();
    assert!(
        shown.starts_with("a.toml:21:23: `min_insync_replicas` is 1"),
        "{shown}"
    );
}

/// The scenario files below a folder.
fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|end| end == "toml") {
            into.push(path);
        }
    }
}

fn has_flaws(scenario: &Scenario) -> bool {
    let brokers = scenario.brokers.values().any(|broker| match broker {
        BrokerSpec::Log(config) => !config.flaws.is_empty(),
        BrokerSpec::Queue(config) => !config.flaws.is_empty(),
        BrokerSpec::Fanout(config) => !config.flaws.is_empty(),
    });
    brokers
        || scenario
            .processors
            .values()
            .any(|part| !part.flaws.is_empty())
        || scenario.sinks.values().any(|part| !part.flaws.is_empty())
        || scenario.leases.values().any(|part| !part.flaws.is_empty())
}

/// The scenarios of the project are known to hold or to break: the rules say the same without a run.
#[test]
fn warnings_tell_designs_that_break_from_those_that_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["delivery", "latency", "domains", "clocks", "pairs", "flaws"] {
        files(&root.join(folder), &mut paths);
    }
    let (mut broken, mut held) = (0, 0);
    for path in paths {
        let file = load(&path, &Names::default()).unwrap_or_else(|error| panic!("{error}"));
        for case in &file.cases {
            // A planted flaw is no setting that anybody would choose.
            if has_flaws(&case.written) {
                continue;
            }
            let findings = lint(&file, case);
            let warnings = findings
                .iter()
                .filter(|finding| finding.level == Level::Warning);
            let rules: Vec<Rule> = warnings.map(|finding| finding.rule).collect();
            let what = format!("{} {:?}: {rules:?}", path.display(), case.variant);
            match case.exit {
                0 => {
                    held += 1;
                    assert!(rules.is_empty(), "{what}");
                }
                1 => {
                    broken += 1;
                    assert!(!rules.is_empty(), "{what}");
                }
                _ => {}
            }
        }
    }
    assert!(broken >= 10 && held >= 30, "{broken} and {held}");
}
