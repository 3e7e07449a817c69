mod backpressure;
mod retries;
mod storm;

use super::*;
use crate::actor::{CloseReason, Connection, Effect, Origin};
use crate::broker::log::config::ProducerConfig;
use crate::broker::queue::config::PublisherConfig;
use crate::event::EventId;
use crate::id::{CallId, Epoch, Offset, ProducerId, TopicId};
use crate::message::log::{Metadata, PartitionState, Published};
use crate::message::{Refusal, Reply};
use crate::part::Cluster;
use crate::test_rig::Rig;
use crate::time::{Span, Time};
use std::collections::BTreeMap;

const BROKER: Cluster = Cluster {
    first: NodeId(10),
    nodes: 3,
};

/// Node, number of the first event, producer id and sequence.
type Sent = (u16, u64, Option<(u64, u64)>);

const fn publish(request: &Request) -> Option<&Publish> {
    if let Request::Publish(publish) = request {
        Some(publish)
    } else {
        None
    }
}

/// A publisher with its broker played by the test.
struct Stage {
    rig: Rig,
    publisher: Publisher,
    peers: BTreeMap<Connection, NodeId>,
    /// Requests not yet answered.
    asked: Vec<(CallId, Connection, Request)>,
    facts: Vec<Fact>,
    flow: Vec<Flow>,
    points: Vec<&'static str>,
    timers: BTreeMap<TimerId, Mono>,
    number: u64,
}

impl Stage {
    fn new(plan: PublisherPlan) -> Stage {
        Stage {
            rig: Rig::new(NodeId(1)),
            publisher: Publisher::new(plan),
            peers: BTreeMap::new(),
            asked: Vec::new(),
            facts: Vec::new(),
            flow: Vec::new(),
            points: Vec::new(),
            timers: BTreeMap::new(),
            number: 0,
        }
    }

    /// One that has learnt its leader (node 10) and its producer id.
    fn ready(plan: PublisherPlan) -> Stage {
        let mut stage = Stage::new(plan);
        stage.input(Input::Start);
        stage.answer_metadata(NodeId(10), 1);
        stage.answer_producer(7);
        stage
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Connect { connection, to } => {
                    self.peers.insert(connection, to);
                }
                Effect::Send {
                    connection,
                    message: Message::Request { call, request },
                } => self.asked.push((call, connection, request)),
                Effect::Observe(Fact::Flow(flow)) => self.flow.push(flow),
                Effect::Observe(fact) => self.facts.push(fact),
                Effect::Point(point) => self.points.push(point.name()),
                Effect::Arm { timer, at } => {
                    self.timers.insert(timer, at);
                }
                Effect::Disarm(timer) => {
                    self.timers.remove(&timer);
                }
                Effect::Close(connection) => {
                    self.peers.remove(&connection);
                }
                Effect::Send { .. } | Effect::Datagram { .. } | Effect::Disk(_) => {
                    panic!("a publisher does no such thing: {effect:?}")
                }
            }
        }
    }

    fn input(&mut self, input: Input) {
        let publisher = &mut self.publisher;
        let effects = self.rig.with(|cx| {
            publisher.on_input(cx, &input);
        });
        self.take(effects);
    }

    fn push(&mut self) {
        let event = Event {
            id: EventId {
                source: 0,
                number: self.number,
            },
            key: 1,
            event_time: 0,
            due: Time(0),
            value: 1,
            size: 100,
            kind: 0,
            label: 0,
        };
        self.number += 1;
        let publisher = &mut self.publisher;
        let effects = self.rig.with(|cx| publisher.push(cx, event));
        self.take(effects);
    }

    fn wait(&mut self, span: Span) {
        self.rig.wait(span);
        let timer = self.publisher.timer();
        self.input(Input::Timer(timer));
    }

    fn reply_to(&mut self, at: usize, reply: Reply) {
        let (call, connection, _) = self.asked.remove(at);
        self.input(Input::Message {
            origin: Origin::Connection(connection),
            peer: self.peers[&connection],
            message: Message::Reply { call, reply },
        });
    }

    fn find(&self, wanted: fn(&Request) -> bool) -> usize {
        let found = self
            .asked
            .iter()
            .position(|(_, _, request)| wanted(request));
        found.expect("the publisher has asked")
    }

    /// Node 10 leads four partitions, of which so many may be used.
    fn answer_usable(&mut self, usable: u16) {
        let at = self.find(|request| matches!(request, Request::Metadata(_)));
        let partitions = (0..4).map(|index| PartitionState {
            partition: Partition {
                topic: TopicId(0),
                index,
            },
            leader: Some(NodeId(10)),
            epoch: Epoch(1),
        });
        let metadata = Metadata {
            usable,
            partitions: partitions.collect(),
        };
        self.reply_to(at, Reply::Metadata(Arc::new(metadata)));
    }

    fn answer_metadata(&mut self, leader: NodeId, epoch: u32) {
        let at = self.find(|request| matches!(request, Request::Metadata(_)));
        let partitions = vec![PartitionState {
            partition: Partition::default(),
            leader: Some(leader),
            epoch: Epoch(epoch),
        }];
        self.reply_to(at, Reply::Metadata(Arc::new(Metadata::of(partitions))));
    }

    fn answer_producer(&mut self, id: u64) {
        let at = self.find(|request| matches!(request, Request::InitProducer));
        let id = ProducerId(id);
        self.reply_to(at, Reply::ProducerAssigned { id, epoch: 0 });
    }

    /// The open publishes.
    fn published(&self) -> Vec<Sent> {
        self.asked
            .iter()
            .filter_map(|(_, connection, request)| {
                let batch = &publish(request)?.batch;
                let producer = batch.producer;
                Some((
                    self.peers[connection].0,
                    batch.events()[0].id.number,
                    producer.map(|producer| {
                        let epoch = u64::from(producer.epoch) * 1_000;
                        (producer.id.0, epoch + producer.sequence)
                    }),
                ))
            })
            .collect()
    }

    /// Answers the open publish of the batch that begins with event `number`.
    fn answer(&mut self, number: u64, refusal: Option<Refusal>) {
        let is_it = |publish: &Publish| publish.batch.events()[0].id.number == number;
        let at = self
            .asked
            .iter()
            .position(|(_, _, request)| publish(request).is_some_and(is_it))
            .expect("the batch has been published");
        let publish = publish(&self.asked[at].2).unwrap();
        let reply = match refusal {
            Some(refusal) => Reply::Refused(refusal),
            None => Reply::Published(Published {
                partition: publish.partition,
                base: Offset(0),
                batch: Arc::clone(&publish.batch),
            }),
        };
        self.reply_to(at, reply);
    }

    fn close(&mut self, peer: NodeId, reason: CloseReason) {
        let found = self.peers.iter().rev().find(|(_, node)| **node == peer);
        let connection = *found.expect("there is a connection").0;
        self.asked.retain(|(_, open, _)| *open != connection);
        self.input(Input::Closed {
            connection,
            peer,
            reason,
        });
    }

    fn gave_up(&self) -> Vec<(u64, bool)> {
        let mut gave_up = Vec::new();
        for fact in &self.facts {
            if let Fact::GaveUp {
                events, definite, ..
            } = fact
            {
                gave_up.push((events[0].id.number, *definite));
            }
        }
        gave_up
    }
}

fn config() -> ProducerConfig {
    ProducerConfig {
        linger: Span::ZERO,
        batch_records: 1,
        ..ProducerConfig::default()
    }
}

fn to_log(config: &ProducerConfig) -> PublisherPlan {
    PublisherPlan::to_log(Duty::Source, BROKER, TopicId(0), 1, config)
}

#[test]
fn nothing_is_sent_before_leaders_and_a_producer_id_are_known() {
    let mut stage = Stage::new(to_log(&config()));
    stage.push();
    assert!(stage.published().is_empty());
    stage.answer_metadata(NodeId(11), 1);
    assert!(stage.published().is_empty());
    stage.answer_producer(3);
    assert_eq!(stage.published(), [(11, 0, Some((3, 0)))]);
}

#[test]
fn a_batch_leaves_when_its_linger_is_over_and_its_events_are_owed_as_it_is_closed() {
    let config = ProducerConfig {
        linger: Span::millis(5),
        ..ProducerConfig::default()
    };
    let mut stage = Stage::ready(to_log(&config));
    for _ in 0..3 {
        stage.push();
    }
    assert!(stage.facts.is_empty());
    stage.wait(Span::millis(5));
    assert_eq!(stage.published(), [(10, 0, Some((7, 0)))]);
    let [Fact::Owed(owed)] = &stage.facts[..] else {
        panic!("{:?}", stage.facts);
    };
    let Request::Publish(publish) = &stage.asked[0].2 else {
        panic!("{:?}", stage.asked);
    };
    let crate::event::Records::Events(sent) = &publish.batch.records else {
        panic!("a publisher sends events");
    };
    assert!(Arc::ptr_eq(owed, sent));
    assert_eq!(owed.len(), 3);
}

#[test]
fn a_batch_that_is_full_leaves_at_once() {
    let config = ProducerConfig {
        batch_size: crate::units::Size(250),
        ..ProducerConfig::default()
    };
    let mut stage = Stage::ready(to_log(&config));
    stage.push();
    stage.push();
    assert!(stage.published().is_empty());
    stage.push();
    assert_eq!(stage.published(), [(10, 0, Some((7, 0)))]);
}

#[test]
fn no_more_publishes_are_open_at_a_node_than_allowed_and_the_open_batch_grows_meanwhile() {
    let config = ProducerConfig {
        linger: Span::ZERO,
        max_in_flight: 2,
        ..ProducerConfig::default()
    };
    let mut stage = Stage::ready(to_log(&config));
    for _ in 0..6 {
        stage.push();
    }
    assert_eq!(stage.published().len(), 2);
    stage.answer(0, None);
    let published = stage.published();
    assert_eq!(published[1], (10, 2, Some((7, 2))));
    stage.answer(1, None);
    stage.answer(2, None);
    assert!(stage.publisher.is_idle());
}

#[test]
fn a_retry_keeps_its_identity_and_goes_alone() {
    let mut stage = Stage::ready(to_log(&config()));
    for _ in 0..3 {
        stage.push();
    }
    stage.close(NodeId(10), CloseReason::Reset);
    assert!(stage.published().is_empty());
    stage.wait(Span::millis(150));
    assert_eq!(stage.published(), [(10, 0, Some((7, 0)))]);
    assert_eq!(stage.points, ["publisher.retried"]);
    stage.answer(0, None);
    assert_eq!(stage.published(), [(10, 1, Some((7, 1)))]);
    stage.answer(1, None);
    assert_eq!(stage.published(), [(10, 2, Some((7, 2)))]);
}

#[test]
fn after_a_definite_failure_later_batches_are_requeued_in_order() {
    let mut stage = Stage::ready(to_log(&config()));
    for _ in 0..3 {
        stage.push();
    }
    stage.answer(0, Some(Refusal::NotEnoughReplicas));
    stage.answer(1, Some(Refusal::OutOfOrderSequence));
    stage.answer(2, Some(Refusal::OutOfOrderSequence));
    assert!(stage.published().is_empty());
    for number in 0..3 {
        stage.wait(Span::millis(500));
        assert_eq!(stage.published(), [(10, number, Some((7, number)))]);
        stage.answer(number, None);
    }
    assert!(stage.gave_up().is_empty());
}

#[test]
fn a_moved_leader_is_asked_for_and_the_batch_follows_it() {
    let mut stage = Stage::ready(to_log(&config()));
    stage.push();
    stage.wait(Span::secs(1));
    stage.answer(0, Some(Refusal::NotLeader));
    stage.answer_metadata(NodeId(12), 2);
    stage.wait(Span::millis(150));
    assert_eq!(stage.published(), [(12, 0, Some((7, 0)))]);
}

#[test]
fn k14_keys_move_when_a_broker_tells_of_more_partitions_and_not_back_when_one_knows_of_fewer() {
    let plan = PublisherPlan::to_log(Duty::Source, BROKER, TopicId(0), 4, &config());
    let mut stage = Stage::new(plan.beginning_with(1));
    stage.input(Input::Start);
    stage.answer_usable(1);
    stage.answer_producer(7);
    let moved = partition_of(1, 4);
    assert_ne!(moved, 0, "the key of these events moves");
    for (number, usable, expected) in [(0, None, 0), (1, Some(4), moved), (2, Some(1), moved)] {
        if let Some(usable) = usable {
            stage.wait(Span::secs(301));
            stage.answer_usable(usable);
        }
        stage.push();
        let last = stage
            .asked
            .last()
            .and_then(|(_, _, request)| publish(request));
        assert_eq!(last.map(|sent| sent.partition.index), Some(expected));
        stage.answer(number, None);
    }
}

#[test]
fn one_request_at_a_time_waits_for_its_answer_although_the_leader_has_moved() {
    let mut config = config();
    config.max_in_flight = 1;
    config.request_timeout = Span::secs(400);
    config.delivery_timeout = Span::secs(1_000);
    let mut stage = Stage::ready(to_log(&config));
    stage.push();
    stage.wait(Span::secs(301));
    stage.answer_metadata(NodeId(12), 2);
    stage.push();
    stage.wait(Span::secs(1));
    assert_eq!(stage.published(), [(10, 0, Some((7, 0)))]);
    stage.answer(0, None);
    assert_eq!(stage.published(), [(12, 1, Some((7, 1)))]);
}

#[test]
fn metadata_older_than_known_is_ignored() {
    let mut stage = Stage::ready(to_log(&config()));
    stage.wait(Span::secs(301));
    stage.answer_metadata(NodeId(11), 0);
    stage.push();
    assert_eq!(stage.published(), [(10, 0, Some((7, 0)))]);
}

#[test]
fn a_batch_never_sent_is_given_up_definitely() {
    let mut stage = Stage::new(to_log(&config()));
    stage.push();
    stage.wait(Span::secs(120));
    assert_eq!(stage.gave_up(), [(0, true)]);
    assert!(stage.publisher.is_idle());
    assert_eq!(stage.points, ["publisher.gave-up"]);
}

#[test]
fn a_batch_refused_for_certain_each_time_is_given_up_definitely() {
    let mut stage = Stage::ready(to_log(&config()));
    stage.push();
    stage.answer(0, Some(Refusal::NotEnoughReplicas));
    stage.wait(Span::secs(120));
    assert_eq!(stage.gave_up(), [(0, true)]);
}

#[test]
fn a_batch_whose_answer_was_lost_is_given_up_in_doubt() {
    for is_answer_late in [false, true] {
        let mut stage = Stage::ready(to_log(&config()));
        stage.push();
        if is_answer_late {
            stage.wait(Span::secs(120));
            assert_eq!(stage.gave_up(), [(0, false)]);
            stage.answer(0, None);
        } else {
            stage.answer(0, Some(Refusal::NotEnoughReplicasAfterAppend));
            stage.wait(Span::secs(120));
            assert_eq!(stage.gave_up(), [(0, false)]);
        }
        assert!(stage.publisher.is_idle());
    }
}

#[test]
fn the_epoch_grows_only_when_nothing_is_in_doubt() {
    let mut stage = Stage::ready(to_log(&config()));
    for _ in 0..3 {
        stage.push();
    }
    stage.answer(0, Some(Refusal::InvalidProducerEpoch));
    stage.answer(1, Some(Refusal::TimedOut));
    stage.answer(2, Some(Refusal::OutOfOrderSequence));
    // Batch 1 may be stored: it is tried under its old number, and nothing else is.
    stage.wait(Span::millis(150));
    assert_eq!(stage.published(), [(10, 1, Some((7, 1)))]);
    assert_eq!(stage.asked.len(), 1);
    stage.answer(1, Some(Refusal::OutOfOrderSequence));
    assert_eq!(stage.gave_up(), [(1, false)]);
    stage.wait(Span::millis(150));
    // The id stays; under the next epoch sequences begin at 0 (KIP-360).
    assert_eq!(
        stage.published(),
        [(10, 0, Some((7, 1_000))), (10, 2, Some((7, 1_001)))]
    );
    assert!(stage.points.contains(&"publisher.new-identity"));
}

#[test]
fn acks_zero_waits_for_nothing() {
    let config = ProducerConfig {
        acks: Acks::None,
        ..config()
    };
    let mut stage = Stage::new(to_log(&config));
    stage.input(Input::Start);
    stage.answer_metadata(NodeId(10), 1);
    for _ in 0..9 {
        stage.push();
    }
    assert_eq!(stage.published().len(), 9);
    assert!(stage.publisher.is_idle());
    assert_eq!(stage.publisher.calls.len(), 0);
}

#[test]
fn what_does_not_fit_waits_owed_and_unsent_and_its_time_counts_from_its_admission() {
    let config = ProducerConfig {
        buffer_memory: crate::units::Size(250),
        ..config()
    };
    let mut stage = Stage::ready(to_log(&config));
    for _ in 0..5 {
        stage.push();
    }
    assert_eq!((stage.published().len(), stage.publisher.waiting()), (2, 3));
    assert_eq!(stage.facts.len(), 5);
    stage.wait(Span::secs(119));
    stage.answer(0, None);
    assert_eq!(stage.publisher.waiting(), 2);
    stage.wait(Span::secs(2));
    assert_eq!(stage.gave_up(), [(1, false)]);
    assert_eq!(stage.publisher.waiting(), 1);
}

#[test]
fn a_batch_that_grows_while_there_is_no_room_is_closed_in_the_end() {
    let config = ProducerConfig {
        buffer_memory: crate::units::Size(100),
        batch_records: 2,
        ..config()
    };
    let mut stage = Stage::new(to_log(&config));
    for _ in 0..5 {
        stage.push();
    }
    stage.wait(Span::secs(240));
    assert_eq!(stage.facts.len(), 4, "{:?}", stage.facts);
    stage.wait(Span::secs(240));
    stage.wait(Span::secs(240));
    assert_eq!(stage.gave_up(), [(0, true), (2, true), (4, true)]);
}

#[test]
fn a_publisher_to_a_queue_asks_for_nothing_and_numbers_nothing() {
    let queue = PublisherConfig::default();
    let plan = PublisherPlan::to_queue(Duty::Source, BROKER, TopicId(2), &queue);
    let mut stage = Stage::new(plan);
    stage.input(Input::Start);
    for _ in 0..10 {
        stage.push();
    }
    assert_eq!(stage.published(), [(10, 0, None)]);
    assert_eq!(stage.asked.len(), 1);
}

#[test]
fn a_relay_reports_to_its_owner_and_not_to_the_history() {
    let mut plan = to_log(&config());
    plan.duty = Duty::Relay;
    let mut stage = Stage::ready(plan);
    stage.push();
    stage.push();
    stage.answer(0, None);
    stage.answer(1, Some(Refusal::Unsupported));
    let fates: Vec<Fate> = stage
        .publisher
        .take_outcomes()
        .into_iter()
        .map(|outcome| outcome.fate)
        .collect();
    let refused = Fate::GaveUp {
        definite: true,
        refusal: Refusal::Unsupported,
    };
    assert_eq!(fates, [Fate::Acknowledged, refused]);
    assert!(stage.facts.is_empty());
}

#[test]
fn a_refused_connection_leaves_no_doubt() {
    let mut stage = Stage::ready(to_log(&config()));
    stage.push();
    stage.close(NodeId(10), CloseReason::Refused);
    stage.wait(Span::secs(120));
    assert_eq!(stage.gave_up(), [(0, true)]);
}

#[test]
fn backoff_doubles_up_to_its_bound() {
    let plan = to_log(&config());
    let waits: Vec<u64> = (1..7)
        .map(|n| plan.backoff(n).as_micros() / 1_000)
        .collect();
    assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
}
