use super::config::{QueueConfig, QueueFlaw, QueueTopic};
use super::stage::{GROUP, Stage, numbers, tags};
use super::*;
use crate::disk::DiskError;
use crate::message::queue::{Settle, Verb};
use crate::message::{Refusal, Reply, Request};
use crate::time::Span;

fn stage_of(change: impl Fn(&mut QueueConfig)) -> Stage {
    let mut config = QueueConfig::default();
    let topic = QueueTopic {
        visibility_timeout: Span::secs(30),
        max_deliveries: Some(3),
    };
    config.topics.insert("orders".to_owned(), topic);
    change(&mut config);
    Stage::new(move || Box::new(QueueBroker::new(&config)))
}

fn stage() -> Stage {
    stage_of(|_| {})
}

fn flawed(flaw: QueueFlaw) -> Stage {
    stage_of(|config| config.flaws = vec![flaw])
}

#[test]
fn a_queue_hands_out_what_was_published_in_order_and_to_one_consumer() {
    let mut stage = stage();
    let call = stage.publish(0..3);
    assert!(stage.is_acknowledged(call));
    stage.publish(3..5);
    assert_eq!(numbers(&stage.receive(GROUP, 4)), [0, 1, 2, 3]);
    assert_eq!(numbers(&stage.receive(GROUP, 4)), [4]);
    assert!(stage.receive(GROUP, 4).is_empty());
}

#[test]
fn a_publish_is_acknowledged_and_visible_only_when_it_is_synced() {
    let mut stage = stage();
    stage.is_disk_slow = true;
    let waiting = stage.receive_on(2, GROUP, 10);
    let first = stage.publish(0..1);
    assert!(!stage.is_acknowledged(first));
    stage.run_disk();
    assert!(stage.is_acknowledged(first));
    assert_eq!(numbers(&stage.received(waiting).unwrap()), [0]);
    assert_eq!(stage.syncs, 1);
}

#[test]
fn publishes_that_wait_together_share_a_sync() {
    let mut stage = stage();
    stage.is_disk_slow = true;
    let calls: Vec<_> = (0..20).map(|i| stage.publish(i..i + 1)).collect();
    stage.run_disk();
    assert!(calls.iter().all(|call| stage.is_acknowledged(*call)));
    assert_eq!(stage.syncs, 2);
}

#[test]
fn without_sync_before_ack_nothing_is_synced() {
    let mut stage = stage_of(|config| config.sync_before_ack = false);
    let call = stage.publish(0..1);
    assert!(stage.is_acknowledged(call));
    assert_eq!(stage.syncs, 0);
}

#[test]
fn a_queue_redelivers_when_a_lease_expires() {
    let mut stage = stage();
    stage.publish(0..2);
    let first = stage.receive(GROUP, 2);
    stage.settle(GROUP, Verb::Accept, &tags(&first)[..1]);
    stage.wait(Span::secs(29));
    assert!(stage.receive(GROUP, 2).is_empty());
    stage.wait(Span::secs(2));
    let second = stage.receive(GROUP, 2);
    assert_eq!(numbers(&second), [1]);
    assert_eq!(second[0].tag.attempt, 2);
    assert_eq!(stage.points, ["queue.redelivered"]);
}

#[test]
fn a_stale_tag_settles_nothing() {
    let mut stage = stage();
    stage.publish(0..1);
    let first = stage.receive(GROUP, 1);
    stage.wait(Span::secs(31));
    let second = stage.receive(GROUP, 1);
    for verb in [
        Verb::Accept,
        Verb::Reject,
        Verb::Release,
        Verb::Extend(Span::secs(9)),
    ] {
        assert_eq!(stage.settle(GROUP, verb, &tags(&first)), 1, "{verb:?}");
    }
    assert_eq!(stage.settle(GROUP, Verb::Accept, &tags(&second)), 0);
    assert_eq!(stage.settle(GROUP, Verb::Accept, &tags(&second)), 1);
}

#[test]
fn an_extended_lease_lasts_from_then() {
    let mut stage = stage();
    stage.publish(0..1);
    let held = stage.receive(GROUP, 1);
    stage.wait(Span::secs(20));
    assert_eq!(
        stage.settle(GROUP, Verb::Extend(Span::secs(60)), &tags(&held)),
        0
    );
    stage.wait(Span::secs(59));
    assert!(stage.receive(GROUP, 1).is_empty());
    stage.wait(Span::secs(2));
    assert_eq!(stage.receive(GROUP, 1).len(), 1);
}

#[test]
fn a_released_message_takes_its_place_again() {
    let mut stage = stage();
    stage.publish(0..3);
    let held = stage.receive(GROUP, 1);
    stage.settle(GROUP, Verb::Release, &tags(&held));
    assert_eq!(numbers(&stage.receive(GROUP, 3)), [0, 1, 2]);
}

#[test]
fn a_message_handed_out_too_often_goes_to_the_dead_letters() {
    let mut stage = stage();
    stage.publish(0..1);
    for _ in 0..3 {
        let held = stage.receive(GROUP, 1);
        assert_eq!(held.len(), 1);
        assert!(stage.dead_letters().is_empty());
        stage.settle(GROUP, Verb::Release, &tags(&held));
    }
    assert_eq!(stage.dead_letters(), [0]);
    assert!(stage.receive(GROUP, 1).is_empty());
    assert!(stage.points.contains(&"queue.dead-lettered"));
    stage.crash(false);
    assert!(stage.receive(GROUP, 1).is_empty());
}

#[test]
fn a_lease_that_runs_out_for_the_last_time_is_the_end_too() {
    let mut stage = stage();
    stage.publish(0..1);
    for _ in 0..3 {
        assert_eq!(stage.receive(GROUP, 1).len(), 1);
        stage.wait(Span::secs(31));
    }
    assert_eq!(stage.dead_letters(), [0]);
}

#[test]
fn a_rejected_message_is_dead_at_once() {
    let mut stage = stage();
    stage.publish(0..2);
    let held = stage.receive(GROUP, 1);
    assert_eq!(stage.settle(GROUP, Verb::Reject, &tags(&held)), 0);
    assert_eq!(stage.dead_letters(), [0]);
    stage.wait(Span::secs(60));
    assert_eq!(numbers(&stage.receive(GROUP, 5)), [1]);
}

#[test]
fn those_who_wait_longest_are_served_first_and_the_rest_is_told_nothing_came() {
    let mut stage = stage();
    let calls: Vec<_> = (2..5)
        .map(|slot| stage.receive_on(slot, GROUP, 1))
        .collect();
    stage.disconnect(2);
    stage.publish(0..1);
    assert_eq!(stage.received(calls[0]), None);
    assert_eq!(numbers(&stage.received(calls[1]).unwrap()), [0]);
    assert_eq!(stage.received(calls[2]), None);
    stage.wait(Span::secs(20));
    assert_eq!(stage.received(calls[2]), Some(Vec::new()));
}

#[test]
fn acknowledged_messages_survive_a_power_loss_and_leases_do_not() {
    let mut stage = stage();
    let call = stage.publish(0..3);
    assert!(stage.is_acknowledged(call));
    let held = stage.receive(GROUP, 1);
    stage.crash(true);
    assert!(stage.points.contains(&"queue.recovered"));
    let again = stage.receive(GROUP, 3);
    assert_eq!(numbers(&again), [0, 1, 2]);
    assert_eq!(held[0].tag.message, again[0].tag.message);
}

#[test]
fn a_crash_does_not_forget_how_often_a_message_was_handed_out() {
    let mut stage = stage();
    stage.publish(0..1);
    for attempt in 1..4 {
        assert_eq!(stage.receive(GROUP, 1)[0].tag.attempt, attempt);
        stage.crash(false);
    }
}

#[test]
fn an_accepted_message_stays_away_after_a_crash() {
    let mut stage = stage();
    stage.publish(0..4);
    let held = stage.receive(GROUP, 2);
    stage.settle(GROUP, Verb::Accept, &tags(&held));
    stage.crash(false);
    assert_eq!(numbers(&stage.receive(GROUP, 9)), [2, 3]);
}

#[test]
fn a_number_lost_with_the_power_is_never_given_to_another_message() {
    let mut stage = stage_of(|config| config.sync_before_ack = false);
    stage.publish(0..1);
    let old = stage.receive(GROUP, 1);
    stage.crash(true);
    stage.publish(1..2);
    let new = stage.receive(GROUP, 1);
    assert_eq!(numbers(&new), [1]);
    assert_eq!(stage.settle(GROUP, Verb::Accept, &tags(&old)), 1);
    assert_eq!(stage.settle(GROUP, Verb::Accept, &tags(&new)), 0);
}

#[test]
fn a_full_disk_refuses_for_certain_and_a_failed_sync_leaves_doubt() {
    let mut stage = stage();
    stage.fails = Some(DiskError::Full);
    let call = stage.publish(0..1);
    assert_eq!(stage.replies[&call], Reply::Refused(Refusal::DiskFull));
    stage.fails = None;
    stage.is_disk_slow = true;
    let call = stage.publish(1..2);
    stage.is_disk_slow = false;
    stage.fails = Some(DiskError::Failed);
    stage.run_disk();
    assert_eq!(stage.replies[&call], Reply::Refused(Refusal::DiskFailed));
    stage.fails = None;
    assert!(stage.receive(GROUP, 9).is_empty());
}

#[test]
fn an_accept_that_cannot_be_written_is_refused_and_the_message_comes_back() {
    let mut stage = stage();
    stage.publish(0..1);
    let held = stage.receive(GROUP, 1);
    stage.fails = Some(DiskError::Full);
    let settle = Settle {
        topic: TopicId(0),
        group: GROUP,
        verb: Verb::Accept,
        tags: tags(&held).into(),
    };
    let call = stage.ask_on(1, Request::Settle(settle.into()));
    assert_eq!(stage.replies[&call], Reply::Refused(Refusal::DiskFull));
    stage.fails = None;
    assert_eq!(numbers(&stage.receive(GROUP, 1)), [0]);
}

#[test]
fn the_journal_stays_bounded_and_a_crash_after_rewriting_loses_nothing() {
    let mut stage = stage();
    stage.publish(0..5);
    let dead = stage.receive(GROUP, 1);
    stage.settle(GROUP, Verb::Reject, &tags(&dead));
    for number in 5..3_000 {
        stage.publish(number..number + 1);
        let held = stage.receive(GROUP, 1);
        stage.settle(GROUP, Verb::Accept, &tags(&held));
    }
    assert!(stage.rewrites > 4, "{} rewrites", stage.rewrites);
    assert!(stage.records() < 1_100, "{} records", stage.records());
    stage.crash(false);
    assert_eq!(
        numbers(&stage.receive(GROUP, 9)),
        [2_996, 2_997, 2_998, 2_999]
    );
}

#[test]
fn publishes_during_a_rewrite_are_neither_lost_nor_doubled() {
    let mut stage = stage();
    stage.is_disk_slow = true;
    let (mut calls, mut polls, mut accepted) = (Vec::new(), Vec::new(), 0);
    for number in 0..1_500 {
        calls.push(stage.publish(number..number + 1));
        polls.push(stage.receive_on(3, GROUP, 1));
        if number % 7 == 0 {
            stage.run_disk();
        }
        let Some(held) = polls.first().and_then(|poll| stage.received(*poll)) else {
            continue;
        };
        polls.remove(0);
        accepted += held.len();
        let settle = Settle {
            topic: TopicId(0),
            group: GROUP,
            verb: Verb::Accept,
            tags: tags(&held).into(),
        };
        stage.ask_on(3, Request::Settle(settle.into()));
    }
    stage.run_disk();
    stage.is_disk_slow = false;
    assert!(calls.iter().all(|call| stage.is_acknowledged(*call)));
    assert!(stage.rewrites > 0);
    stage.crash(false);
    let left = stage.receive(GROUP, u16::MAX);
    assert_eq!(left.len() + accepted, 1_500);
}

#[test]
fn what_a_queue_does_not_offer_is_refused() {
    let mut stage = stage();
    let call = stage.ask_on(0, Request::InitProducer);
    assert_eq!(stage.replies[&call], Reply::Refused(Refusal::Unsupported));
    let call = stage.ask_on(0, Request::Metadata(TopicId(0)));
    assert!(matches!(&stage.replies[&call], Reply::Metadata(m) if m.partitions.len() == 1));
}

#[test]
fn requests_are_put_off_until_the_journal_is_read() {
    let mut stage = stage();
    stage.publish(0..1);
    stage.is_disk_slow = true;
    stage.crash(false);
    let call = stage.publish(1..2);
    assert_eq!(
        stage.replies[&call],
        Reply::Refused(Refusal::CoordinatorLoading)
    );
    stage.run_disk();
    let calls = stage.receive_on(1, GROUP, 1);
    assert_eq!(numbers(&stage.received(calls).unwrap()), [0]);
}

#[test]
fn the_flaw_ack_before_sync_loses_acknowledged_messages() {
    let mut stage = flawed(QueueFlaw::AckBeforeSync);
    let call = stage.publish(0..1);
    assert!(stage.is_acknowledged(call));
    stage.crash(true);
    assert!(stage.receive(GROUP, 1).is_empty());
}

#[test]
fn the_flaw_forget_on_delivery_loses_what_a_consumer_had() {
    let mut stage = flawed(QueueFlaw::ForgetOnDelivery);
    stage.publish(0..1);
    let held = stage.receive(GROUP, 1);
    assert_eq!(stage.settle(GROUP, Verb::Accept, &tags(&held)), 0);
    stage.wait(Span::secs(31));
    assert!(stage.receive(GROUP, 1).is_empty());
}

#[test]
fn the_flaw_drop_dead_letters_tells_nobody() {
    let mut stage = flawed(QueueFlaw::DropDeadLetters);
    stage.publish(0..1);
    let held = stage.receive(GROUP, 1);
    stage.settle(GROUP, Verb::Reject, &tags(&held));
    assert!(stage.dead_letters().is_empty());
    stage.wait(Span::secs(31));
    assert!(stage.receive(GROUP, 1).is_empty());
}

#[test]
fn the_flaw_forget_accept_hands_out_again() {
    let mut stage = flawed(QueueFlaw::ForgetAccept);
    stage.publish(0..1);
    let held = stage.receive(GROUP, 1);
    assert_eq!(stage.settle(GROUP, Verb::Accept, &tags(&held)), 0);
    stage.wait(Span::secs(31));
    assert_eq!(stage.receive(GROUP, 1).len(), 1);
}
