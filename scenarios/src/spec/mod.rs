//! What a scenario file says, typed. A file is read strictly: what is not known is a mistake that is
//! pointed at, and nothing after the load has to check a name, a unit or a bound again.

pub(crate) mod bounds;
pub mod clocks;
pub mod distribution;
pub(crate) mod document;
pub mod expect;
pub mod faults;
pub mod matrix;
pub(crate) mod parse;
pub mod phases;
pub mod planned;
pub mod print;
pub mod profile;
pub(crate) mod references;
pub mod run;
pub mod scale;
pub mod slo;
pub mod target;
pub(crate) mod variant;
pub(crate) mod written;

#[cfg(test)]
mod tests;

pub use clocks::ClocksSpec;
pub use document::Spans;
pub use expect::{ExpectSpec, PointSpec, SloEnvelope};
pub use faults::{EnvelopeRule, FaultsSpec, Moment, PlannedFault, SwarmKind};
pub use profile::ProfileSpec;
pub use run::{Length, Limits, Phases, RunSpec};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use stormglass_core::broker::fanout::config::FanoutConfig;
use stormglass_core::broker::log::config::LogConfig;
use stormglass_core::broker::queue::config::QueueConfig;
use stormglass_core::lease::config::LeaseConfig;
use stormglass_core::processor::config::{DeliveryMode, ProcessorConfig};
use stormglass_core::sink::config::SinkConfig;
use stormglass_core::source::config::SourceConfig;

/// One question, as a file asks it. Parts are kept by name, so that their order in the file means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The question it asks: the file's opening comment.
    pub question: String,
    /// Phases, scale, seeds and limits.
    pub run: RunSpec,
    /// What owes events.
    pub sources: BTreeMap<String, SourceConfig>,
    /// What stores and hands out events.
    pub brokers: BTreeMap<String, BrokerSpec>,
    /// What transforms events.
    pub processors: BTreeMap<String, ProcessorConfig>,
    /// What makes effects visible.
    pub sinks: BTreeMap<String, SinkConfig>,
    /// Users' own programs.
    pub services: BTreeMap<String, ServiceSpec>,
    /// What lets one node of a processor write at a time.
    pub leases: BTreeMap<String, LeaseConfig>,
    /// What keeps clocks right.
    pub clocks: ClocksSpec,
    /// The hardware.
    pub profile: ProfileSpec,
    /// What goes wrong.
    pub faults: FaultsSpec,
    /// What is asked of the runs.
    pub expect: ExpectSpec,
}

/// A broker of one of the kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
// A file writes the kind among the settings; the parser brings it to the outside before it reads these.
#[schemars(tag = "kind")]
pub enum BrokerSpec {
    /// A replicated log.
    Log(LogConfig),
    /// A queue with leases.
    Queue(QueueConfig),
    /// A fan-out of copies.
    Fanout(FanoutConfig),
}

impl BrokerSpec {
    /// The name of its kind in scenario files.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            BrokerSpec::Log(_) => "log",
            BrokerSpec::Queue(_) => "queue",
            BrokerSpec::Fanout(_) => "fanout",
        }
    }

    /// How many nodes it runs on.
    #[must_use]
    pub const fn nodes(&self) -> u16 {
        match self {
            BrokerSpec::Log(config) => config.nodes,
            BrokerSpec::Queue(_) | BrokerSpec::Fanout(_) => 1,
        }
    }

    /// The names of its topics, in order.
    #[must_use]
    pub fn topics(&self) -> Vec<&str> {
        match self {
            BrokerSpec::Log(config) => config.topics.keys().map(String::as_str).collect(),
            BrokerSpec::Queue(config) => config.topics.keys().map(String::as_str).collect(),
            BrokerSpec::Fanout(config) => config.topics.keys().map(String::as_str).collect(),
        }
    }
}

/// A user's own program, hosted beside the parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// Its name in the catalogue.
    pub service: String,
    /// Where it reads: `broker.<name>/<topic>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where it writes: `broker.<name>/<topic>` or `sink.<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which delivery it is held to where it reads a topic and writes to a sink.
    #[serde(default)]
    pub delivery: DeliveryMode,
    /// How many nodes run it.
    #[serde(default = "one")]
    pub nodes: u16,
}

const fn one() -> u16 {
    1
}

/// The names that a catalogue knows. `None` leaves the names of that sort unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Operators of processors.
    pub operators: Option<BTreeSet<String>>,
    /// Users' services.
    pub services: Option<BTreeSet<String>>,
    /// Hardware profiles.
    pub profiles: Option<BTreeSet<String>>,
    /// Checks.
    pub checks: Option<BTreeSet<String>>,
    /// Points.
    pub points: Option<BTreeSet<String>>,
    /// Classes of messages.
    pub classes: Option<BTreeSet<String>>,
}

/// Where something is published or consumed, split into its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place<'a> {
    /// `broker.<name>/<topic>`
    Topic {
        /// The broker's name, without its section.
        broker: &'a str,
        /// The topic's.
        topic: &'a str,
    },
    /// `sink.<name>`
    Sink(&'a str),
}

/// Reads a place, none if the text has neither of its forms.
#[must_use]
pub fn place(text: &str) -> Option<Place<'_>> {
    if let Some(sink) = text.strip_prefix("sink.") {
        return Some(Place::Sink(sink));
    }
    let (broker, topic) = text.strip_prefix("broker.")?.split_once('/')?;
    Some(Place::Topic { broker, topic })
}
