//! What the plan's network faults do to packets, as a short list of active rules.

use stormglass_core::id::{NodeId, name_hash};
use stormglass_core::time::{Span, Time};

/// Which pairs of nodes a rule touches.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Everything from or to these nodes, by number; inside the set all is well.
    Nodes(Vec<bool>),
    /// What goes between two sets.
    Link(Vec<bool>, Vec<bool>),
}

fn holds(set: &[bool], node: NodeId) -> bool {
    set.get(usize::from(node.0)).copied().unwrap_or(false)
}

impl Scope {
    /// Whether a packet from `from` to `to` is touched, whichever way the scope was written.
    #[must_use]
    pub fn touches(&self, from: NodeId, to: NodeId) -> bool {
        match self {
            Scope::Nodes(set) => holds(set, from) || holds(set, to),
            Scope::Link(a, b) => {
                (holds(a, from) && holds(b, to)) || (holds(b, from) && holds(a, to))
            }
        }
    }

    /// Whether a cut around the set (or between the two sets) separates the pair.
    fn separates(&self, from: NodeId, to: NodeId) -> bool {
        match self {
            Scope::Nodes(set) => holds(set, from) != holds(set, to),
            Scope::Link(..) => self.touches(from, to),
        }
    }

    /// Whether the packet leaves the set (or goes from the first set to the second).
    fn leaves(&self, from: NodeId, to: NodeId) -> bool {
        match self {
            Scope::Nodes(set) => holds(set, from) && !holds(set, to),
            Scope::Link(a, b) => holds(a, from) && holds(b, to),
        }
    }
}

/// What a rule does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Nothing passes, either way.
    Cut,
    /// Nothing passes out of the scope.
    CutOneWay,
    /// Packets are lost with so many parts per million.
    Loss(u32),
    /// Datagrams arrive twice with so many parts per million.
    Duplicate(u32),
    /// Messages of the class (none is every class) are held back.
    Delay(Option<u64>, Span),
    /// So many messages of the class are removed and their connections reset.
    Drop(u64, u32),
    /// The connection of the next request of the class is reset, before or after it is applied.
    Reset {
        /// The class of the request.
        class: u64,
        /// Whether the request is applied.
        after: bool,
        /// How many more.
        left: u32,
    },
    /// Latencies are multiplied.
    Slow(u32),
    /// Messages of the class pass at a rate, the others wait for their turn.
    Quota(Quota),
}

/// A rate that messages are held to.
#[derive(Clone, Debug)]
pub struct Quota {
    /// Of which class; none is every class.
    pub class: Option<u64>,
    /// The time between two of them.
    pub gap: Span,
    /// When the next may pass.
    pub next: Time,
    /// When the rate ends: whoever waits then goes.
    pub until: Time,
}

impl Quota {
    /// How long a message that comes now waits for its turn.
    fn hold(&mut self, now: Time) -> Span {
        let turn = self.next.max(now);
        self.next = turn + self.gap;
        turn.min(self.until).since(now)
    }
}

/// The hash of a class name, none for the empty name.
#[must_use]
pub fn class_filter(name: &str) -> Option<u64> {
    if name.is_empty() {
        None
    } else {
        Some(name_hash(name))
    }
}

/// One active network fault.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its position in the plan.
    pub fault: u32,
    /// Whom it touches.
    pub scope: Scope,
    /// What it does.
    pub action: Action,
}

/// What the rules say to one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Parts per million of loss.
    pub loss: u32,
    /// Parts per million of doubling.
    pub duplicate: u32,
    /// Held back this long.
    pub delay: Span,
    /// Latency factor, 0 if none.
    pub slow: u32,
    /// Removed, and its connection reset.
    pub dropped: bool,
}

/// The active rules and how often each had an effect.
#[derive(Debug, Default)]
pub struct Rules {
    active: Vec<Rule>,
    effects: Vec<u64>,
}

impl Rules {
    /// No rules yet, for a plan of `faults` entries.
    #[must_use]
    pub fn new(faults: usize) -> Rules {
        Rules {
            active: Vec::new(),
            effects: vec![0; faults],
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// A fault begins.
    pub fn add(&mut self, rule: Rule) {
        self.active.push(rule);
    }

    /// A fault is healed.
    pub fn remove(&mut self, fault: u32) {
        self.active.retain(|rule| rule.fault != fault);
    }

    /// Notes that a fault had an effect.
    pub fn count(&mut self, fault: u32) {
        self.effects[fault as usize] += 1;
    }

    /// How often a fault had an effect.
    #[must_use]
    pub fn effects(&self, fault: u32) -> u64 {
        self.effects[fault as usize]
    }

    /// The fault that keeps packets from passing, if any.
    #[must_use]
    pub fn cut(&self, from: NodeId, to: NodeId) -> Option<u32> {
        self.active
            .iter()
            .find(|rule| match rule.action {
                Action::Cut => rule.scope.separates(from, to),
                Action::CutOneWay => rule.scope.leaves(from, to),
                Action::Loss(_)
                | Action::Duplicate(_)
                | Action::Delay(..)
                | Action::Drop(..)
                | Action::Reset { .. }
                | Action::Quota(_)
                | Action::Slow(_) => false,
            })
            .map(|rule| rule.fault)
    }

    /// What becomes of a packet that is being sent.
    pub fn fate(
        &mut self,
        now: Time,
        (from, to): (NodeId, NodeId),
        class: u64,
        datagram: bool,
    ) -> Fate {
        let mut fate = Fate::default();
        for rule in &mut self.active {
            if !rule.scope.touches(from, to) {
                continue;
            }
            let hit = match &mut rule.action {
                Action::Cut | Action::CutOneWay | Action::Reset { .. } => false,
                Action::Loss(parts) => {
                    fate.loss = fate.loss.max(*parts);
                    false // Counted when a packet is in fact lost.
                }
                Action::Duplicate(parts) => {
                    fate.duplicate = fate.duplicate.max(*parts);
                    datagram
                }
                Action::Delay(filter, by) => {
                    let hit = filter.is_none_or(|filter| filter == class);
                    if hit {
                        fate.delay = fate.delay.max(*by);
                    }
                    hit
                }
                Action::Drop(filter, left) => {
                    let hit = *filter == class && *left > 0 && !fate.dropped;
                    if hit {
                        *left -= 1;
                        fate.dropped = true;
                    }
                    hit
                }
                Action::Quota(quota) => {
                    let is_meant = quota.class.is_none_or(|filter| filter == class);
                    let by = if is_meant {
                        quota.hold(now)
                    } else {
                        Span::ZERO
                    };
                    fate.delay = fate.delay.max(by);
                    by > Span::ZERO
                }
                Action::Slow(factor) => {
                    fate.slow = fate.slow.max(*factor);
                    true
                }
            };
            if hit {
                self.effects[rule.fault as usize] += 1;
            }
        }
        fate
    }

    /// A packet was lost: which rule is credited.
    pub fn count_loss(&mut self, from: NodeId, to: NodeId) {
        for rule in &self.active {
            if matches!(rule.action, Action::Loss(_)) && rule.scope.touches(from, to) {
                self.effects[rule.fault as usize] += 1;
                return;
            }
        }
    }

    /// Whether the connection of a request that has just arrived is to be reset: `Some(after)`.
    pub fn reset(&mut self, from: NodeId, to: NodeId, class: u64) -> Option<bool> {
        for rule in &mut self.active {
            if let Action::Reset {
                class: filter,
                after,
                left,
            } = &mut rule.action
                && *left > 0
                && *filter == class
                && rule.scope.touches(from, to)
            {
                *left -= 1;
                self.effects[rule.fault as usize] += 1;
                return Some(*after);
            }
        }
        None
    }
}
