//! A log broker of one node for tests of its clients: it leads, coordinates, and never fails.

use crate::actor::{Actor, Connection, Context, Input, Inspection, Origin};
use crate::event::{Batch, Entry, Event, EventId};
use crate::id::{CallId, Epoch, MemberId, NodeId, Offset, Partition, TimerId, TopicId};
use crate::message::group::{Joined, Position};
use crate::message::log::{Fetch, Fetched, FetchedPart, Metadata, OffsetSpec, PartitionState};
use crate::message::{Message, Refusal, Reply, Request};
use crate::time::{Time, Wall};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// What a test sees and sets of the broker.
#[derive(Default)]
pub struct LogState {
    /// By partition.
    pub logs: Vec<Vec<Event>>,
    /// First offsets kept.
    pub start: u64,
    /// The leader's epoch.
    pub epoch: u32,
    /// The group's positions.
    pub committed: BTreeMap<Partition, Offset>,
    /// The group's generation.
    pub generation: u32,
    /// The group's members, with the generation that each has joined.
    pub members: BTreeMap<MemberId, u32>,
    /// Where the epoch before this one ended, if records were truncated.
    pub truncated_at: Option<u64>,
}

/// Shared between the broker and its test.
pub type SharedLog = Rc<RefCell<LogState>>;

/// An event of a test.
pub fn event(number: u64, key: u64, value: i64) -> Event {
    Event {
        id: EventId { source: 0, number },
        key,
        event_time: 0,
        due: Time(0),
        value,
        size: 100,
        kind: 0,
        label: 0,
    }
}

/// A partition of the tests' topic.
pub fn partition(index: u16) -> Partition {
    Partition {
        topic: TopicId(0),
        index,
    }
}

/// The broker.
pub struct TestLog {
    node: NodeId,
    state: SharedLog,
    parked: Vec<(Connection, CallId, Arc<Fetch>)>,
    waiting: Vec<(Connection, CallId, MemberId)>,
}

const TICK: TimerId = TimerId(1);

impl TestLog {
    /// A broker over shared state.
    pub fn new(node: u16, state: SharedLog) -> TestLog {
        TestLog {
            node: NodeId(node),
            state,
            parked: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn answer(&mut self, from: Connection, call: CallId, request: Request) -> Option<Reply> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        Some(match request {
            Request::Metadata(_) => {
                let partitions = (0..state.logs.len()).map(|index| PartitionState {
                    partition: partition(index as u16),
                    leader: Some(self.node),
                    epoch: Epoch(state.epoch),
                });
                Reply::Metadata(Arc::new(Metadata::of(partitions.collect())))
            }
            Request::FindCoordinator(_) => Reply::Coordinator(Some(self.node)),
            Request::JoinGroup(join) => {
                let joined = state.members.insert(join.member, u32::MAX);
                if joined.is_none_or(|generation| generation == state.generation) {
                    state.generation += 1;
                }
                self.waiting.push((from, call, join.member));
                return None;
            }
            Request::GroupHeartbeat(beat) => match state.members.get(&beat.member) {
                None => Reply::Refused(Refusal::UnknownMember),
                Some(_) if beat.generation != state.generation => {
                    Reply::Refused(Refusal::RebalanceInProgress)
                }
                Some(_) => Reply::GroupAlive,
            },
            Request::LeaveGroup { member, .. } => {
                state.members.remove(&member);
                state.generation += 1;
                Reply::GroupAlive
            }
            Request::CommitOffsets(commit) => {
                let is_old = commit.generation + 1 < state.generation;
                if is_old || !state.members.contains_key(&commit.member) {
                    Reply::Refused(Refusal::IllegalGeneration)
                } else {
                    let next =
                        |(partition, position): &(Partition, Position)| (*partition, position.next);
                    state.committed.extend(commit.positions.iter().map(next));
                    Reply::OffsetsCommitted
                }
            }
            Request::Fetch(fetch) => {
                let fetched = fetched(state, &fetch);
                let has_news =
                    |part: &FetchedPart| part.refusal.is_some() || !part.entries.is_empty();
                if fetch.max_wait.0 > 0 && !fetched.parts.iter().any(has_news) {
                    self.parked.push((from, call, fetch));
                    return None;
                }
                Reply::Fetched(Arc::new(fetched))
            }
            Request::ListOffset { partition, spec } => Reply::OffsetAt {
                partition,
                offset: match spec {
                    OffsetSpec::Earliest => Offset(state.start),
                    OffsetSpec::Latest | OffsetSpec::At(_) => {
                        Offset(state.logs[usize::from(partition.index)].len() as u64)
                    }
                },
            },
            Request::EpochEnd {
                partition, epoch, ..
            } => Reply::EpochEnd {
                partition,
                epoch,
                end: Offset(state.truncated_at.unwrap_or(u64::MAX)),
            },
            other @ (Request::InitProducer
            | Request::Publish(_)
            | Request::BrokerHeartbeat(_)
            | Request::AlterIsr(_)
            | Request::AllocateProducers
            | Request::Receive(_)
            | Request::Settle(_)
            | Request::Write(_)
            | Request::Adopt { .. }
            | Request::SaveCheckpoint(_)
            | Request::ReadRows(_)
            | Request::AcquireLease(_)) => panic!("{other:?} is no request of a consumer"),
        })
    }

    /// Completes a rebalance once every member has joined it.
    fn rebalance(&mut self, cx: &mut Context<'_>) {
        let mut state = self.state.borrow_mut();
        if self.waiting.len() < state.members.len() || self.waiting.is_empty() {
            return;
        }
        let generation = state.generation;
        let count = self.waiting.len();
        for (i, (connection, call, member)) in
            std::mem::take(&mut self.waiting).into_iter().enumerate()
        {
            state.members.insert(member, generation);
            let mine = (0..state.logs.len()).filter(|index| index % count == i);
            let assignment = mine
                .map(|index| {
                    let partition = partition(index as u16);
                    let committed = state.committed.get(&partition);
                    (partition, committed.map(|next| Position::at(*next)))
                })
                .collect();
            let joined = Joined {
                generation,
                partitions: state.logs.len() as u16,
                assignment,
            };
            cx.reply(connection, call, Reply::Joined(Arc::new(joined)));
        }
    }
}

fn fetched(state: &LogState, fetch: &Fetch) -> Fetched {
    let parts = fetch.parts.iter().map(|part| {
        let log = &state.logs[usize::from(part.partition.index)];
        let end = log.len() as u64;
        let refusal = if part.epoch.0 < state.epoch {
            Some(Refusal::FencedLeaderEpoch)
        } else if part.from.0 < state.start || part.from.0 > end {
            Some(Refusal::OffsetOutOfRange)
        } else {
            None
        };
        // Batches of three, so that a position may lie inside one.
        let first = part.from.0 / 3 * 3;
        let entries = if refusal.is_some() {
            Vec::new()
        } else {
            (first..end)
                .step_by(3)
                .map(|base| {
                    let upto = end.min(base + 3);
                    let events = Arc::from(&log[base as usize..upto as usize]);
                    Entry {
                        base: Offset(base),
                        epoch: Epoch(state.epoch),
                        batch: Arc::new(Batch::of_events(events, None, Wall(0))),
                    }
                })
                .filter(|entry| entry.end() > part.from)
                .collect()
        };
        FetchedPart {
            partition: part.partition,
            entries,
            high_watermark: Offset(end),
            log_start: Offset(state.start),
            epoch: Epoch(state.epoch),
            refusal,
        }
    });
    Fetched {
        reader: fetch.reader,
        parts: parts.collect(),
    }
}

impl Actor for TestLog {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        if let Input::Message {
            origin: Origin::Connection(connection),
            message: Message::Request { call, request },
            ..
        } = input
        {
            if let Some(reply) = self.answer(connection, call, request) {
                cx.reply(connection, call, reply);
            }
        } else if let Input::Closed { connection, .. } = input {
            self.parked.retain(|(parked, ..)| *parked != connection);
            let gone = self
                .waiting
                .iter()
                .position(|(waiting, ..)| *waiting == connection);
            if let Some(gone) = gone {
                let (_, _, member) = self.waiting.remove(gone);
                self.state.borrow_mut().members.remove(&member);
            }
        } else if input == Input::Timer(TICK) {
            for (connection, call, fetch) in std::mem::take(&mut self.parked) {
                let reply = Reply::Fetched(Arc::new(fetched(&self.state.borrow(), &fetch)));
                cx.reply(connection, call, reply);
            }
        }
        self.rebalance(cx);
        cx.arm(TICK, crate::time::Span::millis(50));
    }

    fn inspect(&self) -> Inspection {
        Inspection::new()
    }
}
