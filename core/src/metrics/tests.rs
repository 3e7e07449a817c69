use super::*;
use crate::check::Topology;
use crate::check::tests_support::{AUDIT, BROKER, GROUP, SINK, SOURCE, entry, log_pipeline, write};
use crate::event::{Event, EventId};
use crate::fault::{Fault, FaultKind, FaultPlan, Target};
use crate::history::{Fact, Observation, Stage};
use crate::id::{Incarnation, NodeId, Offset, Partition};
use crate::message::log::Published;
use proptest::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Ten events a second for twenty seconds: warm-up 2 s, calm from 12 s, drain from 18 s.
struct Run {
    recorder: Recorder,
}

fn phases() -> Phases {
    let at = |secs| Time(Span::secs(secs).0);
    Phases {
        chaos: at(2),
        calm: at(12),
        drain: at(18),
        end: at(20),
    }
}

fn owed(number: u64) -> Event {
    Event {
        id: EventId { source: 0, number },
        key: 0,
        event_time: 0,
        due: Time(number * 100_000_000),
        value: 0,
        size: 100,
        kind: 0,
        label: 0,
    }
}

impl Run {
    fn new(topology: &Arc<Topology>) -> Run {
        let plan = FaultPlan {
            faults: vec![Fault {
                name: Some("outage".to_owned()),
                at: Time(Span::secs(6).0),
                lasts: Span::secs(2),
                kind: FaultKind::Crash,
                target: Target::Node("broker.main.0".to_owned()),
                planned: true,
            }],
        };
        Run {
            recorder: Recorder::new(topology, &Arc::new(plan), phases()),
        }
    }

    fn see(&mut self, time: Time, stage: Stage, node: u16, fact: Fact) {
        self.recorder.observe(&Observation {
            time,
            node: NodeId(node),
            incarnation: Incarnation(1),
            stage,
            peer: Some(NodeId(BROKER)),
            fact,
        });
    }

    fn owe_and_acknowledge(&mut self, event: Event) {
        self.owe(event);
        self.acknowledge(event);
    }

    fn owe(&mut self, event: Event) {
        let fact = Fact::Owed(Arc::from([event]));
        self.see(event.due, Stage::Claimed, SOURCE, fact);
    }

    fn acknowledge(&mut self, event: Event) {
        let events: Arc<[Event]> = Arc::from([event]);
        let published = Published {
            partition: Partition::default(),
            base: Offset(event.id.number),
            batch: entry(event.id.number, 1, events).batch,
        };
        let at = event.due + Span::millis(2);
        self.see(at, Stage::Seen, SOURCE, Fact::Acknowledged(published));
    }

    fn show(&mut self, event: Event, after: Span) {
        let fact = Fact::Effects(write(Arc::from([event]), 1));
        self.see(event.due + after, Stage::Written, SINK, fact);
    }

    fn fault(&mut self, secs: u64, fact: Fact) {
        self.see(Time(Span::secs(secs).0), Stage::Seen, AUDIT, fact);
    }

    /// A whole run in which the latency of each event is `latency` of its number.
    fn whole(latency: impl Fn(u64) -> Option<Span>, has_fault: bool) -> Metrics {
        Run::struck(latency, if has_fault { 6..8 } else { 0..0 })
    }

    /// The same with a fault in these seconds.
    fn struck(latency: impl Fn(u64) -> Option<Span>, fault: Range<u64>) -> Metrics {
        Run::beside(latency, fault, None)
    }

    /// The same held against a run without a fault.
    fn beside(
        latency: impl Fn(u64) -> Option<Span>,
        fault: Range<u64>,
        twin: Option<&Baseline>,
    ) -> Metrics {
        let mut run = Run::new(&log_pipeline());
        for number in 0..180 {
            if !fault.is_empty() && number == fault.start * 10 {
                run.fault(fault.start, Fact::FaultStarted(0));
            }
            if !fault.is_empty() && number == fault.end * 10 {
                run.fault(fault.end, Fact::FaultEnded(0));
            }
            let event = owed(number);
            run.owe_and_acknowledge(event);
            if let Some(latency) = latency(number) {
                run.show(event, latency);
            }
        }
        run.recorder.finish(twin)
    }
}

fn p99(metrics: &Metrics, phase: &Phase) -> Option<u64> {
    metrics.latencies.get(Series::EndToEnd, phase)?.at(990_000)
}

#[test]
fn a_sample_belongs_to_the_phases_of_its_due_time() {
    // Slow for the events due in the outage, and for three seconds after it.
    let metrics = Run::whole(
        |number| {
            let slow = (60..110).contains(&number);
            Some(Span::millis(if slow { 800 } else { 10 }))
        },
        true,
    );
    let count = |phase: &Phase| {
        let latency = metrics.latencies.get(Series::EndToEnd, phase);
        latency.map_or(0, Latency::count)
    };
    assert_eq!(count(&Phase::Warmup), 20);
    assert_eq!(count(&Phase::During("outage".to_owned())), 20);
    assert_eq!(count(&Phase::DuringFaults), 20);
    assert_eq!(count(&Phase::Recovery), 30);
    assert_eq!(count(&Phase::All), 160);
    assert_eq!(count(&Phase::Steady), 110);
    assert_eq!(count(&Phase::Calm), 60);
    assert_eq!(metrics.episodes[0].recovery, Some(Span::secs(3)));
    assert!(p99(&metrics, &Phase::Steady).unwrap() < 11_000);
}

#[test]
fn an_event_that_is_never_visible_is_one_infinite_sample() {
    let metrics = Run::whole(|number| (number != 50).then_some(Span::millis(10)), false);
    let steady = metrics.latencies.get(Series::EndToEnd, &Phase::Steady);
    let steady = steady.unwrap();
    assert_eq!((steady.count(), steady.never()), (160, 1));
    assert_eq!(steady.at(1_000_000), Some(u64::MAX));
    let totals = metrics.totals;
    assert_eq!((totals.owed, totals.delivered), (180, 179));
    // Twenty of them, due in the warm-up, belong to no rate.
    assert_eq!((totals.effects, totals.effects_measured), (179, 159));
    assert_eq!(totals.delivered_measured, 159);
    let slot = &metrics.slots[(owed(50).due.0 / metrics.slot_width.0) as usize];
    assert_eq!(slot.max, Some(u64::MAX));
}

#[test]
fn a_filtered_event_has_no_sample_and_is_not_owed() {
    let mut run = Run::new(&log_pipeline());
    for number in 0..2 {
        run.owe_and_acknowledge(owed(number));
    }
    run.show(owed(0), Span::millis(10));
    let fact = Fact::Filtered {
        group: GROUP,
        events: Arc::from([owed(1).id]),
    };
    run.see(Time(200_000_000), Stage::Claimed, 4, fact);
    let metrics = run.recorder.finish(None);
    assert_eq!((metrics.totals.owed, metrics.totals.delivered), (1, 1));
    assert_eq!(metrics.slots.last().unwrap().backlog, 0);
}

#[test]
fn a_repeated_row_counts_as_repeated_and_gives_no_second_sample() {
    let mut run = Run::new(&log_pipeline());
    run.owe_and_acknowledge(owed(0));
    run.show(owed(0), Span::millis(10));
    run.show(owed(0), Span::millis(900));
    let metrics = run.recorder.finish(None);
    let warmup = metrics
        .latencies
        .get(Series::EndToEnd, &Phase::Warmup)
        .unwrap();
    assert_eq!(warmup.count(), 1);
    // Three digits: the bucket of 10 ms ends at 10,007 us.
    assert_eq!(warmup.at(1_000_000), Some(10_007));
    assert_eq!((metrics.totals.effects, metrics.totals.repeated), (2, 1));
}

#[test]
fn without_a_sink_an_event_is_through_when_it_is_acknowledged() {
    let mut topology = (*log_pipeline()).clone();
    topology.processors.clear();
    topology.sinks.clear();
    let mut run = Run::new(&Arc::new(topology.indexed()));
    run.owe_and_acknowledge(owed(0));
    let metrics = run.recorder.finish(None);
    let warmup = metrics
        .latencies
        .get(Series::EndToEnd, &Phase::Warmup)
        .unwrap();
    assert_eq!(warmup.at(500_000), Some(2_000));
}

#[test]
fn an_event_owed_again_after_a_boot_is_owed_once() {
    let mut run = Run::new(&log_pipeline());
    for number in [0, 1, 0, 1, 3] {
        run.owe_and_acknowledge(owed(number));
    }
    let metrics = run.recorder.finish(None);
    assert_eq!((metrics.totals.offered, metrics.totals.owed), (3, 3));
}

#[test]
fn batches_of_several_partitions_may_be_owed_in_any_order() {
    let mut run = Run::new(&log_pipeline());
    for number in [2, 4, 1, 3, 0] {
        run.owe_and_acknowledge(owed(number));
    }
    run.show(owed(4), Span::secs(1));
    let metrics = run.recorder.finish(None);
    assert_eq!((metrics.totals.offered, metrics.totals.owed), (5, 5));
    assert_eq!(metrics.totals.delivered, 1);
    let never: u64 = metrics.slots.iter().map(|slot| slot.never).sum();
    assert_eq!(
        never, 4,
        "no event is left out because a later one was owed before it"
    );
}

#[test]
fn a_long_run_with_an_event_that_never_comes_holds_few_windows_and_due_times() {
    let mut run = Run::new(&log_pipeline());
    for number in 0..20_000 {
        run.owe_and_acknowledge(owed(number));
        if number != 7 {
            run.show(owed(number), Span::millis(20));
        }
    }
    let ledger = &run.recorder.ledgers[0];
    assert_eq!(
        ledger
            .open
            .iter()
            .map(|(number, _)| number)
            .collect::<Vec<_>>(),
        [7]
    );
    let metrics = run.recorder.finish(None);
    let windows = metrics.baseline.p99.len();
    assert!(windows < 300, "{windows} windows for 2,000 seconds");
}

#[test]
fn a_run_that_becomes_busy_measures_what_a_quiet_one_does() {
    let measure = |is_quiet: bool| {
        let mut run = Run::new(&log_pipeline());
        if is_quiet {
            run.recorder = run.recorder.folding_at(usize::MAX, false);
        }
        for number in 0..2_000 {
            run.owe_and_acknowledge(owed(number));
            run.show(owed(number), Span::micros(10_000 + number * 37 % 5_000));
        }
        run.recorder.finish(None)
    };
    assert_eq!(measure(false), measure(true));
}

#[test]
fn a_run_that_outlasts_its_plan_keeps_its_slots() {
    let mut run = Run::new(&log_pipeline());
    run.owe_and_acknowledge(owed(0));
    run.show(owed(0), Span::secs(1_000));
    let metrics = run.recorder.finish(None);
    assert_eq!(metrics.slots.len() as u64, SLOTS_MAX);
}

/// An outage from 6 s to 8 s in which nothing is shown, what queued up is shown at 10 s, and the given facts.
fn noticed(facts: &[(u64, Fact)]) -> FaultTimes {
    let mut run = Run::new(&log_pipeline());
    for number in 0..180 {
        for (secs, fact) in facts.iter().filter(|(secs, _)| secs * 10 == number) {
            run.fault(*secs, fact.clone());
        }
        match number {
            60 => run.fault(6, Fact::FaultStarted(0)),
            80 => run.fault(8, Fact::FaultEnded(0)),
            _ => {}
        }
        let event = owed(number);
        run.owe_and_acknowledge(event);
        let queued = Time(Span::secs(10).0).since(event.due);
        let is_struck = (60..100).contains(&number);
        run.show(event, if is_struck { queued } else { Span::millis(10) });
    }
    run.recorder.finish(None).fault_times[0]
}

fn taken() -> Fact {
    Fact::RoleTaken {
        role: crate::history::Role::Controller,
        epoch: 2,
    }
}

#[test]
fn a_fault_is_noticed_by_the_first_reaction_and_drained_when_the_backlog_is_back() {
    // An office that was taken before it began is no answer to it, nor is what happens after everything is back.
    let retried = Fact::Flow(crate::history::Flow::Retried);
    let times = noticed(&[(3, taken()), (7, taken()), (9, retried.clone())]);
    assert_eq!(times.detected, Some((Reaction::RoleTaken, Span::secs(1))));
    assert_eq!(times.drained, Some(Span::secs(2)));
    let times = noticed(&[(3, taken()), (16, retried)]);
    assert_eq!(times.detected, None);
    let waited = Fact::Flow(crate::history::Flow::Waited);
    assert_eq!(noticed(&[(7, waited)]).detected, None);
}

#[test]
fn a_run_that_stays_slow_never_recovers() {
    let slow = |number| Some(Span::millis(if number >= 60 { 800 } else { 10 }));
    assert_eq!(Run::whole(slow, true).episodes[0].recovery, None);
}

#[test]
fn a_run_that_stays_below_its_twin_after_every_heal_is_metastable() {
    let twin = Run::whole(|_| Some(Span::millis(10)), false).baseline;
    let beside = |latency: fn(u64) -> Option<Span>| {
        Run::beside(latency, 6..8, Some(&twin)).episodes[0].clone()
    };
    // One event in five gets through from the fault on.
    let stuck = beside(|number| {
        let is_through = number < 60 || number % 5 == 0;
        is_through.then_some(Span::millis(10))
    });
    assert_eq!(stuck.recovery, None);
    let found = stuck
        .metastable
        .expect("all is healed, and little gets through");
    assert_eq!(
        (found.done, found.done_in_twin, found.permille()),
        (10, 50, 200)
    );
    // All of it gets through, late: that is no goodput lost.
    let late = beside(|number| Some(Span::millis(if number < 60 { 10 } else { 800 })));
    assert_eq!((late.recovery, late.metastable), (None, None));
    let back = beside(|number| Some(Span::millis(if number < 90 { 300 } else { 10 })));
    assert!(back.recovery.is_some() && back.metastable.is_none());
}

/// The warm-up shows what is normal; nothing between warm-up and fault used to mean a normal of zero, and
/// a recovery that waited for the noise to go away.
#[test]
fn a_fault_right_after_warm_up_is_recovered_from_when_it_is_healed() {
    let noisy = |number: u64| Some(Span::micros(1_400 + crate::rng::mix(number) % 100));
    let metrics = Run::struck(noisy, 2..4);
    assert_eq!(metrics.episodes[0].recovery, Some(Span::ZERO));
}

proptest! {
    /// Coordinated omission: leaving out the slowest events must not make the run look faster (B3).
    #[test]
    fn dropping_the_slowest_does_not_improve_p99(seed in 0..1_000_u64) {
        let millis = |number: u64| 1 + crate::rng::mix(seed ^ number << 20) % 1_000;
        let mut sorted: Vec<u64> = (0..180).map(millis).collect();
        sorted.sort_unstable();
        let cut = sorted[170];
        let honest = Run::whole(|number| Some(Span::millis(millis(number))), false);
        let dropping = Run::whole(
            |number| (millis(number) <= cut).then(|| Span::millis(millis(number))),
            false,
        );
        prop_assert!(p99(&dropping, &Phase::All) >= p99(&honest, &Phase::All));
    }

    /// What is counted where it falls, what is folded early and what is folded with everything known come to the
    /// same.
    #[test]
    fn a_small_buffer_measures_what_a_large_one_does(
        fold_at in 1..50_usize,
        seed in 0..10_000_u64,
        outages in prop::collection::vec((20..170_u64, 1..60_u64), 0..3),
    ) {
        let word = |number: u64, salt: u64| crate::rng::mix(seed ^ number << 20 ^ salt << 50);
        let mut starts: Vec<u64> = outages.iter().map(|(start, _)| *start).collect();
        starts.sort_unstable();
        let measure = |fold_at: usize, keeps: bool| {
            let mut run = Run::new(&log_pipeline());
            run.recorder = run.recorder.folding_at(fold_at, !keeps);
            // Facts in the order of time, as in a run: due every 100 ms, visible up to six seconds later.
            let mut facts: Vec<(Time, u64, Option<u64>)> = Vec::new();
            for number in 0..180 {
                let due = owed(number).due;
                facts.push((due, 0, Some(number)));
                facts.push((due + Span::millis(2), 1, Some(number)));
                let late = Span::micros((word(number, 1) % 6_000_000) >> (word(number, 2) % 20));
                if !word(number, 3).is_multiple_of(50) {
                    facts.push((due + late, 2, Some(number)));
                }
            }
            for (start, length) in &outages {
                let at = |tenths: u64| Time(tenths * 100_000_000 + seed % 2 * 1_234_567);
                facts.push((at(*start), 3, None));
                facts.push((at(start + length), 4, None));
            }
            facts.push((Time(Span::millis(12_345).0), 5, None));
            facts.sort_unstable();
            for (time, kind, number) in facts {
                match (kind, number) {
                    (0, Some(number)) => run.owe(owed(number)),
                    (1, Some(number)) => run.acknowledge(owed(number)),
                    (_, Some(number)) => {
                        let fact = Fact::Effects(write(Arc::from([owed(number)]), 1));
                        run.see(time, Stage::Written, SINK, fact);
                    }
                    (3, None) => run.see(time, Stage::Seen, AUDIT, Fact::FaultStarted(0)),
                    (4, None) => run.see(time, Stage::Seen, AUDIT, Fact::FaultEnded(0)),
                    (_, None) => run.see(time, Stage::Seen, AUDIT, Fact::Healed),
                }
            }
            run.recorder.finish(None)
        };
        let whole = measure(usize::MAX, true);
        prop_assert_eq!(&measure(fold_at, true), &whole);
        prop_assert_eq!(&measure(fold_at, false), &whole);
    }

    /// Merging is the same as counting in one.
    #[test]
    fn histograms_merge_without_loss(
        a in prop::collection::vec((0..u32::MAX, 1..9_u64), 0..50),
        b in prop::collection::vec((0..u32::MAX, 1..9_u64), 0..50),
    ) {
        let latency = |values: &[&[(u32, u64)]]| {
            let mut tally = tally::Tally::default();
            for (micros, times) in values.iter().copied().flatten() {
                tally.add(*micros, *times);
            }
            Latency::of_buckets(tally.drain(), 0)
        };
        let (mut one, both) = (latency(&[&a]), latency(&[&a, &b]));
        one.merge(&latency(&[&b]));
        prop_assert_eq!(one.buckets().collect::<Vec<_>>(), both.buckets().collect::<Vec<_>>());
    }
}
