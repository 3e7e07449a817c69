//! What a broker answers to clients and to the other brokers.

use crate::actor::{Connection, Context, Work};
use crate::broker::log::controller::Ask;
use crate::broker::log::desk::Answer;
use crate::broker::log::node::{Clock, LogBroker, State};
use crate::broker::log::polls::Polls;
use crate::broker::log::replica::Replica;
use crate::broker::log::serve::{self, Asked};
use crate::id::{CallId, Epoch, NodeId, Offset, Partition, TopicId};
use crate::message::log::{Acks, Fetch, Metadata, OffsetSpec, PartitionState, Publish, Reader};
use crate::message::{Refusal, Reply, Request};
use std::sync::Arc;

impl LogBroker {
    /// Takes a request.
    pub(super) fn request(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        peer: NodeId,
        call: CallId,
        request: Request,
    ) {
        let work = if let Request::Publish(publish) = &request {
            Work::request(publish.batch.count() as u32, publish.batch.bytes)
        } else {
            Work::request(0, 0)
        };
        cx.spend(work);
        match request {
            Request::Publish(publish) => self.publish(cx, connection, call, publish),
            Request::Fetch(fetch) => self.fetch(cx, connection, peer, call, fetch),
            Request::EpochEnd {
                partition,
                current,
                epoch,
            } => {
                let reply = self.epoch_end(partition, current, epoch);
                cx.reply(connection, call, reply.unwrap_or_else(Reply::Refused));
            }
            Request::ListOffset { partition, spec } => {
                let reply = self.list_offset(partition, spec);
                cx.reply(connection, call, reply.unwrap_or_else(Reply::Refused));
            }
            Request::Metadata(topic) => {
                let metadata = Arc::new(self.metadata(topic));
                cx.reply(connection, call, Reply::Metadata(metadata));
            }
            Request::InitProducer => self.registrar.init_producer(cx, connection, call),
            Request::BrokerHeartbeat(beat) => {
                self.ask_controller(cx, connection, peer, call, Ask::Heartbeat(beat));
            }
            Request::AlterIsr(wish) => {
                self.ask_controller(cx, connection, peer, call, Ask::AlterIsr(wish));
            }
            Request::AllocateProducers => {
                self.ask_controller(cx, connection, peer, call, Ask::AllocateProducers);
            }
            Request::FindCoordinator(group) => self.find_coordinator(cx, connection, call, group),
            Request::JoinGroup(join) => self.groups.on_join(cx, connection, call, join),
            Request::GroupHeartbeat(beat) => self.groups.on_heartbeat(cx, connection, call, beat),
            Request::LeaveGroup { group, member } => {
                self.groups.on_leave(cx, connection, call, (group, member));
            }
            Request::CommitOffsets(commit) => {
                self.groups.on_commit(cx, connection, call, &commit);
            }
            Request::Receive(_)
            | Request::Settle(_)
            | Request::Write(_)
            | Request::Adopt { .. }
            | Request::SaveCheckpoint(_)
            | Request::ReadRows(_)
            | Request::AcquireLease(_) => {
                cx.reply(connection, call, Reply::Refused(Refusal::Unsupported));
            }
        }
    }

    fn ask_controller(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        peer: NodeId,
        call: CallId,
        ask: Ask,
    ) {
        let raft = &mut self.raft;
        match self.plan.cluster.index(peer) {
            Some(asker) => {
                self.controller
                    .on_request(cx, raft, asker, (connection, call), ask);
            }
            None => cx.reply(connection, call, Reply::Refused(Refusal::Unsupported)),
        }
    }

    fn replica(&self, partition: Partition) -> Option<&Replica> {
        let slot = self.desk.slot(partition)?;
        self.replicas[slot].as_ref()
    }

    fn publish(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        publish: Publish,
    ) {
        let answer = match publish.acks {
            Acks::None => Answer::Nobody,
            Acks::Leader | Acks::All => Answer::Client(connection, call),
        };
        let replica = self
            .desk
            .slot(publish.partition)
            .and_then(|slot| self.replicas[slot].as_mut());
        match replica {
            Some(replica) => replica.publish(cx, &mut self.desk, answer, publish),
            None => self.desk.answer(cx, answer, Err(Refusal::NotLeader)),
        }
    }

    fn fetch(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        peer: NodeId,
        call: CallId,
        fetch: Arc<Fetch>,
    ) {
        let slots: Vec<Option<usize>> = fetch
            .parts
            .iter()
            .map(|part| self.desk.slot(part.partition))
            .collect();
        let asked = Asked {
            connection,
            call,
            fetch: &fetch,
            slots: &slots,
        };
        let replicas = &mut self.replicas;
        match (fetch.reader, self.plan.cluster.index(peer)) {
            (Reader::Replica { .. }, Some(index)) => {
                let timer = Clock::Session(index).timer();
                if serve::replica_fetch(cx, &mut self.desk, replicas, index, &asked) {
                    cx.arm(timer, fetch.max_wait);
                } else {
                    cx.disarm(timer);
                }
            }
            (Reader::Replica { .. }, None) => {
                cx.reply(connection, call, Reply::Refused(Refusal::Unsupported));
            }
            (Reader::Consumer | Reader::Audit, _) => {
                let wait = fetch.max_wait;
                let polls: &mut Polls = &mut self.polls;
                let parked = polls.fetch(cx, &self.desk, replicas, &asked, fetch.clone());
                if let Some(number) = parked {
                    cx.arm(Clock::Poll(number).timer(), wait);
                }
            }
        }
    }

    fn epoch_end(
        &self,
        partition: Partition,
        current: Epoch,
        epoch: Epoch,
    ) -> Result<Reply, Refusal> {
        let replica = self.replica(partition).ok_or(Refusal::NotLeader)?;
        replica.check_epoch(current)?;
        let (epoch, end) = replica.log.segments().epoch_end(epoch);
        Ok(Reply::EpochEnd {
            partition,
            epoch,
            end,
        })
    }

    fn list_offset(&self, partition: Partition, spec: OffsetSpec) -> Result<Reply, Refusal> {
        let replica = self.replica(partition).ok_or(Refusal::NotLeader)?;
        replica.check_epoch(replica.view.epoch)?;
        let (log, limit) = (&replica.log, replica.read_limit(&self.desk));
        let offset = match spec {
            OffsetSpec::Earliest => log.start(),
            OffsetSpec::Latest => limit,
            OffsetSpec::At(time) => log
                .segments()
                .offset_at(time, log.start())
                .map_or(limit, |offset: Offset| offset.min(limit)),
        };
        Ok(Reply::OffsetAt { partition, offset })
    }

    /// What this node believes; it may be stale.
    fn metadata(&self, topic: TopicId) -> Metadata {
        let image = &self.applied.image;
        let partitions = self.desk.layout().partitions(topic).map(|partition| {
            let view = image.partition(partition).unwrap_or_default();
            PartitionState {
                partition,
                leader: view.leader.map(|index| self.plan.cluster.node(index)),
                epoch: view.epoch,
            }
        });
        let partitions: Vec<PartitionState> = partitions.collect();
        Metadata {
            usable: image.usable(topic).unwrap_or(partitions.len() as u16),
            partitions,
        }
    }

    /// Whether this node takes part: its disk works and it has read it.
    pub(super) const fn is_serving(&self) -> bool {
        matches!(self.state, State::Serving)
    }
}
