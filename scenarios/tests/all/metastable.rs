//! A queue that ten slow seconds put out of work for ever, and what brings it back.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]

use crate::rig::{assembly, failing, run_seed};
use stormglass_core::metrics::{FlowCounts, Phase, Series};
use stormglass_core::outcome::Outcome;
use stormglass_core::time::Span;

fn outcome(variant: Option<&str>) -> Outcome {
    run_seed(&assembly("latency/metastable.toml", variant), 1).outcome
}

/// Recovery from the slow seconds, none if there was none.
fn recovery(outcome: &Outcome) -> Option<Span> {
    let episode = outcome.metrics.episodes.last();
    episode.expect("the broker was slow").recovery
}

/// What the source's client did.
fn flow(outcome: &Outcome) -> FlowCounts {
    let counts = outcome.metrics.flow.values().next();
    *counts.expect("requests were sent again")
}

#[test]
fn retries_without_a_bound_keep_a_healed_broker_from_coming_back() {
    let outcome = outcome(None);
    assert_eq!(recovery(&outcome), None);
    assert!(failing(&outcome).contains_key("recovery"));
    let last = outcome
        .metrics
        .episodes
        .last()
        .expect("the broker was slow");
    let found = last
        .metastable
        .expect("less gets through than without the fault");
    println!(
        "{} of {} events get through",
        found.done, found.done_in_twin
    );
    assert!(found.permille() < 100, "{found:?}");
}

#[test]
fn a_retry_budget_lets_it_come_back_within_the_sum() {
    let outcome = outcome(Some("budget"));
    // In events a second: what the broker serves, and when slow; what is offered, and with its retries.
    let (capacity, slow) = (820, 82);
    let (offered, burst) = (656, 100);
    let asked = offered * 11 / 10;
    let backlog = (asked - slow) * 10 + burst;
    let working_off = Span::millis(backlog * 1_000 / (capacity - asked));
    let bound = working_off + Span::millis(500) + Span::millis(100);
    let took = recovery(&outcome).expect("it comes back");
    println!("recovery after {took}, at most {bound}");
    assert!(took <= bound, "{took} is more than {bound}");
    let flow = flow(&outcome);
    let requests = outcome.metrics.totals.offered;
    assert!(
        flow.retries <= requests / 10 + burst,
        "{flow:?} of {requests}"
    );
    assert_eq!(failing(&outcome), Default::default());
}

/// What is refused is owed and never comes: it counts in every percentile, and is not lost.
#[test]
fn what_is_shed_is_counted_and_neither_lost_nor_in_the_way() {
    let outcome = outcome(Some("shed"));
    let flow = flow(&outcome);
    let totals = &outcome.metrics.totals;
    println!("recovery after {:?}, {flow:?}", recovery(&outcome));
    assert!(recovery(&outcome).is_some());
    assert!(flow.shed > 0 && flow.given_up == 0, "{flow:?}");
    assert_eq!(totals.owed - totals.delivered, flow.shed);
    let whole = outcome.metrics.latencies.get(Series::EndToEnd, &Phase::All);
    assert_eq!(whole.expect("orders came").never(), flow.shed);
    assert_eq!(failing(&outcome), Default::default());
}

/// Whenever a probe is answered, everything that is open is sent again at once, and is too much again.
#[test]
fn a_circuit_breaker_alone_does_not_help() {
    let outcome = outcome(Some("breaker"));
    assert_eq!(recovery(&outcome), None);
    assert!(flow(&outcome).breakers > 10, "{:?}", flow(&outcome));
}
