//! A queue or fan-out broker on one node under a plan, with the reference source and two consumers that
//! accept what they are handed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use stormglass_core::actor::{Actor, Context, Input, Inspection};
use stormglass_core::broker::fanout::FanoutBroker;
use stormglass_core::broker::fanout::config::{FanoutConfig, FanoutTopic};
use stormglass_core::broker::queue::QueueBroker;
use stormglass_core::broker::queue::config::{PublisherConfig, QueueConfig, QueueFlaw, QueueTopic};
use stormglass_core::call::Calls;
use stormglass_core::client::publisher::{Duty, PublisherPlan};
use stormglass_core::event::Event;
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::history::{Fact, Kinds, Observation, Stage};
use stormglass_core::id::{GroupId, NodeId, PartId, TimerId, TopicId};
use stormglass_core::message::queue::{Receive, Settle, Verb};
use stormglass_core::message::{Message, Reply, Request};
use stormglass_core::part::{Cluster, Factory};
use stormglass_core::rng::Seed;
use stormglass_core::source::SourcePlan;
use stormglass_core::source::config::{Arrival, BufferConfig, Keys, SourceConfig};
use stormglass_core::time::{Span, Time};
use stormglass_core::units::Rate;
use stormglass_sim::drive::bare;
use stormglass_sim::profile::Profile;
use stormglass_sim::world::{Limits, NodePlan, Software, World, WorldPlan};

const TOPIC: TopicId = TopicId(0);
const AGAIN: TimerId = TimerId(1);
const BROKER: Cluster = Cluster {
    first: NodeId(0),
    nodes: 1,
};

/// Receives and accepts, for ever.
struct Taker {
    group: GroupId,
    calls: Calls<()>,
    taken: u64,
}

impl Taker {
    fn ask(&mut self, cx: &mut Context<'_>) {
        let receive = Receive {
            topic: TOPIC,
            group: self.group,
            max: 10,
            max_wait: Span::secs(2),
        };
        let within = Span::secs(3);
        let request = Request::Receive(receive);
        self.calls.ask(cx, BROKER.node(0), request, within, ());
    }
}

impl Actor for Taker {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        let is_over = match input {
            Input::Start | Input::Timer(AGAIN) => {
                self.ask(cx);
                return;
            }
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } => {
                if self.calls.answered(cx, call).is_none() {
                    return;
                }
                let Reply::Received(received) = &reply else {
                    // A settlement needs no answer: what it did not reach is handed out again.
                    if matches!(reply, Reply::Refused(_)) {
                        cx.arm(AGAIN, Span::millis(100));
                    }
                    return;
                };
                if !received.deliveries.is_empty() {
                    self.taken += received.deliveries.len() as u64;
                    let settle = Settle {
                        topic: TOPIC,
                        group: self.group,
                        verb: Verb::Accept,
                        tags: received.deliveries.iter().map(|d| d.tag).collect(),
                    };
                    let request = Request::Settle(Arc::new(settle));
                    let within = Span::secs(3);
                    self.calls.ask(cx, BROKER.node(0), request, within, ());
                }
                self.ask(cx);
                return;
            }
            Input::Timer(timer) => !self.calls.expired(cx, timer).is_empty(),
            Input::Closed { connection, .. } => !self.calls.closed(cx, connection).is_empty(),
            Input::Opened { .. } | Input::Message { .. } | Input::Disk(_) | Input::Control(_) => {
                false
            }
        };
        if is_over {
            cx.arm(AGAIN, Span::millis(100));
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("taken", self.taken)
    }
}

/// A run: node 0 is the broker, 1 owes events until 20 s, 2 and 3 consume until 60 s.
#[derive(Clone)]
pub struct Script {
    pub seed: u64,
    /// Whether each consumer subscribes for itself.
    pub is_fanout: bool,
    pub sync_before_ack: bool,
    pub flaws: Vec<QueueFlaw>,
    pub faults: Vec<Fault>,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            seed: 1,
            is_fanout: false,
            sync_before_ack: true,
            flaws: Vec::new(),
            faults: Vec::new(),
        }
    }
}

pub const GROUPS: [GroupId; 2] = [GroupId(2), GroupId(3)];

/// What a run left.
pub struct Left {
    pub observations: Vec<Observation>,
    pub world: World,
}

impl Script {
    fn broker(&self) -> Factory {
        let (sync_before_ack, flaws) = (self.sync_before_ack, self.flaws.clone());
        if self.is_fanout {
            let topic = FanoutTopic {
                delivery_timeout: Span::secs(5),
                ..FanoutTopic::default()
            };
            let config = FanoutConfig {
                topics: BTreeMap::from([("orders".to_owned(), topic)]),
                sync_before_ack,
                flaws,
                ..FanoutConfig::default()
            };
            Box::new(move || Box::new(FanoutBroker::new(&config, &[GROUPS.to_vec()])))
        } else {
            let topic = QueueTopic {
                visibility_timeout: Span::secs(5),
                ..QueueTopic::default()
            };
            let config = QueueConfig {
                topics: BTreeMap::from([("orders".to_owned(), topic)]),
                sync_before_ack,
                flaws,
                ..QueueConfig::default()
            };
            Box::new(move || Box::new(QueueBroker::new(&config)))
        }
    }

    fn source(&self) -> Factory {
        let plan = SourcePlan {
            position: 0,
            name: "orders".to_owned(),
            seed: Seed(self.seed),
            config: SourceConfig {
                to: "broker.main/orders".to_owned(),
                arrival: Arrival::Poisson(Rate::per_second(200)),
                keys: Keys::default(),
                size: 200,
                starts_after: Span::ZERO,
                disorder: None,
                retry: None,
                buffer: BufferConfig::default(),
            },
            rows: None,
            boot_at: Time::ZERO,
            until: Time(20_000_000_000),
            publisher: PublisherPlan::to_queue(
                Duty::Source,
                BROKER,
                TOPIC,
                &PublisherConfig {
                    request_timeout: Span::secs(2),
                    ..PublisherConfig::default()
                },
            ),
        };
        plan.factory()
    }

    pub fn run(self) -> Left {
        let node = |name: &str, part: u16, factory: Factory| NodePlan {
            name: name.to_owned(),
            part: PartId(part),
            software: Software::Actor(factory),
            boot_at: Time::ZERO,
            clock_offset: 0,
            clock_drift: 0,
            zone: 0,
        };
        let taker = |group: GroupId| -> Factory {
            Box::new(move || {
                Box::new(Taker {
                    group,
                    calls: Calls::new(0),
                    taken: 0,
                })
            })
        };
        let nodes = vec![
            node("broker.main.0", 0, self.broker()),
            node("source.orders.0", 1, self.source()),
            node("processor.a.0", 2, taker(GROUPS[0])),
            node("processor.b.0", 3, taker(GROUPS[1])),
        ];
        let end = Time(60_000_000_000);
        let mut world = World::new(WorldPlan {
            seed: Seed(self.seed),
            profile: Profile::same_zone(),
            nodes,
            faults: FaultPlan {
                faults: self.faults,
            },
            parts: ["broker.main", "source.orders", "processor.a", "processor.b"]
                .map(str::to_owned)
                .to_vec(),
            time_service: None,
            heal_at: end,
            drain_at: end,
            wanted: Kinds::all(),
            limits: Limits::default(),
            trace: None,
        });
        let mut observations = Vec::new();
        bare(&mut world, end, &mut |_, observation| {
            observations.push(observation);
            true
        });
        Left {
            observations,
            world,
        }
    }
}

fn numbers(events: &[Event]) -> impl Iterator<Item = u64> {
    events.iter().map(|event| event.id.number)
}

impl Left {
    fn facts(&self) -> impl Iterator<Item = (Stage, &Fact)> {
        self.observations
            .iter()
            .map(|observation| (observation.stage, &observation.fact))
    }

    /// Events that the source owed.
    pub fn owed(&self) -> Vec<u64> {
        let mut owed = Vec::new();
        for (_, fact) in self.facts() {
            if let Fact::Owed(events) = fact {
                owed.extend(numbers(events));
            }
        }
        owed
    }

    /// Events that the publisher was told are stored.
    pub fn acknowledged(&self) -> BTreeSet<u64> {
        let mut acknowledged = BTreeSet::new();
        for (_, fact) in self.facts() {
            if let Fact::Acknowledged(published) = fact {
                acknowledged.extend(numbers(published.batch.events()));
            }
        }
        acknowledged
    }

    /// How often each event was handed to `group`, or to anybody.
    pub fn received(&self, group: Option<GroupId>) -> BTreeMap<u64, usize> {
        let mut received = BTreeMap::new();
        for (_, fact) in self.facts() {
            if let Fact::Received(page) = fact
                && group.is_none_or(|group| group == page.group)
            {
                for delivery in &page.deliveries {
                    *received.entry(delivery.event.id.number).or_default() += 1;
                }
            }
        }
        received
    }

    /// Events that were acknowledged and never handed out.
    pub fn lost(&self) -> Vec<u64> {
        let received = self.received(None);
        let acknowledged = self.acknowledged().into_iter();
        acknowledged
            .filter(|number| !received.contains_key(number))
            .collect()
    }

    /// Events that were handed out more than once.
    pub fn doubled(&self) -> usize {
        let received = self.received(None);
        received.values().filter(|times| **times > 1).count()
    }

    /// How often a point was passed.
    pub fn passed(&self, name: &str) -> usize {
        self.facts()
            .filter(|(_, fact)| matches!(fact, Fact::Point(point) if point.name() == name))
            .count()
    }
}

/// Something that goes wrong with a node for three seconds, ten seconds into the run.
pub fn fault(kind: FaultKind, node: &str) -> Fault {
    Fault {
        name: Some("scripted".to_owned()),
        at: Time(10_000_000_000),
        lasts: Span::secs(3),
        kind,
        target: Target::Node(node.to_owned()),
        planned: true,
    }
}
