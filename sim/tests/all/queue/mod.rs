//! Claims about the queue and fan-out brokers, and the reference source, in scripted worlds.

mod rig;

use rig::{GROUPS, Left, Script, fault};
use stormglass_core::broker::queue::config::QueueFlaw;
use stormglass_core::fault::FaultKind;
use stormglass_core::time::{Span, Time};

const BROKER: &str = "broker.main.0";

fn with(kind: FaultKind, node: &str) -> Script {
    Script {
        faults: vec![fault(kind, node)],
        ..Script::default()
    }
}

/// Everything owed was acknowledged in the end, and everything acknowledged was handed out.
fn complete(left: &Left) {
    assert!(left.owed().len() > 3_700, "{} owed", left.owed().len());
    assert_eq!(
        left.acknowledged().len(),
        left.owed().len(),
        "{:#?}",
        left.world.inspect()
    );
    assert_eq!(
        left.lost(),
        Vec::<u64>::new(),
        "acknowledged and never handed out"
    );
}

#[test]
fn without_faults_everything_owed_is_handed_out_once() {
    let left = Script::default().run();
    complete(&left);
    assert_eq!(left.doubled(), 0);
    assert_eq!(left.passed("publisher.retried"), 0);
}

#[test]
fn a_source_owes_the_same_events_whatever_goes_wrong() {
    let owed = |script: Script| {
        let mut owed = script.run().owed();
        owed.sort_unstable();
        owed
    };
    let calm = owed(Script::default());
    assert!(calm.iter().zip(0..).all(|(number, i)| *number == i));
    assert_eq!(calm, owed(with(FaultKind::Crash, BROKER)));
    assert_eq!(calm, owed(with(FaultKind::Partition, BROKER)));
}

#[test]
fn a_crash_of_the_broker_loses_nothing_acknowledged() {
    let left = with(FaultKind::Crash, BROKER).run();
    complete(&left);
    assert_eq!(left.passed("queue.recovered"), 1);
    assert!(left.passed("publisher.retried") > 0);
}

#[test]
fn a_power_loss_of_the_broker_loses_nothing_acknowledged() {
    for seed in 0..10 {
        let mut script = with(FaultKind::PowerLoss { torn: true }, BROKER);
        script.seed = seed;
        complete(&script.run());
    }
}

#[test]
fn a_broker_that_answers_before_it_syncs_loses_to_a_power_loss() {
    let lost = |flaws: &[QueueFlaw]| -> usize {
        (0..10)
            .map(|seed| {
                let mut script = with(FaultKind::PowerLoss { torn: false }, BROKER);
                script.seed = seed;
                script.flaws = flaws.to_vec();
                // Nobody takes messages while the power goes, so that there is something to lose.
                for node in ["processor.a.0", "processor.b.0"] {
                    let mut absent = fault(FaultKind::Crash, node);
                    absent.at = Time(9_000_000_000);
                    script.faults.push(absent);
                }
                script.run().lost().len()
            })
            .sum()
    };
    assert!(lost(&[QueueFlaw::AckBeforeSync]) > 0);
    assert_eq!(lost(&[]), 0);
}

#[test]
fn what_a_crashed_consumer_held_is_handed_to_another() {
    let left = with(FaultKind::Crash, "processor.a.0").run();
    complete(&left);
    let mut script = with(FaultKind::Pause { clock_stops: false }, "processor.a.0");
    script.faults[0].lasts = Span::secs(8);
    let left = script.run();
    complete(&left);
    assert!(left.passed("queue.redelivered") > 0);
}

#[test]
fn a_message_forgotten_on_delivery_is_lost_with_its_consumer() {
    let stuck = |flaws: &[QueueFlaw]| {
        let drop = FaultKind::Drop {
            class: "received".to_owned(),
            count: 3,
        };
        let mut script = with(drop, BROKER);
        script.flaws = flaws.to_vec();
        script.run().lost().len()
    };
    assert_eq!(stuck(&[]), 0);
    assert!(stuck(&[QueueFlaw::ForgetOnDelivery]) > 0);
}

#[test]
fn a_publish_whose_answer_is_lost_is_stored_twice() {
    let reset = FaultKind::Reset {
        class: "publish".to_owned(),
        after: true,
    };
    let left = with(reset, BROKER).run();
    complete(&left);
    assert!(left.doubled() > 0, "{:#?}", left.world.fault_log());
}

#[test]
fn a_full_disk_delays_and_loses_nothing() {
    let left = with(FaultKind::DiskFull, BROKER).run();
    complete(&left);
    assert!(left.passed("publisher.retried") > 0);
}

#[test]
fn a_failed_sync_is_mended_before_anything_is_answered_again() {
    for seed in 0..10 {
        let mut script = with(FaultKind::FailedSync, BROKER);
        script.seed = seed;
        // Nobody takes messages meanwhile, so that there is something to lose when the power goes later.
        for node in ["processor.a.0", "processor.b.0"] {
            let mut absent = fault(FaultKind::Crash, node);
            absent.at = Time(9_000_000_000);
            absent.lasts = Span::secs(6);
            script.faults.push(absent);
        }
        let mut power = fault(FaultKind::PowerLoss { torn: false }, BROKER);
        power.at = script.faults[0].at + script.faults[0].lasts + Span::millis(300);
        script.faults.push(power);
        script.faults.sort_by_key(|fault| fault.at);
        let left = script.run();
        complete(&left);
        assert!(left.passed("queue.sync-failed") > 0);
    }
}

#[test]
fn a_damaged_journal_loses_what_only_it_had() {
    let lost: usize = (0..10)
        .map(|seed| {
            let mut script = with(FaultKind::Corrupt, BROKER);
            script.seed = seed;
            // Nobody takes messages meanwhile, so that there is something to lose.
            for node in ["processor.a.0", "processor.b.0"] {
                let mut absent = fault(FaultKind::Crash, node);
                absent.at = Time(9_000_000_000);
                script.faults.push(absent);
            }
            script.run().lost().len()
        })
        .sum();
    assert!(lost > 0);
}

#[test]
fn every_subscriber_of_a_fanout_is_handed_everything() {
    for kind in [
        FaultKind::Crash,
        FaultKind::PowerLoss { torn: true },
        FaultKind::Partition,
    ] {
        let mut script = with(kind, BROKER);
        script.is_fanout = true;
        let left = script.run();
        complete(&left);
        let owed = left.owed().len();
        for group in GROUPS {
            assert_eq!(left.received(Some(group)).len(), owed, "{group}");
        }
    }
}
