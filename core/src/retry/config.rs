//! Settings of a retry policy.

use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether and when a client sends a request again that has failed. What is left out stays as the client's own
/// settings say: retries without a bound of their own, and the client's backoff.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryConfig {
    /// The wait before a retry; left out, the backoff that the client has anyway.
    pub policy: Option<RetryPolicy>,
    /// Attempts at most, the first one included; left out, as many as the delivery timeout allows.
    pub attempts: Option<u32>,
    /// How many retries there may be for each request.
    pub budget: Option<BudgetConfig>,
    /// When no request at all is sent for a while.
    pub breaker: Option<BreakerConfig>,
}

/// The wait before a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RetryPolicy {
    /// There is no retry.
    None,
    /// Always as long.
    Fixed(Span),
    /// Doubled each time.
    Exponential {
        /// The wait before the first retry.
        first: Span,
        /// The longest wait.
        max: Span,
        /// How the wait is drawn.
        #[serde(default)]
        jitter: Jitter,
    },
}

/// How an exponential wait is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Jitter {
    /// Evenly between nothing and the wait, so that clients that failed together do not come back together
    /// ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    #[default]
    Full,
    /// Not at all.
    None,
}

/// A token bucket: each first attempt puts `share` of a token in, each retry takes a whole one out. So there are
/// never more than `burst + share x requests` retries, as in Finagle's `RetryBudget`, the retry throttling of
/// gRPC (A6) and the retry quota of AWS's clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetConfig {
    /// Retries for each request in the long run, in thousandths. Written as a decimal (`share = 0.1`).
    #[serde(with = "thousandths")]
    #[schemars(with = "f64", range(min = 0, max = 1))]
    pub share: u32,
    /// Tokens at the start and at most.
    pub burst: u32,
}

impl Default for BudgetConfig {
    fn default() -> BudgetConfig {
        BudgetConfig {
            share: 100,
            burst: 10,
        }
    }
}

/// A circuit breaker. While it is open the client sends nothing and its requests wait; then one probe decides
/// whether it closes or stays open for as long again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakerConfig {
    /// What opens it.
    pub trips: Trips,
    /// How long it stays open before a probe.
    pub open: Span,
}

/// What opens a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Trips {
    /// So many failures in a row.
    InARow(u32),
    /// A share of failures among the latest requests.
    Share {
        /// The share in thousandths. Written as a decimal (`failed = 0.5`).
        #[serde(with = "thousandths")]
        #[schemars(with = "f64", range(min = 0, max = 1))]
        failed: u32,
        /// How many of the latest requests are looked at; before as many have ended it stays closed.
        of: u32,
    },
}

pub(crate) mod thousandths {
    use serde::de::{Deserializer, Error};
    use serde::{Deserialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(*value) / 1_000.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        let value = f64::deserialize(from)?;
        if !(0.0..=1.0).contains(&value) {
            return Err(D::Error::custom("a share lies between 0 and 1"));
        }
        Ok((value * 1_000.0).round() as u32)
    }
}
