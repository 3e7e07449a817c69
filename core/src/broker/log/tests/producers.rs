//! K7: idempotent producers.

use super::*;
use crate::broker::log::config::FirstSequence;

#[test]
fn a_retry_is_answered_with_its_old_offset_and_not_stored_again() {
    let mut bench = Bench::leading();
    let first = batch(0, 3, from(1, 0, 0), 0);
    bench.store(&first);
    bench.store(&batch(3, 1, from(1, 0, 3), 0));
    let effects = bench.publish(Acks::Leader, &first);
    assert_eq!(told(&effects), [Ok(0)]);
    assert_eq!(points(&effects), ["log.duplicate-batch"]);
    assert_eq!(bench.end(), 4);
}

#[test]
fn a_retry_with_acks_all_waits_for_the_high_watermark_too() {
    let mut bench = Bench::leading();
    let first = batch(0, 3, from(1, 0, 0), 0);
    bench.store(&first);
    assert_eq!(told(&bench.publish(Acks::All, &first)), []);
    bench.follower_at(1, 3);
    assert_eq!(told(&bench.follower_at(2, 3)), [Ok(0)]);
}

#[test]
fn a_gap_is_refused_and_so_is_a_duplicate_older_than_five_batches() {
    let mut bench = Bench::leading();
    for number in 0..6 {
        bench.store(&batch(number, 1, from(1, 0, number), 0));
    }
    for (sequence, told_of) in [(7, true), (0, true), (1, false)] {
        let effects = bench.publish(Acks::Leader, &batch(sequence, 1, from(1, 0, sequence), 0));
        let refused = told(&effects) == [Err(Refusal::OutOfOrderSequence)];
        assert_eq!(refused, told_of, "sequence {sequence}");
    }
    assert_eq!(bench.end(), 6);
}

#[test]
fn an_unwritten_partition_takes_the_first_batch_alone_and_a_written_one_any() {
    let mut bench = Bench::leading();
    let second = bench.publish(Acks::Leader, &batch(3, 1, from(1, 0, 3), 0));
    assert_eq!(told(&second), [Err(Refusal::OutOfOrderSequence)]);
    bench.store(&batch(0, 3, from(1, 0, 0), 0));
    bench.store(&batch(3, 1, from(1, 0, 3), 0));
    bench.store(&batch(9, 1, from(2, 0, 7), 0));
    assert_eq!(bench.end(), 5);

    let mut bench = Bench::leading();
    bench.desk.settings.first_sequence = FirstSequence::Any;
    bench.store(&batch(3, 1, from(1, 0, 3), 0));
    let first = bench.publish(Acks::Leader, &batch(0, 3, from(1, 0, 0), 0));
    assert_eq!(told(&first), [Err(Refusal::OutOfOrderSequence)]);
}

#[test]
fn a_lower_producer_epoch_is_fenced_and_a_higher_one_begins_at_0() {
    let mut bench = Bench::leading();
    bench.store(&batch(0, 1, from(1, 1, 0), 0));
    let old = bench.publish(Acks::Leader, &batch(1, 1, from(1, 0, 1), 0));
    assert_eq!(told(&old), [Err(Refusal::InvalidProducerEpoch)]);
    let gap = bench.publish(Acks::Leader, &batch(1, 1, from(1, 2, 1), 0));
    assert_eq!(told(&gap), [Err(Refusal::OutOfOrderSequence)]);
    bench.store(&batch(1, 1, from(1, 2, 0), 0));
    assert_eq!(bench.end(), 2);
}

#[test]
fn what_a_truncation_removed_is_not_taken_for_stored() {
    let mut bench = Bench::leading();
    bench.store(&batch(0, 1, from(1, 0, 0), 0));
    let second = batch(1, 1, from(1, 0, 1), 0);
    bench.store(&second);
    let log = &mut bench.replica.log;
    bench.rig.with(|cx| {
        assert!(log.truncate(cx, Offset(1)));
    });
    assert_eq!(told(&bench.publish(Acks::Leader, &second)), []);
    assert_eq!(told(&bench.wrote()), [Ok(1)]);
}

#[test]
fn a_producer_that_was_forgotten_may_go_on_and_may_double() {
    let mut bench = Bench::leading();
    bench.store(&batch(0, 4, from(1, 0, 0), 0));
    let second = batch(4, 1, from(1, 0, 4), 0);
    bench.store(&second);
    bench.replica.log.producers.expire();
    bench.store(&second);
    assert_eq!(bench.end(), 6);
}

#[test]
fn a_leader_that_ignores_sequences_stores_a_retry_twice() {
    let mut bench = Bench::flawed(&[LogFlaw::ForgetSequence]).leads();
    let first = batch(0, 1, from(1, 0, 0), 0);
    bench.store(&first);
    bench.store(&first);
    assert_eq!(bench.end(), 2);
}
