//! What a publisher knows of its broker: who leads which partition, and the producer id it was given.

use super::plan::PublisherPlan;
use crate::id::{Epoch, NodeId, ProducerId};
use crate::message::log::Metadata;
use crate::time::{Mono, Span};

/// Leaders as the publisher believes them.
#[derive(Debug)]
pub(super) struct Leaders {
    known: Vec<(Option<NodeId>, Epoch)>,
    usable: u16,
    max_age: Option<Span>,
    learnt: Option<Mono>,
    is_stale: bool,
    pub(super) asking: Asking,
}

/// A question that is asked again until it is answered, each time of another node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asking {
    is_open: bool,
    not_before: Mono,
    turn: u16,
}

impl Asking {
    /// Which node to ask at this instant, if it is time.
    pub(super) fn begin(&mut self, now: Mono, plan: &PublisherPlan) -> Option<NodeId> {
        if self.is_open || now < self.not_before {
            return None;
        }
        self.is_open = true;
        Some(plan.broker.node(self.turn % plan.broker.nodes))
    }

    /// It was answered. Another question of the kind waits for the backoff, lest an answer that is itself
    /// stale be asked for in a loop.
    pub(super) fn answered(&mut self, now: Mono, backoff: Span) {
        self.is_open = false;
        self.not_before = now + backoff;
    }

    /// It failed; gives the instant of the next try.
    pub(super) fn failed(&mut self, now: Mono, backoff: Span) -> Mono {
        self.answered(now, backoff);
        self.turn = self.turn.wrapping_add(1);
        self.not_before
    }

    /// When it may be asked again, none while it is open.
    pub(super) fn next(&self) -> Option<Mono> {
        (!self.is_open).then_some(self.not_before)
    }
}

impl Leaders {
    /// Nothing known yet; without metadata the broker's first node leads everything.
    pub(super) fn new(plan: &PublisherPlan) -> Leaders {
        let leader = plan.metadata_max_age.is_none().then(|| plan.broker.node(0));
        Leaders {
            known: vec![(leader, Epoch(0)); usize::from(plan.partitions)],
            usable: plan.usable,
            max_age: plan.metadata_max_age,
            learnt: None,
            is_stale: false,
            asking: Asking::default(),
        }
    }

    pub(super) fn of(&self, partition: u16) -> Option<NodeId> {
        self.known[usize::from(partition)].0
    }

    /// Among how many partitions keys are shared out (K14).
    pub(super) fn usable(&self) -> u16 {
        self.usable
    }

    /// Something has shown that the knowledge is out of date.
    pub(super) fn doubt(&mut self) {
        self.is_stale = true;
    }

    /// Whether they should be asked for.
    pub(super) fn are_wanted(&self, now: Mono) -> bool {
        self.max_age.is_some_and(|max_age| {
            self.is_stale
                || self
                    .learnt
                    .is_none_or(|learnt| now.since(learnt) >= max_age)
        })
    }

    /// Takes an answer; what is older than known is ignored, partition by partition.
    pub(super) fn learn(&mut self, now: Mono, metadata: &Metadata) {
        self.learnt = Some(now);
        for state in &metadata.partitions {
            if let Some(known) = self.known.get_mut(usize::from(state.partition.index))
                && (state.epoch >= known.1 || known.0.is_none())
            {
                *known = (state.leader, state.epoch);
            }
        }
        // A node that has not heard of an expansion does not undo it.
        let most = self.known.len() as u16;
        self.usable = self.usable.max(metadata.usable.min(most));
        let mut used = self.known.iter().take(usize::from(self.usable));
        self.is_stale = used.any(|(leader, _)| leader.is_none());
    }
}

/// The producer id and what becomes of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identity {
    pub(super) given: Option<(ProducerId, u16)>,
    /// A sequence has a hole: once nothing is in doubt, a new id is taken.
    pub(super) is_broken: bool,
    pub(super) asking: Asking,
}
