//! Claims about a log whose disks go bad: one damaged replica is mended from the others, and what only one has is
//! lost with it.

use super::rig::{Left, Script, broker, fault, leader};
use super::sound;
use stormglass_core::fault::{FaultKind, Target};
use stormglass_core::time::Span;

fn struck(seed: u64, faults: Vec<(u64, FaultKind, Target)>) -> Script {
    let faults = faults.into_iter();
    Script {
        seed,
        faults: faults
            .map(|(at, kind, target)| fault(Span::secs(at), Span::secs(3), kind, target))
            .collect(),
        ..Script::default()
    }
}

/// Every publish was acknowledged in the end, and nothing is lost or doubled.
fn complete(left: &Left) {
    let acknowledged = left.acknowledged().len();
    assert_eq!(acknowledged, 4_000, "{:#?}", left.world.inspect());
    sound(left);
}

#[test]
fn a_damaged_replica_fetches_again_what_it_can_no_longer_read() {
    let mut cut = 0;
    for seed in 0..6 {
        for target in [leader(), broker(0), broker(1), broker(2)] {
            let left = struck(seed, vec![(8, FaultKind::Corrupt, target)]).run();
            complete(&left);
            assert_eq!(left.world.fault_log()[0].effects, 1);
            cut += left.corrupted();
        }
    }
    assert!(cut > 100, "{cut} batches could not be read any more");
}

#[test]
fn what_was_synced_everywhere_is_lost_when_every_replica_is_damaged() {
    let lost = |kind: FaultKind| -> usize {
        let runs = (0..6).map(|seed| {
            let all = Target::All("broker.main".to_owned());
            let mut script = struck(seed, vec![(12, kind.clone(), all)]);
            script.config.flush_interval_batches = 1;
            script.run().lost().len()
        });
        runs.sum()
    };
    assert!(lost(FaultKind::Corrupt) > 0);
    assert_eq!(lost(FaultKind::PowerLoss { torn: true }), 0);
}

#[test]
fn a_failed_sync_loses_nothing_while_other_replicas_have_it() {
    for seed in 0..6 {
        let mut script = struck(
            seed,
            vec![
                (8, FaultKind::FailedSync, leader()),
                (18, FaultKind::PowerLoss { torn: false }, broker(0)),
            ],
        );
        script.faults[0].at += Span::millis(200);
        script.config.flush_interval_batches = 1;
        let left = script.run();
        complete(&left);
        assert!(left.passed("log.disk-failed") > 0);
    }
}

#[test]
fn a_log_that_syncs_loses_what_failed_syncs_left_behind_when_too_many_machines_lose_power() {
    let lost = |kind: FaultKind| -> usize {
        let runs = (0..4).map(|seed| {
            // Both followers have pages that count as clean. Then the leader, which has none, leaves the in-sync set,
            // and they lose power.
            let followers = Target::Set(vec![broker(1), broker(2)]);
            let mut script = struck(
                seed,
                vec![
                    (8, kind.clone(), broker(2)),
                    (12, kind.clone(), broker(1)),
                    (15, FaultKind::Partition, broker(0)),
                    (21, FaultKind::PowerLoss { torn: false }, followers),
                ],
            );
            // Not at the instant at which marks are written: a broker whose marks fail appends no more.
            for fault in &mut script.faults {
                fault.at += Span::millis(200);
            }
            script.faults[2].lasts = Span::secs(12);
            script.config.flush_interval_batches = 1;
            script.run().lost().len()
        });
        runs.sum()
    };
    assert!(lost(FaultKind::FailedSync) > 0);
    assert_eq!(lost(FaultKind::SlowDisk { factor: 2 }), 0);
}
