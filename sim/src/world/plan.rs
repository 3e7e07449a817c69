//! What a world is made of, and the bounds that every run has.

use super::clocks::TimeService;
use super::node::NodePlan;
use crate::profile::Profile;
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::Kinds;
use stormglass_core::rng::Seed;
use stormglass_core::time::Time;

/// Everything a run is made of.
pub struct WorldPlan {
    /// The number that decides it.
    pub seed: Seed,
    /// The hardware.
    pub profile: Profile,
    /// The machines, in the order of their numbers.
    pub nodes: Vec<NodePlan>,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// The names of the parts, by `PartId`.
    pub parts: Vec<String>,
    /// What keeps wall clocks right, if anything does.
    pub time_service: Option<TimeService>,
    /// When everything is healed and `calm` begins.
    pub heal_at: Time,
    /// When the sources stop and `drain` begins.
    pub drain_at: Time,
    /// Which facts somebody wants.
    pub wanted: Kinds,
    /// Bounds of the run.
    pub limits: Limits,
    /// Which steps to keep in full, if any.
    pub trace: Option<std::ops::Range<u64>>,
}

/// Bounds that every run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps in all.
    pub steps: u64,
    /// Steps at one instant; more is a livelock.
    pub steps_at_instant: u64,
    /// Modelled bytes on all disks.
    pub disk_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            steps: 200_000_000,
            steps_at_instant: 100_000,
            disk_bytes: 8 << 30,
        }
    }
}

/// Why a run was stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Too many steps.
    Steps,
    /// Too many steps at one instant: these nodes are in the loop.
    Livelock(Vec<String>),
    /// Too many modelled bytes.
    DiskBytes,
}
