//! `[faults]`: what may go wrong by chance and what goes wrong by plan, as it is written.

use crate::spec::planned::PlannedKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use stormglass_core::actor::Control;
use stormglass_core::fault::{FaultKind, Target};
use stormglass_core::promise::Claim;
use stormglass_core::time::Span;
use stormglass_core::units::{parse_span, pattern, print_span};

/// What goes wrong in a scenario's runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultsSpec {
    /// The kinds from which faults are sampled, by name.
    pub swarm: Vec<SwarmKind>,
    /// Sampled faults of a run at most.
    pub max: u32,
    /// Whether sampled faults stay inside what the parts claim to withstand.
    pub envelope: EnvelopeRule,
    /// What parts are held to withstand in place of what their settings imply, by the part's full name.
    pub withstands: BTreeMap<String, Claim>,
    /// The share of runs in parts per million that get a guided template instead of single faults.
    pub templates: u32,
    /// Faults of every run.
    pub planned: Vec<PlannedFault>,
}

impl Default for FaultsSpec {
    fn default() -> FaultsSpec {
        FaultsSpec {
            swarm: Vec::new(),
            max: 4,
            envelope: EnvelopeRule::Inside,
            withstands: BTreeMap::new(),
            templates: 400_000,
            planned: Vec::new(),
        }
    }
}

/// Whether sampled faults stay inside the parts' envelopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvelopeRule {
    /// They do (B9).
    #[default]
    Inside,
    /// They need not: durability and liveness may not be judged then.
    Off,
}

/// A kind of fault that can be sampled.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SwarmKind {
    /// A process dies and boots again.
    Crash,
    /// A machine loses power.
    PowerLoss,
    /// A process stands still.
    Pause,
    /// A machine is cut off.
    Partition,
    /// What a machine sends is lost.
    Oneway,
    /// Packets are lost with some probability.
    Loss,
    /// Messages are held back.
    Delay,
    /// Messages are removed and their connections reset.
    Drop,
    /// A request's connection is reset before or after it was applied.
    Reset,
    /// A disk is slow.
    SlowDisk,
    /// A disk is full.
    DiskFull,
    /// A processor is slow.
    SlowNode,
    /// A machine's links are slow.
    SlowLink,
    /// A wall clock jumps.
    ClockStep,
    /// Clocks run fast or slow.
    ClockDrift,
    /// Leaderships move although nobody failed.
    ForceElection,
    /// A wall clock is moved gradually.
    ClockSlew,
    /// A wall clock repeats a second.
    LeapSecond,
    /// A wall clock stands still.
    ClockFreeze,
    /// A consumer group starts again from the earliest offset.
    Rewind,
    /// Two groups of a log's nodes miss each other, and both reach the rest.
    PartialMesh,
    /// All machines of a zone are cut off or lose power at once.
    ZoneLoss,
    /// Syncs fail.
    FailedSync,
    /// A bit flips in a stored file.
    Corrupt,
    /// A member of a group leaves and joins again.
    MemberChurn,
    /// An operator fails on the events of some keys.
    Poison,
    /// Messages pass at a rate.
    Quota,
    /// Topics that can expand get their further partitions.
    ExpandPartitions,
}

impl SwarmKind {
    /// All of them.
    pub const ALL: [SwarmKind; 28] = [
        SwarmKind::Crash,
        SwarmKind::PowerLoss,
        SwarmKind::Pause,
        SwarmKind::Partition,
        SwarmKind::Oneway,
        SwarmKind::Loss,
        SwarmKind::Delay,
        SwarmKind::Drop,
        SwarmKind::Reset,
        SwarmKind::SlowDisk,
        SwarmKind::DiskFull,
        SwarmKind::SlowNode,
        SwarmKind::SlowLink,
        SwarmKind::ClockStep,
        SwarmKind::ClockDrift,
        SwarmKind::ForceElection,
        SwarmKind::ClockSlew,
        SwarmKind::LeapSecond,
        SwarmKind::ClockFreeze,
        SwarmKind::Rewind,
        SwarmKind::PartialMesh,
        SwarmKind::ZoneLoss,
        SwarmKind::FailedSync,
        SwarmKind::Corrupt,
        SwarmKind::MemberChurn,
        SwarmKind::Poison,
        SwarmKind::Quota,
        SwarmKind::ExpandPartitions,
    ];

    /// As which kind a fault is sampled, however a template dresses it; none if only a scenario can plan it.
    #[must_use]
    pub const fn of(kind: &FaultKind) -> Option<SwarmKind> {
        Some(match kind {
            FaultKind::Crash | FaultKind::CrashAt { .. } => SwarmKind::Crash,
            FaultKind::PowerLoss { .. } => SwarmKind::PowerLoss,
            FaultKind::Pause { .. } | FaultKind::YieldAt { .. } => SwarmKind::Pause,
            FaultKind::Partition => SwarmKind::Partition,
            FaultKind::Oneway => SwarmKind::Oneway,
            FaultKind::Loss { .. } => SwarmKind::Loss,
            FaultKind::Delay { .. } => SwarmKind::Delay,
            FaultKind::Drop { .. } => SwarmKind::Drop,
            FaultKind::Reset { .. } => SwarmKind::Reset,
            FaultKind::Quota { .. } => SwarmKind::Quota,
            FaultKind::SlowDisk { .. } => SwarmKind::SlowDisk,
            FaultKind::DiskFull => SwarmKind::DiskFull,
            FaultKind::FailedSync => SwarmKind::FailedSync,
            FaultKind::Corrupt => SwarmKind::Corrupt,
            FaultKind::SlowNode { .. } => SwarmKind::SlowNode,
            FaultKind::SlowLink { .. } => SwarmKind::SlowLink,
            FaultKind::ClockStep { .. } => SwarmKind::ClockStep,
            FaultKind::ClockDrift { .. } => SwarmKind::ClockDrift,
            FaultKind::ClockSlew { .. } => SwarmKind::ClockSlew,
            FaultKind::LeapSecond => SwarmKind::LeapSecond,
            FaultKind::ClockFreeze => SwarmKind::ClockFreeze,
            FaultKind::Control(Control::ForceElection) => SwarmKind::ForceElection,
            FaultKind::Control(Control::ExpandPartitions) => SwarmKind::ExpandPartitions,
            FaultKind::Control(Control::Rewind) => SwarmKind::Rewind,
            FaultKind::Control(Control::Leave) => SwarmKind::MemberChurn,
            FaultKind::Control(Control::Poison { .. }) => SwarmKind::Poison,
            FaultKind::Duplicate { .. }
            | FaultKind::Control(
                Control::Stop
                | Control::Join
                | Control::Mend
                | Control::ForceRetention { .. }
                | Control::ExpireProducers
                | Control::Configure { .. },
            ) => return None,
        })
    }
}

/// A fault of every run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFault {
    /// Its name in reports and objectives.
    pub name: String,
    /// When it starts, counted from the start of the chaos phase.
    pub at: Moment,
    /// How long until it is healed.
    pub lasts: Moment,
    /// What goes wrong.
    pub kind: PlannedKind,
    /// Whom it strikes.
    pub target: Target,
    /// Whether the node among several is drawn by the seed (`one of …` without a number).
    pub draws_node: bool,
}

/// A length of time in a fault: as such, or as a multiple of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// As it was written.
    pub written: Written,
    /// What it comes to, with the time scale applied to the setting.
    pub span: Span,
}

/// How a length of time in a fault is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// `"10s"`
    Length(Span),
    /// `"1.5 x broker.main.broker_session_timeout"`
    Multiple {
        /// The factor in thousandths.
        thousandths: u64,
        /// The path of the setting.
        path: String,
    },
}

impl Moment {
    /// A length that depends on nothing.
    #[must_use]
    pub const fn fixed(span: Span) -> Moment {
        Moment {
            written: Written::Length(span),
            span,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.written {
            Written::Length(span) => f.write_str(&print_span(*span)),
            Written::Multiple { thousandths, path } => {
                let digits = format!("{:03}", thousandths % 1_000);
                let digits = digits.trim_end_matches('0');
                let dot = if digits.is_empty() { "" } else { "." };
                write!(f, "{}{dot}{digits} x {path}", thousandths / 1_000)
            }
        }
    }
}

/// What `parse_written` reads, without anchors.
pub(crate) fn pattern() -> String {
    let factor = r"\s*[0-9]{1,6}(?:\.[0-9]{0,3})?\s*";
    format!(
        r"{}|{factor} x \s*(?:broker|processor)\..+",
        pattern::span()
    )
}

/// Reads a length of time or a multiple of a setting.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_written(text: &str) -> Result<Written, String> {
    let Some((factor, path)) = text.split_once(" x ") else {
        return parse_span(text).map(Written::Length).map_err(|message| {
            format!("{message}, or a multiple such as \"1.5 x broker.main.broker_session_timeout\"")
        });
    };
    let factor = factor.trim();
    let (whole, fraction) = factor.split_once('.').unwrap_or((factor, ""));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let bad = || format!("expected a factor such as 1.5 before \" x \", found {factor:?}");
    if whole.is_empty() || whole.len() > 6 || fraction.len() > 3 {
        return Err(bad());
    }
    if !digits(whole) || !digits(fraction) {
        return Err(bad());
    }
    Ok(Written::Multiple {
        thousandths: format!("{whole}{fraction:0<3}")
            .parse()
            .map_err(|_| bad())?,
        path: path.trim().to_owned(),
    })
}
