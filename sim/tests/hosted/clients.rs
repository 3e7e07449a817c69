//! The reference clients in a program's hands.

use crate::rig::{Log, lines, note};
use crate::support::{fault, node, plan};
use std::sync::Arc;
use std::time::Duration;
use stormglass_core::broker::queue::QueueBroker;
use stormglass_core::broker::queue::config::{PublisherConfig, QueueConfig, QueueTopic};
use stormglass_core::client::publisher::{Duty, Fate, PublisherPlan};
use stormglass_core::event::{Event, EventId};
use stormglass_core::fault::FaultKind;
use stormglass_core::id::{NodeId, TopicId};
use stormglass_core::part::{Cluster, Factory};
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::{Heartbeat, hosted, on_fresh_thread};
use stormglass_sim::service::ServiceFactory;
use stormglass_sim::world::{Software, World};

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
    let heartbeat = Arc::new(Heartbeat::default());
    let beats = Arc::clone(&heartbeat);
    let failure = on_fresh_thread(Seed(1), &heartbeat, Duration::from_secs(60), move || {
        let config = QueueConfig {
            topics: [("work".to_owned(), QueueTopic::default())].into(),
            ..QueueConfig::default()
        };
        let broker: Factory = Box::new(move || Box::new(QueueBroker::new(&config)));
        let nodes = vec![
            node("broker", 0, Software::Actor(broker)),
            node("service", 1, Software::Outside),
        ];
        let crash = fault("broker", Span::secs(1), Span::secs(2), FaultKind::Crash);
        let until = Time(20_000_000_000);
        let world = World::new(plan(Seed(1), nodes, vec![crash], until));
        let services = vec![(NodeId(1), program)];
        hosted(world, services, until, &beats, &mut |_, _| true)
            .expect("the service's node has its program")
            .failure
    });
    assert_eq!(failure, Ok(None));
    let events: u32 = lines(&log)
        .iter()
        .map(|line| line.parse::<u32>().unwrap())
        .sum();
    assert_eq!(events, 90);
}
