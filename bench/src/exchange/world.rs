//! The workload on the World, with everything that a run has: a recorder and every check listen.

use super::Exchange;
use crate::pipeline::Pipeline;
use std::sync::Arc;
use stormglass_core::actor::{Actor, Connection, Context, Input, Inspection, Origin, Work};
use stormglass_core::check::equivalence::References;
use stormglass_core::check::{Panel, catalog};
use stormglass_core::event::{Batch, Event, EventId};
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::{Fact, Kinds};
use stormglass_core::id::{NodeId, Offset, PartId, Partition, TopicId};
use stormglass_core::message::log::{Acks, Publish, Published};
use stormglass_core::message::{Message, Reply, Request};
use stormglass_core::metrics::{Phases, Recorder};
use stormglass_core::part::Factory;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time, Wall};
use stormglass_sim::drive::bare;
use stormglass_sim::profile::Profile;
use stormglass_sim::world::{Limits, NodePlan, Software, World, WorldPlan};

/// One request in so many is a batch of as many events; the others carry a number.
const BATCH: u64 = 16;

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Steps that the World counted.
    pub steps: u64,
    /// Its fingerprint.
    pub fingerprint: u64,
    /// Facts shown to the recorder and the checks.
    pub facts: u64,
}

struct Client {
    exchange: Exchange,
    servers: Vec<Connection>,
    asked: u64,
    events: u64,
}

impl Client {
    fn ask(&mut self, cx: &mut Context<'_>) {
        if self.asked == self.exchange.requests {
            return;
        }
        let server = self.asked % u64::from(self.exchange.servers);
        let connection = self.servers[server as usize];
        let request = if self.asked.is_multiple_of(BATCH) {
            self.publish(cx, server as u16)
        } else {
            Request::Metadata(TopicId(server as u16))
        };
        self.asked += 1;
        cx.request(connection, request);
    }

    fn publish(&mut self, cx: &mut Context<'_>, partition: u16) -> Request {
        let due = Time(cx.monotonic().0);
        let source = cx.node().0 - self.exchange.servers;
        let events: Arc<[Event]> = (self.events..self.events + BATCH)
            .map(|number| Event {
                id: EventId { source, number },
                key: number % 97,
                event_time: 0,
                due,
                value: 1,
                size: 100,
                kind: 0,
                label: 0,
            })
            .collect();
        self.events += BATCH;
        cx.observe(Fact::Owed(Arc::clone(&events)));
        let partition = Partition {
            topic: TopicId(0),
            index: partition,
        };
        Request::Publish(Publish {
            partition,
            acks: Acks::All,
            batch: Arc::new(Batch::of_events(events, None, Wall(0))),
        })
    }
}

impl Actor for Client {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start => {
                self.servers = (0..self.exchange.servers)
                    .map(|server| cx.connect(NodeId(server)))
                    .collect();
                for _ in 0..self.exchange.window {
                    self.ask(cx);
                }
            }
            Input::Message { .. } => self.ask(cx),
            Input::Opened { .. }
            | Input::Closed { .. }
            | Input::Timer(_)
            | Input::Disk(_)
            | Input::Control(_) => {}
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("asked", self.asked)
    }
}

struct Server {
    end: u64,
}

impl Actor for Server {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        let Input::Message {
            origin: Origin::Connection(connection),
            message: Message::Request { call, request },
            ..
        } = input
        else {
            return;
        };
        let reply = if let Request::Publish(publish) = request {
            cx.spend(Work::request(BATCH as u32, publish.batch.bytes));
            let base = Offset(self.end);
            self.end += publish.batch.count();
            Reply::Published(Published {
                partition: publish.partition,
                base,
                batch: publish.batch,
            })
        } else {
            cx.spend(Work::request(1, 64));
            Reply::GroupAlive
        };
        cx.reply(connection, call, reply);
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("end", self.end)
    }
}

fn nodes(exchange: Exchange) -> Vec<NodePlan> {
    let node = |name: String, part: u16, software: Factory| NodePlan {
        name,
        part: PartId(part),
        software: Software::Actor(software),
        boot_at: Time::ZERO,
        clock_offset: 0,
        clock_drift: 0,
        zone: 0,
    };
    let servers = (0..exchange.servers).map(|index| {
        node(
            format!("server.{index}"),
            0,
            Box::new(|| Box::new(Server { end: 0 })),
        )
    });
    let clients = (0..exchange.clients).map(|index| {
        let client = move || -> Box<dyn Actor> {
            Box::new(Client {
                exchange,
                servers: Vec::new(),
                asked: 0,
                events: 0,
            })
        };
        node(format!("client.{index}"), 1, Box::new(client))
    });
    servers.chain(clients).collect()
}

/// Runs the workload on the World.
///
/// # Panics
/// If it does not come to its end.
#[must_use]
pub fn on_world(exchange: Exchange, pipeline: &Pipeline) -> Done {
    let end = Time(u64::MAX / 4);
    let (topology, plan) = (
        pipeline.assembly().topology(),
        Arc::new(FaultPlan::default()),
    );
    let checks = catalog::CHECKS.iter();
    let checks =
        checks.filter_map(|(name, _)| catalog::make(name, &topology, &plan, References::new()));
    let mut panel = Panel::new(Arc::clone(&topology), Arc::clone(&plan), checks.collect());
    let phases = Phases {
        chaos: Time::ZERO,
        calm: Time(Span::secs(60).0),
        drain: Time(Span::secs(60).0),
        end: Time(Span::secs(60).0),
    };
    let mut recorder = Recorder::new(&topology, &plan, phases);
    let mut world = World::new(WorldPlan {
        seed: Seed(exchange.seed),
        profile: Profile::same_zone(),
        nodes: nodes(exchange),
        faults: FaultPlan::default(),
        parts: vec!["server".to_owned(), "client".to_owned()],
        time_service: None,
        heal_at: end,
        drain_at: end,
        wanted: Kinds::all(),
        limits: Limits::default(),
        trace: None,
    });
    let mut facts = 0;
    bare(&mut world, Time(end.0 - 1), &mut |_, seen| {
        facts += 1;
        panel.observe(&seen);
        recorder.observe(&seen);
        true
    });
    assert!(
        world.steps() >= exchange.steps(),
        "{} steps of {exchange:?}",
        world.steps()
    );
    Done {
        steps: world.steps(),
        fingerprint: world.fingerprint(),
        facts,
    }
}
