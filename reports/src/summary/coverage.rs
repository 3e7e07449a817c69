//! The cells that a sweep reached, counted.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::coverage::CoverageRow;
use crate::model::value::Value;

/// Which cells of (point, part, kind of fault) a sweep reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageSummary {
    /// Cells reached in some run.
    pub reached: u64,
    /// Points passed in some run, times kinds of faults under which some point was.
    pub possible: u64,
    /// The kinds, by name.
    pub kinds: Vec<Cow<'static, str>>,
    /// One row a point and part.
    pub rows: Vec<CoverageRow>,
}

impl CoverageSummary {
    /// The matrix of a sweep's rows, if there are any.
    #[must_use]
    pub fn of(rows: &[CoverageRow]) -> Option<Self> {
        let kinds: BTreeSet<_> = rows.iter().flat_map(|row| row.faults.keys()).collect();
        let reached: usize = rows.iter().map(|row| row.faults.len()).sum();
        (!rows.is_empty()).then(|| Self {
            reached: reached as u64,
            possible: (rows.len() * kinds.len()) as u64,
            kinds: kinds.into_iter().cloned().collect(),
            rows: rows.to_vec(),
        })
    }

    /// `212 of 288 cells reached: 24 points under 12 kinds of faults`.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{} of {} cells reached: {} points under {} kinds of faults",
            Value::Count(self.reached),
            Value::Count(self.possible),
            self.rows.len(),
            self.kinds.len()
        )
    }
}
