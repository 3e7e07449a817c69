use crate::assemble::{Layout, topology_of};
use crate::load::{ScenarioFile, load_text};
use crate::plan::sample;
use crate::spec::Names;
use std::path::Path;
use stormglass_core::actor::Control;
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::promise::{Fit, judge};
use stormglass_core::rng::Seed;
use stormglass_core::time::Span;

/// A shipped file with another swarm, every run of which gets a template.
fn guided(path: &str, swarm: &str) -> ScenarioFile {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join(path)).unwrap();
    let line = text.lines().find(|line| line.starts_with("swarm = "));
    let text = text.replace(line.unwrap(), &format!("swarm = {swarm}\ntemplates = 1.0"));
    load_text("a.toml", text, &Names::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The sampled faults of 200 seeds, of which every plan lies inside the envelope.
fn plans(file: &ScenarioFile) -> Vec<Vec<Fault>> {
    let base = file.base();
    let topology = topology_of(&base.scenario, &Layout::of(&base.scenario, |_| true));
    let plans = (0..200).map(|seed| {
        let FaultPlan { mut faults } = sample(Seed(seed), base);
        faults.retain(|fault| !fault.planned);
        let plan = FaultPlan { faults };
        assert_eq!(
            judge(&plan, &topology),
            Fit::Inside,
            "seed {seed}: {plan:?}"
        );
        plan.faults
    });
    plans.collect()
}

fn on(target: &Target, part: &str) -> bool {
    matches!(target, Target::OneOf(of, _) if of == part)
}

#[test]
fn an_input_falls_silent_around_the_bound_of_its_windows() {
    let file = guided("flaws/event-time.toml", "[\"partition\"]");
    // 200 ms of disorder and 200 ms of lateness, no idle bound; windows are not scaled, faults on them neither.
    let bound = file.base().scenario.processors["totals"]
        .window
        .as_ref()
        .map(|window| window.disorder + window.lateness)
        .unwrap();
    let silent: Vec<Span> = plans(&file)
        .iter()
        .flatten()
        .filter(|fault| fault.kind == FaultKind::Partition)
        .filter(
            |fault| matches!(&fault.target, Target::Link(from, _) if on(from, "source.payments")),
        )
        .map(|fault| fault.lasts)
        .collect();
    for tenths in [5, 9, 11, 20, 50] {
        assert!(
            silent.contains(&bound.ratio(tenths, 10)),
            "{tenths}: {silent:?}"
        );
    }
}

#[test]
fn a_broker_dies_about_when_deliveries_of_a_dead_worker_expire() {
    for swarm in ["[\"crash\"]", "[\"crash\", \"power-loss\"]"] {
        let file = guided("flaws/queue.toml", swarm);
        let hits = plans(&file).into_iter().filter(|faults| {
            faults.windows(2).any(|two| {
                let later = on(&two[1].target, "broker.jobs") && two[1].at > two[0].at;
                on(&two[0].target, "processor.workers") && later
            })
        });
        assert!(hits.count() > 10, "{swarm}");
    }
}

#[test]
fn one_worker_of_several_is_slow_for_half_of_chaos() {
    let file = guided("flaws/queue.toml", "[\"slow-node\"]");
    let half = file.base().scenario.run.chaos / 2;
    let slow = plans(&file).into_iter().flatten().filter(|fault| {
        matches!(
            fault.kind,
            FaultKind::SlowNode {
                factor: 10 | 50 | 200
            }
        ) && on(&fault.target, "processor.workers")
            && fault.lasts == half
    });
    assert!(slow.count() > 10);
}

#[test]
fn a_group_reads_again_only_where_nobody_promised_not_to() {
    let rewinds = |path: &str| {
        let rewind = FaultKind::Control(Control::Rewind);
        let plans = plans(&guided(path, "[\"crash\", \"rewind\"]"));
        let faults = plans.into_iter().flatten();
        let rewinds: Vec<Target> = faults
            .filter(|fault| fault.kind == rewind)
            .map(|fault| fault.target)
            .collect();
        rewinds
    };
    let group = Target::Coordinator("processor.balances".to_owned());
    let found = rewinds("delivery/exactly-once.toml");
    assert!(found.len() > 20 && found.iter().all(|target| *target == group));
    assert_eq!(rewinds("flaws/queue.toml"), Vec::new());
}
