//! What is recorded of a run for its report: the story of a lost order, and gauges that stay within their bounds.

use std::path::Path;
use std::sync::Arc;
use stormglass_core::check::Violation;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;
use stormglass_scenarios::record::{Gauge, Kind, MOMENTS, Recorded, record};
use stormglass_scenarios::run::{Driver, run};

/// A run in which the leader alone had an order, and truncates it when another leads.
fn lost() -> (Arc<Assembly>, Violation, u64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("delivery/acks-leader.toml");
    let catalog = Catalog::new();
    let file = load(&path, &catalog.names()).expect("it loads");
    let assembly = Assembly::new(&file, file.base(), &catalog).expect("it can be assembled");
    let assembly = Arc::new(assembly);
    let ran = run(&assembly, 1, Driver::Auto);
    let fingerprint = ran.outcome.fingerprint.0;
    let judgements = ran.outcome.judgements.into_iter();
    let mut violations = judgements.flat_map(|judgement| judgement.violations);
    let violation = violations.find(|one| one.signature.check == "no-loss");
    let violation = violation.expect("the seed loses orders");
    (assembly, violation, fingerprint)
}

fn recorded() -> (Recorded, Violation) {
    let (assembly, violation, fingerprint) = lost();
    let recorded = record(&assembly, 1, Some(&violation)).expect("it hosts nothing");
    assert_eq!(recorded.fingerprint, fingerprint, "it is the same run");
    (recorded, violation)
}

#[test]
fn the_story_of_a_lost_order_goes_from_its_source_to_the_replica_that_cuts_it_off() {
    let (recorded, violation) = recorded();
    let story = recorded.story.expect("the run has a violation");
    assert_eq!(story.sentence, violation.sentence);
    assert!(story.moments.len() <= MOMENTS && story.all > story.moments.len() as u64);
    let followed: Vec<_> = story.moments.iter().filter(|one| one.followed).collect();
    let words = |at: usize| followed[at].what.as_str();
    assert_eq!(words(0), "owes it");
    assert_eq!(words(1), "sends it");
    assert!(
        words(followed.len() - 1).starts_with("truncates it away"),
        "{followed:?}"
    );
    // The way of the order: each step follows from the one before.
    let number = |wanted: &str| {
        let mut moments = story.moments.iter();
        let found = moments.position(|one| one.followed && one.what.starts_with(wanted));
        found.unwrap_or_else(|| panic!("{wanted}: {followed:?}"))
    };
    let way = [
        "owes",
        "sends",
        "takes up the request",
        "stores it",
        "is told",
    ]
    .map(number);
    for pair in way.windows(2) {
        assert_eq!(story.moments[pair[1]].cause, Some(pair[0]), "{followed:?}");
    }
    // It is cut off because another leads.
    let cut = &story.moments[number("truncates")];
    let leader = &story.moments[cut.cause.expect("another leads")];
    assert!(leader.what.starts_with("becomes leader"), "{}", leader.what);
    assert_ne!(leader.node, cut.node);
}

#[test]
fn nothing_follows_from_what_comes_later_and_time_never_goes_back() {
    let story = recorded().0.story.expect("the run has a violation");
    for (at, moment) in story.moments.iter().enumerate() {
        if let Some(cause) = moment.cause {
            assert!(cause < at, "{moment:?}");
            assert!(story.moments[cause].time <= moment.time, "{moment:?}");
        }
    }
    assert!(story.moments.is_sorted_by_key(|one| one.time));
    let caused = story.moments.iter().filter(|one| one.cause.is_some());
    assert!(
        caused.count() * 3 > story.moments.len(),
        "a third has a cause"
    );
    let faults = story.moments.iter().filter(|one| one.kind == Kind::Fault);
    assert!(faults.clone().any(|one| one.what.contains("begins")));
}

#[test]
fn the_log_shows_the_lost_order_and_what_took_its_place() {
    let (recorded, violation) = recorded();
    let order = recorded
        .story
        .and_then(|story| story.order)
        .expect("it lay in a log");
    let lost = violation.events[0];
    let at = (order.offset - order.from) as usize;
    let first = &order.rows[0];
    assert!(first.observer.ends_with("stores"), "{}", first.observer);
    let held = order
        .rows
        .iter()
        .filter(|row| row.cells[at].before.contains(&lost));
    assert_eq!(held.count(), 1, "one replica had it: {order:?}");
    let now = first.cells[at].event;
    assert!(now.is_some() && now != Some(lost));
    let stores = order
        .rows
        .iter()
        .filter(|row| row.observer.ends_with("stores"));
    assert!(stores.clone().count() == 3 && stores.clone().all(|row| row.cells[at].event == now));
    assert!(order.rows.iter().any(|row| row.observer.ends_with("shows")));
}

#[test]
fn gauges_stay_within_their_bounds_and_readers_catch_up() {
    let (assembly, _, _) = lost();
    let recorded = record(&assembly, 1, None).expect("it hosts nothing");
    assert_eq!(recorded.story, None);
    let lines = |gauge| {
        recorded
            .gauges
            .iter()
            .filter(move |line| line.gauge == gauge)
    };
    for gauge in [Gauge::Busy, Gauge::Queue, Gauge::Backlog, Gauge::Lag] {
        assert!(lines(gauge).count() > 1, "{gauge:?}");
    }
    let slots = recorded.gauges[0].values.len();
    assert!(slots > 150 && slots <= 200, "{slots}");
    assert!(
        recorded
            .gauges
            .iter()
            .all(|line| line.values.len() == slots)
    );
    for line in lines(Gauge::Busy) {
        assert!(
            line.values
                .iter()
                .flatten()
                .all(|share| *share <= 1_000_000),
            "{line:?}"
        );
    }
    for line in lines(Gauge::Backlog).chain(lines(Gauge::Lag)) {
        assert_eq!(line.values[slots - 1], Some(0), "{}", line.of);
        assert!(
            line.values.iter().flatten().any(|value| *value > 0),
            "{}",
            line.of
        );
    }
}
