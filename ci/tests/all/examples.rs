//! The examples of docs/own-service.md do what they say of themselves: the honest parts hold under every
//! seed, and each planted mistake is found.

#![allow(
    dead_code,
    missing_docs,
    reason = "the examples are included as modules, where their mains have no use"
)]

#[path = "../../examples/own_broker.rs"]
mod own_broker;
#[path = "../../examples/own_operator.rs"]
mod own_operator;
#[path = "../../examples/own_service.rs"]
mod own_service;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use stormglass::Catalog;
use stormglass::core::check::Answer;
use stormglass::scenarios::assemble::Assembly;
use stormglass::scenarios::load::load;
use stormglass::scenarios::run::{Driver, Ran, run};
use stormglass::scenarios::sweep::PartPanic;

/// A case of an example, ready to run.
fn assembly(catalog: &Catalog, file: &str, variant: Option<&str>) -> Arc<Assembly> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(file);
    let file = load(&path, &catalog.names()).unwrap_or_else(|error| panic!("{error}"));
    let case = file
        .cases
        .iter()
        .find(|case| case.variant.as_deref() == variant);
    let case = case.expect("the file has the variant");
    Arc::new(Assembly::new(&file, case, catalog).unwrap_or_else(|error| panic!("{error}")))
}

/// Runs a seed; if a part of the example panicked, says what it said.
fn attempt(assembly: &Arc<Assembly>, seed: u64) -> Result<Ran, PartPanic> {
    catch_unwind(AssertUnwindSafe(|| run(assembly, seed, Driver::Auto)))
        .map_err(|payload| *payload.downcast().expect("only the part may panic"))
}

/// The honest case holds under seeds 1 to 6; gives back how much was judged.
fn assert_holds(catalog: &Catalog, file: &str) -> u64 {
    let assembly = assembly(catalog, file, None);
    let mut judged = 0;
    for seed in 1..=6 {
        let ran = attempt(&assembly, seed).unwrap_or_else(|panic| panic!("seed {seed}: {panic:?}"));
        let failed: Vec<_> = (ran.outcome.judgements.iter())
            .filter(|judgement| judgement.answer == Answer::Fail)
            .collect();
        assert!(failed.is_empty(), "seed {seed}: {failed:?}");
        judged += ran
            .outcome
            .judgements
            .iter()
            .map(|judgement| judgement.judged)
            .sum::<u64>();
    }
    judged
}

/// The signatures' checks that a variant fails under some seed below 17.
fn failing(catalog: &Catalog, file: &str, variant: &str) -> Vec<&'static str> {
    let assembly = assembly(catalog, file, Some(variant));
    let found = (1..17).map(|seed| {
        let Ok(ran) = attempt(&assembly, seed) else {
            return vec!["no-panic"];
        };
        let judgements = ran.outcome.judgements.iter();
        judgements
            .filter(|judgement| judgement.answer == Answer::Fail)
            .map(|judgement| judgement.check)
            .collect()
    });
    found
        .into_iter()
        .find(|checks| !checks.is_empty())
        .unwrap_or_default()
}

#[test]
fn a_service_that_writes_before_it_commits_loses_nothing() {
    assert!(assert_holds(&own_service::catalog(), "own_service.toml") > 1_000);
}

#[test]
fn a_service_that_commits_before_it_writes_is_found_out() {
    let checks = failing(&own_service::catalog(), "own_service.toml", "hasty");
    assert!(checks.contains(&"no-loss"), "{checks:?}");
}

#[test]
fn an_operator_of_ones_own_is_held_against_itself() {
    assert!(assert_holds(&own_operator::catalog(), "own_operator.toml") > 1_000);
}

#[test]
fn an_operator_that_forgets_its_state_is_found_out() {
    let checks = failing(&own_operator::catalog(), "own_operator.toml", "forgetful");
    assert!(!checks.is_empty());
}

#[test]
fn a_broker_of_ones_own_keeps_what_it_acknowledged() {
    assert_holds(&own_broker::catalog(), "own_broker.toml");
}

#[test]
fn a_broker_that_answers_before_its_disk_is_found_out() {
    let checks = failing(&own_broker::catalog(), "own_broker.toml", "hasty");
    assert_eq!(checks, ["no-panic"]);
}
