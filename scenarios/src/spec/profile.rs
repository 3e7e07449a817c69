//! `[profile]`: the choice of hardware and what differs from it.

use crate::hardware::DEFAULT;
use crate::spec::distribution::Distribution;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use stormglass_core::time::Span;
use stormglass_core::units::{Size, parse_size, pattern};

/// A hardware profile by name or file, and overrides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileSpec {
    /// The profile's name in the catalogue, or its file, relative to the scenario: a name that ends in `.toml`.
    #[schemars(schema_with = "name")]
    pub name: String,
    /// What differs between machines' links.
    pub link: LinkSpec,
    /// What differs in a node's processor.
    pub node: NodeSpec,
    /// What differs in a node's disk.
    pub disk: DiskSpec,
    /// What differs in the zones over which nodes are spread.
    pub zones: ZonesSpec,
    /// What differs in how nodes stand still by themselves.
    pub stalls: StallsSpec,
}

fn name(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "string",
        "anyOf": [{ "type": "string" }, { "type": "string", "pattern": r"\.toml$" }],
    })
}

impl Default for ProfileSpec {
    fn default() -> ProfileSpec {
        ProfileSpec {
            name: String::from(DEFAULT),
            link: LinkSpec::default(),
            node: NodeSpec::default(),
            disk: DiskSpec::default(),
            zones: ZonesSpec::default(),
            stalls: StallsSpec::default(),
        }
    }
}

/// A link between two machines; what is left out is the profile's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinkSpec {
    /// One way, inside a zone: instead of the two below.
    pub latency: Option<Distribution>,
    /// Half of all messages travel for less.
    pub latency_median: Option<Span>,
    /// One message in a hundred travels for longer.
    pub latency_p99: Option<Span>,
    /// Bytes a second.
    pub bandwidth: Option<Bandwidth>,
}

/// A node's processor; what is left out is the profile's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NodeSpec {
    /// Servers of its queue.
    pub cores: Option<u16>,
    /// Service time of a request.
    pub per_request: Option<Span>,
    /// Service time of a record.
    pub per_record: Option<Span>,
    /// Service time of 1,000 bytes.
    pub per_kilobyte: Option<Span>,
}

/// A node's disk; what is left out is the profile's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiskSpec {
    /// Half of all writes to the page cache take less.
    pub write: Option<Span>,
    /// A sync: instead of the two below.
    pub sync_time: Option<Distribution>,
    /// Half of all syncs take less.
    pub sync: Option<Span>,
    /// One sync in a hundred takes longer.
    pub sync_p99: Option<Span>,
    /// Bytes a second.
    pub bandwidth: Option<Bandwidth>,
}

/// Zones; what is left out is the profile's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ZonesSpec {
    /// How many there are. The nodes of each part are spread over them in turn.
    #[schemars(range(min = 1, max = 64))]
    pub count: Option<u16>,
    /// One way, between two zones.
    pub latency: Option<Distribution>,
}

/// Stalls of every node, while its clocks run; what is left out is the profile's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StallsSpec {
    /// The mean time from one to the next.
    pub every: Option<Span>,
    /// How long one lasts.
    pub lasts: Option<Distribution>,
}

/// Bytes a second, written `"125MB/s"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bandwidth(pub Size);

impl Serialize for Bandwidth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}/s", self.0))
    }
}

impl<'de> Deserialize<'de> for Bandwidth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bandwidth, D::Error> {
        let text = String::deserialize(deserializer)?;
        let size = text.trim().strip_suffix("/s").ok_or_else(|| {
            D::Error::custom(format!(
                "expected a bandwidth such as \"125MB/s\", found {text:?}"
            ))
        })?;
        let size = parse_size(size).map_err(D::Error::custom)?;
        if size.0 == 0 {
            return Err(D::Error::custom(
                "a bandwidth of 0 carries nothing: write one such as \"125MB/s\"",
            ));
        }
        Ok(Bandwidth(size))
    }
}

impl JsonSchema for Bandwidth {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Bandwidth")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        pattern::text(&format!(r"{}/s\s*", pattern::size()), &["125MB/s"])
    }
}
