//! Distributions as a page and a JSON file hold them: the counted buckets of each, packed into one text.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::histogram::LatencyHistogram;
use crate::packed::{pack_lists, unpack_lists};

/// A list of buckets for each distribution: the highest microsecond of a bucket, and the samples in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buckets(pub Vec<Vec<(u64, u64)>>);

impl Buckets {
    /// Whether there is no distribution.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a distribution; what never ended is told beside it.
    pub fn push(&mut self, data: &LatencyHistogram) {
        self.0.push(data.buckets().collect());
    }
}

impl Serialize for Buckets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = pack_lists(&self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Buckets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unpack_lists(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Buckets {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Buckets".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "contentEncoding": "base64",
            "description": "Lists of buckets, deflated: docs/reports.md says how.",
        })
    }
}
