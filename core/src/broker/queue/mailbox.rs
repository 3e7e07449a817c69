//! One queue, or one subscriber's copies: a ledger, its journal, and those who wait for messages.

use super::config::QueueFlaw;
use super::journal::{Close, Job, Journal, Store};
use super::ledger::{Ledger, Returned};
use super::points;
use crate::actor::{Connection, Context, Inspection, Work};
use crate::disk::{DiskDone, DiskError, DiskRecord, DiskReply, FileId};
use crate::event::{Batch, Event, EventId, Records};
use crate::history::Fact;
use crate::id::{CallId, GroupId, PointId, TopicId};
use crate::message::queue::{Delivery, Receive, Received, Settle, Tag, Verb};
use crate::message::{Refusal, Reply};
use crate::time::{Mono, Span};
use std::collections::VecDeque;
use std::sync::Arc;

/// When a message that comes back is handed out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redelivery {
    /// As soon as somebody asks.
    AtOnce,
    /// After a wait that doubles from the first to the longest.
    Backoff(Span, Span),
}

/// The rules of one mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) topic: TopicId,
    /// The one subscriber whose copies these are; none if all share them.
    pub(crate) group: Option<GroupId>,
    pub(crate) lease: Span,
    pub(crate) redelivery: Redelivery,
    pub(crate) max_deliveries: Option<u32>,
    pub(crate) sync_before_ack: bool,
    pub(crate) flaws: Vec<QueueFlaw>,
    pub(crate) redelivered: PointId,
    pub(crate) dead_lettered: PointId,
}

impl Policy {
    fn has(&self, flaw: QueueFlaw) -> bool {
        self.flaws.contains(&flaw)
    }
}

/// A long poll that waits.
#[derive(Debug)]
struct Poll {
    connection: Connection,
    call: CallId,
    receive: Receive,
    until: Mono,
}

/// What a mailbox tells its broker: the ticket, and the number of the first message or why not.
pub(super) type Landed = (u64, Result<u64, Refusal>);

/// Where the mailbox is in its boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Boot {
    Reading,
    /// The journal could not be read; it is tried again then.
    Failed(Mono),
    Ready,
}

/// The wait before a journal that could not be read is read again.
const RESCAN: Span = Span::millis(100);

#[derive(Debug)]
pub(crate) struct Mailbox {
    policy: Policy,
    ledger: Ledger,
    journal: Journal,
    polls: VecDeque<Poll>,
    boot: Boot,
}

impl Mailbox {
    pub(crate) fn new(policy: Policy, file: FileId) -> Mailbox {
        Mailbox {
            policy,
            ledger: Ledger::default(),
            journal: Journal::new(file),
            polls: VecDeque::new(),
            boot: Boot::Reading,
        }
    }

    pub(super) const fn file(&self) -> FileId {
        self.journal.file()
    }

    pub(super) const fn group(&self) -> Option<GroupId> {
        self.policy.group
    }

    pub(super) fn is_ready(&self) -> bool {
        self.boot == Boot::Ready
    }

    pub(super) fn start(&mut self, cx: &mut Context<'_>) {
        // Numbers are never used twice, also if a power loss took the last ones: an old consumer's tag must
        // not settle another message.
        self.ledger.skip_to(u64::from(cx.incarnation().0 - 1) << 40);
        self.journal.scan(cx);
    }

    /// Stores a batch; the ticket comes back from [`Mailbox::disk`].
    pub(super) fn store(&mut self, cx: &mut Context<'_>, ticket: u64, batch: Arc<Batch>) {
        let Records::Events(events) = &batch.records else {
            panic!("a queue was given a batch without events");
        };
        let first = self.ledger.reserve(events.len() as u64);
        let fact = Fact::Enqueued {
            topic: self.policy.topic,
            group: self.policy.group,
            events: Arc::clone(events),
        };
        let record = DiskRecord::Enqueued {
            topic: self.policy.topic,
            first,
            batch: Arc::clone(&batch),
        };
        let job = Job::Store(Store {
            ticket,
            first,
            batch,
        });
        self.journal.append(cx, record, Some(fact), job);
    }

    /// Takes an answer of the disk; gives the publishes that have landed with it.
    pub(super) fn disk(&mut self, cx: &mut Context<'_>, reply: DiskReply) -> Vec<Landed> {
        let mut landed = Vec::new();
        match (self.journal.answered(reply.token), reply.outcome) {
            (Some(Job::Scan), Ok(DiskDone::Scanned(records))) => self.recover(cx, &records),
            (Some(Job::Truncate), Ok(_)) => self.boot = Boot::Ready,
            (Some(Job::Scan | Job::Truncate), Ok(_) | Err(_)) => {
                self.boot = Boot::Failed(cx.monotonic() + RESCAN);
            }
            // It was appended before a sync failed, and no sync of its own can make it durable.
            (Some(Job::Store(store)), Ok(_)) if self.journal.mend_at().is_some() => {
                landed.push((store.ticket, Err(Refusal::DiskFailed)));
            }
            (Some(Job::Store(store)), Ok(_)) => {
                if self.policy.sync_before_ack && !self.policy.has(QueueFlaw::AckBeforeSync) {
                    self.journal.sync(cx, store);
                } else {
                    landed.push(self.land(store));
                }
            }
            (Some(Job::Store(store)), Err(error)) => {
                landed.push((store.ticket, Err(refusal(error))));
            }
            (Some(Job::Sync(stores)), Ok(_)) if self.journal.mend_at().is_none() => {
                for store in stores {
                    landed.push(self.land(store));
                }
                self.journal.synced(cx);
            }
            (Some(Job::Sync(stores)), _) => self.broke(cx, stores, &mut landed),
            (Some(Job::Rewrite), Err(_)) => self.broke(cx, Vec::new(), &mut landed),
            (Some(Job::Close(close)), outcome) => self.closed(cx, &close, outcome.err()),
            (Some(Job::Rewrite), Ok(_)) | (Some(Job::Note) | None, _) => {}
        }
        self.serve(cx);
        self.tidy(cx);
        landed
    }

    /// What waits for a journal that did not become durable is refused.
    fn broke(&mut self, cx: &mut Context<'_>, mut stores: Vec<Store>, landed: &mut Vec<Landed>) {
        cx.point(points::SYNC_FAILED);
        stores.extend(self.journal.broke(cx.monotonic() + RESCAN));
        let refused = stores.into_iter();
        landed.extend(refused.map(|store| (store.ticket, Err(Refusal::DiskFailed))));
    }

    fn land(&mut self, store: Store) -> Landed {
        self.ledger.enqueue(store.first, store.batch);
        (store.ticket, Ok(store.first))
    }

    fn recover(&mut self, cx: &mut Context<'_>, records: &[DiskRecord]) {
        self.ledger = Ledger::default();
        for record in records {
            self.ledger.replay(record);
        }
        self.ledger.skip_to(u64::from(cx.incarnation().0 - 1) << 40);
        if !records.is_empty() {
            cx.point(points::RECOVERED);
        }
        self.journal.truncate(cx, records.len());
    }

    /// Somebody asks for messages: now if there are any, else when there are, or in the end with nothing.
    pub(super) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        receive: Receive,
    ) {
        self.polls.push_back(Poll {
            connection,
            call,
            receive,
            until: cx.monotonic() + receive.max_wait,
        });
        self.serve(cx);
        self.end_polls(cx);
        self.tidy(cx);
    }

    /// Hands ready messages to those who have waited longest.
    fn serve(&mut self, cx: &mut Context<'_>) {
        while self.ledger.ready() > 0
            && self.is_ready()
            && let Some(poll) = self.polls.pop_front()
        {
            let until = cx.monotonic() + self.policy.lease;
            let group = poll.receive.group;
            let deliveries = self.ledger.lease(poll.receive.max, until, group);
            self.note(cx, group, &deliveries);
            if deliveries.iter().any(|delivery| delivery.tag.attempt > 1) {
                cx.point(self.policy.redelivered);
            }
            let bytes = deliveries.iter().map(|delivery| delivery.event.size).sum();
            cx.spend(Work {
                requests: 0,
                records: deliveries.len() as u32,
                bytes,
            });
            self.answer(cx, &poll, deliveries);
        }
    }

    fn answer(&self, cx: &mut Context<'_>, poll: &Poll, deliveries: Vec<Delivery>) {
        let received = Received {
            topic: self.policy.topic,
            group: poll.receive.group,
            deliveries,
        };
        let reply = Reply::Received(Arc::new(received));
        cx.reply(poll.connection, poll.call, reply);
    }

    /// Notes leases in the journal, so that a restart does not forget how often a message was handed out.
    fn note(&mut self, cx: &mut Context<'_>, group: GroupId, deliveries: &[Delivery]) {
        if deliveries.is_empty() {
            return;
        }
        let tags: Arc<[Tag]> = deliveries.iter().map(|delivery| delivery.tag).collect();
        if self.policy.has(QueueFlaw::ForgetOnDelivery) {
            for tag in tags.iter() {
                self.ledger.begin_close(*tag);
            }
            let job = Job::Close(Close {
                tags: Arc::clone(&tags),
                is_dead: false,
                reply: None,
            });
            // The journal holds an accept, so that is what the fact says: the flaw forgets, it does not lie.
            let verb = Verb::Accept;
            let fact = Fact::Settled {
                topic: self.policy.topic,
                group,
                verb,
                events: deliveries
                    .iter()
                    .map(|delivery| delivery.event.id)
                    .collect(),
            };
            self.append(cx, group, verb, tags, Some(fact), job);
        } else {
            let verb = Verb::Extend(self.policy.lease);
            self.append(cx, group, verb, tags, None, Job::Note);
        }
    }

    fn append(
        &mut self,
        cx: &mut Context<'_>,
        group: GroupId,
        verb: Verb,
        tags: Arc<[Tag]>,
        fact: Option<Fact>,
        job: Job,
    ) {
        let record = DiskRecord::Settled {
            topic: self.policy.topic,
            group,
            verb,
            tags,
        };
        self.journal.append(cx, record, fact, job);
    }

    /// A consumer says what became of its deliveries.
    pub(super) fn settle(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        settle: &Settle,
    ) {
        let stale = match settle.verb {
            Verb::Accept | Verb::Reject => {
                let reply = (connection, call);
                return self.settle_for_good(cx, reply, settle);
            }
            Verb::Release => {
                let returned: Vec<Returned> = settle
                    .tags
                    .iter()
                    .filter_map(|tag| self.ledger.give_back(*tag))
                    .collect();
                self.take_back(cx, &returned);
                settle.tags.len() - returned.len()
            }
            Verb::Extend(span) => {
                let until = cx.monotonic() + span;
                let stale = |tag: &&Tag| !self.ledger.extend(**tag, until);
                settle.tags.iter().filter(stale).count()
            }
        };
        let stale = stale as u32;
        cx.reply(connection, call, Reply::Settled { stale });
        self.serve(cx);
        self.tidy(cx);
    }

    fn settle_for_good(
        &mut self,
        cx: &mut Context<'_>,
        (connection, call): (Connection, CallId),
        settle: &Settle,
    ) {
        let is_dead = settle.verb == Verb::Reject;
        if !is_dead && self.policy.has(QueueFlaw::ForgetAccept) {
            let stale = |tag: &&Tag| !self.ledger.holds(**tag);
            let stale = settle.tags.iter().filter(stale).count() as u32;
            return cx.reply(connection, call, Reply::Settled { stale });
        }
        let (mut tags, mut events) = (Vec::new(), Vec::new());
        for tag in settle.tags.iter() {
            if let Some(event) = self.ledger.begin_close(*tag) {
                tags.push(*tag);
                events.push(event);
            }
        }
        let stale = if self.policy.has(QueueFlaw::ForgetOnDelivery) {
            0
        } else {
            (settle.tags.len() - tags.len()) as u32
        };
        if tags.is_empty() {
            return cx.reply(connection, call, Reply::Settled { stale });
        }
        let reply = Some((connection, call, stale));
        self.close(cx, settle.group, tags, &events, is_dead, reply);
        self.tidy(cx);
    }

    /// Writes the end of messages into the journal.
    fn close(
        &mut self,
        cx: &mut Context<'_>,
        group: GroupId,
        tags: Vec<Tag>,
        events: &[Event],
        is_dead: bool,
        reply: Option<(Connection, CallId, u32)>,
    ) {
        let topic = self.policy.topic;
        let is_dropped = is_dead && self.policy.has(QueueFlaw::DropDeadLetters);
        let (verb, fact) = if is_dropped {
            (Verb::Accept, None)
        } else if is_dead {
            let events = events.into();
            let fact = Fact::DeadLettered {
                topic,
                group,
                events,
            };
            (Verb::Reject, Some(fact))
        } else {
            let events: Arc<[EventId]> = events.iter().map(|event| event.id).collect();
            let verb = Verb::Accept;
            let fact = Fact::Settled {
                topic,
                group,
                verb,
                events,
            };
            (verb, Some(fact))
        };
        let tags: Arc<[Tag]> = tags.into();
        let job = Job::Close(Close {
            tags: Arc::clone(&tags),
            is_dead: is_dead && !is_dropped,
            reply,
        });
        self.append(cx, group, verb, tags, fact, job);
        if is_dead && !is_dropped {
            cx.point(self.policy.dead_lettered);
        }
    }

    fn closed(&mut self, cx: &mut Context<'_>, close: &Close, error: Option<DiskError>) {
        for tag in close.tags.iter() {
            match error {
                None => self.ledger.finish_close(tag.message, close.is_dead),
                Some(_) => self.ledger.reopen(tag.message),
            }
        }
        if let Some((connection, call, stale)) = close.reply {
            let reply = match error {
                None => Reply::Settled { stale },
                Some(error) => Reply::Refused(refusal(error)),
            };
            cx.reply(connection, call, reply);
        }
    }

    /// Leases ended without success: the messages are handed out again, or have been often enough.
    fn take_back(&mut self, cx: &mut Context<'_>, returned: &[Returned]) {
        let max = self.policy.max_deliveries.unwrap_or(u32::MAX);
        for of_group in returned.chunk_by(|a, b| a.group == b.group) {
            let (mut tags, mut events) = (Vec::new(), Vec::new());
            for Returned { tag, .. } in of_group {
                if tag.attempt >= max {
                    events.extend(self.ledger.begin_close(*tag));
                    tags.push(*tag);
                    continue;
                }
                match self.policy.redelivery {
                    Redelivery::AtOnce => self.ledger.put_back(*tag),
                    Redelivery::Backoff(first, longest) => {
                        let doublings = tag.attempt.saturating_sub(1).min(30);
                        let wait = Span(first.0.saturating_mul(1 << doublings)).min(longest);
                        self.ledger.delay(*tag, cx.monotonic() + wait);
                    }
                }
            }
            if !tags.is_empty() {
                self.close(cx, of_group[0].group, tags, &events, true, None);
            }
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, cx: &mut Context<'_>) {
        if let Boot::Failed(again) = self.boot
            && again <= cx.monotonic()
        {
            self.boot = Boot::Reading;
            self.journal.scan(cx);
        }
        let returned = self.ledger.due(cx.monotonic());
        self.take_back(cx, &returned);
        self.serve(cx);
        self.end_polls(cx);
        self.tidy(cx);
    }

    /// Answers with nothing those who have waited long enough.
    fn end_polls(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        if self.polls.iter().all(|poll| poll.until > now) {
            return;
        }
        let (over, waiting) = std::mem::take(&mut self.polls)
            .into_iter()
            .partition(|poll| poll.until <= now);
        self.polls = waiting;
        let over: VecDeque<Poll> = over;
        for poll in &over {
            self.answer(cx, poll, Vec::new());
        }
    }

    /// Those who waited on this connection wait no more. Leases stay until they run out (Q2).
    pub(super) fn disconnected(&mut self, connection: Connection) {
        self.polls.retain(|poll| poll.connection != connection);
    }

    /// When something is to be done without an input.
    pub(super) fn next_deadline(&mut self) -> Option<Mono> {
        let boot = match self.boot {
            Boot::Failed(again) => Some(again),
            Boot::Reading => None,
            Boot::Ready => self.journal.mend_at(),
        };
        let polls = self.polls.iter().map(|poll| poll.until);
        polls.chain(boot).chain(self.ledger.next_deadline()).min()
    }

    /// Rewrites the journal when most of it is settled, so that the disk stays bounded.
    fn tidy(&mut self, cx: &mut Context<'_>) {
        // Three records of settled, dead and tried messages stand beside one for each batch.
        let needed = self.ledger.batches() + 3;
        if self.is_ready() && self.journal.is_rewrite_due(cx.monotonic(), needed) {
            let group = self.policy.group.unwrap_or_default();
            let records = self.ledger.snapshot(self.policy.topic, group);
            self.journal.rewrite(cx, records);
            cx.point(points::REWRITTEN);
        }
    }

    pub(super) fn inspect(&self) -> Inspection {
        let counts = self.ledger.counts();
        Inspection::new()
            .value("ready", self.ledger.ready())
            .value("leased", counts.leased)
            .value("delayed", counts.delayed)
            .value("dead letters", counts.dead)
            .value("polls waiting", self.polls.len())
            .value("journal records", self.journal.len())
    }
}

const fn refusal(error: DiskError) -> Refusal {
    match error {
        DiskError::Full => Refusal::DiskFull,
        DiskError::Failed => Refusal::DiskFailed,
    }
}
