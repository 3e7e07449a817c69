//! The world of a pipeline, and the checks that judge it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use stormglass_core::actor::Actor;
use stormglass_core::audit::{AuditPlan, Auditor};
use stormglass_core::broker::log::config::{ConsumerConfig, LogConfig, LogTopic, ProducerConfig};
use stormglass_core::broker::log::{LogBroker, LogPlan};
use stormglass_core::check::commit_implies_processed::CommitImpliesProcessed;
use stormglass_core::check::equivalence::Equivalence;
use stormglass_core::check::fencing::Fencing;
use stormglass_core::check::gap_free::GapFree;
use stormglass_core::check::no_duplicates::NoDuplicates;
use stormglass_core::check::no_loss::NoLoss;
use stormglass_core::check::topology::{
    LogEntry, PartEntry, ProcessorEntry, SinkEntry, SourceEntry,
};
use stormglass_core::check::{Answer, End, Judgement, Panel, Topology};
use stormglass_core::client::consumer::LogConsumerPlan;
use stormglass_core::client::publisher::{Duty, PublisherPlan};
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::history::{Fact, Kinds};
use stormglass_core::id::{GroupId, NodeId, PartId, TopicId};
use stormglass_core::message::log::Acks;
use stormglass_core::part::{Cluster, Factory, PartKind};
use stormglass_core::processor::config::{CommitPosition, DeliveryMode, ProcessorFlaw};
use stormglass_core::processor::{CheckpointStore, InputPlan, Processor, ProcessorPlan, operator};
use stormglass_core::rng::Seed;
use stormglass_core::sink::Sink;
use stormglass_core::sink::config::{SinkConfig, SinkFlaw, SinkKind};
use stormglass_core::source::SourcePlan;
use stormglass_core::source::config::{Arrival, BufferConfig, Keys, SourceConfig};
use stormglass_core::time::{Span, Time};
use stormglass_core::units::Rate;
use stormglass_sim::drive::bare;
use stormglass_sim::profile::Profile;
use stormglass_sim::world::{Limits, NodePlan, Software, World, WorldPlan};

const TOPIC: TopicId = TopicId(0);
const PARTITIONS: u16 = 4;
const BROKERS: Cluster = cluster(0, 3);
const SOURCE: Cluster = cluster(3, 1);
const MEMBERS: Cluster = cluster(4, 2);
const STORE: Cluster = cluster(6, 1);
const SINK: Cluster = cluster(7, 1);
const GROUP: GroupId = GroupId(2);
/// The source stops here, the audit begins there, and the run ends last.
const STOPS: Time = Time(70_000_000_000);
const AUDIT: Time = Time(100_000_000_000);
const END: Time = Time(110_000_000_000);

const fn cluster(first: u16, nodes: u16) -> Cluster {
    Cluster {
        first: NodeId(first),
        nodes,
    }
}

/// What is to be tried.
#[derive(Clone)]
pub struct Pipeline {
    pub operator: &'static str,
    pub delivery: DeliveryMode,
    pub sink: SinkKind,
    pub processor_flaws: Vec<ProcessorFlaw>,
    pub sink_flaws: Vec<SinkFlaw>,
}

/// What came of it.
pub struct Judged {
    pub judgements: Vec<Judgement>,
    pub audited: bool,
    pub world: World,
    /// Events owed, and rows shown to the audit.
    pub owed: u64,
    pub rows: u64,
    /// The names of the points passed.
    pub points: BTreeSet<&'static str>,
    passages: BTreeMap<&'static str, u64>,
}

impl Judged {
    /// How often a point was passed.
    pub fn passed(&self, name: &str) -> u64 {
        self.passages.get(name).copied().unwrap_or(0)
    }

    /// Whatever was alarmed.
    pub fn alarms(&self) -> Vec<&Judgement> {
        let judgements = self.judgements.iter();
        judgements
            .filter(|judgement| judgement.answer == Answer::Fail)
            .collect()
    }

    /// What a check has alarmed.
    pub fn alarms_of(&self, check: &str) -> Vec<&Judgement> {
        let mut alarms = self.alarms();
        alarms.retain(|judgement| judgement.check == check);
        alarms
    }
}

/// A fault of the plan.
pub fn fault(at: Span, lasts: Span, kind: FaultKind, target: Target) -> Fault {
    Fault {
        name: None,
        at: Time(at.0),
        lasts,
        kind,
        target,
        planned: false,
    }
}

fn boxed<A: Actor + 'static>(make: impl Fn() -> A + 'static) -> Factory {
    Box::new(move || Box::new(make()))
}

impl Pipeline {
    pub fn new(operator: &'static str, delivery: DeliveryMode, sink: SinkKind) -> Pipeline {
        Pipeline {
            operator,
            delivery,
            sink,
            processor_flaws: Vec::new(),
            sink_flaws: Vec::new(),
        }
    }

    pub fn run(&self, seed: u64, faults: Vec<Fault>) -> Judged {
        let plan = FaultPlan { faults };
        let topology = Arc::new(self.topology());
        let shared = Arc::new(plan.clone());
        let mut panel = Panel::new(
            Arc::clone(&topology),
            Arc::clone(&shared),
            vec![
                Box::new(GapFree::new(&topology)),
                Box::new(NoLoss::new(&topology, &shared)),
                Box::new(NoDuplicates::new(&topology)),
                Box::new(CommitImpliesProcessed::new(&topology)),
                Box::new(Fencing::new(&topology)),
                Box::new(Equivalence::new(&topology, Default::default())),
            ],
        );
        let mut world = World::new(WorldPlan {
            seed: Seed(seed),
            profile: Profile::same_zone(),
            nodes: self.nodes(seed),
            faults: plan,
            parts: topology.parts.iter().map(full_name).collect(),
            time_service: None,
            heal_at: STOPS,
            drain_at: STOPS,
            wanted: Kinds::all(),
            limits: Limits::default(),
            trace: None,
        });
        let (mut audited, mut owed, mut rows) = (false, 0, 0);
        let mut points = BTreeSet::new();
        let mut passages = BTreeMap::new();
        bare(&mut world, END, &mut |_, observation| {
            panel.observe(&observation);
            if let Fact::Owed(events) = &observation.fact {
                owed += events.len() as u64;
            } else if let Fact::RowsRead(page) = &observation.fact {
                rows += page.rows.len() as u64;
            } else if let Fact::Point(point) = observation.fact {
                points.insert(point.name());
                *passages.entry(point.name()).or_default() += 1;
            } else if observation.fact == Fact::AuditDone {
                audited = true;
            }
            true
        });
        let end = End {
            time: END,
            audited,
            ..End::default()
        };
        Judged {
            judgements: panel.finish(&end),
            audited,
            world,
            owed,
            rows,
            points,
            passages,
        }
    }

    fn topology(&self) -> Topology {
        let part = |kind, name: &str, cluster| PartEntry {
            kind,
            name: name.to_owned(),
            cluster,
        };
        Topology {
            parts: vec![
                part(PartKind::Broker, "main", BROKERS),
                part(PartKind::Source, "orders", SOURCE),
                part(PartKind::Processor, "totals", MEMBERS),
                part(PartKind::Processor, "totals.store", STORE),
                part(PartKind::Sink, "rows", SINK),
            ],
            sources: vec![SourceEntry {
                part: PartId(1),
                broker: PartId(0),
                topic: TOPIC,
            }],
            logs: vec![LogEntry {
                part: PartId(0),
                partitions: vec![PARTITIONS],
                expands: false,
                offsets_partitions: 1,
                replication: 3,
                min_insync: 2,
                unclean: false,
                truncates_by_epoch: true,
                resyncs: true,
                starts_at_zero: true,
                acks: Acks::All,
                idempotent: true,
                sync_before_ack: false,
                max_in_flight: 5,
                retention: LogConfig::default().log_retention,
                retention_bytes: None,
                segment_bytes: 1 << 30,
                catch_up: Span::secs(5),
                from_earliest: true,
            }],
            processors: vec![ProcessorEntry {
                part: PartId(2),
                group: GROUP,
                broker: PartId(0),
                topic: TOPIC,
                sink: PartId(4),
                operator: self.operator.to_owned(),
                window: None,
                delivery: self.delivery,
                overtakes: false,
                skips_open: false,
            }],
            sinks: vec![SinkEntry {
                part: PartId(4),
                kind: self.sink,
                sync_before_ack: true,
            }],
            ..Topology::default()
        }
        .indexed()
    }

    fn nodes(&self, seed: u64) -> Vec<NodePlan> {
        let mut nodes = Vec::new();
        let mut add = |name: &str, part: u16, boot_at: Time, factory: Factory| {
            nodes.push(NodePlan {
                name: name.to_owned(),
                part: PartId(part),
                software: Software::Actor(factory),
                boot_at,
                clock_offset: 0,
                clock_drift: 0,
                zone: 0,
            });
        };
        let config = Arc::new(log_config());
        for index in 0..BROKERS.nodes {
            let plan = LogPlan {
                config: Arc::clone(&config),
                cluster: BROKERS,
                index,
            };
            let name = format!("broker.main.{index}");
            add(
                &name,
                0,
                Time::ZERO,
                boxed(move || LogBroker::new(plan.clone())),
            );
        }
        add("source.orders.0", 1, Time::ZERO, source(seed).factory());
        let plan = Arc::new(self.processor(&config.consumer));
        for member in 0..MEMBERS.nodes {
            let plan = Arc::clone(&plan);
            let name = format!("processor.totals.{member}");
            let factory = boxed(move || Processor::new(Arc::clone(&plan)));
            add(&name, 2, Time::ZERO, factory);
        }
        let store = boxed(CheckpointStore::new);
        add("processor.totals.store.0", 3, Time::ZERO, store);
        let sink = SinkConfig {
            kind: self.sink,
            sync_before_ack: true,
            refuses_lower_tokens: false,
            flaws: self.sink_flaws.clone(),
        };
        add(
            "sink.rows.0",
            4,
            Time::ZERO,
            boxed(move || Sink::new(&sink)),
        );
        let audit = AuditPlan {
            logs: vec![(BROKERS, vec![PARTITIONS])],
            sinks: vec![SINK.first],
            patience: Span::secs(1),
        };
        let auditor = boxed(move || Auditor::new(audit.clone()));
        add("audit", u16::MAX, AUDIT, auditor);
        nodes
    }

    fn processor(&self, consumer: &ConsumerConfig) -> ProcessorPlan {
        let input = LogConsumerPlan::new(BROKERS, (TOPIC, PARTITIONS), GROUP, consumer);
        ProcessorPlan {
            input: InputPlan::Log(input),
            operator: operator::named(self.operator).expect("it is a reference operator"),
            sink: SINK.first,
            store: Some(STORE.first),
            lease: None,
            window: None,
            delivery: self.delivery,
            checkpoint: Span::millis(500),
            batch: 50,
            in_flight: 1,
            commit: CommitPosition::Contiguous,
            request_timeout: Span::secs(1),
            retry_backoff: Span::millis(50),
            retry: None,
            flaws: self.processor_flaws.clone(),
        }
    }
}

fn full_name(part: &PartEntry) -> String {
    format!("{}.{}", part.kind, part.name)
}

/// As a scenario with `time_scale = 10` has it.
fn log_config() -> LogConfig {
    let mut config = LogConfig {
        replica_lag_time_max: Span::secs(3),
        replica_fetch_wait_max: Span::millis(50),
        broker_heartbeat_interval: Span::millis(200),
        broker_session_timeout: Span::millis(900),
        quorum_fetch_timeout: Span::millis(200),
        quorum_election_timeout: Span::millis(100),
        group_initial_rebalance_delay: Span::millis(300),
        consumer: ConsumerConfig {
            session_timeout: Span::millis(4_500),
            heartbeat_interval: Span::millis(300),
            fetch_max_wait: Span::millis(50),
            request_timeout: Span::secs(3),
            retry_backoff: Span::millis(50),
            ..ConsumerConfig::default()
        },
        ..LogConfig::default()
    };
    let partitions = PARTITIONS;
    let topic = LogTopic::of(partitions);
    config.topics.insert("orders".to_owned(), topic);
    config
}

fn source(seed: u64) -> SourcePlan {
    let producer = ProducerConfig {
        request_timeout: Span::secs(3),
        ..ProducerConfig::default()
    };
    SourcePlan {
        position: 0,
        name: "orders".to_owned(),
        seed: Seed(seed),
        config: SourceConfig {
            to: "broker.main/orders".to_owned(),
            arrival: Arrival::Poisson(Rate::per_second(100)),
            keys: Keys { count: 20, zipf: 0 },
            size: 200,
            starts_after: Span::ZERO,
            disorder: None,
            retry: None,
            buffer: BufferConfig::default(),
        },
        rows: None,
        boot_at: Time::ZERO,
        until: STOPS,
        publisher: PublisherPlan::to_log(Duty::Source, BROKERS, TOPIC, PARTITIONS, &producer),
    }
}
