//! The run of this thread: its World and the programs in it. It is found through the thread, so that an
//! [`super::Env`] is a plain name of a node and a boot, and futures that hold one can be `Send`.

use super::panic::as_world;
use super::process::Process;
use super::{Env, ServiceFactory, ServiceFailure};
use crate::world::World;
use std::cell::RefCell;
use std::rc::Rc;
use stormglass_core::actor::Context;
use stormglass_core::id::{Incarnation, NodeId};

thread_local! {
    static RUN: RefCell<Option<Rc<Run>>> = const { RefCell::new(None) };
}

/// A World and the programs in it.
pub(crate) struct Run {
    pub(crate) world: RefCell<World>,
    processes: RefCell<Vec<Option<Rc<Process>>>>,
    factories: Vec<Option<ServiceFactory>>,
    failure: RefCell<Option<ServiceFailure>>,
}

/// Takes the run away from the thread when it ends, however it ends.
pub(crate) struct Installed;

impl Drop for Installed {
    fn drop(&mut self) {
        RUN.with(|run| run.borrow_mut().take());
    }
}

impl Run {
    pub(crate) fn new(world: World, services: Vec<(NodeId, ServiceFactory)>) -> Run {
        let count = world.node_count();
        let mut factories = vec![None; count];
        for (node, factory) in services {
            factories[usize::from(node.0)] = Some(factory);
        }
        Run {
            world: RefCell::new(world),
            processes: RefCell::new(vec![None; count]),
            factories,
            failure: RefCell::new(None),
        }
    }

    /// Makes it the run of this thread.
    pub(crate) fn install(self: &Rc<Run>) -> Installed {
        RUN.with(|run| {
            let before = run.borrow_mut().replace(Rc::clone(self));
            assert!(before.is_none(), "a thread hosts one run at a time");
        });
        Installed
    }

    pub(super) fn current() -> Option<Rc<Run>> {
        RUN.try_with(|run| run.borrow().clone()).ok().flatten()
    }

    /// The program on a node that is up.
    pub(crate) fn process(&self, node: NodeId) -> Option<Rc<Process>> {
        self.processes.borrow()[usize::from(node.0)].clone()
    }

    /// The program on a node of the run of this thread.
    pub(crate) fn process_here(node: NodeId) -> Option<Rc<Process>> {
        Run::current().and_then(|run| run.process(node))
    }

    /// A boot: a fresh program, ready to be polled for the first time.
    pub(crate) fn boot(&self, node: NodeId, incarnation: Incarnation) {
        let factory = self.factories[usize::from(node.0)]
            .as_ref()
            .expect("every node of a hosted run that is outside has a program");
        let (name, seed) = {
            let world = self.world.borrow();
            (world.name(node).to_owned(), world.seed())
        };
        // The boot is part of the name: a second boot must not repeat the first one's choices.
        let picks = seed.stream(&format!("service/{name}/{incarnation}"));
        let process = Rc::new(Process::new(node, incarnation, name, picks));
        process.begin(factory.clone(), Env::new(node, incarnation));
        self.processes.borrow_mut()[usize::from(node.0)] = Some(process);
    }

    /// A boot is over.
    pub(crate) fn forget(&self, node: NodeId) {
        let process = self.processes.borrow_mut()[usize::from(node.0)].take();
        drop(process);
    }

    /// Runs `body` as the program's doing; none if that boot of its node is over.
    pub(super) fn act<R>(
        &self,
        node: NodeId,
        incarnation: Incarnation,
        body: impl FnOnce(&mut Context<'_>) -> R,
    ) -> Option<R> {
        self.with_world(|world| world.act(node, incarnation, body))
    }

    /// Runs the World's own code: a panic in it is not the program's.
    pub(super) fn with_world<R>(&self, body: impl FnOnce(&mut World) -> R) -> R {
        as_world(|| body(&mut self.world.borrow_mut()))
    }

    /// Notes that a program broke; the first stands.
    pub(super) fn fail(&self, process: &Process, message: String) {
        let failure = ServiceFailure {
            node: process.node,
            name: process.name.clone(),
            incarnation: process.incarnation,
            time: self.world.borrow().now(),
            message,
        };
        self.failure.borrow_mut().get_or_insert(failure);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failure.borrow().is_some()
    }

    pub(crate) fn into_parts(self) -> (World, Option<ServiceFailure>) {
        (self.world.into_inner(), self.failure.into_inner())
    }
}
