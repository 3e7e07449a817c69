//! A processor on a log: tracks of partitions between a consumer, a sink and a store.

use super::checkpoint::is_quiet;
use super::config::ProcessorFlaw;
use super::delivery::{Delivery, Order};
use super::plan::ProcessorPlan;
use super::ticks::Ticks;
use super::track::{Adoption, Attempt, Phase, Settles, Stage, Track};
use super::writes::Writes;
use super::{Applied, CALLS, CHECKPOINT, Poison, RETRY, WATERMARK, points};
use crate::actor::{Connection, Context, Inspection, Work};
use crate::call::Calls;
use crate::client::consumer::{Given, LogConsumer, LogConsumerPlan};
use crate::id::{CallId, NodeId, Offset, Partition, TimerId};
use crate::message::sink::{Covered, Write};
use crate::message::{Refusal, Reply, Request};
use crate::retry::Ticket;
use crate::time::Mono;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// What is asked of the sink and the store: for a partition, by its track's number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    /// And by the offset at which its batch begins.
    Write(Partition, u64, Offset, Ticket),
    AdoptSink(Partition, u64),
    AdoptStore(Partition, u64),
    Save(Partition, u64, Offset),
}

impl Ask {
    const fn place(self) -> (Partition, u64) {
        match self {
            Ask::Write(partition, track, ..)
            | Ask::AdoptSink(partition, track)
            | Ask::AdoptStore(partition, track)
            | Ask::Save(partition, track, _) => (partition, track),
        }
    }
}

/// One node of a processor on a log.
pub(super) struct Logged {
    pub(super) plan: Arc<ProcessorPlan>,
    pub(super) delivery: Delivery,
    pub(super) is_stateful: bool,
    pub(super) consumer: LogConsumer,
    pub(super) calls: Calls<Ask>,
    writes: Writes,
    pub(super) tracks: BTreeMap<Partition, Track>,
    /// Tracks so far; an answer to an earlier track of a partition is of the past.
    numbered: u64,
    /// A rebalance waits until nothing is under way.
    pub(super) is_releasing: bool,
    /// How far event time has come, where there are windows.
    pub(super) ticks: Ticks,
    /// On which events the operator fails.
    pub(super) poison: Poison,
}

impl Logged {
    pub(super) fn new(input: &LogConsumerPlan, plan: &Arc<ProcessorPlan>) -> Logged {
        Logged {
            delivery: Delivery::of(plan.delivery, &plan.flaws),
            is_stateful: (plan.operator)().is_stateful(),
            consumer: LogConsumer::new(input),
            calls: Calls::new(CALLS),
            writes: Writes::new(plan),
            tracks: BTreeMap::new(),
            numbered: 0,
            is_releasing: false,
            ticks: Ticks::default(),
            poison: Poison::NONE,
            plan: Arc::clone(plan),
        }
    }

    pub(super) fn start(&mut self, cx: &mut Context<'_>) {
        self.consumer.start(cx);
        cx.arm(CHECKPOINT, self.plan.checkpoint);
        self.tick(cx);
    }

    /// Takes what the consumer gives, and asks whatever may be asked now.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>) {
        let open = self.tracks.values().flat_map(|track| &track.attempts);
        let busy_since = open.map(|attempt| attempt.since).min();
        self.consumer.busy(cx, busy_since);
        while let Some(given) = self.consumer.take_given(cx) {
            self.take(cx, given);
        }
        let mut next = self.tracks.keys().next().copied();
        while let Some(partition) = next {
            self.advance(cx, partition);
            let after = (Bound::Excluded(partition), Bound::Unbounded);
            next = self.tracks.range(after).next().map(|(later, _)| *later);
        }
        if self.is_releasing && self.tracks.values().all(is_quiet) {
            self.release(cx);
        }
        self.consumer.pump(cx);
        self.arm_retry(cx);
    }

    fn take(&mut self, cx: &mut Context<'_>, given: Given) {
        match given {
            Given::Assigned {
                partition,
                committed,
                generation,
            } => {
                let needs_sink = self.delivery.order == Order::Together;
                let adoption = |is_needed: bool| match is_needed {
                    true => Adoption::Due(cx.monotonic()),
                    false => Adoption::NotNeeded,
                };
                let phase = Phase::Adopting {
                    sink: adoption(needs_sink),
                    store: adoption(self.is_stateful),
                };
                let operator = (self.plan.operator)();
                self.numbered += 1;
                let place = (partition, generation);
                let mut track = Track::new(self.numbered, place, committed, operator, phase);
                track.windows = self.windows(cx);
                self.ticks.begin(generation);
                self.tracks.insert(partition, track);
                self.restore(cx, partition);
            }
            Given::Begun { partition, from } => {
                if let Some(track) = self.tracks.get_mut(&partition) {
                    track.begin(from);
                }
            }
            Given::Records(records) => {
                if let Some(track) = self.tracks.get_mut(&records.partition) {
                    track.push(records);
                }
            }
            Given::Revoking { lost } => self.revoke(lost),
            Given::Committed(positions) => {
                for (partition, next) in positions.iter() {
                    self.committed(cx, *partition, *next);
                }
            }
            Given::CommitFailed(positions) => {
                let again = cx.monotonic() + self.plan.retry_backoff;
                for (partition, next) in positions.iter() {
                    if let Some(attempt) = self.settling(*partition, *next) {
                        attempt.stage = Stage::SettleDue(again);
                    }
                }
            }
        }
    }

    /// Everything is to be given up. What is under way may end, unless others have taken over already.
    fn revoke(&mut self, lost: bool) {
        self.is_releasing = true;
        if lost {
            return self.tracks.clear();
        }
        for track in self.tracks.values_mut() {
            track.drop_buffer();
            track.save_due = track.phase == Phase::Running;
        }
        self.tracks.retain(|_, track| track.phase == Phase::Running);
    }

    fn release(&mut self, cx: &mut Context<'_>) {
        if !self.is_stateful {
            self.commit_positions(cx);
        }
        self.is_releasing = false;
        self.tracks.clear();
        cx.point(points::RELEASED);
        self.consumer.release(cx);
    }

    /// The batch of a partition whose position `next` is being committed; who settles first has one under way.
    fn settling(&mut self, partition: Partition, next: Offset) -> Option<&mut Attempt> {
        let attempt = self.tracks.get_mut(&partition)?.attempts.front_mut()?;
        (attempt.stage == Stage::Settling && attempt.next == next).then_some(attempt)
    }

    fn committed(&mut self, cx: &mut Context<'_>, partition: Partition, next: Offset) {
        let now = cx.monotonic();
        if let Some(attempt) = self.settling(partition, next) {
            let (has_rows, from) = (!attempt.write.rows.is_empty(), attempt.from);
            attempt.stage = Stage::WriteDue(now);
            if has_rows {
                cx.point(points::AFTER_SETTLE_BEFORE_WRITE);
            } else {
                self.finish(partition, from);
            }
        } else if !self.is_stateful
            && let Some(track) = self.tracks.get_mut(&partition)
        {
            track.kept = next;
        }
    }

    fn finish(&mut self, partition: Partition, from: Offset) {
        if let Some(track) = self.tracks.get_mut(&partition) {
            track.finish(from);
        }
    }

    /// Does whatever is next for a partition.
    fn advance(&mut self, cx: &mut Context<'_>, partition: Partition) {
        self.adopt(cx, partition);
        self.save(cx, partition);
        self.fill(cx, partition);
        self.act(cx, partition);
        let room = 2 * u64::from(self.plan.batch);
        if let Some(track) = self.tracks.get_mut(&partition) {
            let has_enough = track.buffered() >= room || track.is_ahead;
            if has_enough != track.is_paused {
                track.is_paused = has_enough;
                self.consumer.pause(partition, has_enough);
            }
        }
    }

    /// Asks the sink and the store who was here before.
    fn adopt(&mut self, cx: &mut Context<'_>, partition: Partition) {
        let now = cx.monotonic();
        let Some(track) = self.tracks.get_mut(&partition) else {
            return;
        };
        let (number, generation) = (track.number, track.generation);
        let Phase::Adopting { sink, store } = &mut track.phase else {
            return;
        };
        let request = Request::Adopt {
            group: self.plan.input.group(),
            partition,
            epoch: generation,
        };
        let timeout = self.plan.request_timeout;
        let mut ask = |adoption: &mut Adoption, node: NodeId, memory: Ask| {
            if matches!(adoption, Adoption::Due(at) if *at <= now) {
                *adoption = Adoption::Asked;
                self.calls.ask(cx, node, request.clone(), timeout, memory);
            }
        };
        ask(sink, self.plan.sink, Ask::AdoptSink(partition, number));
        if let Some(node) = self.plan.store {
            ask(store, node, Ask::AdoptStore(partition, number));
        }
    }

    /// Makes the next batches, as many as may be open, if something is buffered.
    fn fill(&mut self, cx: &mut Context<'_>, partition: Partition) {
        let Some(track) = self.tracks.get_mut(&partition) else {
            return;
        };
        // A member that has left ends what it has begun, and learns of it when that is done.
        if self.consumer.is_expelled() {
            return;
        }
        let now = cx.monotonic();
        while track.phase == Phase::Running
            && track.attempts.len() < self.plan.in_flight
            && (track.buffered() > 0 || track.has_due())
        {
            let from = track.cursor;
            let is_silent = track.is_silent();
            let limit = if is_silent {
                track.silent_below
            } else {
                Offset(u64::MAX)
            };
            let mut applied = Applied::default();
            if !is_silent {
                track.settle();
                if let Some(windows) = &mut track.windows {
                    applied.fire(windows, from);
                }
            }
            let was_stuck = track.is_stuck;
            track.apply(&mut applied, (limit, now), self.poison, &self.plan);
            if track.is_stuck && !was_stuck {
                cx.point(points::POISONED);
            }
            let is_stuck = track.is_stuck;
            cx.spend(Work {
                requests: 0,
                records: applied.events,
                bytes: 0,
            });
            if is_silent {
                if is_stuck {
                    return;
                }
                continue;
            }
            applied.tell_filtered(cx, &self.plan);
            applied.tell_windows(cx, &self.plan);
            // With nothing to write only a position has to be told, and that is the checkpoint's business
            // where rows come first.
            let is_still = track.cursor == from;
            if applied.rows.is_empty()
                && (is_still || self.delivery.order == Order::WriteThenSettle)
            {
                if is_stuck {
                    return;
                }
                continue;
            }
            let zombie = self.plan.has(ProcessorFlaw::SkipFence);
            let covered = (self.delivery.order == Order::Together).then_some(Covered {
                partition,
                next: track.cursor,
                watermark: track.fired_until(),
            });
            let credits = track.windows.is_some().then(|| applied.credits.into());
            track.attempts.push_back(Attempt {
                write: Arc::new(Write {
                    group: self.plan.input.group(),
                    epoch: if zombie { u32::MAX } else { track.generation },
                    rows: applied.rows.into(),
                    versions: applied.versions.into(),
                    covered,
                    credits,
                }),
                from,
                next: track.cursor,
                stage: if self.delivery.order == Order::SettleThenWrite {
                    Stage::SettleDue(now)
                } else {
                    Stage::WriteDue(now)
                },
                since: now,
                failures: 0,
            });
        }
    }

    /// Sends what is due of the open batches.
    fn act(&mut self, cx: &mut Context<'_>, partition: Partition) {
        for place in 0..self.plan.in_flight {
            self.act_on(cx, partition, place);
        }
    }

    fn act_on(&mut self, cx: &mut Context<'_>, partition: Partition, place: usize) {
        let now = cx.monotonic();
        let Some(track) = self.tracks.get_mut(&partition) else {
            return;
        };
        let number = track.number;
        let Some(attempt) = track.attempts.get_mut(place) else {
            return;
        };
        let from = attempt.from;
        match attempt.stage {
            Stage::SettleDue(at) if at <= now => {
                // A batch that has not been settled is not begun while everything is given up.
                if self.is_releasing || self.consumer.is_expelled() {
                    return self.finish(partition, from);
                }
                let positions = Arc::from([(partition, attempt.next)]);
                attempt.stage = if self.consumer.commit(cx, positions) {
                    Stage::Settling
                } else {
                    Stage::SettleDue(now + self.plan.retry_backoff)
                };
            }
            Stage::WriteDue(at) if at <= now => {
                if let Some(until) = self.writes.held(now) {
                    attempt.stage = Stage::WriteDue(until);
                    return;
                }
                attempt.stage = Stage::Writing;
                cx.point(points::BEFORE_WRITE);
                let request = Request::Write(Arc::clone(&attempt.write));
                let ticket = self.writes.send(cx, attempt.failures);
                let memory = Ask::Write(partition, number, from, ticket);
                let timeout = self.plan.request_timeout;
                self.calls.ask(cx, self.plan.sink, request, timeout, memory);
            }
            Stage::SettleDue(_) | Stage::WriteDue(_) | Stage::Settling | Stage::Writing => {}
        }
    }

    pub(super) fn on_reply(&mut self, cx: &mut Context<'_>, call: CallId, reply: Reply) {
        let Some(reply) = self.consumer.on_reply(cx, call, reply) else {
            return;
        };
        let Some(ask) = self.calls.answered(cx, call) else {
            return;
        };
        if let Ask::Write(.., ticket) = ask {
            if matches!(reply, Reply::Refused(refusal) if refusal != Refusal::Fenced) {
                self.writes.failed(cx, ticket);
            } else {
                self.writes.answered(ticket);
            }
        }
        let (partition, number) = ask.place();
        let is_current = |track: &Track| track.number == number;
        if !self.tracks.get(&partition).is_some_and(is_current) {
            return;
        }
        match (ask, reply) {
            (Ask::Write(_, _, from, _), Reply::Written(_)) => {
                // Whoever settles first has nothing left to settle.
                if self.delivery.order != Order::SettleThenWrite {
                    cx.point(points::AFTER_WRITE_BEFORE_SETTLE);
                }
                self.finish(partition, from);
            }
            (Ask::AdoptSink(..), Reply::Adopted(stored)) => {
                self.adopted(cx, partition, stored, true);
            }
            (Ask::AdoptStore(..), Reply::Adopted(stored)) => {
                self.adopted(cx, partition, stored, false);
            }
            (Ask::Save(_, _, next), Reply::CheckpointSaved) => self.saved(cx, partition, next),
            (_, Reply::Refused(Refusal::Fenced)) => {
                cx.point(points::FENCED);
                self.tracks.remove(&partition);
                self.consumer.give_up(cx);
            }
            (ask, _) => self.failed(cx, ask),
        }
    }

    fn adopted(
        &mut self,
        cx: &mut Context<'_>,
        partition: Partition,
        stored: Option<Arc<crate::message::sink::Checkpoint>>,
        by_sink: bool,
    ) {
        if let Some(track) = self.tracks.get_mut(&partition)
            && let Phase::Adopting { sink, store } = &mut track.phase
        {
            *(if by_sink { sink } else { store }) = Adoption::Answered(stored);
            self.restore(cx, partition);
        }
    }

    /// A question has ended without a good answer.
    fn failed(&mut self, cx: &mut Context<'_>, ask: Ask) {
        let again = cx.monotonic() + self.plan.retry_backoff;
        let (partition, number) = ask.place();
        let Some(track) = self.tracks.get_mut(&partition) else {
            return;
        };
        if track.number != number {
            return;
        }
        match (ask, &mut track.phase) {
            (Ask::Write(_, _, from, _), _) => {
                if self.delivery.retries && !self.is_releasing {
                    cx.point(points::RETRIED);
                    if let Some(attempt) = track.attempt(from) {
                        attempt.failures += 1;
                        let rows = &attempt.write.rows;
                        let wait = self.writes.wait(cx, rows, attempt.failures);
                        attempt.stage = Stage::WriteDue(cx.monotonic() + wait);
                    }
                } else if self.delivery.retries {
                    // Whoever is next finds the position before this batch and writes it again.
                    self.tracks.remove(&partition);
                } else {
                    cx.point(points::DROPPED);
                    track.finish(from);
                }
            }
            (Ask::Save(..), _) => {
                track.is_saving = false;
                track.save_due = !self.is_releasing;
            }
            (Ask::AdoptSink(..), Phase::Adopting { sink, .. }) => *sink = Adoption::Due(again),
            (Ask::AdoptStore(..), Phase::Adopting { store, .. }) => *store = Adoption::Due(again),
            (Ask::AdoptSink(..) | Ask::AdoptStore(..), Phase::Starting | Phase::Running) => {}
        }
    }

    pub(super) fn on_closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        self.consumer.on_closed(cx, connection);
        for (_, _, ask) in self.calls.closed(cx, connection) {
            self.unanswered(cx, ask);
            self.failed(cx, ask);
        }
    }

    pub(super) fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) {
        if timer == CHECKPOINT {
            return self.checkpoint(cx);
        }
        if timer == WATERMARK {
            return self.tick(cx);
        }
        if timer == RETRY || self.consumer.on_timer(cx, timer) {
            return;
        }
        for (_, _, ask) in self.calls.expired(cx, timer) {
            self.unanswered(cx, ask);
            self.failed(cx, ask);
        }
    }

    fn unanswered(&mut self, cx: &mut Context<'_>, ask: Ask) {
        if let Ask::Write(.., ticket) = ask {
            self.writes.failed(cx, ticket);
        }
    }

    /// The node leaves its group: what it has is finished, committed and given up first.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>) {
        self.consumer.leave(cx);
    }

    /// The node joins its group again.
    pub(super) fn join(&mut self, cx: &mut Context<'_>) {
        self.consumer.come_back(cx);
    }

    /// The group starts again from the earliest offset. Where rows and position are one, what the sink
    /// has is applied again in silence.
    pub(super) fn rewind(&mut self, cx: &Context<'_>) {
        let fresh: Vec<_> = self.tracks.keys().map(|_| self.windows(cx)).collect();
        self.ticks.rewind();
        for (track, windows) in self.tracks.values_mut().zip(fresh) {
            if track.phase != Phase::Running {
                continue;
            }
            if self.delivery.order == Order::Together {
                track.silent_below = track.silent_below.max(track.cursor);
                track.settles = Settles::At(track.fired_until());
            }
            track.windows = windows;
            track.operator = (self.plan.operator)();
            track.drop_buffer();
            self.consumer.begin(track.partition, Some(Offset(0)));
            self.consumer.pause(track.partition, track.is_paused);
        }
    }

    fn arm_retry(&self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        let due = |track: &Track| -> Option<Mono> {
            let adoptions = match &track.phase {
                Phase::Adopting { sink, store } => [sink, store]
                    .into_iter()
                    .filter_map(|adoption| match adoption {
                        Adoption::Due(at) => Some(*at),
                        Adoption::NotNeeded | Adoption::Asked | Adoption::Answered(_) => None,
                    })
                    .min(),
                Phase::Starting | Phase::Running => None,
            };
            let attempts = track.attempts.iter().filter_map(|open| match open.stage {
                Stage::SettleDue(at) | Stage::WriteDue(at) => Some(at),
                Stage::Settling | Stage::Writing => None,
            });
            adoptions.into_iter().chain(attempts).min()
        };
        match self.tracks.values().filter_map(due).min() {
            Some(at) => cx.arm(RETRY, at.since(now)),
            None => cx.disarm(RETRY),
        }
    }

    pub(super) fn inspect(&self) -> Inspection {
        let seen = Inspection::new()
            .value("generation", self.consumer.generation())
            .value("releasing", self.is_releasing);
        self.tracks.values().fold(seen, |seen, track| {
            let what = Inspection::new()
                .value("phase", format!("{:?}", track.phase))
                .value("next", track.cursor)
                .value("finished", track.finished(self.plan.commit))
                .value("kept", track.kept)
                .value("buffered", track.buffered());
            let what = match &track.windows {
                Some(windows) => what
                    .value("watermark", windows.watermark())
                    .value("fired until", windows.panes.watermark())
                    .value("windows", windows.panes.len()),
                None => what,
            };
            seen.child(&format!("partition {}", track.partition), what)
        })
    }
}
