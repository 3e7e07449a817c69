//! What led to a failure: every moment of the event that it names, what struck the system, and what happened around
//! these, each with the moment that it follows from.

use super::cause::Causes;
use super::order::{Order, Place};
use super::words::{kind_of, words};
use crate::assemble::Assembly;
use crate::explain::{Follower, fault_words};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use stormglass_core::check::{Topology, Violation};
use stormglass_core::event::EventId;
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::{Fact, Observation};
use stormglass_core::id::NodeId;
use stormglass_core::time::{Span, Time};
use stormglass_sim::world::World;

/// Moments of a story at most.
pub const MOMENTS: usize = 1_000;
/// Moments of the followed events among them.
const FOLLOWED: usize = 400;
/// Faults, deaths and offices among them.
const SURROUNDINGS: usize = 300;
/// Events that are followed.
const EVENTS: usize = 2;
/// Other moments kept before and after each that matters.
const AROUND: usize = 120;
/// Other moments kept before the choice is made.
const KEPT: usize = 8_000;

/// What sort of moment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A fault begins or ends, a process dies or boots.
    Fault,
    /// An office, a lease or a share of the input changes hands.
    Office,
    /// A client sends.
    Send,
    /// A broker takes, stores or commits.
    Store,
    /// A reader is given something.
    Read,
    /// A processor or a sink makes something of it.
    Effect,
    /// A client is told that it is done.
    Answer,
    /// Something is lost, dropped or given up.
    Loss,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, in true time.
    pub time: Time,
    /// Where, by its place among the nodes of the story; none for what happens to the world.
    pub node: Option<usize>,
    /// What sort.
    pub kind: Kind,
    /// In words, without the node.
    pub what: String,
    /// The earlier moment that it follows from, by its place in the story.
    pub cause: Option<usize>,
    /// Whether it concerns an event that the failure names.
    pub followed: bool,
}

/// What led to a failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// The violation in a sentence.
    pub sentence: String,
    /// When it happened; for a lost event, when that was owed.
    pub time: Time,
    /// The events that are followed.
    pub events: Vec<EventId>,
    /// The nodes of its moments, in the order of the scenario.
    pub nodes: Vec<String>,
    /// In the order in which they happened.
    pub moments: Vec<Moment>,
    /// How many moments the run had in all.
    pub all: u64,
    /// Where in a log the event lay first.
    pub place: Option<Place>,
    /// In which order everybody saw that log.
    pub order: Option<Order>,
    /// The number of each moment among all of the run.
    pub(super) numbers: Vec<u64>,
}

struct Candidate {
    number: u64,
    time: Time,
    node: NodeId,
    kind: Kind,
    what: String,
    cause: Option<u64>,
    followed: bool,
}

pub(super) struct StoryKeeper {
    topology: Arc<Topology>,
    plan: FaultPlan,
    violation: Violation,
    followers: Vec<Follower>,
    causes: Causes,
    struck: BTreeMap<NodeId, Vec<u32>>,
    all: u64,
    followed: Vec<Candidate>,
    surroundings: Vec<Candidate>,
    /// The latest others, of which it is not known yet whether they matter.
    waiting: VecDeque<Candidate>,
    others: Vec<Candidate>,
    /// How many more others are kept.
    room: usize,
    is_past: bool,
    place: Option<Place>,
}

impl StoryKeeper {
    pub(super) fn new(assembly: &Assembly, plan: &FaultPlan, violation: &Violation) -> StoryKeeper {
        let topology = assembly.topology();
        let events = violation.events.iter().take(EVENTS);
        StoryKeeper {
            causes: Causes::new(Arc::clone(&topology)),
            topology,
            plan: plan.clone(),
            violation: violation.clone(),
            followers: events.map(|event| Follower::of(*event)).collect(),
            struck: BTreeMap::new(),
            all: 0,
            followed: Vec::new(),
            surroundings: Vec::new(),
            waiting: VecDeque::new(),
            others: Vec::new(),
            room: 0,
            is_past: false,
            place: None,
        }
    }

    pub(super) fn see(&mut self, world: &World, seen: &Observation) {
        if let Fact::FaultStarted(fault) = &seen.fact {
            for node in world.struck(*fault) {
                self.struck.entry(*node).or_default().push(*fault);
            }
        }
        let Some(kind) = kind_of(&seen.fact, seen.stage) else {
            return;
        };
        if seen.fact == Fact::Booted && seen.incarnation.0 <= 1 {
            return;
        }
        let number = self.all;
        self.all += 1;
        let struck = self.struck.get(&seen.node).map_or(&[][..], Vec::as_slice);
        let cause = self.causes.note(number, seen, struck);
        let candidate = |what: String, followed: bool| Candidate {
            number,
            time: seen.time,
            node: seen.node,
            kind,
            what,
            cause,
            followed,
        };
        if !self.is_past && seen.time >= self.violation.time {
            self.is_past = true;
            self.matters();
        }
        let told = self.concerns(seen);
        if !told.is_empty() {
            self.matters();
            if self.followed.len() < FOLLOWED {
                self.followed.push(candidate(told.join("; "), true));
            }
        } else if kind == Kind::Fault || kind == Kind::Office {
            let what = fault_words(&self.plan, seen);
            let what = what.unwrap_or_else(|| words(&seen.fact, seen.stage));
            self.surroundings.push(candidate(what, false));
        } else {
            let other = candidate(words(&seen.fact, seen.stage), false);
            self.keep(other);
        }
    }

    /// What the fact says of the followed events.
    fn concerns(&mut self, seen: &Observation) -> Vec<String> {
        let several = self.followers.len() > 1;
        let mut told = Vec::new();
        for follower in &mut self.followers {
            let Some(what) = follower.concerns(seen) else {
                continue;
            };
            let event = follower.event;
            told.push(if several {
                format!("{}:{} {what}", event.source, event.number)
            } else {
                what
            });
            if self.place.is_none()
                && let Some(((node, partition), offset)) = follower.places.iter().next()
                && let Some(broker) = self.topology.part_of(*node)
            {
                self.place = Some(Place {
                    broker,
                    partition: *partition,
                    offset: *offset,
                });
            }
        }
        told
    }

    /// What happened just before matters, and so does what follows.
    fn matters(&mut self) {
        self.room = AROUND;
        let room = KEPT.saturating_sub(self.others.len());
        self.others.extend(self.waiting.drain(..).take(room));
    }

    fn keep(&mut self, other: Candidate) {
        if self.room > 0 && self.others.len() < KEPT {
            self.room -= 1;
            self.others.push(other);
            return;
        }
        self.waiting.push_back(other);
        if self.waiting.len() > AROUND {
            self.waiting.pop_front();
        }
    }

    /// The story: all that was followed, and of the rest what is nearest to it.
    pub(super) fn finish(self) -> Story {
        let mut times: Vec<Time> = self.followed.iter().map(|one| one.time).collect();
        times.push(self.violation.time);
        times.sort_unstable();
        let distance = |one: &Candidate| {
            let after = times.partition_point(|time| *time <= one.time);
            let before = after.checked_sub(1).map(|at| one.time.since(times[at]));
            let next = times.get(after).map(|time| time.since(one.time));
            before.into_iter().chain(next).min()
        };
        let nearest = |mut all: Vec<Candidate>, most: usize| {
            all.sort_by_key(|one| (distance(one), one.number));
            all.truncate(most);
            all
        };
        // What struck the system long before or after is told by the log of faults.
        let span = times[times.len() - 1].since(times[0]).max(Span::secs(1));
        let near = self.surroundings.into_iter();
        let near = near.filter(|one| distance(one).is_none_or(|far| far <= span));
        let near = nearest(near.collect(), SURROUNDINGS);
        let mut chosen = self.followed;
        chosen.extend(near);
        let room = MOMENTS - chosen.len();
        chosen.extend(nearest(self.others, room));
        chosen.sort_by_key(|one| one.number);
        let numbers: Vec<u64> = chosen.iter().map(|one| one.number).collect();
        let ids: BTreeSet<NodeId> = chosen.iter().map(|one| one.node).collect();
        let ids: Vec<NodeId> = ids.into_iter().filter(|node| node.0 != u16::MAX).collect();
        let moments = chosen.into_iter().map(|one| Moment {
            time: one.time,
            node: ids.binary_search(&one.node).ok(),
            kind: one.kind,
            what: one.what,
            cause: one
                .cause
                .and_then(|cause| numbers.binary_search(&cause).ok()),
            followed: one.followed,
        });
        Story {
            sentence: self.violation.sentence,
            time: self.violation.time,
            events: self.followers.iter().map(|one| one.event).collect(),
            moments: moments.collect(),
            nodes: ids
                .iter()
                .map(|node| self.topology.node_name(*node))
                .collect(),
            all: self.all,
            place: self.place,
            order: None,
            numbers,
        }
    }
}
