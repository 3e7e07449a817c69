//! Sinks: where effects become visible.
//!
//! A sink is a small database with a journal. Requests that come while the disk works wait and are taken
//! together (group commit), so a sync is paid once for many. A write is visible when the journal has it and
//! answered when it is durable; recovery reads the journal back.
//!
//! Promises: an answered write survives power losses (unless `sync_before_ack` is off), a versioned upsert
//! never goes back (D3), a transactional sink applies each covered position once and refuses every writer
//! older than the last adopted one, and one that refuses lower tokens applies writes under a lease in the order of
//! their tokens. Limits: one node, no replicas; rows of append and transactional sinks
//! are kept for ever, as their readers expect.

pub mod config;
mod fences;
mod intake;
pub(crate) mod journal;
pub mod points;
mod table;
#[cfg(test)]
mod tests;
mod tokens;

use crate::actor::{Actor, Context, Input, Inspection, Origin, Work};
use crate::disk::{DiskError, DiskRecord, FileId, FileKind};
use crate::history::Fact;
use crate::id::TimerId;
use crate::message::sink::{Checkpoint, Write};
use crate::message::{Message, Refusal, Reply, Request};
use crate::time::Span;
use config::{SinkConfig, SinkFlaw, SinkKind};
use fences::{Fences, Verdict};
pub(crate) use intake::{Asker, Batch, Intake};
use journal::{Journal, Progress};
use std::sync::Arc;
use table::Table;
use tokens::Tokens;

/// How long rows that are answered before they are durable stay in the page cache at most.
const FLUSH_INTERVAL: Span = Span::millis(200);
/// The wait before a failed disk is tried again.
pub(crate) const DISK_BACKOFF: Span = Span::millis(100);
/// Rows in a page at most, whatever a reader asks for.
const PAGE_ROWS: u32 = 10_000;
/// A sink that lies leaves out one write in so many.
const LIE_EVERY: u64 = 10;

const FLUSH: TimerId = TimerId(1);
const RETRY: TimerId = TimerId(2);

/// What a sink is asked to change.
#[derive(Clone, Debug)]
enum Change {
    Write(Arc<Write>),
    Adopt(fences::Claim),
}

/// A sink on one node.
#[derive(Debug)]
pub struct Sink {
    kind: SinkKind,
    /// Whether answers wait for the sync.
    acks_durable: bool,
    skips_fence: bool,
    lies: bool,
    table: Table,
    fences: Fences,
    /// The highest tokens, where lower ones are refused.
    tokens: Option<Tokens>,
    journal: Journal,
    intake: Intake<Change>,
    batch: Batch<Change>,
    /// Whether something answered is not durable yet, and a flush is armed.
    flush_armed: bool,
    flush_due: bool,
    writes: u64,
}

impl Sink {
    /// A sink with these settings and nothing in memory; it recovers from its disk.
    #[must_use]
    pub fn new(config: &SinkConfig) -> Sink {
        let has = |flaw| config.flaws.contains(&flaw);
        Sink {
            kind: config.kind,
            acks_durable: config.sync_before_ack && !has(SinkFlaw::AckBeforeSync),
            skips_fence: has(SinkFlaw::SkipFence),
            lies: has(SinkFlaw::LieInFacts),
            table: Table::new(config.kind, !has(SinkFlaw::IgnoreVersion)),
            fences: Fences::default(),
            tokens: (config.refuses_lower_tokens && config.kind != SinkKind::Transactional)
                .then(Tokens::default),
            journal: Journal::new(FileId::new(FileKind::Rows, 0, 0)),
            intake: Intake::default(),
            batch: Batch::default(),
            flush_armed: false,
            flush_due: false,
            writes: 0,
        }
    }

    fn on_request(&mut self, cx: &mut Context<'_>, asker: Asker, request: Request) {
        match request {
            Request::Write(write) => {
                cx.spend(Work::request(write.rows.len() as u32, write.bytes()));
                self.take_in(cx, asker, Change::Write(write));
            }
            Request::Adopt {
                group,
                partition,
                epoch,
            } => {
                cx.spend(Work::request(0, 0));
                if self.kind != SinkKind::Transactional {
                    return asker.refuse(cx, Refusal::Unsupported);
                }
                let claim = fences::Claim {
                    group,
                    partition,
                    epoch,
                };
                self.take_in(cx, asker, Change::Adopt(claim));
            }
            Request::ReadRows(read) => {
                if !self.journal.is_loaded() {
                    return asker.refuse(cx, Refusal::Overloaded);
                }
                let rows = self.table.page(read.cursor, read.max.clamp(1, PAGE_ROWS));
                cx.spend(Work::request(rows.rows.len() as u32, 0));
                asker.answer(cx, Reply::Rows(Arc::new(rows)));
            }
            Request::Metadata(_)
            | Request::InitProducer
            | Request::Publish(_)
            | Request::Fetch(_)
            | Request::EpochEnd { .. }
            | Request::ListOffset { .. }
            | Request::FindCoordinator(_)
            | Request::JoinGroup(_)
            | Request::GroupHeartbeat(_)
            | Request::LeaveGroup { .. }
            | Request::CommitOffsets(_)
            | Request::BrokerHeartbeat(_)
            | Request::AlterIsr(_)
            | Request::AllocateProducers
            | Request::Receive(_)
            | Request::Settle(_)
            | Request::AcquireLease(_)
            | Request::SaveCheckpoint(_) => asker.refuse(cx, Refusal::Unsupported),
        }
    }

    fn take_in(&mut self, cx: &mut Context<'_>, asker: Asker, change: Change) {
        self.intake.push(cx, asker, change);
        self.pump(cx);
    }

    /// Gives the journal its next work, if it is idle and there is some.
    fn pump(&mut self, cx: &mut Context<'_>) {
        if !self.journal.is_idle() {
            return;
        }
        if self.table.wants_compaction() {
            cx.point(points::COMPACTED);
            let records = self.snapshot();
            self.table.compacted();
            return self.journal.rewrite(cx, records);
        }
        if self.flush_due {
            self.flush_due = false;
            return self.journal.sync(cx);
        }
        let mut records = Vec::new();
        while let Some((asker, change)) = self.intake.pop() {
            // One change of a partition at a time: the next one is judged when this one's fate is known.
            if self.batch.changes().any(|other| depends(&change, other)) {
                self.intake.put_back(asker, change);
                break;
            }
            if let Some(record) = self.judge(cx, asker, &change) {
                let fact = match &change {
                    Change::Write(write) => Some(Fact::Effects(Arc::clone(write))),
                    Change::Adopt(_) => None,
                };
                records.push((record, fact));
                self.batch.push(asker, change);
            }
        }
        if !records.is_empty() {
            self.journal.append(cx, records);
        }
    }

    /// What a change puts into the journal; none if it is answered at once.
    fn judge(&mut self, cx: &mut Context<'_>, asker: Asker, change: &Change) -> Option<DiskRecord> {
        match change {
            Change::Write(write) => {
                let late = self.tokens.as_ref().filter(|_| !self.skips_fence);
                let verdict = match (self.kind, self.skips_fence) {
                    _ if late.is_some_and(|tokens| tokens.judge(write) == Verdict::Fenced) => {
                        Verdict::Fenced
                    }
                    (SinkKind::Transactional, false) => self.fences.judge(write),
                    (SinkKind::Transactional, true) => Verdict::Apply,
                    (SinkKind::Append | SinkKind::Upsert, _) => {
                        if self.table.would_change(write) {
                            Verdict::Apply
                        } else {
                            Verdict::Known
                        }
                    }
                };
                match verdict {
                    Verdict::Fenced => {
                        cx.point(points::FENCED);
                        asker.refuse(cx, Refusal::Fenced);
                        return None;
                    }
                    Verdict::Known => {
                        cx.point(points::WITHOUT_EFFECT);
                        asker.answer(cx, Reply::Written(Arc::clone(write)));
                        return None;
                    }
                    Verdict::Apply => {}
                }
                // Those that wait behind it in one append must not be older either.
                if let Some(tokens) = &mut self.tokens {
                    tokens.raise(write.group, write.epoch);
                }
                self.writes += 1;
                if self.lies && self.writes.is_multiple_of(LIE_EVERY) {
                    cx.observe(Fact::Effects(Arc::clone(write)));
                    asker.answer(cx, Reply::Written(Arc::clone(write)));
                    return None;
                }
                Some(DiskRecord::Write(Arc::clone(write)))
            }
            Change::Adopt(claim) => {
                let epoch = self.fences.epoch(claim);
                if claim.epoch < epoch && !self.skips_fence {
                    cx.point(points::FENCED);
                    asker.refuse(cx, Refusal::Fenced);
                    return None;
                }
                if claim.epoch == epoch {
                    self.answer(cx, asker, change);
                    return None;
                }
                Some(DiskRecord::Adopted {
                    group: claim.group,
                    partition: claim.partition,
                    epoch: claim.epoch,
                })
            }
        }
    }

    /// Makes a change visible, once the journal has it.
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Write(write) => {
                self.table.apply(write);
                self.fences.cover(write);
                if let Some(tokens) = &mut self.tokens {
                    tokens.raise(write.group, write.epoch);
                }
            }
            Change::Adopt(claim) => self.fences.adopt(claim),
        }
    }

    fn answer(&self, cx: &mut Context<'_>, asker: Asker, change: &Change) {
        let reply = match change {
            Change::Write(write) => Reply::Written(Arc::clone(write)),
            Change::Adopt(claim) => Reply::Adopted(self.fences.position(claim).map(|covered| {
                Arc::new(Checkpoint {
                    group: claim.group,
                    epoch: claim.epoch,
                    covered,
                    state: Arc::from([]),
                })
            })),
        };
        asker.answer(cx, reply);
    }

    fn answer_batch(&mut self, cx: &mut Context<'_>) {
        for (asker, change) in self.batch.take() {
            self.answer(cx, asker, &change);
        }
    }

    fn on_progress(&mut self, cx: &mut Context<'_>, progress: Progress) {
        match progress {
            Progress::Nothing => return,
            Progress::Loaded(records) => {
                for record in records {
                    self.replay(record);
                }
                cx.point(points::RECOVERED);
                return;
            }
            Progress::Written(results) => return self.on_written(cx, &results),
            Progress::Durable => {
                if self.batch.changes().len() > 0 {
                    cx.point(points::AFTER_SYNC_BEFORE_ACK);
                }
                self.answer_batch(cx);
            }
            Progress::Failed => return cx.arm(RETRY, DISK_BACKOFF),
        }
        self.pump(cx);
    }

    fn on_written(&mut self, cx: &mut Context<'_>, results: &[Result<(), DiskError>]) {
        let mut batch = std::mem::take(&mut self.batch);
        let is_sure = batch.written(cx, results, |change| self.apply(change));
        self.batch = batch;
        // What a failed append may have left behind goes when the file is written anew from memory.
        if !is_sure {
            self.journal.distrust();
            return cx.arm(RETRY, DISK_BACKOFF);
        }
        if self.acks_durable {
            cx.point(points::AFTER_WRITE_BEFORE_SYNC);
            self.journal.sync(cx);
            return;
        }
        self.answer_batch(cx);
        if !self.flush_armed {
            self.flush_armed = true;
            cx.arm(FLUSH, FLUSH_INTERVAL);
        }
        self.pump(cx);
    }

    fn replay(&mut self, record: DiskRecord) {
        match record {
            DiskRecord::Write(write) => self.apply(&Change::Write(write)),
            DiskRecord::Adopted {
                group,
                partition,
                epoch,
            } => match &mut self.tokens {
                Some(tokens) => tokens.raise(group, epoch),
                None => self.fences.adopt(&fences::Claim {
                    group,
                    partition,
                    epoch,
                }),
            },
            DiskRecord::Entry(_)
            | DiskRecord::Raft(_)
            | DiskRecord::Vote { .. }
            | DiskRecord::Mark { .. }
            | DiskRecord::Enqueued { .. }
            | DiskRecord::Settled { .. }
            | DiskRecord::Checkpoint(_)
            | DiskRecord::Custom { .. } => {}
        }
    }

    /// The shortest journal that gives the present contents.
    fn snapshot(&self) -> Vec<DiskRecord> {
        let mut records = self.table.snapshot();
        records.extend(self.fences.snapshot());
        records.extend(self.tokens.iter().flat_map(Tokens::snapshot));
        records
    }
}

/// Whether two changes concern the same writer's position.
fn depends(a: &Change, b: &Change) -> bool {
    let place = |change: &Change| match change {
        Change::Write(write) => write
            .covered
            .map(|covered| (write.group, covered.partition)),
        Change::Adopt(claim) => Some((claim.group, claim.partition)),
    };
    place(a).is_some() && place(a) == place(b)
}

impl Actor for Sink {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start => self.journal.open(cx),
            Input::Message {
                origin: Origin::Connection(connection),
                message: Message::Request { call, request },
                ..
            } => self.on_request(cx, Asker { connection, call }, request),
            Input::Disk(reply) => {
                // Only a step that takes time can be held at a point.
                cx.spend(Work::request(0, 0));
                let progress = self.journal.on_disk(cx, reply);
                self.on_progress(cx, progress);
            }
            Input::Timer(FLUSH) => {
                self.flush_armed = false;
                self.flush_due = true;
                self.pump(cx);
            }
            Input::Timer(RETRY) => {
                let records = self.snapshot();
                self.journal.retry(cx, records);
            }
            Input::Timer(_)
            | Input::Message { .. }
            | Input::Opened { .. }
            | Input::Closed { .. }
            | Input::Control(_) => {}
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new()
            .value("rows", self.table.len())
            .value("waiting", self.intake.len())
            .value("in the journal's hands", self.batch.changes().len())
            .child("positions", self.fences.inspect())
    }
}
