//! K3: who leaves the in-sync set and who joins it.

use super::*;
use crate::time::Span;

impl Bench {
    fn check(&mut self) -> Vec<Effect> {
        let (replica, desk) = (&mut self.replica, &mut self.desk);
        self.rig.with(|cx| replica.check_followers(cx, desk))
    }

    fn wish(&self) -> Option<BrokerSet> {
        self.replica.wish(7).map(|wish| wish.isr)
    }

    fn alive(mut self) -> Bench {
        for broker in &mut self.desk.brokers {
            broker.fenced = false;
        }
        self
    }
}

#[test]
fn a_follower_that_has_not_caught_up_for_the_bound_is_asked_out() {
    let mut bench = Bench::leading();
    bench.store(&batch(0, 1, None, 0));
    bench.follower_at(1, 1);
    bench.rig.wait(Span::secs(31));
    assert_eq!(points(&bench.check()), ["log.isr-shrunk"]);
    assert_eq!(bench.wish(), Some(set(&[0, 1])));
    assert_eq!(bench.desk.wishes, [0]);
}

#[test]
fn an_idle_follower_that_has_everything_stays() {
    let mut bench = Bench::leading();
    bench.store(&batch(0, 1, None, 0));
    bench.follower_at(1, 1);
    bench.follower_at(2, 1);
    bench.rig.wait(Span::secs(100));
    assert_eq!(bench.check(), []);
    // The lag counts from the last fetch before the append, not from the last explicit position.
    bench.desk.sessions[1].last_fetch = bench.rig.now;
    bench.desk.sessions[2].last_fetch = bench.rig.now;
    bench.rig.wait(Span::secs(1));
    bench.store(&batch(1, 1, None, 0));
    bench.rig.wait(Span::secs(20));
    assert_eq!(bench.check(), []);
    bench.rig.wait(Span::secs(10));
    assert_eq!(points(&bench.check()), ["log.isr-shrunk"]);
}

#[test]
fn a_follower_one_fetch_behind_a_busy_leader_stays() {
    let mut bench = Bench::leading();
    for round in 0..10 {
        bench.store(&batch(round, 1, None, 0));
        bench.follower_at(1, round);
        bench.follower_at(2, round);
        bench.rig.wait(Span::secs(10));
    }
    assert_eq!(bench.check(), []);
}

#[test]
fn the_high_watermark_counts_who_is_asked_out_until_the_log_says_so() {
    let mut bench = Bench::leading();
    bench.publish(Acks::All, &batch(0, 1, None, 0));
    bench.wrote();
    bench.follower_at(1, 1);
    bench.rig.wait(Span::secs(31));
    bench.check();
    assert_eq!(bench.high_watermark(), 0);
    let effects = bench.apply(state(0, 1, 2, &[0, 1]));
    assert_eq!(told(&effects), [Ok(0)]);
    assert_eq!(bench.wish(), None);
}

#[test]
fn a_follower_that_reaches_the_high_watermark_is_asked_in_and_counted_from_then_on() {
    let mut bench = Bench::leading().alive();
    bench.apply(state(0, 1, 2, &[0, 1]));
    bench.store(&batch(0, 1, None, 0));
    bench.follower_at(1, 1);
    bench.follower_at(2, 0);
    assert_eq!(bench.wish(), None, "it lacks a committed record");
    let effects = bench.follower_at(2, 1);
    assert_eq!(points(&effects), ["log.isr-expanded"]);
    assert_eq!(bench.wish(), Some(set(&[0, 1, 2])));
    bench.store(&batch(1, 1, None, 0));
    bench.follower_at(1, 2);
    assert_eq!(bench.high_watermark(), 1, "the joining follower counts");
}

#[test]
fn a_fenced_follower_or_one_of_an_older_boot_is_not_asked_in() {
    let mut bench = Bench::leading();
    bench.apply(state(0, 1, 2, &[0, 1]));
    bench.follower_at(2, 0);
    assert_eq!(bench.wish(), None);
    let mut bench = bench.alive();
    bench.desk.brokers[2].epoch = 5;
    bench.follower_at(2, 0);
    assert_eq!(bench.wish(), None);
    bench.desk.sessions[2].broker_epoch = 5;
    bench.follower_at(2, 0);
    assert_eq!(bench.wish(), Some(set(&[0, 1, 2])));
}

#[test]
fn a_wish_whose_answer_was_lost_stands_until_a_newer_state() {
    let mut bench = Bench::leading().alive();
    bench.apply(state(0, 1, 2, &[0, 1]));
    bench.follower_at(2, 0);
    assert!(bench.replica.wish_refused(2, None), "it is asked again");
    let refusal = Some(Refusal::StaleBrokerEpoch);
    assert!(!bench.replica.wish_refused(2, refusal));
    assert!(
        bench.wish().is_some(),
        "the first attempt may have been taken"
    );
    bench.apply(state(0, 1, 3, &[0, 1]));
    assert_eq!(bench.wish(), None);
}
