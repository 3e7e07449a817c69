//! Who hands out leases, on one node. A token is durable before it is handed out, so that none is used twice;
//! who holds it is known in memory alone.

use super::config::{DRIFT_MAX, LeaseClock, LeaseConfig, LeaseFlaw};
use super::points;
use crate::actor::{Actor, Context, Input, Inspection, Origin, Work};
use crate::disk::{DiskError, DiskRecord, FileId, FileKind};
use crate::history::Fact;
use crate::id::{GroupId, NodeId, Partition, TimerId};
use crate::message::lease::{AcquireLease, LeaseGranted};
use crate::message::{Message, Refusal, Reply, Request};
use crate::sink::journal::{Journal, Progress};
use crate::sink::{Asker, Batch, DISK_BACKOFF, Intake};
use crate::time::{Mono, Wall};
use std::collections::BTreeMap;

const RETRY: TimerId = TimerId(1);

/// A lease that was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grant {
    holder: NodeId,
    token: u32,
    /// When it is over on this node's wall clock, which the holder is told.
    expires: Wall,
    /// When it is over on this node's monotonic clock.
    ends: Mono,
}

/// A request for a lease.
#[derive(Clone, Copy, Debug)]
struct Wish {
    from: NodeId,
    ask: AcquireLease,
}

/// The authority of a lease.
#[derive(Debug)]
pub struct Authority {
    config: LeaseConfig,
    grants: BTreeMap<GroupId, Grant>,
    /// The last token of each group, durable or on its way.
    tokens: BTreeMap<GroupId, u32>,
    /// Before this, leases of an earlier boot may still run.
    grants_from: Mono,
    journal: Journal,
    intake: Intake<Wish>,
    batch: Batch<(Wish, u32)>,
}

impl Authority {
    /// An authority with these settings and nothing in memory; it recovers from its disk.
    #[must_use]
    pub fn new(config: &LeaseConfig) -> Authority {
        Authority {
            config: config.clone(),
            grants: BTreeMap::new(),
            tokens: BTreeMap::new(),
            grants_from: Mono(0),
            journal: Journal::new(FileId::new(FileKind::Marks, 0, 0)),
            intake: Intake::default(),
            batch: Batch::default(),
        }
    }

    fn has(&self, flaw: LeaseFlaw) -> bool {
        self.config.flaws.contains(&flaw)
    }

    fn on_request(&mut self, cx: &mut Context<'_>, asker: Asker, from: NodeId, request: Request) {
        cx.spend(Work::request(0, 0));
        let Request::AcquireLease(ask) = request else {
            return asker.refuse(cx, Refusal::Unsupported);
        };
        self.intake.push(cx, asker, Wish { from, ask });
        self.pump(cx);
    }

    /// Whether a grant still binds, on the clock that decides.
    fn runs(&self, grant: &Grant, cx: &Context<'_>) -> bool {
        match self.config.clock {
            LeaseClock::Wall => cx.wall() < grant.expires,
            LeaseClock::Monotonic => cx.monotonic() < grant.ends,
        }
    }

    fn pump(&mut self, cx: &mut Context<'_>) {
        if !self.journal.is_idle() {
            return;
        }
        let mut records = Vec::new();
        while let Some((asker, wish)) = self.intake.pop() {
            let group = wish.ask.group;
            // One new token of a group at a time: the next wish is judged when its fate is known.
            if self
                .batch
                .changes()
                .any(|(other, _)| other.ask.group == group)
            {
                self.intake.put_back(asker, wish);
                break;
            }
            let running = self.grants.get(&group).copied();
            let running = running.filter(|grant| self.runs(grant, cx));
            let is_own = running
                .filter(|grant| grant.holder == wish.from && wish.ask.renews == Some(grant.token));
            if let Some(own) = is_own {
                self.grant(cx, asker, wish, own.token);
                continue;
            }
            let held = running.is_some() && !self.has(LeaseFlaw::GrantWhileHeld);
            if held || cx.monotonic() < self.grants_from {
                cx.point(points::REFUSED);
                asker.refuse(cx, Refusal::LeaseHeld);
                continue;
            }
            let token = self.tokens.get(&group).map_or(1, |last| last + 1);
            let record = DiskRecord::Adopted {
                group,
                partition: Partition::default(),
                epoch: token,
            };
            records.push((record, None));
            self.batch.push(asker, (wish, token));
        }
        if !records.is_empty() {
            self.journal.append(cx, records);
        }
    }

    /// Hands a lease out: it counts from here on.
    fn grant(&mut self, cx: &mut Context<'_>, asker: Asker, wish: Wish, token: u32) {
        let duration = self.config.duration;
        let group = wish.ask.group;
        let grant = Grant {
            holder: wish.from,
            token,
            expires: cx.wall() + duration,
            ends: cx.monotonic() + duration,
        };
        let before = self.grants.insert(group, grant);
        if let Some(before) = before.filter(|before| before.token != token) {
            cx.observe(Fact::LeaseExpired {
                group,
                holder: before.holder,
                token: before.token,
            });
            if before.holder != wish.from {
                cx.point(points::HANDED_OVER);
            }
        }
        cx.observe(Fact::LeaseGranted {
            group,
            holder: wish.from,
            token,
            lasts: duration,
        });
        cx.point(points::GRANTED);
        let expires = grant.expires;
        asker.answer(cx, Reply::LeaseGranted(LeaseGranted { token, expires }));
    }

    fn on_progress(&mut self, cx: &mut Context<'_>, progress: Progress) {
        match progress {
            Progress::Nothing => return,
            Progress::Loaded(records) => return self.recover(cx, records),
            Progress::Written(results) => return self.on_written(cx, &results),
            Progress::Durable => {
                for (asker, (wish, token)) in self.batch.take() {
                    self.grant(cx, asker, wish, token);
                }
            }
            Progress::Failed => return cx.arm(RETRY, DISK_BACKOFF),
        }
        self.pump(cx);
    }

    fn recover(&mut self, cx: &mut Context<'_>, records: Vec<DiskRecord>) {
        for record in records {
            if let DiskRecord::Adopted { group, epoch, .. } = record {
                let last = self.tokens.entry(group).or_default();
                *last = epoch.max(*last);
            }
        }
        if self.tokens.is_empty() {
            return;
        }
        // Who holds what was forgotten; a holder's clock may run slower than this one.
        let out = self.config.duration.ratio(1_000_000 + DRIFT_MAX, 1_000_000);
        self.grants_from = cx.monotonic() + out;
        cx.point(points::WAITED_OUT);
        if self.has(LeaseFlaw::ForgetTokens) {
            self.tokens.clear();
        }
    }

    fn on_written(&mut self, cx: &mut Context<'_>, results: &[Result<(), DiskError>]) {
        let mut batch = std::mem::take(&mut self.batch);
        let tokens = &mut self.tokens;
        let is_sure = batch.written(cx, results, |(wish, token)| {
            tokens.insert(wish.ask.group, *token);
        });
        self.batch = batch;
        if is_sure {
            self.journal.sync(cx);
        } else {
            self.journal.distrust();
            cx.arm(RETRY, DISK_BACKOFF);
        }
    }

    fn snapshot(&self) -> Vec<DiskRecord> {
        let records = self
            .tokens
            .iter()
            .map(|(group, token)| DiskRecord::Adopted {
                group: *group,
                partition: Partition::default(),
                epoch: *token,
            });
        records.collect()
    }
}

impl Actor for Authority {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start => self.journal.open(cx),
            Input::Message {
                origin: Origin::Connection(connection),
                peer,
                message: Message::Request { call, request },
            } => self.on_request(cx, Asker { connection, call }, peer, request),
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
        self.grants.iter().fold(seen, |seen, (group, grant)| {
            let told = format!("token {} for node {}", grant.token, grant.holder);
            seen.value(&format!("group {group}"), told)
        })
    }
}
