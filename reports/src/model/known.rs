//! Failures that are known, and those that are new (decisions B12).

use super::value::{Value, counted};
use crate::stats::absence_bound_ppm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a failure was known before the sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// There was no list of known failures, and no base build.
    #[default]
    Unasked,
    /// It is not on the list.
    New,
    /// It is, and turns no gate red.
    Known {
        /// Why it may stay.
        reason: String,
        /// The version until which it may.
        until_version: String,
    },
    /// The base build of the change was run with the same seeds.
    AtBase {
        /// Seeds in which it has the failure too; none if the change brings it.
        showing: u64,
        /// Seeds that it ran.
        of: u64,
    },
}

impl Standing {
    /// Whether nothing was asked.
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        *self == Self::Unasked
    }

    /// Whether it is on the list.
    #[must_use]
    pub fn is_known(&self) -> bool {
        match self {
            Self::Known { .. } => true,
            Self::Unasked | Self::New | Self::AtBase { .. } => false,
        }
    }

    /// What stands beside the failure: `new`, or why it may stay and until when, or what the base build shows of it;
    /// nothing if neither was asked.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        match self {
            Self::Unasked => None,
            Self::New => Some("new".to_owned()),
            Self::Known {
                reason,
                until_version,
            } => Some(format!("known until {until_version}: {reason}")),
            Self::AtBase { showing: 0, of } => Some(format!(
                "new: the base build shows it in none of {} (< {})",
                counted(*of, "seed"),
                Value::Ppm(absence_bound_ppm(*of))
            )),
            Self::AtBase { showing, of } => Some(format!(
                "not new: the base build shows it in {} of {}",
                Value::Count(*showing),
                counted(*of, "seed")
            )),
        }
    }
}

/// An entry of the list, for one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFailure {
    /// Its signature.
    pub signature: String,
    /// Why it may stay.
    pub reason: String,
    /// The version until which it may.
    pub until_version: String,
    /// Where it stands, such as `known-failures.toml:12`.
    pub place: String,
    /// Whether the seed that it names shows it.
    pub is_seen: bool,
}

impl KnownFailure {
    /// How a failure of its signature stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::Known {
            reason: self.reason.clone(),
            until_version: self.until_version.clone(),
        }
    }

    /// What is said of it if nothing shows it.
    #[must_use]
    pub fn complaint(&self) -> String {
        format!(
            "{}: not seen any more: {}; take it out if it is mended, or name a seed that shows it",
            self.place, self.signature
        )
    }
}
