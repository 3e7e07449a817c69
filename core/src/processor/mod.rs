//! Processors: an actor around a pure operator.
//!
//! Model: fetch, apply, write, settle, checkpoint. Each input partition has an operator of its own, one open
//! write, and a bounded buffer; partitions go on independently of each other. `delivery` decides what
//! comes first. Limits: the state of an operator on a queue lives in memory alone, since a queue cannot be
//! read again; at-least-once repeats rows after a crash, at-most-once loses them.

mod checkpoint;
pub mod config;
mod delivery;
mod leased;
mod logged;
pub mod operator;
mod plan;
pub mod points;
#[cfg(test)]
mod queue_tests;
mod store;
#[cfg(test)]
mod tests;
mod ticks;
mod track;
mod watermark;
pub mod window;
mod writes;

pub use plan::{InputPlan, ProcessorPlan};
pub use store::CheckpointStore;

use crate::actor::{Actor, Connection, Context, Control, Input, Inspection, Work};
use crate::client::consumer::FREE_SPACES;
use crate::event::{Event, EventId};
use crate::event_time::{Credit, LateEvent};
use crate::history::Fact;
use crate::id::{CallId, Offset, TimerId};
use crate::message::{Message, Reply};
use crate::rng::mix;
use crate::time::Mono;
use config::ProcessorFlaw;
use leased::Leased;
use logged::Logged;
use operator::Operator;
use std::sync::Arc;
use window::{Fired, Windowed};

/// Something waits for its next try.
const RETRY: TimerId = TimerId(1);
/// State and positions are due to be kept.
const CHECKPOINT: TimerId = TimerId(2);
/// Watermarks are due to be told.
const WATERMARK: TimerId = TimerId(3);

/// The space of the calls to the sink and the store.
const CALLS: u8 = FREE_SPACES;
/// The space of the calls to a lease's authority.
const LEASE_CALLS: u8 = FREE_SPACES + 1;

/// A processor that leaves events out leaves out one in so many.
const SKIP_EVERY: u64 = 1_000;

/// One node of a processor.
pub struct Processor(Pipeline);

enum Pipeline {
    Log(Box<Logged>),
    Lease(Box<Leased>),
}

impl Processor {
    /// A node with nothing in memory.
    ///
    /// # Panics
    /// If the plan needs a checkpoint store and has none, has windows over a queue, or a batch holds nothing.
    #[must_use]
    pub fn new(plan: Arc<ProcessorPlan>) -> Processor {
        assert!(plan.batch > 0, "a batch holds at least one event");
        let is_log = matches!(plan.input, InputPlan::Log(_));
        assert!(
            is_log || plan.window.is_none(),
            "windows need the order of a log"
        );
        assert!(
            plan.store.is_some() || !plan.needs_store(),
            "a stateful operator on a log needs a checkpoint store"
        );
        Processor(match &plan.input {
            InputPlan::Log(input) => Pipeline::Log(Box::new(Logged::new(input, &plan))),
            InputPlan::Lease(input) => Pipeline::Lease(Box::new(Leased::new(input.clone(), &plan))),
        })
    }

    fn on_reply(&mut self, cx: &mut Context<'_>, call: CallId, reply: Reply) {
        match &mut self.0 {
            Pipeline::Log(logged) => logged.on_reply(cx, call, reply),
            Pipeline::Lease(leased) => leased.on_reply(cx, call, reply),
        }
    }

    fn on_closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        match &mut self.0 {
            Pipeline::Log(logged) => logged.on_closed(cx, connection),
            Pipeline::Lease(leased) => leased.on_closed(cx, connection),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) {
        match &mut self.0 {
            Pipeline::Log(logged) => logged.on_timer(cx, timer),
            Pipeline::Lease(leased) => leased.on_timer(cx, timer),
        }
    }

    fn on_control(&mut self, cx: &mut Context<'_>, control: &Control) {
        match (control, &mut self.0) {
            (Control::Rewind, Pipeline::Log(logged)) => logged.rewind(cx),
            (Control::Stop, Pipeline::Log(logged)) => logged.stop(cx),
            (Control::Leave, Pipeline::Log(logged)) => logged.leave(cx),
            (Control::Join, Pipeline::Log(logged)) => logged.join(cx),
            (Control::Poison { one_in }, Pipeline::Log(logged)) => logged.poison = Poison(*one_in),
            (Control::Mend, Pipeline::Log(logged)) => logged.poison = Poison::NONE,
            (Control::Poison { one_in }, Pipeline::Lease(leased)) => {
                leased.poison = Poison(*one_in)
            }
            (Control::Mend, Pipeline::Lease(leased)) => leased.poison = Poison::NONE,
            (Control::Leave, Pipeline::Lease(leased)) => leased.is_away = true,
            (Control::Join, Pipeline::Lease(leased)) => leased.is_away = false,
            (
                Control::Rewind
                | Control::Stop
                | Control::ForceElection
                | Control::ExpandPartitions
                | Control::ForceRetention { .. }
                | Control::ExpireProducers
                | Control::Configure { .. },
                Pipeline::Log(_) | Pipeline::Lease(_),
            ) => {}
        }
    }
}

impl Actor for Processor {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start => match &mut self.0 {
                Pipeline::Log(logged) => logged.start(cx),
                Pipeline::Lease(_) => {}
            },
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } => {
                // Only a step that takes time can be held at a point.
                cx.spend(Work::request(0, 0));
                self.on_reply(cx, call, reply);
            }
            Input::Closed { connection, .. } => self.on_closed(cx, connection),
            Input::Timer(timer) => self.on_timer(cx, timer),
            Input::Control(control) => self.on_control(cx, &control),
            Input::Message { .. } | Input::Opened { .. } | Input::Disk(_) => {}
        }
        match &mut self.0 {
            Pipeline::Log(logged) => logged.pump(cx),
            Pipeline::Lease(leased) => leased.pump(cx),
        }
    }

    fn inspect(&self) -> Inspection {
        match &self.0 {
            Pipeline::Log(logged) => logged.inspect(),
            Pipeline::Lease(leased) => leased.inspect(),
        }
    }
}

/// Whether a flawed processor leaves this event out.
fn skips(event: &Event, plan: &ProcessorPlan) -> bool {
    plan.has(ProcessorFlaw::SkipEvents) && event.id.number % SKIP_EVERY == SKIP_EVERY - 1
}

/// On which events the operator fails: those of one key in so many, 0 none. Every node and every try agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Poison(u32);

impl Poison {
    const NONE: Poison = Poison(0);

    fn strikes(self, event: &Event) -> bool {
        self.0 > 0 && mix(event.key).is_multiple_of(u64::from(self.0))
    }
}

/// What came of applying some events.
#[derive(Debug, Default)]
struct Applied {
    rows: Vec<Event>,
    /// For each row, the offset of its event.
    versions: Vec<u64>,
    /// Events that the operator answered with nothing.
    filtered: Vec<EventId>,
    /// Of windows: events that are through with the rows.
    credits: Vec<Credit>,
    /// Of windows: events that came too late.
    late: Vec<LateEvent>,
    /// Events applied.
    events: u32,
}

impl Applied {
    /// Applies one event.
    fn add(
        &mut self,
        operator: &mut dyn Operator,
        event: &Event,
        version: Option<u64>,
        plan: &ProcessorPlan,
    ) {
        self.events += 1;
        if skips(event, plan) {
            return;
        }
        let before = self.rows.len();
        operator.apply(event, &mut self.rows);
        if self.rows.len() == before {
            self.filtered.push(event.id);
        }
        if let Some(version) = version {
            self.versions.resize(self.rows.len(), version);
        }
    }

    /// Applies one event to windows; rows that follow at once are newer than those of the position before it.
    fn add_to_windows(
        &mut self,
        windows: &mut Windowed,
        event: &Event,
        (offset, now): (Offset, Mono),
        plan: &ProcessorPlan,
    ) {
        self.events += 1;
        if skips(event, plan) {
            return;
        }
        let mut fired = self.lend();
        windows.apply(event, now, &mut fired);
        self.take_back(fired, 2 * offset.0 + 1);
    }

    /// Fires what is due before the events at `next` and after.
    fn fire(&mut self, windows: &mut Windowed, next: Offset) {
        let mut fired = self.lend();
        windows.panes.advance(windows.due, &mut fired);
        self.take_back(fired, 2 * next.0);
    }

    fn lend(&mut self) -> Fired {
        Fired {
            rows: std::mem::take(&mut self.rows),
            credits: std::mem::take(&mut self.credits),
            late: std::mem::take(&mut self.late),
        }
    }

    fn take_back(&mut self, fired: Fired, version: u64) {
        let Fired {
            rows,
            credits,
            late,
        } = fired;
        (self.rows, self.credits, self.late) = (rows, credits, late);
        self.versions.resize(self.rows.len(), version);
    }

    /// Tells the history what windows made of events.
    fn tell_windows(&mut self, cx: &mut Context<'_>, plan: &ProcessorPlan) {
        let group = plan.input.group();
        if !self.credits.is_empty() {
            let events = Arc::from(self.credits.as_slice());
            cx.observe(Fact::Fired { group, events });
            cx.point(points::FIRED);
        }
        if !self.late.is_empty() && !plan.has(ProcessorFlaw::LateInSilence) {
            let events = Arc::from(std::mem::take(&mut self.late));
            cx.observe(Fact::Late { group, events });
            cx.point(points::LATE);
        }
    }

    /// Tells the history what was filtered, once for all events.
    fn tell_filtered(&mut self, cx: &mut Context<'_>, plan: &ProcessorPlan) {
        if !self.filtered.is_empty() {
            cx.observe(Fact::Filtered {
                group: plan.input.group(),
                events: Arc::from(std::mem::take(&mut self.filtered)),
            });
        }
    }
}
