//! From a loaded case to a World: numbers for names, software for nodes, what the checks need to know.

mod layout;
mod topology;

pub use layout::{Layout, Placed, TopicRef, topic_of};
pub use topology::{topology_of, window_of};

use crate::catalog::{Catalog, Seat, ServiceEntry};
use crate::error::ScenarioError;
use crate::hardware::Hardware;
use crate::load::{Case, ScenarioFile};
use crate::plan;
use crate::spec::slo::Metric;
use crate::spec::{BrokerSpec, Place, ServiceSpec, place};
use std::collections::BTreeMap;
use std::sync::Arc;
use stormglass_core::actor::Actor;
use stormglass_core::audit::{AuditPlan, Auditor};
use stormglass_core::broker::fanout::FanoutBroker;
use stormglass_core::broker::log::{LogBroker, LogPlan};
use stormglass_core::broker::queue::QueueBroker;
use stormglass_core::broker::queue::config::LeaseConsumerConfig;
use stormglass_core::check::equivalence::References;
use stormglass_core::check::{self, Topology};
use stormglass_core::client::consumer::{LeaseConsumerPlan, LogConsumerPlan};
use stormglass_core::client::publisher::{Duty, PublisherPlan};
use stormglass_core::event::Event;
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::Kinds;
use stormglass_core::id::{GroupId, NodeId, PartId};
use stormglass_core::lease::{Authority, HolderPlan};
use stormglass_core::part::{Factory, PartKind};
use stormglass_core::processor::config::ProcessorConfig;
use stormglass_core::processor::{CheckpointStore, InputPlan, Processor, ProcessorPlan};
use stormglass_core::promise::required;
use stormglass_core::retry::RetryPlan;
use stormglass_core::retry::config::RetryConfig;
use stormglass_core::rng::{Seed, Stream};
use stormglass_core::sink::Sink;
use stormglass_core::source::SourcePlan;
use stormglass_core::time::{Span, Time};
use stormglass_sim::profile::Profile;
use stormglass_sim::service::ServiceFactory;
use stormglass_sim::world::{Limits, NodePlan, Software, World, WorldPlan};

/// A case ready to be run with any seed; shared by the workers of a sweep.
pub struct Assembly {
    case: Case,
    /// The scenario before variants, from which the plans of all variants are drawn (A14).
    base: Case,
    layout: Layout,
    topology: Arc<Topology>,
    hardware: Hardware,
    profile: Profile,
    catalog: Catalog,
    checks: Vec<&'static str>,
}

impl Assembly {
    /// Numbers a case's parts, reads its traces and builds its tables.
    ///
    /// # Errors
    /// If the case's hardware is in files and the case was loaded from a text alone.
    pub fn new(
        file: &ScenarioFile,
        case: &Case,
        catalog: &Catalog,
    ) -> Result<Assembly, ScenarioError> {
        let scenario = &case.scenario;
        let Some(hardware) = case.hardware.clone() else {
            return Err(file.error(
                case,
                "profile",
                format!("the figures of `{}` were not read", scenario.profile.name),
                "load the scenario from its file, beside which those of its profile stand",
            ));
        };
        let layout = Layout::of(scenario, |operator| catalog.is_stateful(operator));
        let mut topology = topology_of(scenario, &layout);
        topology.zones = hardware.zones();
        let topology = Arc::new(topology);
        let mut checks = required(&topology);
        for word in &scenario.expect.checks {
            checks.extend(check::catalog::expand(word).unwrap_or_default());
        }
        for slo in &scenario.expect.slo {
            // These objectives are counted by checks.
            match slo.metric {
                Metric::Lost => checks.push("no-loss"),
                Metric::Duplicates => checks.push("no-duplicates"),
                Metric::Quantile { .. }
                | Metric::Max(_)
                | Metric::Recovery
                | Metric::Goodput
                | Metric::Backlog
                | Metric::Shed
                | Metric::Retries
                | Metric::Late => {}
            }
        }
        checks.sort_unstable();
        checks.dedup();
        Ok(Assembly {
            profile: hardware.profile(&scenario.profile.name),
            hardware,
            case: case.clone(),
            base: file.base().clone(),
            layout,
            topology,
            catalog: catalog.clone(),
            checks,
        })
    }

    /// The checks that a run must pass: those that the parts promise together, and what the file asks for.
    #[must_use]
    pub fn checks(&self) -> Vec<&'static str> {
        self.checks.clone()
    }

    /// The faults of a seed: those of every variant, as far as this one has their targets.
    #[must_use]
    pub fn plan(&self, seed: Seed) -> FaultPlan {
        plan::sample(seed, &self.base)
    }

    /// A neighbour of a plan, inside the same budget, as a guided search tries it.
    #[must_use]
    pub fn mutate(&self, stream: Stream, plan: &FaultPlan) -> FaultPlan {
        plan::mutate(stream, &self.base, plan)
    }

    /// Second implementations of users' operators, for one run's equivalence check.
    #[must_use]
    pub fn references(&self) -> References {
        let processors = self.case.scenario.processors.iter();
        processors
            .filter_map(|(name, config)| {
                self.catalog
                    .reference(&config.operator)
                    .map(|make| (name.clone(), make()))
            })
            .collect()
    }

    /// Users' programs and their nodes; a World with any needs the hosted driver.
    #[must_use]
    pub fn programs(&self) -> Vec<(NodeId, ServiceFactory)> {
        let mut programs = Vec::new();
        for (name, service) in &self.case.scenario.services {
            if let ServiceEntry::Program(make) = self.catalog.service_named(&service.service) {
                let part = self.layout.part(PartKind::Service, name);
                let nodes = self.layout.cluster(part).iter().zip(0..);
                programs.extend(
                    nodes.map(|(node, index)| (node, make(self.seat(part, index, service)))),
                );
            }
        }
        programs
    }

    /// The case.
    #[must_use]
    pub const fn case(&self) -> &Case {
        &self.case
    }

    /// Who runs where.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What the checks know.
    #[must_use]
    pub fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology)
    }

    /// The end of `drain`, when the audit boots.
    #[must_use]
    pub fn audit_at(&self) -> Time {
        self.case.phases.ends()
    }

    /// How many cores a node has.
    #[must_use]
    pub fn cores(&self) -> u64 {
        u64::from(self.profile.cpu.cores)
    }

    /// How long the audit may take: reads that are answered, and refused ones asked again.
    #[must_use]
    pub fn audit_patience(&self) -> Span {
        Span::secs(60)
    }

    /// The world of one seed under `faults`.
    #[must_use]
    pub fn world(
        &self,
        seed: Seed,
        faults: FaultPlan,
        wanted: Kinds,
        trace: Option<std::ops::Range<u64>>,
    ) -> World {
        let phases = &self.case.phases;
        let limits = &self.case.scenario.run.limits;
        World::new(WorldPlan {
            seed,
            profile: self.profile.clone(),
            nodes: self.nodes(seed),
            faults,
            parts: self.layout.names(),
            time_service: self.case.scenario.clocks.time_service(),
            heal_at: phases.calm_starts(),
            drain_at: phases.drain_starts(),
            wanted,
            limits: Limits {
                steps: limits.steps,
                steps_at_instant: limits.steps_at_an_instant,
                ..Limits::default()
            },
            trace,
        })
    }

    fn nodes(&self, seed: Seed) -> Vec<NodePlan> {
        let mut software = self.software(seed);
        let mut nodes = Vec::new();
        for (index, part) in self.layout.parts.iter().enumerate() {
            let id = PartId(index as u16);
            for place in 0..part.cluster.nodes {
                let factory = software.remove(&(id, place));
                nodes.push(NodePlan {
                    name: format!("{}.{place}", part.full_name()),
                    part: id,
                    software: factory.map_or(Software::Outside, Software::Actor),
                    boot_at: Time::ZERO,
                    clock_offset: 0,
                    clock_drift: 0,
                    zone: self.hardware.zone(place),
                });
            }
        }
        nodes.push(self.audit_node());
        nodes
    }

    /// What the sources are built from, by name.
    fn source_plans(&self, seed: Seed) -> BTreeMap<String, SourcePlan> {
        let sources = self.case.scenario.sources.iter().enumerate();
        let plans = sources.map(|(position, (name, config))| {
            let trace = self.case.traces.get(name);
            let plan = SourcePlan {
                position: position as u16,
                name: name.clone(),
                seed,
                config: config.clone(),
                rows: trace.map(|trace| trace.rows(seed, &format!("source.{name}"))),
                boot_at: Time::ZERO,
                until: self.case.phases.drain_starts(),
                publisher: PublisherPlan {
                    retry: retry_plan(config.retry.as_ref(), seed, &format!("source.{name}")),
                    ..self
                        .publisher(Duty::Source, &config.to)
                        .with_buffer(&config.buffer)
                },
            };
            (name.clone(), plan)
        });
        plans.collect()
    }

    /// The events that each source owes in a seed's run, by its name, if none of them is ever down.
    #[must_use]
    pub fn owed(&self, seed: Seed) -> BTreeMap<String, Vec<Event>> {
        let plans = self.source_plans(seed).into_iter();
        plans
            .map(|(name, plan)| (name, plan.generator().collect()))
            .collect()
    }

    fn software(&self, seed: Seed) -> BTreeMap<(PartId, u16), Factory> {
        let scenario = &self.case.scenario;
        let layout = &self.layout;
        let mut software: BTreeMap<(PartId, u16), Factory> = BTreeMap::new();
        for (name, plan) in self.source_plans(seed) {
            software.insert((layout.part(PartKind::Source, &name), 0), plan.factory());
        }
        for (name, broker) in &scenario.brokers {
            let part = layout.part(PartKind::Broker, name);
            match broker {
                BrokerSpec::Log(config) => {
                    let (config, cluster) = (Arc::new(config.clone()), layout.cluster(part));
                    for index in 0..cluster.nodes {
                        let plan = LogPlan {
                            config: Arc::clone(&config),
                            cluster,
                            index,
                        };
                        software.insert((part, index), boxed(move || LogBroker::new(plan.clone())));
                    }
                }
                BrokerSpec::Queue(config) => {
                    let config = config.clone();
                    software.insert((part, 0), boxed(move || QueueBroker::new(&config)));
                }
                BrokerSpec::Fanout(config) => {
                    let (config, subscribers) =
                        (config.clone(), self.subscribers(part, config.topics.len()));
                    software.insert(
                        (part, 0),
                        boxed(move || FanoutBroker::new(&config, &subscribers)),
                    );
                }
            }
        }
        for (name, config) in &scenario.processors {
            let mut plan = self.processor(name, config);
            plan.retry = retry_plan(config.retry.as_ref(), seed, &format!("processor.{name}"));
            let plan = Arc::new(plan);
            let part = layout.part(PartKind::Processor, name);
            for index in 0..layout.cluster(part).nodes {
                let plan = Arc::clone(&plan);
                software.insert(
                    (part, index),
                    boxed(move || Processor::new(Arc::clone(&plan))),
                );
            }
            if let Some(store) = layout.store_part(name) {
                software.insert((store, 0), boxed(CheckpointStore::new));
            }
        }
        for (name, config) in &scenario.sinks {
            let config = config.clone();
            let part = layout.part(PartKind::Sink, name);
            software.insert((part, 0), boxed(move || Sink::new(&config)));
        }
        for (name, config) in &scenario.leases {
            let config = config.clone();
            let part = layout.part(PartKind::Lease, name);
            software.insert((part, 0), boxed(move || Authority::new(&config)));
        }
        for (name, service) in &scenario.services {
            if let ServiceEntry::Actor(make) = self.catalog.service_named(&service.service) {
                let part = layout.part(PartKind::Service, name);
                for index in 0..service.nodes {
                    let (make, seat) = (Arc::clone(&make), self.seat(part, index, service));
                    software.insert((part, index), Box::new(move || make(&seat)));
                }
            }
        }
        software
    }

    /// The subscribers of a fan-out broker's topics, by topic.
    fn subscribers(&self, broker: PartId, topics: usize) -> Vec<Vec<GroupId>> {
        let mut subscribers = vec![Vec::new(); topics];
        for processor in &self.topology.processors {
            if processor.broker == broker {
                subscribers[usize::from(processor.topic.0)].push(processor.group);
            }
        }
        subscribers
    }

    fn processor(&self, name: &str, config: &ProcessorConfig) -> ProcessorPlan {
        let input = self.input(&config.from, self.layout.group(name));
        let Some(Place::Sink(sink)) = place(&config.to) else {
            panic!("the load let {:?} pass as a sink", config.to);
        };
        let sink = self
            .layout
            .cluster(self.layout.part(PartKind::Sink, sink))
            .first;
        let operator = self.catalog.operator_named(&config.operator);
        let window = window_of(&self.case.scenario, config);
        let store = self.layout.store(name);
        ProcessorPlan::new(config, input, operator, sink, store, window)
            .under(self.holder(name, config))
    }

    /// How a processor's nodes ask for the lease that they write under, if they do.
    fn holder(&self, name: &str, config: &ProcessorConfig) -> Option<HolderPlan> {
        let part = self.layout.lease(config)?;
        let lease = config.lease.as_deref()?.strip_prefix("lease.")?;
        Some(HolderPlan::new(
            &self.case.scenario.leases[lease],
            self.layout.cluster(part).first,
            self.layout.group(name),
            config.request_timeout,
        ))
    }

    /// The settings of a consumer of the topic `from` in `group`.
    fn input(&self, from: &str, group: GroupId) -> InputPlan {
        let scenario = &self.case.scenario;
        let from = topic_of(scenario, &self.layout, from);
        let brokers = self.layout.cluster(from.part);
        let topic = usize::from(from.topic.0);
        let lease = |span: Option<Span>, consumer: &LeaseConsumerConfig| {
            let span = span.expect("the load resolved the topic");
            InputPlan::Lease(LeaseConsumerPlan::new(
                brokers.first,
                from.topic,
                group,
                span,
                consumer,
            ))
        };
        match &scenario.brokers[from.broker] {
            BrokerSpec::Log(log) => {
                let known = log.topics.values().nth(topic);
                let partitions = known.map_or(1, |topic| topic.partitions);
                let topic = (from.topic, partitions);
                InputPlan::Log(LogConsumerPlan::new(brokers, topic, group, &log.consumer))
            }
            BrokerSpec::Queue(queue) => lease(
                queue
                    .topics
                    .values()
                    .nth(topic)
                    .map(|topic| topic.visibility_timeout),
                &queue.consumer,
            ),
            BrokerSpec::Fanout(fanout) => lease(
                fanout
                    .topics
                    .values()
                    .nth(topic)
                    .map(|topic| topic.delivery_timeout),
                &fanout.consumer,
            ),
        }
    }

    fn seat(&self, part: PartId, index: u16, service: &ServiceSpec) -> Seat {
        let scenario = &self.case.scenario;
        let topic = |text: &str| {
            let topic = topic_of(scenario, &self.layout, text);
            (self.layout.cluster(topic.part), topic.topic)
        };
        let to = service.to.as_deref();
        let sink = to.and_then(place).and_then(|to| match to {
            Place::Sink(sink) => Some(
                self.layout
                    .cluster(self.layout.part(PartKind::Sink, sink))
                    .first,
            ),
            Place::Topic { .. } => None,
        });
        let parts = self
            .layout
            .parts
            .iter()
            .map(|part| (part.full_name(), part.cluster));
        Seat {
            cluster: self.layout.cluster(part),
            index,
            from: service.from.as_deref().map(topic),
            to: to.filter(|_| sink.is_none()).map(topic),
            group: self.layout.service_group(part),
            input: (service.from.as_deref())
                .map(|from| self.input(from, self.layout.service_group(part))),
            output: (to.filter(|_| sink.is_none())).map(|to| self.publisher(Duty::Relay, to)),
            sink,
            parts: parts.collect(),
        }
    }

    fn publisher(&self, duty: Duty, to: &str) -> PublisherPlan {
        let scenario = &self.case.scenario;
        let to = topic_of(scenario, &self.layout, to);
        let cluster = self.layout.cluster(to.part);
        match &scenario.brokers[to.broker] {
            BrokerSpec::Log(config) => {
                let topic = config.topics.values().nth(usize::from(to.topic.0));
                let topic = topic.expect("the load resolved the topic");
                PublisherPlan::to_log(duty, cluster, to.topic, topic.most(), &config.producer)
                    .beginning_with(topic.partitions)
            }
            BrokerSpec::Queue(config) => {
                PublisherPlan::to_queue(duty, cluster, to.topic, &config.publisher)
            }
            BrokerSpec::Fanout(config) => {
                PublisherPlan::to_queue(duty, cluster, to.topic, &config.publisher)
            }
        }
    }

    fn audit_node(&self) -> NodePlan {
        let logs = self.topology.logs.iter();
        let sinks = self.topology.sinks.iter();
        let plan = AuditPlan {
            logs: logs
                .map(|log| (self.layout.cluster(log.part), log.partitions.clone()))
                .collect(),
            sinks: sinks
                .map(|sink| self.layout.cluster(sink.part).first)
                .collect(),
            patience: Span::secs(5),
        };
        NodePlan {
            name: "audit".to_owned(),
            part: PartId(u16::MAX),
            software: Software::Actor(boxed(move || Auditor::new(plan.clone()))),
            boot_at: self.audit_at(),
            clock_offset: 0,
            clock_drift: 0,
            zone: 0,
        }
    }
}

/// A client's retry policy with randomness of its own (A14).
fn retry_plan(config: Option<&RetryConfig>, seed: Seed, client: &str) -> Option<RetryPlan> {
    config.map(|config| RetryPlan {
        config: config.clone(),
        draws: seed.keyed(&format!("{client}/retry")),
    })
}

fn boxed<A: Actor + 'static>(make: impl Fn() -> A + 'static) -> Factory {
    Box::new(move || Box::new(make()))
}
