//! Settings of a sink.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A sink on one node: a database as seen by its writers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkConfig {
    /// What a write does.
    pub kind: SinkKind,
    /// Whether a write is answered only when it is durable.
    #[serde(default = "yes")]
    pub sync_before_ack: bool,
    /// Whether a write under a lease is refused when one with a higher token has been applied. A transactional
    /// sink has fences of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refuses_lower_tokens: bool,
    /// Planted flaws, for testing the checks.
    #[serde(default)]
    pub flaws: Vec<SinkFlaw>,
}

const fn yes() -> bool {
    true
}

/// What a write does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SinkKind {
    /// Every row is added (D1 without a key): a repeated write shows twice.
    Append,
    /// A row replaces the one of its key if its version (the input offset) is not lower (D3).
    Upsert,
    /// Rows are added together with the writer's position, and a writer with an older epoch or an already
    /// covered position is refused.
    Transactional,
}

/// Planted flaws of a sink.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SinkFlaw {
    /// Answers before the write is durable: a power loss takes acknowledged rows.
    AckBeforeSync,
    /// A sink that does not compare tokens, epochs or positions although it should.
    SkipFence,
    /// An upsert that ignores versions, so that an old write replaces a new one.
    IgnoreVersion,
    /// Claims effects that it never stores.
    LieInFacts,
}
