//! Claims about the log broker in scripted worlds: who leads, what is lost, what is cut.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the facts that it speaks of"
)]

mod disks;
mod flaws;
mod generations;
mod rig;
mod storms;
mod together;

use rig::{Left, Script, broker, fault, leader, partition};
use stormglass_core::fault::{FaultKind, Target};
use stormglass_core::history::{Fact, Role};
use stormglass_core::id::NodeId;
use stormglass_core::message::log::Acks;
use stormglass_core::time::Span;

/// What holds after every run in which acknowledged records may not be lost.
fn sound(left: &Left) {
    assert_eq!(left.lost(), Vec::<u64>::new(), "acknowledged and not shown");
    assert_eq!(left.doubled(), Vec::<u64>::new(), "shown twice");
    replicas_agree(left);
}

fn replicas_agree(left: &Left) {
    let logs = left.logs();
    for index in 0..8 {
        let at = partition(index);
        let [first, others @ ..] =
            [0, 1, 2].map(|node| logs.get(&(NodeId(node), at)).cloned().unwrap_or_default());
        for other in others {
            let difference = first
                .iter()
                .find(|(base, entry)| other.get(base) != Some(entry))
                .or_else(|| other.iter().find(|(base, _)| !first.contains_key(base)));
            assert_eq!(
                difference,
                None,
                "of {} and {} entries in {at}: {:?}\n{:#?}",
                first.len(),
                other.len(),
                left.plan,
                left.world.inspect()
            );
        }
    }
}

fn crash_of_the_leader(acks: Acks) -> Script {
    Script {
        acks,
        faults: vec![fault(
            Span::secs(8),
            Span::secs(5),
            FaultKind::Crash,
            leader(),
        )],
        ..Script::default()
    }
}

/// The first leader is cut off from its followers and its controller, but not from its publisher.
fn cut_off(acks: Acks) -> Script {
    let link = |other| Target::Link(Box::new(broker(0)), Box::new(broker(other)));
    let cut = |other| {
        let kind = FaultKind::Partition;
        fault(Span::secs(8), Span::secs(5), kind, link(other))
    };
    Script {
        acks,
        // A sequence that went on over lost batches would be refused for ever (K7).
        idempotent: acks == Acks::All,
        retries: acks == Acks::All,
        faults: vec![cut(1), cut(2)],
        ..Script::default()
    }
}

#[test]
fn every_publish_is_acknowledged_and_shown_once_without_faults() {
    let left = Script::default().run();
    assert_eq!(
        left.acknowledged().len(),
        4_000,
        "{:#?}",
        left.world.inspect()
    );
    assert_eq!(left.refusals, []);
    sound(&left);
}

#[test]
fn a_crashed_leader_is_replaced_and_nothing_acknowledged_is_lost() {
    let left = crash_of_the_leader(Acks::All).run();
    assert_eq!(
        left.acknowledged().len(),
        4_000,
        "{:#?}",
        left.world.inspect()
    );
    sound(&left);
    assert!(left.passed("log.leader-changed") > 2);
    assert!(
        left.passed("log.isr-expanded") > 0,
        "the old leader never came back"
    );
}

#[test]
fn a_leader_that_is_cut_off_loses_what_only_it_had_and_cuts_its_log_when_it_returns() {
    let hasty = cut_off(Acks::Leader).run();
    assert!(!hasty.lost().is_empty(), "acks=1 must lose here");
    assert!(hasty.passed("log.truncated") > 0);
    replicas_agree(&hasty);
    let patient = cut_off(Acks::All).run();
    assert_eq!(
        patient.acknowledged().len(),
        4_000,
        "{:#?}",
        patient.world.inspect()
    );
    sound(&patient);
}

#[test]
fn a_leader_that_dies_between_answer_and_replication_loses_an_acks_1_batch() {
    let dies = |acks| Script {
        acks,
        faults: vec![fault(
            Span::secs(8),
            Span::secs(5),
            FaultKind::CrashAt {
                point: "log.after-append-before-replicate".to_owned(),
                nth: 1,
            },
            leader(),
        )],
        ..Script::default()
    };
    assert!(!dies(Acks::Leader).run().lost().is_empty());
    sound(&dies(Acks::All).run());
}

#[test]
fn a_power_loss_of_a_minority_loses_nothing_acknowledged() {
    for index in 0..3 {
        let left = Script {
            partitions: 3,
            faults: vec![fault(
                Span::secs(8),
                Span::secs(5),
                FaultKind::PowerLoss { torn: true },
                broker(index),
            )],
            ..Script::default()
        }
        .run();
        assert_eq!(
            left.acknowledged().len(),
            4_000,
            "{:#?}",
            left.world.inspect()
        );
        sound(&left);
    }
}

#[test]
fn a_partition_has_one_leader_in_each_epoch() {
    let mut faults = Vec::new();
    for round in 0..4 {
        faults.push(fault(
            Span::secs(5 + 8 * round),
            Span::secs(4),
            FaultKind::Partition,
            leader(),
        ));
    }
    let left = Script {
        partitions: 3,
        events: 8_000,
        faults,
        ..Script::default()
    }
    .run();
    let mut terms = std::collections::BTreeMap::new();
    for observation in &left.observations {
        if let Fact::RoleTaken { role, epoch } = observation.fact
            && matches!(role, Role::Leader(_))
        {
            let holder = terms.entry((role, epoch)).or_insert(observation.node);
            assert_eq!(*holder, observation.node, "{role:?} in {epoch}");
        }
    }
    assert!(terms.len() > 6);
    assert_eq!(
        left.acknowledged().len(),
        8_000,
        "{:#?}",
        left.world.inspect()
    );
    sound(&left);
}

#[test]
fn a_broker_whose_disk_is_full_leaves_and_comes_back() {
    let left = Script {
        partitions: 3,
        faults: vec![fault(
            Span::secs(8),
            Span::secs(5),
            FaultKind::DiskFull,
            broker(0),
        )],
        ..Script::default()
    }
    .run();
    assert_eq!(
        left.acknowledged().len(),
        4_000,
        "{:#?}",
        left.world.inspect()
    );
    assert!(left.passed("log.disk-failed") > 0);
    sound(&left);
}

#[test]
fn a_follower_that_lags_leaves_the_in_sync_set_and_returns() {
    let left = Script {
        faults: vec![fault(
            Span::secs(8),
            Span::secs(10),
            FaultKind::Pause { clock_stops: false },
            broker(2),
        )],
        ..Script::default()
    }
    .run();
    assert_eq!(
        left.acknowledged().len(),
        4_000,
        "{:#?}",
        left.world.inspect()
    );
    assert!(left.count(|fact| matches!(fact, Fact::RoleTaken { .. })) > 0);
    sound(&left);
}
