use crate::assemble::{Layout, topology_of};
use crate::load::{ScenarioFile, load, load_text};
use crate::spec::faults::Moment;
use crate::spec::{BrokerSpec, Names, print};
use std::path::{Path, PathBuf};
use stormglass_core::message::log::Acks;
use stormglass_core::time::Span;

/// The scenario files of the project, in order of their path.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = ["delivery", "latency", "recovery", "domains"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(root.join(folder)).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files
}

fn read(text: &str) -> ScenarioFile {
    load_text("a.toml", text.to_owned(), &Names::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn orders() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("delivery/orders-once.toml")).unwrap()
}

#[test]
fn every_scenario_of_the_project_loads_and_opens_with_its_question() {
    let files = files();
    assert!(files.len() >= 6, "{files:?}");
    for path in files {
        let file = load(&path, &Names::default()).unwrap_or_else(|error| panic!("{error}"));
        let base = file.base();
        assert!(base.scenario.question.contains('?'), "{}", path.display());
        assert_eq!(path.file_stem().unwrap(), base.scenario.name.as_str());
    }
}

#[test]
fn what_is_printed_loads_to_the_same_scenario() {
    for path in files() {
        let file = load(&path, &Names::default()).unwrap();
        for case in &file.cases {
            let text = print::print(&case.written);
            // A trace is named relative to the scenario, which is text here; it is read by others.
            let again = read(&text);
            let mut written = again.base().written.clone();
            // The line of an objective is where it stands, and that differs.
            for (slo, other) in written.expect.slo.iter_mut().zip(&case.written.expect.slo) {
                slo.line = other.line;
            }
            assert_eq!(written, case.written, "{text}");
            assert_eq!(again.base().phases, case.phases);
        }
    }
}

#[test]
fn the_scale_divides_timeouts_and_leaves_rates_and_phases() {
    let file = read(&orders());
    let case = file.base();
    let BrokerSpec::Log(log) = &case.scenario.brokers["main"] else {
        panic!("a log");
    };
    assert_eq!(log.broker_session_timeout, Span::millis(450));
    assert_eq!(log.producer.linger, Span::micros(250));
    assert_eq!(
        case.scenario.processors["totals"].checkpoint,
        Span::millis(250)
    );
    assert_eq!(case.phases.chaos, Span::secs(15));
    assert_eq!(case.scenario.sources, case.written.sources);
    // 1.5 × 9 s ÷ 20
    let planned = &case.scenario.faults.planned[0];
    assert_eq!(planned.lasts.span, Span::millis(675));
    assert_eq!(planned.at, Moment::fixed(Span::secs(5)));
}

#[test]
fn a_variant_differs_in_what_it_sets_and_meets_the_same_faults() {
    let file = read(&orders());
    let [base, variant] = &file.cases[..] else {
        panic!("two cases");
    };
    assert_eq!(variant.variant.as_deref(), Some("acks-leader"));
    assert_eq!((base.exit, variant.exit), (0, 1));
    let acks = |case: &crate::load::Case| match &case.scenario.brokers["main"] {
        BrokerSpec::Log(log) => log.producer.acks,
        BrokerSpec::Queue(_) | BrokerSpec::Fanout(_) => panic!("a log"),
    };
    assert_eq!((acks(base), acks(variant)), (Acks::All, Acks::Leader));
    assert_eq!(base.scenario.faults, variant.scenario.faults);
}

#[test]
fn auto_phases_are_the_sums_of_the_timeouts() {
    let file = read(&orders());
    let case = file.base();
    // (9 + 3×2 + 3×1 + 30 + 30 + 1 + 45 + 30 + 3×3 + 5 + 10 + 0.1) s ÷ 20, a quarter of chaos; 5 s to hold.
    assert_eq!(
        case.phases.drain,
        Span::micros(178_100_000 / 20 + 3_750_000)
    );
    assert_eq!(case.phases.calm, case.phases.drain + Span::secs(5));
}

#[test]
fn calm_goes_on_for_five_seconds_after_the_bound_on_recovery() {
    let faults = orders();
    let (before, _) = faults.split_once("[faults]").expect("it has faults");
    for text in [faults.as_str(), before] {
        let file = read(text);
        let case = file.base();
        let layout = Layout::of(&case.scenario, |_| false);
        let bound = topology_of(&case.scenario, &layout).recovery_bound;
        assert_eq!(bound == Span::ZERO, text == before);
        assert_eq!(case.phases.calm, bound + Span::secs(5));
    }
}

#[test]
fn a_line_for_editors_is_no_part_of_the_question() {
    let orders = orders();
    let question = read(&orders).base().scenario.question.clone();
    for directive in ["#:schema ./a.json\n", "#:schema ./a.json\n\n"] {
        let file = read(&format!("{directive}{orders}"));
        assert_eq!(file.base().scenario.question, question);
    }
    let alone = "#:schema ./a.json\nname = \"a\"\n".to_owned();
    let error = load_text("a.toml", alone, &Names::default()).unwrap_err();
    assert!(error.to_string().contains("question"), "{error}");
}

#[test]
fn the_example_of_the_manual_loads() {
    let page = include_str!("../../../docs/scenarios.md");
    let example = page.split("```toml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    assert_eq!(read(example).cases.len(), 2);
}

#[test]
fn the_manual_names_every_kind_that_can_be_sampled() {
    let page = include_str!("../../../docs/scenarios.md");
    for kind in crate::spec::SwarmKind::ALL {
        let name = print::value(&kind).to_string().replace('"', "`");
        assert!(page.contains(&name), "{name}");
    }
}
