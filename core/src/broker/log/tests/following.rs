//! K5 and the boot: epochs, truncation and what is read back from the disk.

use super::*;
use crate::broker::log::segments::Segments;
use crate::disk::{DiskOp, DiskVerb};
use crate::event::Entry;
use crate::history::Fact;

fn entry(base: u64, events: u64, epoch: u32) -> Entry {
    Entry {
        base: Offset(base),
        epoch: Epoch(epoch),
        batch: batch(base, events, None, 0),
    }
}

fn segments(entries: &[(u64, u64, u32)]) -> Segments {
    let mut segments = Segments::new(Offset(0), 1 << 30);
    for (base, events, epoch) in entries {
        segments.append(entry(*base, *events, *epoch));
    }
    segments
}

#[test]
fn an_epoch_ends_where_the_next_one_begins() {
    let log = segments(&[(0, 2, 1), (2, 3, 1), (5, 1, 4), (6, 2, 6)]);
    let end = |epoch| log.epoch_end(Epoch(epoch));
    assert_eq!(end(1), (Epoch(1), Offset(5)));
    assert_eq!(end(3), (Epoch(1), Offset(5)), "the largest not above");
    assert_eq!(end(4), (Epoch(4), Offset(6)));
    assert_eq!(end(9), (Epoch(6), Offset(8)));
    assert_eq!(end(0), (Epoch(0), Offset(0)), "older than the log");
}

#[test]
fn a_truncation_forgets_the_epochs_that_it_removes() {
    let mut log = segments(&[(0, 2, 1), (2, 3, 1), (5, 1, 4), (6, 2, 6)]);
    log.truncate(Offset(5)).unwrap();
    assert_eq!(log.last_epoch(), Some(Epoch(1)));
    assert_eq!(log.end(), Offset(5));
    log.append(entry(5, 1, 7));
    assert_eq!(log.epoch_end(Epoch(6)), (Epoch(1), Offset(5)));
}

#[test]
fn a_read_begins_with_the_batch_that_holds_the_offset_and_always_gives_one() {
    let log = segments(&[(0, 2, 1), (2, 3, 1), (5, 1, 1)]);
    let bases = |from, limit, bytes| -> Vec<u64> {
        let (entries, _) = log.read(Offset(from), Offset(limit), bytes);
        entries.iter().map(|entry| entry.base.0).collect()
    };
    assert_eq!(bases(3, 6, 1), [2]);
    assert_eq!(bases(0, 5, 1 << 20), [0, 2]);
    assert_eq!(
        bases(0, 4, 1 << 20),
        [0],
        "a batch above the limit is not shown in part"
    );
    assert_eq!(bases(6, 6, 1 << 20), [0; 0]);
}

fn recover(files: &[(u64, &[Entry])]) -> (PartitionLog, Vec<Effect>) {
    let mut found = Found::default();
    for (base, entries) in files {
        found.segments.insert(Offset(*base), entries.to_vec());
    }
    let settings = Settings::new(&LogConfig::default(), 0).log;
    let mut log = None;
    let effects = Rig::new(NodeId(0))
        .with(|cx| log = Some(PartitionLog::recover(cx, PARTITION, found, settings)));
    (log.unwrap(), effects)
}

#[test]
fn what_does_not_follow_on_what_precedes_it_is_cut_at_the_boot() {
    let (log, effects) = recover(&[
        (0, &[entry(0, 2, 1), entry(2, 1, 1)]),
        (5, &[entry(5, 1, 2)]),
    ]);
    assert_eq!((log.end(), log.written()), (Offset(3), Offset(3)));
    let cut: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Disk(DiskOp {
                file, verb, fact, ..
            }) => Some((file.b, verb, fact)),
            _ => None,
        })
        .collect();
    let truncated = Some(Fact::Truncated {
        partition: PARTITION,
        from: Offset(3),
    });
    assert_eq!(cut, [(5, &DiskVerb::Delete, &truncated)]);
}

#[test]
fn a_log_whose_first_segment_was_emptied_by_a_power_loss_begins_there_and_not_behind_the_hole() {
    let (log, effects) = recover(&[(0, &[]), (5, &[entry(5, 1, 1)])]);
    assert_eq!((log.start(), log.end()), (Offset(0), Offset(0)));
    let truncated = Some(Fact::Truncated {
        partition: PARTITION,
        from: Offset(0),
    });
    let cut = effects.iter().any(|effect| {
        matches!(effect, Effect::Disk(DiskOp { file, verb: DiskVerb::Delete, fact, .. })
            if file.b == 5 && *fact == truncated)
    });
    assert!(cut, "{effects:?}");
}

#[test]
fn a_torn_record_behind_the_last_valid_one_is_cut_at_the_boot() {
    let (_, effects) = recover(&[(0, &[entry(0, 2, 1)])]);
    let keeps_one = effects.iter().any(|effect| {
        matches!(
            effect,
            Effect::Disk(DiskOp {
                verb: DiskVerb::Truncate { records: 1 },
                fact: None,
                ..
            })
        )
    });
    assert!(keeps_one, "{effects:?}");
}

#[test]
fn a_reader_with_another_epoch_is_told_which_of_both_is_behind() {
    let mut bench = Bench::leading();
    bench.apply(state(0, 3, 2, &[0, 1, 2]));
    let check = |epoch| bench.replica.check_epoch(Epoch(epoch));
    assert_eq!(check(2), Err(Refusal::FencedLeaderEpoch));
    assert_eq!(check(3), Ok(()));
    assert_eq!(check(4), Err(Refusal::UnknownLeaderEpoch));
}
