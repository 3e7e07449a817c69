//! What a scenario may name: operators, profiles, checks, points, and users' own parts. A user's binary adds
//! to it and hands it to `stormglass::main`.

use crate::hardware;
use crate::spec::Names;
use crate::sweep::of_part;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use stormglass_core::actor::{Actor, Context, Input, Inspection, Lane};
use stormglass_core::check::catalog::CHECKS;
use stormglass_core::check::reference::Reference;
use stormglass_core::client::publisher::PublisherPlan;
use stormglass_core::event::Event;
use stormglass_core::id::{GroupId, NodeId, TopicId};
use stormglass_core::message::Message;
use stormglass_core::part::Cluster;
use stormglass_core::processor::InputPlan;
use stormglass_core::processor::operator::{self, Operator, OperatorFactory};
use stormglass_sim::service::{Env, ServiceFactory};

/// Makes the second implementation of an operator, for `equivalence`.
pub type ReferenceFactory = Arc<dyn Fn() -> Box<dyn Reference> + Send + Sync>;

/// Makes a user's actor for its place in the World.
pub type ActorFactory = Arc<dyn Fn(&Seat) -> Box<dyn Actor> + Send + Sync>;

/// Makes a user's async program for its place in the World; called once for each node and run.
pub type ProgramFactory = Arc<dyn Fn(Seat) -> ServiceFactory + Send + Sync>;

/// Where a user's part sits and whom it can reach.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Its nodes.
    pub cluster: Cluster,
    /// This node's index among them.
    pub index: u16,
    /// The broker and topic it reads from, if the scenario says so.
    pub from: Option<(Cluster, TopicId)>,
    /// The broker and topic it writes to, if the scenario says so.
    pub to: Option<(Cluster, TopicId)>,
    /// The sink it writes to, if the scenario says so.
    pub sink: Option<NodeId>,
    /// Its consumer group or subscription, which its writes to a sink carry too.
    pub group: GroupId,
    /// The settings of a reference consumer of what it reads, if it reads a topic.
    pub input: Option<InputPlan>,
    /// The settings of a reference publisher to what it writes, if it writes to a topic.
    pub output: Option<PublisherPlan>,
    /// Every part of the scenario by its full name, such as `broker.main`.
    pub parts: BTreeMap<String, Cluster>,
}

impl Seat {
    /// The first node of a part, by its full name such as `sink.archive`: the only one of most parts.
    ///
    /// # Panics
    /// If the scenario has no such part.
    #[must_use]
    pub fn first(&self, part: &str) -> NodeId {
        let cluster = self.parts.get(part);
        cluster
            .unwrap_or_else(|| panic!("the scenario has no {part}"))
            .first
    }
}

/// An operator of the catalogue.
#[derive(Clone)]
struct OperatorEntry {
    factory: OperatorFactory,
    reference: Option<ReferenceFactory>,
}

/// A user's part of the catalogue.
#[derive(Clone)]
pub enum ServiceEntry {
    /// An actor, stepped by the World.
    Actor(ActorFactory),
    /// An async program, hosted by madsim.
    Program(ProgramFactory),
}

/// What a scenario may name.
#[derive(Clone, Default)]
pub struct Catalog {
    operators: BTreeMap<String, OperatorEntry>,
    services: BTreeMap<String, ServiceEntry>,
}

impl Catalog {
    /// What comes with Stormglass.
    #[must_use]
    pub fn new() -> Catalog {
        let mut catalog = Catalog::default();
        for name in operator::NAMES {
            if let Some(factory) = operator::named(name) {
                let entry = OperatorEntry {
                    factory,
                    reference: None,
                };
                catalog.operators.insert((*name).to_owned(), entry);
            }
        }
        catalog
    }

    /// Adds a user's operator. Without a `reference`, equivalence is judged by the operator itself, which
    /// verifies the pipeline and not the operator's logic.
    #[must_use]
    pub fn operator(
        mut self,
        name: &str,
        make: impl Fn() -> Box<dyn Operator> + Send + Sync + 'static,
    ) -> Catalog {
        let part = format!("operator {name}");
        let make: OperatorFactory = Arc::new(make);
        let guarded = Arc::clone(&make);
        let factory: OperatorFactory = Arc::new(move || {
            Box::new(GuardedOperator {
                part: part.clone(),
                inner: of_part(&part, || guarded()),
            })
        });
        let reference: ReferenceFactory = Arc::new(move || {
            let mut operator = make();
            Box::new(move |event: &Event, rows: &mut Vec<Event>| operator.apply(event, rows))
        });
        self.operators.insert(
            name.to_owned(),
            OperatorEntry {
                factory,
                reference: Some(reference),
            },
        );
        self
    }

    /// Adds a user's actor.
    #[must_use]
    pub fn actor(
        mut self,
        name: &str,
        make: impl Fn(&Seat) -> Box<dyn Actor> + Send + Sync + 'static,
    ) -> Catalog {
        let part = format!("service {name}");
        let factory: ActorFactory = Arc::new(move |seat| {
            let inner = of_part(&part, || make(seat));
            Box::new(GuardedActor {
                part: part.clone(),
                inner,
            })
        });
        self.services
            .insert(name.to_owned(), ServiceEntry::Actor(factory));
        self
    }

    /// Adds a user's async program. `start` is called at every boot of each of its nodes, with nothing but
    /// its surroundings and its place in the scenario.
    #[must_use]
    pub fn service<F, Fut>(mut self, name: &str, start: F) -> Catalog
    where
        F: Fn(Env, Seat) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let start = Arc::new(start);
        let factory: ProgramFactory = Arc::new(move |seat| {
            let start = Arc::clone(&start);
            ServiceFactory::new(move |env| start(env, seat.clone()))
        });
        self.services
            .insert(name.to_owned(), ServiceEntry::Program(factory));
        self
    }

    /// Whether an operator has state.
    #[must_use]
    pub fn is_stateful(&self, name: &str) -> bool {
        self.operators
            .get(name)
            .is_some_and(|entry| (entry.factory)().is_stateful())
    }

    /// The operator called `name`.
    ///
    /// # Panics
    /// If there is none: names are resolved when a scenario is loaded.
    #[must_use]
    pub fn operator_named(&self, name: &str) -> OperatorFactory {
        match self.operators.get(name) {
            Some(entry) => Arc::clone(&entry.factory),
            None => panic!("the load let the operator {name:?} pass"),
        }
    }

    /// The second implementation of a user's operator, none for those that come with Stormglass.
    #[must_use]
    pub fn reference(&self, name: &str) -> Option<ReferenceFactory> {
        self.operators
            .get(name)
            .and_then(|entry| entry.reference.clone())
    }

    /// The user's part called `name`.
    ///
    /// # Panics
    /// If there is none: names are resolved when a scenario is loaded.
    #[must_use]
    pub fn service_named(&self, name: &str) -> ServiceEntry {
        match self.services.get(name) {
            Some(entry) => entry.clone(),
            None => panic!("the load let the service {name:?} pass"),
        }
    }

    /// The names that scenario files may use.
    #[must_use]
    pub fn names(&self) -> Names {
        let set = |names: &[&str]| {
            Some(
                names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<BTreeSet<_>>(),
            )
        };
        let aliases = ["exactly-once", "at-least-once", "at-most-once"];
        let checks = CHECKS
            .iter()
            .map(|(name, _)| *name)
            .chain(aliases)
            .collect::<Vec<_>>();
        Names {
            operators: Some(self.operators.keys().cloned().collect()),
            services: Some(self.services.keys().cloned().collect()),
            profiles: Some(hardware::names().map(str::to_owned).collect()),
            checks: set(&checks),
            // Users' parts may pass points and send classes of their own.
            points: None,
            classes: if self.services.is_empty() {
                set(Message::CLASSES)
            } else {
                None
            },
        }
    }
}

/// A user's operator, whose panics are told from ours.
struct GuardedOperator {
    part: String,
    inner: Box<dyn Operator>,
}

impl Operator for GuardedOperator {
    fn apply(&mut self, event: &Event, out: &mut Vec<Event>) {
        of_part(&self.part, || self.inner.apply(event, out));
    }

    fn snapshot(&self) -> Vec<(u64, i64)> {
        of_part(&self.part, || self.inner.snapshot())
    }

    fn restore(&mut self, state: &[(u64, i64)]) {
        of_part(&self.part, || self.inner.restore(state));
    }

    fn is_stateful(&self) -> bool {
        of_part(&self.part, || self.inner.is_stateful())
    }
}

/// A user's actor, whose panics are told from ours.
struct GuardedActor {
    part: String,
    inner: Box<dyn Actor>,
}

impl Actor for GuardedActor {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        of_part(&self.part, || self.inner.step(input, cx));
    }

    fn lane(&self, input: &Input) -> Lane {
        of_part(&self.part, || self.inner.lane(input))
    }

    fn inspect(&self) -> Inspection {
        of_part(&self.part, || self.inner.inspect())
    }
}
