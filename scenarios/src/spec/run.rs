//! `[run]`: phases, scale, seeds and limits.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use stormglass_core::time::{Span, Time};
use stormglass_core::units::{Size, parse_span, pattern, print_span};

/// How long a run is and what bounds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunSpec {
    /// Before this nothing is judged and nothing goes wrong.
    pub warmup: Span,
    /// Faults fall here, and only here.
    pub chaos: Span,
    /// Everything is healed and sources go on: recovery is judged here.
    pub calm: Length,
    /// Sources have stopped: loss and convergence are judged at its end.
    pub drain: Length,
    /// Every timeout, interval and retention is divided by this; links, disks and service times are not.
    pub time_scale: u32,
    /// How many seeds a sweep runs unless the command line says otherwise.
    pub seeds: u32,
    /// What ends a run that does not end.
    pub limits: Limits,
}

impl Default for RunSpec {
    fn default() -> RunSpec {
        RunSpec {
            warmup: Span::secs(5),
            chaos: Span::secs(60),
            calm: Length::Auto,
            drain: Length::Auto,
            time_scale: 1,
            seeds: 64,
            limits: Limits::default(),
        }
    }
}

/// A phase's length: `"auto"`, or a length of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// The sum of what the assembled parts may need (rule 8 of the guarantees).
    #[default]
    Auto,
    /// So long; less than what `auto` would give is a mistake.
    Fixed(Span),
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Length::Auto => serializer.serialize_str("auto"),
            Length::Fixed(span) => serializer.serialize_str(&print_span(*span)),
        }
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Length, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "auto" {
            Ok(Length::Auto)
        } else {
            parse_span(&text)
                .map(Length::Fixed)
                .map_err(D::Error::custom)
        }
    }
}

impl JsonSchema for Length {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Length")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        pattern::text(&format!("auto|{}", pattern::span()), &["auto", "60s"])
    }
}

/// What ends a run that does not end (A17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Steps of all actors.
    pub steps: u64,
    /// Steps at one instant; more is a livelock.
    pub steps_at_an_instant: u64,
    /// Memory of the process while the run goes on.
    pub memory: Size,
    /// Real time of the machine.
    pub wall: Span,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            steps: 200_000_000,
            steps_at_an_instant: 1_000_000,
            memory: Size(2 << 30),
            wall: Span::secs(300),
        }
    }
}

/// The lengths of a run's phases, all of them known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Before this nothing is judged and nothing goes wrong.
    pub warmup: Span,
    /// Faults fall here, and only here.
    pub chaos: Span,
    /// Everything is healed and sources go on.
    pub calm: Span,
    /// Sources have stopped.
    pub drain: Span,
}

impl Phases {
    /// When faults may start.
    #[must_use]
    pub fn chaos_starts(&self) -> Time {
        Time::ZERO + self.warmup
    }

    /// When everything is healed.
    #[must_use]
    pub fn calm_starts(&self) -> Time {
        self.chaos_starts() + self.chaos
    }

    /// When sources stop.
    #[must_use]
    pub fn drain_starts(&self) -> Time {
        self.calm_starts() + self.calm
    }

    /// The end of the run.
    #[must_use]
    pub fn ends(&self) -> Time {
        self.drain_starts() + self.drain
    }
}
