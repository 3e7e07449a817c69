//! A consumer of a queue or fan-out broker: receives within its prefetch, keeps leases alive while the
//! owner works, and settles. A lost answer to a settlement is tried again as long as the lease may hold;
//! a tag that has become stale settles nothing (Q2).

use super::plan::LeaseConsumerPlan;
use super::{LEASE_EXTENDS, LEASE_SPACE, LEASE_WAKES, points};
use crate::actor::{Connection, Context};
use crate::call::Calls;
use crate::id::{CallId, TimerId};
use crate::message::queue::{Delivery, Receive, Settle, Tag, Verb};
use crate::message::{Reply, Request};
use crate::time::Mono;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What a lease consumer hands to its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leased {
    /// A delivery under a lease.
    Delivery(Delivery),
    /// These deliveries are settled as asked, except for so many stale ones.
    Settled {
        /// Which.
        tags: Arc<[Tag]>,
        /// How many of them were somebody else's by then; which ones is not known.
        stale: u32,
    },
    /// Nobody knows what became of a settlement, and its leases are over.
    Unsettled(Arc<[Tag]>),
}

#[derive(Debug)]
enum Memory {
    Receive,
    Settle { verb: Verb, tags: Arc<[Tag]> },
}

/// A consumer of leased deliveries.
#[derive(Debug)]
pub struct LeaseConsumer {
    plan: LeaseConsumerPlan,
    calls: Calls<Memory>,
    /// When each held delivery's lease ends, on this node's clock and counted from the answer's arrival:
    /// the broker's own clock began a little earlier, so extensions are asked at half-time.
    held: BTreeMap<Tag, Mono>,
    is_receiving: bool,
    receive_at: Mono,
    /// Settlements to be tried again.
    retries: VecDeque<(Mono, Verb, Arc<[Tag]>)>,
    given: VecDeque<Leased>,
}

impl LeaseConsumer {
    /// A consumer that holds nothing.
    #[must_use]
    pub fn new(plan: LeaseConsumerPlan) -> LeaseConsumer {
        LeaseConsumer {
            plan,
            calls: Calls::new(LEASE_SPACE),
            held: BTreeMap::new(),
            is_receiving: false,
            receive_at: Mono(0),
            retries: VecDeque::new(),
            given: VecDeque::new(),
        }
    }

    /// How many deliveries are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether a delivery's lease still runs, as far as this node can know.
    #[must_use]
    pub fn holds(&self, tag: Tag, now: Mono) -> bool {
        self.held.get(&tag).is_some_and(|until| *until > now)
    }

    /// Says what became of deliveries.
    pub fn settle(&mut self, cx: &mut Context<'_>, verb: Verb, tags: Arc<[Tag]>) {
        let settle = Settle {
            topic: self.plan.topic,
            group: self.plan.group,
            verb,
            tags: Arc::clone(&tags),
        };
        let request = Request::Settle(Arc::new(settle));
        let memory = Memory::Settle { verb, tags };
        let timeout = self.plan.request_timeout;
        self.calls
            .ask(cx, self.plan.broker, request, timeout, memory);
    }

    /// Takes deliveries out of the books that are of no use any more; their leases run out by themselves.
    pub fn forget(&mut self, tags: impl IntoIterator<Item = Tag>) {
        for tag in tags {
            self.held.remove(&tag);
        }
    }

    /// What is next for the owner.
    pub fn take_given(&mut self) -> Option<Leased> {
        self.given.pop_front()
    }

    /// Asks whatever may be asked now, for new deliveries only if `may_receive`; the owner calls it at the end of
    /// its step.
    pub fn pump(&mut self, cx: &mut Context<'_>, may_receive: bool) {
        let now = cx.monotonic();
        while let Some((at, _, _)) = self.retries.front()
            && *at <= now
            && let Some((_, verb, tags)) = self.retries.pop_front()
        {
            self.settle(cx, verb, tags);
        }
        let room = if may_receive {
            usize::from(self.plan.prefetch).saturating_sub(self.held.len())
        } else {
            0
        };
        if room > 0 && !self.is_receiving && self.receive_at <= now {
            self.is_receiving = true;
            let receive = Receive {
                topic: self.plan.topic,
                group: self.plan.group,
                max: self.plan.batch.min(room as u16),
                max_wait: self.plan.receive_wait,
            };
            let timeout = self
                .plan
                .request_timeout
                .saturating_add(self.plan.receive_wait);
            let request = Request::Receive(receive);
            self.calls
                .ask(cx, self.plan.broker, request, timeout, Memory::Receive);
        }
        let receive_at = (!self.is_receiving && room > 0).then_some(self.receive_at);
        let retry_at = self.retries.front().map(|(at, _, _)| *at);
        match receive_at.into_iter().chain(retry_at).min() {
            Some(at) => cx.arm(LEASE_WAKES, at.since(now)),
            None => cx.disarm(LEASE_WAKES),
        }
    }

    /// An answer; given back if it is not to one of the consumer's questions.
    pub fn on_reply(&mut self, cx: &mut Context<'_>, call: CallId, reply: Reply) -> Option<Reply> {
        let Some(memory) = self.calls.answered(cx, call) else {
            return Some(reply);
        };
        match (memory, reply) {
            (Memory::Receive, Reply::Received(received)) => {
                self.is_receiving = false;
                let until = cx.monotonic() + self.plan.lease;
                if self.held.is_empty() && !received.deliveries.is_empty() {
                    cx.arm(LEASE_EXTENDS, self.plan.lease / 2);
                }
                for delivery in &received.deliveries {
                    self.held.insert(delivery.tag, until);
                    self.given.push_back(Leased::Delivery(*delivery));
                }
            }
            (Memory::Settle { verb, tags }, Reply::Settled { stale }) => {
                if stale > 0 {
                    cx.point(points::SETTLED_STALE);
                }
                self.settled(cx, verb, tags, stale);
            }
            (memory @ (Memory::Receive | Memory::Settle { .. }), _) => self.failed(cx, memory),
        }
        None
    }

    fn settled(&mut self, cx: &mut Context<'_>, verb: Verb, tags: Arc<[Tag]>, stale: u32) {
        match verb {
            Verb::Extend(span) => {
                let until = cx.monotonic() + span;
                for tag in tags.iter() {
                    if let Some(held) = self.held.get_mut(tag) {
                        *held = until;
                    }
                }
            }
            Verb::Accept | Verb::Release | Verb::Reject => {
                self.forget(tags.iter().copied());
                self.given.push_back(Leased::Settled { tags, stale });
            }
        }
    }

    fn failed(&mut self, cx: &mut Context<'_>, memory: Memory) {
        let now = cx.monotonic();
        let again = now + self.plan.retry_backoff;
        match memory {
            Memory::Receive => {
                self.is_receiving = false;
                self.receive_at = again;
            }
            // The next half-time asks again.
            Memory::Settle {
                verb: Verb::Extend(_),
                ..
            } => {}
            Memory::Settle {
                verb: verb @ (Verb::Accept | Verb::Release | Verb::Reject),
                tags,
            } => {
                if tags.iter().any(|tag| self.holds(*tag, again)) {
                    self.retries.push_back((again, verb, tags));
                } else {
                    self.forget(tags.iter().copied());
                    self.given.push_back(Leased::Unsettled(tags));
                }
            }
        }
    }

    /// Asks for more time for everything held, and drops what has run out.
    fn extend(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        let before = self.held.len();
        self.held.retain(|_, until| *until > now);
        if self.held.len() < before {
            cx.point(points::LEASE_EXPIRED);
        }
        if self.held.is_empty() {
            return;
        }
        let tags: Arc<[Tag]> = self.held.keys().copied().collect();
        self.settle(cx, Verb::Extend(self.plan.lease), tags);
        cx.arm(LEASE_EXTENDS, self.plan.lease / 2);
    }

    /// A connection has ended.
    pub fn on_closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        for (_, _, memory) in self.calls.closed(cx, connection) {
            self.failed(cx, memory);
        }
    }

    /// A timer has run out; whether it was one of the consumer's.
    pub fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) -> bool {
        if timer == LEASE_EXTENDS {
            self.extend(cx);
            return true;
        }
        let expired = self.calls.expired(cx, timer);
        let is_mine = timer == LEASE_WAKES || !expired.is_empty();
        for (_, _, memory) in expired {
            self.failed(cx, memory);
        }
        is_mine
    }
}
