//! The side of a lease that a writer owns: asks for it, and knows whether it still runs.

use super::config::{DRIFT_MAX, LeaseClock, LeaseConfig};
use super::points;
use crate::actor::{Connection, Context, Inspection};
use crate::call::Calls;
use crate::id::{CallId, GroupId, NodeId, TimerId};
use crate::message::lease::{AcquireLease, LeaseGranted};
use crate::message::{Reply, Request};
use crate::time::{Mono, Span, Wall};

/// Something is to be asked, or the lease may be over.
const WAKES: TimerId = TimerId(1 << 61);

/// What a holder needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderPlan {
    /// The authority's node.
    pub authority: NodeId,
    /// Who competes for the lease.
    pub group: GroupId,
    /// By which clock the lease ends.
    pub clock: LeaseClock,
    /// How long a grant lasts.
    pub duration: Span,
    /// How long before the end the holder sends its last write: what a write may take to have its effect.
    pub guard: Span,
    /// Whether it asks for more time.
    pub renew: bool,
    /// The wait before it asks again.
    pub retry_interval: Span,
    /// How long an answer of the authority is waited for.
    pub request_timeout: Span,
}

impl HolderPlan {
    /// A plan with a lease's settings; `guard` is what a write may take.
    #[must_use]
    pub const fn new(
        config: &LeaseConfig,
        authority: NodeId,
        group: GroupId,
        guard: Span,
    ) -> HolderPlan {
        HolderPlan {
            authority,
            group,
            clock: config.clock,
            duration: config.duration,
            guard,
            renew: config.renew,
            retry_interval: config.retry_interval,
            request_timeout: config.request_timeout,
        }
    }
}

/// When a lease is over, on the clock that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Wall(Wall),
    Monotonic(Mono),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    token: u32,
    end: End,
    /// When more time is asked for.
    renew_at: Mono,
}

/// A node's claim to a lease.
#[derive(Debug)]
pub struct Holder {
    plan: HolderPlan,
    /// Each open question with the instant at which it was asked.
    calls: Calls<Mono>,
    held: Option<Held>,
    /// Not before this is asked again.
    ask_at: Mono,
}

impl Holder {
    /// A holder of nothing. Its calls have a `space` of the owner's.
    #[must_use]
    pub const fn new(plan: HolderPlan, space: u8) -> Holder {
        Holder {
            plan,
            calls: Calls::new(space),
            held: None,
            ask_at: Mono(0),
        }
    }

    /// The token, while this node may write as far as it knows.
    #[must_use]
    pub fn token(&self, cx: &Context<'_>) -> Option<u32> {
        let held = self.held.filter(|held| left(held.end, cx) > Span::ZERO)?;
        Some(held.token)
    }

    /// Asks what is to be asked and sets the next alarm; the owner calls it at the end of its step.
    pub fn pump(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        if self.held.is_some() && self.token(cx).is_none() {
            cx.point(points::ENDED);
            self.held = None;
            // Whoever has had its turn waits longer than the others do.
            let turns = if self.plan.renew { 1 } else { 2 };
            self.ask_at = now + self.plan.retry_interval * turns;
        }
        let ask_at = match self.held {
            Some(held) if self.plan.renew => Some(held.renew_at.max(self.ask_at)),
            Some(_) => None,
            None => Some(self.ask_at),
        };
        if self.calls.is_empty() && ask_at.is_some_and(|at| at <= now) {
            self.ask(cx);
        }
        // A wall clock may be set meanwhile: the alarm is a guess, which `token` does not rest on.
        let ends = self
            .held
            .map(|held| now + left(held.end, cx).max(Span::millis(1)));
        let asks = ask_at.filter(|_| self.calls.is_empty());
        match ends.into_iter().chain(asks).min() {
            Some(at) => cx.arm(WAKES, at.since(now)),
            None => cx.disarm(WAKES),
        }
    }

    fn ask(&mut self, cx: &mut Context<'_>) {
        let request = Request::AcquireLease(AcquireLease {
            group: self.plan.group,
            renews: self.held.map(|held| held.token),
        });
        let (authority, timeout) = (self.plan.authority, self.plan.request_timeout);
        let now = cx.monotonic();
        self.calls.ask(cx, authority, request, timeout, now);
    }

    /// An answer; given back if it is not to one of the holder's questions.
    pub fn on_reply(&mut self, cx: &mut Context<'_>, call: CallId, reply: Reply) -> Option<Reply> {
        let Some(asked) = self.calls.answered(cx, call) else {
            return Some(reply);
        };
        if let Reply::LeaseGranted(granted) = reply {
            self.granted(asked, &granted);
        } else {
            self.again(cx);
        }
        None
    }

    fn granted(&mut self, asked: Mono, granted: &LeaseGranted) {
        let duration = self.plan.duration;
        let end = match self.plan.clock {
            LeaseClock::Wall => End::Wall(granted.expires - self.plan.guard),
            LeaseClock::Monotonic => {
                // The authority counts from later than `asked`, on a clock that may run faster by so much.
                let sure = duration.ratio(1_000_000 - DRIFT_MAX, 1_000_000);
                End::Monotonic(asked + sure.saturating_sub(self.plan.guard))
            }
        };
        self.held = Some(Held {
            token: granted.token,
            end,
            renew_at: asked + duration / 2,
        });
    }

    fn again(&mut self, cx: &Context<'_>) {
        self.ask_at = cx.monotonic() + self.plan.retry_interval;
    }

    /// Somebody with a later token has been seen: the lease is over, whatever the clocks say.
    pub fn deposed(&mut self, cx: &mut Context<'_>) {
        if self.held.take().is_some() {
            cx.point(points::ENDED);
            self.again(cx);
        }
    }

    /// A connection has ended.
    pub fn on_closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        if !self.calls.closed(cx, connection).is_empty() {
            self.again(cx);
        }
    }

    /// A timer has run out; whether it was one of the holder's.
    pub fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) -> bool {
        let expired = !self.calls.expired(cx, timer).is_empty();
        if expired {
            self.again(cx);
        }
        expired || timer == WAKES
    }

    /// For people.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        Inspection::new().value("lease", format!("{:?}", self.held))
    }
}

/// What is left of a lease.
fn left(end: End, cx: &Context<'_>) -> Span {
    match end {
        End::Wall(end) => end.since(cx.wall()),
        End::Monotonic(end) => end.since(cx.monotonic()),
    }
}
