//! The active controller's image: the applied one and what it has proposed on top. It is thrown away with
//! the office, so nothing that was not committed survives in it.

use super::image::{Image, PartitionImage};
use super::points;
use super::rules::{Departure, Rules};
use crate::actor::Context;
use crate::id::{Partition, TopicId};
use crate::message::log::{AlterIsr, BrokerHeartbeat, BrokerSet};
use crate::message::raft::{Command, MetadataRecord, Term};
use crate::message::{Refusal, Reply};
use crate::raft::Raft;
use crate::time::{Mono, Span};

/// Producer ids handed out at once (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE` of Kafka).
const PRODUCER_BLOCK: u32 = 1_000;

/// What the active controller knows.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) term: Term,
    image: Image,
    rules: Rules,
    session_timeout: Span,
    since: Mono,
    /// When each broker's session ends unless it is heard.
    sessions: Vec<Mono>,
    /// Proposed in this step; the first will have index `first`.
    commands: Vec<Command>,
    first: u64,
}

impl Draft {
    /// The draft of a controller that begins to rule `now`. Everybody gets a full session (nobody knows
    /// how long the last controller had not been heard).
    pub(super) fn new(
        raft: &Raft,
        image: &Image,
        rules: Rules,
        session_timeout: Span,
        now: Mono,
    ) -> Draft {
        assert_eq!(
            image.applied(),
            raft.last_index(),
            "a controller rules when it has applied all that was ever proposed"
        );
        Draft {
            term: raft.term(),
            image: image.clone(),
            rules,
            session_timeout,
            since: now,
            sessions: vec![now + session_timeout; usize::from(image.nodes())],
            commands: Vec::new(),
            first: raft.last_index() + 1,
        }
    }

    fn record(&mut self, record: MetadataRecord) {
        let command = Command::Metadata(record);
        let index = self.first + self.commands.len() as u64;
        self.image.apply(index, &command);
        self.commands.push(command);
    }

    /// Proposes what this step has decided.
    pub(super) fn propose(&mut self, cx: &mut Context<'_>, raft: &mut Raft) {
        if self.commands.is_empty() {
            return;
        }
        let last = raft.propose_all(cx, &self.commands);
        self.first += self.commands.len() as u64;
        self.commands.clear();
        assert_eq!(
            last,
            Some(self.first - 1),
            "only the controller proposes, and only while it leads"
        );
    }

    /// When something must be looked after if nothing is heard.
    pub(super) fn next_deadline(&self) -> Option<Mono> {
        let sessions = (0..self.image.nodes())
            .filter(|index| self.image.is_alive(*index))
            .map(|index| self.sessions[usize::from(index)])
            .min();
        let grace = self.since + self.session_timeout;
        let creation = self.image.missing().next().map(|_| grace);
        sessions.into_iter().chain(creation).min()
    }

    /// Fences whom nobody has heard for a session, and creates partitions if the wait is over.
    pub(super) fn on_deadline(&mut self, cx: &mut Context<'_>) {
        let now = cx.monotonic();
        for index in 0..self.image.nodes() {
            if self.image.is_alive(index) && self.sessions[usize::from(index)] <= now {
                cx.point(points::BROKER_FENCED);
                self.record(MetadataRecord::Fence { index });
                self.depart(cx, index, Departure::Silent);
            }
        }
        self.create_missing(now);
    }

    /// A sign of life. A boot that is new to the metadata log is registered; a fenced broker that has
    /// applied its own registration is alive again.
    pub(super) fn on_heartbeat(&mut self, cx: &mut Context<'_>, beat: BrokerHeartbeat) -> Reply {
        let known = self.image.broker(beat.index);
        if known.incarnation.is_none_or(|boot| boot < beat.incarnation) {
            self.register(cx, beat);
        } else if known.incarnation != Some(beat.incarnation)
            || (beat.broker_epoch != 0 && beat.broker_epoch != known.epoch)
        {
            return Reply::Refused(Refusal::StaleBrokerEpoch);
        }
        let now = cx.monotonic();
        self.sessions[usize::from(beat.index)] = now + self.session_timeout;
        let known = self.image.broker(beat.index);
        if known.fenced && beat.applied >= known.epoch {
            self.record(MetadataRecord::Unfence { index: beat.index });
            self.elect_offline(cx);
            self.create_missing(now);
        }
        let known = self.image.broker(beat.index);
        Reply::BrokerAlive {
            broker_epoch: known.epoch,
            fenced: known.fenced,
        }
    }

    fn register(&mut self, cx: &mut Context<'_>, beat: BrokerHeartbeat) {
        let first_time = self.image.broker(beat.index).incarnation.is_none();
        self.record(MetadataRecord::Register {
            index: beat.index,
            incarnation: beat.incarnation,
        });
        if !first_time {
            cx.point(points::UNCLEAN_RESTART);
            self.depart(cx, beat.index, Departure::Restarted);
        }
    }

    /// Takes a broker out of the sets it may not stay in, and its offices from it.
    fn depart(&mut self, cx: &mut Context<'_>, broker: u16, departure: Departure) {
        for (partition, state) in self.hosted(broker) {
            let left = state.without(broker, departure, self.rules);
            let elected = self.elect(cx, partition, left);
            // A wish that was made before a restart must not let the restarted broker in: a new version
            // refuses it, as the epochs of members do since KIP-903.
            if elected != state || departure == Departure::Restarted {
                self.record(elected.record(partition));
            }
        }
    }

    fn hosted(&self, broker: u16) -> Vec<(Partition, PartitionImage)> {
        self.image
            .partitions()
            .filter(|(partition, _)| self.image.replicas(*partition).any(|index| index == broker))
            .collect()
    }

    fn elect(
        &self,
        cx: &mut Context<'_>,
        partition: Partition,
        state: PartitionImage,
    ) -> PartitionImage {
        let replicas: Vec<u16> = self.image.replicas(partition).collect();
        let is_alive = |index: u16| self.image.is_alive(index);
        let elected = state.elected(replicas.iter().copied(), self.rules.min_isr, is_alive);
        if elected.leader.is_none() && self.rules.is_unclean {
            let seized = state.seized(replicas.iter().copied(), is_alive);
            if seized != state {
                cx.point(points::ELECTED_UNCLEAN);
                return seized;
            }
        }
        if elected.isr != state.isr {
            cx.point(points::ELECTED_FROM_ELR);
        }
        elected
    }

    /// Gives leaders to partitions that have none.
    fn elect_offline(&mut self, cx: &mut Context<'_>) {
        let offline: Vec<(Partition, PartitionImage)> = self
            .image
            .partitions()
            .filter(|(_, state)| state.leader.is_none())
            .collect();
        for (partition, state) in offline {
            let elected = self.elect(cx, partition, state);
            if elected != state {
                self.record(elected.record(partition));
            }
        }
    }

    /// Creates the configured partitions on the brokers that are alive. It waits for all of them for one
    /// session, or the first broker to arrive would lead everything.
    fn create_missing(&mut self, now: Mono) {
        let alive = (0..self.image.nodes())
            .filter(|index| self.image.is_alive(*index))
            .fold(BrokerSet::EMPTY, BrokerSet::with);
        let all = alive.len() == u32::from(self.image.nodes());
        if !all && now < self.since + self.session_timeout {
            return;
        }
        let missing: Vec<Partition> = self.image.missing().collect();
        for partition in missing {
            let replicas: Vec<u16> = self.image.replicas(partition).collect();
            let isr = replicas
                .iter()
                .copied()
                .filter(|index| alive.contains(*index))
                .fold(BrokerSet::EMPTY, BrokerSet::with);
            if !isr.is_empty() {
                let state = PartitionImage::begun(isr).elected(
                    replicas.iter().copied(),
                    self.rules.min_isr,
                    |index| alive.contains(index),
                );
                self.record(state.record(partition));
            }
        }
    }

    /// A leader wants another in-sync set (K3).
    pub(super) fn on_alter_isr(&mut self, asker: u16, wish: AlterIsr) -> Reply {
        match self.altered(asker, wish) {
            Err(refusal) => Reply::Refused(refusal),
            Ok(state) => {
                self.record(state.record(wish.partition));
                Reply::IsrAltered
            }
        }
    }

    fn altered(&self, asker: u16, wish: AlterIsr) -> Result<PartitionImage, Refusal> {
        if self.image.broker(asker).epoch != wish.broker_epoch {
            return Err(Refusal::StaleBrokerEpoch);
        }
        let state = self
            .image
            .partition(wish.partition)
            .ok_or(Refusal::NotLeader)?;
        if wish.leader_epoch < state.epoch {
            return Err(Refusal::FencedLeaderEpoch);
        }
        if wish.leader_epoch > state.epoch {
            return Err(Refusal::UnknownLeaderEpoch);
        }
        if state.leader != Some(asker) || !wish.isr.contains(asker) {
            return Err(Refusal::NotLeader);
        }
        if wish.partition_epoch != state.version {
            return Err(Refusal::InvalidUpdateVersion);
        }
        let is_replica = |member| {
            self.image
                .replicas(wish.partition)
                .any(|index| index == member)
        };
        let eligible = |member: u16| is_replica(member) && self.image.is_alive(member);
        if !wish.isr.iter().all(eligible) {
            return Err(Refusal::StaleBrokerEpoch);
        }
        Ok(state.with_isr(wish.isr, self.rules.min_isr))
    }

    /// A block of producer ids that nobody else is given (K7).
    pub(super) fn on_allocate_producers(&mut self) -> Reply {
        let first = self.image.next_producer();
        let next = first + u64::from(PRODUCER_BLOCK);
        self.record(MetadataRecord::ProducerIds { next });
        Reply::Producers {
            first,
            count: PRODUCER_BLOCK,
        }
    }

    /// Gives every topic that can expand its further partitions.
    pub(super) fn expand(&mut self, cx: &mut Context<'_>) {
        let topics: Vec<TopicId> = self.image.expandable().collect();
        for topic in topics {
            cx.point(points::PARTITIONS_EXPANDED);
            self.record(MetadataRecord::Expanded { topic });
        }
    }

    /// Moves every partition that can be moved to the next in-sync replica.
    pub(super) fn force_election(&mut self, cx: &mut Context<'_>) {
        let led: Vec<(Partition, PartitionImage)> = self
            .image
            .partitions()
            .filter(|(_, state)| state.leader.is_some())
            .collect();
        for (partition, state) in led {
            let replicas: Vec<u16> = self.image.replicas(partition).collect();
            let next = replicas
                .iter()
                .cycle()
                .skip_while(|index| Some(**index) != state.leader)
                .skip(1)
                .take(replicas.len() - 1)
                .find(|index| state.isr.contains(**index) && self.image.is_alive(**index));
            if let Some(next) = next {
                cx.point(points::FORCED_ELECTION);
                self.record(state.led_by(Some(*next)).record(partition));
            }
        }
    }
}
