//! The kinds of planned faults with the settings that each alone has, as people write them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use stormglass_core::actor::Control;
use stormglass_core::fault::FaultKind;
use stormglass_core::time::Span;
use stormglass_core::units::{parse_span, pattern, print_span};

/// What goes wrong by plan: the kind and the settings that it alone has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
// As with brokers, a file writes the kind among the settings.
#[schemars(tag = "kind")]
pub enum PlannedKind {
    /// The process dies and boots again when the fault ends.
    Crash {},
    /// The machine loses power.
    PowerLoss {
        /// Whether the last surviving record is torn.
        #[serde(default)]
        torn: bool,
    },
    /// The process stands still.
    Pause {
        /// Whether its clock stands still too.
        #[serde(default)]
        clock: PausedClock,
    },
    /// The target is cut off.
    Partition {},
    /// What the target sends is lost.
    Oneway {},
    /// Packets are lost with this probability.
    Loss {
        /// Written as a decimal from 0 to 1.
        probability: Probability,
    },
    /// Datagrams arrive twice with this probability.
    Duplicate {
        /// Written as a decimal from 0 to 1.
        probability: Probability,
    },
    /// Messages of a class are held back.
    Delay {
        /// The class; empty is every class.
        #[serde(default)]
        class: String,
        /// How long.
        by: Span,
    },
    /// The next messages of a class are removed.
    Drop {
        /// The class.
        class: String,
        /// How many.
        count: u32,
    },
    /// The connection of the next request of a class is reset.
    Reset {
        /// The class.
        class: String,
        /// Before or after the request is applied.
        when: ResetMoment,
    },
    /// Messages of a class pass at a rate at most.
    Quota {
        /// The class; empty is every class.
        #[serde(default)]
        class: String,
        /// Messages a second.
        #[schemars(range(min = 1))]
        per_second: u32,
    },
    /// Disk operations take longer.
    SlowDisk {
        /// By this factor.
        factor: u32,
    },
    /// Writes fail for want of space.
    DiskFull {},
    /// Syncs fail, and what they should have made durable counts as clean.
    FailedSync {},
    /// The process dies, and a bit has flipped in a file that it reads when it boots.
    Corrupt {},
    /// Steps take longer.
    SlowNode {
        /// By this factor.
        factor: u32,
    },
    /// Packets take longer.
    SlowLink {
        /// By this factor.
        factor: u32,
    },
    /// The wall clock jumps.
    ClockStep {
        /// Forwards, or backwards with a minus.
        by: SignedSpan,
    },
    /// Clocks run fast or slow.
    ClockDrift {
        /// Parts per million, either sign.
        ppm: i32,
    },
    /// The wall clock is moved gradually.
    ClockSlew {
        /// How far in the end: forwards, or backwards with a minus.
        by: SignedSpan,
        /// How fast, in parts per million.
        #[schemars(range(min = 1))]
        ppm: u32,
    },
    /// The wall clock repeats a second.
    LeapSecond {},
    /// The wall clock stands still.
    ClockFreeze {},
    /// The process dies when it passes a point.
    CrashAt {
        /// The point's name.
        point: String,
        /// At which passage after the fault starts, counted from 1.
        #[serde(default = "first")]
        nth: u32,
    },
    /// What follows a point is held back.
    YieldAt {
        /// The point's name.
        point: String,
        /// How long.
        by: Span,
    },
    /// Leaderships move although nobody failed.
    ForceElection {},
    /// Topics that can expand have all their partitions from now on.
    ExpandPartitions {},
    /// A log drops everything below its high watermark but this many records.
    ForceRetention {
        /// Records kept in each partition.
        keep: u64,
    },
    /// A consumer group starts again from the earliest offset.
    Rewind {},
    /// A broker forgets its idempotent producers.
    ExpireProducers {},
    /// A node of a processor leaves its group, and joins again when the fault ends.
    MemberChurn {},
    /// A processor's operator fails on the events of some keys, every time, until the fault ends.
    Poison {
        /// Of one key in so many; 1 is every key.
        #[schemars(range(min = 1))]
        one_in: u32,
    },
    /// A setting of a user's part is changed.
    Configure {
        /// Which.
        setting: String,
        /// Its new value.
        value: i64,
    },
}

const fn first() -> u32 {
    1
}

impl PlannedKind {
    /// The same in the words of a plan.
    #[must_use]
    pub fn to_fault(&self) -> FaultKind {
        match self {
            PlannedKind::Crash {} => FaultKind::Crash,
            PlannedKind::PowerLoss { torn } => FaultKind::PowerLoss { torn: *torn },
            PlannedKind::Pause { clock } => FaultKind::Pause {
                clock_stops: *clock == PausedClock::Stops,
            },
            PlannedKind::Partition {} => FaultKind::Partition,
            PlannedKind::Oneway {} => FaultKind::Oneway,
            PlannedKind::Loss { probability } => FaultKind::Loss {
                parts: probability.0,
            },
            PlannedKind::Duplicate { probability } => FaultKind::Duplicate {
                parts: probability.0,
            },
            PlannedKind::Delay { class, by } => FaultKind::Delay {
                class: class.clone(),
                by: *by,
            },
            PlannedKind::Drop { class, count } => FaultKind::Drop {
                class: class.clone(),
                count: *count,
            },
            PlannedKind::Reset { class, when } => FaultKind::Reset {
                class: class.clone(),
                after: *when == ResetMoment::AfterApply,
            },
            PlannedKind::Quota { class, per_second } => FaultKind::Quota {
                class: class.clone(),
                per_second: *per_second,
            },
            PlannedKind::SlowDisk { factor } => FaultKind::SlowDisk { factor: *factor },
            PlannedKind::DiskFull {} => FaultKind::DiskFull,
            PlannedKind::FailedSync {} => FaultKind::FailedSync,
            PlannedKind::Corrupt {} => FaultKind::Corrupt,
            PlannedKind::SlowNode { factor } => FaultKind::SlowNode { factor: *factor },
            PlannedKind::SlowLink { factor } => FaultKind::SlowLink { factor: *factor },
            PlannedKind::ClockStep { by } => FaultKind::ClockStep { by: by.0 },
            PlannedKind::ClockDrift { ppm } => FaultKind::ClockDrift { parts: *ppm },
            PlannedKind::ClockSlew { by, ppm } => FaultKind::ClockSlew {
                by: by.0,
                parts: *ppm,
            },
            PlannedKind::LeapSecond {} => FaultKind::LeapSecond,
            PlannedKind::ClockFreeze {} => FaultKind::ClockFreeze,
            PlannedKind::CrashAt { point, nth } => FaultKind::CrashAt {
                point: point.clone(),
                nth: *nth,
            },
            PlannedKind::YieldAt { point, by } => FaultKind::YieldAt {
                point: point.clone(),
                by: *by,
            },
            PlannedKind::ForceElection {} => FaultKind::Control(Control::ForceElection),
            PlannedKind::ExpandPartitions {} => FaultKind::Control(Control::ExpandPartitions),
            PlannedKind::ForceRetention { keep } => {
                FaultKind::Control(Control::ForceRetention { keep: *keep })
            }
            PlannedKind::Rewind {} => FaultKind::Control(Control::Rewind),
            PlannedKind::ExpireProducers {} => FaultKind::Control(Control::ExpireProducers),
            PlannedKind::MemberChurn {} => FaultKind::Control(Control::Leave),
            PlannedKind::Poison { one_in } => {
                FaultKind::Control(Control::Poison { one_in: *one_in })
            }
            PlannedKind::Configure { setting, value } => FaultKind::Control(Control::Configure {
                name: setting.clone(),
                value: *value,
            }),
        }
    }

    /// What a plan's kind is in a scenario file; none for what a file cannot ask for.
    #[must_use]
    pub fn from_fault(kind: &FaultKind) -> Option<PlannedKind> {
        Some(match kind {
            FaultKind::Crash => PlannedKind::Crash {},
            FaultKind::PowerLoss { torn } => PlannedKind::PowerLoss { torn: *torn },
            FaultKind::Pause { clock_stops } => PlannedKind::Pause {
                clock: if *clock_stops {
                    PausedClock::Stops
                } else {
                    PausedClock::Runs
                },
            },
            FaultKind::Partition => PlannedKind::Partition {},
            FaultKind::Oneway => PlannedKind::Oneway {},
            FaultKind::Loss { parts } => PlannedKind::Loss {
                probability: Probability(*parts),
            },
            FaultKind::Duplicate { parts } => PlannedKind::Duplicate {
                probability: Probability(*parts),
            },
            FaultKind::Delay { class, by } => PlannedKind::Delay {
                class: class.clone(),
                by: *by,
            },
            FaultKind::Drop { class, count } => PlannedKind::Drop {
                class: class.clone(),
                count: *count,
            },
            FaultKind::Reset { class, after } => PlannedKind::Reset {
                class: class.clone(),
                when: if *after {
                    ResetMoment::AfterApply
                } else {
                    ResetMoment::BeforeApply
                },
            },
            FaultKind::Quota { class, per_second } => PlannedKind::Quota {
                class: class.clone(),
                per_second: *per_second,
            },
            FaultKind::SlowDisk { factor } => PlannedKind::SlowDisk { factor: *factor },
            FaultKind::DiskFull => PlannedKind::DiskFull {},
            FaultKind::FailedSync => PlannedKind::FailedSync {},
            FaultKind::Corrupt => PlannedKind::Corrupt {},
            FaultKind::SlowNode { factor } => PlannedKind::SlowNode { factor: *factor },
            FaultKind::SlowLink { factor } => PlannedKind::SlowLink { factor: *factor },
            FaultKind::ClockStep { by } => PlannedKind::ClockStep {
                by: SignedSpan(*by),
            },
            FaultKind::ClockDrift { parts } => PlannedKind::ClockDrift { ppm: *parts },
            FaultKind::ClockSlew { by, parts } => PlannedKind::ClockSlew {
                by: SignedSpan(*by),
                ppm: *parts,
            },
            FaultKind::LeapSecond => PlannedKind::LeapSecond {},
            FaultKind::ClockFreeze => PlannedKind::ClockFreeze {},
            FaultKind::CrashAt { point, nth } => PlannedKind::CrashAt {
                point: point.clone(),
                nth: *nth,
            },
            FaultKind::YieldAt { point, by } => PlannedKind::YieldAt {
                point: point.clone(),
                by: *by,
            },
            FaultKind::Control(Control::ForceElection) => PlannedKind::ForceElection {},
            FaultKind::Control(Control::ExpandPartitions) => PlannedKind::ExpandPartitions {},
            FaultKind::Control(Control::ForceRetention { keep }) => {
                PlannedKind::ForceRetention { keep: *keep }
            }
            FaultKind::Control(Control::Rewind) => PlannedKind::Rewind {},
            FaultKind::Control(Control::ExpireProducers) => PlannedKind::ExpireProducers {},
            FaultKind::Control(Control::Leave) => PlannedKind::MemberChurn {},
            FaultKind::Control(Control::Poison { one_in }) => {
                PlannedKind::Poison { one_in: *one_in }
            }
            FaultKind::Control(Control::Configure { name, value }) => PlannedKind::Configure {
                setting: name.clone(),
                value: *value,
            },
            FaultKind::Control(Control::Stop | Control::Join | Control::Mend) => return None,
        })
    }
}

/// What the clock of a paused process does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PausedClock {
    /// It runs: a GC pause.
    #[default]
    Runs,
    /// It stands still: a suspended virtual machine.
    Stops,
}

/// When a request's connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResetMoment {
    /// The request is lost.
    BeforeApply,
    /// Its answer is lost.
    AfterApply,
}

/// A probability in parts per million, written as a decimal from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(pub u32);

impl Serialize for Probability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 1e6)
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Probability, D::Error> {
        let value = f64::deserialize(deserializer)?;
        if !(0.0..=1.0).contains(&value) {
            return Err(D::Error::custom("a probability lies between 0 and 1"));
        }
        Ok(Probability((value * 1e6).round() as u32))
    }
}

impl JsonSchema for Probability {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Probability")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// A length of time with a sign, in nanoseconds, written `"250ms"` or `"-250ms"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignedSpan(pub i64);

impl Serialize for SignedSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sign = if self.0 < 0 { "-" } else { "" };
        serializer.serialize_str(&format!(
            "{sign}{}",
            print_span(Span(self.0.unsigned_abs()))
        ))
    }
}

impl<'de> Deserialize<'de> for SignedSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SignedSpan, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text = text.trim();
        let (sign, length) = match text.strip_prefix('-') {
            Some(length) => (-1, length),
            None => (1, text),
        };
        let span = parse_span(length).map_err(D::Error::custom)?;
        // `parse_span` accepts nothing above i64::MAX.
        Ok(SignedSpan(sign * span.0 as i64))
    }
}

impl JsonSchema for SignedSpan {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("SignedSpan")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        pattern::text(&format!(r"\s*-?{}", pattern::span()), &["250ms", "-250ms"])
    }
}
