//! Which points were passed under which kinds of faults.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A name known to the code that was run, or read back from a file.
pub type Name = Cow<'static, str>;

/// A point that a run passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassedPoint {
    /// Its name.
    pub point: Name,
    /// The kind of part whose nodes passed it.
    pub part: Name,
    /// Kinds of faults that were active anywhere meanwhile, and whether one struck a node that passed.
    pub faults: Vec<(Name, bool)>,
}

/// A point that a sweep passed, with its cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageRow {
    /// Its name.
    pub point: Name,
    /// The kind of part whose nodes passed it.
    pub part: Name,
    /// By kind of fault: in how many runs.
    pub faults: BTreeMap<Name, CellRuns>,
}

/// In how many runs a cell was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct CellRuns {
    /// Runs in which the point was passed while a fault of the kind was active anywhere.
    pub reached: u64,
    /// Of these, runs in which such a fault struck a node that passed the point.
    pub struck: u64,
}

impl CellRuns {
    fn merge(&mut self, other: Self) {
        self.reached += other.reached;
        self.struck += other.struck;
    }
}

/// The cells of all runs so far, by point and part.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    rows: BTreeMap<(Name, Name), BTreeMap<Name, CellRuns>>,
}

impl Cells {
    /// Adds a run's points.
    pub fn add(&mut self, points: Vec<PassedPoint>) {
        for point in points {
            let row = self.rows.entry((point.point, point.part)).or_default();
            for (kind, struck) in point.faults {
                row.entry(kind).or_default().merge(CellRuns {
                    reached: 1,
                    struck: struck.into(),
                });
            }
        }
    }

    /// Adds what another collector gathered.
    pub fn merge(&mut self, other: Self) {
        for (key, faults) in other.rows {
            let row = self.rows.entry(key).or_default();
            for (kind, runs) in faults {
                row.entry(kind).or_default().merge(runs);
            }
        }
    }

    /// The rows, by point and part.
    #[must_use]
    pub fn rows(self) -> Vec<CoverageRow> {
        let rows = self.rows.into_iter();
        rows.map(|((point, part), faults)| CoverageRow {
            point,
            part,
            faults,
        })
        .collect()
    }
}
