//! A context for step tests: one node, no World. Pushes an input, gives back the whole list of effects.

use crate::actor::{Actor, ConnectionSlots, Context, Counters, Effect, Input};
use crate::id::{Incarnation, NodeId};
use crate::rng::{Seed, Stream};
use crate::time::{Mono, Span, Wall};

/// The surroundings of one node under test.
pub struct Rig {
    /// The node.
    pub node: NodeId,
    /// Its monotonic clock.
    pub now: Mono,
    /// How far the wall clock is ahead of it, in nanoseconds.
    pub wall_ahead: i64,
    incarnation: Incarnation,
    rng: Stream,
    counters: Counters,
    slots: ConnectionSlots,
}

impl Rig {
    /// A node in its first boot at time 0.
    #[must_use]
    pub fn new(node: NodeId) -> Rig {
        Rig {
            node,
            now: Mono(0),
            wall_ahead: 0,
            incarnation: Incarnation(1),
            rng: Seed(1).stream("test"),
            counters: Counters::default(),
            slots: ConnectionSlots::default(),
        }
    }

    /// Lets time pass.
    pub fn wait(&mut self, span: Span) {
        self.now = self.now + span;
    }

    /// A crash and a boot: the next incarnation, whose monotonic clock starts at 0.
    pub fn reboot(&mut self) {
        self.incarnation = Incarnation(self.incarnation.0 + 1);
        self.now = Mono(0);
    }

    /// Runs `body` with a context and gives back the effects it pushed.
    pub fn with(&mut self, body: impl FnOnce(&mut Context<'_>)) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut cx = Context::new(
            self.node,
            self.incarnation,
            self.now,
            Wall(self.now.0 as i64 + self.wall_ahead),
            &mut self.rng,
            &mut self.counters,
            &mut self.slots,
            &mut effects,
        );
        body(&mut cx);
        effects
    }

    /// One step of `actor`.
    pub fn step(&mut self, actor: &mut dyn Actor, input: Input) -> Vec<Effect> {
        self.with(|cx| actor.step(input, cx))
    }
}
