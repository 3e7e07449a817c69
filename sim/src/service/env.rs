//! What a program may know and do.

use super::answer::{Answer, CallError};
use super::desk::Desk;
use super::mailbox::Incoming;
use super::process::Process;
use super::run::Run;
use super::tasks::{JoinHandle, joinable};
use std::future::{Future, pending, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use stormglass_core::actor::{Context, Control, Origin, Work};
use stormglass_core::disk::{DiskDone, DiskError, DiskVerb, FileId};
use stormglass_core::history::Fact;
use stormglass_core::id::{ClassId, Incarnation, NodeId, PointId};
use stormglass_core::message::sink::Write;
use stormglass_core::message::{Message, Reply, Request};
use stormglass_core::part::Cluster;
use stormglass_core::rng::scale;
use stormglass_core::time::{Mono, Span, Wall};

/// A program's surroundings: its node in one boot of it. It is only a name, so it may be copied, moved into
/// tasks and kept in futures that must be `Send`; it works on the thread of its run.
///
/// Once the node has died, nothing asked of it has an effect and nothing awaited from it ever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Env {
    node: NodeId,
    incarnation: Incarnation,
}

impl Env {
    pub(super) const fn new(node: NodeId, incarnation: Incarnation) -> Env {
        Env { node, incarnation }
    }

    fn process(self) -> Option<(Rc<Run>, Rc<Process>)> {
        let run = Run::current()?;
        let process = run.process(self.node)?;
        (process.incarnation == self.incarnation && process.is_running()).then_some((run, process))
    }

    pub(super) fn with<R>(self, body: impl FnOnce(&Process) -> R) -> Option<R> {
        self.process().map(|(_, process)| body(&process))
    }

    /// Does something as this node; none if this boot of it is over.
    pub(super) fn act<R>(self, body: impl FnOnce(&mut Context<'_>, &mut Desk) -> R) -> Option<R> {
        let (run, process) = self.process()?;
        process.count_act();
        let result = {
            let mut desk = process.desk.borrow_mut();
            run.act(self.node, self.incarnation, |cx| body(cx, &mut desk))
        };
        if result.is_none() {
            process.die();
        }
        result
    }

    pub(super) fn abort(self, task: u64) {
        self.with(|process| process.abort(task));
    }

    /// This node.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.node
    }

    /// Which boot this is; the first is 1.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The node called `name`, for example `broker.main.0`.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeId> {
        let (run, _) = self.process()?;
        run.with_world(|world| world.node_named(name))
    }

    /// The nodes of the part called `name`.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<Cluster> {
        let (run, _) = self.process()?;
        run.with_world(|world| world.cluster(name))
    }

    /// This node's monotonic clock.
    #[must_use]
    pub fn monotonic(&self) -> Mono {
        self.act(|cx, _| cx.monotonic()).unwrap_or_default()
    }

    /// This node's wall clock, which may be wrong and may step.
    #[must_use]
    pub fn wall(&self) -> Wall {
        self.act(|cx, _| cx.wall()).unwrap_or_default()
    }

    /// 64 random bits of this node's own stream.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.act(|cx, _| cx.rng().word()).unwrap_or_default()
    }

    /// A random number below `bound`, 0 if there is none.
    #[must_use]
    pub fn random_below(&self, bound: u64) -> u64 {
        scale(self.random(), bound)
    }

    /// Starts a task; it dies with the node.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
    {
        let (task, handle) = joinable(future);
        match self.with(|process| process.spawn(task)) {
            Some(number) => handle.of(*self, number),
            None => handle,
        }
    }

    /// Lets the other ready tasks of this program run first.
    pub async fn yield_now(&self) {
        let mut has_yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut has_yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Asks `peer` and awaits the reply. The request leaves at once; all calls to one peer share a
    /// connection, which is closed when one of them gets no reply within `timeout`.
    pub fn call(
        &self,
        peer: NodeId,
        request: Request,
        timeout: Span,
    ) -> Answer<Result<Reply, CallError>> {
        let ticket = self
            .act(|cx, desk| {
                let ticket = desk.ticket();
                desk.replies.open(ticket);
                desk.calls.ask(cx, peer, request, timeout, ticket);
                ticket
            })
            .unwrap_or(0);
        Answer::new(*self, ticket, |desk| &mut desk.replies, false)
    }

    /// Makes rows visible at a sink. A write without a definite error may have been applied.
    ///
    /// # Errors
    /// If the sink refused it or its answer did not come.
    pub async fn write(
        &self,
        sink: NodeId,
        write: Arc<Write>,
        timeout: Span,
    ) -> Result<(), CallError> {
        self.call(sink, Request::Write(write), timeout)
            .await
            .map(drop)
    }

    /// Sends a message of the program's own on a connection to `peer`, opened when needed.
    pub fn send(&self, peer: NodeId, class: ClassId, body: impl Into<Arc<[u8]>>) {
        let body = body.into();
        self.act(|cx, desk| {
            let link = *desk.links.entry(peer).or_insert_with(|| cx.connect(peer));
            cx.send(link, Message::Custom { class, body });
        });
    }

    /// Sends a message of the program's own that may be lost, doubled or overtaken.
    pub fn datagram(&self, peer: NodeId, class: ClassId, body: impl Into<Arc<[u8]>>) {
        let body = body.into();
        self.act(|cx, _| cx.datagram(peer, Message::Custom { class, body }));
    }

    /// Sends a message of the program's own back where `incoming` came from.
    pub fn send_back(&self, incoming: &Incoming, class: ClassId, body: impl Into<Arc<[u8]>>) {
        match incoming.origin {
            Origin::Datagram => self.datagram(incoming.peer, class, body),
            Origin::Connection(connection) => {
                let body = body.into();
                self.act(|cx, _| cx.send(connection, Message::Custom { class, body }));
            }
        }
    }

    /// Answers a request. Nothing happens if `incoming` is none.
    pub fn reply(&self, incoming: &Incoming, reply: Reply) {
        if let (Origin::Connection(connection), Some((call, _))) =
            (incoming.origin, incoming.request())
        {
            self.act(|cx, _| cx.reply(connection, call, reply));
        }
    }

    /// The next message that is no reply to a call.
    pub async fn receive(&self) -> Incoming {
        poll_fn(|cx| {
            self.with(|process| process.desk.borrow_mut().incoming.poll(cx))
                .unwrap_or(Poll::Pending)
        })
        .await
    }

    /// The next thing that is done to this part from outside the network.
    pub async fn control(&self) -> Control {
        poll_fn(|cx| {
            self.with(|process| process.desk.borrow_mut().controls.poll(cx))
                .unwrap_or(Poll::Pending)
        })
        .await
    }

    /// Uses the disk; operations on one file happen in the order asked. `fact` is what the operation means
    /// to the history, told when it is written, durable or lost.
    pub fn disk(
        &self,
        file: FileId,
        verb: DiskVerb,
        fact: Option<Fact>,
    ) -> Answer<Result<DiskDone, DiskError>> {
        let ticket = self
            .act(|cx, desk| {
                let ticket = desk.ticket();
                desk.disk.open(ticket);
                cx.disk(file, verb, ticket, fact);
                ticket
            })
            .unwrap_or(0);
        Answer::new(*self, ticket, |desk| &mut desk.disk, false)
    }

    /// Tells the history what the program knows and does not store.
    pub fn observe(&self, fact: Fact) {
        self.act(|cx, _| cx.observe(fact));
    }

    /// Passes a named place, where the plan may kill the node or hold this task.
    pub async fn point(&self, point: PointId) {
        let held = self.process().and_then(|(run, process)| {
            process.count_act();
            let held = run.with_world(|world| world.pass(self.node, self.incarnation, point));
            if held.is_none() {
                process.die();
            }
            held
        });
        match held {
            Some(Span::ZERO) => {}
            Some(held) => self.sleep(held).await,
            None => pending().await,
        }
    }

    /// Works: waits for a free core of this node, then for as long as the work takes.
    pub async fn spend(&self, work: Work) {
        let Some((run, process)) = self.process() else {
            return pending().await;
        };
        let (service, cores) = run.with_world(|world| world.service_time(self.node, work));
        if service == Span::ZERO {
            return;
        }
        let now = self.monotonic();
        let end = {
            let mut desk = process.desk.borrow_mut();
            desk.cores.resize(usize::from(cores.max(1)), Mono(0));
            let core = desk
                .cores
                .iter_mut()
                .min()
                .expect("a node has at least one core");
            *core = now.max(*core) + service;
            *core
        };
        drop((run, process));
        self.sleep_until(end).await;
    }
}
