//! Claims about processors that are told something from outside: to leave their group, and on which events their
//! operator fails.

use super::rig::{Judged, Pipeline, fault};
use stormglass_core::actor::Control;
use stormglass_core::fault::{Fault, FaultKind, Target};
use stormglass_core::processor::config::DeliveryMode;
use stormglass_core::sink::config::SinkKind;
use stormglass_core::time::Span;

const MODES: [(DeliveryMode, SinkKind); 2] = [
    (DeliveryMode::AtLeastOnce, SinkKind::Upsert),
    (DeliveryMode::ExactlyOnce, SinkKind::Transactional),
];

fn told(at: u64, lasts: u64, control: Control, node: &str) -> Fault {
    let (at, lasts) = (Span::secs(at), Span::secs(lasts));
    let target = Target::Node(node.to_owned());
    fault(at, lasts, FaultKind::Control(control), target)
}

fn silent(judged: &Judged, what: &str) {
    let alarms = judged.alarms();
    assert!(judged.audited, "{what}: {:#?}", judged.world.inspect());
    assert!(alarms.is_empty(), "{what}: {alarms:#?}");
}

#[test]
fn a_member_that_leaves_hands_over_what_it_finished_and_joins_again() {
    for (mode, sink) in MODES {
        let pipeline = Pipeline::new("count-by-key", mode, sink);
        for node in ["processor.totals.0", "processor.totals.1"] {
            let judged = pipeline.run(7, vec![told(8, 6, Control::Leave, node)]);
            silent(&judged, node);
            assert_eq!(judged.passed("consumer.left"), 1, "{mode:?}, {node}");
            // The other gives up its share for the rebalance after the leave, and for the one after the return.
            assert!(judged.passed("consumer.revoking") >= 3, "{mode:?}, {node}");
            assert_eq!(judged.passed("consumer.lost"), 0, "{mode:?}, {node}");
        }
    }
}

#[test]
fn a_member_that_boots_while_it_is_to_be_away_stays_away() {
    for (mode, sink) in MODES {
        let node = "processor.totals.0";
        let crash = fault(
            Span::secs(10),
            Span::secs(1),
            FaultKind::Crash,
            Target::Node(node.to_owned()),
        );
        let faults = vec![told(8, 8, Control::Leave, node), crash];
        let judged = Pipeline::new("count-by-key", mode, sink).run(7, faults);
        silent(&judged, "boots away");
        // Once when it is told, once when it is told again after the boot.
        assert_eq!(judged.passed("consumer.left"), 2, "{mode:?}");
    }
}

#[test]
fn a_group_without_members_leaves_its_work_until_one_returns() {
    let faults = ["processor.totals.0", "processor.totals.1"]
        .map(|node| told(8, 5, Control::Leave, node))
        .to_vec();
    let mode = DeliveryMode::ExactlyOnce;
    let pipeline = Pipeline::new("identity", mode, SinkKind::Transactional);
    silent(&pipeline.run(7, faults), "nobody is left");
}

#[test]
fn a_partition_waits_behind_an_event_on_which_the_operator_fails_and_loses_nothing() {
    for (mode, sink) in MODES {
        for one_in in [1, 4] {
            let nodes = ["processor.totals.0", "processor.totals.1"];
            let faults = nodes.map(|node| told(8, 6, Control::Poison { one_in }, node));
            let judged = Pipeline::new("count-by-key", mode, sink).run(7, faults.to_vec());
            silent(&judged, "poison");
            assert!(
                judged.passed("processor.poisoned") >= 2,
                "{mode:?}, {one_in}"
            );
        }
    }
}
