//! `[clocks]`: what keeps the nodes' wall clocks right.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stormglass_core::time::Span;
use stormglass_sim::world::TimeService;

/// The nodes' clocks. Without a time service they are right but for the faults on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClocksSpec {
    /// What brings a wall clock back that is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_service: Option<TimeServiceSpec>,
}

/// A time service that every node asks, as ntpd does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimeServiceSpec {
    /// How often (ntpd's shortest by default, minpoll 6: 64 s).
    pub interval: Span,
    /// A clock that is further off is set at once, any other is moved gradually (ntpd: 128 ms).
    pub step_threshold: Span,
    /// How fast it is moved, in parts per million (ntpd: 500).
    #[schemars(range(min = 1))]
    pub slew_ppm: u32,
}

impl Default for TimeServiceSpec {
    fn default() -> TimeServiceSpec {
        TimeServiceSpec {
            interval: Span::secs(64),
            step_threshold: Span::millis(128),
            slew_ppm: 500,
        }
    }
}

impl ClocksSpec {
    /// The time service in the words of the World.
    #[must_use]
    pub fn time_service(&self) -> Option<TimeService> {
        self.time_service.as_ref().map(|spec| TimeService {
            interval: spec.interval,
            step_threshold: spec.step_threshold,
            slew_parts: spec.slew_ppm,
        })
    }
}
