//! One boot of a program: its tasks and its desk. Its host gives it turns; in a turn every ready task is
//! polled until none is.

use super::answer::CallError;
use super::desk::Desk;
use super::mailbox::Incoming;
use super::panic::as_program;
use super::run::Run;
use super::tasks::{TaskFuture, Tasks};
use super::{Env, ServiceFactory};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use stormglass_core::actor::{CloseReason, Input};
use stormglass_core::call::CALL_TIMER;
use stormglass_core::id::{CallId, Incarnation, NodeId, TimerId};
use stormglass_core::message::Message;
use stormglass_core::rng::Stream;

/// More polls than this in one turn mean that the tasks only wake each other.
const POLLS_IN_A_TURN: u32 = 1_000_000;
/// More calls of its `Env` than this in one turn mean that a task loops without awaiting.
const ACTS_IN_A_TURN: u32 = 1_000_000;

/// One boot of a program.
pub(crate) struct Process {
    pub(super) node: NodeId,
    pub(super) incarnation: Incarnation,
    pub(super) name: String,
    pub(super) desk: RefCell<Desk>,
    tasks: Tasks,
    state: Cell<ProcessState>,
    acts: Cell<u32>,
    in_turn: Cell<bool>,
    driver: RefCell<Option<Waker>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProcessState {
    /// Its tasks may run.
    Running,
    /// Its node died: nothing of it runs any more.
    Dead,
    /// Its main task has returned, or it broke: what comes is dropped.
    Over,
    /// Its futures are dropped.
    Gone,
}

impl Process {
    pub(super) fn new(
        node: NodeId,
        incarnation: Incarnation,
        name: String,
        picks: Stream,
    ) -> Process {
        Process {
            node,
            incarnation,
            name,
            desk: RefCell::default(),
            tasks: Tasks::new(picks),
            state: Cell::new(ProcessState::Running),
            acts: Cell::new(0),
            in_turn: Cell::new(false),
            driver: RefCell::new(None),
        }
    }

    /// Adds the main task. The factory runs inside it, so that its panics are the program's too.
    pub(super) fn begin(&self, factory: ServiceFactory, env: Env) {
        self.tasks
            .add(Box::pin(async move { factory.start(env).await }));
    }

    pub(super) fn spawn(&self, task: TaskFuture) -> u64 {
        self.tasks.add(task)
    }

    pub(super) fn abort(&self, task: u64) {
        self.tasks.abort(task);
    }

    pub(super) fn is_running(&self) -> bool {
        self.state.get() == ProcessState::Running
    }

    /// Its node died; the task that is being polled runs on to its next await, without effect.
    pub(crate) fn die(&self) {
        if self.is_running() {
            self.state.set(ProcessState::Dead);
        }
    }

    /// Counts a call of the program's `Env`.
    ///
    /// # Panics
    /// In the program's name, if it makes such calls in a loop without awaiting.
    pub(super) fn count_act(&self) {
        let acts = self.acts.get() + 1;
        self.acts.set(acts);
        assert!(
            acts <= ACTS_IN_A_TURN,
            "{ACTS_IN_A_TURN} calls of Env at one instant: does a loop never await?"
        );
    }

    /// An input of the node.
    pub(crate) fn deliver(&self, run: &Run, input: Input) {
        if !self.is_running() {
            return;
        }
        let mut desk = self.desk.borrow_mut();
        let desk = &mut *desk;
        let is_clients = run.act(self.node, self.incarnation, |cx| desk.offer(cx, &input));
        if is_clients != Some(false) {
            return;
        }
        match input {
            Input::Start => {}
            Input::Opened { connection, .. } => {
                if !desk.links.values().any(|link| *link == connection) {
                    desk.accepted.insert(connection);
                }
            }
            Input::Closed {
                connection, reason, ..
            } => {
                desk.links.retain(|_, link| *link != connection);
                desk.accepted.remove(&connection);
                let ended = run.act(self.node, self.incarnation, |cx| {
                    desk.calls.closed(cx, connection)
                });
                for (_, _, ticket) in ended.unwrap_or_default() {
                    desk.replies.fill(ticket, Err(CallError::Closed(reason)));
                }
            }
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } => {
                let ticket = run.act(self.node, self.incarnation, |cx| {
                    desk.calls.answered(cx, call)
                });
                if let Some(ticket) = ticket.flatten() {
                    desk.replies.fill(ticket, CallError::of(reply));
                }
            }
            Input::Message {
                origin,
                peer,
                message,
            } => desk.incoming.push(Incoming {
                peer,
                origin,
                message,
            }),
            Input::Timer(timer) if timer.0 & CALL_TIMER != 0 => self.expired(run, desk, timer),
            Input::Timer(timer) => desk.timers.fill(timer.0, ()),
            Input::Disk(reply) => desk.disk.fill(reply.token, reply.outcome),
            Input::Control(control) => desk.controls.push(control),
        }
    }

    /// A call's time is up: its connection is closed, and the other calls on it end too.
    fn expired(&self, run: &Run, desk: &mut Desk, timer: TimerId) {
        let ended = run.act(self.node, self.incarnation, |cx| {
            desk.calls.expired(cx, timer)
        });
        for (call, _, ticket) in ended.unwrap_or_default() {
            let error = if timer == call_timer(call) {
                CallError::TimedOut
            } else {
                CallError::Closed(CloseReason::Closed)
            };
            desk.replies.fill(ticket, Err(error));
        }
    }

    /// Whether a turn would poll something.
    pub(crate) fn wants_turn(&self) -> bool {
        self.is_running() && self.tasks.is_ready()
    }

    /// Asks the host for a turn; [`Process::turn_is_over`] tells `driver` when it was taken.
    pub(crate) fn begin_turn(&self) {
        self.in_turn.set(true);
        self.acts.set(0);
        if let Some(host) = self.tasks.take_host() {
            host.wake();
        }
    }

    /// Whether the turn was taken; if not, `driver` is woken when it is.
    pub(crate) fn turn_is_over(&self, driver: &Waker) -> bool {
        if self.in_turn.get() {
            *self.driver.borrow_mut() = Some(driver.clone());
        }
        !self.in_turn.get()
    }

    /// Whether its futures are dropped; if not, `driver` is woken when they are.
    pub(crate) fn is_gone(&self, driver: &Waker) -> bool {
        let gone = self.state.get() == ProcessState::Gone;
        if !gone {
            *self.driver.borrow_mut() = Some(driver.clone());
        }
        gone
    }

    fn wake_driver(&self) {
        if let Some(driver) = self.driver.borrow_mut().take() {
            driver.wake();
        }
    }

    /// The host polls the program: every ready task runs until none is. `true` if the program is over.
    pub(crate) fn take_turn(self: &Rc<Process>, host: &Waker) -> bool {
        let Some(run) = Run::current() else {
            return true;
        };
        let mut polls = 0;
        while self.is_running() {
            polls += 1;
            if polls > POLLS_IN_A_TURN {
                run.fail(
                    self,
                    format!("its tasks woke each other {polls} times at one instant"),
                );
                self.state.set(ProcessState::Over);
                break;
            }
            match as_program(|| self.tasks.poll_one()) {
                Ok(None) => break,
                Ok(Some((0, true))) => self.main_returned(&run),
                Ok(Some(_)) => {}
                Err(message) => {
                    self.state.set(ProcessState::Over);
                    run.fail(self, message);
                }
            }
        }
        self.tasks.set_host(host.clone());
        self.in_turn.set(false);
        self.wake_driver();
        self.state.get() == ProcessState::Over
    }

    /// The main task has returned: the process ends, and its peers learn it.
    fn main_returned(&self, run: &Run) {
        if !self.is_running() {
            return;
        }
        self.state.set(ProcessState::Over);
        let mut desk = self.desk.borrow_mut();
        let links = std::mem::take(&mut desk.links);
        let accepted = std::mem::take(&mut desk.accepted);
        let called = desk.calls.peers();
        run.act(self.node, self.incarnation, |cx| {
            for connection in links.into_values().chain(accepted) {
                cx.close(connection);
            }
            for peer in called {
                desk.calls.abandon(cx, peer);
            }
        });
    }

    /// The host drops the program: its futures go, in the place where they ran.
    pub(crate) fn drop_tasks(&self) {
        self.die();
        if let Err(message) = as_program(|| self.tasks.clear())
            && let Some(run) = Run::current()
        {
            run.fail(self, message);
        }
        self.state.set(ProcessState::Gone);
        self.wake_driver();
    }
}

/// The timer of a call in the table with space 0.
const fn call_timer(call: CallId) -> TimerId {
    TimerId(CALL_TIMER | call.0)
}
