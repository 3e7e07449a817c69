//! Faults that strike several nodes of a log at once: a set, a zone, and two that miss each other.

use super::rig::{Left, Script, broker, fault};
use super::sound;
use stormglass_core::fault::{FaultKind, Target};
use stormglass_core::time::Span;

fn script(kind: FaultKind, target: Target) -> Script {
    Script {
        partitions: 3,
        faults: vec![fault(Span::secs(8), Span::secs(5), kind, target)],
        ..Script::default()
    }
}

fn resolved(left: &Left) -> Vec<String> {
    left.world.fault_log()[0].resolved.clone()
}

#[test]
fn two_nodes_that_miss_each_other_and_both_reach_the_third_lose_nothing() {
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let cut = Target::Link(Box::new(broker(one)), Box::new(broker(other)));
        let left = script(FaultKind::Partition, cut).run();
        assert_eq!(
            left.acknowledged().len(),
            4_000,
            "{:#?}",
            left.world.inspect()
        );
        assert!(left.passed("log.isr-shrunk") > 0, "nobody was missed");
        sound(&left);
    }
}

#[test]
fn a_network_with_a_bridge_between_two_groups_heals_whichever_node_is_the_bridge() {
    for bridge in 0..3_u16 {
        let [one, other] = [1, 2].map(|step| broker((bridge + step) % 3));
        // A set of one is that one.
        let cut = Target::Link(Box::new(Target::Set(vec![one])), Box::new(other));
        sound(&script(FaultKind::Partition, cut).run());
    }
}

#[test]
fn machines_that_lose_power_at_once_lose_what_only_they_had_unless_it_was_synced() {
    let lost = |flush_interval_batches| -> usize {
        let seeds = 0..6;
        let runs = seeds.map(|seed| {
            let both = Target::Set(vec![broker(0), broker(1), broker(2)]);
            let mut script = script(FaultKind::PowerLoss { torn: true }, both);
            script.seed = seed;
            script.config.flush_interval_batches = flush_interval_batches;
            let left = script.run();
            let names = ["broker.main.0", "broker.main.1", "broker.main.2"];
            assert_eq!(resolved(&left), names);
            left.lost().len()
        });
        runs.sum()
    };
    assert!(lost(0) > 0, "three machines without power lost nothing");
    assert_eq!(lost(1), 0);
}

#[test]
fn a_zone_is_the_nodes_in_it_without_the_world_outside() {
    for zone in 0..3 {
        for kind in [FaultKind::Partition, FaultKind::PowerLoss { torn: false }] {
            let left = script(kind, Target::Zone(zone)).run();
            // The publisher stands in the first zone and is not struck.
            assert_eq!(resolved(&left), [format!("broker.main.{zone}")]);
            assert_eq!(left.acknowledged().len(), 4_000);
            sound(&left);
        }
    }
}

#[test]
fn a_set_with_an_office_waits_for_its_holder() {
    let office = Target::Leader("broker.main".to_owned());
    let both = Target::Set(vec![office, broker(2)]);
    let mut early = script(FaultKind::Pause { clock_stops: false }, both);
    early.faults[0].at = stormglass_core::time::Time::ZERO;
    early.faults[0].lasts = Span::secs(10);
    let left = early.run();
    let log = left.world.fault_log();
    assert!(log[0].started.is_some_and(|at| at.0 > 0), "{log:?}");
    sound(&left);
}
