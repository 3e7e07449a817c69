use super::config::FanoutTopic;
use super::*;
use crate::broker::queue::stage::{Stage, numbers, tags};
use crate::disk::DiskError;
use crate::history::Fact;
use crate::message::queue::Verb;
use crate::message::{Refusal, Reply};
use crate::time::Span;

const A: GroupId = GroupId(1);
const B: GroupId = GroupId(2);

fn stage(subscribers: &[GroupId]) -> Stage {
    let mut config = FanoutConfig::default();
    let topic = FanoutTopic {
        max_deliveries: Some(3),
        ..FanoutTopic::default()
    };
    config.topics.insert("news".to_owned(), topic);
    let subscribers = vec![subscribers.to_vec()];
    Stage::new(move || Box::new(FanoutBroker::new(&config, &subscribers)))
}

#[test]
fn every_subscriber_has_a_copy_and_settles_it_alone() {
    let mut stage = stage(&[A, B]);
    let call = stage.publish(0..2);
    assert!(stage.is_acknowledged(call));
    let of_a = stage.receive(A, 9);
    assert_eq!(numbers(&of_a), [0, 1]);
    assert_eq!(stage.settle(A, Verb::Accept, &tags(&of_a)), 0);
    assert_eq!(numbers(&stage.receive(B, 9)), [0, 1]);
}

#[test]
fn a_publish_is_acknowledged_when_the_copies_of_all_are_synced() {
    let mut stage = stage(&[A, B]);
    stage.is_disk_slow = true;
    let call = stage.publish(0..1);
    assert!(!stage.is_acknowledged(call));
    stage.run_disk();
    assert!(stage.is_acknowledged(call));
    assert_eq!(stage.syncs, 2);
    let mut groups = Vec::new();
    for fact in &stage.facts {
        if let Fact::Enqueued { group, .. } = fact {
            groups.push(*group);
        }
    }
    assert_eq!(groups, [Some(A), Some(B)]);
}

#[test]
fn a_failed_delivery_is_retried_after_a_wait_that_doubles() {
    let mut stage = stage(&[A]);
    stage.publish(0..1);
    for wait in [1, 2] {
        let held = stage.receive(A, 1);
        stage.settle(A, Verb::Release, &tags(&held));
        stage.wait(Span::millis(wait * 1_000 - 1));
        assert!(stage.receive(A, 1).is_empty());
        stage.wait(Span::millis(1));
    }
    let held = stage.receive(A, 1);
    assert_eq!(held[0].tag.attempt, 3);
    assert!(stage.points.contains(&"fanout.retried"));
    stage.settle(A, Verb::Release, &tags(&held));
    assert_eq!(stage.dead_letters(), [0]);
}

#[test]
fn dead_letters_are_of_one_subscription() {
    let mut stage = stage(&[A, B]);
    stage.publish(0..1);
    let held = stage.receive(A, 1);
    stage.settle(A, Verb::Reject, &tags(&held));
    assert_eq!(stage.dead_letters(), [0]);
    assert_eq!(numbers(&stage.receive(B, 1)), [0]);
}

#[test]
fn what_nobody_has_subscribed_to_is_accepted_and_gone() {
    let mut stage = stage(&[]);
    let call = stage.publish(0..1);
    assert!(stage.is_acknowledged(call));
    assert_eq!(stage.records(), 0);
}

#[test]
fn copies_survive_a_power_loss() {
    let mut stage = stage(&[A, B]);
    stage.publish(0..2);
    stage.crash(true);
    assert_eq!(numbers(&stage.receive(A, 9)), [0, 1]);
    assert_eq!(numbers(&stage.receive(B, 9)), [0, 1]);
}

#[test]
fn a_publish_that_no_subscription_could_store_is_refused_for_certain() {
    let mut stage = stage(&[A, B]);
    stage.fails = Some(DiskError::Full);
    let call = stage.publish(0..1);
    assert_eq!(stage.replies[&call], Reply::Refused(Refusal::DiskFull));
}

#[test]
fn a_stranger_has_no_copies() {
    let mut stage = stage(&[A]);
    let call = stage.receive_on(1, B, 1);
    assert_eq!(stage.replies[&call], Reply::Refused(Refusal::Unsupported));
}
