//! `one-leader`: an office has one holder in an epoch (O-LEADER).
//!
//! *Verifies*: no two nodes of a part take the same office in the same epoch, and no process takes an office
//! in an epoch below one in which it held it already.
//! *Does not verify*: that a deposed leader stops at once; it learns late, legally (K3).

use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::history::{Fact, FactKind, Kinds, Observation, Role};
use crate::id::{Incarnation, NodeId, PartId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Epochs of an office that are remembered.
const REMEMBERED: usize = 256;

/// The last holders of an office: epoch and node.
type Holders = VecDeque<(u64, NodeId)>;

/// The check.
pub struct OneLeader {
    topology: Arc<Topology>,
    holders: BTreeMap<(Option<PartId>, Role), Holders>,
    last: BTreeMap<(NodeId, Role), (Incarnation, u64)>,
    findings: Findings,
}

impl OneLeader {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> OneLeader {
        OneLeader {
            topology: Arc::clone(topology),
            holders: BTreeMap::new(),
            last: BTreeMap::new(),
            findings: Findings::new("one-leader"),
        }
    }
}

/// The office for people.
fn describe(role: Role) -> String {
    match role {
        Role::Leader(partition) => format!("leader of partition {partition}"),
        Role::Controller => "controller".to_owned(),
        Role::Coordinator(group) => format!("coordinator of group {group}"),
        Role::Custom(class) => class.name().to_owned(),
    }
}

impl Checker for OneLeader {
    fn name(&self) -> &'static str {
        "one-leader"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[FactKind::RoleTaken])
    }

    fn needs_envelope(&self) -> bool {
        false
    }

    fn observe(&mut self, seen: &Observation) {
        let Fact::RoleTaken { role, epoch } = seen.fact else {
            return;
        };
        self.findings.judged += 1;
        let part = self.topology.part_of(seen.node);
        let holders = self.holders.entry((part, role)).or_default();
        let known = holders.iter().find(|(taken, _)| *taken == epoch).copied();
        if known.is_none() {
            if holders.len() == REMEMBERED {
                holders.pop_front();
            }
            holders.push_back((epoch, seen.node));
        }
        let violation = |anomaly, sentence| {
            Violation::new(anomaly, seen.time, sentence)
                .of(part, "leader")
                .by(seen.node)
        };
        let name = |node| self.topology.node_name(node);
        if let Some((_, other)) = known.filter(|(_, other)| *other != seen.node) {
            self.findings.add(|| {
                let (a, b, office) = (name(other), name(seen.node), describe(role));
                violation(
                    "split-brain",
                    format!("{a} and {b} are both {office} in epoch {epoch}"),
                )
            });
        }
        let last = self
            .last
            .insert((seen.node, role), (seen.incarnation, epoch));
        if let Some((incarnation, before)) = last
            && incarnation == seen.incarnation
            && before > epoch
        {
            self.findings.add(|| {
                let (node, office) = (name(seen.node), describe(role));
                violation(
                    "epoch-regression",
                    format!("{node} became {office} in epoch {epoch} after epoch {before}"),
                )
            });
        }
    }

    fn finish(&mut self, _: &End) -> Judgement {
        self.findings.judge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{BROKER, History, P0, log_pipeline};

    fn judge(taken: &[(u16, u64)]) -> Judgement {
        let mut history = History::new();
        for (node, epoch) in taken {
            history.claim(
                *node,
                Fact::RoleTaken {
                    role: Role::Leader(P0),
                    epoch: *epoch,
                },
            );
        }
        history.judge(&mut OneLeader::new(&log_pipeline()))
    }

    #[test]
    fn leaders_may_follow_each_other_and_learn_late() {
        let taken = [(BROKER, 1), (BROKER + 1, 3), (BROKER + 2, 2), (BROKER, 4)];
        assert_eq!(judge(&taken).answer, Answer::Pass);
    }

    #[test]
    fn two_leaders_in_one_epoch_are_a_split_brain() {
        let judgement = judge(&[(BROKER, 1), (BROKER + 1, 1)]);
        assert_eq!(judgement.violations[0].signature.anomaly, "split-brain");
    }

    #[test]
    fn a_process_never_goes_back_to_an_older_epoch() {
        let judgement = judge(&[(BROKER, 3), (BROKER, 2)]);
        assert_eq!(
            judgement.violations[0].signature.anomaly,
            "epoch-regression"
        );
    }
}
