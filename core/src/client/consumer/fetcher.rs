//! Reads partitions of a log from their leaders: one long poll for each leader over all partitions that it
//! leads and that the owner has room for. Metadata is learnt when needed and may be stale; leaders tell.

use super::plan::FetchPlan;
use super::reading::{Phase, Reading};
use super::{FETCHER_SPACE, FETCHER_WAKES, METADATA_AGES, points};
use crate::actor::{Connection, Context};
use crate::broker::log::config::{OffsetReset, TruncationDetection};
use crate::call::Calls;
use crate::event::{Entry, Event};
use crate::id::{CallId, Epoch, NodeId, Offset, Partition, TimerId};
use crate::message::log::{Fetch, FetchPart, Fetched, Metadata, OffsetSpec, Reader};
use crate::message::{Refusal, Reply, Request};
use crate::time::{Mono, Span};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What was fetched of one partition. The entries stay in the leader's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// The partition.
    pub partition: Partition,
    /// The first offset that is new; the first entry may begin before it.
    pub from: Offset,
    /// The offset after the last entry.
    pub next: Offset,
    fetched: Arc<Fetched>,
    part: usize,
}

impl Records {
    /// The entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.fetched.parts[self.part].entries
    }

    /// The events that are new, each with its offset.
    pub fn events(&self) -> impl Iterator<Item = (Offset, &Event)> {
        let entries = self.entries().iter();
        let numbered = entries.flat_map(|entry| (entry.base.0..).zip(entry.batch.events()));
        // The first entry may begin before the offset that was asked for.
        let new = numbered.filter(|(offset, _)| *offset >= self.from.0);
        new.map(|(offset, event)| (Offset(offset), event))
    }
}

/// What a fetcher hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Reading goes on at this offset: the start, or a jump.
    Begun(Partition, Offset),
    Records(Records),
}

#[derive(Debug)]
enum Memory {
    Metadata,
    Fetch {
        leader: NodeId,
        /// By partition, the session and the offset asked for.
        parts: Vec<(u16, u64, Offset)>,
    },
    Question {
        index: u16,
        session: u64,
    },
}

/// What is believed of a partition's leadership.
#[derive(Clone, Copy, Debug, Default)]
struct Leadership {
    leader: Option<NodeId>,
    epoch: Epoch,
}

#[derive(Debug)]
pub(super) struct Fetcher {
    plan: FetchPlan,
    calls: Calls<Memory>,
    readings: BTreeMap<u16, Reading>,
    /// Of partitions that are read no more, the epoch of what was read last: their positions may yet be committed.
    read: BTreeMap<u16, Epoch>,
    leaders: BTreeMap<u16, Leadership>,
    /// Leaders with an open fetch.
    polled: BTreeSet<NodeId>,
    sessions: u64,
    asks_metadata: bool,
    metadata_is_old: bool,
    /// How many partitions the topic is known to have.
    partitions: u16,
    metadata_retry_at: Mono,
    next_broker: u16,
    found: VecDeque<Found>,
    /// Empty between two calls: its room is used again.
    wanted: Vec<Wanted>,
}

/// What is asked of a leader: by partition, the session of its reading and where it goes on.
type Wanted = (NodeId, u16, u64, FetchPart);

impl Fetcher {
    pub(super) fn new(plan: FetchPlan) -> Fetcher {
        Fetcher {
            partitions: plan.partitions,
            plan,
            calls: Calls::new(FETCHER_SPACE),
            readings: BTreeMap::new(),
            read: BTreeMap::new(),
            leaders: BTreeMap::new(),
            polled: BTreeSet::new(),
            sessions: 0,
            asks_metadata: false,
            metadata_is_old: false,
            metadata_retry_at: Mono(0),
            next_broker: 0,
            found: VecDeque::new(),
            wanted: Vec::new(),
        }
    }

    fn partition(&self, index: u16) -> Partition {
        Partition {
            topic: self.plan.topic,
            index,
        }
    }

    fn detects(&self) -> bool {
        self.plan.truncation_detection == TruncationDetection::Epoch
    }

    /// The epoch of what was read last of a partition, also of one that is read no more.
    pub(super) fn last_epoch(&self, partition: Partition) -> Option<Epoch> {
        let reading = self.readings.get(&partition.index);
        let epoch = reading.and_then(|reading| reading.last_epoch);
        epoch.or_else(|| self.read.get(&partition.index).copied())
    }

    const fn reset(&self) -> Phase {
        Phase::Reset(match self.plan.reset {
            OffsetReset::Earliest => OffsetSpec::Earliest,
            OffsetReset::Latest => OffsetSpec::Latest,
        })
    }

    /// Reads a partition from here, or from where the reset policy says; anew if it is read already.
    /// With the epoch of what was read before, its place in the log is validated first where leaders are of a newer one
    /// (KIP-320).
    pub(super) fn begin(
        &mut self,
        partition: Partition,
        from: Option<Offset>,
        epoch: Option<Epoch>,
    ) {
        assert_eq!(
            partition.topic, self.plan.topic,
            "a fetcher reads one topic"
        );
        self.sessions += 1;
        let reading = match from {
            None => Reading::new(self.sessions, self.reset(), Offset(0)),
            Some(from) => {
                self.found.push_back(Found::Begun(partition, from));
                let leadership = self.leaders.get(&partition.index);
                let is_old =
                    leadership.is_some_and(|known| epoch.is_some_and(|own| own < known.epoch));
                let phase = if is_old && self.detects() {
                    Phase::Validate
                } else {
                    Phase::Ready
                };
                Reading {
                    last_epoch: epoch,
                    ..Reading::new(self.sessions, phase, from)
                }
            }
        };
        self.read.remove(&partition.index);
        self.readings.insert(partition.index, reading);
    }

    /// Whether the owner has enough of a partition for now.
    pub(super) fn pause(&mut self, partition: Partition, is_paused: bool) {
        if let Some(reading) = self.readings.get_mut(&partition.index) {
            reading.is_paused = is_paused;
        }
    }

    /// Reads nothing any more; what is under way is ignored.
    pub(super) fn stop(&mut self) {
        for (index, reading) in std::mem::take(&mut self.readings) {
            self.read
                .extend(reading.last_epoch.map(|epoch| (index, epoch)));
        }
        self.found.clear();
    }

    /// What has been found next, in order.
    pub(super) fn take_found(&mut self) -> Option<Found> {
        self.found.pop_front()
    }

    /// Asks whatever may be asked now.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        let mut wake = None;
        let mut later = |at: Mono| wake = Some(wake.map_or(at, |wake: Mono| wake.min(at)));
        let mut polls = std::mem::take(&mut self.wanted);
        let mut questions = Vec::new();
        let mut misses_leader = false;
        for (index, reading) in &self.readings {
            let partition = self.partition(*index);
            let leadership = self.leaders.get(index).copied().unwrap_or_default();
            if reading.is_asking || reading.is_paused {
                continue;
            }
            if !reading.may_ask(now) {
                later(reading.retry_at);
                continue;
            }
            let Some(leader) = leadership.leader else {
                misses_leader = true;
                continue;
            };
            if let Some(question) = reading.question(partition, leadership.epoch) {
                questions.push((leader, *index, reading.session, question));
            } else if !self.polled.contains(&leader) {
                let part = FetchPart {
                    partition,
                    from: reading.position,
                    epoch: leadership.epoch,
                };
                polls.push((leader, *index, reading.session, part));
            }
        }
        if (misses_leader || self.metadata_is_old) && !self.asks_metadata {
            if self.metadata_retry_at <= now {
                self.ask_metadata(cx);
            } else {
                later(self.metadata_retry_at);
            }
        }
        for (leader, index, session, question) in questions {
            self.mark_asking(index);
            let memory = Memory::Question { index, session };
            let timeout = self.plan.request_timeout;
            self.calls.ask(cx, leader, question, timeout, memory);
        }
        // Those of one leader stay in the order of their partitions.
        polls.sort_by_key(|(leader, ..)| *leader);
        for parts in polls.chunk_by(|a, b| a.0 == b.0) {
            self.poll(cx, parts);
        }
        polls.clear();
        self.wanted = polls;
        match wake {
            Some(at) => cx.arm(FETCHER_WAKES, at.since(now)),
            None => cx.disarm(FETCHER_WAKES),
        }
    }

    fn mark_asking(&mut self, index: u16) {
        if let Some(reading) = self.readings.get_mut(&index) {
            reading.is_asking = true;
        }
    }

    /// Asks the one leader of these parts.
    fn poll(&mut self, cx: &mut Context<'_>, parts: &[Wanted]) {
        let (leader, ..) = parts[0];
        for (_, index, ..) in parts {
            self.mark_asking(*index);
        }
        self.polled.insert(leader);
        let fetch = Fetch {
            reader: Reader::Consumer,
            parts: parts.iter().map(|(.., part)| *part).collect(),
            max_wait: self.plan.max_wait,
            min_bytes: self.plan.min_bytes,
            max_bytes: self.plan.max_bytes,
        };
        let memory = Memory::Fetch {
            leader,
            parts: parts
                .iter()
                .map(|(_, index, session, part)| (*index, *session, part.from))
                .collect(),
        };
        let timeout = self.plan.request_timeout.saturating_add(self.plan.max_wait);
        let request = Request::Fetch(Arc::new(fetch));
        self.calls.ask(cx, leader, request, timeout, memory);
    }

    fn ask_metadata(&mut self, cx: &mut Context<'_>) {
        self.asks_metadata = true;
        self.metadata_is_old = false;
        // Each node may know less than another; asking in turn finds one that answers.
        let node = self.plan.brokers.node(self.next_broker);
        self.next_broker = (self.next_broker + 1) % self.plan.brokers.nodes;
        let request = Request::Metadata(self.plan.topic);
        let timeout = self.plan.request_timeout;
        self.calls.ask(cx, node, request, timeout, Memory::Metadata);
    }

    /// An answer; given back if it is not to one of these questions.
    pub(super) fn on_reply(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        reply: Reply,
    ) -> Option<Reply> {
        let Some(memory) = self.calls.answered(cx, call) else {
            return Some(reply);
        };
        match (memory, reply) {
            (Memory::Metadata, Reply::Metadata(metadata)) => self.learn(cx, &metadata),
            (Memory::Fetch { leader, parts }, Reply::Fetched(fetched)) => {
                self.polled.remove(&leader);
                self.take(cx, &parts, &fetched);
            }
            (Memory::Question { index, session }, Reply::OffsetAt { offset, .. }) => {
                self.found_offset(cx, index, session, offset);
            }
            (Memory::Question { index, session }, Reply::EpochEnd { end, .. }) => {
                self.found_end(cx, index, session, end);
            }
            (memory, Reply::Refused(refusal)) => self.refused(cx, memory, refusal),
            (memory @ (Memory::Metadata | Memory::Fetch { .. } | Memory::Question { .. }), _) => {
                self.refused(cx, memory, Refusal::Unsupported);
            }
        }
        None
    }

    fn learn(&mut self, cx: &mut Context<'_>, metadata: &Metadata) {
        self.asks_metadata = false;
        self.metadata_retry_at = cx.monotonic() + self.plan.retry_backoff;
        cx.arm(METADATA_AGES, self.plan.metadata_max_age);
        self.know(metadata.usable);
        let detects = self.detects();
        for state in &metadata.partitions {
            let index = state.partition.index;
            let known = self.leaders.entry(index).or_default();
            // An older epoch is stale news.
            if state.epoch < known.epoch {
                continue;
            }
            let is_new = state.epoch > known.epoch;
            *known = Leadership {
                leader: state.leader,
                epoch: state.epoch,
            };
            if let Some(reading) = self.readings.get_mut(&index)
                && is_new
                && detects
                && reading.phase == Phase::Ready
                && reading.last_epoch.is_some()
            {
                reading.phase = Phase::Validate;
            }
        }
    }

    /// The topic has at least so many partitions.
    pub(super) fn know(&mut self, partitions: u16) {
        self.partitions = self.partitions.max(partitions);
    }

    /// How many partitions the topic is known to have.
    pub(super) const fn partitions(&self) -> u16 {
        self.partitions
    }

    /// Takes a fetch's answer in.
    fn take(&mut self, cx: &mut Context<'_>, asked: &[(u16, u64, Offset)], fetched: &Arc<Fetched>) {
        let pause_if_empty = cx.monotonic() + self.plan.retry_backoff;
        for (index, session, from) in asked {
            let partition = self.partition(*index);
            let Some(reading) = self.readings.get_mut(index) else {
                continue;
            };
            if reading.session != *session {
                continue;
            }
            reading.is_asking = false;
            let found = fetched.parts.iter().position(|p| p.partition == partition);
            let Some(part) = found else {
                if self.plan.max_wait == Span::ZERO {
                    reading.retry_at = pause_if_empty;
                }
                continue;
            };
            let share = &fetched.parts[part];
            if let Some(refusal) = share.refusal {
                self.partition_refused(cx, *index, refusal);
                continue;
            }
            match share.entries.last() {
                Some(last) if last.end() > *from => {
                    reading.position = last.end();
                    reading.last_epoch = Some(last.epoch);
                    self.found.push_back(Found::Records(Records {
                        partition,
                        from: *from,
                        next: last.end(),
                        fetched: Arc::clone(fetched),
                        part,
                    }));
                }
                Some(_) | None if self.plan.max_wait == Span::ZERO => {
                    reading.retry_at = pause_if_empty;
                }
                Some(_) | None => {}
            }
        }
    }

    fn found_offset(&mut self, cx: &mut Context<'_>, index: u16, session: u64, offset: Offset) {
        let partition = self.partition(index);
        let Some(reading) = self.current(index, session) else {
            return;
        };
        reading.is_asking = false;
        reading.position = offset;
        reading.last_epoch = None;
        reading.phase = Phase::Ready;
        cx.point(points::POSITION_RESET);
        self.found.push_back(Found::Begun(partition, offset));
    }

    fn found_end(&mut self, cx: &mut Context<'_>, index: u16, session: u64, end: Offset) {
        let partition = self.partition(index);
        let Some(reading) = self.current(index, session) else {
            return;
        };
        reading.is_asking = false;
        reading.phase = Phase::Ready;
        if end < reading.position {
            reading.position = end;
            cx.point(points::TRUNCATION_FOUND);
            self.found.push_back(Found::Begun(partition, end));
        }
    }

    fn current(&mut self, index: u16, session: u64) -> Option<&mut Reading> {
        self.readings
            .get_mut(&index)
            .filter(|reading| reading.session == session)
    }

    fn refused(&mut self, cx: &mut Context<'_>, memory: Memory, refusal: Refusal) {
        match memory {
            Memory::Metadata => {
                self.asks_metadata = false;
                self.metadata_is_old = true;
                self.metadata_retry_at = cx.monotonic() + self.plan.retry_backoff;
            }
            Memory::Fetch { leader, parts } => {
                self.polled.remove(&leader);
                for (index, session, _) in parts {
                    if self.current(index, session).is_some() {
                        self.partition_refused(cx, index, refusal);
                    }
                }
            }
            Memory::Question { index, session } => {
                if self.current(index, session).is_some() {
                    self.partition_refused(cx, index, refusal);
                }
            }
        }
    }

    /// A leader, or who was taken for one, has nothing to give.
    fn partition_refused(&mut self, cx: &mut Context<'_>, index: u16, refusal: Refusal) {
        let reset = self.reset();
        let Some(reading) = self.readings.get_mut(&index) else {
            return;
        };
        reading.is_asking = false;
        if refusal == Refusal::OffsetOutOfRange {
            reading.phase = reset;
            return;
        }
        reading.retry_at = cx.monotonic() + self.plan.retry_backoff;
        // A leader whose epoch is older than ours only has to catch up; every other refusal and every
        // silence is a reason to ask anew who leads.
        if refusal != Refusal::UnknownLeaderEpoch
            && let Some(leadership) = self.leaders.get_mut(&index)
        {
            leadership.leader = None;
        }
    }

    /// A connection has ended.
    pub(super) fn on_closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        for (_, _, memory) in self.calls.closed(cx, connection) {
            self.refused(cx, memory, Refusal::TimedOut);
        }
    }

    /// A timer has run out; whether it was one of these.
    pub(super) fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) -> bool {
        if timer == METADATA_AGES {
            self.metadata_is_old = true;
            return true;
        }
        let expired = self.calls.expired(cx, timer);
        let is_mine = timer == FETCHER_WAKES || !expired.is_empty();
        for (_, _, memory) in expired {
            self.refused(cx, memory, Refusal::TimedOut);
        }
        is_mine
    }
}
