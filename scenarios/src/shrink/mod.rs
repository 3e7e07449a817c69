//! From a failing seed to the smallest schedule that still fails: a scenario file that stands alone.
//!
//! What the seed drew is written down first: the faults that did something, and every event. Then, as long as
//! the failure stays the same, events go, faults go, pipelines and settings go, and what is left is rounded.
//! Settings that the broken promise names are never touched. A step counts if it fails with three fresh timing
//! seeds of three, and the whole is repeated until nothing smaller fails. If the end result fails with fewer
//! than 18 of 20 others, it is cut anew with more seeds a step.

mod events;
mod explicit;
mod goal;
mod minimise;
mod parts;
mod schedule;
mod trial;

pub(crate) use explicit::distinct_names;
pub use goal::{Breaks, Goal, NO_PANIC, Rule};
pub use minimise::minimise;
pub use trial::{FINAL_SEEDS, STANDS_ALONE, attempt, same};

use crate::assemble::Assembly;
use crate::catalog::Catalog;
use crate::run::Ran;
use crate::spec::{Scenario, print};
use crate::sweep::{Broken, PartPanic};
use std::path::Path;
use std::sync::Arc;
use stormglass_core::check::{Answer, Signature, Violation};
use stormglass_core::outcome::Outcome;
use toml::Table;
use trial::Trials;

/// What bounds the work of one shrink: steps of actors in all runs. A second of one core makes about two
/// million of them.
pub const STEPS: u64 = 100_000_000;

/// How much is in a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Events that its sources owe.
    pub events: u64,
    /// Faults that do something.
    pub faults: u64,
    /// Steps of its run with the seed that failed.
    pub steps: u64,
}

/// A failure, cut to what it needs.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario that fails on its own.
    pub scenario: Scenario,
    /// Its file.
    pub text: String,
    /// What it violates.
    pub violation: Violation,
    /// How much there was.
    pub before: Size,
    /// How much is left.
    pub after: Size,
    /// With how many of [`FINAL_SEEDS`] fresh timing seeds it fails.
    pub fails: u64,
    /// The only timing seed with which it is known to fail, if fresh ones do not fail reliably.
    pub pinned: Option<u64>,
    /// Runs that it took.
    pub runs: u64,
    /// Whether the budget ended before nothing smaller failed.
    pub cut_short: bool,
}

/// Why there is nothing to shrink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unshrinkable {
    /// The run breaks no rule, or not the one asked for.
    Passes,
    /// What the seed drew, written down, does not fail. It would have to be a mistake of this tool.
    NotExplicit,
}

/// The first thing that a run breaks; if `what` names a check or the [`slug`] of a signature, of these. A check
/// that watches a cause comes before those that watch its symptoms when both fall on one instant, because causes
/// are listed first.
#[must_use]
pub fn first_violation<'a>(outcome: &'a Outcome, what: Option<&str>) -> Option<&'a Violation> {
    let failed = outcome
        .judgements
        .iter()
        .filter(|judgement| judgement.answer == Answer::Fail);
    let is_meant = |signature: &Signature| {
        what.is_none_or(|what| signature.check == what || slug(signature) == what)
    };
    failed
        .flat_map(|judgement| &judgement.violations)
        .filter(|violation| is_meant(&violation.signature))
        .min_by_key(|violation| violation.time)
}

/// Shrinks what breaks in a run of `seed`, of `what` as in [`first_violation`], or the panic of a part of the user
/// that ends it. Files that the scenario names stand in `folder`.
///
/// # Errors
/// If there is nothing to shrink.
pub fn shrink(
    catalog: &Catalog,
    folder: &Path,
    assembly: &Arc<Assembly>,
    seed: u64,
    what: Option<&str>,
    limit: u64,
) -> Result<Shrunk, Unshrinkable> {
    let original = trial::attempt(assembly, seed);
    match &original {
        Ok(ran) => {
            let violation = first_violation(&ran.outcome, what).ok_or(Unshrinkable::Passes)?;
            let goal = Rule(violation.signature.clone());
            cut(catalog, folder, assembly, seed, &goal, original, limit)
        }
        // One that hangs costs seconds of real time a run.
        Err(Some(panic))
            if panic.how == Broken::Panicked && what.is_none_or(|what| what == NO_PANIC) =>
        {
            let goal = Breaks {
                part: panic.part.clone(),
                how: panic.how,
            };
            cut(catalog, folder, assembly, seed, &goal, original, limit)
        }
        Err(_) => Err(Unshrinkable::Passes),
    }
}

/// Shrinks what `goal` finds in a run of `seed`.
///
/// # Errors
/// If it finds nothing.
pub fn shrink_to(
    catalog: &Catalog,
    folder: &Path,
    assembly: &Arc<Assembly>,
    seed: u64,
    goal: &dyn Goal,
    limit: u64,
) -> Result<Shrunk, Unshrinkable> {
    let original = trial::attempt(assembly, seed);
    cut(catalog, folder, assembly, seed, goal, original, limit)
}

fn cut(
    catalog: &Catalog,
    folder: &Path,
    assembly: &Arc<Assembly>,
    seed: u64,
    goal: &dyn Goal,
    original: Result<Ran, Option<PartPanic>>,
    limit: u64,
) -> Result<Shrunk, Unshrinkable> {
    let found = match &original {
        Ok(ran) => goal.found(assembly, Ok(ran)),
        Err(panic) => panic
            .as_ref()
            .and_then(|panic| goal.found(assembly, Err(panic))),
    };
    let violation = &found.ok_or(Unshrinkable::Passes)?;
    let outcome = original.as_ref().ok().map(|ran| &ran.outcome);
    let asks = goal.asks(&assembly.case().written.expect);
    let written = explicit::explicit(assembly, seed, outcome, asks);
    let before = Size {
        events: events::count(&written),
        faults: written.faults.planned.len() as u64,
        steps: outcome.map_or(0, |outcome| outcome.steps),
    };
    let mut trials = Trials::new(catalog, folder, goal, limit);
    let mut best: Option<Shrunk> = None;
    for count in trial::STEP_SEEDS {
        trials.seeds = (FIRST_SEED..FIRST_SEED + count).collect();
        if !trials.fails(&written) {
            break;
        }
        let shrunk = finish(&written, violation, before, None, &mut trials)?;
        if best.as_ref().is_none_or(|best| shrunk.fails > best.fails) {
            best = Some(shrunk);
        }
        if best.as_ref().is_some_and(Shrunk::stands_alone) {
            break;
        }
    }
    if let Some(best) = best {
        return Ok(best);
    }
    // It depends on timing that only this seed is known to have.
    trials.seeds = vec![seed];
    if !trials.fails(&written) {
        return Err(Unshrinkable::NotExplicit);
    }
    finish(&written, violation, before, Some(seed), &mut trials)
}

/// The first timing seed of a step.
const FIRST_SEED: u64 = 1;

/// Cuts a schedule and says what is left of it.
fn finish(
    written: &Scenario,
    violation: &Violation,
    before: Size,
    pinned: Option<u64>,
    trials: &mut Trials<'_>,
) -> Result<Shrunk, Unshrinkable> {
    let (scenario, tree) = smallest(written.clone(), violation, trials);
    let cut_short = trials.is_spent();
    let small = trials.assembled(&scenario.question, &tree);
    let (_, small) = small.ok_or(Unshrinkable::NotExplicit)?;
    let (found, steps) = trials.judged(&small, pinned.unwrap_or(FIRST_SEED));
    let mut shrunk = Shrunk {
        text: String::new(),
        violation: found.ok_or(Unshrinkable::NotExplicit)?,
        before,
        after: Size {
            events: events::count(&scenario),
            faults: scenario.faults.planned.len() as u64,
            steps,
        },
        scenario,
        fails: trials.confirm(&small),
        pinned,
        runs: trials.runs,
        cut_short,
    };
    shrunk.scenario.question = shrunk.question();
    shrunk.text = print::print_table(&shrunk.scenario.question, &tree);
    Ok(shrunk)
}

/// Every kind of cut, until none helps.
fn smallest(
    written: Scenario,
    violation: &Violation,
    trials: &mut Trials<'_>,
) -> (Scenario, Table) {
    let mut scenario = schedule::fewer(written, trials);
    scenario = parts::fewer(scenario, trials);
    scenario = events::fewer(scenario, violation.time, trials);
    loop {
        let before = scenario.clone();
        scenario = schedule::fewer(scenario, trials);
        scenario = schedule::shorter(scenario, trials);
        scenario = events::fewer(scenario, violation.time, trials);
        scenario = events::plainer(scenario, trials);
        scenario = schedule::plainer(scenario, trials);
        let (plain, tree) = parts::plainer(&scenario, trials);
        scenario = plain;
        if scenario == before || trials.is_spent() {
            return (scenario, tree);
        }
    }
}

impl Shrunk {
    /// A timing seed with which it fails.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.pinned.unwrap_or(FIRST_SEED)
    }

    /// What happens in the schedule, for people: how many events, and each fault.
    #[must_use]
    pub fn schedule(&self) -> Vec<String> {
        let count = self.after.events;
        let events = match count {
            1 => "one event".to_owned(),
            _ => format!("{count} events"),
        };
        let faults = self.scenario.faults.planned.iter().map(|fault| {
            format!(
                "{} after the start of chaos: '{}', {} on {} for {}",
                fault.at,
                fault.name,
                fault.kind.to_fault().name(),
                fault.target,
                fault.lasts
            )
        });
        [events].into_iter().chain(faults).collect()
    }

    /// Whether two failures were cut down to one schedule: the same parts, faults and number of events, which
    /// break the same rule. What the events carry may differ.
    #[must_use]
    pub fn is_like(&self, other: &Shrunk) -> bool {
        let mut scenario = other.scenario.clone();
        scenario.question.clone_from(&self.scenario.question);
        scenario.sources.clone_from(&self.scenario.sources);
        (&self.violation.signature, self.pinned, self.after.events)
            == (&other.violation.signature, other.pinned, other.after.events)
            && self.scenario == scenario
    }

    /// Whether the file fails on its own, whatever the timing.
    #[must_use]
    pub const fn stands_alone(&self) -> bool {
        self.fails >= STANDS_ALONE
    }

    /// What the file opens with.
    fn question(&self) -> String {
        let Violation {
            signature,
            sentence,
            ..
        } = &self.violation;
        let how = match self.pinned {
            None => format!(
                "It fails with {} of {FINAL_SEEDS} timing seeds.",
                self.fails
            ),
            Some(seed) => format!(
                "It depends on timing: run it with --seed {seed}; it fails with {} of {FINAL_SEEDS} others.",
                self.fails
            ),
        };
        format!(
            "Does this still break {}: {} ({})?\n\n{sentence}\n\n\
             Shrunk from {} events and {} faults to {} and {}. {how}",
            signature.check,
            signature.anomaly,
            signature.cause,
            self.before.events,
            self.before.faults,
            self.after.events,
            self.after.faults,
        )
    }
}

/// The signature as the name of a folder.
#[must_use]
pub fn slug(signature: &Signature) -> String {
    words(&signature.to_string())
}

/// The same of a signature as it is written.
#[must_use]
pub fn words(signature: &str) -> String {
    let words = signature.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_lowercase()
}
