use super::config::{Arrival, BufferConfig, Keys};
use super::*;
use crate::actor::Effect;
use crate::broker::queue::config::PublisherConfig;
use crate::client::publisher::Duty;
use crate::history::Fact;
use crate::id::{NodeId, TopicId};
use crate::message::{Message, Request};
use crate::part::Cluster;
use crate::test_rig::Rig;
use crate::units::Rate;

fn plan(arrival: Arrival, rows: Option<Arc<[TraceRow]>>) -> SourcePlan {
    let broker = Cluster {
        first: NodeId(5),
        nodes: 1,
    };
    let config = PublisherConfig {
        linger: Span::ZERO,
        ..PublisherConfig::default()
    };
    SourcePlan {
        position: 2,
        name: "orders".to_owned(),
        seed: Seed(1),
        config: SourceConfig {
            to: "broker.main/orders".to_owned(),
            arrival,
            keys: Keys::default(),
            size: 100,
            starts_after: Span::ZERO,
            disorder: None,
            retry: None,
            buffer: BufferConfig::default(),
        },
        rows,
        boot_at: Time::ZERO,
        until: Time(SECOND_TEN),
        publisher: PublisherPlan::to_queue(Duty::Source, broker, TopicId(0), &config),
    }
}

const SECOND_TEN: u64 = 10_000_000_000;

fn steady() -> Box<dyn Actor> {
    plan(Arrival::Constant(Rate::per_second(10)), None).factory()()
}

fn owed(effects: &[Effect]) -> Vec<Event> {
    let mut owed = Vec::new();
    for effect in effects {
        if let Effect::Observe(Fact::Owed(events)) = effect {
            owed.extend_from_slice(events);
        }
    }
    owed
}

#[test]
fn an_event_is_published_when_it_is_due_and_the_next_is_waited_for() {
    let mut rig = Rig::new(NodeId(0));
    let mut source = steady();
    let effects = rig.step(source.as_mut(), Input::Start);
    let [Effect::Arm { timer: DUE, at }] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(*at, Mono(100_000_000));
    rig.wait(Span::millis(100));
    let effects = rig.step(source.as_mut(), Input::Timer(DUE));
    assert_eq!(owed(&effects)[0].due, Time(100_000_000));
    assert!(effects.iter().any(|effect| matches!(
        effect,
        Effect::Send {
            message: Message::Request {
                request: Request::Publish(_),
                ..
            },
            ..
        }
    )));
    assert!(effects.contains(&Effect::Arm {
        timer: DUE,
        at: Mono(200_000_000)
    }));
}

#[test]
fn a_source_that_was_held_up_still_owes_each_event_at_its_due_time() {
    let mut rig = Rig::new(NodeId(0));
    let mut source = steady();
    rig.step(source.as_mut(), Input::Start);
    rig.wait(Span::millis(550));
    let effects = rig.step(source.as_mut(), Input::Timer(DUE));
    let due: Vec<u64> = owed(&effects)
        .iter()
        .map(|event| event.due.0 / 1_000_000)
        .collect();
    assert_eq!(due, [100, 200, 300, 400, 500]);
}

#[test]
fn a_source_that_boots_late_owes_what_was_due_before_and_goes_on_in_time() {
    let mut plan = plan(Arrival::Constant(Rate::per_second(10)), None);
    plan.boot_at = Time(250_000_000);
    let mut source = plan.factory()();
    let mut rig = Rig::new(NodeId(0));
    let effects = rig.step(source.as_mut(), Input::Start);
    assert_eq!(owed(&effects).len(), 2);
    let at = Mono(50_000_000);
    assert!(effects.contains(&Effect::Arm { timer: DUE, at }));
}

#[test]
fn a_restarted_source_goes_on_from_its_wall_clock_and_owes_nothing_twice() {
    let mut rig = Rig::new(NodeId(0));
    rig.step(steady().as_mut(), Input::Start);
    rig.reboot();
    rig.wait(Span::millis(550));
    let effects = rig.step(steady().as_mut(), Input::Start);
    assert!(owed(&effects).is_empty());
    let at = Mono(600_000_000);
    assert!(effects.contains(&Effect::Arm { timer: DUE, at }));
}

#[test]
fn a_stopped_source_owes_what_was_due_and_nothing_more() {
    let mut rig = Rig::new(NodeId(0));
    let mut source = steady();
    rig.step(source.as_mut(), Input::Start);
    rig.wait(Span::millis(250));
    let effects = rig.step(source.as_mut(), Input::Control(Control::Stop));
    assert_eq!(owed(&effects).len(), 2);
    rig.wait(Span::secs(1));
    assert!(rig.step(source.as_mut(), Input::Timer(DUE)).is_empty());
}

#[test]
fn a_source_owes_nothing_at_or_after_the_end() {
    let mut rig = Rig::new(NodeId(0));
    let mut source = steady();
    rig.step(source.as_mut(), Input::Start);
    rig.wait(Span::secs(60));
    let effects = rig.step(source.as_mut(), Input::Timer(DUE));
    assert_eq!(owed(&effects).len(), 99);
}

#[test]
fn a_recorded_stream_is_played_as_it_was() {
    let row = |arrival: u64, event_time, key| TraceRow {
        arrival: Time(arrival),
        event_time,
        key,
        kind: 9,
        value: -5,
        size: 77,
    };
    let rows: Arc<[TraceRow]> = [row(0, -1_000, 4), row(0, 5, 4), row(1_000, -9, 8)].into();
    let mut generator = plan(
        Arrival::Constant(Rate::per_second(1)),
        Some(Arc::clone(&rows)),
    );
    generator.config.arrival = Arrival::Trace(super::config::TraceConfig {
        file: "a.csv".to_owned(),
        speed: 1,
        arrival: "t".to_owned(),
        event_time: None,
        unit: super::config::TraceUnit::Seconds,
        key: None,
        kind: None,
        value: None,
        value_scale: 1,
        size: None,
        sort: false,
        rows: None,
    });
    let mut source = generator.factory()();
    let mut rig = Rig::new(NodeId(0));
    let mut events = owed(&rig.step(source.as_mut(), Input::Start));
    assert_eq!(events.len(), 2);
    rig.wait(Span::micros(1));
    events.extend(owed(&rig.step(source.as_mut(), Input::Timer(DUE))));
    for (i, (event, row)) in events.iter().zip(rows.iter()).enumerate() {
        assert_eq!((event.id.source, event.id.number), (2, i as u64));
        assert_eq!(
            (event.due, event.event_time, event.key),
            (row.arrival, row.event_time, row.key)
        );
        assert_eq!((event.kind, event.value, event.size), (9, -5, 77));
    }
    assert_eq!(events.len(), 3);
}
