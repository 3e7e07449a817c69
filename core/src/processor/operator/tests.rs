use super::*;
use crate::event::EventId;
use crate::time::Time;

fn event(number: u64, key: u64, value: i64) -> Event {
    Event {
        id: EventId { source: 0, number },
        key,
        event_time: 0,
        due: Time(number),
        value,
        size: 1,
        kind: 0,
        label: 0,
    }
}

fn values(operator: &mut dyn Operator, events: &[(u64, i64)]) -> Vec<i64> {
    let mut out = Vec::new();
    for (number, (key, value)) in events.iter().enumerate() {
        operator.apply(&event(number as u64, *key, *value), &mut out);
    }
    out.iter().map(|event| event.value).collect()
}

fn fresh(name: &str) -> Box<dyn Operator> {
    (named(name).expect("it is a reference operator"))()
}

const EVENTS: &[(u64, i64)] = &[(1, 4), (2, 5), (1, 4), (1, 6), (2, 5), (1, 4)];

#[test]
fn each_reference_operator_does_what_its_name_says() {
    for (name, expected) in [
        ("identity", vec![4, 5, 4, 6, 5, 4]),
        ("map", vec![8, 10, 8, 12, 10, 8]),
        ("filter", vec![4, 4, 6, 4]),
        ("count-by-key", vec![1, 1, 2, 3, 2, 4]),
        ("sum-by-key", vec![4, 5, 8, 14, 10, 18]),
        ("dedup", vec![4, 5, 6, 4]),
    ] {
        assert_eq!(values(&mut *fresh(name), EVENTS), expected, "{name}");
    }
}

#[test]
fn a_derived_event_keeps_its_id_and_due_time() {
    for name in NAMES {
        let mut out = Vec::new();
        fresh(name).apply(&event(9, 1, 4), &mut out);
        assert_eq!((out[0].id.number, out[0].due), (9, Time(9)), "{name}");
    }
}

#[test]
fn a_restored_operator_goes_on_where_the_snapshot_was_taken() {
    for name in NAMES {
        for cut in 0..=EVENTS.len() {
            let whole = values(&mut *fresh(name), EVENTS);
            let mut first = fresh(name);
            let mut found = values(&mut *first, &EVENTS[..cut]);
            let mut second = fresh(name);
            second.restore(&first.snapshot());
            found.extend(values(&mut *second, &EVENTS[cut..]));
            assert_eq!(found, whole, "{name} cut at {cut}");
        }
    }
}

#[test]
fn an_unknown_name_is_no_operator() {
    assert!(named("no-such").is_none());
}
