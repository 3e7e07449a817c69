//! What a part is held to withstand (`withstands`): just inside, the design that keeps it is silent and the one that
//! does not is found; just outside, the same loss is promised by nobody.

use crate::rig::failing;
use std::path::Path;
use std::sync::Arc;
use stormglass_core::check::Answer;
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::time::Span;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load_text;
use stormglass_scenarios::run::{Driver, Ran, run_plan};

/// The pair on syncing before the answer, held to so many power losses at once.
fn held_to(power_losses: u16, variant: &str) -> Arc<Assembly> {
    let claim = format!("power_losses = {power_losses}");
    let text = pair("log-ack-before-flush").replace("power_losses = 3", &claim);
    design(text, variant)
}

/// The text of a pair of the zoo.
fn pair(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("zoo/{name}.toml"));
    std::fs::read_to_string(path).expect("it is there")
}

fn design(text: String, variant: &str) -> Arc<Assembly> {
    let catalog = Catalog::new();
    let file = load_text("claim.toml", text, &catalog.names()).expect("it loads");
    let mut cases = file.cases.iter();
    let case = cases.find(|case| case.variant.as_deref() == Some(variant));
    let case = case.expect("it has the variant");
    Arc::new(Assembly::new(&file, case, &catalog).expect("it is whole"))
}

/// A run in which so many machines of the log lose power at once.
fn struck(design: &Arc<Assembly>, nodes: u16) -> Ran {
    let fault = |node| Fault {
        name: None,
        at: design.case().phases.chaos_starts() + Span::secs(2),
        lasts: Span::millis(300),
        kind: FaultKind::PowerLoss { torn: false },
        target: Target::OneOf("broker.main".to_owned(), node),
        planned: false,
    };
    let faults = (0..nodes).map(fault).collect();
    run_plan(design, 1, FaultPlan { faults }, Driver::Auto)
}

/// What its check of losses says.
fn no_loss(ran: &Ran) -> Answer {
    let mut judgements = ran.outcome.judgements.iter();
    let judgement = judgements.find(|one| one.check == "no-loss");
    judgement.expect("every run is checked for losses").answer
}

#[test]
fn the_power_losses_that_a_log_is_held_to_show_who_answers_before_it_syncs() {
    let careless = struck(&held_to(3, "vulnerable"), 3);
    assert_eq!(
        (careless.outside.as_deref(), no_loss(&careless)),
        (None, Answer::Fail)
    );
    let sound = struck(&held_to(3, "safe"), 3);
    assert_eq!(sound.outside, None);
    assert!(
        failing(&sound.outcome).is_empty(),
        "{:?}",
        failing(&sound.outcome)
    );
}

#[test]
fn one_power_loss_less_is_survived_and_one_more_than_held_to_is_promised_by_nobody() {
    let inside = struck(&held_to(1, "vulnerable"), 1);
    assert_eq!(inside.outside, None);
    assert!(
        failing(&inside.outcome).is_empty(),
        "{:?}",
        failing(&inside.outcome)
    );
    let outside = struck(&held_to(2, "vulnerable"), 3);
    assert!(outside.outside.is_some());
    assert_eq!(no_loss(&outside), Answer::NotApplicable);
}

/// A follower of each node in turn is cut off until it is out of the in-sync sets, and comes back while the node that
/// leads most lies without power: what is said about losses.
fn last_replica_dies(variant: &str) -> Vec<Answer> {
    let design = design(pair("log-unclean-election"), variant);
    let chaos = design.case().phases.chaos_starts();
    let fault = |kind, target, (at, lasts)| Fault {
        name: None,
        at: chaos + Span::millis(at),
        lasts: Span::millis(lasts),
        kind,
        target,
        planned: false,
    };
    let broker = || "broker.main".to_owned();
    let answers = (0..3).map(|node| {
        let cut = (500, 2_500);
        let dark = (2_000, 4_000);
        let faults = vec![
            fault(FaultKind::Partition, Target::OneOf(broker(), node), cut),
            fault(
                FaultKind::PowerLoss { torn: false },
                Target::Leader(broker()),
                dark,
            ),
        ];
        let ran = run_plan(&design, 1, FaultPlan { faults }, Driver::Auto);
        assert_eq!(ran.outside, None);
        no_loss(&ran)
    });
    answers.collect()
}

#[test]
fn a_log_that_is_led_by_whoever_lives_loses_and_one_that_waits_for_its_complete_replica_does_not() {
    assert!(last_replica_dies("vulnerable").contains(&Answer::Fail));
    assert_eq!(last_replica_dies("safe"), [Answer::Pass; 3]);
}
