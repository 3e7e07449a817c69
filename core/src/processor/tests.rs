use super::config::{CommitPosition, DeliveryMode};
use super::*;
use crate::broker::log::config::ConsumerConfig;
use crate::client::consumer::{LogConsumerPlan, points as consumer};
use crate::id::{GroupId, NodeId, Offset, PointId, TopicId};
use crate::message::sink::Write;
use crate::part::Cluster;
use crate::sink::Sink;
use crate::sink::config::{SinkConfig, SinkKind};
use crate::test_log::{LogState, SharedLog, TestLog, event, partition};
use crate::test_net::Net;
use crate::time::Span;
use std::cell::RefCell;
use std::rc::Rc;

const LOG: u16 = 0;
const SINK: u16 = 1;
const STORE: u16 = 2;
const FIRST: u16 = 3;

/// A pipeline: a log, a sink, a store and members of one processor.
struct Bench {
    net: Net,
    log: SharedLog,
}

fn plan(operator: &str, delivery: DeliveryMode, flaws: &[ProcessorFlaw]) -> ProcessorPlan {
    let brokers = Cluster {
        first: NodeId(LOG),
        nodes: 1,
    };
    let consumer = ConsumerConfig {
        heartbeat_interval: Span::millis(100),
        request_timeout: Span::secs(1),
        ..ConsumerConfig::default()
    };
    let input = LogConsumerPlan::new(brokers, (TopicId(0), 1), GroupId(5), &consumer);
    ProcessorPlan {
        input: InputPlan::Log(input),
        operator: operator::named(operator).expect("it is a reference operator"),
        sink: NodeId(SINK),
        store: Some(NodeId(STORE)),
        lease: None,
        window: None,
        delivery,
        checkpoint: Span::secs(1),
        batch: 4,
        in_flight: 1,
        commit: CommitPosition::Contiguous,
        request_timeout: Span::millis(300),
        retry_backoff: Span::millis(10),
        retry: None,
        flaws: flaws.to_vec(),
    }
}

impl Bench {
    fn new(kind: SinkKind, plan: ProcessorPlan, members: u16) -> Bench {
        let log: SharedLog = Rc::new(RefCell::new(LogState {
            logs: vec![Vec::new(), Vec::new()],
            ..LogState::default()
        }));
        let mut net = Net::default();
        let state = Rc::clone(&log);
        net.add(LOG, move || Box::new(TestLog::new(LOG, Rc::clone(&state))));
        let config = SinkConfig {
            kind,
            sync_before_ack: true,
            refuses_lower_tokens: false,
            flaws: Vec::new(),
        };
        net.add(SINK, move || Box::new(Sink::new(&config)));
        net.add(STORE, || Box::new(CheckpointStore::new()));
        let plan = Arc::new(plan);
        for member in 0..members {
            let plan = Arc::clone(&plan);
            net.add(FIRST + member, move || {
                Box::new(Processor::new(Arc::clone(&plan)))
            });
        }
        let mut bench = Bench { net, log };
        bench.net.run(Span::millis(500));
        bench
    }

    /// Events `numbers` arrive at partition `number % 2`, keyed by `number % 6`, valued by their number.
    fn arrive(&mut self, numbers: std::ops::Range<u64>) {
        let mut log = self.log.borrow_mut();
        for number in numbers {
            let event = event(number, number % 6, number as i64);
            log.logs[(number % 2) as usize].push(event);
        }
    }

    /// The member that died leaves the group at once.
    fn expire(&mut self) {
        self.log.borrow_mut().members.clear();
    }

    /// Crashes whichever member passes `point` next and boots it again.
    fn crash_at(&mut self, point: PointId) {
        self.net.crash_at = Some(point);
        self.net.run(Span::secs(3));
        assert!(!self.net.is_up(FIRST), "{point:?} was not passed");
        self.expire();
        self.net.boot(FIRST);
        self.net.run(Span::secs(3));
    }

    fn writes(&self) -> impl Iterator<Item = &Arc<Write>> {
        self.net.facts.iter().filter_map(|(_, fact)| {
            let Fact::Effects(write) = fact else {
                return None;
            };
            Some(write)
        })
    }

    /// The numbers of all rows ever applied, sorted.
    /// What the group has committed of the first partition.
    fn committed(&self) -> Option<Offset> {
        self.log.borrow().committed.get(&partition(0)).copied()
    }

    fn rows(&self) -> Vec<u64> {
        let rows = self.writes().flat_map(|write| write.rows.iter());
        let mut numbers: Vec<u64> = rows.map(|row| row.id.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The value of each row, in order of the events' numbers.
    fn values(&self) -> Vec<i64> {
        let rows = self.writes().flat_map(|write| write.rows.iter());
        let mut rows: Vec<(u64, i64)> = rows.map(|row| (row.id.number, row.value)).collect();
        rows.sort_unstable();
        rows.into_iter().map(|(_, value)| value).collect()
    }

    fn passed(&self, point: PointId) -> bool {
        self.net.points.contains(&point)
    }
}

fn numbers(end: u64) -> Vec<u64> {
    (0..end).collect()
}

/// The running count of each event's key.
fn counts(end: u64) -> Vec<i64> {
    (0..end).map(|number| number as i64 / 6 + 1).collect()
}

const ALO: DeliveryMode = DeliveryMode::AtLeastOnce;
const AMO: DeliveryMode = DeliveryMode::AtMostOnce;
const EOS: DeliveryMode = DeliveryMode::ExactlyOnce;

#[test]
fn without_faults_every_mode_writes_every_event_once() {
    for operator in ["identity", "count-by-key"] {
        for mode in [ALO, AMO, EOS] {
            let mut bench = Bench::new(SinkKind::Transactional, plan(operator, mode, &[]), 1);
            bench.arrive(0..60);
            bench.net.run(Span::secs(5));
            assert_eq!(bench.rows(), numbers(60), "{operator} {mode:?}");
            let committed: Vec<_> = bench.log.borrow().committed.values().copied().collect();
            assert_eq!(committed, [Offset(30), Offset(30)], "{operator} {mode:?}");
        }
    }
}

#[test]
fn a_crash_between_write_and_settle_writes_again_under_at_least_once() {
    let mut bench = Bench::new(SinkKind::Append, plan("identity", ALO, &[]), 1);
    bench.arrive(0..60);
    bench.crash_at(points::AFTER_WRITE_BEFORE_SETTLE);
    let rows = bench.rows();
    assert!(rows.len() > 60, "{} rows", rows.len());
    let mut distinct = rows;
    distinct.dedup();
    assert_eq!(distinct, numbers(60));
}

#[test]
fn a_crash_between_settle_and_write_loses_under_at_most_once() {
    let mut bench = Bench::new(SinkKind::Append, plan("identity", AMO, &[]), 1);
    bench.arrive(0..60);
    bench.crash_at(points::AFTER_SETTLE_BEFORE_WRITE);
    let rows = bench.rows();
    assert!(rows.len() < 60, "{} rows", rows.len());
    let mut distinct = rows.clone();
    distinct.dedup();
    assert_eq!(distinct, rows, "nothing is written twice");
}

#[test]
fn settling_first_loses_although_at_least_once_is_promised() {
    let flaws = [ProcessorFlaw::SettleBeforeWrite];
    let mut bench = Bench::new(SinkKind::Append, plan("identity", ALO, &flaws), 1);
    bench.arrive(0..60);
    bench.crash_at(points::AFTER_SETTLE_BEFORE_WRITE);
    assert!(bench.rows().len() < 60);
}

#[test]
fn exactly_once_survives_a_crash_at_every_point() {
    for operator in ["identity", "count-by-key"] {
        for point in [
            points::AFTER_WRITE_BEFORE_SETTLE,
            crate::sink::points::AFTER_SYNC_BEFORE_ACK,
            crate::sink::points::AFTER_WRITE_BEFORE_SYNC,
        ] {
            let mut bench = Bench::new(SinkKind::Transactional, plan(operator, EOS, &[]), 1);
            bench.arrive(0..60);
            bench.net.crash_at = Some(point);
            bench.net.run(Span::secs(2));
            for node in [SINK, FIRST] {
                if !bench.net.is_up(node) {
                    bench.expire();
                    bench.net.boot(node);
                }
            }
            bench.net.run(Span::secs(5));
            assert_eq!(bench.rows(), numbers(60), "{operator} {point:?}");
            if operator == "count-by-key" {
                assert_eq!(bench.values(), counts(60), "{point:?}");
            }
        }
    }
}

#[test]
fn exactly_once_rebuilds_what_its_state_lacks_without_writing_it() {
    for point in [
        points::AFTER_WRITE_BEFORE_CHECKPOINT,
        points::AFTER_CHECKPOINT_BEFORE_COMMIT,
    ] {
        let mut bench = Bench::new(SinkKind::Transactional, plan("count-by-key", EOS, &[]), 1);
        bench.arrive(0..60);
        bench.net.run(Span::secs(2));
        bench.arrive(60..120);
        bench.crash_at(point);
        bench.arrive(120..180);
        bench.net.run(Span::secs(3));
        assert_eq!(bench.values(), counts(180), "{point:?}");
    }
}

#[test]
fn at_least_once_restores_state_and_position_together() {
    let mut bench = Bench::new(SinkKind::Append, plan("count-by-key", ALO, &[]), 1);
    bench.arrive(0..60);
    bench.net.run(Span::secs(2));
    bench.arrive(60..120);
    bench.crash_at(points::AFTER_WRITE_BEFORE_CHECKPOINT);
    // Rows written again say the same as the first time.
    let rows = bench.writes().flat_map(|write| write.rows.iter());
    let mut rows: Vec<(u64, i64)> = rows.map(|row| (row.id.number, row.value)).collect();
    rows.sort_unstable();
    assert!(rows.len() > 120, "the crash lost a checkpoint");
    rows.dedup();
    let values: Vec<i64> = rows.into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, counts(120));
}

#[test]
fn a_position_without_state_makes_counts_start_anew() {
    let flaws = [ProcessorFlaw::StateWithoutPosition];
    let mut bench = Bench::new(SinkKind::Append, plan("count-by-key", ALO, &flaws), 1);
    bench.arrive(0..60);
    bench.net.run(Span::secs(3));
    bench.net.kill(FIRST);
    bench.expire();
    bench.net.boot(FIRST);
    bench.arrive(60..120);
    bench.net.run(Span::secs(3));
    assert_ne!(bench.values(), counts(120));
}

#[test]
fn a_second_member_takes_half_and_nothing_is_written_twice() {
    for mode in [ALO, EOS] {
        let mut bench = Bench::new(SinkKind::Transactional, plan("count-by-key", mode, &[]), 2);
        bench.arrive(0..60);
        bench.net.run(Span::secs(2));
        bench.net.kill(FIRST + 1);
        bench.expire();
        bench.net.run(Span::secs(2));
        bench.net.boot(FIRST + 1);
        bench.net.run(Span::secs(2));
        bench.arrive(60..120);
        bench.net.run(Span::secs(5));
        assert_eq!(bench.values(), counts(120), "{mode:?}");
        assert!(bench.passed(points::RELEASED));
    }
}

#[test]
fn a_lost_answer_makes_at_least_once_write_again_and_exactly_once_not() {
    for (mode, kind, extra) in [
        (ALO, SinkKind::Append, true),
        (EOS, SinkKind::Transactional, false),
    ] {
        let mut bench = Bench::new(kind, plan("identity", mode, &[]), 1);
        bench.net.loses = Some(("written", 1));
        bench.arrive(0..20);
        bench.net.run(Span::secs(4));
        assert!(bench.passed(points::RETRIED));
        assert_eq!(bench.rows().len() > 20, extra, "{mode:?}");
    }
}

#[test]
fn at_most_once_drops_a_write_whose_answer_is_lost() {
    let mut bench = Bench::new(SinkKind::Append, plan("identity", AMO, &[]), 1);
    bench.net.loses = Some(("write", 1));
    bench.arrive(0..20);
    bench.net.run(Span::secs(4));
    assert!(bench.passed(points::DROPPED));
    assert_eq!(bench.rows().len(), 16);
}

#[test]
fn filtered_events_are_told_in_one_fact_a_batch() {
    let mut bench = Bench::new(SinkKind::Append, plan("filter", ALO, &[]), 1);
    bench.arrive(0..60);
    bench.net.run(Span::secs(3));
    let filtered: Vec<u64> = bench
        .net
        .facts
        .iter()
        .filter_map(|(_, fact)| {
            let Fact::Filtered { events, .. } = fact else {
                return None;
            };
            Some(events.iter().map(|id| id.number))
        })
        .flatten()
        .collect();
    assert_eq!(filtered, (0..60).filter(|n| n % 2 == 1).collect::<Vec<_>>());
    let committed = bench.log.borrow().committed.clone();
    assert_eq!(
        committed[&partition(1)],
        Offset(30),
        "nothing to write is finished with"
    );
}

#[test]
fn one_event_in_a_thousand_is_left_out_by_a_flaw() {
    let flaws = [ProcessorFlaw::SkipEvents];
    let mut bench = Bench::new(SinkKind::Append, plan("identity", ALO, &flaws), 1);
    bench.arrive(0..2_000);
    bench.net.run(Span::secs(5));
    let rows = bench.rows();
    assert_eq!(rows.len(), 1_998);
    assert!(!rows.contains(&999) && !rows.contains(&1_999));
}

#[test]
fn a_rewound_group_writes_everything_again_unless_position_and_rows_are_one() {
    for (mode, kind, expected) in [
        (ALO, SinkKind::Append, 120),
        (EOS, SinkKind::Transactional, 60),
    ] {
        let mut bench = Bench::new(kind, plan("count-by-key", mode, &[]), 1);
        bench.arrive(0..60);
        bench.net.run(Span::secs(3));
        bench.net.give(FIRST, Input::Control(Control::Rewind));
        bench.net.run(Span::secs(3));
        assert_eq!(bench.rows().len(), expected, "{mode:?}");
        bench.arrive(60..66);
        bench.net.run(Span::secs(3));
        assert_eq!(bench.values().last(), Some(&11), "{mode:?}");
    }
}

/// Twelve events in three writes that are open at once, of which the first so many are lost at first.
fn three_writes(kind: SinkKind, commit: CommitPosition, lost: u32) -> Bench {
    let plan = ProcessorPlan {
        in_flight: 3,
        commit,
        checkpoint: Span::millis(100),
        request_timeout: Span::secs(2),
        ..plan("identity", ALO, &[])
    };
    let mut bench = Bench::new(kind, plan, 1);
    bench.net.loses = Some(("write", lost));
    bench.log.borrow_mut().logs[0] = (0..12).map(|number| event(number, number, 0)).collect();
    bench.net.run(Span::millis(600));
    bench
}

#[test]
fn behind_an_open_write_the_highest_position_is_committed_and_the_contiguous_one_is_not() {
    for (commit, moves) in [
        (CommitPosition::Contiguous, false),
        (CommitPosition::Highest, true),
    ] {
        let mut bench = three_writes(SinkKind::Upsert, commit, 1);
        assert_eq!(bench.rows(), (4..12).collect::<Vec<_>>(), "{commit:?}");
        assert_eq!(bench.committed(), moves.then_some(Offset(12)), "{commit:?}");
        bench.net.run(Span::secs(3));
        assert_eq!(bench.rows(), numbers(12), "{commit:?}");
        assert_eq!(bench.committed(), Some(Offset(12)), "{commit:?}");
    }
}

#[test]
fn a_polled_position_passes_writes_that_are_all_open() {
    for (commit, moves) in [
        (CommitPosition::Highest, false),
        (CommitPosition::Polled, true),
    ] {
        let bench = three_writes(SinkKind::Append, commit, 3);
        assert_eq!(bench.rows(), [0; 0], "{commit:?}");
        assert_eq!(bench.committed(), moves.then_some(Offset(12)), "{commit:?}");
    }
}

#[test]
fn k11_a_member_that_is_busy_for_longer_than_its_poll_interval_leaves_and_learns_of_it_when_it_is_done()
 {
    let mut plan = ProcessorPlan {
        request_timeout: Span::secs(1),
        ..plan("identity", ALO, &[])
    };
    let InputPlan::Log(input) = &mut plan.input else {
        unreachable!("it reads a log");
    };
    input.max_poll_interval = Span::millis(200);
    let mut bench = Bench::new(SinkKind::Append, plan, 1);
    bench.net.loses = Some(("write", 1));
    bench.arrive(0..6);
    bench.net.run(Span::millis(600));
    assert!(bench.passed(consumer::POLL_EXPIRED) && !bench.passed(consumer::LOST));
    assert!(bench.log.borrow().members.is_empty());
    bench.net.run(Span::secs(2));
    assert!(bench.passed(consumer::LOST));
    let mut rows = bench.rows();
    rows.dedup();
    assert_eq!(rows, numbers(6), "it reads on once it has joined again");
}
