use super::*;
use crate::check::Answer;
use crate::check::tests_support::{GROUP, History, PROCESSOR, entry, keyed, pipeline};
use crate::event_time::row_key;
use crate::processor::window::config::{Aggregate, Assign, WindowConfig, WindowPlan};
use crate::time::Span;

fn topology(assign: Assign, lateness: u64) -> Arc<Topology> {
    topology_by(WatermarkClock::EventTime, assign, lateness)
}

fn topology_by(watermark: WatermarkClock, assign: Assign, lateness: u64) -> Arc<Topology> {
    let mut topology = pipeline(
        true,
        SinkKind::Upsert,
        "count-by-key",
        DeliveryMode::AtLeastOnce,
    );
    let config = WindowConfig {
        assign,
        watermark,
        disorder: Span(5),
        lateness: Span(lateness),
        idle: None,
        drift: None,
        interval: Span(1),
    };
    topology.processors[0].window = Some(WindowPlan::new(&config, Aggregate::Count, 1));
    Arc::new(topology)
}

const TUMBLING: Assign = Assign::Tumbling(Span(10));

fn at(number: u64, event_time: i64) -> Event {
    Event {
        event_time,
        ..keyed(number, 7)
    }
}

fn row(start: i64, end: i64, value: i64) -> Event {
    Event {
        key: row_key(7, start),
        event_time: end,
        value,
        ..keyed(0, 7)
    }
}

/// Three events of one key in two windows of 10: at 1, 2 and 12, and a late one at 3.
fn log(late: &[u64]) -> History {
    let mut history = History::new();
    let events = [at(0, 1), at(1, 2), at(2, 12), at(3, 3)];
    let late: Arc<[LateEvent]> = late
        .iter()
        .map(|number| LateEvent {
            id: EventId {
                source: 0,
                number: *number,
            },
            until: 10,
            entirely: true,
        })
        .collect();
    if !late.is_empty() {
        history.claim(
            PROCESSOR,
            Fact::Late {
                group: GROUP,
                events: late,
            },
        );
    }
    history.audited(vec![entry(0, 1, Arc::from(events))]);
    history
}

fn judge(history: &History, assign: Assign) -> Judgement {
    history.judge(&mut WindowEquivalence::new(&topology(assign, 0)))
}

#[test]
fn what_a_batch_makes_of_the_events_in_time_is_accepted() {
    let mut history = log(&[3]);
    history.row_events(vec![row(0, 10, 2), row(10, 20, 1)]);
    let judgement = judge(&history, TUMBLING);
    assert_eq!(judgement.answer, Answer::Pass, "{judgement:?}");
}

#[test]
fn a_late_event_that_is_accounted_for_by_nobody_is_missed() {
    let mut history = log(&[]);
    history.row_events(vec![row(0, 10, 2), row(10, 20, 1)]);
    let judgement = judge(&history, TUMBLING);
    assert_eq!(
        judgement.violations[0].signature.anomaly,
        "window-divergence"
    );
}

#[test]
fn a_window_without_a_row_is_missed() {
    let mut history = log(&[3]);
    history.row_events(vec![row(0, 10, 2)]);
    let judgement = judge(&history, TUMBLING);
    assert_eq!(judgement.violations[0].signature.anomaly, "missing-window");
}

#[test]
fn a_row_of_a_window_without_events_is_found() {
    let mut history = log(&[3]);
    history.row_events(vec![row(0, 10, 2), row(10, 20, 1), row(20, 30, 1)]);
    let judgement = judge(&history, TUMBLING);
    assert_eq!(judgement.violations[0].signature.anomaly, "phantom-window");
}

#[test]
fn an_event_within_the_contract_may_not_be_called_late() {
    let mut history = log(&[1, 3]);
    history.row_events(vec![row(0, 10, 1), row(10, 20, 1)]);
    let judgement = judge(&history, TUMBLING);
    assert_eq!(judgement.violations_total, 1);
    assert_eq!(judgement.violations[0].signature.anomaly, "false-late");
}

#[test]
fn by_the_wall_clock_the_contract_counts_from_when_an_event_happened() {
    // Events 1 and 3 are accounted late 1 ms after the start: 999,998 ns and 999,997 ns after they happened.
    for (lateness, wrong) in [(999_991, 0), (999_992, 1), (999_993, 2)] {
        let mut history = log(&[1, 3]);
        history.row_events(vec![row(0, 10, 1), row(10, 20, 1)]);
        let topology = topology_by(WatermarkClock::WallClock, TUMBLING, lateness);
        let judgement = history.judge(&mut WindowEquivalence::new(&topology));
        assert_eq!(judgement.violations_total, wrong, "{judgement:?}");
    }
}

#[test]
fn sessions_are_merged_in_whatever_order_their_events_came() {
    let gap = Assign::Session(Span(10));
    let mut history = log(&[]);
    history.row_events(vec![row(1, 22, 3)]);
    assert_eq!(judge(&history, gap).violations_total, 1);
    // 1, 2, 3 and 12 are less than 10 apart.
    let mut history = log(&[]);
    history.row_events(vec![row(1, 22, 4)]);
    let judgement = judge(&history, gap);
    assert_eq!(judgement.answer, Answer::Pass, "{judgement:?}");
}

#[test]
fn windows_that_slide_have_an_event_each_time() {
    let sliding = Assign::Sliding {
        size: Span(10),
        slide: Span(5),
    };
    let rows = vec![row(-5, 5, 2), row(0, 10, 2), row(5, 15, 1), row(10, 20, 1)];
    let mut history = log(&[3]);
    history.row_events(rows);
    let judgement = judge(&history, sliding);
    assert_eq!(judgement.answer, Answer::Pass, "{judgement:?}");
}
