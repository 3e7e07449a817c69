//! One replica of one partition: its log, what the metadata log says about it, and its role. The leader's
//! part: appends (K1), the high watermark (K2, K6) and the answers that wait for it.

use crate::actor::{Context, Inspection};
use crate::broker::log::config::{FirstSequence, LogFlaw};
use crate::broker::log::controller::PartitionImage;
use crate::broker::log::desk::{Answer, Desk};
use crate::broker::log::partition_log::PartitionLog;
use crate::broker::log::points;
use crate::broker::log::producers::Verdict;
use crate::event::Entry;
use crate::history::{Fact, Role as Office};
use crate::id::{Epoch, Offset};
use crate::message::Refusal;
use crate::message::log::{Acks, BrokerSet, Publish, Published};
use crate::time::Mono;
use std::collections::VecDeque;

/// How far a follower is, as its leader knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// The follower's index.
    pub index: u16,
    /// The fetch session in which the follower reads this partition; 0 is none.
    pub session: u32,
    /// Everything below is in the follower's log; none until it has fetched in this epoch.
    pub position: Option<Offset>,
    /// Whether the partition stands in the session's list of news.
    pub queued: bool,
    /// The high watermark and log start that the follower was last told.
    pub told: (Offset, Offset),
    /// When the follower last had all of the log.
    pub caught_up: Mono,
    /// Its last explicit fetch, and the log's end then.
    pub last_fetch: (Mono, Offset),
}

/// An in-sync set that the controller has been asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingIsr {
    /// The set.
    pub isr: BrokerSet,
    /// The version that the wish builds on.
    pub version: u32,
    /// Whether an earlier attempt may have been taken although no answer came.
    pub uncertain: bool,
}

/// A publish that waits.
#[derive(Clone, Debug)]
struct Waiter {
    end: Offset,
    answer: Answer,
    published: Published,
}

/// What a leader knows beside its log.
#[derive(Debug)]
pub(super) struct Leading {
    /// Where its epoch begins.
    pub epoch_start: Offset,
    /// The other replicas.
    pub followers: Vec<Progress>,
    /// The in-sync set asked for.
    pub pending_isr: Option<PendingIsr>,
    /// acks=1: wait for the page cache. In order of `end`.
    for_disk: VecDeque<Waiter>,
    /// acks=all: wait for the high watermark. In order of `end`.
    for_commit: VecDeque<Waiter>,
}

/// What a follower does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits before it asks (again).
    Waiting,
    /// It has asked where an epoch ends (K5).
    Asking,
    /// It fetches.
    Fetching,
}

/// What a replica is.
#[derive(Debug)]
pub(super) enum Role {
    /// Neither: the partition is offline, or the broker is not registered.
    Idle,
    /// The leader.
    Leader(Leading),
    /// A follower of the node at `leader`.
    Follower {
        /// The leader's index.
        leader: u16,
        /// What it does.
        phase: Phase,
    },
}

/// A replica.
#[derive(Debug)]
pub(super) struct Replica {
    /// Its slot.
    pub slot: u32,
    /// All replicas of the partition.
    pub peers: BrokerSet,
    /// Its log.
    pub log: PartitionLog,
    /// What the metadata log says.
    pub view: PartitionImage,
    /// The high watermark as this replica knows it. Invariant: never above the log's end.
    pub high_watermark: Offset,
    /// Its role.
    pub role: Role,
    /// Parked polls of consumers.
    pub polls: Vec<u64>,
}

impl Replica {
    /// A replica that has not heard of any leader.
    pub fn new(slot: u32, peers: BrokerSet, log: PartitionLog, high_watermark: Offset) -> Replica {
        Replica {
            slot,
            peers,
            high_watermark: high_watermark.min(log.end()).max(log.start()),
            log,
            view: PartitionImage::default(),
            role: Role::Idle,
            polls: Vec::new(),
        }
    }

    /// What the leader knows, none if this is not the leader.
    pub const fn leading(&self) -> Option<&Leading> {
        match &self.role {
            Role::Leader(leading) => Some(leading),
            Role::Idle | Role::Follower { .. } => None,
        }
    }

    /// The same, to change.
    pub const fn leading_mut(&mut self) -> Option<&mut Leading> {
        match &mut self.role {
            Role::Leader(leading) => Some(leading),
            Role::Idle | Role::Follower { .. } => None,
        }
    }

    /// The index of the leader that this replica follows.
    pub const fn followed(&self) -> Option<u16> {
        match self.role {
            Role::Follower { leader, .. } => Some(leader),
            Role::Idle | Role::Leader(_) => None,
        }
    }

    /// What a reader or follower who believes in `epoch` is told, if anything is wrong with that (KIP-320).
    pub fn check_epoch(&self, epoch: Epoch) -> Result<(), Refusal> {
        if epoch > self.view.epoch {
            Err(Refusal::UnknownLeaderEpoch)
        } else if self.leading().is_none() {
            Err(Refusal::NotLeader)
        } else if epoch < self.view.epoch {
            Err(Refusal::FencedLeaderEpoch)
        } else {
            Ok(())
        }
    }

    /// Where a consumer may read to.
    pub fn read_limit(&self, desk: &Desk) -> Offset {
        if desk.settings.has(LogFlaw::ReadUncommitted) {
            self.log.written()
        } else {
            self.high_watermark
        }
    }

    /// Learns a newer state from the metadata log.
    pub fn apply(&mut self, cx: &mut Context<'_>, desk: &mut Desk, view: PartitionImage) {
        assert!(
            view.epoch >= self.view.epoch,
            "the epoch of {} went back from {} to {}",
            self.log.partition(),
            self.view.epoch,
            view.epoch
        );
        let before = std::mem::replace(&mut self.view, view);
        let leads = view.leader == Some(desk.settings.index);
        if leads && view.epoch == before.epoch && self.leading().is_some() {
            self.isr_applied(cx, desk);
        } else if leads {
            self.lead(cx, desk, before.epoch);
        } else if view.epoch == before.epoch
            && view.leader.is_some()
            && view.leader == self.followed()
        {
            // Only the in-sync set has changed, which is the leader's business.
        } else {
            self.stop_leading(cx, desk, before.epoch);
            self.role = match view.leader {
                None => Role::Idle,
                Some(leader) => {
                    desk.to_follow.push(self.slot);
                    Role::Follower {
                        leader,
                        phase: Phase::Waiting,
                    }
                }
            };
        }
    }

    /// Begins to lead (K4): the whole log stays, also what lies above the high watermark.
    fn lead(&mut self, cx: &mut Context<'_>, desk: &mut Desk, before: Epoch) {
        let (index, now) = (desk.settings.index, cx.monotonic());
        let old = match std::mem::replace(&mut self.role, Role::Idle) {
            Role::Leader(leading) => {
                self.office_lost(cx, before);
                Some(leading)
            }
            Role::Idle | Role::Follower { .. } => None,
        };
        let followers = self.peers.without(index).iter().map(|index| Progress {
            index,
            session: 0,
            position: None,
            queued: false,
            told: (Offset(0), Offset(0)),
            caught_up: now,
            last_fetch: (now, Offset(0)),
        });
        let mut leading = Leading {
            epoch_start: self.log.end(),
            followers: followers.collect(),
            pending_isr: None,
            for_disk: VecDeque::new(),
            for_commit: VecDeque::new(),
        };
        // A leader that leads again has cut nothing, so its publishers go on waiting.
        if let Some(old) = old {
            leading.for_disk = old.for_disk;
            leading.for_commit = old.for_commit;
        }
        self.role = Role::Leader(leading);
        cx.observe(Fact::RoleTaken {
            role: Office::Leader(self.log.partition()),
            epoch: u64::from(self.view.epoch.0),
        });
        cx.point(points::LEADER_CHANGED);
        desk.woken_polls.extend(&self.polls);
        self.advance_high_watermark(cx, desk);
    }

    fn office_lost(&self, cx: &mut Context<'_>, epoch: Epoch) {
        cx.observe(Fact::RoleLost {
            role: Office::Leader(self.log.partition()),
            epoch: u64::from(epoch.0),
        });
    }

    /// Steps down: the fate of what waits is open, since the next leader may have it.
    pub fn stop_leading(&mut self, cx: &mut Context<'_>, desk: &mut Desk, epoch: Epoch) {
        if let Role::Leader(leading) = std::mem::replace(&mut self.role, Role::Idle) {
            self.office_lost(cx, epoch);
            for waiter in leading.for_disk.into_iter().chain(leading.for_commit) {
                desk.answer(cx, waiter.answer, Err(Refusal::TimedOut));
            }
            desk.woken_polls.extend(&self.polls);
        }
    }

    /// Stores a batch (K1, K7, K16) and answers when its acks say so.
    pub fn publish(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
        answer: Answer,
        publish: Publish,
    ) {
        if let Err(refusal) = self.admit(cx, desk, answer, &publish) {
            desk.answer(cx, answer, Err(refusal));
        }
    }

    fn admit(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
        answer: Answer,
        publish: &Publish,
    ) -> Result<(), Refusal> {
        if self.leading().is_none() {
            return Err(Refusal::NotLeader);
        }
        if publish.acks == Acks::All && self.view.isr.len() < desk.settings.min_isr {
            cx.point(points::NOT_ENOUGH_REPLICAS);
            return Err(Refusal::NotEnoughReplicas);
        }
        let batch = &publish.batch;
        let verdict = match batch.producer {
            Some(producer) if !desk.settings.has(LogFlaw::ForgetSequence) => {
                // Nothing can have expired in a partition that has never held a record.
                let starts_at_zero = self.log.end() == Offset(0)
                    && desk.settings.first_sequence == FirstSequence::Zero;
                let producers = &self.log.producers;
                producers.judge(producer, batch.count(), starts_at_zero)
            }
            Some(_) | None => Verdict::Append,
        };
        let (base, end) = match verdict {
            Verdict::Refuse(refusal) => return Err(refusal),
            Verdict::Duplicate { base, end } => {
                cx.point(points::DUPLICATE_BATCH);
                (base, end)
            }
            Verdict::Append => {
                let entry = Entry {
                    base: self.log.end(),
                    epoch: self.view.epoch,
                    batch: batch.clone(),
                };
                let (base, end) = (entry.base, entry.end());
                self.log.append(cx, entry, desk.settings.log);
                (base, end)
            }
        };
        let published = Published {
            partition: publish.partition,
            base,
            batch: batch.clone(),
        };
        let waiter = Waiter {
            end,
            answer,
            published,
        };
        self.wait(cx, desk, publish.acks, waiter);
        Ok(())
    }

    fn wait(&mut self, cx: &mut Context<'_>, desk: &mut Desk, acks: Acks, waiter: Waiter) {
        let (written, high_watermark) = (self.log.written(), self.high_watermark);
        let hasty = desk.settings.has(LogFlaw::AckBeforeReplicate);
        let Some(leading) = self.leading_mut() else {
            return;
        };
        let (queue, reached) = match acks {
            Acks::None => return,
            Acks::All if !hasty => (&mut leading.for_commit, high_watermark),
            Acks::All | Acks::Leader => (&mut leading.for_disk, written),
        };
        if waiter.end <= reached {
            desk.answer(cx, waiter.answer, Ok(waiter.published));
            return;
        }
        // A duplicate of an older batch waits among those of its end.
        let at = queue.partition_point(|other| other.end <= waiter.end);
        queue.insert(at, waiter);
    }

    /// The disk has an append: acks=1 is answered, then the followers are told.
    pub fn wrote(&mut self, cx: &mut Context<'_>, desk: &mut Desk, number: u64) {
        let before = self.log.written();
        if !self.log.wrote(number) {
            return;
        }
        let written = self.log.written();
        let Some(leading) = self.leading_mut() else {
            return;
        };
        release(cx, desk, &mut leading.for_disk, written);
        cx.point(points::AFTER_APPEND);
        for follower in &mut leading.followers {
            // Until this append the follower had everything, as its last fetch proved.
            if follower.position == Some(before) {
                let session = &desk.sessions[usize::from(follower.index)];
                follower.caught_up = follower.caught_up.max(session.last_fetch);
            }
        }
        self.advance_high_watermark(cx, desk);
        self.tell_followers(desk, true);
        if desk.settings.has(LogFlaw::ReadUncommitted) {
            desk.woken_polls.extend(&self.polls);
        }
    }

    /// Moves the high watermark up to what every in-sync replica has, those included that are about to join
    /// (K2); it stands while the in-sync set is too small (K6).
    pub fn advance_high_watermark(&mut self, cx: &mut Context<'_>, desk: &mut Desk) {
        let (written, isr) = (self.log.written(), self.view.isr);
        let Some(leading) = self.leading() else {
            return;
        };
        if isr.len() < desk.settings.min_isr {
            return;
        }
        let joining = leading.pending_isr.map_or(isr, |pending| pending.isr);
        let reached = leading
            .followers
            .iter()
            .filter(|follower| isr.contains(follower.index) || joining.contains(follower.index))
            .map(|follower| follower.position.unwrap_or_default())
            .fold(written, Offset::min);
        if reached <= self.high_watermark {
            return;
        }
        self.high_watermark = reached;
        cx.observe(Fact::Committed {
            partition: self.log.partition(),
            until: reached,
        });
        if let Some(leading) = self.leading_mut() {
            release(cx, desk, &mut leading.for_commit, reached);
        }
        self.tell_followers(desk, false);
        desk.woken_polls.extend(&self.polls);
    }

    /// Puts this partition on the list of every follower that reads it; with `data` a parked fetch wakes.
    pub fn tell_followers(&mut self, desk: &mut Desk, data: bool) {
        let slot = self.slot;
        let Some(leading) = self.leading_mut() else {
            return;
        };
        for follower in &mut leading.followers {
            let session = &mut desk.sessions[usize::from(follower.index)];
            if follower.session == 0 || follower.session != session.number {
                continue;
            }
            if !follower.queued {
                follower.queued = true;
                session.news.push(slot);
            }
            if data && session.is_parked() {
                desk.woken_sessions |= 1 << follower.index;
            }
        }
    }

    /// The in-sync set that was asked for, or another, is in the metadata log.
    fn isr_applied(&mut self, cx: &mut Context<'_>, desk: &mut Desk) {
        let version = self.view.version;
        let too_few = self.view.isr.len() < desk.settings.min_isr;
        let Some(leading) = self.leading_mut() else {
            return;
        };
        leading.pending_isr = leading
            .pending_isr
            .filter(|pending| pending.version >= version);
        if too_few {
            for waiter in std::mem::take(&mut leading.for_commit) {
                let refusal = Refusal::NotEnoughReplicasAfterAppend;
                desk.answer(cx, waiter.answer, Err(refusal));
            }
        }
        self.advance_high_watermark(cx, desk);
    }

    /// The disk refused append `number`: who waits for it learns the reason, the others' fate is open.
    pub fn write_failed(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
        number: u64,
        refusal: Refusal,
    ) {
        let end = self.log.end_of(number);
        let Some(leading) = self.leading_mut() else {
            return;
        };
        for queue in [&mut leading.for_disk, &mut leading.for_commit] {
            queue.retain(|waiter| {
                let failed = Some(waiter.end) == end;
                if failed {
                    desk.answer(cx, waiter.answer, Err(refusal));
                }
                !failed
            });
        }
    }

    /// What a person would like to see.
    pub fn inspect(&self) -> Inspection {
        let role = match &self.role {
            Role::Idle => "idle".to_owned(),
            Role::Leader(_) => "leader".to_owned(),
            Role::Follower { leader, phase } => format!("follower of {leader}, {phase:?}"),
        };
        let isr: Vec<String> = self.view.isr.iter().map(|i| i.to_string()).collect();
        Inspection::new()
            .value("role", role)
            .value("epoch", self.view.epoch)
            .value("log start", self.log.start())
            .value("high watermark", self.high_watermark)
            .value("log end", self.log.end())
            .value("in sync", isr.join(" "))
    }
}

fn release(cx: &mut Context<'_>, desk: &mut Desk, queue: &mut VecDeque<Waiter>, reached: Offset) {
    while queue.front().is_some_and(|waiter| waiter.end <= reached) {
        if let Some(waiter) = queue.pop_front() {
            desk.answer(cx, waiter.answer, Ok(waiter.published));
        }
    }
}
