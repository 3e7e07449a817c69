//! `[expect]`: what a scenario asks of its runs beyond what the parts promise.

use crate::spec::SwarmKind;
use crate::spec::slo::Slo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use stormglass_core::fault::Fault;
use stormglass_core::time::Span;

/// What is asked of the runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExpectSpec {
    /// Checks besides those that the promises imply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// Points that the sweep must reach, or it proves nothing (B8).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<PointSpec>,
    /// Latency, recovery and loss objectives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slo: Vec<Slo>,
    /// Which sampled faults the objectives are meant to withstand; none is all that the parts withstand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo_envelope: Option<SloEnvelope>,
    /// The checks of which one has to fail first where a case is known to break a promise; none is any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found_by: Vec<String>,
    /// In how many seeds, by the median, such a case has to be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_within: Option<u32>,
    /// The exit code that the scenario is known to give: 0 passes, 1 shows a design that breaks its promise.
    pub exit: u8,
}

/// Which sampled faults a run may have for its objectives to be judged (B5). Faults that the scenario plans, and
/// none at all, are always inside: they are what the objectives were written for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SloEnvelope {
    /// Sampled faults at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<u32>,
    /// Their kinds; if it is left out, any. A crash at a point is a `crash`, what is held back at one a `pause`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<SwarmKind>>,
    /// None of them lasts longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

impl SloEnvelope {
    /// Whether a run with these faults is judged by its objectives.
    pub fn admits<'a>(&self, faults: impl Iterator<Item = &'a Fault>) -> bool {
        let mut count = 0;
        for fault in faults.filter(|fault| !fault.planned) {
            count += 1;
            let is_known = match (&self.kinds, SwarmKind::of(&fault.kind)) {
                (None, _) => true,
                (Some(kinds), Some(kind)) => kinds.contains(&kind),
                (Some(_), None) => false,
            };
            let is_short = self.lasts.is_none_or(|longest| fault.lasts <= longest);
            if !is_known || !is_short {
                return false;
            }
        }
        self.faults.is_none_or(|most| count <= most)
    }
}

/// A point that the sweep must reach. In a file a bare name stands for the default share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PointSpec {
    /// The point's name, for example `log.leader-changed`.
    pub name: String,
    /// The share of seeds that must reach it, in parts per million; at least three seeds in any case.
    /// Written as a decimal.
    #[serde(serialize_with = "as_share")]
    pub min_share: u32,
    /// Whether every run must reach it.
    pub must_each: bool,
}

/// The default share of seeds that must reach a point: 1 % (B8).
pub const MIN_SHARE: u32 = 10_000;

fn as_share<S: Serializer>(parts: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(f64::from(*parts) / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stormglass_core::fault::{FaultKind, Target};
    use stormglass_core::time::Time;

    fn fault(kind: FaultKind, lasts: Span, planned: bool) -> Fault {
        Fault {
            name: None,
            at: Time::ZERO,
            lasts,
            kind,
            target: Target::Node("broker.main.0".to_owned()),
            planned,
        }
    }

    #[test]
    fn drawn_faults_are_counted_measured_and_known_by_kind_and_planned_ones_are_not() {
        let crash = fault(FaultKind::Crash, Span::secs(4), false);
        let point = FaultKind::CrashAt {
            point: "log.appended".to_owned(),
            nth: 1,
        };
        let at_point = fault(point, Span::secs(4), false);
        let cut = fault(FaultKind::Partition, Span::secs(4), false);
        let planned = fault(FaultKind::Partition, Span::secs(90), true);
        let envelope = SloEnvelope {
            faults: Some(1),
            kinds: Some(vec![SwarmKind::Crash]),
            lasts: Some(Span::secs(4)),
        };
        let admits = |faults: &[&Fault]| envelope.admits(faults.iter().copied());
        assert!(admits(&[]));
        assert!(admits(&[&planned, &crash, &planned]));
        assert!(admits(&[&at_point]));
        assert!(!admits(&[&crash, &at_point]), "one too many");
        assert!(!admits(&[&cut]), "of another kind");
        let longer = fault(FaultKind::Crash, Span::secs(5), false);
        assert!(!admits(&[&longer]), "too long");
        assert!(SloEnvelope::default().admits([&crash, &cut, &longer].into_iter()));
    }
}
