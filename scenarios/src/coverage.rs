//! Which points a run passed, and under which faults: the cells (point, part, kind of fault) that a sweep
//! reached and a search is guided by.
//!
//! A cell is reached when a node of the part passes the point while a fault of the kind is active anywhere: the
//! followers of a leader that died feel its death, although no fault strikes them. Whether the fault struck the
//! passing node itself is told beside it.
//!
//! Costs: a point is found by its hash in a sorted list, and two masks are joined; nothing is allocated but when
//! a point is met for the first time.

use std::collections::BTreeMap;
use stormglass_core::check::Topology;
use stormglass_core::fault::FaultPlan;
use stormglass_core::id::{NodeId, PointId};
use stormglass_core::outcome::{PointUnderFault, Reached};
use stormglass_core::part::PartKind;

/// Gathers the cells of one run.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// The kinds of the plan, by name; their place is their bit.
    kinds: Vec<&'static str>,
    /// The bit of each fault's kind.
    bits: Vec<u64>,
    /// The kind of part that each node belongs to.
    parts: Vec<Option<PartKind>>,
    /// Faults that are active, with the nodes they strike.
    active: Vec<(u32, Vec<NodeId>)>,
    /// Kinds active anywhere.
    anywhere: u64,
    /// Kinds that strike each node.
    struck: Vec<u64>,
    /// By hash of the point and kind of part.
    passages: Vec<Passages>,
}

#[derive(Debug)]
struct Passages {
    key: (u64, Option<PartKind>),
    point: PointId,
    count: u64,
    anywhere: u64,
    struck: u64,
}

impl Coverage {
    /// Nothing passed yet.
    ///
    /// # Panics
    /// If there are more kinds of faults than a mask has bits.
    pub fn new(topology: &Topology, plan: &FaultPlan) -> Coverage {
        let mut kinds: Vec<&'static str> =
            plan.faults.iter().map(|fault| fault.kind.name()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert!(kinds.len() <= 64, "{} kinds of faults", kinds.len());
        let bit = |name: &str| kinds.iter().position(|kind| *kind == name);
        let bits = plan.faults.iter().map(|fault| {
            let place = bit(fault.kind.name());
            1 << place.expect("the kinds are those of the plan")
        });
        let bits = bits.collect();
        let mut parts = Vec::new();
        for part in &topology.parts {
            for node in part.cluster.iter() {
                let place = usize::from(node.0);
                parts.resize(parts.len().max(place + 1), None);
                parts[place] = Some(part.kind);
            }
        }
        Coverage {
            kinds,
            bits,
            struck: vec![0; parts.len()],
            parts,
            active: Vec::new(),
            anywhere: 0,
            passages: Vec::new(),
        }
    }

    /// A fault begins to act on these nodes.
    pub fn begins(&mut self, fault: u32, nodes: &[NodeId]) {
        self.active.push((fault, nodes.to_vec()));
        self.refresh();
    }

    /// A fault is healed.
    pub fn ends(&mut self, fault: u32) {
        self.active.retain(|(active, _)| *active != fault);
        self.refresh();
    }

    fn refresh(&mut self) {
        self.anywhere = 0;
        self.struck.fill(0);
        for (fault, nodes) in &self.active {
            let bit = self.bits[*fault as usize];
            self.anywhere |= bit;
            for node in nodes {
                // The audit's node belongs to no part.
                if let Some(struck) = self.struck.get_mut(usize::from(node.0)) {
                    *struck |= bit;
                }
            }
        }
    }

    /// A node passes a point.
    pub fn passes(&mut self, node: NodeId, point: PointId) {
        let place = usize::from(node.0);
        let part = self.parts.get(place).copied().flatten();
        let key = (point.hash(), part);
        let found = self.passages.binary_search_by(|one| one.key.cmp(&key));
        let found = found.unwrap_or_else(|free| {
            let passages = Passages {
                key,
                point,
                count: 0,
                anywhere: 0,
                struck: 0,
            };
            self.passages.insert(free, passages);
            free
        });
        let passages = &mut self.passages[found];
        passages.count += 1;
        if self.anywhere != 0 {
            passages.anywhere |= self.anywhere;
            passages.struck |= self.struck.get(place).copied().unwrap_or(0);
        }
    }

    /// Points passed, by name, and how often.
    pub fn points(&self) -> BTreeMap<&'static str, u64> {
        let mut points = BTreeMap::new();
        for passages in &self.passages {
            *points.entry(passages.point.name()).or_insert(0) += passages.count;
        }
        points
    }

    /// Points passed by nodes of parts, with the kinds of faults under which they were, in order of their names.
    pub fn reached(&self) -> Vec<PointUnderFault> {
        let mut reached: Vec<PointUnderFault> = self
            .passages
            .iter()
            .filter_map(|passages| {
                let kinds = self.kinds.iter().enumerate();
                let faults = kinds
                    .filter(|(bit, _)| passages.anywhere & (1 << bit) != 0)
                    .map(|(bit, kind)| Reached {
                        kind,
                        struck: passages.struck & (1 << bit) != 0,
                    });
                Some(PointUnderFault {
                    point: passages.point.name(),
                    part: passages.key.1?,
                    faults: faults.collect(),
                })
            })
            .collect();
        reached.sort_by_key(|row| (row.point, row.part));
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stormglass_core::check::topology::PartEntry;
    use stormglass_core::fault::{Fault, FaultKind, Target};
    use stormglass_core::part::Cluster;
    use stormglass_core::time::{Span, Time};

    const SYNCED: PointId = PointId::new("test.synced");

    fn coverage(kinds: &[FaultKind]) -> Coverage {
        let part = |kind, first| PartEntry {
            kind,
            name: kind.to_string(),
            cluster: Cluster {
                first: NodeId(first),
                nodes: 2,
            },
        };
        let topology = Topology {
            parts: vec![part(PartKind::Broker, 0), part(PartKind::Sink, 2)],
            ..Topology::default()
        };
        let faults = kinds.iter().map(|kind| Fault {
            name: None,
            at: Time::ZERO,
            lasts: Span::secs(1),
            kind: kind.clone(),
            target: Target::All("broker".to_owned()),
            planned: false,
        });
        let plan = FaultPlan {
            faults: faults.collect(),
        };
        Coverage::new(&topology, &plan)
    }

    fn shown(coverage: &Coverage) -> Vec<String> {
        let rows = coverage.reached();
        let cells = rows.iter().flat_map(|row| {
            row.faults.iter().map(|cell| {
                let where_ = if cell.struck { "struck" } else { "beside" };
                format!("{} {} {} {where_}", row.point, row.part, cell.kind)
            })
        });
        cells.collect()
    }

    #[test]
    fn a_point_passed_while_nothing_is_wrong_has_a_row_and_no_cell() {
        let mut coverage = coverage(&[FaultKind::Crash]);
        coverage.passes(NodeId(0), SYNCED);
        assert_eq!(coverage.reached().len(), 1);
        assert!(shown(&coverage).is_empty());
        assert_eq!(coverage.points(), BTreeMap::from([("test.synced", 1)]));
    }

    #[test]
    fn a_fault_anywhere_reaches_a_cell_and_one_on_the_node_is_told_apart() {
        let mut coverage = coverage(&[FaultKind::Crash, FaultKind::Partition]);
        coverage.begins(0, &[NodeId(0)]);
        coverage.passes(NodeId(2), SYNCED);
        coverage.begins(1, &[NodeId(1)]);
        coverage.passes(NodeId(1), SYNCED);
        coverage.ends(0);
        coverage.ends(1);
        coverage.passes(NodeId(3), SYNCED);
        let wanted = [
            "test.synced broker crash beside",
            "test.synced broker partition struck",
            "test.synced sink crash beside",
        ];
        assert_eq!(shown(&coverage), wanted);
        assert_eq!(coverage.points()["test.synced"], 3);
    }

    #[test]
    fn of_two_faults_of_a_kind_the_second_goes_on_when_the_first_ends() {
        let mut coverage = coverage(&[FaultKind::Crash, FaultKind::Crash]);
        coverage.begins(0, &[NodeId(0)]);
        coverage.begins(1, &[NodeId(1)]);
        coverage.ends(0);
        coverage.passes(NodeId(1), SYNCED);
        assert_eq!(shown(&coverage), ["test.synced broker crash struck"]);
    }
}
