//! `[expect]`: what a scenario asks of its runs beyond what the parts promise.

use crate::spec::slo::Slo;
use serde::{Serialize, Serializer};

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
    /// The exit code that the scenario is known to give: 0 passes, 1 shows a design that breaks its promise.
    pub exit: u8,
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
