//! A checkpoint store: the latest state and position of every input partition, on a node of its own.
//!
//! It answers when what it says is durable, and refuses owners older than the newest it has seen.

use super::points;
use crate::actor::{Actor, Context, Input, Inspection, Origin, Work};
use crate::disk::{DiskError, DiskRecord, FileId, FileKind};
use crate::history::Fact;
use crate::id::{GroupId, Partition, TimerId};
use crate::message::sink::Checkpoint;
use crate::message::{Message, Refusal, Reply, Request};
use crate::sink::journal::{Journal, Progress};
use crate::sink::{Asker, Batch, DISK_BACKOFF, Intake};
use std::collections::BTreeMap;
use std::sync::Arc;

const RETRY: TimerId = TimerId(1);

/// The file is written anew when it has this many state entries more than twice the live ones.
const COMPACTION_SLACK: u64 = 20_000;

type Place = (GroupId, Partition);

#[derive(Clone, Debug)]
enum Change {
    Adopt(Place, u32),
    Save(Arc<Checkpoint>),
}

impl Change {
    fn place(&self) -> Place {
        match self {
            Change::Adopt(place, _) => *place,
            Change::Save(checkpoint) => (checkpoint.group, checkpoint.covered.partition),
        }
    }

    fn epoch(&self) -> u32 {
        match self {
            Change::Adopt(_, epoch) => *epoch,
            Change::Save(checkpoint) => checkpoint.epoch,
        }
    }
}

#[derive(Debug, Default)]
struct Kept {
    epoch: u32,
    latest: Option<Arc<Checkpoint>>,
}

/// A checkpoint store on one node.
#[derive(Debug)]
pub struct CheckpointStore {
    kept: BTreeMap<Place, Kept>,
    journal: Journal,
    intake: Intake<Change>,
    batch: Batch<Change>,
    /// State entries in the file and among the latest checkpoints.
    journaled: u64,
    live: u64,
}

impl Default for CheckpointStore {
    fn default() -> CheckpointStore {
        CheckpointStore::new()
    }
}

impl CheckpointStore {
    /// A store with nothing in memory; it recovers from its disk.
    #[must_use]
    pub fn new() -> CheckpointStore {
        CheckpointStore {
            kept: BTreeMap::new(),
            journal: Journal::new(FileId::new(FileKind::Checkpoints, 0, 0)),
            intake: Intake::default(),
            batch: Batch::default(),
            journaled: 0,
            live: 0,
        }
    }

    fn on_request(&mut self, cx: &mut Context<'_>, asker: Asker, request: Request) {
        let change = match request {
            Request::Adopt {
                group,
                partition,
                epoch,
            } => Change::Adopt((group, partition), epoch),
            Request::SaveCheckpoint(checkpoint) => Change::Save(checkpoint),
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
            | Request::Write(_)
            | Request::ReadRows(_)
            | Request::AcquireLease(_) => return asker.refuse(cx, Refusal::Unsupported),
        };
        cx.spend(match &change {
            Change::Adopt(..) => Work::request(0, 0),
            Change::Save(checkpoint) => {
                let entries = checkpoint.state.len() as u32;
                Work::request(entries, 16 * entries)
            }
        });
        self.intake.push(cx, asker, change);
        self.pump(cx);
    }

    fn pump(&mut self, cx: &mut Context<'_>) {
        if !self.journal.is_idle() {
            return;
        }
        if self.journaled > 2 * self.live + COMPACTION_SLACK {
            self.journaled = self.live;
            let records = self.snapshot();
            return self.journal.rewrite(cx, records);
        }
        let mut records = Vec::new();
        while let Some((asker, change)) = self.intake.pop() {
            // One change of a place at a time: the next is judged when this one's fate is known.
            let place = change.place();
            if self.batch.changes().any(|other| other.place() == place) {
                self.intake.put_back(asker, change);
                break;
            }
            let epoch = self.kept.get(&place).map_or(0, |kept| kept.epoch);
            if change.epoch() < epoch {
                cx.point(points::STORE_FENCED);
                asker.refuse(cx, Refusal::Fenced);
                continue;
            }
            let record = match &change {
                Change::Adopt(_, claimed) if *claimed == epoch => {
                    self.answer(cx, asker, &change);
                    continue;
                }
                Change::Adopt((group, partition), epoch) => DiskRecord::Adopted {
                    group: *group,
                    partition: *partition,
                    epoch: *epoch,
                },
                Change::Save(checkpoint) => DiskRecord::Checkpoint(Arc::clone(checkpoint)),
            };
            let fact = match &change {
                Change::Adopt(..) => None,
                Change::Save(checkpoint) => Some(Fact::CheckpointStored(Arc::clone(checkpoint))),
            };
            records.push((record, fact));
            self.batch.push(asker, change);
        }
        if !records.is_empty() {
            self.journal.append(cx, records);
        }
    }

    fn apply(&mut self, change: &Change) {
        let kept = self.kept.entry(change.place()).or_default();
        kept.epoch = kept.epoch.max(change.epoch());
        match change {
            Change::Adopt(..) => {}
            Change::Save(checkpoint) => {
                let size = |checkpoint: &Checkpoint| checkpoint.state.len() as u64 + 1;
                self.live -= kept.latest.as_deref().map_or(0, size);
                self.live += size(checkpoint);
                self.journaled += size(checkpoint);
                kept.latest = Some(Arc::clone(checkpoint));
            }
        }
    }

    fn answer(&self, cx: &mut Context<'_>, asker: Asker, change: &Change) {
        let reply = match change {
            Change::Adopt(place, _) => {
                Reply::Adopted(self.kept.get(place).and_then(|kept| kept.latest.clone()))
            }
            Change::Save(_) => Reply::CheckpointSaved,
        };
        asker.answer(cx, reply);
    }

    fn on_progress(&mut self, cx: &mut Context<'_>, progress: Progress) {
        match progress {
            Progress::Nothing => {}
            Progress::Loaded(records) => {
                for record in records {
                    self.replay(record);
                }
            }
            Progress::Written(results) => self.on_written(cx, &results),
            Progress::Durable => {
                for (asker, change) in self.batch.take() {
                    self.answer(cx, asker, &change);
                }
                self.pump(cx);
            }
            Progress::Failed => cx.arm(RETRY, DISK_BACKOFF),
        }
    }

    fn on_written(&mut self, cx: &mut Context<'_>, results: &[Result<(), DiskError>]) {
        let mut batch = std::mem::take(&mut self.batch);
        let is_sure = batch.written(cx, results, |change| self.apply(change));
        self.batch = batch;
        if is_sure {
            cx.point(points::STORE_AFTER_WRITE_BEFORE_SYNC);
            self.journal.sync(cx);
        } else {
            self.journal.distrust();
            cx.arm(RETRY, DISK_BACKOFF);
        }
    }

    fn replay(&mut self, record: DiskRecord) {
        match record {
            DiskRecord::Checkpoint(checkpoint) => self.apply(&Change::Save(checkpoint)),
            DiskRecord::Adopted {
                group,
                partition,
                epoch,
            } => self.apply(&Change::Adopt((group, partition), epoch)),
            DiskRecord::Entry(_)
            | DiskRecord::Raft(_)
            | DiskRecord::Vote { .. }
            | DiskRecord::Mark { .. }
            | DiskRecord::Enqueued { .. }
            | DiskRecord::Settled { .. }
            | DiskRecord::Write(_)
            | DiskRecord::Custom { .. } => {}
        }
    }

    fn snapshot(&self) -> Vec<DiskRecord> {
        let mut records = Vec::new();
        for ((group, partition), kept) in &self.kept {
            records.push(DiskRecord::Adopted {
                group: *group,
                partition: *partition,
                epoch: kept.epoch,
            });
            records.extend(kept.latest.clone().map(DiskRecord::Checkpoint));
        }
        records
    }
}

impl Actor for CheckpointStore {
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
        let seen = Inspection::new().value("waiting", self.intake.len());
        self.kept
            .iter()
            .fold(seen, |seen, ((group, partition), kept)| {
                let next = kept.latest.as_ref().map(|latest| latest.covered.next.0);
                seen.value(
                    &format!("{group} {partition}"),
                    format!("epoch {}, next {next:?}", kept.epoch),
                )
            })
    }
}
