//! One coordinator of one offsets partition, and what it answers.

use super::*;
use crate::actor::Effect;
use crate::broker::log::config::LogTopic;
use crate::event::Records;
use crate::id::NodeId;
use crate::message::Message;
use crate::message::group::Joined;
use crate::test_rig::Rig;
use crate::time::Span;

const G: GroupId = GroupId(4);
const A: MemberId = MemberId(1);
const B: MemberId = MemberId(2);

/// Every member has a connection of its own.
fn via(member: MemberId) -> Connection {
    Connection {
        slot: member.0 as u32,
        generation: 0,
    }
}

fn partition(index: u16) -> Partition {
    Partition {
        topic: TopicId(0),
        index,
    }
}

struct Desk {
    rig: Rig,
    groups: Groups,
    /// Points and facts of the last step.
    noted: Vec<Effect>,
}

type Answers = Vec<(MemberId, Reply)>;

impl Desk {
    fn new(flaws: &[LogFlaw]) -> Desk {
        let mut config = LogConfig {
            flaws: flaws.to_vec(),
            ..LogConfig::default()
        };
        config.topics.insert("orders".to_owned(), LogTopic::of(4));
        Desk {
            rig: Rig::new(NodeId(0)),
            groups: Groups::new(&config),
            noted: Vec::new(),
        }
    }

    /// In office in epoch 1, with nothing committed.
    fn serving() -> Desk {
        let mut desk = Desk::new(&[]);
        desk.take_office(Epoch(1), &[]);
        desk
    }

    fn take_office(&mut self, epoch: Epoch, commits: &[OffsetCommit]) {
        self.run(|groups, cx| {
            groups.lead(cx, 0, epoch);
            groups.load(cx, 0, epoch, commits.iter().copied());
        });
    }

    fn run(&mut self, body: impl FnOnce(&mut Groups, &mut Context<'_>)) -> Answers {
        let groups = &mut self.groups;
        let effects = self.rig.with(|cx| body(groups, cx));
        let mut answers = Vec::new();
        self.noted.clear();
        for effect in effects {
            if let Effect::Send {
                connection,
                message: Message::Reply { reply, .. },
            } = effect
            {
                answers.push((MemberId(u64::from(connection.slot)), reply));
            } else {
                self.noted.push(effect);
            }
        }
        answers
    }

    fn join(&mut self, member: MemberId) -> Answers {
        self.join_knowing(member, 4)
    }

    fn join_knowing(&mut self, member: MemberId, partitions: u16) -> Answers {
        let join = JoinGroup {
            group: G,
            member,
            topic: TopicId(0),
            partitions,
        };
        self.run(|groups, cx| groups.on_join(cx, via(member), CallId(0), join))
    }

    fn beat(&mut self, member: MemberId, generation: u32) -> Reply {
        let beat = GroupHeartbeat {
            group: G,
            member,
            generation,
        };
        let mut answers =
            self.run(|groups, cx| groups.on_heartbeat(cx, via(member), CallId(0), beat));
        assert_eq!(answers.len(), 1);
        answers.remove(0).1
    }

    fn leave(&mut self, member: MemberId) -> Answers {
        self.run(|groups, cx| groups.on_leave(cx, via(member), CallId(0), (G, member)))
    }

    /// Commits `next` of partition `index`: the answers, and what is to be appended.
    fn commit(
        &mut self,
        member: MemberId,
        generation: u32,
        (index, next): (u16, u64),
    ) -> (Answers, Vec<Append>) {
        let commit = CommitOffsets {
            group: G,
            member,
            generation,
            positions: [(partition(index), Position::at(Offset(next)))].into(),
        };
        let answers = self.run(|groups, cx| groups.on_commit(cx, via(member), CallId(0), &commit));
        (answers, self.groups.take_appends())
    }

    fn committed(&mut self, member: MemberId, generation: u32, at: u64, what: (u16, u64)) {
        let (_, appends) = self.commit(member, generation, what);
        let number = appends[0].number;
        let answers = self.run(|groups, cx| groups.appended(cx, number, Ok(Offset(at))));
        assert_eq!(answers, [(member, Reply::OffsetsCommitted)]);
    }

    fn wait(&mut self, span: Span) -> Answers {
        self.rig.wait(span);
        self.run(|groups, cx| {
            assert!(groups.on_timer(cx, GROUPS_TIMER));
        })
    }

    /// A and B in their first generation.
    fn pair() -> Desk {
        let mut desk = Desk::serving();
        assert_eq!(desk.join(A), []);
        assert_eq!(desk.join(B), []);
        let answers = desk.wait(Span::secs(3));
        assert_eq!(
            answers,
            [
                (A, joined(10_001, &[(0, None), (1, None)])),
                (B, joined(10_001, &[(2, None), (3, None)])),
            ]
        );
        for member in [A, B] {
            assert_eq!(desk.beat(member, 10_001), Reply::GroupAlive);
        }
        desk
    }
}

fn joined(generation: u32, assignment: &[(u16, Option<u64>)]) -> Reply {
    shared(generation, 4, assignment)
}

fn shared(generation: u32, partitions: u16, assignment: &[(u16, Option<u64>)]) -> Reply {
    let assignment = assignment
        .iter()
        .map(|(index, next)| {
            let position = next.map(|next| Position::at(Offset(next)));
            (partition(*index), position)
        })
        .collect();
    Reply::Joined(Arc::new(Joined {
        generation,
        partitions,
        assignment,
    }))
}

fn refused(refusal: Refusal) -> Reply {
    Reply::Refused(refusal)
}

fn position(index: u16, next: u64) -> OffsetCommit {
    OffsetCommit {
        group: G,
        partition: partition(index),
        position: Position::at(Offset(next)),
        member: A,
        generation: 1,
    }
}

#[test]
fn only_a_coordinator_that_has_loaded_serves() {
    let mut desk = Desk::new(&[]);
    assert_eq!(desk.join(A), [(A, refused(Refusal::NotCoordinator))]);
    desk.run(|groups, cx| groups.lead(cx, 0, Epoch(1)));
    assert_eq!(desk.join(A), [(A, refused(Refusal::CoordinatorLoading))]);
    desk.run(|groups, cx| groups.load(cx, 0, Epoch(9), []));
    assert_eq!(
        desk.join(A),
        [(A, refused(Refusal::CoordinatorLoading))],
        "what another epoch's log held is no answer"
    );
    desk.run(|groups, cx| groups.load(cx, 0, Epoch(1), []));
    assert_eq!(desk.join(A), []);
    let role = Role::Coordinator(G);
    let taken = Effect::Observe(Fact::RoleTaken { role, epoch: 1 });
    assert!(desk.noted.contains(&taken));
}

#[test]
fn k11_the_first_generation_waits_for_members_and_shares_evenly() {
    Desk::pair();
}

#[test]
fn k11_others_learn_of_a_join_from_their_heartbeats_and_all_are_answered_together() {
    let mut desk = Desk::pair();
    let c = MemberId(3);
    assert_eq!(desk.join(c), []);
    for member in [A, B] {
        assert_eq!(
            desk.beat(member, 10_001),
            refused(Refusal::RebalanceInProgress)
        );
    }
    assert_eq!(desk.join(A), []);
    assert_eq!(
        desk.join(B),
        [
            (A, joined(10_002, &[(0, None), (1, None)])),
            (B, joined(10_002, &[(2, None)])),
            (c, joined(10_002, &[(3, None)])),
        ],
        "what need not move stays"
    );
    assert_eq!(
        desk.beat(A, 10_001),
        refused(Refusal::IllegalGeneration),
        "the old generation is over"
    );
}

#[test]
fn k14_one_member_that_knows_of_more_partitions_is_enough_for_the_group_to_share_them() {
    let mut desk = Desk::pair();
    desk.groups.expand(TopicId(0), 5);
    assert_eq!(
        desk.beat(A, 10_001),
        Reply::GroupAlive,
        "an expansion disturbs nobody"
    );
    assert_eq!(desk.join_knowing(A, 6), []);
    let answers = desk.join_knowing(B, 4);
    let both = [
        (A, shared(10_002, 6, &[(0, None), (1, None), (4, None)])),
        (B, shared(10_002, 6, &[(2, None), (3, None), (5, None)])),
    ];
    assert_eq!(
        answers, both,
        "a later member that knows less takes nothing away"
    );
}

#[test]
fn k11_a_member_that_does_not_join_again_in_time_is_left_behind() {
    let mut desk = Desk::pair();
    desk.join(MemberId(3));
    desk.join(A);
    desk.rig.wait(Span::secs(44));
    desk.beat(B, 10_001);
    let answers = desk.wait(Span::secs(1));
    assert_eq!(answers.len(), 2);
    assert_eq!(desk.beat(B, 10_001), refused(Refusal::UnknownMember));
}

#[test]
fn k11_a_silent_member_leaves_after_its_session() {
    let mut desk = Desk::pair();
    desk.rig.wait(Span::secs(30));
    assert_eq!(desk.beat(A, 10_001), Reply::GroupAlive);
    assert_eq!(desk.wait(Span::secs(15)), []);
    assert!(desk.noted.contains(&Effect::Point(points::MEMBER_EXPIRED)));
    assert_eq!(desk.beat(A, 10_001), refused(Refusal::RebalanceInProgress));
    let all = [(0, None), (1, None), (2, None), (3, None)];
    assert_eq!(desk.join(A), [(A, joined(10_002, &all))]);
}

#[test]
fn k11_a_member_that_leaves_gives_its_share_to_the_others() {
    let mut desk = Desk::pair();
    assert_eq!(desk.leave(B), [(B, Reply::GroupAlive)]);
    assert_eq!(desk.leave(B), [(B, refused(Refusal::UnknownMember))]);
    let answers = desk.join(A);
    assert_eq!(answers.len(), 1);
    assert_eq!(desk.leave(A), [(A, Reply::GroupAlive)]);
    assert_eq!(desk.join(B), [], "an empty group waits for company again");
}

#[test]
fn a_member_whose_answer_was_lost_gets_it_again_without_a_rebalance() {
    let mut desk = Desk::serving();
    desk.join(A);
    let answers = desk.wait(Span::secs(3));
    assert_eq!(desk.join(A), answers);
    desk.beat(A, 10_001);
    let mut next = desk.join(A);
    let (_, reply) = next.remove(0);
    let Reply::Joined(joined) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(joined.generation, 10_002);
}

#[test]
fn k10_commits_of_strangers_and_of_older_generations_are_refused_and_append_nothing() {
    let mut desk = Desk::pair();
    let stranger = MemberId(7);
    let (answers, appends) = desk.commit(stranger, 10_001, (0, 5));
    assert_eq!(answers, [(stranger, refused(Refusal::UnknownMember))]);
    assert_eq!(appends, []);
    let (answers, appends) = desk.commit(A, 10_000, (0, 5));
    assert_eq!(answers, [(A, refused(Refusal::IllegalGeneration))]);
    assert_eq!(appends, []);
}

#[test]
fn k12_a_commit_is_answered_when_it_is_replicated_and_moves_with_its_partition() {
    let mut desk = Desk::pair();
    let (answers, appends) = desk.commit(A, 10_001, (1, 70));
    assert_eq!(answers, []);
    assert_eq!(appends.len(), 1);
    assert_eq!(appends[0].partition, offsets_partition(G, 1));
    let Records::Offsets(commits) = &appends[0].batch.records else {
        panic!("{appends:?}");
    };
    assert_eq!(commits[0].position.next, Offset(70));
    let number = appends[0].number;
    let answers = desk.run(|groups, cx| groups.appended(cx, number, Ok(Offset(0))));
    assert_eq!(answers, [(A, Reply::OffsetsCommitted)]);
    desk.leave(A);
    let expected = [(0, None), (1, Some(70)), (2, None), (3, None)];
    assert_eq!(desk.join(B), [(B, joined(10_002, &expected))]);
}

#[test]
fn a_commit_that_could_not_be_appended_is_refused_and_forgotten() {
    let mut desk = Desk::pair();
    for (refusal, told) in [
        (Refusal::NotEnoughReplicas, Refusal::NotEnoughReplicas),
        (Refusal::NotLeader, Refusal::NotCoordinator),
    ] {
        let (_, appends) = desk.commit(A, 10_001, (1, 70));
        let number = appends[0].number;
        let answers = desk.run(|groups, cx| groups.appended(cx, number, Err(refusal)));
        assert_eq!(answers, [(A, refused(told))]);
    }
    desk.leave(B);
    let none = [(0, None), (1, None), (2, None), (3, None)];
    assert_eq!(desk.join(A), [(A, joined(10_002, &none))]);
}

#[test]
fn a_member_may_commit_while_its_group_waits_for_others() {
    let mut desk = Desk::pair();
    desk.join(MemberId(3));
    desk.committed(B, 10_001, 0, (2, 9));
}

#[test]
fn k12_the_next_coordinator_loads_the_last_positions_and_its_generations_are_newer() {
    let mut desk = Desk::pair();
    desk.run(|groups, cx| groups.resign(cx, 0));
    assert_eq!(
        desk.noted,
        [Effect::Observe(Fact::RoleLost {
            role: Role::Coordinator(G),
            epoch: 1
        })]
    );
    let log = [position(0, 5), position(3, 8), position(0, 6)];
    desk.take_office(Epoch(2), &log);
    assert_eq!(desk.beat(A, 10_001), refused(Refusal::UnknownMember));
    desk.join(A);
    let expected = [(0, Some(6)), (1, None), (2, None), (3, Some(8))];
    assert_eq!(desk.wait(Span::secs(3)), [(A, joined(20_001, &expected))]);
}

#[test]
fn a_coordinator_that_resigns_says_that_open_commits_are_unknown() {
    let mut desk = Desk::pair();
    desk.join(MemberId(3));
    let (_, appends) = desk.commit(A, 10_001, (0, 5));
    let answers = desk.run(|groups, cx| groups.resign(cx, 0));
    assert_eq!(
        answers,
        [
            (A, refused(Refusal::TimedOut)),
            (MemberId(3), refused(Refusal::NotCoordinator)),
        ]
    );
    let number = appends[0].number;
    let late = desk.run(|groups, cx| groups.appended(cx, number, Ok(Offset(0))));
    assert_eq!(late, []);
}

#[test]
fn a_rewound_group_starts_its_next_generation_at_the_beginning() {
    let mut desk = Desk::pair();
    desk.committed(A, 10_001, 0, (0, 50));
    let (_, on_its_way) = desk.commit(A, 10_001, (1, 60));
    desk.run(Groups::rewind);
    let appends = desk.groups.take_appends();
    assert_eq!(appends[0].batch.count(), 4, "it is stored, too");
    let number = on_its_way[0].number;
    desk.run(|groups, cx| groups.appended(cx, number, Ok(Offset(1))));
    let (answers, _) = desk.commit(A, 10_001, (0, 51));
    assert_eq!(answers, [(A, refused(Refusal::RebalanceInProgress))]);
    desk.join(A);
    let zero = Some(0);
    assert_eq!(
        desk.join(B),
        [
            (A, joined(10_002, &[(0, zero), (1, zero)])),
            (B, joined(10_002, &[(2, zero), (3, zero)])),
        ]
    );
    desk.committed(A, 10_002, 9, (0, 3));
}

#[test]
fn the_flaw_starts_a_restarted_group_one_record_too_far() {
    let mut desk = Desk::new(&[LogFlaw::SkipAfterCommit]);
    desk.take_office(Epoch(1), &[position(0, 5)]);
    desk.join(A);
    let expected = [(0, Some(6)), (1, None), (2, None), (3, None)];
    assert_eq!(desk.wait(Span::secs(3)), [(A, joined(10_001, &expected))]);
}

#[test]
fn a_join_whose_connection_closed_is_not_waited_for_for_ever() {
    let mut desk = Desk::pair();
    desk.join(MemberId(3));
    desk.run(|groups, cx| groups.on_closed(cx, via(MemberId(3))));
    desk.join(A);
    assert_eq!(desk.join(B), [], "3 may still come back");
    let answers = desk.wait(Span::secs(45));
    assert_eq!(answers.len(), 2);
}
