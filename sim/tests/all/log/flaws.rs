//! Planted flaws in the worlds that show them, each beside the sound broker under the same plan.

use super::rig::{Left, Script, broker, fault, leader};
use super::{cut_off, sound};
use stormglass_core::broker::log::config::LogFlaw;
use stormglass_core::fault::FaultKind;
use stormglass_core::history::Fact;
use stormglass_core::id::NodeId;
use stormglass_core::message::log::Acks;
use stormglass_core::time::Span;

fn with(flaw: LogFlaw, script: &Script) -> Left {
    let mut script = script.clone();
    script.config.flaws.push(flaw);
    script.run()
}

#[test]
fn an_answer_before_replication_loses_acknowledged_batches() {
    let script = Script {
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
    assert!(!with(LogFlaw::AckBeforeReplicate, &script).lost().is_empty());
    sound(&script.run());
}

#[test]
fn a_follower_that_keeps_what_it_should_cut_diverges() {
    let left = with(LogFlaw::SkipTruncation, &cut_off(Acks::Leader));
    let logs = left.logs();
    let old = &logs[&(NodeId(0), super::partition(0))];
    let new = &logs[&(NodeId(1), super::partition(0))];
    assert!(
        old.iter()
            .any(|(base, entry)| { new.get(base).is_some_and(|other| other != entry) })
    );
}

#[test]
fn a_leader_that_forgets_sequences_stores_a_retry_twice() {
    let script = Script {
        faults: vec![fault(
            Span::secs(8),
            Span::secs(3),
            FaultKind::Reset {
                class: "publish".to_owned(),
                after: true,
            },
            broker(0),
        )],
        ..Script::default()
    };
    assert!(!with(LogFlaw::ForgetSequence, &script).doubled().is_empty());
    let left = script.run();
    sound(&left);
    assert!(left.passed("log.duplicate-batch") > 0);
}

#[test]
fn a_broker_that_lies_names_batches_that_nobody_sent() {
    let left = with(LogFlaw::LieInFacts, &Script::default());
    let lies = left.count(|fact| match fact {
        Fact::Appended { entry, .. } => entry.batch.events().iter().any(|event| event.value != 1),
        _ => false,
    });
    assert!(lies > 0);
}
