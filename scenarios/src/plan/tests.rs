use super::*;
use crate::assemble::{Layout, topology_of};
use crate::hardware::Hardware;
use crate::load::{ScenarioFile, load_text};
use crate::spec::{Names, SwarmKind, print as spec_print, target};
use proptest::prelude::*;
use std::path::Path;
use stormglass_core::actor::Control;
use stormglass_core::fault::FaultKind;
use stormglass_core::promise::{Fit, judge};

fn read(text: &str) -> ScenarioFile {
    load_text("a.toml", text.to_owned(), &Names::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn orders() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("delivery/orders-once.toml")).unwrap()
}

/// A scenario that lists every kind, with room for many faults.
fn every_kind(envelope: &str) -> ScenarioFile {
    read(&with_every_kind(envelope))
}

/// The same with its nodes spread over three zones.
fn in_zones(text: &str) -> String {
    text.replacen("[run]", "[profile]\nname = \"three-zones\"\n\n[run]", 1)
}

fn with_every_kind(envelope: &str) -> String {
    let kinds: Vec<String> = SwarmKind::ALL
        .iter()
        .map(|kind| spec_print::value(kind).to_string())
        .collect();
    orders().replace(
        "swarm = [\"crash\", \"pause\", \"partition\", \"oneway\", \"loss\", \"delay\", \"reset\", \
         \"slow-disk\", \"clock-drift\"]\nmax = 4",
        &format!(
            "swarm = [{}]\nmax = 12\nenvelope = \"{envelope}\"",
            kinds.join(", ")
        ),
    )
}

#[test]
fn a_plan_is_a_function_of_the_seed() {
    let file = read(&orders());
    let plan = |seed| sample(Seed(seed), file.base());
    assert_eq!(plan(1), plan(1));
    assert_ne!(plan(1), plan(2));
}

#[test]
fn every_fault_lies_inside_chaos_and_every_planned_one_is_there() {
    for envelope in ["inside", "off"] {
        let file = every_kind(envelope);
        let phases = file.base().phases;
        for seed in 0..300 {
            let plan = sample(Seed(seed), file.base());
            assert_eq!(plan.faults.iter().filter(|fault| fault.planned).count(), 1);
            assert!(plan.faults.is_sorted_by_key(|fault| fault.at));
            for fault in &plan.faults {
                assert!(fault.at >= phases.chaos_starts(), "{fault}");
                assert!(fault.at + fault.lasts <= phases.calm_starts(), "{fault}");
                assert!(fault.lasts > Span::ZERO, "{fault}");
            }
        }
    }
}

#[test]
fn no_plan_leaves_the_envelope() {
    let file = every_kind("inside");
    for seed in 0..300 {
        let plan = sample(Seed(seed), file.base());
        let (planned, sampled): (Vec<_>, Vec<_>) =
            plan.faults.into_iter().partition(|fault| fault.planned);
        let mut budget = EnvelopeBudget::of(&file.base().scenario);
        for fault in &planned {
            budget.hold(fault);
        }
        for fault in &sampled {
            assert!(budget.admits(fault), "seed {seed}: {fault}");
            budget.hold(fault);
            for part in target::parts(&fault.target) {
                assert!(
                    !(part.starts_with("source.") && fault.kind == FaultKind::Crash),
                    "seed {seed}: {fault}"
                );
            }
        }
    }
}

#[test]
fn what_is_sampled_inside_is_judged_inside() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![every_kind("inside")];
    for name in [
        "exactly-once",
        "queue-leases",
        "fanout-copies",
        "acks-leader",
    ] {
        let path = root.join(format!("delivery/{name}.toml"));
        files.push(read(&std::fs::read_to_string(path).unwrap()));
    }
    // Parts that are spread over zones, of which one may be lost.
    files.push(read(&in_zones(&with_every_kind("inside"))));
    // A part that is held to more, or to less, than its settings imply.
    let path = root.join("zoo/log-ack-before-flush.toml");
    let held = std::fs::read_to_string(path).unwrap();
    for claim in [
        "power_losses = 3",
        "power_losses = 2, cut_off = 1",
        "crashes = 1",
    ] {
        let kinds = format!("swarm = {}", spec_print::value(&SwarmKind::ALL.to_vec()));
        let text = held.replace("swarm = [\"power-loss\"]", &kinds);
        files.push(read(&text.replace("power_losses = 3", claim)));
    }
    for file in files {
        let base = file.base();
        let layout = Layout::of(&base.scenario, |_| true);
        let topology = topology_of(&base.scenario, &layout);
        let mut topology = topology;
        topology.zones = base.hardware.as_ref().map_or(1, Hardware::zones);
        for seed in 0..200 {
            let plan = sample(Seed(seed), base);
            let fit = judge(&plan, &topology);
            assert_eq!(fit, Fit::Inside, "{} {seed}: {plan:?}", base.scenario.name);
        }
    }
}

#[test]
fn outside_the_envelope_nodes_of_a_broker_fail_together() {
    let file = every_kind("off");
    let together = (0..300).any(|seed| {
        let plan = sample(Seed(seed), file.base());
        let mut budget = EnvelopeBudget::of(&file.base().scenario);
        plan.faults.iter().any(|fault| {
            let fits = budget.admits(fault);
            budget.hold(fault);
            !fits
        })
    });
    assert!(together);
}

#[test]
fn every_kind_and_template_is_drawn_in_some_seed() {
    let file = every_kind("inside");
    let plans: Vec<FaultPlan> = (0..600)
        .map(|seed| sample(Seed(seed), file.base()))
        .collect();
    let drawn = |name: &str| {
        plans.iter().any(|plan| {
            let mut sampled = plan.faults.iter().filter(|fault| !fault.planned);
            sampled.any(|fault| fault.kind.name() == name)
        })
    };
    for name in [
        "crash",
        "power-loss",
        "pause",
        "partition",
        "oneway",
        "loss",
        "delay",
        "drop",
        "reset",
        "slow-disk",
        "slow-node",
        "slow-link",
        "clock-step",
        "clock-drift",
        "crash-at",
        "yield-at",
        "force-election",
    ] {
        assert!(drawn(name), "{name} is never drawn");
    }
    let bounces = plans.iter().any(|plan| {
        let election = FaultKind::Control(Control::ForceElection);
        plan.faults
            .iter()
            .filter(|fault| fault.kind == election)
            .count()
            >= 2
    });
    assert!(bounces, "leadership never changes twice");
    let amnesia = plans.iter().any(|plan| {
        let mut cuts = 0;
        plan.faults
            .iter()
            .any(|fault| match (&fault.kind, &fault.target) {
                (FaultKind::Partition, Target::OneOf(..)) => {
                    cuts += 1;
                    false
                }
                (FaultKind::PowerLoss { torn: false }, Target::Leader(_)) => cuts >= 2,
                _ => false,
            })
    });
    assert!(
        amnesia,
        "no leader loses power after its followers were cut off"
    );
    let late = plans.iter().any(|plan| {
        plan.faults.windows(2).any(|two| {
            let (delay, boundary) = (&two[0], &two[1]);
            matches!(&delay.kind, FaultKind::Delay { by, .. }
                if boundary.kind == FaultKind::Control(Control::ForceElection)
                    && boundary.at < delay.at + *by)
        })
    });
    assert!(late, "no message is late across a change of leaders");
}

#[test]
fn a_zone_is_lost_whole_and_a_mesh_is_cut_between_groups_that_both_reach_a_third() {
    let file = read(&in_zones(&with_every_kind("inside")));
    let plans = (0..600).map(|seed| sample(Seed(seed), file.base()));
    let faults: Vec<Fault> = plans.flat_map(|plan| plan.faults).collect();
    let mut of_zones = std::collections::BTreeSet::new();
    let mut bridges = 0;
    for fault in faults.iter().filter(|fault| !fault.planned) {
        if let Target::Zone(zone) = &fault.target {
            of_zones.insert((*zone, fault.kind.name()));
        }
        if let Target::Link(one, other) = &fault.target
            && let (Target::OneOf(one, a), Target::OneOf(other, b)) = (&**one, &**other)
        {
            assert_eq!((one, fault.kind.name()), (other, "partition"));
            assert_ne!(a, b, "{fault}");
            bridges += 1;
        }
    }
    // The sink in the first zone and the log keep what they sync: all three may lose power, one after another.
    for zone in 0..3 {
        for kind in ["partition", "power-loss"] {
            assert!(of_zones.contains(&(zone, kind)), "{of_zones:?}");
        }
    }
    assert!(bridges > 20, "{bridges} meshes were cut");
}

#[test]
fn without_zones_none_is_lost() {
    let file = every_kind("inside");
    let plans = (0..300).map(|seed| sample(Seed(seed), file.base()));
    let mut faults = plans.flat_map(|plan| plan.faults);
    assert!(!faults.any(|fault| matches!(fault.target, Target::Zone(_))));
}

#[test]
fn a_power_loss_excludes_every_other_node_until_it_has_caught_up() {
    let file = read(&orders());
    let scenario = &file.base().scenario;
    let fault = |kind, at| Fault {
        name: None,
        at: Time::ZERO + at,
        lasts: Span::millis(100),
        kind,
        target: Target::OneOf(String::from("broker.main"), 0),
        planned: false,
    };
    let mut budget = EnvelopeBudget::of(scenario);
    let loss = fault(FaultKind::PowerLoss { torn: false }, Span::secs(3));
    budget.hold(&loss);
    let catch_up = budget.parts()["broker.main"].catch_up;
    assert!(catch_up > Span::ZERO);
    let during = fault(FaultKind::Crash, Span::millis(3_050));
    let just_before = Span::millis(3_100) + catch_up.saturating_sub(Span::nanos(1));
    let just_after = Span::millis(3_100) + catch_up;
    assert!(!budget.admits(&during));
    assert!(!budget.admits(&fault(FaultKind::Crash, just_before)));
    assert!(budget.admits(&fault(FaultKind::Crash, just_after)));
    assert_eq!(budget.free_from(&during), Some(Time::ZERO + just_after));
}

#[test]
fn a_node_left_open_is_drawn_by_the_seed_and_by_nothing_else() {
    let text = orders().replace(
        "target = \"link leader of broker.main > all of broker.main\"",
        "target = \"one of broker.main\"",
    );
    let target_of = |text: &str, seed| {
        let file = read(text);
        let plan = sample(Seed(seed), file.base());
        let planned = plan.faults.into_iter().find(|fault| fault.planned);
        planned.unwrap().target
    };
    let swarmless = text.replace("max = 4", "max = 0");
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..40 {
        assert_eq!(target_of(&text, seed), target_of(&swarmless, seed));
        seen.insert(target_of(&text, seed));
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_plan_saved_as_planned_faults_is_the_same_plan() {
    let file = every_kind("inside");
    let base = file.base();
    for seed in 0..100 {
        let plan = sample(Seed(seed), base);
        let mut written = base.written.clone();
        written.faults.planned = as_planned(&plan, &base.phases);
        written.faults.swarm.clear();
        let again = read(&spec_print::print(&written));
        let mut replayed = sample(Seed(0), again.base());
        for (fault, original) in replayed.faults.iter_mut().zip(&plan.faults) {
            fault.name.clone_from(&original.name);
            fault.planned = original.planned;
        }
        assert_eq!(replayed, plan);
    }
}

fn any_target() -> impl Strategy<Value = Target> {
    let part = prop::sample::select(vec!["broker.main", "processor.a-b", "sink.x_1"]);
    let end = (part, 0..7_u8, any::<u16>()).prop_map(|(part, role, index)| {
        let part = part.to_owned();
        match role {
            0 => Target::Leader(part),
            1 => Target::Controller(part),
            2 => Target::Coordinator(part),
            3 => Target::OneOf(part, index),
            4 => Target::All(part),
            5 => Target::Zone(index % 64),
            _ => Target::Node(format!("{part}.{index}")),
        }
    });
    let set = prop::collection::vec(end.clone(), 2..4).prop_map(Target::Set);
    let end = prop_oneof![3 => end, 1 => set];
    prop_oneof![
        end.clone(),
        (end.clone(), end).prop_map(|(from, to)| Target::Link(Box::new(from), Box::new(to))),
    ]
}

fn any_kind() -> impl Strategy<Value = FaultKind> {
    let span = (0..i64::MAX as u64).prop_map(Span);
    let class = "[ -~]{0,12}";
    prop_oneof![
        Just(FaultKind::Crash),
        any::<bool>().prop_map(|torn| FaultKind::PowerLoss { torn }),
        any::<bool>().prop_map(|clock_stops| FaultKind::Pause { clock_stops }),
        Just(FaultKind::Partition),
        Just(FaultKind::Oneway),
        (0..=1_000_000_u32).prop_map(|parts| FaultKind::Loss { parts }),
        (0..=1_000_000_u32).prop_map(|parts| FaultKind::Duplicate { parts }),
        (class, span.clone()).prop_map(|(class, by)| FaultKind::Delay { class, by }),
        (class, any::<u32>()).prop_map(|(class, count)| FaultKind::Drop { class, count }),
        (class, any::<bool>()).prop_map(|(class, after)| FaultKind::Reset { class, after }),
        (class, any::<u32>())
            .prop_map(|(class, per_second)| FaultKind::Quota { class, per_second }),
        any::<u32>().prop_map(|factor| FaultKind::SlowDisk { factor }),
        Just(FaultKind::DiskFull),
        Just(FaultKind::FailedSync),
        Just(FaultKind::Corrupt),
        any::<u32>().prop_map(|factor| FaultKind::SlowNode { factor }),
        any::<u32>().prop_map(|factor| FaultKind::SlowLink { factor }),
        (-i64::MAX..=i64::MAX).prop_map(|by| FaultKind::ClockStep { by }),
        any::<i32>().prop_map(|parts| FaultKind::ClockDrift { parts }),
        (-i64::MAX..=i64::MAX, any::<u32>())
            .prop_map(|(by, parts)| FaultKind::ClockSlew { by, parts }),
        Just(FaultKind::LeapSecond),
        Just(FaultKind::ClockFreeze),
        (class, any::<u32>()).prop_map(|(point, nth)| FaultKind::CrashAt { point, nth }),
        (class, span).prop_map(|(point, by)| FaultKind::YieldAt { point, by }),
        Just(FaultKind::Control(Control::Stop)),
        Just(FaultKind::Control(Control::ForceElection)),
        Just(FaultKind::Control(Control::ExpandPartitions)),
        Just(FaultKind::Control(Control::Rewind)),
        Just(FaultKind::Control(Control::Leave)),
        any::<u32>().prop_map(|one_in| FaultKind::Control(Control::Poison { one_in })),
        Just(FaultKind::Control(Control::ExpireProducers)),
        (0..i64::MAX as u64).prop_map(|keep| FaultKind::Control(Control::ForceRetention { keep })),
        (class, any::<i64>())
            .prop_map(|(name, value)| FaultKind::Control(Control::Configure { name, value })),
    ]
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let name = prop::option::of("[ -~]{1,20}");
    let time = 0..i64::MAX as u64;
    let length = 0..i64::MAX as u64;
    (name, time, length, any_kind(), any_target(), any::<bool>()).prop_map(
        |(name, at, lasts, kind, target, planned)| Fault {
            name,
            at: Time(at),
            lasts: Span(lasts),
            kind,
            target,
            planned,
        },
    )
}

fn cases() -> u32 {
    let cases = std::env::var("STORMGLASS_CASES").ok();
    cases.map_or(1_000, |cases| cases.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_plan_parses_back_to_itself(faults in prop::collection::vec(any_fault(), 0..6)) {
        let plan = FaultPlan { faults };
        let text = print(&plan);
        prop_assert_eq!(parse("plan.toml", text).unwrap(), plan);
    }

    #[test]
    fn a_target_is_printed_as_it_is_read(target in any_target()) {
        let (again, draws) = target::parse(&target.to_string()).unwrap();
        prop_assert_eq!(again, target);
        prop_assert!(!draws);
    }

    #[test]
    fn a_kind_keeps_its_settings_in_a_file(kind in any_kind()) {
        if let Some(planned) = PlannedKind::from_fault(&kind) {
            prop_assert_eq!(planned.to_fault(), kind);
        }
    }
}
