use super::*;
use crate::event::{Event, EventId};
use crate::id::{GroupId, Offset, Partition};
use crate::message::sink::{Covered, ReadRows};
use crate::test_disk::Desk;
use crate::time::Time;

const GROUP: GroupId = GroupId(3);
const PARTITION: Partition = Partition {
    topic: crate::id::TopicId(0),
    index: 1,
};

fn row(number: u64, key: u64, value: i64) -> Event {
    Event {
        id: EventId { source: 0, number },
        key,
        event_time: 0,
        due: Time(0),
        value,
        size: 100,
        kind: 0,
        label: 0,
    }
}

fn config(kind: SinkKind) -> SinkConfig {
    SinkConfig {
        kind,
        sync_before_ack: true,
        refuses_lower_tokens: false,
        flaws: Vec::new(),
    }
}

fn flawed(kind: SinkKind, flaw: SinkFlaw) -> SinkConfig {
    SinkConfig {
        flaws: vec![flaw],
        ..config(kind)
    }
}

fn desk(config: &SinkConfig) -> Desk<Sink> {
    Desk::boot(Sink::new(config))
}

/// Rows `(number, key, value)` with their numbers as versions.
fn write(rows: &[(u64, u64, i64)]) -> Arc<Write> {
    Arc::new(Write {
        group: GROUP,
        epoch: 1,
        rows: rows.iter().map(|(n, k, v)| row(*n, *k, *v)).collect(),
        versions: rows.iter().map(|(n, _, _)| *n).collect(),
        covered: None,
        credits: None,
    })
}

/// Rows `from..next` that cover their partition below `next`.
fn covering(epoch: u32, from: u64, next: u64) -> Request {
    let rows: Vec<_> = (from..next).map(|n| (n, n, 0)).collect();
    Request::Write(Arc::new(Write {
        epoch,
        covered: Some(Covered {
            partition: PARTITION,
            next: Offset(next),
            watermark: crate::event_time::BEGINNING,
        }),
        ..(*write(&rows)).clone()
    }))
}

fn adopt(epoch: u32) -> Request {
    Request::Adopt {
        group: GROUP,
        partition: PARTITION,
        epoch,
    }
}

fn adopted_position(reply: &Reply) -> Option<u64> {
    let Reply::Adopted(stored) = reply else {
        panic!("{reply:?} does not answer an adoption");
    };
    stored.as_ref().map(|stored| stored.covered.next.0)
}

fn shown(desk: &mut Desk<Sink>, max: u32) -> Vec<(u64, i64)> {
    let mut rows = Vec::new();
    let mut cursor = Some(0);
    while let Some(at) = cursor {
        let reply = desk.answer(Request::ReadRows(ReadRows { cursor: at, max }));
        let Reply::Rows(page) = reply else {
            panic!("{reply:?} does not answer a reader");
        };
        rows.extend(page.rows.iter().map(|row| (row.id.number, row.value)));
        cursor = page.next;
    }
    rows
}

#[test]
fn a_write_is_visible_when_written_and_answered_when_durable() {
    let mut desk = desk(&config(SinkKind::Append));
    let call = desk.ask(Request::Write(write(&[(0, 0, 5)])));
    assert!(shown_now(&mut desk).is_empty());
    assert!(desk.work(), "the append");
    assert_eq!(shown_now(&mut desk), [(0, 5)]);
    assert_eq!(desk.reply(call), None);
    assert!(desk.work(), "the sync");
    assert_eq!(desk.reply(call), Some(Reply::Written(write(&[(0, 0, 5)]))));
}

/// The first page without letting the disk work.
fn shown_now(desk: &mut Desk<Sink>) -> Vec<(u64, i64)> {
    let call = desk.ask(Request::ReadRows(ReadRows {
        cursor: 0,
        max: 100,
    }));
    let Some(Reply::Rows(page)) = desk.reply(call) else {
        panic!("a reader waits for no disk");
    };
    page.rows
        .iter()
        .map(|row| (row.id.number, row.value))
        .collect()
}

#[test]
fn the_fact_of_a_write_rides_on_its_append() {
    let mut desk = desk(&config(SinkKind::Append));
    desk.ask(Request::Write(write(&[(0, 0, 5)])));
    let facts: Vec<_> = desk.pending.iter().map(|op| op.fact.clone()).collect();
    assert_eq!(facts, [Some(Fact::Effects(write(&[(0, 0, 5)])))]);
}

#[test]
fn writes_that_come_while_the_disk_works_share_one_sync() {
    let mut desk = desk(&config(SinkKind::Append));
    let before = desk.syncs;
    for number in 0..5 {
        desk.ask(Request::Write(write(&[(number, 0, 0)])));
    }
    desk.settle();
    assert_eq!(
        desk.syncs - before,
        2,
        "one for the first, one for the rest"
    );
    assert_eq!(desk.replies.len(), 5);
}

#[test]
fn an_append_sink_shows_a_repeated_write_twice() {
    let mut desk = desk(&config(SinkKind::Append));
    desk.answer(Request::Write(write(&[(0, 0, 5)])));
    desk.answer(Request::Write(write(&[(0, 0, 5)])));
    assert_eq!(shown(&mut desk, 1), [(0, 5), (0, 5)]);
}

#[test]
fn pages_show_every_row_once_whatever_their_size() {
    let mut desk = desk(&config(SinkKind::Append));
    for first in [0, 3, 6] {
        let rows: Vec<_> = (first..first + 3).map(|n| (n, n, 0)).collect();
        desk.answer(Request::Write(write(&rows)));
    }
    for max in 1..=10 {
        let numbers: Vec<u64> = shown(&mut desk, max).iter().map(|(n, _)| *n).collect();
        assert_eq!(numbers, (0..9).collect::<Vec<_>>(), "pages of {max}");
    }
}

#[test]
fn a_versioned_upsert_keeps_the_newest_row_of_a_key() {
    let mut desk = desk(&config(SinkKind::Upsert));
    desk.answer(Request::Write(write(&[(7, 1, 70), (8, 2, 80)])));
    desk.answer(Request::Write(write(&[(3, 1, 30), (9, 2, 90)])));
    assert_eq!(shown(&mut desk, 1), [(7, 70), (9, 90)]);
}

#[test]
fn a_blind_upsert_keeps_the_last_row_of_a_key() {
    let mut desk = desk(&config(SinkKind::Upsert));
    let blind = |number, value| {
        Request::Write(Arc::new(Write {
            versions: Arc::from([]),
            ..(*write(&[(number, 1, value)])).clone()
        }))
    };
    desk.answer(blind(7, 70));
    desk.answer(blind(3, 30));
    assert_eq!(shown(&mut desk, 10), [(3, 30)]);
}

#[test]
fn an_upsert_that_ignores_versions_lets_an_old_row_win() {
    let mut desk = desk(&flawed(SinkKind::Upsert, SinkFlaw::IgnoreVersion));
    desk.answer(Request::Write(write(&[(7, 1, 70)])));
    desk.answer(Request::Write(write(&[(3, 1, 30)])));
    assert_eq!(shown(&mut desk, 10), [(3, 30)]);
}

#[test]
fn the_journal_of_an_upsert_stays_within_a_multiple_of_its_rows() {
    let mut desk = desk(&config(SinkKind::Upsert));
    for round in 0..400 {
        let rows: Vec<_> = (0..100)
            .map(|k| (round * 100 + k, k, round as i64))
            .collect();
        desk.answer(Request::Write(write(&rows)));
    }
    assert!(desk.records.len() < 150, "{} records", desk.records.len());
    desk.power_loss(Sink::new(&config(SinkKind::Upsert)));
    let values: Vec<i64> = shown(&mut desk, 7).iter().map(|(_, v)| *v).collect();
    assert_eq!(values, vec![399; 100]);
}

#[test]
fn a_covered_position_takes_effect_once() {
    let mut desk = desk(&config(SinkKind::Transactional));
    assert_eq!(adopted_position(&desk.answer(adopt(1))), None);
    for _ in 0..2 {
        assert!(matches!(desk.answer(covering(1, 0, 2)), Reply::Written(_)));
    }
    assert_eq!(shown(&mut desk, 10).len(), 2);
    assert_eq!(adopted_position(&desk.answer(adopt(2))), Some(2));
}

#[test]
fn two_writes_of_one_position_in_one_breath_take_effect_once() {
    let mut desk = desk(&config(SinkKind::Transactional));
    desk.ask(covering(1, 0, 1));
    desk.ask(covering(1, 1, 3));
    desk.ask(covering(1, 1, 3));
    desk.settle();
    assert_eq!(desk.replies.len(), 3);
    assert_eq!(shown(&mut desk, 10).len(), 3);
}

#[test]
fn a_writer_older_than_the_last_adopted_one_is_fenced_even_after_a_power_loss() {
    let mut desk = desk(&config(SinkKind::Transactional));
    desk.answer(adopt(5));
    desk.answer(covering(5, 0, 2));
    desk.power_loss(Sink::new(&config(SinkKind::Transactional)));
    let fenced = Reply::Refused(Refusal::Fenced);
    assert_eq!(desk.answer(covering(4, 2, 3)), fenced);
    assert_eq!(desk.answer(adopt(4)), fenced);
    assert_eq!(adopted_position(&desk.answer(adopt(5))), Some(2));
}

#[test]
fn a_sink_that_skips_the_fence_takes_a_zombies_rows() {
    let mut desk = desk(&flawed(SinkKind::Transactional, SinkFlaw::SkipFence));
    desk.answer(adopt(5));
    desk.answer(covering(5, 0, 2));
    desk.answer(covering(4, 0, 2));
    assert_eq!(shown(&mut desk, 10).len(), 4);
}

#[test]
fn answered_rows_survive_a_power_loss() {
    let mut desk = desk(&config(SinkKind::Append));
    desk.answer(Request::Write(write(&[(0, 0, 5)])));
    desk.power_loss(Sink::new(&config(SinkKind::Append)));
    assert_eq!(shown(&mut desk, 10), [(0, 5)]);
}

#[test]
fn rows_answered_before_their_sync_die_with_the_power() {
    let early = flawed(SinkKind::Append, SinkFlaw::AckBeforeSync);
    let mut desk = desk(&early);
    let reply = desk.answer(Request::Write(write(&[(0, 0, 5)])));
    assert!(matches!(reply, Reply::Written(_)));
    desk.power_loss(Sink::new(&early));
    assert!(shown(&mut desk, 10).is_empty());
}

#[test]
fn rows_answered_before_their_sync_are_flushed_in_the_background() {
    let lax = SinkConfig {
        sync_before_ack: false,
        ..config(SinkKind::Append)
    };
    let mut desk = desk(&lax);
    desk.answer(Request::Write(write(&[(0, 0, 5)])));
    desk.step(Input::Timer(FLUSH));
    desk.settle();
    desk.power_loss(Sink::new(&lax));
    assert_eq!(shown(&mut desk, 10), [(0, 5)]);
}

#[test]
fn a_full_disk_refuses_and_leaves_nothing_behind() {
    let mut desk = desk(&config(SinkKind::Append));
    desk.fails = Some(DiskError::Full);
    let reply = desk.answer(Request::Write(write(&[(0, 0, 5)])));
    assert_eq!(reply, Reply::Refused(Refusal::DiskFull));
    assert!(shown(&mut desk, 10).is_empty());
}

#[test]
fn after_a_failed_sync_a_write_is_answered_only_when_the_file_has_been_written_anew() {
    let mut desk = desk(&config(SinkKind::Append));
    let call = desk.ask(Request::Write(write(&[(0, 0, 5)])));
    assert!(desk.work(), "the append");
    desk.fails = Some(DiskError::Failed);
    desk.settle();
    assert_eq!(desk.reply(call), None);
    desk.step(Input::Timer(RETRY));
    desk.settle();
    assert!(matches!(desk.reply(call), Some(Reply::Written(_))));
    desk.power_loss(Sink::new(&config(SinkKind::Append)));
    assert_eq!(shown(&mut desk, 10), [(0, 5)]);
}

#[test]
fn a_sink_that_lies_claims_rows_that_no_reader_sees() {
    let mut desk = desk(&flawed(SinkKind::Append, SinkFlaw::LieInFacts));
    for number in 0..LIE_EVERY {
        let reply = desk.answer(Request::Write(write(&[(number, 0, 0)])));
        assert!(matches!(reply, Reply::Written(_)));
    }
    assert_eq!(shown(&mut desk, 100).len() as u64, LIE_EVERY - 1);
    let claims = |effect: &crate::actor::Effect| {
        matches!(effect, crate::actor::Effect::Observe(Fact::Effects(_)))
    };
    assert_eq!(
        desk.others.iter().filter(|effect| claims(effect)).count(),
        1
    );
}
