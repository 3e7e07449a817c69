//! The reference consumers for programs: membership, fetching and leases are their business. A program
//! handles what it is given one after the other; asking for the next says that it has finished the last.

use super::Env;
use super::desk::Desk;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use stormglass_core::actor::{Context, Input};
use stormglass_core::client::consumer::{
    Given, LeaseConsumer, LeaseConsumerPlan, Leased, LogConsumer, LogConsumerPlan, Records,
};
use stormglass_core::id::{Offset, Partition};
use stormglass_core::message::Message;
use stormglass_core::message::queue::{Delivery, Tag, Verb};

/// Reads that wait for a program before their partition is fetched no more.
const READS_WAITING: usize = 4;

/// Positions, by partition.
type Positions = Arc<[(Partition, Offset)]>;

enum Step {
    Records(Records),
    /// The group is being rebalanced: once the program has come so far, its partitions are given up.
    Revoking,
}

/// A group member's place at the desk.
pub(super) struct LogSeat {
    consumer: LogConsumer,
    steps: VecDeque<Step>,
    /// How commits ended, in order: the positions, and whether they are committed.
    commits: VecDeque<(Positions, bool)>,
    waiting: Option<Waker>,
}

impl LogSeat {
    fn waiting_reads(&self, partition: Partition) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step, Step::Records(records) if records.partition == partition))
            .count()
    }

    fn settle_down(&mut self, cx: &mut Context<'_>) {
        let mut has_news = false;
        while let Some(given) = self.consumer.take_given(cx) {
            has_news = true;
            match given {
                Given::Assigned {
                    partition,
                    committed,
                    ..
                } => self.consumer.begin(partition, committed),
                Given::Begun { .. } => {}
                Given::Records(records) => {
                    let partition = records.partition;
                    self.steps.push_back(Step::Records(records));
                    if self.waiting_reads(partition) >= READS_WAITING {
                        self.consumer.pause(partition, true);
                    }
                }
                Given::Revoking { lost } => {
                    // Others may own them already: what was read and not handled is theirs.
                    if lost {
                        self.steps.clear();
                    }
                    self.steps.push_back(Step::Revoking);
                }
                Given::Committed(positions) => self.commits.push_back((positions, true)),
                Given::CommitFailed(positions) => self.commits.push_back((positions, false)),
            }
        }
        self.consumer.pump(cx);
        if has_news && let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    /// What is next for the program; giving up on the way is done in its name.
    fn next(&mut self, cx: &mut Context<'_>) -> Option<Records> {
        while let Some(step) = self.steps.pop_front() {
            match step {
                Step::Revoking => {
                    self.consumer.release(cx);
                    self.settle_down(cx);
                }
                Step::Records(records) => {
                    if self.waiting_reads(records.partition) < READS_WAITING / 2 {
                        self.consumer.pause(records.partition, false);
                        self.settle_down(cx);
                    }
                    return Some(records);
                }
            }
        }
        None
    }

    /// Offers it an input; whether it was its own.
    pub(super) fn on_input(&mut self, cx: &mut Context<'_>, input: &Input) -> bool {
        let is_own = match input {
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } => self.consumer.on_reply(cx, *call, reply.clone()).is_none(),
            Input::Closed { connection, .. } => {
                self.consumer.on_closed(cx, *connection);
                false
            }
            Input::Timer(timer) => self.consumer.on_timer(cx, *timer),
            Input::Start
            | Input::Opened { .. }
            | Input::Message { .. }
            | Input::Disk(_)
            | Input::Control(_) => return false,
        };
        self.settle_down(cx);
        is_own
    }
}

/// A lease consumer's place at the desk.
pub(super) struct LeaseSeat {
    consumer: LeaseConsumer,
    deliveries: VecDeque<Delivery>,
    /// How settlements ended: their tags, and whether all of them were settled.
    settled: VecDeque<(Arc<[Tag]>, bool)>,
    waiting: Option<Waker>,
}

impl LeaseSeat {
    fn settle_down(&mut self, cx: &mut Context<'_>) {
        let mut has_news = false;
        while let Some(given) = self.consumer.take_given() {
            has_news = true;
            match given {
                Leased::Delivery(delivery) => self.deliveries.push_back(delivery),
                Leased::Settled { tags, stale } => self.settled.push_back((tags, stale == 0)),
                Leased::Unsettled(tags) => self.settled.push_back((tags, false)),
            }
        }
        self.consumer.pump(cx, true);
        if has_news && let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    /// Offers it an input; whether it was its own.
    pub(super) fn on_input(&mut self, cx: &mut Context<'_>, input: &Input) -> bool {
        let is_own = match input {
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } => self.consumer.on_reply(cx, *call, reply.clone()).is_none(),
            Input::Closed { connection, .. } => {
                self.consumer.on_closed(cx, *connection);
                false
            }
            Input::Timer(timer) => self.consumer.on_timer(cx, *timer),
            Input::Start
            | Input::Opened { .. }
            | Input::Message { .. }
            | Input::Disk(_)
            | Input::Control(_) => return false,
        };
        self.settle_down(cx);
        is_own
    }
}

/// A member of a consumer group of a log broker.
#[derive(Debug)]
pub struct LogSubscription {
    env: Env,
}

/// A consumer of a queue, or a subscriber of a fan-out topic.
#[derive(Debug)]
pub struct LeaseSubscription {
    env: Env,
}

impl Env {
    /// Joins a consumer group.
    ///
    /// # Panics
    /// If the program has joined one in this boot already.
    #[must_use]
    pub fn subscribe(&self, plan: &LogConsumerPlan) -> LogSubscription {
        self.act(|cx, desk| {
            assert!(desk.log.is_none(), "a program joins one consumer group");
            let mut seat = LogSeat {
                consumer: LogConsumer::new(plan),
                steps: VecDeque::new(),
                commits: VecDeque::new(),
                waiting: None,
            };
            seat.consumer.start(cx);
            seat.settle_down(cx);
            desk.log = Some(seat);
        });
        LogSubscription { env: *self }
    }

    /// Begins to lease deliveries of a queue or a fan-out topic.
    ///
    /// # Panics
    /// If the program has begun so in this boot already.
    #[must_use]
    pub fn lease(&self, plan: LeaseConsumerPlan) -> LeaseSubscription {
        self.act(|cx, desk| {
            assert!(desk.lease.is_none(), "a program leases from one queue");
            let mut seat = LeaseSeat {
                consumer: LeaseConsumer::new(plan),
                deliveries: VecDeque::new(),
                settled: VecDeque::new(),
                waiting: None,
            };
            seat.settle_down(cx);
            desk.lease = Some(seat);
        });
        LeaseSubscription { env: *self }
    }

    async fn wait<T>(
        &self,
        mut look: impl FnMut(&mut Desk, &mut Context<'_>, &TaskContext<'_>) -> Option<T>,
    ) -> T {
        poll_fn(|task| {
            let found = self.act(|cx, desk| look(desk, cx, task)).flatten();
            found.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

impl LogSubscription {
    /// The next records; with that, the ones before are finished. During a rebalance this gives up the
    /// member's partitions, so commit first what was handled.
    pub async fn next(&mut self) -> Records {
        self.env
            .wait(|desk, cx, task| {
                let seat = desk.log.as_mut()?;
                let next = seat.next(cx);
                seat.waiting = Some(task.waker().clone());
                next
            })
            .await
    }

    /// Commits that everything of a partition below `next` is finished; whether it is known to be committed.
    pub async fn commit(&mut self, partition: Partition, next: Offset) -> bool {
        let positions: Positions = Arc::from([(partition, next)]);
        let asked = Arc::clone(&positions);
        let is_asked = self.env.act(|cx, desk| {
            let seat = desk.log.as_mut()?;
            seat.commits.clear();
            let is_asked = seat.consumer.commit(cx, asked);
            seat.settle_down(cx);
            Some(is_asked)
        });
        if is_asked.flatten() == Some(false) {
            return false;
        }
        self.env
            .wait(|desk, _, task| {
                let seat = desk.log.as_mut()?;
                let ended = seat.commits.iter().find(|(ended, _)| *ended == positions);
                let ended = ended.map(|(_, is_committed)| *is_committed);
                seat.waiting = Some(task.waker().clone());
                ended
            })
            .await
    }
}

impl LeaseSubscription {
    /// The next delivery; its lease is kept alive until it is settled.
    pub async fn next(&mut self) -> Delivery {
        self.env
            .wait(|desk, _, task| {
                let seat = desk.lease.as_mut()?;
                let next = seat.deliveries.pop_front();
                seat.waiting = Some(task.waker().clone());
                next
            })
            .await
    }

    /// Says what became of a delivery; whether it is known to be settled so.
    pub async fn settle(&mut self, tag: Tag, verb: Verb) -> bool {
        let tags: Arc<[Tag]> = Arc::from([tag]);
        let asked = Arc::clone(&tags);
        self.env.act(|cx, desk| {
            if let Some(seat) = desk.lease.as_mut() {
                seat.consumer.settle(cx, verb, asked);
                seat.settle_down(cx);
            }
        });
        self.env
            .wait(|desk, _, task| {
                let seat = desk.lease.as_mut()?;
                let place = seat.settled.iter().position(|(ended, _)| *ended == tags);
                let ended = place.and_then(|place| seat.settled.remove(place));
                seat.waiting = Some(task.waker().clone());
                ended.map(|(_, is_settled)| is_settled)
            })
            .await
    }
}
