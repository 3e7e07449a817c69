//! A log broker of three nodes under a plan, with a publisher that keeps one batch open for each partition
//! and an audit that reads everything at the end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use stormglass_core::actor::{Actor, Context, Input, Inspection};
use stormglass_core::broker::log::config::{LogConfig, LogTopic};
use stormglass_core::broker::log::{LogBroker, LogPlan};
use stormglass_core::call::Calls;
use stormglass_core::event::{Batch, Event, EventId, Producer};
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::history::{Fact, Kinds, Observation, Stage};
use stormglass_core::id::{NodeId, Offset, PartId, Partition, ProducerId, TimerId, TopicId};
use stormglass_core::message::log::{Acks, Fetch, FetchPart, Publish, Reader};
use stormglass_core::message::{Message, Refusal, Reply, Request};
use stormglass_core::part::{Cluster, Factory};
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::bare;
use stormglass_sim::profile::Profile;
use stormglass_sim::world::{Limits, NodePlan, Software, World, WorldPlan};

const TOPIC: TopicId = TopicId(0);
const TICK: TimerId = TimerId(1);
const AGAIN: TimerId = TimerId(2);

pub fn partition(index: u16) -> Partition {
    Partition {
        topic: TOPIC,
        index,
    }
}

/// What a client of the broker waits for.
enum Ask {
    Metadata,
    Producer,
    Batch(u16),
    Page,
}

/// What both clients need: where the leaders are.
struct Leaders {
    cluster: Cluster,
    calls: Calls<Ask>,
    known: Vec<Option<(NodeId, stormglass_core::id::Epoch)>>,
    asked: u16,
}

impl Leaders {
    fn new(cluster: Cluster, partitions: u16) -> Leaders {
        Leaders {
            cluster,
            calls: Calls::new(0),
            known: vec![None; usize::from(partitions)],
            asked: 0,
        }
    }

    fn refresh(&mut self, cx: &mut Context<'_>) {
        let node = self.cluster.node(self.asked % self.cluster.nodes);
        self.asked += 1;
        let request = Request::Metadata(TOPIC);
        let within = Span::secs(1);
        self.calls.ask(cx, node, request, within, Ask::Metadata);
    }

    fn learn(&mut self, reply: &Reply) {
        if let Reply::Metadata(metadata) = reply {
            for state in &metadata.partitions {
                let known = &mut self.known[usize::from(state.partition.index)];
                if known.is_none_or(|(_, epoch)| epoch <= state.epoch) {
                    *known = state.leader.map(|leader| (leader, state.epoch));
                }
            }
        }
    }
}

/// Owes an event each tick, in turn to each partition, and keeps one batch of a partition open at a time.
struct Publisher {
    script: Script,
    refusals: Rc<RefCell<Vec<Refusal>>>,
    leaders: Leaders,
    producer: Option<ProducerId>,
    queues: Vec<Vec<Event>>,
    open: Vec<Option<(Arc<Batch>, bool)>>,
    sequences: Vec<u64>,
    made: u64,
}

impl Publisher {
    fn new(script: Script, cluster: Cluster, refusals: Rc<RefCell<Vec<Refusal>>>) -> Publisher {
        let partitions = usize::from(script.partitions);
        Publisher {
            leaders: Leaders::new(cluster, script.partitions),
            refusals,
            script,
            producer: None,
            queues: vec![Vec::new(); partitions],
            open: vec![None; partitions],
            sequences: vec![0; partitions],
            made: 0,
        }
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        let at = (self.made % u64::from(self.script.partitions)) as usize;
        self.queues[at].push(event(self.made));
        self.made += 1;
        if self.made < self.script.events {
            cx.arm(TICK, self.script.every);
        }
        self.flush(cx);
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        for index in 0..self.queues.len() {
            if self.open[index].is_none() && !self.queues[index].is_empty() {
                let events = std::mem::take(&mut self.queues[index]);
                let producer = self.producer.map(|id| Producer {
                    id,
                    epoch: 0,
                    sequence: self.sequences[index],
                });
                self.sequences[index] += events.len() as u64;
                let batch = Batch::of_events(events.into(), producer, cx.wall());
                self.open[index] = Some((Arc::new(batch), false));
            }
            let Some((batch, sent @ false)) = &mut self.open[index] else {
                continue;
            };
            let Some((leader, _)) = self.leaders.known[index] else {
                continue;
            };
            *sent = true;
            let request = Request::Publish(Publish {
                partition: partition(index as u16),
                acks: self.script.acks,
                batch: batch.clone(),
            });
            let ask = Ask::Batch(index as u16);
            let within = self.script.patience;
            self.leaders.calls.ask(cx, leader, request, within, ask);
        }
    }

    fn ended(&mut self, cx: &mut Context<'_>, ask: Ask, reply: Option<&Reply>) {
        match (ask, reply) {
            (Ask::Metadata, Some(reply)) => {
                self.leaders.learn(reply);
                if self.script.idempotent && self.producer.is_none() {
                    let node = self.leaders.cluster.node(self.leaders.asked % 3);
                    let calls = &mut self.leaders.calls;
                    calls.ask(
                        cx,
                        node,
                        Request::InitProducer,
                        Span::secs(5),
                        Ask::Producer,
                    );
                } else if self.made == 0 && self.leaders.known.iter().all(Option::is_some) {
                    self.tick(cx);
                } else {
                    self.flush(cx);
                }
                if self.leaders.known.iter().any(Option::is_none) {
                    cx.arm(AGAIN, Span::millis(100));
                }
            }
            (Ask::Producer, Some(Reply::ProducerAssigned { id, .. })) => {
                self.producer = Some(*id);
                cx.arm(AGAIN, Span::millis(100));
            }
            (Ask::Batch(index), Some(Reply::Published(_))) => {
                self.open[usize::from(index)] = None;
                self.flush(cx);
            }
            (Ask::Batch(index), other) => {
                if let Some(Reply::Refused(refusal)) = other {
                    self.refusals.borrow_mut().push(*refusal);
                }
                self.leaders.known[usize::from(index)] = None;
                let open = &mut self.open[usize::from(index)];
                match open {
                    Some((_, sent)) if self.script.retries => *sent = false,
                    Some(_) | None => *open = None,
                }
                cx.arm(AGAIN, Span::millis(100));
            }
            (Ask::Metadata | Ask::Producer | Ask::Page, _) => cx.arm(AGAIN, Span::millis(100)),
        }
    }
}

impl Actor for Publisher {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        let ended = match input {
            Input::Start | Input::Timer(AGAIN) => {
                self.leaders.refresh(cx);
                return;
            }
            Input::Timer(TICK) => {
                self.tick(cx);
                return;
            }
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } => {
                if let Some(ask) = self.leaders.calls.answered(cx, call) {
                    self.ended(cx, ask, Some(&reply));
                }
                return;
            }
            Input::Timer(timer) => self.leaders.calls.expired(cx, timer),
            Input::Closed { connection, .. } => self.leaders.calls.closed(cx, connection),
            Input::Message { .. } | Input::Opened { .. } | Input::Disk(_) | Input::Control(_) => {
                return;
            }
        };
        for (_, _, ask) in ended {
            self.ended(cx, ask, None);
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("made", self.made)
    }
}

/// Reads every partition from its start, over and over where there is more.
struct Audit {
    leaders: Leaders,
    next: Vec<Offset>,
}

impl Audit {
    fn read(&mut self, cx: &mut Context<'_>) {
        for (index, known) in self.leaders.known.clone().into_iter().enumerate() {
            if let Some((leader, epoch)) = known {
                let fetch = Fetch {
                    reader: Reader::Audit,
                    parts: vec![FetchPart {
                        partition: partition(index as u16),
                        from: self.next[index],
                        epoch,
                    }],
                    max_wait: Span::ZERO,
                    min_bytes: 1,
                    max_bytes: 1 << 20,
                };
                let request = Request::Fetch(Arc::new(fetch));
                let within = Span::secs(5);
                self.leaders
                    .calls
                    .ask(cx, leader, request, within, Ask::Page);
            }
        }
    }
}

impl Actor for Audit {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start => self.leaders.refresh(cx),
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } if self.leaders.calls.answered(cx, call).is_some() => match reply {
                Reply::Metadata(_) => {
                    self.leaders.learn(&reply);
                    self.read(cx);
                }
                Reply::Fetched(fetched) => {
                    let mut more = false;
                    for part in &fetched.parts {
                        let next = &mut self.next[usize::from(part.partition.index)];
                        if part.refusal == Some(Refusal::OffsetOutOfRange) {
                            *next = part.log_start;
                            more = true;
                        }
                        if let Some(last) = part.entries.last() {
                            *next = last.end();
                            more = true;
                        }
                    }
                    if more {
                        self.read(cx);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new()
    }
}

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

/// A run: nodes 0 to 2 are the broker, 3 publishes, 4 audits ten seconds before the end.
#[derive(Clone)]
pub struct Script {
    pub seed: u64,
    pub config: LogConfig,
    pub partitions: u16,
    pub acks: Acks,
    pub idempotent: bool,
    pub retries: bool,
    pub patience: Span,
    pub every: Span,
    pub events: u64,
    pub faults: Vec<Fault>,
    pub until: Span,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            seed: 1,
            // As a scenario with `time_scale = 10` has it.
            config: LogConfig {
                replica_lag_time_max: Span::secs(3),
                replica_fetch_wait_max: Span::millis(50),
                broker_heartbeat_interval: Span::millis(200),
                broker_session_timeout: Span::millis(900),
                quorum_fetch_timeout: Span::millis(200),
                quorum_election_timeout: Span::millis(100),
                log_retention_check_interval: Span::secs(1),
                ..LogConfig::default()
            },
            partitions: 1,
            acks: Acks::All,
            idempotent: true,
            retries: true,
            patience: Span::secs(3),
            every: Span::millis(5),
            events: 4_000,
            faults: Vec::new(),
            until: Span::secs(60),
        }
    }
}

/// What a run left.
pub struct Left {
    pub observations: Vec<Observation>,
    /// What the publisher was refused for.
    pub refusals: Vec<Refusal>,
    /// What went wrong, for the message of a failure.
    pub plan: Vec<String>,
    pub world: World,
}

impl Script {
    pub fn run(self) -> Left {
        let cluster = Cluster {
            first: NodeId(0),
            nodes: 3,
        };
        let mut config = self.config.clone();
        let partitions = self.partitions;
        config
            .topics
            .insert("orders".to_owned(), LogTopic::of(partitions));
        let config = Arc::new(config);
        // Each node of the broker stands in a zone of its own, the publisher in the first and the audit nowhere else.
        let zone_of = |name: &str| match name.strip_prefix("broker.main.") {
            Some(index) => index.parse().expect("a node is named by its number"),
            None => 3 * u16::from(name == "audit"),
        };
        let node = |name: &str, part: u16, boot_at: Span, factory: Factory| NodePlan {
            name: name.to_owned(),
            part: PartId(part),
            software: Software::Actor(factory),
            boot_at: Time(boot_at.0),
            clock_offset: 0,
            clock_drift: 0,
            zone: zone_of(name),
        };
        let mut nodes = Vec::new();
        for index in 0..3 {
            let config = config.clone();
            let plan = LogPlan {
                config,
                cluster,
                index,
            };
            let name = format!("broker.main.{index}");
            let factory = move || Box::new(LogBroker::new(plan.clone())) as Box<dyn Actor>;
            nodes.push(node(&name, 0, Span::ZERO, Box::new(factory)));
        }
        let script = self.clone();
        let refusals = Rc::new(RefCell::new(Vec::new()));
        let refused = refusals.clone();
        let publisher = move || {
            let (script, refused) = (script.clone(), refused.clone());
            Box::new(Publisher::new(script, cluster, refused)) as Box<dyn Actor>
        };
        nodes.push(node("source.test", 1, Span::ZERO, Box::new(publisher)));
        let audit = move || {
            Box::new(Audit {
                leaders: Leaders::new(cluster, partitions),
                next: vec![Offset(0); usize::from(partitions)],
            }) as Box<dyn Actor>
        };
        let late = self.until.saturating_sub(Span::secs(10));
        nodes.push(node("audit", 2, late, Box::new(audit)));
        let end = Time(self.until.0);
        let plan = self.faults.iter().map(ToString::to_string).collect();
        let mut world = World::new(WorldPlan {
            seed: Seed(self.seed),
            profile: Profile::same_zone(),
            nodes,
            faults: FaultPlan {
                faults: self.faults,
            },
            parts: ["broker.main", "source.test", "audit"]
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
            refusals: refusals.take(),
            plan,
            world,
        }
    }
}

impl Left {
    fn facts(&self) -> impl Iterator<Item = (Stage, &Fact)> {
        self.observations
            .iter()
            .map(|observation| (observation.stage, &observation.fact))
    }

    /// The numbers of the events that the publisher was told are stored.
    pub fn acknowledged(&self) -> BTreeSet<u64> {
        self.facts()
            .filter_map(|(_, fact)| match fact {
                Fact::Acknowledged(published) => Some(published.batch.events()),
                _ => None,
            })
            .flatten()
            .map(|event| event.id.number)
            .collect()
    }

    /// The numbers of the events that the audit was shown, with how many places they lie in.
    pub fn audited(&self) -> BTreeMap<u64, usize> {
        let mut seen: BTreeMap<u64, BTreeSet<(Partition, u64)>> = BTreeMap::new();
        let pages = self.facts().filter_map(|(_, fact)| match fact {
            Fact::Fetched(fetched) if fetched.reader == Reader::Audit => Some(fetched),
            _ => None,
        });
        for part in pages.flat_map(|fetched| &fetched.parts) {
            for entry in &part.entries {
                for (event, offset) in entry.batch.events().iter().zip(entry.base.0..) {
                    let places = seen.entry(event.id.number).or_default();
                    places.insert((part.partition, offset));
                }
            }
        }
        seen.into_iter()
            .map(|(number, places)| (number, places.len()))
            .collect()
    }

    /// How many batches could no longer be read.
    pub fn corrupted(&self) -> usize {
        let facts = self.facts();
        facts
            .filter(|(stage, _)| *stage == Stage::Corrupted)
            .count()
    }

    /// Events that were acknowledged and that the audit was not shown.
    pub fn lost(&self) -> Vec<u64> {
        let audited = self.audited();
        let acknowledged = self.acknowledged();
        acknowledged
            .into_iter()
            .filter(|number| !audited.contains_key(number))
            .collect()
    }

    /// Events that lie twice in the log.
    pub fn doubled(&self) -> Vec<u64> {
        let audited = self.audited().into_iter();
        audited
            .filter(|(_, times)| *times > 1)
            .map(|(number, _)| number)
            .collect()
    }

    /// How often a point was passed.
    pub fn passed(&self, name: &str) -> usize {
        self.facts()
            .filter(|(_, fact)| matches!(fact, Fact::Point(point) if point.name() == name))
            .count()
    }

    /// How many facts of a kind there are.
    pub fn count(&self, is: impl Fn(&Fact) -> bool) -> usize {
        self.facts().filter(|(_, fact)| is(fact)).count()
    }

    /// What the replicas hold, by node and partition, from the facts about their disks.
    pub fn logs(&self) -> BTreeMap<(NodeId, Partition), BTreeMap<u64, (u32, u64)>> {
        let mut logs: BTreeMap<_, BTreeMap<u64, (u32, u64)>> = BTreeMap::new();
        for observation in &self.observations {
            let node = observation.node;
            match (&observation.fact, observation.stage) {
                (Fact::Appended { partition, entry }, Stage::Written) => {
                    let log = logs.entry((node, *partition)).or_default();
                    log.insert(entry.base.0, (entry.epoch.0, entry.batch.digest));
                }
                (Fact::Appended { partition, entry }, Stage::Lost | Stage::Corrupted) => {
                    logs.entry((node, *partition))
                        .or_default()
                        .remove(&entry.base.0);
                }
                (Fact::Truncated { partition, from }, Stage::Written) => {
                    logs.entry((node, *partition))
                        .or_default()
                        .split_off(&from.0);
                }
                _ => {}
            }
        }
        logs
    }
}

/// A fault of the plan.
pub fn fault(at: Span, lasts: Span, kind: FaultKind, target: Target) -> Fault {
    Fault {
        name: Some("scripted".to_owned()),
        at: Time(at.0),
        lasts,
        kind,
        target,
        planned: true,
    }
}

/// Whichever node leads when the fault starts.
pub fn leader() -> Target {
    Target::Leader("broker.main".to_owned())
}

/// The node at `index`.
pub fn broker(index: u16) -> Target {
    Target::Node(format!("broker.main.{index}"))
}
