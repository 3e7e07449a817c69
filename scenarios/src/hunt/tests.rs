use super::*;
use crate::catalog::Catalog;
use crate::load::{load_text, load_text_in};
use crate::plan::EnvelopeBudget;
use crate::run::{Driver, run, run_plan};
use crate::spec::{Names, print};
use std::path::Path;
use stormglass_core::promise::{Fit, judge};

fn assembly(path: &str, variant: Option<&str>) -> Arc<Assembly> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(path).unwrap();
    let file =
        load_text("a.toml", text, &Names::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut cases = file.cases.iter();
    let case = cases
        .find(|case| case.variant.as_deref() == variant)
        .unwrap();
    let assembly = Assembly::new(&file, case, &Catalog::new());
    Arc::new(assembly.unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn mutated_plans_stay_inside_chaos_and_inside_the_envelope() {
    for path in ["delivery/orders-once.toml", "delivery/queue-leases.toml"] {
        let assembly = assembly(path, None);
        let base = assembly.case();
        let mut changed = 0;
        for seed in 0..60 {
            let mut plan = assembly.plan(Seed(seed));
            for step in 0..6 {
                let next = assembly.mutate(Seed(seed).stream(&format!("test/{step}")), &plan);
                changed += u64::from(next != plan);
                plan = next;
                let mut budget = EnvelopeBudget::of(&base.scenario);
                for fault in plan.faults.iter().filter(|fault| fault.planned) {
                    budget.hold(fault);
                }
                for fault in plan.faults.iter().filter(|fault| !fault.planned) {
                    assert!(budget.admits(fault), "{path} seed {seed}: {fault}");
                    budget.hold(fault);
                }
                let drawn = plan.faults.iter().filter(|fault| !fault.planned).count();
                assert!(drawn <= base.scenario.faults.max as usize, "{plan:?}");
                assert_eq!(judge(&plan, &assembly.topology()), Fit::Inside);
            }
        }
        assert!(changed > 300, "{changed} of 360 mutations changed anything");
    }
}

#[test]
fn a_search_is_a_function_of_its_base_and_of_what_it_has_learnt() {
    let assembly = assembly("flaws/queue.toml", None);
    let search = |base: &str| {
        let mut hunt = Hunt::new(Arc::clone(&assembly), base);
        let mut all = Vec::new();
        for _ in 0..2 {
            let candidates = hunt.next(4);
            for candidate in &candidates {
                let ran = run_plan(
                    &assembly,
                    candidate.seed,
                    candidate.plan.clone(),
                    Driver::Auto,
                );
                hunt.learn(candidate, &ran.outcome);
            }
            all.extend(candidates);
        }
        (all, hunt.cells())
    };
    let (first, cells) = search("a");
    assert!(cells > 0, "nothing was reached");
    assert_eq!((first.clone(), cells), search("a"));
    assert_ne!(first, search("b").0);
    for candidate in &first[..4] {
        assert_eq!(candidate.plan, assembly.plan(Seed(candidate.seed)));
    }
}

#[test]
fn what_is_written_down_of_a_plan_is_met_again() {
    let assembly = assembly("flaws/queue.toml", Some("ack-before-sync"));
    let mut hunt = Hunt::new(Arc::clone(&assembly), "written");
    let mut compared = 0;
    for candidate in hunt.next(6) {
        let ran = run_plan(
            &assembly,
            candidate.seed,
            candidate.plan.clone(),
            Driver::Auto,
        );
        let scenario = written(&assembly, &candidate.plan, Some(&ran.outcome));
        let text = print::print(&scenario);
        let catalog = Catalog::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("flaws");
        let file = load_text_in(&folder, "found.toml", text, &catalog.names())
            .unwrap_or_else(|error| panic!("{error}"));
        let again = Arc::new(Assembly::new(&file, file.base(), &catalog).unwrap());
        let again = run(&again, candidate.seed, Driver::Auto);
        assert_eq!(again.outcome.signatures(), ran.outcome.signatures());
        compared += 1;
    }
    assert_eq!(compared, 6);
}
