//! Which part runs on which nodes. Parts are numbered by kind and name, so a scenario's order of tables
//! means nothing.

use crate::spec::{Place, Scenario, place};
use std::collections::BTreeMap;
use stormglass_core::id::{GroupId, NodeId, PartId, TopicId};
use stormglass_core::part::{Cluster, PartKind};
use stormglass_core::processor::config::ProcessorConfig;

/// A part's place in the World.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What it is.
    pub kind: PartKind,
    /// Its name without the kind.
    pub name: String,
    /// Its nodes.
    pub cluster: Cluster,
}

impl Placed {
    /// `kind.name`, as plans and reports call it.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.kind, self.name)
    }
}

/// All parts of a scenario and the node of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The parts, by `PartId`.
    pub parts: Vec<Placed>,
    /// The node on which the audit boots when a run is over.
    pub audit: NodeId,
    by_name: BTreeMap<(PartKind, String), PartId>,
    stores: BTreeMap<String, PartId>,
}

impl Layout {
    /// Numbers the parts and nodes of `scenario`. `is_stateful` says of an operator whether it has state,
    /// which a log-fed processor keeps in a checkpoint store of its own.
    #[must_use]
    pub fn of(scenario: &Scenario, is_stateful: impl Fn(&str) -> bool) -> Layout {
        let mut layout = Layout {
            parts: Vec::new(),
            audit: NodeId(0),
            by_name: BTreeMap::new(),
            stores: BTreeMap::new(),
        };
        for name in scenario.sources.keys() {
            layout.add(PartKind::Source, name, 1);
        }
        for (name, broker) in &scenario.brokers {
            layout.add(PartKind::Broker, name, broker.nodes());
        }
        for (name, processor) in &scenario.processors {
            layout.add(PartKind::Processor, name, processor.nodes);
        }
        for name in scenario.sinks.keys() {
            layout.add(PartKind::Sink, name, 1);
        }
        for (name, processor) in &scenario.processors {
            if is_stateful(&processor.operator) {
                let part = layout.place(PartKind::Processor, format!("{name}.store"), 1);
                layout.stores.insert(name.clone(), part);
            }
        }
        for (name, service) in &scenario.services {
            layout.add(PartKind::Service, name, service.nodes);
        }
        for name in scenario.leases.keys() {
            layout.add(PartKind::Lease, name, 1);
        }
        layout.audit = layout.next_node();
        layout
    }

    fn next_node(&self) -> NodeId {
        self.parts.last().map_or(NodeId(0), |part| {
            NodeId(part.cluster.first.0 + part.cluster.nodes)
        })
    }

    fn add(&mut self, kind: PartKind, name: &str, nodes: u16) {
        let part = self.place(kind, name.to_owned(), nodes);
        self.by_name.insert((kind, name.to_owned()), part);
    }

    fn place(&mut self, kind: PartKind, name: String, nodes: u16) -> PartId {
        let part = PartId(self.parts.len() as u16);
        let cluster = Cluster {
            first: self.next_node(),
            nodes,
        };
        self.parts.push(Placed {
            kind,
            name,
            cluster,
        });
        part
    }

    /// The part of this kind and name.
    ///
    /// # Panics
    /// If there is none: references are resolved when a scenario is loaded.
    #[must_use]
    pub fn part(&self, kind: PartKind, name: &str) -> PartId {
        match self.by_name.get(&(kind, name.to_owned())) {
            Some(part) => *part,
            None => panic!("the load let a reference to {kind}.{name} pass"),
        }
    }

    /// Where a part runs.
    #[must_use]
    pub fn cluster(&self, part: PartId) -> Cluster {
        self.parts[usize::from(part.0)].cluster
    }

    /// The checkpoint store of a processor, if it has one.
    #[must_use]
    pub fn store(&self, processor: &str) -> Option<NodeId> {
        self.stores
            .get(processor)
            .map(|part| self.cluster(*part).first)
    }

    /// The part of a processor's checkpoint store, if it has one.
    #[must_use]
    pub fn store_part(&self, processor: &str) -> Option<PartId> {
        self.stores.get(processor).copied()
    }

    /// The group of a processor.
    #[must_use]
    pub fn group(&self, processor: &str) -> GroupId {
        GroupId(self.part(PartKind::Processor, processor).0)
    }

    /// The authority of the lease that a processor writes under, if it does.
    #[must_use]
    pub fn lease(&self, processor: &ProcessorConfig) -> Option<PartId> {
        let name = processor.lease.as_deref()?.strip_prefix("lease.")?;
        Some(self.part(PartKind::Lease, name))
    }

    /// The group of a user's part. Groups are numbered by part, so it is no processor's.
    #[must_use]
    pub const fn service_group(&self, part: PartId) -> GroupId {
        GroupId(part.0)
    }

    /// The name of a node, for example `broker.main.0`.
    #[must_use]
    pub fn node_name(&self, node: NodeId) -> String {
        let found = self.parts.iter().find_map(|part| {
            part.cluster
                .index(node)
                .map(|index| format!("{}.{index}", part.full_name()))
        });
        found.unwrap_or_else(|| "audit".to_owned())
    }

    /// The names of the parts as plans call them, by `PartId`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.parts.iter().map(Placed::full_name).collect()
    }
}

/// A topic by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicRef<'a> {
    /// The broker's name.
    pub broker: &'a str,
    /// The broker.
    pub part: PartId,
    /// The topic.
    pub topic: TopicId,
}

/// The topic that `text` (`broker.<name>/<topic>`) means.
///
/// # Panics
/// If it means none: references are resolved when a scenario is loaded.
#[must_use]
pub fn topic_of<'a>(scenario: &Scenario, layout: &Layout, text: &'a str) -> TopicRef<'a> {
    let Some(Place::Topic { broker, topic }) = place(text) else {
        panic!("the load let {text:?} pass as a topic");
    };
    let topics = scenario.brokers[broker].topics();
    let index = topics
        .iter()
        .position(|name| *name == topic)
        .expect("the load resolved the topic");
    TopicRef {
        broker,
        part: layout.part(PartKind::Broker, broker),
        topic: TopicId(index as u16),
    }
}
