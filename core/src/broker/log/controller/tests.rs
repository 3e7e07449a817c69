//! One controller on the only voter of a broker of three nodes; its disk answers at once.

use super::*;
use crate::actor::Effect;
use crate::broker::log::config::{LogTopic, RestartedReplica};
use crate::disk::{DiskDone, DiskReply, DiskVerb};
use crate::id::{Epoch, Incarnation, NodeId, Partition, TopicId};
use crate::message::Message;
use crate::message::log::BrokerSet;
use crate::test_rig::Rig;

const VIA: Connection = Connection {
    slot: 9,
    generation: 0,
};
const P0: Partition = Partition {
    topic: TopicId(0),
    index: 0,
};

fn set(members: &[u16]) -> BrokerSet {
    members
        .iter()
        .copied()
        .fold(BrokerSet::EMPTY, BrokerSet::with)
}

struct Desk {
    rig: Rig,
    raft: Raft,
    image: Image,
    controller: Controller,
    /// What was pushed and is no disk operation.
    effects: Vec<Effect>,
}

impl Desk {
    /// A controller in office, and no broker registered.
    fn new() -> Desk {
        Desk::of(LogConfig::default())
    }

    fn of(config: LogConfig) -> Desk {
        Desk::with(config, LogTopic::of(3))
    }

    fn with(mut config: LogConfig, orders: LogTopic) -> Desk {
        config.topics.insert("orders".to_owned(), orders);
        let cluster = Cluster {
            first: NodeId(0),
            nodes: 3,
        };
        let mut plan = raft_plan(&config, cluster, 0);
        plan.voters = 1;
        let mut desk = Desk {
            rig: Rig::new(NodeId(0)),
            raft: Raft::new(plan),
            image: Image::new(&config, 3),
            controller: Controller::new(&config),
            effects: Vec::new(),
        };
        desk.run(|_, raft, cx| raft.boot(cx));
        desk
    }

    /// With brokers 0, 1 and 2 alive and all partitions created.
    fn settled() -> Desk {
        Desk::settled_by(LogConfig::default())
    }

    fn settled_by(config: LogConfig) -> Desk {
        Desk::settled_with(config, LogTopic::of(3))
    }

    fn settled_with(config: LogConfig, orders: LogTopic) -> Desk {
        let mut desk = Desk::with(config, orders);
        (0..3).for_each(|index| desk.join(index, 1));
        assert_eq!(desk.state().isr, set(&[0, 1, 2]));
        desk
    }

    /// One step, then the disk and the metadata log until they rest.
    fn run(&mut self, body: impl FnOnce(&mut Controller, &mut Raft, &mut Context<'_>)) {
        self.effects.clear();
        let mut queue = {
            let (raft, controller) = (&mut self.raft, &mut self.controller);
            VecDeque::from(self.rig.with(|cx| body(controller, raft, cx)))
        };
        while let Some(effect) = queue.pop_front() {
            let Effect::Disk(op) = effect else {
                self.effects.push(effect);
                continue;
            };
            let done = if op.verb == DiskVerb::Scan {
                DiskDone::Scanned(Vec::new())
            } else {
                DiskDone::Done
            };
            let reply = DiskReply {
                file: op.file,
                token: op.token,
                outcome: Ok(done),
            };
            let (raft, controller, image) = (&mut self.raft, &mut self.controller, &mut self.image);
            queue.extend(self.rig.with(|cx| {
                assert!(raft.on_disk(cx, &reply));
                for (index, command) in raft.take_committed() {
                    image.apply(index, &command);
                }
                controller.settle(cx, raft, image);
            }));
        }
    }

    fn ask(&mut self, asker: u16, ask: Ask) -> Reply {
        self.run(|controller, raft, cx| {
            controller.on_request(cx, raft, asker, (VIA, CallId(1)), ask);
        });
        let replies: Vec<Reply> = self
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send {
                    message: Message::Reply { reply, .. },
                    ..
                } => Some(reply.clone()),
                Effect::Connect { .. }
                | Effect::Send { .. }
                | Effect::Datagram { .. }
                | Effect::Close(_)
                | Effect::Arm { .. }
                | Effect::Disarm(_)
                | Effect::Disk(_)
                | Effect::Observe(_)
                | Effect::Point(_) => None,
            })
            .collect();
        assert_eq!(replies.len(), 1, "one question, one answer: {replies:?}");
        replies[0].clone()
    }

    fn beat(&mut self, index: u16, incarnation: u32) -> Reply {
        let beat = BrokerHeartbeat {
            index,
            incarnation: Incarnation(incarnation),
            broker_epoch: 0,
            applied: self.image.applied(),
        };
        self.ask(index, Ask::Heartbeat(beat))
    }

    /// Registers a boot and lets it catch up.
    fn join(&mut self, index: u16, incarnation: u32) {
        self.beat(index, incarnation);
        let reply = self.beat(index, incarnation);
        let broker_epoch = self.image.broker(index).epoch;
        let fenced = false;
        assert_eq!(
            reply,
            Reply::BrokerAlive {
                broker_epoch,
                fenced
            }
        );
    }

    /// Lets a session pass in which only `heard` are heard.
    fn silence(&mut self, heard: &[(u16, u32)]) {
        self.rig.wait(Span::secs(5));
        for (index, incarnation) in heard {
            self.beat(*index, *incarnation);
        }
        self.rig.wait(Span::secs(4));
        self.run(|controller, raft, cx| {
            assert!(controller.on_timer(cx, raft, CONTROLLER_TIMER));
        });
    }

    fn wish(&self, asker: u16, isr: &[u16]) -> AlterIsr {
        AlterIsr {
            partition: P0,
            leader_epoch: self.state().epoch,
            partition_epoch: self.state().version,
            isr: set(isr),
            broker_epoch: self.image.broker(asker).epoch,
        }
    }

    fn state(&self) -> PartitionImage {
        self.image.partition(P0).unwrap()
    }

    fn passed(&self, point: crate::id::PointId) -> bool {
        self.effects.contains(&Effect::Point(point))
    }
}

#[test]
fn partitions_are_created_when_all_brokers_are_alive_and_their_leaders_are_spread() {
    let mut desk = Desk::new();
    (0..2).for_each(|index| desk.join(index, 1));
    assert_eq!(desk.image.partitions().count(), 0);
    desk.join(2, 1);
    let leaders: Vec<Option<u16>> = desk
        .image
        .partitions()
        .map(|(_, state)| state.leader)
        .collect();
    // The offsets topic is number 65,535, a multiple of 3.
    assert_eq!(leaders, [Some(0), Some(1), Some(2), Some(0)]);
}

#[test]
fn partitions_are_created_without_a_broker_that_does_not_come_within_a_session() {
    let mut desk = Desk::new();
    (0..2).for_each(|index| desk.join(index, 1));
    desk.silence(&[(0, 1), (1, 1)]);
    assert_eq!(desk.state().isr, set(&[0, 1]));
    assert_eq!(desk.state().leader, Some(0));
}

#[test]
fn k3_an_in_sync_set_changes_only_for_its_leader_at_the_present_version() {
    let mut desk = Desk::settled();
    let wish = desk.wish(0, &[0, 2]);
    let stranger = AlterIsr {
        broker_epoch: desk.image.broker(1).epoch,
        ..wish
    };
    let refused = [
        (1, stranger, Refusal::NotLeader),
        (
            0,
            AlterIsr {
                broker_epoch: 1,
                ..wish
            },
            Refusal::StaleBrokerEpoch,
        ),
        (
            0,
            AlterIsr {
                partition_epoch: 0,
                ..wish
            },
            Refusal::InvalidUpdateVersion,
        ),
        (
            0,
            AlterIsr {
                leader_epoch: Epoch(0),
                ..wish
            },
            Refusal::FencedLeaderEpoch,
        ),
        (
            0,
            AlterIsr {
                leader_epoch: Epoch(9),
                ..wish
            },
            Refusal::UnknownLeaderEpoch,
        ),
    ];
    for (asker, wish, refusal) in refused {
        assert_eq!(
            desk.ask(asker, Ask::AlterIsr(wish)),
            Reply::Refused(refusal)
        );
    }
    let before = desk.state();
    assert_eq!(desk.ask(0, Ask::AlterIsr(wish)), Reply::IsrAltered);
    let after = PartitionImage {
        isr: set(&[0, 2]),
        version: before.version + 1,
        ..before
    };
    assert_eq!(desk.state(), after, "the leader and its epoch stay");
}

#[test]
fn k3_a_fenced_broker_enters_no_in_sync_set() {
    let mut desk = Desk::settled();
    desk.silence(&[(0, 1), (1, 1)]);
    assert!(desk.passed(points::BROKER_FENCED));
    let wish = desk.wish(0, &[0, 1, 2]);
    let refused = Reply::Refused(Refusal::StaleBrokerEpoch);
    assert_eq!(desk.ask(0, Ask::AlterIsr(wish)), refused);
    desk.join(2, 1);
    let wish = desk.wish(0, &[0, 1, 2]);
    assert_eq!(desk.ask(0, Ask::AlterIsr(wish)), Reply::IsrAltered);
}

#[test]
fn k3_a_wish_made_before_a_restart_does_not_let_the_restarted_broker_in() {
    let mut desk = Desk::settled();
    let shrink = desk.wish(0, &[0, 1]);
    desk.ask(0, Ask::AlterIsr(shrink));
    let stale = desk.wish(0, &[0, 1, 2]);
    desk.join(2, 2);
    let refused = Reply::Refused(Refusal::InvalidUpdateVersion);
    assert_eq!(desk.ask(0, Ask::AlterIsr(stale)), refused);
}

#[test]
fn k4_a_silent_leader_is_replaced_from_the_in_sync_set_in_a_new_epoch() {
    let mut desk = Desk::settled();
    let shrink = desk.wish(0, &[0, 2]);
    desk.ask(0, Ask::AlterIsr(shrink));
    let epoch = desk.state().epoch;
    desk.silence(&[(1, 1), (2, 1)]);
    let state = desk.state();
    assert_eq!(state.leader, Some(2), "1 is alive and not in sync");
    assert_eq!(state.epoch, Epoch(epoch.0 + 1));
    assert_eq!(state.isr, set(&[2]));
}

#[test]
fn k4_a_restarted_broker_leaves_every_in_sync_set_and_loses_its_offices() {
    let mut desk = Desk::settled();
    desk.join(0, 2);
    let state = desk.state();
    assert_eq!((state.leader, state.isr), (Some(1), set(&[1, 2])));
    assert_eq!(state.elr, BrokerSet::EMPTY);
    assert_eq!(
        desk.beat(0, 1),
        Reply::Refused(Refusal::StaleBrokerEpoch),
        "the boot before is over"
    );
}

#[test]
fn k4_without_anybody_complete_a_partition_waits_and_no_other_leads() {
    let mut desk = Desk::settled();
    let shrink = desk.wish(0, &[0]);
    // Both leave below the minimum of two: they would be eligible, so they are restarted first.
    desk.ask(0, Ask::AlterIsr(shrink));
    (1..3).for_each(|index| desk.join(index, 2));
    assert_eq!(desk.state().elr, BrokerSet::EMPTY);
    desk.silence(&[(1, 2), (2, 2)]);
    let state = desk.state();
    assert_eq!((state.leader, state.isr), (None, set(&[0])));
    desk.join(0, 2);
    assert_eq!(desk.state().leader, Some(0), "its log is all there is");
    assert!(desk.state().epoch > state.epoch);
}

#[test]
fn k4_where_unclean_elections_are_enabled_who_lacks_records_leads_alone_and_the_complete_one_follows()
 {
    let mut desk = Desk::settled_by(LogConfig {
        min_insync_replicas: 1,
        unclean_leader_election_enable: true,
        ..LogConfig::default()
    });
    let shrink = desk.wish(0, &[0]);
    desk.ask(0, Ask::AlterIsr(shrink));
    let before = desk.state();
    assert_eq!((before.leader, before.elr), (Some(0), BrokerSet::EMPTY));
    assert!(!desk.passed(points::ELECTED_UNCLEAN));
    desk.silence(&[(1, 1), (2, 1)]);
    assert!(desk.passed(points::ELECTED_UNCLEAN));
    let seized = desk.state();
    assert_eq!((seized.leader, seized.isr), (Some(1), set(&[1])));
    assert!(seized.epoch > before.epoch);
    desk.join(0, 2);
    assert_eq!(
        desk.state().leader,
        Some(1),
        "what it lacks is no reason to go"
    );
}

#[test]
fn k6_who_leaves_below_the_minimum_stays_eligible_and_may_lead() {
    let mut desk = Desk::settled();
    let shrink = desk.wish(0, &[0, 1]);
    desk.ask(0, Ask::AlterIsr(shrink));
    desk.silence(&[(0, 1), (2, 1)]);
    assert_eq!(desk.state().isr, set(&[0]));
    assert_eq!(desk.state().elr, set(&[1]));
    desk.silence(&[(2, 1)]);
    assert_eq!(desk.state().leader, None, "2 was never eligible");
    desk.beat(1, 1);
    assert!(desk.passed(points::ELECTED_FROM_ELR));
    let state = desk.state();
    assert_eq!(state.leader, Some(1));
    assert_eq!((state.isr, state.elr), (set(&[1]), set(&[0])));
}

#[test]
fn k6_eligibility_ends_with_a_restart_and_with_enough_replicas() {
    let mut desk = Desk::settled();
    let shrink = desk.wish(0, &[0]);
    desk.ask(0, Ask::AlterIsr(shrink));
    assert_eq!(desk.state().elr, set(&[1, 2]));
    desk.join(1, 2);
    assert_eq!(desk.state().elr, set(&[2]));
    let grow = desk.wish(0, &[0, 1]);
    desk.ask(0, Ask::AlterIsr(grow));
    assert_eq!(desk.state().elr, BrokerSet::EMPTY);
}

#[test]
fn k6_a_last_in_sync_replica_that_restarts_gives_way_to_an_eligible_one() {
    let mut desk = Desk::settled();
    let shrink = desk.wish(0, &[0]);
    desk.ask(0, Ask::AlterIsr(shrink));
    desk.join(0, 2);
    let state = desk.state();
    assert_eq!((state.leader, state.isr), (Some(1), set(&[1])));
    assert_eq!(state.elr, set(&[2]));
}

#[test]
fn k6_where_restarted_replicas_stay_they_keep_their_places_in_both_sets() {
    let mut desk = Desk::settled_by(LogConfig {
        restarted_replica: RestartedReplica::Stays,
        ..LogConfig::default()
    });
    desk.join(1, 2);
    assert_eq!(desk.state().isr, set(&[0, 1, 2]));
    let shrink = desk.wish(0, &[0]);
    desk.ask(0, Ask::AlterIsr(shrink));
    desk.join(2, 2);
    assert_eq!(desk.state().elr, set(&[1, 2]));
}

#[test]
fn producer_ids_are_handed_out_once() {
    let mut desk = Desk::settled();
    for first in [0, 1_000, 2_000] {
        let count = 1_000;
        assert_eq!(
            desk.ask(1, Ask::AllocateProducers),
            Reply::Producers { first, count }
        );
    }
}

#[test]
fn a_forced_election_moves_leaders_to_other_in_sync_replicas() {
    let mut desk = Desk::settled();
    let epoch = desk.state().epoch;
    desk.run(|controller, raft, cx| controller.force_election(cx, raft));
    assert!(desk.passed(points::FORCED_ELECTION));
    let state = desk.state();
    assert_eq!(state.leader, Some(1));
    assert_eq!(state.epoch, Epoch(epoch.0 + 1));
    assert_eq!(state.isr, set(&[0, 1, 2]));
}

#[test]
fn k14_an_expansion_makes_the_further_partitions_usable_once_and_they_are_led_already() {
    let topic = LogTopic {
        partitions: 2,
        expands_to: Some(3),
    };
    let mut desk = Desk::settled_with(LogConfig::default(), topic);
    assert_eq!(desk.image.usable(TopicId(0)), Some(2));
    desk.run(|controller, raft, cx| controller.expand(cx, raft));
    assert!(desk.passed(points::PARTITIONS_EXPANDED));
    assert_eq!(desk.image.usable(TopicId(0)), Some(3));
    let last = Partition {
        topic: TopicId(0),
        index: 2,
    };
    let state = desk.image.partition(last);
    assert!(state.is_some_and(|state| state.leader.is_some()));
    let applied = desk.image.applied();
    desk.run(|controller, raft, cx| controller.expand(cx, raft));
    assert_eq!(desk.image.applied(), applied, "there is no more to expand");
}

#[test]
fn an_answer_waits_until_what_it_says_is_committed() {
    let mut desk = Desk::settled();
    let effects = {
        let (raft, controller) = (&mut desk.raft, &mut desk.controller);
        let asker = (VIA, CallId(1));
        desk.rig
            .with(|cx| controller.on_request(cx, raft, 1, asker, Ask::AllocateProducers))
    };
    assert!(
        effects
            .iter()
            .all(|effect| matches!(effect, Effect::Disk(_))),
        "{effects:?}"
    );
}

#[test]
fn a_controller_out_of_office_refuses_and_says_that_open_answers_are_unknown() {
    let mut desk = Desk::settled();
    let effects = {
        let (raft, controller, image) = (&mut desk.raft, &mut desk.controller, &desk.image);
        let asker = (VIA, CallId(1));
        desk.rig.with(|cx| {
            controller.on_request(cx, raft, 1, asker, Ask::AllocateProducers);
            let other = crate::message::raft::RaftMessage::Append {
                term: raft.term() + 1,
                prev_index: 0,
                prev_term: 0,
                entries: [].into(),
                commit: 0,
            };
            raft.on_message(cx, 1, VIA, &other);
            controller.settle(cx, raft, image);
            controller.on_request(cx, raft, 1, asker, Ask::AllocateProducers);
        })
    };
    let refused = |refusal| Effect::Send {
        connection: VIA,
        message: Message::Reply {
            call: CallId(1),
            reply: Reply::Refused(refusal),
        },
    };
    assert!(effects.contains(&refused(Refusal::TimedOut)));
    assert!(effects.contains(&refused(Refusal::NotController)));
}
