//! Things that go wrong for a while, as data: a plan is drawn whole before the run, printed, replayed and
//! shrunk. Names of targets are symbolic and resolved once, when the fault starts.

use crate::actor::Control;
use crate::time::{Span, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whom a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The node of this name, for example `broker.main.0`.
    Node(String),
    /// The node that leads most partitions of this broker.
    Leader(String),
    /// The node that leads this broker's controller.
    Controller(String),
    /// The node that coordinates this processor's group.
    Coordinator(String),
    /// The `index`th node of this part, modulo their number; drawn with the plan.
    OneOf(String, u16),
    /// Every node of this part.
    All(String),
    /// Every node in this zone but those of sources, which are the world outside.
    Zone(u16),
    /// Several nodes or roles at once, none of them a link.
    Set(Vec<Target>),
    /// The links between two targets, in both directions.
    Link(Box<Target>, Box<Target>),
}

impl Target {
    /// Whether the nodes that it means are known only when the fault starts.
    #[must_use]
    pub fn waits_for_a_holder(&self) -> bool {
        match self {
            Target::Leader(_) | Target::Controller(_) | Target::Coordinator(_) => true,
            Target::Node(_) | Target::OneOf(..) | Target::All(_) | Target::Zone(_) => false,
            Target::Set(several) => several.iter().any(Target::waits_for_a_holder),
            Target::Link(one, other) => one.waits_for_a_holder() || other.waits_for_a_holder(),
        }
    }
}

/// The letters of a zone in files and reports: `a` to `z`, then `aa`.
#[must_use]
pub fn zone_letters(zone: u16) -> String {
    let letter = |index: u16| char::from(b'a' + (index % 26) as u8);
    match (zone / 26).checked_sub(1) {
        None => letter(zone).to_string(),
        Some(first) => [letter(first), letter(zone)].iter().collect(),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Node(name) => f.write_str(name),
            Target::Leader(part) => write!(f, "leader of {part}"),
            Target::Controller(part) => write!(f, "controller of {part}"),
            Target::Coordinator(part) => write!(f, "coordinator of {part}"),
            Target::OneOf(part, index) => write!(f, "one of {part} #{index}"),
            Target::All(part) => write!(f, "all of {part}"),
            Target::Zone(zone) => write!(f, "zone {}", zone_letters(*zone)),
            Target::Set(ends) => {
                for (index, end) in ends.iter().enumerate() {
                    let and = if index == 0 { "" } else { " and " };
                    write!(f, "{and}{end}")?;
                }
                Ok(())
            }
            Target::Link(from, to) => write!(f, "link {from} > {to}"),
        }
    }
}

/// What goes wrong. Probabilities are parts per million.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The process dies and boots again when the fault ends; page cache and disk survive.
    Crash,
    /// The machine loses power and boots again when the fault ends: what was not synced is lost, but for a
    /// drawn part; `torn` leaves the last surviving record invalid.
    PowerLoss {
        /// Whether the last record is torn.
        torn: bool,
    },
    /// The process stands still (GC, VM suspend); messages and timers queue.
    Pause {
        /// Whether its monotonic clock stands still too.
        clock_stops: bool,
    },
    /// The target is cut off from everybody else, in both directions. On a link: those two from each other.
    Partition,
    /// What the target sends is lost, what is sent to it arrives. On a link: from the first to the second.
    Oneway,
    /// Each packet is lost with this probability: delay on a connection, loss of a datagram.
    Loss {
        /// Parts per million.
        parts: u32,
    },
    /// Each datagram arrives twice with this probability.
    Duplicate {
        /// Parts per million.
        parts: u32,
    },
    /// Messages of a class are held back, and what follows on their connection.
    Delay {
        /// The class; empty is every class.
        class: String,
        /// How long.
        by: Span,
    },
    /// The next `count` messages of a class are removed, and their connections reset.
    Drop {
        /// The class.
        class: String,
        /// How many.
        count: u32,
    },
    /// The connection of the next request of a class is reset: before the request is applied, or after, so
    /// that the answer is lost.
    Reset {
        /// The class of the request.
        class: String,
        /// Whether the request is applied.
        after: bool,
    },
    /// Disk operations take `factor` times as long.
    SlowDisk {
        /// The factor.
        factor: u32,
    },
    /// Writes fail for want of space.
    DiskFull,
    /// Syncs fail, and what they should have made durable counts as clean from then on (fsyncgate).
    FailedSync,
    /// The process dies, and what it reads at its next boot ends at a record of a drawn data file in which a bit has
    /// flipped; it boots again when the fault ends.
    Corrupt,
    /// Steps take `factor` times as long.
    SlowNode {
        /// The factor.
        factor: u32,
    },
    /// Messages of a class pass at this rate at most; what comes faster is held back, as a broker does with a client
    /// above its quota (KIP-219), and what follows on its connection.
    Quota {
        /// The class; empty is every class.
        class: String,
        /// Messages a second, at least 1.
        per_second: u32,
    },
    /// Packets from and to the target take `factor` times as long.
    SlowLink {
        /// The factor.
        factor: u32,
    },
    /// The wall clock jumps, by nanoseconds, and jumps back when the fault ends.
    ClockStep {
        /// Nanoseconds, either sign.
        by: i64,
    },
    /// Both clocks run fast or slow.
    ClockDrift {
        /// Parts per million, either sign.
        parts: i32,
    },
    /// The wall clock is moved gradually, and jumps back when the fault ends.
    ClockSlew {
        /// How far in the end, nanoseconds, either sign.
        by: i64,
        /// How fast, in parts per million; above 0.
        parts: u32,
    },
    /// The wall clock repeats a second: it is set back by one when the fault begins.
    LeapSecond,
    /// The wall clock stands still and shows the right time again when the fault ends.
    ClockFreeze,
    /// The process dies when it passes a point, and boots again when the fault ends.
    CrashAt {
        /// The point's name.
        point: String,
        /// At which passage after the fault starts, counted from 1.
        nth: u32,
    },
    /// What follows a point is held back, and its lane.
    YieldAt {
        /// The point's name.
        point: String,
        /// How long.
        by: Span,
    },
    /// An operator's or the storage's doing, once.
    Control(Control),
}

impl FaultKind {
    /// Its name in scenario files and reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            FaultKind::Crash => "crash",
            FaultKind::PowerLoss { .. } => "power-loss",
            FaultKind::Pause { .. } => "pause",
            FaultKind::Partition => "partition",
            FaultKind::Oneway => "oneway",
            FaultKind::Loss { .. } => "loss",
            FaultKind::Duplicate { .. } => "duplicate",
            FaultKind::Delay { .. } => "delay",
            FaultKind::Drop { .. } => "drop",
            FaultKind::Reset { .. } => "reset",
            FaultKind::SlowDisk { .. } => "slow-disk",
            FaultKind::DiskFull => "disk-full",
            FaultKind::FailedSync => "failed-sync",
            FaultKind::Corrupt => "corrupt",
            FaultKind::SlowNode { .. } => "slow-node",
            FaultKind::Quota { .. } => "quota",
            FaultKind::SlowLink { .. } => "slow-link",
            FaultKind::ClockStep { .. } => "clock-step",
            FaultKind::ClockDrift { .. } => "clock-drift",
            FaultKind::ClockSlew { .. } => "clock-slew",
            FaultKind::LeapSecond => "leap-second",
            FaultKind::ClockFreeze => "clock-freeze",
            FaultKind::CrashAt { .. } => "crash-at",
            FaultKind::YieldAt { .. } => "yield-at",
            FaultKind::Control(control) => control.name(),
        }
    }
}

/// Something that goes wrong for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its name in reports; a planned fault has one.
    pub name: Option<String>,
    /// When it starts.
    pub at: Time,
    /// How long until it is healed.
    pub lasts: Span,
    /// What goes wrong.
    pub kind: FaultKind,
    /// Whom it strikes.
    pub target: Target,
    /// Whether the scenario asked for it; one without effect makes the run unknown.
    pub planned: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} on {} for {}",
            Span(self.at.0),
            self.kind.name(),
            self.target,
            self.lasts
        )
    }
}

/// All that goes wrong in a run, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultPlan {
    /// The faults, in order of their start.
    pub faults: Vec<Fault>,
}
