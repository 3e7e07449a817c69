//! Profiles as a scenario names them: from the binary, from a file beside it, and with figures changed.

use std::fs;
use std::path::{Path, PathBuf};
use stormglass_core::time::Span;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::error::ScenarioError;
use stormglass_scenarios::hardware::{BUILT_IN, DEFAULT, names};
use stormglass_scenarios::load::{ScenarioFile, load, load_text};
use stormglass_scenarios::spec::distribution::Distribution;

const SCENARIO: &str = r#"# Which hardware?
name = "hardware"

[run]
chaos = "10s"

[source.orders]
arrival = { constant = "10/s" }
to = "broker.main/orders"

[broker.main]
kind = "log"
topics.orders = { partitions = 1 }

[processor.totals]
operator = "count-by-key"
from = "broker.main/orders"
to = "sink.db"

[sink.db]
kind = "upsert"
"#;

/// A folder of its own for a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("profiles")).expect("the folder can be made");
    folder
}

/// Loads the scenario with this `[profile]` from `folder`.
fn load_in(folder: &Path, profile: &str) -> Result<ScenarioFile, ScenarioError> {
    let path = folder.join("scenario.toml");
    let text = format!("{SCENARIO}\n[profile]\n{profile}\n");
    fs::write(&path, text).expect("the scenario can be written");
    load(&path, &Catalog::new().names())
}

fn mistake(folder: &Path, profile: &str) -> ScenarioError {
    match load_in(folder, profile) {
        Ok(_) => panic!("{profile:?} loads"),
        Err(error) => error,
    }
}

fn same_zone() -> &'static str {
    BUILT_IN[0].1
}

#[test]
fn a_scenario_takes_each_profile_by_its_name_and_the_default_is_same_zone() {
    let of = |name: &str| {
        let text = format!("{SCENARIO}\n[profile]\nname = \"{name}\"\n");
        let loaded = load_text("a.toml", text, &Catalog::new().names()).expect("it loads");
        let case = loaded.base();
        Assembly::new(&loaded, case, &Catalog::new()).expect("it can be assembled");
        case.hardware.clone().expect("its figures are known")
    };
    for name in names() {
        assert_eq!(
            of(name) == of(DEFAULT),
            ["default", "same-zone"].contains(&name)
        );
    }
}

#[test]
fn a_scenario_takes_a_profile_and_a_measured_table_from_files_beside_it() {
    let folder = folder("beside");
    let sync = "sync_time = { lognormal = { median = \"150us\", p99 = \"290us\" } }";
    assert!(same_zone().contains(sync));
    let mine = same_zone().replace(sync, "sync_time = { empirical = \"disk.csv\" }");
    fs::write(folder.join("profiles/mine.toml"), mine).expect("it can be written");
    let table = "quantile,value\n0.5,1ms\n0.99,9ms\n";
    fs::write(folder.join("profiles/disk.csv"), table).expect("it can be written");
    fs::write(folder.join("link.csv"), "quantile,value\n0.5,300us\n").expect("it can be written");
    let profile = "name = \"profiles/mine.toml\"\nlink.latency = { empirical = \"link.csv\" }";
    let loaded = load_in(&folder, profile).expect("it loads");
    let case = loaded.base();
    let hardware = case.hardware.as_ref().expect("its files were read");
    let profile = hardware.profile("mine");
    assert_eq!(profile.link.latency.at(u64::MAX), Span::micros(300));
    assert_eq!(profile.disk.sync.at(0), Span::millis(1));
    assert_eq!(profile.disk.sync.at(u64::MAX), Span::millis(9));
    Assembly::new(&loaded, case, &Catalog::new()).expect("it can be assembled");
}

#[test]
fn a_text_without_a_place_has_no_files_and_says_so() {
    let text = format!("{SCENARIO}\n[profile]\nname = \"mine.toml\"\n");
    let loaded = load_text("a.toml", text, &Catalog::new().names()).expect("it loads");
    let Err(error) = Assembly::new(&loaded, loaded.base(), &Catalog::new()) else {
        panic!("nobody knows its figures");
    };
    assert!(error.message.contains("were not read"), "{error}");
}

#[test]
fn a_bad_profile_file_gives_one_error_at_its_line() {
    let folder = folder("bad");
    let line_of = |text: &str, part: &str| {
        let at = text.find(part).expect("the part stands in the text");
        text[..at].matches('\n').count() + 1
    };
    for (from, to, at, message) in [
        ("cores = 8", "cores = 0", "cores = 0", "outside 1 to 1024"),
        ("cores = 8", "core = 8", "core = 8", "unknown key `core`"),
        ("cores = 8", "", "[node]", "missing key `cores`"),
        ("\"10us\"", "\"10\"", "\"10\"", "unit"),
        ("\"10us\"", "10", "per_request = 10", "invalid type"),
        (
            "\"10us\"",
            "\"2min\"",
            "\"2min\"",
            "slower than any hardware",
        ),
        ("\"3125MB/s\"", "\"3125MB\"", "\"3125MB\"", "a bandwidth"),
        (
            "median = \"60us\"",
            "median = \"0s\"",
            "latency =",
            "median of 0s",
        ),
        (
            "median = \"60us\"",
            "median = \"1ms\"",
            "latency =",
            "below the median",
        ),
        (
            "median = \"60us\", ",
            "",
            "latency =",
            "missing key `median`",
        ),
        (
            "{ lognormal = { median = \"60us\"",
            "{ pareto = { median = \"60us\"",
            "latency =",
            "unknown value `pareto`",
        ),
        (
            "retransmit_max = \"120s\"",
            "retransmit_max = \"100ms\"",
            "retransmit = ",
            "none later than",
        ),
        ("[disk]", "[disc]", "[disc]", "unknown key `disc`"),
        (
            "{ lognormal = { median = \"60us\", p99 = \"250us\" } }",
            "{ empirical = \"no.csv\" }",
            "latency =",
            "cannot be read",
        ),
        ("[node]", "[node", "[node", "]"),
    ] {
        assert!(
            same_zone().contains(from),
            "{from:?} is no part of the profile"
        );
        let text = same_zone().replacen(from, to, 1);
        fs::write(folder.join("profiles/mine.toml"), &text).expect("it can be written");
        let error = mistake(&folder, "name = \"profiles/mine.toml\"");
        assert!(
            error.file.ends_with("mine.toml"),
            "{from:?} → {to:?}: {error}"
        );
        assert_eq!(error.line, line_of(&text, at), "{from:?} → {to:?}: {error}");
        assert!(
            error.message.contains(message),
            "{from:?} → {to:?}: {error}"
        );
        assert!(!error.hint.is_empty(), "{error}");
    }
}

#[test]
fn a_mistake_in_the_choice_of_hardware_is_pointed_at_in_the_scenario() {
    let folder = folder("choice");
    for (profile, message) in [
        ("stalls = { every = \"10s\" }", "has no stalls"),
        (
            "stalls = { every = \"0s\", lasts = { constant = \"1ms\" } }",
            "no stalls",
        ),
        ("name = \"lapdog\"", "unknown profile `lapdog`"),
        ("name = \"profiles/none.toml\"", "cannot be read"),
        ("name = \"profiles\"", "unknown profile `profiles`"),
        ("zones = { count = 3 }", "has no zones"),
        (
            "zones = { latency = { constant = \"1ms\" } }",
            "has no zones",
        ),
        (
            "name = \"three-zones\"\nzones = { count = 0 }",
            "outside 1 to 64",
        ),
        (
            "link = { latency = { constant = \"1ms\" }, latency_p99 = \"2ms\" }",
            "the same twice",
        ),
        (
            "disk = { sync_time = { constant = \"2min\" } }",
            "slower than any hardware",
        ),
        (
            "link = { latency = { constant = \"1ms\", normal = { mean = \"1ms\", deviation = \"0s\" } } }",
            "1 element",
        ),
        (
            "link = { latency = { empirical = \"none.csv\" } }",
            "cannot be read",
        ),
    ] {
        let error = mistake(&folder, profile);
        assert!(error.file.ends_with("scenario.toml"), "{profile}: {error}");
        assert!(error.line > 20, "{profile}: {error}");
        assert!(error.message.contains(message), "{profile}: {error}");
        assert!(!error.hint.is_empty(), "{error}");
    }
}

#[test]
fn each_form_of_a_distribution_can_be_written() {
    let folder = folder("forms");
    for (written, expected) in [
        (
            "{ constant = \"1ms\" }",
            Distribution::Constant(Span::millis(1)),
        ),
        (
            "{ lognormal = { median = \"1ms\", p99 = \"2ms\" } }",
            Distribution::Lognormal {
                median: Span::millis(1),
                p99: Span::millis(2),
            },
        ),
        (
            "{ normal = { mean = \"1ms\", deviation = \"100us\" } }",
            Distribution::Normal {
                mean: Span::millis(1),
                deviation: Span::micros(100),
            },
        ),
    ] {
        let profile = format!("name = \"three-zones\"\nzones.latency = {written}");
        let loaded = load_in(&folder, &profile).expect("it loads");
        let hardware = loaded.base().hardware.clone().expect("it is built in");
        let zones = hardware.zones.expect("the profile has zones");
        assert_eq!((zones.count, zones.latency), (3, expected));
    }
}
