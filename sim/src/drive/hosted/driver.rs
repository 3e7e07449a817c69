//! The driver inside madsim. The World runs at full speed between the instants at which something reaches a
//! program; there madsim's clock is set to the instant and the program gets its turn. No madsim timer is
//! needed for that, so none is clamped to a millisecond and none is left over at the end.

use super::{HostError, Hosted, check};
use crate::drive::Heartbeat;
use crate::service::{Process, Run, ServiceFactory};
use crate::world::{Outside, World};
use madsim::runtime::{Handle, NodeHandle, Runtime};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use stormglass_core::history::Observation;
use stormglass_core::id::{Incarnation, NodeId};
use stormglass_core::rng::Seed;
use stormglass_core::time::Time;

/// Who turns the crank of hosted runs in this build: `madsim`.
#[must_use]
pub const fn host_in_use() -> &'static str {
    "madsim"
}

/// Gives a fresh thread its hash keys: the first runtime of a thread does, for good.
pub(in crate::drive) fn seed_thread(seed: Seed) {
    drop(runtime(seed));
}

fn runtime(seed: Seed) -> Runtime {
    Runtime::with_seed_and_config(seed.0, madsim::Config::default())
}

/// Runs `world` with `services` on its outside nodes until `until`, or until `record` answers `false`, or
/// until nothing happens any more, or until a program breaks. Observations are recorded in the order in
/// which they happened. Call it inside [`crate::drive::on_fresh_thread`] if there are services.
///
/// # Errors
/// If the services do not fit the World.
pub fn hosted(
    world: World,
    services: Vec<(NodeId, ServiceFactory)>,
    until: Time,
    heartbeat: &Heartbeat,
    record: &mut dyn FnMut(&World, Observation) -> bool,
) -> Result<Hosted, HostError> {
    check(&world, &services)?;
    let nodes = vec![None; world.node_count()];
    let seed = world.seed();
    let run = Rc::new(Run::new(world, services));
    let installed = run.install();
    runtime(seed).block_on(async {
        let mut driver = Driver {
            run: &run,
            nodes,
            heartbeat,
        };
        driver.drive(until, record).await;
        driver.end().await;
    });
    drop(installed);
    let run =
        Rc::into_inner(run).expect("the driver's is the last share once the thread's is gone");
    let (world, failure) = run.into_parts();
    Ok(Hosted { world, failure })
}

struct Driver<'a> {
    run: &'a Rc<Run>,
    /// The madsim nodes of the programs that have ever booted.
    nodes: Vec<Option<NodeHandle>>,
    heartbeat: &'a Heartbeat,
}

impl Driver<'_> {
    async fn drive(&mut self, until: Time, record: &mut dyn FnMut(&World, Observation) -> bool) {
        loop {
            let next = self.run.world.borrow().next_deadline();
            let Some(next) = next.filter(|next| *next <= until) else {
                return;
            };
            self.run.world.borrow_mut().advance(next);
            self.heartbeat.beat();
            while let Some(outside) = self.poll_outside() {
                self.handle(outside).await;
            }
            loop {
                let observation = self.run.world.borrow_mut().poll_observation();
                let Some(observation) = observation else {
                    break;
                };
                if !record(&self.run.world.borrow(), observation) {
                    return;
                }
            }
            if self.run.has_failed() {
                return;
            }
        }
    }

    fn poll_outside(&self) -> Option<Outside> {
        self.run.world.borrow_mut().poll_outside()
    }

    async fn handle(&mut self, outside: Outside) {
        match outside {
            Outside::Deliver(id, input) => {
                if let Some(process) = self.run.process(id) {
                    process.deliver(self.run, input);
                    if process.wants_turn() {
                        self.turn(id, &process).await;
                    }
                }
            }
            Outside::Restart(id, incarnation) => self.boot(id, incarnation),
            Outside::Kill(id) => self.kill(id).await,
            Outside::Pause(id) => self.with_node(id, |handle, node| handle.pause(node.id())),
            Outside::Resume(id) => self.with_node(id, |handle, node| handle.resume(node.id())),
        }
    }

    fn with_node(&self, id: NodeId, body: impl FnOnce(&Handle, &NodeHandle)) {
        if let Some(node) = &self.nodes[usize::from(id.0)] {
            body(&Handle::current(), node);
        }
    }

    fn boot(&mut self, id: NodeId, incarnation: Incarnation) {
        self.run.boot(id, incarnation);
        let slot = &mut self.nodes[usize::from(id.0)];
        match slot {
            Some(node) => Handle::current().restart(node.id()),
            None => {
                let name = self.run.world.borrow().name(id).to_owned();
                let node = Handle::current()
                    .create_node()
                    .name(name)
                    .init(move || Program {
                        // madsim calls this at every restart, and after that the run knows the new boot.
                        process: Run::process_here(id),
                    })
                    .build();
                *slot = Some(node);
            }
        }
    }

    /// The program's ready tasks run until none is.
    async fn turn(&self, id: NodeId, process: &Process) {
        let now = Duration::from_nanos(self.run.world.borrow().now().0);
        let clock = madsim::time::TimeHandle::current();
        // Polls have moved madsim's clock by some 100 ns each, so it may be ahead already.
        let behind = now.saturating_sub(clock.elapsed());
        if !behind.is_zero() {
            clock.advance(behind);
        }
        self.heartbeat.turn(Some(id));
        process.begin_turn();
        std::future::poll_fn(|cx| {
            if process.turn_is_over(cx.waker()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        self.heartbeat.turn(None);
    }

    /// The program's futures are dropped before anything else happens.
    async fn kill(&mut self, id: NodeId) {
        let Some(process) = self.run.process(id) else {
            return;
        };
        process.die();
        self.with_node(id, |handle, node| handle.kill(node.id()));
        std::future::poll_fn(|cx| {
            if process.is_gone(cx.waker()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        self.run.forget(id);
    }

    /// A runtime that is dropped frees nothing that waits, so everything is ended first; the sleep lets the
    /// scheduler drop what it still holds.
    async fn end(&mut self) {
        for index in 0..self.nodes.len() {
            self.kill(NodeId(index as u16)).await;
        }
        madsim::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A boot of a program as the one task of its madsim node.
struct Program {
    process: Option<Rc<Process>>,
}

impl Future for Program {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.process {
            Some(process) if !process.take_turn(cx.waker()) => Poll::Pending,
            Some(_) | None => Poll::Ready(()),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(process) = &self.process {
            process.drop_tasks();
        }
    }
}
