use super::*;
use crate::check::Answer;
use crate::check::tests_support::{BROKER, GROUP, History, P0, PROCESSOR, entry, keyed, pipeline};
use crate::event::Event;
use crate::event_time::InputMark;
use crate::history::Stage;
use crate::id::{Epoch, Offset, TopicId};
use crate::message::log::FetchedPart;
use crate::processor::config::DeliveryMode;
use crate::processor::window::config::{Aggregate, Assign, WindowConfig, WindowPlan};
use crate::sink::config::SinkKind;
use crate::time::Span;

const P1: Partition = Partition {
    topic: TopicId(0),
    index: 1,
};

fn topology(watermark: WatermarkClock) -> Arc<Topology> {
    let mode = DeliveryMode::AtLeastOnce;
    let mut topology = pipeline(true, SinkKind::Upsert, "count-by-key", mode);
    let config = WindowConfig {
        assign: Assign::Tumbling(Span(10)),
        watermark,
        disorder: Span(5),
        lateness: Span(0),
        idle: Some(Span(50)),
        drift: None,
        interval: Span(1),
    };
    topology.processors[0].window = Some(WindowPlan::new(&config, Aggregate::Count, 1));
    Arc::new(topology)
}

/// The first partition's latest event is at 100, the second's at 50.
fn given() -> History {
    let mut history = History::new();
    give(&mut history, [(P0, 100), (P1, 50)]);
    history
}

fn give(history: &mut History, latest: impl IntoIterator<Item = (Partition, i64)>) {
    for (partition, latest) in latest {
        let event = Event {
            event_time: latest,
            ..keyed(0, 7)
        };
        let part = FetchedPart {
            partition,
            refusal: None,
            high_watermark: Offset(1),
            log_start: Offset(0),
            epoch: Epoch(1),
            entries: vec![entry(0, 1, Arc::from([event]))],
        };
        let fetched = Fetched {
            reader: Reader::Consumer,
            parts: vec![part],
        };
        history.push(
            Stage::Seen,
            PROCESSOR,
            Some(BROKER),
            Fact::Fetched(Arc::new(fetched)),
        );
    }
}

fn tell(history: &mut History, operator: i64, inputs: [(i64, bool); 2]) {
    let inputs = [P0, P1].into_iter().zip(inputs);
    let marks = Watermarks {
        group: GROUP,
        generation: 1,
        round: 0,
        operator,
        inputs: inputs
            .map(|(partition, (watermark, is_idle))| InputMark {
                partition,
                watermark,
                is_idle,
            })
            .collect(),
    };
    history.claim(PROCESSOR, Fact::Watermark(Arc::new(marks)));
}

fn anomaly(history: &History) -> Option<&'static str> {
    anomaly_by(history, WatermarkClock::EventTime)
}

fn anomaly_by(history: &History, watermark: WatermarkClock) -> Option<&'static str> {
    let judgement = history.judge(&mut WatermarkSoundness::new(&topology(watermark)));
    assert!(judgement.judged > 0);
    assert!(judgement.violations_total <= 1, "{judgement:?}");
    assert_eq!(
        judgement.answer == Answer::Pass,
        judgement.violations.is_empty()
    );
    let first = judgement.violations.first();
    first.map(|violation| violation.signature.anomaly)
}

#[test]
fn the_minimum_over_inputs_that_are_not_idle_is_sound() {
    let mut history = given();
    tell(&mut history, 44, [(94, false), (44, false)]);
    tell(&mut history, 94, [(94, false), (44, true)]);
    // The idle one is back: the operator's stays where it is.
    tell(&mut history, 94, [(94, false), (44, false)]);
    assert_eq!(anomaly(&history), None);
}

#[test]
fn a_watermark_past_the_slowest_input_is_found() {
    let mut history = given();
    tell(&mut history, 94, [(94, false), (44, false)]);
    assert_eq!(anomaly(&history), Some("watermark-ahead"));
}

#[test]
fn a_watermark_past_what_the_disorder_allows_is_found() {
    let mut history = given();
    tell(&mut history, 44, [(95, false), (44, false)]);
    assert_eq!(anomaly(&history), Some("watermark-ahead"));
}

#[test]
fn a_watermark_that_goes_back_is_found() {
    let mut history = given();
    tell(&mut history, 44, [(94, false), (44, false)]);
    tell(&mut history, 44, [(93, false), (44, false)]);
    assert_eq!(anomaly(&history), Some("watermark-regression"));
}

#[test]
fn a_watermark_that_stays_behind_all_inputs_is_found() {
    let mut history = given();
    tell(&mut history, 43, [(94, false), (44, false)]);
    assert_eq!(anomaly(&history), Some("watermark-stuck"));
}

#[test]
fn an_input_ends_only_after_the_sources_have() {
    for (drained, expected) in [(true, None), (false, Some("watermark-ahead"))] {
        let mut history = given();
        if drained {
            history.push(Stage::Seen, PROCESSOR, None, Fact::Drained);
        }
        tell(&mut history, 44, [(END, false), (44, false)]);
        assert_eq!(anomaly(&history), expected);
    }
}

/// A node tells at 1 ms of true time how far its wall clock has come, and is given an event at 2 ms.
fn meets(operator: i64, event_time: i64) -> Option<&'static str> {
    let mut history = History::new();
    tell(&mut history, operator, [(operator, false); 2]);
    give(&mut history, [(P0, event_time)]);
    anomaly_by(&history, WatermarkClock::WallClock)
}

#[test]
fn a_wall_clock_that_harms_no_event_is_sound() {
    let now = 2_000_000;
    // Of an event that is older than the disorder of 5 ns nothing is promised.
    assert_eq!(meets(now, now - 6), None);
    assert_eq!(meets(now - 6, now - 5), None);
}

#[test]
fn a_wall_clock_that_passes_an_event_within_the_disorder_is_found() {
    let now = 2_000_000;
    assert_eq!(meets(now - 5, now - 5), Some("watermark-ahead"));
    assert_eq!(meets(now, now), Some("watermark-ahead"));
}
