//! Faults that strike several nodes at once: two groups that miss each other, and a zone that is lost.

use super::draw::Sampler;
use super::lengths;
use stormglass_core::fault::{Fault, FaultKind, Target};

impl Sampler<'_> {
    /// The link between two groups of a part's nodes, of which one more reaches both: the bridge of a network that
    /// is no longer transitive. The smaller group is as large as the part can do without.
    pub(super) fn partial_mesh(&mut self, part: &str) -> Target {
        let budget = &self.budget.parts()[part];
        let nodes = budget.nodes;
        let most = budget.down.min(nodes.saturating_sub(1) / 2).max(1);
        let bridge = self.stream.below(nodes.max(1).into()) as u16;
        let few = self.stream.between(1, most.into()) as u16;
        let group = |from: u16, until: u16| {
            let mut ends: Vec<Target> = (from..until)
                .map(|step| Target::OneOf(part.to_owned(), (bridge + step) % nodes.max(1)))
                .collect();
            let last = ends.pop();
            match last {
                Some(only) if ends.is_empty() => only,
                last => Target::Set(ends.into_iter().chain(last).collect()),
            }
        };
        Target::Link(Box::new(group(1, 1 + few)), Box::new(group(1 + few, nodes)))
    }

    /// A zone that is cut off, or whose machines lose power; where one of these keeps more in memory than it may
    /// lose, its processes die. None if all nodes stand in one zone.
    pub(super) fn zone_loss(&mut self) -> Option<Fault> {
        let zones = self.budget.zones();
        if zones < 2 {
            return None;
        }
        let target = Target::Zone(self.stream.below(zones.into()) as u16);
        let parts: Vec<String> = self.section("broker");
        let part = self.stream.pick(&parts)?.clone();
        let timeouts = lengths::timeouts(self.scenario, &part);
        let lasts = self.length(&timeouts);
        if self.stream.chance(500_000) {
            return self.place(FaultKind::Partition, target, lasts);
        }
        let torn = self.stream.chance(500_000);
        let power = FaultKind::PowerLoss { torn };
        self.place(power, target.clone(), lasts)
            .or_else(|| self.place(FaultKind::Crash, target, lasts))
    }
}
