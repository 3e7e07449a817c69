//! K13: what is deleted, and what is not.

use super::*;
use crate::disk::{DiskOp, DiskVerb};
use crate::history::Fact;
use crate::time::Span;
use crate::units::Size;

/// Each batch of one event takes 100 bytes; two fit in a segment.
fn config() -> LogConfig {
    LogConfig {
        log_segment_bytes: Size(200),
        log_retention: Span::secs(100),
        ..LogConfig::default()
    }
}

impl Bench {
    /// Six committed records, one a second from second 0.
    fn filled(mut self) -> Bench {
        for second in 0..6 {
            self.store(&batch(second, 1, None, second as i64 * 1_000_000_000));
        }
        self.follower_at(1, 6);
        self.follower_at(2, 6);
        self
    }

    fn retain(&mut self) -> Vec<Effect> {
        let (replica, desk) = (&mut self.replica, &mut self.desk);
        self.rig.with(|cx| replica.retain(cx, desk))
    }

    fn start(&self) -> u64 {
        self.replica.log.start().0
    }
}

/// Segments deleted, with the log start that each deletion tells.
fn deleted(effects: &[Effect]) -> Vec<(u64, u64)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Disk(DiskOp {
                file,
                verb: DiskVerb::Delete,
                fact: Some(Fact::LogStart { start, .. }),
                ..
            }) => Some((file.b, start.0)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_segment_goes_when_its_newest_record_is_too_old() {
    let mut bench = Bench::with(config()).leads().filled();
    bench.rig.wait(Span::secs(101));
    assert_eq!(bench.retain(), [], "second 1 is not older than 100 s");
    bench.rig.wait(Span::millis(1));
    let effects = bench.retain();
    assert_eq!(points(&effects), ["log.retention"]);
    assert_eq!(deleted(&effects), [(0, 2)]);
    assert_eq!(bench.start(), 2);
}

#[test]
fn the_active_segment_is_rolled_when_it_is_too_old_and_an_empty_log_goes_on_counting() {
    let mut bench = Bench::with(config()).leads().filled();
    bench.rig.wait(Span::secs(1_000));
    assert_eq!(deleted(&bench.retain()), [(0, 2), (2, 4), (4, 6)]);
    assert_eq!((bench.start(), bench.end()), (6, 6));
    bench.store(&batch(6, 1, None, 0));
    assert_eq!(bench.end(), 7);
}

#[test]
fn nothing_above_the_high_watermark_is_deleted() {
    let mut bench = Bench::with(config()).leads();
    for second in 0..6 {
        bench.store(&batch(second, 1, None, 0));
    }
    bench.follower_at(1, 3);
    bench.follower_at(2, 3);
    bench.rig.wait(Span::secs(1_000));
    assert_eq!(deleted(&bench.retain()), [(0, 2)]);
}

#[test]
fn by_size_a_segment_goes_only_if_the_rest_fills_the_bound() {
    let mut bench = Bench::with(LogConfig {
        log_retention_bytes: Some(Size(350)),
        ..config()
    })
    .leads()
    .filled();
    assert_eq!(deleted(&bench.retain()), [(0, 2)]);
    assert_eq!(bench.retain(), []);
}

#[test]
fn an_early_broker_deletes_at_half_the_bound() {
    let mut bench = Bench::with(LogConfig {
        flaws: vec![LogFlaw::EarlyRetention],
        ..config()
    })
    .leads()
    .filled();
    bench.rig.wait(Span::secs(52));
    assert_eq!(deleted(&bench.retain()), [(0, 2)]);
}

#[test]
fn a_forced_retention_keeps_what_it_was_told_to_keep() {
    let mut bench = Bench::with(config()).leads().filled();
    let (replica, desk) = (&mut bench.replica, &mut bench.desk);
    let effects = bench.rig.with(|cx| replica.force_retention(cx, desk, 3));
    assert_eq!(deleted(&effects), [(0, 2)]);
    assert_eq!(bench.start(), 3, "within a segment readers begin later");
    let marked = effects.iter().any(|effect| {
        matches!(
            effect,
            Effect::Disk(DiskOp {
                fact: Some(Fact::LogStart {
                    start: Offset(3),
                    ..
                }),
                ..
            })
        )
    });
    assert!(marked, "{effects:?}");
}
