//! Claims about consumer groups in scripted worlds: members come and go, coordinators crash, and what was
//! committed stays committed.

#![allow(clippy::wildcard_enum_match_arm)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use stormglass_core::actor::{Actor, Context, Input, Inspection};
use stormglass_core::broker::log::config::{ConsumerConfig, LogConfig, LogTopic};
use stormglass_core::broker::log::{LogBroker, LogPlan};
use stormglass_core::call::Calls;
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::history::Kinds;
use stormglass_core::id::{GroupId, MemberId, NodeId, Offset, PartId, Partition, TimerId, TopicId};
use stormglass_core::message::group::{CommitOffsets, GroupHeartbeat, JoinGroup, Position};
use stormglass_core::message::{Message, Refusal, Reply, Request};
use stormglass_core::part::{Cluster, Factory};
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::bare;
use stormglass_sim::profile::Profile;
use stormglass_sim::world::{Limits, NodePlan, Software, World, WorldPlan};

/// The members' part.
const GROUP: GroupId = GroupId(1);
const TOPIC: TopicId = TopicId(0);
const PARTITIONS: u16 = 6;
const TICK: TimerId = TimerId(1);
const AGAIN: TimerId = TimerId(2);
const BROKERS: Cluster = Cluster {
    first: NodeId(0),
    nodes: 3,
};

/// What the members saw, in the order of true time.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Note {
    Joined(MemberId, u32, Vec<(Partition, Option<Offset>)>),
    Committed(Partition, Offset),
}

enum Ask {
    Find,
    Join,
    Heartbeat,
    Commit(Arc<[(Partition, Offset)]>),
}

/// A member that reads nothing and commits one more record of each of its partitions at every tick.
struct Consumer {
    diary: Rc<RefCell<Vec<Note>>>,
    calls: Calls<Ask>,
    member: MemberId,
    coordinator: Option<NodeId>,
    asked: u16,
    generation: u32,
    positions: BTreeMap<Partition, Offset>,
    committing: bool,
    /// It must join again, once its commit is answered.
    leaves: bool,
}

impl Consumer {
    fn new(diary: Rc<RefCell<Vec<Note>>>) -> Consumer {
        Consumer {
            diary,
            calls: Calls::new(0),
            member: MemberId(0),
            coordinator: None,
            asked: 0,
            generation: 0,
            positions: BTreeMap::new(),
            committing: false,
            leaves: false,
        }
    }

    fn find(&mut self, cx: &mut Context<'_>) {
        self.member = MemberId(u64::from(cx.node().0) << 32 | u64::from(cx.incarnation().0));
        let node = BROKERS.node(self.asked % BROKERS.nodes);
        self.asked += 1;
        let request = Request::FindCoordinator(GROUP);
        self.calls.ask(cx, node, request, Span::secs(1), Ask::Find);
    }

    fn join(&mut self, cx: &mut Context<'_>) {
        self.positions.clear();
        self.leaves = false;
        cx.disarm(TICK);
        let Some(coordinator) = self.coordinator else {
            cx.arm(AGAIN, Span::millis(50));
            return;
        };
        let join = JoinGroup {
            group: GROUP,
            member: self.member,
            topic: TOPIC,
            partitions: PARTITIONS,
        };
        let request = Request::JoinGroup(join);
        self.calls
            .ask(cx, coordinator, request, Span::secs(6), Ask::Join);
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        cx.arm(TICK, Span::millis(50));
        let Some(coordinator) = self.coordinator else {
            return;
        };
        let beat = GroupHeartbeat {
            group: GROUP,
            member: self.member,
            generation: self.generation,
        };
        let within = Span::secs(1);
        let request = Request::GroupHeartbeat(beat);
        self.calls
            .ask(cx, coordinator, request, within, Ask::Heartbeat);
        if self.committing || self.positions.is_empty() {
            return;
        }
        self.committing = true;
        for next in self.positions.values_mut() {
            next.0 += 1;
        }
        let positions: Arc<[(Partition, Offset)]> =
            self.positions.iter().map(|(p, next)| (*p, *next)).collect();
        let commit = CommitOffsets {
            group: GROUP,
            member: self.member,
            generation: self.generation,
            positions: positions
                .iter()
                .map(|(partition, next)| (*partition, Position::at(*next)))
                .collect(),
        };
        let request = Request::CommitOffsets(Arc::new(commit));
        let ask = Ask::Commit(positions);
        self.calls.ask(cx, coordinator, request, within, ask);
    }

    fn ended(&mut self, cx: &mut Context<'_>, ask: Ask, reply: Option<&Reply>) {
        let mut diary = self.diary.borrow_mut();
        match (&ask, reply) {
            (Ask::Find, Some(Reply::Coordinator(Some(node)))) => {
                self.coordinator = Some(*node);
                drop(diary);
                self.join(cx);
            }
            (Ask::Join, Some(Reply::Joined(joined))) => {
                let generation = joined.generation;
                let assignment: Vec<(Partition, Option<Offset>)> = joined
                    .assignment
                    .iter()
                    .map(|(partition, position)| (*partition, position.map(|known| known.next)))
                    .collect();
                self.generation = generation;
                self.positions = assignment
                    .iter()
                    .map(|(partition, next)| (*partition, next.unwrap_or(Offset(0))))
                    .collect();
                diary.push(Note::Joined(self.member, generation, assignment));
                cx.arm(TICK, Span::millis(50));
            }
            (Ask::Commit(positions), Some(Reply::OffsetsCommitted)) => {
                diary.extend(positions.iter().map(|(p, next)| Note::Committed(*p, *next)));
            }
            (Ask::Heartbeat, Some(Reply::GroupAlive)) => {}
            (_, Some(Reply::Refused(refusal))) => {
                self.leaves = true;
                if matches!(
                    refusal,
                    Refusal::NotCoordinator | Refusal::CoordinatorLoading | Refusal::TimedOut
                ) {
                    self.coordinator = None;
                }
            }
            _ => {
                self.leaves = true;
                self.coordinator = None;
            }
        }
        if matches!(ask, Ask::Commit(_)) {
            self.committing = false;
        }
        if self.leaves && !self.committing {
            self.leaves = false;
            self.positions.clear();
            cx.disarm(TICK);
            cx.arm(AGAIN, Span::millis(50));
        }
    }
}

impl Actor for Consumer {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        let ended = match input {
            Input::Start => return self.find(cx),
            Input::Timer(AGAIN) if self.coordinator.is_none() => return self.find(cx),
            Input::Timer(AGAIN) => return self.join(cx),
            Input::Timer(TICK) => return self.tick(cx),
            Input::Message {
                message: Message::Reply { call, reply },
                ..
            } => {
                if let Some(ask) = self.calls.answered(cx, call) {
                    self.ended(cx, ask, Some(&reply));
                }
                return;
            }
            Input::Timer(timer) => self.calls.expired(cx, timer),
            Input::Closed { connection, .. } => self.calls.closed(cx, connection),
            _ => return,
        };
        for (_, _, ask) in ended {
            self.ended(cx, ask, None);
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new().value("generation", self.generation)
    }
}

fn config() -> LogConfig {
    let orders = LogTopic::of(PARTITIONS);
    LogConfig {
        topics: BTreeMap::from([("orders".to_owned(), orders)]),
        replica_lag_time_max: Span::secs(3),
        replica_fetch_wait_max: Span::millis(50),
        broker_heartbeat_interval: Span::millis(200),
        broker_session_timeout: Span::millis(900),
        quorum_fetch_timeout: Span::millis(200),
        quorum_election_timeout: Span::millis(100),
        group_initial_rebalance_delay: Span::millis(300),
        consumer: ConsumerConfig {
            session_timeout: Span::secs(2),
            ..ConsumerConfig::default()
        },
        ..LogConfig::default()
    }
}

/// Nodes 0 to 2 are the broker; 3, 4 and 5 are members of one group, the last of which comes at 6 s.
fn run(seed: u64, faults: Vec<Fault>) -> Vec<Note> {
    let config = Arc::new(config());
    let node = |name: String, part: u16, boot_at: u64, factory: Factory| NodePlan {
        name,
        part: PartId(part),
        software: Software::Actor(factory),
        boot_at: Time(boot_at),
        clock_offset: 0,
        clock_drift: 0,
        zone: 0,
    };
    let mut nodes = Vec::new();
    for index in 0..3 {
        let plan = LogPlan {
            config: config.clone(),
            cluster: BROKERS,
            index,
        };
        let factory = move || Box::new(LogBroker::new(plan.clone())) as Box<dyn Actor>;
        let name = format!("broker.main.{index}");
        nodes.push(node(name, 0, 0, Box::new(factory)));
    }
    let diary = Rc::new(RefCell::new(Vec::new()));
    for index in 0..3_u64 {
        let diary = diary.clone();
        let factory = move || Box::new(Consumer::new(diary.clone())) as Box<dyn Actor>;
        let boot_at = if index == 2 { Span::secs(6).0 } else { 0 };
        let name = format!("processor.test.{index}");
        nodes.push(node(name, 1, boot_at, Box::new(factory)));
    }
    let end = Time(Span::secs(30).0);
    let mut world = World::new(WorldPlan {
        seed: Seed(seed),
        profile: Profile::same_zone(),
        nodes,
        faults: FaultPlan { faults },
        parts: vec!["broker.main".to_owned(), "processor.test".to_owned()],
        time_service: None,
        heal_at: end,
        drain_at: end,
        wanted: Kinds::all(),
        limits: Limits::default(),
        trace: None,
    });
    bare(&mut world, end, &mut |_, _| true);
    diary.take()
}

fn fault(at: u64, kind: FaultKind, target: Target) -> Fault {
    Fault {
        name: None,
        at: Time(Span::secs(at).0),
        lasts: Span::secs(4),
        kind,
        target,
        planned: true,
    }
}

fn coordinator() -> Target {
    Target::Coordinator("processor.test".to_owned())
}

/// The first rule that a diary breaks, if any.
fn broken(diary: &[Note]) -> Option<String> {
    let mut committed: BTreeMap<Partition, Offset> = BTreeMap::new();
    let mut owners: BTreeMap<(u32, Partition), MemberId> = BTreeMap::new();
    for note in diary {
        match note {
            Note::Committed(partition, next) => {
                committed.insert(*partition, *next);
            }
            Note::Joined(member, generation, assignment) => {
                for (partition, from) in assignment {
                    let owner = *owners.entry((*generation, *partition)).or_insert(*member);
                    if owner != *member {
                        return Some(format!("{partition} has two owners in {generation}"));
                    }
                    let known = committed.get(partition).copied();
                    if *from < known {
                        return Some(format!("{partition} goes back: {from:?} after {known:?}"));
                    }
                }
            }
        }
    }
    None
}

fn generations(diary: &[Note]) -> BTreeSet<u32> {
    diary
        .iter()
        .filter_map(|note| match note {
            Note::Joined(_, generation, _) => Some(*generation),
            Note::Committed(..) => None,
        })
        .collect()
}

/// The shares of the last generation.
fn last_shares(diary: &[Note]) -> Vec<usize> {
    let last = generations(diary).last().copied();
    diary
        .iter()
        .filter_map(|note| match note {
            Note::Joined(_, generation, assignment) if Some(*generation) == last => {
                Some(assignment.len())
            }
            _ => None,
        })
        .collect()
}

fn assert_sound(seed: u64, diary: &[Note]) {
    assert_eq!(broken(diary), None, "seed {seed}");
    assert_eq!(last_shares(diary), [2, 2, 2], "seed {seed}");
    let last = diary
        .iter()
        .rposition(|note| matches!(note, Note::Joined(..)));
    let after = diary.len() - last.unwrap_or(0);
    assert!(after > 100, "seed {seed}: only {after} commits at the end");
}

#[test]
fn members_share_all_partitions_and_a_newcomer_gets_its_part() {
    for seed in 0..10 {
        let diary = run(seed, Vec::new());
        assert_sound(seed, &diary);
        assert_eq!(generations(&diary).len(), 2, "seed {seed}: {diary:?}");
    }
}

#[test]
fn a_crashed_member_is_replaced_by_the_others_until_it_returns() {
    for seed in 0..10 {
        let member = Target::Node("processor.test.1".to_owned());
        let diary = run(seed, vec![fault(10, FaultKind::Crash, member)]);
        assert_sound(seed, &diary);
        assert!(generations(&diary).len() >= 4, "seed {seed}");
    }
}

#[test]
fn what_was_committed_survives_the_coordinator() {
    for seed in 0..10 {
        for kind in [FaultKind::Crash, FaultKind::PowerLoss { torn: true }] {
            let diary = run(seed, vec![fault(10, kind, coordinator())]);
            assert_sound(seed, &diary);
            assert!(generations(&diary).len() >= 3, "seed {seed}");
        }
    }
}
