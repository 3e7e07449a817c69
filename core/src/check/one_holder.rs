//! `one-holder`: two holders of a lease do not write over each other (O-FENCE, for leases).
//!
//! *Verifies*: in the sink that a lease guards, the tokens of accepted writes never decrease, in true time. A write
//! with a lower token is that of a holder whose lease was over: the authority had granted it to a successor, who
//! has written already. Further, no write has a token that was never granted, and no token is granted to two
//! nodes.
//! *Does not verify*: that leases do not overlap. A deposed holder may write as long as its successor has not
//! (that is how a fenced sink works), and an authority whose clock runs ahead may grant early. What a power loss
//! took does not bind later writers.

use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::id::{GroupId, NodeId, PartId};
use crate::time::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Grants of a lease that are remembered.
const REMEMBERED: usize = 1_024;

/// A grant as the authority told of it.
#[derive(Clone, Copy, Debug)]
struct Grant {
    holder: NodeId,
    at: Time,
}

#[derive(Debug)]
struct Lease {
    part: PartId,
    sink: PartId,
    grants: BTreeMap<u32, Grant>,
    /// The greatest token that was granted.
    newest: u32,
    /// The greatest token of an accepted write, and when that was accepted.
    highest: Option<(u32, Time)>,
}

/// The check.
pub struct OneHolder {
    topology: Arc<Topology>,
    leases: BTreeMap<GroupId, Lease>,
    findings: Findings,
}

impl OneHolder {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> OneHolder {
        let leases = topology.leases.iter().map(|entry| {
            let lease = Lease {
                part: entry.part,
                sink: entry.sink,
                grants: BTreeMap::new(),
                newest: 0,
                highest: None,
            };
            (entry.group, lease)
        });
        OneHolder {
            leases: leases.collect(),
            topology: Arc::clone(topology),
            findings: Findings::new("one-holder"),
        }
    }

    fn granted(&mut self, seen: &Observation, group: GroupId, holder: NodeId, token: u32) {
        let Some(lease) = self.leases.get_mut(&group) else {
            return;
        };
        let at = seen.time;
        let known = lease.grants.get(&token).copied();
        // A renewal keeps token and holder.
        if known.is_some_and(|known| known.holder == holder) {
            return;
        }
        let is_new = known.is_none() && token > lease.newest;
        if !is_new {
            let topology = &self.topology;
            self.findings.add(|| {
                let name = topology.name(lease.part);
                let to = topology.node_name(holder);
                let sentence = match known {
                    Some(known) => format!(
                        "{name} granted token {token} to {to} and to {}",
                        topology.node_name(known.holder)
                    ),
                    None => format!(
                        "{name} granted token {token} to {to} after token {}",
                        lease.newest
                    ),
                };
                Violation::new("token-reuse", at, sentence)
                    .of(Some(lease.part), "authority")
                    .by(seen.node)
            });
        }
        lease.newest = lease.newest.max(token);
        lease.grants.insert(token, Grant { holder, at });
        if lease.grants.len() > REMEMBERED {
            lease.grants.pop_first();
        }
    }
}

impl Checker for OneHolder {
    fn name(&self) -> &'static str {
        "one-holder"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[FactKind::LeaseGranted, FactKind::Effects])
    }

    fn needs_envelope(&self) -> bool {
        false
    }

    fn observe(&mut self, seen: &Observation) {
        if let Fact::LeaseGranted {
            group,
            holder,
            token,
            ..
        } = seen.fact
        {
            return self.granted(seen, group, holder, token);
        }
        let Fact::Effects(write) = &seen.fact else {
            return;
        };
        let Some(lease) = self.leases.get_mut(&write.group) else {
            return;
        };
        if self.topology.part_of(seen.node) != Some(lease.sink) {
            return;
        }
        match seen.stage {
            Stage::Written => {}
            Stage::Lost | Stage::Corrupted => {
                lease.highest = None;
                return;
            }
            Stage::Claimed | Stage::Seen | Stage::Durable => return,
        }
        self.findings.judged += write.rows.len() as u64;
        let (token, now) = (write.epoch, seen.time);
        let topology = &self.topology;
        let violation = |anomaly, sentence| {
            let violation = Violation::new(anomaly, now, sentence);
            let violation = violation.of(Some(lease.part), "holder").by(seen.node);
            let rows = write.rows.iter().take(1);
            rows.fold(violation, |violation, row| violation.event(row.id))
        };
        let sink = || topology.name(lease.sink);
        let who = |token| match lease.grants.get(&token) {
            Some(grant) => topology.node_name(grant.holder),
            None => "a holder of long ago".to_owned(),
        };
        if token > lease.newest {
            self.findings.add(|| {
                let (sink, newest) = (sink(), lease.newest);
                let sentence = format!(
                    "{sink} accepted a write with token {token}, and the newest lease has {newest}"
                );
                violation("forged-token", sentence)
            });
        } else if let Some((highest, accepted)) = lease.highest.filter(|(high, _)| token < *high) {
            self.findings.add(|| {
                let successor = lease.grants.get(&highest);
                let since = now.since(successor.map_or(accepted, |grant| grant.at));
                let sentence = format!(
                    "{} accepted a write of {} with token {token} after one of {} with token \
                     {highest}, who had held the lease for {since} of true time",
                    sink(),
                    who(token),
                    who(highest)
                );
                violation("overlapping-holders", sentence)
            });
        }
        if lease.highest.is_none_or(|(highest, _)| token > highest) {
            lease.highest = Some((token, now));
        }
    }

    fn finish(&mut self, _: &End) -> Judgement {
        self.findings.judge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests_support::{GROUP, History, PROCESSOR, SINK, events, pipeline};
    use crate::check::topology::LeaseEntry;
    use crate::message::sink::Write;
    use crate::processor::config::DeliveryMode;
    use crate::sink::config::SinkKind;
    use crate::time::Span;

    /// What happens to the lease of a processor, in order.
    enum Step {
        /// The authority grants a token to the processor's node of this index.
        Grant(u32, u16),
        /// The sink accepts a write with a token.
        Accept(u32),
        /// A power loss takes a write with a token.
        Lose(u32),
    }
    use Step::{Accept, Grant, Lose};

    fn judge(steps: &[Step]) -> Judgement {
        let mut history = History::new();
        for step in steps {
            let (stage, token) = match step {
                Grant(token, index) => {
                    let fact = Fact::LeaseGranted {
                        group: GROUP,
                        holder: NodeId(PROCESSOR + index),
                        token: *token,
                        lasts: Span::secs(2),
                    };
                    history.claim(PROCESSOR, fact);
                    continue;
                }
                Accept(token) => (Stage::Written, token),
                Lose(token) => (Stage::Lost, token),
            };
            let write = Write {
                group: GROUP,
                epoch: *token,
                rows: events(0..1),
                versions: Arc::from([]),
                covered: None,
                credits: None,
            };
            history.push(stage, SINK, None, Fact::Effects(Arc::new(write)));
        }
        let mut topology = pipeline(
            false,
            SinkKind::Append,
            "identity",
            DeliveryMode::AtLeastOnce,
        );
        topology.leases.push(LeaseEntry {
            part: topology.processors[0].part,
            group: GROUP,
            sink: topology.sinks[0].part,
            renews: true,
        });
        history.judge(&mut OneHolder::new(&Arc::new(topology)))
    }

    fn anomalies(steps: &[Step]) -> Vec<&'static str> {
        let violations = judge(steps).violations;
        let names = violations.iter().map(|found| found.signature.anomaly);
        names.collect()
    }

    #[test]
    fn holders_may_follow_each_other_and_a_deposed_one_may_write_before_its_successor_does() {
        let steps = [
            Grant(1, 0),
            Accept(1),
            Grant(1, 0),
            Accept(1),
            Grant(2, 1),
            Accept(1),
            Accept(2),
            Grant(3, 0),
            Accept(3),
        ];
        assert_eq!(judge(&steps).judged, 5);
        assert_eq!(anomalies(&steps), [""; 0]);
    }

    #[test]
    fn the_smallest_overlap_is_a_write_of_the_older_holder_after_one_of_the_newer() {
        let steps = [Grant(1, 0), Grant(2, 1), Accept(2), Accept(1)];
        assert_eq!(anomalies(&steps), ["overlapping-holders"]);
    }

    #[test]
    fn writes_that_a_power_loss_took_bind_nobody() {
        let steps = [Grant(1, 0), Grant(2, 1), Accept(2), Lose(2), Accept(1)];
        assert_eq!(anomalies(&steps), [""; 0]);
    }

    #[test]
    fn a_token_that_nobody_was_granted_is_forged() {
        assert_eq!(anomalies(&[Grant(1, 0), Accept(2)]), ["forged-token"]);
    }

    #[test]
    fn a_token_is_granted_once() {
        assert_eq!(anomalies(&[Grant(1, 0), Grant(1, 1)]), ["token-reuse"]);
        assert_eq!(anomalies(&[Grant(2, 0), Grant(1, 1)]), ["token-reuse"]);
    }
}
