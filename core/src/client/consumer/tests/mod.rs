//! Groups, positions and reading of a member, against a broker that never fails.

mod fetcher;

use super::*;
use crate::actor::{Actor, Context, Input, Inspection};
use crate::broker::log::config::{ConsumerConfig, TruncationDetection};
use crate::history::Fact;
use crate::id::{GroupId, NodeId, Offset, TopicId};
use crate::message::Message;
use crate::part::Cluster;
use crate::test_log::{LogState, SharedLog, TestLog, event, partition};
use crate::test_net::Net;
use crate::time::Span;
use std::cell::RefCell;
use std::rc::Rc;

const OWNER: u16 = 1;

type Diary = Rc<RefCell<Vec<Given>>>;

/// Owns a consumer, writes down what it is given, and begins at the committed position.
struct Owner {
    consumer: LogConsumer,
    diary: Diary,
    pauses: bool,
}

impl Actor for Owner {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start => self.consumer.start(cx),
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } => assert_eq!(self.consumer.on_reply(cx, call, reply), None),
            Input::Closed { connection, .. } => self.consumer.on_closed(cx, connection),
            Input::Timer(timer) => assert!(self.consumer.on_timer(cx, timer) || timer.0 >> 63 == 1),
            Input::Message { .. } | Input::Opened { .. } | Input::Disk(_) | Input::Control(_) => {}
        }
        while let Some(given) = self.consumer.take_given(cx) {
            if let Given::Assigned {
                partition,
                committed,
                ..
            } = &given
            {
                self.consumer.begin(*partition, *committed);
                self.consumer.pause(*partition, self.pauses);
            } else if let Given::Revoking { .. } = &given {
                self.consumer.release(cx);
            }
            self.diary.borrow_mut().push(given);
        }
        self.consumer.pump(cx);
    }

    fn inspect(&self) -> Inspection {
        Inspection::new()
    }
}

struct Bench {
    net: Net,
    log: SharedLog,
    diary: Diary,
}

impl Bench {
    /// One partition with ten records, and a member that has not begun.
    fn new(pauses: bool, set: impl FnOnce(&mut LogState)) -> Bench {
        let mut state = LogState {
            logs: vec![(0..10).map(|number| event(number, 0, 0)).collect()],
            epoch: 1,
            ..LogState::default()
        };
        set(&mut state);
        let log: SharedLog = Rc::new(RefCell::new(state));
        let diary = Diary::default();
        let mut net = Net::default();
        let shared = Rc::clone(&log);
        net.add(0, move || Box::new(TestLog::new(0, Rc::clone(&shared))));
        let brokers = Cluster {
            first: NodeId(0),
            nodes: 1,
        };
        let config = ConsumerConfig {
            heartbeat_interval: Span::millis(100),
            ..ConsumerConfig::default()
        };
        let plan = LogConsumerPlan::new(brokers, (TopicId(0), 1), GroupId(0), &config);
        let written = Rc::clone(&diary);
        net.add(OWNER, move || {
            Box::new(Owner {
                consumer: LogConsumer::new(&plan),
                diary: Rc::clone(&written),
                pauses,
            })
        });
        let mut bench = Bench { net, log, diary };
        bench.net.run(Span::millis(150));
        bench
    }

    /// The stretches of offsets that were handed out.
    fn read(&self) -> Vec<(u64, u64)> {
        let diary = self.diary.borrow();
        let records = diary.iter().filter_map(|given| match given {
            Given::Records(records) => Some((records.from.0, records.next.0)),
            Given::Assigned { .. }
            | Given::Begun { .. }
            | Given::Revoking { .. }
            | Given::Committed(_)
            | Given::CommitFailed(_) => None,
        });
        records.collect()
    }

    fn passed(&self, point: crate::id::PointId) -> bool {
        self.net.points.contains(&point)
    }

    /// Where the history says that reading began.
    fn assigned(&self) -> Vec<u64> {
        let facts = self.net.facts.iter();
        facts
            .filter_map(|(_, fact)| {
                let Fact::Assigned { from, .. } = fact else {
                    return None;
                };
                Some(from.0)
            })
            .collect()
    }
}

#[test]
fn a_member_reads_from_the_committed_position_even_inside_a_batch() {
    let bench = Bench::new(false, |log| {
        log.committed.insert(partition(0), Offset(4));
    });
    assert_eq!(bench.read(), [(4, 10)]);
    assert_eq!(bench.assigned(), [4]);
}

#[test]
fn a_group_without_a_position_begins_where_the_policy_says() {
    let bench = Bench::new(false, |log| log.start = 3);
    assert_eq!(bench.read(), [(3, 10)]);
    assert!(bench.passed(points::POSITION_RESET));
}

#[test]
fn a_position_that_retention_has_removed_is_reset_and_told_as_a_new_beginning() {
    let bench = Bench::new(false, |log| {
        log.start = 6;
        log.committed.insert(partition(0), Offset(2));
    });
    assert_eq!(bench.read(), [(6, 10)]);
    assert_eq!(bench.assigned(), [2, 6]);
}

#[test]
fn what_arrives_later_is_read_by_the_long_poll() {
    let mut bench = Bench::new(false, |_| {});
    bench.log.borrow_mut().logs[0].push(event(10, 0, 0));
    bench.net.run(Span::secs(1));
    assert_eq!(bench.read(), [(0, 10), (10, 11)]);
}

#[test]
fn a_paused_partition_is_not_fetched() {
    let bench = Bench::new(true, |log| {
        log.committed.insert(partition(0), Offset(0));
    });
    assert!(bench.read().is_empty());
}

#[test]
fn a_new_leader_that_lacks_what_was_read_sends_the_reader_back() {
    let mut bench = Bench::new(false, |_| {});
    {
        let mut log = bench.log.borrow_mut();
        log.epoch = 2;
        log.logs[0].truncate(8);
        log.truncated_at = Some(8);
        log.logs[0].push(event(20, 0, 0));
    }
    bench.net.run(Span::secs(1));
    assert!(bench.passed(points::TRUNCATION_FOUND));
    assert_eq!(bench.read(), [(0, 10), (8, 9)]);
    assert_eq!(bench.assigned(), [0, 8]);
}

#[test]
fn a_new_leader_that_has_everything_is_read_on() {
    let mut bench = Bench::new(false, |_| {});
    {
        let mut log = bench.log.borrow_mut();
        log.epoch = 2;
        log.logs[0].push(event(10, 0, 0));
    }
    bench.net.run(Span::secs(1));
    assert_eq!(bench.read(), [(0, 10), (10, 11)]);
    assert!(!bench.passed(points::TRUNCATION_FOUND));
}

#[test]
fn a_rebalance_takes_everything_away_before_the_member_joins_again() {
    let mut bench = Bench::new(false, |_| {});
    bench.log.borrow_mut().generation += 1;
    bench.net.run(Span::secs(1));
    let diary = bench.diary.borrow();
    let revoked = diary
        .iter()
        .position(|given| *given == Given::Revoking { lost: false })
        .expect("the heartbeat learns of the rebalance");
    assert!(matches!(diary[revoked + 1], Given::Assigned { generation, .. } if generation > 1));
    assert!(bench.passed(points::REVOKING) && !bench.passed(points::LOST));
}

#[test]
fn k14_a_member_learns_of_new_partitions_when_its_metadata_is_old_and_the_group_comes_together_anew()
 {
    let mut bench = Bench::new(false, |_| {});
    let more = vec![event(20, 0, 0), event(21, 0, 0)];
    bench.log.borrow_mut().logs.push(more);
    bench.net.run(Span::secs(200));
    assert_eq!(
        bench.read(),
        [(0, 10)],
        "the metadata is believed for 300 s"
    );
    bench.net.run(Span::secs(200));
    assert!(bench.passed(points::PARTITIONS_FOUND));
    let diary = bench.diary.borrow();
    let revoked = Given::Revoking { lost: false };
    assert!(diary.contains(&revoked), "eager: everything is given up");
    let begun = diary
        .iter()
        .any(|given| matches!(given, Given::Records(records) if records.partition == partition(1)));
    assert!(begun, "{diary:?}");
}

#[test]
fn a_member_that_the_group_has_forgotten_is_told_that_it_has_lost() {
    let mut bench = Bench::new(false, |_| {});
    bench.log.borrow_mut().members.clear();
    bench.net.run(Span::secs(1));
    assert!(
        bench
            .diary
            .borrow()
            .contains(&Given::Revoking { lost: true })
    );
    assert!(bench.passed(points::LOST));
    assert_eq!(bench.assigned().len(), 2, "it joins again");
}

#[test]
fn a_dead_broker_is_asked_again_until_it_answers() {
    let mut bench = Bench::new(false, |_| {});
    bench.net.kill(0);
    bench.net.run(Span::secs(2));
    bench.net.boot(0);
    bench.log.borrow_mut().logs[0].push(event(10, 0, 0));
    bench.net.run(Span::secs(2));
    assert_eq!(bench.read().last(), Some(&(10, 11)));
}
