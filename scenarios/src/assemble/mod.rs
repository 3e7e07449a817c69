//! From a loaded case to a World: numbers for names, software for nodes, what the checks need to know.

mod layout;
mod profile;
mod topology;

pub use layout::{Layout, Placed, TopicRef, topic_of};
pub use profile::{NAMES as PROFILES, profile_of};
pub use topology::topology_of;

use crate::catalog::Catalog;
use crate::error::ScenarioError;
use crate::load::{Case, ScenarioFile};
use crate::spec::BrokerSpec;
use std::collections::BTreeMap;
use std::sync::Arc;
use stormglass_core::actor::Actor;
use stormglass_core::audit::{AuditPlan, Auditor};
use stormglass_core::broker::log::{LogBroker, LogPlan};
use stormglass_core::check::Topology;
use stormglass_core::client::publisher::{Duty, PublisherPlan};
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::Kinds;
use stormglass_core::id::PartId;
use stormglass_core::message::log::Acks;
use stormglass_core::part::{Factory, PartKind};
use stormglass_core::rng::Seed;
use stormglass_core::sink::Sink;
use stormglass_core::source::SourcePlan;
use stormglass_core::time::{Span, Time};
use stormglass_sim::profile::Profile;
use stormglass_sim::world::{Limits, NodePlan, Software, World, WorldPlan};

/// A case ready to be run with any seed; shared by the workers of a sweep.
pub struct Assembly {
    case: Case,
    layout: Layout,
    topology: Arc<Topology>,
    profile: Profile,
}

impl Assembly {
    /// Numbers a case's parts, reads its traces and builds its tables.
    ///
    /// # Errors
    /// If a recorded stream cannot be read as the file says.
    pub fn new(
        file: &ScenarioFile,
        case: &Case,
        catalog: &Catalog,
    ) -> Result<Assembly, ScenarioError> {
        let _ = file;
        let scenario = &case.scenario;
        let layout = Layout::of(scenario, |operator| catalog.is_stateful(operator));
        let topology = Arc::new(topology_of(scenario, &layout));
        let profile = profile_of(&scenario.profile);
        Ok(Assembly {
            case: case.clone(),
            layout,
            topology,
            profile,
        })
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
                });
            }
        }
        nodes.push(self.audit_node());
        nodes
    }

    fn software(&self, seed: Seed) -> BTreeMap<(PartId, u16), Factory> {
        let scenario = &self.case.scenario;
        let layout = &self.layout;
        let mut software: BTreeMap<(PartId, u16), Factory> = BTreeMap::new();
        for (position, (name, config)) in scenario.sources.iter().enumerate() {
            let plan = SourcePlan {
                position: position as u16,
                name: name.clone(),
                seed,
                config: config.clone(),
                rows: None,
                boot_at: Time::ZERO,
                until: self.case.phases.drain_starts(),
                publisher: self.publisher(Duty::Source, &config.to),
            };
            software.insert((layout.part(PartKind::Source, name), 0), plan.factory());
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
                BrokerSpec::Queue(_) | BrokerSpec::Fanout(_) => {}
            }
        }
        for (name, config) in &scenario.sinks {
            let config = config.clone();
            let part = layout.part(PartKind::Sink, name);
            software.insert((part, 0), boxed(move || Sink::new(&config)));
        }
        software
    }

    fn publisher(&self, duty: Duty, to: &str) -> PublisherPlan {
        let scenario = &self.case.scenario;
        let to = topic_of(scenario, &self.layout, to);
        let cluster = self.layout.cluster(to.part);
        match &scenario.brokers[to.broker] {
            BrokerSpec::Log(config) => {
                let topic = config.topics.values().nth(usize::from(to.topic.0));
                let partitions = topic.map_or(1, |topic| topic.partitions);
                PublisherPlan::to_log(duty, cluster, to.topic, partitions, &config.producer)
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
        }
    }

    /// Whether some broker acknowledges before its events are safe, so that loss is to be expected.
    #[must_use]
    pub fn acknowledges_early(&self) -> bool {
        self.topology.logs.iter().any(|log| log.acks != Acks::All)
    }
}

fn boxed<A: Actor + 'static>(make: impl Fn() -> A + 'static) -> Factory {
    Box::new(move || Box::new(make()))
}
