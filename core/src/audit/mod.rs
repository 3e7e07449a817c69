//! The fresh client that reads everything when a run is over: every partition of every log from its start to
//! its high watermark, and every row of every sink. It judges nothing: the World turns the answers it is
//! given into facts, and the checks read those.

#[cfg(test)]
mod tests;

use crate::actor::{Actor, Context, Input, Inspection};
use crate::call::Calls;
use crate::history::Fact;
use crate::id::{Epoch, NodeId, Offset, Partition, TimerId, TopicId};
use crate::message::log::{Fetch, FetchPart, Fetched, Metadata, OffsetSpec, Reader};
use crate::message::sink::ReadRows;
use crate::message::{Message, Reply, Request};
use crate::part::Cluster;
use crate::time::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is to be read.
#[derive(Clone, Debug, Default)]
pub struct AuditPlan {
    /// The log brokers, each with the partitions of its topics by `TopicId`.
    pub logs: Vec<(Cluster, Vec<u16>)>,
    /// The nodes of the sinks.
    pub sinks: Vec<NodeId>,
    /// How long an answer is waited for, and how long until a failed question is asked again.
    pub patience: Span,
}

/// Bytes of one fetch.
const FETCH_BYTES: u32 = 4 << 20;
/// Rows of one page.
const PAGE_ROWS: u32 = 10_000;
/// Runs out when failed questions are asked again.
const AGAIN: TimerId = TimerId(1);

/// A question, and what is needed to ask it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// Who leads the partitions of this topic?
    Topic { log: usize, topic: u16 },
    /// Where does this partition begin?
    Start(Slot),
    /// Where does it end?
    End(Slot),
    /// What does it hold?
    Records(Slot),
    /// What does this sink show from here on?
    Rows { sink: usize, cursor: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    log: usize,
    partition: Partition,
}

/// How far a partition has been read.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    leader: Option<NodeId>,
    epoch: Epoch,
    next: Offset,
    end: Offset,
}

/// Reads everything, then observes [`Fact::AuditDone`].
#[derive(Debug)]
pub struct Auditor {
    plan: AuditPlan,
    calls: Calls<Question>,
    again: Vec<Question>,
    partitions: BTreeMap<Slot, Progress>,
    /// Partitions and sinks not yet read to their end.
    unread: usize,
    /// Which node of a broker is asked for metadata; the next one after a failure.
    turn: u16,
}

impl Auditor {
    /// An auditor before its boot.
    #[must_use]
    pub fn new(plan: AuditPlan) -> Auditor {
        Auditor {
            plan,
            calls: Calls::new(0),
            again: Vec::new(),
            partitions: BTreeMap::new(),
            unread: 0,
            turn: 0,
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.unread = self.plan.sinks.len();
        for sink in 0..self.plan.sinks.len() {
            self.ask(cx, Question::Rows { sink, cursor: 0 });
        }
        for log in 0..self.plan.logs.len() {
            for topic in 0..self.plan.logs[log].1.len() {
                self.unread += usize::from(self.plan.logs[log].1[topic]);
                self.ask(
                    cx,
                    Question::Topic {
                        log,
                        topic: topic as u16,
                    },
                );
            }
        }
        self.finish_if_done(cx);
    }

    fn ask(&mut self, cx: &mut Context<'_>, question: Question) {
        let Some((peer, request)) = self.request(question) else {
            self.ask_again(cx, question);
            return;
        };
        self.calls
            .ask(cx, peer, request, self.plan.patience, question);
    }

    fn request(&self, question: Question) -> Option<(NodeId, Request)> {
        let leader = |slot: Slot| {
            self.partitions
                .get(&slot)
                .and_then(|progress| progress.leader)
        };
        Some(match question {
            Question::Topic { log, topic } => {
                let cluster = self.plan.logs[log].0;
                (
                    cluster.node(self.turn % cluster.nodes),
                    Request::Metadata(TopicId(topic)),
                )
            }
            Question::Start(slot) => {
                let request = Request::ListOffset {
                    partition: slot.partition,
                    spec: OffsetSpec::Earliest,
                };
                (leader(slot)?, request)
            }
            Question::End(slot) => {
                let request = Request::ListOffset {
                    partition: slot.partition,
                    spec: OffsetSpec::Latest,
                };
                (leader(slot)?, request)
            }
            Question::Records(slot) => {
                let progress = self.partitions.get(&slot)?;
                let part = FetchPart {
                    partition: slot.partition,
                    from: progress.next,
                    epoch: progress.epoch,
                };
                let fetch = Fetch {
                    reader: Reader::Audit,
                    parts: vec![part],
                    max_wait: self.plan.patience / 4,
                    min_bytes: 1,
                    max_bytes: FETCH_BYTES,
                };
                (progress.leader?, Request::Fetch(Arc::new(fetch)))
            }
            Question::Rows { sink, cursor } => (
                self.plan.sinks[sink],
                Request::ReadRows(ReadRows {
                    cursor,
                    max: PAGE_ROWS,
                }),
            ),
        })
    }

    fn ask_again(&mut self, cx: &mut Context<'_>, question: Question) {
        if self.again.is_empty() {
            cx.arm(AGAIN, self.plan.patience / 4);
        }
        // Whatever failed about a partition, its leader may have changed.
        let question = match question {
            Question::Start(slot) | Question::End(slot) | Question::Records(slot) => {
                Question::Topic {
                    log: slot.log,
                    topic: slot.partition.topic.0,
                }
            }
            Question::Topic { .. } | Question::Rows { .. } => question,
        };
        if !self.again.contains(&question) {
            self.again.push(question);
        }
    }

    fn answered(&mut self, cx: &mut Context<'_>, question: Question, reply: Reply) {
        match (question, reply) {
            (Question::Topic { log, .. }, Reply::Metadata(metadata)) => {
                self.led(cx, log, &metadata)
            }
            (Question::Start(slot), Reply::OffsetAt { offset, .. }) => {
                if let Some(progress) = self.partitions.get_mut(&slot) {
                    progress.next = offset;
                }
                self.ask(cx, Question::End(slot));
            }
            (Question::End(slot), Reply::OffsetAt { offset, .. }) => {
                if let Some(progress) = self.partitions.get_mut(&slot) {
                    progress.end = offset;
                }
                self.read_on(cx, slot);
            }
            (Question::Records(slot), Reply::Fetched(fetched)) => self.fetched(cx, slot, &fetched),
            (Question::Rows { sink, .. }, Reply::Rows(rows)) => match rows.next {
                Some(cursor) => self.ask(cx, Question::Rows { sink, cursor }),
                None => self.read(cx),
            },
            (question, _) => {
                self.turn = self.turn.wrapping_add(1);
                self.ask_again(cx, question);
            }
        }
    }

    /// Who leads a topic's partitions is known: those not begun are begun, those under way go on.
    fn led(&mut self, cx: &mut Context<'_>, log: usize, metadata: &Metadata) {
        for state in &metadata.partitions {
            let slot = Slot {
                log,
                partition: state.partition,
            };
            let known = self.partitions.get(&slot).copied();
            if known.is_some_and(|progress| progress.leader.is_some()) && !self.is_stuck(slot) {
                continue;
            }
            let progress = Progress {
                leader: state.leader,
                epoch: state.epoch,
                ..known.unwrap_or_default()
            };
            self.partitions.insert(slot, progress);
            self.ask(
                cx,
                if known.is_none() {
                    Question::Start(slot)
                } else {
                    Question::End(slot)
                },
            );
        }
    }

    /// Whether a partition is neither read to its end nor asked for.
    fn is_stuck(&self, slot: Slot) -> bool {
        let asked = self.calls.iter().any(|(_, _, question)| {
            matches!(question, Question::Start(of) | Question::End(of) | Question::Records(of) if *of == slot)
        });
        !asked
            && self
                .partitions
                .get(&slot)
                .is_some_and(|progress| progress.end != DONE)
    }

    fn fetched(&mut self, cx: &mut Context<'_>, slot: Slot, fetched: &Fetched) {
        for part in &fetched.parts {
            if part.refusal.is_some() {
                self.ask_again(cx, Question::Records(slot));
                return;
            }
            if let (Some(last), Some(progress)) =
                (part.entries.last(), self.partitions.get_mut(&slot))
            {
                progress.next = progress.next.max(last.end());
            }
        }
        self.read_on(cx, slot);
    }

    fn read_on(&mut self, cx: &mut Context<'_>, slot: Slot) {
        let Some(progress) = self.partitions.get_mut(&slot) else {
            return;
        };
        if progress.next < progress.end {
            self.ask(cx, Question::Records(slot));
        } else {
            progress.end = DONE;
            self.read(cx);
        }
    }

    /// One more partition or sink is read.
    fn read(&mut self, cx: &mut Context<'_>) {
        assert!(self.unread > 0, "more was read than there is");
        self.unread -= 1;
        self.finish_if_done(cx);
    }

    fn finish_if_done(&self, cx: &mut Context<'_>) {
        if self.unread == 0 {
            cx.observe(Fact::AuditDone);
        }
    }
}

/// The end of a partition that has been read.
const DONE: Offset = Offset(u64::MAX);

impl Actor for Auditor {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start => self.start(cx),
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } => {
                if let Some(question) = self.calls.answered(cx, call) {
                    self.answered(cx, question, reply);
                }
            }
            Input::Timer(AGAIN) => {
                for question in std::mem::take(&mut self.again) {
                    self.ask(cx, question);
                }
            }
            Input::Timer(timer) => {
                self.turn = self.turn.wrapping_add(1);
                for (_, _, question) in self.calls.expired(cx, timer) {
                    self.ask_again(cx, question);
                }
            }
            Input::Closed { connection, .. } => {
                self.turn = self.turn.wrapping_add(1);
                for (_, _, question) in self.calls.closed(cx, connection) {
                    self.ask_again(cx, question);
                }
            }
            Input::Opened { .. } | Input::Message { .. } | Input::Disk(_) | Input::Control(_) => {}
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("unread", self.unread)
    }
}
