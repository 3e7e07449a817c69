//! How a broker's group coordinator and its replicas of the offsets topic work together: who leads an
//! offsets partition coordinates its groups, reads their positions from its own log, and appends commits
//! to it as any publisher with acks=all would.

use crate::actor::{Connection, Context, Work};
use crate::broker::log::desk::Answer;
use crate::broker::log::groups::offsets_partition;
use crate::broker::log::node::LogBroker;
use crate::event::{OffsetCommit, Records};
use crate::id::{CallId, Epoch, GroupId, Partition};
use crate::message::log::{Acks, Publish};
use crate::message::{Refusal, Reply};
use crate::part::OFFSETS_TOPIC;

impl LogBroker {
    /// Says who coordinates `group`, as far as this node knows.
    pub(super) fn find_coordinator(
        &self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        group: GroupId,
    ) {
        let partition = offsets_partition(group, self.plan.config.offsets_partitions);
        let state = self.applied.image.partition(partition);
        let leader = state.and_then(|state| state.leader);
        let node = leader.map(|index| self.plan.cluster.node(index));
        cx.reply(connection, call, Reply::Coordinator(node));
    }

    /// Takes and leaves the offices of the coordinator, and carries its commits to the log and back.
    pub(super) fn coordinate(&mut self, cx: &mut Context<'_>) {
        for index in 0..self.plan.config.offsets_partitions {
            self.follow_offsets_partition(cx, index);
        }
        for append in self.groups.take_appends() {
            let publish = Publish {
                partition: append.partition,
                acks: Acks::All,
                batch: append.batch,
            };
            let answer = Answer::Own(append.number);
            let slot = self.desk.slot(append.partition);
            match slot.and_then(|slot| self.replicas[slot].as_mut()) {
                Some(replica) => replica.publish(cx, &mut self.desk, answer, publish),
                None => self.desk.answer(cx, answer, Err(Refusal::NotLeader)),
            }
        }
        for (number, outcome) in std::mem::take(&mut self.desk.own_answers) {
            self.groups.appended(cx, number, outcome);
        }
    }

    fn follow_offsets_partition(&mut self, cx: &mut Context<'_>, index: u16) {
        let partition = Partition {
            topic: OFFSETS_TOPIC,
            index,
        };
        let leads = self.leads_in(partition);
        if leads == self.groups.office_epoch(index) {
            return;
        }
        let Some(epoch) = leads else {
            self.groups.resign(cx, index);
            return;
        };
        let commits = self.commits_of(partition);
        // Reading them takes the time that reading so many records takes.
        cx.spend(Work {
            requests: 0,
            records: commits.len() as u32,
            bytes: 0,
        });
        self.groups.lead(cx, index, epoch);
        self.groups.load(cx, index, epoch, commits);
    }

    /// The epoch in which this node leads `partition`, none if it does not.
    fn leads_in(&self, partition: Partition) -> Option<Epoch> {
        let replica = self.replicas[self.desk.slot(partition)?].as_ref()?;
        replica.leading().map(|_| replica.view.epoch)
    }

    /// The positions in this node's log of `partition`, also those above the high watermark: a leader's
    /// whole log stays (K4).
    fn commits_of(&self, partition: Partition) -> Vec<OffsetCommit> {
        let slot = self.desk.slot(partition);
        let replica = slot.and_then(|slot| self.replicas[slot].as_ref());
        let entries = replica
            .into_iter()
            .flat_map(|replica| replica.log.segments().entries());
        entries
            .filter_map(|entry| match &entry.batch.records {
                Records::Offsets(commits) => Some(commits.iter().copied()),
                Records::Events(_) => None,
            })
            .flatten()
            .collect()
    }
}
