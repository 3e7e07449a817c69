//! Processors on leased messages: what they write, settle and extend.

use super::config::{CommitPosition, DeliveryMode};
use super::*;
use crate::broker::queue::QueueBroker;
use crate::broker::queue::config::{LeaseConsumerConfig, QueueConfig, QueueTopic};
use crate::client::consumer::{LeaseConsumerPlan, points as consumer_points};
use crate::event::Batch;
use crate::id::{GroupId, NodeId, PointId, TopicId};
use crate::message::Request;
use crate::message::log::{Acks, Publish};
use crate::sink::Sink;
use crate::sink::config::{SinkConfig, SinkKind};
use crate::test_log::{event, partition};
use crate::test_net::Net;
use crate::time::{Span, Wall};

const QUEUE: u16 = 0;
const SINK: u16 = 1;
const MEMBER: u16 = 3;
const OUTSIDE: u16 = 9;
const LEASE: Span = Span::secs(2);

/// Publishes once.
struct Publisher(u64);

impl Actor for Publisher {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        if input == Input::Start {
            let events = (0..self.0).map(|number| event(number, 0, number as i64));
            let events: Arc<[Event]> = events.collect();
            let connection = cx.connect(NodeId(QUEUE));
            let publish = Publish {
                partition: partition(0),
                acks: Acks::All,
                batch: Arc::new(Batch::of_events(events, None, Wall(0))),
            };
            cx.request(connection, Request::Publish(publish));
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new()
    }
}

/// A queue with 40 events, a sink, and one member.
fn net(mode: DeliveryMode, crash_at: Option<PointId>) -> Net {
    let topic = QueueTopic {
        visibility_timeout: LEASE,
        ..QueueTopic::default()
    };
    let config = QueueConfig {
        topics: [("work".to_owned(), topic)].into(),
        ..QueueConfig::default()
    };
    let mut net = Net::default();
    net.crash_at = crash_at;
    net.add(QUEUE, move || Box::new(QueueBroker::new(&config)));
    let sink = SinkConfig {
        kind: SinkKind::Append,
        sync_before_ack: true,
        refuses_lower_tokens: false,
        flaws: Vec::new(),
    };
    net.add(SINK, move || Box::new(Sink::new(&sink)));
    net.run(Span::millis(1));
    net.add(OUTSIDE, || Box::new(Publisher(40)));
    net.run(Span::millis(1));
    let consumer = LeaseConsumerConfig::default();
    let queue = NodeId(QUEUE);
    let input = LeaseConsumerPlan::new(queue, TopicId(0), GroupId(3), LEASE, &consumer);
    let plan = Arc::new(ProcessorPlan {
        input: InputPlan::Lease(input),
        operator: operator::named("identity").expect("it is a reference operator"),
        sink: NodeId(SINK),
        store: None,
        lease: None,
        window: None,
        delivery: mode,
        checkpoint: Span::secs(1),
        batch: 4,
        in_flight: 1,
        commit: CommitPosition::Contiguous,
        request_timeout: Span::millis(300),
        retry_backoff: Span::millis(50),
        retry: None,
        flaws: Vec::new(),
    });
    net.add(MEMBER, move || Box::new(Processor::new(Arc::clone(&plan))));
    net.run(Span::secs(1));
    if crash_at.is_some() {
        assert!(!net.is_up(MEMBER), "{crash_at:?} was not passed");
        net.boot(MEMBER);
        net.run(LEASE * 3);
    }
    net
}

fn rows(net: &Net) -> Vec<u64> {
    let writes = net.facts.iter().filter_map(|(_, fact)| {
        let Fact::Effects(write) = fact else {
            return None;
        };
        Some(write)
    });
    let mut rows: Vec<u64> = writes
        .flat_map(|write| write.rows.iter().map(|row| row.id.number))
        .collect();
    rows.sort_unstable();
    rows
}

const ALO: DeliveryMode = DeliveryMode::AtLeastOnce;
const AMO: DeliveryMode = DeliveryMode::AtMostOnce;

#[test]
fn without_faults_a_queue_is_emptied_into_the_sink_once() {
    for mode in [ALO, AMO] {
        assert_eq!(
            rows(&net(mode, None)),
            (0..40).collect::<Vec<_>>(),
            "{mode:?}"
        );
    }
}

#[test]
fn a_crash_between_write_and_accept_writes_again() {
    let mut found = rows(&net(ALO, Some(points::AFTER_WRITE_BEFORE_SETTLE)));
    assert_eq!(found.len(), 44, "a batch of four is handed out again");
    found.dedup();
    assert_eq!(found.len(), 40);
}

#[test]
fn a_crash_between_accept_and_write_loses_a_batch() {
    let found = rows(&net(AMO, Some(points::AFTER_SETTLE_BEFORE_WRITE)));
    let mut distinct = found.clone();
    distinct.dedup();
    assert_eq!(found, distinct, "nothing is written twice");
    assert_eq!(found.len(), 36);
}

#[test]
fn leases_are_kept_while_the_sink_is_away() {
    let mut net = net(ALO, None);
    net.kill(SINK);
    net.add(OUTSIDE + 1, || Box::new(Publisher(40)));
    net.run(LEASE * 5);
    net.boot(SINK);
    net.run(Span::secs(2));
    assert_eq!(rows(&net).len(), 80, "each event once for each publish");
    assert!(!net.points.contains(&consumer_points::LEASE_EXPIRED));
    assert!(!net.points.contains(&consumer_points::SETTLED_STALE));
}

#[test]
fn a_lost_accept_is_sent_again() {
    let mut net = net(ALO, None);
    net.loses = Some(("settled", 1));
    net.add(OUTSIDE + 1, || Box::new(Publisher(8)));
    net.run(LEASE * 20);
    let found = rows(&net);
    assert_eq!(found.len(), 48, "no delivery comes back");
}
