use super::*;
use crate::check::tests_support::pipeline;
use crate::sink::config::SinkKind;

fn fault(at: u64, kind: FaultKind, target: Target) -> Fault {
    Fault {
        name: None,
        at: Time(Span::secs(at).0),
        lasts: Span::secs(2),
        kind,
        target,
        planned: false,
    }
}

fn node(index: u16) -> Target {
    Target::Node(format!("broker.main.{index}"))
}

fn leader() -> Target {
    Target::Leader("broker.main".to_owned())
}

const POWER: FaultKind = FaultKind::PowerLoss { torn: false };

fn fits(faults: Vec<Fault>) -> bool {
    let mode = DeliveryMode::AtLeastOnce;
    let topology = pipeline(true, SinkKind::Append, "identity", mode);
    judge(&FaultPlan { faults }, &topology) == Fit::Inside
}

#[test]
fn one_power_loss_at_a_time_is_inside_and_two_are_outside() {
    // Each lasts 2 s and holds its budget for 5 s of catching up.
    let two = |second| vec![fault(0, POWER, node(0)), fault(second, POWER, node(1))];
    assert!(fits(two(7)));
    assert!(!fits(two(6)));
}

#[test]
fn the_same_node_twice_is_one_node_but_two_leaders_may_be_two() {
    assert!(fits(vec![
        fault(0, POWER, node(0)),
        fault(1, POWER, node(0))
    ]));
    assert!(!fits(vec![
        fault(0, POWER, leader()),
        fault(1, POWER, leader())
    ]));
}

#[test]
fn a_leader_that_is_waited_for_holds_its_budget_longer() {
    let two = |second| vec![fault(0, POWER, leader()), fault(second, POWER, leader())];
    assert!(!fits(two(8)));
    assert!(fits(two(9)));
}

#[test]
fn cutting_off_is_free_until_a_power_loss_comes_along() {
    let cut = |index| fault(0, FaultKind::Partition, node(index));
    assert!(fits(vec![cut(0), cut(1), cut(2)]));
    assert!(!fits(vec![cut(0), fault(1, POWER, node(1))]));
}

#[test]
fn a_damaged_disk_needs_another_replica_whether_or_not_it_was_synced() {
    let damaged = |at, index| fault(at, FaultKind::Corrupt, node(index));
    assert!(fits(vec![damaged(0, 0), damaged(7, 1)]));
    assert!(!fits(vec![damaged(0, 0), damaged(6, 1)]));
    // One that is cut off has what it had, and one that is down may have lost it.
    let with = |kind| fits(vec![damaged(0, 0), fault(1, kind, node(1))]);
    assert!(with(FaultKind::Partition) && !with(FaultKind::Crash));
    let sink = Target::All("sink.rows".to_owned());
    assert!(fits(vec![fault(0, POWER, sink.clone())]));
    assert!(!fits(vec![fault(0, FaultKind::Corrupt, sink)]));
    let workers = Target::All("processor.totals".to_owned());
    assert!(fits(vec![fault(0, FaultKind::Corrupt, workers)]));
}

#[test]
fn a_log_that_syncs_rests_on_its_replicas_once_a_sync_has_failed() {
    let mode = DeliveryMode::AtLeastOnce;
    let mut topology = pipeline(true, SinkKind::Append, "identity", mode);
    topology.logs[0].sync_before_ack = true;
    let fits = |faults| judge(&FaultPlan { faults }, &topology) == Fit::Inside;
    let dark = || fault(9, POWER, Target::All("broker.main".to_owned()));
    // A log that syncs withstands it but for its processes: as many as it has spare may be down.
    let two = |at| vec![fault(at, POWER, node(0)), fault(at + 7, POWER, node(1))];
    assert!(fits(two(9)));
    assert!(!fits(vec![dark()]));
    let failed = fault(0, FaultKind::FailedSync, node(0));
    let after = |faults: Vec<Fault>| [vec![failed.clone()], faults].concat();
    assert!(fits(after(two(9))));
    assert!(!fits(after(vec![
        fault(9, POWER, node(0)),
        fault(10, FaultKind::Partition, node(1)),
    ])));
    assert!(fits(vec![
        fault(9, POWER, node(0)),
        fault(10, FaultKind::Partition, node(1)),
    ]));
}

#[test]
fn a_zone_and_a_set_strike_what_they_name_and_two_roles_may_be_two_nodes() {
    let mode = DeliveryMode::AtLeastOnce;
    let mut topology = pipeline(true, SinkKind::Append, "identity", mode);
    topology.zones = 3;
    let fits = |target| {
        let faults = vec![fault(0, POWER, target)];
        judge(&FaultPlan { faults }, &topology) == Fit::Inside
    };
    assert!(fits(Target::Zone(1)));
    assert!(fits(Target::Set(vec![node(1)])));
    assert!(!fits(Target::Set(vec![node(0), node(1)])));
    assert!(!fits(Target::Set(vec![Target::Zone(0), Target::Zone(1)])));
    let controller = Target::Controller("broker.main".to_owned());
    assert!(!fits(Target::Set(vec![leader(), controller])));
    topology.zones = 1;
    let faults = vec![fault(0, POWER, Target::Zone(0))];
    assert_ne!(judge(&FaultPlan { faults }, &topology), Fit::Inside);
}

#[test]
fn a_fault_on_another_part_draws_on_no_budget_here() {
    let all = |part: &str| Target::All(part.to_owned());
    let faults = vec![
        fault(0, POWER, node(0)),
        fault(0, FaultKind::Crash, all("processor.totals")),
        fault(0, POWER, all("sink.rows")),
    ];
    assert!(fits(faults));
    assert!(!fits(vec![fault(0, FaultKind::Crash, all("broker.main"))]));
}

#[test]
fn a_clock_may_stray_up_to_its_bound() {
    // A thirty-second of 1,000 s of retention.
    let step = |secs: i64| FaultKind::ClockStep {
        by: secs * 1_000_000_000,
    };
    assert!(fits(vec![fault(0, step(31), node(0))]));
    assert!(!fits(vec![fault(0, step(-32), node(0))]));
}

#[test]
fn the_reason_names_part_and_bound() {
    let mode = DeliveryMode::AtLeastOnce;
    let topology = pipeline(true, SinkKind::Append, "identity", mode);
    let faults = vec![fault(0, POWER, Target::All("broker.main".to_owned()))];
    let Fit::Outside { fault, why } = judge(&FaultPlan { faults }, &topology) else {
        panic!("three power losses at once are outside");
    };
    assert_eq!(fault, 0);
    assert_eq!(
        why,
        "broker.main: up to 3 nodes without power at once, promised for 1"
    );
}

#[test]
fn what_a_part_is_held_to_takes_the_place_of_what_its_settings_imply() {
    let mode = DeliveryMode::AtLeastOnce;
    let mut topology = pipeline(true, SinkKind::Append, "identity", mode);
    let mut parts = (0..topology.parts.len()).map(|part| PartId(part as u16));
    let log = parts.find(|part| topology.name(*part) == "broker.main");
    let claim = Claim {
        power_losses: Some(2),
        cut_off: Some(1),
        ..Claim::default()
    };
    topology.claims.insert(log.expect("it has a log"), claim);
    let fits = |faults| judge(&FaultPlan { faults }, &topology) == Fit::Inside;
    let power = |count: u16| (0..count).map(|index| fault(0, POWER, node(index)));
    let cut = |index| fault(0, FaultKind::Partition, node(index));
    assert!(fits(power(2).collect()));
    assert!(!fits(power(3).collect()));
    assert!(fits(power(2).chain([cut(2)]).collect()));
    assert!(!fits(vec![cut(0), cut(1)]));
    // One that is cut off keeps a node that has lost its memory from catching up: its loss counts until both are back.
    let claim = Claim {
        power_losses: Some(1),
        ..Claim::default()
    };
    let held = |faults| {
        let mut topology = topology.clone();
        for own in topology.claims.values_mut() {
            *own = claim;
        }
        judge(&FaultPlan { faults }, &topology) == Fit::Inside
    };
    let losses = || vec![fault(1, POWER, node(1)), fault(8, POWER, node(0))];
    assert!(held(losses()));
    // The first cut ends when the node comes back.
    for (at, is_held) in [(0, true), (2, false), (7, false)] {
        let mut faults = losses();
        let mut cut = fault(at, FaultKind::Partition, node(0));
        cut.lasts = Span::secs(3);
        faults.push(cut);
        assert_eq!(held(faults), is_held, "a cut at {at} s");
    }
    // What is left out has no bound.
    let crash = |index| fault(0, FaultKind::Crash, node(index));
    assert!(fits(vec![crash(0), crash(1), crash(2)]));
}
