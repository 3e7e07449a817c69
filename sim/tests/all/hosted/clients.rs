//! The reference clients in a program's hands.

use super::rig::{Log, lines, note};
use crate::support::{fault, node, plan};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use stormglass_core::broker::log::config::{LogConfig, LogTopic};
use stormglass_core::broker::log::{LogBroker, LogPlan};
use stormglass_core::broker::queue::QueueBroker;
use stormglass_core::broker::queue::config::{PublisherConfig, QueueConfig, QueueTopic};
use stormglass_core::client::consumer::{LeaseConsumerPlan, LogConsumerPlan};
use stormglass_core::client::publisher::{Duty, Fate, PublisherPlan};
use stormglass_core::event::{Event, EventId};
use stormglass_core::fault::{Fault, FaultKind};
use stormglass_core::id::{GroupId, Incarnation, NodeId, TopicId};
use stormglass_core::message::queue::Verb;
use stormglass_core::part::{Cluster, Factory};
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::{Heartbeat, Lost, hosted, on_fresh_thread};
use stormglass_sim::service::{ServiceFactory, ServiceFailure};
use stormglass_sim::world::{Software, World};

const LOG: Cluster = Cluster {
    first: NodeId(0),
    nodes: 3,
};
const BROKER: Cluster = Cluster {
    first: NodeId(0),
    nodes: 1,
};

fn event(number: u64) -> Event {
    Event {
        id: EventId { source: 0, number },
        key: number,
        event_time: 0,
        due: Time::ZERO,
        value: 1,
        size: 100,
        kind: 0,
        label: 0,
    }
}

fn queue_broker(_: u16) -> Factory {
    let config = QueueConfig {
        topics: [("work".to_owned(), QueueTopic::default())].into(),
        ..QueueConfig::default()
    };
    Box::new(move || Box::new(QueueBroker::new(&config)))
}

fn log_config() -> LogConfig {
    LogConfig {
        topics: [("work".to_owned(), LogTopic::of(2))].into(),
        ..LogConfig::default()
    }
}

fn log_broker(index: u16) -> Factory {
    let plan = LogPlan {
        config: Arc::new(log_config()),
        cluster: LOG,
        index,
    };
    Box::new(move || Box::new(LogBroker::new(plan.clone())))
}

/// Runs a program on node `service` beside a broker of so many nodes, with one fault, for two minutes.
fn run(
    broker: fn(u16) -> Factory,
    nodes: u16,
    program: ServiceFactory,
    fault: Fault,
) -> Result<Option<ServiceFailure>, Lost> {
    let heartbeat = Arc::new(Heartbeat::default());
    let beats = Arc::clone(&heartbeat);
    on_fresh_thread(Seed(1), &heartbeat, Duration::from_secs(60), move || {
        let mut plans: Vec<_> = (0..nodes)
            .map(|index| {
                node(
                    &format!("broker.{index}"),
                    0,
                    Software::Actor(broker(index)),
                )
            })
            .collect();
        plans.push(node("service", 1, Software::Outside));
        let until = Time(120_000_000_000);
        let world = World::new(plan(Seed(1), plans, vec![fault], until));
        let services = vec![(NodeId(nodes), program)];
        hosted(world, services, until, &beats, &mut |_, _| true)
            .expect("the service's node has its program")
            .failure
    })
}

/// All numbers from 0 on that a log of lines names, at least once each.
fn assert_covers(log: &Log, count: u64) {
    let seen: BTreeSet<u64> = lines(log)
        .iter()
        .map(|line| line.parse().expect("a line is a number"))
        .collect();
    assert_eq!(seen, (0..count).collect());
}

#[test]
fn a_lease_subscription_hands_out_again_what_a_dead_program_held() {
    let log = Log::default();
    let shared = Arc::clone(&log);
    let program = ServiceFactory::new(move |env| {
        let log = Arc::clone(&shared);
        async move {
            let config = QueueConfig::default();
            if env.incarnation() == Incarnation(1) {
                let plan =
                    PublisherPlan::to_queue(Duty::Relay, BROKER, TopicId(0), &config.publisher);
                env.publisher(plan).publish((0..50).map(event)).await;
            }
            let plan = LeaseConsumerPlan::new(
                BROKER.first,
                TopicId(0),
                GroupId(1),
                Span::secs(30),
                &config.consumer,
            );
            let mut deliveries = env.lease(plan);
            loop {
                let delivery = deliveries.next().await;
                env.sleep(Span::millis(40)).await;
                if deliveries.settle(delivery.tag, Verb::Accept).await {
                    note(&log, delivery.event.id.number.to_string());
                }
            }
        }
    });
    let crash = fault("service", Span::secs(1), Span::secs(1), FaultKind::Crash);
    assert_eq!(run(queue_broker, 1, program, crash), Ok(None));
    assert_covers(&log, 50);
}

#[test]
fn a_log_subscription_goes_on_where_the_group_has_committed() {
    let log = Log::default();
    let shared = Arc::clone(&log);
    let program = ServiceFactory::new(move |env| {
        let log = Arc::clone(&shared);
        async move {
            let config = log_config();
            if env.incarnation() == Incarnation(1) {
                let plan = PublisherPlan::to_log(Duty::Relay, LOG, TopicId(0), 2, &config.producer);
                env.publisher(plan).publish((0..50).map(event)).await;
            }
            let plan = LogConsumerPlan::new(LOG, (TopicId(0), 2), GroupId(1), &config.consumer);
            let mut records = env.subscribe(&plan);
            loop {
                let read = records.next().await;
                for entry in read.entries() {
                    for event in entry.batch.events() {
                        note(&log, event.id.number.to_string());
                    }
                }
                assert!(records.commit(read.partition, read.next).await);
            }
        }
    });
    let crash = fault("service", Span::secs(20), Span::secs(1), FaultKind::Crash);
    assert_eq!(run(log_broker, 3, program, crash), Ok(None));
    assert_eq!(log.lock().unwrap().len(), 50, "nothing is read twice");
    assert_covers(&log, 50);
}

#[test]
fn a_publisher_tries_again_until_the_broker_is_back() {
    let log = Log::default();
    let shared = Arc::clone(&log);
    let program = ServiceFactory::new(move |env| {
        let log = Arc::clone(&shared);
        async move {
            let plan = PublisherPlan::to_queue(
                Duty::Relay,
                BROKER,
                TopicId(0),
                &PublisherConfig::default(),
            );
            let mut publisher = env.publisher(plan);
            let mut ticks = env.interval(Span::millis(100));
            for round in 0..30 {
                ticks.tick().await;
                let outcomes = publisher
                    .publish((0..3).map(|i| event(3 * round + i)))
                    .await;
                for outcome in outcomes {
                    assert_eq!(outcome.fate, Fate::Acknowledged);
                    note(&log, outcome.events.len().to_string());
                }
            }
        }
    });
    let crash = fault("broker.0", Span::secs(1), Span::secs(2), FaultKind::Crash);
    let failure = run(queue_broker, 1, program, crash);
    assert_eq!(failure, Ok(None));
    let events: u32 = lines(&log)
        .iter()
        .map(|line| line.parse::<u32>().unwrap())
        .sum();
    assert_eq!(events, 90);
}
