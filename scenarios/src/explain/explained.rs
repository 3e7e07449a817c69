//! All that is known about a failure, as one value: what is left of it, the life of its event, what would have
//! happened otherwise, and which settings may mend it.

use super::counterfactual::{Bench, Counterfactuals, Row, Search};
use super::lifeline::{Line, lifeline};
use super::{Change, Sort};
use crate::assemble::Assembly;
use crate::load::{Case, load_text_in};
use crate::shrink::Shrunk;
use stormglass_core::rng::Seed;

/// A schedule that fails more rarely than in so many of its 50 runs says nothing when it does not fail.
pub const LEAST: u64 = 10;

/// What a row of the table tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The schedule fails too rarely for anything to be concluded.
    Unclear,
    /// The failure needs this fault.
    Needed,
    /// It does not.
    NotNeeded,
    /// The setting makes the schedule pass; whether it mends more than that is for a search to say.
    MayMend,
    /// The setting or the wait changes nothing.
    NoHelp,
    /// The failure is rarer with the change and not gone.
    Rarer,
    /// The failure is gone with a wait: it has moved.
    Moves,
}

/// A setting that makes a failing schedule pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Mend {
    /// The setting.
    pub change: Change,
    /// What fresh seeds of the original scenario say of it; none if that was not asked.
    pub search: Option<Search>,
}

/// A failure, explained.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The smallest schedule.
    pub shrunk: Shrunk,
    /// The life of the first event that the violation names; empty where none is or hosted programs run.
    pub life: Vec<Line>,
    /// What would have happened otherwise.
    pub table: Counterfactuals,
    /// What may mend it.
    pub mends: Vec<Mend>,
}

impl Counterfactuals {
    /// Whether the schedule fails often enough for its absence to say something.
    #[must_use]
    pub const fn is_telling(&self) -> bool {
        self.base.fails >= LEAST
    }

    /// What a row of this table tells.
    #[must_use]
    pub const fn meaning(&self, row: &Row) -> Meaning {
        if !self.is_telling() {
            return Meaning::Unclear;
        }
        let as_often = row.rate.fails * 2 >= self.base.fails;
        match (row.sort, row.is_gone()) {
            (Sort::Fault, true) => Meaning::Needed,
            (Sort::Setting, true) => Meaning::MayMend,
            (Sort::Timing, true) => Meaning::Moves,
            (Sort::Fault, false) if as_often => Meaning::NotNeeded,
            (Sort::Setting | Sort::Timing, false) if as_often => Meaning::NoHelp,
            (Sort::Fault | Sort::Setting | Sort::Timing, false) => Meaning::Rarer,
        }
    }

    fn may_mend(&self) -> impl Iterator<Item = &Row> {
        let rows = self.rows.iter();
        rows.filter(|row| self.meaning(row) == Meaning::MayMend)
    }
}

impl Bench<'_> {
    /// Explains a failure without searching fresh seeds: settings that may mend it are listed unproved. What
    /// one setting does is not offered again with two.
    #[must_use]
    pub fn explain(&self, shrunk: Shrunk) -> Explained {
        let table = self.counterfactuals(&shrunk.scenario, &shrunk.violation.signature);
        let mut mends: Vec<Mend> = Vec::new();
        for row in table.may_mend() {
            if !mends.iter().any(|one| row.change.includes(&one.change)) {
                mends.push(Mend {
                    change: row.change.clone(),
                    search: None,
                });
            }
        }
        Explained {
            life: self.life(&shrunk).unwrap_or_default(),
            shrunk,
            table,
            mends,
        }
    }

    /// Whether everything that may mend a failure mends this one too: then both have one cause, however
    /// differently they show. Two planted flaws differ in it, because each is mended by leaving out itself.
    #[must_use]
    pub fn has_cause_of(&self, shrunk: &Shrunk, explained: &Explained) -> bool {
        let wanted: Vec<&str> = explained
            .mends
            .iter()
            .map(|mend| mend.change.label.as_str())
            .collect();
        let mends = |row: &Row| row.is_gone() && wanted.contains(&row.label.as_str());
        let signature = &shrunk.violation.signature;
        let table = self.counterfactuals_of(&shrunk.scenario, signature, &|change| {
            wanted.contains(&change.label.as_str())
        });
        let mended = table.rows.iter().filter(|row| mends(row)).count();
        !wanted.is_empty() && table.is_telling() && mended == wanted.len()
    }

    /// Tries every setting that may mend a failure on fresh seeds of the case that it came from. Two settings
    /// are tried where neither alone is a fix.
    pub fn prove(&self, explained: &mut Explained, original: &Case, seeds: u64) {
        let check = explained.shrunk.violation.signature.check;
        let mut mends: Vec<Mend> = Vec::new();
        for row in explained.table.may_mend() {
            let is_proved = |mend: &Mend| mend.search.as_ref().is_some_and(Search::is_fix);
            let mut proved = mends.iter().filter(|mend| is_proved(mend));
            if proved.any(|mend| row.change.includes(&mend.change)) {
                continue;
            }
            let search = self.search(original, check, &row.change, seeds);
            mends.extend(search.map(|search| Mend {
                change: row.change.clone(),
                search: Some(search),
            }));
        }
        explained.mends = mends;
    }

    /// The life of the first event that the violation names. The history of a hosted program is heard by its
    /// own driver only.
    fn life(&self, shrunk: &Shrunk) -> Option<Vec<Line>> {
        let event = shrunk.violation.events.first()?;
        let names = self.catalog.names();
        let file = load_text_in(self.folder, "repro.toml", shrunk.text.clone(), &names).ok()?;
        let assembly = Assembly::new(&file, file.base(), self.catalog).ok()?;
        if !assembly.programs().is_empty() {
            return None;
        }
        let seed = shrunk.seed();
        let plan = assembly.plan(Seed(seed));
        Some(lifeline(&assembly, seed, &plan, *event))
    }
}
