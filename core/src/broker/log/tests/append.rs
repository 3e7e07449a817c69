//! K1, K2, K4, K6: appends, acknowledgements and the high watermark.

use super::*;
use crate::actor::Effect;
use crate::broker::log::points::AFTER_APPEND;
use crate::disk::{DiskOp, DiskRecord, DiskVerb, FileId, FileKind};
use crate::event::Entry;
use crate::history::{Fact, Role};

#[test]
fn an_append_goes_to_the_disk_with_its_fact_and_is_answered_when_the_disk_has_it() {
    let mut bench = Bench::leading();
    let batch = batch(0, 2, None, 0);
    let entry = Entry {
        base: Offset(0),
        epoch: Epoch(1),
        batch: batch.clone(),
    };
    let append = Effect::Disk(DiskOp {
        file: FileId::new(FileKind::Segment, PARTITION.code(), 0),
        verb: DiskVerb::Append(vec![DiskRecord::Entry(entry.clone())]),
        token: 0,
        fact: Some(Fact::Appended {
            partition: PARTITION,
            entry,
        }),
    });
    assert_eq!(bench.publish(Acks::Leader, &batch), [append]);
    let reply = Reply::Published(Published {
        partition: PARTITION,
        base: Offset(0),
        batch,
    });
    let answer = Effect::Send {
        connection: CLIENT,
        message: Message::Reply {
            call: CallId(0),
            reply,
        },
    };
    assert_eq!(bench.wrote(), [answer, Effect::Point(AFTER_APPEND)]);
}

#[test]
fn acks_0_is_never_answered() {
    let mut bench = Bench::leading();
    let effects = bench.publish(Acks::None, &batch(0, 1, None, 0));
    assert_eq!(told(&effects), []);
    assert_eq!(told(&bench.wrote()), []);
    assert_eq!(bench.end(), 1);
}

#[test]
fn acks_all_is_answered_when_every_in_sync_replica_has_it() {
    let mut bench = Bench::leading();
    bench.publish(Acks::All, &batch(0, 3, None, 0));
    assert_eq!(told(&bench.wrote()), []);
    assert_eq!(told(&bench.follower_at(1, 3)), []);
    assert_eq!(bench.high_watermark(), 0);
    assert_eq!(told(&bench.follower_at(2, 3)), [Ok(0)]);
    assert_eq!(bench.high_watermark(), 3);
}

#[test]
fn acks_all_is_refused_before_the_append_while_the_in_sync_set_is_too_small() {
    let mut bench = Bench::leading();
    bench.apply(state(0, 1, 2, &[0]));
    let effects = bench.publish(Acks::All, &batch(0, 1, None, 0));
    assert_eq!(told(&effects), [Err(Refusal::NotEnoughReplicas)]);
    assert_eq!(bench.end(), 0);
    let effects = bench.publish(Acks::Leader, &batch(0, 1, None, 0));
    assert_eq!(told(&effects), []);
    assert_eq!(bench.end(), 1, "acks=1 asks nobody");
}

#[test]
fn a_set_that_shrinks_after_the_append_leaves_the_fate_open_and_the_record_in_place() {
    let mut bench = Bench::leading();
    bench.publish(Acks::All, &batch(0, 1, None, 0));
    bench.wrote();
    let effects = bench.apply(state(0, 1, 2, &[0]));
    assert_eq!(told(&effects), [Err(Refusal::NotEnoughReplicasAfterAppend)]);
    assert!(!Refusal::NotEnoughReplicasAfterAppend.is_definite());
    assert_eq!(bench.end(), 1);
}

#[test]
fn the_high_watermark_stands_while_the_in_sync_set_is_too_small() {
    let mut bench = Bench::leading();
    bench.apply(state(0, 1, 2, &[0]));
    bench.store(&batch(0, 1, None, 0));
    assert_eq!(bench.high_watermark(), 0);
    bench.apply(state(0, 1, 3, &[0, 1]));
    assert_eq!(bench.high_watermark(), 0, "the follower's log is not known");
    bench.follower_at(1, 1);
    assert_eq!(bench.high_watermark(), 1);
}

#[test]
fn a_new_leader_keeps_its_whole_log_and_commits_it_when_it_is_replicated() {
    let mut bench = Bench::leading();
    bench.store(&batch(0, 2, None, 0));
    let effects = bench.apply(state(0, 3, 2, &[0, 1]));
    let taken = Effect::Observe(Fact::RoleTaken {
        role: Role::Leader(PARTITION),
        epoch: 3,
    });
    let lost = Effect::Observe(Fact::RoleLost {
        role: Role::Leader(PARTITION),
        epoch: 1,
    });
    assert_eq!(effects[..2], [lost, taken]);
    assert_eq!(points(&effects), ["log.leader-changed"]);
    assert_eq!((bench.end(), bench.high_watermark()), (2, 0));
    bench.follower_at(1, 2);
    assert_eq!(bench.high_watermark(), 2);
}

#[test]
fn a_leader_that_steps_down_leaves_the_fate_of_what_waits_open() {
    let mut bench = Bench::leading();
    bench.publish(Acks::All, &batch(0, 1, None, 0));
    let effects = bench.apply(state(1, 2, 2, &[0, 1]));
    assert_eq!(told(&effects), [Err(Refusal::TimedOut)]);
    let effects = bench.publish(Acks::All, &batch(1, 1, None, 0));
    assert_eq!(told(&effects), [Err(Refusal::NotLeader)]);
}

#[test]
fn a_hasty_leader_answers_acks_all_for_itself() {
    let mut bench = Bench::flawed(&[LogFlaw::AckBeforeReplicate]).leads();
    bench.publish(Acks::All, &batch(0, 1, None, 0));
    assert_eq!(told(&bench.wrote()), [Ok(0)]);
}

#[test]
fn a_lying_broker_names_now_and_then_another_batch_than_it_stores() {
    let mut bench = Bench::flawed(&[LogFlaw::LieInFacts]).leads();
    let mut lies = 0;
    for number in 0..32 {
        let batch = batch(number, 1, None, 0);
        for effect in bench.publish(Acks::Leader, &batch) {
            if let Effect::Disk(DiskOp {
                fact: Some(Fact::Appended { entry, .. }),
                ..
            }) = effect
            {
                lies += u32::from(entry.batch != batch);
            }
        }
        bench.wrote();
    }
    assert_eq!(lies, 2);
}

#[test]
fn with_a_flush_interval_the_batch_that_completes_it_waits_for_the_sync() {
    let mut bench = Bench::with(LogConfig {
        flush_interval_batches: 2,
        ..LogConfig::default()
    })
    .leads();
    bench.publish(Acks::Leader, &batch(0, 1, None, 0));
    assert_eq!(told(&bench.wrote()), [Ok(0)]);
    let effects = bench.publish(Acks::Leader, &batch(1, 1, None, 0));
    assert_eq!(effects.len(), 2, "{effects:?}");
    assert_eq!(told(&bench.wrote()), []);
    bench.writes -= 1;
    assert_eq!(told(&bench.wrote()), [Ok(1)]);
}
