use super::config::{Aggregate, Assign, WatermarkClock, WindowConfig};
use super::*;
use crate::event::EventId;
use crate::event_time::{END, RETRACTED, row_key};
use crate::time::{Span, Time};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn plan(assign: Assign, disorder: u64, lateness: u64) -> WindowPlan {
    let config = WindowConfig {
        assign,
        watermark: WatermarkClock::EventTime,
        disorder: Span(disorder),
        lateness: Span(lateness),
        idle: None,
        drift: None,
        interval: Span(1),
    };
    WindowPlan::new(&config, Aggregate::Sum, 1)
}

fn event(number: u64, key: u64, event_time: i64, value: i64) -> Event {
    Event {
        id: EventId { source: 0, number },
        key,
        event_time,
        due: Time(number),
        value,
        size: 1,
        kind: 0,
        label: 0,
    }
}

/// Windows of one partition that are alone, so that the operator's watermark is their own.
struct Alone {
    windows: Windowed,
    out: Fired,
}

impl Alone {
    fn new(plan: &WindowPlan) -> Alone {
        Alone {
            windows: Windowed::new(plan, Mono(0)),
            out: Fired::default(),
        }
    }

    fn give(&mut self, event: &Event) {
        self.windows.apply(event, Mono(0), &mut self.out);
    }

    fn advance(&mut self, watermark: i64) {
        self.windows.panes.advance(watermark, &mut self.out);
    }

    /// Key and start, end and value of what is shown in the end.
    fn shown(&self) -> BTreeMap<u64, (i64, i64)> {
        let rows = self.out.rows.iter();
        let last: BTreeMap<u64, &Event> = rows.map(|row| (row.key, row)).collect();
        let kept = last.into_iter().filter(|(_, row)| row.kind != RETRACTED);
        kept.map(|(key, row)| (key, (row.event_time, row.value)))
            .collect()
    }
}

/// What a batch makes of events: the same by the plainest means.
fn batch(assign: Assign, events: &[Event]) -> BTreeMap<u64, (i64, i64)> {
    let mut shown = BTreeMap::new();
    match assign {
        Assign::Tumbling(Span(size)) => aligned(events, size as i64, size as i64, &mut shown),
        Assign::Sliding { size, slide } => {
            aligned(events, size.0 as i64, slide.0 as i64, &mut shown);
        }
        Assign::Session(Span(gap)) => {
            let mut sorted: Vec<&Event> = events.iter().collect();
            sorted.sort_by_key(|event| (event.key, event.event_time));
            let mut open: Option<(u64, i64, i64, i64)> = None;
            for event in sorted {
                let end = event.event_time + gap as i64;
                open = match open {
                    Some((key, start, until, sum))
                        if key == event.key && event.event_time < until =>
                    {
                        Some((key, start, end, sum + event.value))
                    }
                    before => {
                        shown.extend(
                            before.map(|(key, start, end, sum)| (row_key(key, start), (end, sum))),
                        );
                        Some((event.key, event.event_time, end, event.value))
                    }
                };
            }
            shown.extend(open.map(|(key, start, end, sum)| (row_key(key, start), (end, sum))));
        }
    }
    shown
}

fn aligned(events: &[Event], size: i64, slide: i64, shown: &mut BTreeMap<u64, (i64, i64)>) {
    for event in events {
        for start in event.event_time - size + 1..=event.event_time {
            if start.rem_euclid(slide) == 0 {
                let row = shown
                    .entry(row_key(event.key, start))
                    .or_insert((start + size, 0));
                row.1 += event.value;
            }
        }
    }
}

const SLIDING: Assign = Assign::Sliding {
    size: Span(10),
    slide: Span(5),
};

#[test]
fn a_window_fires_when_the_watermark_passes_its_end_and_not_before() {
    let mut alone = Alone::new(&plan(Assign::Tumbling(Span(10)), 0, 0));
    alone.give(&event(0, 7, 3, 5));
    alone.give(&event(1, 7, 9, 6));
    alone.advance(8);
    assert!(alone.out.rows.is_empty());
    alone.advance(9);
    assert_eq!(alone.shown(), BTreeMap::from([(row_key(7, 0), (10, 11))]));
    assert_eq!(alone.out.credits.len(), 2);
    alone.advance(END);
    assert_eq!(alone.out.rows.len(), 1);
}

#[test]
fn within_the_allowed_lateness_the_row_is_told_anew_and_after_it_the_event_is_accounted() {
    let mut alone = Alone::new(&plan(Assign::Tumbling(Span(10)), 0, 5));
    alone.give(&event(0, 7, 3, 5));
    alone.advance(9);
    alone.give(&event(1, 7, 4, 1));
    assert_eq!(alone.shown(), BTreeMap::from([(row_key(7, 0), (10, 6))]));
    alone.advance(14);
    alone.give(&event(2, 7, 5, 1));
    assert_eq!(alone.out.rows.len(), 2);
    let late = alone.out.late[0];
    assert_eq!((late.id.number, late.until, late.entirely), (2, 10, true));
}

#[test]
fn an_event_may_be_late_for_one_window_and_in_time_for_the_next() {
    let mut alone = Alone::new(&plan(SLIDING, 0, 0));
    alone.give(&event(0, 7, 20, 1));
    alone.advance(12);
    alone.give(&event(1, 7, 7, 1));
    let late = alone.out.late[0];
    assert_eq!((late.until, late.entirely), (10, false));
    alone.advance(14);
    assert_eq!(alone.shown(), BTreeMap::from([(row_key(7, 5), (15, 1))]));
}

#[test]
fn a_session_that_was_told_and_then_grew_to_the_front_is_taken_back() {
    let mut alone = Alone::new(&plan(Assign::Session(Span(10)), 0, 100));
    alone.give(&event(0, 7, 20, 1));
    alone.advance(30);
    assert_eq!(alone.shown(), BTreeMap::from([(row_key(7, 20), (30, 1))]));
    alone.give(&event(1, 7, 12, 1));
    assert_eq!(alone.shown(), BTreeMap::from([(row_key(7, 12), (30, 2))]));
}

proptest! {
    /// However far the watermark has come at each event: what is shown in the end is what a batch makes of
    /// the events that were not accounted late, and each of these was given credit once.
    #[test]
    fn what_is_shown_is_what_a_batch_makes_of_the_events_in_time(
        which in 0..3_usize,
        lateness in 0..8_u64,
        times in prop::collection::vec((0..3_u64, 0..60_i64, 0..12_i64, any::<bool>()), 1..60),
    ) {
        let assign = [Assign::Tumbling(Span(10)), SLIDING, Assign::Session(Span(6))][which];
        let mut alone = Alone::new(&plan(assign, 0, lateness));
        let (mut given, mut newest) = (Vec::new(), i64::MIN);
        for (number, (key, at, behind, restarts)) in times.into_iter().enumerate() {
            let event = event(number as u64, key, at, 1 << (number % 30));
            alone.give(&event);
            given.push(event);
            newest = newest.max(at);
            alone.advance(newest - behind - 1);
            if restarts {
                let state = alone.windows.snapshot();
                alone.windows = Windowed::new(&plan(assign, 0, lateness), Mono(0));
                alone.windows.restore(&state, Mono(0));
                prop_assert_eq!(alone.windows.snapshot(), state);
            }
        }
        alone.advance(END);
        prop_assert_eq!(alone.windows.panes.len(), 0);
        let late: BTreeMap<u64, i64> =
            alone.out.late.iter().map(|late| (late.id.number, late.until)).collect();
        let mut expected = BTreeMap::new();
        if let Assign::Session(_) = assign {
            given.retain(|event| !late.contains_key(&event.id.number));
            expected = batch(assign, &given);
        } else {
            for event in &given {
                for (row, (end, sum)) in batch(assign, std::slice::from_ref(event)) {
                    if late.get(&event.id.number).is_none_or(|until| end > *until) {
                        expected.entry(row).or_insert((end, 0)).1 += sum;
                    }
                }
            }
        }
        prop_assert_eq!(alone.shown(), expected);
        let entirely = alone.out.late.iter().filter(|late| late.entirely).count();
        let credited: BTreeSet<u64> = alone.out.credits.iter().map(|credit| credit.id.number).collect();
        prop_assert_eq!(credited.len(), alone.out.credits.len());
        // Sessions that were late are out of what was given already.
        let kept = match assign {
            Assign::Session(_) => given.len(),
            Assign::Tumbling(_) | Assign::Sliding { .. } => given.len() - entirely,
        };
        prop_assert_eq!(credited.len(), kept);
    }
}
