//! A queue that ten slow seconds put out of work for ever, and what brings it back.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]

mod rig;

use rig::{assembly, failing, run_seed};
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

#[test]
fn retries_without_a_bound_keep_a_healed_broker_from_coming_back() {
    let outcome = outcome(None);
    assert_eq!(recovery(&outcome), None);
    assert!(failing(&outcome).contains_key("recovery"));
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
    assert_eq!(failing(&outcome), Default::default());
}

/// Whenever a probe is answered, everything that is open is sent again at once, and is too much again.
#[test]
fn a_circuit_breaker_alone_does_not_help() {
    assert_eq!(recovery(&outcome(Some("breaker"))), None);
}
