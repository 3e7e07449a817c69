//! A broker's own affairs: boot and recovery, its timers, its disk, and what it does when the disk refuses.

use crate::actor::Context;
use crate::broker::log::metadata::isr_interval;
use crate::broker::log::node::{Clock, LogBroker, State};
use crate::broker::log::partition_log::PartitionLog;
use crate::broker::log::points;
use crate::broker::log::replica::{Replica, Role};
use crate::broker::log::serve;
use crate::broker::log::storage::{Found, MARKS, Recovery, Ticket};
use crate::disk::{DiskError, DiskReply, DiskVerb};
use crate::id::{Partition, TimerId};
use crate::message::Refusal;
use crate::message::log::BrokerSet;

impl LogBroker {
    /// The node has booted.
    pub(super) fn start(&mut self, cx: &mut Context<'_>) {
        self.raft.boot(cx);
        self.recover(cx);
    }

    /// Begins a life of the logs by reading them.
    fn recover(&mut self, cx: &mut Context<'_>) {
        self.desk.settings.log.life += 1;
        let life = self.desk.settings.log.life;
        self.state = State::Recovering(Recovery::start(cx, self.replicas.len(), life));
    }

    fn recovered(&mut self, cx: &mut Context<'_>, found: Vec<Found>) {
        let partitions: Vec<Partition> = self.desk.layout().iter().collect();
        for ((slot, partition), found) in partitions.into_iter().enumerate().zip(found) {
            let replicas = self.applied.image.replicas(partition);
            let peers = replicas.fold(BrokerSet::EMPTY, BrokerSet::with);
            if peers.contains(self.plan.index) {
                let high_watermark = found.marks.high_watermark;
                let settings = self.desk.settings.log;
                let log = PartitionLog::recover(cx, partition, found, settings);
                let replica = Replica::new(slot as u32, peers, log, high_watermark);
                self.replicas[slot] = Some(replica);
            }
        }
        self.state = State::Serving;
        cx.point(points::RECOVERED);
        let config = self.plan.config.clone();
        for (clock, interval) in [
            (Clock::Followers, isr_interval(&self.desk)),
            (Clock::Retention, config.log_retention_check_interval),
            (Clock::Marks, self.marks_interval()),
        ] {
            cx.arm(clock.timer(), interval);
        }
        self.heartbeat(cx);
    }

    /// Tells the controller that this broker lives, and again after the interval.
    pub(super) fn heartbeat(&mut self, cx: &mut Context<'_>) {
        self.registrar.controller = self.raft.leader_hint();
        let applied = self.applied.image.applied();
        self.registrar
            .heartbeat(cx, &mut self.desk, &self.replicas, applied);
        let interval = self.plan.config.broker_heartbeat_interval;
        cx.arm(Clock::Heartbeat.timer(), interval);
    }

    /// Takes a timer.
    pub(super) fn timer(&mut self, cx: &mut Context<'_>, timer: TimerId) {
        let raft = &mut self.raft;
        if raft.on_timer(cx, timer)
            || self.controller.on_timer(cx, raft, timer)
            || self.groups.on_timer(cx, timer)
        {
            return;
        }
        let Some(clock) = Clock::of(timer) else {
            let replicas = &mut self.replicas;
            self.fetcher.expired(cx, &self.desk, replicas, timer);
            self.registrar.expired(cx, replicas, timer);
            return;
        };
        let replicas = &mut self.replicas;
        match clock {
            Clock::Heartbeat => self.heartbeat(cx),
            Clock::Followers => {
                for replica in replicas.iter_mut().flatten() {
                    replica.check_followers(cx, &mut self.desk);
                }
                cx.arm(timer, isr_interval(&self.desk));
            }
            Clock::Retention => {
                for replica in replicas.iter_mut().flatten() {
                    replica.retain(cx, &mut self.desk);
                }
                cx.arm(timer, self.plan.config.log_retention_check_interval);
            }
            Clock::Marks => {
                self.write_marks(cx);
                cx.arm(timer, self.marks_interval());
            }
            Clock::Probe => {
                let token = Ticket::Probe.token();
                cx.disk(MARKS, DiskVerb::Append(Vec::new()), token, None);
            }
            Clock::Backoff(leader) => self.fetcher.again(cx, &self.desk, replicas, leader),
            Clock::Session(index) => {
                serve::answer_session(cx, &mut self.desk, replicas, index, Vec::new(), true);
            }
            Clock::Poll(number) => {
                self.polls.wake(cx, &self.desk, replicas, number, true);
            }
        }
    }

    fn write_marks(&mut self, cx: &mut Context<'_>) {
        let replicas = self.replicas.iter().flatten();
        let marks: Vec<_> = replicas
            .map(|replica| {
                let marks = replica.log.marks(replica.high_watermark);
                (replica.log.partition(), marks)
            })
            .collect();
        if marks != self.marks_written {
            let records = marks
                .iter()
                .flat_map(|(partition, marks)| marks.records(*partition))
                .collect();
            let token = Ticket::Upkeep.token();
            cx.disk(MARKS, DiskVerb::Replace(records), token, None);
            cx.disk(MARKS, DiskVerb::Sync, token, None);
            self.marks_written = marks;
        }
    }

    /// Takes a reply of the disk.
    pub(super) fn disk(&mut self, cx: &mut Context<'_>, reply: DiskReply) {
        if self.raft.on_disk(cx, &reply) {
            return;
        }
        let ticket = Ticket::of(reply.token);
        match (&mut self.state, ticket) {
            (State::Recovering(recovery), Ticket::Recovery(life)) => {
                if life != recovery.life() {
                    return;
                }
                match recovery.reply(cx, self.desk.layout(), reply) {
                    Ok(None) => {}
                    Ok(Some(found)) => self.recovered(cx, found),
                    Err(error) => self.disk_failed(cx, None, error),
                }
            }
            (State::Down, Ticket::Probe) => self.probed(cx, &reply),
            (State::Serving, Ticket::Append(number) | Ticket::Sync(number)) => {
                let partition = Partition::of_code(reply.file.a);
                let slot = self.desk.slot(partition);
                match (slot, reply.outcome) {
                    (Some(slot), Ok(_)) => self.wrote(cx, slot, number),
                    (Some(slot), Err(error)) => self.disk_failed(cx, Some((slot, number)), error),
                    (None, _) => {}
                }
            }
            (State::Serving, Ticket::Upkeep | Ticket::Recovery(_) | Ticket::Probe) => {
                if let Err(error) = reply.outcome {
                    self.disk_failed(cx, None, error);
                }
            }
            // Answers to what was asked before the disk refused.
            (State::Recovering(_) | State::Down, _) => {}
        }
    }

    fn wrote(&mut self, cx: &mut Context<'_>, slot: usize, number: u64) {
        if let Some(replica) = self.replicas[slot].as_mut() {
            replica.wrote(cx, &mut self.desk, number);
            if matches!(replica.role, Role::Follower { .. }) {
                self.fetcher.wrote(cx, &self.desk, &self.replicas, slot);
            }
        }
    }

    /// The disk refused: the broker leaves the cluster by falling silent, as Kafka's does when its last log
    /// directory goes offline. Its controller's voice has its own file and its own answer.
    fn disk_failed(
        &mut self,
        cx: &mut Context<'_>,
        append: Option<(usize, u64)>,
        error: DiskError,
    ) {
        cx.point(points::DISK_FAILED);
        let refusal = match error {
            DiskError::Full => Refusal::DiskFull,
            DiskError::Failed => Refusal::DiskFailed,
        };
        if let Some((slot, number)) = append
            && let Some(replica) = self.replicas[slot].as_mut()
        {
            replica.write_failed(cx, &mut self.desk, number, refusal);
        }
        for slot in 0..self.replicas.len() {
            if let Some(mut replica) = self.replicas[slot].take() {
                let epoch = replica.view.epoch;
                replica.stop_leading(cx, &mut self.desk, epoch);
            }
        }
        for clock in [
            Clock::Heartbeat,
            Clock::Followers,
            Clock::Retention,
            Clock::Marks,
        ] {
            cx.disarm(clock.timer());
        }
        self.state = State::Down;
        self.stop_acting();
        self.fetcher.reset(cx);
        self.marks_written.clear();
        // By then the controller has given its offices to others.
        let config = &self.plan.config;
        let wait = config.broker_session_timeout + config.broker_heartbeat_interval;
        cx.arm(Clock::Probe.timer(), wait);
    }

    /// A trial write has been answered: if the disk takes writes again, the broker begins as after a boot.
    fn probed(&mut self, cx: &mut Context<'_>, reply: &DiskReply) {
        match reply.outcome {
            Ok(_) => self.recover(cx),
            Err(_) => {
                cx.arm(
                    Clock::Probe.timer(),
                    self.plan.config.broker_heartbeat_interval,
                );
            }
        }
    }
}
