//! What a second, recorded run of the shown seed tells (decisions A16): gauges over time, and where the run failed
//! the moments around its failure, each with the one that it follows from.
//!
//! Whoever recorded it hands it over as plain data; every view shows these moments and names them by their place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is shown of a thing over time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Gauge {
    /// Cores of a node in use over the slot, in parts per million of all it has.
    Busy,
    /// Inputs that waited at a node or were served there, on average over the slot, in thousandths.
    Queue,
    /// Events that a reader could have read and has not, at the end of the slot.
    Backlog,
    /// How long ago the oldest of these was due, in microseconds.
    Lag,
    /// How far a processor's watermark is behind true time, in microseconds.
    Watermark,
}

impl Gauge {
    /// All of them, in the order shown.
    pub const ALL: [Self; 5] = [
        Self::Busy,
        Self::Queue,
        Self::Backlog,
        Self::Lag,
        Self::Watermark,
    ];
}

/// One thing over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GaugeLine {
    /// What is shown.
    pub gauge: Gauge,
    /// Of what, by name.
    pub of: String,
    /// A value a slot; none where there is nothing to say.
    pub values: Vec<Option<u64>>,
}

/// What sort of moment it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A fault begins or ends, a process dies or boots.
    Fault,
    /// An office, a lease or a share of the input changes hands.
    Office,
    /// A client sends.
    Send,
    /// A broker takes, stores or commits.
    Store,
    /// A reader is given something.
    Read,
    /// A processor or a sink makes something of it.
    Effect,
    /// A client is told that it is done.
    Answer,
    /// Something is lost, dropped or given up.
    Loss,
}

impl Kind {
    /// All of them, in the order of the filter.
    pub const ALL: [Self; 8] = [
        Self::Fault,
        Self::Office,
        Self::Send,
        Self::Store,
        Self::Read,
        Self::Effect,
        Self::Answer,
        Self::Loss,
    ];

    /// The word of the list and its filter.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Office => "office",
            Self::Send => "send",
            Self::Store => "store",
            Self::Read => "read",
            Self::Effect => "effect",
            Self::Answer => "answer",
            Self::Loss => "loss",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Moment {
    /// When, in true time, nanoseconds from the start: messages and steps are closer than microseconds.
    pub at: u64,
    /// Where, by its place among the nodes of the story; none for what happens to the world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<usize>,
    /// What sort.
    pub kind: Kind,
    /// In words, without the node.
    pub what: String,
    /// The earlier moment that it follows from, by its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<usize>,
    /// Whether it concerns an event that the failure names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub followed: bool,
}

impl Moment {
    /// When, in seconds with microseconds.
    #[must_use]
    pub fn seconds(&self) -> String {
        let micros = self.at / 1_000;
        format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

/// What led to a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Story {
    /// The violation in a sentence.
    pub sentence: String,
    /// When it happened, in nanoseconds; for a lost event, when that was owed.
    pub at: u64,
    /// The events that are followed, as `source:number`.
    pub events: Vec<String>,
    /// The nodes of its moments, in the order of the scenario.
    pub nodes: Vec<String>,
    /// In the order in which they happened.
    pub moments: Vec<Moment>,
    /// How many moments the run had in all.
    pub all: u64,
    /// In which order everybody saw the log of the event, if it lay in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

impl Story {
    /// The name of a node; of what happens to no node, that.
    #[must_use]
    pub fn node(&self, moment: &Moment) -> &str {
        let name = moment.node.and_then(|node| self.nodes.get(node));
        name.map_or("the world", String::as_str)
    }

    /// The moments that followed from one on another node: what a message brought. Pairs of cause and effect.
    pub fn messages(&self) -> impl Iterator<Item = (usize, usize)> {
        self.moments.iter().enumerate().filter_map(|(at, moment)| {
            let cause = moment.cause?;
            let (from, to) = (self.moments.get(cause)?.node?, moment.node?);
            (from != to).then_some((cause, at))
        })
    }
}

/// What one observer has of one offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct OrderCell {
    /// The event that it saw there last, as `source:number`; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub event: String,
    /// The others that it saw there before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// How often that one was stored, read or shown there.
    pub times: u64,
    /// Whether it is gone again: truncated, or lost with the power.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_gone: bool,
    /// Its place in the order in which the observer had the cells of its row, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
    /// The moments of the story that did it, by their places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moments: Vec<usize>,
}

/// All that one observer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct OrderRow {
    /// The observer and what it does: `broker.main.0 stores`.
    pub observer: String,
    /// A cell an offset.
    pub cells: Vec<OrderCell>,
}

impl OrderRow {
    /// Whether the observer had the cell before one of a lower offset: it saw them in another order than the log's.
    #[must_use]
    pub fn is_early(&self, at: usize) -> bool {
        let rank = self.cells.get(at).and_then(|cell| cell.rank);
        let before = self
            .cells
            .iter()
            .take(at)
            .filter_map(|cell| cell.rank)
            .max();
        rank.zip(before).is_some_and(|(rank, before)| rank < before)
    }
}

/// A log as everybody saw it around one offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Order {
    /// The log.
    pub log: String,
    /// The first offset shown.
    pub from: u64,
    /// The offset of the followed event.
    pub offset: u64,
    /// Replicas, then readers, then sinks.
    pub rows: Vec<OrderRow>,
}
